//! Checks of descriptors and inputs, the cache, limits, and jobs.

use std::{convert::Infallible, sync::mpsc::channel, time::Duration};

use assay_engine::{
    jobs::{JobOutput, Jobs, JobsConfig},
    Engine, EngineConfig, EngineError,
};
use assay_primitives::{
    engine::JobStatus, Digest, ElementType, FailureReason, PayloadError, RequestId,
};
use codec::Encode;

mod support;
use support::{
    config, declared, decode, dimensions, engine, exists, floats, integers,
    onnx::{Dim, Graph, FLOAT, INT64, STRING},
    tensor, values, Version,
};

/// y = a - b, with any number of rows. The file names the first dimension of both inputs `n`.
fn difference() -> Version {
    let rows = [Dim::Name("n"), Dim::Size(2)];
    let file = Graph::new()
        .input("a", FLOAT, &rows)
        .input("b", FLOAT, &rows)
        .node("Sub", &["a", "b"], "y")
        .output("y", FLOAT, &rows)
        .file();
    let inputs = vec![floats("a", &[0, 2]), floats("b", &[0, 2])];
    Version::new(file, inputs, vec![floats("y", &[0, 2])])
}

/// y = log(x): minus infinity at zero, NaN below.
fn logarithm() -> Version {
    let shape = [Dim::Size(1)];
    let file =
        Graph::new().input("x", FLOAT, &shape).node("Log", &["x"], "y").output("y", FLOAT, &shape);
    Version::new(file.file(), vec![floats("x", &[1])], vec![floats("y", &[1])])
}

fn with(version: &Version, change: impl FnOnce(&mut Version)) -> Version {
    let mut changed = version.clone();
    change(&mut changed);
    changed
}

#[test]
fn a_second_run_finds_the_model_loaded() {
    let engine = engine();
    let digits = Version::digits();
    let first = digits.run(&engine, &digits.zeros()).unwrap();
    let second = digits.run_cached(&engine, &digits.zeros()).unwrap();
    assert_eq!((first.cached, second.cached), (false, true));
    assert_eq!(first.payload, second.payload);
    let status = engine.status();
    assert_eq!(status.idle_workers.len(), 1);
    assert_eq!(status.idle_workers[0].artifact, digits.descriptor.artifact);
    assert!(status.idle_workers[0].resident_bytes > 0);
    let counters = status.counters;
    assert_eq!((counters.runs, counters.cache_hits, counters.loads), (2, 1, 1));
    assert_eq!((counters.failures, counters.evictions, counters.refused), (0, 0, 0));
}

#[test]
fn the_status_can_be_written_as_json_and_read_again() {
    let engine = engine();
    let digits = Version::digits();
    digits.run(&engine, &digits.zeros()).unwrap();
    let status = engine.status();
    assert_eq!(status.version, assay_engine::VERSION);
    let text = serde_json::to_string(&status).unwrap();
    assert_eq!(serde_json::from_str::<assay_engine::EngineStatus>(&text).unwrap(), status);
}

#[test]
fn the_reported_version_of_tract_is_the_one_that_is_built_in() {
    let lock = include_str!("../../Cargo.lock");
    let entry = format!("name = \"tract-onnx\"\nversion = \"{}\"", assay_engine::TRACT_VERSION);
    assert!(lock.contains(&entry));
}

#[test]
fn the_memory_bound_evicts_what_was_used_least_recently() {
    let digits = Version::digits();
    let cancer = Version::bundled("breast-cancer");
    // Enough for one: the memory of one engine worker and a half.
    let probe = engine();
    digits.run(&probe, &digits.zeros()).unwrap();
    let one = probe.status().idle_workers[0].resident_bytes;
    let engine = Engine::new(EngineConfig { cache_bytes: one * 3 / 2, ..config() }).unwrap();
    digits.run(&engine, &digits.zeros()).unwrap();
    let pid = engine.status().idle_workers[0].pid;
    cancer.run(&engine, &cancer.zeros()).unwrap();
    let status = engine.status();
    assert_eq!(status.idle_workers.len(), 1);
    assert_eq!(status.idle_workers[0].artifact, cancer.descriptor.artifact);
    assert_eq!(status.counters.evictions, 1);
    assert!(!exists(pid));
    assert!(!digits.run(&engine, &digits.zeros()).unwrap().cached);
}

