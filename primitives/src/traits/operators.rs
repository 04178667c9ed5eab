//! Operators.

use alloc::vec::Vec;
use sp_runtime::Perbill;

use crate::{
    operator::{Conduct, Offence},
    AssuranceClass, Balance, BlockNumber, RequestId, VersionId, WorkerId,
};

/// An operator that can be drawn for a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate<AccountId> {
    /// The operator.
    pub account: AccountId,
    /// Its place among the operators that serve the version, from 0. To find it, the records of those
    /// before it were read.
    pub place: u32,
    /// Its bond in plancks, which is its weight in the draw.
    pub bond: Balance,
    /// Its price for one run, in plancks.
    pub ask: Balance,
    /// Number of blocks that it needs between the draw and the deadline of its answer.
    pub response_blocks: BlockNumber,
    /// Whether it has an open run of the version. The end of a run calls the requests that wait.
    pub is_running: bool,
    /// Number of times that it can be drawn now: its concurrency and its bond allow so many more
    /// runs of the version.
    pub room: u32,
}

impl<AccountId> Candidate<AccountId> {
    /// Whether it can be drawn now.
    pub fn has_room(&self) -> bool {
        self.room > 0
    }

    /// Notes that it was drawn.
    pub fn draw(&mut self) {
        self.room = self.room.saturating_sub(1);
        self.is_running = true;
    }
}

/// What a request needs of an operator that is drawn for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DrawTerms {
    /// The version to run.
    pub version: VersionId,
    /// The class of the request.
    pub class: AssuranceClass,
    /// The largest ask, in plancks.
    pub budget: Balance,
    /// What the operator puts at stake, in plancks.
    pub stake: Balance,
    /// The royalty's share of the price.
    pub royalty: Perbill,
    /// The largest `response_blocks` of its offer.
    pub slowest: BlockNumber,
}

/// Operators, as requests and evidence need them. Implemented by `operators`.
pub trait Operators<AccountId> {
    /// The operators whose offers meet the terms, that are live and not paused, and have at least
    /// the minimum bond. There are at most [`Operators::servers`]. Each step reads an operator.
    fn candidates(terms: DrawTerms) -> impl Iterator<Item = Candidate<AccountId>>;
    /// What a result of this class puts at stake: the largest penalty for it, except for an
    /// equivocation. `appealable`: whether, in a quorum, a proof can show which results are wrong.
    fn stake(class: AssuranceClass, appealable: bool) -> Balance;
    /// Counts how an operator served a version.
    fn note(operator: &AccountId, version: VersionId, conduct: Conduct);
    /// The number of operators that serve `version`.
    fn servers(version: VersionId) -> u32;
    /// Upper bound of [`Operators::servers`].
    fn max_servers() -> u32;
    /// Assigns `request`, a run of `version`, to `operator`, and locks `stake` of its bond.
    fn assign(operator: &AccountId, request: RequestId, version: VersionId, stake: Balance);
    /// Ends the assignments to these requests, as far as they exist: the operator's capacity is free
    /// again. `served`: whether the operator gave the results that count. `stakes`: what is unlocked
    /// at the same time, see [`Operators::release`].
    fn unassign(
        operator: &AccountId,
        version: VersionId,
        requests: &[RequestId],
        served: bool,
        stakes: Balance,
    );
    /// Unlocks the stakes of results that cannot be contested any more. What the operator owes for
    /// an equivocation is taken from them.
    fn release(operator: &AccountId, stakes: Balance);
    /// Whether `request` is an open assignment of `operator`.
    fn is_assigned(operator: &AccountId, request: RequestId) -> bool;
    /// The current worker key of an operator; `None` if the account is not registered.
    fn worker(operator: &AccountId) -> Option<WorkerId>;
    /// The operator whose worker key this is or was, as long as the chain remembers the key.
    fn operator_of(worker: &WorkerId) -> Option<AccountId>;
    /// The open assignments of an operator, oldest first.
    fn assignments(operator: &AccountId) -> Vec<RequestId>;
    /// What an operator has in its bond beyond what it owes for equivocations, in plancks.
    fn unowed(operator: &AccountId) -> Balance;
    /// Takes the penalty for an offence in a request, whose stake is locked, from the operator's
    /// bond. `harmed` is the account that a part of it is for, and the largest amount that this
    /// account can receive; the treasury receives the rest. Returns the amount taken.
    ///
    /// The penalty for an equivocation is taken from what is not locked for other results, and the
    /// rest of it from their stakes, when they are released.
    fn penalise(
        operator: &AccountId,
        offence: Offence,
        harmed: Option<(&AccountId, Balance)>,
    ) -> Balance;
}
