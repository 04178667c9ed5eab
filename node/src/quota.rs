//! Shares of the transaction pool, by kinds of transactions.
//!
//! A full pool drops what has the lowest priority. Without shares, whoever sends enough of a kind with
//! a high priority keeps all others out of every pool, and so out of blocks that have room for them.
//! The runtime counts such blocks as time to answer or to move, and who could not loses a bond. Each
//! share is larger than what a block takes of its kind: while a share is full, so are the blocks, and
//! the runtime does not count them.
//!
//! Signed transactions that are not the next of their sender cost nothing before the earlier ones are in
//! a block, so whoever sends many of them would else keep all others out. If one is missing, for which
//! they may wait for ever, they take at most an eighth of their share; and otherwise, of the calls that a
//! clock counts on, half of it.
//!
//! The node's own transactions, those of its offchain workers, take no share.

mod senders;

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_runtime::{
    configs::system::MAX_BLOCK_BYTES, AccountId, Address, Nonce, RuntimeCall, Signature,
    TxExtension, UncheckedExtrinsic,
};
use codec::DecodeLimit;
use frame_support::{
    dispatch::{DispatchClass, GetDispatchInfo},
    MAX_EXTRINSIC_DEPTH,
};
use frame_system::CheckNonce;
use parking_lot::Mutex;
use sc_transaction_pool_api::{InPoolTransaction, TransactionPool};
use senders::{Order, Senders, Signed};
use sp_runtime::generic::Preamble;
use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::timeout,
};

/// Default of `--pool-limit`, the maximum number of transactions in the pool.
pub const POOL_LIMIT: &str = "16384";
/// Default of `--pool-kbytes`, the maximum size of the transactions in the pool, in KiB.
pub const POOL_KBYTES: &str = "40960";
/// How much more bytes than the shares are parts of the SDK's pool may have.
///
/// It keeps what has become invalid in a block until a later one is final, and cannot tell what that
/// is; the shares give the room back at once. Whoever lets the first transaction of a row move the
/// money of all others fills a pool of the shares' size in each block, for one fee.
pub const SDK_BYTES_FACTOR: usize = 4;
/// And how many more transactions. Rows of large ones are the cheapest way to fill it, and for each view
/// of a block it keeps a list of twice as many refused hashes as this allows.
pub const SDK_COUNT_FACTOR: usize = 2;

/// Minimum time between two looks at what the pool still has of a kind. A block is made every two
/// seconds.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// How long those after a signed transaction that no block has follow it, if the pool has it no more. What
/// comes while the pool makes the view of a new block is missing there until the next one.
const MISSING: Duration = Duration::from_secs(6);
/// How long a transaction waits for the validations of earlier ones of its sender, all together.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many of a kind wait so. Others count as if an earlier one were missing.
const MAX_PATIENT: usize = 1_024;

type DecodedPreamble = Preamble<Address, Signature, TxExtension>;

fn nonce((_, _, _, _, _, _, CheckNonce(nonce), ..): TxExtension) -> Nonce {
    nonce
}

/// What a transaction counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A move of an operator in a dispute.
    Move,
    /// An answer of an operator to a request.
    Answer,
    /// A heartbeat of an operator.
    Heartbeat,
    /// A signed call of the operational class: a challenger's move, an appeal.
    Operational,
    /// Anything else, and what this node cannot decode, for example after an upgrade of the runtime.
    Other,
}

impl Kind {
    /// All kinds, in the order of their values.
    pub const ALL: [Self; 5] =
        [Self::Move, Self::Answer, Self::Heartbeat, Self::Operational, Self::Other];

    /// The kind of an encoded transaction, and the sender and nonce of a signed one.
    ///
    /// The size, the depth and the memory of what is decoded are bounded.
    fn of(encoded: &[u8]) -> (Self, Option<Signed>) {
        if encoded.len() > MAX_BLOCK_BYTES as usize {
            return (Self::Other, None);
        }
        let decoded =
            UncheckedExtrinsic::decode_all_with_depth_limit(MAX_EXTRINSIC_DEPTH, &mut &encoded[..]);
        let Ok(UncheckedExtrinsic { preamble, function, .. }) = decoded else {
            return (Self::Other, None);
        };
        match (preamble, function) {
            (DecodedPreamble::General(..), RuntimeCall::Disputes(_)) => (Self::Move, None),
            (DecodedPreamble::General(..), RuntimeCall::Inference(_)) => (Self::Answer, None),
            (DecodedPreamble::General(..), RuntimeCall::Operators(_)) => (Self::Heartbeat, None),
            (DecodedPreamble::Signed(Address::Id(sender), _, extension), call) => {
                let kind = match call.get_dispatch_info().class {
                    DispatchClass::Operational => Self::Operational,
                    _ => Self::Other,
                };
                (kind, Some((sender, nonce(extension))))
            },
            // No other address names an account.
            _ => (Self::Other, None),
        }
    }

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Move => "moves",
            Self::Answer => "answers",
            Self::Heartbeat => "heartbeats",
            Self::Operational => "operational",
            Self::Other => "others",
        }
    }

    /// The share of the pool, in percent of its number of transactions and of its size.
    pub const fn percent(self) -> Size {
        let (count, bytes) = match self {
            Self::Move => (5, 10),
            Self::Answer => (20, 25),
            Self::Heartbeat => (20, 2),
            Self::Operational => (20, 20),
            Self::Other => (30, 38),
        };
        Size { count, bytes }
    }
}

