use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Call, Error, Event};

#[test]
fn a_bond_can_be_added_to() {
    test(|| {
        register(ALICE);
        let (free, bond) = money(ALICE);
        assert_ok!(signed_call(ALICE, Call::add_bond { amount: 700 }));
        assert_eq!(money(ALICE), (free - 700, bond + 700));
        System::assert_last_event(Event::BondAdded { operator: ALICE, amount: 700 }.into());
    });
}

#[test]
fn what_is_added_has_to_be_covered() {
    test(|| {
        register(ALICE);
        let (free, bond) = money(ALICE);
        let most = free - EXISTENTIAL_DEPOSIT;
        assert_noop!(
            signed_call(ALICE, Call::add_bond { amount: most + 1 }),
            pallet_settlement::Error::<Test>::BondNotCovered
        );
        assert_ok!(signed_call(ALICE, Call::add_bond { amount: most }));
        assert_eq!(money(ALICE), (EXISTENTIAL_DEPOSIT, bond + most));
    });
}

#[test]
fn a_stranger_has_no_bond_to_add_to() {
    test(|| {
        assert_noop!(
            signed_call(ALICE, Call::add_bond { amount: 700 }),
            Error::<Test>::NotRegistered
        );
    });
}
