//! Shares of the transaction pool, by kinds of transactions.
//!
//! A full pool drops what has the lowest priority. Without shares, whoever sends enough of a kind with
//! a high priority keeps all others out of every pool, and so out of blocks that have room for them.
//! The runtime counts such blocks as time to answer or to move, and who could not loses a bond. Each
//! share is larger than what a block takes of its kind: while a share is full, so are the blocks, and
//! the runtime does not count them.
//!
//! Signed transactions that cannot be the next of their sender take at most half of a share. They cost
//! nothing before the earlier ones are in a block, so whoever sends many of them would else keep all
//! others out.
//!
//! The node's own transactions, those of its offchain workers, take no share.

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
use sp_runtime::generic::Preamble;
use tokio::sync::Notify;

/// Default of `--pool-limit`, the maximum number of transactions in the pool.
pub const POOL_LIMIT: &str = "16384";
/// Default of `--pool-kbytes`, the maximum size of the transactions in the pool, in KiB.
pub const POOL_KBYTES: &str = "40960";

/// Minimum time between two looks at what the pool still has of a kind. A block is made every two
/// seconds.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

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
    fn of(encoded: &[u8]) -> (Self, Option<(AccountId, Nonce)>) {
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
        let share = |kind: Kind| Arc::new(Quota::new(kind.percent().of(pool)));
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
        let (kind, from) = Kind::of(encoded);
        // Calls of workers do not depend on each other.
        let is_next = || from.is_none_or(|(sender, nonce)| (self.nonces)(sender) == Some(nonce));
        let place = self.share(kind).reserve(pool, hash, encoded.len(), is_next).await;
        place.ok_or(kind)
    }
}

/// The share of one kind.
pub struct Quota<H> {
    limit: Size,
    /// Whoever has to wait for validations waits in the order of arrival.
    turn: tokio::sync::Mutex<()>,
    given_back: Notify,
    taken: Mutex<Taken<H>>,
}

/// What is taken of a share.
struct Taken<H> {
    /// What the pool accepted, by hash, with sizes. It may have dropped some since the last look.
    accepted: HashMap<H, usize>,
    accepted_bytes: usize,
    /// What is validated.
    validated: Size,
    looked: Option<Instant>,
}

/// Whether there is room for one more transaction.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// There was, and it is taken now.
    Room,
    /// The pool has the transaction, so that it takes no more room.
    Known,
    /// If validations fail.
    Busy,
    /// There is none.
    Full,
}

impl<H: Hash + Eq> Quota<H> {
    fn new(limit: Size) -> Self {
        let taken = Taken {
            accepted: HashMap::new(),
            accepted_bytes: 0,
            validated: Size::default(),
            looked: None,
        };
        Self {
            limit,
            turn: Default::default(),
            given_back: Notify::new(),
            taken: Mutex::new(taken),
        }
    }

    /// Takes room for a transaction, until the [`Place`] is dropped without [`Place::keep`] or the
    /// pool no longer has the transaction. If the validations that have not ended could leave no
    /// room, waits for them. Returns `None` if the share is full, or half full and this is not the
    /// next transaction of its sender.
    async fn reserve<P>(
        self: &Arc<Self>,
        pool: &P,
        hash: &H,
        bytes: usize,
        is_next: impl FnOnce() -> bool,
    ) -> Option<Place<H>>
    where
        P: TransactionPool<Hash = H>,
    {
        let _turn = self.turn.lock().await;
        let (mut limit, mut is_next) = (self.limit.half(), Some(is_next));
        loop {
            let reserved = match self.try_reserve(pool, hash, bytes, limit, Instant::now()) {
                Found::Room => true,
                Found::Known => false,
                Found::Full | Found::Busy if is_next.take().is_some_and(|is_next| is_next()) => {
                    limit = self.limit;
                    continue;
                },
                Found::Full => return None,
                Found::Busy => {
                    self.given_back.notified().await;
                    continue;
                },
            };
            return Some(Place { quota: self.clone(), bytes, reserved });
        }
    }

    fn try_reserve<P>(&self, pool: &P, hash: &H, bytes: usize, limit: Size, now: Instant) -> Found
    where
        P: TransactionPool<Hash = H>,
    {
        let has_room = |taken: Size| taken.has_room(bytes, limit);
        let mut taken = self.taken.lock();
        if !has_room(taken.all()) && taken.may_look(now) {
            taken.look(pool, now);
        }
        if has_room(taken.all()) {
            taken.validated = taken.validated.plus(Size::one(bytes));
            return Found::Room;
        }
        if taken.accepted.contains_key(hash) || pool.ready_transaction(hash).is_some() {
            return Found::Known;
        }
        if has_room(taken.accepted()) {
            Found::Busy
        } else {
            Found::Full
        }
    }
}

impl<H: Hash + Eq> Taken<H> {
    fn accepted(&self) -> Size {
        Size { count: self.accepted.len(), bytes: self.accepted_bytes }
    }

    fn all(&self) -> Size {
        self.accepted().plus(self.validated)
    }

    fn may_look(&self, now: Instant) -> bool {
        self.looked.is_none_or(|looked| now.saturating_duration_since(looked) >= LOOK_INTERVAL)
    }

    /// Forgets what the pool no longer has: what is in a block, replaced, dropped or invalid.
    fn look<P: TransactionPool<Hash = H>>(&mut self, pool: &P, now: Instant) {
        self.looked = Some(now);
        let futures = pool.futures();
        let futures: HashSet<&H> = futures.iter().map(InPoolTransaction::hash).collect();
        self.accepted
            .retain(|hash, _| pool.ready_transaction(hash).is_some() || futures.contains(hash));
        self.accepted_bytes = self.accepted.values().sum();
    }
}

/// The room of a transaction while it is validated. Dropped, it is given back.
pub struct Place<H> {
    quota: Arc<Quota<H>>,
    bytes: usize,
    reserved: bool,
}

impl<H: Hash + Eq> Place<H> {
    /// Keeps the room for as long as the pool has the transaction, which it has accepted.
    pub fn keep(self, hash: H) {
        let mut taken = self.quota.taken.lock();
        if taken.accepted.insert(hash, self.bytes).is_none() {
            taken.accepted_bytes = taken.accepted_bytes.saturating_add(self.bytes);
        }
    }
}

impl<H> Drop for Place<H> {
    fn drop(&mut self) {
        if self.reserved {
            let mut taken = self.quota.taken.lock();
            taken.validated = taken.validated.minus(Size::one(self.bytes));
        }
        self.quota.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests;
