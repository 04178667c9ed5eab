use assay_primitives::{traits::DisputeBonds, Balance};
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, DisputeTotals, Error, Event, HoldReason};

fn put_up(account: u64, amount: Balance) {
    assert_ok!(<Settlement as DisputeBonds<u64>>::take(&account, amount));
}

fn forfeit(account: u64, amount: Balance, harmed: u64, most: Balance) {
    <Settlement as DisputeBonds<u64>>::forfeit(&account, amount, (&harmed, most));
}

fn held(account: u64) -> Balance {
    <Settlement as DisputeBonds<u64>>::held(&account)
}

#[test]
fn what_is_put_up_comes_back_in_parts() {
    test(|| {
        put_up(PAYER, 500);
        put_up(PAYER, 300);
        assert_eq!((held(PAYER), free(PAYER)), (800, ENDOWMENT - 800));
        assert_eq!(Settlement::held(HoldReason::Dispute, &PAYER), 800);
        <Settlement as DisputeBonds<u64>>::give_back(&PAYER, 500);
        assert_eq!((held(PAYER), free(PAYER)), (300, ENDOWMENT - 300));
        // Never more than is held.
        <Settlement as DisputeBonds<u64>>::give_back(&PAYER, 500);
        assert_eq!((held(PAYER), free(PAYER)), (0, ENDOWMENT));
        assert!(!DisputeTotals::<Test>::contains_key(PAYER));
    });
}

#[test]
fn a_bond_that_is_not_covered_is_refused() {
    test(|| {
        let take = <Settlement as DisputeBonds<u64>>::take;
        let error = Error::<Test>::DisputeBondNotCovered;
        assert_noop!(take(&PAYER, ENDOWMENT - ED + 1), error);
        assert_noop!(take(&DEAD, 1), Error::<Test>::DisputeBondNotCovered);
    });
}

#[test]
fn what_is_forfeited_goes_to_the_harmed_and_the_treasury() {
    test(|| {
        put_up(PAYER, 2_001);
        forfeit(PAYER, 1_001, OPERATOR, 500);
        assert_eq!(held(PAYER), 1_000);
        assert_eq!(free(OPERATOR), ENDOWMENT + 500);
        assert_eq!(free(TREASURY), ED + 501);
        assert_eq!(
            last_event(),
            Some(Event::Forfeited { account: PAYER, amount: 1_001, compensation: 500 })
        );
        // Nobody forfeits more than is held, and what cannot be received goes to the treasury.
        forfeit(PAYER, 5_000, DEAD, ED - 1);
        assert_eq!((held(PAYER), free(DEAD)), (0, 0));
        assert_eq!(free(TREASURY), ED + 1_501);
    });
}

#[test]
fn who_disputes_itself_loses_the_treasurys_part() {
    test(|| {
        put_up(OPERATOR, 1_000);
        forfeit(OPERATOR, 1_000, OPERATOR, 500);
        assert_eq!(free(OPERATOR), ENDOWMENT - 500);
        assert_eq!(free(TREASURY), ED + 500);
    });
}

#[test]
fn a_book_that_is_not_what_is_held_is_noticed() {
    breaks("a dispute's bond is not what is held", || {
        put_up(PAYER, 500);
        DisputeTotals::<Test>::insert(PAYER, 501);
    });
}
