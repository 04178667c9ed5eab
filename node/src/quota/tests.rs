//! Tests of the shares of the pool.

use super::*;
use assay_dispute::Answer;
use assay_runtime::{
    configs::system::{RuntimeBlockLength, RuntimeBlockWeights},
    constants::LargestMove,
    opaque::UncheckedExtrinsic as Opaque,
    transactions::authorized_extension,
    transactions::CallOverhead,
    Room, Runtime,
};
use codec::{Decode, Encode};
use frame_support::{
    traits::{Authorize, Get, GetCallMetadata},
    weights::Weight,
};

use std::sync::atomic::{AtomicU32, Ordering};

use crate::pool_double::PoolDouble;

type H = assay_runtime::Hash;

fn general(call: impl Into<RuntimeCall>) -> Vec<u8> {
    UncheckedExtrinsic::new_transaction(call.into(), authorized_extension()).encode()
}

fn signed(call: impl Into<RuntimeCall>) -> Vec<u8> {
    let signature = Signature::Sr25519(Default::default());
    let sender = AccountId::new([1; 32]).into();
    let xt = UncheckedExtrinsic::new_signed(call.into(), sender, signature, authorized_extension());
    xt.encode()
}

/// Each call of the runtime, with small arguments.
fn calls() -> Vec<RuntimeCall> {
    let all = (0..=u8::MAX).flat_map(|pallet| (0..=u8::MAX).map(move |call| (pallet, call)));
    let decode = |(pallet, call)| {
        [0, 1].into_iter().find_map(|argument| {
            let mut encoded = [argument; 4096];
            encoded[..2].copy_from_slice(&[pallet, call]);
            RuntimeCall::decode(&mut &encoded[..]).ok()
        })
    };
    all.filter_map(decode).collect()
}

fn is_feeless(call: &RuntimeCall) -> bool {
    call.weight_of_authorize() != Weight::zero()
}

/// The largest opening of a tile.
fn opening() -> Vec<u8> {
    let largest = LargestMove::get().bytes as usize - 4 * 1024;
    general(pallet_disputes::Call::<Runtime>::answer {
        dispute: Default::default(),
        stage: Default::default(),
        answer: Answer::Opening(vec![0; largest].try_into().unwrap()),
        signature: Default::default(),
    })
}

/// The pool of a node without flags.
fn default_pool() -> Size {
    let parse = |text: &str| text.parse::<usize>().unwrap();
    Size { count: parse(POOL_LIMIT), bytes: parse(POOL_KBYTES) * 1_024 }
}

fn kind_of(encoded: &[u8]) -> Kind {
    Kind::of(encoded).0
}

fn heartbeat() -> Vec<u8> {
    let mut calls = calls().into_iter();
    let is_it = |call: &RuntimeCall| {
        matches!(call, RuntimeCall::Operators(pallet_operators::Call::heartbeat { .. }))
    };
    general(calls.find(is_it).unwrap())
}

#[test]
fn every_call_has_a_kind_without_the_state_of_the_runtime() {
    let calls = calls();
    for module in RuntimeCall::get_module_names() {
        for name in RuntimeCall::get_call_names(module) {
            let is_it = |call: &RuntimeCall| {
                let found = call.get_call_metadata();
                (found.pallet_name, found.function_name) == (*module, *name)
            };
            assert!(calls.iter().any(is_it), "{module}.{name} is missing");
        }
    }
    for call in calls {
        let expected = match call.get_dispatch_info().class {
            DispatchClass::Operational => Kind::Operational,
            _ => Kind::Other,
        };
        assert_eq!(kind_of(&signed(call.clone())), expected, "{call:?}");
        if is_feeless(&call) {
            let expected = match call {
                RuntimeCall::Disputes(_) => Kind::Move,
                RuntimeCall::Inference(_) => Kind::Answer,
                RuntimeCall::Operators(pallet_operators::Call::heartbeat { .. }) => Kind::Heartbeat,
                _ => panic!("a feeless call of no kind: {call:?}"),
            };
            assert_eq!(kind_of(&general(call)), expected);
        }
    }
}

