//! The bundled integer models are what quantising the bundled ONNX files produces, with nearly the
//! same accuracy.

mod support;

use assay_graph::{fast, interpret, CheckedGraph, Graph, Tensor};
use assay_proof::{Context, Prover, Statement, Verifier};
use assay_quantizer::{
    CalibrationMethod, Dataset, FloatModel, ProofSupport, QuantizeOptions, Quantized,
};
use std::fs;
use support::{arrays, models, Array};

/// Maximum loss of accuracy: one percentage point.
const LOSS: f64 = 0.01;
const REGENERATE: &str = "regenerate the files: cargo run --release -p assay-quantizer --example \
     bundled, then python models/integer.py";

struct Bundled {
    model: FloatModel,
    calibration: Dataset,
    test: Dataset,
}

fn bundled(name: &str) -> Bundled {
    let file = |file: &str| fs::read(models(&format!("{name}/{file}"))).unwrap();
    let model = FloatModel::read(&file(&format!("{name}.onnx"))).unwrap();
    let rows = |name: &str| model.dataset(name, &file(name), None).unwrap();
    let (calibration, test) = (rows("calibration.npz"), rows("test.npz"));
    Bundled { model, calibration, test }
}

fn outputs(tensor: &Tensor) -> Vec<f64> {
    match tensor {
        Tensor::Int8(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Tensor::Int32(values) => values.iter().map(|value| f64::from(*value)).collect(),
    }
}

fn check(name: &str) -> Quantized {
    let Bundled { model, calibration, test } = bundled(name);
    let quantized = model.quantize(&calibration, &QuantizeOptions::default()).unwrap();

    let committed = fs::read(models(&format!("{name}/{name}.graph"))).unwrap();
    assert!(quantized.to_bytes() == committed, "{name}.graph is out of date; {REGENERATE}");
    let declaration = fs::read_to_string(models(&format!("{name}/{name}.graph.json"))).unwrap();
    let found = serde_json::to_string_pretty(&quantized.declaration(&model)).unwrap() + "\n";
    assert!(found == declaration, "{name}.graph.json is out of date; {REGENERATE}");

    // The committed file, read as users read it.
    let graph = CheckedGraph::new(Graph::from_bytes(&committed).unwrap()).unwrap();
    assert_eq!(graph.plan().architecture().commitments.source, model.source());
    let samples = arrays(models(&format!("{name}/integer-samples.npz")));
    let sample = |array: &str| -> Array { samples[array].clone() };
    let (inputs, expected) = (sample("input"), sample("expected"));
    assert_eq!(inputs.shape[0], 20);
    for (input, expected) in inputs.rows().zip(expected.rows()) {
        let input: Vec<i8> = input.iter().map(|value| *value as i8).collect();
        assert_eq!(outputs(&interpret::run(&graph, &input).unwrap()), expected, "{name}");
        assert_eq!(outputs(&fast::run(&graph, &input).unwrap()), expected, "{name}");
    }

    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(models(&format!("{name}/model.json"))).unwrap()).unwrap();
    for method in [CalibrationMethod::SquaredError, CalibrationMethod::Greatest] {
        let quantized = model.quantize(&calibration, &QuantizeOptions { method }).unwrap();
        let evaluation = quantized.evaluate(&model, &test).unwrap();
        println!("{name}, {method:?}: {evaluation:?}");
        let float = evaluation.float_accuracy.unwrap();
        // The accuracy of the ONNX file under onnxruntime, which `train.py` stores with four
        // digits.
        assert!((float - document["test_accuracy"].as_f64().unwrap()).abs() < 1e-4, "{name}");
        assert!(evaluation.integer_accuracy.unwrap() >= float - LOSS, "{name}, {method:?}");
    }
    quantized
}

#[test]
fn digits_is_what_its_onnx_file_becomes() {
    check("digits");
}

#[test]
fn breast_cancer_is_what_its_onnx_file_becomes() {
    let quantized = check("breast-cancer");
    // Each of the 30 features has a scale of its own.
    let (scale, offset) = quantized.convention().preprocessing.clone().unwrap();
    assert_eq!((scale.len(), offset.len()), (30, 30));
}

#[test]
fn digits_mlp_is_what_its_onnx_file_becomes() {
    check("digits-mlp");
}

#[test]
fn digits_28_mlp_is_what_its_onnx_file_becomes() {
    check("digits-28-mlp");
}

#[test]
fn digits_32_conv_is_what_its_onnx_file_becomes() {
    check("digits-32-conv");
}

#[test]
fn runs_of_every_bundled_model_are_proven_and_verified() {
    let context = Context {
        genesis: [1; 32],
        domain: b"test",
        request: &[1],
        requester: [2; 32],
        operator: [3; 32],
    };
    for name in ["digits", "breast-cancer", "digits-mlp", "digits-28-mlp", "digits-32-conv"] {
        let Bundled { model, calibration, .. } = bundled(name);
        let quantized = model.quantize(&calibration, &QuantizeOptions::default()).unwrap();
        let ProofSupport::Sealed { security_bits } = quantized.proof() else {
            panic!("{name}: {:?}", quantized.proof());
        };
        assert!(*security_bits >= 120.0, "{name}");
        let samples = arrays(models(&format!("{name}/integer-samples.npz")));
        let row = |array: &str| samples[array].rows().next().unwrap().to_vec();
        let input: Vec<u8> = row("input").iter().map(|value| *value as i8 as u8).collect();
        let prover = Prover::new(quantized.graph()).unwrap();
        let proven = prover.prove(&context, &input).unwrap();
        let plan = quantized.graph().plan();
        let element_type = plan.element_type(plan.output()).unwrap();
        let output = Tensor::from_bytes(element_type, &proven.output).unwrap();
        assert_eq!(outputs(&output), row("expected"), "{name}");
        let verifier = Verifier::new(plan).unwrap();
        let statement = Statement { context, input: &input, output: &proven.output };
        verifier.verify(&statement, prover.fingerprint(), &proven.proof).unwrap();
        let mut other = proven.output.clone();
        other[0] ^= 1;
        let statement = Statement { context, input: &input, output: &other };
        assert!(
            verifier.verify(&statement, prover.fingerprint(), &proven.proof).is_err(),
            "{name}"
        );
    }
}
