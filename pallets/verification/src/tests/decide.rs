use assay_primitives::{
    digest,
    model::Tolerance,
    traits::{EvidenceFindings, Verification as _},
    Assurance, FailureReason, Statement,
};

use crate::mock::*;

const THREE_OF_FIVE: Assurance = Assurance::Quorum { n: 5, k: 3 };

fn decide(
    assurance: Assurance,
    tolerance: Option<Tolerance>,
    members: &[u64],
) -> EvidenceFindings<u64> {
    Verification::decide(REQUEST, assurance, tolerance, members)
}

/// The operators that the evidence names, in its order.
fn witnesses(verdict: &EvidenceFindings<u64>) -> Vec<u64> {
    verdict.evidence.iter().map(|item| item.operator).collect()
}

#[test]
fn one_signed_result_is_enough_for_its_class() {
    test(|| {
        reveal(11, b"output");
        let verdict = decide(Assurance::Signed, None, &[11]);
        assert_eq!(verdict.winner, Some(digest(b"output")));
        assert_eq!(verdict.agreed, vec![11]);
        assert_eq!((verdict.wrong.len(), verdict.silent.len()), (0, 0));
        assert_eq!(verdict.failure, None);
    });
}

#[test]
fn the_evidence_holds_what_was_signed() {
    test(|| {
        reveal(11, b"output");
        let verdict = decide(Assurance::Signed, None, &[11]);
        let [item] = verdict.evidence.as_slice() else { panic!("one item") };
        assert_eq!(item.output_digest, digest(b"output"));
        assert!(statement(11, b"output").is_signed_by(&item.worker, &item.signature));
    });
}

#[test]
fn an_operator_that_says_nothing_is_silent() {
    test(|| {
        let verdict = decide(Assurance::Signed, None, &[11]);
        assert_eq!(verdict.winner, None);
        assert_eq!(verdict.silent, vec![11]);
        assert_eq!(witnesses(&verdict), Vec::<u64>::new());
    });
}

#[test]
fn an_operator_that_reports_a_failure_is_not_silent() {
    test(|| {
        fail(11, FailureReason::InvalidInput);
        let verdict = decide(Assurance::Signed, None, &[11]);
        assert_eq!(verdict.winner, None);
        assert_eq!(verdict.silent, Vec::<u64>::new());
        assert_eq!(verdict.failure, Some(FailureReason::InvalidInput));
    });
}

#[test]
fn a_majority_wins_against_everyone_else() {
    test(|| {
        reveal(11, b"wrong");
        for member in [12, 13, 14] {
            reveal(member, b"right");
        }
        reveal(15, b"wrong as well");
        let verdict = decide(THREE_OF_FIVE, None, &MEMBERS);
        assert_eq!(verdict.winner, Some(digest(b"right")));
        assert_eq!(verdict.agreed, vec![12, 13, 14]);
        assert_eq!(verdict.wrong, vec![11, 15]);
        assert_eq!(verdict.silent, Vec::<u64>::new());
        assert_eq!(witnesses(&verdict), MEMBERS.to_vec(), "those that lost are named too");
    });
}

#[test]
fn members_of_all_kinds_are_told_apart() {
    test(|| {
        let members: Vec<u64> = (11..18).collect();
        Assigned::set(members.iter().map(|member| (*member, REQUEST)).collect());
        reveal(11, b"right");
        commit(12);
        reveal(13, b"right");
        fail(14, FailureReason::MemoryLimit);
        reveal(15, b"wrong");
        reveal(17, b"right");
        // 16 submits nothing.
        let verdict = decide(Assurance::Quorum { n: 5, k: 3 }, None, &members);
        assert_eq!(verdict.winner, Some(digest(b"right")));
        assert_eq!(verdict.agreed, vec![11, 13, 17]);
        assert_eq!(verdict.wrong, vec![15]);
        assert_eq!(verdict.silent, vec![12, 16], "a commitment alone is no result");
        assert_eq!(verdict.failure, Some(FailureReason::MemoryLimit));
        assert_eq!(witnesses(&verdict), vec![11, 13, 15, 17]);
    });
}

