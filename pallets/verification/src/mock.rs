//! A runtime of this pallet, with a double for operators.

use std::collections::{BTreeMap, BTreeSet};

use assay_primitives::{
    digest,
    model::Tolerance,
    operator::Offence,
    traits::{Candidate, Models, Operators, Verification as _, VersionTerms},
    worker_crypto, Assurance, AssuranceClass, AssuranceClasses, Balance, Digest, ElementType,
    FailureReason, Format, ModelDescriptor, ProofCost, ProofTerms, RequestId, ResultStatement,
    Statement, Tensor, VersionId, WeightsFingerprint, WorkerId, WorkerSignature,
};
use codec::Encode;
use frame_support::{assert_ok, derive_impl, parameter_types};
use sp_core::Pair as _;
use sp_runtime::{BuildStorage, DispatchResult};

/// The request of most tests.
pub const REQUEST: RequestId = RequestId(7);
/// Its members, in the order of the draw.
pub const MEMBERS: [u64; 5] = [11, 12, 13, 14, 15];
/// Is no operator.
pub const REPORTER: u64 = 1;
/// What the double takes for an offence.
pub const PENALTY: Balance = 500;

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
    pub type Verification = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

parameter_types! {
    pub static Available: AssuranceClasses = AssuranceClasses(0b11);
    pub const MaxOutputBytes: u32 = 1_024;
    pub const MaxProofCost: ProofCost = ProofCost {
        architecture_bytes: 1 << 16,
        products: 1 << 19,
        cells: 1 << 20,
        hashes: 1 << 14,
        openings: 1 << 11,
        proof_bytes: 1 << 18,
    };

    /// Architecture and terms of the only version, where it is a graph.
    pub static Graph: Option<(Vec<u8>, ProofTerms)> = None;
    /// What its weights come to.
    pub static Weights: Option<WeightsFingerprint> = None;
    /// Operators by worker key, past ones as well.
    pub static Workers: BTreeMap<WorkerId, u64> = BTreeMap::new();
    /// Who is assigned to what.
    pub static Assigned: BTreeSet<(u64, RequestId)> = BTreeSet::new();
    /// Who was penalised for what.
    pub static Penalties: Vec<(u64, Offence)> = Vec::new();
}

/// Operators that the test has noted in the parameters above.
pub struct NotedOperators;

impl Operators<u64> for NotedOperators {
    fn candidates(_: VersionId, _: AssuranceClass, _: Balance) -> Vec<Candidate<u64>> {
        Vec::new()
    }
    fn servers(_: VersionId) -> u32 {
        0
    }
    fn max_servers() -> u32 {
        0
    }
    fn assign(operator: &u64, request: RequestId, _: VersionId) {
        Assigned::mutate(|assigned| assigned.insert((*operator, request)));
    }
    fn unassign(operator: &u64, request: RequestId, _: VersionId) {
        Assigned::mutate(|assigned| assigned.remove(&(*operator, request)));
    }
    fn is_assigned(operator: &u64, request: RequestId) -> bool {
        Assigned::get().contains(&(*operator, request))
    }
    fn worker(operator: &u64) -> Option<WorkerId> {
        Workers::get().into_iter().find(|(_, owner)| owner == operator).map(|(worker, _)| worker)
    }
    fn operator_of(worker: &WorkerId) -> Option<u64> {
        Workers::get().get(worker).copied()
    }
    fn assignments(_: &u64) -> Vec<RequestId> {
        Vec::new()
    }
    fn penalise(operator: &u64, offence: Offence, _: Option<(&u64, Balance)>) -> Balance {
        Penalties::mutate(|penalties| penalties.push((*operator, offence)));
        PENALTY
    }
}

/// The version that the test has noted in the parameter above.
pub struct NotedModels;

