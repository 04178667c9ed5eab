//! The hooks when there is more work than fits into a block.

use assay_primitives::{runtime_api::Status, Outcome, RequestId};
use frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight};

use super::worker::{commit, result, reveal};
use crate::{
    mock::*, refusal, Agenda, AgendaCursor, ClientKeys, Ended, Error, Event, Requests, Results,
};

/// A deadline and its listener count one unit each.
const ONE_DEADLINE: u64 = 2;

fn budget(units: u64) {
    SweepBudget::set(Weight::from_parts(units, 0));
}

fn finished(ids: &[RequestId]) -> usize {
    ids.iter().filter(|id| record(**id).is_final()).count()
}

#[test]
fn the_budget_says_how_much_is_done() {
    test(|| {
        budget(7);
        DrawBudget::set(Weight::from_parts(8, 0));
        // The end of a quorum with late members counts three units.
        assert_eq!(Inference::sweeps_per_block(), 2);
        assert_eq!(Inference::prunes_per_block(), 7);
        assert_eq!(Inference::draws_per_block(), 2);
        Inference::integrity_test();
    });
}

#[test]
#[should_panic(expected = "SweepBudget must allow a deadline")]
fn a_budget_that_allows_nothing_is_found_when_the_runtime_is_built() {
    test(|| {
        budget(1);
        Inference::integrity_test();
    });
}

#[test]
fn more_deadlines_than_fit_into_a_block_are_handled_over_the_next_ones() {
    test(|| {
        let ids: Vec<_> = (0..7).map(|_| Terms::of(SIGNED).accepted()).collect();
        go_to(record(ids[0]).deadline);
        budget(3 * ONE_DEADLINE);
        for done in [3, 6, 7, 7] {
            next_block();
            assert_eq!(finished(&ids), done);
            check_all();
        }
        for id in ids {
            assert_eq!(outcome(id), Outcome::TimedOut);
            assert!(bond(members(id)[0]) < BOND);
        }
        assert_eq!(escrow(PAYER), 0);
        assert_eq!(AgendaCursor::<Test>::get(), now() + 1);
    });
}

#[test]
fn exactly_as_many_deadlines_as_fit_leave_nothing_over() {
    test(|| {
        let ids: Vec<_> = (0..3).map(|_| Terms::of(SIGNED).accepted()).collect();
        go_to(record(ids[0]).deadline);
        budget(3 * ONE_DEADLINE);
        next_block();
        assert_eq!(finished(&ids), 3);
        assert_eq!(AgendaCursor::<Test>::get(), now() + 1);
    });
}

#[test]
fn deadlines_that_wait_come_before_those_that_pass_later() {
    test(|| {
        let early: Vec<_> = (0..3).map(|_| Terms::of(SIGNED).accepted()).collect();
        let late: Vec<_> = (0..2)
            .map(|_| Terms { patience: PATIENCE + 1, ..Terms::of(SIGNED) }.accepted())
            .collect();
        go_to(record(early[0]).deadline);
        budget(2 * ONE_DEADLINE);
        for done in [(2, 0), (3, 1), (3, 2)] {
            next_block();
            assert_eq!((finished(&early), finished(&late)), done);
            check_all();
        }
    });
}

#[test]
fn a_block_pays_for_the_deadlines_that_it_handles() {
    test(|| {
        let ids: Vec<_> = (0..5).map(|_| Terms::of(SIGNED).accepted()).collect();
        let deadline = record(ids[0]).deadline;
        go_to(deadline);
        budget(3 * ONE_DEADLINE);
        System::set_block_number(deadline + 1);
        let idle = Weight::from_parts(1, 0);
        let one = Weight::from_parts(ONE_DEADLINE, 0);
        // It looks at the next one.
        let look = Weight::from_parts(1, 0);
        assert_eq!(Inference::on_initialize(now()), idle + one * 3 + look);
        Inference::on_finalize(now());
        System::set_block_number(deadline + 2);
        assert_eq!(Inference::on_initialize(now()), idle + one * 2);
        Inference::on_finalize(now());
        System::set_block_number(deadline + 3);
        assert_eq!(Inference::on_initialize(now()), idle);
    });
}

#[test]
fn an_answer_that_came_in_time_frees_its_place_in_the_sweep() {
    test(|| {
        let ids: Vec<_> = (0..4).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        for id in &ids[..3] {
            assert_ok!(include(result(*id, members(*id)[0], RIGHT)));
        }
        assert_eq!(Agenda::<Test>::iter().count(), 1);
        go_to(record(ids[0]).deadline);
        budget(ONE_DEADLINE);
        next_block();
        assert_eq!(outcome(ids[3]), Outcome::TimedOut);
    });
}

