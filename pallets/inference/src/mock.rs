//! A runtime of this pallet and of the real pallets around it, so that tests are whole flows.

#[cfg(feature = "runtime-benchmarks")]
use assay_pallet_testing::benchmarks::Benchmarks;
use assay_pallet_testing::{graphs::ANY_COST, workers::possession};
use assay_primitives::{
    operator::{EngineVersion, Roles},
    runtime_api::Status,
    traits::{BlockRandomness, BlockRoom, BlockVrf, Bonds, Disputes, OnRequestFinal},
    worker_crypto, Assurance, AssuranceClass, AssuranceClasses, Balance, BlockNumber, Digest,
    Evidence, HeartbeatStatement, ModelId, Outcome, ProofCost, Receipt, RequestId, RequestInput,
    Statement, VersionId,
};
use codec::Encode;
use frame_support::{assert_ok, parameter_types, weights::Weight, BoundedVec};
use pallet_settlement::HoldReason;
use sp_application_crypto::Pair as _;
use sp_runtime::{DispatchResult, Perbill};

mod models;

use crate::{Request, RequestInputOf, Requests, Results};

pub use assay_pallet_testing::{workers::pair, EXISTENTIAL_DEPOSIT, TREASURY};
pub use models::*;

assay_pallet_testing::mock! {
    Inference = crate,
    beside {
        3: Settlement = pallet_settlement,
        4: Artifacts = pallet_storage,
        5: Registry = pallet_model_registry,
        6: Operators = pallet_operators,
        7: Verification = pallet_verification,
    },
    on_block: draw_randomness,
}
assay_pallet_testing::settlement!(pallet_settlement);
assay_pallet_testing::storage!(pallet_storage);

pub type Output = BoundedVec<u8, MaxOutputBytes>;

pub const ENDOWMENT: Balance = 1_000_000_000;
pub const OWNER: u64 = 2;
pub const PAYER: u64 = 3;
pub const STRANGER: u64 = 4;
/// The operators. Their worker keys have the numbers of their accounts.
pub const OPERATORS: [u64; 5] = [11, 12, 13, 14, 15];
/// The bond of each operator.
pub const BOND: Balance = 10_000_000;
/// The penalty for a wrong result.
pub const WRONG_RESULT: Balance = 500_000;
/// The penalty for no answer.
pub const NO_ANSWER: Balance = 100_000;
/// The additional penalty for a lost dispute.
pub const LOST_DISPUTE: Balance = 200_000;
/// The price of each operator; no share of it is a whole number.
pub const ASK: Balance = 1_000_003;
/// The price limit of requests: enough for a committee of three.
pub const MAX_PRICE: Balance = 3 * ASK + 7;
/// Blocks from a request to its deadline.
pub const PATIENCE: BlockNumber = 20;
/// The shares of [`ASK`]: 5 % and 10 %, rounded down, and the rest.
pub const TREASURY_PART: Balance = 50_000;
pub const ROYALTY_PART: Balance = 100_000;
pub const OPERATOR_PART: Balance = 850_003;

pub const SIGNED: Assurance = Assurance::Signed;
pub const PROOF: Assurance = Assurance::Proof;
pub const QUORUM: Assurance = Assurance::Quorum { n: 3, k: 2 };

parameter_types! {
    pub const MaxRoyalty: Perbill = Perbill::from_percent(50);
    pub const MinBond: Balance = 1_000_000;
    pub const WrongResultSlash: Balance = WRONG_RESULT;
    pub const NoAnswerSlash: Balance = NO_ANSWER;
    pub const LostDisputeSlash: Balance = LOST_DISPUTE;
    pub static MaxServers: u32 = 8;
    pub const MaxServed: u32 = 4;
    pub const MaxConcurrency: u32 = 64;
    pub const HeartbeatTimeout: BlockNumber = 1_000;
    pub const UnbondingPeriod: BlockNumber = 200;
    pub const HeartbeatPriority: u64 = 99;
    pub const WorkerPriority: u64 = 99;
    pub const MaxInputBytes: u32 = 256;
    pub const MaxArtifactInputBytes: u32 = 1_000;
    pub const MaxOutputBytes: u32 = 64;
    pub const MinDeadline: BlockNumber = 2;
    pub const MaxDeadline: BlockNumber = 100;
    pub const RevealWindow: BlockNumber = 4;
    pub const Retention: BlockNumber = 30;
    pub const AppealWindow: BlockNumber = 10;
    pub static RoomyBlocks: BlockNumber = 3;
    /// Number of earlier blocks without room.
    pub static FullBlocks: BlockNumber = 0;
    /// Whether this block has no room for answers.
    pub static IsFull: bool = false;
    /// The price of a unit of weight or a byte.
    pub static UnitPrice: Balance = 0;
    /// The room that answers have taken: weight and bytes.
    pub static Taken: (u64, u32) = (0, 0);
    pub const DisputeWindow: BlockNumber = 12;
    /// Requests whose results are disputed.
    pub static Disputed: Vec<RequestId> = Vec::new();
    /// The number of blocks for a move of a dispute.
    pub static TimeForMoves: BlockNumber = 75;
    /// All classes.
    pub const AvailableClasses: AssuranceClasses = AssuranceClasses(0b1111);
    pub const MaxProofCost: ProofCost = ANY_COST;
    pub static DrawBudget: Weight = Weight::from_parts(100, 0);
    pub static SweepBudget: Weight = Weight::from_parts(100, 0);
    /// VRF output of the current block's author.
    pub static VrfOutput: Option<[u8; 32]> = None;
    /// The author of the current block. `None`: two take turns.
    pub static Author: Option<u8> = None;
    /// The number of authors.
    pub static Authors: u32 = 2;
    /// Whether blocks have VRF outputs.
    pub static HasVrf: bool = true;
    /// The calls of [`Listener`].
    pub static Finals: Vec<(RequestId, Outcome, Digest)> = Vec::new();
}

