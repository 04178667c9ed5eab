//! What requests pay for room, and how much time members have if blocks have none.

use assay_primitives::{
    runtime_api::Status, traits::OptimisticResults as _, FailureReason, Outcome, RejectReason,
};
use frame_support::assert_ok;

use super::worker::{commit, failure, result, reveal};
use crate::{mock::*, refusal, Claims};

/// Makes these blocks pass without room for answers.
fn full_blocks(count: u32) {
    for _ in 0..count {
        next_block();
        FullBlocks::mutate(|full| *full += 1);
    }
}

/// The fee that is held or was paid.
fn fee(id: assay_primitives::RequestId) -> assay_primitives::Balance {
    record(id).fee
}

#[test]
fn the_largest_fee_is_held_and_the_real_one_paid() {
    test(|| {
        UnitPrice::set(3);
        let id = Terms::of(SIGNED).accepted();
        let largest = fee(id);
        assert_eq!(largest, Inference::quote(version(1), SIGNED).unwrap().fee);
        assert_eq!(escrow(PAYER), MAX_PRICE + largest);
        next_block();
        next_block();
        let issuance = Balances::total_issuance();
        assert_ok!(include(result(id, members(id)[0], RIGHT)));
        // The draw, pruning, the result with its authorisation and its listener; the call, and the
        // output, which is kept for a while.
        let bytes = u128::from(assay_primitives::traits::WORKER_CALL_BYTES)
            + 2 * output(RIGHT).len() as u128;
        assert_eq!(fee(id), 3 * (5 + bytes));
        assert!(fee(id) <= largest);
        assert_eq!(Balances::total_issuance(), issuance - fee(id));
        assert_eq!(free(PAYER), ENDOWMENT - ASK - fee(id));
        assert_eq!(receipt(id).price_paid, ASK);
        Issuance::mutate(|issuance| *issuance -= fee(id));
    });
}

#[test]
fn a_quorum_pays_for_each_commitment_and_each_result() {
    test(|| {
        UnitPrice::set(1);
        let (id, drawn) = Terms::of(QUORUM).drawn();
        let largest = fee(id);
        for member in &drawn[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        assert_ok!(include(failure(id, drawn[2], FailureReason::EngineError)));
        for member in &drawn[..2] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        // Five calls, two outputs, and one output that is kept.
        let bytes = 5 * u128::from(assay_primitives::traits::WORKER_CALL_BYTES)
            + 3 * output(RIGHT).len() as u128;
        // The draw and pruning, two results and two commitments with their authorisation, a failure
        // with its listener and its authorisation, the end with its listener.
        assert_eq!(fee(id), 2 + 4 + 4 + 3 + 2 + bytes);
        assert!(fee(id) < largest);
        Issuance::mutate(|issuance| *issuance -= fee(id));
    });
}

#[test]
fn a_request_that_is_not_drawn_pays_for_its_handling() {
    test(|| {
        UnitPrice::set(5);
        let id = Terms::of(QUORUM).accepted();
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: id }));
        // Drawing, ending with the listener, pruning.
        assert_eq!(fee(id), 5 * 4);
        assert_eq!(free(PAYER), ENDOWMENT - 5 * 4);
        Issuance::mutate(|issuance| *issuance -= 20);
    });
}

#[test]
fn nobody_is_late_because_blocks_are_full() {
    test(|| {
        let (id, drawn) = Terms { patience: 6, ..Terms::of(SIGNED) }.drawn();
        let deadline = record(id).deadline;
        // The block of the draw and one more had room.
        full_blocks(deadline - now());
        next_block();
        assert_eq!(record(id).status, Status::Assigned, "it has more time");
        check_all();
        let later = record(id).deadline;
        assert!(later > deadline);
        go_to(later);
        assert_ok!(include(result(id, drawn[0], RIGHT)));
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(bond(drawn[0]), BOND);
    });
}

#[test]
fn who_had_room_is_late() {
    test(|| {
        let (id, drawn) = Terms { patience: 8, ..Terms::of(SIGNED) }.drawn();
        go_to(now() + RoomyBlocks::get());
        full_blocks(record(id).deadline + 1 - now());
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!(bond(drawn[0]), BOND - NO_ANSWER);
    });
}

/// The block of the draw is none of those that a member is promised.
#[test]
fn who_lacks_one_block_with_room_is_not_late() {
    test(|| {
        let (id, drawn) = Terms { patience: 8, ..Terms::of(SIGNED) }.drawn();
        go_to(now() + RoomyBlocks::get() - 1);
        full_blocks(record(id).deadline + 1 - now());
        assert_eq!(record(id).status, Status::Assigned);
        assert_eq!(bond(drawn[0]), BOND);
    });
}

