//! `model quantize` converts a floating-point ONNX file to an integer model, `model prepare` converts
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
    output::{count, fields, table},
};

/// A quantised model with its declaration, report and evaluation.
struct QuantizedModel {
    bytes: Vec<u8>,
    declaration: DeclarationFile,
    report: QuantizationReport,
    evaluation: Evaluation,
    /// Whether the evaluation rows differ from the calibration rows.
    held_out: bool,
}

/// Quantises a model and writes it, with a declaration next to it.
pub async fn run(context: &Context<'_>, arguments: Quantize) -> Result<(), Failure> {
    let output = context.output;
    let to = arguments.output.clone();
    if to == arguments.file {
        return Err(Failure::Usage("--output would overwrite the model".to_owned()));
    }
    output.progress("calibrating");
    // Takes seconds. Ctrl-C must work meanwhile.
    let quantized = tokio::task::spawn_blocking(move || quantize(&arguments));
    let quantized = quantized.await.map_err(|error| Failure::Usage(error.to_string()))??;
    let declared = beside(&to);
    let mut document = serde_json::to_string_pretty(&quantized.declaration).unwrap_or_default();
    document.push('\n');
    write(&to, &quantized.bytes)?;
    write(&declared, document.as_bytes())?;

    if let Some(reason) = &quantized.report.not_provable_because {
        output.note(format!(
            "warning: runs of this model cannot be proven: {reason}; publish it without class proof"
        ));
    }
    if let Some(operator) = &quantized.report.left_out {
        output.note(format!(
            "the {operator} at the end is omitted: the integer model outputs the input of the {operator}"
        ));
    }
    if quantized.declaration.preprocessing.is_some() {
        output.note(format!(
            "the model needs preprocessed rows, as described in {}: use `model prepare`",
            declared.display()
        ));
    }
    if quantized.evaluation.float_accuracy.is_none() {
        output.note("there are no labels, so the accuracy is unknown: see --labels");
    }
    let result = json!({
        "file": to,
        "declaration": declared,
        "model": quantized.report,
        "evaluation": quantized.evaluation,
        "held_out": quantized.held_out,
    });
    output.result(&result, || to_text(&to, &quantized));
    Ok(())
}

fn quantize(arguments: &Quantize) -> Result<QuantizedModel, Failure> {
    let refused = |error: assay_quantizer::Error| Failure::Usage(error.to_string());
    let model = FloatModel::read(&read(&arguments.file)?).map_err(refused)?;
    let labels = arguments.labels.as_deref().map(read).transpose()?;
    let rows = |path: &Path, labels: Option<&[u8]>| {
        let what = path.display().to_string();
        model.dataset(&what, &read(path)?, labels).map_err(refused)
    };
    // Separate labels belong to the evaluation rows.
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
    Ok(QuantizedModel {
        bytes: quantized.to_bytes(),
        declaration: quantized.declaration(&model),
        report: quantized.report(&model),
        evaluation: quantized.evaluate(&model, judged).map_err(refused)?,
        held_out: test.is_some(),
    })
}

/// Converts a row of real numbers to the input of an integer model.
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

/// The input, and its shape with a batch of 1.
fn prepared(arguments: &Prepare) -> Result<(Vec<i8>, Vec<u32>), Failure> {
    let declaration: DeclarationFile = serde_json::from_slice(&read(&arguments.declaration)?)
        .map_err(|error| {
            let path = arguments.declaration.display();
            Failure::Usage(format!(
                "{path}: {error}; use the file that `model quantize` wrote next to the model"
            ))
        })?;
    let what = arguments.file.display().to_string();
    let mut rows = declaration
        .prepare(&what, &read(&arguments.file)?)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    if arguments.row >= rows.len() {
        return Err(Failure::Usage(format!(
            "there is no row {}: {what} has {}, numbered from 0",
            arguments.row,
            count(rows.len(), "row")
        )));
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
    // Magic, version and length take ten bytes; the data starts at a multiple of 64.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    // A shape has at most eight dimensions, so the header is far shorter than 2^16 bytes.
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

/// File of the declaration: the name of the model file with `.json` appended.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

fn to_text(to: &Path, quantized: &QuantizedModel) -> String {
    let (report, evaluation) = (&quantized.report, &quantized.evaluation);
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
    let rows = count(evaluation.rows, "row");
    let rows = match quantized.held_out {
        true => rows,
        false => format!("{rows}, the calibration rows"),
    };
    lines.push(("evaluated on", rows));
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

    fn message(result: Result<QuantizedModel, Failure>) -> String {
        match result {
            Ok(_) => panic!("accepted"),
            Err(failure) => {
                assert_eq!(failure.exit_code(), 2);
                failure.message()
            },
        }
    }

    #[test]
    fn a_bundled_model_is_quantised_and_evaluated() {
        let calibration = "digits/calibration.npz";
        let mut arguments = arguments("digits/digits.onnx", calibration, None);
        arguments.evaluate = Some(arguments.calibrate.with_file_name("test.npz"));
        let quantized = quantize(&arguments).unwrap();
        assert!(quantized.held_out);
        let text = to_text(&arguments.output, &quantized);
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
        // Written by numpy for the same row.
        let expected = std::fs::read(folder.join("integer-sample.npy")).unwrap();
        assert_eq!(npy(&row, &shape), expected);
        arguments.row = 1;
        assert!(prepared(&arguments).unwrap_err().message().contains("has 1 row,"));
        arguments.declaration = folder.join("breast-cancer.onnx");
        assert_eq!(prepared(&arguments).unwrap_err().exit_code(), 2);
        arguments.declaration = folder.join("../digits/digits.graph.json");
        assert!(prepared(&arguments).unwrap_err().message().contains("[rows, 1, 8, 8]"));
    }

    #[test]
    fn models_that_cannot_be_quantised_are_invalid_inputs() {
        let rows = "digits/calibration.npz";
        let operator = message(quantize(&arguments("hostile/unsupported-op.onnx", rows, None)));
        assert!(operator.contains("node 0 ("), "{operator}");
        let shape = message(quantize(&arguments("digits-mlp/digits-mlp.onnx", rows, None)));
        assert!(shape.contains("[160, 1, 8, 8]") && shape.contains("[rows, 64]"), "{shape}");
        let labels = Some("digits/digit.npy");
        let labels = message(quantize(&arguments("digits/digits.onnx", rows, labels)));
        assert!(labels.contains("64 labels for 160 rows"), "{labels}");
        let missing = message(quantize(&arguments("digits/none.onnx", rows, None)));
        assert!(missing.contains("none.onnx"), "{missing}");
    }
}
