//! The first phase of a quorum: commitments and failures.

use assay_primitives::{
    operator::Offence, runtime_api::Status, CommitStatement, Digest, FailureReason, Outcome,
    RejectReason, RequestId, Statement,
};
use frame_support::assert_ok;
use sp_application_crypto::Pair as _;
use sp_runtime::transaction_validity::InvalidTransaction;

use super::worker::{
    answered, commit, commitment_with, committed_to, failure, other_requests, result, reveal,
};
use crate::{mock::*, refusal, Call, Event};

fn commit_deadline(id: RequestId) -> u32 {
    record(id).deadline - RevealWindow::get()
}

#[test]
fn the_last_commitment_opens_the_second_phase() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members {
            assert_eq!(record(id).status, Status::Assigned);
            assert_ok!(include(commit(id, *member, RIGHT)));
            System::assert_has_event(
                Event::CommitmentSubmitted { request: id, operator: *member }.into(),
            );
        }
        assert_eq!(record(id).status, Status::Revealing);
        System::assert_last_event(Event::RevealsDue { request: id }.into());
    });
}

#[test]
fn a_commitment_counts_until_its_deadline_and_not_a_block_longer() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert_ok!(include(commit(id, members[0], RIGHT)));
        go_to(commit_deadline(id));
        assert_ok!(include(commit(id, members[1], RIGHT)));
        next_block();
        assert_eq!(record(id).status, Status::Revealing);
        refused_as(commit(id, members[2], RIGHT), refusal::WRONG_PHASE);
        refused_as(failure(id, members[2], FailureReason::EngineError), refusal::WRONG_PHASE);
    });
}

#[test]
fn a_late_commitment_is_refused_even_where_the_sweep_lags() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        System::set_block_number(commit_deadline(id) + 1);
        assert_eq!(record(id).status, Status::Assigned);
        refused_as(commit(id, members[0], RIGHT), refusal::TOO_LATE);
        refused_as(failure(id, members[0], FailureReason::EngineError), refusal::TOO_LATE);
    });
}

#[test]
fn a_member_commits_once() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert_ok!(include(commit(id, members[0], RIGHT)));
        refused_as(commit(id, members[0], RIGHT), refusal::ALREADY_SUBMITTED);
        refused_as(commit(id, members[0], WRONG), refusal::ALREADY_SUBMITTED);
        // A member that has committed cannot report a failure.
        refused_as(failure(id, members[0], FailureReason::EngineError), refusal::ALREADY_SUBMITTED);
        assert_ok!(include(failure(id, members[1], FailureReason::EngineError)));
        refused_as(commit(id, members[1], RIGHT), refusal::ALREADY_SUBMITTED);
        refused_as(failure(id, members[1], FailureReason::EngineError), refusal::ALREADY_SUBMITTED);
    });
}

#[test]
fn only_members_commit_and_only_with_their_own_keys() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        let operator = members[0];
        for stranger in OPERATORS.into_iter().chain([STRANGER]) {
            if !members.contains(&stranger) {
                refused_as(commit(id, stranger, RIGHT), refusal::NOT_ASSIGNED);
            }
        }
        let commitment = committed_to(id, operator, RIGHT);
        refused(
            commitment_with(id, operator, commitment, &pair(members[1])),
            InvalidTransaction::BadProof,
        );
        let good = || CommitStatement { request: answered(id), commitment, operator };
        let bad = [
            CommitStatement { commitment: Digest::zero(), ..good() },
            CommitStatement { operator: members[1], ..good() },
        ];
        let elsewhere = other_requests(id);
        let elsewhere = elsewhere.into_iter().map(|request| CommitStatement { request, ..good() });
        for statement in elsewhere.chain(bad) {
            let signature = pair(operator).sign(&statement.signing_bytes()).into();
            let call =
                Call::<Test>::submit_commitment { request: id, operator, commitment, signature };
            refused(call, InvalidTransaction::BadProof);
        }
        assert_ok!(include(commitment_with(id, operator, commitment, &pair(operator))));
    });
}

#[test]
fn a_member_of_a_quorum_cannot_skip_the_commitment() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        refused_as(result(id, members[0], RIGHT), refusal::WRONG_PHASE);
        refused_as(reveal(id, members[0], RIGHT), refusal::WRONG_PHASE);
    });
}

#[test]
fn too_few_commitments_end_the_request_and_cost_only_the_silent() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert_ok!(include(commit(id, members[1], RIGHT)));
        go_to(commit_deadline(id) + 1);
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND - NO_ANSWER, BOND, BOND - NO_ANSWER]);
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT, 2 * NO_ANSWER / 10));
        assert_eq!(receipt(id).price_paid, 0);
        // Nothing is left to do at the deadline.
        go_to(record(id).deadline + 1);
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT, 2 * NO_ANSWER / 10));
    });
}

#[test]
fn no_commitment_at_all_costs_every_member() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        go_to(record(id).deadline + 1);
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!(receipt(id).decided_at, commit_deadline(id) + 1);
        for member in members {
            assert_eq!(bond(member), BOND - NO_ANSWER);
        }
    });
}

#[test]
fn a_failure_does_not_excuse_the_silent() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert_ok!(include(failure(id, members[0], FailureReason::TimeLimit)));
        assert_ok!(include(commit(id, members[1], RIGHT)));
        go_to(commit_deadline(id) + 1);
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND, BOND, BOND - NO_ANSWER]);
    });
}

#[test]
fn too_many_failures_end_the_request_at_once_and_cost_nobody() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert_ok!(include(failure(id, members[2], FailureReason::TimeLimit)));
        assert_eq!(record(id).status, Status::Assigned);
        assert_ok!(include(failure(id, members[1], FailureReason::MemoryLimit)));
        // The reason of the first member in draw order counts.
        let reason = RejectReason::Failed(FailureReason::MemoryLimit);
        assert_eq!(outcome(id), Outcome::Rejected(reason));
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        // Not even from the member that has submitted nothing yet.
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
        refused_as(commit(id, members[0], RIGHT), refusal::WRONG_PHASE);
    });
}

#[test]
fn too_many_failures_cost_a_member_that_has_committed_nothing() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert_ok!(include(commit(id, members[0], RIGHT)));
        for member in &members[1..] {
            assert_ok!(include(failure(id, *member, FailureReason::InvalidInput)));
        }
        let reason = RejectReason::Failed(FailureReason::InvalidInput);
        assert_eq!(outcome(id), Outcome::Rejected(reason));
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
    });
}

#[test]
fn a_failure_that_leaves_enough_members_opens_the_second_phase_when_it_is_the_last_word() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        assert_ok!(include(failure(id, members[2], FailureReason::EngineError)));
        assert_eq!(record(id).status, Status::Revealing);
        for member in &members[..2] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
        assert_eq!(receipt(id).price_paid, 2 * ASK);
    });
}

#[test]
fn who_never_commits_is_penalised_though_the_others_agree() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        go_to(commit_deadline(id) + 1);
        assert_eq!(record(id).status, Status::Revealing);
        refused_as(reveal(id, members[2], RIGHT), refusal::WRONG_PHASE);
        for member in &members[..2] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND, BOND, BOND - NO_ANSWER]);
        assert_eq!(free(PAYER), ENDOWMENT - 2 * ASK);
        assert_eq!(compensation(PAYER), NO_ANSWER / 10);
        System::assert_has_event(
            pallet_operators::Event::Penalised {
                operator: members[2],
                offence: Offence::NoAnswer,
                amount: NO_ANSWER,
            }
            .into(),
        );
    });
}
