//! When and among whom operators are drawn.

use std::collections::BTreeSet;

use assay_primitives::{
    operator::Offence, runtime_api::Status, traits::Operators as _, Assurance, BlockNumber, Digest,
    Draw, Outcome, RejectReason, RequestId,
};
use frame_support::{assert_noop, assert_ok, weights::Weight};

use super::worker::{commit, result};
use crate::{mock::*, Error, Event, QueueBounds, Waiting, MAX_DRAW_DELAY};

/// The seed of a draw, computed from what the docs of [`Draw`] say.
pub fn seed_of(blocks: impl IntoIterator<Item = BlockNumber>, id: RequestId) -> Digest {
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
pub fn without_randomness(blocks: u32) {
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
