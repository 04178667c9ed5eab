//! Disputes over optimistic results.

use alloc::vec::Vec;
use sp_runtime::DispatchResult;
use sp_weights::Weight;

use crate::{engine::Job, Balance, BlockNumber, Digest, RequestId, VersionId, WorkerId};

/// A result that is not final and may be disputed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptimisticResult<AccountId> {
    /// The operator that submitted the result.
    pub operator: AccountId,
    /// The operator's current worker key; `None` if it is not registered any more.
    pub worker: Option<WorkerId>,
    /// Hash of the [`AnsweredRequest`](crate::AnsweredRequest).
    pub answered: Digest,
    /// Digest of the output payload that the operator claims.
    pub output_digest: Digest,
    /// The claimed root of the trace.
    pub trace_root: Digest,
    /// Last height at which a dispute may be opened.
    pub disputable_until: BlockNumber,
}

/// Optimistic results, as disputes need them. Implemented by `inference`.
pub trait OptimisticResults<AccountId> {
    /// The result of a request; `None` if it has none, or the result is final.
    fn result(request: RequestId) -> Option<OptimisticResult<AccountId>>;
    /// The encoded architecture of the request's version, an integer graph.
    fn architecture(request: RequestId) -> Option<Vec<u8>>;
    /// The data of the input tensor.
    fn input(request: RequestId) -> Option<Vec<u8>>;
    /// The data of the output tensor that the operator claims.
    fn output(request: RequestId) -> Option<Vec<u8>>;
    /// At most `limit` of the requests whose results may be disputed now, after `after` in the order
    /// of the storage, which is not that of the requests. `None`: from the first. An empty answer means
    /// that there are no more.
    fn disputable(after: Option<RequestId>, limit: u32) -> Vec<RequestId>;
    /// The operator whose worker key this is or was, as long as the chain remembers the key.
    fn operator_of(worker: &WorkerId) -> Option<AccountId>;
    /// The job that runs the request's model on its input. The caller waits at most `wait_ms`
    /// milliseconds for it.
    fn job(request: RequestId, wait_ms: u32) -> Option<Job>;
    /// Called when the last open dispute over the result was lost. The result becomes final if its
    /// window has passed; otherwise it becomes final when the window passes.
    fn uphold(request: RequestId);
    /// Called when the result is proven. The result becomes final.
    fn accept(request: RequestId);
    /// Called when a dispute is won. The request ends, the payer is refunded and compensated, the
    /// operator penalised and `challenger` rewarded.
    fn reject(request: RequestId, challenger: &AccountId);
    /// Upper bound of the weight of each of [`Self::uphold`], [`Self::accept`] and
    /// [`Self::reject`].
    fn weight() -> Weight;
}

/// Open disputes, as requests need them. Implemented by `disputes`.
pub trait Disputes {
    /// Whether a dispute over the result of a request is open.
    fn are_open(request: RequestId) -> bool;
    /// The number of blocks for each move of a dispute that is opened now.
    fn response_blocks() -> BlockNumber;
}

/// Dispute bonds of challengers. Implemented by `settlement`.
pub trait DisputeBonds<AccountId> {
    /// Adds `amount` to the dispute bonds of an account.
    ///
    /// # Errors
    ///
    /// The account's balance does not cover the amount.
    fn take(account: &AccountId, amount: Balance) -> DispatchResult;
    /// Releases `amount` to the account, or all its dispute bonds if they are less.
    fn give_back(account: &AccountId, amount: Balance);
    /// Takes `amount` from the dispute bonds. `harmed` is an account that is compensated and the
    /// largest amount that it can receive; the treasury receives the rest.
    fn forfeit(account: &AccountId, amount: Balance, harmed: (&AccountId, Balance));
    /// The sum of the dispute bonds of an account, in plancks.
    fn held(account: &AccountId) -> Balance;
}

/// The parts of a request that a proof of its output is bound to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvableRequest<AccountId> {
    /// The version of the request.
    pub version: VersionId,
    /// The account that pays.
    pub payer: AccountId,
    /// The first operator of the committee.
    pub operator: AccountId,
    /// The data of the input tensor.
    pub input: Vec<u8>,
}

/// Requests, as the verification of proofs in disputes needs them. Implemented by `inference`.
pub trait ProvableRequests<AccountId> {
    /// An open request that is drawn and has an inline input of one tensor; `None` for others.
    fn provable(request: RequestId) -> Option<ProvableRequest<AccountId>>;
}

/// An implementation without requests, for runtimes without disputes.
impl<AccountId> ProvableRequests<AccountId> for () {
    fn provable(_: RequestId) -> Option<ProvableRequest<AccountId>> {
        None
    }
}

/// Proofs of outputs, as disputes and appeals need them. Implemented by `verification`.
pub trait OutputProofs<AccountId> {
    /// Whether `proof` proves that the request's version maps its input to `output`, the data of
    /// the output tensor, in the context of the request. The context names `prover`, or the first
    /// operator of the committee.
    fn holds(request: RequestId, prover: Option<&AccountId>, output: &[u8], proof: &[u8]) -> bool;
    /// Upper bound of the weight of [`OutputProofs::holds`].
    fn weight() -> Weight;
}
