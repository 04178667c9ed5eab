use assay_primitives::dispute::DisputeId;
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Error, Event};

#[test]
fn anyone_closes_what_another_dispute_has_decided() {
    test(|| {
        let case = Case::lying_from(3);
        let (id, other) = (case.disputed(), open(SECOND));
        let close = |id| Disputes::close(origin(STRANGER), id);
        assert_noop!(close(other), Error::<Test>::NotDecided);
        play(id, &case.defender(), &case.witness());
        assert_eq!(held(SECOND), 2 * BOND);
        assert_ok!(close(other));
        assert_eq!(held(SECOND), 0);
        assert_eq!(last_event().unwrap(), Event::Void { dispute: other, spent: 0 });
        assert_noop!(close(other), Error::<Test>::DisputeNotFound);
        assert_noop!(close(DisputeId(7)), Error::<Test>::DisputeNotFound);
    });
}

#[test]
fn no_move_counts_after_the_decision() {
    test(|| {
        let case = Case::lying_from(3);
        let (id, other) = (case.disputed(), open(SECOND));
        answer(other, case.defender().answer(&stage(other)).unwrap());
        assert_eq!(stage(id), stage(other));
        play(id, &case.defender(), &case.witness());
        let choice = assay_dispute::Choice::Operation(2);
        assert_noop!(Disputes::choose(origin(SECOND), other, choice), Error::<Test>::Decided);
        assert_noop!(Disputes::open(origin(STRANGER), REQUEST, u128::MAX), Error::<Test>::NoResult);
    });
}