#[test]
fn moves_of_challengers_and_appeals_are_operational() {
    let open = pallet_disputes::Call::<Runtime>::open { request: Default::default(), max_bond: 0 };
    assert_eq!(kind_of(&signed(open.clone())), Kind::Operational);
    let appeal = pallet_inference::Call::<Runtime>::appeal {
        request: Default::default(),
        output: Default::default(),
        proof: Default::default(),
    };
    assert_eq!(kind_of(&signed(appeal)), Kind::Operational);
    let batch = |calls| signed(pallet_utility::Call::<Runtime>::batch { calls });
    assert_eq!(kind_of(&batch(vec![open.clone().into()])), Kind::Operational);
    let transfer = pallet_balances::Call::<Runtime>::transfer_all {
        dest: AccountId::new([2; 32]).into(),
        keep_alive: false,
    };
    assert_eq!(kind_of(&signed(transfer.clone())), Kind::Other);
    assert_eq!(kind_of(&batch(vec![open.into(), transfer.into()])), Kind::Other);
}

#[test]
fn what_cannot_be_decoded_is_of_the_last_kind() {
    let opening = opening();
    assert_eq!(kind_of(&opening), Kind::Move);
    assert_eq!(kind_of(&opening[..opening.len() - 1]), Kind::Other);
    assert_eq!(kind_of(&[]), Kind::Other);
    let mut longer = opening;
    longer.push(0);
    assert_eq!(kind_of(&longer), Kind::Other);
    let mut deep: RuntimeCall = frame_system::Call::<Runtime>::remark { remark: vec![] }.into();
    for _ in 0..=MAX_EXTRINSIC_DEPTH {
        deep = pallet_utility::Call::<Runtime>::batch { calls: vec![deep] }.into();
    }
    assert_eq!(kind_of(&signed(deep)), Kind::Other);
    let wide = |count| {
        let close = pallet_disputes::Call::<Runtime>::close { dispute: Default::default() };
        let calls = vec![close.into(); count];
        let encoded = signed(pallet_utility::Call::<Runtime>::batch { calls });
        assert!(encoded.len() < MAX_BLOCK_BYTES as usize);
        kind_of(&encoded)
    };
    assert_eq!(wide(1_000), Kind::Operational);
    // More memory than a call may take.
    assert_eq!(wide(200_000), Kind::Other);
}

/// A transaction with this many bytes, two of them its length.
fn transaction(number: u8, bytes: usize) -> Opaque {
    let xt = Opaque::from_blob(vec![number; bytes - 2]);
    assert_eq!(xt.encoded_size(), bytes);
    xt
}

/// What a transaction without a sender takes.
fn held(bytes: usize) -> super::Held {
    super::Held::new(bytes, None)
}

/// A share with a pool and a clock.
struct Share {
    quota: Arc<Quota<H>>,
    pool: PoolDouble,
    now: Instant,
}

impl Share {
    fn new(count: usize, bytes: usize) -> Self {
        Self {
            quota: Arc::new(Quota::new(Size { count, bytes }, Size { count, bytes })),
            pool: PoolDouble::accepting(),
            now: Instant::now(),
        }
    }

    fn find(&self, xt: &Opaque) -> Found {
        let hash = self.pool.hash_of(xt);
        let limit = self.quota.limit;
        let (held, none) = (held(xt.encoded_size()), |_| None);
        self.quota.try_reserve(&self.pool, &hash, &held, limit, &none, self.now)
    }

    fn place(&self, xt: &Opaque) -> Place<H> {
        assert_eq!(self.find(xt), Found::Room);
        Place { quota: self.quota.clone(), held: held(xt.encoded_size()), reserved: true }
    }

    /// Takes room for a transaction that the pool accepts.
    fn accept(&self, xt: Opaque) -> H {
        let (place, hash) = (self.place(&xt), self.pool.hash_of(&xt));
        self.pool.insert(xt);
        place.keep(hash);
        hash
    }

