use assay_primitives::{
    operator::Offence,
    traits::{Bonds, Candidate, DrawTerms, Operators as _},
    AssuranceClass::{Quorum, Signed},
    RequestId,
};
use frame_support::assert_ok;

use sp_runtime::Perbill;

use crate::{mock::*, Call};

fn drawn_from(class: assay_primitives::AssuranceClass, budget: u128) -> Vec<u64> {
    Operators::candidates(terms(class, budget)).map(|candidate| candidate.account).collect()
}

#[test]
fn a_candidate_comes_with_its_bond_and_its_ask() {
    test(|| {
        bring_up(ALICE);
        assert_ok!(signed_call(ALICE, Call::add_bond { amount: 3 }));
        assert_eq!(
            Operators::candidates(terms(Signed, 100)).collect::<Vec<_>>(),
            [Candidate {
                account: ALICE,
                place: 0,
                bond: 5 * MIN_BOND + 3,
                ask: 100,
                response_blocks: RESPONSE_BLOCKS,
                is_running: false,
                room: 2,
            }]
        );
        assert_eq!(Operators::servers(version(1)), 1);
        assert_eq!(Operators::max_servers(), MaxServers::get());
    });
}

#[test]
fn who_serves_another_version_is_no_candidate() {
    test(|| {
        bring_up(ALICE);
        let mut of_other =
            Operators::candidates(DrawTerms { version: version(2), ..terms(Signed, 100) });
        assert_eq!(of_other.next(), None);
    });
}

#[test]
fn who_does_not_serve_the_class_is_no_candidate() {
    test(|| {
        bring_up(ALICE);
        bring_up(BOB);
        assert_ok!(serve_with(BOB, version(1), 100, 2, signed()));
        assert_eq!(drawn_from(Signed, 100), [ALICE, BOB]);
        assert_eq!(drawn_from(Quorum, 100), [ALICE]);
    });
}

#[test]
fn who_asks_more_than_the_budget_is_no_candidate() {
    test(|| {
        bring_up(ALICE);
        assert_eq!(drawn_from(Signed, 100), [ALICE]);
        assert!(drawn_from(Signed, 99).is_empty());
    });
}

#[test]
fn a_candidate_says_whether_it_has_room() {
    test(|| {
        bring_up(ALICE);
        let room = || {
            let candidates: Vec<_> = Operators::candidates(terms(Signed, 100)).collect();
            candidates.iter().map(|candidate| candidate.has_room()).collect::<Vec<_>>()
        };
        Operators::assign(&ALICE, RequestId(1), version(1), 0);
        assert_eq!(room(), [true]);
        Operators::assign(&ALICE, RequestId(2), version(1), 0);
        assert_eq!(room(), [false]);
        Operators::unassign(&ALICE, version(1), &[RequestId(1)], false, 0);
        assert_eq!(room(), [true]);
    });
}

#[test]
fn who_pauses_is_no_candidate() {
    test(|| {
        bring_up(ALICE);
        assert_ok!(serve_with(ALICE, version(1), 100, 0, both()));
        assert!(drawn_from(Signed, 100).is_empty());
    });
}

#[test]
fn who_is_not_live_is_no_candidate() {
    test(|| {
        register(ALICE);
        serve(ALICE);
        assert!(drawn_from(Signed, 100).is_empty());
        assert_ok!(beat(ALICE));
        assert_eq!(drawn_from(Signed, 100), [ALICE]);
        go_to(2 + HeartbeatTimeout::get());
        assert!(drawn_from(Signed, 100).is_empty());
    });
}

#[test]
fn who_was_slashed_below_the_least_bond_is_no_candidate_until_it_adds() {
    test(|| {
        bring_up(ALICE);
        // 4,500, 4,000, …, 1,000.
        for _ in 0..8 {
            Operators::penalise(&ALICE, Offence::WrongResult, None);
            assert_eq!(drawn_from(Signed, 100), [ALICE]);
        }
        Operators::penalise(&ALICE, Offence::WrongResult, None);
        assert!(drawn_from(Signed, 100).is_empty());
        let missing = MIN_BOND - Settlement::bonded(&ALICE);
        assert_ok!(signed_call(ALICE, Call::add_bond { amount: missing - 1 }));
        assert!(drawn_from(Signed, 100).is_empty());
        assert_ok!(signed_call(ALICE, Call::add_bond { amount: 1 }));
        assert_eq!(drawn_from(Signed, 100), [ALICE]);
    });
}

#[test]
fn whose_bond_is_at_stake_has_no_room() {
    test(|| {
        bring_up(ALICE);
        let stake = 5 * MIN_BOND - NO_ANSWER;
        let room = || {
            let candidates: Vec<_> = Operators::candidates(terms(Signed, 100)).collect();
            let flags = |candidate: &Candidate<_>| (candidate.has_room(), candidate.is_running);
            candidates.iter().map(flags).collect::<Vec<_>>()
        };
        Operators::assign(&ALICE, RequestId(1), version(1), stake);
        assert_eq!(room(), [(true, true)]);
        Operators::assign(&ALICE, RequestId(2), version(2), NO_ANSWER);
        assert_eq!(room(), [(false, true)]);
        // The run has ended, and its result can still be contested.
        Operators::unassign(&ALICE, version(1), &[RequestId(1)], false, 0);
        assert_eq!(room(), [(false, false)]);
        Operators::release(&ALICE, stake);
        assert_eq!(room(), [(true, false)]);
    });
}

#[test]
fn assignments_are_those_noted_and_not_taken_off() {
    test(|| {
        bring_up(ALICE);
        for request in [9, 3, 5] {
            Operators::assign(&ALICE, RequestId(request), version(1), 0);
        }
        assert_eq!(Operators::assignments(&ALICE), [3, 5, 9].map(RequestId));
        assert!(Operators::is_assigned(&ALICE, RequestId(5)));
        Operators::unassign(&ALICE, version(1), &[RequestId(5)], false, 0);
        assert!(!Operators::is_assigned(&ALICE, RequestId(5)));
        assert_eq!(Operators::assignments(&ALICE), [3, 9].map(RequestId));
        // A second time changes no count; `try_state` would find it.
        Operators::unassign(&ALICE, version(1), &[RequestId(5)], false, 0);
        assert_eq!(Operators::assignments(&BOB), []);
    });
}

#[test]
fn an_operator_is_not_drawn_at_a_higher_royalty_than_it_accepts() {
    test(|| {
        bring_up(ALICE);
        let at = |royalty| Operators::candidates(DrawTerms { royalty, ..terms(Signed, 100) });
        assert_eq!(at(MAX_ROYALTY).count(), 1);
        assert_eq!(at(MAX_ROYALTY + Perbill::from_parts(1)).count(), 0);
    });
}
