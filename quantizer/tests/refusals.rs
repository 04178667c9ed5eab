//! Models without an integer form are refused with the node and a remedy.

mod support;

use assay_quantizer::{Error, FloatModel, QuantizeOptions};
use support::{arrays, data, models, npy};

/// For each file of `refusals.npz`, what the message must contain.
const REFUSALS: [(&str, &[&str]); 43] = [
    ("erf", &["node 0 (Erf `the-layer`)", "no integer operation", "publish the ONNX file"]),
    ("lstm", &["node 0 (LSTM `the-layer`)", "no integer operation"]),
    ("conv-transpose", &["node 0 (ConvTranspose `the-layer`)", "no integer operation"]),
    ("shape", &["node 0 (Shape `the-layer`)", "fixed shapes"]),
    ("concat", &["node 0 (Concat `the-layer`)", "fixed shapes"]),
    ("quantize-linear", &["node 0 (QuantizeLinear `the-layer`)", "before its quantisation"]),
    ("foreign-domain", &["node 0 (com.example.Relu `the-layer`)", "no integer operation"]),
    ("product", &["node 1 (Mul `the-layer`)", "only the sum"]),
    ("difference", &["node 1 (Sub `the-layer`)", "only the sum"]),
    ("division", &["node 0 (Div `the-layer`)", "divides by the tensor"]),
    ("division-by-zero", &["node 0 (Div `the-layer`)", "by zero"]),
    ("matrix-of-two-tensors", &["node 1 (MatMul `the-layer`)", "computed from the model's input"]),
    ("dense-of-an-image", &["node 0 (MatMul `the-layer`)", "flatten"]),
    ("transposed-input", &["node 0 (Gemm `the-layer`)", "transA"]),
    ("dilation", &["node 0 (Conv `the-layer`)", "dilation"]),
    ("one-dimension", &["node 0 (Conv `the-layer`)", "channels, height and width"]),
    ("wide-padding", &["node 0 (Conv `the-layer`)", "padding is not smaller", "less padding"]),
    ("large-kernel", &["node 0 (Conv `the-layer`)", "kernel is larger"]),
    ("wrong-channels", &["node 0 (Conv `the-layer`)", "[3, 5, 3, 3] for 2 channels"]),
    ("ceil-mode", &["node 1 (MaxPool `the-layer`)", "ceil_mode"]),
    ("exclude-padding", &["node 1 (AveragePool `the-layer`)", "count_include_pad"]),
    ("large-window", &["node 0 (MaxPool `the-layer`)", "25 elements", "two successive pools"]),
    ("mean-of-channels", &["node 1 (ReduceMean `the-layer`)", "GlobalAveragePool"]),
    ("clip-without-zero", &["node 0 (Clip `the-layer`)", "1 to 2 does not contain zero"]),
    ("softmax-in-the-middle", &["node 1 (Gemm `the-layer`)", "only be the end"]),
    ("softmax-of-rows", &["node 1 (Softmax `the-layer`)", "dimension 3"]),
    ("training", &["node 0 (BatchNormalization `the-layer`)", "evaluation mode"]),
    ("negative-variance", &["node 0 (BatchNormalization `the-layer`)", "variance of channel 0"]),
    ("channels-last", &["node 0 (Transpose `the-layer`)", "channels first"]),
    ("batch-moves", &["node 1 (Transpose `the-layer`)", "batch"]),
    ("batch-goes", &["node 0 (Reshape `the-layer`)", "batch"]),
    ("cast-to-integers", &["node 0 (Cast `the-layer`)", "other than floating point"]),
    ("nothing", &["output of the model is its input", "layer with weights"]),
    ("old-operators", &["operator set 6", "7 to 24"]),
    ("nan-weight", &["`w` has NaN at element 17", "again"]),
    ("infinite-weight", &["`w` has inf at element 1", "again"]),
    ("two-inputs", &["2 inputs", "has one"]),
    ("two-outputs", &["2 outputs", "remove the others"]),
    ("free-shape", &["shape of the input `x` is not fixed", "fixed shape"]),
    ("batch-of-four", &["batch of 4", "batch of one"]),
    ("integer-input", &["input `x` are not floating-point numbers"]),
    ("not-defined", &["node 0 (Relu `the-layer`)", "`nowhere`"]),
    ("four-dimensions", &["node 0 (Reshape `the-layer`)", "4 dimensions"]),
];

