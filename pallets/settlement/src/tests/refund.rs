use assay_primitives::{traits::Escrow, RequestId};
use frame_support::assert_ok;

use crate::{mock::*, Escrows, Event};

#[test]
fn everything_goes_back_to_the_payer() {
    test(|| {
        hold(1, PAYER, 400);
        hold(2, PAYER, 50);
        Settlement::refund(RequestId(1), 0);
        assert_eq!(free(PAYER), ENDOWMENT - 50);
        assert_eq!(in_escrow(PAYER), 50);
        assert!(!Escrows::<Test>::contains_key(RequestId(1)));
        assert_eq!(
            last_event(),
            Some(Event::Refunded { request: RequestId(1), payer: PAYER, fee: 0, amount: 400 })
        );
        Settlement::refund(RequestId(2), 0);
        assert_eq!(free(PAYER), ENDOWMENT);
    });
}

#[test]
fn nothing_held_is_nothing_refunded() {
    test(|| {
        hold(1, PAYER, 0);
        Settlement::refund(RequestId(1), 0);
        assert_eq!(free(PAYER), ENDOWMENT);
        assert!(!Escrows::<Test>::contains_key(RequestId(1)));
    });
}

#[test]
fn a_payer_with_nothing_else_left_gets_even_dust_back() {
    test(|| {
        hold(1, PAYER, 1);
        assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(PAYER), OPERATOR, false));
        Settlement::refund(RequestId(1), 0);
        assert_eq!(free(PAYER), ED + 1);
    });
}

#[test]
fn bonds_and_deposits_are_left_alone() {
    test(|| {
        hold(1, PAYER, 400);
        lock(PAYER, 30);
        take(PAYER, 2);
        Settlement::refund(RequestId(1), 0);
        assert_eq!(free(PAYER), ENDOWMENT - 32);
    });
}

#[test]
fn the_same_identifier_can_be_held_again_afterwards() {
    test(|| {
        hold(1, PAYER, 400);
        Settlement::refund(RequestId(1), 0);
        hold(1, OPERATOR, 10);
        assert_eq!(in_escrow(OPERATOR), 10);
    });
}

/// Only without debug assertions, with which it panics.
#[test]
#[cfg(not(debug_assertions))]
fn a_request_without_an_escrow_moves_nothing() {
    test(|| {
        hold(1, PAYER, 400);
        Settlement::refund(RequestId(2), 0);
        Settlement::refund(RequestId(1), 0);
        Settlement::refund(RequestId(1), 0);
        assert_eq!(free(PAYER), ENDOWMENT);
    });
}
