//! Results in class `Optimistic`.

use assay_pallet_testing::graphs::payload;
use assay_primitives::{
    digest,
    dispute::TraceStatement,
    runtime_api::Status,
    traits::{Operators as _, OptimisticResults as _},
    Assurance, Digest, ElementType, Outcome, RejectReason, RequestId, RequestInput, Statement,
};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use sp_application_crypto::Pair as _;
use sp_runtime::transaction_validity::InvalidTransaction;

use super::{
    proof::{terms, DATA},
    worker::{answered, result_with, statement},
};
use crate::{
    mock::*, refusal, Call, Claims, Error, Event, NextRequest, TraceClaim, TraceSignatures,
};

const ROOT: Digest = Digest::repeat_byte(9);

/// A drawn request.
fn drawn() -> (RequestId, u64) {
    let version = Proven::model().publish();
    let terms = Terms { assurance: Assurance::Optimistic, ..terms(version) };
    let (id, members) = terms.drawn();
    let [operator] = members[..] else { panic!("one member") };
    (id, operator)
}

fn output() -> Output {
    payload(ElementType::I32, &[1; 12]).try_into().unwrap()
}

fn trace_statement(id: RequestId, operator: u64, output: &[u8]) -> TraceStatement<u64> {
    TraceStatement {
        request: answered(id),
        output_digest: digest(output),
        trace_root: ROOT,
        operator,
    }
}

/// A submission with any signer and any root.
fn submission(id: RequestId, operator: u64, signer: u64, trace_root: Digest) -> Call<Test> {
    let output = output();
    let sign = |statement: Vec<u8>| -> assay_primitives::WorkerSignature {
        pair(signer).sign(&statement).into()
    };
    let signatures = TraceSignatures {
        result: sign(statement(id, operator, &output).signing_bytes()),
        trace: sign(trace_statement(id, operator, &output).signing_bytes()),
    };
    Call::submit_trace { request: id, operator, output, trace_root, signatures }
}

fn good(id: RequestId, operator: u64) -> Call<Test> {
    submission(id, operator, operator, ROOT)
}

/// A request whose result may be disputed.
pub fn submitted() -> (RequestId, u64) {
    let (id, operator) = drawn();
    assert_ok!(include(good(id, operator)));
    (id, operator)
}

fn until(id: RequestId) -> u32 {
    Claims::<Test>::get(id).unwrap().disputable_until
}

#[test]
fn a_result_may_be_disputed_and_its_operator_has_room_again() {
    test(|| {
        let (id, operator) = drawn();
        assert!(Inference::result(id).is_none());
        assert_ok!(include(good(id, operator)));
        assert_eq!(record(id).status, Status::Disputable);
        assert!(!Operators::is_assigned(&operator, id));
        let disputable_until = now() + DisputeWindow::get();
        assert_eq!(
            Claims::<Test>::get(id),
            Some(TraceClaim {
                output_digest: digest(&output()),
                trace_root: ROOT,
                disputable_until,
                final_from: disputable_until + 1,
            })
        );
        System::assert_last_event(
            Event::TraceSubmitted { request: id, operator, trace_root: ROOT, disputable_until }
                .into(),
        );
        let result = Inference::result(id).unwrap();
        assert_eq!((result.operator, result.trace_root), (operator, ROOT));
        assert_eq!(result.worker, Some(pair(operator).public()));
        assert_eq!(Inference::input(id), Some(DATA.to_vec()));
        assert_eq!(Inference::output(id), Some(vec![1; 12]));
        assert_eq!(Inference::architecture(id), Some(Proven::model().graph.architecture.encode()));
        assert_eq!(Inference::disputable(None, 9), [id]);
        let job = Inference::job(id, 5).unwrap();
        assert_eq!((job.request, job.wait_ms, job.prove), (id, 5, None));
    });
}

#[test]
fn a_result_that_nobody_disputes_is_paid_after_the_window() {
    test(|| {
        let (id, operator) = submitted();
        let had = free(operator);
        go_to(until(id));
        assert_eq!(record(id).status, Status::Disputable);
        next_block();
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(free(operator) - had, OPERATOR_PART);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT - ASK, 0));
        assert!(!Claims::<Test>::contains_key(id));
        assert_eq!(Inference::view(id).unwrap().output, Some(output().into_inner()));
        assert!(receipt(id).bad_signatures(&crate::mock::evidence(id)).is_empty());
        assert!(Inference::disputable(None, 9).is_empty());
    });
}

