//! Inputs from feeds against vectors that `pipeline.py`, a second implementation, computes.

use std::{collections::BTreeMap, process::Command};

use assay_math::pipeline::{
    last_candles, last_rounds, tensors, Candle, CandleField, Cast, Change, Channel, Norm,
    NumberType, Out, PipelineFailure, Quant, Sampling, Statistic,
};
use serde_json::Value;

const VECTORS: &str = include_str!("pipeline.json");

fn vectors(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors[section].as_array().unwrap().clone()
}

fn number<T: TryFrom<i64, Error: std::fmt::Debug>>(value: &Value) -> T {
    value.as_i64().unwrap().try_into().unwrap()
}

fn field(value: &Value) -> CandleField {
    match value.as_str().unwrap() {
        "open" => CandleField::Open,
        "high" => CandleField::High,
        "low" => CandleField::Low,
        "close" => CandleField::Close,
        other => panic!("{other}"),
    }
}

fn sampling(value: &Value) -> Sampling {
    let (feed, count) = (number(&value["feed"]), number(&value["count"]));
    if value["field"].is_null() {
        return Sampling::Rounds { feed, count };
    }
    Sampling::Candles {
        feed,
        resolution: number(&value["resolution"]),
        count,
        field: field(&value["field"]),
        fill: number(&value["fill"]),
    }
}

fn quant(value: &Value) -> Quant {
    let to = match value[4].as_str().unwrap() {
        "i8" => Cast::I8,
        "i16" => Cast::I16,
        "i32" => Cast::I32,
        "f32" => Cast::F32 { shift: number(&value[5]) },
        other => panic!("{other}"),
    };
    Quant {
        num: number(&value[0]),
        den: number(&value[1]),
        lo: number(&value[2]),
        hi: number(&value[3]),
        to,
    }
}

fn out(value: &Value, quant: Quant) -> Out {
    let argument = &value[1];
    match value[0].as_str().unwrap() {
        "log_ratio" => return Out::LogRatio { last: number(argument), quant },
        "correlation" => return Out::Correlation { with: sampling(argument), quant },
        _ => {},
    }
    let norm = |norm| Out::Series { norm, quant };
    let stat = |what| Out::Stat { what, quant };
    match argument.as_str().unwrap() {
        "raw" => norm(Norm::Raw),
        "standardise" => norm(Norm::Standardise),
        "min_max" => norm(Norm::MinMax),
        "over_mean" => norm(Norm::OverMean),
        "over_last" => norm(Norm::OverLast),
        "min" => stat(Statistic::Min),
        "max" => stat(Statistic::Max),
        "mean" => stat(Statistic::Mean),
        "median" => stat(Statistic::Median),
        "variance" => stat(Statistic::Variance),
        "std" => stat(Statistic::Std),
        "first" => stat(Statistic::First),
        "last" => stat(Statistic::Last),
        other => panic!("{other}"),
    }
}

fn channel(value: &Value) -> Channel {
    Channel {
        tensor: number(&value["tensor"]),
        of: sampling(&value["of"]),
        change: match value["change"].as_str().unwrap() {
            "level" => Change::Level,
            "difference" => Change::Difference,
            "return" => Change::Return,
            other => panic!("{other}"),
        },
        abs: value["abs"].as_bool().unwrap(),
        out: out(&value["out"], quant(&value["quant"])),
    }
}

fn numbers(value: &Value) -> Vec<i64> {
    value.as_array().unwrap().iter().map(number).collect()
}

/// Numbers as lists with how often they are repeated.
fn pieces(value: &Value) -> Vec<i64> {
    let repeated = |piece: &Value| numbers(&piece[0]).repeat(number(&piece[1]));
    value.as_array().unwrap().iter().flat_map(repeated).collect()
}

fn candles(value: &Value) -> Vec<Candle> {
    let candle = |value: &Value| Candle {
        interval: value[0].as_u64().unwrap(),
        open: number(&value[1]),
        high: number(&value[2]),
        low: number(&value[3]),
        close: number(&value[4]),
    };
    value.as_array().unwrap().iter().map(candle).collect()
}