    fn remove(&self, hash: H) {
        self.pool.ready.lock().remove(&hash).expect("the pool has it");
    }

    /// What is accepted, and what is validated.
    fn taken(&self) -> (Size, Size) {
        let taken = self.quota.taken.lock();
        (taken.present, taken.validated)
    }
}

#[test]
fn a_share_has_a_number_and_a_size() {
    let share = Share::new(3, 1_000);
    share.accept(transaction(1, 400));
    assert_eq!(share.find(&transaction(2, 601)), Found::Full);
    share.accept(transaction(3, 300));
    share.accept(transaction(4, 300));
    assert_eq!(share.taken(), (Size { count: 3, bytes: 1_000 }, Size::default()));
    let share = Share::new(2, 1_000);
    share.accept(transaction(1, 100));
    share.accept(transaction(2, 100));
    assert_eq!(share.find(&transaction(3, 100)), Found::Full);
}

#[test]
fn an_empty_share_takes_one_transaction_of_any_size() {
    let mut share = Share::new(1, 100);
    let hash = share.accept(transaction(1, 1_000));
    assert_eq!(share.find(&transaction(2, 100)), Found::Full);
    share.remove(hash);
    share.now += LOOK_INTERVAL;
    share.accept(transaction(3, 1_000));
}

#[test]
fn what_the_pool_no_longer_has_gives_its_room_back() {
    let mut share = Share::new(10, 1_000);
    let hashes = [1, 2].map(|number| share.accept(transaction(number, 500)));
    assert_eq!(share.find(&transaction(3, 500)), Found::Full);
    share.remove(hashes[0]);
    share.now += LOOK_INTERVAL;
    share.accept(transaction(3, 500));
    assert_eq!(share.find(&transaction(4, 500)), Found::Full);
    assert_eq!(share.taken().0, Size { count: 2, bytes: 1_000 });
}

#[test]
fn a_flood_makes_it_look_once_in_an_interval() {
    let mut share = Share::new(100, 1 << 20);
    for number in 0..100 {
        share.accept(transaction(number, 100));
    }
    let asked = |share: &Share| share.pool.asked.swap(0, std::sync::atomic::Ordering::Relaxed);
    let flood = |share: &Share| {
        for number in 100..110 {
            assert_eq!(share.find(&transaction(number, 100)), Found::Full);
        }
    };
    assert_eq!(asked(&share), 0);
    flood(&share);
    // For each that it holds, and once for each that comes.
    assert_eq!(asked(&share), 110);
    flood(&share);
    assert_eq!(asked(&share), 10);
    share.now += LOOK_INTERVAL;
    flood(&share);
    assert_eq!(asked(&share), 110);
}

#[test]
fn what_waits_for_an_earlier_nonce_takes_room() {
    let mut share = Share::new(10, 1_000);
    let hash = share.accept(transaction(1, 1_000));
    let held = share.pool.ready.lock().remove(&hash).unwrap();
    share.pool.future.lock().insert(hash, held);
    share.now += LOOK_INTERVAL;
    assert_eq!(share.find(&transaction(2, 100)), Found::Full);
    share.pool.future.lock().clear();
    share.now += LOOK_INTERVAL;
    assert_eq!(share.find(&transaction(2, 100)), Found::Room);
}

/// A signed transaction of the operational class, of a sender with this nonce and so many bytes.
fn from_sender(sender: u8, nonce: Nonce, bytes: usize) -> (Opaque, Vec<u8>) {
    let mut extension = authorized_extension();
    extension.6 = CheckNonce(nonce);
    let encode = |bytes| {
        let remark = frame_system::Call::<Runtime>::set_code { code: vec![0; bytes] };
        let sender = AccountId::new([sender; 32]).into();
        let signature = Signature::Sr25519(Default::default());
        UncheckedExtrinsic::new_signed(remark.into(), sender, signature, extension.clone()).encode()
    };
    let others = encode(bytes).len() - bytes;
    let encoded = encode(bytes - others);
    assert_eq!(encoded.len(), bytes);
    (Opaque::try_from_encoded_extrinsic(&encoded).unwrap(), encoded)
}

