//! Results in class `Signed`.

use assay_primitives::{
    digest, receipt::evidence_digest, runtime_api::Status, traits::Operators as _, AnsweredRequest,
    Digest, ElementType, Outcome, Receipt, RequestId, ResultStatement, SignedEvidence, Statement,
    Tensor,
};
use codec::Encode;
use frame_support::assert_ok;
use sp_application_crypto::Pair as _;
use sp_runtime::transaction_validity::InvalidTransaction;

use super::worker::{commit, other_requests, result, result_with, reveal, statement};
use crate::{mock::*, refusal, Agenda, Event, Inputs};

#[test]
fn a_result_is_paid_for_and_leaves_a_receipt() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        let included = now();
        let owner_had = free(OWNER);
        next_block();
        next_block();
        let [operator] = members(id)[..] else { panic!("one member") };
        let operator_had = free(operator);
        assert_ok!(include(result(id, operator, RIGHT)));
        assert_eq!(outcome(id), Outcome::Verified);

        // The balances, to the planck.
        assert_eq!(OPERATOR_PART + ROYALTY_PART + TREASURY_PART, ASK);
        assert_eq!(free(operator) - operator_had, OPERATOR_PART);
        assert_eq!(free(OWNER) - owner_had, ROYALTY_PART);
        assert_eq!(free(TREASURY) - EXISTENTIAL_DEPOSIT, TREASURY_PART);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT - ASK, 0));
        assert_eq!(bond(operator), BOND);
        System::assert_has_event(
            pallet_settlement::Event::Settled {
                request: id,
                fee: 0,
                earned: OPERATOR_PART,
                royalty: ROYALTY_PART,
                treasury: TREASURY_PART,
                refunded: MAX_PRICE - ASK,
            }
            .into(),
        );

        // The receipt, computed from what the test knows.
        let output = output(RIGHT);
        let statement = ResultStatement {
            request: AnsweredRequest {
                genesis: genesis(),
                request: id,
                payer: PAYER,
                version_digest: descriptor().digest(),
                input_digest: digest(&input()),
                assurance: SIGNED,
                seed: record(id).draw.unwrap().seed,
            }
            .hash(),
            output_digest: digest(&output),
            operator,
            proof: None,
        };
        let evidence = crate::mock::evidence(id);
        let [SignedEvidence {
            operator: by,
            worker,
            output_digest,
            signature,
            list: None,
            proof: None,
        }] = &evidence[..]
        else {
            panic!("one result")
        };
        assert_eq!((*by, *output_digest), (operator, digest(&output)));
        assert_eq!(*worker, pair(operator).public());
        assert!(statement.is_signed_by(worker, signature));
        let expected = Receipt {
            genesis: genesis(),
            request: id,
            payer: PAYER,
            version_digest: descriptor().digest(),
            input_digest: digest(&input()),
            assurance: SIGNED,
            outcome: Outcome::Verified,
            output_digest: Some(digest(&output)),
            draw: record(id).draw,
            price_paid: ASK,
            bond_at_stake: NO_ANSWER,
            evidence_digest: evidence_digest(&evidence),
            decided_at: included + 2,
        };
        assert_eq!(receipt(id), expected);
        let view = Inference::receipt_view(id).unwrap();
        assert_eq!((view.digest, view.index, view.count), (expected.digest(), 0, 1));
        System::assert_has_event(Event::ResultSubmitted { request: id, operator }.into());
        System::assert_last_event(
            Event::RequestFinished {
                request: id,
                outcome: Outcome::Verified,
                receipt: expected.clone(),
            }
            .into(),
        );

        // What is kept and what is removed.
        assert_eq!(shown(id), Some(output));
        assert!(!Inputs::<Test>::contains_key(id));
        assert_eq!(Agenda::<Test>::iter().count(), 0);
        assert!(!Operators::is_assigned(&operator, id));
    });
}

#[test]
fn the_shortest_deadline_leaves_one_block_to_answer() {
    test(|| {
        let (id, members) = Terms { patience: MinDeadline::get(), ..Terms::of(SIGNED) }.drawn();
        assert_eq!(now(), record(id).deadline);
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn a_result_counts_until_the_deadline_and_not_a_block_longer() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        go_to(record(id).deadline);
        let call = result(id, members[0], RIGHT);
        frame_support::hypothetically!({
            assert_ok!(include(call.clone()));
            assert_eq!(record(id).status, Status::Final(Outcome::Verified));
        });
        Finals::set(Vec::new());
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
        refused_as(call, refusal::WRONG_PHASE);
    });
}

#[test]
fn a_late_result_is_refused_even_where_the_sweep_lags() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let call = result(id, members[0], RIGHT);
        // As in a block whose budget other requests used up.
        System::set_block_number(record(id).deadline + 1);
        refused_as(call, refusal::TOO_LATE);
    });
}

