use assay_primitives::{operator::Roles, Digest, Possession, Statement, WorkerSignature};
use frame_support::{assert_noop, assert_ok};
use sp_application_crypto::Pair as _;
use sp_runtime::{traits::Dispatchable, DispatchError};

use crate::{mock::*, Error, Event, Operators as Registrations, WorkerKeys};

#[test]
fn an_operator_registers_with_a_bond_and_a_key() {
    test(|| {
        let (key, possession) = worker(ALICE, ALICE);
        assert_ok!(register_with(ALICE, Roles::INFERENCE, (key.clone(), possession), MIN_BOND));
        assert_eq!(money(ALICE), (ENDOWMENT - MIN_BOND, MIN_BOND));
        let info = Registrations::<Test>::get(ALICE).unwrap();
        assert_eq!(info.worker, key);
        assert_eq!(info.last_heartbeat, None);
        assert_eq!(WorkerKeys::<Test>::get(&key), Some(ALICE));
        System::assert_last_event(
            Event::Registered { operator: ALICE, worker: key, bond: MIN_BOND }.into(),
        );
    });
}

#[test]
fn every_set_of_known_roles_is_accepted_and_no_other() {
    test(|| {
        for (operator, roles) in [(ALICE, 1), (BOB, 2), (CHARLIE, 3)] {
            let key = worker(operator, operator);
            assert_ok!(register_with(operator, Roles(roles), key, MIN_BOND));
        }
        for roles in [0, 4, 5, 0xff] {
            assert_noop!(
                register_with(DAVE, Roles(roles), worker(DAVE, DAVE), MIN_BOND),
                Error::<Test>::InvalidRoles
            );
        }
    });
}

#[test]
fn nobody_registers_twice() {
    test(|| {
        register(ALICE);
        assert_noop!(
            register_with(ALICE, Roles::INFERENCE, worker(99, ALICE), MIN_BOND),
            Error::<Test>::AlreadyRegistered
        );
    });
}

#[test]
fn a_bond_one_planck_below_the_least_is_refused() {
    test(|| {
        assert_noop!(
            register_with(ALICE, Roles::INFERENCE, worker(ALICE, ALICE), MIN_BOND - 1),
            Error::<Test>::BondTooSmall
        );
    });
}

#[test]
fn a_bond_that_is_not_covered_is_refused() {
    test(|| {
        let not_covered = pallet_settlement::Error::<Test>::BondNotCovered;
        assert_noop!(
            register_with(POOR, Roles::INFERENCE, worker(POOR, POOR), MIN_BOND),
            not_covered
        );
        // The existential deposit stays free.
        let most = ENDOWMENT - EXISTENTIAL_DEPOSIT;
        assert_noop!(
            register_with(ALICE, Roles::INFERENCE, worker(ALICE, ALICE), most + 1),
            pallet_settlement::Error::<Test>::BondNotCovered
        );
        assert_ok!(register_with(ALICE, Roles::INFERENCE, worker(ALICE, ALICE), most));
        assert_eq!(money(ALICE), (EXISTENTIAL_DEPOSIT, most));
    });
}

#[test]
fn a_key_that_is_or_was_of_another_operator_is_taken() {
    test(|| {
        register(ALICE);
        let (key, possession) = worker(50, ALICE);
        assert_ok!(signed_call(ALICE, crate::Call::set_worker { worker: key, possession }));
        for seed in [ALICE, 50] {
            assert_noop!(
                register_with(BOB, Roles::INFERENCE, worker(seed, BOB), MIN_BOND),
                Error::<Test>::WorkerKeyTaken
            );
        }
    });
}

#[test]
fn a_key_that_its_holder_did_not_give_to_the_operator_is_refused() {
    test(|| {
        let pair = pair(ALICE);
        let sign = |statement: Possession<u64>| -> WorkerSignature {
            pair.sign(&statement.signing_bytes()).into()
        };
        let refused = [
            // Made for another account, copied from its registration.
            sign(Possession { genesis: genesis(), operator: BOB }),
            // Made for another chain.
            sign(Possession { genesis: Digest::repeat_byte(1), operator: ALICE }),
            // Made by another key.
            worker(BOB, ALICE).1,
            // None.
            WorkerSignature::default(),
        ];
        for possession in refused {
            assert_noop!(
                register_with(ALICE, Roles::INFERENCE, (pair.public(), possession), MIN_BOND),
                Error::<Test>::InvalidPossession
            );
        }
    });
}

#[test]
fn only_an_account_registers() {
    test(|| {
        let (worker, possession) = worker(ALICE, ALICE);
        let call = crate::Call::<Test>::register {
            roles: Roles::INFERENCE,
            worker,
            possession,
            bond: MIN_BOND,
        };
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(
                RuntimeCall::from(call.clone()).dispatch(origin).map_err(|error| error.error),
                DispatchError::BadOrigin
            );
        }
    });
}