#[test]
fn a_disputed_result_waits_until_the_last_dispute_is_over() {
    test(|| {
        let (id, _) = submitted();
        Disputed::set(vec![id]);
        go_to(until(id) + 5);
        assert_eq!(record(id).status, Status::Disputable);
        assert!(Inference::disputable(None, 9).is_empty());
        assert!(Inference::result(id).is_some());
        Disputed::set(Vec::new());
        Inference::uphold(id);
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn a_dispute_that_is_lost_early_changes_nothing() {
    test(|| {
        let (id, _) = submitted();
        Disputed::set(vec![id]);
        next_block();
        Disputed::set(Vec::new());
        Inference::uphold(id);
        assert_eq!(record(id).status, Status::Disputable);
        go_to(until(id) + 1);
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn a_proven_result_is_final_at_once() {
    test(|| {
        let (id, operator) = submitted();
        let had = free(operator);
        Inference::accept(id);
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(free(operator) - had, OPERATOR_PART);
    });
}

#[test]
fn a_rejected_result_costs_the_operator_and_rewards_the_challenger() {
    test(|| {
        let (id, operator) = submitted();
        let staked = bond(operator);
        let (payer, challenger) = (free(PAYER) + escrow(PAYER), free(STRANGER));
        Inference::reject(id, &STRANGER);
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::Disputed));
        assert_eq!(bond(operator), staked - WRONG_RESULT - LOST_DISPUTE);
        assert_eq!(free(STRANGER), challenger + LOST_DISPUTE);
        assert_eq!((free(PAYER), compensation(PAYER)), (payer, WRONG_RESULT / 10));
        assert_eq!(escrow(PAYER), 0);
        let receipt = receipt(id);
        assert_eq!((receipt.price_paid, receipt.output_digest), (0, None));
        assert!(receipt.bad_signatures(&crate::mock::evidence(id)).is_empty());
        assert!(!Claims::<Test>::contains_key(id));
    });
}

#[test]
fn only_what_the_operator_signed_for_this_request_counts() {
    test(|| {
        let (id, operator) = drawn();
        let other = OPERATORS.into_iter().find(|account| *account != operator).unwrap();
        refused(submission(id, operator, other, ROOT), InvalidTransaction::BadProof);
        let root = Digest::repeat_byte(1);
        refused(submission(id, operator, operator, root), InvalidTransaction::BadProof);
        refused_as(good(id, other), refusal::NOT_ASSIGNED);
        // The call of class `Signed`.
        let signed = result_with(
            id,
            operator,
            output(),
            &statement(id, operator, &output()),
            &pair(operator),
        );
        refused_as(signed, refusal::WRONG_PHASE);
        assert_ok!(include(good(id, operator)));
        refused_as(good(id, operator), refusal::ALREADY_SUBMITTED);
    });
}

#[test]
fn a_trace_is_of_no_use_in_other_classes_or_late() {
    test(|| {
        let (signed, members) = Terms::of(SIGNED).drawn();
        refused_as(good(signed, members[0]), refusal::WRONG_PHASE);
        let (id, operator) = drawn();
        go_to(record(id).deadline);
        let call = good(id, operator);
        System::set_block_number(now() + 1);
        refused_as(call, refusal::TOO_LATE);
        System::set_block_number(now() - 1);
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
    });
}

#[test]
fn an_input_that_is_an_artifact_is_refused() {
    test(|| {
        let version = Proven::model().publish();
        let artifact = upload_artifact(PAYER, &payload(ElementType::I8, &DATA));
        let terms = Terms { assurance: Assurance::Optimistic, ..terms(version) };
        let terms = Terms { input: RequestInput::Artifact(artifact), ..terms };
        assert_noop!(terms.send(), Error::<Test>::InputNotInline);
    });
}

/// In a dispute it would lose by silence.
#[test]
fn an_operator_slower_than_a_move_of_a_dispute_is_not_drawn() {
    test(|| {
        let version = Proven::model().publish();
        let slow_to = |assurance| {
            let terms = Terms { assurance, patience: 30, ..terms(version) };
            let quoted = Inference::quote(version, assurance).is_ok();
            (quoted, terms.send())
        };
        TimeForMoves::set(1);
        assert_eq!(slow_to(Assurance::Optimistic), (true, Ok(())), "as fast as a move");
        // That is set after the request was made.
        TimeForMoves::set(0);
        next_block();
        next_block();
        let id = RequestId(NextRequest::<Test>::get().0 - 1);
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoOperator));
        let refused = Error::<Test>::NoOperator.into();
        assert_eq!(slow_to(Assurance::Optimistic), (false, Err(refused)));
        assert_eq!(slow_to(SIGNED), (true, Ok(())), "only disputes need it");
    });
}

#[test]
fn a_claim_without_its_request_is_noticed() {
    new_test_ext().execute_with(|| {
        let output_digest = digest(&output());
        let claim =
            TraceClaim { output_digest, trace_root: ROOT, disputable_until: 9, final_from: 9 };
        Claims::<Test>::insert(RequestId(5), claim);
        assert_eq!(Inference::do_try_state(), Err("a claim without its request".into()));
    });
    new_test_ext().execute_with(|| {
        let (id, _) = submitted();
        Claims::<Test>::remove(id);
        assert_eq!(Inference::do_try_state(), Err("a claim and a status disagree".into()));
    });
}
