//! The narrow traits through which pallets speak to each other. The runtime wires them.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{DispatchError, DispatchResult, Perbill};
use sp_weights::Weight;

use crate::{
    model::{ModelDescriptor, Tolerance},
    operator::Offence,
    ArtifactManifest, Assurance, AssuranceClass, Balance, BlockNumber, Digest, Evidence, Outcome,
    ProofCost, ProofRefusal, ProofTerms, RequestId, VersionId, WeightsFingerprint, WorkerId,
    WorkerSignature,
};

/// What a request needs to know of a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionTerms<AccountId> {
    /// What the version declares.
    pub descriptor: ModelDescriptor,
    /// Digest of the descriptor.
    pub digest: Digest,
    /// Whether it takes no new requests.
    pub deprecated: bool,
    /// Who gets the royalty of requests made now.
    pub owner: AccountId,
    /// Share of each price that goes to the owner.
    pub royalty: Perbill,
}

/// Versions, as requests see them. Implemented by `model-registry`.
pub trait Models<AccountId> {
    /// The terms of a version.
    fn terms(version: VersionId) -> Option<VersionTerms<AccountId>>;
    /// Whether the version exists and takes new requests.
    fn is_active(version: VersionId) -> bool;
    /// Classes that the version offers; `None` if there is no such version.
    fn assurances(version: VersionId) -> Option<crate::AssuranceClasses>;
    /// The terms of its proofs; `None` if there is no such version, it does not offer `Proof`, or
    /// the chain has not read all of its weights yet.
    fn proof_terms(version: VersionId) -> Option<ProofTerms>;
    /// What proofs have to say of the weights that they are of; `None` where there are no
    /// [`Self::proof_terms`].
    fn weights_fingerprint(version: VersionId) -> Option<WeightsFingerprint>;
    /// The encoded architecture of a version that is an integer graph.
    fn architecture(version: VersionId) -> Option<Vec<u8>>;
    /// Counts one more open request, so that the version cannot be removed.
    fn acquire(version: VersionId) -> DispatchResult;
    /// Counts one open request less.
    fn release(version: VersionId);
}

/// Artifacts, as versions and requests see them. Implemented by `storage`.
pub trait Artifacts {
    /// The manifest of an artifact all of whose chunks are on chain.
    fn complete(digest: &Digest) -> Option<ArtifactManifest>;
    /// Counts one more use, so that the artifact cannot be removed.
    fn acquire(digest: &Digest) -> DispatchResult;
    /// Counts one use less.
    fn release(digest: &Digest);
}

/// An operator that may be drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its bond, which is its weight in the draw.
    pub bond: Balance,
    /// Its price for one run.
    pub ask: Balance,
    /// Blocks that it wants between the draw and the end of the time for its answer.
    pub response_blocks: BlockNumber,
    /// Whether it takes one more run now.
    pub has_room: bool,
}

/// Operators, as requests see them. Implemented by `operators`.
pub trait Operators<AccountId> {
    /// The operators that serve `version` in `class`, are live, have the smallest bond and ask
    /// at most `budget`. At most [`Operators::servers`].
    fn candidates(
        version: VersionId,
        class: AssuranceClass,
        budget: Balance,
    ) -> Vec<Candidate<AccountId>>;
    /// How many operators [`Operators::candidates`] looks at for `version`.
    fn servers(version: VersionId) -> u32;
    /// Bound of [`Operators::servers`].
    fn max_servers() -> u32;
    /// Notes that `request` is assigned to `operator`, for a run of `version`.
    fn assign(operator: &AccountId, request: RequestId, version: VersionId);
    /// Notes that the assignment is over.
    fn unassign(operator: &AccountId, request: RequestId, version: VersionId);
    /// Whether `request` is among the open assignments of `operator`.
    fn is_assigned(operator: &AccountId, request: RequestId) -> bool;
    /// The worker key of an operator.
    fn worker(operator: &AccountId) -> Option<WorkerId>;
    /// The operator whose worker key this is or was.
    fn operator_of(worker: &WorkerId) -> Option<AccountId>;
    /// The open assignments of an operator.
    fn assignments(operator: &AccountId) -> Vec<RequestId>;
    /// Takes the penalty of an offence from the bond. `harmed` gets at most the given amount of
    /// it, the treasury the rest. Returns what was taken.
    fn penalise(
        operator: &AccountId,
        offence: Offence,
        harmed: Option<(&AccountId, Balance)>,
    ) -> Balance;
}

