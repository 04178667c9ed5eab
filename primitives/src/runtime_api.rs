//! What clients and nodes ask of the runtime without a transaction.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    dispute::{DisputeId, DisputeTiming, Verdict},
    engine::ProofContext,
    model::ModelDescriptor,
    operator::EngineVersion,
    ArtifactManifest, Assurance, AssuranceClasses, Balance, BlockNumber, Digest, Evidence, ModelId,
    Outcome, ProofTerms, Receipt, RequestId, VersionId, WeightsAudit, WeightsFingerprint, WorkerId,
};

/// What a request would cost now.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct Quote {
    /// The smallest `max_price` that enough operators accept, in plancks.
    pub price: Balance,
    /// Fewest blocks from the inclusion of a request at that price to its deadline.
    pub blocks: BlockNumber,
    /// Operators that could take the request at some price.
    pub operators: u32,
}

/// Why there is no quote.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteError {
    /// There is no such version.
    NotFound,
    /// The version takes no new requests.
    Deprecated,
    /// The version does not offer the class, or the class is switched off or not available.
    ClassUnavailable,
    /// Fewer operators than needed serve the version in this class; this many do.
    NotEnoughOperators(u32),
    /// The chain has not read all of the version's weights, so nobody can ask for proofs yet.
    NotAudited,
}

/// How a request stands.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    codec::DecodeWithMemTracking,
    codec::MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for the draw.
    #[codec(index = 0)]
    Pending,
    /// Operators are drawn; a signed result or the commitments of a quorum are awaited.
    #[codec(index = 1)]
    Assigned,
    /// Class `Quorum` only: enough members have committed; their results are awaited.
    #[codec(index = 2)]
    Revealing,
    /// Class `Optimistic` only: the operator has submitted its result. The result becomes final
    /// when its dispute window has passed and no dispute over it is open.
    #[codec(index = 3)]
    Disputable,
    /// The request has ended.
    #[codec(index = 4)]
    Final(Outcome),
}

/// A request as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct RequestView<AccountId> {
    /// The request.
    pub id: RequestId,
    /// Who pays.
    pub payer: AccountId,
    /// The version asked for.
    pub version: VersionId,
    /// What it asks for.
    pub assurance: Assurance,
    /// Most that it may cost, in plancks.
    pub max_price: Balance,
    /// Height at which it was included.
    pub requested_at: BlockNumber,
    /// Last height at which an answer counts.
    pub deadline: BlockNumber,
    /// How it stands.
    pub status: Status,
    /// The operators drawn.
    pub members: Vec<AccountId>,
    /// The output payload, while it is kept.
    pub output: Option<Vec<u8>>,
    /// Digest of the receipt, once it is over.
    pub receipt_digest: Option<Digest>,
}

/// A receipt and what it rests on.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ReceiptView<AccountId> {
    /// The receipt.
    pub receipt: Receipt<AccountId>,
    /// The signed results.
    pub evidence: Evidence<AccountId>,
    /// Digest of the receipt as the chain keeps it.
    pub digest: Digest,
}

/// A version as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct VersionView<AccountId> {
    /// The version.
    pub id: VersionId,
    /// Owner of the model.
    pub owner: AccountId,
    /// Name of the model.
    pub name: Vec<u8>,
    /// What the version declares.
    pub descriptor: ModelDescriptor,
    /// Digest of the descriptor.
    pub digest: Digest,
    /// Share of each price that goes to the owner, in millionths.
    pub royalty_ppm: u32,
    /// SPDX licence expression.
    pub licence: Vec<u8>,
    /// Whether it takes no new requests.
    pub deprecated: bool,
    /// Requests that are open.
    pub open_requests: u32,
    /// Operators that serve it.
    pub operators: u32,
    /// Terms of its proofs; `None` where it does not offer class `Proof`.
    pub proof: Option<ProofTerms>,
    /// How many of its weights the chain has read; `None` where it does not offer class `Proof`,
    /// which can be asked for when all are read.
    pub audit: Option<WeightsAudit>,
}

/// How an operator serves a version.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ServiceView {
    /// The version.
    pub version: VersionId,
    /// Price of one run, in plancks.
    pub ask: Balance,
    /// Runs at once.
    pub concurrency: u32,
    /// Blocks that it wants for an answer.
    pub response_blocks: BlockNumber,
    /// Classes in which it serves.
    pub classes: AssuranceClasses,
}

/// An operator as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct OperatorView<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its worker key.
    pub worker: WorkerId,
    /// Its bond, in plancks.
    pub bond: Balance,
    /// Height of its last heartbeat.
    pub last_heartbeat: Option<BlockNumber>,
    /// Whether its heartbeat is recent enough to be drawn.
    pub live: bool,
    /// Engine version of the last heartbeat.
    pub engine: EngineVersion,
    /// Assignments that are open.
    pub open_assignments: u32,
    /// Height from which an unbonding operator may take its bond.
    pub unbonding_until: Option<BlockNumber>,
    /// Versions that it serves, and how.
    pub serves: Vec<ServiceView>,
}

/// An assignment of a worker.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct Assignment {
    /// The request.
    pub request: RequestId,
    /// The version to run.
    pub version: VersionId,
    /// What the request asks for.
    pub assurance: Assurance,
    /// Last height at which an answer counts.
    pub deadline: BlockNumber,
    /// How the request stands.
    pub status: Status,
}

/// An artifact as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ArtifactView<AccountId> {
    /// Who pays its deposit.
    pub owner: AccountId,
    /// How it is put together.
    pub manifest: ArtifactManifest,
    /// Indices of chunks that were not uploaded yet.
    pub missing: Vec<u32>,
}