#[test]
fn both_deadlines_of_a_quorum_are_on_the_agenda() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        let deadline = record(id).deadline;
        let heights = || {
            let mut heights: Vec<_> = Agenda::<Test>::iter().map(|(at, _, ())| at).collect();
            heights.sort_unstable();
            heights
        };
        assert_eq!(heights(), [deadline - RevealWindow::get() + 1, deadline + 1]);
        for member in &members[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        go_to(deadline - RevealWindow::get() + 1);
        assert_eq!(heights(), [deadline + 1]);
        for member in &members[..2] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        assert!(heights().is_empty());
    });
}

#[test]
fn a_sweep_that_comes_after_the_deadline_gives_time_for_the_reveals_first() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        budget(0);
        go_to(record(id).deadline + 3);
        budget(100);
        next_block();
        assert_eq!(record(id).status, Status::Assigned);
        next_block();
        assert_eq!(record(id).status, Status::Revealing);
        assert_eq!(record(id).deadline, now() + RevealWindow::get() - 1);
        for member in &members[..2] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!([bond(members[0]), bond(members[1])], [BOND; 2]);
    });
}

#[test]
fn what_is_not_due_any_more_takes_little_of_the_budget() {
    test(|| {
        // These wait for another author, and nothing is due for them when commitments would be.
        Author::set(Some(7));
        next_block();
        let ids: Vec<_> = (0..20).map(|_| Terms::of(QUORUM).accepted()).collect();
        go_to(record(ids[0]).commit_deadline(RevealWindow::get()));
        // But a look at each.
        budget(19);
        frame_support::hypothetically!({
            next_block();
            assert_eq!(AgendaCursor::<Test>::get(), now(), "one is left");
        });
        budget(20);
        next_block();
        assert_eq!(AgendaCursor::<Test>::get(), now() + 1, "the sweep does not lag");
        assert!(ids.iter().all(|id| record(*id).status == Status::Pending));
    });
}

#[test]
fn reveals_do_not_wait_for_the_sweep() {
    test(|| {
        let ids: Vec<_> = (0..2).map(|_| Terms::of(QUORUM).accepted()).collect();
        next_block();
        next_block();
        for id in &ids {
            for member in &members(*id)[..2] {
                assert_ok!(include(commit(*id, *member, RIGHT)));
            }
        }
        go_to(record(ids[0]).deadline - RevealWindow::get());
        budget(1);
        let revealing = || ids.iter().filter(|id| record(**id).status == Status::Revealing).count();
        for id in &ids {
            refused_as(reveal(*id, members(*id)[0], RIGHT), refusal::WRONG_PHASE);
        }
        next_block();
        assert_eq!(revealing(), 1);
        for id in ids {
            let code = match record(id).status {
                Status::Revealing => refusal::WRONG_PHASE,
                _ => refusal::TOO_LATE,
            };
            refused_as(commit(id, members(id)[2], RIGHT), code);
            assert_ok!(include(reveal(id, members(id)[0], RIGHT)));
            assert_eq!(record(id).status, Status::Revealing);
            System::assert_has_event(Event::RevealsDue { request: id }.into());
            assert_ok!(include(reveal(id, members(id)[1], RIGHT)));
            assert_eq!(outcome(id), Outcome::Verified);
            check_all();
        }
    });
}

#[test]
fn who_does_not_reveal_is_penalised_although_the_sweep_came_late() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members[..2] {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        // The sweep reaches the commit deadline after the final deadline.
        System::set_block_number(record(id).deadline);
        assert_eq!(record(id).status, Status::Assigned);
        next_block();
        // Those who have committed get the time for their reveals, and do not use it.
        next_block();
        assert_eq!(record(id).status, Status::Revealing);
        go_to(record(id).deadline + 1);
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND - NO_ANSWER; 3]);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        assert_eq!(compensation(PAYER), 3 * NO_ANSWER / 10);
    });
}

#[test]
fn who_has_committed_among_too_few_is_not_penalised() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert_ok!(include(commit(id, members[0], RIGHT)));
        // The sweep reaches the commit deadline after the final deadline.
        System::set_block_number(record(id).deadline);
        refused_as(reveal(id, members[0], RIGHT), refusal::WRONG_PHASE);
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND, BOND - NO_ANSWER, BOND - NO_ANSWER]);
    });
}

