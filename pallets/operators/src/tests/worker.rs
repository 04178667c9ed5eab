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
    run(|| {
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
    run(|| {
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

#[test]
fn the_ninth_rotation_forgets_the_oldest_key() {
    run(|| {
        register(ALICE);
        for seed in 1..=u64::from(MAX_PAST_WORKERS) {
            assert_ok!(set_worker(ALICE, 100 + seed));
        }
        assert_eq!(Operators::operator_of(&key(ALICE)), Some(ALICE));
        assert_ok!(set_worker(ALICE, 200));
        assert_eq!(Operators::operator_of(&key(ALICE)), None);
        for seed in 1..=u64::from(MAX_PAST_WORKERS) {
            assert_eq!(Operators::operator_of(&key(100 + seed)), Some(ALICE));
        }
        let past = Registrations::<Test>::get(ALICE).unwrap().past_workers;
        let expected: Vec<_> =
            (1..=u64::from(MAX_PAST_WORKERS)).map(|seed| key(100 + seed)).collect();
        assert_eq!(past.into_inner(), expected);
        assert_eq!(WorkerKeys::<Test>::iter().count() as u32, MAX_PAST_WORKERS + 1);
        // What is forgotten is free for anyone who holds it.
        register(BOB);
        assert_ok!(set_worker(BOB, ALICE));
    });
}

#[test]
fn a_key_in_use_cannot_be_set_again() {
    run(|| {
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
    run(|| {
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
    run(|| {
        assert_noop!(set_worker(ALICE, 100), Error::<Test>::NotRegistered);
    });
}
