//! `try_state` finds each kind of broken state.

use assay_primitives::RequestId;
use frame_support::assert_ok;
use sp_application_crypto::Pair as _;
use sp_runtime::DispatchError;

use crate::{
    mock::*, Call, OpenAssignments, OpenRun, Operators as Registrations, Served, Servers,
    WorkerKeys,
};

/// A run under an offer of the first block.
fn run(number: u32) -> OpenRun {
    OpenRun { version: version(number), offered_at: 1 }
}

/// Checks that `try_state` finds a change to a valid state, and names it.
fn found(problem: &'static str, change: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        bring_up(ALICE);
        bring_up(BOB);
        register(CHARLIE);
        assert_ok!(signed_call(CHARLIE, Call::unbond {}));
        use assay_primitives::traits::Operators as _;
        Operators::assign(&ALICE, RequestId(3), version(1), 0);
        check_all();
        change();
        assert_eq!(Operators::do_try_state(), Err(DispatchError::Other(problem)));
    });
}

#[test]
fn a_key_that_leads_to_nobody_is_found() {
    let problem = "worker keys and operators do not point at each other";
    found(problem, || WorkerKeys::<Test>::insert(pair(70).public(), ALICE));
    found(problem, || WorkerKeys::<Test>::insert(pair(70).public(), DAVE));
    found(problem, || WorkerKeys::<Test>::insert(pair(ALICE).public(), BOB));
    found(problem, || WorkerKeys::<Test>::remove(pair(ALICE).public()));
}

#[test]
fn a_past_key_that_is_not_on_the_books_is_found() {
    found("worker keys and operators do not point at each other", || {
        Registrations::<Test>::mutate(ALICE, |info| {
            info.as_mut().unwrap().past_workers.try_push((pair(70).public(), 1)).unwrap();
        });
    });
}

#[test]
fn past_keys_that_are_out_of_order_are_found() {
    let problem = "past worker keys are not in the order of their replacement";
    for heights in [[1, 0], [0, 2]] {
        found(problem, || {
            Registrations::<Test>::mutate(ALICE, |info| {
                let past = &mut info.as_mut().unwrap().past_workers;
                for (seed, height) in (70..).zip(heights) {
                    past.try_push((pair(seed).public(), height)).unwrap();
                    WorkerKeys::<Test>::insert(pair(seed).public(), ALICE);
                }
            });
        });
    }
}

#[test]
fn a_wrong_count_of_an_operator_is_found() {
    found("an operator's open count is wrong", || {
        Registrations::<Test>::mutate(BOB, |info| info.as_mut().unwrap().open += 1);
    });
    found("an operator's open count is wrong", || {
        OpenAssignments::<Test>::insert(BOB, RequestId(4), run(1));
    });
}

#[test]
fn a_wrong_count_of_a_server_is_found() {
    found("a server's open count is wrong", || {
        Servers::<Test>::mutate(version(1), |servers| servers[1].open += 1);
    });
    found("a server's open count is wrong", || {
        OpenAssignments::<Test>::insert(ALICE, RequestId(3), run(2));
    });
}

#[test]
fn an_unbonding_operator_with_work_is_found() {
    found("an unbonding operator has open assignments", || {
        OpenAssignments::<Test>::insert(CHARLIE, RequestId(4), run(1));
        Registrations::<Test>::mutate(CHARLIE, |info| info.as_mut().unwrap().open += 1);
    });
    found("an unbonding operator serves", || {
        assert_ok!(Served::<Test>::try_append(CHARLIE, version(1)));
    });
}

#[test]
fn an_empty_list_of_servers_is_found() {
    found("an empty list of servers is stored", || {
        Servers::<Test>::insert(version(2), frame_support::BoundedVec::default());
    });
}

#[test]
fn an_operator_that_serves_twice_is_found() {
    found("an operator serves twice", || {
        Servers::<Test>::mutate(version(1), |servers| {
            servers.try_push(servers[0].clone()).unwrap();
        });
    });
}

#[test]
fn lists_of_who_serves_what_that_disagree_are_found() {
    found("a served version has no offer", || {
        assert_ok!(Served::<Test>::try_append(ALICE, version(2)));
    });
    found("a served version has no offer", || {
        assert_ok!(Served::<Test>::try_append(ALICE, version(1)));
    });
    found("an offer is not among the served versions", || Served::<Test>::remove(BOB));
}

#[test]
fn strangers_on_the_books_are_found() {
    found("an unregistered account has offers", || {
        assert_ok!(Served::<Test>::try_append(DAVE, version(1)));
    });
    found("an unregistered account has an assignment", || {
        OpenAssignments::<Test>::insert(DAVE, RequestId(4), run(1));
    });
}