#[test]
fn an_agenda_that_fell_behind_is_caught_up_with() {
    test(|| {
        let (id, _) = Terms::of(SIGNED).drawn();
        // As if the hooks had not run for a while.
        System::set_block_number(now() + 50);
        for _ in 0..4 {
            next_block();
            check_all();
        }
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!(AgendaCursor::<Test>::get(), now() + 1);
    });
}

#[test]
fn a_finished_request_is_kept_for_its_retention_and_not_a_block_longer() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(result(id, members[0], RIGHT)));
        let digest = receipt(id).digest();
        let finished_at = now();
        go_to(finished_at + Retention::get());
        assert_eq!(outcome(id), Outcome::Verified);
        assert!(shown(id).is_some());
        next_block();
        assert!(!Requests::<Test>::contains_key(id));
        assert_eq!(shown(id), None);
        assert!(!Results::<Test>::contains_key(id));
        assert_eq!(Ended::<Test>::iter().count(), 0);
        assert_eq!(ClientKeys::<Test>::iter().count(), 0);
        System::assert_last_event(Event::RequestPruned { request: id }.into());
        // What is kept forever.
        let root = assay_primitives::merkle::root(&[digest]);
        assert_eq!(Inference::receipt_root(finished_at), Some(root.into()));
        // Pruned requests are not found.
        let call = crate::Call::cancel { request: id };
        assert_noop!(signed_call(PAYER, call), Error::<Test>::RequestNotFound);
    });
}

#[test]
fn a_result_cannot_be_replayed_after_pruning() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let call = result(id, members[0], RIGHT);
        assert_ok!(include(call.clone()));
        go_to(now() + Retention::get() + 1);
        refused_as(call, refusal::REQUEST_NOT_FOUND);
    });
}

#[test]
fn more_to_prune_than_fits_into_a_block_is_pruned_over_the_next_ones() {
    test(|| {
        let ids: Vec<_> = (0..5).map(|_| Terms::of(SIGNED).accepted()).collect();
        for id in &ids {
            assert_ok!(signed_call(PAYER, crate::Call::cancel { request: *id }));
        }
        let ended_at = now();
        next_block();
        assert_eq!(Ended::<Test>::get(ended_at).len(), 5);
        go_to(ended_at + Retention::get());
        budget(2);
        for left in [3, 1, 0, 0] {
            next_block();
            assert_eq!(Requests::<Test>::iter().count(), left);
            assert_eq!(ClientKeys::<Test>::iter().count(), left);
            check_all();
        }
        assert_eq!(Ended::<Test>::iter().count(), 0);
        assert!(Inference::receipt_root(ended_at).is_some());
    });
}

#[test]
fn nothing_is_pruned_while_the_sweep_lags() {
    test(|| {
        let ended = Terms::of(SIGNED).accepted();
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: ended }));
        let ended_at = now();
        let open = Terms { patience: Retention::get() - 1, ..Terms::of(SIGNED) }.accepted();
        // Enough for pruning, but not for the deadline.
        budget(1);
        go_to(ended_at + Retention::get() + 3);
        assert!(Requests::<Test>::contains_key(ended));
        assert!(!record(open).is_final());
        budget(ONE_DEADLINE);
        next_block();
        assert!(record(open).is_final());
        next_block();
        assert!(!Requests::<Test>::contains_key(ended));
    });
}

#[test]
fn a_block_pays_for_what_it_prunes_and_for_the_list_that_it_puts_back() {
    test(|| {
        let ids: Vec<_> = (0..3).map(|_| Terms::of(SIGNED).accepted()).collect();
        for id in &ids {
            assert_ok!(signed_call(PAYER, crate::Call::cancel { request: *id }));
        }
        go_to(now() + Retention::get());
        budget(2);
        let idle = Weight::from_parts(1, 0);
        for (pruned, put_back) in [(2, 1), (1, 0), (0, 0)] {
            System::set_block_number(now() + 1);
            let paid = Weight::from_parts(pruned + put_back, 0);
            assert_eq!(Inference::on_initialize(now()), idle + paid);
            Inference::on_finalize(now());
        }
    });
}

#[test]
fn what_finished_later_is_kept_longer_although_it_was_requested_earlier() {
    test(|| {
        let early = Terms::of(SIGNED).accepted();
        let late = Terms::of(SIGNED).accepted();
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: late }));
        let cancelled_at = now();
        next_block();
        next_block();
        assert_ok!(include(result(early, members(early)[0], RIGHT)));
        go_to(cancelled_at + Retention::get() + 1);
        assert!(Requests::<Test>::contains_key(early));
        assert!(!Requests::<Test>::contains_key(late));
    });
}
