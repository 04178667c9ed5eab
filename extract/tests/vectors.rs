//! The crate against vectors that `extract.py`, a second implementation, computes.

use std::{collections::BTreeMap, process::Command};

use assay_extract::{
    Column, Csv, Extract, Failure, InvalidExtract, Name, NumberFormat, Path, Row, Separator, Step,
    TimeFormat,
};
use serde_json::Value;

const VECTORS: &str = include_str!("vectors.json");

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

fn name(value: &Value) -> Name {
    Name::new(value.as_str().unwrap()).unwrap()
}

fn steps(value: &Value) -> Vec<Step> {
    let step = |step: &Value| match step.as_i64() {
        Some(index) => Step::Index(index.try_into().unwrap()),
        None => Step::Name(name(step)),
    };
    value.as_array().unwrap().iter().map(step).collect()
}

fn column(value: &Value) -> Column {
    match value.as_u64() {
        Some(index) => Column::Index(index.try_into().unwrap()),
        None => Column::Name(name(value)),
    }
}

fn extract(value: &Value) -> Extract {
    if let Some(path) = value.get("json") {
        return Extract::Json(Path::new(steps(path)).unwrap());
    }
    let Some(csv) = value.get("csv") else {
        assert_eq!(value["text"], true);
        return Extract::Text;
    };
    let separator = csv["separator"].as_str().unwrap().as_bytes();
    let row = match csv["row"].as_str() {
        Some("first") => Row::First,
        Some("last") => Row::Last,
        Some(other) => panic!("{other}"),
        None => Row::Where {
            column: column(&csv["row"]["column"]),
            equals: name(&csv["row"]["equals"]),
        },
    };
    Extract::Csv(Csv {
        separator: Separator::new(separator[0]).unwrap(),
        row,
        column: column(&csv["column"]),
    })
}

fn body(case: &Value) -> Vec<u8> {
    if let Some(text) = case["body"].as_str() {
        return text.into();
    }
    if let Some(digits) = case["hex"].as_str() {
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        return (0..digits.len()).step_by(2).map(byte).collect();
    }
    let repeated = |piece: &Value| {
        let count = piece[1].as_u64().unwrap();
        piece[0].as_str().unwrap().repeat(count.try_into().unwrap())
    };
    case["repeated"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|piece| repeated(piece).into_bytes())
        .collect()
}

fn run(case: &Value) -> Result<i64, Failure> {
    let (extract, body) = (extract(&case["extract"]), body(case));
    let Some(time) = case["time"].as_str() else {
        let range = &case["range"];
        let format = NumberFormat::new(
            case["decimals"].as_u64().unwrap().try_into().unwrap(),
            range[0].as_i64().unwrap()..=range[1].as_i64().unwrap(),
        );
        return extract.number(&body, &format.unwrap());
    };
    let format = match time {
        "unix-seconds" => TimeFormat::UnixSeconds,
        "unix-milliseconds" => TimeFormat::UnixMilliseconds,
        "date" => TimeFormat::Date,
        "date-time" => TimeFormat::DateTime,
        other => panic!("{other}"),
    };
    extract.time(&body, format).map(|time| time.try_into().unwrap())
}

#[test]
fn values_and_failures_are_those_of_the_second_implementation() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    let mut counts = BTreeMap::new();
    for case in cases {
        let expected = match case["failure"].as_str() {
            Some(failure) => Err(failure.to_owned()),
            None => Ok(case["value"].as_i64().unwrap()),
        };
        let result = run(case).map_err(|failure| format!("{failure:?}"));
        assert_eq!(result, expected, "{}", case["name"]);
        *counts.entry(expected.err()).or_insert(0) += 1;
    }
    assert!(counts[&None] > 300, "{counts:?}");
    for failure in Failure::ALL {
        assert!(counts.get(&Some(format!("{failure:?}"))) >= Some(&2), "{failure:?} in {counts:?}");
    }
}

#[test]
fn written_paths_are_read_and_printed_as_by_the_second_implementation() {
    let vectors = vectors();
    let (mut valid, mut invalid) = (0, 0);
    for case in vectors["paths"].as_array().unwrap() {
        let written = case["path"].as_str().unwrap();
        let path = written.parse::<Path>();
        if case["steps"].is_null() {
            let error = path.expect_err(written);
            if let InvalidExtract::Path { at } = error {
                assert!(written.is_char_boundary(at), "{written}: {error}");
            }
            invalid += 1;
        } else {
            let path = path.expect(written);
            assert_eq!(path.steps(), steps(&case["steps"]), "{written}");
            assert_eq!(path.to_string(), case["printed"].as_str().unwrap());
            valid += 1;
        }
    }
    assert!(valid > 50 && invalid > 50, "{valid} {invalid}");
}

#[test]
fn the_vectors_are_what_the_second_implementation_prints() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/extract.py");
    let made = Command::new("python3").arg(script).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(made.stdout == VECTORS.as_bytes(), "run extract/tests/extract.py > vectors.json there");
}