#[test]
fn without_cache_memory_nothing_is_kept() {
    let engine = Engine::new(EngineConfig { cache_bytes: 0, ..config() }).unwrap();
    let digits = Version::digits();
    for _ in 0..2 {
        assert!(!digits.run(&engine, &digits.zeros()).unwrap().cached);
        assert!(engine.status().idle_workers.is_empty());
    }
}

#[test]
fn the_number_of_workers_is_bounded() {
    let engine = Engine::new(EngineConfig { concurrency: 1, max_workers: 1, ..config() }).unwrap();
    let digits = Version::digits();
    let cancer = Version::bundled("breast-cancer");
    digits.run(&engine, &digits.zeros()).unwrap();
    let pid = engine.status().idle_workers[0].pid;
    cancer.run(&engine, &cancer.zeros()).unwrap();
    assert!(!exists(pid));
    assert_eq!(engine.status().idle_workers.len(), 1);
    engine.inspect(digits.file.clone()).unwrap();
    assert!(engine.status().idle_workers.is_empty());
}

#[test]
fn a_version_with_other_declarations_does_not_share_a_loaded_model() {
    let engine = engine();
    let free = difference();
    let fixed = Version::new(
        free.file.clone(),
        vec![floats("a", &[3, 2]), floats("b", &[3, 2])],
        vec![floats("y", &[3, 2])],
    );
    free.run(&engine, &free.zeros()).unwrap();
    assert!(!fixed.run(&engine, &fixed.zeros()).unwrap().cached);
    assert!(free.run(&engine, &free.zeros()).unwrap().cached);
}

#[test]
fn bytes_with_another_identity_are_refused() {
    let engine = engine();
    let digits = Version::digits();
    let corrupt = with(&digits, |version| version.file[100] ^= 1);
    let error = corrupt.run(&engine, &digits.zeros()).unwrap_err();
    assert!(matches!(error, EngineError::ArtifactCorrupt { .. }), "{error:?}");
    assert_eq!(error.reason(), FailureReason::ArtifactUnavailable);
    let wrong_size = with(&digits, |version| version.descriptor.artifact_size += 1);
    let error = engine.check_model(&wrong_size.descriptor, wrong_size.file).unwrap_err();
    assert!(matches!(error, EngineError::ArtifactCorrupt { .. }), "{error:?}");
}

#[test]
fn a_file_that_cannot_be_retrieved_is_an_error_with_its_cause() {
    let engine = engine();
    let digits = Version::digits();
    let fetch = || Err::<Vec<u8>, _>("chunk 3 is missing");
    let error = engine.run(&digits.descriptor, fetch, &digits.zeros()).unwrap_err();
    assert_eq!(error, EngineError::ArtifactUnavailable("chunk 3 is missing".into()));
    assert_eq!(error.reason(), FailureReason::ArtifactUnavailable);
}

#[test]
fn a_model_above_the_bound_is_refused_before_it_is_fetched() {
    let digits = Version::digits();
    let limit = digits.file.len() as u64 - 1;
    let engine = Engine::new(EngineConfig { max_model_bytes: limit, ..config() }).unwrap();
    let error = digits.run_cached(&engine, &digits.zeros()).unwrap_err();
    assert!(matches!(error, EngineError::ModelTooLarge { .. }), "{error:?}");
    assert!(engine.inspect(digits.file).is_err());
}

#[test]
fn an_input_that_does_not_fit_is_refused_before_anything_is_fetched() {
    let engine = engine();
    let digits = Version::digits();
    let image = tensor(&[1, 1, 8, 8], &[0.5; 64]);
    let invalid = |payload: Vec<u8>| {
        let error = digits.run_cached(&engine, &payload).unwrap_err();
        assert_eq!(error.reason(), FailureReason::InvalidInput);
        let EngineError::InvalidInput(cause) = error else { panic!("{error:?}") };
        cause
    };
    assert_eq!(invalid(b"text".to_vec()), PayloadError::Malformed);
    assert_eq!(invalid([vec![image.clone()].encode(), vec![0]].concat()), PayloadError::Malformed);
    assert_eq!(invalid(vec![image.clone(), image.clone()].encode()), PayloadError::WrongCount);
    let mut other = image.clone();
    other.element_type = ElementType::I32;
    assert_eq!(invalid(vec![other].encode()), PayloadError::WrongType(0));
    let flat = tensor(&[1, 64], &[0.5; 64]);
    assert_eq!(invalid(vec![flat].encode()), PayloadError::WrongShape(0));
    let mut short = image.clone();
    short.data.pop();
    assert_eq!(invalid(vec![short].encode()), PayloadError::WrongSize(0));
    let mut nan = [0.5; 64];
    nan[63] = f32::NAN;
    assert_eq!(invalid(vec![tensor(&[1, 1, 8, 8], &nan)].encode()), PayloadError::NotFinite(0));
    assert_eq!(engine.status().counters.loads, 0);
}

