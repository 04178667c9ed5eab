use assay_pallet_testing::doubles::Versions;
use assay_primitives::{
    operator::{Offence, Roles},
    traits::Operators as _,
    AssuranceClass, AssuranceClasses, RequestId,
};
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Call, Error, Event, Served, Server, Servers, MAX_FAILURES};

#[test]
fn an_operator_serves_a_version_on_its_terms() {
    test(|| {
        register(ALICE);
        assert_ok!(serve_with(ALICE, version(1), 100, 2, both()));
        assert_eq!(Served::<Test>::get(ALICE), vec![version(1)]);
        assert_eq!(
            Servers::<Test>::get(version(1)),
            vec![Server {
                account: ALICE,
                ask: 100,
                concurrency: 2,
                response_blocks: RESPONSE_BLOCKS,
                open: 0,
                since: 1,
                outvoted: 0,
                failed: 0,
                failed_in_a_row: 0,
                max_royalty: MAX_ROYALTY,
                classes: both()
            }]
        );
        System::assert_last_event(
            Event::Serving {
                operator: ALICE,
                version: version(1),
                ask: 100,
                concurrency: 2,
                response_blocks: RESPONSE_BLOCKS,
                classes: both(),
                max_royalty: MAX_ROYALTY,
            }
            .into(),
        );
    });
}

#[test]
fn terms_can_be_changed_and_open_runs_stay_counted() {
    test(|| {
        bring_up(ALICE);
        Operators::assign(&ALICE, RequestId(7), version(1), 0);
        assert_ok!(serve_with(ALICE, version(1), 250, 4, signed()));
        assert_eq!(
            Servers::<Test>::get(version(1)),
            vec![Server {
                account: ALICE,
                ask: 250,
                concurrency: 4,
                response_blocks: RESPONSE_BLOCKS,
                open: 1,
                since: 1,
                outvoted: 0,
                failed: 0,
                failed_in_a_row: 0,
                max_royalty: MAX_ROYALTY,
                classes: signed()
            }]
        );
        assert_eq!(Served::<Test>::get(ALICE), vec![version(1)]);
    });
}

#[test]
fn a_concurrency_of_zero_pauses() {
    test(|| {
        bring_up(ALICE);
        let drawable =
            || Operators::candidates(terms(AssuranceClass::Signed, 100)).next().is_some();
        assert!(drawable());
        assert_ok!(serve_with(ALICE, version(1), 100, 0, both()));
        assert!(!drawable());
        assert_eq!(Served::<Test>::get(ALICE), vec![version(1)]);
        assert_ok!(serve_with(ALICE, version(1), 100, 1, both()));
        assert!(drawable());
    });
}

#[test]
fn a_stranger_serves_nothing() {
    test(|| {
        assert_noop!(serve_with(ALICE, version(1), 100, 1, both()), Error::<Test>::NotRegistered);
    });
}

#[test]
fn an_operator_without_the_role_serves_nothing() {
    test(|| {
        assert_ok!(register_with(ALICE, Roles::DATA, worker(ALICE, ALICE), MIN_BOND));
        assert_noop!(serve_with(ALICE, version(1), 100, 1, both()), Error::<Test>::InvalidRoles);
    });
}

#[test]
fn the_time_for_an_answer_is_bounded() {
    test(|| {
        register(ALICE);
        let most = MaxResponseBlocks::get();
        let serve = |response_blocks| {
            let call = Call::serve {
                version: version(1),
                ask: 100,
                concurrency: 1,
                response_blocks,
                classes: both(),
                max_royalty: MAX_ROYALTY,
            };
            signed_call(ALICE, call)
        };
        for wrong in [0, most + 1, u32::MAX] {
            assert_noop!(serve(wrong), Error::<Test>::InvalidResponseBlocks);
        }
        for right in [most, 1] {
            assert_ok!(serve(right));
            assert_eq!(Servers::<Test>::get(version(1))[0].response_blocks, right);
        }
    });
}

#[test]
fn concurrency_is_bounded() {
    test(|| {
        register(ALICE);
        let most = MaxConcurrency::get();
        assert_noop!(
            serve_with(ALICE, version(1), 100, most + 1, both()),
            Error::<Test>::InvalidConcurrency
        );
        assert_ok!(serve_with(ALICE, version(1), 100, most, both()));
    });
}

