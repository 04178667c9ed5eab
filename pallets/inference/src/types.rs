//! Requests, their committees and the claims of optimistic results.

use assay_primitives::{
    assurance::MAX_COMMITTEE, model::Tolerance, proof::MAX_PROOF_BYTES, runtime_api::Status,
    AnsweredRequest, Assurance, Balance, BlockNumber, Digest, Draw, Evidence, Receipt, RequestId,
    RequestInput, VersionId, WorkerSignature, MAX_LIST,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
    pallet_prelude::ConstU32, traits::Get, BoundedVec, CloneNoBound, DebugNoBound, EqNoBound,
    PartialEqNoBound,
};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

use crate::{Config, MAX_BATCH, MAX_ENDS};

/// The input of a request, its payload bounded by [`Config::MaxInputBytes`].
pub type RequestInputOf<T> = RequestInput<BoundedVec<u8, <T as Config>::MaxInputBytes>>;

/// Requests that ended, with the digests of their receipts.
pub type EndedRequests = BoundedVec<(RequestId, Digest), ConstU32<MAX_ENDS>>;

/// The requests of a batch.
pub type Batch<T> = BoundedVec<BatchItem<<T as Config>::MaxInputBytes>, ConstU32<MAX_BATCH>>;

/// A list of results, in ascending order of their requests.
pub type ResultList<T> =
    BoundedVec<ListedResult<<T as Config>::MaxOutputBytes>, ConstU32<MAX_LIST>>;

/// A validity proof.
pub type EncodedProof = BoundedVec<u8, ConstU32<MAX_PROOF_BYTES>>;

/// An operator that was drawn for a request.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Member<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its price at the draw, in plancks.
    pub ask: Balance,
}

/// A committee: the operators that were drawn, in the order of the draw.
pub type Members<AccountId> = BoundedVec<Member<AccountId>, ConstU32<{ MAX_COMMITTEE as u32 }>>;

/// A request. Its terms never change: only what its docs say.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Request<AccountId> {
    /// The account that pays.
    pub payer: AccountId,
    /// The payer's key for the request.
    pub client_key: [u8; 32],
    /// The version to run.
    pub version: VersionId,
    /// Digest of the version's descriptor.
    pub version_digest: Digest,
    /// Digest of the input payload, or the identity of the artifact that the input is.
    pub input_digest: Digest,
    /// Whether the input is an artifact.
    pub input_is_artifact: bool,
    /// The assurance that the request asks for.
    pub assurance: Assurance,
    /// The tolerance of a quorum, copied from the version.
    pub tolerance: Option<Tolerance>,
    /// The largest sum of the members' prices, in plancks. It is held until the end.
    pub max_price: Balance,
    /// The fee for the room that the request takes in blocks, in plancks: until the end the largest
    /// one, which is held besides [`Self::max_price`], then the one that was paid.
    pub fee: Balance,
    /// What each member of the committee has at stake, in plancks.
    pub stake: Balance,
    /// Whether it is a quorum in which a proof can show which results are wrong.
    pub appealable: bool,
    /// Height at which it last began to wait for capacity; zero if it has not waited since it was made,
    /// or since it was last drawn again without a call.
    pub waits_since: BlockNumber,
    /// Number of draws that its payer pays for besides: in vain because the capacity for which it was
    /// called did not suit it, or because it had waited long.
    pub vain_draws: u32,
    /// Height at which it is drawn again, when it has rested after a draw in vain, or if no run that
    /// ends calls it before; zero if it does not wait.
    pub again_at: BlockNumber,
    /// The account that receives the royalty.
    pub royalty_to: AccountId,
    /// The royalty's share of each price.
    pub royalty: Perbill,
    /// Height of the block that included the request.
    pub requested_at: BlockNumber,
    /// Height at whose end operators are drawn at the earliest.
    pub draw_from: BlockNumber,
    /// Last height at which an answer counts. It moves if too few blocks before it had room.
    pub deadline: BlockNumber,
    /// Value of the clock of blocks with room ([`BlockRoom`](assay_primitives::traits::BlockRoom))
    /// before which no member is late.
    pub late_from: BlockNumber,
    /// Its status.
    pub status: Status,
    /// The draw that assigned or ended the request; `None` before.
    pub draw: Option<Draw>,
    /// Its committee; empty before the draw.
    pub members: Members<AccountId>,
}

impl<AccountId: Clone + Encode> Request<AccountId> {
    /// The hash that every statement about the request contains. It holds for one draw on one chain.
    pub fn answered(&self, genesis: Digest, id: RequestId) -> Digest {
        self.answered_request(genesis, id).hash()
    }

    /// What that hash is of.
    pub fn answered_request(&self, genesis: Digest, id: RequestId) -> AnsweredRequest<AccountId> {
        AnsweredRequest {
            genesis,
            request: id,
            payer: self.payer.clone(),
            version_digest: self.version_digest,
            input_digest: self.input_digest,
            assurance: self.assurance,
            seed: self.draw.map(|draw| draw.seed).unwrap_or_default(),
        }
    }

    /// What is held for the request until its end, in plancks.
    pub fn escrow(&self) -> Balance {
        self.max_price.saturating_add(self.fee)
    }
}

impl<AccountId: Clone + PartialEq> Request<AccountId> {
    /// The accounts of its committee, in the order of the draw.
    pub fn accounts(&self) -> alloc::vec::Vec<AccountId> {
        self.members.iter().map(|member| member.account.clone()).collect()
    }

    /// The number of operators that are drawn for it.
    pub fn size(&self) -> usize {
        self.assurance.committee_size().max(1).into()
    }

