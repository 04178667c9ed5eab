//! Real blocks: who makes them, and the transactions in them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use assay_primitives::Balance;
use assay_runtime::{
    transactions::{authorized_extension, ChargeWithinClass},
    Babe, Executive, Hash, Header, Runtime, RuntimeCall, RuntimeEvent, Session, System,
    UncheckedExtrinsic, SLOT_DURATION_MS,
};
use codec::Encode;
use frame_support::storage::{storage_prefix, unhashed, with_transaction};
use sp_consensus_babe::{
    digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest, SecondaryVRFPreDigest},
    make_vrf_sign_data, make_vrf_transcript, Slot, RANDOMNESS_VRF_CONTEXT,
};
use sp_core::{crypto::VrfSecret, sr25519, Pair as _};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
    generic::SignedPayload,
    traits::{Header as _, IdentifyAccount},
    transaction_validity::{TransactionSource, TransactionValidity},
    ApplyExtrinsicResult, Digest as HeaderDigest, DigestItem, DispatchError, MultiSignature,
    MultiSigner, TransactionOutcome,
};

use super::money::{self, fees_to_treasury};

/// Hash of the genesis block of these tests.
pub const GENESIS_HASH: Hash = Hash::repeat_byte(0x5a);
/// Slot of block 0.
const FIRST_SLOT: u64 = 1_000_000;

thread_local! {
    static PARENT: Cell<Hash> = const { Cell::new(GENESIS_HASH) };
    static SKIPPED_SLOTS: Cell<u64> = const { Cell::new(0) };
}

/// Forgets earlier blocks of this thread.
pub fn forget() {
    PARENT.set(GENESIS_HASH);
    SKIPPED_SLOTS.set(0);
}

/// The key of an authority.
pub fn authority(index: u32) -> [u8; 32] {
    let authorities = Babe::authorities();
    let key: &[u8] = authorities[index as usize].0.as_ref();
    key.try_into().expect("a key has 32 bytes")
}

/// The claim and the VRF output of an authority for the randomness of an epoch.
type Claims = BTreeMap<(u32, [u8; 32]), (PreDigest, [u8; 32])>;

thread_local! {
    /// What [`set_author`] has made: signatures take long.
    static CLAIMS: RefCell<Claims> = RefCell::default();
}

/// Pretends that this authority is the author of the block, and has a VRF output for this randomness of
/// the epoch. Returns the output. Without randomness the block has none.
pub fn set_author(authority_index: u32, randomness: Option<[u8; 32]>) -> Option<[u8; 32]> {
    let slot = Slot::from(1);
    let (claim, output) = match randomness {
        Some(randomness) => {
            pallet_babe::Randomness::<Runtime>::put(randomness);
            let (claim, output) = CLAIMS.with_borrow_mut(|claims| {
                let made = claims.entry((authority_index, randomness)).or_insert_with(|| {
                    let epoch = Babe::epoch_index();
                    let transcript = make_vrf_transcript(&randomness, slot, epoch);
                    let pair = validator(authority_index).pair();
                    let output = pair.make_bytes(RANDOMNESS_VRF_CONTEXT, &transcript);
                    (claim(slot, authority_index, &randomness, epoch), output)
                });
                made.clone()
            });
            (claim, Some(output))
        },
        None => {
            (PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index, slot }), None)
        },
    };
    let logs = vec![DigestItem::babe_pre_digest(claim)];
    unhashed::put(&storage_prefix(b"System", b"Digest"), &HeaderDigest { logs });
    output
}

/// The well-known key of an authority.
fn validator(index: u32) -> Sr25519Keyring {
    let public = Babe::authorities()[index as usize].0.clone().into_inner();
    Sr25519Keyring::from_public(&public).expect("validators are well-known")
}

/// The claim of a slot, with a real VRF signature.
fn claim(slot: Slot, authority_index: u32, randomness: &[u8; 32], epoch: u64) -> PreDigest {
    let data = make_vrf_sign_data(randomness, slot, epoch);
    let vrf_signature = validator(authority_index).pair().vrf_sign(&data);
    PreDigest::SecondaryVRF(SecondaryVRFPreDigest { authority_index, slot, vrf_signature })
}

/// What the author of a slot puts into the header.
fn pre_digest(slot: Slot) -> DigestItem {
    let current = Babe::current_epoch();
    // The first block starts the first epoch, whichever slot it is in.
    let is_over = *current.start_slot > 0 && *slot >= *current.start_slot + current.duration;
    let epoch = if is_over { Babe::next_epoch() } else { current };
    let author = author_of(slot);
    DigestItem::babe_pre_digest(claim(slot, author, &epoch.randomness, epoch.epoch_index))
}

/// The authorities take turns.
fn author_of(slot: Slot) -> u32 {
    (*slot % Babe::authorities().len() as u64) as u32
}

