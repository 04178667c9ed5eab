//! When and among whom operators are drawn.

use std::collections::BTreeSet;

use assay_primitives::{
    operator::Offence, runtime_api::Status, traits::Operators as _, Assurance, Balance,
    BlockNumber, Digest, Draw, Outcome, RejectReason, RequestId,
};
use frame_support::{assert_noop, assert_ok, weights::Weight};

use super::worker::{commit, result, reveal};
use crate::{mock::*, Error, Event, QueueBounds, Requests, Waiting, MAX_DRAW_DELAY};

/// The seed of a draw, computed from what the docs of [`Draw`] say.
fn seed_of(blocks: impl IntoIterator<Item = BlockNumber>, id: RequestId) -> Digest {
    let mut bytes = b"assay/draw/2".to_vec();
    for block in blocks {
        bytes.extend(vrf(block));
    }
    bytes.extend(id.0.to_le_bytes());
    sp_io::hashing::blake2_256(&bytes).into()
}

#[test]
fn the_draw_is_made_at_the_start_of_the_next_block() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        let included = now();
        assert_eq!(record(id).status, Status::Pending);
        assert!(members(id).is_empty());
        next_block();
        assert_eq!(record(id).status, Status::Assigned);
        let drawn = members(id);
        assert_eq!(drawn.len(), 1);
        assert_eq!(record(id).draw.unwrap().block, included + 1);
        assert!(Operators::is_assigned(&drawn[0], id));
        System::assert_has_event(Event::Assigned { request: id, members: drawn }.into());
    });
}

#[test]
fn anyone_can_draw_again_from_what_the_receipt_names() {
    test(|| {
        let id = Terms::of(QUORUM).accepted();
        let included = now();
        next_block();
        next_block();
        let (from, block) = (included, included + 1);
        let seed = seed_of([from, block], id);
        assert_eq!(record(id).draw, Some(Draw { from, block, seed, authors: 2 }));
        let again: Vec<_> = assay_math::draw(&seed.0, &[BOND; 5], 3)
            .unwrap()
            .into_iter()
            .map(|index| OPERATORS[index])
            .collect();
        assert_eq!(members(id), again);
        assert_eq!(again.iter().collect::<BTreeSet<_>>().len(), 3);
    });
}

#[test]
fn requests_of_one_block_have_draws_of_their_own() {
    test(|| {
        let ids: Vec<_> = (0..40).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        let seeds: BTreeSet<_> = ids.iter().map(|id| record(*id).draw.unwrap().seed).collect();
        assert_eq!(seeds.len(), ids.len());
        let drawn: BTreeSet<_> = ids.iter().map(|id| members(*id)[0]).collect();
        assert_eq!(drawn.len(), OPERATORS.len(), "forty draws leave nobody out");
    });
}

#[test]
fn without_randomness_the_draw_waits() {
    test(|| {
        let (id, from) = (Terms::of(SIGNED).accepted(), now());
        HasVrf::set(false);
        for _ in 0..3 {
            next_block();
            assert_eq!(record(id).status, Status::Pending);
        }
        // Blocks without an output are left out of the seed, and the next one has the author of the
        // request's.
        HasVrf::set(true);
        next_block();
        assert_eq!(record(id).status, Status::Pending);
        next_block();
        let block = now();
        assert_eq!(record(id).status, Status::Assigned);
        let seed = seed_of([from, block - 1, block], id);
        assert_eq!(record(id).draw, Some(Draw { from, block, seed, authors: 2 }));
    });
}

#[test]
fn the_author_of_the_request_does_not_draw_alone() {
    test(|| {
        Author::set(Some(7));
        next_block();
        let (id, from) = (Terms::of(SIGNED).accepted(), now());
        // It also makes the next blocks, and knows the outputs of all.
        for _ in 0..3 {
            next_block();
            assert_eq!(record(id).status, Status::Pending);
        }
        Author::set(Some(8));
        next_block();
        let block = now();
        let seed = seed_of(from..=block, id);
        assert_eq!(record(id).draw, Some(Draw { from, block, seed, authors: 2 }));
    });
}

#[test]
fn the_author_of_a_draw_cannot_change_whom_it_is_made_among() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        next_block();
        // The author of this block knew the seed before it made the block. What it includes comes
        // too late.
        let drawn = members(id);
        for operator in OPERATORS.into_iter().filter(|operator| !drawn.contains(operator)) {
            let more = pallet_operators::Call::add_bond { amount: 10 * BOND };
            assert_ok!(signed_call(operator, more));
        }
        next_block();
        assert_eq!((members(id), record(id).status), (drawn, Status::Assigned));
        assert_eq!(record(id).draw.unwrap().block, now() - 1);
    });
}

