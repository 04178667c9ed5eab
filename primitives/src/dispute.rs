//! Disputes over optimistic results: identifiers, timing, outcomes, and the messages between an
//! offchain worker and the engine. The rules of disputes are in the crate `assay-dispute`.

use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_application_crypto::KeyTypeId;

use crate::{engine::Job, BlockNumber, Digest, Tensor};

/// Type of the watcher key in a node's keystore. A watcher disputes wrong results with this key,
/// and the key's account pays the fees and the dispute bonds.
pub const WATCHER_KEY_TYPE: KeyTypeId = KeyTypeId(*b"awch");

/// The sr25519 watcher key.
pub mod watcher_crypto {
    use sp_application_crypto::{app_crypto, sr25519};

    app_crypto!(sr25519, super::WATCHER_KEY_TYPE);
}

/// Identifier of a dispute. The pallet `disputes` assigns them in the order of opening and never
/// reuses one.
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

/// The dispute window and the time for each move, in blocks.
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
    /// Number of blocks after a result in which disputes over it may be opened. At least 1.
    pub window: BlockNumber,
    /// Number of blocks for each move in a dispute. At least 1.
    pub response: BlockNumber,
}

/// Whether a disputed result is right.
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
    /// A validity proof showed that the result is right.
    #[codec(index = 0)]
    Right,
    /// The result is wrong, or the operator did not defend it.
    #[codec(index = 1)]
    Wrong,
}

/// What decided a dispute.
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
pub enum DisputeCause {
    /// The chain computed the tile that the parties disagreed on.
    #[codec(index = 0)]
    Computed,
    /// The party whose move was due did not move before the deadline.
    #[codec(index = 1)]
    Silence,
    /// The operator's move did not follow from its claim, and was refused.
    #[codec(index = 2)]
    Refused,
    /// A validity proof of the output.
    #[codec(index = 3)]
    Proof,
}

/// Authorises an operator's move about a disputed result. The move follows from the claim and the
/// stage alone, so it counts in every dispute over the result that is in this stage.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct AnswerStatement<AccountId> {
    /// Hash of the [`AnsweredRequest`](crate::AnsweredRequest).
    pub request: Digest,
    /// Digest of the output payload that the operator claims.
    pub output_digest: Digest,
    /// Root of the trace that it claims.
    pub trace_root: Digest,
    /// BLAKE2b-256 of the encoded stage that the move answers. The move therefore counts neither
    /// in another stage nor on a fork on which the challenger moved differently.
    pub stage: Digest,
    /// BLAKE2b-256 of the encoded move.
    pub answer: Digest,
    /// The operator.
    pub operator: AccountId,
}

/// The data of the only tensor of a payload; `None` if `payload` is not the encoding of a list of
/// one tensor.
pub fn tensor_data(mut payload: &[u8]) -> Option<Vec<u8>> {
    let tensors = Vec::<Tensor>::decode_all(&mut payload).ok()?;
    let [tensor] = <[Tensor; 1]>::try_from(tensors).ok()?;
    Some(tensor.data)
}

/// A query to the engine about the trace of an inference of an integer graph.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct DisputeJob {
    /// The inference. No proof is made of it.
    pub job: Job,
    /// The query.
    pub task: DisputeTask,
}

/// A query about the trace of an inference. The reply is the output of the job.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum DisputeTask {
    /// The claim of an operator. The reply is a SCALE tuple of the output payload and the root of
    /// the trace.
    Claim,
    /// The defender's move in this encoded `assay_dispute::Stage`. The reply is the encoding of an
    /// `Option<assay_dispute::Answer>`.
    Answer(Vec<u8>),
    /// The challenger's move. The reply is the encoding of an `Option<assay_dispute::Choice>`; `None`
    /// if the engine agrees with what the operator showed.
    Choose {
        /// The encoded `assay_dispute::Stage`.
        stage: Vec<u8>,
        /// What the operator has shown of it: an encoded `Option<assay_dispute::Shown>`.
        shown: Vec<u8>,
    },
}

/// States the trace root of an operator's optimistic result.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TraceStatement<AccountId> {
    /// Hash of the [`AnsweredRequest`](crate::AnsweredRequest).
    pub request: Digest,
    /// Digest of the output payload.
    pub output_digest: Digest,
    /// Root of the trace.
    pub trace_root: Digest,
    /// The operator.
    pub operator: AccountId,
}