/// The slot of the next block. Those of disabled authorities have none.
pub fn next_slot() -> Slot {
    loop {
        let number = u64::from(System::block_number());
        let slot = Slot::from(FIRST_SLOT + number + 1 + SKIPPED_SLOTS.get());
        if !Session::disabled_validators().contains(&author_of(slot)) {
            return slot;
        }
        skip_slots(1);
    }
}

/// The start of the next block: its header with the consensus digest, and its timestamp.
pub fn begin(parent: Hash) -> (Header, UncheckedExtrinsic) {
    let number = System::block_number() + 1;
    let slot = next_slot();
    let digest = HeaderDigest { logs: vec![pre_digest(slot)] };
    let header = Header::new(number, Hash::default(), Hash::default(), parent, digest);
    let timestamp = pallet_timestamp::Call::set { now: *slot * SLOT_DURATION_MS };
    (header, UncheckedExtrinsic::new_bare(timestamp.into()))
}

/// Starts the next block, with its consensus digest and its timestamp.
pub fn open_block() {
    let (header, timestamp) = begin(PARENT.get());
    Executive::initialize_block(&header);
    Executive::apply_extrinsic(timestamp)
        .expect("the timestamp may enter")
        .expect("the timestamp fits the slot");
}

/// Ends the block. Its events can be read until the next block.
pub fn close_block() {
    PARENT.set(Executive::finalize_block().hash());
    money::count_fees();
}

/// Makes the next block of these transactions. Its events can be read until the next block.
pub fn block(transactions: Vec<UncheckedExtrinsic>) -> Vec<ApplyExtrinsicResult> {
    open_block();
    let results = transactions.into_iter().map(Executive::apply_extrinsic).collect();
    close_block();
    results
}

/// Leaves slots without a block. The validators take turns.
pub fn skip_slots(count: u64) {
    SKIPPED_SLOTS.set(SKIPPED_SLOTS.get() + count);
}

/// Builds blocks on a fork that is abandoned afterwards.
pub fn on_a_fork<R>(build: impl FnOnce() -> R) -> R {
    let (parent, skipped) = (PARENT.get(), SKIPPED_SLOTS.get());
    let fees = fees_to_treasury();
    let result = with_transaction(|| TransactionOutcome::Rollback(Ok::<_, DispatchError>(build())))
        .expect("the closure does not fail");
    PARENT.set(parent);
    SKIPPED_SLOTS.set(skipped);
    money::set_fees_to_treasury(fees);
    result
}

/// A block without transactions.
pub fn empty_block() {
    block(Vec::new());
}

/// Makes empty blocks until the height is reached.
pub fn go_to(height: u32) {
    while System::block_number() < height {
        empty_block();
    }
}

/// A transaction of a well-known account, with its next nonce.
pub fn signed(who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
    signed_by(&who.pair(), call)
}

/// A transaction of the account of a key, with its next nonce.
pub fn signed_by(pair: &sr25519::Pair, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
    tipped_by(pair, call, 0)
}

/// A transaction of a well-known account with a tip.
pub fn with_tip(
    who: Sr25519Keyring,
    call: impl Into<RuntimeCall>,
    tip: Balance,
) -> UncheckedExtrinsic {
    tipped_by(&who.pair(), call, tip)
}

/// [`signed_by`] with a tip in plancks.
pub fn tipped_by(
    pair: &sr25519::Pair,
    call: impl Into<RuntimeCall>,
    tip: Balance,
) -> UncheckedExtrinsic {
    let account = MultiSigner::from(pair.public()).into_account();
    let mut extension = authorized_extension();
    extension.6 = frame_system::CheckNonce::from(System::account_nonce(&account));
    extension.8 = ChargeWithinClass::from(tip);
    let payload = SignedPayload::new(call.into(), extension).expect("the extensions are valid");
    let signature = payload.using_encoded(|bytes| pair.sign(bytes));
    let (call, extension, _) = payload.deconstruct();
    UncheckedExtrinsic::new_signed(
        call,
        account.into(),
        MultiSignature::Sr25519(signature),
        extension,
    )
}

/// A transaction without a sender, as workers' nodes make them.
pub fn general(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
    UncheckedExtrinsic::new_transaction(call.into(), authorized_extension())
}

/// Makes a block of one valid transaction. Returns the result of its call.
pub fn include(transaction: UncheckedExtrinsic) -> Result<(), DispatchError> {
    block(vec![transaction]).pop().expect("one transaction").expect("it is valid")
}

/// Makes a block of one transaction of an account that must succeed.
pub fn submit(who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
    assert_eq!(include(signed(who, call)), Ok(()));
}

/// The pool's verdict on a transaction at this block.
pub fn validate(transaction: UncheckedExtrinsic) -> TransactionValidity {
    with_transaction(|| {
        let validity =
            Executive::validate_transaction(TransactionSource::External, transaction, PARENT.get());
        TransactionOutcome::Rollback(Ok::<_, DispatchError>(validity))
    })
    .expect("the closure does not fail")
}

/// The events of the last block.
pub fn events() -> Vec<RuntimeEvent> {
    System::read_events_no_consensus().map(|record| record.event).collect()
}
