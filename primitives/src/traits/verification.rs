//! The evidence of requests.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::DispatchResult;
use sp_weights::Weight;

use crate::{
    model::{ModelDescriptor, Tolerance},
    Assurance, Digest, Evidence, FailureReason, ProofCost, ProofRefusal, RequestId, SignedEvidence,
    VersionId, WorkerId, WorkerSignature,
};

/// What a quorum member reveals, besides the output.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Reveal {
    /// Digest of the output.
    pub output_digest: Digest,
    /// Salt of the commitment.
    pub salt: [u8; 32],
    /// Signature over the result statement.
    pub signature: WorkerSignature,
}

/// What a member of a committee has submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// Nothing.
    Silent,
    /// A failure report.
    Failed(FailureReason),
    /// A commitment.
    Committed(Digest),
    /// A result.
    Revealed,
}

/// The findings of a class from the evidence of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvidenceFindings<AccountId> {
    /// Digest of the output that won.
    pub winner: Option<Digest>,
    /// Operators whose results equal the output that won.
    pub agreed: Vec<AccountId>,
    /// Operators whose results are wrong: in class `Quorum` those that differ from the output that
    /// won by more than twice the tolerance, in class `Proof` one whose proof does not hold.
    pub wrong: Vec<AccountId>,
    /// Operators that submitted neither a result nor a failure report.
    pub silent: Vec<AccountId>,
    /// Reason of the first failure report, in the order of the draw.
    pub failure: Option<FailureReason>,
    /// Number of failure reports.
    pub failures: u32,
    /// Number of commitments without a result.
    pub unopened: u32,
    /// Number of different outputs among the results.
    pub outputs: u32,
    /// Length of the outputs of all results in bytes.
    pub output_bytes: u32,
    /// The signed results, in the order of the draw.
    pub evidence: Evidence<AccountId>,
}

/// How much the members of a request have submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shown {
    /// Number of results.
    pub results: u32,
    /// Number of different outputs among them.
    pub outputs: u32,
    /// Length of the longest output in bytes.
    pub longest: u32,
}

/// A result with its proof, and the parts of the statement that the proof has to prove.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvenResult<'a, AccountId> {
    /// The request.
    pub request: RequestId,
    /// The version of the request.
    pub version: VersionId,
    /// The account that made the request.
    pub payer: &'a AccountId,
    /// The operator.
    pub operator: &'a AccountId,
    /// Its worker key.
    pub worker: WorkerId,
    /// Signature over the result statement.
    pub signature: WorkerSignature,
    /// The input payload.
    pub input: &'a [u8],
    /// The output payload.
    pub output: Vec<u8>,
    /// The proof.
    pub proof: &'a [u8],
}

/// Why a result with a proof is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProofFailure {
    /// The proof does not hold. The result is stored as wrong.
    Invalid(ProofRefusal),
    /// The chain has no verifier for the version. The operator is not at fault, and nothing is
    /// stored.
    NoVerifier,
}

/// The evidence of requests. Implemented by `verification`.
///
/// The caller has checked members and signatures before it stores anything.
pub trait Verification<AccountId> {
    /// Checks whether a request for a version with this descriptor may ask for `assurance`.
    ///
    /// # Errors
    ///
    /// The class is not available, disabled or not offered by the version, or the parameters of
    /// the assurance are out of bounds.
    fn check_request(assurance: Assurance, descriptor: &ModelDescriptor) -> DispatchResult;
    /// Stores a commitment.
    fn note_commitment(request: RequestId, member: &AccountId, commitment: Digest);
    /// Stores a failure report.
    fn note_failure(request: RequestId, member: &AccountId, reason: FailureReason);
    /// Stores a result without a proof.
    fn note_result(
        request: RequestId,
        member: &AccountId,
        worker: WorkerId,
        signature: WorkerSignature,
        output_digest: Digest,
        output: Vec<u8>,
    );
    /// Verifies a proof without storing anything.
    ///
    /// # Errors
    ///
    /// The proof does not hold, or there is no verifier for the version.
    fn check_proof(result: &ProvenResult<'_, AccountId>) -> Result<(), ProofFailure>;
    /// Verifies a proof and stores the result with the outcome of the verification.
    ///
    /// # Errors
    ///
    /// The proof does not hold, or there is no verifier for the version.
    fn note_proof(result: ProvenResult<'_, AccountId>) -> Result<(), ProofFailure>;
    /// Upper bound of the weight of verifying a proof of this cost.
    fn proof_weight(cost: ProofCost) -> Weight;
    /// The findings from the only result that a class of one operator needs, without storing it.
    /// `output` is its payload.
    fn judge(
        assurance: Assurance,
        result: SignedEvidence<AccountId>,
        output: &[u8],
    ) -> EvidenceFindings<AccountId>;
    /// The output payload that a member of an open request has submitted.
    fn shown_output(request: RequestId, member: &AccountId) -> Option<Vec<u8>>;
    /// What a member has submitted.
    fn member_state(request: RequestId, member: &AccountId) -> MemberState;
    /// The findings from everything that `members` have submitted. Changes nothing.
    fn decide(
        request: RequestId,
        assurance: Assurance,
        tolerance: Option<Tolerance>,
        members: &[AccountId],
    ) -> EvidenceFindings<AccountId>;
    /// How much the members of a request have submitted until now.
    fn shown(request: RequestId, members: &[AccountId]) -> Shown;
    /// Removes everything stored for the members of a request. Returns the output with this digest,
    /// if a member submitted it.
    fn take_output(
        request: RequestId,
        output_digest: &Digest,
        members: &[AccountId],
    ) -> Option<Vec<u8>>;
}
