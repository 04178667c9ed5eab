use assay_primitives::traits::Deposits;
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, DepositTotals, Error};

fn give_back(account: u64, amount: u128) {
    <Settlement as Deposits<u64>>::give_back(&account, amount);
}

#[test]
fn a_deposit_comes_back_in_parts_or_as_a_whole() {
    test(|| {
        take(OWNER, 700);
        take(OWNER, 50);
        assert_eq!(DepositTotals::<Test>::get(OWNER), 750);
        assert_eq!(free(OWNER), ENDOWMENT - 750);
        give_back(OWNER, 700);
        assert_eq!(free(OWNER), ENDOWMENT - 50);
        give_back(OWNER, 50);
        assert_eq!(free(OWNER), ENDOWMENT);
        assert!(!DepositTotals::<Test>::contains_key(OWNER));
    });
}

#[test]
fn no_more_comes_back_than_was_taken() {
    test(|| {
        take(OWNER, 700);
        lock(OWNER, 5_000);
        give_back(OWNER, 701);
        assert_eq!(free(OWNER), ENDOWMENT - 5_000);
        give_back(OWNER, 1);
        give_back(DEAD, 1);
        assert_eq!(free(OWNER), ENDOWMENT - 5_000);
        assert_eq!(free(DEAD), 0);
    });
}

#[test]
fn a_deposit_that_is_not_covered_is_refused() {
    test(|| {
        let try_take = <Settlement as Deposits<u64>>::take;
        assert_noop!(try_take(&OWNER, ENDOWMENT - ED + 1), Error::<Test>::DepositNotCovered);
        assert_noop!(try_take(&DEAD, 1), Error::<Test>::DepositNotCovered);
        assert_ok!(try_take(&OWNER, ENDOWMENT - ED));
    });
}

#[test]
fn a_deposit_of_nothing_leaves_no_entry() {
    test(|| {
        take(OWNER, 0);
        give_back(OWNER, 0);
        assert!(!DepositTotals::<Test>::contains_key(OWNER));
    });
}

#[test]
fn a_deposit_changes_hands() {
    test(|| {
        take(OWNER, 700);
        assert_ok!(<Settlement as Deposits<u64>>::hand_over(&OWNER, &SECOND, 300));
        assert_eq!(DepositTotals::<Test>::get(OWNER), 400);
        assert_eq!(DepositTotals::<Test>::get(SECOND), 300);
        assert_eq!(free(OWNER), ENDOWMENT - 400);
        assert_eq!(free(SECOND), ENDOWMENT - 300);
    });
}

#[test]
fn a_deposit_stays_where_it_is_if_the_new_owner_cannot_cover_it() {
    test(|| {
        take(OWNER, 700);
        assert_noop!(
            <Settlement as Deposits<u64>>::hand_over(&OWNER, &DEAD, 300),
            Error::<Test>::DepositNotCovered
        );
        assert_eq!(DepositTotals::<Test>::get(OWNER), 700);
    });
}