#[test]
fn a_result_before_the_draw_is_refused() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        for operator in OPERATORS {
            refused_as(result(id, operator, RIGHT), refusal::NOT_ASSIGNED);
        }
    });
}

#[test]
fn a_result_for_no_request_is_refused() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let mut call = result(id, members[0], RIGHT);
        if let crate::Call::submit_result { request, .. } = &mut call {
            *request = RequestId(77);
        }
        refused_as(call, refusal::REQUEST_NOT_FOUND);
    });
}

#[test]
fn who_was_not_drawn_hands_nothing_in() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        for operator in OPERATORS.into_iter().chain([STRANGER]) {
            if operator != members[0] {
                refused_as(result(id, operator, RIGHT), refusal::NOT_ASSIGNED);
            }
        }
    });
}

#[test]
fn a_result_needs_the_signature_of_the_operators_worker_key() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let output = output(RIGHT);
        let good = statement(id, members[0], &output);
        for signer in OPERATORS.into_iter().chain([STRANGER]) {
            if signer != members[0] {
                let call = result_with(id, members[0], output.clone(), &good, &pair(signer));
                refused(call, InvalidTransaction::BadProof);
            }
        }
    });
}

#[test]
fn a_signature_over_anything_else_is_refused() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let operator = members[0];
        let output = output(RIGHT);
        let good = || statement(id, operator, &output);
        let statements = [
            ResultStatement { output_digest: digest(&crate::mock::output(WRONG)), ..good() },
            ResultStatement { operator: STRANGER, ..good() },
            ResultStatement { proof: Some(Digest::zero()), ..good() },
        ];
        // Replayed from another request, another draw or another chain.
        let elsewhere = other_requests(id);
        let elsewhere = elsewhere.into_iter().map(|request| ResultStatement { request, ..good() });
        for statement in elsewhere.chain(statements) {
            let call = result_with(id, operator, output.clone(), &statement, &pair(operator));
            refused(call, InvalidTransaction::BadProof);
        }
        assert_ok!(include(result_with(id, operator, output.clone(), &good(), &pair(operator))));
    });
}

#[test]
fn a_result_is_not_taken_twice() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(result(id, members[0], RIGHT)));
        let paid = free(members[0]);
        refused_as(result(id, members[0], RIGHT), refusal::WRONG_PHASE);
        refused_as(result(id, members[0], WRONG), refusal::WRONG_PHASE);
        assert_eq!(free(members[0]), paid);
    });
}

#[test]
fn an_output_that_does_not_fit_the_declaration_is_refused() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let encoded = |tensors: Vec<Tensor>| -> Output { tensors.encode().try_into().unwrap() };
        let integers = Tensor { element_type: ElementType::I32, ..floats(&[2], &RIGHT) };
        let outputs = [
            encoded(vec![]),
            encoded(vec![floats(&[2], &RIGHT), floats(&[2], &RIGHT)]),
            encoded(vec![floats(&[1, 2], &RIGHT)]),
            encoded(vec![floats(&[2], &[1.0])]),
            encoded(vec![integers]),
            encoded(vec![floats(&[2], &[f32::NAN, 0.0])]),
            encoded(vec![floats(&[2], &[0.0, f32::INFINITY])]),
            vec![0xff; 8].try_into().unwrap(),
            vec![].try_into().unwrap(),
        ];
        for output in outputs {
            let good = statement(id, members[0], &output);
            let call = result_with(id, members[0], output, &good, &pair(members[0]));
            refused_as(call, refusal::WRONG_OUTPUT);
        }
    });
}

#[test]
fn what_belongs_to_a_quorum_is_refused() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        refused_as(commit(id, members[0], RIGHT), refusal::WRONG_PHASE);
        refused_as(reveal(id, members[0], RIGHT), refusal::WRONG_PHASE);
    });
}

#[test]
fn a_new_worker_key_answers_what_was_assigned_to_the_old_one() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let operator = members[0];
        let fresh = pair(500);
        let possession = assay_primitives::Possession { genesis: genesis(), operator };
        assert_ok!(signed_call(
            operator,
            pallet_operators::Call::set_worker {
                worker: fresh.public(),
                possession: fresh.sign(&possession.signing_bytes()).into(),
            }
        ));
        refused(result(id, operator, RIGHT), InvalidTransaction::BadProof);
        let output = output(RIGHT);
        let statement = statement(id, operator, &output);
        assert_ok!(include(result_with(id, operator, output, &statement, &fresh)));
        assert_eq!(crate::mock::evidence(id)[0].worker, fresh.public());
    });
}

#[test]
fn a_result_that_only_its_operator_can_judge_is_verified_all_the_same() {
    test(|| {
        // Class `Signed` rests on the signature alone, and the receipt names the class.
        let (id, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(result(id, members[0], WRONG)));
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(receipt(id).assurance, SIGNED);
    });
}
