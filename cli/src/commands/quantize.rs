//! `model quantize`: from an ONNX file in floating point to an integer model; `model prepare`: from
//! real numbers to its input.

use std::path::{Path, PathBuf};

use assay_client::Error;
use assay_quantizer::{
    CalibrationMethod, DeclarationFile, Evaluation, FloatModel, QuantizationReport, QuantizeOptions,
};
use serde_json::json;

use crate::{
    args::{CalibrationArg, Prepare, Quantize},
    context::Context,
    failure::Failure,
    output::{fields, table},
};

/// What was made, and what there is to say of it.
struct Made {
    bytes: Vec<u8>,
    declaration: DeclarationFile,
    report: QuantizationReport,
    evaluation: Evaluation,
    /// Whether the evaluation is of other rows than those of the calibration.
    held_out: bool,
}

/// Quantises a model and writes it, with a declaration beside it.
pub async fn run(context: &Context<'_>, arguments: Quantize) -> Result<(), Failure> {
    let output = context.output;
    let to = arguments.output.clone();
    if to == arguments.file {
        return Err(Failure::Usage("--output would overwrite the model".to_owned()));
    }
    output.progress("calibrating");
    // It computes for seconds; interrupts are still heard meanwhile.
    let made = tokio::task::spawn_blocking(move || make(&arguments));
    let made = made.await.map_err(|error| Failure::Usage(error.to_string()))??;
    let declared = beside(&to);
    let mut document = serde_json::to_string_pretty(&made.declaration).unwrap_or_default();
    document.push('\n');
    write(&to, &made.bytes)?;
    write(&declared, document.as_bytes())?;

    if let Some(reason) = &made.report.not_provable_because {
        output.note(format!(
            "warning: there are no proofs for this model: {reason}; publish it without the class \
             proof"
        ));
    }
    if let Some(operator) = &made.report.left_out {
        output.note(format!(
            "the {operator} at the end is left out: the output is what it would read"
        ));
    }
    if made.declaration.preprocessing.is_some() {
        output.note(format!(
            "the model takes standardised rows: how they are made of real ones is in {}",
            declared.display()
        ));
    }
    if made.evaluation.float_accuracy.is_none() {
        output.note("there are no labels, so accuracy is not known: see --labels");
    }
    let result = json!({
        "file": to,
        "declaration": declared,
        "model": made.report,
        "evaluation": made.evaluation,
        "held_out": made.held_out,
    });
    output.result(&result, || to_text(&to, &made));
    Ok(())
}

fn make(arguments: &Quantize) -> Result<Made, Failure> {
    let refused = |error: assay_quantizer::Error| Failure::Usage(error.to_string());
    let model = FloatModel::read(&read(&arguments.file)?).map_err(refused)?;
    let labels = arguments.labels.as_deref().map(read).transpose()?;
    let rows = |path: &Path, labels: Option<&[u8]>| {
        let what = path.display().to_string();
        model.dataset(&what, &read(path)?, labels).map_err(refused)
    };
    // Labels of their own belong to the rows that the model is judged by.
    let (calibration, test) = match &arguments.evaluate {
        None => (rows(&arguments.calibrate, labels.as_deref())?, None),
        Some(path) => (rows(&arguments.calibrate, None)?, Some(rows(path, labels.as_deref())?)),
    };
    let method = match arguments.method {
        CalibrationArg::SquaredError => CalibrationMethod::SquaredError,
        CalibrationArg::Greatest => CalibrationMethod::Greatest,
    };
    let quantized = model.quantize(&calibration, &QuantizeOptions { method }).map_err(refused)?;
    let judged = test.as_ref().unwrap_or(&calibration);
    Ok(Made {
        bytes: quantized.to_bytes(),
        declaration: quantized.declaration(&model),
        report: quantized.report(&model),
        evaluation: quantized.evaluate(&model, judged).map_err(refused)?,
        held_out: test.is_some(),
    })
}

/// Turns a row of real numbers into the input of an integer model.
pub fn prepare(context: &Context<'_>, arguments: &Prepare) -> Result<(), Failure> {
    let (row, shape) = prepared(arguments)?;
    let at_ends = row.iter().filter(|value| [i8::MIN, i8::MAX].contains(value)).count();
    write(&arguments.output, &npy(&row, &shape))?;
    let result = json!({
        "file": arguments.output,
        "shape": shape,
        "at_ends": at_ends,
    });
    context.output.result(&result, || {
        format!(
            "{}: {} int8 values, {at_ends} of them at the ends of the range",
            arguments.output.display(),
            row.len()
        )
    });
    Ok(())
}

/// The input, and its shape with a batch of one.
fn prepared(arguments: &Prepare) -> Result<(Vec<i8>, Vec<u32>), Failure> {
    let declaration: DeclarationFile = serde_json::from_slice(&read(&arguments.declaration)?)
        .map_err(|error| {
            let path = arguments.declaration.display();
            Failure::Usage(format!(
                "{path}: {error}; name the file that `model quantize` wrote beside the model"
            ))
        })?;
    let what = arguments.file.display().to_string();
    let mut rows = declaration
        .prepare(&what, &read(&arguments.file)?)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let count = rows.len();
    if arguments.row >= count {
        return Err(Failure::Usage(format!("{what} has {count} rows; the first is row 0")));
    }
    let shape = declaration.inputs.first().map(|input| input.shape.clone()).unwrap_or_default();
    Ok((rows.swap_remove(arguments.row), shape))
}

