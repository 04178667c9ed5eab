//! `try_state` finds each kind of broken state.

use assay_primitives::{
    merkle, runtime_api::Status, traits::Escrow, Outcome, ProofEvidence, RequestId,
};
use frame_support::assert_ok;
use sp_runtime::DispatchError;

use super::worker::result;
use crate::{
    mock::*, Agenda, AgendaCursor, ClientKeys, Ended, FinishedRequest, Inputs, NextRequest, Queue,
    QueueBounds, Queued, Request, Requests, Results, Waiting,
};

type Kept = FinishedRequest<u64, MaxOutputBytes>;

/// A request that is verified.
const OVER: RequestId = RequestId(0);
/// A quorum that is drawn.
const OPEN: RequestId = RequestId(1);
/// A request that waits for the draw.
const WAITING: RequestId = RequestId(2);
/// An identifier without a request.
const NONE: RequestId = RequestId(3);

/// Checks that `try_state` finds a change to a valid state, and names it.
fn found(problem: &'static str, change: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let (over, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(result(over, members[0], RIGHT)));
        let (open, _) = Terms::of(QUORUM).drawn();
        let waiting = Terms::of(SIGNED).accepted();
        assert_eq!([over, open, waiting], [OVER, OPEN, WAITING]);
        check_all();
        change();
        assert_eq!(Inference::do_try_state(), Err(DispatchError::Other(problem)));
    });
}

fn alter(id: RequestId, change: impl FnOnce(&mut Request<u64>)) {
    Requests::<Test>::mutate(id, |request| change(request.as_mut().unwrap()));
}

#[test]
fn an_identifier_to_come_is_found() {
    found("a request's identifier is not below the next one", || NextRequest::<Test>::put(WAITING));
}

#[test]
fn a_key_that_leads_elsewhere_is_found() {
    let problem = "a client key does not lead to its request";
    found(problem, || ClientKeys::<Test>::remove(PAYER, record(OVER).client_key));
    found(problem, || alter(OPEN, |request| request.payer = STRANGER));
}

#[test]
fn money_that_is_not_held_for_its_request_is_found() {
    let problem = "the escrows of an account are not what is held";
    found(problem, || alter(OPEN, |request| request.max_price += 1));
    found(problem, || {
        assert_ok!(<Settlement as Escrow<u64>>::hold(&STRANGER, 1));
    });
}

#[test]
fn a_receipt_that_is_missing_or_altered_is_found() {
    found("a finished request has no receipt", || Results::<Test>::remove(OVER));
    let problem = "a receipt has another digest";
    found(problem, || Ended::<Test>::remove(now() - 2));
    found(problem, || change_result(|kept| kept.receipt.price_paid += 1));
    found("a receipt has another outcome", || {
        alter(OVER, |request| request.status = Status::Final(Outcome::TimedOut));
    });
}

/// Changes what the finished request has left behind.
fn change_result(change: impl FnOnce(&mut Kept)) {
    Results::<Test>::mutate(OVER, |kept| change(kept.as_mut().unwrap()));
}

/// Changes it together with the digest of its receipt in the root of its block.
fn change_all(change: impl FnOnce(&mut Kept)) {
    change_result(change);
    let (digest, height) = (receipt(OVER).digest(), receipt(OVER).decided_at);
    Ended::<Test>::mutate(height, |ended| ended[0].1 = digest);
    crate::ReceiptRoots::<Test>::mutate(0, |page| page.roots[0] = merkle::root(&[digest]).into());
}

#[test]
fn evidence_that_is_missing_or_altered_is_found() {
    found("evidence has another digest", || {
        change_result(|kept| kept.evidence = Default::default());
    });
    found("a proof and the class disagree", || {
        change_all(|kept| {
            kept.evidence[0].proof =
                Some(ProofEvidence { digest: Default::default(), bytes: 1, security_bits: 120 });
            kept.receipt.evidence_digest =
                assay_primitives::receipt::evidence_digest(&kept.evidence);
        });
    });
    found("a signature in the evidence does not hold", || {
        change_all(|kept| {
            kept.evidence[0].operator = STRANGER;
            kept.receipt.evidence_digest =
                assay_primitives::receipt::evidence_digest(&kept.evidence);
        });
    });
}

#[test]
fn an_output_that_is_missing_or_altered_is_found() {
    let problem = "an output is not the receipt's";
    found(problem, || change_result(|kept| kept.output = None));
    found(problem, || change_result(|kept| kept.output = Some(output(WRONG))));
    found("an outcome and its output disagree", || {
        change_all(|kept| {
            kept.output = None;
            kept.receipt.output_digest = None;
        });
    });
}

#[test]
fn a_root_that_is_missing_or_altered_is_found() {
    let problem = "a block's root is not that of its receipts";
    found(problem, || crate::ReceiptRoots::<Test>::remove(0));
    found(problem, || {
        crate::ReceiptRoots::<Test>::mutate(0, |page| page.roots[0] = Default::default());
    });
    found("a page of roots does not match its blocks", || {
        crate::ReceiptRoots::<Test>::mutate(0, |page| page.blocks |= 1 << 63);
    });
}

