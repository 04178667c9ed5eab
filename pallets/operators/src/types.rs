use assay_primitives::{
    operator::{EngineVersion, Roles},
    AssuranceClasses, Balance, BlockNumber, WorkerId,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// How many past worker keys of an operator are remembered. One more is refused, so that
/// nothing that a key signed is forgotten before its time.
pub const MAX_PAST_WORKERS: u32 = 8;

/// An operator.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Operator {
    /// What it does.
    pub roles: Roles,
    /// Its worker key.
    pub worker: WorkerId,
    /// Its earlier worker keys, oldest first, each with the height at which it was replaced.
    /// `set_worker` drops those that were replaced `UnbondingPeriod` blocks ago or earlier.
    pub past_workers: BoundedVec<(WorkerId, BlockNumber), ConstU32<MAX_PAST_WORKERS>>,
    /// Height that its last heartbeat names.
    pub last_heartbeat: Option<BlockNumber>,
    /// Engine of its last heartbeat.
    pub engine: EngineVersion,
    /// Runs under way at its last heartbeat.
    pub load: u32,
    /// Assignments that are open.
    pub open: u32,
    /// Height from which it may take its bond; `Some` once it unbonds.
    pub unbonding_until: Option<BlockNumber>,
}

/// An operator's terms for one version.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Server<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its price for one run, in plancks.
    pub ask: Balance,
    /// Runs that it does at once.
    pub concurrency: u32,
    /// Blocks that it wants for an answer.
    pub response_blocks: BlockNumber,
    /// Runs that are open.
    pub open: u32,
    /// Classes in which it serves.
    pub classes: AssuranceClasses,
}