#[test]
fn an_input_above_the_bound_is_refused() {
    let engine = Engine::new(EngineConfig { max_input_bytes: 100, ..config() }).unwrap();
    let digits = Version::digits();
    let error = digits.run_cached(&engine, &digits.zeros()).unwrap_err();
    assert!(matches!(error, EngineError::InputTooLarge { limit: 100, .. }), "{error:?}");
}

#[test]
fn a_declaration_that_the_file_contradicts_is_refused_and_says_how() {
    let engine = engine();
    let digits = Version::digits();
    let input = || floats("image", &[1, 1, 8, 8]);
    let output = || floats("probabilities", &[1, 10]);
    let integer_image = declared("image", ElementType::I64, &dimensions(&[1, 1, 8, 8]));
    let cases = [
        (vec![floats("picture", &[1, 1, 8, 8])], vec![output()], "`picture`"),
        (vec![floats("image", &[1, 64])], vec![output()], "[1, 64]"),
        (vec![floats("image", &[1, 1, 9, 8])], vec![output()], "[1, 1, 9, 8]"),
        (vec![integer_image], vec![output()], "i64"),
        (vec![input(), floats("more", &[1])], vec![output()], "`more`"),
        (vec![input(), input()], vec![output()], "twice"),
        (vec![], vec![output()], "0 inputs"),
        (vec![input()], vec![floats("classes", &[1, 10])], "`classes`"),
        (vec![input()], vec![floats("probabilities", &[1, 11])], "[1, 11]"),
        (vec![input()], vec![floats("probabilities", &[10])], "[10]"),
        (vec![input()], vec![output(), output()], "twice"),
        (vec![input()], vec![], "no output"),
    ];
    for (inputs, outputs, word) in cases {
        let version = Version::new(digits.file.clone(), inputs, outputs);
        let error = engine.check_model(&version.descriptor, version.file).unwrap_err();
        let EngineError::DeclarationMismatch(text) = &error else { panic!("{word}: {error:?}") };
        assert!(text.contains(word), "{text}");
        assert_eq!(error.reason(), FailureReason::InvalidModel);
    }
    engine.check_model(&digits.descriptor, digits.file).unwrap();
}

#[test]
fn an_output_of_another_type_or_shape_than_the_file_claims_is_refused_at_load() {
    let engine = engine();
    let shape = [Dim::Size(1), Dim::Size(4)];
    let claims = |of: u64, shape_claimed: &[Dim]| {
        let graph = Graph::new().input("x", FLOAT, &shape).node("Relu", &["x"], "y");
        graph.output("y", of, shape_claimed).file()
    };
    let x = || vec![floats("x", &[1, 4])];
    let wide = [Dim::Size(1), Dim::Size(5)];
    let longer = Version::new(claims(FLOAT, &wide), x(), vec![floats("y", &[1, 5])]);
    let error = engine.check_model(&longer.descriptor, longer.file).unwrap_err();
    assert!(matches!(error, EngineError::DeclarationMismatch(_)), "{error:?}");
    let integer = vec![declared("y", ElementType::I64, &dimensions(&[1, 4]))];
    let other = Version::new(claims(INT64, &shape), x(), integer);
    let error = engine.check_model(&other.descriptor, other.file).unwrap_err();
    assert!(matches!(error, EngineError::DeclarationMismatch(_)), "{error:?}");
}

#[test]
fn dimensions_with_one_name_need_one_declared_size() {
    let engine = engine();
    let inputs = vec![floats("a", &[3, 2]), floats("b", &[1, 2])];
    let version = Version::new(difference().file, inputs, vec![floats("y", &[3, 2])]);
    let error = engine.check_model(&version.descriptor, version.file).unwrap_err();
    assert!(matches!(error, EngineError::DeclarationMismatch(_)), "{error:?}");
}