/// An array of int8 values as `numpy.save` writes it.
fn npy(values: &[i8], shape: &[u32]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    let sizes = match &sizes[..] {
        [only] => format!("{only},"),
        all => all.join(", "),
    };
    let header = format!("{{'descr': '|i1', 'fortran_order': False, 'shape': ({sizes}), }}");
    // Magic, version and length are ten bytes; the data begins at a multiple of 64.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // Shapes have at most eight sizes: far below 2^16 bytes.
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    bytes.extend(values.iter().map(|value| *value as u8));
    bytes
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Client(Error::file(path, error)))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|error| Failure::Unwritable { path: path.into(), reason: error.to_string() })
}

/// Where the declaration goes: the name of the model with `.json` after it.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

fn to_text(to: &Path, made: &Made) -> String {
    let (report, evaluation) = (&made.report, &made.evaluation);
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let mut lines = vec![
        ("model", to.display().to_string()),
        ("digest", report.digest.clone()),
        ("size", format!("{} bytes, architecture {}", report.bytes, report.architecture_bytes)),
        ("parameters", report.parameters.to_string()),
        ("operations", format!("{} multiplications and additions", report.multiply_accumulates)),
        ("activations", format!("{} int8 values", report.activations)),
        (
            "proofs",
            match report.security_bits {
                Some(bits) => format!("yes, {} bits of soundness", bits.floor()),
                None => "no".to_owned(),
            },
        ),
        ("input scale", report.input_scale.to_string()),
        ("output scale", report.output_scale.to_string()),
    ];
    let rows = match made.held_out {
        true => format!("{} rows", evaluation.rows),
        false => format!("{} rows, those of the calibration", evaluation.rows),
    };
    lines.push(("judged by", rows));
    if let (Some(float), Some(integer)) = (evaluation.float_accuracy, evaluation.integer_accuracy) {
        lines.push(("accuracy, floating point", percent(float)));
        lines.push(("accuracy, integers", percent(integer)));
    }
    lines.push(("same class", percent(evaluation.agreement)));
    lines.push((
        "deviation",
        format!(
            "mean {:.4}, greatest {:.4}, of outputs up to {:.4}",
            evaluation.mean_deviation, evaluation.max_deviation, evaluation.greatest_output
        ),
    ));
    let operations: Vec<Vec<String>> = report
        .operations
        .iter()
        .map(|operation| {
            let [channels, height, width] = operation.shape;
            vec![
                operation.name.to_owned(),
                format!("{channels}×{height}×{width}"),
                operation.parameters.to_string(),
            ]
        })
        .collect();
    format!("{}\n{}", fields(&lines), table(&["operation", "shape", "parameters"], &operations))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(model: &str, calibrate: &str, labels: Option<&str>) -> Quantize {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
        Quantize {
            file: models.join(model),
            calibrate: models.join(calibrate),
            labels: labels.map(|file| models.join(file)),
            evaluate: None,
            output: "unused.graph".into(),
            method: CalibrationArg::SquaredError,
        }
    }

    fn message(result: Result<Made, Failure>) -> String {
        match result {
            Ok(_) => panic!("it was made"),
            Err(failure) => {
                assert_eq!(failure.exit_code(), 2);
                failure.message()
            },
        }
    }

    #[test]
    fn a_bundled_model_is_quantised_and_judged() {
        let calibration = "digits/calibration.npz";
        let mut arguments = arguments("digits/digits.onnx", calibration, None);
        arguments.evaluate = Some(arguments.calibrate.with_file_name("test.npz"));
        let made = make(&arguments).unwrap();
        assert!(made.held_out);
        let text = to_text(&arguments.output, &made);
        assert!(text.contains("accuracy, integers        98."), "{text}");
        assert!(text.contains("Conv2d"), "{text}");
        assert_eq!(beside(&arguments.output), Path::new("unused.graph.json"));
    }

    #[test]
    fn a_row_of_real_numbers_becomes_the_input_of_the_model() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/breast-cancer");
        let mut arguments = Prepare {
            file: folder.join("features.npy"),
            declaration: folder.join("breast-cancer.graph.json"),
            row: 0,
            output: "unused.npy".into(),
        };
        let (row, shape) = prepared(&arguments).unwrap();
        assert_eq!(shape, [1, 30]);
        // What numpy wrote for the same row.
        let expected = std::fs::read(folder.join("integer-sample.npy")).unwrap();
        assert_eq!(npy(&row, &shape), expected);
        arguments.row = 1;
        assert!(prepared(&arguments).unwrap_err().message().contains("1 rows"));
        arguments.declaration = folder.join("breast-cancer.onnx");
        assert_eq!(prepared(&arguments).unwrap_err().exit_code(), 2);
        arguments.declaration = folder.join("../digits/digits.graph.json");
        assert!(prepared(&arguments).unwrap_err().message().contains("[rows, 1, 8, 8]"));
    }

    #[test]
    fn what_cannot_be_quantised_is_a_wrong_input() {
        let rows = "digits/calibration.npz";
        let operator = message(make(&arguments("hostile/unsupported-op.onnx", rows, None)));
        assert!(operator.contains("node 0 ("), "{operator}");
        let shape = message(make(&arguments("digits-mlp/digits-mlp.onnx", rows, None)));
        assert!(shape.contains("[160, 1, 8, 8]") && shape.contains("[rows, 64]"), "{shape}");
        let labels = Some("digits/digit.npy");
        let labels = message(make(&arguments("digits/digits.onnx", rows, labels)));
        assert!(labels.contains("64 labels for 160 rows"), "{labels}");
        let missing = message(make(&arguments("digits/none.onnx", rows, None)));
        assert!(missing.contains("none.onnx"), "{missing}");
    }
}
