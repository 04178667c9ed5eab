//! A runtime of this pallet, with doubles for results, bonds and proofs.

use std::collections::BTreeMap;

use assay_dispute::{Answer, Choice, Player, Stage};
use assay_graph::{
    commit::TraceCommitment,
    fast,
    random::{self, Rng},
    CheckedGraph, Tensor, Trace,
};
use assay_pallet_testing::{
    graphs::{bare_descriptor, recompute},
    workers::sign,
};
use assay_primitives::{
    digest,
    dispute::{AnswerStatement, DisputeId, DisputeTiming},
    engine::{Job, JobInput},
    traits::{BlockRoom, DisputeBonds, OptimisticResult, OptimisticResults, OutputProofs},
    ArtifactManifest, Balance, BlockNumber, Digest, Format, RequestId, WorkerId,
};
use codec::Encode;
use frame_support::{assert_ok, parameter_types, weights::Weight};
use frame_system::{
    offchain::{AppCrypto, CreateSignedTransaction, SigningTypes},
    AuthorizeCall,
};
use sp_application_crypto::Pair as _;
use sp_runtime::{
    testing::{TestSignature, UintAuthorityId},
    DispatchError, DispatchResult,
};

use crate::{Dispute, DisputeCause, Event};

pub use assay_pallet_testing::workers::pair;

/// The request of most tests.
pub const REQUEST: RequestId = RequestId(7);
/// Its operator.
pub const OPERATOR: u64 = 11;
/// Disputes the result.
pub const CHALLENGER: u64 = 21;
/// Disputes it as well.
pub const SECOND: u64 = 22;
/// Neither operator nor challenger.
pub const STRANGER: u64 = 23;
/// Has no money for a bond.
pub const POOR: u64 = 24;
/// The bond of a dispute.
pub const BOND: Balance = 1_001;
/// Last height at which a dispute may be opened.
pub const WINDOW: BlockNumber = 20;
/// Blocks for a move.
pub const RESPONSE: BlockNumber = 10;

assay_pallet_testing::mock! { Disputes = crate }

/// The state of a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    Open,
    Upheld,
    Accepted,
    /// With the account that was rewarded.
    Rejected(u64),
}

/// A result of the double.
#[derive(Clone)]
pub struct Noted {
    pub architecture: Vec<u8>,
    pub trace_root: Digest,
    pub input: Vec<u8>,
    pub output: Vec<u8>,
    pub standing: Standing,
}

parameter_types! {
    pub const Bond: Balance = BOND;
    pub const DefaultTiming: DisputeTiming = DisputeTiming { window: 6, response: RESPONSE };
    pub const MaxBlocks: BlockNumber = 100;
    pub const MaxOutputBytes: u32 = 1_000_000;
    pub const MaxProofBytes: u32 = 2_000_000;
    pub const AnswerPriority: u64 = 99;
    pub static SweepBudget: Weight = Weight::from_parts(100, 0);

    /// Earlier blocks without room for a move.
    pub static FullBlocks: BlockNumber = 0;
    /// Whether this block has no room for moves of operators.
    pub static IsFull: bool = false;
    /// Number of bytes that they have taken.
    pub static Moved: u32 = 0;
    /// The price of each move of an operator.
    pub static Price: Balance = 0;
    /// The weight that was last asked the price of.
    pub static Priced: Weight = Weight::zero();

    pub static Results: BTreeMap<RequestId, Noted> = BTreeMap::new();
    /// The bonds held on accounts.
    pub static Held: BTreeMap<u64, Balance> = BTreeMap::new();
    /// The parts of forfeited bonds that accounts received; 0 is the treasury.
    pub static Got: BTreeMap<u64, Balance> = BTreeMap::new();
}

/// The results in [`Results`].
pub struct NotedResults;

fn set(request: RequestId, standing: Standing) {
    Results::mutate(|results| results.get_mut(&request).unwrap().standing = standing);
}

