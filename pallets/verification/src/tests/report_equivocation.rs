use assay_primitives::{
    operator::Offence, Assurance, Digest, RequestId, ResultStatement, WorkerId, WorkerSignature,
};
use frame_support::{assert_noop, assert_ok};
use sp_core::Pair;
use sp_runtime::{DispatchError, DispatchResult};

use crate::{mock::*, Equivocations, Error, Event};

const OFFENDER: u64 = 11;

/// Reports two statements as they are.
fn report_signed(
    worker: WorkerId,
    (first, first_signature): (ResultStatement<u64>, WorkerSignature),
    (second, second_signature): (ResultStatement<u64>, WorkerSignature),
) -> DispatchResult {
    Verification::report_equivocation(
        RuntimeOrigin::signed(REPORTER),
        worker,
        first,
        first_signature,
        second,
        second_signature,
    )
}

/// Reports two statements that the offender has signed.
fn report(first: ResultStatement<u64>, second: ResultStatement<u64>) -> DispatchResult {
    let (a, b) = (sign(OFFENDER, &first), sign(OFFENDER, &second));
    report_signed(pair(OFFENDER).public(), (first, a), (second, b))
}

/// Two different results for one request.
fn both() -> (ResultStatement<u64>, ResultStatement<u64>) {
    (statement(OFFENDER, b"one"), statement(OFFENDER, b"other"))
}

#[test]
fn two_results_for_one_request_cost_bond() {
    test(|| {
        let (first, second) = both();
        assert_ok!(report(first, second));
        assert_eq!(Penalties::get(), vec![(OFFENDER, Offence::Equivocation)]);
        assert!(Equivocations::<Test>::contains_key(REQUEST, OFFENDER));
        assert_eq!(
            last_event(),
            Some(Event::EquivocationPunished {
                operator: OFFENDER,
                request: REQUEST,
                reporter: REPORTER,
                amount: PENALTY,
            })
        );
    });
}

#[test]
fn nobody_is_punished_twice_for_one_request() {
    test(|| {
        let (first, second) = both();
        assert_ok!(report(first.clone(), second.clone()));
        assert_noop!(report(first.clone(), second.clone()), Error::<Test>::AlreadyPunished);
        assert_noop!(report(second, first.clone()), Error::<Test>::AlreadyPunished);
        assert_noop!(
            report(first, statement(OFFENDER, b"a third one")),
            Error::<Test>::AlreadyPunished
        );
        assert_eq!(Penalties::get().len(), 1);
    });
}

#[test]
fn another_request_is_another_offence() {
    test(|| {
        let (first, second) = both();
        assert_ok!(report(first.clone(), second.clone()));
        let next = |statement| ResultStatement { request: RequestId(8), ..statement };
        assert_ok!(report(next(first), next(second)));
        assert_eq!(Penalties::get().len(), 2);
    });
}

#[test]
fn the_statements_must_differ_in_their_output_and_in_nothing_else() {
    test(|| {
        let (first, second) = both();
        assert_noop!(report(first.clone(), first.clone()), Error::<Test>::NotEquivocation);
        let changes: [fn(&mut ResultStatement<u64>); 7] = [
            |s| s.genesis = Digest::zero(),
            |s| s.request = RequestId(8),
            |s| s.version_digest = Digest::zero(),
            |s| s.input_digest = Digest::zero(),
            |s| s.assurance = Assurance::Signed,
            |s| s.assurance = Assurance::Quorum { n: 5, k: 4 },
            |s| s.operator = 12,
        ];
        for change in changes {
            let mut changed = second.clone();
            change(&mut changed);
            assert_noop!(report(first.clone(), changed.clone()), Error::<Test>::NotEquivocation);
            assert_noop!(report(changed.clone(), first.clone()), Error::<Test>::NotEquivocation);
            // The same output for another statement is not an equivocation either.
            changed.output_digest = first.output_digest;
            assert_noop!(report(first.clone(), changed), Error::<Test>::NotEquivocation);
        }
        assert_eq!(Penalties::get(), vec![]);
    });
}

#[test]
fn what_was_said_on_another_chain_does_not_count() {
    test(|| {
        let (first, second) = both();
        let elsewhere = |statement| ResultStatement { genesis: Digest::zero(), ..statement };
        assert_noop!(report(elsewhere(first), elsewhere(second)), Error::<Test>::WrongChain);
    });
}

#[test]
fn the_key_must_be_the_operators() {
    test(|| {
        let (first, second) = both();
        let signed_by = |signer| {
            let (a, b) = (sign(signer, &first), sign(signer, &second));
            report_signed(pair(signer).public(), (first.clone(), a), (second.clone(), b))
        };
        // Another operator's key, and an unknown one.
        assert_noop!(signed_by(12), Error::<Test>::WrongWorker);
        assert_noop!(signed_by(77), Error::<Test>::WrongWorker);
        assert_eq!(Penalties::get(), vec![]);
    });
}

#[test]
fn a_past_key_of_the_operator_counts() {
    test(|| {
        Workers::mutate(|workers| workers.insert(pair(77).public(), OFFENDER));
        let (first, second) = both();
        let (a, b) = (sign(77, &first), sign(77, &second));
        assert_ok!(report_signed(pair(77).public(), (first, a), (second, b)));
        assert_eq!(Penalties::get(), vec![(OFFENDER, Offence::Equivocation)]);
    });
}

#[test]
fn both_signatures_must_hold() {
    test(|| {
        let (first, second) = both();
        let worker = || pair(OFFENDER).public();
        let (a, b) = (sign(OFFENDER, &first), sign(OFFENDER, &second));
        let forged = |statement| sign(12, statement);
        let attempts = [
            (forged(&first), b),
            (a, forged(&second)),
            (b, a),
            (a, a),
            (WorkerSignature::default(), b),
        ];
        for (a, b) in attempts {
            assert_noop!(
                report_signed(worker(), (first.clone(), a), (second.clone(), b)),
                Error::<Test>::BadSignature
            );
        }
        assert_eq!(Penalties::get(), vec![]);
        assert!(!Equivocations::<Test>::contains_key(REQUEST, OFFENDER));
        assert_ok!(report_signed(worker(), (first, a), (second, b)));
    });
}

#[test]
fn a_report_that_fails_can_be_made_again() {
    test(|| {
        let (first, second) = both();
        let forged = sign(12, &second);
        let a = sign(OFFENDER, &first);
        assert_noop!(
            report_signed(pair(OFFENDER).public(), (first.clone(), a), (second.clone(), forged)),
            Error::<Test>::BadSignature
        );
        assert_ok!(report(first, second));
    });
}

#[test]
fn anyone_with_an_account_reports_even_the_operator_itself() {
    test(|| {
        let (first, second) = both();
        let (a, b) = (sign(OFFENDER, &first), sign(OFFENDER, &second));
        let report_as = |origin| {
            Verification::report_equivocation(
                origin,
                pair(OFFENDER).public(),
                first.clone(),
                a,
                second.clone(),
                b,
            )
        };
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(report_as(origin), DispatchError::BadOrigin);
        }
        assert_ok!(report_as(RuntimeOrigin::signed(OFFENDER)));
    });
}
