//! Bonds that grow, the price of room, and time that counts only blocks with room.

use assay_primitives::{dispute::DisputeId, traits::WORKER_CALL_BYTES, RequestId};
use codec::Encode;
use frame_support::{
    assert_noop, assert_ok, dispatch::GetDispatchInfo, pallet_prelude::InvalidTransaction,
    traits::Authorize,
};

use crate::{authorize::refusal, mock::*, DisputeCause, Error, Event, OpenDisputes};

#[test]
fn the_bond_grows_with_the_open_disputes_over_the_result() {
    test(|| {
        let case = Case::honest();
        case.submit();
        case.submit_as(RequestId(8));
        for count in 1..=4 {
            assert_eq!(Disputes::next_bond(REQUEST), count * BOND);
            let id = open(CHALLENGER);
            assert_eq!(dispute(id).bond, count * BOND);
        }
        assert_eq!(held(CHALLENGER), 10 * BOND);
        assert_noop!(
            Disputes::open(origin(SECOND), REQUEST, 5 * BOND - 1),
            Error::<Test>::BondTooHigh
        );
        assert_eq!(Disputes::next_bond(RequestId(8)), BOND);
        // All but the last are lost.
        go_to(3);
        let late = crate::NextDispute::<Test>::get();
        assert_ok!(Disputes::open(origin(SECOND), REQUEST, 5 * BOND));
        answer(late, case.defender().answer(&stage(late)).unwrap());
        choose(late, assay_dispute::Choice::Operation(0));
        go_to(3 + RESPONSE);
        answer(late, case.defender().answer(&stage(late)).unwrap());
        go_to(3 + RESPONSE + 1);
        assert_eq!(got(OPERATOR) + got(0), 10 * BOND);
        assert_eq!(held(SECOND), 5 * BOND);
        assert_eq!(Disputes::next_bond(REQUEST), 2 * BOND);
    });
}

#[test]
fn a_move_for_which_a_block_has_no_room_waits_for_another_block() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed();
        let roots = case.defender().answer(&stage(id)).unwrap();
        let call = || signed_answer(OPERATOR, id, roots.clone());
        IsFull::set(true);
        assert_eq!(include(call()), Err(InvalidTransaction::ExhaustsResources.into()));
        assert_eq!(Moved::get(), 0);
        IsFull::set(false);
        include(call()).unwrap();
        assert_eq!(Moved::get(), roots.encoded_size() as u32 + WORKER_CALL_BYTES);
    });
}

#[test]
fn a_void_dispute_pays_for_the_operators_moves_in_it() {
    test(|| {
        let case = Case::lying_from(3);
        Price::set(100);
        let (id, other) = (case.disputed(), open(SECOND));
        // The first move is made in the other dispute, the rest in this one.
        answer(other, case.defender().answer(&stage(other)).unwrap());
        assert_eq!((dispute(id).spent, dispute(other).spent), (0, 100));
        play(id, &case.defender(), &case.witness());
        assert_won(id, DisputeCause::Computed);
        // Whoever wins pays nothing.
        assert_eq!((held(CHALLENGER), got(0)), (0, 0));
        assert_ok!(Disputes::close(origin(STRANGER), other));
        assert_eq!(last_event().unwrap(), Event::Void { dispute: other, spent: 100 });
        assert_eq!((held(SECOND), got(0), got(OPERATOR)), (0, 100, 0));
    });
    // Never more than the bond.
    test(|| {
        let case = Case::lying_from(3);
        Price::set(3 * BOND);
        let (id, other) = (case.disputed(), open(SECOND));
        answer(other, case.defender().answer(&stage(other)).unwrap());
        assert_eq!(dispute(other).spent, 2 * BOND);
        play(id, &case.defender(), &case.witness());
        assert_ok!(Disputes::close(origin(STRANGER), other));
        assert_eq!((held(SECOND), got(0)), (0, 2 * BOND));
    });
}

