//! What an operator shows counts in all disputes over its result.

use assay_dispute::{Choice, Stage, What};
use assay_primitives::RequestId;
use frame_support::{assert_noop, assert_ok, weights::Weight};

use crate::{mock::*, DisputeCause, Error, Event, Obsolete, OpenDisputes, Shown, ShownAt};

const LEAF_OR_TILE: [u8; 2] = [1, 5];
const OPEN: u8 = 6;

/// Two disputes in the same stage.
fn two_at(case: &Case, index: u8) -> [assay_primitives::dispute::DisputeId; 2] {
    let (first, second) = (case.disputed(), open(SECOND));
    for _ in 0..10 {
        if stage(first).encode_index() == index {
            break;
        }
        match case.defender().answer(&stage(first)) {
            Some(move_) => answer(first, move_),
            None => {
                let choice = choice_of(&case.witness(), &dispute(first)).unwrap();
                choose(first, choice);
                choose(second, choice);
            },
        }
    }
    assert_eq!(stage(first), stage(second));
    [first, second]
}

trait EncodeIndex {
    fn encode_index(&self) -> u8;
}

impl EncodeIndex for Stage {
    fn encode_index(&self) -> u8 {
        codec::Encode::encode(self)[0]
    }
}

#[test]
fn one_answer_takes_all_disputes_of_its_stage_on() {
    for (at, next) in [(0, LEAF_OR_TILE[0]), (4, LEAF_OR_TILE[1])] {
        test(|| {
            let case = Case::lying_from(3);
            let [first, second] = two_at(&case, at);
            let began = dispute(second).deadline - RESPONSE;
            go_to(began + 4);
            answer(first, case.defender().answer(&stage(first)).unwrap());
            for id in [first, second] {
                assert_eq!(stage(id).encode_index(), next);
                assert_eq!(dispute(id).deadline, began + 4 + RESPONSE);
            }
            // The sweep passes the height at which the operator would have lost the second one.
            go_to(began + RESPONSE + 2);
            assert_eq!(standing(), Standing::Open);
            assert_eq!(OpenDisputes::<Test>::get(second), Some(dispute(second)));
            // Both challengers go on.
            go_to(began + 4 + RESPONSE);
            for id in [first, second] {
                let choice = choice_of(&case.witness(), &dispute(id)).unwrap();
                choose(id, choice);
            }
        });
    }
}

#[test]
fn a_challenger_that_does_not_go_on_loses_at_its_own_deadline() {
    test(|| {
        let case = Case::honest();
        let [first, second] = two_at(&case, 0);
        go_to(5);
        answer(first, case.defender().answer(&stage(first)).unwrap());
        go_to(5 + RESPONSE);
        assert!(OpenDisputes::<Test>::contains_key(second));
        System::set_block_number(5 + RESPONSE + 1);
        let late = Disputes::choose(origin(SECOND), second, Choice::Operation(0));
        assert_noop!(late, Error::<Test>::DeadlinePassed);
        System::set_block_number(5 + RESPONSE);
        go_to(5 + RESPONSE + 1);
        assert!(!OpenDisputes::<Test>::contains_key(first));
        assert!(!OpenDisputes::<Test>::contains_key(second));
        assert_eq!(standing(), Standing::Upheld);
    });
}

#[test]
fn what_was_shown_is_skipped() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed_at(5);
        go_to(3);
        let late = open(SECOND);
        assert_eq!(stage(late), Stage::Operation);
        assert_eq!(dispute(late).deadline, 3 + RESPONSE);
        // The same operation: its bytes are there. Another one: they are not.
        choose(late, Choice::Operation(2));
        assert_eq!(stage(late), stage(id));
        let other = open(SECOND);
        choose(other, Choice::Operation(0));
        assert!(matches!(stage(other), Stage::Bytes { .. }));
        // The operator's silence counts in the other one only.
        let deadline = dispute(other).deadline;
        go_to(deadline + 1);
        assert_eq!(standing(), Standing::Rejected(SECOND));
    });
}

