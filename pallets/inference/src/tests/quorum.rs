//! How the results of a quorum decide a request.

use std::collections::BTreeMap;

use assay_primitives::{
    digest, traits::Operators as _, Assurance, Balance, Outcome, RejectReason, RequestId,
};
use frame_support::assert_ok;

use super::worker::{commit, reveal};
use crate::{mock::*, Event};

/// A quorum that commits to and reveals these values, in draw order.
fn answered(assurance: Assurance, values: &[[f32; 2]]) -> (RequestId, Vec<u64>) {
    let (id, members) = Terms::of(assurance).drawn();
    for (member, values) in members.iter().zip(values) {
        assert_ok!(include(commit(id, *member, *values)));
    }
    for (member, values) in members.iter().zip(values) {
        assert_ok!(include(reveal(id, *member, *values)));
    }
    (id, members)
}

/// The free balances of the accounts.
fn purses() -> BTreeMap<u64, Balance> {
    OPERATORS
        .into_iter()
        .chain([TREASURY, OWNER, PAYER])
        .map(|account| (account, free(account)))
        .collect()
}

#[test]
fn all_who_agree_are_paid_and_the_output_is_theirs() {
    test(|| {
        let before = purses();
        let (id, members) = answered(QUORUM, &[RIGHT; 3]);
        assert_eq!(outcome(id), Outcome::Verified);
        for member in &members {
            assert_eq!(free(*member) - before[member], OPERATOR_PART);
            assert!(!Operators::is_assigned(member, id));
        }
        assert_eq!(free(OWNER) - before[&OWNER], 3 * ROYALTY_PART);
        assert_eq!(free(TREASURY) - before[&TREASURY], 3 * TREASURY_PART);
        assert_eq!((before[&PAYER] - free(PAYER), escrow(PAYER)), (3 * ASK, 0));
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
        assert_eq!(shown(id), Some(output(RIGHT)));
        let receipt = receipt(id);
        assert_eq!(receipt.price_paid, 3 * ASK);
        assert_eq!(receipt.assurance, QUORUM);
        assert_eq!(receipt.output_digest, Some(digest(&output(RIGHT))));
        let evidence = crate::mock::evidence(id);
        let by: Vec<_> = evidence.iter().map(|item| item.operator).collect();
        assert_eq!(by, members, "in draw order");
        System::assert_has_event(
            Event::ResultSubmitted { request: id, operator: members[2] }.into(),
        );
    });
}

/// How often the operator's offer of version 1 counts that it was outvoted.
fn outvoted(operator: u64) -> u32 {
    let servers = pallet_operators::Servers::<Test>::get(version(1));
    servers.iter().find(|server| server.account == operator).unwrap().outvoted
}

#[test]
fn who_is_outvoted_is_not_paid_and_keeps_its_bond() {
    for other in 0..3 {
        test(|| {
            let before = purses();
            let mut values = [RIGHT; 3];
            values[other] = WRONG;
            let (id, members) = answered(QUORUM, &values);
            assert_eq!(outcome(id), Outcome::Verified);
            assert_eq!(shown(id), Some(output(RIGHT)));
            for (index, member) in members.iter().enumerate() {
                let earned = free(*member) - before[member];
                assert_eq!(bond(*member), BOND);
                match index == other {
                    true => assert_eq!((earned, outvoted(*member)), (0, 1)),
                    false => assert_eq!((earned, outvoted(*member)), (OPERATOR_PART, 0)),
                }
            }
            assert_eq!(free(PAYER), before[&PAYER] - 2 * ASK);
            assert_eq!(free(TREASURY), before[&TREASURY] + 2 * TREASURY_PART);
            assert_eq!(free(OWNER) - before[&OWNER], 2 * ROYALTY_PART);
            assert_eq!(receipt(id).price_paid, 2 * ASK);
            // The other result is part of the evidence.
            assert_eq!(crate::mock::evidence(id).len(), 3);
        });
    }
}

#[test]
fn a_majority_of_wrong_results_wins_and_takes_nobody_s_bond() {
    // A quorum assumes that a majority of the drawn members is honest.
    test(|| {
        let (id, members) = answered(QUORUM, &[WRONG, RIGHT, WRONG]);
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(shown(id), Some(output(WRONG)));
        assert_eq!(bond(members[1]), BOND);
    });
}

