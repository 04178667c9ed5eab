//! Hostile models harm neither the engine nor the other models that it runs.

use std::{path::PathBuf, time::Duration};

use assay_engine::{Engine, EngineConfig, EngineError};
use assay_primitives::FailureReason;
use codec::Encode;

mod support;
use support::{config, declaration_from_json, model_path, Version};

/// Limits that hostile models reach quickly and that the digits model does not approach.
fn strict() -> EngineConfig {
    EngineConfig {
        memory_limit_bytes: 512 << 20,
        load_timeout: Duration::from_secs(5),
        run_timeout: Duration::from_secs(5),
        ..config()
    }
}

struct Case {
    file: String,
    attempt: String,
    at_load: bool,
    version: Version,
}

fn cases() -> Vec<Case> {
    let list = std::fs::read(model_path("hostile/cases.json")).unwrap();
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let case = |value: &serde_json::Value| {
        let file = text(&value["file"]);
        let path: PathBuf = model_path(&format!("hostile/{file}"));
        let version = Version::new(
            std::fs::read(path).unwrap(),
            vec![declaration_from_json(&value["input"])],
            vec![declaration_from_json(&value["output"])],
        );
        let at_load = match text(&value["expect"]).as_str() {
            "load-error" => true,
            "any-error" => false,
            other => panic!("{file}: unknown expectation {other}"),
        };
        Case { file, attempt: text(&value["attempt"]), at_load, version }
    };
    list.as_array().unwrap().iter().map(case).collect()
}

/// An input that fits the declaration, unless it would be too large for memory.
fn input(version: &Version) -> Vec<u8> {
    let elements: u64 = version.descriptor.inputs[0]
        .shape
        .iter()
        .map(|dimension| match dimension {
            assay_primitives::Dimension::Fixed(size) => u64::from(*size),
            assay_primitives::Dimension::Free => 1,
        })
        .product();
    if elements <= 1 << 20 {
        version.zeros()
    } else {
        vec![support::tensor(&[1, 4], &[0.0; 4])].encode()
    }
}

/// Whether the error blames the model, not the engine.
fn is_the_models_fault(error: &EngineError) -> bool {
    error.reason() != FailureReason::EngineError
}

fn still_serves(engine: &Engine, digits: &Version, expected: &[u8], after: &str) {
    let ran = digits.run(engine, &digits.zeros());
    let ran = ran.unwrap_or_else(|error| panic!("digits failed after {after}: {error}"));
    assert_eq!(ran.payload, expected, "digits has another output after {after}");
}

#[test]
fn every_hostile_model_gives_an_error_and_the_engine_goes_on() {
    let engine = Engine::new(strict()).unwrap();
    let digits = Version::digits();
    let expected = digits.run(&engine, &digits.zeros()).unwrap().payload;
    let cases = cases();
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for Case { file, attempt, at_load, version } in &cases {
        let checked = engine.check_model(&version.descriptor, version.file.clone());
        still_serves(&engine, &digits, &expected, file);
        let ran = version.run(&engine, &input(version));
        still_serves(&engine, &digits, &expected, file);
        println!("{file}: check {checked:?}, run {ran:?}");
        if *at_load && checked.is_ok() {
            wrong.push(format!("{file} loads, although it is: {attempt}"));
        }
        match (checked.err(), ran.err()) {
            (_, None) => wrong.push(format!("{file} returns a result, although it is: {attempt}")),
            (checked, Some(ran)) => {
                for error in checked.into_iter().chain([ran]) {
                    if !is_the_models_fault(&error) {
                        wrong.push(format!("{file} ({attempt}) returns {error:?}"));
                    }
                }
            },
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(engine.status().running, 0);
}

#[test]
fn inspecting_hostile_files_is_as_safe_as_running_them() {
    let engine = Engine::new(strict()).unwrap();
    let digits = Version::digits();
    let expected = digits.run(&engine, &digits.zeros()).unwrap().payload;
    for Case { file, version, .. } in &cases() {
        // Some of them have valid declarations, so a result is correct.
        if let Err(error) = engine.inspect(version.file.clone()) {
            assert!(is_the_models_fault(&error), "{file}: {error:?}");
        }
        still_serves(&engine, &digits, &expected, file);
    }
}
