//! A runtime of this pallet, with real settlement and a double of the registry.

use std::collections::BTreeMap;

use assay_pallet_testing::{
    doubles::{NotedVersion, NotedVersions, Versions},
    workers::possession,
};
use assay_primitives::{
    operator::{EngineVersion, Roles},
    traits::{BlockRoom, Bonds, DrawTerms},
    worker_crypto, AssuranceClass, AssuranceClasses, Balance, BlockNumber, HeartbeatStatement,
    ModelId, Statement, VersionId, WorkerId, WorkerSignature,
};
use frame_support::{assert_ok, parameter_types, weights::Weight};
use sp_application_crypto::Pair as _;
use sp_runtime::{
    transaction_validity::{TransactionValidityError, ValidTransaction},
    DispatchResult, Perbill,
};

pub use assay_pallet_testing::{workers::pair, EXISTENTIAL_DEPOSIT, TREASURY};

assay_pallet_testing::mock! { Operators = crate, beside { 3: Settlement = pallet_settlement } }
assay_pallet_testing::settlement!(pallet_settlement);

pub const MIN_BOND: Balance = 1_000;
/// The penalty for a wrong result.
pub const WRONG_RESULT: Balance = 500;
/// The penalty for no answer.
pub const NO_ANSWER: Balance = 100;
/// The additional penalty for a lost dispute.
pub const LOST_DISPUTE: Balance = 200;
/// The balance of every operator at genesis.
pub const ENDOWMENT: Balance = 100_000;
pub const PAYER: u64 = 2;
/// The operators-to-be, which are also the numbers of their worker keys.
pub const ALICE: u64 = 11;
pub const BOB: u64 = 12;
pub const CHARLIE: u64 = 13;
pub const DAVE: u64 = 14;
/// Has the existential deposit and no more.
pub const POOR: u64 = 15;

parameter_types! {
    /// Whether a block has no room for answers.
    pub static IsFull: bool = false;
    /// Weight and length of the answers of this block.
    pub static Taken: (u64, u32) = (0, 0);
    pub const MinBond: Balance = MIN_BOND;
    pub const WrongResultSlash: Balance = WRONG_RESULT;
    pub const NoAnswerSlash: Balance = NO_ANSWER;
    pub const LostDisputeSlash: Balance = LOST_DISPUTE;
    pub const MaxServers: u32 = 3;
    pub const MaxServed: u32 = 2;
    pub const MaxConcurrency: u32 = 4;
    pub const HeartbeatTimeout: BlockNumber = 25;
    pub const UnbondingPeriod: BlockNumber = 100;
    pub const HeartbeatPriority: u64 = 77;
}

/// Room as the parameters above say.
pub struct NotedRoom;

impl BlockRoom for NotedRoom {
    fn answer_blocks() -> BlockNumber {
        now()
    }
    fn move_blocks() -> BlockNumber {
        now()
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
    fn price(_: Weight, _: u32) -> Balance {
        0
    }
}

assay_pallet_testing::operators!(crate, models: NotedVersions, room: NotedRoom);

#[cfg(feature = "runtime-benchmarks")]
use assay_primitives::traits::BenchmarkHelper as _;

#[cfg(feature = "runtime-benchmarks")]
impl assay_pallet_testing::benchmarks::Prepare for Test {
    fn publish(_: u64, _: u32) -> VersionId {
        version(1)
    }
    fn serve(version: VersionId, count: u32) -> Vec<u64> {
        let serve = |index| {
            let operator = frame_benchmarking::account("operator", index, 0);
            <Test as crate::Config>::BenchmarkHelper::endow(&operator);
            register(operator);
            assert_ok!(serve_with(operator, version, 100, 2, both()));
            operator
        };
        (0..count).map(serve).collect()
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<u64> for assay_pallet_testing::benchmarks::Benchmarks<Test> {
    fn worker(index: u32, message: &[u8]) -> (WorkerId, WorkerSignature) {
        assay_pallet_testing::benchmarks::worker(index, message)
    }
}

/// Externalities without operators, where three versions are published.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let noted = |classes| NotedVersion { classes, ..Default::default() };
    Versions::set(BTreeMap::from([
        (version(1), noted(both())),
        (version(2), noted(signed())),
        (version(3), noted(both())),
    ]));
    let endowed = [PAYER, ALICE, BOB, CHARLIE, DAVE].map(|account| (account, ENDOWMENT));
    externalities_with(endowed.into_iter().chain([(POOR, EXISTENTIAL_DEPOSIT)]))
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

/// The worker key with a number, and its statement that it belongs to the operator.
pub fn worker(number: u64, operator: u64) -> (WorkerId, WorkerSignature) {
    possession(genesis(), number, operator)
}

pub fn register_with(
    operator: u64,
    roles: Roles,
    (worker, possession): (WorkerId, WorkerSignature),
    bond: Balance,
) -> DispatchResult {
    signed_call(operator, crate::Call::register { roles, worker, possession, bond })
}

/// Registers an operator whose worker key has the number of its account.
pub fn register(operator: u64) {
    assert_ok!(register_with(operator, Roles::INFERENCE, worker(operator, operator), 5 * MIN_BOND));
}

/// The largest royalty that the operators of these tests accept.
pub const MAX_ROYALTY: Perbill = Perbill::from_percent(20);

/// Blocks that the operators of these tests request for an answer.
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
        crate::Call::serve {
            version,
            ask,
            concurrency,
            response_blocks,
            classes,
            max_royalty: MAX_ROYALTY,
        },
    )
}

/// What a request for version 1 needs of an operator.
pub fn terms(class: AssuranceClass, budget: Balance) -> DrawTerms {
    use assay_primitives::traits::Operators as _;
    let stake = Operators::stake(class, true);
    DrawTerms {
        version: version(1),
        class,
        budget,
        stake,
        royalty: Perbill::zero(),
        slowest: BlockNumber::MAX,
    }
}

/// Serves version 1 for 100 plancks, with a concurrency of two.
pub fn serve(operator: u64) {
    assert_ok!(serve_with(operator, version(1), 100, 2, both()));
}

/// Registers, serves and sends a heartbeat.
pub fn bring_up(operator: u64) {
    register(operator);
    serve(operator);
    assert_ok!(beat(operator));
}

/// A heartbeat that an operator can send now.
pub fn heartbeat(operator: u64) -> HeartbeatStatement<u64> {
    HeartbeatStatement {
        genesis: genesis(),
        operator,
        at: System::block_number(),
        engine: EngineVersion { major: 1, minor: 2, patch: 3 },
        load: 4,
    }
}

/// The call with which a worker submits a statement.
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

/// The free balance of an account, and its bond.
pub fn money(account: u64) -> (Balance, Balance) {
    (free(account), Settlement::bonded(&account))
}