#[test]
fn who_commits_and_never_reveals_is_penalised() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        for member in &members[1..] {
            assert_ok!(include(reveal(id, *member, RIGHT)));
        }
        go_to(record(id).deadline);
        assert!(!record(id).is_final(), "its result is awaited until the deadline");
        next_block();
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND - NO_ANSWER, BOND, BOND]);
        assert_eq!(free(PAYER), ENDOWMENT - 2 * ASK);
        assert_eq!(compensation(PAYER), NO_ANSWER / 10);
        assert_eq!(receipt(id).price_paid, 2 * ASK);
        assert_eq!(crate::mock::evidence(id).len(), 2);
    });
}

#[test]
fn one_result_of_three_is_not_enough() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        for member in &members {
            assert_ok!(include(commit(id, *member, RIGHT)));
        }
        assert_ok!(include(reveal(id, members[0], RIGHT)));
        go_to(record(id).deadline + 1);
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND, BOND - NO_ANSWER, BOND - NO_ANSWER]);
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT, 2 * NO_ANSWER / 10));
        assert_eq!(shown(id), None);
    });
}

#[test]
fn three_different_results_are_no_agreement_and_cost_nobody() {
    test(|| {
        let before = purses();
        let (id, _) = answered(QUORUM, &[RIGHT, WRONG, [9.0, 9.0]]);
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoAgreement));
        assert_eq!(purses(), before);
        assert_eq!(escrow(PAYER), 0);
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
        let receipt = receipt(id);
        assert_eq!((receipt.price_paid, receipt.output_digest), (0, None));
        assert_eq!(crate::mock::evidence(id).len(), 3, "the receipt shows them");
    });
}

#[test]
fn two_of_two_who_differ_are_no_agreement() {
    test(|| {
        let (id, _) = answered(Assurance::Quorum { n: 2, k: 2 }, &[RIGHT, WRONG]);
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoAgreement));
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
    });
}

#[test]
fn a_quorum_can_ask_for_more_than_a_majority() {
    test(|| {
        let (id, _) = answered(Assurance::Quorum { n: 3, k: 3 }, &[RIGHT, RIGHT, WRONG]);
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoAgreement));
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
    });
}

#[test]
fn members_are_paid_what_each_of_them_asks() {
    test(|| {
        let asks: BTreeMap<_, _> =
            OPERATORS.into_iter().map(|operator| (operator, ASK - u128::from(operator))).collect();
        for (operator, ask) in &asks {
            serve(*operator, version(1), *ask, both());
        }
        let before = purses();
        let (id, members) = answered(QUORUM, &[RIGHT; 3]);
        let total: Balance = members.iter().map(|member| asks[member]).sum();
        assert_eq!(receipt(id).price_paid, total);
        for member in members {
            let ask = asks[&member];
            assert_eq!(free(member) - before[&member], ask - ask / 10 - ask / 20);
        }
    });
}

#[test]
fn outputs_within_the_tolerance_agree() {
    test(|| {
        let near = [0.250_005, 0.75];
        let (id, _) = answered(QUORUM, &[near, RIGHT, WRONG]);
        assert_eq!(outcome(id), Outcome::Verified);
        // The first of them in draw order is the answer.
        assert_eq!(shown(id), Some(output(near)));
        assert_eq!(receipt(id).price_paid, 2 * ASK);
    });
}

#[test]
fn outputs_beyond_the_tolerance_do_not_agree() {
    test(|| {
        let (id, _) = answered(QUORUM, &[[0.250_011, 0.75], RIGHT, [0.249_989, 0.75]]);
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoAgreement));
    });
}

#[test]
fn the_tolerance_is_around_the_answer_not_around_any_result() {
    test(|| {
        // Neighbours are within the tolerance of each other; the ends are not.
        let values = [[0.25, 0.75], [0.250_008, 0.75], [0.250_016, 0.75]];
        let (id, members) = answered(QUORUM, &values);
        assert_eq!(shown(id), Some(output(values[0])));
        // The far end is not paid, but is not slashed, since it is within twice the tolerance.
        assert_eq!([0, 1, 2].map(|i| bond(members[i])), [BOND; 3]);
        assert_eq!(receipt(id).price_paid, 2 * ASK);
        // With the middle one first in draw order, all agree.
        let values = [values[1], values[0], values[2]];
        let (id, _) = answered(QUORUM, &values);
        assert_eq!(receipt(id).price_paid, 3 * ASK);
    });
}