assay_pallet_testing::model_registry!(pallet_model_registry, artifacts: Artifacts);
assay_pallet_testing::operators!(pallet_operators, models: Registry, room: ChosenRoom);
assay_pallet_testing::verification!(
    pallet_verification,
    requests: Inference,
    operators: Operators,
    models: Registry
);

/// Room as the parameters above say.
pub struct ChosenRoom;

impl BlockRoom for ChosenRoom {
    fn answer_blocks() -> BlockNumber {
        now() - FullBlocks::get()
    }
    fn move_blocks() -> BlockNumber {
        now() - FullBlocks::get()
    }
    fn fits_answer(_: Weight, _: u32) -> bool {
        !IsFull::get()
    }
    fn note_answer(weight: Weight, bytes: u32) {
        Taken::mutate(|taken| *taken = (taken.0 + weight.ref_time(), taken.1 + bytes));
    }
    fn fits_move(_: Weight, _: u32) -> bool {
        true
    }
    fn note_move(_: Weight, _: u32) {}
    fn price(weight: Weight, bytes: u32) -> Balance {
        UnitPrice::get() * (Balance::from(weight.ref_time()) + Balance::from(bytes))
    }
}

/// The VRF output that the mock sets.
pub struct Vrf;

impl BlockRandomness for Vrf {
    fn current() -> Option<BlockVrf> {
        let author = [Author::get().unwrap_or(now() as u8 % 2); 32];
        VrfOutput::get().map(|output| BlockVrf { author, output })
    }
    fn authors() -> u32 {
        Authors::get()
    }
}

/// Records its calls.
pub struct Listener;

impl OnRequestFinal for Listener {
    fn on_final(request: RequestId, outcome: &Outcome, receipt_digest: &Digest) {
        Finals::mutate(|finals| finals.push((request, *outcome, *receipt_digest)));
    }
    fn weight() -> Weight {
        Weight::from_parts(1, 0)
    }
}

/// Says that the requests in [`Disputed`] are disputed.
pub struct NotedDisputes;

impl Disputes for NotedDisputes {
    fn are_open(request: RequestId) -> bool {
        Disputed::get().contains(&request)
    }

    fn response_blocks() -> BlockNumber {
        TimeForMoves::get()
    }
}