/// What is paid for a verified request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment<AccountId> {
    /// The operators whose results won, each with the price that it asked when it was drawn.
    pub earned: Vec<(AccountId, Balance)>,
    /// Who gets the royalty.
    pub royalty_to: AccountId,
    /// Share of each price that is royalty.
    pub royalty: Perbill,
}

/// The money of requests. Implemented by `settlement`.
pub trait Escrow<AccountId> {
    /// Holds `amount` of the payer's balance for `request`.
    fn hold(request: RequestId, payer: &AccountId, amount: Balance) -> DispatchResult;
    /// Pays what was earned out of the escrow and gives the rest back to the payer. Returns
    /// what the payer paid. Never fails: a share that an account cannot receive goes to the
    /// treasury, and what the treasury cannot receive back to the payer.
    fn settle(request: RequestId, payment: &Payment<AccountId>) -> Balance;
    /// Gives everything back to the payer.
    fn refund(request: RequestId);
}

/// The bonds of operators. Implemented by `settlement`.
pub trait Bonds<AccountId> {
    /// The bond of an account.
    fn bonded(account: &AccountId) -> Balance;
    /// Adds to the bond.
    fn lock(account: &AccountId, amount: Balance) -> DispatchResult;
    /// Gives the whole bond back. Returns how much it was.
    fn unlock(account: &AccountId) -> Result<Balance, DispatchError>;
    /// Takes `amount`, or the whole bond if it is less. `harmed` gets at most the given amount
    /// of it, the treasury the rest. Returns what was taken.
    fn slash(
        account: &AccountId,
        amount: Balance,
        harmed: Option<(&AccountId, Balance)>,
    ) -> Balance;
}

/// Deposits for what is stored on chain. Implemented by `settlement`.
pub trait Deposits<AccountId> {
    /// Adds to the deposit of an account.
    fn take(account: &AccountId, amount: Balance) -> DispatchResult;
    /// Gives part of the deposit back.
    fn give_back(account: &AccountId, amount: Balance);
    /// Moves a deposit: takes it from `to`, gives it back to `from`.
    fn hand_over(from: &AccountId, to: &AccountId, amount: Balance) -> DispatchResult {
        Self::take(to, amount)?;
        Self::give_back(from, amount);
        Ok(())
    }
}

/// What a quorum member shows.
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

/// Where a member of a quorum stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemberState {
    /// Nothing came.
    Silent,
    /// It said that it cannot serve the request.
    Failed(crate::FailureReason),
    /// It committed.
    Committed(Digest),
    /// It revealed.
    Revealed,
}

/// What the evidence of a request says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvidenceFindings<AccountId> {
    /// The output that won.
    pub winner: Option<Digest>,
    /// Operators whose result won.
    pub agreed: Vec<AccountId>,
    /// Operators whose result is not even within twice the tolerance of it.
    pub wrong: Vec<AccountId>,
    /// Operators that showed no result and reported no failure.
    pub silent: Vec<AccountId>,
    /// Why the first member in the order of the draw that reported a failure cannot serve the
    /// request.
    pub failure: Option<crate::FailureReason>,
    /// The signed results, in the order of the draw.
    pub evidence: Evidence<AccountId>,
}

/// A result with its proof, and what the proof has to be of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvenResult<'a, AccountId> {
    /// The request.
    pub request: RequestId,
    /// The version that was asked for.
    pub version: VersionId,
    /// Who asked.
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