#[test]
fn free_dimensions_accept_any_size_that_the_model_supports() {
    let engine = engine();
    let version = difference();
    // More sizes than the number of plans that are kept, some of them again.
    for rows in [1u32, 2, 3, 4, 5, 6, 1, 6, 2] {
        let count = rows as usize * 2;
        let a: Vec<f32> = (0..count).map(|i| i as f32 * 3.0).collect();
        let b: Vec<f32> = (0..count).map(|i| i as f32).collect();
        let payload = vec![tensor(&[rows, 2], &a), tensor(&[rows, 2], &b)].encode();
        let outputs = decode(&version.run(&engine, &payload).unwrap().payload);
        assert_eq!(outputs[0].shape, [rows, 2]);
        let wanted: Vec<f32> = (0..count).map(|i| i as f32 * 2.0).collect();
        assert_eq!(values(&outputs[0]), wanted);
    }
    assert_eq!(engine.status().counters.loads, 1);
    let uneven = vec![tensor(&[3, 2], &[0.0; 6]), tensor(&[1, 2], &[0.0; 2])].encode();
    let error = version.run_cached(&engine, &uneven).unwrap_err();
    assert!(matches!(error, EngineError::UnsupportedShape(_)), "{error:?}");
    assert_eq!(error.reason(), FailureReason::InvalidInput);
    // The model stays loaded after a refused input.
    assert!(version.run_cached(&engine, &version.zeros()).is_ok());
}

#[test]
fn a_size_that_the_model_refuses_is_refused_although_it_is_declared_free() {
    // The model reads the third element: size 1 is too small, but the version is valid.
    let file = Graph::new()
        .input("x", FLOAT, &[Dim::Name("n")])
        .integers("third", &[2])
        .node("Gather", &["x", "third"], "y")
        .output("y", FLOAT, &[Dim::Size(1)])
        .file();
    let version = Version::new(file, vec![floats("x", &[0])], vec![floats("y", &[1])]);
    let engine = engine();
    engine.check_model(&version.descriptor, version.file.clone()).unwrap();
    let four = vec![tensor(&[4], &[1.0, 4.0, 2.0, 3.0])].encode();
    let outputs = decode(&version.run(&engine, &four).unwrap().payload);
    assert_eq!(outputs, vec![tensor(&[1], &[2.0])]);
    let error = version.run_cached(&engine, &version.zeros()).unwrap_err();
    assert!(matches!(error, EngineError::UnsupportedShape(_)), "{error:?}");
    assert_eq!(error.reason(), FailureReason::InvalidInput);

    // The model adds three elements: size 1 works by broadcasting, size 4 does not.
    let file = Graph::new()
        .input("x", FLOAT, &[Dim::Name("n")])
        .input("row", FLOAT, &[Dim::Size(3)])
        .node("Add", &["x", "row"], "y")
        .output("y", FLOAT, &[Dim::Size(3)])
        .file();
    let inputs = vec![floats("x", &[0]), floats("row", &[3])];
    let version = Version::new(file, inputs, vec![floats("y", &[3])]);
    assert!(version.run(&engine, &version.zeros()).is_ok());
    let four = vec![tensor(&[4], &[0.0; 4]), tensor(&[3], &[0.0; 3])].encode();
    let error = version.run_cached(&engine, &four).unwrap_err();
    let refused = matches!(error, EngineError::UnsupportedShape(_) | EngineError::RunFailed(_));
    assert!(refused, "{error:?}");
}