#[test]
fn without_enough_equal_results_nobody_is_wrong() {
    test(|| {
        reveal(11, b"one");
        reveal(12, b"one");
        reveal(13, b"two");
        reveal(14, b"two");
        let verdict = decide(THREE_OF_FIVE, None, &MEMBERS);
        assert_eq!(verdict.winner, None);
        assert_eq!(verdict.agreed, Vec::<u64>::new());
        assert_eq!(verdict.wrong, Vec::<u64>::new());
        assert_eq!(verdict.silent, vec![15]);
        assert_eq!(witnesses(&verdict), vec![11, 12, 13, 14]);
    });
}

#[test]
fn one_short_of_the_threshold_is_no_winner() {
    test(|| {
        for member in [11, 12, 13, 14] {
            reveal(member, b"right");
        }
        let ask = |k| decide(Assurance::Quorum { n: 5, k }, None, &MEMBERS).winner;
        assert_eq!(ask(5), None);
        assert_eq!(ask(4), Some(digest(b"right")));
    });
}

#[test]
fn the_first_failure_in_the_order_of_the_draw_counts() {
    test(|| {
        fail(14, FailureReason::TimeLimit);
        fail(12, FailureReason::InvalidModel);
        assert_eq!(
            decide(THREE_OF_FIVE, None, &MEMBERS).failure,
            Some(FailureReason::InvalidModel)
        );
        let reversed: Vec<u64> = MEMBERS.into_iter().rev().collect();
        assert_eq!(decide(THREE_OF_FIVE, None, &reversed).failure, Some(FailureReason::TimeLimit));
    });
}

#[test]
fn results_within_the_tolerance_agree() {
    test(|| {
        reveal(11, &payload(&[0.5, 1.0]));
        reveal(12, &payload(&[0.5, 1.25]));
        reveal(13, &payload(&[0.75, 1.0]));
        // Twice the tolerance away: neither paid nor wrong.
        reveal(14, &payload(&[1.0, 1.0]));
        reveal(15, &payload(&[1.01, 1.0]));
        let verdict = decide(THREE_OF_FIVE, tolerance(250_000), &MEMBERS);
        assert_eq!(verdict.winner, Some(digest(&payload(&[0.5, 1.0]))));
        assert_eq!(verdict.agreed, vec![11, 12, 13]);
        assert_eq!(verdict.wrong, vec![15]);
        assert_eq!(decide(THREE_OF_FIVE, tolerance(249_999), &MEMBERS).winner, None);
        assert_eq!(decide(THREE_OF_FIVE, None, &MEMBERS).winner, None);
    });
}

#[test]
fn of_several_results_that_could_win_the_first_drawn_does() {
    test(|| {
        // Each neighbour is within a quarter, so the three in the middle are the centre of three.
        for (member, value) in [(11, 0.0), (12, 0.25), (13, 0.5), (14, 0.75), (15, 1.0)] {
            reveal(member, &payload(&[value]));
        }
        let verdict = decide(THREE_OF_FIVE, tolerance(250_000), &MEMBERS);
        assert_eq!(verdict.winner, Some(digest(&payload(&[0.25]))));
        assert_eq!(verdict.agreed, vec![11, 12, 13]);
        assert_eq!(verdict.wrong, vec![15]);

        let reversed: Vec<u64> = MEMBERS.into_iter().rev().collect();
        let verdict = decide(THREE_OF_FIVE, tolerance(250_000), &reversed);
        assert_eq!(verdict.winner, Some(digest(&payload(&[0.75]))));
        assert_eq!(verdict.agreed, vec![15, 14, 13]);
    });
}

#[test]
fn deciding_changes_nothing() {
    test(|| {
        reveal(11, b"output");
        commit(12);
        let before = decide(THREE_OF_FIVE, None, &MEMBERS);
        assert_eq!(decide(THREE_OF_FIVE, None, &MEMBERS), before);
    });
}