/// Why a result with a proof does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProofFailure {
    /// The proof does not hold. The result is stored as a wrong one.
    Invalid(ProofRefusal),
    /// The chain has no verifier for the version any more, which is not the operator's fault.
    /// Nothing is stored.
    NoVerifier,
}

/// The evidence of requests. Implemented by `verification`.
pub trait Verification<AccountId> {
    /// Whether a request may ask for this of such a version. Every refusal is an error that
    /// says why.
    fn check_request(assurance: Assurance, descriptor: &ModelDescriptor) -> DispatchResult;
    /// Stores a commitment. Both it and the member were checked by the caller.
    fn note_commitment(request: RequestId, member: &AccountId, commitment: Digest);
    /// Stores that a member cannot serve the request.
    fn note_failure(request: RequestId, member: &AccountId, reason: crate::FailureReason);
    /// Stores a result that opens its commitment.
    fn note_result(
        request: RequestId,
        member: &AccountId,
        worker: WorkerId,
        signature: WorkerSignature,
        output_digest: Digest,
        output: Vec<u8>,
    );
    /// Verifies a proof, and stores nothing.
    fn check_proof(result: &ProvenResult<'_, AccountId>) -> Result<(), ProofFailure>;
    /// Verifies a proof, and stores the result with what came of it.
    fn note_proof(result: ProvenResult<'_, AccountId>) -> Result<(), ProofFailure>;
    /// Upper bound of what [`Verification::note_proof`] takes for a proof of so many bytes, beside
    /// storing the result.
    fn proof_weight(cost: ProofCost) -> Weight;
    /// The output payload that a member of an open request has shown.
    fn shown_output(request: RequestId, member: &AccountId) -> Option<Vec<u8>>;
    /// Where a member stands.
    fn member_state(request: RequestId, member: &AccountId) -> MemberState;
    /// What the evidence says, once nothing more is awaited.
    fn decide(
        request: RequestId,
        assurance: Assurance,
        tolerance: Option<Tolerance>,
        members: &[AccountId],
    ) -> EvidenceFindings<AccountId>;
    /// Removes everything stored for the request. Returns the output that a member showed.
    fn take_output(
        request: RequestId,
        output_digest: &Digest,
        members: &[AccountId],
    ) -> Option<Vec<u8>>;
}

/// Called exactly once, when a request reaches a final state.
pub trait OnRequestFinal {
    /// The callback. It cannot fail and must not panic.
    fn on_final(request: RequestId, outcome: &Outcome, receipt_digest: &Digest);
    /// Upper bound of [`OnRequestFinal::on_final`]; the caller charges it.
    fn weight() -> Weight;
}

impl OnRequestFinal for () {
    fn on_final(_: RequestId, _: &Outcome, _: &Digest) {}
    fn weight() -> Weight {
        Weight::zero()
    }
}

/// Public, unpredictable bytes of blocks.
pub trait BlockRandomness {
    /// VRF output of the current block's author; `None` before it is known, or where the slot
    /// had none.
    fn current() -> Option<[u8; 32]>;
}

/// Prepares the surroundings of a pallet for its benchmarks. Implemented by the runtime.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper<AccountId> {
    /// Gives the account more than any call takes.
    fn endow(account: &AccountId);
    /// Publishes a version of a model whose artifact is on chain, offering every class
    /// that is available to its format, with declarations as large as they may be and room for an input
    /// payload of `input_bytes`.
    fn publish(owner: &AccountId, input_bytes: u32) -> VersionId;
    /// Publishes a version that is an integer graph and offers every class that is available.
    fn publish_graph(owner: &AccountId) -> VersionId;
    /// A payload of about `bytes` bytes that fits the inputs of what [`Self::publish`] published.
    fn payload(bytes: u32) -> Vec<u8>;
    /// Registers operators that serve the version in every class that it offers, live and bonded, until there
    /// are `count`.
    fn serve(version: VersionId, count: u32) -> Vec<AccountId>;
}
