//! A runtime of this pallet and of the real pallets around it, so that tests are whole flows.

use assay_primitives::{
    operator::{EngineVersion, Roles},
    runtime_api::Status,
    traits::{BlockRandomness, Bonds, Disputes, OnRequestFinal},
    worker_crypto, Assurance, AssuranceClass, AssuranceClasses, Balance, BlockNumber, Digest,
    HeartbeatStatement, ModelId, Outcome, Possession, ProofCost, Receipt, RequestId, RequestInput,
    Statement, VersionId,
};
use codec::Encode;
use frame_support::{
    assert_ok, derive_impl,
    dispatch::GetDispatchInfo,
    parameter_types,
    traits::{fungible::Inspect, OnFinalize, OnInitialize},
    weights::Weight,
    BoundedVec,
};
use frame_system::{
    offchain::{CreateAuthorizedTransaction, CreateTransaction, CreateTransactionBase},
    AuthorizeCall,
};
use pallet_settlement::HoldReason;
use sp_application_crypto::Pair as _;
use sp_runtime::{
    testing::UintAuthorityId,
    traits::{Applyable, Checkable, Dispatchable},
    transaction_validity::{TransactionSource, TransactionValidityError, ValidTransaction},
    BuildStorage, DispatchResult, Perbill,
};

mod models;

use crate as pallet_inference;
use crate::{Receipts, Request, RequestInputOf, Requests};

pub use models::*;

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
    pub type Artifacts = pallet_storage::Pallet<Test>;
    #[runtime::pallet_index(4)]
    pub type Registry = pallet_model_registry::Pallet<Test>;
    #[runtime::pallet_index(5)]
    pub type Operators = pallet_operators::Pallet<Test>;
    #[runtime::pallet_index(6)]
    pub type Verification = pallet_verification::Pallet<Test>;
    #[runtime::pallet_index(7)]
    pub type Inference = pallet_inference::Pallet<Test>;
}

pub type TxExtension = (AuthorizeCall<Test>,);
pub type Extrinsic =
    sp_runtime::generic::UncheckedExtrinsic<u64, RuntimeCall, UintAuthorityId, TxExtension>;
pub type Header = sp_runtime::generic::Header<BlockNumber, sp_runtime::traits::BlakeTwo256>;
pub type Block = sp_runtime::generic::Block<Header, Extrinsic>;
pub type Output = BoundedVec<u8, MaxOutputBytes>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 10;
pub const ENDOWMENT: Balance = 1_000_000_000;
pub const TREASURY: u64 = 1;
pub const OWNER: u64 = 2;
pub const PAYER: u64 = 3;
pub const STRANGER: u64 = 4;
/// The operators, whose account numbers are the seeds of their worker keys.
pub const OPERATORS: [u64; 5] = [11, 12, 13, 14, 15];
/// What each operator has at stake: a tenth is less than [`MAX_PRICE`], a half is more.
pub const BOND: Balance = 10_000_000;
/// What each operator asks; no share of it is a whole number.
pub const ASK: Balance = 1_000_003;
/// What requests offer: enough for a committee of three.
pub const MAX_PRICE: Balance = 3 * ASK + 7;
/// Blocks from a request of these tests to its deadline.
pub const PATIENCE: BlockNumber = 20;
/// The shares of [`ASK`]: 5 % and 10 %, rounded down, and the rest.
pub const TREASURY_PART: Balance = 50_000;
pub const ROYALTY_PART: Balance = 100_000;
pub const OPERATOR_PART: Balance = 850_003;

pub const SIGNED: Assurance = Assurance::Signed;
pub const PROOF: Assurance = Assurance::Proof;
pub const QUORUM: Assurance = Assurance::Quorum { n: 3, k: 2 };

