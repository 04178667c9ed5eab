//! The operator's moves.

use assay_dispute::{Answer, Stage};
use assay_graph::commit::{open_tile, TraceCommitment};
use assay_primitives::{
    dispute::{AnswerStatement, DisputeId},
    Statement,
};
use codec::Encode;
use sp_application_crypto::Pair;
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError};

use crate::{authorize::refusal, mock::*, Call, DisputeCause};

fn refused(code: u8) -> Result<(), TransactionValidityError> {
    Err(InvalidTransaction::Custom(code).into())
}

fn tried(call: Call<Test>) -> Result<(), TransactionValidityError> {
    include(call).map(drop)
}

const OPEN: u8 = 6;
const BYTES: u8 = 4;

#[test]
fn only_the_worker_key_moves_for_the_operator() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed_at(0);
        let roots = case.defender().answer(&Stage::Roots).unwrap();
        let call = signed_answer(STRANGER, id, roots.clone());
        assert_eq!(tried(call), Err(InvalidTransaction::BadProof.into()));
        // A signature over another answer.
        let call = signed_answer(OPERATOR, id, roots.clone());
        let Call::answer { dispute, stage, signature, .. } = call else { panic!() };
        let other = Answer::Roots(Default::default());
        let call = Call::answer { dispute, stage, answer: other, signature };
        assert_eq!(tried(call), Err(InvalidTransaction::BadProof.into()));
        // Another request or another fork, and another result.
        let changes: [fn(&mut AnswerStatement<u64>); 4] = [
            |statement| statement.request = Default::default(),
            |statement| statement.output_digest = Default::default(),
            |statement| statement.trace_root = Default::default(),
            |statement| statement.operator = STRANGER,
        ];
        for change in changes {
            let mut statement = answer_statement(id, &roots);
            change(&mut statement);
            let signature = pair(OPERATOR).sign(&statement.signing_bytes()).into();
            let call = Call::answer { dispute, stage, answer: roots.clone(), signature };
            assert_eq!(tried(call), Err(InvalidTransaction::BadProof.into()));
        }
        answer(id, roots);
    });
}

#[test]
fn moves_out_of_turn_are_refused_and_cost_nothing() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed_at(0);
        for answer in [
            Answer::Leaves(Default::default()),
            Answer::Bytes(Default::default()),
            Answer::Opening(Default::default()),
        ] {
            assert_eq!(tried(signed_answer(OPERATOR, id, answer)), refused(refusal::OUT_OF_TURN));
        }
        let roots = signed_answer(OPERATOR, id, case.defender().answer(&Stage::Roots).unwrap());
        include(roots.clone()).unwrap();
        // A second time, when it is the challenger's turn.
        assert_eq!(tried(roots), refused(refusal::OUT_OF_TURN));
        assert_eq!(standing(), Standing::Open);
    });
}

#[test]
fn a_move_counts_in_its_own_stage_alone() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed_at(BYTES);
        let bytes = signed_answer(OPERATOR, id, case.defender().answer(&stage(id)).unwrap());
        let other = open(SECOND);
        choose(other, assay_dispute::Choice::Operation(0));
        assert_eq!(stage(other).encode()[0], BYTES);
        // Replayed in a dispute that is in another stage.
        let Call::answer { stage: digest, answer: move_, signature, .. } = bytes.clone() else {
            panic!()
        };
        let replayed =
            |dispute, stage| Call::answer { dispute, stage, answer: move_.clone(), signature };
        assert_eq!(tried(replayed(other, digest)), refused(refusal::OTHER_STAGE));
        let of_other = stage(other).digest().into();
        assert_eq!(tried(replayed(other, of_other)), Err(InvalidTransaction::BadProof.into()));
        assert_eq!(tried(replayed(DisputeId(9), digest)), refused(refusal::DISPUTE_NOT_FOUND));
        // Replayed in a dispute that is in the same stage, it counts, and so it does in both.
        let third = open(SECOND);
        choose(third, assay_dispute::Choice::Operation(2));
        assert_eq!(stage(third), stage(id));
        include(replayed(third, digest)).unwrap();
        assert_eq!(stage(third).name(), "tile");
        assert_eq!(stage(third), stage(id));
        assert_eq!(tried(bytes), refused(refusal::OUT_OF_TURN));
    });
}

#[test]
fn a_late_move_is_refused() {
    test(|| {
        let case = Case::honest();
        let id = case.disputed_at(0);
        let roots = signed_answer(OPERATOR, id, case.defender().answer(&Stage::Roots).unwrap());
        // The height after the deadline, before the hook has noticed.
        System::set_block_number(RESPONSE + 2);
        assert_eq!(tried(roots.clone()), refused(refusal::TOO_LATE));
        System::set_block_number(RESPONSE + 1);
        include(roots).unwrap();
    });
}

