//! Disputes over optimistic results, as pallets and clients see them. The rules of the game are
//! in the crate `assay-dispute`.

use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_application_crypto::KeyTypeId;
use sp_runtime::DispatchResult;
use sp_weights::Weight;

use crate::{
    engine::Job, Balance, BlockNumber, Digest, RequestId, Statement, Tensor, VersionId, WorkerId,
};

/// Type of the key in a node's keystore that disputes wrong results, and whose account pays for
/// it.
pub const WATCHER_KEY_TYPE: KeyTypeId = KeyTypeId(*b"awch");

/// The sr25519 key of a watcher.
pub mod watcher_crypto {
    use sp_application_crypto::{app_crypto, sr25519};

    app_crypto!(sr25519, super::WATCHER_KEY_TYPE);
}

/// A dispute; given out by `disputes` in the order of opening, never used twice.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct DisputeId(pub u64);

impl core::fmt::Display for DisputeId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// How long disputes take.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct DisputeTiming {
    /// Blocks after a result in which disputes over it may be opened. At least 1.
    pub window: BlockNumber,
    /// Blocks for each move in a dispute. At least 1.
    pub response: BlockNumber,
}

/// What was decided about a result.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is proven.
    #[codec(index = 0)]
    Right,
    /// It is wrong, or was not defended.
    #[codec(index = 1)]
    Wrong,
}

/// An operator's move in a dispute.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct AnswerStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The dispute.
    pub dispute: DisputeId,
    /// BLAKE2b-256 of the encoded stage that the move is an answer to. So the same move counts in
    /// no other stage, and not on a fork where the challenger moved otherwise.
    pub stage: Digest,
    /// BLAKE2b-256 of the encoded move.
    pub answer: Digest,
    /// The operator.
    pub operator: AccountId,
}

impl<AccountId: Encode> Statement for AnswerStatement<AccountId> {
    const TAG: &'static [u8] = b"assay/dispute/1";
}

/// The bytes of the tensor in a payload of one tensor; `None` if it is no such payload.
pub fn tensor_data(mut payload: &[u8]) -> Option<Vec<u8>> {
    let tensors = Vec::<Tensor>::decode_all(&mut payload).ok()?;
    let [tensor] = <[Tensor; 1]>::try_from(tensors).ok()?;
    Some(tensor.data)
}

/// What an offchain worker asks the engine about an inference of an integer graph. The engine
/// runs the model and looks at every tensor of the run.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct DisputeJob {
    /// The inference. Nothing is proven.
    pub job: Job,
    /// What is asked.
    pub task: DisputeTask,
}

/// What is asked about an inference. The engine's answer is the output of the job.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum DisputeTask {
    /// What an operator claims: the output payload and the root of the trace, as a SCALE tuple.
    Claim,
    /// What the defender moves in this encoded stage: an optional encoded `assay_dispute::Answer`.
    Answer(Vec<u8>),
    /// What the challenger moves in this encoded stage: an optional encoded
    /// `assay_dispute::Choice`. There is none where nothing differs.
    Choose(Vec<u8>),
}

/// An operator's word about the trace of its optimistic result.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TraceStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The request.
    pub request: RequestId,
    /// Digest of the output payload.
    pub output_digest: Digest,
    /// Root of the trace.
    pub trace_root: Digest,
    /// The operator.
    pub operator: AccountId,
}

impl<AccountId: Encode> Statement for TraceStatement<AccountId> {
    const TAG: &'static [u8] = b"assay/trace/1";
}

/// A result that is not final and may be disputed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptimisticResult<AccountId> {
    /// The operator.
    pub operator: AccountId,
    /// Its worker key at present.
    pub worker: Option<WorkerId>,
    /// Root of the trace, as the operator claims it.
    pub trace_root: Digest,
    /// Last height at which a dispute may be opened.
    pub disputable_until: BlockNumber,
}

/// Optimistic results, as disputes see them. Implemented by `inference`.
pub trait OptimisticResults<AccountId> {
    /// The result of a request; `None` if it has none that is still open.
    fn result(request: RequestId) -> Option<OptimisticResult<AccountId>>;
    /// The encoded architecture of the version that was asked for, an integer graph.
    fn architecture(request: RequestId) -> Option<Vec<u8>>;
    /// The bytes of the input tensor.
    fn input(request: RequestId) -> Option<Vec<u8>>;
    /// The bytes of the output tensor that the operator claims.
    fn output(request: RequestId) -> Option<Vec<u8>>;
    /// Results that may be disputed now. For offchain workers: there is no bound.
    fn disputable() -> Vec<RequestId>;
    /// What an engine needs to run the model on the input, waiting so many milliseconds.
    fn job(request: RequestId, wait_ms: u32) -> Option<Job>;
    /// No dispute is open any more and none was won: the result becomes final if its window has
    /// passed, or as soon as it does.
    fn uphold(request: RequestId);
    /// The result is proven: it becomes final at once.
    fn accept(request: RequestId);
    /// The result is wrong: the request ends, the payer is refunded and compensated, the operator
    /// penalised, and `challenger` rewarded.
    fn reject(request: RequestId, challenger: &AccountId);
    /// Upper bound of each of the last three.
    fn weight() -> Weight;
}

/// Whether somebody disputes a result. Implemented by `disputes`.
pub trait Disputes {
    /// Whether a dispute over the result of a request is open.
    fn are_open(request: RequestId) -> bool;
}

/// What challengers put up. Implemented by `settlement`.
pub trait DisputeBonds<AccountId> {
    /// Adds to what is held of an account for its disputes.
    fn take(account: &AccountId, amount: Balance) -> DispatchResult;
    /// Gives part of it back.
    fn give_back(account: &AccountId, amount: Balance);
    /// Takes part of it for good. `harmed` gets at most the given amount, the treasury the rest.
    fn forfeit(account: &AccountId, amount: Balance, harmed: (&AccountId, Balance));
    /// What is held.
    fn held(account: &AccountId) -> Balance;
}

/// What the proof of a request's output is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvableRequest<AccountId> {
    /// The version that was asked for.
    pub version: VersionId,
    /// Who pays.
    pub payer: AccountId,
    /// The operator that was drawn.
    pub operator: AccountId,
    /// The bytes of the input tensor.
    pub input: Vec<u8>,
}

/// What the verification of proofs needs to know of requests.
pub trait ProvableRequests<AccountId> {
    /// A request with one operator and one input tensor, drawn and not pruned; `None` for others.
    fn provable(request: RequestId) -> Option<ProvableRequest<AccountId>>;
}

/// No requests.
impl<AccountId> ProvableRequests<AccountId> for () {
    fn provable(_: RequestId) -> Option<ProvableRequest<AccountId>> {
        None
    }
}

/// Proofs of outputs, as disputes see them.
pub trait OutputProofs {
    /// Whether `proof` shows that the request's version turns its input into `output`, which are
    /// the bytes of the output tensor. The proof's context is the request's.
    fn holds(request: RequestId, output: &[u8], proof: &[u8]) -> bool;
    /// Upper bound of [`OutputProofs::holds`].
    fn weight() -> Weight;
}
