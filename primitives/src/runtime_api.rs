//! The runtime API: queries of clients and nodes, without transactions.

// The macro adds the block to the arguments.
#![allow(clippy::too_many_arguments)]

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{
    dispute::{DisputeId, DisputeTiming, Verdict},
    engine::ProofContext,
    model::ModelDescriptor,
    operator::EngineVersion,
    receipt::ReceiptRoot,
    ArtifactManifest, Assurance, AssuranceClasses, Balance, BlockNumber, Digest, Evidence, ModelId,
    Outcome, ProofTerms, Receipt, RequestId, VersionId, WeightsAudit, WeightsFingerprint, WorkerId,
};

/// The current price of a request.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct Quote {
    /// The smallest `max_price` that enough operators accept, in plancks.
    pub price: Balance,
    /// Minimum number of blocks from the inclusion of a request at this price to its deadline.
    pub blocks: BlockNumber,
    /// Number of operators that could serve the request at any price.
    pub operators: u32,
    /// The largest fee for the room that the answers can take in blocks, in plancks, at present. It is
    /// held besides `max_price`; what the answers did not take is refunded.
    pub fee: Balance,
    /// What each operator that is drawn puts at stake, in plancks: the largest penalty for its result,
    /// other than for an equivocation. It is that of a request with an inline input: members of a quorum
    /// can put less at stake if the input is an artifact, since no proof can be about it.
    pub stake: Balance,
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
    /// Fewer operators than needed serve the version in this class. The number is how many do.
    NotEnoughOperators(u32),
    /// The chain has not read all of the version's weights yet, so class `Proof` cannot be
    /// requested.
    NotAudited,
}

/// The status of a request.
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
    /// The request waits for the draw.
    #[codec(index = 0)]
    Pending,
    /// Operators are drawn. The next step is a result or, in class `Quorum`, the commitments.
    #[codec(index = 1)]
    Assigned,
    /// Class `Quorum` only: enough members have committed. The next step is their results.
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
    /// The account that pays.
    pub payer: AccountId,
    /// The version to run.
    pub version: VersionId,
    /// The assurance that the request asks for.
    pub assurance: Assurance,
    /// Maximum price, in plancks.
    pub max_price: Balance,
    /// The fee for the room that the answers take in blocks, in plancks: the largest one, which is
    /// held, until the request ends; then the one that was paid.
    pub fee: Balance,
    /// What each operator has at stake, in plancks.
    pub stake: Balance,
    /// Height of the block that included the request.
    pub requested_at: BlockNumber,
    /// Last height at which an answer counts.
    pub deadline: BlockNumber,
    /// The status of the request.
    pub status: Status,
    /// Whether it is pending because its draw has found too little capacity.
    pub waits: bool,
    /// The operators that were drawn, in the order of the draw.
    pub members: Vec<AccountId>,
    /// The output payload of a verified request.
    pub output: Option<Vec<u8>>,
    /// Digest of the receipt; `None` until the request has ended.
    pub receipt_digest: Option<Digest>,
    /// Last height at which the outcome can be appealed, if it can be. It moves if too few blocks
    /// before it have room for an appeal.
    pub appealable_until: Option<BlockNumber>,
    /// Digest of the output payload that an appeal has shown to be the right one. The output and the
    /// receipt do not change, and may have another one.
    pub correction: Option<Digest>,
}

/// A receipt and its evidence.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ReceiptView<AccountId> {
    /// The receipt.
    pub receipt: Receipt<AccountId>,
    /// The signed results.
    pub evidence: Evidence<AccountId>,
    /// Digest of the receipt.
    pub digest: Digest,
    /// Its place among the receipts of the block in which the request ended, from 0.
    pub index: u32,
    /// Number of receipts of that block.
    pub count: u32,
    /// Its [path](crate::merkle::path) to the root of these receipts.
    pub path: Vec<Digest>,
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
    /// The owner's share of each price, in millionths.
    pub royalty_ppm: u32,
    /// SPDX licence expression.
    pub licence: Vec<u8>,
    /// Whether the version is closed to new requests.
    pub deprecated: bool,
    /// Number of open requests that use the version.
    pub open_requests: u32,
    /// Number of operators that serve the version.
    pub operators: u32,
    /// Terms of its proofs; `None` if the version does not offer class `Proof`.
    pub proof: Option<ProofTerms>,
    /// Progress of the audit of its weights; `None` if the version does not offer class `Proof`.
    /// Class `Proof` can be requested once the audit is done.
    pub audit: Option<WeightsAudit>,
}

