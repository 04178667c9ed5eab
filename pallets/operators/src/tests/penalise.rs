use assay_primitives::{
    operator::Offence,
    traits::{Bonds, Operators as _},
    Balance,
};
use frame_support::assert_ok;

use crate::{mock::*, Event};

const BOND: Balance = 5 * MIN_BOND;

#[test]
fn each_offence_costs_its_share_of_the_bond() {
    for (offence, cost) in [
        (Offence::WrongResult, BOND / 2),
        (Offence::NoAnswer, BOND / 10),
        (Offence::Equivocation, BOND),
        (Offence::LostDispute, BOND / 5),
    ] {
        test(|| {
            register(ALICE);
            let before = money(ALICE).0;
            assert_eq!(Operators::penalise(&ALICE, offence, None), cost);
            assert_eq!(money(ALICE), (before, BOND - cost));
            assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT + cost);
            System::assert_last_event(
                Event::Penalised { operator: ALICE, offence, amount: cost }.into(),
            );
        });
    }
}

#[test]
fn a_share_is_rounded_down() {
    test(|| {
        assert_ok!(register_with(
            ALICE,
            assay_primitives::operator::Roles::INFERENCE,
            worker(ALICE, ALICE),
            1_009
        ));
        assert_eq!(Operators::penalise(&ALICE, Offence::NoAnswer, None), 100);
        assert_eq!(Settlement::bonded(&ALICE), 909);
    });
}

#[test]
fn the_harmed_payer_comes_first_up_to_its_limit() {
    test(|| {
        register(ALICE);
        let taken = Operators::penalise(&ALICE, Offence::WrongResult, Some((&PAYER, 300)));
        assert_eq!(taken, BOND / 2);
        assert_eq!(money(PAYER).0, ENDOWMENT + 300);
        assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT + BOND / 2 - 300);
    });
}

#[test]
fn the_harmed_payer_gets_no_more_than_the_penalty() {
    test(|| {
        register(ALICE);
        let harmed = Some((&PAYER, Balance::MAX));
        assert_eq!(Operators::penalise(&ALICE, Offence::NoAnswer, harmed), BOND / 10);
        assert_eq!(money(PAYER).0, ENDOWMENT + BOND / 10);
        assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn an_operator_is_not_compensated_out_of_its_own_bond() {
    test(|| {
        register(ALICE);
        let free = money(ALICE).0;
        Operators::penalise(&ALICE, Offence::NoAnswer, Some((&ALICE, Balance::MAX)));
        assert_eq!(money(ALICE), (free, BOND - BOND / 10));
        assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT + BOND / 10);
    });
}

#[test]
fn who_has_no_bond_loses_nothing() {
    test(|| {
        register(ALICE);
        Operators::penalise(&ALICE, Offence::Equivocation, None);
        assert_eq!(Operators::penalise(&ALICE, Offence::Equivocation, None), 0);
        assert_eq!(Operators::penalise(&BOB, Offence::Equivocation, None), 0);
        assert_eq!(money(BOB), (ENDOWMENT, 0));
    });
}