#[test]
fn one_opening_decides_all_disputes_of_its_stage() {
    // The operator is right.
    test(|| {
        let case = Case::honest();
        let other = Case::lying_from(3);
        let (first, second, third) = (case.disputed(), open(SECOND), open(STRANGER));
        play_to(first, 5, &case.defender(), &other.defender());
        play_to(second, 5, &case.defender(), &other.defender());
        play_to(third, 5, &case.defender(), &other.defender());
        let choice = choice_of(&other.defender(), &dispute(first)).unwrap();
        choose(first, choice);
        choose(second, choice);
        answer(first, case.defender().answer(&stage(first)).unwrap());
        assert!(!OpenDisputes::<Test>::contains_key(first));
        assert_eq!(standing(), Standing::Open);
        // No move counts in the second one, and nobody chooses the tile again.
        let opening = case.defender().answer(&stage(second)).unwrap();
        assert_noop!(
            Disputes::step(origin(STRANGER), second, opening.clone()),
            Error::<Test>::Decided
        );
        assert!(include(signed_answer(OPERATOR, second, opening)).is_err());
        let again = Disputes::choose(origin(STRANGER), third, choice);
        assert_noop!(again, Error::<Test>::TileComputed);
        assert_ok!(Disputes::close(origin(STRANGER), second));
        let bond = 2 * BOND;
        assert_eq!(
            last_event().unwrap(),
            Event::Lost {
                dispute: second,
                request: REQUEST,
                challenger: SECOND,
                cause: DisputeCause::Computed,
                forfeited: bond,
            }
        );
        assert_noop!(Disputes::close(origin(STRANGER), third), Error::<Test>::NotDecided);
    });
    // Without a call, the second dispute ends at its deadline.
    test(|| {
        let case = Case::honest();
        let other = Case::lying_from(3);
        let (first, second) = (case.disputed(), open(SECOND));
        play_to(first, OPEN, &case.defender(), &other.defender());
        play_to(second, OPEN, &case.defender(), &other.defender());
        answer(first, case.defender().answer(&stage(first)).unwrap());
        go_to(dispute(second).deadline + 1);
        assert_eq!(standing(), Standing::Upheld);
        assert_eq!(held(SECOND), 0);
    });
    // The operator is wrong: the first dispute is won, the others are void.
    test(|| {
        let case = Case::lying_from(3);
        let [first, second] = two_at(&case, OPEN);
        answer(first, case.defender().answer(&stage(first)).unwrap());
        assert_won(first, DisputeCause::Computed);
        assert_ok!(Disputes::close(origin(STRANGER), second));
        assert_eq!(last_event().unwrap(), Event::Void { dispute: second, spent: 0 });
    });
}

#[test]
fn what_was_shown_is_removed_with_the_last_dispute() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed_at(0);
        let late = open(SECOND);
        answer(id, case.defender().answer(&stage(id)).unwrap());
        go_to(5);
        choose(late, Choice::Operation(0));
        answer(late, case.defender().answer(&stage(late)).unwrap());
        assert_eq!(Shown::<Test>::iter().count(), 2);
        // The first one is lost; what was shown stays for the second.
        go_to(RESPONSE + 2);
        assert!(!OpenDisputes::<Test>::contains_key(id));
        assert_eq!(Shown::<Test>::iter().count(), 2);
        assert!(!Obsolete::<Test>::contains_key(REQUEST));
        // With the last one it is removed at once, as the budget allows it.
        go_to(dispute(late).deadline + 1);
        assert_eq!(Shown::<Test>::iter().count() + ShownAt::<Test>::iter().count(), 0);
        assert!(!Obsolete::<Test>::contains_key(REQUEST));
    });
}

#[test]
fn a_block_removes_as_much_as_its_budget_allows() {
    test(|| {
        Case::honest().submit();
        let shown = |operation| What::Bytes { operation, leaf: None };
        for operation in 0..40 {
            let data = assay_dispute::Shown::Bytes(Default::default());
            Disputes::note_shown(RequestId(9), shown(operation), Some(data));
        }
        Obsolete::<Test>::insert(RequestId(9), ());
        let left = || Shown::<Test>::iter().count();
        go_to(2);
        assert_eq!(left(), 40 - 16);
        SweepBudget::set(Weight::from_parts(3, 0));
        go_to(3);
        assert_eq!(left(), 40 - 16 - 3);
        SweepBudget::set(Weight::from_parts(100, 0));
        go_to(5);
        assert_eq!(left(), 0);
        assert!(!Obsolete::<Test>::contains_key(RequestId(9)));
    });
}

#[test]
fn a_result_that_is_disputed_again_keeps_what_is_left() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed_at(1);
        go_to(RESPONSE + 1);
        // The challenger loses by a computed tile, within a block.
        let other = Case::lying_from(3);
        play(id, &case.defender(), &other.defender());
        assert!(!OpenDisputes::<Test>::contains_key(id));
        assert!(Obsolete::<Test>::contains_key(REQUEST));
        let again = open(SECOND);
        assert!(!Obsolete::<Test>::contains_key(REQUEST));
        assert_eq!(stage(again), Stage::Operation);
        go_to(RESPONSE + 4);
        choose(again, Choice::Operation(2));
        assert!(matches!(stage(again), Stage::Tile { .. }));
    });
}