/// A number of transactions, and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Number.
    pub count: usize,
    /// Size in bytes.
    pub bytes: usize,
}

impl Size {
    const fn one(bytes: usize) -> Self {
        Self { count: 1, bytes }
    }

    const fn half(self) -> Self {
        Self { count: self.count / 2, bytes: self.bytes / 2 }
    }

    const fn eighth(self) -> Self {
        Self { count: self.count / 8, bytes: self.bytes / 8 }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_sub(other.count),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }

    /// Whether one more fits into what may be taken. If nothing is, one of any size does.
    fn has_room(self, bytes: usize, limit: Self) -> bool {
        let all = self.plus(Self::one(bytes));
        self.count == 0 || (all.count <= limit.count && all.bytes <= limit.bytes)
    }

    /// This share of the whole, which is given in percent.
    fn of(self, whole: Self) -> Self {
        Self {
            count: whole.count.saturating_mul(self.count) / 100,
            bytes: whole.bytes.saturating_mul(self.bytes) / 100,
        }
    }
}

/// The nonce of an account in the best block; `None` if it cannot be read.
pub type Nonces = dyn Fn(AccountId) -> Option<Nonce> + Send + Sync;

/// The shares of all kinds. Peers and clients of the RPC use the same.
pub struct Quotas<H> {
    shares: [Arc<Quota<H>>; Kind::ALL.len()],
    nonces: Box<Nonces>,
}

impl<H: Hash + Eq> Quotas<H> {
    /// Shares of a pool with these limits.
    pub fn new(pool: Size, nonces: Box<Nonces>) -> Self {
        let share = |kind: Kind| {
            let limit = kind.percent().of(pool);
            let of_rows = match kind {
                Kind::Operational => limit.half(),
                _ => limit,
            };
            Arc::new(Quota::new(limit, of_rows))
        };
        Self { shares: Kind::ALL.map(share), nonces }
    }

    fn share(&self, kind: Kind) -> &Arc<Quota<H>> {
        &self.shares[kind as usize]
    }

    /// Takes room for an encoded transaction in the share of its kind; see [`Quota::reserve`].
    ///
    /// # Errors
    ///
    /// The share is full. Returns the kind.
    pub async fn reserve<P>(&self, pool: &P, hash: &H, encoded: &[u8]) -> Result<Place<H>, Kind>
    where
        P: TransactionPool<Hash = H>,
    {
        let (kind, signed) = Kind::of(encoded);
        let place =
            self.share(kind).reserve(pool, hash, encoded.len(), signed, &*self.nonces).await;
        place.ok_or(kind)
    }
}

/// The share of one kind.
pub struct Quota<H> {
    limit: Size,
    /// What there may be when one comes that is not the next of its sender.
    of_rows: Size,
    /// Whoever has to wait for room that validations may leave waits in the order of arrival.
    turn: tokio::sync::Mutex<()>,
    given_back: Notify,
    /// Whoever waits for earlier ones of its sender keeps no other waiting.
    patient: Semaphore,
    taken: Mutex<Taken<H>>,
}

/// What is taken of a share.
struct Taken<H> {
    /// What the pool accepted, by hash. It may have dropped some since the last look.
    accepted: HashMap<H, Held>,
    /// What it had of that at the last look.
    present: Size,
    /// What is validated.
    validated: Size,
    senders: Senders,
    /// What is present or validated although an earlier transaction of its sender is missing.
    apart: Size,
    looked: Option<Instant>,
}

/// What a share holds of a transaction.
#[derive(Clone)]
struct Held {
    bytes: usize,
    signed: Option<Signed>,
    /// Whether an earlier transaction of its sender was missing when it came.
    is_apart: bool,
    /// Since when the pool has it no more, although no block has its nonce. It takes no room meanwhile.
    missing: Option<Instant>,
}

impl Held {
    const fn new(bytes: usize, signed: Option<Signed>) -> Self {
        Self { bytes, signed, is_apart: false, missing: None }
    }
}

