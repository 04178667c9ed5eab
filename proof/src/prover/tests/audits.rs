//! The root of a version is that of the weights it was published with, or the audit says so.

use super::*;
use crate::{Audit, AuditError, AuditState, Next, Piece};

/// Everything in pieces of at most so many weights.
fn audit(model: &Model, weights: &Weights, size: usize) -> Result<Next, AuditError> {
    let audit = Audit::new(model.graph.plan()).unwrap();
    let mut state = audit.begin(&model.prover.open_weights().unwrap()).unwrap();
    loop {
        let verdict = match audit.next(&state) {
            Next::Weights { set, first, left } => {
                let weights = &weights.parameters[set].weights[first..first + left.min(size)];
                audit.take(&mut state, Piece::Weights(weights))
            },
            Next::Bias { set, .. } => {
                audit.take(&mut state, Piece::Bias(&weights.parameters[set].bias))
            },
            Next::Done => return Ok(Next::Done),
        };
        verdict?;
    }
}

fn models() -> [Model; 2] {
    [perceptron(71).model(), windows::network(Shape::new(2, 9, 11)).model()]
}

#[test]
fn the_published_weights_pass_in_pieces_of_any_size() {
    for model in models() {
        for size in [7, 64, 1 << 20] {
            assert_eq!(audit(&model, model.graph.weights(), size), Ok(Next::Done));
        }
    }
}

#[test]
fn any_other_weight_or_bias_is_found() {
    for model in models() {
        for set in 0..model.graph.weights().parameters.len() {
            let change = |change: &dyn Fn(&mut [i8], &mut [i32])| {
                let mut sets = model.graph.weights().parameters.clone().into_inner();
                let mut weights = sets[set].weights.clone().into_inner();
                let mut bias = sets[set].bias.clone().into_inner();
                change(&mut weights, &mut bias);
                sets[set] = Parameters {
                    weights: weights.try_into().unwrap(),
                    bias: bias.try_into().unwrap(),
                };
                Weights { parameters: sets.try_into().unwrap() }
            };
            for changed in [
                change(&|weights, _| weights[0] ^= 1),
                change(&|weights, _| *weights.last_mut().unwrap() ^= 1),
                change(&|_, bias| bias[0] += 1),
                change(&|weights, _| weights.reverse()),
            ] {
                assert_eq!(audit(&model, &changed, 50), Err(AuditError::OtherWeights));
            }
        }
    }
}

#[test]
fn pieces_out_of_turn_are_refused_and_change_nothing() {
    let model = perceptron(72).model();
    let weights = model.graph.weights();
    let audit = Audit::new(model.graph.plan()).unwrap();
    let mut state = audit.begin(&model.prover.open_weights().unwrap()).unwrap();
    let before: AuditState = state;
    let set = &weights.parameters[0];
    let too_many = vec![0; set.weights.len() + 1];
    for piece in [Piece::Weights(&[]), Piece::Weights(&too_many), Piece::Bias(&set.bias)] {
        assert_eq!(audit.take(&mut state, piece), Err(AuditError::NotNext));
        assert_eq!(state, before);
    }
    audit.take(&mut state, Piece::Weights(&set.weights)).unwrap();
    let before = state;
    assert_eq!(audit.take(&mut state, Piece::Weights(&[1])), Err(AuditError::NotNext));
    assert_eq!(audit.take(&mut state, Piece::Bias(&[1])), Err(AuditError::NotNext));
    assert_eq!(state, before);
}

#[test]
fn openings_of_another_root_or_with_other_bytes_are_refused() {
    let (model, other) = (perceptron(73).model(), perceptron(74).model());
    let audit = Audit::new(model.graph.plan()).unwrap();
    let opening = model.prover.open_weights().unwrap();
    assert!(audit.begin(&opening).is_ok());
    let verdict = audit.begin(&other.prover.open_weights().unwrap());
    assert!(matches!(verdict, Err(Reject::ModelOpening(_) | Reject::Encoding(_))), "{verdict:?}");
    let verdict = audit.begin(&[&opening[..], &[0]].concat());
    assert_eq!(verdict, Err(Reject::Encoding(DecodeError::TrailingBytes)));
    let mut random = Random::new(73);
    for _ in 0..200 {
        let mut bytes = opening.clone();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        assert!(audit.begin(&bytes).is_err(), "changed at {at}");
    }
}
