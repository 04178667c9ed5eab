use assay_primitives::traits::{DisputeBonds, Escrow};
use frame_support::{
    assert_noop, assert_ok,
    traits::{LockableCurrency, WithdrawReasons},
};
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

/// Locks money of an account as a vote does.
fn freeze(account: u64, amount: u128) {
    Balances::set_lock(*b"a lock  ", &account, amount, WithdrawReasons::all());
}

#[test]
fn locked_money_cannot_be_held() {
    test(|| {
        freeze(PAYER, 600_000);
        assert_noop!(try_hold(PAYER, 400_001), Error::<Test>::EscrowNotCovered);
        assert_ok!(try_hold(PAYER, 400_000));
        assert_noop!(try_hold(PAYER, 1), Error::<Test>::EscrowNotCovered);
        // What comes back can be held again.
        Settlement::refund(escrow(&PAYER, 400_000), 0);
        assert_noop!(try_hold(PAYER, 400_001), Error::<Test>::EscrowNotCovered);
        assert_ok!(try_hold(PAYER, 400_000));
        Balances::remove_lock(*b"a lock  ", &PAYER);
        assert_ok!(try_hold(PAYER, 1));
    });
}

/// Held money counts towards a lock, but an escrow can become somebody else's.
#[test]
fn what_is_held_for_requests_covers_no_lock() {
    test(|| {
        lock(PAYER, 300_000);
        freeze(PAYER, 600_000);
        // The bond covers half of the lock. The other half and the escrows share what is free.
        assert_ok!(try_hold(PAYER, 300_000));
        assert_noop!(try_hold(PAYER, 100_001), Error::<Test>::EscrowNotCovered);
        assert_ok!(try_hold(PAYER, 100_000));
        assert_noop!(try_hold(PAYER, 1), Error::<Test>::EscrowNotCovered);
        assert_eq!((free(PAYER), in_escrow(PAYER)), (300_000, 400_000));
    });
}

#[test]
fn escrows_and_bonds_of_disputes_share_what_is_not_locked() {
    test(|| {
        let put_up = <Settlement as DisputeBonds<u64>>::take;
        freeze(PAYER, 600_000);
        assert_ok!(try_hold(PAYER, 150_000));
        assert_noop!(put_up(&PAYER, 250_001), Error::<Test>::DisputeBondNotCovered);
        assert_ok!(put_up(&PAYER, 250_000));
        assert_noop!(put_up(&PAYER, 1), Error::<Test>::DisputeBondNotCovered);
        assert_noop!(try_hold(PAYER, 1), Error::<Test>::EscrowNotCovered);
        // The end of a dispute makes room for a request.
        <Settlement as DisputeBonds<u64>>::give_back(&PAYER, 50_000);
        assert_ok!(try_hold(PAYER, 50_000));
        assert_noop!(put_up(&PAYER, 1), Error::<Test>::DisputeBondNotCovered);
    });
}

/// What is locked after it was held is paid all the same, and nothing more is held.
#[test]
fn a_lock_of_held_money_stops_no_payment() {
    test(|| {
        hold(PAYER, 500_000);
        freeze(PAYER, 600_000);
        assert_noop!(try_hold(PAYER, 1), Error::<Test>::EscrowNotCovered);
        Settlement::refund(escrow(&PAYER, 500_000), 500_000);
        Issuance::mutate(|issuance| *issuance -= 500_000);
        assert_eq!((free(PAYER), in_escrow(PAYER)), (500_000, 0));
        assert_noop!(try_hold(PAYER, 1), Error::<Test>::EscrowNotCovered);
    });
}

#[test]
fn no_amount_overflows_beside_what_is_held() {
    test(|| {
        hold(PAYER, 10);
        freeze(PAYER, u128::MAX);
        for amount in [1, u128::MAX - 10, u128::MAX] {
            assert_noop!(try_hold(PAYER, amount), Error::<Test>::EscrowNotCovered);
        }
    });
}

/// Their owner cannot pay them to another account: what is locked may back them.
#[test]
fn bonds_and_deposits_can_be_locked_money() {
    test(|| {
        freeze(PAYER, ENDOWMENT);
        lock(PAYER, 400_000);
        take(PAYER, 300_000);
        assert_noop!(try_hold(PAYER, 1), Error::<Test>::EscrowNotCovered);
    });
}
