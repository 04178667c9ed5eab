use assay_primitives::traits::Escrow;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::TokenError;

use crate::{mock::*, Error};

fn try_hold(payer: u64, amount: u128) -> sp_runtime::DispatchResult {
    <Settlement as Escrow<u64>>::hold(&payer, amount)
}

#[test]
fn held_money_stays_with_its_owner_but_cannot_be_spent() {
    test(|| {
        assert_ok!(try_hold(PAYER, 400_000));
        assert_eq!(free(PAYER), ENDOWMENT - 400_000);
        assert_eq!(in_escrow(PAYER), 400_000);
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
        assert_ok!(try_hold(PAYER, 400));
        assert_ok!(try_hold(PAYER, 50));
        assert_ok!(try_hold(OPERATOR, 7));
        assert_eq!(in_escrow(PAYER), 450);
        assert_eq!(in_escrow(OPERATOR), 7);
    });
}

#[test]
fn all_but_the_existential_deposit_can_be_held() {
    test(|| {
        assert_noop!(try_hold(PAYER, ENDOWMENT - ED + 1), Error::<Test>::EscrowNotCovered);
        assert_ok!(try_hold(PAYER, ENDOWMENT - ED));
        assert_eq!(free(PAYER), ED);
        assert_noop!(try_hold(PAYER, 1), Error::<Test>::EscrowNotCovered);
    });
}

#[test]
fn an_escrow_that_is_not_covered_leaves_nothing_behind() {
    test(|| {
        for amount in [ENDOWMENT, ENDOWMENT + 1, u128::MAX] {
            assert_noop!(try_hold(PAYER, amount), Error::<Test>::EscrowNotCovered);
        }
        assert_noop!(try_hold(DEAD, 1), Error::<Test>::EscrowNotCovered);
        assert_eq!(in_escrow(PAYER), 0);
        assert_eq!(free(PAYER), ENDOWMENT);
    });
}

#[test]
fn an_account_that_sends_everything_away_keeps_what_is_held() {
    test(|| {
        hold(PAYER, 400);
        lock(PAYER, 30);
        take(PAYER, 2);
        assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(PAYER), OPERATOR, false));
        assert_eq!(free(PAYER), ED, "an account with holds cannot be reaped");
        assert_eq!(in_escrow(PAYER), 400);
        assert_eq!(free(OPERATOR), 2 * ENDOWMENT - ED - 432);

        Settlement::refund(escrow(&PAYER, 400), 0);
        assert_eq!(free(PAYER), ED + 400);
    });
}
