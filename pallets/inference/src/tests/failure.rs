//! Failure reports in class `Signed`.

use assay_primitives::{
    traits::Operators as _, FailureReason, FailureStatement, Outcome, RejectReason, Statement,
};
use frame_support::assert_ok;
use sp_application_crypto::Pair as _;
use sp_runtime::transaction_validity::InvalidTransaction;

use super::worker::{answered, failure, other_requests, result};
use crate::{mock::*, refusal, Call, Event};

#[test]
fn a_failure_ends_the_request_at_no_cost_to_anyone() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let reason = FailureReason::MemoryLimit;
        let operator = members[0];
        let had = free(operator);
        assert_ok!(include(failure(id, operator, reason)));
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::Failed(reason)));
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        assert_eq!((free(operator), bond(operator)), (had, BOND));
        assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT);
        let receipt = receipt(id);
        assert_eq!((receipt.price_paid, receipt.output_digest), (0, None));
        assert!(!Operators::is_assigned(&operator, id));
        System::assert_has_event(Event::FailureReported { request: id, operator, reason }.into());
    });
}

#[test]
fn after_a_failure_no_result_is_taken_and_after_a_result_no_failure() {
    test(|| {
        let reason = FailureReason::EngineError;
        let (id, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(failure(id, members[0], reason)));
        refused_as(result(id, members[0], RIGHT), refusal::WRONG_PHASE);
        refused_as(failure(id, members[0], reason), refusal::WRONG_PHASE);

        let (id, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(result(id, members[0], RIGHT)));
        refused_as(failure(id, members[0], reason), refusal::WRONG_PHASE);
    });
}

#[test]
fn a_failure_counts_until_the_deadline() {
    test(|| {
        let reason = FailureReason::TimeLimit;
        let (id, members) = Terms::of(SIGNED).drawn();
        go_to(record(id).deadline);
        assert_ok!(include(failure(id, members[0], reason)));
        assert_eq!(bond(members[0]), BOND);

        let (id, members) = Terms::of(SIGNED).drawn();
        System::set_block_number(record(id).deadline + 1);
        refused_as(failure(id, members[0], reason), refusal::TOO_LATE);
    });
}

#[test]
fn only_the_operator_that_was_drawn_reports_a_failure() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        for operator in OPERATORS.into_iter().chain([STRANGER]) {
            if operator != members[0] {
                let call = failure(id, operator, FailureReason::EngineError);
                refused_as(call, refusal::NOT_ASSIGNED);
            }
        }
    });
}

#[test]
fn a_failure_needs_a_signature_over_this_request_reason_and_chain() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let operator = members[0];
        let reason = FailureReason::EngineError;
        let good = || FailureStatement { request: answered(id), reason, operator };
        let report = |statement: FailureStatement<u64>, seed| {
            let signature = pair(seed).sign(&statement.signing_bytes()).into();
            Call::<Test>::report_failure { request: id, operator, reason, signature }
        };
        let bad = [
            FailureStatement { reason: FailureReason::InvalidInput, ..good() },
            FailureStatement { operator: STRANGER, ..good() },
        ];
        let elsewhere = other_requests(id);
        let elsewhere = elsewhere.into_iter().map(|request| FailureStatement { request, ..good() });
        for statement in elsewhere.chain(bad) {
            refused(report(statement, operator), InvalidTransaction::BadProof);
        }
        refused(report(good(), STRANGER), InvalidTransaction::BadProof);
        // The signature of a result is not that of a failure report.
        let Call::submit_result { signature, .. } = result(id, operator, RIGHT) else {
            unreachable!()
        };
        refused(
            Call::report_failure { request: id, operator, reason, signature },
            InvalidTransaction::BadProof,
        );
        assert_ok!(include(report(good(), operator)));
    });
}
