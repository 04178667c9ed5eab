//! Proofs of true statements are accepted.

use super::*;
use crate::{
    circuit::Circuit,
    logup::Layout,
    parameters::{LimbWidth, MIN_SECURITY_BITS},
    pcs::Pcs,
    security::Security,
};
use assay_graph::{Extent, Padding, Window};

#[test]
fn an_inference_is_proven_and_agrees_with_the_reference() {
    let model = perceptron(1).model();
    for seed in 0..3 {
        model.accepts(&model.input(seed));
    }
}

#[test]
fn inputs_at_the_ends_of_every_interval_are_provable() {
    let model = perceptron(2).model();
    let row: Vec<i8> = model.graph.weights().parameters[0].weights[..30].to_vec();
    let towards = |up: bool| -> Vec<u8> {
        row.iter().map(|w| if (*w < 0) == up { i8::MIN as u8 } else { i8::MAX as u8 }).collect()
    };
    for input in [vec![127; 30], vec![128; 30], vec![0; 30], towards(true), towards(false)] {
        model.accepts(&input);
    }
}

#[test]
fn every_shift_clamp_and_kind_of_multiplier_is_provable() {
    for (shift, clamp, per_channel) in [
        (Shift::Bits16, Clamp::FULL, false),
        (Shift::Bits32, Clamp::new(-5, 90).unwrap(), true),
        (Shift::Bits48, Clamp::RELU, false),
        (Shift::Bits32, Clamp::new(0, 0).unwrap(), false),
    ] {
        let model = Builder::new(Shape::vector(17), 3)
            .dense(33)
            .requantize(shift, clamp, per_channel)
            .dense(9)
            .model();
        model.accepts(&model.input(1));
    }
}

#[test]
fn layers_of_one_shape_with_different_shifts_and_tables_are_provable() {
    let model = Builder::new(Shape::vector(24), 4)
        .dense(24)
        .requantize(Shift::Bits16, Clamp::FULL, true)
        .dense(24)
        .requantize(Shift::Bits48, Clamp::RELU, false)
        .dense(24)
        .requantize(Shift::Bits32, Clamp::FULL, false)
        .dense(3)
        .model();
    model.accepts(&model.input(1));
}

#[test]
fn an_int8_output_is_provable() {
    let model =
        Builder::new(Shape::vector(20), 5).dense(19).requantize(Shift::Bits32, Clamp::FULL, true);
    let model = model.model();
    assert_eq!(model.prover.verifier().output_bytes(), 19);
    model.accepts(&model.input(1));
}

#[test]
fn lookups_whose_padding_is_not_zero_are_provable() {
    // The image of zero is 40, then -37. It fills the padding of both columns.
    let model = Builder::new(Shape::vector(21), 6)
        .lookup(|x| x.wrapping_add(40))
        .dense(13)
        .requantize(Shift::Bits32, Clamp::FULL, true)
        .lookup(|x| (x / 2).wrapping_sub(37))
        .lookup(|x| x.wrapping_mul(3))
        .dense(7)
        .requantize(Shift::Bits32, Clamp::RELU, false)
        .lookup(|x| !x)
        .model();
    assert_eq!(model.prover.verifier.key.circuit.tables.len(), 7);
    model.accepts(&model.input(1));
    model.accepts(&[0; 21]);
}

#[test]
fn operations_with_equal_tables_share_them() {
    let model = Builder::new(Shape::vector(16), 7)
        .lookup(|x| !x)
        .lookup(|x| !x)
        .dense(16)
        .requantize(Shift::Bits32, Clamp::FULL, false)
        .lookup(|x| !x)
        .model();
    assert_eq!(model.prover.verifier.key.circuit.tables.len(), 3);
    model.accepts(&model.input(1));
}

#[test]
fn reshapes_are_aliases() {
    let model = Builder::new(Shape::new(2, 3, 4), 8)
        .lookup(|x| x.saturating_neg())
        .reshape(Shape::vector(24))
        .dense(12)
        .requantize(Shift::Bits32, Clamp::FULL, false)
        .reshape(Shape::new(3, 2, 2))
        .model();
    model.accepts(&model.input(1));
}

#[test]
fn a_single_layer_is_provable() {
    let model = Builder::new(Shape::vector(1), 9).dense(1).model();
    model.accepts(&[200]);
}

#[test]
fn limbs_of_two_bytes_are_provable() {
    let mut parameters = QUICK;
    parameters.limbs = LimbWidth::Bits16;
    let model = perceptron(10).model_with(&parameters);
    model.accepts(&model.input(1));
}

#[test]
fn the_recommended_parameters_are_secure_and_provable() {
    let model = perceptron(11).model_with(&ProofParameters::RECOMMENDED);
    assert!(model.prover.verifier().security_bits() > 121.0);
    model.accepts(&model.input(1));
}

