//! Integer graphs: outputs, proofs, and files that break a rule.

use std::time::Duration;

use assay_engine::{Engine, EngineConfig, EngineError};
use assay_graph::{interpret, random, CheckedGraph, Graph, Multiplier, Operation, Requantize};
use assay_primitives::{Digest, ElementType, FailureReason, Format};
use codec::Encode;

mod support;
use support::{
    config, declared, decode, dimensions, engine,
    graphs::{context, payload, perceptron, sealed, verifies, version, version_of, Numbers},
    Version,
};

const SMALL: [usize; 3] = [16, 8, 4];

/// The output of the reference interpreter.
fn reference(graph: &Graph, input: &[u8]) -> Vec<u8> {
    let graph = CheckedGraph::new(graph.clone()).unwrap();
    let input: Vec<i8> = input.iter().map(|byte| *byte as i8).collect();
    interpret::run(&graph, &input).unwrap().to_bytes()
}

#[test]
fn a_graph_gives_what_the_reference_gives() {
    let engine = engine();
    let mut wide_outputs = 0;
    for seed in 0..24 {
        let graph = random::graph(&mut random::Rng::new(seed), 6);
        let version = version(&graph);
        let elements = graph.architecture.input_shape.elements().unwrap();
        let mut numbers = Numbers(seed + 1);
        for turn in 0..3 {
            let input = numbers.bytes(elements);
            let ran = version.run(&engine, &payload(&version, &input)).unwrap();
            let [output] = &decode(&ran.payload)[..] else { panic!("one output") };
            assert_eq!(output.data, reference(&graph, &input), "seed {seed}");
            assert_eq!(ran.cached, turn > 0);
            assert_eq!(ran.proof, None);
            wide_outputs += usize::from(output.element_type == ElementType::I32);
        }
    }
    assert!(wide_outputs > 0 && wide_outputs < 72, "both types of outputs: {wide_outputs}");
}

#[test]
fn a_proof_is_one_of_this_run_and_of_no_other() {
    let engine = engine();
    let graph = sealed(&SMALL);
    let version = version(&graph);
    let input = Numbers(3).bytes(16);
    let run = version.prove(&engine, &payload(&version, &input)).unwrap();
    assert_eq!(decode(&run.payload)[0].data, reference(&graph, &input));
    assert!(verifies(&graph, &context(), &input, &run));
    let mut other = context();
    other.operator = [9; 32];
    assert!(!verifies(&graph, &other, &input, &run));
    let mut changed = input.clone();
    changed[0] ^= 1;
    assert!(!verifies(&graph, &context(), &changed, &run));
}

#[test]
fn a_worker_makes_its_prover_once_and_runs_without_proofs_as_well() {
    let engine = engine();
    let version = version(&sealed(&SMALL));
    let input = payload(&version, &[1; 16]);
    let plain = version.run(&engine, &input).unwrap();
    let proven = version.prove(&engine, &input).unwrap();
    let again = version.prove(&engine, &input).unwrap();
    let cached = version.run_cached(&engine, &input).unwrap();
    assert_eq!(
        [plain.cached, proven.cached, again.cached, cached.cached],
        [false, true, true, true]
    );
    for run in [&proven, &again, &cached] {
        assert_eq!(run.payload, plain.payload);
    }
    assert_eq!([plain.proof.is_some(), cached.proof.is_some()], [false, false]);
    let counters = engine.status().counters;
    assert_eq!((counters.runs, counters.proofs, counters.loads), (4, 2, 1));
}

/// Where `RLIMIT_NPROC` applies, no further thread could be started.
#[test]
fn neither_runs_nor_proofs_start_threads() {
    let engine = engine();
    let version = version(&sealed(&[64, 128, 10]));
    let input = payload(&version, &[1; 64]);
    version.run(&engine, &input).unwrap();
    version.prove(&engine, &input).unwrap();
    let pid = engine.status().idle_workers[0].pid;
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
    assert_eq!(threads, 2, "one thread reads requests, the other answers them");
}

/// The default limits are chosen for models of this size.
#[test]
fn a_quarter_of_a_million_weights_is_proven_within_the_default_limits() {
    let worker = config().worker;
    let engine = Engine::new(EngineConfig { worker, ..EngineConfig::default() }).unwrap();
    let graph = sealed(&[784, 256, 128, 10]);
    let version = version(&graph);
    let input = Numbers(5).bytes(784);
    let first = version.prove(&engine, &payload(&version, &input)).unwrap();
    let run = version.prove(&engine, &payload(&version, &input)).unwrap();
    assert!(verifies(&graph, &context(), &input, &run));
    let resident = engine.status().idle_workers[0].resident_bytes >> 20;
    println!(
        "first proof {:?}, second {:?}, {} bytes, {resident} MiB resident",
        first.latency,
        run.latency,
        run.proof.unwrap().len()
    );
}