impl OptimisticResults<u64> for NotedResults {
    fn result(request: RequestId) -> Option<OptimisticResult<u64>> {
        let noted = Results::get().remove(&request)?;
        matches!(noted.standing, Standing::Open | Standing::Upheld).then(|| OptimisticResult {
            operator: OPERATOR,
            worker: Some(pair(OPERATOR).public()),
            answered: digest(&(genesis(), request).encode()),
            output_digest: digest(&noted.output),
            trace_root: noted.trace_root,
            disputable_until: WINDOW,
        })
    }
    fn architecture(request: RequestId) -> Option<Vec<u8>> {
        Some(Results::get().remove(&request)?.architecture)
    }
    fn input(request: RequestId) -> Option<Vec<u8>> {
        Some(Results::get().remove(&request)?.input)
    }
    fn output(request: RequestId) -> Option<Vec<u8>> {
        Some(Results::get().remove(&request)?.output)
    }
    fn disputable(after: Option<RequestId>, limit: u32) -> Vec<RequestId> {
        let now = System::block_number();
        let open = |request: &RequestId| {
            now <= WINDOW && Self::result(*request).is_some() && Some(*request) > after
        };
        Results::get().into_keys().filter(open).take(limit as usize).collect()
    }
    fn operator_of(worker: &WorkerId) -> Option<u64> {
        (*worker == pair(OPERATOR).public()).then_some(OPERATOR)
    }
    fn job(request: RequestId, wait_ms: u32) -> Option<Job> {
        let noted = Results::get().remove(&request)?;
        let descriptor = bare_descriptor(Format::IntegerGraph, Default::default());
        let artifact =
            ArtifactManifest { identity: Digest::zero(), size: 1, chunks: Default::default() };
        let input = JobInput::Inline(noted.input);
        Some(Job { request, artifact, descriptor, input, wait_ms, prove: None })
    }
    fn uphold(request: RequestId) {
        assert_eq!(standing(), Standing::Open);
        set(request, Standing::Upheld);
    }
    fn accept(request: RequestId) {
        assert!(matches!(standing(), Standing::Open | Standing::Upheld));
        set(request, Standing::Accepted);
    }
    fn reject(request: RequestId, challenger: &u64) {
        assert!(matches!(standing(), Standing::Open | Standing::Upheld), "once at most");
        set(request, Standing::Rejected(*challenger));
    }
    fn weight() -> Weight {
        Weight::from_parts(9, 0)
    }
}

/// Blocks of which [`FullBlocks`] had no room, at [`Price`] for each move.
pub struct Blocks;

impl BlockRoom for Blocks {
    fn answer_blocks() -> BlockNumber {
        Self::move_blocks()
    }
    fn move_blocks() -> BlockNumber {
        System::block_number().saturating_sub(1 + FullBlocks::get())
    }
    fn fits_answer(_: Weight, _: u32) -> bool {
        true
    }
    fn note_answer(_: Weight, _: u32) {}
    fn fits_move(_: Weight, _: u32) -> bool {
        !IsFull::get()
    }
    fn note_move(_: Weight, bytes: u32) {
        Moved::mutate(|moved| *moved += bytes);
    }
    fn price(weight: Weight, _: u32) -> Balance {
        Priced::set(weight);
        Price::get()
    }
}

/// Bonds in [`Held`] and [`Got`].
pub struct NotedBonds;

impl DisputeBonds<u64> for NotedBonds {
    fn take(account: &u64, amount: Balance) -> DispatchResult {
        if *account == POOR {
            return Err(DispatchError::Other("not covered"));
        }
        Held::mutate(|held| *held.entry(*account).or_default() += amount);
        Ok(())
    }
    fn give_back(account: &u64, amount: Balance) {
        Held::mutate(|held| *held.get_mut(account).unwrap() -= amount);
    }
    fn forfeit(account: &u64, amount: Balance, (harmed, most): (&u64, Balance)) {
        Self::give_back(account, amount);
        Got::mutate(|got| {
            *got.entry(*harmed).or_default() += most.min(amount);
            *got.entry(0).or_default() += amount - most.min(amount);
        });
    }
    fn held(account: &u64) -> Balance {
        held(*account)
    }
}

/// The proof of an output is the word "proof", the request and the output.
pub struct NotedProofs;

impl OutputProofs<u64> for NotedProofs {
    fn holds(request: RequestId, _: Option<&u64>, output: &[u8], proof: &[u8]) -> bool {
        proof == super::mock::proof(request, output)
    }
    fn weight() -> Weight {
        Weight::from_parts(5, 0)
    }
}

impl SigningTypes for Test {
    type Public = UintAuthorityId;
    type Signature = TestSignature;
}

