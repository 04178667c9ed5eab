//! Compares small models, one for each operator or pair of operators, with onnxruntime's outputs.

mod support;

use assay_graph::Operation;
use assay_proof::{Context, Prover, Statement, Verifier};
use assay_quantizer::{Dataset, FloatModel, ProofSupport, QuantizeOptions, Quantized};
use std::collections::BTreeSet;
use support::{arrays, data, npy, Array};

/// Maximum difference between the import and onnxruntime, relative to the greatest output.
const IMPORT_BOUND: f64 = 2e-6;
/// Maximum mean and maximum greatest difference between integers and floating point, in the same
/// unit.
const MEAN_BOUND: f64 = 0.012;
const GREATEST_BOUND: f64 = 0.05;

struct Case {
    name: String,
    model: FloatModel,
    rows: Array,
    dataset: Dataset,
    quantized: Quantized,
    expected: Array,
}

fn cases() -> Vec<Case> {
    let all = arrays(data("operators.npz"));
    let names = all.keys().filter_map(|name| name.strip_suffix(".onnx"));
    names
        .map(|name| {
            let part = |part: &str| all[&format!("{name}.{part}")].clone();
            let fail = |error: assay_quantizer::Error| panic!("{name}: {error}");
            let model = FloatModel::read(&part("onnx").bytes()).unwrap_or_else(fail);
            let (rows, expected) = (part("x"), part("y"));
            let file = npy(&rows.shape, &rows.values);
            let dataset = model.dataset("rows", &file, None).unwrap();
            let quantized = model
                .quantize(&dataset, &QuantizeOptions::default())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            Case { name: name.to_owned(), model, rows, dataset, quantized, expected }
        })
        .collect()
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |max: f64, value| max.max(value.abs()))
}

/// The import leaves out a Softmax at the end, so its expected outputs are logits.
#[test]
fn the_import_agrees_with_onnxruntime() {
    for Case { name, model, rows, expected, .. } in cases() {
        let scale = greatest(&expected.values);
        assert!(scale > 0.05, "{name}: outputs of {scale} are too small to compare");
        for (row, expected) in rows.rows().zip(expected.rows()) {
            let found = model.run(row);
            assert_eq!(found.len(), expected.len(), "{name}");
            for (found, expected) in found.iter().zip(expected) {
                let apart = (found - expected).abs() / scale;
                assert!(apart < IMPORT_BOUND, "{name}: {found} where {expected} is expected");
            }
        }
    }
}

#[test]
fn the_integer_model_stays_near_floating_point() {
    for Case { name, model, dataset, quantized, .. } in cases() {
        let evaluation = quantized.evaluate(&model, &dataset).unwrap();
        let mean = evaluation.mean_deviation / evaluation.greatest_output;
        let greatest = evaluation.max_deviation / evaluation.greatest_output;
        println!("{name}: mean {mean:.4}, greatest {greatest:.4}");
        assert!(mean < MEAN_BOUND && greatest < GREATEST_BOUND, "{name}: {mean}, {greatest}");
    }
}

#[test]
fn every_integer_operation_is_used() {
    let found: BTreeSet<&str> = cases()
        .iter()
        .flat_map(|case| case.quantized.graph().plan().operations().to_vec())
        .map(|operation| operation.name())
        .collect();
    let all =
        ["Add", "Conv2d", "Dense", "Lookup", "MaxPool2d", "Requantize", "Reshape", "SumPool2d"];
    assert_eq!(found, BTreeSet::from(all));
}

#[test]
fn models_are_sealed_and_proven_or_the_reason_is_stated() {
    let context = Context {
        genesis: [1; 32],
        domain: b"test",
        request: &[1],
        requester: [2; 32],
        operator: [3; 32],
    };
    for Case { name, quantized, model, rows, .. } in cases() {
        let report = quantized.report(&model);
        let commitments = quantized.to_graph().architecture.commitments;
        match quantized.proof() {
            ProofSupport::Sealed { security_bits } => {
                assert!(*security_bits >= 120.0, "{name}");
                assert!(report.provable && !commitments.proof_parameters.is_empty(), "{name}");
                let input = quantized.convention().quantize(rows.rows().next().unwrap());
                let input: Vec<u8> = input.into_iter().map(|value| value as u8).collect();
                let prover = Prover::new(quantized.graph()).unwrap();
                let proven = prover.prove(&context, &input);
                let proven = proven.unwrap_or_else(|error| panic!("{name}: {error}"));
                let statement = Statement { context, input: &input, output: &proven.output };
                let verifier = Verifier::new(quantized.graph().plan()).unwrap();
                let verdict = verifier.verify(&statement, prover.fingerprint(), &proven.proof);
                assert!(verdict.is_ok(), "{name}: {verdict:?}");
            },
            ProofSupport::Unsupported { reason } => {
                assert_eq!(name, "without-weights", "{reason}");
                assert!(!report.provable && commitments.proof_parameters.is_empty());
                assert_eq!(report.not_provable_because.as_ref(), Some(reason));
                assert!(reason.contains("weights"), "{reason}");
            },
        }
    }
}

fn names(case: &Case) -> Vec<&'static str> {
    case.quantized.graph().plan().operations().iter().map(Operation::name).collect()
}

#[test]
fn operators_that_can_be_folded_into_a_layer_are() {
    let all = cases();
    let of = |name: &str| names(all.iter().find(|case| case.name == name).unwrap());
    let hidden = ["Dense", "Requantize", "Dense"];
    for name in ["perceptron", "norm-of-vectors"] {
        assert_eq!(of(name), hidden, "{name}");
    }
    for name in ["gemm", "matmul-add", "nothing", "scaler", "standardise", "constants", "softmax"] {
        assert_eq!(of(name), ["Dense"], "{name}");
    }
    assert_eq!(of("norm-after-conv"), ["Conv2d"]);
    assert_eq!(of("norm-before-conv")[..], ["Lookup", "Conv2d"]);
    assert_eq!(of("norm-before-padded-conv")[..], ["Lookup", "Conv2d", "Requantize", "Conv2d"]);
    assert_eq!(of("max-pool-relu"), ["Conv2d", "Requantize", "MaxPool2d"]);
    assert_eq!(of("transpose-into-weights"), ["Reshape", "Dense"]);
    assert_eq!(of("tanh"), ["Dense", "Requantize", "Lookup", "Dense"]);
    assert_eq!(of("global-average-at-the-end")[2..], ["SumPool2d"]);
    assert_eq!(of("add-at-the-end").last(), Some(&"Add"));
}

#[test]
fn scaling_is_part_of_the_input_or_left_to_the_reader() {
    for case in cases() {
        let convention = case.quantized.convention();
        let left_to_reader = ["scaler", "standardise", "norm-of-the-input"];
        let expected = left_to_reader.contains(&case.name.as_str());
        assert_eq!(convention.preprocessing.is_some(), expected, "{}", case.name);
        if case.name == "divide-by-255" {
            // The input's integers represent raw values of up to 255.
            assert!(convention.input_scale > 1.0, "{}", convention.input_scale);
        }
    }
}

#[test]
fn a_second_implementation_computes_the_same_integers() {
    let integers = arrays(data("integers.npz"));
    for case in cases() {
        let expected = integers[&case.name].int32();
        let found: Vec<i32> =
            case.rows.rows().flat_map(|row| case.quantized.run(row).unwrap()).collect();
        assert_eq!(found, expected, "{}", case.name);
    }
}