#[test]
fn a_prover_that_needs_too_much_memory_is_refused_and_the_engine_goes_on() {
    let engine = Engine::new(EngineConfig { memory_limit_bytes: 48 << 20, ..config() }).unwrap();
    let large = version(&sealed(&[784, 256, 128, 10]));
    let input = payload(&large, &[1; 784]);
    let plain = large.run(&engine, &input).unwrap();
    let error = large.prove(&engine, &input).unwrap_err();
    assert!(matches!(error, EngineError::MemoryLimit { .. }), "{error:?}");
    assert_eq!(large.run(&engine, &input).unwrap().payload, plain.payload);
}

#[test]
fn a_proof_that_takes_too_long_is_aborted() {
    let prove_timeout = Duration::from_millis(1);
    let engine = Engine::new(EngineConfig { prove_timeout, ..config() }).unwrap();
    let version = version(&sealed(&SMALL));
    let error = version.prove(&engine, &payload(&version, &[0; 16])).unwrap_err();
    assert_eq!(error, EngineError::ProveTimeLimit(prove_timeout));
    assert_eq!(error.reason(), FailureReason::TimeLimit);
    assert!(engine.status().idle_workers.is_empty(), "the worker is ended");
    version.run(&engine, &payload(&version, &[0; 16])).unwrap();
}

#[test]
fn models_that_cannot_be_proven_are_named_and_run_without_a_proof() {
    let engine = engine();
    let refused = |version: &Version, input: &[u8], word: &str| {
        let error = version.prove(&engine, input).unwrap_err();
        let EngineError::NotProvable(text) = &error else { panic!("{word}: {error:?}") };
        assert!(text.contains(word), "{text}");
        assert_eq!(error.reason(), FailureReason::ProofUnavailable);
        version.run(&engine, input).unwrap();
    };
    let digits = Version::digits();
    refused(&digits, &digits.zeros(), "not an integer graph");
    let unsealed = version(&perceptron(&SMALL));
    refused(&unsealed, &unsealed.zeros(), "proof parameters");
    // A weights root that does not match the weights.
    let mut lie = sealed(&SMALL);
    lie.architecture.commitments.weights_root[0] ^= 1;
    let lie = version(&lie);
    refused(&lie, &lie.zeros(), "weights root");
    let sealed = version(&sealed(&SMALL));
    let mut context = context();
    context.domain = vec![0; 257];
    let fetch = || Err::<Vec<u8>, _>("the file was fetched although the context is refused");
    let error = engine.prove(&sealed.descriptor, fetch, &sealed.zeros(), &context).unwrap_err();
    assert!(matches!(error, EngineError::NotProvable(_)), "{error:?}");
}

/// Checks that an invalid version is refused, and that a valid one still runs afterwards.
fn refuse(engine: &Engine, sound: &Version, bad: &Version, what: &str) -> EngineError {
    let checked = engine.check_model(&bad.descriptor, bad.file.clone()).unwrap_err();
    let ran = bad.run(engine, &bad.zeros()).unwrap_err();
    let proven = bad.prove(engine, &bad.zeros()).unwrap_err();
    assert_eq!(checked, ran, "{what}");
    assert_eq!(checked, proven, "{what}");
    assert_ne!(checked.reason(), FailureReason::EngineError, "{what}: {checked:?}");
    sound.run(engine, &sound.zeros()).unwrap_or_else(|error| panic!("after {what}: {error}"));
    checked
}

#[test]
fn damaged_files_are_refused_and_the_engine_goes_on() {
    let engine = engine();
    let graph = sealed(&SMALL);
    let sound = version(&graph);
    let file = graph.encode();
    let refuse_file = |bytes: Vec<u8>, what: &str| {
        let error = refuse(&engine, &sound, &version_of(&graph, bytes), what);
        assert!(matches!(error, EngineError::InvalidModel(_)), "{what}: {error:?}");
    };
    for cut in (0..file.len()).step_by(file.len() / 12).chain([1, 2, file.len() - 1]) {
        refuse_file(file[..cut].to_vec(), &format!("cut at {cut}"));
    }
    let trailing = [&file[..], &[0]].concat();
    refuse_file(trailing, "a byte behind the graph");
    let numbers = Numbers(1).bytes(file.len());
    refuse_file(numbers, "noise");
    // The list of parameter sets and the first list of weights claim 2^30 - 1 and more entries.
    let weights = file.len() - graph.weights.encoded_size();
    for at in [weights, weights + 1] {
        for length in [[0xfe, 0xff, 0xff, 0xff], [0x03, 0xff, 0xff, 0xff]] {
            let mut long = file.clone();
            long.splice(at..at + 1, length);
            refuse_file(long, "a long list");
        }
    }
    let mut onnx = version_of(&graph, Version::digits().file);
    onnx.descriptor.artifact_size = onnx.file.len() as u64;
    assert!(matches!(refuse(&engine, &sound, &onnx, "ONNX"), EngineError::InvalidModel(_)));
}

