use assay_dispute::Stage;
pub use assay_primitives::dispute::{DisputeCause, Verdict};
use assay_primitives::{Balance, BlockNumber, RequestId};
use codec::{Decode, Encode, MaxEncodedLen};
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