/// Shares, with a pool, in which operational calls have 16,000 bytes. All accounts have the same nonce, at
/// first 5.
struct Signers {
    quotas: Quotas<H>,
    nonce: Arc<AtomicU32>,
    pool: PoolDouble,
}

impl Signers {
    fn new() -> Self {
        let bytes = 16_000 * 100 / Kind::Operational.percent().bytes;
        let limit = Size { count: 10_000, bytes };
        assert_eq!(Kind::Operational.percent().of(limit).bytes, 16_000);
        let nonce = Arc::new(AtomicU32::new(5));
        let of = nonce.clone();
        let quotas = Quotas::new(limit, Box::new(move |_| Some(of.load(Ordering::Relaxed))));
        Self { quotas, nonce, pool: PoolDouble::accepting() }
    }

    /// Lets what is missing be missing for so much longer, and the share look at the pool.
    fn look_again(&self, longer: Duration) {
        let mut taken = self.quotas.share(Kind::Operational).taken.lock();
        for held in taken.accepted.values_mut() {
            held.missing = held.missing.map(|since| since - longer);
        }
        taken.looked = None;
    }

    /// Begins the validation of a transaction, if there is room.
    async fn begin(&self, sender: u8, nonce: Nonce, bytes: usize) -> Option<(Place<H>, Opaque)> {
        let (xt, encoded) = from_sender(sender, nonce, bytes);
        let place = self.quotas.reserve(&self.pool, &self.pool.hash_of(&xt), &encoded).await;
        Some((place.ok()?, xt))
    }

    /// Takes a transaction that the pool accepts. Returns whether there was room.
    async fn take(&self, sender: u8, nonce: Nonce, bytes: usize) -> bool {
        let Some((place, xt)) = self.begin(sender, nonce, bytes).await else { return false };
        let hash = self.pool.hash_of(&xt);
        self.pool.insert(xt);
        place.keep(hash);
        true
    }
}

#[tokio::test]
async fn what_follows_others_of_its_sender_takes_at_most_half_of_a_share() {
    let signers = Signers::new();
    assert!(signers.take(1, 5, 4_000).await);
    assert!(signers.take(1, 6, 4_000).await);
    assert!(!signers.take(1, 7, 300).await, "half is full");
    assert!(signers.take(2, 5, 4_000).await, "the next one of its sender");
    assert!(!signers.take(2, 6, 300).await);
    assert!(signers.take(3, 5, 4_000).await);
    assert!(!signers.take(4, 5, 300).await, "all is full");
}

/// It may wait for ever, at no cost.
#[tokio::test]
async fn what_misses_an_earlier_one_takes_at_most_an_eighth() {
    let signers = Signers::new();
    // While the share is nearly empty, nobody looks at the order.
    assert!(signers.take(1, 8, 2_000).await);
    assert!(signers.take(2, 6, 1_500).await);
    assert!(!signers.take(2, 8, 600).await);
    assert!(!signers.take(2, 4, 600).await, "a nonce that was used");
    assert!(signers.take(2, 9, 500).await);
    // There is still room for those that miss none.
    assert!(signers.take(3, 5, 1_000).await);
    assert!(signers.take(3, 6, 1_000).await);
    assert!(signers.take(3, 7, 1_000).await);
    assert!(!signers.take(3, 9, 300).await);
    // When blocks have what waited, others find its place.
    signers.pool.ready.lock().clear();
    signers.nonce.store(10, Ordering::Relaxed);
    signers.look_again(Duration::ZERO);
    assert!(signers.take(4, 18, 2_000).await);
    assert!(signers.take(5, 18, 2_000).await);
}

