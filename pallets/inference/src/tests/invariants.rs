//! `try_state` finds each kind of broken state.

use assay_primitives::{runtime_api::Status, Outcome, ProofEvidence, RequestId};
use frame_support::assert_ok;
use sp_runtime::DispatchError;

use super::worker::result;
use crate::{
    mock::*, Agenda, AgendaCursor, ClientKeys, EvidenceOf, Finished, Inputs, NextRequest, Outputs,
    Queue, QueueBounds, ReceiptDigests, Receipts, Request, Requests, Waiting,
};

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
fn a_receipt_that_is_missing_or_altered_is_found() {
    found("a finished request has no receipt", || Receipts::<Test>::remove(OVER));
    let problem = "a receipt has another digest";
    found(problem, || ReceiptDigests::<Test>::remove(OVER));
    found(problem, || {
        Receipts::<Test>::mutate(OVER, |receipt| receipt.as_mut().unwrap().price_paid += 1);
    });
    found("a receipt has another outcome", || {
        alter(OVER, |request| request.status = Status::Final(Outcome::TimedOut));
    });
}

/// Alters a receipt together with its stored digest.
fn alter_receipt(change: impl FnOnce(&mut assay_primitives::Receipt<u64>)) {
    let mut receipt = receipt(OVER);
    change(&mut receipt);
    ReceiptDigests::<Test>::insert(OVER, receipt.digest());
    Receipts::<Test>::insert(OVER, receipt);
}

#[test]
fn evidence_that_is_missing_or_altered_is_found() {
    found("a receipt has no evidence", || EvidenceOf::<Test>::remove(OVER));
    found("evidence has another digest", || {
        EvidenceOf::<Test>::insert(OVER, assay_primitives::Evidence::default());
    });
    found("a proof and the class disagree", || {
        let mut evidence = EvidenceOf::<Test>::get(OVER).unwrap();
        evidence[0].proof =
            Some(ProofEvidence { digest: Default::default(), bytes: 1, security_bits: 120 });
        alter_receipt(|receipt| {
            receipt.evidence_digest = assay_primitives::receipt::evidence_digest(&evidence);
        });
        EvidenceOf::<Test>::insert(OVER, evidence);
    });
    found("a signature in the evidence does not hold", || {
        let mut evidence = EvidenceOf::<Test>::get(OVER).unwrap();
        evidence[0].operator = STRANGER;
        EvidenceOf::<Test>::insert(OVER, &evidence);
        alter_receipt(|receipt| {
            receipt.evidence_digest = assay_primitives::receipt::evidence_digest(&evidence);
        });
    });
}

#[test]
fn an_output_that_is_missing_or_altered_is_found() {
    let problem = "an output is not the receipt's";
    found(problem, || Outputs::<Test>::remove(OVER));
    found(problem, || Outputs::<Test>::insert(OVER, output(WRONG)));
    found("an outcome and its output disagree", || {
        Outputs::<Test>::remove(OVER);
        alter_receipt(|receipt| receipt.output_digest = None);
    });
}

#[test]
fn a_payment_above_the_escrow_is_found() {
    found("more was paid than held", || {
        alter_receipt(|receipt| receipt.price_paid = MAX_PRICE + 1);
    });
}

#[test]
fn what_a_finished_request_leaves_behind_is_found() {
    found("a finished request keeps its input, or lacks it for an appeal", || {
        Inputs::<Test>::insert(OVER, frame_support::BoundedVec::default());
    });
    found("a finished request is never pruned", || {
        Finished::<Test>::remove(0);
        crate::FinishedBounds::<Test>::put((1, 1));
    });
    found("a finished request is still assigned", || {
        let member = members(OVER)[0];
        pallet_operators::OpenAssignments::<Test>::insert(member, OVER, version(1));
    });
}

#[test]
fn what_an_open_request_has_lost_is_found() {
    found("an open request has a receipt", || {
        ReceiptDigests::<Test>::insert(OPEN, genesis());
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
        Receipts::<Test>::insert(NONE, receipt(OVER));
    });
    found("evidence without its request", || {
        EvidenceOf::<Test>::insert(NONE, assay_primitives::Evidence::default());
    });
    found("an output without its request", || {
        Outputs::<Test>::insert(NONE, output(RIGHT));
    });
}

#[test]
fn a_queue_that_does_not_fill_its_bounds_is_found() {
    let (first, end) = (2, 3);
    found("a pending request is in no queue, or in two", || {
        assert_eq!(QueueBounds::<Test>::get(), (first, end));
        Queue::<Test>::remove(first);
    });
    let wait = |id: RequestId, at| Waiting::<Test>::insert(at, id.0.to_be_bytes(), ());
    found("a pending request is in no queue, or in two", || wait(WAITING, version(1)));
    found("a waiting request has ended, or is of another version", || wait(OPEN, version(1)));
    found("a waiting request has ended, or is of another version", || wait(OVER, version(1)));
    found("a waiting request has ended, or is of another version", || wait(NONE, version(1)));
    found("a waiting request has ended, or is of another version", || {
        wait(WAITING, version(2));
    });
    found("no request will call the waiting ones", || {
        Terms::of(SIGNED).accepted();
        Queue::<Test>::remove(first);
        Queue::<Test>::remove(end);
        QueueBounds::<Test>::put((0, 0));
        wait(WAITING, version(1));
        wait(NONE, version(1));
        alter(OPEN, |request| {
            request.version = version(2);
        });
    });
    found("the queue has an entry out of its bounds", || {
        Queue::<Test>::insert(end, (NONE, 1));
    });
    found("the queue has a hole", || QueueBounds::<Test>::put((first, end + 1)));
    found("the list of finished requests does not fill its bounds", || {
        crate::FinishedBounds::<Test>::put((0, 2));
    });
}