#[test]
fn a_chain_with_one_author_draws_from_its_outputs() {
    test(|| {
        Author::set(Some(7));
        Authors::set(1);
        next_block();
        let (id, _) = Terms::of(SIGNED).drawn();
        assert_eq!(record(id).draw.unwrap().authors, 1);
    });
}

#[test]
fn a_later_draw_has_the_outputs_of_all_blocks_until_then() {
    test(|| {
        let terms = Terms { draw_delay: 4, ..Terms::of(QUORUM) };
        let (id, from) = (terms.accepted(), now());
        // A request behind it is not held up.
        let next = Terms::of(SIGNED).accepted();
        for block in from + 1..from + 4 {
            next_block();
            check_all();
            assert_eq!(now(), block);
            assert_eq!(record(id).status, Status::Pending);
        }
        assert_eq!(record(next).status, Status::Assigned);
        next_block();
        let block = from + 4;
        let seed = seed_of(from..=block, id);
        assert_eq!(record(id).draw, Some(Draw { from, block, seed, authors: 2 }));
        assert_eq!(record(id).status, Status::Assigned);
    });
}

#[test]
fn the_last_two_authors_of_a_later_draw_differ_too() {
    test(|| {
        let (later, asked) = (Terms { draw_delay: 4, ..Terms::of(SIGNED) }.accepted(), now());
        next_block();
        // From now on there is one author. The outputs have two, but who made the block before the draw
        // would have known the seed, and decided what the state is.
        Author::set(Some(7));
        next_block();
        let (others, from): (Vec<_>, _) =
            ((0..3).map(|_| Terms::of(SIGNED).accepted()).collect(), now());
        for _ in 0..4 {
            next_block();
            check_all();
            let waiting = |id: &RequestId| record(*id).status == Status::Pending;
            assert!(others.iter().chain([&later]).all(waiting));
        }
        Author::set(Some(8));
        next_block();
        let block = now();
        let mut drawn = others.iter().map(|id| (*id, from)).chain([(later, asked)]);
        assert!(drawn.all(|(id, from)| {
            record(id)
                .draw
                .is_some_and(|draw| draw.block == block && draw.seed == seed_of(from..=block, id))
        }));
        assert_eq!(QueueBounds::<Test>::get().2, 0);
    });
}

#[test]
fn a_request_can_be_cancelled_before_a_later_draw() {
    test(|| {
        let id = Terms { draw_delay: 9, ..Terms::of(SIGNED) }.accepted();
        next_block();
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: id }));
        check_all();
        go_to(now() + 12);
        assert_eq!(outcome(id), Outcome::Cancelled);
    });
}

#[test]
fn a_draw_delay_has_bounds_and_needs_a_later_deadline() {
    test(|| {
        for draw_delay in [0, MAX_DRAW_DELAY + 1, u32::MAX] {
            let terms = Terms { draw_delay, patience: 90, ..Terms::of(SIGNED) };
            assert_noop!(terms.send(), Error::<Test>::DrawDelayOutOfBounds);
        }
        let least = MinDeadline::get() + MAX_DRAW_DELAY - 1;
        let with = |patience| Terms { draw_delay: MAX_DRAW_DELAY, patience, ..Terms::of(SIGNED) };
        assert_noop!(with(least - 1).send(), Error::<Test>::DeadlineTooSoon);
        assert_ok!(with(least).send());
    });
}

#[test]
fn who_keeps_the_others_busy_does_not_choose_a_quorum() {
    test(|| {
        // Three of five operators have no capacity left, the bonds of all are equal.
        only(&OPERATORS);
        for operator in OPERATORS {
            serve_at_once(operator, version(1), ASK, both(), 1);
        }
        let first = Terms::of(QUORUM).accepted();
        next_block();
        next_block();
        assert_eq!(record(first).status, Status::Assigned);
        let pair = Assurance::Quorum { n: 2, k: 2 };
        let id = Terms { assurance: pair, ..Terms::of(QUORUM) }.accepted();
        next_block();
        next_block();
        // Two have room, but only two fifths of the bonds.
        assert_eq!(record(id).status, Status::Pending);
        assert_eq!(Waiting::<Test>::iter_key_prefix(version(1)).next().unwrap().request(), id);
        // In other classes, one answer is judged by itself.
        let single = Terms::of(SIGNED).accepted();
        next_block();
        next_block();
        assert_eq!(record(single).status, Status::Assigned);
    });
}

#[test]
fn a_request_that_nobody_can_take_any_more_is_refunded() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        only(&[]);
        next_block();
        next_block();
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoOperator));
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        let receipt = receipt(id);
        assert_eq!(receipt.price_paid, 0);
        assert!(receipt.draw.is_some(), "the receipt shows that a draw was tried");
    });
}