/// The SDK's pool makes a view for each block; what comes meanwhile is not in it.
#[tokio::test]
async fn what_the_newest_view_of_the_pool_lacks_keeps_its_row_for_a_while() {
    let signers = Signers::new();
    assert!(signers.take(1, 9, 2_000).await);
    assert!(signers.take(2, 9, 2_000).await);
    assert!(signers.take(3, 5, 300).await);
    let missing = signers.pool.ready.lock().drain().collect::<Vec<_>>();
    signers.look_again(Duration::ZERO);
    assert!(signers.take(3, 6, 300).await);
    signers.pool.ready.lock().extend(missing);
    signers.look_again(Duration::ZERO);
    assert!(signers.take(3, 7, 300).await);
    assert!(!signers.take(4, 9, 2_000).await, "what was missing takes its room again");
    signers.pool.ready.lock().clear();
    signers.look_again(Duration::ZERO);
    // Their room is free at once. The row remains.
    assert!(signers.take(4, 9, 2_000).await);
    assert!(signers.take(5, 9, 2_000).await);
    signers.look_again(Duration::ZERO);
    assert!(signers.take(3, 8, 300).await);
    // What is missing for longer is gone, and with it the row.
    signers.look_again(MISSING);
    assert!(!signers.take(3, 9, 300).await, "it counts as one that misses another");
}

#[tokio::test]
async fn what_follows_one_that_is_validated_waits_for_its_end() {
    for is_accepted in [true, false] {
        let signers = Signers::new();
        // The eighth that anyone may take, and the one of those that miss another.
        assert!(signers.take(1, 9, 2_000).await);
        assert!(signers.take(2, 9, 2_000).await);
        let (first, xt) = signers.begin(3, 5, 300).await.expect("it is the next one");
        let mut second = Box::pin(signers.take(3, 6, 300));
        assert!(futures::poll!(&mut second).is_pending());
        if is_accepted {
            let hash = signers.pool.hash_of(&xt);
            signers.pool.insert(xt);
            first.keep(hash);
        } else {
            drop(first);
        }
        assert_eq!(second.await, is_accepted);
    }
}

#[tokio::test]
async fn a_row_that_arrives_at_once_waits_in_its_order() {
    let signers = Signers::new();
    assert!(signers.take(1, 9, 2_000).await);
    assert!(signers.take(2, 9, 2_000).await);
    let (first, xt) = signers.begin(3, 5, 300).await.expect("it is the next one");
    let mut rest: Vec<_> = (6..12).map(|nonce| Box::pin(signers.take(3, nonce, 300))).collect();
    for one in &mut rest {
        assert!(futures::poll!(one).is_pending());
    }
    let hash = signers.pool.hash_of(&xt);
    signers.pool.insert(xt);
    first.keep(hash);
    assert_eq!(futures::future::join_all(rest).await, [true; 6]);
}

/// Anyone can forge one that waits for another forged one, in the name of any account.
#[tokio::test]
async fn what_waits_for_an_earlier_one_of_its_sender_keeps_no_other_waiting() {
    let signers = Signers::new();
    assert!(signers.take(1, 9, 2_000).await);
    assert!(signers.take(2, 9, 2_000).await);
    let first = signers.begin(3, 5, 300).await.expect("it is the next one");
    let mut second = Box::pin(signers.take(3, 6, 300));
    assert!(futures::poll!(&mut second).is_pending());
    let mut other = Box::pin(signers.take(4, 5, 300));
    assert_eq!(futures::poll!(&mut other), std::task::Poll::Ready(true));
    drop(first);
    assert!(!second.await);
}

/// So those of other senders find one.
#[tokio::test]
async fn two_with_the_same_nonce_wait() {
    let signers = Signers::new();
    assert!(signers.take(1, 9, 2_000).await);
    assert!(signers.take(2, 9, 2_000).await);
    let _first = signers.begin(3, 5, 300).await.expect("it is the next one");
    let mut seconds: Vec<_> = (300..320).map(|bytes| Box::pin(signers.take(3, 6, bytes))).collect();
    for (second, place) in seconds.iter_mut().zip(0..) {
        assert_eq!(futures::poll!(second).is_pending(), place < 2);
    }
    let share = signers.quotas.share(Kind::Operational);
    assert_eq!(share.patient.available_permits(), MAX_PATIENT - 2);
    let _other = signers.begin(4, 5, 300).await.expect("it is the next one");
    let mut second = Box::pin(signers.take(4, 6, 300));
    assert!(futures::poll!(&mut second).is_pending());
}

