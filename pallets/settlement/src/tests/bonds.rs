use assay_primitives::{
    traits::{Bonds, SlashShare},
    Balance, BlockNumber,
};
use frame_support::{
    assert_noop, assert_ok,
    traits::{LockableCurrency, WithdrawReasons},
};

use crate::{mock::*, BondTotals, Call, Compensations, Error, Event, HoldReason};

fn bonded(account: u64) -> Balance {
    <Settlement as Bonds<u64>>::bonded(&account)
}

fn slash(account: u64, amount: Balance, harmed: Option<(u64, Balance)>) -> Balance {
    slash_with(account, amount, harmed, None)
}

fn slash_with(
    account: u64,
    amount: Balance,
    harmed: Option<(u64, Balance)>,
    claimable_from: Option<BlockNumber>,
) -> Balance {
    let share = harmed.as_ref().map(|(to, most)| SlashShare { to, most: *most, claimable_from });
    <Settlement as Bonds<u64>>::slash(&account, amount, share)
}

/// The event of a slash of 1,000.
fn slashed(compensation: Balance, claimable_from: Option<BlockNumber>) -> Event<Test> {
    Event::Slashed { account: OPERATOR, amount: 1_000, compensation, claimable_from }
}

fn compensation(account: u64) -> Balance {
    Settlement::held(HoldReason::Compensation, &account)
}

#[test]
fn a_bond_can_be_added_to_and_comes_back_as_a_whole() {
    test(|| {
        lock(OPERATOR, 5_000);
        lock(OPERATOR, 300);
        assert_eq!(bonded(OPERATOR), 5_300);
        assert_eq!(free(OPERATOR), ENDOWMENT - 5_300);
        assert_ok!(<Settlement as Bonds<u64>>::unlock(&OPERATOR), 5_300);
        assert_eq!(bonded(OPERATOR), 0);
        assert!(!BondTotals::<Test>::contains_key(OPERATOR));
        assert_eq!(free(OPERATOR), ENDOWMENT);
    });
}

#[test]
fn a_bond_that_is_not_covered_is_refused() {
    test(|| {
        let try_lock = <Settlement as Bonds<u64>>::lock;
        assert_noop!(try_lock(&OPERATOR, ENDOWMENT - ED + 1), Error::<Test>::BondNotCovered);
        assert_noop!(try_lock(&DEAD, 1), Error::<Test>::BondNotCovered);
        assert_ok!(try_lock(&OPERATOR, ENDOWMENT - ED));
        assert_noop!(try_lock(&OPERATOR, 1), Error::<Test>::BondNotCovered);
    });
}

#[test]
fn a_bond_of_nothing_leaves_no_entry() {
    test(|| {
        lock(OPERATOR, 0);
        assert!(!BondTotals::<Test>::contains_key(OPERATOR));
        assert_ok!(<Settlement as Bonds<u64>>::unlock(&OPERATOR), 0);
        assert_ok!(<Settlement as Bonds<u64>>::unlock(&DEAD), 0);
    });
}

#[test]
fn money_that_is_in_escrow_cannot_be_bonded_too() {
    test(|| {
        hold(OPERATOR, ENDOWMENT - ED - 10);
        assert_noop!(
            <Settlement as Bonds<u64>>::lock(&OPERATOR, 11),
            Error::<Test>::BondNotCovered
        );
        lock(OPERATOR, 10);
    });
}

#[test]
fn the_harmed_payer_comes_before_the_treasury() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 1_000, Some((PAYER, 400))), 1_000);
        assert_eq!(bonded(OPERATOR), 4_000);
        assert_eq!(free(PAYER), ENDOWMENT + 400);
        assert_eq!(free(TREASURY), ED + 600);
        assert_eq!(free(OPERATOR), ENDOWMENT - 5_000, "the free balance is not touched");
        assert_eq!(last_event(), Some(slashed(400, None)));
    });
}

#[test]
fn a_limit_above_the_slash_leaves_the_treasury_nothing() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 1_000, Some((PAYER, 1_001))), 1_000);
        assert_eq!(free(PAYER), ENDOWMENT + 1_000);
        assert_eq!(free(TREASURY), ED);
    });
}

#[test]
fn without_a_harmed_payer_the_treasury_gets_all() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 1_000, None), 1_000);
        assert_eq!(slash(OPERATOR, 1, Some((PAYER, 0))), 1);
        assert_eq!(free(TREASURY), ED + 1_001);
        assert_eq!(free(PAYER), ENDOWMENT);
    });
}

#[test]
fn a_slash_above_the_bond_takes_the_bond_and_no_more() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, u128::MAX, Some((PAYER, 4_000))), 5_000);
        assert_eq!(bonded(OPERATOR), 0);
        assert!(!BondTotals::<Test>::contains_key(OPERATOR));
        assert_eq!(free(PAYER), ENDOWMENT + 4_000);
        assert_eq!(free(TREASURY), ED + 1_000);
        assert_eq!(free(OPERATOR), ENDOWMENT - 5_000);
        assert_eq!(slash(OPERATOR, 1, Some((PAYER, 1))), 0, "nothing is left");
        assert_ok!(<Settlement as Bonds<u64>>::unlock(&OPERATOR), 0);
    });
}