#[test]
fn proof_of_work_counts_in_one_figure_only() {
    let security = |grinding_bits, security_bits| {
        let mut parameters = ProofParameters::RECOMMENDED;
        for opening in [&mut parameters.model, &mut parameters.witness] {
            (opening.grinding_bits, opening.security_bits) = (grinding_bits, security_bits);
        }
        perceptron(11).model_with(&parameters).prover.verifier().security()
    };
    // The same number of queries in both.
    let (none, some) = (security(0, 122), security(8, 130));
    assert_eq!(none.statistical, none.with_grinding);
    assert!((some.statistical - none.statistical).abs() < 1e-9);
    assert!((some.unique_decoding - none.unique_decoding).abs() < 1e-9);
    assert!(some.with_grinding > none.with_grinding + 6.0);
    assert!(none.unique_decoding < 60.0, "the docs state less");
}

#[test]
fn every_legal_parameter_works_or_is_refused_by_name() {
    let mut graph = Builder::new(Shape::vector(4), 12).dense(3).unsealed();
    for log_inverse_rate in 3..=7 {
        for (first_fold, fold) in [(3, 3), (3, 5), (4, 3), (4, 4), (5, 3), (5, 4), (5, 5)] {
            for (grinding_bits, security_bits) in [(0, 120), (0, 136), (8, 120), (8, 136)] {
                let mut parameters = QUICK;
                parameters.model.log_inverse_rate = log_inverse_rate;
                parameters.model.first_fold = first_fold;
                parameters.model.first_shrink = first_fold;
                parameters.model.fold = fold;
                parameters.model.grinding_bits = grinding_bits;
                parameters.model.security_bits = security_bits;
                parameters.witness = parameters.model;
                match seal(&mut graph, &parameters) {
                    Ok(()) => {
                        let plan = Plan::new(graph.architecture.clone()).unwrap();
                        let bits = Verifier::new(&plan).unwrap().security_bits();
                        assert!(bits >= MIN_SECURITY_BITS);
                    },
                    Err(SetupError::Security(_) | SetupError::OpeningParameters(_)) => (),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

#[test]
fn parameters_that_are_secure_with_proof_of_work_only_are_refused() {
    let graph = perceptron(11).unsealed();
    let mut only_with_proof_of_work = 0;
    for security_bits in 120..=127 {
        let mut parameters = ProofParameters::RECOMMENDED;
        for opening in [&mut parameters.model, &mut parameters.witness] {
            (opening.grinding_bits, opening.security_bits) = (8, security_bits);
        }
        let mut architecture = graph.architecture.clone();
        architecture.commitments.proof_parameters = parameters.to_list();
        let plan = Plan::new(architecture).unwrap();
        let circuit = Circuit::new(&plan, parameters.limbs).unwrap();
        let model = Pcs::new(&circuit.model_tables(), &parameters.model).unwrap();
        let witness = Pcs::new(&circuit.witness_tables(), &parameters.witness).unwrap();
        let lookups = Layout::new(&circuit);
        let security = Security::new(&circuit, &lookups, &model, &witness).unwrap();
        if security.statistical < MIN_SECURITY_BITS && security.with_grinding >= MIN_SECURITY_BITS {
            only_with_proof_of_work += 1;
            let error = Verifier::new(&plan).err();
            assert_eq!(error, Some(SetupError::Security(Some(security.statistical))));
        }
    }
    assert!(only_with_proof_of_work > 0);
}

#[test]
fn operations_that_cannot_be_proven_are_named() {
    let window = Window {
        kernel: Extent::square(2),
        stride: Extent::square(2),
        padding: Padding::default(),
    };
    // The vector's elements lie in other cells than those of the image.
    let mut graph = Builder::new(Shape::vector(18), 13)
        .lookup(|x| x)
        .reshape(Shape::new(2, 3, 3))
        .max_pool(window)
        .reshape(Shape::vector(2))
        .dense(3)
        .unsealed();
    let error = seal(&mut graph, &QUICK).unwrap_err();
    assert_eq!(error, SetupError::Unsupported { operation: 2, name: "MaxPool2d" });
    let mut graph = Builder::new(Shape::new(4, 4, 4), 13).convolution(6, 2, window).unsealed();
    let error = seal(&mut graph, &QUICK).unwrap_err();
    assert_eq!(error, SetupError::Unsupported { operation: 0, name: "Conv2d" });
    let mut graph = Builder::new(Shape::new(2, 4, 4), 13).lookup(|x| x).unsealed();
    assert_eq!(seal(&mut graph, &QUICK), Err(SetupError::NoWeights));
}

#[test]
fn a_root_of_other_weights_is_refused() {
    let mut graph = perceptron(14).unsealed();
    seal(&mut graph, &QUICK).unwrap();
    graph.architecture.commitments.weights_root[0] ^= 1;
    let error = Prover::new(&CheckedGraph::new(graph.clone()).unwrap()).err();
    assert!(matches!(error, Some(SetupError::WeightsRoot { .. })));
    graph.architecture.commitments.proof_parameters = vec![1, 2, 3].try_into().unwrap();
    let error = Prover::new(&CheckedGraph::new(graph).unwrap()).err();
    assert_eq!(error, Some(SetupError::ProofParameters));
}
