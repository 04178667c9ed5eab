use assay_primitives::{operator::Offence, operator::Roles, traits::Operators as _, RequestId};
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Call, Error, Event, Operators as Registrations, Served, Servers, WorkerKeys};

#[test]
fn an_operator_leaves_and_gets_its_bond_back() {
    test(|| {
        bring_up(ALICE);
        assert_ok!(serve_with(ALICE, version(2), 100, 2, signed()));
        go_to(10);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        let until = 10 + UnbondingPeriod::get();
        System::assert_last_event(Event::Unbonding { operator: ALICE, until }.into());
        assert!(!Served::<Test>::contains_key(ALICE));
        assert_eq!(Servers::<Test>::iter().count(), 0);
        assert_eq!(money(ALICE), (ENDOWMENT - 5 * MIN_BOND, 5 * MIN_BOND));

        go_to(until - 1);
        assert_noop!(
            signed_call(ALICE, Call::withdraw_bond {}),
            Error::<Test>::UnbondingPeriodNotOver
        );
        go_to(until);
        assert_ok!(signed_call(ALICE, Call::withdraw_bond {}));
        System::assert_last_event(
            Event::BondWithdrawn { operator: ALICE, amount: 5 * MIN_BOND }.into(),
        );
        assert_eq!(money(ALICE), (ENDOWMENT, 0));
        assert!(!Registrations::<Test>::contains_key(ALICE));
        assert_eq!(WorkerKeys::<Test>::iter().count(), 0);
        // It may register again with the same key.
        register(ALICE);
    });
}

#[test]
fn past_keys_are_forgotten_when_the_bond_is_taken() {
    test(|| {
        register(ALICE);
        let (worker, possession) = worker(100, ALICE);
        assert_ok!(signed_call(ALICE, Call::set_worker { worker, possession }));
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        assert_eq!(WorkerKeys::<Test>::iter().count(), 2);
        go_to(1 + UnbondingPeriod::get());
        assert_ok!(signed_call(ALICE, Call::withdraw_bond {}));
        assert_eq!(WorkerKeys::<Test>::iter().count(), 0);
    });
}

#[test]
fn nobody_leaves_with_open_work() {
    test(|| {
        bring_up(ALICE);
        Operators::assign(&ALICE, RequestId(7), version(1), 0);
        assert_noop!(signed_call(ALICE, Call::unbond {}), Error::<Test>::OpenAssignments);
        Operators::unassign(&ALICE, version(1), &[RequestId(7)], false, 0);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
    });
}

#[test]
fn nothing_else_is_left_to_an_operator_that_leaves() {
    test(|| {
        bring_up(ALICE);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        let (worker, possession) = worker(100, ALICE);
        let refused = [
            Call::set_worker { worker: worker.clone(), possession },
            Call::add_bond { amount: 1 },
            Call::serve {
                version: version(1),
                ask: 1,
                concurrency: 1,
                response_blocks: 1,
                classes: signed(),
                max_royalty: MAX_ROYALTY,
            },
            Call::unbond {},
        ];
        for call in refused {
            assert_noop!(signed_call(ALICE, call), Error::<Test>::Unbonding);
        }
        assert_noop!(
            signed_call(ALICE, Call::withdraw { version: version(1) }),
            Error::<Test>::NotServing
        );
        assert_noop!(
            register_with(ALICE, Roles::INFERENCE, (worker, possession), MIN_BOND),
            Error::<Test>::AlreadyRegistered
        );
    });
}

#[test]
fn an_offence_found_while_unbonding_still_costs() {
    test(|| {
        bring_up(ALICE);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        assert_eq!(Operators::penalise(&ALICE, Offence::WrongResult, None), WRONG_RESULT);
        go_to(1 + UnbondingPeriod::get());
        assert_ok!(signed_call(ALICE, Call::withdraw_bond {}));
        assert_eq!(money(ALICE), (ENDOWMENT - WRONG_RESULT, 0));
    });
}

#[test]
fn an_operator_that_lost_everything_can_still_leave() {
    test(|| {
        bring_up(ALICE);
        Operators::penalise(&ALICE, Offence::Equivocation, None);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        go_to(1 + UnbondingPeriod::get());
        assert_ok!(signed_call(ALICE, Call::withdraw_bond {}));
        assert_eq!(money(ALICE), (ENDOWMENT - 5 * MIN_BOND, 0));
    });
}

#[test]
fn a_bond_is_taken_after_unbonding_only() {
    test(|| {
        assert_noop!(signed_call(ALICE, Call::unbond {}), Error::<Test>::NotRegistered);
        assert_noop!(signed_call(ALICE, Call::withdraw_bond {}), Error::<Test>::NotRegistered);
        register(ALICE);
        assert_noop!(signed_call(ALICE, Call::withdraw_bond {}), Error::<Test>::NotUnbonding);
    });
}
