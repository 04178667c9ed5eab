use assay_primitives::{
    operator::Offence,
    traits::{Bonds, Operators as _},
    AssuranceClass, Balance, RequestId,
};
use frame_support::{assert_noop, assert_ok};
use pallet_settlement::HoldReason;

use crate::{mock::*, Call, Error, Event, COMPENSATION_STEP};

const BOND: Balance = 5 * MIN_BOND;

fn compensation(account: u64) -> Balance {
    Settlement::held(HoldReason::Compensation, &account)
}

fn locked(operator: u64) -> Balance {
    crate::Operators::<Test>::get(operator).unwrap().locked
}

/// Draws the operator for requests of this class.
fn draw(operator: u64, class: AssuranceClass, requests: core::ops::Range<u64>) -> Balance {
    let stake = Operators::stake(class, true);
    for request in requests {
        Operators::assign(&operator, RequestId(request), version(1), stake);
    }
    stake
}

#[test]
fn each_offence_has_its_penalty() {
    for (offence, cost) in [
        (Offence::WrongResult, WRONG_RESULT),
        (Offence::NoAnswer, NO_ANSWER),
        (Offence::Equivocation, BOND),
        (Offence::LostDispute, LOST_DISPUTE),
    ] {
        test(|| {
            register(ALICE);
            let before = money(ALICE).0;
            assert_eq!(Operators::penalise(&ALICE, offence, None), cost);
            assert_eq!(money(ALICE), (before, BOND - cost));
            assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT + cost);
            System::assert_last_event(
                Event::Penalised { operator: ALICE, offence, amount: cost }.into(),
            );
        });
    }
}

#[test]
fn the_stake_of_a_class_is_its_largest_penalty() {
    assert_eq!(Operators::stake(AssuranceClass::Signed, true), NO_ANSWER);
    assert_eq!(Operators::stake(AssuranceClass::Quorum, false), NO_ANSWER);
    assert_eq!(Operators::stake(AssuranceClass::Quorum, true), WRONG_RESULT + LOST_DISPUTE);
    assert_eq!(Operators::stake(AssuranceClass::Proof, true), WRONG_RESULT);
    assert_eq!(Operators::stake(AssuranceClass::Optimistic, true), WRONG_RESULT + LOST_DISPUTE);
}

#[test]
fn a_payer_gets_a_tenth_of_a_penalty_later_and_at_most_its_limit() {
    for (limit, expected) in [(30, 30), (Balance::MAX, WRONG_RESULT / 10)] {
        test(|| {
            register(ALICE);
            let taken = Operators::penalise(&ALICE, Offence::WrongResult, Some((&PAYER, limit)));
            assert_eq!(taken, WRONG_RESULT);
            assert_eq!((money(PAYER).0, compensation(PAYER)), (ENDOWMENT, expected));
            assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT + WRONG_RESULT - expected);
            // Not before an offence of now can no longer be reported.
            let claim =
                pallet_settlement::Call::claim_compensation { claimable_from: COMPENSATION_STEP };
            go_to(COMPENSATION_STEP - 1);
            assert_noop!(
                signed_call(PAYER, claim.clone()),
                pallet_settlement::Error::<Test>::CompensationNotDue
            );
            go_to(COMPENSATION_STEP);
            assert_ok!(signed_call(PAYER, claim));
            assert_eq!((money(PAYER).0, compensation(PAYER)), (ENDOWMENT + expected, 0));
        });
    }
}

#[test]
fn a_challenger_gets_its_reward_at_once() {
    test(|| {
        register(ALICE);
        let harmed = Some((&PAYER, Balance::MAX));
        assert_eq!(Operators::penalise(&ALICE, Offence::LostDispute, harmed), LOST_DISPUTE);
        assert_eq!(money(PAYER).0, ENDOWMENT + LOST_DISPUTE);
        assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT);
    });
}

#[test]
fn an_operator_is_not_compensated_out_of_its_own_bond() {
    test(|| {
        register(ALICE);
        let free = money(ALICE).0;
        Operators::penalise(&ALICE, Offence::NoAnswer, Some((&ALICE, Balance::MAX)));
        assert_eq!((money(ALICE), compensation(ALICE)), ((free, BOND - NO_ANSWER), 0));
        assert_eq!(money(TREASURY).0, EXISTENTIAL_DEPOSIT + NO_ANSWER);
    });
}

#[test]
fn who_has_no_bond_loses_nothing() {
    test(|| {
        register(ALICE);
        Operators::penalise(&ALICE, Offence::Equivocation, None);
        assert_eq!(Operators::penalise(&ALICE, Offence::Equivocation, None), 0);
        assert_eq!(Operators::penalise(&BOB, Offence::Equivocation, None), 0);
        assert_eq!(money(BOB), (ENDOWMENT, 0));
    });
}

#[test]
fn an_equivocation_takes_what_is_at_stake_when_it_is_released() {
    test(|| {
        bring_up(ALICE);
        let stake = draw(ALICE, AssuranceClass::Optimistic, 0..3);
        assert_eq!(locked(ALICE), 3 * stake);
        assert_eq!(Operators::unowed(&ALICE), BOND);
        let taken = Operators::penalise(&ALICE, Offence::Equivocation, None);
        assert_eq!(taken, BOND - 3 * stake);
        assert_eq!(Operators::unowed(&ALICE), 0, "it owes the stakes");
        assert_eq!(Settlement::bonded(&ALICE), 3 * stake);
        // A result at stake still has its whole penalty.
        Operators::penalise(&ALICE, Offence::WrongResult, Some((&PAYER, 20)));
        assert_eq!(compensation(PAYER), 20);
        Operators::unassign(&ALICE, version(1), &[RequestId(0)], false, 0);
        Operators::release(&ALICE, stake);
        assert_eq!(Settlement::bonded(&ALICE), 2 * stake);
        // So has what is added.
        assert_ok!(signed_call(ALICE, Call::add_bond { amount: 7 }));
        assert_eq!(Settlement::bonded(&ALICE), 2 * stake);
        for request in 1..3 {
            Operators::unassign(&ALICE, version(1), &[RequestId(request)], false, 0);
            Operators::release(&ALICE, stake);
        }
        assert_eq!(Settlement::bonded(&ALICE), 0);
        // The penalty for the wrong result paid nothing of the debt, the addition did.
        let owed = crate::Operators::<Test>::get(ALICE).unwrap().owed;
        assert_eq!(owed, WRONG_RESULT - 7);
    });
}

#[test]
fn nobody_withdraws_a_bond_that_is_at_stake() {
    test(|| {
        bring_up(ALICE);
        let stake = draw(ALICE, AssuranceClass::Optimistic, 0..1);
        // The operator has submitted its result, which can be disputed.
        Operators::unassign(&ALICE, version(1), &[RequestId(0)], false, 0);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        go_to(1 + UnbondingPeriod::get());
        assert_noop!(signed_call(ALICE, Call::withdraw_bond {}), Error::<Test>::BondAtStake);
        Operators::release(&ALICE, stake);
        assert_ok!(signed_call(ALICE, Call::withdraw_bond {}));
        assert_eq!(money(ALICE), (ENDOWMENT, 0));
    });
}
