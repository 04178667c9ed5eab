//! A proof has the fingerprint of the weights that it covers; an audit computes that of the
//! published weights.

use super::*;
use crate::{Audit, AuditError, AuditState, Fingerprint};
use assay_graph::{bounds::MAX_BIAS, commit::Elements};

fn models() -> [Model; 2] {
    [perceptron(71).model(), windows::network(Shape::new(2, 9, 11)).model()]
}

/// The fingerprint by an audit in pieces of at most `size` bytes.
fn fingerprint(model: &Model, weights: &Weights, size: usize) -> Fingerprint {
    let audit = Audit::new(model.graph.plan()).unwrap();
    let mut state = AuditState::default();
    while let Some(part) = audit.next(&state) {
        let bytes = part.of(weights).unwrap();
        assert_eq!(bytes.len(), part.left());
        audit.take(&mut state, &bytes[..bytes.len().min(size)]).unwrap();
    }
    assert_eq!(state.done, audit.total_bytes());
    state.fingerprint
}

/// The fingerprint of a proof of this model.
fn proven(model: &Model, input: &[u8], proof: &Proven) -> Fingerprint {
    let verifier = Verifier::new(model.graph.plan()).unwrap();
    let statement = Statement { context: CONTEXT, input, output: &proof.output };
    verifier.proven_weights(&statement, &proof.proof).unwrap()
}

#[test]
fn proofs_have_the_fingerprint_of_the_published_weights() {
    for model in models() {
        let audit = Audit::new(model.graph.plan()).unwrap();
        let expected = audit.fingerprint(model.graph.weights()).unwrap();
        for size in [12, 64, 1 << 20] {
            assert_eq!(fingerprint(&model, model.graph.weights(), size), expected);
        }
        for seed in [1, 2] {
            let input = model.input(seed);
            assert_eq!(proven(&model, &input, &model.accepts(&input)), expected);
        }
    }
}

#[test]
fn different_weights_or_biases_have_a_different_fingerprint() {
    for model in models() {
        let published = fingerprint(&model, model.graph.weights(), 1 << 20);
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
                change(&|_, bias| *bias.last_mut().unwrap() = -MAX_BIAS),
                change(&|weights, _| weights.reverse()),
            ] {
                assert_ne!(fingerprint(&model, &changed, 48), published);
            }
        }
    }
}

/// An owner who commits to weights other than the published ones can make proofs that verify, but
/// they are refused for their fingerprint.
#[test]
fn proofs_of_unpublished_weights_have_a_different_fingerprint() {
    let honest = perceptron(75).unsealed();
    let mut graph = honest.clone();
    graph.weights.parameters[0].weights[3] ^= 1;
    seal(&mut graph, &QUICK).unwrap();
    // The published weights with the root of the other weights.
    graph.weights = honest.weights;
    graph.architecture.commitments.weights = graph.weights.digest();
    let graph = CheckedGraph::new(graph).unwrap();
    assert!(matches!(Prover::new(&graph), Err(SetupError::WeightsRoot { .. })));

    let mut other = graph.weights().clone();
    other.parameters[0].weights[3] ^= 1;
    let verifier = Verifier::new(graph.plan()).unwrap();
    let tables = model_tables(&verifier.key.circuit, &other).unwrap();
    let (root, prover_data) = commit(&verifier.key.model, &tables).unwrap();
    assert_eq!(root, verifier.key.weights_root);
    let fingerprint = Audit::new(graph.plan()).unwrap().fingerprint(&other).unwrap();
    let prover = Prover { verifier, weights: other.clone(), tables, prover_data, fingerprint };
    let model = Model { graph, prover };
    let input = model.input(1);
    let proof = model.prover.prove(&CONTEXT, &input).unwrap();
    assert_eq!(model.verify(&input, &proof.output, &proof.proof), Ok(()));
    let found = proven(&model, &input, &proof);
    let published = self::fingerprint(&model, model.graph.weights(), 1 << 20);
    assert_ne!(found, published);
    let statement = Statement { context: CONTEXT, input: &input, output: &proof.output };
    let verdict = model.prover.verifier.verify(&statement, published, &proof.proof);
    assert_eq!(verdict, Err(Reject::Weights));
    assert_eq!(found, self::fingerprint(&model, &other, 1 << 20));
}