/// Each block with room that counts against a member is one in which its answer is accepted.
#[test]
fn while_blocks_with_room_are_missing_answers_count_even_if_the_sweep_lags() {
    test(|| {
        let (id, drawn) = Terms { patience: 6, ..Terms::of(SIGNED) }.drawn();
        full_blocks(record(id).deadline - now());
        SweepBudget::set(frame_support::weights::Weight::zero());
        next_block();
        assert!(now() > record(id).deadline);
        frame_support::hypothetically!({
            assert_ok!(include(result(id, drawn[0], RIGHT)));
            assert_eq!(outcome(id), Outcome::Verified);
        });
        // Until as many have passed as it was promised.
        go_to(now() + RoomyBlocks::get() + 1);
        refused_as(result(id, drawn[0], RIGHT), refusal::TOO_LATE);
    });
}

#[test]
fn while_blocks_with_room_are_missing_reveals_and_disputes_count_even_if_the_sweep_lags() {
    test(|| {
        let (id, drawn) = Terms::of(QUORUM).drawn();
        for member in &drawn {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        full_blocks(record(id).deadline - now());
        SweepBudget::set(frame_support::weights::Weight::zero());
        next_block();
        assert!(now() > record(id).deadline);
        for member in &drawn[..2] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        let (id, _) = super::optimistic::submitted();
        let until = || Inference::result(id).unwrap().disputable_until;
        let first = until();
        full_blocks(first - now());
        next_block();
        assert!(now() > first && until() == now());
        assert!(Inference::disputable(None, 9).contains(&id));
        go_to(now() + DisputeWindow::get() + 1);
        assert!(until() < now() && !Inference::disputable(None, 9).contains(&id));
    });
}

/// Whoever may still commit must not see the results of others.
#[test]
fn nobody_reveals_while_blocks_with_room_for_commitments_are_missing() {
    test(|| {
        let (id, drawn) = Terms::of(QUORUM).drawn();
        for member in &drawn[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        full_blocks(record(id).commit_deadline(RevealWindow::get()) - now());
        SweepBudget::set(frame_support::weights::Weight::zero());
        next_block();
        refused_as(reveal(id, drawn[0], RIGHT), refusal::WRONG_PHASE);
        assert_ok!(include(commit(id, drawn[2], RIGHT)));
        assert_ok!(include(reveal(id, drawn[0], RIGHT)));
    });
}

#[test]
fn who_still_has_blocks_with_room_is_not_late_when_the_others_fail() {
    test(|| {
        let (id, drawn) = Terms::of(QUORUM).drawn();
        full_blocks(record(id).commit_deadline(RevealWindow::get()) - now());
        SweepBudget::set(frame_support::weights::Weight::zero());
        next_block();
        for member in &drawn[..2] {
            assert_ok!(include(failure(id, *member, FailureReason::EngineError)));
        }
        let failed = RejectReason::Failed(FailureReason::EngineError);
        assert_eq!(outcome(id), Outcome::Rejected(failed));
        assert_eq!(bond(drawn[2]), BOND);
    });
}

/// The first reveal begins the time for reveals if it comes before a sweep that lags.
#[test]
fn who_reveals_before_a_sweep_that_lags_leaves_the_others_their_blocks_with_room() {
    test(|| {
        let (id, drawn) = Terms::of(QUORUM).drawn();
        for member in &drawn[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        SweepBudget::set(frame_support::weights::Weight::zero());
        go_to(record(id).deadline - 1);
        assert_ok!(include(reveal(id, drawn[0], RIGHT)));
        SweepBudget::set(frame_support::weights::Weight::from_parts(100, 0));
        go_to(record(id).deadline + 1);
        assert_eq!(record(id).status, Status::Revealing);
        assert_ok!(include(reveal(id, drawn[1], RIGHT)));
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!([bond(drawn[0]), bond(drawn[1])], [BOND; 2]);
    });
}

/// The authors of one block less could leave a reveal out.
#[test]
fn reveals_that_the_sweep_opens_have_as_many_blocks_with_room_as_others() {
    test(|| {
        RoomyBlocks::set(RevealWindow::get());
        let (id, drawn) = Terms::of(QUORUM).drawn();
        for member in &drawn[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        go_to(record(id).commit_deadline(RevealWindow::get()) + 1);
        assert_eq!(record(id).status, Status::Revealing);
        assert_ok!(include(reveal(id, drawn[0], RIGHT)));
        go_to(now() + RoomyBlocks::get());
        assert_eq!(record(id).status, Status::Revealing, "one may still reveal");
        assert_ok!(include(reveal(id, drawn[1], RIGHT)));
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

/// Members that have committed need no time to compute.
#[test]
fn who_reveals_late_keeps_the_others_no_longer_than_the_reveals_take() {
    test(|| {
        let (id, drawn) = Terms { patience: MaxDeadline::get(), ..Terms::of(QUORUM) }.drawn();
        for member in &drawn {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        assert_eq!(record(id).deadline, now() + RevealWindow::get());
        check_all();
        for member in &drawn[..2] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        go_to(now() + RevealWindow::get() + 1);
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(bond(drawn[2]), BOND - NO_ANSWER);
    });
}

#[test]
fn room_that_comes_before_a_result_is_ready_does_not_make_its_operator_late() {
    test(|| {
        only(&OPERATORS[..1]);
        let response = 10;
        serve_slowly(OPERATORS[0], response);
        let patience = response + 2 + RoomyBlocks::get();
        let (id, drawn) = Terms { patience, ..Terms::of(SIGNED) }.drawn();
        let deadline = record(id).deadline;
        // Blocks have room while the operator computes, and none when it has the result.
        go_to(now() + response - 1);
        full_blocks(deadline - now());
        next_block();
        assert_eq!(record(id).status, Status::Assigned, "it has more time");
        check_all();
        go_to(record(id).deadline);
        assert_ok!(include(result(id, drawn[0], RIGHT)));
        assert_eq!(bond(drawn[0]), BOND);
    });
}

/// The authors of its last blocks may leave the answer out.
#[test]
fn a_deadline_without_spare_blocks_is_not_the_last_chance_of_an_operator() {
    for answers in [true, false] {
        test(|| {
            only(&OPERATORS[..1]);
            let response = 4;
            serve_slowly(OPERATORS[0], response);
            let (id, drawn) = Terms { patience: response + 1, ..Terms::of(SIGNED) }.drawn();
            let deadline = record(id).deadline;
            assert_eq!(deadline, record(id).draw.unwrap().block + response, "no block is spare");
            go_to(deadline + RoomyBlocks::get());
            assert_eq!(record(id).status, Status::Assigned, "it has more time");
            check_all();
            if answers {
                assert_ok!(include(result(id, drawn[0], RIGHT)));
                assert_eq!(outcome(id), Outcome::Verified);
                return;
            }
            next_block();
            next_block();
            assert_eq!(outcome(id), Outcome::TimedOut);
            assert_eq!(bond(drawn[0]), BOND - NO_ANSWER);
        });
    }
}

#[test]
fn a_quorum_whose_commitments_had_no_room_has_more_time_for_them_and_for_its_results() {
    test(|| {
        let (id, drawn) = Terms { patience: 8, ..Terms::of(QUORUM) }.drawn();
        let before = record(id).deadline;
        full_blocks(record(id).commit_deadline(RevealWindow::get()) - now());
        next_block();
        check_all();
        assert_eq!(record(id).status, Status::Assigned);
        assert!(record(id).deadline > before);
        for member in &drawn {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        full_blocks(record(id).deadline - now());
        next_block();
        check_all();
        assert_eq!(record(id).status, Status::Revealing, "it has more time");
        for member in &drawn {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        assert_eq!(outcome(id), Outcome::Verified);
        assert!(drawn.iter().all(|member| bond(*member) == BOND));
    });
}

#[test]
fn a_dispute_window_without_room_is_longer() {
    test(|| {
        let (id, _) = super::optimistic::submitted();
        let until = Claims::<Test>::get(id).unwrap().disputable_until;
        full_blocks(until - now());
        next_block();
        check_all();
        assert_eq!(record(id).status, Status::Disputable);
        let later = Claims::<Test>::get(id).unwrap().disputable_until;
        assert!(later > until);
        go_to(later + 1);
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

/// The block with the result is none of those that the window has.
#[test]
fn each_block_without_room_makes_a_dispute_window_longer_by_one() {
    test(|| {
        let (id, _) = super::optimistic::submitted();
        let until = Claims::<Test>::get(id).unwrap().disputable_until;
        full_blocks(1);
        go_to(until + 1);
        assert_eq!(record(id).status, Status::Disputable);
        assert_eq!(Claims::<Test>::get(id).unwrap().disputable_until, until + 1);
        next_block();
        assert_eq!(outcome(id), Outcome::Verified);
    });
}
