//! Reads rows of inputs, with or without labels, from NumPy files.

use crate::error::Error;
use npyz::{npz::NpzArchive, DType, NpyFile, Order, TypeChar};
use std::io::{Cursor, Read};

/// Names of the array of labels in an `.npz` file, in order of preference.
const LABELS: [&str; 2] = ["labels", "label"];
/// Maximum number of elements of an array.
const MAX_ELEMENTS: u64 = 1 << 28;

/// Rows of inputs of a model, in the form that the ONNX file reads.
#[derive(Clone, PartialEq, Debug)]
pub struct Dataset {
    pub(crate) rows: Vec<Vec<f64>>,
    pub(crate) labels: Option<Vec<usize>>,
}

/// An array of a file.
struct Array {
    shape: Vec<u64>,
    values: Vec<f64>,
}

impl Dataset {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether there are labels.
    pub fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// Reads an `.npz` or `.npy` file.
    ///
    /// `what` names the file in errors. In an `.npz` file, the rows are the array with the name of
    /// the model's input, or the only array apart from the labels. Other arrays are ignored. The
    /// first dimension is the row.
    pub(crate) fn read(
        what: &str,
        bytes: &[u8],
        labels: Option<&[u8]>,
        input: &str,
        dims: &[usize],
        classes: usize,
    ) -> Result<Self, Error> {
        let (rows, inside) = match bytes.starts_with(b"PK") {
            true => read_npz(what, bytes, input)?,
            false => (read_npy(what, NpyFile::new(bytes).map_err(|e| unreadable(what, e))?)?, None),
        };
        let labels = match labels {
            None => inside,
            Some(bytes) if bytes.starts_with(b"PK") => {
                let (_, labels) = read_npz("labels", bytes, input)?;
                Some(labels.ok_or_else(|| missing_labels("labels"))?)
            },
            Some(bytes) => {
                let file = NpyFile::new(bytes).map_err(|error| unreadable("labels", error))?;
                Some(read_npy("labels", file)?)
            },
        };
        let rows = split(what, rows, input, dims)?;
        let labels = labels.map(|labels| check_labels(what, &labels, rows.len(), classes));
        Ok(Self { rows, labels: labels.transpose()? })
    }
}

pub(crate) fn missing_labels(what: &str) -> Error {
    Error::data(
        what,
        "there is no array `labels`",
        "add one with the class of each row, or pass the labels as an .npy file",
    )
}

fn unreadable(what: &str, error: impl std::fmt::Display) -> Error {
    Error::data(
        what,
        format!("it cannot be read as .npy or .npz: {error}"),
        "write it with numpy.save or numpy.savez",
    )
}

/// Reads the rows, and the labels if there are any.
fn read_npz(what: &str, bytes: &[u8], input: &str) -> Result<(Array, Option<Array>), Error> {
    let mut archive =
        NpzArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(what, error))?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    let others: Vec<&String> =
        names.iter().filter(|name| !LABELS.contains(&name.as_str())).collect();
    let rows = match &others[..] {
        _ if names.iter().any(|name| name == input) => input,
        [only] => only.as_str(),
        _ => {
            return Err(Error::data(
                what,
                format!("there is no array `{input}`, but {}", names.join(", ")),
                "give the array the name of the model's input",
            ))
        },
    };
    let mut array = |name: &str| -> Result<Option<Array>, Error> {
        let file = archive.by_name(name).map_err(|error| unreadable(what, error))?;
        file.map(|file| read_npy(&format!("{what}, array `{name}`"), file)).transpose()
    };
    let labels = LABELS.iter().find(|name| names.iter().any(|found| found == *name));
    let labels = labels.map(|name| array(name)).transpose()?.flatten();
    let rows = array(rows)?.ok_or_else(|| unreadable(what, "an array is missing"))?;
    Ok((rows, labels))
}

