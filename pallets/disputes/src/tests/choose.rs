use assay_dispute::Choice;
use assay_primitives::dispute::DisputeId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event};

#[test]
fn the_challenger_chooses_in_its_turn() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed();
        let choose = |account, choice| Disputes::choose(origin(account), id, choice);
        assert_noop!(choose(CHALLENGER, Choice::Operation(0)), Error::<Test>::OutOfTurn);
        answer(id, case.defender().answer(&stage(id)).unwrap());
        for other in [SECOND, STRANGER, OPERATOR] {
            assert_noop!(choose(other, Choice::Operation(0)), Error::<Test>::NotChallenger);
        }
        assert_noop!(
            Disputes::choose(frame_system::RawOrigin::None.into(), id, Choice::Operation(0)),
            DispatchError::BadOrigin
        );
        assert_noop!(choose(CHALLENGER, Choice::Leaf(0)), Error::<Test>::OutOfTurn);
        assert_noop!(choose(CHALLENGER, Choice::Tile(0)), Error::<Test>::OutOfTurn);
        let count = case.graph.plan().operations().len() as u16;
        assert_noop!(choose(CHALLENGER, Choice::Operation(count)), Error::<Test>::NoOperation);
        go_to(4);
        assert_ok!(choose(CHALLENGER, Choice::Operation(2)));
        assert_eq!(
            last_event().unwrap(),
            Event::Chosen { dispute: id, choice: Choice::Operation(2), deadline: 4 + RESPONSE }
        );
        // A second time.
        assert_noop!(choose(CHALLENGER, Choice::Operation(2)), Error::<Test>::OutOfTurn);
        answer(id, case.defender().answer(&stage(id)).unwrap());
        assert_noop!(choose(CHALLENGER, Choice::Tile(u32::MAX)), Error::<Test>::NoTile);
        let missing = Disputes::choose(origin(CHALLENGER), DisputeId(1), Choice::Tile(0));
        assert_noop!(missing, Error::<Test>::DisputeNotFound);
    });
}

#[test]
fn a_late_choice_is_refused() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed();
        answer(id, case.defender().answer(&stage(id)).unwrap());
        System::set_block_number(RESPONSE + 2);
        let choose = || Disputes::choose(origin(CHALLENGER), id, Choice::Operation(2));
        assert_noop!(choose(), Error::<Test>::DeadlinePassed);
        System::set_block_number(RESPONSE + 1);
        assert_ok!(choose());
    });
}

#[test]
fn a_version_without_an_architecture_cannot_be_disputed_further() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed();
        answer(id, case.defender().answer(&stage(id)).unwrap());
        Results::mutate(|results| results.get_mut(&REQUEST).unwrap().architecture.clear());
        let found = Disputes::choose(origin(CHALLENGER), id, Choice::Operation(2));
        assert_noop!(found, Error::<Test>::NoArchitecture);
    });
}