impl Models<u64> for NotedModels {
    fn terms(_: VersionId) -> Option<VersionTerms<u64>> {
        None
    }
    fn is_active(_: VersionId) -> bool {
        false
    }
    fn assurances(_: VersionId) -> Option<AssuranceClasses> {
        None
    }
    fn proof_terms(_: VersionId) -> Option<ProofTerms> {
        Graph::get().map(|(_, terms)| terms)
    }
    fn weights_fingerprint(_: VersionId) -> Option<WeightsFingerprint> {
        Weights::get()
    }
    fn architecture(_: VersionId) -> Option<Vec<u8>> {
        Graph::get().map(|(architecture, _)| architecture)
    }
    fn acquire(_: VersionId) -> DispatchResult {
        Ok(())
    }
    fn release(_: VersionId) {}
}

impl crate::Config for Test {
    type Requests = ();
    type MaxProofCost = MaxProofCost;
    type Operators = NotedOperators;
    type Models = NotedModels;
    type AvailableClasses = Available;
    type MaxOutputBytes = MaxOutputBytes;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type WeightInfo = ();
}

/// The start: the members are operators and assigned to the request.
pub fn new_test_ext() -> sp_io::TestExternalities {
    Available::set(AssuranceClasses(0b11));
    Workers::set(MEMBERS.into_iter().map(|member| (pair(member).public(), member)).collect());
    Assigned::set(MEMBERS.into_iter().map(|member| (member, REQUEST)).collect());
    Penalties::set(Vec::new());
    Graph::set(None);
    Weights::set(None);
    let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let mut ext = sp_io::TestExternalities::new(storage);
    // Events are not kept at height 0.
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test from the start; afterwards the invariants hold.
pub fn test(run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        run();
        assert_ok!(Verification::do_try_state());
    });
}

/// Runs something that breaks the state, and expects `try_state` to say so.
pub fn breaks(message: &'static str, run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        run();
        assert_eq!(Verification::do_try_state(), Err(message.into()));
    });
}

/// The worker key of an operator.
pub fn pair(operator: u64) -> worker_crypto::Pair {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&operator.to_le_bytes());
    worker_crypto::Pair::from_seed(&seed)
}

/// Hash of the genesis block.
pub fn genesis() -> Digest {
    System::block_hash(0)
}

/// The statement of an operator about the request.
pub fn statement(operator: u64, output: &[u8]) -> ResultStatement<u64> {
    ResultStatement {
        genesis: genesis(),
        request: REQUEST,
        version_digest: Digest::repeat_byte(1),
        input_digest: Digest::repeat_byte(2),
        output_digest: digest(output),
        assurance: Assurance::Quorum { n: 5, k: 3 },
        operator,
        proof: None,
    }
}

/// Its signature.
pub fn sign(operator: u64, statement: &ResultStatement<u64>) -> WorkerSignature {
    pair(operator).sign(&statement.signing_bytes()).into()
}

/// A member shows a result.
pub fn reveal(member: u64, output: &[u8]) {
    let signature = sign(member, &statement(member, output));
    let worker = pair(member).public();
    Verification::note_result(REQUEST, &member, worker, signature, digest(output), output.to_vec());
}

/// A member commits.
pub fn commit(member: u64) {
    Verification::note_commitment(REQUEST, &member, Digest::repeat_byte(member as u8));
}

/// A member reports a failure.
pub fn fail(member: u64, reason: FailureReason) {
    Verification::note_failure(REQUEST, &member, reason);
}

/// A tensor of single-precision numbers.
pub fn singles(values: &[f32]) -> Tensor {
    Tensor {
        element_type: ElementType::F32,
        shape: vec![values.len() as u32],
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// A payload of one such tensor.
pub fn payload(values: &[f32]) -> Vec<u8> {
    vec![singles(values)].encode()
}

/// A tolerance.
pub const fn tolerance(millionths: u32) -> Option<Tolerance> {
    Some(Tolerance { millionths })
}

/// A version that offers these classes.
pub fn offering(assurances: AssuranceClasses) -> ModelDescriptor {
    ModelDescriptor {
        artifact: Digest::zero(),
        artifact_size: 1,
        format: Format::Onnx,
        inputs: Default::default(),
        outputs: Default::default(),
        assurances,
        tolerance: None,
        architecture: None,
    }
}

/// The last event of this pallet.
pub fn last_event() -> Option<crate::Event<Test>> {
    System::events().into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::Verification(event) => Some(event),
        _ => None,
    })
}