/// Two peers may send a row in another order.
#[tokio::test]
async fn what_waits_for_one_before_an_accepted_one_wakes_with_it() {
    let signers = Signers::new();
    assert!(signers.take(1, 9, 1_000).await);
    assert!(signers.take(3, 6, 1_000).await, "it is in the eighth that anyone may take");
    assert!(signers.take(2, 9, 2_000).await);
    let (first, xt) = signers.begin(3, 5, 300).await.expect("it is the next one");
    let mut third = Box::pin(signers.take(3, 7, 300));
    assert!(futures::poll!(&mut third).is_pending());
    let hash = signers.pool.hash_of(&xt);
    signers.pool.insert(xt);
    first.keep(hash);
    assert_eq!(timeout(PATIENCE / 10, third).await, Ok(true));
}

#[tokio::test]
async fn so_many_wait_for_earlier_ones_of_their_senders() {
    let signers = Signers::new();
    assert!(signers.take(1, 9, 2_000).await);
    assert!(signers.take(2, 9, 2_000).await);
    let _first = signers.begin(3, 5, 300).await.expect("it is the next one");
    let share = signers.quotas.share(Kind::Operational);
    let others = share.patient.try_acquire_many(MAX_PATIENT as u32).unwrap();
    assert!(!signers.take(3, 6, 300).await, "it counts as if the first were missing");
    drop(others);
    let mut second = Box::pin(signers.take(3, 6, 300));
    assert!(futures::poll!(&mut second).is_pending());
}

#[tokio::test]
async fn what_waits_while_a_block_has_the_earlier_one_is_the_next() {
    let signers = Signers::new();
    assert!(signers.take(1, 9, 2_000).await);
    assert!(signers.take(2, 9, 2_000).await);
    let (first, _) = signers.begin(3, 5, 300).await.expect("it is the next one");
    let mut second = Box::pin(signers.take(3, 6, 300));
    assert!(futures::poll!(&mut second).is_pending());
    // The pool had it only until a block did.
    signers.nonce.store(6, Ordering::Relaxed);
    drop(first);
    assert!(second.await);
}

#[test]
fn what_the_pool_has_takes_no_more_room() {
    let share = Share::new(10, 1_000);
    share.accept(transaction(1, 1_000));
    let own = transaction(2, 100);
    assert_eq!(share.find(&own), Found::Full);
    share.pool.insert(own.clone());
    for known in [own, transaction(1, 1_000)] {
        assert_eq!(share.find(&known), Found::Known);
    }
    assert_eq!(share.taken(), (Size { count: 1, bytes: 1_000 }, Size::default()));
}

#[test]
fn what_is_validated_takes_room_until_it_is_dropped_or_kept() {
    let share = Share::new(10, 1_000);
    let first = transaction(1, 600);
    let place = share.place(&first);
    assert_eq!(share.find(&transaction(2, 600)), Found::Busy);
    drop(place);
    assert_eq!(share.taken(), Default::default());
    share.accept(first);
    assert_eq!(share.taken(), (Size::one(600), Size::default()));
    assert_eq!(share.find(&transaction(2, 600)), Found::Full);
}

