//! Requests that wait for capacity: who calls them, and how long they rest after a draw in vain.

use assay_primitives::{runtime_api::Status, Assurance, Balance, Outcome, RejectReason};
use frame_support::assert_ok;

use super::{
    draw::{seed_of, without_randomness},
    worker::{commit, result, reveal},
};
use crate::{
    draws::{FIRST_WAIT, MAX_CALLS},
    mock::*,
    QueueBounds, Requests, Waiting,
};

#[test]
fn a_request_waits_for_room() {
    test(|| {
        only(&OPERATORS[..1]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
        let ids: Vec<_> = (0..3).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        for id in &ids {
            assert_eq!(record(*id).status, Status::Assigned);
            // Nothing changes while the operator works.
            for _ in 0..2 {
                next_block();
                check_all();
            }
            assert_ok!(include(result(*id, OPERATORS[0], RIGHT)));
            assert_eq!(outcome(*id), Outcome::Verified);
            // The next request is planned at the start of a block and drawn at its end.
            next_block();
            next_block();
        }
        // The last was drawn from the outputs of the block before its draw and of that block.
        let draw = record(ids[2]).draw.unwrap();
        assert_eq!(draw.seed, seed_of([draw.block - 1, draw.block], ids[2]));
        assert_eq!(QueueBounds::<Test>::get().0, QueueBounds::<Test>::get().1);
    });
}

#[test]
fn who_waits_for_room_does_not_hold_up_others() {
    test(|| {
        only(&OPERATORS[..1]);
        serve_at_once(OPERATORS[0], version(1), ASK, signed_only(), 1);
        serve_at_once(OPERATORS[1], version(1), 2 * ASK, signed_only(), 1);
        let cheap = || Terms { max_price: ASK, ..Terms::of(SIGNED) }.accepted();
        let (first, second, third) = (cheap(), cheap(), cheap());
        let dear = Terms { max_price: 2 * ASK, ..Terms::of(SIGNED) }.accepted();
        next_block();
        next_block();
        assert_eq!(members(first), [OPERATORS[0]]);
        assert_eq!(members(dear), [OPERATORS[1]]);
        assert_eq!([second, third].map(|id| record(id).status), [Status::Pending; 2]);
        // The request that has waited longest is drawn first.
        assert_ok!(include(result(first, OPERATORS[0], RIGHT)));
        next_block();
        next_block();
        assert_eq!(members(second), [OPERATORS[0]]);
        assert_eq!(record(third).status, Status::Pending);
    });
}

#[test]
fn a_request_that_is_called_and_cannot_be_drawn_calls_the_next_one() {
    test(|| {
        only(&OPERATORS[..1]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
        let ids: Vec<_> = (0..4).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        assert_eq!(Waiting::<Test>::iter().count(), 3);
        assert_ok!(include(result(ids[0], OPERATORS[0], RIGHT)));
        // Planned, and cancelled before its draw.
        assert_eq!(Waiting::<Test>::iter().count(), 2);
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: ids[1] }));
        // Cancelled while it waits.
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: ids[2] }));
        for _ in 0..4 {
            check_all();
            next_block();
        }
        assert_eq!(record(ids[3]).status, Status::Assigned);
        assert_eq!(Waiting::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_committee_that_ends_calls_as_many_as_it_had_members() {
    test(|| {
        only(&OPERATORS[..3]);
        for operator in &OPERATORS[..3] {
            serve_at_once(*operator, version(1), ASK, both(), 1);
        }
        let (quorum, members) = Terms::of(QUORUM).drawn();
        let ids: Vec<_> = (0..4).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        assert_eq!(Waiting::<Test>::iter().count(), 4);
        for member in &members {
            assert_ok!(include(commit(quorum, *member, RIGHT)));
        }
        for member in &members {
            assert_ok!(include(reveal(quorum, *member, RIGHT)));
        }
        next_block();
        next_block();
        let open: Vec<_> = ids.iter().map(|id| record(*id).status == Status::Assigned).collect();
        assert_eq!(open, [true, true, true, false]);
    });
}

#[test]
fn a_request_that_waits_can_be_cancelled_and_times_out() {
    test(|| {
        only(&OPERATORS[..1]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
        let busy = Terms { patience: 2 * PATIENCE, ..Terms::of(SIGNED) }.accepted();
        let (cancelled, waiting) = (Terms::of(SIGNED).accepted(), Terms::of(SIGNED).accepted());
        go_to(now() + 4);
        assert_eq!(record(busy).status, Status::Assigned);
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: cancelled }));
        // The operator requests one block for its answer.
        go_to(record(waiting).deadline);
        assert_eq!(record(waiting).status, Status::Pending);
        next_block();
        assert_eq!(outcome(waiting), Outcome::TimedOut);
        assert_eq!(bond(OPERATORS[0]), BOND);
        assert_eq!(escrow(PAYER), MAX_PRICE);
        next_block();
        assert_eq!(QueueBounds::<Test>::get().0, QueueBounds::<Test>::get().1);
    });
}

