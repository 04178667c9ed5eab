//! A runtime of balances, settlement (for deposits) and this pallet.

use assay_primitives::{traits::Artifacts as _, ArtifactManifest, Balance, Digest};
use codec::Encode;
use frame_support::{assert_ok, derive_impl, parameter_types, traits::fungible::Inspect};
use sp_runtime::{BuildStorage, DispatchResult, Perbill};

use crate::{Call, Chunks};

/// Announces artifacts.
pub const OWNER: u64 = 1;
/// Does not.
pub const OTHER: u64 = 2;
/// Has the existential deposit, no more.
pub const POOR: u64 = 3;
/// What the first two accounts start with.
pub const ENDOWMENT: Balance = 1_000_000_000_000;
/// Deposit per artifact.
pub const BASE: Balance = 1_000;
/// Deposit per byte.
pub const BYTE: Balance = 10;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeTask,
        RuntimeHoldReason,
        RuntimeFreezeReason
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Settlement = pallet_settlement;
    #[runtime::pallet_index(3)]
    pub type Storage = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
    pub const ExistentialDeposit: Balance = 100;
    pub const TreasuryAccount: u64 = 99;
    pub const TreasuryShare: Perbill = Perbill::from_percent(5);
    pub const BaseDeposit: Balance = BASE;
    pub const ByteDeposit: Balance = BYTE;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
}

impl pallet_settlement::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type TreasuryAccount = TreasuryAccount;
    type TreasuryShare = TreasuryShare;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type WeightInfo = ();
}

impl crate::Config for Test {
    type Deposits = Settlement;
    type BaseDeposit = BaseDeposit;
    type ByteDeposit = ByteDeposit;
    type WeightInfo = ();
}

/// The start: endowed accounts and no artifact.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    pallet_balances::GenesisConfig::<Test> {
        balances: vec![(OWNER, ENDOWMENT), (OTHER, ENDOWMENT), (POOR, 100), (99, 100)],
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::new(storage);
    // Events are not kept at height 0.
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test from the start; afterwards the invariants hold.
pub fn test(run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        run();
        assert_ok!(Storage::do_try_state());
        assert_ok!(Settlement::do_try_state());
    });
}

/// Runs something that breaks the state, and expects `try_state` to say so.
pub fn breaks(message: &'static str, run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        run();
        assert_eq!(Storage::do_try_state(), Err(message.into()));
    });
}

/// The free balance.
pub fn free(account: u64) -> Balance {
    Balances::balance(&account)
}

/// Bytes of two chunks, the second one short.
pub fn two_chunks() -> Vec<u8> {
    (0..assay_primitives::MAX_CHUNK_BYTES + 5).map(|index| (index % 251) as u8).collect()
}

/// Announces `bytes` as `who`.
pub fn create(who: u64, bytes: &[u8]) -> DispatchResult {
    let ArtifactManifest { digest, size, chunks } = ArtifactManifest::of(bytes);
    Storage::create(RuntimeOrigin::signed(who), digest, size, Chunks::truncate_from(chunks))
}

/// Starts the next extrinsic of the block, with these bytes.
pub fn next_extrinsic(bytes: Vec<u8>) {
    System::set_extrinsic_index(System::extrinsic_index().map_or(0, |index| index + 1));
    System::note_extrinsic(bytes);
}

/// Starts an extrinsic that is an upload and nothing else.
pub fn next_upload(digest: Digest, index: u32, data: &[u8]) {
    let call = Call::<Test>::upload { digest, index, data: data.to_vec() };
    next_extrinsic(RuntimeCall::from(call).encode());
}

/// Uploads a chunk in an extrinsic of its own.
pub fn upload(who: u64, digest: Digest, index: u32, data: &[u8]) -> DispatchResult {
    next_upload(digest, index, data);
    Storage::upload(RuntimeOrigin::signed(who), digest, index, data.to_vec())
}

/// Announces `bytes` and uploads all of them.
pub fn put(who: u64, bytes: &[u8]) -> Digest {
    assert_ok!(create(who, bytes));
    let digest = assay_primitives::digest(bytes);
    for (index, chunk) in ArtifactManifest::split(bytes).enumerate() {
        assert_ok!(upload(who, digest, index as u32, chunk));
    }
    assert!(Storage::complete(&digest).is_some());
    digest
}

/// Announces `bytes` under a digest of two chunks that is not theirs, and uploads all of them.
pub fn put_under(who: u64, digest: Digest, bytes: &[u8]) {
    let ArtifactManifest { size, chunks, .. } = ArtifactManifest::of(bytes);
    let origin = RuntimeOrigin::signed(who);
    assert_ok!(Storage::create(origin, digest, size, Chunks::truncate_from(chunks)));
    for (index, chunk) in ArtifactManifest::split(bytes).enumerate() {
        assert_ok!(upload(who, digest, index as u32, chunk));
    }
}

/// What an account announced.
pub fn announced(who: u64, digest: Digest) -> Option<crate::Artifact<u64>> {
    crate::Uploads::<Test>::get(digest, who)
}

/// The last event of this pallet.
pub fn last_event() -> Option<crate::Event<Test>> {
    System::events().into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::Storage(event) => Some(event),
        _ => None,
    })
}