#[test]
fn a_full_share_refuses_its_kind_and_no_other() {
    let limits = default_pool();
    let now = Instant::now();
    let open = pallet_disputes::Call::<Runtime>::open { request: Default::default(), max_bond: 0 };
    let answer = pallet_inference::Call::<Runtime>::submit_commitment {
        request: Default::default(),
        operator: AccountId::new([1; 32]),
        commitment: Default::default(),
        signature: Default::default(),
    };
    let remark = frame_system::Call::<Runtime>::remark { remark: vec![] };
    let each = [opening(), general(answer), heartbeat(), signed(open), signed(remark)];
    for flood in &each {
        let (pool, quotas) =
            (PoolDouble::accepting(), Quotas::<H>::new(limits, Box::new(|_| None)));
        let mut number = 0_u64;
        let mut find = |xt: &[u8]| {
            number += 1;
            let hash = H::from_low_u64_be(number);
            let quota = quotas.share(kind_of(xt));
            let (held, none) = (held(xt.len()), |_| None);
            let found = quota.try_reserve(&pool, &hash, &held, quota.limit, &none, now);
            if found == Found::Room {
                pool.hold(hash, Opaque::default());
                Place { quota: quota.clone(), held, reserved: true }.keep(hash);
            }
            found
        };
        let places = (0..limits.count).take_while(|_| find(flood) == Found::Room).count();
        assert!(places > 0);
        assert_eq!(find(flood), Found::Full);
        for other in each.iter().filter(|other| *other != flood) {
            assert_eq!(find(other), Found::Room);
        }
        assert_eq!(find(flood), Found::Full);
    }
}

#[test]
fn the_shares_leave_a_part_of_the_pool_for_the_nodes_own() {
    let all = Kind::ALL.map(Kind::percent).into_iter().fold(Size::default(), Size::plus);
    assert_eq!(all, Size { count: 95, bytes: 95 });
}

/// The number of the smallest calls of a kind that this weight takes.
fn smallest(kind: Kind, weight: Weight) -> usize {
    let of_kind = |call: &RuntimeCall| match kind {
        Kind::Move | Kind::Answer | Kind::Heartbeat => {
            is_feeless(call) && kind_of(&general(call.clone())) == kind
        },
        Kind::Operational | Kind::Other => kind_of(&signed(call.clone())) == kind,
    };
    let weigh = |call: RuntimeCall| {
        let weight = call.get_dispatch_info().call_weight;
        let authorize = call.weight_of_authorize();
        weight.saturating_add(authorize).saturating_add(CallOverhead::get()).ref_time()
    };
    let least = calls().into_iter().filter(of_kind).map(weigh).min().unwrap();
    (weight.ref_time() / least) as usize
}

#[test]
fn shares_are_larger_than_what_blocks_take() {
    let pool = default_pool();
    for (kind, limit) in [
        (Kind::Move, Room::move_limit()),
        (Kind::Answer, Room::answer_limit()),
        (Kind::Heartbeat, Room::answer_limit()),
    ] {
        let share = kind.percent().of(pool);
        let count = smallest(kind, limit.weight);
        assert!(share.count >= 3 * count, "{kind:?}: {share:?}, {count}");
        let bytes = match kind {
            Kind::Heartbeat => heartbeat().len() * count,
            _ => limit.bytes as usize,
        };
        assert!(share.bytes >= 3 * bytes, "{kind:?}: {share:?}, {bytes}");
    }
    // What a block may have of operational calls while the clock of moves counts it. The other
    // half may be of transactions that no block can have yet.
    let share = Kind::Operational.percent().of(pool).half();
    let (limit, largest) = (Room::move_limit(), LargestMove::get());
    let weight = limit.weight.saturating_sub(largest.weight);
    let count = smallest(Kind::Operational, weight);
    let bytes = (MAX_BLOCK_BYTES - largest.bytes) as usize;
    assert!(share.count > count, "{share:?}, {count}");
    assert!(share.bytes > bytes, "{share:?}, {bytes}");
    // No clock counts on these, but blocks shall be full of them. What misses an earlier one of its
    // sender may have a quarter.
    let share = Kind::Other.percent().of(pool);
    let share = share.minus(share.eighth()).minus(share.eighth());
    let normal = RuntimeBlockWeights::get().get(DispatchClass::Normal).max_total.unwrap();
    let count = smallest(Kind::Other, normal);
    let bytes = *RuntimeBlockLength::get().max.get(DispatchClass::Normal) as usize;
    assert!(share.count >= count, "{share:?}, {count}");
    assert!(share.bytes >= 2 * bytes, "{share:?}, {bytes}");
}