/// Whether there is room for one more transaction.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// There was, and it is taken now.
    Room,
    /// The pool has the transaction, so that it takes no more room.
    Known,
    /// That depends on validations that have not ended.
    Busy,
    /// There is none.
    Full,
}

impl<H: Hash + Eq> Quota<H> {
    fn new(limit: Size, of_rows: Size) -> Self {
        let taken = Taken {
            accepted: HashMap::new(),
            present: Size::default(),
            validated: Size::default(),
            senders: Senders::default(),
            apart: Size::default(),
            looked: None,
        };
        Self {
            limit,
            of_rows,
            turn: Default::default(),
            given_back: Notify::new(),
            patient: Semaphore::new(MAX_PATIENT),
            taken: Mutex::new(taken),
        }
    }

    /// Takes room for a transaction, until the [`Place`] is dropped without [`Place::keep`] or the
    /// pool no longer has the transaction. If that depends on validations that have not ended, waits
    /// for them, at most [`PATIENCE`] for those of its sender. Returns `None` if there is no room for one
    /// in its order among those of its sender.
    async fn reserve<P>(
        self: &Arc<Self>,
        pool: &P,
        hash: &H,
        bytes: usize,
        signed: Option<Signed>,
        nonces: &Nonces,
    ) -> Option<Place<H>>
    where
        P: TransactionPool<Hash = H>,
    {
        let mut held = Held::new(bytes, signed);
        let mut patience = None;
        let mut may_wait = true;
        let found = loop {
            let ended = match self.find(pool, hash, &mut held, nonces, may_wait).await {
                Ok(found) => break found,
                Err(ended) => ended,
            };
            patience = patience.or_else(|| Patience::take(self, held.signed.clone()?));
            let left = patience.as_ref().map_or(Duration::ZERO, Patience::left);
            let notified = ended.notified();
            tokio::pin!(notified);
            // An end from here on is noticed, and one before it was if the order is still open for the
            // same reason.
            notified.as_mut().enable();
            let is_open = matches!(
                self.order(&held, nonces),
                Order::Undecided(other) if Arc::ptr_eq(&other, &ended)
            );
            may_wait = left > Duration::ZERO && (!is_open || timeout(left, notified).await.is_ok());
        };
        match found {
            Found::Full => None,
            _ => Some(Place { quota: self.clone(), held, reserved: found == Found::Room }),
        }
    }

    /// Finds room in the order of arrival, or none, or that the pool has the transaction. If that depends
    /// on validations of earlier ones of the sender, and this may wait for them, returns what notifies
    /// of their ends.
    async fn find<P>(
        &self,
        pool: &P,
        hash: &H,
        held: &mut Held,
        nonces: &Nonces,
        may_wait: bool,
    ) -> Result<Found, Arc<Notify>>
    where
        P: TransactionPool<Hash = H>,
    {
        let _turn = self.turn.lock().await;
        held.is_apart = false;
        // As long as the share is nearly empty, nobody has to know the order.
        let mut found =
            self.try_reserve(pool, hash, held, self.limit.eighth(), nonces, Instant::now());
        while matches!(found, Found::Busy | Found::Full) {
            // Blocks may come while this waits.
            let order = self.order(held, nonces);
            held.is_apart = matches!(order, Order::Apart | Order::Undecided(_));
            let limit = match order {
                Order::Undecided(ended) if may_wait => return Err(ended),
                Order::Next => self.limit,
                _ => self.of_rows,
            };
            found = self.try_reserve(pool, hash, held, limit, nonces, Instant::now());
            match found {
                Found::Full => break,
                Found::Busy => self.given_back.notified().await,
                Found::Room | Found::Known => {},
            }
        }
        Ok(found)
    }

    fn order(&self, held: &Held, nonces: &Nonces) -> Order {
        let next = held.signed.as_ref().and_then(|(sender, _)| nonces(sender.clone()));
        self.taken.lock().senders.order(held.signed.as_ref(), next)
    }

    fn try_reserve<P>(
        &self,
        pool: &P,
        hash: &H,
        held: &Held,
        limit: Size,
        nonces: &Nonces,
        now: Instant,
    ) -> Found
    where
        P: TransactionPool<Hash = H>,
    {
        let has_room = |taken: &Taken<H>, all: Size| {
            let apart = !held.is_apart || taken.apart.has_room(held.bytes, self.limit.eighth());
            all.has_room(held.bytes, limit) && apart
        };
        let mut taken = self.taken.lock();
        if !has_room(&taken, taken.all()) && taken.may_look(now) {
            taken.look(pool, nonces, now);
        }
        if has_room(&taken, taken.all()) {
            taken.begin(held);
            return Found::Room;
        }
        if taken.accepted.contains_key(hash) || pool.ready_transaction(hash).is_some() {
            return Found::Known;
        }
        match has_room(&taken, taken.present) {
            true => Found::Busy,
            false => Found::Full,
        }
    }
}