/// Reads a model and quantises it with rows of ones.
fn made(bytes: &[u8]) -> Result<(), Error> {
    let model = FloatModel::read(bytes)?;
    let shape: Vec<usize> = [2].iter().chain(model.input_dims()).copied().collect();
    let rows = npy(&shape, &vec![1.0; shape.iter().product()]);
    let rows = model.dataset("rows", &rows, None)?;
    model.quantize(&rows, &QuantizeOptions::default()).map(drop)
}

#[test]
fn models_without_an_integer_form_are_refused_with_the_node_and_a_remedy() {
    let files = arrays(data("refusals.npz"));
    assert_eq!(files.len(), REFUSALS.len());
    for (name, texts) in REFUSALS {
        let error = made(&files[name].bytes()).err();
        let error = error.unwrap_or_else(|| panic!("{name} is accepted")).to_string();
        for text in texts {
            assert!(error.contains(text), "{name}: {error:?} does not contain {text:?}");
        }
    }
}

#[test]
fn hostile_files_are_refused_or_quantised_without_a_panic() {
    let mut count = 0;
    for entry in std::fs::read_dir(models("hostile")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "onnx") {
            let result = made(&std::fs::read(&path).unwrap());
            println!("{}: {:?}", path.display(), result.map_err(|error| error.to_string()));
            count += 1;
        }
    }
    assert!(count > 20);
}

#[test]
fn truncated_or_changed_files_cause_no_panic() {
    let file = std::fs::read(models("breast-cancer/breast-cancer.onnx")).unwrap();
    for length in (0..file.len()).step_by(37) {
        let _ = FloatModel::read(&file[..length]);
    }
    for index in (0..file.len()).step_by(11) {
        let mut file = file.clone();
        file[index] ^= 0x15;
        let _ = made(&file);
    }
}

fn digits() -> FloatModel {
    FloatModel::read(&std::fs::read(models("digits/digits.onnx")).unwrap()).unwrap()
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let model = digits();
    let row = vec![0.5; 64];
    let labels = |values: &[f64]| npy(&[values.len()], values);
    let two = npy(&[2, 1, 8, 8], &[row.clone(), row.clone()].concat());
    let mut nan = row.clone();
    nan[9] = f64::NAN;
    for (rows, labels, texts) in [
        (npy(&[1, 64], &row), None, ["[1, 64]", "[rows, 1, 8, 8]"]),
        (npy(&[1, 8, 8], &row), None, ["[1, 8, 8]", "[rows, 1, 8, 8]"]),
        (npy(&[0, 1, 8, 8], &[]), None, ["no rows", "some"]),
        (npy(&[1, 1, 8, 8], &nan), None, ["row 0, element 9 is NaN", "remove the row"]),
        (npy(&[1, 1, 8, 8], &row[1..]), None, ["cannot be read", "numpy.save"]),
        (b"text".to_vec(), None, ["cannot be read", "numpy.save"]),
        (b"PK\x03\x04".to_vec(), None, ["cannot be read", "numpy.save"]),
        (two.clone(), Some(labels(&[1.0])), ["1 labels for 2 rows", "for each row"]),
        (two.clone(), Some(labels(&[1.0, 10.0])), ["label of row 1 is 10", "0 to 9"]),
        (two.clone(), Some(labels(&[1.5, 1.0])), ["label of row 0 is 1.5", "0 to 9"]),
        (two, Some(b"PK\x03\x04".to_vec()), ["labels", "cannot be read"]),
    ] {
        let error = model.dataset("rows.npy", &rows, labels.as_deref()).unwrap_err().to_string();
        for text in texts {
            assert!(error.contains(text), "{error:?} does not contain {text:?}");
        }
    }
}

#[test]
fn an_archive_without_the_input_is_refused_and_labels_are_optional() {
    let model = digits();
    // Its arrays are `features`, `labels` and `expected`.
    let other = std::fs::read(models("breast-cancer/samples.npz")).unwrap();
    let error = model.dataset("samples.npz", &other, None).unwrap_err().to_string();
    assert!(error.contains("no array `image`, but expected, features, labels"), "{error}");
    let rows = npy(&[1, 1, 8, 8], &[0.5; 64]);
    let rows = model.dataset("rows.npy", &rows, None).unwrap();
    assert!(!rows.has_labels());
    let quantized = model.quantize(&rows, &QuantizeOptions::default()).unwrap();
    let evaluation = quantized.evaluate(&model, &rows).unwrap();
    assert_eq!((evaluation.float_accuracy, evaluation.integer_accuracy), (None, None));
}