#[test]
fn a_set_of_classes_is_neither_empty_nor_unknown() {
    test(|| {
        register(ALICE);
        for classes in [AssuranceClasses::NONE, AssuranceClasses(0x21), AssuranceClasses(0x80)] {
            assert_noop!(
                serve_with(ALICE, version(1), 100, 1, classes),
                Error::<Test>::InvalidClasses
            );
        }
    });
}

#[test]
fn a_version_that_is_absent_or_deprecated_is_not_served() {
    test(|| {
        register(ALICE);
        assert_noop!(
            serve_with(ALICE, version(9), 100, 1, signed()),
            Error::<Test>::VersionNotServable
        );
        Versions::mutate(|versions| versions.get_mut(&version(2)).unwrap().deprecated = true);
        assert_noop!(
            serve_with(ALICE, version(2), 100, 1, signed()),
            Error::<Test>::VersionNotServable
        );
    });
}

#[test]
fn who_serves_a_deprecated_version_can_pause_and_no_more() {
    test(|| {
        bring_up(ALICE);
        register(BOB);
        Operators::assign(&ALICE, RequestId(7), version(1), 0);
        Versions::mutate(|versions| versions.get_mut(&version(1)).unwrap().deprecated = true);
        let servers = || Servers::<Test>::get(version(1)).into_inner();
        for concurrency in [1, 2, 4] {
            assert_noop!(
                serve_with(ALICE, version(1), 100, concurrency, both()),
                Error::<Test>::VersionNotServable
            );
        }
        // An operator that does not serve the version cannot pause it.
        assert_noop!(
            serve_with(BOB, version(1), 100, 0, both()),
            Error::<Test>::VersionNotServable
        );
        assert_ok!(serve_with(ALICE, version(1), 100, 0, both()));
        assert_eq!(
            servers(),
            [Server {
                account: ALICE,
                ask: 100,
                concurrency: 0,
                response_blocks: RESPONSE_BLOCKS,
                open: 1,
                since: 1,
                outvoted: 0,
                failed: 0,
                failed_in_a_row: 0,
                max_royalty: MAX_ROYALTY,
                classes: both()
            }]
        );
        assert_noop!(
            serve_with(ALICE, version(1), 100, 1, both()),
            Error::<Test>::VersionNotServable
        );
        Operators::unassign(&ALICE, version(1), &[RequestId(7)], false, 0);
        assert_ok!(signed_call(ALICE, Call::withdraw { version: version(1) }));
        assert_noop!(
            serve_with(ALICE, version(1), 100, 0, both()),
            Error::<Test>::VersionNotServable
        );
    });
}

#[test]
fn a_version_that_is_gone_cannot_be_paused() {
    test(|| {
        bring_up(ALICE);
        Versions::mutate(|versions| versions.remove(&version(1)));
        assert_noop!(
            serve_with(ALICE, version(1), 100, 0, both()),
            Error::<Test>::VersionNotServable
        );
    });
}

#[test]
fn a_class_that_the_version_does_not_offer_is_refused() {
    test(|| {
        register(ALICE);
        assert_noop!(serve_with(ALICE, version(2), 100, 1, both()), Error::<Test>::ClassNotOffered);
        assert_ok!(serve_with(ALICE, version(2), 100, 1, signed()));
    });
}

/// Fills all seats of version 1, each operator with the same bond.
fn full() {
    for operator in [ALICE, BOB, CHARLIE] {
        bring_up(operator);
    }
    register(DAVE);
}

fn seats() -> Vec<u64> {
    Servers::<Test>::get(version(1)).iter().map(|server| server.account).collect()
}

/// Dave offers version 1, and takes the seat of `evicted`.
fn dave_replaces(evicted: u64) {
    assert_ok!(serve_with(DAVE, version(1), 1, 1, both()));
    System::assert_has_event(
        Event::Evicted { operator: evicted, version: version(1), by: DAVE }.into(),
    );
    assert!(!Served::<Test>::contains_key(evicted));
    assert_eq!(seats().len(), 3);
    assert!(seats().contains(&DAVE) && !seats().contains(&evicted));
}