#[test]
fn graphs_that_break_a_rule_are_refused_by_its_name() {
    let engine = engine();
    let sound = version(&sealed(&SMALL));
    let refuse_graph = |change: &dyn Fn(&mut Graph), word: &str| {
        let mut graph = sealed(&SMALL);
        change(&mut graph);
        let error = refuse(&engine, &sound, &version(&graph), word);
        let EngineError::InvalidModel(text) = &error else { panic!("{word}: {error:?}") };
        assert!(text.contains(word), "{word}: {text}");
    };
    refuse_graph(&|graph| graph.weights.parameters[0].weights[0] ^= 1, "digest");
    refuse_graph(&|graph| graph.architecture.commitments.weights[0] ^= 1, "digest");
    refuse_graph(
        &|graph| {
            // Out of bounds.
            graph.weights.parameters[0].bias[0] = i32::MAX;
            graph.architecture.commitments.weights = graph.weights.digest();
        },
        "the bias of channel 0",
    );
    refuse_graph(
        &|graph| {
            let narrow = graph.architecture.operations.iter_mut().find_map(|one| match one {
                Operation::Requantize(Requantize { multipliers, quotient_bits, .. }) => {
                    Some((multipliers, quotient_bits))
                },
                _ => None,
            });
            let (multipliers, bits) = narrow.unwrap();
            multipliers.iter_mut().for_each(|one| *one = Multiplier::MAX);
            *bits = 9;
        },
        "quotient",
    );
}

#[test]
fn a_file_that_is_not_what_its_version_declares_is_refused() {
    let engine = engine();
    let graph = sealed(&SMALL);
    let sound = version(&graph);
    let refuse_version = |change: &dyn Fn(&mut Version), word: &str| {
        let mut version = version(&graph);
        change(&mut version);
        let error = engine.check_model(&version.descriptor, version.file.clone()).unwrap_err();
        let EngineError::DeclarationMismatch(text) = &error else { panic!("{word}: {error:?}") };
        assert!(text.contains(word), "{text}");
        sound.run(&engine, &sound.zeros()).unwrap();
    };
    let input = |element_type, shape: &[u32]| {
        vec![declared("x", element_type, &dimensions(shape))].try_into().unwrap()
    };
    refuse_version(&|v| v.descriptor.architecture = Some(Digest::repeat_byte(1)), "0x0101");
    refuse_version(&|v| v.descriptor.inputs = input(ElementType::U8, &[16]), "declared as u8");
    refuse_version(&|v| v.descriptor.inputs = input(ElementType::I8, &[4, 4]), "[4, 4]");
    refuse_version(&|v| v.descriptor.inputs = input(ElementType::I8, &[0]), "free");
    refuse_version(&|v| v.descriptor.inputs = Default::default(), "0 inputs");
    refuse_version(&|v| v.descriptor.outputs = input(ElementType::I8, &[4]), "declared as i8");
    // A batch of one is the same tensor.
    let mut batch = version(&graph);
    batch.descriptor.inputs = input(ElementType::I8, &[1, 16]);
    let ran = batch.run(&engine, &payload(&batch, &[1; 16])).unwrap();
    let plain = sound.run(&engine, &payload(&sound, &[1; 16])).unwrap();
    assert_eq!(decode(&ran.payload)[0].data, decode(&plain.payload)[0].data);
}

#[test]
fn format_and_architecture_go_together() {
    let engine = engine();
    let mut graph = version(&sealed(&SMALL));
    graph.descriptor.architecture = None;
    let mut onnx = Version::digits();
    onnx.descriptor.architecture = Some(Digest::zero());
    let mut renamed = version(&sealed(&SMALL));
    renamed.descriptor.format = Format::Onnx;
    for version in [&graph, &onnx, &renamed] {
        let error = engine.check_model(&version.descriptor, version.file.clone()).unwrap_err();
        assert_eq!(error, EngineError::FormatMismatch);
        assert_eq!(error.reason(), FailureReason::InvalidModel);
    }
}

#[test]
fn a_worker_of_one_architecture_does_not_serve_another() {
    let engine = engine();
    let sound = version(&sealed(&SMALL));
    sound.run(&engine, &sound.zeros()).unwrap();
    let mut other = sound.clone();
    other.descriptor.architecture = Some(Digest::zero());
    let error = other.run(&engine, &other.zeros()).unwrap_err();
    assert!(matches!(error, EngineError::DeclarationMismatch(_)), "{error:?}");
}
