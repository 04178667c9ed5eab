use assay_primitives::traits::BlockRoom;
use frame_support::{
    dispatch::DispatchClass,
    traits::{Get, Hooks},
    weights::Weight,
};
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
        frame_support::hypothetically!({
            Room::note_move(Weight::from_parts(most - call - 3, 0), limit.bytes - 5);
            assert!(Room::fits_move(Weight::from_parts(3, 0), 5));
            assert!(!Room::fits_move(Weight::from_parts(4, 0), 0));
            assert!(!Room::fits_move(Weight::zero(), 6));
        });
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

/// Ends a block of each author. Returns which of them each clock counts.
fn counted(authors: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (mut answers, mut moves) = (Vec::new(), Vec::new());
    for author in authors {
        let before = Clocks::<Test>::get();
        Author::set(Some(*author));
        let after = end_block();
        answers.extend((after.answers > before.answers).then_some(*author));
        moves.extend((after.moves > before.moves).then_some(*author));
    }
    (answers, moves)
}

#[test]
fn authors_that_may_be_faulty_do_not_count_in_succession() {
    for (authorities, apart) in [(0, 0), (1, 0), (3, 0), (4, 1), (6, 1), (7, 2), (13, 4), (90, 4)] {
        Authorities::set(authorities);
        assert_eq!(Room::apart(), apart, "{authorities} authorities");
    }
    let both = |authors: &[u32]| (authors.to_vec(), authors.to_vec());
    test(|| {
        Authorities::set(3);
        assert_eq!(counted(&[0, 0, 0]), both(&[0, 0, 0]));
        Authorities::set(4);
        assert_eq!(counted(&[0, 0, 0, 1, 1, 0, 1]), both(&[0, 1, 0, 1]));
        Authorities::set(7);
        assert_eq!(counted(&[2, 3, 2, 3, 2, 4, 3, 2]), both(&[2, 3, 4, 2]));
        Authorities::set(100);
        let successive = [5, 6, 7, 8, 9, 5, 5, 6, 9, 7];
        assert_eq!(counted(&successive), both(&[5, 6, 7, 8, 9, 5, 6, 7]));
        // What is not known to be of the same author counts.
        Author::set(None);
        let before = end_block().answers;
        assert_eq!(end_block().answers, before + 1);
    });
}

/// Between two own blocks that count there has to be one of another author with room.
#[test]
fn who_fills_the_blocks_of_others_does_not_count_alone() {
    test(|| {
        Authorities::set(4);
        let (weight, bytes) = share();
        assert_eq!(counted(&[1]).0, [1]);
        for _ in 0..5 {
            Room::note_answer(Weight::from_parts(weight, 0), bytes);
            assert_eq!(counted(&[2, 1]), (Vec::new(), vec![2, 1]));
        }
        assert_eq!(counted(&[2, 1]).0, [2, 1]);
    });
}

#[test]
fn what_comes_before_the_answers_leaves_them_room() {
    test(|| {
        let weights: frame_system::limits::BlockWeights =
            <Test as frame_system::Config>::BlockWeights::get();
        let whole = weights.max_block;
        let largest = LargestAnswer::get().weight;
        let limit = Room::move_limit().weight;
        let use_up = |weight: Weight, class| {
            System::register_extra_weight_unchecked(weight, class);
        };
        let before = end_block().answers;
        let most = whole.saturating_sub(largest);
        use_up(most, DispatchClass::Mandatory);
        assert_eq!(end_block().answers, before + 1);
        use_up(most.saturating_add(Weight::from_parts(1, 0)), DispatchClass::Mandatory);
        assert_eq!(end_block().answers, before + 1);
        // Moves take what is reserved for them; other operational calls come after the answers.
        use_up(most.saturating_sub(limit), DispatchClass::Mandatory);
        use_up(Weight::MAX, DispatchClass::Operational);
        assert_eq!(end_block().answers, before + 2);
        use_up(most.saturating_sub(limit), DispatchClass::Mandatory);
        use_up(limit, DispatchClass::Operational);
        Room::note_answer(Weight::zero(), 0);
        assert_eq!(end_block().answers, before + 2);
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
