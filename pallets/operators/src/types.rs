//! Registrations and offers of operators.

use assay_primitives::{
    operator::{EngineVersion, Roles},
    AssuranceClasses, Balance, BlockNumber, VersionId, WorkerId,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

/// Maximum number of past worker keys of an operator that are remembered. `set_worker` refuses
/// more, so that no key is forgotten while equivocations signed with it have to be punished.
pub const MAX_PAST_WORKERS: u32 = 8;

/// Number of failures that an operator can report for a version without a result in between, before
/// its offer is paused.
pub const MAX_FAILURES: u32 = 32;

/// Compensations can be claimed from heights that are multiples of this, in blocks, so that an
/// account has few of them.
pub const COMPENSATION_STEP: BlockNumber = 1_800;

/// An operator.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Operator {
    /// Its roles.
    pub roles: Roles,
    /// Its worker key.
    pub worker: WorkerId,
    /// Its earlier worker keys, oldest first, each with the height at which it was replaced.
    /// `set_worker` drops those that were replaced `UnbondingPeriod` blocks ago or earlier.
    pub past_workers: BoundedVec<(WorkerId, BlockNumber), ConstU32<MAX_PAST_WORKERS>>,
    /// Height in its last heartbeat; `None` if there was none with the current worker key.
    pub last_heartbeat: Option<BlockNumber>,
    /// Engine version in its last heartbeat.
    pub engine: EngineVersion,
    /// Runs in progress at its last heartbeat.
    pub load: u32,
    /// Number of its open assignments.
    pub open: u32,
    /// The sum of the stakes of its results that can be contested, in plancks.
    pub locked: Balance,
    /// What it owes for equivocations, in plancks. It is taken from stakes that are released.
    pub owed: Balance,
    /// Height from which it can withdraw its bond; `None` unless it is unbonding.
    pub unbonding_until: Option<BlockNumber>,
}

/// An open run of an operator.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OpenRun {
    /// The version to run.
    pub version: VersionId,
    /// Height at which the offer was made under which it was assigned. An operator that has lost its
    /// seat can have another offer now.
    pub offered_at: BlockNumber,
}

/// An operator's offer of a version.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Server<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its price for one run, in plancks.
    pub ask: Balance,
    /// Maximum number of concurrent runs; zero pauses the offer.
    pub concurrency: u32,
    /// Number of blocks that it needs for an answer.
    pub response_blocks: BlockNumber,
    /// Number of open runs under this offer.
    pub open: u32,
    /// Height at which the offer was made.
    pub since: BlockNumber,
    /// Number of quorums since then that agreed on another result than the operator's.
    pub outvoted: u32,
    /// Number of failures since then that the operator reported.
    pub failed: u32,
    /// Number of these since its last result that counted. [`MAX_FAILURES`] pause the offer.
    pub failed_in_a_row: u32,
    /// Classes in which it serves.
    pub classes: AssuranceClasses,
    /// The largest royalty at which it is drawn: the owner can raise the royalty after the offer.
    pub max_royalty: Perbill,
}