impl<H> Taken<H> {
    /// A validation begins.
    fn begin(&mut self, held: &Held) {
        self.validated = self.validated.plus(Size::one(held.bytes));
        if let Some(signed) = &held.signed {
            self.senders.begin(signed);
        }
        if held.is_apart {
            self.apart = self.apart.plus(Size::one(held.bytes));
        }
    }

    /// It ends.
    fn end(&mut self, held: &Held) {
        self.validated = self.validated.minus(Size::one(held.bytes));
        if let Some(signed) = &held.signed {
            self.senders.end(signed);
        }
        if held.is_apart {
            self.apart = self.apart.minus(Size::one(held.bytes));
        }
    }
}

impl<H: Hash + Eq> Taken<H> {
    fn all(&self) -> Size {
        self.present.plus(self.validated)
    }

    fn may_look(&self, now: Instant) -> bool {
        self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK_INTERVAL)
    }

    fn accept(&mut self, hash: H, held: Held) {
        if let Some(signed) = &held.signed {
            self.senders.accept(signed);
        }
        self.add(&held);
        if let Some(earlier) = self.accepted.insert(hash, held) {
            self.forget(&earlier);
        }
    }

    fn forget(&mut self, held: &Held) {
        if let Some(signed) = &held.signed {
            self.senders.forget(signed);
        }
        if held.missing.is_none() {
            self.take_off(held);
        }
    }

    /// Forgets what the pool no longer has: what is in a block, replaced, dropped or invalid. Of what is
    /// signed and in no block it keeps the order for a while.
    fn look<P: TransactionPool<Hash = H>>(&mut self, pool: &P, nonces: &Nonces, now: Instant) {
        self.looked = Some(now);
        let futures = pool.futures();
        let futures: HashSet<&H> = futures.iter().map(InPoolTransaction::hash).collect();
        let has = |hash: &H| pool.ready_transaction(hash).is_some() || futures.contains(hash);
        let mut next = HashMap::new();
        let mut in_a_block = |(sender, nonce): &Signed| {
            let next = next.entry(sender.clone()).or_insert_with(|| nonces(sender.clone()));
            next.is_some_and(|next| *nonce < next)
        };
        let mut accepted = std::mem::take(&mut self.accepted);
        accepted.retain(|hash, held| {
            let keeps = match (has(hash), &held.signed, held.missing) {
                (true, _, None) => true,
                (true, _, Some(_)) => {
                    held.missing = None;
                    self.add(held);
                    true
                },
                (false, Some(signed), None) if !in_a_block(signed) => {
                    self.take_off(held);
                    held.missing = Some(now);
                    true
                },
                (false, _, Some(since)) => now.saturating_duration_since(since) < MISSING,
                (false, _, None) => false,
            };
            if !keeps {
                self.forget(held);
            }
            keeps
        });
        self.accepted = accepted;
    }

    fn add(&mut self, held: &Held) {
        self.present = self.present.plus(Size::one(held.bytes));
        if held.is_apart {
            self.apart = self.apart.plus(Size::one(held.bytes));
        }
    }

    fn take_off(&mut self, held: &Held) {
        self.present = self.present.minus(Size::one(held.bytes));
        if held.is_apart {
            self.apart = self.apart.minus(Size::one(held.bytes));
        }
    }
}

/// The wait of a transaction for earlier ones of its sender. Those that follow it wait for its end.
struct Patience<'a, H> {
    quota: &'a Quota<H>,
    signed: Signed,
    begun: Instant,
    _permit: SemaphorePermit<'a>,
}

impl<'a, H> Patience<'a, H> {
    /// Begins to wait, unless too many do.
    fn take(quota: &'a Quota<H>, signed: Signed) -> Option<Self> {
        let permit = quota.patient.try_acquire().ok()?;
        let begins = quota.taken.lock().senders.begin_wait(&signed);
        begins.then(|| Self { quota, signed, begun: Instant::now(), _permit: permit })
    }

    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.begun.elapsed())
    }
}

impl<H> Drop for Patience<'_, H> {
    fn drop(&mut self) {
        self.quota.taken.lock().senders.end_wait(&self.signed);
    }
}

/// The room of a transaction while it is validated. Dropped, it is given back.
pub struct Place<H> {
    quota: Arc<Quota<H>>,
    held: Held,
    reserved: bool,
}

impl<H: Hash + Eq> Place<H> {
    /// Keeps the room for as long as the pool has the transaction, which it has accepted.
    pub fn keep(self, hash: H) {
        self.quota.taken.lock().accept(hash, self.held.clone());
    }
}

impl<H> Drop for Place<H> {
    fn drop(&mut self) {
        if self.reserved {
            self.quota.taken.lock().end(&self.held);
        }
        self.quota.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests;