#[test]
fn what_waited_until_nobody_has_the_time_is_refunded() {
    test(|| {
        only(&OPERATORS[..1]);
        serve_slowly(OPERATORS[0], 4);
        let id = Terms { patience: 5, ..Terms::of(SIGNED) }.accepted();
        without_randomness(1);
        next_block();
        assert_eq!(record(id).status, Status::Pending);
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        assert_eq!(bond(OPERATORS[0]), BOND);
    });
}

#[test]
fn who_never_waited_calls_nobody_who_does() {
    test(|| {
        only(&OPERATORS[..1]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
        let _ = Terms::of(SIGNED).drawn();
        let waiting = Terms::of(SIGNED).accepted();
        next_block();
        assert_eq!(Waiting::<Test>::iter().count(), 1);
        for _ in 0..8 {
            let id = Terms::of(SIGNED).accepted();
            assert_ok!(signed_call(PAYER, crate::Call::cancel { request: id }));
            next_block();
        }
        assert_eq!((record(waiting).vain_draws, record(waiting).status), (0, Status::Pending));
        assert_eq!(Waiting::<Test>::iter().count(), 1);
    });
}

#[test]
fn who_ends_at_its_draw_without_having_waited_calls_nobody_who_does() {
    test(|| {
        only(&OPERATORS[..2]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
        let cheap = || Terms { max_price: ASK, ..Terms::of(SIGNED) };
        let dear = |classes| serve_at_once(OPERATORS[1], version(1), 2 * ASK, classes, 1);
        dear(both());
        assert_eq!(cheap().drawn().1, [OPERATORS[0]]);
        let waiting = cheap().accepted();
        next_block();
        let pair = Assurance::Quorum { n: 2, k: 2 };
        let id = Terms { assurance: pair, max_price: 4 * ASK, ..Terms::of(QUORUM) }.accepted();
        dear(signed_only());
        next_block();
        next_block();
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoOperator));
        next_block();
        assert_eq!((record(waiting).vain_draws, record(waiting).status), (0, Status::Pending));
        assert_eq!(Waiting::<Test>::iter().count(), 1);
    });
}

