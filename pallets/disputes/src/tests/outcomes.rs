use frame_support::assert_ok;

use crate::{mock::*, Counts, DisputeCause, Event, OpenDisputes, Verdict, Verdicts};

#[test]
fn a_lie_in_any_tensor_is_found_and_the_result_rejected() {
    for tensor in 1..=5 {
        test(|| {
            let case = Case::lying_from(tensor);
            let id = case.disputed();
            assert_eq!(play(id, &case.defender(), &case.witness()), 5, "{tensor}");
            assert_won(id, DisputeCause::Computed);
            assert_eq!(held(CHALLENGER), 0);
            assert_eq!(got(OPERATOR), 0);
            assert!(OpenDisputes::<Test>::get(id).is_none());
        });
    }
}

#[test]
fn a_false_dispute_loses_its_bond() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed();
        // The challenger has another trace and finds differences.
        let other = Case::lying_from(3);
        assert_eq!(play(id, &case.defender(), &other.defender()), 5);
        assert_eq!(standing(), Standing::Upheld);
        assert_eq!(held(CHALLENGER), 0);
        assert_eq!((got(OPERATOR), got(0)), (BOND / 2, BOND - BOND / 2));
        assert_eq!(
            last_event().unwrap(),
            Event::Lost {
                dispute: id,
                request: REQUEST,
                challenger: CHALLENGER,
                cause: DisputeCause::Computed,
                forfeited: BOND,
            }
        );
    });
}

/// An operator that disputes its own result and loses on purpose does not keep others from winning.
#[test]
fn a_lost_dispute_does_not_protect_a_lie() {
    test(|| {
        let case = Case::lying_from(3);
        case.submit();
        let sham = open(STRANGER);
        let real = open(CHALLENGER);
        let late = open(SECOND);
        // The sham challenger does not move on its turn, and loses.
        answer(sham, case.defender().answer(&stage(sham)).unwrap());
        go_to(5);
        play_to(real, 5, &case.defender(), &case.witness());
        assert_eq!(stage(late), assay_dispute::Stage::Operation);
        choose(late, assay_dispute::Choice::Operation(2));
        go_to(RESPONSE + 2);
        assert!(OpenDisputes::<Test>::get(sham).is_none());
        assert_eq!(standing(), Standing::Open);
        play(real, &case.defender(), &case.witness());
        assert_eq!(standing(), Standing::Rejected(CHALLENGER));
        // The third challenger's bond is returned, although it made no move.
        assert_eq!(Verdicts::<Test>::get(REQUEST), Some(Verdict::Wrong));
        assert_ok!(Disputes::do_try_state());
        go_to(5 + RESPONSE + 1);
        assert_eq!(last_event().unwrap(), Event::Void { dispute: late, spent: 0 });
        assert_eq!((held(CHALLENGER), held(SECOND), held(STRANGER)), (0, 0, 0));
        assert_eq!(got(OPERATOR) + got(0), BOND);
        assert_eq!(Counts::<Test>::get(REQUEST), 0);
        assert_eq!(Verdicts::<Test>::get(REQUEST), None);
    });
}

#[test]
fn a_result_is_upheld_when_the_last_dispute_is_lost() {
    test(|| {
        let case = Case::honest();
        let first = case.disputed();
        go_to(3);
        let second = open(SECOND);
        answer(first, case.defender().answer(&stage(first)).unwrap());
        choose(second, assay_dispute::Choice::Operation(0));
        go_to(3 + RESPONSE);
        answer(second, case.defender().answer(&stage(second)).unwrap());
        go_to(3 + RESPONSE + 1);
        assert!(OpenDisputes::<Test>::get(first).is_none());
        assert_eq!(standing(), Standing::Open);
        go_to(3 + 2 * RESPONSE + 1);
        assert_eq!(standing(), Standing::Upheld);
        assert_eq!(got(OPERATOR), BOND / 2 + (2 * BOND) / 2);
    });
}

#[test]
fn disputes_over_different_results_are_apart() {
    test(|| {
        let (case, honest) = (Case::lying_from(2), Case::honest());
        case.submit();
        let other = assay_primitives::RequestId(8);
        honest.submit_as(other);
        let id = open(CHALLENGER);
        assert_ok!(Disputes::open(origin(SECOND), other, u128::MAX));
        play(id, &case.defender(), &case.witness());
        assert_eq!(standing(), Standing::Rejected(CHALLENGER));
        assert_eq!(Results::get()[&other].standing, Standing::Open);
        assert_eq!(Counts::<Test>::get(other), 1);
    });
}
