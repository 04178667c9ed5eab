//! A runtime of this pallet, with real settlement and a double for the registry.

use std::collections::BTreeMap;

use assay_primitives::{
    operator::{EngineVersion, Roles},
    traits::{Bonds, Models, VersionTerms},
    worker_crypto, AssuranceClass, AssuranceClasses, Balance, BlockNumber, Digest,
    HeartbeatStatement, ModelId, Possession, Statement, VersionId, WorkerId, WorkerSignature,
};
use codec::Encode;
use frame_support::{
    assert_ok, derive_impl,
    dispatch::GetDispatchInfo,
    parameter_types,
    traits::{fungible::Inspect, OnFinalize, OnInitialize},
};
use frame_system::{
    offchain::{CreateAuthorizedTransaction, CreateTransaction, CreateTransactionBase},
    AuthorizeCall,
};
use sp_application_crypto::Pair as _;
use sp_runtime::{
    testing::UintAuthorityId,
    traits::{Applyable, Checkable, Dispatchable},
    transaction_validity::{TransactionSource, TransactionValidityError, ValidTransaction},
    BuildStorage, DispatchResult, Perbill,
};

use crate as pallet_operators;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances::Pallet<Test>;
    #[runtime::pallet_index(2)]
    pub type Settlement = pallet_settlement::Pallet<Test>;
    #[runtime::pallet_index(3)]
    pub type Operators = pallet_operators::Pallet<Test>;
}

pub type TxExtension = (AuthorizeCall<Test>,);
pub type Extrinsic =
    sp_runtime::generic::UncheckedExtrinsic<u64, RuntimeCall, UintAuthorityId, TxExtension>;
pub type Header = sp_runtime::generic::Header<BlockNumber, sp_runtime::traits::BlakeTwo256>;
pub type Block = sp_runtime::generic::Block<Header, Extrinsic>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const MIN_BOND: Balance = 1_000;
/// What every operator has at genesis.
pub const ENDOWMENT: Balance = 100_000;
pub const TREASURY: u64 = 1;
pub const PAYER: u64 = 2;
/// The operators-to-be, and the seeds of their worker keys.
pub const ALICE: u64 = 11;
pub const BOB: u64 = 12;
pub const CHARLIE: u64 = 13;
pub const DAVE: u64 = 14;
/// Has nothing but the existential deposit.
pub const POOR: u64 = 15;

