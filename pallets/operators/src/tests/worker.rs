use assay_primitives::{traits::Operators as _, Digest, Possession, Statement, WorkerId};
use frame_support::{assert_noop, assert_ok};
use sp_application_crypto::Pair as _;
use sp_runtime::DispatchResult;

use crate::{
    mock::*, Call, Error, Event, Operators as Registrations, WorkerKeys, MAX_PAST_WORKERS,
};

fn set_worker(operator: u64, seed: u64) -> DispatchResult {
    let (worker, possession) = worker(seed, operator);
    signed_call(operator, Call::set_worker { worker, possession })
}

fn key(seed: u64) -> WorkerId {
    pair(seed).public()
}

#[test]
fn a_new_key_replaces_the_old_one_which_is_remembered() {
    test(|| {
        bring_up(ALICE);
        assert_ok!(set_worker(ALICE, 100));
        assert_eq!(Operators::worker(&ALICE), Some(key(100)));
        assert_eq!(Operators::operator_of(&key(100)), Some(ALICE));
        assert_eq!(Operators::operator_of(&key(ALICE)), Some(ALICE));
        System::assert_last_event(Event::WorkerSet { operator: ALICE, worker: key(100) }.into());
    });
}

#[test]
fn a_new_key_has_to_show_life_before_it_is_drawn() {
    test(|| {
        bring_up(ALICE);
        let live = || Operators::is_live(&Registrations::<Test>::get(ALICE).unwrap());
        assert!(live());
        assert_ok!(set_worker(ALICE, 100));
        assert!(!live());
        assert!(include(heartbeat_call(heartbeat(ALICE), &pair(ALICE))).is_err());
        assert_ok!(include(heartbeat_call(heartbeat(ALICE), &pair(100))));
        assert!(live());
    });
}

/// Replaces the worker key until no more are remembered.
fn rotate_to_the_end(operator: u64) {
    for seed in 1..=u64::from(MAX_PAST_WORKERS) {
        assert_ok!(set_worker(operator, 100 + seed));
    }
}

fn past_workers(operator: u64) -> Vec<(WorkerId, u64)> {
    let past = Registrations::<Test>::get(operator).unwrap().past_workers;
    past.into_iter().map(|(key, at)| (key, at.into())).collect()
}

#[test]
fn a_past_key_carries_the_height_of_its_replacement() {
    test(|| {
        register(ALICE);
        go_to(5);
        assert_ok!(set_worker(ALICE, 100));
        go_to(7);
        assert_ok!(set_worker(ALICE, 101));
        assert_eq!(past_workers(ALICE), [(key(ALICE), 5), (key(100), 7)]);
    });
}

#[test]
fn the_ninth_rotation_is_refused_and_no_key_forgotten() {
    test(|| {
        register(ALICE);
        rotate_to_the_end(ALICE);
        for height in [1, UnbondingPeriod::get()] {
            go_to(height);
            assert_noop!(set_worker(ALICE, 200), Error::<Test>::TooManyWorkerKeys);
        }
        assert_eq!(Operators::operator_of(&key(ALICE)), Some(ALICE));
        for seed in 1..=u64::from(MAX_PAST_WORKERS) {
            assert_eq!(Operators::operator_of(&key(100 + seed)), Some(ALICE));
        }
        assert_eq!(WorkerKeys::<Test>::iter().count() as u32, MAX_PAST_WORKERS + 1);
    });
}

#[test]
fn who_replaced_its_key_too_often_leaves_and_registers_anew() {
    test(|| {
        register(ALICE);
        rotate_to_the_end(ALICE);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        go_to(1 + UnbondingPeriod::get());
        assert_eq!(Operators::operator_of(&key(ALICE)), Some(ALICE));
        assert_ok!(signed_call(ALICE, Call::withdraw_bond {}));
        assert_eq!(WorkerKeys::<Test>::iter().count(), 0);
        register(ALICE);
        assert_ok!(set_worker(ALICE, 200));
    });
}

#[test]
fn keys_whose_time_is_over_make_room() {
    test(|| {
        register(ALICE);
        assert_ok!(set_worker(ALICE, 100));
        go_to(2);
        rotate_to_the_end_but_one();
        assert_noop!(set_worker(ALICE, 200), Error::<Test>::TooManyWorkerKeys);
        // The first was replaced at height 1, the others a block later.
        go_to(1 + UnbondingPeriod::get());
        assert_ok!(set_worker(ALICE, 200));
        assert_eq!(Operators::operator_of(&key(ALICE)), None);
        assert_eq!(Operators::operator_of(&key(100)), Some(ALICE));
        assert_eq!(past_workers(ALICE).len() as u32, MAX_PAST_WORKERS);
        assert_noop!(set_worker(ALICE, 201), Error::<Test>::TooManyWorkerKeys);
        // A forgotten key may be used again by its holder.
        register(BOB);
        assert_ok!(set_worker(BOB, ALICE));
        go_to(2 + UnbondingPeriod::get());
        assert_ok!(set_worker(ALICE, 201));
        assert_eq!(
            past_workers(ALICE),
            [(key(107), 101), (key(200), 102)],
            "all of the second block are dropped at once"
        );
    });
}

/// One replacement less than [`rotate_to_the_end`].
fn rotate_to_the_end_but_one() {
    for seed in 1..u64::from(MAX_PAST_WORKERS) {
        assert_ok!(set_worker(ALICE, 100 + seed));
    }
}

#[test]
fn a_key_in_use_cannot_be_set_again() {
    test(|| {
        register(ALICE);
        register(BOB);
        assert_ok!(set_worker(ALICE, 100));
        for (operator, seed) in [(ALICE, 100), (ALICE, ALICE), (ALICE, BOB), (BOB, ALICE)] {
            assert_noop!(set_worker(operator, seed), Error::<Test>::WorkerKeyTaken);
        }
    });
}

#[test]
fn a_key_without_possession_is_refused() {
    test(|| {
        register(ALICE);
        let pair = pair(100);
        for statement in [
            Possession { genesis: genesis(), operator: BOB },
            Possession { genesis: Digest::zero(), operator: ALICE },
        ] {
            let call = Call::set_worker {
                worker: pair.public(),
                possession: pair.sign(&statement.signing_bytes()).into(),
            };
            assert_noop!(signed_call(ALICE, call), Error::<Test>::InvalidPossession);
        }
    });
}

#[test]
fn a_stranger_sets_no_key() {
    test(|| {
        assert_noop!(set_worker(ALICE, 100), Error::<Test>::NotRegistered);
    });
}
