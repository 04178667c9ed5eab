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
    /// The price of the room in blocks that the operator's moves in this dispute took, in plancks. At
    /// most the bond.
    pub spent: Balance,
    /// Height at which the dispute was opened.
    pub opened_at: BlockNumber,
    /// Last height at which the next move counts, unless fewer than `response` blocks since `clock`
    /// have had room for it. It then counts until as many have.
    pub deadline: BlockNumber,
    /// Number of blocks with room for a move
    /// ([`BlockRoom::move_blocks`](assay_primitives::traits::BlockRoom::move_blocks)), with the one in
    /// which the time for the next move began.
    pub clock: BlockNumber,
    /// Height of its entry in the agenda.
    pub due: BlockNumber,
    /// Number of blocks for each move, fixed when the dispute was opened.
    pub response: BlockNumber,
    /// The stage of the dispute, which determines the next move.
    pub stage: Stage,
}

/// When a defender showed something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Moment {
    /// The height.
    pub height: BlockNumber,
    /// Number of blocks with room for a move, with that one.
    pub clock: BlockNumber,
}
