//! Weights of the calls and hooks. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `request` with `n` bytes of inline input, for which `c` operators are read.
    fn request(n: u32, c: u32) -> Weight;
    /// The call `request_batch` with `i` requests without input, for which `c` operators are read.
    fn request_batch(i: u32, c: u32) -> Weight;
    /// Noting `i` heights at which the sweep processes requests.
    fn note_heights(i: u32) -> Weight;
    /// Finding `i` artifacts that are inputs, and keeping them.
    fn acquire_inputs(i: u32) -> Weight;
    /// The call `cancel`.
    fn cancel() -> Weight;
    /// The call `submit_result`, with `n` bytes of output, if no request waits for capacity.
    fn submit_result(n: u32) -> Weight;
    /// Authorising `submit_result`, with `n` bytes of output.
    fn authorize_result(n: u32) -> Weight;
    /// The call `submit_results` with `i` results for one payer, if no request waits for capacity.
    fn submit_results(i: u32) -> Weight;
    /// The call `submit_results` with `i` results for a payer and a receiver of the royalty each, if no
    /// request waits for capacity.
    fn submit_results_apart(i: u32) -> Weight;
    /// Authorising `submit_results` with `i` results.
    fn authorize_results(i: u32) -> Weight;
    /// Calling one request that waits for capacity.
    fn call_waiting() -> Weight;
    /// Authorising `submit_proof` with a proof of `p` bytes, in addition to
    /// [`Self::authorize_result`].
    fn authorize_proof(p: u32) -> Weight;
    /// The call `submit_proof` with an invalid proof and `n` bytes of output, without the
    /// verification. With a valid proof the weight is that of `submit_result`.
    fn refuse_proof(n: u32) -> Weight;
    /// The call `submit_trace`, with `n` bytes of output.
    fn submit_trace(n: u32) -> Weight;
    /// Authorising `submit_trace` with little output. [`Self::authorize_result`] covers the bytes
    /// of the output.
    fn authorize_trace() -> Weight;
    /// Ending a request with the largest output whose window has passed without a dispute.
    fn pass_window() -> Weight;
    /// Ending a request with the largest output whose operator lost a dispute.
    fn reject_result() -> Weight;
    /// The call `submit_commitment`.
    fn submit_commitment() -> Weight;
    /// Authorising `submit_commitment` or `report_failure`.
    fn authorize_commitment() -> Weight;
    /// Authorising `submit_reveal` of the largest committee, with `n` bytes of output.
    fn authorize_reveal(n: u32) -> Weight;
    /// The call `submit_reveal` with `n` bytes of output, if it is not the last one.
    fn submit_reveal(n: u32) -> Weight;
    /// Ending a quorum of `m` members with equal results of `n` bytes.
    fn conclude(m: u32, n: u32) -> Weight;
    /// Comparing two different outputs of `n` bytes.
    fn compare(n: u32) -> Weight;
    /// The call `report_failure` when it ends a request with a committee of `m`.
    fn report_failure(m: u32) -> Weight;
    /// A draw of one operator among `c` that can serve the version.
    fn draw(c: u32) -> Weight;
    /// A draw of `m` operators among as many as can serve a version.
    fn draw_members(m: u32) -> Weight;
    /// A draw of `m` operators among `c`.
    fn draw_of(c: u32, m: u32) -> Weight {
        let members = Self::draw_members(m).saturating_sub(Self::draw_members(1));
        Self::draw(c).saturating_add(members)
    }
    /// Drawing one operator among the largest number of operators, and one each for `i` more
    /// requests of the same batch.
    fn draw_next(i: u32) -> Weight;
    /// Passing over an entry of the agenda for which nothing is due.
    fn pass_over() -> Weight;
    /// Moving the deadline of a quorum, or queueing its later draw.
    fn prolong() -> Weight;
    /// Opening the reveals of the largest committee after its commit deadline.
    fn commit_deadline() -> Weight;
    /// Penalising `l` late members.
    fn penalties(l: u32) -> Weight;
    /// Ending a request of one operator whose deadline has passed.
    fn deadline_single() -> Weight;
    /// The call `appeal` against the largest committee, without the verification of the proof and
    /// the checks of the output.
    fn appeal() -> Weight;
    /// The end of the time for appeals against the largest committee.
    fn pass_appeals() -> Weight;
    /// Pruning one finished request.
    fn prune() -> Weight;
    /// Moving the receipts of a block with `n` requests into its root, in the migration from version 1.
    fn move_finished(n: u32) -> Weight;
    /// Moving the receipts of `n` pruned requests into a root, in the migration from version 1.
    fn move_pruned(n: u32) -> Weight;
    /// Removing `n` client keys, in the migration from version 1.
    fn remove_keys(n: u32) -> Weight;
    /// The start of a block, without draws, passed deadlines and pruning.
    fn on_initialize() -> Weight;
}

/// For mocks: every weight is one unit, so that tests can count them.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn request(_: u32, _: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn note_heights(_: u32) -> Weight {
        Weight::zero()
    }
    fn acquire_inputs(_: u32) -> Weight {
        Weight::zero()
    }
    fn request_batch(items: u32, _: u32) -> Weight {
        Weight::from_parts(items.into(), 0)
    }
    fn cancel() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn submit_result(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn authorize_result(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn submit_results(items: u32) -> Weight {
        Weight::from_parts(items.into(), 0)
    }
    fn submit_results_apart(items: u32) -> Weight {
        Weight::from_parts(items.into(), 0)
    }
    fn authorize_results(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn call_waiting() -> Weight {
        Weight::zero()
    }
    fn authorize_proof(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn refuse_proof(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn submit_trace(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn authorize_trace() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn pass_window() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn reject_result() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn submit_commitment() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn authorize_commitment() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn authorize_reveal(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn submit_reveal(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn conclude(_: u32, _: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn compare(_: u32) -> Weight {
        Weight::zero()
    }
    fn report_failure(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn draw(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn draw_members(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn draw_next(more: u32) -> Weight {
        Weight::from_parts(u64::from(more) + 1, 0)
    }
    fn pass_over() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn prolong() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn penalties(_: u32) -> Weight {
        Weight::zero()
    }
    fn commit_deadline() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn deadline_single() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn appeal() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn pass_appeals() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn prune() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn move_finished(receipts: u32) -> Weight {
        Weight::from_parts(receipts.into(), 0)
    }
    fn move_pruned(receipts: u32) -> Weight {
        Weight::from_parts(receipts.into(), 0)
    }
    fn remove_keys(keys: u32) -> Weight {
        Weight::from_parts(keys.into(), 0)
    }
    fn on_initialize() -> Weight {
        Weight::from_parts(1, 0)
    }
}