#[test]
fn a_larger_bond_takes_the_seat_of_the_smallest() {
    test(|| {
        full();
        for operator in [BOB, CHARLIE] {
            assert_ok!(signed_call(operator, Call::add_bond { amount: 5 }));
        }
        assert_noop!(serve_with(DAVE, version(1), 1, 1, both()), Error::<Test>::TooManyServers);
        assert_ok!(signed_call(DAVE, Call::add_bond { amount: 1 }));
        dave_replaces(ALICE);
        assert_noop!(serve_with(ALICE, version(1), 1, 1, both()), Error::<Test>::TooManyServers);
    });
}

/// Otherwise whoever pays its own operators for runs would keep all seats.
#[test]
fn a_seat_with_open_runs_can_be_taken_and_the_runs_go_on() {
    test(|| {
        full();
        for request in [7, 8] {
            Operators::assign(&ALICE, RequestId(request), version(1), 2);
        }
        for operator in [BOB, CHARLIE, DAVE] {
            assert_ok!(signed_call(operator, Call::add_bond { amount: 5 }));
        }
        go_to(2);
        dave_replaces(ALICE);
        check_all();
        assert!(Operators::is_assigned(&ALICE, RequestId(7)));
        assert_noop!(
            signed_call(ALICE, Call::withdraw { version: version(1) }),
            Error::<Test>::NotServing
        );
        assert_noop!(signed_call(ALICE, Call::unbond {}), Error::<Test>::OpenAssignments);
        Operators::unassign(&ALICE, version(1), &[RequestId(7)], true, 2);
        check_all();
        // With another seat it has as much capacity as it offers, whatever is still open.
        assert_ok!(signed_call(ALICE, Call::add_bond { amount: 9 }));
        assert_ok!(serve_with(ALICE, version(1), 1, 1, both()));
        let open = || {
            let servers = Servers::<Test>::get(version(1));
            servers.iter().find(|server| server.account == ALICE).unwrap().open
        };
        assert_eq!(open(), 0);
        Operators::assign(&ALICE, RequestId(9), version(1), 2);
        check_all();
        Operators::unassign(&ALICE, version(1), &[RequestId(8)], true, 2);
        assert_eq!(open(), 1);
        check_all();
        Operators::unassign(&ALICE, version(1), &[RequestId(9)], true, 2);
        assert_eq!(open(), 0);
        check_all();
    });
}

#[test]
fn the_seat_of_an_operator_that_is_silent_or_under_bonded_can_be_taken() {
    test(|| {
        full();
        go_to(SeatTimeout::get());
        assert_ok!(beat(ALICE));
        assert_ok!(beat(CHARLIE));
        go_to(1 + SeatTimeout::get());
        assert_noop!(serve_with(DAVE, version(1), 1, 1, both()), Error::<Test>::TooManyServers);
        go_to(2 + SeatTimeout::get());
        frame_support::hypothetically!(dave_replaces(BOB));
        assert_ok!(beat(BOB));
        assert_noop!(serve_with(DAVE, version(1), 1, 1, both()), Error::<Test>::TooManyServers);
        Operators::penalise(&CHARLIE, Offence::Equivocation, None);
        dave_replaces(CHARLIE);
    });
}

#[test]
fn an_operator_below_the_least_bond_makes_no_new_offer() {
    test(|| {
        bring_up(ALICE);
        Operators::penalise(&ALICE, Offence::Equivocation, None);
        assert_noop!(serve_with(ALICE, version(2), 1, 1, signed()), Error::<Test>::BondTooSmall);
        assert_ok!(serve_with(ALICE, version(1), 1, 0, both()));
    });
}

#[test]
fn a_full_list_of_servers_takes_no_other_but_lets_those_on_it_change() {
    test(|| {
        for operator in [ALICE, BOB, CHARLIE] {
            register(operator);
            serve(operator);
        }
        register(DAVE);
        assert_noop!(serve_with(DAVE, version(1), 1, 1, both()), Error::<Test>::TooManyServers);
        assert_ok!(serve_with(CHARLIE, version(1), 1, 1, both()));
        assert_ok!(signed_call(BOB, Call::withdraw { version: version(1) }));
        assert_ok!(serve_with(DAVE, version(1), 1, 1, both()));
    });
}