/// The dispute is lost by a move that does not follow from the claim.
fn loses(case: &Case, index: u8, answer: Answer) {
    let id = case.disputed_at(index);
    include(signed_answer(OPERATOR, id, answer)).unwrap();
    assert_won(id, DisputeCause::Refused);
}

fn roots_of(case: &Case) -> Vec<assay_graph::Digest> {
    TraceCommitment::new(&case.claimed).roots
}

fn roots(roots: Vec<assay_graph::Digest>) -> Answer {
    Answer::Roots(roots.try_into().unwrap())
}

#[test]
fn roots_that_are_not_under_the_trace_root_lose() {
    test(|| {
        let case = Case::honest();
        let mut changed = roots_of(&case);
        changed[1][0] ^= 1;
        loses(&case, 0, roots(changed));
    });
    test(|| {
        let case = Case::honest();
        loses(&case, 0, roots(roots_of(&case)[1..].to_vec()));
    });
}

#[test]
fn a_trace_of_another_input_loses() {
    test(|| {
        // Everything but the input is consistent.
        let honest = Case::honest();
        let input: Vec<i8> = honest.input.iter().map(|x| !x).collect();
        let claimed = assay_graph::fast::trace(&honest.graph, &input).unwrap();
        let case = Case { claimed, ..honest };
        loses(&case, 0, roots(roots_of(&case)));
    });
}

#[test]
fn a_trace_of_another_output_loses() {
    test(|| {
        let case = Case::honest();
        case.submit();
        Results::mutate(|results| results.get_mut(&REQUEST).unwrap().output[0] ^= 1);
        let id = open(CHALLENGER);
        include(signed_answer(OPERATOR, id, roots(roots_of(&case)))).unwrap();
        assert_eq!(standing(), Standing::Rejected(CHALLENGER));
    });
}

#[test]
fn bytes_that_are_not_under_the_root_lose() {
    test(|| {
        let case = Case::lying_from(3);
        // It shows the right bytes instead of the claimed ones.
        let id = case.disputed_at(BYTES);
        let Stage::Bytes { step, .. } = stage(id) else { panic!() };
        let right = case.witness().answer(&stage(id)).unwrap();
        assert_ne!(Some(&right), case.defender().answer(&stage(id)).as_ref());
        assert_eq!(step.operation, 2);
        include(signed_answer(OPERATOR, id, right)).unwrap();
        assert_eq!(standing(), Standing::Rejected(CHALLENGER));
    });
}

#[test]
fn openings_of_other_weights_and_other_tiles_lose() {
    // Operation 2 has weights.
    let case = Case::lying_from(3);
    let mut other = case.graph.clone().into_graph();
    let mut bias = other.weights.parameters.to_vec();
    for set in &mut bias {
        for value in set.bias.iter_mut() {
            *value = value.saturating_div(2).saturating_add(1);
        }
    }
    other.weights.parameters = bias.try_into().unwrap();
    other.complete().unwrap();
    let other = assay_graph::CheckedGraph::new(other).unwrap();
    let commitment = TraceCommitment::new(&case.claimed);
    let opening = |graph, operation| {
        let opening = open_tile(graph, &case.claimed, &commitment, operation, 0).unwrap();
        Answer::Opening(opening.encode().try_into().unwrap())
    };
    test(|| loses(&case, OPEN, opening(&other, 2)));
    test(|| loses(&case, OPEN, opening(&case.graph, 1)));
    test(|| loses(&case, OPEN, Answer::Opening(Default::default())));
    // The right opening loses too, but because of the tile's value.
    test(|| {
        let id = case.disputed_at(OPEN);
        answer(id, opening(&case.graph, 2));
        assert_won(id, DisputeCause::Computed);
    });
}

#[test]
fn no_move_counts_once_the_result_is_decided() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed_at(OPEN);
        let other = open(SECOND);
        choose(other, assay_dispute::Choice::Operation(0));
        let bytes = case.defender().answer(&stage(other)).unwrap();
        let bytes = signed_answer(OPERATOR, other, bytes);
        answer(id, case.defender().answer(&stage(id)).unwrap());
        assert_eq!(tried(bytes), refused(refusal::DISPUTE_NOT_FOUND));
    });
}

#[test]
fn every_refusal_has_a_description() {
    for code in 20..=24 {
        assert!(refusal::describe(code).is_some());
    }
    assert_eq!(refusal::describe(25), None);
}
