//! `try_state` finds each kind of broken state.

use frame_support::{
    assert_ok,
    traits::fungible::{Mutate, MutateHold},
};

use crate::{mock::*, BondTotals, DepositTotals, HoldReason};

const BOND: &str = "a bond is not what is held";
const DEPOSIT: &str = "a deposit is not what is held";
const ZERO: &str = "a stored total is zero";

/// Changes a hold without the pallet's records.
fn hold_unbooked(reason: HoldReason, account: u64, amount: u128) {
    assert_ok!(<Balances as MutateHold<u64>>::hold(&reason.into(), &account, amount));
}

#[test]
fn a_bond_that_is_not_held_is_noticed() {
    breaks(BOND, || {
        lock(OPERATOR, 5);
        BondTotals::<Test>::insert(OPERATOR, 6);
    });
    breaks(BOND, || BondTotals::<Test>::insert(DEAD, 6));
}

#[test]
fn a_bond_that_is_not_booked_is_noticed() {
    breaks(BOND, || hold_unbooked(HoldReason::Bond, SECOND, 5));
}

#[test]
fn a_deposit_that_is_not_held_is_noticed() {
    breaks(DEPOSIT, || {
        take(OWNER, 5);
        DepositTotals::<Test>::insert(OWNER, 4);
    });
}

#[test]
fn a_deposit_that_is_not_booked_is_noticed() {
    breaks(DEPOSIT, || hold_unbooked(HoldReason::Deposit, SECOND, 5));
}

#[test]
fn a_total_of_zero_is_noticed() {
    breaks(ZERO, || BondTotals::<Test>::insert(PAYER, 0));
    breaks(ZERO, || DepositTotals::<Test>::insert(PAYER, 0));
}

#[test]
fn a_treasury_that_cannot_receive_dust_is_noticed() {
    breaks("the treasury is below the existential deposit", || {
        <Balances as Mutate<u64>>::set_balance(&TREASURY, 0);
    });
}