#[test]
fn a_payment_above_the_escrow_is_found() {
    found("more was paid than held", || {
        change_all(|kept| kept.receipt.price_paid = MAX_PRICE + 1);
    });
}

#[test]
fn what_a_finished_request_leaves_behind_is_found() {
    found("a finished request keeps its input, or lacks it for an appeal", || {
        Inputs::<Test>::insert(OVER, frame_support::BoundedVec::default());
    });
    found("a client key outlives its request", || ClientKeys::<Test>::insert(OWNER, [1; 32], NONE));
    found("a request has ended twice", || {
        let ended = Ended::<Test>::get(receipt(OVER).decided_at);
        Ended::<Test>::insert(now(), ended);
    });
    found("a finished request is still assigned", || {
        let member = members(OVER)[0];
        let run = pallet_operators::OpenRun { version: version(1), offered_at: 0 };
        pallet_operators::OpenAssignments::<Test>::insert(member, OVER, run);
    });
}

#[test]
fn what_an_open_request_has_lost_is_found() {
    found("an open request has a receipt", || {
        Results::<Test>::insert(OPEN, Results::<Test>::get(OVER).unwrap());
    });
    found("an open request has lost its input", || Inputs::<Test>::remove(OPEN));
    found("an open request has lost its input", || {
        alter(WAITING, |request| request.input_is_artifact = true);
    });
    found("a member is not noted as assigned", || {
        let member = members(OPEN)[1];
        pallet_operators::OpenAssignments::<Test>::remove(member, OPEN);
    });
}

#[test]
fn an_agenda_that_is_not_that_of_the_open_requests_is_found() {
    let problem = "an open request is not on the agenda";
    found(problem, || {
        Agenda::<Test>::remove(record(OPEN).deadline - RevealWindow::get() + 1, OPEN);
    });
    found(problem, || Agenda::<Test>::remove(record(OPEN).deadline + 1, OPEN));
    // Not even after its height has passed.
    found(problem, || {
        Agenda::<Test>::remove(record(WAITING).deadline + 1, WAITING);
        System::set_block_number(record(WAITING).deadline + 5);
    });
    let problem = "the agenda contains an entry that is not open";
    found(problem, || Agenda::<Test>::insert(now() + 1, OVER, ()));
    found(problem, || Agenda::<Test>::insert(now() + 1, NONE, ()));
    found(problem, || Agenda::<Test>::insert(now() + 1, WAITING, ()));
    found("the agenda has an entry below its cursor", || {
        AgendaCursor::<Test>::put(record(WAITING).deadline + 2);
    });
}

#[test]
fn members_that_do_not_fit_the_status_are_found() {
    let problem = "members and status disagree";
    found(problem, || alter(OPEN, |request| request.status = Status::Pending));
    found(problem, || alter(WAITING, |request| request.status = Status::Assigned));
}

#[test]
fn what_belongs_to_no_request_is_found() {
    found("an input without its request", || {
        Inputs::<Test>::insert(NONE, frame_support::BoundedVec::default());
    });
    found("a receipt without its request", || {
        Results::<Test>::insert(NONE, Results::<Test>::get(OVER).unwrap());
    });
}

#[test]
fn a_queue_that_does_not_fill_its_bounds_is_found() {
    let (first, end) = (2, 3);
    found("a pending request is in no queue, or in two", || {
        assert_eq!(QueueBounds::<Test>::get(), (first, end, 1));
        Queue::<Test>::remove(first);
    });
    let wait = |id: RequestId, at| {
        let since = Requests::<Test>::get(id).map_or(0, |request| request.waits_since);
        Waiting::<Test>::insert(at, crate::WaitingKey::new(since, id), ());
    };
    found("a pending request is in no queue, or in two", || wait(WAITING, version(1)));
    found("a waiting request has ended, or is of another version or height", || {
        wait(OPEN, version(1))
    });
    found("a waiting request has ended, or is of another version or height", || {
        wait(OVER, version(1))
    });
    found("a waiting request has ended, or is of another version or height", || {
        wait(NONE, version(1))
    });
    found("a waiting request has ended, or is of another version or height", || {
        wait(WAITING, version(2));
    });
    found("no request will call the waiting ones", || {
        Terms::of(SIGNED).accepted();
        Queue::<Test>::remove(first);
        Queue::<Test>::remove(end);
        QueueBounds::<Test>::put((0, 0, 0));
        wait(WAITING, version(1));
        wait(NONE, version(1));
        alter(OPEN, |request| {
            request.version = version(2);
        });
    });
    found("the queue has an entry out of its bounds", || {
        Queue::<Test>::insert(end, Queued { first: NONE, count: 1, from: 1, calls: 0 });
    });
    found("the queue has a hole", || QueueBounds::<Test>::put((first, end + 1, 1)));
    found("the queue has another number of requests", || {
        QueueBounds::<Test>::put((first, end, 2));
    });
}