impl<LocalCall> CreateSignedTransaction<LocalCall> for Test
where
    RuntimeCall: From<LocalCall>,
{
    fn create_signed_transaction<C: AppCrypto<UintAuthorityId, TestSignature>>(
        call: RuntimeCall,
        _: UintAuthorityId,
        account: u64,
        _: u32,
    ) -> Option<Extrinsic> {
        let signature = UintAuthorityId(account);
        Some(Extrinsic::new_signed(call, account, signature, (AuthorizeCall::new(),)))
    }
}

/// Watchers' keys of the tests.
pub struct TestCrypto;

impl AppCrypto<UintAuthorityId, TestSignature> for TestCrypto {
    type RuntimeAppPublic = UintAuthorityId;
    type GenericPublic = UintAuthorityId;
    type GenericSignature = TestSignature;
}

impl crate::Config for Test {
    type WatcherCrypto = TestCrypto;
    type Results = NotedResults;
    type Bonds = NotedBonds;
    type Proofs = NotedProofs;
    type Room = Blocks;
    type Bond = Bond;
    type DefaultTiming = DefaultTiming;
    type MaxBlocks = MaxBlocks;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type MaxOutputBytes = MaxOutputBytes;
    type MaxProofBytes = MaxProofBytes;
    type SweepBudget = SweepBudget;
    type AnswerPriority = AnswerPriority;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = assay_pallet_testing::benchmarks::Benchmarks<Test>;
}

#[cfg(feature = "runtime-benchmarks")]
impl assay_pallet_testing::benchmarks::Prepare for Test {}

#[cfg(feature = "runtime-benchmarks")]
impl crate::BenchmarkHelper<u64> for assay_pallet_testing::benchmarks::Benchmarks<Test> {
    fn result(
        architecture: Vec<u8>,
        trace_root: Digest,
        input: Vec<u8>,
        output: Vec<u8>,
    ) -> RequestId {
        let noted = Noted { architecture, trace_root, input, output, standing: Standing::Open };
        Results::mutate(|results| results.insert(REQUEST, noted));
        REQUEST
    }
    fn sign(operator: &u64, message: &[u8]) -> assay_primitives::WorkerSignature {
        pair(*operator).sign(message).into()
    }
}

/// Externalities without a result.
pub fn new_test_ext() -> sp_io::TestExternalities {
    Results::set(BTreeMap::new());
    Held::set(BTreeMap::new());
    Got::set(BTreeMap::new());
    FullBlocks::set(0);
    Price::set(0);
    SweepBudget::set(Weight::from_parts(100, 0));
    externalities_with([])
}

/// A model, an input, and the operator's claim.
pub struct Case {
    pub graph: CheckedGraph,
    pub input: Vec<i8>,
    /// The trace that the operator claims.
    pub claimed: Trace,
}

impl Case {
    /// A model of some operations with small tensors, and its right trace.
    pub fn honest() -> Self {
        let mut rng = Rng::new(5);
        let graph = (0..)
            .map(|_| random::graph(&mut rng, 5))
            .find(|graph| graph.architecture.operations[2].has_parameters())
            .unwrap();
        let graph = CheckedGraph::new(graph).unwrap();
        let input = rng.int8(graph.plan().shapes()[0].elements().unwrap());
        let claimed = fast::trace(&graph, &input).unwrap();
        Self { graph, input, claimed }
    }

    /// The same with one wrong element of a tensor, and everything computed from it.
    pub fn lying_from(tensor: usize) -> Self {
        let mut case = Self::honest();
        match &mut case.claimed.tensors[tensor] {
            Tensor::Int8(elements) => elements[0] ^= 1,
            Tensor::Int32(elements) => elements[0] ^= 1,
        }
        recompute(&case.graph, &mut case.claimed, tensor);
        case
    }

    /// The operator submits the claim.
    pub fn submit(&self) {
        self.submit_as(REQUEST);
    }

    /// The operator submits the claim for a request.
    pub fn submit_as(&self, request: RequestId) {
        let noted = Noted {
            architecture: self.graph.plan().architecture().encode(),
            trace_root: TraceCommitment::new(&self.claimed).root().into(),
            input: self.input.iter().map(|x| *x as u8).collect(),
            output: self.claimed.output().unwrap().to_bytes(),
            standing: Standing::Open,
        };
        Results::mutate(|results| results.insert(request, noted));
    }