/// What another request took was not free, however much is idle that nobody can pay.
#[test]
fn who_finds_the_capacity_taken_has_not_waited_in_vain() {
    test(|| {
        only(&OPERATORS[..2]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
        // It asks more than any of these requests pays.
        serve_at_once(OPERATORS[1], version(1), 2 * ASK, both(), 1);
        let terms = || Terms { max_price: ASK, patience: 2 * PATIENCE, ..Terms::of(SIGNED) };
        let mut running = terms().drawn().0;
        let waiting = terms().accepted();
        next_block();
        for _ in 0..3 {
            // The next request is in the queue before the waiting one is called.
            let next = terms().accepted();
            assert_ok!(include(result(running, members(running)[0], RIGHT)));
            next_block();
            next_block();
            assert_eq!(members(next), [OPERATORS[0]]);
            running = next;
        }
        assert_eq!((record(waiting).vain_draws, record(waiting).status), (0, Status::Pending));
        assert_ok!(include(result(running, OPERATORS[0], RIGHT)));
        next_block();
        next_block();
        assert_eq!(members(waiting), [OPERATORS[0]]);
    });
}

#[test]
fn who_finds_the_capacity_taken_goes_behind_the_others() {
    test(|| {
        only(&OPERATORS[..1]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
        let running = Terms::of(SIGNED).drawn().0;
        let [first, second] = [(); 2].map(|()| Terms::of(SIGNED).accepted());
        next_block();
        // The next request is in the queue before the first one is called.
        let next = Terms::of(SIGNED).accepted();
        assert_ok!(include(result(running, OPERATORS[0], RIGHT)));
        next_block();
        next_block();
        assert_eq!(members(next), [OPERATORS[0]]);
        assert_ok!(include(result(next, OPERATORS[0], RIGHT)));
        next_block();
        next_block();
        let open = [first, second].map(|id| record(id).status);
        assert_eq!(open, [Status::Pending, Status::Assigned]);
    });
}

/// A request whose draws are all in vain is drawn less and less often, and ends at its deadline.
#[test]
fn who_is_called_in_vain_rests_twice_as_long_each_time() {
    test(|| {
        only(&OPERATORS[..2]);
        let [honest, other] = [OPERATORS[0], OPERATORS[1]];
        serve_at_once(honest, version(1), ASK, both(), 1);
        serve_at_once(other, version(1), 1, both(), 1);
        let cheap = |patience| Terms { max_price: 1, patience, ..Terms::of(SIGNED) };
        assert_eq!(cheap(MaxDeadline::get()).drawn().1, [other]);
        let vain = cheap(MaxDeadline::get() - 5).accepted();
        let mut rests = Vec::new();
        while record(vain).status == Status::Pending {
            // Each run of the honest operator calls it in vain.
            if record(vain).again_at < now() {
                let run = Terms::of(SIGNED).drawn().0;
                assert_ok!(include(result(run, honest, RIGHT)));
            }
            let before = record(vain).vain_draws;
            next_block();
            check_all();
            if record(vain).vain_draws > before {
                rests.push(record(vain).again_at - now());
            }
        }
        assert_eq!(rests, [15, 30, 60]);
        assert_eq!(outcome(vain), Outcome::TimedOut);
    });
}

#[test]
fn draws_in_vain_are_paid_for() {
    test(|| {
        only(&OPERATORS[..2]);
        let [honest, other] = [OPERATORS[0], OPERATORS[1]];
        serve_at_once(honest, version(1), ASK, both(), 1);
        serve_at_once(other, version(1), 1, both(), 1);
        let cheap = || Terms { max_price: 1, patience: 2 * PATIENCE, ..Terms::of(SIGNED) };
        let run = cheap().drawn().0;
        let honest_run = Terms::of(SIGNED).drawn().0;
        UnitPrice::set(1);
        let vain = cheap().accepted();
        let call = Balance::from(assay_primitives::traits::WORKER_CALL_BYTES);
        let longest = assay_primitives::tensor::largest_payload(&descriptor().outputs).unwrap();
        // The draw in vain, the end of the rest, and the draw then.
        let each = 3;
        // The draw, pruning, and the result with its authorisation and its listener. The output is kept.
        assert_eq!(record(vain).fee, 5 + 7 * each + call + 2 * Balance::from(longest));
        next_block();
        next_block();
        assert_ok!(include(result(honest_run, honest, RIGHT)));
        next_block();
        next_block();
        assert_eq!(record(vain).vain_draws, 1);
        frame_support::hypothetically!({
            assert_ok!(signed_call(PAYER, crate::Call::cancel { request: vain }));
            assert_eq!(record(vain).fee, 4 + each);
        });
        assert_ok!(include(result(run, other, RIGHT)));
        go_to(record(vain).again_at + 1);
        assert_ok!(include(result(vain, other, RIGHT)));
        assert_eq!(record(vain).fee, 5 + each + call + 2 * output(RIGHT).len() as Balance);
        Issuance::mutate(|issuance| *issuance -= record(vain).fee);
    });
}

/// A request cannot have more draws in vain than it pays for: the next rest is beyond every deadline.
#[test]
fn rests_double_with_each_draw_in_vain() {
    test(|| {
        only(&OPERATORS[..2]);
        let [honest, other] = [OPERATORS[0], OPERATORS[1]];
        serve_at_once(honest, version(1), ASK, both(), 1);
        serve_at_once(other, version(1), 1, both(), 1);
        let cheap = || Terms { max_price: 1, patience: MaxDeadline::get(), ..Terms::of(SIGNED) };
        assert_eq!(cheap().drawn().1, [other]);
        let vain = cheap().accepted();
        let honest_run = Terms::of(SIGNED).drawn().0;
        assert_ok!(include(result(honest_run, honest, RIGHT)));
        for vain_draws in 0..=crate::draws::MAX_VAIN_DRAWS {
            frame_support::hypothetically!({
                Requests::<Test>::mutate_extant(vain, |request| request.vain_draws = vain_draws);
                while record(vain).waits_since > 0 || record(vain).again_at == 0 {
                    next_block();
                }
                assert_eq!(record(vain).again_at - now(), 15 << vain_draws);
            });
        }
    });
}

/// Who rests is drawn when its rest is over, without a run that ends.
#[test]
fn who_rests_finds_the_capacity_that_became_free_meanwhile() {
    test(|| {
        only(&OPERATORS[..3]);
        for operator in &OPERATORS[..3] {
            serve_at_once(*operator, version(1), ASK, both(), 1);
        }
        let runs: Vec<_> =
            (0..3).map(|_| Terms { patience: 2 * PATIENCE, ..Terms::of(SIGNED) }.drawn()).collect();
        let quorum = Terms { patience: 2 * PATIENCE, ..Terms::of(QUORUM) }.accepted();
        next_block();
        next_block();
        for (id, members) in &runs {
            assert_ok!(include(result(*id, members[0], RIGHT)));
            next_block();
            next_block();
        }
        assert_eq!((record(quorum).vain_draws, record(quorum).status), (1, Status::Pending));
        go_to(record(quorum).again_at + 1);
        assert_eq!(members(quorum).len(), 3);
    });
}

/// No run ends when a rest does, so who wakes in vain has no capacity to leave to those that wait.
#[test]
fn who_wakes_in_vain_waits_and_calls_nobody() {
    test(|| {
        only(&OPERATORS[..2]);
        let [honest, cheap] = [OPERATORS[0], OPERATORS[1]];
        serve_at_once(honest, version(1), ASK, both(), 1);
        serve_at_once(cheap, version(1), 1, both(), 1);
        let patience = 4 * PATIENCE;
        let at = |max_price| Terms { max_price, patience, ..Terms::of(SIGNED) };
        assert_eq!(at(1).drawn().1, [cheap]);
        let vain = at(1).accepted();
        let first = at(2 * ASK).drawn().0;
        assert_ok!(include(result(first, honest, RIGHT)));
        next_block();
        next_block();
        let woken_at = record(vain).again_at + 1;
        // All are busy again, and others wait.
        let run = at(2 * ASK).drawn().0;
        let others = [at(2 * ASK).accepted(), at(2 * ASK).accepted()];
        go_to(woken_at + 3);
        check_all();
        assert_eq!(others.map(|id| record(id).vain_draws), [0, 0]);
        assert_eq!((record(vain).vain_draws, record(vain).waits_since), (1, woken_at));
        assert_eq!(Waiting::<Test>::iter().count(), 3);
        // The end of a run still calls one after the other, in the order in which they wait.
        assert_ok!(include(result(run, honest, RIGHT)));
        next_block();
        next_block();
        assert_eq!(members(others[0]), [honest]);
        assert_eq!(record(others[1]).vain_draws, 0);
    });
}

/// The end of a rest may be the height after which no commitment counts, or that after the deadline.
#[test]
fn a_rest_may_end_at_any_height() {
    for patience in 18..30 {
        test(|| {
            only(&OPERATORS[..3]);
            for operator in &OPERATORS[..3] {
                serve_at_once(*operator, version(1), ASK, both(), 1);
            }
            let runs: Vec<_> =
                (0..3).map(|_| Terms { patience: 40, ..Terms::of(SIGNED) }.drawn()).collect();
            let quorum = Terms { patience, ..Terms::of(QUORUM) }.accepted();
            next_block();
            next_block();
            assert_ok!(include(result(runs[0].0, runs[0].1[0], RIGHT)));
            while record(quorum).status == Status::Pending {
                next_block();
                check_all();
            }
            assert_eq!(record(quorum).vain_draws, 1);
        });
    }
}

/// Otherwise one run of an operator that suits nobody would put the whole line to rest, and each of it
/// would pay for a draw.
#[test]
fn one_end_has_few_rest() {
    test(|| {
        only(&OPERATORS[..2]);
        let [dear, busy] = [OPERATORS[0], OPERATORS[1]];
        serve_at_once(dear, version(1), ASK, both(), 1);
        serve_at_once(busy, version(1), 1, both(), 1);
        let cheap = || Terms { max_price: 1, patience: 2 * PATIENCE, ..Terms::of(SIGNED) };
        let run = cheap().drawn().0;
        let unsuited = Terms::of(SIGNED).drawn().0;
        let ids: Vec<_> = (0..8).map(|_| cheap().accepted()).collect();
        next_block();
        next_block();
        assert_eq!(Waiting::<Test>::iter().count(), 8);
        assert_ok!(include(result(unsuited, dear, RIGHT)));
        for _ in 0..8 {
            next_block();
            check_all();
        }
        let rested = 1 + usize::from(MAX_CALLS);
        assert!(ids[..rested].iter().all(|id| record(*id).vain_draws == 1));
        assert!(ids[rested..].iter().all(|id| record(*id).vain_draws == 0));
        // The others wait where they did.
        assert_ok!(include(result(run, busy, RIGHT)));
        next_block();
        next_block();
        assert_eq!(members(ids[rested]), [busy]);
    });
}

/// Others that nobody idle suits have taken all calls of the run that ended.
#[test]
fn who_has_waited_long_finds_an_idle_operator_without_a_call() {
    test(|| {
        only(&OPERATORS[..2]);
        let [idle, busy] = [OPERATORS[0], OPERATORS[1]];
        serve_at_once(idle, version(1), ASK, both(), 1);
        serve_at_once(busy, version(1), 1, both(), 1);
        let patience = MaxDeadline::get();
        let cheap = || Terms { max_price: 1, patience, ..Terms::of(SIGNED) };
        cheap().drawn();
        let run = Terms::of(SIGNED).drawn().0;
        let cheap_ones: Vec<_> = (0..=MAX_CALLS).map(|_| cheap().accepted()).collect();
        let suited = Terms { patience, ..Terms::of(SIGNED) }.accepted();
        next_block();
        next_block();
        let waits_since = record(suited).waits_since;
        assert_ok!(include(result(run, idle, RIGHT)));
        go_to(waits_since + FIRST_WAIT - 1);
        assert!(cheap_ones.iter().all(|id| record(*id).vain_draws == 1));
        assert_eq!((record(suited).status, record(suited).vain_draws), (Status::Pending, 0));
        assert!(Inference::view(suited).unwrap().waits);
        check_all();
        next_block();
        next_block();
        assert_eq!(members(suited), [idle]);
        assert_eq!((record(suited).vain_draws, record(suited).again_at), (1, 0), "it pays for it");
        check_all();
    });
}

/// What an end of a run has called is not drawn again by its time.
#[test]
fn who_is_called_is_not_drawn_twice() {
    for ends_at in [FIRST_WAIT - 1, FIRST_WAIT, FIRST_WAIT + 1] {
        test(|| {
            only(&OPERATORS[..1]);
            serve_at_once(OPERATORS[0], version(1), ASK, both(), 1);
            let patience = MaxDeadline::get();
            let run = Terms { patience, ..Terms::of(SIGNED) }.drawn().0;
            let next = Terms { patience, ..Terms::of(SIGNED) }.accepted();
            next_block();
            next_block();
            let waits_since = record(next).waits_since;
            go_to(waits_since + ends_at - 1);
            assert_ok!(include(result(run, OPERATORS[0], RIGHT)));
            for _ in 0..4 {
                next_block();
                check_all();
            }
            assert_eq!(members(next), [OPERATORS[0]]);
            assert_eq!(record(next).again_at, 0);
            // At the last one it was drawn again just before.
            let is_late = ends_at > FIRST_WAIT;
            assert_eq!(record(next).vain_draws, u32::from(is_late));
        });
    }
}

/// A request that only the attacker's busy operator could take waits at the head.
#[test]
fn who_waits_in_vain_does_not_hold_up_others() {
    test(|| {
        only(&OPERATORS[..2]);
        let [honest, own] = [OPERATORS[0], OPERATORS[1]];
        serve_at_once(honest, version(1), ASK, both(), 1);
        serve_at_once(own, version(1), 1, both(), 1);
        let cheap = |patience| Terms { max_price: 1, patience, ..Terms::of(SIGNED) };
        assert_eq!(cheap(2 * PATIENCE).drawn().1, [own]);
        let vain = cheap(2 * PATIENCE).accepted();
        let patience = 2 * PATIENCE;
        let ids: Vec<_> =
            (0..3).map(|_| Terms { patience, ..Terms::of(SIGNED) }.accepted()).collect();
        next_block();
        next_block();
        assert_eq!(members(ids[0]), [honest]);
        assert_eq!(Waiting::<Test>::iter().count(), 3);
        assert_ok!(include(result(ids[0], honest, RIGHT)));
        for _ in 0..3 {
            next_block();
            check_all();
        }
        // The honest operator has nothing else to do.
        assert_eq!(record(vain).status, Status::Pending);
        assert_eq!(members(ids[1]), [honest]);
    });
}
