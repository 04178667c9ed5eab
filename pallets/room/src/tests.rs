use assay_primitives::traits::BlockRoom;
use frame_support::{dispatch::DispatchClass, traits::Hooks, weights::Weight};
use sp_runtime::TryRuntimeError;

use crate::{mock::*, Clocks, Filled, Part, RoomClocks};

/// Ends the block. `next_block` begins another one with nothing in it.
fn end_block() -> RoomClocks {
    Room::on_finalize(System::block_number());
    let clocks = Clocks::<Test>::get();
    next_block();
    clocks
}

fn part(weight: u64, bytes: u32) -> Part {
    Part { weight: Weight::from_parts(weight, 0), bytes }
}

/// What answers may fill, as numbers.
fn share() -> (u64, u32) {
    let limit = Room::answer_limit();
    (limit.weight.ref_time(), limit.bytes)
}

#[test]
fn answers_fill_their_share_and_no_more() {
    test(|| {
        let (weight, bytes) = share();
        let call = CallOverhead::get().ref_time();
        assert!(Room::fits_answer(Weight::from_parts(weight - call, 0), bytes));
        assert!(!Room::fits_answer(Weight::from_parts(weight - call + 1, 0), 0));
        assert!(!Room::fits_answer(Weight::zero(), bytes + 1));
        Room::note_answer(Weight::from_parts(weight - 13 - 3 * call, 0), 5);
        Room::note_answer(Weight::from_parts(10, 0), 6);
        assert_eq!(Filled::<Test>::get(), part(weight - 3 - call, 11));
        assert!(Room::fits_answer(Weight::from_parts(3, 0), bytes - 11));
        assert!(!Room::fits_answer(Weight::from_parts(4, 0), 0));
        assert!(!Room::fits_answer(Weight::zero(), bytes - 10));
    });
}

#[test]
fn the_next_block_has_the_whole_share_again() {
    test(|| {
        let (weight, bytes) = share();
        Room::note_answer(Weight::from_parts(weight, 0), bytes);
        end_block();
        assert_eq!(Filled::<Test>::get(), Part::default());
        let most = weight - CallOverhead::get().ref_time();
        assert!(Room::fits_answer(Weight::from_parts(most, 0), bytes));
    });
}

#[test]
fn only_blocks_with_room_for_another_answer_count() {
    test(|| {
        let (weight, bytes) = share();
        let largest = LargestAnswer::get();
        let most = weight - largest.weight.ref_time() - CallOverhead::get().ref_time();
        let before = Room::answer_blocks();
        // Room for exactly one more.
        Room::note_answer(Weight::from_parts(most, 0), bytes - largest.bytes);
        assert_eq!(end_block().answers, before + 1);
        // A unit too much of either.
        Room::note_answer(Weight::from_parts(most + 1, 0), 0);
        assert_eq!(end_block().answers, before + 1);
        Room::note_answer(Weight::zero(), bytes - largest.bytes + 1);
        assert_eq!(end_block().answers, before + 1);
        // Those blocks had room for moves.
        assert_eq!(end_block(), RoomClocks { answers: before + 2, moves: before + 4 });
    });
}

#[test]
fn moves_of_operators_fill_what_is_reserved_for_them_and_no_more() {
    test(|| {
        let (limit, call) = (Room::move_limit(), CallOverhead::get().ref_time());
        let most = limit.weight.ref_time() - call;
        assert!(Room::fits_move(Weight::from_parts(most, 0), limit.bytes));
        assert!(!Room::fits_move(Weight::from_parts(most + 1, 0), 0));
        assert!(!Room::fits_move(Weight::zero(), limit.bytes + 1));
        // A block in which the largest move fits once more counts, and one unit more is too much.
        let (largest, before) = (LargestMove::get(), end_block().moves);
        let left = limit.bytes - largest.bytes;
        Room::note_move(Weight::from_parts(most - largest.weight.ref_time(), 0), left);
        assert!(Room::fits_answer(Weight::zero(), share().1), "answers have their room");
        assert_eq!(end_block().moves, before + 1);
        Room::note_move(Weight::zero(), left + 1);
        assert_eq!(end_block().moves, before + 1);
        assert!(
            Room::fits_move(Weight::from_parts(most, 0), limit.bytes),
            "the next block has all"
        );
    });
}

#[test]
fn only_blocks_with_room_for_another_move_count() {
    test(|| {
        let limit = Room::move_limit();
        let largest = LargestMove::get();
        let before = Room::move_blocks();
        let left = limit.weight.saturating_sub(largest.weight);
        System::register_extra_weight_unchecked(left, DispatchClass::Operational);
        assert_eq!(end_block().moves, before + 1);
        let above = left.saturating_add(Weight::from_parts(1, 0));
        System::register_extra_weight_unchecked(above, DispatchClass::Operational);
        assert_eq!(end_block().moves, before + 1);
        // Ordinary transactions leave the reserve alone.
        System::register_extra_weight_unchecked(Weight::MAX, DispatchClass::Normal);
        assert_eq!(end_block(), RoomClocks { answers: before + 3, moves: before + 2 });
    });
}

#[test]
fn the_price_is_that_of_time_and_bytes() {
    test(|| {
        assert_eq!(Room::price(Weight::from_parts(7, 9), 3), 3_007);
        assert_eq!(Room::price(Weight::zero(), 0), 0);
    });
}

#[test]
fn clocks_that_are_ahead_of_the_chain_are_noticed() {
    new_test_ext().execute_with(|| {
        Clocks::<Test>::put(RoomClocks { answers: 0, moves: System::block_number() + 1 });
        assert_eq!(
            Room::do_try_state(),
            Err(TryRuntimeError::Other("more blocks with room are counted than there are blocks"))
        );
    });
}