    /// The operator submits the claim, and the challenger opens a dispute.
    pub fn disputed(&self) -> DisputeId {
        self.submit();
        open(CHALLENGER)
    }

    /// The same, played to the stage with this index in the encoding of stages. Both sides move as
    /// they have computed.
    pub fn disputed_at(&self, index: u8) -> DisputeId {
        let id = self.disputed();
        play_to(id, index, &self.defender(), &self.witness());
        id
    }

    /// The player of the operator.
    pub fn defender(&self) -> Player<'_> {
        Player::with_trace(&self.graph, self.claimed.clone())
    }

    /// A player that has run the model.
    pub fn witness(&self) -> Player<'_> {
        Player::new(&self.graph, &self.input).unwrap()
    }
}

/// The state of the result of [`REQUEST`].
pub fn standing() -> Standing {
    Results::get()[&REQUEST].standing
}

pub fn held(account: u64) -> Balance {
    Held::get().get(&account).copied().unwrap_or_default()
}

pub fn got(account: u64) -> Balance {
    Got::get().get(&account).copied().unwrap_or_default()
}

pub fn proof(request: RequestId, output: &[u8]) -> Vec<u8> {
    (b"proof", request, output).encode()
}

pub fn origin(account: u64) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

/// Opens a dispute over the result of [`REQUEST`].
pub fn open(challenger: u64) -> DisputeId {
    let id = crate::NextDispute::<Test>::get();
    assert_ok!(Disputes::open(origin(challenger), REQUEST, u128::MAX));
    id
}

pub fn dispute(id: DisputeId) -> Dispute<u64> {
    Disputes::current(id).unwrap()
}

pub fn stage(id: DisputeId) -> Stage {
    dispute(id).stage
}

/// Checks that the challenger has just won, and that the result is rejected.
pub fn assert_won(id: DisputeId, cause: DisputeCause) {
    assert_eq!(standing(), Standing::Rejected(CHALLENGER));
    let event = Event::Won { dispute: id, request: REQUEST, challenger: CHALLENGER, cause };
    assert_eq!(last_event(), Some(event));
}

/// What an operator signs to make a move.
pub fn answer_statement(id: DisputeId, answer: &Answer) -> AnswerStatement<u64> {
    let dispute = dispute(id);
    let result = NotedResults::result(dispute.request).unwrap();
    Disputes::answer_statement(&dispute, &result, answer)
}

/// The move of an operator, signed.
pub fn signed_answer(signer: u64, id: DisputeId, answer: Answer) -> crate::Call<Test> {
    let statement = answer_statement(id, &answer);
    let signature = sign(signer, &statement);
    crate::Call::answer { dispute: id, stage: statement.stage, answer, signature }
}

/// The operator answers.
pub fn answer(id: DisputeId, answer: Answer) {
    include(signed_answer(OPERATOR, id, answer)).unwrap();
}

/// The challenger chooses.
pub fn choose(id: DisputeId, choice: Choice) {
    assert_ok!(Disputes::choose(origin(dispute(id).challenger), id, choice));
}

/// Both sides move until the dispute ends, or one of them has no move. Returns the number of
/// moves.
pub fn play(id: DisputeId, defender: &Player<'_>, challenger: &Player<'_>) -> usize {
    for moves in 0..20 {
        let Some(dispute) = Disputes::current(id) else { return moves };
        if let Some(move_) = defender.answer(&dispute.stage) {
            answer(id, move_);
        } else if let Some(choice) = choice_of(challenger, &dispute) {
            choose(id, choice);
        } else {
            return moves;
        }
    }
    panic!("a dispute without an end");
}

/// What a challenger names in a dispute.
pub fn choice_of(challenger: &Player<'_>, dispute: &Dispute<u64>) -> Option<Choice> {
    let shown = Disputes::shown(dispute.request, &dispute.stage);
    challenger.choose(&dispute.stage, shown.as_ref())
}

/// Plays until the dispute is in the stage with this index in the encoding of stages.
pub fn play_to(id: DisputeId, index: u8, defender: &Player<'_>, challenger: &Player<'_>) {
    while stage(id).encode()[0] != index {
        match defender.answer(&stage(id)) {
            Some(move_) => answer(id, move_),
            None => choose(id, choice_of(challenger, &dispute(id)).unwrap()),
        }
    }
}