#[test]
fn a_quorum_that_is_no_longer_to_be_had_is_refunded() {
    test(|| {
        let id = Terms::of(QUORUM).accepted();
        only(&OPERATORS[..2]);
        next_block();
        next_block();
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoOperator));
        for operator in OPERATORS {
            assert!(Operators::assignments(&operator).is_empty());
        }
    });
}

#[test]
fn who_raised_its_ask_before_the_draw_is_not_drawn() {
    test(|| {
        let id = Terms { max_price: ASK, ..Terms::of(SIGNED) }.accepted();
        for operator in &OPERATORS[1..] {
            serve(*operator, version(1), ASK + 1, both());
        }
        next_block();
        next_block();
        assert_eq!(members(id), [OPERATORS[0]]);
    });
}

#[test]
fn who_has_no_room_left_is_not_drawn_again_in_the_same_block() {
    test(|| {
        only(&OPERATORS[..2]);
        for operator in &OPERATORS[..2] {
            serve_at_once(*operator, version(1), ASK, both(), 1);
        }
        let ids: Vec<_> = (0..3).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        let drawn: BTreeSet<_> = ids[..2].iter().map(|id| members(*id)[0]).collect();
        assert_eq!(drawn, OPERATORS[..2].iter().copied().collect());
        assert_eq!(record(ids[2]).status, Status::Pending);
    });
}

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
fn nobody_is_drawn_who_wants_more_time_than_is_left() {
    test(|| {
        only(&OPERATORS[..2]);
        serve_slowly(OPERATORS[0], 7);
        serve_slowly(OPERATORS[1], 6);
        // Drawn in the next block, it leaves this many blocks less one.
        let patience = |patience| Terms { patience, ..Terms::of(SIGNED) };
        assert_noop!(patience(6).send(), Error::<Test>::DeadlineUnderResponse);
        let ids: Vec<_> = (0..8).map(|_| patience(7).accepted()).collect();
        next_block();
        next_block();
        for id in ids {
            assert_eq!(members(id), [OPERATORS[1]]);
        }
    });
}

