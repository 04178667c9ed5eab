//! Bundled models: the engine's outputs against those of onnxruntime and of a second interpreter.

use std::collections::HashMap;

use assay_primitives::{Dimension, ElementType, Tensor, TensorDeclaration};
use codec::Encode;
use npyz::npz::NpzArchive;

mod support;
use support::{
    decode, engine,
    graphs::{bundled, context, payload, verifies},
    model_path, values, Version,
};

/// Largest absolute difference between tract and onnxruntime.
const TOLERANCE: f64 = 1e-5;

/// Reads arrays of a `samples.npz`, with their shapes.
fn samples(name: &str, arrays: &[&str]) -> HashMap<String, (Vec<u64>, Vec<f64>)> {
    let path = model_path(&format!("{name}/samples.npz"));
    let mut archive = NpzArchive::open(&path).unwrap();
    let mut read = |array: &&str| {
        let file = archive.by_name(array).unwrap().unwrap_or_else(|| panic!("no array {array}"));
        let shape = file.shape().to_vec();
        let numbers = match file.dtype().descr() {
            text if text.contains("f4") => {
                file.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect()
            },
            text if text.contains("f8") => file.into_vec::<f64>().unwrap(),
            text => panic!("{array} has type {text}"),
        };
        ((*array).to_owned(), (shape, numbers))
    };
    arrays.iter().map(&mut read).collect()
}

/// The shape of one sample, with size 1 for free dimensions.
fn shape_of(declared: &TensorDeclaration) -> Vec<u32> {
    let size = |dimension: &Dimension| match dimension {
        Dimension::Fixed(size) => *size,
        Dimension::Free => 1,
    };
    declared.shape.iter().map(size).collect()
}

fn agrees_with_onnxruntime(name: &str) {
    let version = Version::bundled(name);
    let engine = engine();
    let (input, output) = (&version.descriptor.inputs[0], &version.descriptor.outputs[0]);
    assert_eq!(input.element_type, ElementType::F32);
    let arrays = samples(name, &[input.name(), "expected"]);
    let (shape, inputs) = &arrays[input.name()];
    let (_, expected) = &arrays["expected"];
    let count = shape[0] as usize;
    assert!(count > 0 && expected.len().is_multiple_of(count));

    let input_shape = shape_of(input);
    for index in 0..count {
        let sample = &inputs[index * inputs.len() / count..(index + 1) * inputs.len() / count];
        let data = sample.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
        let tensor = Tensor { element_type: ElementType::F32, shape: input_shape.clone(), data };
        let ran = version.run(&engine, &vec![tensor].encode()).unwrap();
        assert_eq!(ran.cached, index > 0);
        let outputs = decode(&ran.payload);
        assert_eq!(outputs[0].shape, shape_of(output));
        let wanted =
            &expected[index * expected.len() / count..(index + 1) * expected.len() / count];
        let given = values(&outputs[0]);
        assert_eq!(given.len(), wanted.len());
        for (given, wanted) in given.iter().zip(wanted) {
            let apart = (f64::from(*given) - wanted).abs();
            assert!(apart <= TOLERANCE, "sample {index}: {given} where {wanted} is expected");
        }
    }
}

#[test]
fn digits_agrees_with_onnxruntime() {
    agrees_with_onnxruntime("digits");
}

#[test]
fn breast_cancer_agrees_with_onnxruntime() {
    agrees_with_onnxruntime("breast-cancer");
}

/// Compares with the outputs of the interpreter in Python (`models/integer.py`), bit by bit, and
/// proves one run of each graph.
#[test]
fn graphs_agree_with_the_second_interpreter_and_are_proven() {
    let engine = engine();
    for name in ["digits", "breast-cancer", "digits-mlp", "digits-28-mlp", "digits-32-conv"] {
        let (graph, version) = bundled(name);
        let path = model_path(&format!("{name}/integer-samples.npz"));
        let mut archive = NpzArchive::open(&path).unwrap();
        let array = archive.by_name("input").unwrap().unwrap();
        let count = array.shape()[0] as usize;
        let inputs: Vec<i8> = array.into_vec().unwrap();
        let array = archive.by_name("expected").unwrap().unwrap();
        let expected: Vec<i32> = array.into_vec().unwrap();
        assert!(count > 0 && expected.len().is_multiple_of(count));
        let expected: Vec<_> = expected.chunks_exact(expected.len() / count).collect();
        for (index, input) in inputs.chunks_exact(inputs.len() / count).enumerate() {
            let input: Vec<u8> = input.iter().map(|element| *element as u8).collect();
            let payload = payload(&version, &input);
            let ran = version.run(&engine, &payload).unwrap();
            let [output] = &decode(&ran.payload)[..] else { panic!("one output") };
            let given: Vec<i32> = match output.element_type {
                ElementType::I8 => output.data.iter().map(|byte| i32::from(*byte as i8)).collect(),
                _ => {
                    let (elements, _) = output.data.as_chunks::<4>();
                    elements.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect()
                },
            };
            assert_eq!(given, expected[index], "{name}, sample {index}");
            if index == 0 {
                let proven = version.prove(&engine, &payload).unwrap();
                assert_eq!(proven.payload, ran.payload);
                assert!(verifies(&graph, &context(), &input, &proven), "{name}");
            }
        }
    }
}

#[test]
fn the_files_declare_the_tensors_of_their_model_json() {
    let engine = engine();
    for name in ["digits", "breast-cancer"] {
        let version = Version::bundled(name);
        let found = engine.inspect(version.file.clone()).unwrap();
        assert_eq!(found.inputs, version.descriptor.inputs, "{name}");
        assert_eq!(found.outputs, version.descriptor.outputs, "{name}");
        engine.check_model(&version.descriptor, version.file).unwrap();
    }
}