fn hexadecimal(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The failure's name: of what is not valid, the cause's.
fn name(failure: PipelineFailure) -> String {
    let written = match failure {
        PipelineFailure::Invalid(why) => format!("{why:?}"),
        failure => format!("{failure:?}"),
    };
    written.split(['(', ' ']).next().unwrap().into()
}

/// How often each failure is expected.
fn failures(section: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for case in section {
        let failure = &case["failure"];
        let failure = failure[1].as_str().or(failure.as_str()).unwrap_or("none");
        *counts.entry(failure.to_owned()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn elements_and_failures_are_those_of_the_second_implementation() {
    for case in vectors("channels") {
        let expected = match case["failure"].as_str() {
            Some(failure) => Err(failure.to_owned()),
            None => Ok(case["data"].as_str().unwrap().to_owned()),
        };
        let channel = channel(&case["channel"]);
        let result = channel.run(&pieces(&case["levels"]), &pieces(&case["with"]));
        assert_eq!(result.map(|data| hexadecimal(&data)).map_err(name), expected, "{case}");
    }
}

#[test]
fn candles_are_sampled_as_by_the_second_implementation() {
    for case in vectors("candles") {
        let expected = match case["failure"].as_str() {
            Some(failure) => Err(failure.to_owned()),
            None => Ok(numbers(&case["levels"])),
        };
        let result = last_candles(
            &candles(&case["candles"]),
            case["end"].as_u64().unwrap(),
            field(&case["field"]),
            number(&case["count"]),
            number(&case["fill"]),
        );
        assert_eq!(result.map_err(name), expected, "{case}");
    }
}

#[test]
fn tensors_are_those_of_the_second_implementation() {
    for case in vectors("inputs") {
        let channels: Vec<_> = case["channels"].as_array().unwrap().iter().map(channel).collect();
        let result = tensors(&channels, |sampling| match sampling {
            Sampling::Rounds { feed, count } => {
                last_rounds(&numbers(&case["feeds"][usize::from(feed)]["values"]), count)
            },
            Sampling::Candles { feed, resolution, count, field, fill } => {
                let of = &case["feeds"][usize::from(feed)]["candles"][usize::from(resolution)];
                last_candles(&candles(&of[1]), of[0].as_u64().unwrap(), field, count, fill)
            },
        });
        let found = match result {
            Ok(made) => {
                let tensor = |number_type: NumberType, data: &[u8]| {
                    let written = format!("{number_type:?}").to_lowercase();
                    Value::from(vec![written, hexadecimal(data)])
                };
                made.iter().map(|made| tensor(made.number_type, &made.data)).collect()
            },
            Err((index, why)) => Value::from(vec![Value::from(index), name(why).into()]),
        };
        let expected = if case["failure"].is_null() { &case["tensors"] } else { &case["failure"] };
        assert_eq!(&found, expected, "{case}");
    }
}

#[test]
fn the_vectors_have_every_failure() {
    const EXPECTED: [(&str, &str); 3] = [
        (
            "channels",
            "Count Signed Last Lengths Denominator Bounds BoundsOfType Shift Length NotPositive \
             TooLarge Negative Overflow",
        ),
        ("candles", "Order TooFew Gap"),
        ("inputs", "Channels Tensor Types Signed NotPositive TooFew Gap"),
    ];
    for (section, names) in EXPECTED {
        let counts = failures(&vectors(section));
        assert!(counts["none"] >= 7, "{section}: {counts:?}");
        for name in names.split(' ') {
            assert!(counts.contains_key(name), "{section}: {name} in {counts:?}");
        }
        assert_eq!(counts.len(), names.split(' ').count() + 1, "{section}: {counts:?}");
    }
}

#[test]
fn the_vectors_are_what_the_second_implementation_prints() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pipeline_vectors.py");
    let made = Command::new("python3").args(["-B", script]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(
        made.stdout == VECTORS.as_bytes(),
        "run math/tests/pipeline_vectors.py > pipeline.json there"
    );
}
