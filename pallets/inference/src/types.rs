use assay_primitives::{
    assurance::MAX_COMMITTEE, model::Tolerance, proof::MAX_PROOF_BYTES, runtime_api::Status,
    Assurance, Balance, BlockNumber, Digest, Draw, VersionId, WorkerSignature,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

/// A validity proof.
pub type EncodedProof = BoundedVec<u8, ConstU32<MAX_PROOF_BYTES>>;

/// An operator that was drawn for a request.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Member<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its price at the time of the draw, in plancks.
    pub ask: Balance,
}

/// The operators that were drawn, in the order of the draw.
pub type Members<AccountId> = BoundedVec<Member<AccountId>, ConstU32<{ MAX_COMMITTEE as u32 }>>;

/// A request. Its terms never change after it was made.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Request<AccountId> {
    /// Who pays.
    pub payer: AccountId,
    /// The payer's key for it.
    pub client_key: [u8; 32],
    /// The version.
    pub version: VersionId,
    /// Digest of the version's descriptor.
    pub version_digest: Digest,
    /// Digest of the input payload.
    pub input_digest: Digest,
    /// Whether the input is an artifact.
    pub input_is_artifact: bool,
    /// What it asks for.
    pub assurance: Assurance,
    /// When two outputs count as equal.
    pub tolerance: Option<Tolerance>,
    /// What is held, in plancks.
    pub max_price: Balance,
    /// Who gets the royalty.
    pub royalty_to: AccountId,
    /// Share of each price that is royalty.
    pub royalty: Perbill,
    /// Height at which it was included.
    pub requested_at: BlockNumber,
    /// Last height at which an answer counts.
    pub deadline: BlockNumber,
    /// How it stands.
    pub status: Status,
    /// How its operators were drawn.
    pub draw: Option<Draw>,
    /// The operators that were drawn.
    pub members: Members<AccountId>,
}

impl<AccountId: Clone + PartialEq> Request<AccountId> {
    /// The operators, in the order of the draw.
    pub fn accounts(&self) -> alloc::vec::Vec<AccountId> {
        self.members.iter().map(|member| member.account.clone()).collect()
    }

    /// Operators that are drawn for it.
    pub fn size(&self) -> usize {
        self.assurance.committee_size().max(1).into()
    }

    /// Most that one operator may ask.
    pub fn budget(&self) -> Balance {
        self.max_price / self.size() as Balance
    }

    /// Last height at which a commitment counts.
    pub fn commit_deadline(&self, reveal_window: BlockNumber) -> BlockNumber {
        self.deadline.saturating_sub(reveal_window)
    }

    /// Last height at which a member's first answer counts: in a quorum its commitment, else its
    /// result.
    pub fn answer_deadline(&self, reveal_window: BlockNumber) -> BlockNumber {
        match self.assurance {
            Assurance::Quorum { .. } => self.commit_deadline(reveal_window),
            _ => self.deadline,
        }
    }

    /// Blocks in which a member's first answer counts if it is drawn at the end of block `draw`.
    pub fn blocks_to_answer(&self, draw: BlockNumber, reveal_window: BlockNumber) -> BlockNumber {
        self.answer_deadline(reveal_window).saturating_sub(draw)
    }

    /// Whether nothing more can happen to it.
    pub fn is_final(&self) -> bool {
        matches!(self.status, Status::Final(_))
    }
}

/// What an operator claims beside its output, and for how long it may be disputed.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TraceClaim {
    /// Root of the trace.
    pub trace_root: Digest,
    /// Last height at which a dispute may be opened.
    pub disputable_until: BlockNumber,
}

/// The two signatures that come with an optimistic result: over the result, for the receipt, and
/// over the root of its trace, for disputes.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TraceSignatures {
    /// Over the `ResultStatement`.
    pub result: WorkerSignature,
    /// Over the `TraceStatement`.
    pub trace: WorkerSignature,
}