parameter_types! {
    pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
    pub const TreasuryAccount: u64 = TREASURY;
    pub const TreasuryShare: Perbill = Perbill::from_percent(5);
    pub const MaxRoyalty: Perbill = Perbill::from_percent(50);
    pub const BaseDeposit: Balance = 100;
    pub const ByteDeposit: Balance = 1;
    pub const MinBond: Balance = 1_000_000;
    pub const MaxServers: u32 = 8;
    pub const MaxServed: u32 = 4;
    pub const MaxConcurrency: u32 = 64;
    pub const MaxResponseBlocks: BlockNumber = 50;
    pub const HeartbeatInterval: BlockNumber = 10;
    pub const HeartbeatTimeout: BlockNumber = 1_000;
    pub const UnbondingPeriod: BlockNumber = 200;
    pub const WrongResultSlash: Perbill = Perbill::from_percent(50);
    pub const NoAnswerSlash: Perbill = Perbill::from_percent(10);
    pub const EquivocationSlash: Perbill = Perbill::from_percent(100);
    pub const LostDisputeSlash: Perbill = Perbill::from_percent(20);
    pub const WorkerPriority: u64 = 99;
    pub const MaxInputBytes: u32 = 256;
    pub const MaxArtifactInputBytes: u32 = 1_000;
    pub const MaxOutputBytes: u32 = 64;
    pub const MinDeadline: BlockNumber = 2;
    pub const MaxDeadline: BlockNumber = 100;
    pub const RevealWindow: BlockNumber = 4;
    pub const Retention: BlockNumber = 30;
    pub const DisputeWindow: BlockNumber = 12;
    /// Requests whose results are disputed.
    pub static Disputed: Vec<RequestId> = Vec::new();
    /// Signed, quorum and proof.
    pub const AvailableClasses: AssuranceClasses = AssuranceClasses(0b1111);
    pub const MaxProofCost: ProofCost = ProofCost {
        architecture_bytes: u32::MAX,
        products: u32::MAX,
        cells: u32::MAX,
        hashes: u32::MAX,
        openings: u32::MAX,
        proof_bytes: u32::MAX,
    };
    pub static DrawBudget: Weight = Weight::from_parts(100, 0);
    pub static SweepBudget: Weight = Weight::from_parts(100, 0);
    /// VRF output of the current block's author.
    pub static VrfOutput: Option<[u8; 32]> = None;
    /// Whether blocks have VRF outputs.
    pub static HasVrf: bool = true;
    /// What the listener was told.
    pub static Finals: Vec<(RequestId, Outcome, Digest)> = Vec::new();
    pub static Issuance: Balance = 0;
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

impl pallet_storage::Config for Test {
    type Deposits = Settlement;
    type BaseDeposit = BaseDeposit;
    type ByteDeposit = ByteDeposit;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = NoBenchmarks;
}

impl pallet_model_registry::Config for Test {
    type Artifacts = Artifacts;
    type Deposits = Settlement;
    type AvailableClasses = AvailableClasses;
    type MaxProofCost = MaxProofCost;
    type MaxInputBytes = MaxInputBytes;
    type MaxOutputBytes = MaxOutputBytes;
    type MaxRoyalty = MaxRoyalty;
    type BaseDeposit = BaseDeposit;
    type ByteDeposit = ByteDeposit;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = NoBenchmarks;
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
    type HeartbeatPriority = WorkerPriority;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = NoBenchmarks;
}

impl pallet_verification::Config for Test {
    type Requests = Inference;
    type MaxProofCost = MaxProofCost;
    type Operators = Operators;
    type Models = Registry;
    type AvailableClasses = AvailableClasses;
    type MaxOutputBytes = MaxOutputBytes;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = NoBenchmarks;
}

/// Randomness that the tests set.
pub struct Vrf;

impl BlockRandomness for Vrf {
    fn current() -> Option<[u8; 32]> {
        VrfOutput::get()
    }
}

/// Notes what it is told.
pub struct Listener;

impl OnRequestFinal for Listener {
    fn on_final(request: RequestId, outcome: &Outcome, receipt_digest: &Digest) {
        Finals::mutate(|finals| finals.push((request, *outcome, *receipt_digest)));
    }
    fn weight() -> Weight {
        Weight::from_parts(1, 0)
    }
}

/// Disputes that the test has noted in the parameters above.
pub struct NotedDisputes;

impl Disputes for NotedDisputes {
    fn are_open(request: RequestId) -> bool {
        Disputed::get().contains(&request)
    }
}

impl pallet_inference::Config for Test {
    type Models = Registry;
    type Operators = Operators;
    type Escrow = Settlement;
    type Verification = Verification;
    type Artifacts = Artifacts;
    type Randomness = Vrf;
    type Disputes = NotedDisputes;
    type DisputeWindow = DisputeWindow;
    type OnRequestFinal = Listener;
    type MaxInputBytes = MaxInputBytes;
    type MaxArtifactInputBytes = MaxArtifactInputBytes;
    type MaxOutputBytes = MaxOutputBytes;
    type MinDeadline = MinDeadline;
    type MaxDeadline = MaxDeadline;
    type RevealWindow = RevealWindow;
    type Retention = Retention;
    type DrawBudget = DrawBudget;
    type SweepBudget = SweepBudget;
    type WorkerPriority = WorkerPriority;
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
    fn publish_graph(_: &u64) -> VersionId {
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
    fn worker(
        index: u32,
        message: &[u8],
    ) -> (assay_primitives::WorkerId, assay_primitives::WorkerSignature) {
        let pair = pair(index.into());
        (pair.public(), pair.sign(message).into())
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_inference::BenchmarkHelper<u64> for NoBenchmarks {
    fn sign(operator: &u64, message: &[u8]) -> assay_primitives::WorkerSignature {
        pair(*operator).sign(message).into()
    }
    fn set_randomness(randomness: [u8; 32]) {
        VrfOutput::set(Some(randomness));
    }
}

/// Externalities at block 3: a version is published, and all five operators serve it, live.
pub fn externalities() -> sp_io::TestExternalities {
    DrawBudget::set(Weight::from_parts(100, 0));
    SweepBudget::set(Weight::from_parts(100, 0));
    HasVrf::set(true);
    VrfOutput::set(None);
    Finals::set(Vec::new());
    Disputed::set(Vec::new());
    let endowed = [OWNER, PAYER, STRANGER].into_iter().chain(OPERATORS);
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: endowed
                .map(|account| (account, ENDOWMENT))
                .chain([(TREASURY, EXISTENTIAL_DEPOSIT)])
                .collect(),
            ..Default::default()
        },
        ..Default::default()
    };
    let mut externalities: sp_io::TestExternalities = genesis.build_storage().unwrap().into();
    externalities.execute_with(|| {
        Issuance::set(Balances::total_issuance());
        next_block();
        assert_ok!(signed_call(
            OWNER,
            pallet_model_registry::Call::create { name: b"sum".to_vec().try_into().unwrap() }
        ));
        upload(OWNER, MODEL);
        assert_eq!(publish(descriptor()), version(1));
        for operator in OPERATORS {
            register(operator);
            serve(operator, version(1), ASK, both());
        }
        next_block();
        next_block();
        check_all();
    });
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

/// Checks the invariants of every pallet of Assay, and that no money was made or lost.
pub fn check_all() {
    Settlement::do_try_state().unwrap();
    Artifacts::do_try_state().unwrap();
    Registry::do_try_state().unwrap();
    Operators::do_try_state().unwrap();
    Verification::do_try_state().unwrap();
    Inference::do_try_state().unwrap();
    assert_eq!(Balances::total_issuance(), Issuance::get());
}

/// Ends the block and starts the next one.
pub fn next_block() {
    let now = System::block_number();
    AllPalletsWithSystem::on_finalize(now);
    System::set_block_number(now + 1);
    VrfOutput::set(HasVrf::get().then(|| vrf(now + 1)));
    AllPalletsWithSystem::on_initialize(now + 1);
}

/// The VRF output of a block that has one.
pub fn vrf(height: BlockNumber) -> [u8; 32] {
    sp_io::hashing::blake2_256(&height.encode())
}

/// Goes to a later block.
pub fn go_to(height: BlockNumber) {
    assert!(System::block_number() <= height, "the block is over");
    while System::block_number() < height {
        next_block();
    }
}

pub fn now() -> BlockNumber {
    System::block_number()
}

pub fn genesis() -> Digest {
    System::block_hash(0)
}

pub fn version(number: u32) -> VersionId {
    VersionId { model: ModelId(0), number }
}

pub fn signed_only() -> AssuranceClasses {
    AssuranceClasses::NONE.with(AssuranceClass::Signed)
}

pub fn both() -> AssuranceClasses {
    signed_only().with(AssuranceClass::Quorum)
}

/// Every class that is available.
pub fn all() -> AssuranceClasses {
    both().with(AssuranceClass::Optimistic).with(AssuranceClass::Proof)
}

/// A worker key.
pub fn pair(seed: u64) -> worker_crypto::Pair {
    worker_crypto::Pair::from_seed(&Digest::from_low_u64_be(seed).0)
}

/// Dispatches a signed call, in a storage layer as in a block.
pub fn signed_call(who: u64, call: impl Into<RuntimeCall>) -> DispatchResult {
    call.into().dispatch(RuntimeOrigin::signed(who)).map(drop).map_err(|error| error.error)
}

/// Registers an operator and shows life.
pub fn register(operator: u64) {
    let statement = Possession { genesis: genesis(), operator };
    let pair = pair(operator);
    assert_ok!(signed_call(
        operator,
        pallet_operators::Call::register {
            roles: Roles::INFERENCE,
            worker: pair.public(),
            possession: pair.sign(&statement.signing_bytes()).into(),
            bond: BOND,
        }
    ));
    beat(operator, &pair);
}

pub fn beat(operator: u64, pair: &worker_crypto::Pair) {
    let statement = HeartbeatStatement {
        genesis: genesis(),
        operator,
        at: now(),
        engine: EngineVersion::default(),
        load: 0,
    };
    let signature = pair.sign(&statement.signing_bytes()).into();
    assert_ok!(include(pallet_operators::Call::heartbeat { statement, signature }));
}

/// Serves a version, fifty runs at once.
pub fn serve(operator: u64, version: VersionId, ask: Balance, classes: AssuranceClasses) {
    serve_at_once(operator, version, ask, classes, 50);
}

pub fn serve_at_once(
    operator: u64,
    version: VersionId,
    ask: Balance,
    classes: AssuranceClasses,
    concurrency: u32,
) {
    let call =
        pallet_operators::Call::serve { version, ask, concurrency, response_blocks: 1, classes };
    assert_ok!(signed_call(operator, call));
}

/// Serves version 1 at the usual terms, but wants so many blocks for an answer.
pub fn serve_slowly(operator: u64, response_blocks: BlockNumber) {
    let call = pallet_operators::Call::serve {
        version: version(1),
        ask: ASK,
        concurrency: 50,
        response_blocks,
        classes: both(),
    };
    assert_ok!(signed_call(operator, call));
}

/// Takes every operator but these off the list.
pub fn only(operators: &[u64]) {
    for operator in OPERATORS {
        if !operators.contains(&operator) {
            serve_at_once(operator, version(1), ASK, both(), 0);
        }
    }
}

/// The transaction of a feeless call.
pub fn transaction(call: impl Into<RuntimeCall>) -> Extrinsic {
    Extrinsic::new_transaction(
        call.into(),
        <Test as CreateAuthorizedTransaction<crate::Call<Test>>>::create_extension(),
    )
}

/// Takes a feeless call the way of a transaction: into the pool, then into a block.
pub fn include(call: impl Into<RuntimeCall>) -> Result<ValidTransaction, TransactionValidityError> {
    let transaction = transaction(call);
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

/// The terms of a request, all of which have a default.
#[derive(Clone)]
pub struct Terms {
    pub payer: u64,
    pub version: VersionId,
    pub input: RequestInputOf<Test>,
    pub assurance: Assurance,
    pub max_price: Balance,
    /// Blocks from now.
    pub patience: BlockNumber,
    pub client_key: [u8; 32],
}

impl Terms {
    /// Good terms, with a client key that was not used before.
    pub fn of(assurance: Assurance) -> Self {
        let next = crate::NextRequest::<Test>::get();
        Self {
            payer: PAYER,
            version: version(1),
            input: RequestInput::Inline(input().try_into().unwrap()),
            assurance,
            max_price: MAX_PRICE,
            patience: PATIENCE,
            client_key: sp_io::hashing::blake2_256(&next.encode()),
        }
    }

    pub fn with_input(self, payload: Vec<u8>) -> Self {
        Self { input: RequestInput::Inline(payload.try_into().unwrap()), ..self }
    }

    pub fn call(&self) -> RuntimeCall {
        crate::Call::request {
            version: self.version,
            input: self.input.clone(),
            assurance: self.assurance,
            max_price: self.max_price,
            deadline: now() + self.patience,
            client_key: self.client_key,
        }
        .into()
    }

    /// Makes the request.
    pub fn send(&self) -> DispatchResult {
        signed_call(self.payer, self.call())
    }

    /// Makes the request, which has to be accepted.
    pub fn accepted(&self) -> RequestId {
        let id = crate::NextRequest::<Test>::get();
        assert_ok!(self.send());
        id
    }

    /// Makes the request and waits for the draw. Its first operator can answer in this block.
    pub fn drawn(&self) -> (RequestId, Vec<u64>) {
        let id = self.accepted();
        next_block();
        next_block();
        assert_eq!(record(id).status, Status::Assigned);
        (id, members(id))
    }
}

pub fn record(id: RequestId) -> Request<u64> {
    Requests::<Test>::get(id).unwrap()
}

pub fn members(id: RequestId) -> Vec<u64> {
    record(id).accounts()
}

/// How a request ended.
pub fn outcome(id: RequestId) -> Outcome {
    match record(id).status {
        Status::Final(outcome) => {
            let told: Vec<_> = Finals::get()
                .into_iter()
                .filter_map(|(told, outcome, digest)| (told == id).then_some((outcome, digest)))
                .collect();
            assert_eq!(told, [(outcome, receipt(id).digest())], "the listener is told once");
            outcome
        },
        status => panic!("{status:?} is not final"),
    }
}

pub fn receipt(id: RequestId) -> Receipt<u64> {
    Receipts::<Test>::get(id).unwrap()
}

pub fn free(account: u64) -> Balance {
    Balances::balance(&account)
}

pub fn escrow(account: u64) -> Balance {
    Settlement::held(HoldReason::Escrow, &account)
}

pub fn bond(account: u64) -> Balance {
    Settlement::bonded(&account)
}
