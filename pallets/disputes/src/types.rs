use assay_dispute::Stage;
pub use assay_primitives::dispute::Verdict;
use assay_primitives::{Balance, BlockNumber, RequestId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// An open dispute.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Dispute<AccountId> {
    /// Whose result.
    pub request: RequestId,
    /// The operator, which claims it.
    pub operator: AccountId,
    /// Who disputes it.
    pub challenger: AccountId,
    /// What the challenger put up, in plancks.
    pub bond: Balance,
    /// Height at which it was opened.
    pub opened_at: BlockNumber,
    /// Last height at which the next move counts.
    pub deadline: BlockNumber,
    /// Blocks for each move, since it was opened.
    pub response: BlockNumber,
    /// What is known, and so whose turn it is.
    pub stage: Stage,
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
)]
pub enum Cause {
    /// The tile in question was computed.
    #[codec(index = 0)]
    Computed,
    /// No move came in time.
    #[codec(index = 1)]
    Silence,
    /// The operator's move did not follow from its claim.
    #[codec(index = 2)]
    Refused,
    /// A validity proof.
    #[codec(index = 3)]
    Proof,
}
