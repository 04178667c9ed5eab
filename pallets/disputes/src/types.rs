//! Open disputes.

use assay_dispute::Stage;
pub use assay_primitives::dispute::{DisputeCause, Verdict};
use assay_primitives::{Balance, BlockNumber, RequestId};
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// An open dispute.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Dispute<AccountId> {
    /// The request whose result is disputed.
    pub request: RequestId,
    /// The operator that submitted the result.
    pub operator: AccountId,
    /// The account that disputes the result.
    pub challenger: AccountId,
    /// The challenger's bond, in plancks.
    pub bond: Balance,
    /// Height at which the dispute was opened.
    pub opened_at: BlockNumber,
    /// Last height at which the next move counts.
    pub deadline: BlockNumber,
    /// Number of blocks for each move, fixed when the dispute was opened.
    pub response: BlockNumber,
    /// The stage of the dispute, which determines the next move.
    pub stage: Stage,
}
