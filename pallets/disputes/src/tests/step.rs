use assay_dispute::Answer;
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, DisputeCause, Error, Event};

const OPEN: u8 = 6;

#[test]
fn anyone_may_show_what_the_tile_reads() {
    // A wrong result, shown by a stranger with the honest trace.
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed_at(OPEN);
        let opening = case.witness().answer(&stage(id)).unwrap();
        assert_ok!(Disputes::step(origin(STRANGER), id, opening));
        // The challenger gets the reward.
        assert_eq!(standing(), Standing::Rejected(CHALLENGER));
    });
    // A right result, shown in the same way.
    test(|| {
        let case = Case::honest();
        let id = case.disputed();
        play_to(id, OPEN, &case.defender(), &Case::lying_from(3).defender());
        let opening = case.witness().answer(&stage(id)).unwrap();
        assert_ok!(Disputes::step(origin(STRANGER), id, opening));
        assert_eq!(standing(), Standing::Upheld);
        assert!(matches!(last_event().unwrap(), Event::Lost { cause: DisputeCause::Computed, .. }));
    });
}

#[test]
fn an_opening_that_does_not_hold_changes_nothing() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed();
        let step = |opening: Answer| Disputes::step(origin(STRANGER), id, opening);
        let empty = || Answer::Opening(Default::default());
        assert_noop!(step(empty()), Error::<Test>::OutOfTurn);
        // Only the operator makes the operator's other moves.
        let roots = case.defender().answer(&stage(id)).unwrap();
        assert_noop!(step(roots), Error::<Test>::OutOfTurn);
        play_to(id, OPEN, &case.defender(), &case.witness());
        assert_noop!(step(empty()), Error::<Test>::OpeningRefused);
        assert_noop!(step(Answer::Roots(Default::default())), Error::<Test>::OutOfTurn);
        let Some(Answer::Opening(opening)) = case.witness().answer(&stage(id)) else { panic!() };
        for place in [0, opening.len() / 2, opening.len() - 1] {
            let mut changed = opening.clone();
            changed[place] ^= 1;
            assert_noop!(step(Answer::Opening(changed)), Error::<Test>::OpeningRefused);
        }
        System::set_block_number(RESPONSE + 2);
        assert_noop!(step(Answer::Opening(opening)), Error::<Test>::DeadlinePassed);
        System::set_block_number(1);
    });
}
