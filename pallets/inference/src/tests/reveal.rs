//! The second phase of a quorum: results that open their commitments.

use assay_primitives::{
    commitment, digest, runtime_api::Status, Digest, Outcome, RequestId, ResultStatement, Statement,
};
use frame_support::assert_ok;
use sp_application_crypto::Pair as _;
use sp_runtime::transaction_validity::InvalidTransaction;

use super::worker::{
    answered, commit, commitment_with, committed_to, other_requests, reveal, reveal_with, salt,
    statement,
};
use crate::{mock::*, refusal, Call};

/// A quorum whose members have committed to these values.
fn committed(values: [[f32; 2]; 3]) -> (RequestId, Vec<u64>) {
    let (id, members) = Terms::of(QUORUM).drawn();
    for (member, values) in members.iter().zip(values) {
        assert_ok!(include(commit(id, *member, values)));
    }
    (id, members)
}

#[test]
fn nothing_is_revealed_before_the_commitments_are_in() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
            refused_as(reveal(id, *member, RIGHT), refusal::WRONG_PHASE);
        }
        assert_ok!(include(commit(id, members[2], RIGHT)));
        assert_ok!(include(reveal(id, members[0], RIGHT)));
    });
}

#[test]
fn a_result_that_does_not_open_its_commitment_is_refused_and_its_member_late() {
    test(|| {
        let (id, members) = committed([RIGHT; 3]);
        refused_as(reveal(id, members[0], WRONG), refusal::WRONG_OPENING);
        let other = reveal_with(id, members[0], output(RIGHT), [0; 32]);
        refused_as(other, refusal::WRONG_OPENING);
        for member in &members[1..] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        assert_eq!(record(id).status, Status::Revealing, "one result is still awaited");
        go_to(record(id).deadline + 1);
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND - NO_ANSWER, BOND, BOND]);
    });
}

#[test]
fn a_commitment_copied_from_another_member_cannot_be_opened() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        let [honest, copier, third] = members[..] else { panic!("three members") };
        let copied = committed_to(id, honest, RIGHT);
        assert_ok!(include(commit(id, honest, RIGHT)));
        assert_ok!(include(commitment_with(id, copier, copied, &pair(copier))));
        assert_ok!(include(commit(id, third, RIGHT)));
        assert_ok!(include(reveal(id, honest, RIGHT)));
        // The copier has seen the output and the salt.
        let copy = reveal_with(id, copier, output(RIGHT), salt(honest));
        refused_as(copy, refusal::WRONG_OPENING);
        refused_as(reveal(id, copier, RIGHT), refusal::WRONG_OPENING);
        assert_ok!(include(reveal(id, third, RIGHT)));
        go_to(record(id).deadline + 1);
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!([honest, copier, third].map(bond), [BOND, BOND - NO_ANSWER, BOND]);
        assert_eq!(receipt(id).price_paid, 2 * ASK);
    });
}

#[test]
fn a_commitment_of_another_request_cannot_be_opened() {
    test(|| {
        only(&OPERATORS[..3]);
        let (first, _) = Terms::of(QUORUM).drawn();
        let (second, members) = Terms::of(QUORUM).drawn();
        let replayed = committed_to(first, members[0], RIGHT);
        assert_ok!(include(commitment_with(second, members[0], replayed, &pair(members[0]))));
        for member in &members[1..] {
            assert_ok!(include(commit(second, *member, RIGHT)));
        }
        refused_as(reveal(second, members[0], RIGHT), refusal::WRONG_OPENING);
    });
}

#[test]
fn a_member_reveals_once() {
    test(|| {
        let (id, members) = committed([RIGHT; 3]);
        assert_ok!(include(reveal(id, members[0], RIGHT)));
        refused_as(reveal(id, members[0], RIGHT), refusal::ALREADY_SUBMITTED);
        refused_as(reveal(id, members[0], WRONG), refusal::ALREADY_SUBMITTED);
    });
}

#[test]
fn only_members_reveal_and_only_with_their_own_keys() {
    test(|| {
        let (id, members) = committed([RIGHT; 3]);
        for stranger in OPERATORS.into_iter().chain([STRANGER]) {
            if !members.contains(&stranger) {
                refused_as(reveal(id, stranger, RIGHT), refusal::NOT_ASSIGNED);
            }
        }
        let operator = members[0];
        let sign = |statement: ResultStatement<u64>, signer: u64| Call::<Test>::submit_reveal {
            request: id,
            operator,
            output: output(RIGHT),
            salt: salt(operator),
            signature: pair(signer).sign(&statement.signing_bytes()).into(),
        };
        let good = || statement(id, operator, &output(RIGHT));
        let bad = [
            sign(good(), members[1]),
            sign(ResultStatement { proof: Some(Digest::zero()), ..good() }, operator),
        ];
        let elsewhere = other_requests(id).into_iter();
        let elsewhere =
            elsewhere.map(|request| sign(ResultStatement { request, ..good() }, operator));
        for call in elsewhere.chain(bad) {
            refused(call, InvalidTransaction::BadProof);
        }
        assert_ok!(include(sign(good(), operator)));
    });
}

#[test]
fn an_output_that_does_not_fit_the_declaration_cannot_be_revealed() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        let bad = output([f32::NAN, 0.0]);
        let to = commitment(&answered(id), &members[0], &digest(&bad), &salt(members[0]));
        assert_ok!(include(commitment_with(id, members[0], to, &pair(members[0]))));
        for member in &members[1..] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        let call = reveal_with(id, members[0], bad, salt(members[0]));
        refused_as(call, refusal::WRONG_OUTPUT);
    });
}

#[test]
fn a_result_counts_until_the_deadline_and_not_a_block_longer() {
    test(|| {
        let (id, members) = committed([RIGHT; 3]);
        go_to(record(id).deadline);
        assert_ok!(include(reveal(id, members[0], RIGHT)));
        assert_ok!(include(reveal(id, members[1], RIGHT)));
        let late = reveal(id, members[2], RIGHT);
        next_block();
        refused_as(late, refusal::WRONG_PHASE);
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND, BOND, BOND - NO_ANSWER]);
    });
}

#[test]
fn a_late_result_is_refused_even_where_the_sweep_lags() {
    test(|| {
        let (id, members) = committed([RIGHT; 3]);
        System::set_block_number(record(id).deadline + 1);
        refused_as(reveal(id, members[0], RIGHT), refusal::TOO_LATE);
    });
}