#[test]
fn a_slash_of_nothing_is_no_event() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 0, Some((PAYER, 100))), 0);
        assert_eq!(slash(SECOND, 100, Some((PAYER, 100))), 0);
        assert_eq!(bonded(OPERATOR), 5_000);
        assert_eq!(last_event(), None);
    });
}

#[test]
fn nobody_is_compensated_out_of_the_own_bond() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 1_000, Some((OPERATOR, 1_000))), 1_000);
        assert_eq!(free(OPERATOR), ENDOWMENT - 5_000);
        assert_eq!(free(TREASURY), ED + 1_000);
    });
}

#[test]
fn a_dead_payer_that_cannot_receive_the_compensation_leaves_it_to_the_treasury() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 1_000, Some((DEAD, ED - 1))), 1_000);
        assert_eq!(free(DEAD), 0);
        assert_eq!(free(TREASURY), ED + 1_000);
        assert_eq!(last_event(), Some(slashed(0, None)));
    });
}

#[test]
fn a_compensation_of_an_existential_deposit_revives_a_dead_payer() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 1_000, Some((DEAD, ED))), 1_000);
        assert_eq!(free(DEAD), ED);
        assert_eq!(free(TREASURY), ED + 900);
    });
}

#[test]
fn what_a_dead_treasury_cannot_receive_stays_in_the_bond() {
    // Not through `test`: a treasury below the existential deposit breaks an invariant.
    new_test_ext().execute_with(|| {
        assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), TREASURY, 0));
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, 450, Some((PAYER, 400))), 400);
        assert_eq!(bonded(OPERATOR), 4_600);
        assert_eq!(free(PAYER), ENDOWMENT + 400);
    });
}

#[test]
fn a_slash_leaves_escrows_and_deposits_alone() {
    test(|| {
        hold(OPERATOR, 70);
        take(OPERATOR, 8);
        lock(OPERATOR, 5_000);
        assert_eq!(slash(OPERATOR, u128::MAX, None), 5_000);
        assert_eq!(in_escrow(OPERATOR), 70);
        assert_eq!(crate::DepositTotals::<Test>::get(OPERATOR), 8);
    });
}

#[test]
fn a_freeze_on_the_account_does_not_protect_its_bond() {
    test(|| {
        lock(OPERATOR, 5_000);
        Balances::set_lock(*b"frozen  ", &OPERATOR, ENDOWMENT, WithdrawReasons::all());
        assert_eq!(slash(OPERATOR, 5_000, Some((PAYER, 1_000))), 5_000);
        assert_eq!(free(PAYER), ENDOWMENT + 1_000);
        assert_eq!(free(TREASURY), ED + 4_000);
    });
}

#[test]
fn a_compensation_is_held_until_it_can_be_claimed() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash_with(OPERATOR, 1_000, Some((PAYER, 400)), Some(9)), 1_000);
        assert_eq!(last_event(), Some(slashed(400, Some(9))));
        assert_eq!(slash_with(OPERATOR, 1_000, Some((PAYER, 30)), Some(9)), 1_000);
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT, 430));
        assert_eq!(free(TREASURY), ED + 1_570);

        let claim =
            |claimable_from| signed_call(PAYER, Call::claim_compensation { claimable_from });
        assert_noop!(claim(8), Error::<Test>::NoCompensation);
        go_to(8);
        assert_noop!(claim(9), Error::<Test>::CompensationNotDue);
        go_to(9);
        assert_ok!(claim(9));
        assert_eq!(last_event(), Some(Event::CompensationClaimed { account: PAYER, amount: 430 }));
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT + 430, 0));
        assert_noop!(claim(9), Error::<Test>::NoCompensation);
    });
}

#[test]
fn a_payer_that_cannot_keep_the_existential_deposit_leaves_its_compensation_to_the_treasury() {
    test(|| {
        lock(OPERATOR, 5_000);
        assert_eq!(slash_with(OPERATOR, 1_000, Some((DEAD, 400)), Some(9)), 1_000);
        assert_eq!((free(DEAD), compensation(DEAD)), (0, 0));
        assert_eq!(Compensations::<Test>::iter().count(), 0);
        assert_eq!(free(TREASURY), ED + 1_000);
    });
}

#[test]
fn a_slash_at_once_and_one_that_is_held_do_not_mix() {
    test(|| {
        lock(OPERATOR, 5_000);
        slash_with(OPERATOR, 1_000, Some((PAYER, 100)), None);
        slash_with(OPERATOR, 1_000, Some((PAYER, 100)), Some(5));
        slash_with(OPERATOR, 1_000, Some((PAYER, 100)), Some(6));
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT + 100, 200));
        go_to(7);
        assert_ok!(signed_call(PAYER, Call::claim_compensation { claimable_from: 6 }));
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT + 200, 100));
    });
}
