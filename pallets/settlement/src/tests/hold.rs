use assay_primitives::{traits::Escrow, RequestId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;

use crate::{mock::*, Error, EscrowRecord, Escrows};

fn try_hold(request: u64, payer: u64, amount: u128) -> sp_runtime::DispatchResult {
    <Settlement as Escrow<u64>>::hold(RequestId(request), &payer, amount)
}

#[test]
fn held_money_stays_with_its_owner_but_cannot_be_spent() {
    test(|| {
        assert_ok!(try_hold(1, PAYER, 400_000));
        assert_eq!(free(PAYER), ENDOWMENT - 400_000);
        assert_eq!(in_escrow(PAYER), 400_000);
        assert_eq!(
            Escrows::<Test>::get(RequestId(1)),
            Some(EscrowRecord { payer: PAYER, amount: 400_000 })
        );
        assert_noop!(
            Balances::transfer_allow_death(
                RuntimeOrigin::signed(PAYER),
                OPERATOR,
                ENDOWMENT - 400_000 + 1
            ),
            TokenError::FundsUnavailable
        );
    });
}

#[test]
fn the_escrows_of_several_requests_add_up() {
    test(|| {
        assert_ok!(try_hold(1, PAYER, 400));
        assert_ok!(try_hold(2, PAYER, 50));
        assert_ok!(try_hold(3, OPERATOR, 7));
        assert_eq!(in_escrow(PAYER), 450);
        assert_eq!(in_escrow(OPERATOR), 7);
    });
}

#[test]
fn all_but_the_existential_deposit_can_be_held() {
    test(|| {
        assert_noop!(try_hold(1, PAYER, ENDOWMENT - ED + 1), Error::<Test>::EscrowNotCovered);
        assert_ok!(try_hold(1, PAYER, ENDOWMENT - ED));
        assert_eq!(free(PAYER), ED);
        assert_noop!(try_hold(2, PAYER, 1), Error::<Test>::EscrowNotCovered);
    });
}

#[test]
fn an_escrow_that_is_not_covered_leaves_nothing_behind() {
    test(|| {
        for amount in [ENDOWMENT, ENDOWMENT + 1, u128::MAX] {
            assert_noop!(try_hold(1, PAYER, amount), Error::<Test>::EscrowNotCovered);
        }
        assert_noop!(try_hold(1, DEAD, 1), Error::<Test>::EscrowNotCovered);
        assert!(!Escrows::<Test>::contains_key(RequestId(1)));
        assert_eq!(free(PAYER), ENDOWMENT);
    });
}

#[test]
fn a_request_has_one_escrow_at_most() {
    test(|| {
        assert_ok!(try_hold(1, PAYER, 400));
        assert_noop!(try_hold(1, PAYER, 400), Error::<Test>::EscrowExists);
        assert_noop!(try_hold(1, OPERATOR, 400), Error::<Test>::EscrowExists);
        assert_eq!(in_escrow(PAYER), 400);
        assert_eq!(in_escrow(OPERATOR), 0);
    });
}

#[test]
fn a_request_that_costs_nothing_has_an_escrow() {
    test(|| {
        assert_ok!(try_hold(1, PAYER, 0));
        assert!(Escrows::<Test>::contains_key(RequestId(1)));
        assert_noop!(try_hold(1, PAYER, 1), Error::<Test>::EscrowExists);
    });
}

#[test]
fn an_account_that_sends_everything_away_keeps_what_is_held() {
    test(|| {
        hold(1, PAYER, 400);
        lock(PAYER, 30);
        take(PAYER, 2);
        assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(PAYER), OPERATOR, false));
        assert_eq!(free(PAYER), ED, "an account with holds cannot be reaped");
        assert_eq!(in_escrow(PAYER), 400);
        assert_eq!(free(OPERATOR), 2 * ENDOWMENT - ED - 432);

        Settlement::refund(RequestId(1), 0);
        assert_eq!(free(PAYER), ED + 400);
    });
}
