use assay_primitives::{
    model::Tolerance, operator::Offence, AnsweredRequest, Assurance, Digest, ModelDescriptor,
    RequestId, ResultStatement, SignedResult, WorkerId, WorkerSignature,
};
use frame_support::{assert_noop, assert_ok};
use sp_core::Pair;
use sp_runtime::{DispatchError, DispatchResult};

use crate::{mock::*, Equivocations, Error, Event, OutputOf};

const OFFENDER: u64 = 11;

/// A report with everything that can be wrong in it.
#[derive(Clone)]
struct Report {
    worker: WorkerId,
    answered: AnsweredRequest<u64>,
    descriptor: ModelDescriptor,
    first: (ResultStatement<u64>, WorkerSignature),
    second: (ResultStatement<u64>, WorkerSignature),
    outputs: Option<(OutputOf<Test>, OutputOf<Test>)>,
}

fn signed((statement, signature): (ResultStatement<u64>, WorkerSignature)) -> SignedResult<u64> {
    SignedResult { statement, signature, list: None }
}

impl Report {
    fn make(self, origin: RuntimeOrigin) -> DispatchResult {
        Verification::report_equivocation(
            origin,
            self.worker,
            self.answered,
            Box::new(self.descriptor),
            signed(self.first),
            signed(self.second),
            self.outputs,
        )
    }

    fn by_reporter(self) -> DispatchResult {
        self.make(RuntimeOrigin::signed(REPORTER))
    }
}

/// Reports two statements as they are.
fn report_signed(
    worker: WorkerId,
    first: (ResultStatement<u64>, WorkerSignature),
    second: (ResultStatement<u64>, WorkerSignature),
) -> DispatchResult {
    let (answered, descriptor) = (answered(), version_descriptor(None));
    Report { worker, answered, descriptor, first, second, outputs: None }.by_reporter()
}

/// Two results of the offender in a request of a version with a tolerance of a thousandth.
fn tolerant(first: &[f32], second: &[f32]) -> Report {
    let descriptor = version_descriptor(Some(Tolerance { millionths: 1_000 }));
    let answered = AnsweredRequest { version_digest: descriptor.digest(), ..answered() };
    let outputs = [payload(first), payload(second)];
    let [first, second] = outputs.each_ref().map(|output| {
        let request = answered.hash();
        let statement = ResultStatement { request, ..statement(OFFENDER, output) };
        let signature = sign(OFFENDER, &statement);
        (statement, signature)
    });
    let [one, other] = outputs.map(|output| OutputOf::<Test>::try_from(output).unwrap());
    let worker = pair(OFFENDER).public();
    Report { worker, answered, descriptor, first, second, outputs: Some((one, other)) }
}

#[test]
fn outputs_within_the_tolerance_are_no_equivocation() {
    test(|| {
        // The same run on two machines.
        let report = tolerant(&[1.0, 2.0], &[1.0005, 1.9995]);
        assert_noop!(report.by_reporter(), Error::<Test>::WithinTolerance);
        assert_ok!(tolerant(&[1.0, 2.0], &[1.0, 2.002]).by_reporter());
        assert_eq!(Penalties::get(), vec![(OFFENDER, Offence::Equivocation)]);
    });
}

#[test]
fn a_version_with_a_tolerance_needs_the_outputs_and_its_own_descriptor() {
    test(|| {
        let good = tolerant(&[1.0], &[2.0]);
        let missing = Report { outputs: None, ..good.clone() };
        assert_noop!(missing.by_reporter(), Error::<Test>::OutputsNeeded);
        let outputs = good.outputs.clone().map(|(one, _)| (one.clone(), one));
        let wrong = Report { outputs, ..good.clone() };
        assert_noop!(wrong.by_reporter(), Error::<Test>::WrongOutputs);
        // A descriptor without the tolerance would make two honest runs an equivocation.
        let exact = Report { descriptor: version_descriptor(None), ..good.clone() };
        assert_noop!(exact.by_reporter(), Error::<Test>::WrongVersion);
        assert_eq!(Penalties::get(), vec![]);
        assert_ok!(good.by_reporter());
    });
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
        assert!(Equivocations::<Test>::contains_key(answered().hash(), OFFENDER));
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
fn a_report_that_would_take_nothing_is_refused_and_can_be_sent_later() {
    test(|| {
        let (first, second) = both();
        Unowed::set(STAKE - 1);
        let refused = report(first.clone(), second.clone());
        assert_noop!(refused, Error::<Test>::NothingAtStake);
        Unowed::set(STAKE);
        assert_ok!(report(first, second));
    });
}

/// Two different results of the offender in a request that is changed, and the report of them.
fn changed(change: impl FnOnce(&mut AnsweredRequest<u64>)) -> Report {
    let mut answered = answered();
    change(&mut answered);
    let request = answered.hash();
    let [first, second] = [b"one".as_slice(), b"other"].map(|output| {
        let statement = ResultStatement { request, ..statement(OFFENDER, output) };
        let signature = sign(OFFENDER, &statement);
        (statement, signature)
    });
    let (worker, descriptor) = (pair(OFFENDER).public(), version_descriptor(None));
    Report { worker, answered, descriptor, first, second, outputs: None }
}

#[test]
fn another_request_or_another_draw_is_another_offence() {
    test(|| {
        assert_ok!(changed(|_| {}).by_reporter());
        assert_ok!(changed(|answered| answered.request = RequestId(8)).by_reporter());
        assert_ok!(changed(|answered| answered.seed = Digest::zero()).by_reporter());
        assert_eq!(Penalties::get().len(), 3);
    });
}

#[test]
fn the_statements_must_differ_in_their_output_and_in_nothing_else() {
    test(|| {
        let (first, second) = both();
        assert_noop!(report(first.clone(), first.clone()), Error::<Test>::NotEquivocation);
        let changes: [fn(&mut ResultStatement<u64>); 2] =
            [|s| s.request = Digest::zero(), |s| s.operator = 12];
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
fn the_statements_must_be_about_the_request_in_the_report() {
    test(|| {
        let changes: [fn(&mut AnsweredRequest<u64>); 7] = [
            |answered| answered.genesis = Digest::zero(),
            |answered| answered.request = RequestId(8),
            |answered| answered.payer = 12,
            |answered| answered.version_digest = Digest::zero(),
            |answered| answered.input_digest = Digest::zero(),
            |answered| answered.assurance = Assurance::Signed,
            |answered| answered.seed = Digest::zero(),
        ];
        for change in changes {
            let mut answered = answered();
            change(&mut answered);
            let report = Report { answered, ..changed(|_| {}) };
            assert_noop!(report.by_reporter(), Error::<Test>::WrongRequest);
        }
        assert_eq!(Penalties::get(), vec![]);
    });
}

#[test]
fn what_was_said_on_another_chain_does_not_count() {
    test(|| {
        let elsewhere = changed(|answered| answered.genesis = Digest::zero());
        assert_noop!(elsewhere.by_reporter(), Error::<Test>::WrongChain);
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
        assert!(!Equivocations::<Test>::contains_key(answered().hash(), OFFENDER));
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
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(changed(|_| {}).make(origin), DispatchError::BadOrigin);
        }
        assert_ok!(changed(|_| {}).make(RuntimeOrigin::signed(OFFENDER)));
    });
}