parameter_types! {
    pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
    pub const TreasuryAccount: u64 = TREASURY;
    pub const TreasuryShare: Perbill = Perbill::from_percent(5);
    pub const MinBond: Balance = MIN_BOND;
    pub const MaxServers: u32 = 3;
    pub const MaxServed: u32 = 2;
    pub const MaxConcurrency: u32 = 4;
    pub const MaxResponseBlocks: BlockNumber = 50;
    pub const HeartbeatInterval: BlockNumber = 10;
    pub const HeartbeatTimeout: BlockNumber = 25;
    pub const UnbondingPeriod: BlockNumber = 100;
    pub const WrongResultSlash: Perbill = Perbill::from_percent(50);
    pub const NoAnswerSlash: Perbill = Perbill::from_percent(10);
    pub const EquivocationSlash: Perbill = Perbill::from_percent(100);
    pub const LostDisputeSlash: Perbill = Perbill::from_percent(20);
    pub const HeartbeatPriority: u64 = 77;
    /// The versions of the double, with what they offer and whether they are deprecated.
    pub static Versions: BTreeMap<VersionId, (AssuranceClasses, bool)> = BTreeMap::new();
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

/// A double of the registry.
pub struct Registry;

impl Models<u64> for Registry {
    fn terms(_: VersionId) -> Option<VersionTerms<u64>> {
        None
    }
    fn is_active(version: VersionId) -> bool {
        Versions::get().get(&version).is_some_and(|(_, deprecated)| !deprecated)
    }
    fn assurances(version: VersionId) -> Option<AssuranceClasses> {
        Versions::get().get(&version).map(|(classes, _)| *classes)
    }
    fn proof_terms(_: VersionId) -> Option<assay_primitives::ProofTerms> {
        None
    }
    fn weights_fingerprint(_: VersionId) -> Option<assay_primitives::WeightsFingerprint> {
        None
    }
    fn architecture(_: VersionId) -> Option<Vec<u8>> {
        None
    }
    fn acquire(_: VersionId) -> DispatchResult {
        Ok(())
    }
    fn release(_: VersionId) {}
}

impl pallet_operators::Config for Test {
    type Bonds = Settlement;
    type Models = Registry;
    type MinBond = MinBond;
    type MaxServers = MaxServers;
    type MaxServed = MaxServed;
    type MaxConcurrency = MaxConcurrency;
    type MaxResponseBlocks = MaxResponseBlocks;
    type HeartbeatInterval = HeartbeatInterval;
    type HeartbeatTimeout = HeartbeatTimeout;
    type UnbondingPeriod = UnbondingPeriod;
    type WrongResultSlash = WrongResultSlash;
    type NoAnswerSlash = NoAnswerSlash;
    type EquivocationSlash = EquivocationSlash;
    type LostDisputeSlash = LostDisputeSlash;
    type HeartbeatPriority = HeartbeatPriority;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = NoBenchmarks;
}

impl<LocalCall> CreateTransactionBase<LocalCall> for Test
where
    RuntimeCall: From<LocalCall>,
{
    type Extrinsic = Extrinsic;
    type RuntimeCall = RuntimeCall;
}

impl<LocalCall> CreateTransaction<LocalCall> for Test
where
    RuntimeCall: From<LocalCall>,
{
    type Extension = TxExtension;

    fn create_transaction(call: RuntimeCall, extension: TxExtension) -> Extrinsic {
        Extrinsic::new_transaction(call, extension)
    }
}

impl<LocalCall> CreateAuthorizedTransaction<LocalCall> for Test
where
    RuntimeCall: From<LocalCall>,
{
    fn create_extension() -> TxExtension {
        (AuthorizeCall::new(),)
    }
}

/// Benchmarks run on the runtime, not here.
#[cfg(feature = "runtime-benchmarks")]
pub struct NoBenchmarks;

#[cfg(feature = "runtime-benchmarks")]
impl assay_primitives::traits::BenchmarkHelper<u64> for NoBenchmarks {
    fn endow(_: &u64) {}
    fn publish(_: &u64, _: u32) -> VersionId {
        version(1)
    }
    fn payload(_: u32) -> Vec<u8> {
        Vec::new()
    }
    fn serve(_: VersionId, _: u32) -> Vec<u64> {
        Vec::new()
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_operators::BenchmarkHelper<u64> for NoBenchmarks {
    fn worker(index: u32, message: &[u8]) -> (WorkerId, WorkerSignature) {
        let pair = pair(index.into());
        (pair.public(), pair.sign(message).into())
    }
}

/// Externalities at block 1, in which nobody has registered.
pub fn externalities() -> sp_io::TestExternalities {
    Versions::set(BTreeMap::from([
        (version(1), (both(), false)),
        (version(2), (signed(), false)),
        (version(3), (both(), false)),
    ]));
    let endowed = [PAYER, ALICE, BOB, CHARLIE, DAVE].map(|account| (account, ENDOWMENT));
    let dust = [TREASURY, POOR].map(|account| (account, EXISTENTIAL_DEPOSIT));
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: endowed.into_iter().chain(dust).collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    let mut externalities: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test and checks every invariant at its end.
pub fn run(test: impl FnOnce()) {
    run_in(&mut externalities(), test);
}

/// [`run`] in externalities that are there already.
pub fn run_in(externalities: &mut sp_io::TestExternalities, test: impl FnOnce()) {
    externalities.execute_with(|| {
        test();
        check_all();
    });
}

/// Checks the invariants of every pallet of Assay.
pub fn check_all() {
    Operators::do_try_state().unwrap();
    Settlement::do_try_state().unwrap();
}

/// Goes to a later block.
pub fn go_to(height: BlockNumber) {
    while System::block_number() < height {
        let now = System::block_number();
        AllPalletsWithSystem::on_finalize(now);
        System::set_block_number(now + 1);
        AllPalletsWithSystem::on_initialize(now + 1);
    }
}

pub fn version(number: u32) -> VersionId {
    VersionId { model: ModelId(0), number }
}

pub fn signed() -> AssuranceClasses {
    AssuranceClasses::NONE.with(AssuranceClass::Signed)
}

pub fn both() -> AssuranceClasses {
    signed().with(AssuranceClass::Quorum)
}

pub fn genesis() -> Digest {
    System::block_hash(0)
}

/// A worker key.
pub fn pair(seed: u64) -> worker_crypto::Pair {
    worker_crypto::Pair::from_seed(&Digest::from_low_u64_be(seed).0)
}

/// The worker key with a seed, and its word that it belongs to the operator.
pub fn worker(seed: u64, operator: u64) -> (WorkerId, WorkerSignature) {
    let statement = Possession { genesis: genesis(), operator };
    let pair = pair(seed);
    (pair.public(), pair.sign(&statement.signing_bytes()).into())
}

/// Dispatches a signed call, in a storage layer as in a block.
pub fn signed_call(who: u64, call: crate::Call<Test>) -> DispatchResult {
    RuntimeCall::from(call)
        .dispatch(RuntimeOrigin::signed(who))
        .map(drop)
        .map_err(|error| error.error)
}

pub fn register_with(
    operator: u64,
    roles: Roles,
    (worker, possession): (WorkerId, WorkerSignature),
    bond: Balance,
) -> DispatchResult {
    signed_call(operator, crate::Call::register { roles, worker, possession, bond })
}

/// Registers an operator whose worker key has its account number as seed.
pub fn register(operator: u64) {
    assert_ok!(register_with(operator, Roles::INFERENCE, worker(operator, operator), 5 * MIN_BOND));
}

/// What the operators of these tests want for an answer.
pub const RESPONSE_BLOCKS: BlockNumber = 3;

pub fn serve_with(
    operator: u64,
    version: VersionId,
    ask: Balance,
    concurrency: u32,
    classes: AssuranceClasses,
) -> DispatchResult {
    let response_blocks = RESPONSE_BLOCKS;
    signed_call(
        operator,
        crate::Call::serve { version, ask, concurrency, response_blocks, classes },
    )
}

/// Serves version 1 for 100 plancks, two runs at once.
pub fn serve(operator: u64) {
    assert_ok!(serve_with(operator, version(1), 100, 2, both()));
}

/// Registers, serves and shows life.
pub fn bring_up(operator: u64) {
    register(operator);
    serve(operator);
    assert_ok!(beat(operator));
}

/// A statement that an operator can make now.
pub fn heartbeat(operator: u64) -> HeartbeatStatement<u64> {
    HeartbeatStatement {
        genesis: genesis(),
        operator,
        at: System::block_number(),
        engine: EngineVersion { major: 1, minor: 2, patch: 3 },
        load: 4,
    }
}

/// The call with which a worker hands a statement in.
pub fn heartbeat_call(
    statement: HeartbeatStatement<u64>,
    worker: &worker_crypto::Pair,
) -> RuntimeCall {
    let signature = worker.sign(&statement.signing_bytes()).into();
    crate::Call::heartbeat { statement, signature }.into()
}

/// Sends a heartbeat with the operator's first worker key.
pub fn beat(operator: u64) -> Result<ValidTransaction, TransactionValidityError> {
    include(heartbeat_call(heartbeat(operator), &pair(operator)))
}

/// Takes a feeless call the way of a transaction: into the pool, then into a block.
pub fn include(call: RuntimeCall) -> Result<ValidTransaction, TransactionValidityError> {
    let transaction = Extrinsic::new_transaction(
        call,
        <Test as CreateAuthorizedTransaction<crate::Call<Test>>>::create_extension(),
    );
    let info = transaction.get_dispatch_info();
    let length = transaction.encoded_size();
    let checked = transaction.check(&frame_system::ChainContext::<Test>::default())?;
    let pooled = checked.validate::<Test>(TransactionSource::External, &info, length);
    match checked.apply::<Test>(&info, length) {
        Ok(outcome) => {
            outcome.expect("what is authorized does not fail");
            Ok(pooled.expect("pool and block agree"))
        },
        Err(refusal) => {
            assert_eq!(pooled, Err(refusal), "pool and block agree");
            Err(refusal)
        },
    }
}

/// What an account can spend, and its bond.
pub fn money(account: u64) -> (Balance, Balance) {
    (Balances::balance(&account), Settlement::bonded(&account))
}
