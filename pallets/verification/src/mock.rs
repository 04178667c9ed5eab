//! A runtime of this pallet, with doubles for operators and models.

use std::collections::{BTreeMap, BTreeSet};

use assay_pallet_testing::{
    doubles::{NotedVersion, NotedVersions, Versions},
    graphs::{bare_descriptor, floats},
    workers::keystore,
};
use assay_primitives::{
    digest,
    model::Tolerance,
    operator::{Conduct, Offence},
    traits::{Candidate, DrawTerms, Operators, Verification as _},
    AnsweredRequest, Assurance, AssuranceClass, AssuranceClasses, Balance, Digest, FailureReason,
    Format, ModelDescriptor, ProofCost, RequestId, ResultStatement, Tensor, VersionId, WorkerId,
};
use codec::Encode;
use frame_support::parameter_types;
use sp_core::Pair as _;

pub use assay_pallet_testing::workers::{pair, sign};

/// The request of most tests.
pub const REQUEST: RequestId = RequestId(7);
/// Its members, in draw order.
pub const MEMBERS: [u64; 5] = [11, 12, 13, 14, 15];
/// Not an operator.
pub const REPORTER: u64 = 1;
/// The penalty of the double for any offence.
pub const PENALTY: Balance = 500;
/// The smallest stake of a result.
pub const STAKE: Balance = 100;

assay_pallet_testing::mock! { Verification = crate }

parameter_types! {
    pub static AvailableClasses: AssuranceClasses = AssuranceClasses(0b11);
    pub const MaxOutputBytes: u32 = 1_024;
    pub const MaxProofCost: ProofCost = ProofCost {
        architecture_bytes: 1 << 16,
        products: 1 << 19,
        cells: 1 << 20,
        hashes: 1 << 14,
        openings: 1 << 11,
        proof_bytes: 1 << 18,
    };

    /// Operators by worker key, past keys included.
    pub static Workers: BTreeMap<WorkerId, u64> = BTreeMap::new();
    /// The assignments of operators.
    pub static Assigned: BTreeSet<(u64, RequestId)> = BTreeSet::new();
    /// What each operator has that it does not owe.
    pub static Unowed: Balance = STAKE;
    /// The penalised operators, with the offence.
    pub static Penalties: Vec<(u64, Offence)> = Vec::new();
}

/// Operators that the test has noted in the parameters above.
pub struct NotedOperators;

impl Operators<u64> for NotedOperators {
    fn candidates(_: DrawTerms) -> impl Iterator<Item = Candidate<u64>> {
        core::iter::empty()
    }
    fn stake(_: AssuranceClass, _: bool) -> Balance {
        STAKE
    }
    fn unowed(_: &u64) -> Balance {
        Unowed::get()
    }
    fn note(_: &u64, _: VersionId, _: Conduct) {}
    fn servers(_: VersionId) -> u32 {
        0
    }
    fn max_servers() -> u32 {
        0
    }
    fn assign(operator: &u64, request: RequestId, _: VersionId, _: Balance) {
        Assigned::mutate(|assigned| assigned.insert((*operator, request)));
    }
    fn unassign(operator: &u64, _: VersionId, requests: &[RequestId], _: bool, _: Balance) {
        Assigned::mutate(|assigned| {
            requests.iter().for_each(|request| _ = assigned.remove(&(*operator, *request)));
        });
    }
    fn release(_: &u64, _: Balance) {}
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

assay_pallet_testing::verification!(
    crate,
    requests: (),
    operators: NotedOperators,
    models: NotedVersions
);

#[cfg(feature = "runtime-benchmarks")]
impl assay_pallet_testing::benchmarks::Prepare for Test {
    fn publish(_: u64, _: u32) -> VersionId {
        VersionId::default()
    }
    fn serve(_: VersionId, _: u32) -> Vec<u64> {
        MEMBERS.to_vec()
    }
}

/// Externalities in which the members are operators and assigned to the request.
pub fn new_test_ext() -> sp_io::TestExternalities {
    AvailableClasses::set(AssuranceClasses(0b11));
    Workers::set(MEMBERS.into_iter().map(|member| (pair(member).public(), member)).collect());
    Assigned::set(MEMBERS.into_iter().map(|member| (member, REQUEST)).collect());
    Penalties::set(Vec::new());
    Unowed::set(STAKE);
    Versions::set(BTreeMap::new());
    let mut externalities = externalities_with([]);
    externalities.register_extension(keystore(&MEMBERS));
    externalities
}

/// Changes the only version.
pub fn change_version(change: impl FnOnce(&mut NotedVersion)) {
    Versions::mutate(|versions| change(versions.entry(VersionId::default()).or_default()));
}

/// The statement of an operator about the request.
pub fn statement(operator: u64, output: &[u8]) -> ResultStatement<u64> {
    ResultStatement {
        request: answered().hash(),
        output_digest: digest(output),
        operator,
        proof: None,
    }
}

/// What operators answer in the request.
pub fn answered() -> AnsweredRequest<u64> {
    AnsweredRequest {
        genesis: genesis(),
        request: REQUEST,
        payer: REPORTER,
        version_digest: version_descriptor(None).digest(),
        input_digest: Digest::repeat_byte(2),
        assurance: Assurance::Quorum { n: 5, k: 3 },
        seed: Digest::repeat_byte(3),
    }
}

/// The descriptor of the request's version.
pub fn version_descriptor(tolerance: Option<Tolerance>) -> ModelDescriptor {
    let classes = AssuranceClasses::NONE.with(AssuranceClass::Quorum);
    ModelDescriptor { tolerance, ..bare_descriptor(Format::Onnx, classes) }
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

/// A vector of floating-point numbers.
pub fn singles(values: &[f32]) -> Tensor {
    floats(&[values.len() as u32], values)
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
    bare_descriptor(Format::Onnx, assurances)
}