#[test]
fn an_operator_serves_a_bounded_number_of_versions() {
    test(|| {
        register(ALICE);
        for number in [1, 2] {
            assert_ok!(serve_with(ALICE, version(number), 1, 1, signed()));
        }
        assert_noop!(serve_with(ALICE, version(3), 1, 1, signed()), Error::<Test>::TooManyServed);
        assert_ok!(serve_with(ALICE, version(2), 2, 2, signed()));
        assert_ok!(signed_call(ALICE, Call::withdraw { version: version(1) }));
        assert_ok!(serve_with(ALICE, version(3), 1, 1, signed()));
    });
}

#[test]
fn an_operator_withdraws_from_a_version() {
    test(|| {
        register(ALICE);
        register(BOB);
        serve(ALICE);
        serve(BOB);
        assert_ok!(signed_call(ALICE, Call::withdraw { version: version(1) }));
        assert!(Served::<Test>::get(ALICE).is_empty());
        let left: Vec<_> =
            Servers::<Test>::get(version(1)).iter().map(|server| server.account).collect();
        assert_eq!(left, [BOB]);
        System::assert_last_event(Event::Withdrawn { operator: ALICE, version: version(1) }.into());
        assert_ok!(signed_call(BOB, Call::withdraw { version: version(1) }));
        assert!(!Servers::<Test>::contains_key(version(1)));
    });
}

#[test]
fn nobody_withdraws_with_open_runs() {
    test(|| {
        bring_up(ALICE);
        assert_ok!(serve_with(ALICE, version(2), 100, 2, signed()));
        Operators::assign(&ALICE, RequestId(7), version(1), 0);
        assert_noop!(
            signed_call(ALICE, Call::withdraw { version: version(1) }),
            Error::<Test>::OpenAssignments
        );
        // Runs of another version do not matter.
        assert_ok!(signed_call(ALICE, Call::withdraw { version: version(2) }));
        Operators::unassign(&ALICE, version(1), &[RequestId(7)], false, 0);
        assert_ok!(signed_call(ALICE, Call::withdraw { version: version(1) }));
    });
}

#[test]
fn what_is_not_served_cannot_be_withdrawn_from() {
    test(|| {
        assert_noop!(
            signed_call(ALICE, Call::withdraw { version: version(1) }),
            Error::<Test>::NotRegistered
        );
        register(ALICE);
        register(BOB);
        serve(BOB);
        assert_noop!(
            signed_call(ALICE, Call::withdraw { version: version(1) }),
            Error::<Test>::NotServing
        );
    });
}

#[test]
fn a_version_that_is_gone_can_be_withdrawn_from() {
    test(|| {
        bring_up(ALICE);
        Versions::mutate(|versions| versions.remove(&version(1)));
        assert_ok!(signed_call(ALICE, Call::withdraw { version: version(1) }));
    });
}

#[test]
fn failures_in_a_row_pause_an_offer_until_it_is_made_again() {
    use assay_primitives::operator::Conduct::Failed;
    test(|| {
        bring_up(ALICE);
        let server = || Servers::<Test>::get(version(1))[0].clone();
        let concurrency = server().concurrency;
        let fail =
            |times: u32| (0..times).for_each(|_| Operators::note(&ALICE, version(1), Failed));
        fail(MAX_FAILURES - 1);
        // A result in between, of a run that counts.
        Operators::assign(&ALICE, RequestId(7), version(1), 0);
        Operators::unassign(&ALICE, version(1), &[RequestId(7)], true, 0);
        fail(MAX_FAILURES - 1);
        assert_eq!(server().concurrency, concurrency);
        // One that was outvoted does not count.
        Operators::assign(&ALICE, RequestId(8), version(1), 0);
        Operators::unassign(&ALICE, version(1), &[RequestId(8)], false, 0);
        fail(1);
        assert_eq!(server().concurrency, 0);
        assert_eq!(last_event(), Some(Event::Paused { operator: ALICE, version: version(1) }));
        serve(ALICE);
        assert_eq!(server().failed_in_a_row, 0);
        assert_eq!(server().failed, 2 * MAX_FAILURES - 1);
    });
}
