use frame_support::{traits::OnInitialize, weights::Weight};

use crate::{mock::*, AgendaCursor, DisputeCause, Event, OpenDisputes};

#[test]
fn a_silent_operator_loses_in_each_of_its_stages() {
    // Roots, Bytes, Open.
    for index in [0, 4, 6] {
        test(|| {
            let case = Case::lying_from(3);
            let id = case.disputed_at(index);
            let deadline = dispute(id).deadline;
            go_to(deadline);
            assert_eq!(standing(), Standing::Open);
            go_to(deadline + 1);
            assert_won(id, DisputeCause::Silence);
            assert_eq!(held(CHALLENGER), 0);
        });
    }
}

#[test]
fn a_silent_challenger_loses_in_each_of_its_stages() {
    // Operation, Tile.
    for index in [1, 5] {
        test(|| {
            let case = Case::lying_from(3);
            let id = case.disputed_at(index);
            let deadline = dispute(id).deadline;
            go_to(deadline);
            assert!(OpenDisputes::<Test>::get(id).is_some());
            go_to(deadline + 1);
            assert_eq!(standing(), Standing::Upheld);
            assert!(matches!(
                last_event().unwrap(),
                Event::Lost { cause: DisputeCause::Silence, .. }
            ));
            assert_eq!(got(OPERATOR) + got(0), BOND);
        });
    }
}

#[test]
fn every_move_gives_the_next_one_its_whole_time() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed();
        let (defender, challenger) = (case.defender(), case.witness());
        let mut height = 1;
        for _ in 0..4 {
            // Each side moves at the last moment.
            height += RESPONSE;
            go_to(height);
            match defender.answer(&stage(id)) {
                Some(move_) => answer(id, move_),
                None => choose(id, choice_of(&challenger, &dispute(id)).unwrap()),
            }
            assert_eq!(dispute(id).deadline, height + RESPONSE);
        }
    });
}

#[test]
fn one_block_ends_as_many_disputes_as_its_budget_allows() {
    test(|| {
        let case = Case::honest();
        case.submit();
        // Each dispute takes 10 units: three fit into a block.
        SweepBudget::set(Weight::from_parts(35, 0));
        let ids: Vec<_> = (0..8).map(|_| open(CHALLENGER)).collect();
        answer(ids[0], case.defender().answer(&stage(ids[0])).unwrap());
        let open = || ids.iter().filter(|id| OpenDisputes::<Test>::contains_key(id)).count();
        go_to(1 + RESPONSE);
        assert_eq!(open(), 8);
        for left in [5, 2, 0, 0] {
            System::set_block_number(System::block_number() + 1);
            let spent = Disputes::on_initialize(System::block_number());
            assert_eq!(open(), left);
            assert!(spent.all_lte(SweepBudget::get()), "{spent:?}");
        }
        assert_eq!(AgendaCursor::<Test>::get(), System::block_number() + 1);
        assert_eq!(standing(), Standing::Upheld);
    });
}
