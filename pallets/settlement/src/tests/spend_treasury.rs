use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

use crate::{mock::*, Error, Event};

/// Gives the treasury 1,000 plancks over the existential deposit.
fn fill() {
    lock(OPERATOR, 1_000);
    <Settlement as assay_primitives::traits::Bonds<u64>>::slash(&OPERATOR, 1_000, None);
    assert_eq!(free(TREASURY), ED + 1_000);
}

fn spend(to: u64, amount: u128) -> sp_runtime::DispatchResult {
    Settlement::spend_treasury(RuntimeOrigin::root(), to, amount)
}

#[test]
fn only_the_admin_may_spend() {
    test(|| {
        fill();
        for origin in [RuntimeOrigin::signed(TREASURY), RuntimeOrigin::none()] {
            assert_noop!(Settlement::spend_treasury(origin, PAYER, 1), DispatchError::BadOrigin);
        }
    });
}

#[test]
fn the_admin_spends_from_the_treasury() {
    test(|| {
        fill();
        assert_ok!(spend(PAYER, 400));
        assert_eq!(free(PAYER), ENDOWMENT + 400);
        assert_eq!(free(TREASURY), ED + 600);
        assert_eq!(last_event(), Some(Event::TreasurySpent { to: PAYER, amount: 400 }));
    });
}

#[test]
fn the_treasury_keeps_the_existential_deposit() {
    test(|| {
        fill();
        for amount in [1_001, ED + 1_000] {
            assert_noop!(spend(PAYER, amount), Error::<Test>::TreasuryTooSmall);
        }
        assert_ok!(spend(PAYER, 1_000));
        assert_eq!(free(TREASURY), ED);
        assert_noop!(spend(PAYER, 1), Error::<Test>::TreasuryTooSmall);
    });
}

#[test]
fn nobody_spends_more_than_the_limit_of_its_origin() {
    test(|| {
        fill();
        for amount in [SpendLimit::get() + 1, u128::MAX] {
            assert_noop!(spend(PAYER, amount), Error::<Test>::SpendTooLarge);
        }
        assert_noop!(spend(PAYER, SpendLimit::get()), Error::<Test>::TreasuryTooSmall);
    });
}

#[test]
fn what_a_dead_account_cannot_receive_is_not_spent() {
    test(|| {
        fill();
        assert_noop!(spend(DEAD, ED - 1), TokenError::BelowMinimum);
        assert_ok!(spend(DEAD, ED));
        assert_eq!(free(DEAD), ED);
    });
}

#[test]
fn the_treasury_may_pay_itself() {
    test(|| {
        fill();
        assert_ok!(spend(TREASURY, 1_000));
        assert_eq!(free(TREASURY), ED + 1_000);
    });
}