fn read_npy<R: Read>(what: &str, file: NpyFile<R>) -> Result<Array, Error> {
    let shape = file.shape().to_vec();
    let elements = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
    let elements = elements.filter(|elements| *elements <= MAX_ELEMENTS).ok_or_else(|| {
        Error::data(
            what,
            format!("the array of shape {shape:?} is too large"),
            format!("use fewer rows: at most {MAX_ELEMENTS} numbers are supported"),
        )
    })?;
    if file.order() == Order::Fortran && shape.len() > 1 {
        return Err(Error::data(
            what,
            "the array is stored in column-major order",
            "store it in row-major order with numpy.ascontiguousarray",
        ));
    }
    let dtype = file.dtype();
    let kind = match &dtype {
        DType::Plain(kind) => Some((kind.type_char(), kind.size_field())),
        _ => None,
    };
    macro_rules! read {
        ($type:ty) => {
            file.into_vec::<$type>()
                .map_err(|error| unreadable(what, error))?
                .into_iter()
                .map(|value| value as f64)
                .collect()
        };
    }
    let values: Vec<f64> = match kind {
        Some((TypeChar::Float, 4)) => read!(f32),
        Some((TypeChar::Float, 8)) => read!(f64),
        Some((TypeChar::Int, 1)) => read!(i8),
        Some((TypeChar::Int, 2)) => read!(i16),
        Some((TypeChar::Int, 4)) => read!(i32),
        Some((TypeChar::Int, 8)) => read!(i64),
        Some((TypeChar::Uint, 1)) => read!(u8),
        Some((TypeChar::Uint, 2)) => read!(u16),
        Some((TypeChar::Uint, 4)) => read!(u32),
        Some((TypeChar::Uint, 8)) => read!(u64),
        _ => {
            return Err(Error::data(
                what,
                format!("its elements are of type {}", dtype.descr()),
                "convert them to float32 or to integers",
            ))
        },
    };
    if values.len() as u64 != elements {
        return Err(unreadable(what, "it has fewer elements than its shape"));
    }
    Ok(Array { shape, values })
}

/// Splits an array into rows of a model's input.
fn split(what: &str, array: Array, input: &str, dims: &[usize]) -> Result<Vec<Vec<f64>>, Error> {
    let wanted: Vec<u64> = dims.iter().map(|size| *size as u64).collect();
    let fits = array.shape.split_first().is_some_and(|(_, rest)| rest == wanted);
    if !fits {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        return Err(Error::data(
            what,
            format!("the array for the input `{input}` has shape {:?}", array.shape),
            format!("its shape must be [rows, {}]", wanted.join(", ")),
        ));
    }
    if array.values.is_empty() {
        return Err(Error::data(what, "there are no rows", "add some; about 100 are enough"));
    }
    let length: usize = dims.iter().product();
    if let Some(index) = array.values.iter().position(|value| !value.is_finite()) {
        return Err(Error::data(
            what,
            format!(
                "row {}, element {} is {}",
                index / length,
                index % length,
                array.values[index]
            ),
            "remove the row, or replace the number",
        ));
    }
    Ok(array.values.chunks_exact(length).map(<[f64]>::to_vec).collect())
}

fn check_labels(
    what: &str,
    labels: &Array,
    rows: usize,
    classes: usize,
) -> Result<Vec<usize>, Error> {
    if labels.values.len() != rows {
        return Err(Error::data(
            what,
            format!("there are {} labels for {rows} rows", labels.values.len()),
            "use one label for each row",
        ));
    }
    // A single output is the score of class 1 against class 0.
    let classes = classes.max(2);
    let class = |(row, label): (usize, &f64)| {
        if label.fract() == 0.0 && (0.0..classes as f64).contains(label) {
            return Ok(*label as usize);
        }
        Err(Error::data(
            what,
            format!("the label of row {row} is {label}"),
            format!("labels must be class numbers from 0 to {}", classes - 1),
        ))
    };
    labels.values.iter().enumerate().map(class).collect()
}