/// An operator's offer of a version.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct ServiceView {
    /// The version.
    pub version: VersionId,
    /// Price of one run, in plancks.
    pub ask: Balance,
    /// Maximum number of concurrent runs. Zero means that the operator is not drawn.
    pub concurrency: u32,
    /// Number of blocks that the operator needs for an answer.
    pub response_blocks: BlockNumber,
    /// Classes in which it serves.
    pub classes: AssuranceClasses,
    /// The largest royalty at which it is drawn, in parts per million.
    pub max_royalty_ppm: u32,
    /// Number of quorums that agreed on another result, since the offer was made.
    pub outvoted: u32,
    /// Number of failures that it reported, since the offer was made.
    pub failed: u32,
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
    /// The part of it that stands behind results which can still be contested, in plancks. The
    /// operator is drawn only while the rest covers another result.
    pub at_stake: Balance,
    /// What it still owes for equivocations, in plancks. It is taken from stakes that are released.
    pub owed: Balance,
    /// Height in its last heartbeat; `None` if it has sent none with this worker key.
    pub last_heartbeat: Option<BlockNumber>,
    /// Whether its heartbeat is recent enough to be drawn.
    pub live: bool,
    /// Engine version of the last heartbeat.
    pub engine: EngineVersion,
    /// Number of its open assignments.
    pub open_assignments: u32,
    /// Height from which the operator can withdraw its bond; `None` unless it is unbonding.
    pub unbonding_until: Option<BlockNumber>,
    /// Its offers.
    pub serves: Vec<ServiceView>,
}

/// A request that an operator has to serve.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct Assignment {
    /// The request.
    pub request: RequestId,
    /// The version to run.
    pub version: VersionId,
    /// The assurance that the request asks for.
    pub assurance: Assurance,
    /// Last height at which an answer counts.
    pub deadline: BlockNumber,
    /// The status of the request.
    pub status: Status,
}

/// An artifact as clients see it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ArtifactView<AccountId> {
    /// The account that pays its deposit.
    pub owner: AccountId,
    /// Its manifest.
    pub manifest: ArtifactManifest,
    /// Indices of the chunks that are not on chain.
    pub missing: Vec<u32>,
}

/// An optimistic result that is not final.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct OptimisticView<AccountId> {
    /// The request.
    pub request: RequestId,
    /// The operator that submitted the result.
    pub operator: AccountId,
    /// The claimed output payload. The chain has not checked it.
    pub output: Vec<u8>,
    /// The claimed root of the trace.
    pub trace_root: Digest,
    /// Last height at which a dispute may be opened. The result becomes final at the next height
    /// unless a dispute is open.
    pub disputable_until: BlockNumber,
    /// Open disputes over the result, sorted; at most 64 of them.
    pub disputes: Vec<DisputeId>,
    /// The bond of the next dispute over the result, in plancks.
    pub next_bond: Balance,
}

/// An open dispute.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct DisputeView<AccountId> {
    /// The dispute.
    pub id: DisputeId,
    /// The request whose result is disputed.
    pub request: RequestId,
    /// The operator that submitted the result.
    pub operator: AccountId,
    /// The account that disputes the result.
    pub challenger: AccountId,
    /// The challenger's dispute bond, in plancks.
    pub bond: Balance,
    /// The price of the room that the operator's moves took, in plancks. It is taken from the bond if
    /// another dispute over the result is won first.
    pub spent: Balance,
    /// The penalty for the wrong result if the operator loses, in plancks. The reward comes on top.
    pub penalty: Balance,
    /// The part of the operator's bond that the challenger receives if it wins, in plancks.
    pub reward: Balance,
    /// Height at which the dispute was opened.
    pub opened_at: BlockNumber,
    /// Last height at which the next move counts. It is extended while blocks have no room for it.
    pub deadline: BlockNumber,
    /// Number of blocks for each move.
    pub response: BlockNumber,
    /// The stage of the dispute: the encoding of an `assay_dispute::Stage`.
    pub stage: Vec<u8>,
    /// What the operator has shown of it: the encoding of an `Option<assay_dispute::Shown>`, at most
    /// 128 KiB.
    pub shown: Vec<u8>,
    /// The verdict about the result, if another dispute or a proof decided it; `Right` also if this
    /// dispute's tile was computed in another dispute and is as claimed. The dispute then accepts no
    /// more moves, and ends by `close` or at its deadline.
    pub verdict: Option<Verdict>,
}

