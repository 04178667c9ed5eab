use assay_primitives::{traits::Escrow, RequestId};
use frame_support::assert_ok;

use crate::{mock::*, Event};

#[test]
fn everything_goes_back_to_the_payer() {
    test(|| {
        hold(PAYER, 400);
        hold(PAYER, 50);
        Settlement::refund(escrow(&PAYER, 400), 0);
        assert_eq!(free(PAYER), ENDOWMENT - 50);
        assert_eq!(in_escrow(PAYER), 50);
        assert_eq!(
            last_event(),
            Some(Event::Refunded { request: RequestId(1), payer: PAYER, fee: 0, amount: 400 })
        );
        Settlement::refund(escrow(&PAYER, 50), 0);
        assert_eq!(free(PAYER), ENDOWMENT);
    });
}

#[test]
fn nothing_held_is_nothing_refunded() {
    test(|| {
        hold(PAYER, 0);
        Settlement::refund(escrow(&PAYER, 0), 0);
        assert_eq!(free(PAYER), ENDOWMENT);
    });
}

#[test]
fn a_payer_with_nothing_else_left_gets_even_dust_back() {
    test(|| {
        hold(PAYER, 1);
        assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(PAYER), OPERATOR, false));
        Settlement::refund(escrow(&PAYER, 1), 0);
        assert_eq!(free(PAYER), ED + 1);
    });
}

#[test]
fn bonds_and_deposits_are_left_alone() {
    test(|| {
        hold(PAYER, 400);
        lock(PAYER, 30);
        take(PAYER, 2);
        Settlement::refund(escrow(&PAYER, 400), 0);
        assert_eq!(free(PAYER), ENDOWMENT - 32);
    });
}

/// Only without debug assertions, with which it panics.
#[test]
#[cfg(not(debug_assertions))]
fn more_than_is_held_moves_nothing() {
    test(|| {
        hold(PAYER, 400);
        Settlement::refund(escrow(&PAYER, 401), 0);
        assert_eq!(in_escrow(PAYER), 400);
        assert_eq!(free(PAYER), ENDOWMENT - 400);
    });
}