#[test]
fn the_limits_of_the_integer_range_mean_up_to_the_end() {
    let slice = |from: i64, to: i64, step: i64| {
        Graph::new()
            .input("x", FLOAT, &[Dim::Size(4)])
            .integers("from", &[from])
            .integers("to", &[to])
            .integers("axes", &[0])
            .integers("step", &[step])
            .node("Slice", &["x", "from", "to", "axes", "step"], "y")
            .output("y", FLOAT, &[Dim::Name("m")])
            .file()
    };
    let engine = engine();
    let payload = vec![tensor(&[4], &[1.0, 2.0, 3.0, 4.0])].encode();
    let run = |file: Vec<u8>, length: u32| {
        let version = Version::new(file, vec![floats("x", &[4])], vec![floats("y", &[length])]);
        version.run(&engine, &payload).map(|output| values(&decode(&output.payload)[0]))
    };
    assert_eq!(run(slice(1, i64::MAX, 1), 3).unwrap(), [2.0, 3.0, 4.0]);
    assert_eq!(run(slice(-1, i64::MIN, -1), 4).unwrap(), [4.0, 3.0, 2.0, 1.0]);
    assert_eq!(run(slice(1, i64::from(i32::MAX), 1), 3).unwrap(), [2.0, 3.0, 4.0]);
    // Truncated to 32 bits, this would be 3, and the result wrong.
    let error = run(slice(1, (1 << 32) + 3, 1), 3).unwrap_err();
    assert!(matches!(error, EngineError::InvalidModel(_)), "{error:?}");
}

#[test]
fn inputs_and_outputs_are_matched_by_name_in_the_declared_order() {
    let one = [Dim::Size(1)];
    let file = Graph::new()
        .input("a", FLOAT, &one)
        .input("b", FLOAT, &one)
        .node("Sub", &["a", "b"], "minus")
        .node("Add", &["a", "b"], "plus")
        .output("minus", FLOAT, &one)
        .output("plus", FLOAT, &one)
        .file();
    let named = |names: &[&str]| names.iter().map(|name| floats(name, &[1])).collect::<Vec<_>>();
    let engine = engine();
    let payload = vec![tensor(&[1], &[5.0]), tensor(&[1], &[3.0])].encode();
    let run = |inputs: &[&str], outputs: &[&str]| -> Vec<f32> {
        let version = Version::new(file.clone(), named(inputs), named(outputs));
        let outputs = decode(&version.run(&engine, &payload).unwrap().payload);
        outputs.iter().flat_map(values).collect()
    };
    assert_eq!(run(&["a", "b"], &["minus", "plus"]), [2.0, 8.0]);
    assert_eq!(run(&["b", "a"], &["plus", "minus"]), [8.0, -2.0]);
    // A version need not declare all outputs of the file.
    assert_eq!(run(&["a", "b"], &["plus"]), [8.0]);
}

#[test]
fn integers_stay_integers() {
    let shape = [Dim::Size(3)];
    let file = Graph::new()
        .input("x", INT64, &shape)
        .node("Add", &["x", "x"], "double")
        .node("Shape", &["double"], "size")
        .output("double", INT64, &shape)
        .output("size", INT64, &[Dim::Size(1)])
        .file();
    let of = |name: &str, shape: &[u32]| declared(name, ElementType::I64, &dimensions(shape));
    let version =
        Version::new(file, vec![of("x", &[3])], vec![of("double", &[3]), of("size", &[1])]);
    let big = 9_007_199_254_740_993i64;
    let payload = vec![integers(&[3], &[-2, big, 0])].encode();
    let outputs = decode(&version.run(&engine(), &payload).unwrap().payload);
    assert_eq!(outputs, vec![integers(&[3], &[-4, big * 2, 0]), integers(&[1], &[3])]);
}

#[test]
fn an_output_that_is_not_finite_is_an_error_and_the_model_stays_loaded() {
    let engine = engine();
    let version = logarithm();
    for bad in [0.0, -1.0] {
        let error = version.run(&engine, &vec![tensor(&[1], &[bad])].encode()).unwrap_err();
        assert_eq!(error, EngineError::InvalidOutput(PayloadError::NotFinite(0)));
        assert_eq!(error.reason(), FailureReason::InvalidOutput);
    }
    let good = version.run_cached(&engine, &vec![tensor(&[1], &[1.0])].encode()).unwrap();
    assert_eq!(values(&decode(&good.payload)[0]), [0.0]);
}

#[test]
fn an_output_above_the_bound_is_refused() {
    let file = Graph::new()
        .input("x", FLOAT, &[Dim::Size(1)])
        .integers("wide", &[1000])
        .node("Expand", &["x", "wide"], "y")
        .output("y", FLOAT, &[Dim::Size(1000)])
        .file();
    let version = Version::new(file, vec![floats("x", &[1])], vec![floats("y", &[1000])]);
    let size = version.run(&engine(), &version.zeros()).unwrap().payload.len() as u64;
    let bounded = |max_output_bytes| {
        let engine = Engine::new(EngineConfig { max_output_bytes, ..config() }).unwrap();
        version.run(&engine, &version.zeros())
    };
    assert!(bounded(size).is_ok());
    let error = bounded(size - 1).unwrap_err();
    assert_eq!(error, EngineError::OutputTooLarge { limit: size - 1 });
    assert_eq!(error.reason(), FailureReason::OutputTooLarge);
    assert!(matches!(bounded(100), Err(EngineError::OutputTooLarge { .. })));
}