sp_api::decl_runtime_apis! {
    /// Queries of clients, nodes and offchain workers.
    pub trait AssayApi<AccountId> where AccountId: codec::Codec {
        /// The open assignments of the operator whose worker key this is.
        fn open_assignments(worker: WorkerId) -> Vec<Assignment>;
        /// The current price of a request in `version` with `assurance`.
        fn quote(version: VersionId, assurance: Assurance) -> Result<Quote, QuoteError>;
        /// A request; `None` if it does not exist or was pruned.
        fn request(id: RequestId) -> Option<RequestView<AccountId>>;
        /// The request that `account` made with `client_key`; `None` if there is none or it was
        /// pruned.
        fn request_by_key(account: AccountId, client_key: [u8; 32]) -> Option<RequestId>;
        /// The newest requests of an account that are not pruned, newest first, at most `limit`. Of
        /// an account with more than 10,000, only 10,000 are looked at.
        fn requests_of(account: AccountId, limit: u32) -> Vec<RequestView<AccountId>>;
        /// The receipt of a finished request; `None` if there is none or it was pruned.
        fn receipt(id: RequestId) -> Option<ReceiptView<AccountId>>;
        /// The first 31 bytes of the root of the receipts of all requests that ended at this height,
        /// which are never removed; `None` if none did.
        fn receipt_root(height: BlockNumber) -> Option<ReceiptRoot>;
        /// The inline input payload of an open request; `None` for other requests.
        fn input(id: RequestId) -> Option<Vec<u8>>;
        /// The optimistic result of a request; `None` if there is none or it is final.
        fn optimistic(id: RequestId) -> Option<OptimisticView<AccountId>>;
        /// At most `limit` of the open disputes over the result of `request`, or of all open
        /// disputes. They are sorted, but if there are more, any of them may be missing.
        fn open_disputes(request: Option<RequestId>, limit: u32) -> Vec<DisputeId>;
        /// At most `limit` open disputes of which the account is the operator or the challenger. They
        /// are sorted, but if there are more, any of them may be missing.
        fn disputes_of(account: AccountId, limit: u32) -> Vec<DisputeId>;
        /// A dispute; `None` if it has ended or was never opened.
        fn dispute(id: DisputeId) -> Option<DisputeView<AccountId>>;
        /// The timing of disputes over results that are submitted from now on.
        fn dispute_timing() -> DisputeTiming;
        /// A version; `None` if it does not exist.
        fn version(id: VersionId) -> Option<VersionView<AccountId>>;
        /// The encoded architecture of a version that is an integer graph; `None` for other
        /// versions.
        fn architecture(id: VersionId) -> Option<Vec<u8>>;
        /// Verifies a proof with the chain's verifier: that the integer graph of this encoded
        /// architecture, with weights of this fingerprint, maps the input's data to the output's.
        /// The error says why the proof is refused. The arguments need not be on chain.
        fn verify_proof(
            architecture: Vec<u8>,
            context: ProofContext,
            input: Vec<u8>,
            output: Vec<u8>,
            weights: WeightsFingerprint,
            proof: Vec<u8>,
        ) -> Result<(), String>;
        /// Computes one tile of an operation, as the last step of a dispute does: the chain's
        /// interpreter reads the encoded architecture, the roots of the operation's inputs and the
        /// encoded opening of the tile's inputs. Returns the bytes of the tile; the error says why
        /// the opening is refused. The arguments need not be on chain.
        fn run_tile(
            architecture: Vec<u8>,
            operation: u32,
            tile: u32,
            input_roots: Vec<Digest>,
            opening: Vec<u8>,
        ) -> Result<Vec<u8>, String>;
        /// The model with this owner and name, and the number of its newest version; 0 if it never
        /// had one.
        fn find_model(owner: AccountId, name: Vec<u8>) -> Option<(ModelId, u32)>;
        /// The versions of models from `from` on, at most `limit`.
        fn versions(from: ModelId, limit: u32) -> Vec<VersionView<AccountId>>;
        /// An operator; `None` if the account is not registered.
        fn operator(account: AccountId) -> Option<OperatorView<AccountId>>;
        /// The compensations of an account that it has not claimed, in plancks, with the heights
        /// from which it can claim them, earliest first.
        fn compensations(account: AccountId) -> Vec<(BlockNumber, Balance)>;
        /// The operator whose worker key this is or was, as long as the chain remembers the key.
        fn operator_of_worker(worker: WorkerId) -> Option<AccountId>;
        /// The artifact if it is complete, else an announcement of it by any account.
        fn artifact(identity: Digest) -> Option<ArtifactView<AccountId>>;
        /// The account's own announcement while chunks of it are missing, else the complete
        /// artifact; `None` if there is neither.
        fn upload(owner: AccountId, identity: Digest) -> Option<ArtifactView<AccountId>>;
        /// Why a payload does not fit the inputs of a version; `None` if it fits.
        fn check_input(version: VersionId, payload: Vec<u8>) -> Option<String>;
    }
}