    /// The maximum ask of a member, in plancks.
    pub fn budget(&self) -> Balance {
        self.max_price / self.size() as Balance
    }

    /// Last height at which a commitment counts, in a quorum.
    pub fn commit_deadline(&self, reveal_window: BlockNumber) -> BlockNumber {
        self.deadline.saturating_sub(reveal_window)
    }

    /// Last height at which a member's first answer counts: in a quorum its commitment, in other
    /// classes its result.
    pub fn answer_deadline(&self, reveal_window: BlockNumber) -> BlockNumber {
        match self.assurance {
            Assurance::Quorum { .. } => self.commit_deadline(reveal_window),
            _ => self.deadline,
        }
    }

    /// Number of blocks for a member's first answer if it is drawn at the end of block `draw`.
    pub fn blocks_to_answer(&self, draw: BlockNumber, reveal_window: BlockNumber) -> BlockNumber {
        self.answer_deadline(reveal_window).saturating_sub(draw)
    }

    /// Whether it asked for a later draw than in the next block. It is queued when its draw is near.
    pub fn is_drawn_later(&self) -> bool {
        self.draw_from > self.requested_at.saturating_add(1)
    }

    /// Whether the request has ended.
    pub fn is_final(&self) -> bool {
        matches!(self.status, Status::Final(_))
    }
}

/// What requests of one call have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub version: VersionId,
    pub assurance: Assurance,
    pub max_price: Balance,
    pub deadline: BlockNumber,
    pub draw_delay: BlockNumber,
}

/// Place of a request among those that wait: the height since which it waits, then its identifier.
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
)]
pub struct WaitingKey {
    /// The height, big-endian, so that keys are in the order of the heights.
    since: [u8; 4],
    /// The identifier, big-endian.
    request: [u8; 8],
}

impl WaitingKey {
    /// The place of `request`, which waits since this height.
    pub fn new(since: BlockNumber, request: RequestId) -> Self {
        Self { since: since.to_be_bytes(), request: request.0.to_be_bytes() }
    }

    /// The height since which the request waits.
    pub fn since(&self) -> BlockNumber {
        BlockNumber::from_be_bytes(self.since)
    }

    /// The request.
    pub fn request(&self) -> RequestId {
        RequestId(u64::from_be_bytes(self.request))
    }
}

/// The time in which an outcome can be appealed.
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
)]
pub struct AppealTime {
    /// Last height at which an appeal counts, if enough blocks have had room for one.
    pub until: BlockNumber,
    /// The number of blocks with room for a move in a dispute, or an appeal, from which on enough of
    /// them have passed.
    pub final_from: BlockNumber,
}

/// One request of a batch.
#[derive(
    CloneNoBound,
    PartialEqNoBound,
    EqNoBound,
    DebugNoBound,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(MaxInputBytes))]
#[codec(mel_bound(MaxInputBytes: Get<u32>))]
pub struct BatchItem<MaxInputBytes: Get<u32>> {
    /// The input.
    pub input: RequestInput<BoundedVec<u8, MaxInputBytes>>,
    /// The payer's key for the request.
    pub client_key: [u8; 32],
}

/// A result of a list that one signature is over.
#[derive(
    CloneNoBound,
    PartialEqNoBound,
    EqNoBound,
    DebugNoBound,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(MaxOutputBytes))]
#[codec(mel_bound(MaxOutputBytes: Get<u32>))]
pub struct ListedResult<MaxOutputBytes: Get<u32>> {
    /// The request.
    pub request: RequestId,
    /// Hash of the [`AnsweredRequest`].
    pub answered: Digest,
    /// The output payload.
    pub output: BoundedVec<u8, MaxOutputBytes>,
}

/// Requests with successive identifiers that wait for their draws.
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
)]
pub struct Queued {
    /// The first one.
    pub first: RequestId,
    /// Their number. Not zero.
    pub count: u32,
    /// Height of the first block whose VRF output is in the seeds.
    pub from: BlockNumber,
    /// How many others may be called one after the other if the draw is in vain.
    pub calls: u8,
}

/// What a finished request leaves behind, until it is pruned.
#[derive(
    CloneNoBound,
    PartialEqNoBound,
    EqNoBound,
    DebugNoBound,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[scale_info(skip_type_params(MaxOutputBytes))]
#[codec(mel_bound(AccountId: MaxEncodedLen, MaxOutputBytes: Get<u32>))]
pub struct FinishedRequest<AccountId, MaxOutputBytes>
where
    AccountId: Clone + PartialEq + Eq + core::fmt::Debug,
    MaxOutputBytes: Get<u32>,
{
    /// Its receipt.
    pub receipt: Receipt<AccountId>,
    /// The evidence, whose digest is in the receipt.
    pub evidence: Evidence<AccountId>,
    /// The output payload of a verified request.
    pub output: Option<BoundedVec<u8, MaxOutputBytes>>,
}

/// The claim of an optimistic result besides its output, and its dispute window.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TraceClaim {
    /// Digest of the output payload.
    pub output_digest: Digest,
    /// The claimed root of the trace.
    pub trace_root: Digest,
    /// Last height at which a dispute may be opened. It moves if too few blocks before it had room.
    pub disputable_until: BlockNumber,
    /// Value of the clock of blocks with room for moves that has to be reached before the result is
    /// final.
    pub final_from: BlockNumber,
}

/// The signatures of an optimistic result: over the result, for the receipt, and over the root of
/// its trace, for disputes.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TraceSignatures {
    /// Signature over the [`ResultStatement`](assay_primitives::ResultStatement).
    pub result: WorkerSignature,
    /// Signature over the [`TraceStatement`](assay_primitives::dispute::TraceStatement).
    pub trace: WorkerSignature,
}