/// An optimistic result that is not final.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct OptimisticView<AccountId> {
    /// Whose result.
    pub request: RequestId,
    /// The operator, which claims it.
    pub operator: AccountId,
    /// The output payload that it claims. Nobody has checked it.
    pub output: Vec<u8>,
    /// Root of the trace that it claims.
    pub trace_root: Digest,
    /// Last height at which a dispute may be opened. The result is final at the next one, unless
    /// a dispute is open then.
    pub disputable_until: BlockNumber,
    /// Open disputes over it, in the order of opening.
    pub disputes: Vec<DisputeId>,
}

/// An open dispute.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct DisputeView<AccountId> {
    /// The dispute.
    pub id: DisputeId,
    /// Whose result.
    pub request: RequestId,
    /// The operator, which claims it.
    pub operator: AccountId,
    /// Who disputes it.
    pub challenger: AccountId,
    /// What the challenger put up, in plancks.
    pub bond: Balance,
    /// What the operator loses of its present bond if it loses, in plancks; without the reward.
    pub penalty: Balance,
    /// What the challenger gets of that bond beside its own if it wins, in plancks.
    pub reward: Balance,
    /// Height at which it was opened.
    pub opened_at: BlockNumber,
    /// Last height at which the next move counts.
    pub deadline: BlockNumber,
    /// Blocks for each move.
    pub response: BlockNumber,
    /// Where it stands: the encoding of an `assay_dispute::Stage`.
    pub stage: Vec<u8>,
    /// What another dispute or a proof has decided about the result. Then this one awaits no move,
    /// and ends by `close` or at its deadline.
    pub verdict: Option<Verdict>,
}

sp_api::decl_runtime_apis! {
    /// What clients and workers ask.
    pub trait AssayApi<AccountId> where AccountId: codec::Codec {
        /// The open assignments of the operator whose worker key this is.
        fn open_assignments(worker: WorkerId) -> Vec<Assignment>;
        /// What a request would cost now.
        fn quote(version: VersionId, assurance: Assurance) -> Result<Quote, QuoteError>;
        /// How a request stands; `None` if there is none, or it was pruned.
        fn request(id: RequestId) -> Option<RequestView<AccountId>>;
        /// The request that an account made under a client key.
        fn request_by_key(account: AccountId, client_key: [u8; 32]) -> Option<RequestId>;
        /// The requests of an account that are not pruned, newest first, at most `limit`.
        fn requests_of(account: AccountId, limit: u32) -> Vec<RequestView<AccountId>>;
        /// The receipt of a finished request, until it is pruned.
        fn receipt(id: RequestId) -> Option<ReceiptView<AccountId>>;
        /// Digest of a finished request's receipt; never pruned.
        fn receipt_digest(id: RequestId) -> Option<Digest>;
        /// The input payload of an open request that brought it along; `None` for others.
        fn input(id: RequestId) -> Option<Vec<u8>>;
        /// The optimistic result of a request that is not final; `None` if there is none.
        fn optimistic(id: RequestId) -> Option<OptimisticView<AccountId>>;
        /// The open disputes over the result of a request, or all, in the order of opening.
        fn open_disputes(request: Option<RequestId>) -> Vec<DisputeId>;
        /// A dispute; `None` if it is over, or was never opened.
        fn dispute(id: DisputeId) -> Option<DisputeView<AccountId>>;
        /// How long disputes over new results take.
        fn dispute_timing() -> DisputeTiming;
        /// A version.
        fn version(id: VersionId) -> Option<VersionView<AccountId>>;
        /// The encoded architecture of a version that is an integer graph; `None` for others.
        fn architecture(id: VersionId) -> Option<Vec<u8>>;
        /// Whether the chain's verifier accepts a proof: that the integer graph of this encoded
        /// architecture turns the input's data into the output's, with weights of this fingerprint.
        /// Says why not. Nothing on the chain needs to know of any of it.
        fn verify_proof(
            architecture: Vec<u8>,
            context: ProofContext,
            input: Vec<u8>,
            output: Vec<u8>,
            weights: WeightsFingerprint,
            proof: Vec<u8>,
        ) -> Result<(), String>;
        /// What the last step of a dispute would come to: the bytes of one tile of an operation,
        /// computed by the chain's interpreter from the integer graph's encoded architecture, the
        /// roots of the operation's inputs and the encoded opening of what the tile reads. Says
        /// why not, where the opening does not hold. Nothing on the chain needs to know of any of
        /// it.
        fn run_tile(
            architecture: Vec<u8>,
            operation: u32,
            tile: u32,
            input_roots: Vec<Digest>,
            opening: Vec<u8>,
        ) -> Result<Vec<u8>, String>;
        /// The model with this owner and name, and the number of its newest version.
        fn find_model(owner: AccountId, name: Vec<u8>) -> Option<(ModelId, u32)>;
        /// The versions of models `from ..`, at most `limit`.
        fn versions(from: ModelId, limit: u32) -> Vec<VersionView<AccountId>>;
        /// An operator.
        fn operator(account: AccountId) -> Option<OperatorView<AccountId>>;
        /// The operator that registered a worker key.
        fn operator_of_worker(worker: WorkerId) -> Option<AccountId>;
        /// The artifact, if it is complete, else an announcement of it, whoever made it.
        fn artifact(digest: Digest) -> Option<ArtifactView<AccountId>>;
        /// What is left for an account to upload: its own announcement while chunks of it are
        /// missing, else the artifact, of which none are; `None` if there is neither.
        fn upload(owner: AccountId, digest: Digest) -> Option<ArtifactView<AccountId>>;
        /// Why a payload does not fit the inputs of a version; `None` if it does.
        fn check_input(version: VersionId, payload: Vec<u8>) -> Option<String>;
    }
}
