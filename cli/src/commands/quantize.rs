//! `model quantize`: from an ONNX file in floating point to an integer model.

use std::path::{Path, PathBuf};

use assay_client::Error;
use assay_quantizer::{Declaration, Evaluation, Method, Model, Options, Report};
use serde_json::json;

use crate::{
    args::{CalibrationMethod, Quantize},
    context::Context,
    failure::Failure,
    output::{fields, table},
};

/// What was made, and what there is to say of it.
struct Made {
    bytes: Vec<u8>,
    declaration: Declaration,
    report: Report,
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
    let model = Model::read(&read(&arguments.file)?).map_err(refused)?;
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
        CalibrationMethod::SquaredError => Method::SquaredError,
        CalibrationMethod::Greatest => Method::Greatest,
    };
    let quantized = model.quantize(&calibration, &Options { method }).map_err(refused)?;
    let judged = test.as_ref().unwrap_or(&calibration);
    Ok(Made {
        bytes: quantized.to_bytes(),
        declaration: quantized.declaration(&model),
        report: quantized.report(&model),
        evaluation: quantized.evaluate(&model, judged).map_err(refused)?,
        held_out: test.is_some(),
    })
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
                Some(bits) => format!("yes, {bits:.1} bits of soundness"),
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
            method: CalibrationMethod::SquaredError,
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
