//! Receipts: what a relying party checks.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32};

use crate::{
    assurance::MAX_COMMITTEE, digest, Assurance, Digest, ProofEvidence, RequestId, ResultStatement,
    Statement, WorkerId, WorkerSignature,
};

/// Domain tag of receipts.
pub const RECEIPT_TAG: &[u8] = b"assay/receipt/1";

/// Why an operator could not serve a request.
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
pub enum FailureReason {
    /// The artifact is not to be had, or its bytes do not have its digest.
    #[codec(index = 0)]
    ArtifactUnavailable,
    /// The engine refuses the model file.
    #[codec(index = 1)]
    InvalidModel,
    /// The input does not fit the version's declaration.
    #[codec(index = 2)]
    InvalidInput,
    /// The run took longer than the engine allows.
    #[codec(index = 3)]
    TimeLimit,
    /// The run took more memory than the engine allows.
    #[codec(index = 4)]
    MemoryLimit,
    /// The model gave an output that does not fit the version's declaration, or is not finite.
    #[codec(index = 5)]
    InvalidOutput,
    /// The output is larger than the chain keeps inline.
    #[codec(index = 6)]
    OutputTooLarge,
    /// The engine failed in another way.
    #[codec(index = 7)]
    EngineError,
    /// The engine made no proof, or one that is larger than the chain takes.
    #[codec(index = 8)]
    ProofUnavailable,
}

/// Why a request ended without a result although nobody was late.
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
pub enum RejectReason {
    /// Too few operators were able to take it when it was drawn.
    #[codec(index = 0)]
    NoOperator,
    /// The operators reported that they cannot serve it.
    #[codec(index = 1)]
    Failed(FailureReason),
    /// Fewer members than the quorum needs gave equal results.
    #[codec(index = 2)]
    NoAgreement,
    /// The operator's proof does not prove its result.
    #[codec(index = 3)]
    InvalidProof,
    /// The operator lost a dispute over its result.
    #[codec(index = 4)]
    Disputed,
}

/// How a request ended.
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
pub enum Outcome {
    /// The evidence of its class holds.
    #[codec(index = 0)]
    Verified,
    /// No result; the payer has everything back.
    #[codec(index = 1)]
    Rejected(RejectReason),
    /// The deadline passed; the payer has everything back.
    #[codec(index = 2)]
    TimedOut,
    /// The payer took it back before it was assigned.
    #[codec(index = 3)]
    Cancelled,
}

/// How the committee was chosen, so that a relying party can draw it again.
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
pub struct Draw {
    /// Height of the block in which the draw was made.
    pub block: u32,
    /// Seed of the draw: `blake2_256("assay/draw/1", VRF output of the block before, VRF output
    /// of the block, request)`.
    pub seed: Digest,
}

/// One operator's signed result.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SignedEvidence<AccountId> {
    /// The operator.
    pub operator: AccountId,
    /// Its worker key when it answered.
    pub worker: WorkerId,
    /// What it answered.
    pub output_digest: Digest,
    /// Signature over the [`ResultStatement`].
    pub signature: WorkerSignature,
    /// In class `Proof` what is kept of the proof. Whether it holds is what the outcome says.
    pub proof: Option<ProofEvidence>,
}

/// The signed results on which the outcome rests, in the order of the draw. It may name results
/// that lost as well.
pub type Evidence<AccountId> =
    BoundedVec<SignedEvidence<AccountId>, ConstU32<{ MAX_COMMITTEE as u32 }>>;

/// What the chain says of a finished request. Its digest stays on chain for good.
#[derive(
    Clone,
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
pub struct Receipt<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The request.
    pub request: RequestId,
    /// Who asked and paid.
    pub payer: AccountId,
    /// The version that was asked for.
    pub version_digest: Digest,
    /// Digest of the input payload.
    pub input_digest: Digest,
    /// What the request asked for.
    pub assurance: Assurance,
    /// How it ended.
    pub outcome: Outcome,
    /// Digest of the output payload; `Some` only where the outcome is `Verified`.
    pub output_digest: Option<Digest>,
    /// How the committee was drawn; `None` where it never was.
    pub draw: Option<Draw>,
    /// What the payer paid in all, in plancks.
    pub price_paid: u128,
    /// Digest of the SCALE encoding of the [`Evidence`].
    pub evidence_digest: Digest,
    /// Height of the block that decided.
    pub decided_at: u32,
}

impl<AccountId: Encode + Clone> Receipt<AccountId> {
    /// BLAKE2b-256 of the domain tag and the SCALE encoding.
    pub fn digest(&self) -> Digest {
        let mut bytes = RECEIPT_TAG.to_vec();
        self.encode_to(&mut bytes);
        digest(&bytes)
    }

    /// The statement that an item of evidence signs.
    pub fn statement(&self, item: &SignedEvidence<AccountId>) -> ResultStatement<AccountId> {
        ResultStatement {
            genesis: self.genesis,
            request: self.request,
            version_digest: self.version_digest,
            input_digest: self.input_digest,
            output_digest: item.output_digest,
            assurance: self.assurance,
            operator: item.operator.clone(),
            proof: item.proof.map(|proof| proof.digest),
        }
    }

    /// The items of `evidence` whose signature does not hold, by index.
    pub fn bad_signatures(&self, evidence: &[SignedEvidence<AccountId>]) -> Vec<usize> {
        let holds = |item: &SignedEvidence<AccountId>| {
            self.statement(item).is_signed_by(&item.worker, &item.signature)
        };
        (0..evidence.len()).filter(|index| !holds(&evidence[*index])).collect()
    }
}

/// Digest of evidence, as a receipt names it.
pub fn evidence_digest<AccountId: Encode>(evidence: &[SignedEvidence<AccountId>]) -> Digest {
    digest(&evidence.encode())
}