#[test]
fn the_time_for_an_answer_ends_in_a_quorum_when_commitments_are_due() {
    test(|| {
        for operator in OPERATORS {
            serve_slowly(operator, 3);
        }
        let patience = RevealWindow::get() + 4;
        let terms = |patience| Terms { patience, ..Terms::of(QUORUM) };
        assert_noop!(terms(patience - 1).send(), Error::<Test>::DeadlineUnderResponse);
        let (id, _) = terms(patience).drawn();
        let left = record(id).commit_deadline(RevealWindow::get()) - record(id).draw.unwrap().block;
        assert_eq!(left, 3);
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
fn who_lost_too_much_bond_is_not_drawn() {
    test(|| {
        only(&OPERATORS[..1]);
        let id = Terms::of(SIGNED).accepted();
        Operators::penalise(&OPERATORS[0], Offence::Equivocation, None);
        next_block();
        next_block();
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoOperator));
    });
}

#[test]
fn bond_is_weight() {
    test(|| {
        only(&OPERATORS[..2]);
        let call = pallet_operators::Call::add_bond { amount: 8 * BOND };
        assert_ok!(signed_call(OPERATORS[0], call));
        let mut drawn = 0;
        for _ in 0..4 {
            let ids: Vec<_> = (0..20).map(|_| Terms::of(SIGNED).accepted()).collect();
            next_block();
            next_block();
            for id in ids {
                drawn += u32::from(members(id) == [OPERATORS[0]]);
                assert_ok!(include(result(id, members(id)[0], RIGHT)));
            }
        }
        // Nine tenths of the bond; the seeds are fixed, so the count is the same each time.
        assert!((64..=79).contains(&drawn), "{drawn} of 80");
    });
}

#[test]
fn a_queue_longer_than_the_budget_is_drawn_block_by_block_in_order() {
    test(|| {
        // A draw counts one unit; a request that ends instead counts three: the most that has to
        // be left for another one.
        DrawBudget::set(Weight::from_parts(4, 0));
        assert_eq!(Inference::draws_per_block(), 1);
        let ids: Vec<_> = (0..5).map(|_| Terms::of(SIGNED).accepted()).collect();
        let open =
            || ids.iter().map(|id| record(*id).status == Status::Assigned).collect::<Vec<_>>();
        assert_eq!(open(), [false; 5]);
        next_block();
        assert_eq!(open(), [true, true, false, false, false]);
        next_block();
        assert_eq!(open(), [true, true, true, true, false]);
        next_block();
        assert_eq!(open(), [true; 5]);
        assert_eq!(QueueBounds::<Test>::get(), (5, 5, 0));
    });
}

#[test]
fn the_block_pays_for_its_draws_at_its_start() {
    test(|| {
        use frame_support::traits::OnInitialize;
        for _ in 0..3 {
            Terms::of(SIGNED).accepted();
        }
        let (idle, turn) = (Weight::from_parts(1, 0), Weight::from_parts(1, 0));
        Author::set(Some(7));
        assert_eq!(Inference::on_initialize(now()), idle + turn * 3);
        assert_eq!(Inference::on_initialize(now()), idle);
    });
}

/// Makes `blocks` blocks in which nothing can be drawn.
fn without_randomness(blocks: u32) {
    HasVrf::set(false);
    go_to(now() + blocks);
    HasVrf::set(true);
}

#[test]
fn who_is_drawn_late_still_has_a_block_to_answer() {
    test(|| {
        // Drawn at the end of the block before the deadline, the last useful one.
        let id = Terms { patience: 4, ..Terms::of(SIGNED) }.accepted();
        let deadline = record(id).deadline;
        without_randomness(1);
        go_to(deadline);
        assert_eq!(record(id).draw.unwrap().block, deadline - 1);
        assert_ok!(include(result(id, members(id)[0], RIGHT)));
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn nobody_is_drawn_when_it_is_too_late_to_answer() {
    test(|| {
        let id = Terms { patience: 4, ..Terms::of(SIGNED) }.accepted();
        let deadline = record(id).deadline;
        without_randomness(3);
        go_to(deadline);
        assert_eq!(record(id).status, Status::Pending);
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        assert_eq!(OPERATORS.map(bond), [BOND; 5], "nobody could have answered");
    });
}

#[test]
fn no_committee_is_drawn_when_it_is_too_late_to_commit() {
    for (silence, drawn) in [(1, true), (3, false)] {
        test(|| {
            let terms = Terms { patience: 4 + RevealWindow::get(), ..Terms::of(QUORUM) };
            let id = terms.accepted();
            let last = record(id).deadline - RevealWindow::get();
            without_randomness(silence);
            go_to(last);
            if drawn {
                for member in members(id) {
                    assert_ok!(include(commit(id, member, RIGHT)));
                }
                assert_eq!(record(id).status, Status::Revealing);
            } else {
                // The last block has the author of the request's, so the draw waits for the next one.
                assert_eq!(record(id).status, Status::Pending);
                next_block();
                next_block();
                assert_eq!(outcome(id), Outcome::TimedOut);
                assert_eq!(OPERATORS.map(bond), [BOND; 5]);
            }
        });
    }
}

#[test]
fn a_request_whose_passed_deadline_waits_for_the_sweep_is_not_drawn() {
    test(|| {
        // All blocks until their deadlines have the author of the requests' block.
        Author::set(Some(7));
        next_block();
        let first = Terms { patience: 3, ..Terms::of(SIGNED) }.accepted();
        let second = Terms { patience: 3, ..Terms::of(SIGNED) }.accepted();
        go_to(now() + 3);
        // One deadline per block, and both pass in the next one. What is still to be swept is in the
        // queue, and could be drawn.
        SweepBudget::set(Weight::from_parts(3, 0));
        Author::set(Some(8));
        next_block();
        for id in [first, second] {
            assert_eq!(outcome(id), Outcome::TimedOut);
            assert!(members(id).is_empty());
        }
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
    });
}

#[test]
fn a_large_committee_has_no_member_twice() {
    test(|| {
        let (id, members) =
            Terms { max_price: 5 * ASK, ..Terms::of(Assurance::Quorum { n: 5, k: 3 }) }.drawn();
        let different: BTreeSet<_> = members.iter().copied().collect();
        assert_eq!(different, OPERATORS.into_iter().collect());
        assert_eq!(record(id).members.len(), 5);
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
            if record(vain).rests_until < now() {
                let run = Terms::of(SIGNED).drawn().0;
                assert_ok!(include(result(run, honest, RIGHT)));
            }
            let before = record(vain).vain_draws;
            next_block();
            check_all();
            if record(vain).vain_draws > before {
                rests.push(record(vain).rests_until - now());
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
        go_to(record(vain).rests_until + 1);
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
                while record(vain).rests_until == 0 {
                    next_block();
                }
                assert_eq!(record(vain).rests_until - now(), 15 << vain_draws);
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
        go_to(record(quorum).rests_until + 1);
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
        let woken_at = record(vain).rests_until + 1;
        // All are busy again, and others wait.
        let run = at(2 * ASK).drawn().0;
        let others = [at(2 * ASK).accepted(), at(2 * ASK).accepted()];
        go_to(woken_at + 3);
        check_all();
        assert_eq!(others.map(|id| record(id).vain_draws), [0, 0]);
        assert_eq!((record(vain).vain_draws, record(vain).rests_until), (1, 0));
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
