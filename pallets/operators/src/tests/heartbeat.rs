use assay_primitives::{operator::EngineVersion, Digest, HeartbeatStatement};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{traits::Dispatchable, transaction_validity::InvalidTransaction, DispatchError};

use crate::{heartbeat::refusal, mock::*, Call, Event, Operators as Registrations};

/// Checks that pool and block refuse a statement, and that nothing changes.
fn refused(statement: HeartbeatStatement<u64>, seed: u64, why: InvalidTransaction) {
    crate::mock::refused(heartbeat_call(statement, &pair(seed)), why);
}

fn last(operator: u64) -> Option<u32> {
    Registrations::<Test>::get(operator).unwrap().last_heartbeat
}

fn live(operator: u64) -> bool {
    Operators::is_live(&Registrations::<Test>::get(operator).unwrap())
}

#[test]
fn a_heartbeat_makes_an_operator_live() {
    test(|| {
        register(ALICE);
        go_to(5);
        assert!(!live(ALICE));
        let validity = beat(ALICE).unwrap();
        assert_eq!(validity.priority, HeartbeatPriority::get());
        assert_eq!(validity.longevity, u64::from(HeartbeatInterval::get()));
        assert_eq!(validity.provides.len(), 1);
        assert!(validity.requires.is_empty());
        assert!(live(ALICE));
        let info = Registrations::<Test>::get(ALICE).unwrap();
        assert_eq!(info.last_heartbeat, Some(5));
        assert_eq!(info.engine, EngineVersion { major: 1, minor: 2, patch: 3 });
        assert_eq!(info.load, 4);
        System::assert_last_event(Event::BecameLive { operator: ALICE }.into());
    });
}

#[test]
fn two_operators_do_not_get_in_each_others_way_in_the_pool() {
    test(|| {
        register(ALICE);
        register(BOB);
        assert_ne!(beat(ALICE).unwrap().provides, beat(BOB).unwrap().provides);
    });
}

#[test]
fn becoming_live_is_told_once() {
    test(|| {
        register(ALICE);
        let told = || {
            System::events()
                .iter()
                .filter(|record| {
                    matches!(record.event, RuntimeEvent::Operators(Event::BecameLive { .. }))
                })
                .count()
        };
        assert_ok!(beat(ALICE));
        go_to(11);
        assert_ok!(beat(ALICE));
        assert_eq!(told(), 1);
        go_to(11 + HeartbeatTimeout::get() + 1);
        assert_ok!(beat(ALICE));
        assert_eq!(told(), 2);
    });
}

#[test]
fn an_operator_is_live_until_its_timeout_and_not_a_block_longer() {
    test(|| {
        register(ALICE);
        assert_ok!(beat(ALICE));
        go_to(1 + HeartbeatTimeout::get());
        assert!(live(ALICE));
        go_to(2 + HeartbeatTimeout::get());
        assert!(!live(ALICE));
    });
}

#[test]
fn a_heartbeat_of_another_chain_is_refused() {
    test(|| {
        register(ALICE);
        let statement = HeartbeatStatement { genesis: Digest::repeat_byte(1), ..heartbeat(ALICE) };
        refused(statement, ALICE, InvalidTransaction::Custom(refusal::WRONG_CHAIN));
    });
}

#[test]
fn a_heartbeat_of_the_future_is_refused() {
    test(|| {
        register(ALICE);
        go_to(5);
        let statement = HeartbeatStatement { at: 6, ..heartbeat(ALICE) };
        refused(statement.clone(), ALICE, InvalidTransaction::Future);
        go_to(6);
        assert_ok!(include(heartbeat_call(statement, &pair(ALICE))));
    });
}

#[test]
fn a_heartbeat_is_good_for_one_interval() {
    test(|| {
        register(ALICE);
        go_to(5);
        let statement = heartbeat(ALICE);
        go_to(5 + HeartbeatInterval::get() + 1);
        refused(statement, ALICE, InvalidTransaction::Stale);
        let statement = HeartbeatStatement { at: 6, ..heartbeat(ALICE) };
        assert_ok!(include(heartbeat_call(statement, &pair(ALICE))));
        assert_eq!(last(ALICE), Some(6));
    });
}

#[test]
fn heartbeats_follow_each_other_at_more_than_half_an_interval() {
    test(|| {
        register(ALICE);
        assert_ok!(beat(ALICE));
        let soonest = 1 + HeartbeatInterval::get() / 2 + 1;
        go_to(soonest - 1);
        refused(heartbeat(ALICE), ALICE, InvalidTransaction::Stale);
        go_to(soonest);
        assert_ok!(beat(ALICE));
        assert_eq!(last(ALICE), Some(soonest));
    });
}

#[test]
fn a_block_without_room_takes_no_heartbeats() {
    test(|| {
        register(ALICE);
        IsFull::set(true);
        refused(heartbeat(ALICE), ALICE, InvalidTransaction::ExhaustsResources);
        IsFull::set(false);
        assert_ok!(include(heartbeat_call(heartbeat(ALICE), &pair(ALICE))));
        // Its weight, that of its authorisation, and its length.
        assert_eq!(Taken::get(), (2, 320));
    });
}

#[test]
fn a_heartbeat_is_not_taken_twice() {
    test(|| {
        register(ALICE);
        let statement = heartbeat(ALICE);
        assert_ok!(include(heartbeat_call(statement.clone(), &pair(ALICE))));
        refused(statement, ALICE, InvalidTransaction::Stale);
    });
}

#[test]
fn a_heartbeat_needs_the_signature_of_the_worker_key() {
    test(|| {
        register(ALICE);
        register(BOB);
        refused(heartbeat(ALICE), BOB, InvalidTransaction::BadProof);
        // A signature does not cover another statement.
        let RuntimeCall::Operators(Call::heartbeat { signature, .. }) =
            heartbeat_call(heartbeat(ALICE), &pair(ALICE))
        else {
            unreachable!()
        };
        let statement = HeartbeatStatement { load: 0, ..heartbeat(ALICE) };
        let call = Call::heartbeat { statement, signature };
        crate::mock::refused(call, InvalidTransaction::BadProof);
    });
}

#[test]
fn a_past_worker_key_sends_no_heartbeats() {
    test(|| {
        register(ALICE);
        let (worker, possession) = worker(100, ALICE);
        assert_ok!(signed_call(ALICE, Call::set_worker { worker, possession }));
        refused(heartbeat(ALICE), ALICE, InvalidTransaction::BadProof);
    });
}

#[test]
fn a_stranger_sends_no_heartbeats() {
    test(|| {
        let why = InvalidTransaction::Custom(refusal::NOT_AN_OPERATOR);
        refused(heartbeat(ALICE), ALICE, why);
    });
}

#[test]
fn an_unbonding_operator_sends_no_heartbeats() {
    test(|| {
        bring_up(ALICE);
        go_to(20);
        assert_ok!(signed_call(ALICE, Call::unbond {}));
        let why = InvalidTransaction::Custom(refusal::NOT_AN_OPERATOR);
        refused(heartbeat(ALICE), ALICE, why);
        assert!(!live(ALICE));
    });
}

#[test]
fn an_account_cannot_dispatch_a_heartbeat() {
    test(|| {
        register(ALICE);
        let call = heartbeat_call(heartbeat(ALICE), &pair(ALICE));
        for origin in [RuntimeOrigin::signed(ALICE), RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(
                call.clone().dispatch(origin).map_err(|error| error.error),
                DispatchError::BadOrigin
            );
        }
    });
}