#[test]
fn parts_are_opened_in_pieces_that_fit_and_lead_to_the_same_fingerprint() {
    for model in models() {
        let (plan, weights) = (model.graph.plan(), model.graph.weights());
        let audit = Audit::new(plan).unwrap();
        for (max_parts, max_bytes) in [(1, 1), (2, 3000), (3, 2048), (64, 1 << 20)] {
            let mut state = AuditState::default();
            while audit.next(&state).is_some() {
                let openings = audit.open_next(&state, weights, max_parts, max_bytes).unwrap();
                assert!((1..=max_parts).contains(&openings.len()));
                let mut bytes = 0;
                for opening in openings {
                    let part = audit.next(&state).unwrap();
                    let range = part.first..part.first + opening.elements.leaves.len();
                    bytes += range.len();
                    let wrong = opening.verify(plan, part.set + 1, part.elements, range.clone());
                    assert!(wrong.is_err());
                    let opened = opening.verify(plan, part.set, part.elements, range).unwrap();
                    audit.take(&mut state, &opened).unwrap();
                }
                assert!(bytes <= max_bytes.max(1024));
            }
            assert_eq!(Some(state.fingerprint), audit.fingerprint(weights));
            assert!(audit.open_next(&state, weights, 9, 9).unwrap().is_empty());
        }
    }
}

#[test]
fn unexpected_bytes_are_refused_and_change_nothing() {
    let model = perceptron(72).model();
    let audit = Audit::new(model.graph.plan()).unwrap();
    let mut state = AuditState::default();
    let refused = |state: &mut AuditState, bytes: &[u8]| {
        let before = *state;
        assert_eq!(audit.take(state, bytes), Err(AuditError::UnexpectedBytes));
        assert_eq!(*state, before);
    };
    let weights = 50 * 30;
    refused(&mut state, &[]);
    refused(&mut state, &vec![0; weights + 1]);
    audit.take(&mut state, &vec![1; weights]).unwrap();
    let part = audit.next(&state).unwrap();
    assert_eq!((part.set, part.elements, part.first), (0, Elements::Bias, 0));
    for bytes in [0, 3, 5, 4 * 50 + 4] {
        refused(&mut state, &vec![0; bytes]);
    }
    audit.take(&mut state, &[0; 8]).unwrap();
    assert_eq!(audit.next(&state).map(|part| part.first), Some(8));
    // Nothing is accepted after the end either, however far beyond.
    for done in [audit.total_bytes(), 1 << 32, u64::MAX] {
        state.done = done;
        assert_eq!(audit.next(&state), None);
        refused(&mut state, &[0; 4]);
    }
}

/// With a larger bias a sum could leave int32, where a proof would not agree with the interpreter.
#[test]
fn biases_out_of_bounds_are_refused_and_change_nothing() {
    let model = perceptron(73).model();
    let audit = Audit::new(model.graph.plan()).unwrap();
    let mut weights = model.graph.weights().clone();
    let mut state = AuditState::default();
    let first = audit.next(&state).unwrap();
    audit.take(&mut state, &first.of(&weights).unwrap()).unwrap();
    let part = audit.next(&state).unwrap();
    for (index, bias) in [(0, MAX_BIAS + 1), (49, -MAX_BIAS - 1), (7, i32::MAX), (8, i32::MIN)] {
        let mut changed = weights.clone();
        changed.parameters[0].bias[index] = bias;
        let before = state;
        let refused = audit.take(&mut state, &part.of(&changed).unwrap());
        assert_eq!(refused, Err(AuditError::Bias { bias }));
        assert_eq!(state, before);
        assert_eq!(audit.fingerprint(&changed), None);
    }
    weights.parameters[0].bias[0] = MAX_BIAS;
    weights.parameters[0].bias[49] = -MAX_BIAS;
    audit.take(&mut state, &part.of(&weights).unwrap()).unwrap();
}

/// The fingerprint's point follows from the version's digest, and each parameter set has its own
/// factor.
#[test]
fn fingerprints_depend_on_the_version_and_on_the_order_of_the_sets() {
    let square = |source: u8| {
        let builder = Builder::new(Shape::vector(16), 74)
            .dense(16)
            .requantize(Shift::Bits32, Clamp::RELU, false)
            .dense(16);
        let mut graph = builder.unsealed();
        graph.architecture.commitments.source = [source; 32];
        seal(&mut graph, &QUICK).unwrap();
        CheckedGraph::new(graph).unwrap()
    };
    let [first, second] = [1, 2].map(square);
    assert_eq!(first.weights(), second.weights());
    let audit = Audit::new(first.plan()).unwrap();
    let other = Audit::new(second.plan()).unwrap();
    assert_ne!(audit.fingerprint(first.weights()), other.fingerprint(second.weights()));
    let mut exchanged = first.weights().clone();
    exchanged.parameters.swap(0, 1);
    assert_ne!(audit.fingerprint(&exchanged), audit.fingerprint(first.weights()));
}