#[test]
fn a_run_that_takes_too_much_memory_is_ended_and_the_model_can_be_run_again() {
    // A column times a row: small inputs fit, 20,000 elements each need 1.6 GB.
    let file = Graph::new()
        .input("column", FLOAT, &[Dim::Name("n"), Dim::Size(1)])
        .input("row", FLOAT, &[Dim::Size(1), Dim::Name("n")])
        .node("MatMul", &["column", "row"], "wide")
        .node_with("ReduceMax", &["wide"], "y", &[("axes", &[0, 1])])
        .output("y", FLOAT, &[Dim::Size(1), Dim::Size(1)])
        .file();
    let inputs = vec![floats("column", &[0, 1]), floats("row", &[1, 0])];
    let version = Version::new(file, inputs, vec![floats("y", &[1, 1])]);
    let engine = engine();
    let input = |size: u32| {
        let ones = vec![1.0; size as usize];
        vec![tensor(&[size, 1], &ones), tensor(&[1, size], &ones)].encode()
    };
    let fine = decode(&version.run(&engine, &input(10)).unwrap().payload);
    assert_eq!(values(&fine[0]), [1.0]);
    let error = version.run_cached(&engine, &input(20_000)).unwrap_err();
    assert!(matches!(error, EngineError::MemoryLimit { .. }), "{error:?}");
    assert_eq!(error.reason(), FailureReason::MemoryLimit);
    assert!(engine.status().idle_workers.is_empty());
    assert!(version.run(&engine, &input(10)).is_ok());
}

#[test]
fn a_file_that_does_not_fit_into_memory_is_refused() {
    let engine = Engine::new(EngineConfig { memory_limit_bytes: 16 << 20, ..config() }).unwrap();
    let version = with(&logarithm(), |version| version.file.resize(40 << 20, 0));
    let error = engine.inspect(version.file).unwrap_err();
    assert!(matches!(error, EngineError::MemoryLimit { .. }), "{error:?}");
    let digits = Version::digits();
    assert!(digits.run(&engine, &digits.zeros()).is_ok());
}

#[test]
fn random_operators_are_refused_at_load() {
    let shape = [Dim::Size(1)];
    let file = Graph::new()
        .input("x", FLOAT, &shape)
        .node("RandomUniformLike", &["x"], "y")
        .output("y", FLOAT, &shape)
        .file();
    let version = Version::new(file, vec![floats("x", &[1])], vec![floats("y", &[1])]);
    let error = engine().check_model(&version.descriptor, version.file).unwrap_err();
    assert!(
        matches!(&error, EngineError::InvalidModel(text) if text.contains("RandomUniformLike"))
    );
}

#[test]
fn inspection_reads_free_dimensions_and_infers_what_the_file_leaves_out() {
    let engine = engine();
    let version = difference();
    let found = engine.inspect(version.file).unwrap();
    assert_eq!(found.inputs, version.descriptor.inputs);
    assert_eq!(found.outputs, version.descriptor.outputs);
    let untyped = Graph::new()
        .input("x", FLOAT, &[Dim::Name("n"), Dim::Size(4)])
        .node("Relu", &["x"], "y")
        .untyped_output("y")
        .file();
    let found = engine.inspect(untyped).unwrap();
    assert_eq!(found.outputs[0], floats("y", &[0, 4]));
}

