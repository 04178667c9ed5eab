//! Operators.

use alloc::vec::Vec;

use crate::{
    operator::Offence, AssuranceClass, Balance, BlockNumber, RequestId, VersionId, WorkerId,
};

/// An operator that can be drawn for a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its bond in plancks, which is its weight in the draw.
    pub bond: Balance,
    /// Its price for one run, in plancks.
    pub ask: Balance,
    /// Number of blocks that it needs between the draw and the deadline of its answer.
    pub response_blocks: BlockNumber,
    /// Whether it has fewer open runs of the version than its concurrency allows.
    pub has_room: bool,
}

/// Operators, as requests and evidence need them. Implemented by `operators`.
pub trait Operators<AccountId> {
    /// The operators that serve `version` in `class`, are live and not paused, have at least the
    /// minimum bond, and ask at most `budget`. There are at most [`Operators::servers`].
    fn candidates(
        version: VersionId,
        class: AssuranceClass,
        budget: Balance,
    ) -> Vec<Candidate<AccountId>>;
    /// The number of operators that serve `version`. [`Operators::candidates`] reads all of them.
    fn servers(version: VersionId) -> u32;
    /// Upper bound of [`Operators::servers`].
    fn max_servers() -> u32;
    /// Assigns `request`, a run of `version`, to `operator`.
    fn assign(operator: &AccountId, request: RequestId, version: VersionId);
    /// Ends an assignment, if there is one.
    fn unassign(operator: &AccountId, request: RequestId, version: VersionId);
    /// Whether `request` is an open assignment of `operator`.
    fn is_assigned(operator: &AccountId, request: RequestId) -> bool;
    /// The current worker key of an operator; `None` if the account is not registered.
    fn worker(operator: &AccountId) -> Option<WorkerId>;
    /// The operator whose worker key this is or was, as long as the chain remembers the key.
    fn operator_of(worker: &WorkerId) -> Option<AccountId>;
    /// The open assignments of an operator, oldest first.
    fn assignments(operator: &AccountId) -> Vec<RequestId>;
    /// Takes the penalty for an offence from the operator's bond. `harmed` is an account that is
    /// compensated and the largest amount that it can receive; the treasury receives the rest.
    /// Returns the amount taken.
    fn penalise(
        operator: &AccountId,
        offence: Offence,
        harmed: Option<(&AccountId, Balance)>,
    ) -> Balance;
}