impl crate::Config for Test {
    type Models = Registry;
    type Operators = Operators;
    type Escrow = Settlement;
    type Verification = Verification;
    type Artifacts = Artifacts;
    type Randomness = Vrf;
    type Disputes = NotedDisputes;
    type DisputeWindow = DisputeWindow;
    type Room = ChosenRoom;
    type RoomyBlocks = RoomyBlocks;
    type Proofs = Verification;
    type OnRequestFinal = Listener;
    type AppealWindow = AppealWindow;
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
    type BenchmarkHelper = Benchmarks<Test>;
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<u64> for Benchmarks<Test> {
    fn sign(operator: &u64, message: &[u8]) -> assay_primitives::WorkerSignature {
        pair(*operator).sign(message).into()
    }
    fn artifact(index: u32, _: u32) -> Digest {
        upload_artifact(OWNER, &index.to_le_bytes())
    }
    fn set_vrf() {
        VrfOutput::set(Some([1; 32]));
    }
}

/// Externalities in which so many operators may serve a version that the largest committee can be
/// drawn. Benchmarks return to the committed state before each run.
#[cfg(feature = "runtime-benchmarks")]
pub fn benchmark_ext() -> sp_io::TestExternalities {
    let mut externalities = new_test_ext();
    MaxServers::set(16);
    externalities.commit_all().expect("no storage transaction is open");
    externalities
}

/// Externalities at block 3: a version is published, and all five operators are live and serve it.
pub fn new_test_ext() -> sp_io::TestExternalities {
    MaxServers::set(8);
    DrawBudget::set(Weight::from_parts(100, 0));
    SweepBudget::set(Weight::from_parts(100, 0));
    HasVrf::set(true);
    VrfOutput::set(None);
    Finals::set(Vec::new());
    Disputed::set(Vec::new());
    let endowed = [OWNER, PAYER, STRANGER].into_iter().chain(OPERATORS);
    let mut externalities = externalities_with(endowed.map(|account| (account, ENDOWMENT)));
    externalities.execute_with(|| {
        draw_randomness();
        assert_ok!(signed_call(
            OWNER,
            pallet_model_registry::Call::create { name: b"sum".to_vec().try_into().unwrap() }
        ));
        upload_artifact(OWNER, MODEL);
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

/// Sets the VRF output of the block that starts.
fn draw_randomness() {
    VrfOutput::set(HasVrf::get().then(|| vrf(now())));
}

/// The VRF output of a block that has one.
pub fn vrf(height: BlockNumber) -> [u8; 32] {
    sp_io::hashing::blake2_256(&height.encode())
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

/// Registers an operator and sends a heartbeat.
pub fn register(operator: u64) {
    let (worker, possession) = possession(genesis(), operator, operator);
    let roles = Roles::INFERENCE;
    let call = pallet_operators::Call::register { roles, worker, possession, bond: BOND };
    assert_ok!(signed_call(operator, call));
    beat(operator, &pair(operator));
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

/// Serves a version with a concurrency of fifty.
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
    let call = pallet_operators::Call::serve {
        version,
        ask,
        concurrency,
        response_blocks: 1,
        classes,
        max_royalty: Perbill::one(),
    };
    assert_ok!(signed_call(operator, call));
}

/// Serves version 1 on the usual terms, but requests so many blocks for an answer.
pub fn serve_slowly(operator: u64, response_blocks: BlockNumber) {
    let call = pallet_operators::Call::serve {
        version: version(1),
        ask: ASK,
        concurrency: 50,
        response_blocks,
        max_royalty: Perbill::one(),
        classes: both(),
    };
    assert_ok!(signed_call(operator, call));
}

/// Sets the concurrency of all other operators to zero.
pub fn only(operators: &[u64]) {
    for operator in OPERATORS {
        if !operators.contains(&operator) {
            serve_at_once(operator, version(1), ASK, both(), 0);
        }
    }
}

/// The terms of a request.
#[derive(Clone)]
pub struct Terms {
    pub payer: u64,
    pub version: VersionId,
    pub input: RequestInputOf<Test>,
    pub assurance: Assurance,
    pub max_price: Balance,
    /// Blocks from now.
    pub patience: BlockNumber,
    pub draw_delay: BlockNumber,
    pub client_key: [u8; 32],
}

impl Terms {
    /// Valid terms, with a new client key.
    pub fn of(assurance: Assurance) -> Self {
        let next = crate::NextRequest::<Test>::get();
        Self {
            payer: PAYER,
            version: version(1),
            input: RequestInput::Inline(input().try_into().unwrap()),
            assurance,
            max_price: MAX_PRICE,
            patience: PATIENCE,
            draw_delay: 1,
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
            draw_delay: self.draw_delay,
            client_key: self.client_key,
        }
        .into()
    }

    /// Makes the request.
    pub fn send(&self) -> DispatchResult {
        signed_call(self.payer, self.call())
    }

    /// Makes the request, which must be accepted.
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
    Results::<Test>::get(id).unwrap().receipt
}

pub fn evidence(id: RequestId) -> Evidence<u64> {
    Results::<Test>::get(id).unwrap().evidence
}

/// The output of a finished request that is not pruned.
pub fn shown(id: RequestId) -> Option<Output> {
    Results::<Test>::get(id)?.output
}

pub fn escrow(account: u64) -> Balance {
    Settlement::held(HoldReason::Escrow, &account)
}

/// What an account can claim later.
pub fn compensation(account: u64) -> Balance {
    Settlement::held(HoldReason::Compensation, &account)
}

pub fn bond(account: u64) -> Balance {
    Settlement::bonded(&account)
}