#[test]
fn inspection_says_why_a_file_cannot_be_declared() {
    let engine = engine();
    let file = |element_type, name: &str, dims: &[Dim]| {
        let graph = Graph::new().input(name, element_type, dims);
        graph.node("Identity", &[name], "y").output("y", element_type, dims).file()
    };
    let long = "n".repeat(65);
    let cases = [
        (file(STRING, "x", &[Dim::Size(1)]), "type"),
        (file(FLOAT, &long, &[Dim::Size(1)]), "at most 64 bytes"),
        (file(FLOAT, "x", &[Dim::Size(1); 9]), "8 dimensions"),
        (b"no model".to_vec(), "not an ONNX file"),
        (vec![], "no graph"),
    ];
    for (file, word) in cases {
        let error = engine.inspect(file).unwrap_err();
        let EngineError::InvalidModel(text) = &error else { panic!("{word}: {error:?}") };
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn one_run_more_than_the_limit_is_busy_and_starts_nothing() {
    let engine = Engine::new(EngineConfig { concurrency: 1, max_workers: 2, ..config() }).unwrap();
    let digits = Version::digits();
    let (inside, is_inside) = channel();
    let (go_on, wait) = channel::<()>();
    let first = std::thread::spawn({
        let (engine, digits) = (engine.clone(), digits.clone());
        move || {
            // The permit is taken before the file is fetched.
            let fetch = move || {
                inside.send(()).unwrap();
                wait.recv().unwrap();
                Ok::<_, Infallible>(digits.file.clone())
            };
            let version = Version::digits();
            engine.run(&version.descriptor, fetch, &version.zeros())
        }
    });
    is_inside.recv().unwrap();
    assert_eq!(engine.info().load, 1);
    let busy = EngineError::Busy { limit: 1 };
    assert_eq!(digits.run_cached(&engine, &digits.zeros()), Err(busy.clone()));
    assert_eq!(engine.check_model(&digits.descriptor, digits.file.clone()), Err(busy.clone()));
    assert_eq!(engine.inspect(digits.file.clone()), Err(busy));
    go_on.send(()).unwrap();
    first.join().unwrap().unwrap();
    let status = engine.status();
    assert_eq!((status.running, status.counters.refused, status.counters.failures), (0, 3, 0));
    assert!(digits.run_cached(&engine, &digits.zeros()).is_ok());
}

#[test]
fn a_fetch_that_panics_returns_its_permit() {
    let engine = Engine::new(EngineConfig { concurrency: 1, max_workers: 1, ..config() }).unwrap();
    let digits = Version::digits();
    let panicked = std::thread::spawn({
        let engine = engine.clone();
        move || {
            let version = Version::digits();
            let fetch = || -> Result<Vec<u8>, Infallible> { panic!("on purpose") };
            let _ = engine.run(&version.descriptor, fetch, &version.zeros());
        }
    });
    assert!(panicked.join().is_err());
    assert!(digits.run(&engine, &digits.zeros()).is_ok());
}

#[test]
fn concurrent_runs_do_not_mix() {
    let engine = engine();
    let version = difference();
    let threads: Vec<_> = (0..2)
        .map(|thread| {
            let (engine, version) = (engine.clone(), version.clone());
            std::thread::spawn(move || {
                for turn in 0..20 {
                    let value = (thread * 1000 + turn) as f32;
                    let a = tensor(&[1, 2], &[value, -value]);
                    let payload = vec![a, tensor(&[1, 2], &[0.0; 2])].encode();
                    let outputs = decode(&version.run(&engine, &payload).unwrap().payload);
                    assert_eq!(values(&outputs[0]), [value, -value]);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(engine.status().counters.runs, 40);
}

#[test]
fn a_job_runs_a_model_and_keeps_its_result() {
    let engine = engine();
    let jobs = Jobs::new(JobsConfig::default()).unwrap();
    let digits = Version::digits();
    let direct = digits.run(&engine, &digits.zeros()).unwrap().payload;
    let work = {
        let (engine, digits) = (engine.clone(), digits.clone());
        move || digits.run(&engine, &digits.zeros()).map(JobOutput::from)
    };
    let status = jobs.submit_or_poll(RequestId(1), work, Duration::from_secs(60));
    let expected = JobStatus::Done { output: direct, proof: None };
    assert_eq!(status, expected);
    let unused = || panic!("the result is known");
    assert_eq!(jobs.submit_or_poll(RequestId(1), unused, Duration::ZERO), expected);
    let broken = with(&digits, |version| version.descriptor.artifact = Digest::zero());
    let work = move || broken.run(&engine, &broken.zeros()).map(JobOutput::from);
    let status = jobs.submit_or_poll(RequestId(2), work, Duration::from_secs(60));
    let reason = FailureReason::ArtifactUnavailable;
    assert!(matches!(&status, JobStatus::Failed(found, _) if *found == reason), "{status:?}");
}