#[test]
fn the_price_of_a_move_is_that_of_all_the_weight_that_its_call_takes() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed();
        let call = signed_answer(OPERATOR, id, case.defender().answer(&stage(id)).unwrap());
        let weight = call.get_dispatch_info().call_weight + call.weight_of_authorize();
        include(call).unwrap();
        assert_eq!(Priced::get(), weight);
    });
}

/// Blocks from now until the height, without room for a move.
fn full_until(height: u32) {
    while System::block_number() < height {
        FullBlocks::mutate(|full| *full += 1);
        go_to(System::block_number() + 1);
    }
}

#[test]
fn blocks_without_room_do_not_count() {
    for index in [0, 1, 4, 5, 6] {
        test(|| {
            let case = Case::lying_from(3);
            let id = case.disputed_at(index);
            let deadline = dispute(id).deadline;
            // Three blocks have room, the others are full.
            go_to(deadline - RESPONSE + 3);
            full_until(deadline + 20);
            let dispute_now = OpenDisputes::<Test>::get(id).unwrap();
            assert!(dispute_now.deadline >= deadline + 20, "{index}: {dispute_now:?}");
            // The party still has seven blocks with room, and uses the last one.
            go_to(deadline + 20 + RESPONSE - 3);
            match case.defender().answer(&stage(id)) {
                Some(move_) => answer(id, move_),
                None => choose(id, choice_of(&case.witness(), &dispute(id)).unwrap()),
            }
        });
    }
}

#[test]
fn a_party_that_lets_the_room_pass_loses() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed_at(0);
        full_until(40);
        // From here on, as much time as without full blocks.
        go_to(40 + RESPONSE);
        assert_eq!(standing(), Standing::Open);
        assert!(OpenDisputes::<Test>::contains_key(id));
        go_to(40 + RESPONSE + 1);
        assert_won(id, DisputeCause::Silence);
    });
}

#[test]
fn a_move_counts_before_the_sweep_has_extended_its_time() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed_at(0);
        let roots = signed_answer(OPERATOR, id, case.defender().answer(&stage(id)).unwrap());
        // Past the deadline, before the hook. One block was full.
        System::set_block_number(RESPONSE + 2);
        let late = include(roots.clone()).map(drop);
        assert_eq!(late, Err(assay_pallet_support::refuse(refusal::TOO_LATE)));
        FullBlocks::set(2);
        include(roots).unwrap();
        // The same for the challenger.
        System::set_block_number(2 * RESPONSE + 3);
        let choice = assay_dispute::Choice::Operation(2);
        let choose = || Disputes::choose(origin(CHALLENGER), id, choice);
        assert_noop!(choose(), Error::<Test>::DeadlinePassed);
        FullBlocks::set(4);
        assert_ok!(choose());
        System::set_block_number(2);
        // The agenda must not be behind the height.
        go_to(3);
    });
}

#[test]
fn disputes_are_found_by_party_and_by_request() {
    test(|| {
        let case = Case::honest();
        case.submit();
        let other = RequestId(8);
        case.submit_as(other);
        let mut ids: Vec<_> = (0..70).map(|_| open(CHALLENGER)).collect();
        assert_ok!(Disputes::open(origin(SECOND), other, u128::MAX));
        let of_second = DisputeId(70);
        assert_eq!(Disputes::disputes_of(&SECOND, None, 9), [of_second]);
        assert_eq!(Disputes::open_disputes(Some(other), 9), [of_second]);
        assert_eq!(Disputes::open_disputes(Some(REQUEST), 100), ids);
        assert_eq!(Disputes::open_disputes(None, 100).len(), 71);
        assert_eq!(Disputes::open_disputes(None, 5).len(), 5);
        // In pages, each once.
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = Disputes::disputes_of(&OPERATOR, after, 16);
            assert!(page.len() <= 16);
            let Some(last) = page.last() else { break };
            after = Some(*last);
            all.extend(page);
        }
        all.sort_unstable();
        ids.push(of_second);
        assert_eq!(all, ids);
        assert_eq!(Disputes::disputes_of(&STRANGER, None, 9), []);
    });
}
