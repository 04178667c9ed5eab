//! Conversion of JSON, NumPy files and CSV rows to tensors, and of tensors to JSON.
//!
//! Inputs are checked against the version's declaration. Numbers are converted only if their value is
//! preserved: an integer that an `f32` cannot represent, a fraction for an integer tensor, NaN and
//! infinities are errors that name the element. Inputs of integer graphs may be real numbers, which
//! are quantised: see [`GraphInput`].

mod convert;
mod csv;
mod json;
mod numpy;
mod quantize;

use std::borrow::Cow;

use assay_primitives::{
    decode_payload, tensor::check_tensors, Dimension, Tensor, TensorDeclaration,
};
use codec::Encode;

use self::convert::Converted;
use crate::{Error, Result};

pub use crate::error::InputError;
pub use json::to_json;
pub use quantize::{GraphInput, Numbers};

/// The tensors of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The tensors, in the order of the declarations.
    pub tensors: Vec<Tensor>,
    /// Names in the source that the version does not declare. They are ignored.
    pub ignored: Vec<String>,
}

impl Input {
    /// Reads an input from JSON text, or from the file of that name. The content of a file determines
    /// its format: `.npy`, `.npz`, JSON, else a CSV row.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read, [`Error::Input`] if the input does not fit the
    /// declarations.
    pub fn read(source: &str, declarations: &[TensorDeclaration]) -> Result<Self> {
        Ok(Self::from_bytes(&content(source)?, declarations)?)
    }

    /// Reads the content of a file. See [`Input::read`].
    ///
    /// # Errors
    ///
    /// The first violation of the declarations.
    pub fn from_bytes(
        bytes: &[u8],
        declarations: &[TensorDeclaration],
    ) -> Result<Self, InputError> {
        Source::read(bytes, declarations)?.checked(declarations)
    }

    /// Reads JSON: `{"name": nested lists, ...}`, or the nested lists alone if the version has one
    /// input. Leading dimensions of size 1 may be omitted, and a flat list is accepted if it has
    /// exactly as many elements as the shape.
    ///
    /// # Errors
    ///
    /// The first violation of the declarations.
    ///
    /// ```
    /// use assay_client::Input;
    /// use assay_primitives::{Dimension, ElementType, TensorDeclaration};
    ///
    /// let declared = [TensorDeclaration {
    ///     name: b"x".to_vec().try_into().unwrap(),
    ///     element_type: ElementType::U8,
    ///     shape: vec![Dimension::Fixed(1), Dimension::Fixed(2)].try_into().unwrap(),
    /// }];
    /// let input = Input::from_json("[3, 4]", &declared)?;
    /// assert_eq!(input.tensors[0].shape, [1, 2]);
    /// assert_eq!(input.tensors[0].data, [3, 4]);
    /// # Ok::<(), assay_client::InputError>(())
    /// ```
    pub fn from_json(text: &str, declarations: &[TensorDeclaration]) -> Result<Self, InputError> {
        json::read(text, declarations)?.checked(declarations)
    }

    /// Reads an `.npy` array, for a version with one input. Its shape must be the declared one.
    ///
    /// # Errors
    ///
    /// The first violation of the declarations.
    pub fn from_npy(bytes: &[u8], declarations: &[TensorDeclaration]) -> Result<Self, InputError> {
        numpy::read_npy(bytes, declarations)?.checked(declarations)
    }

    /// Reads an `.npz` archive with an array for each input, by name.
    ///
    /// # Errors
    ///
    /// The first violation of the declarations.
    pub fn from_npz(bytes: &[u8], declarations: &[TensorDeclaration]) -> Result<Self, InputError> {
        numpy::read_npz(bytes, declarations)?.checked(declarations)
    }

    /// Reads one row of numbers, for a version with one input. A header line is skipped.
    ///
    /// # Errors
    ///
    /// The first violation of the declarations.
    pub fn from_csv(text: &str, declarations: &[TensorDeclaration]) -> Result<Self, InputError> {
        csv::read(text, declarations)?.checked(declarations)
    }

    /// The payload of a request: the SCALE encoding of the tensors.
    pub fn payload(&self) -> Vec<u8> {
        self.tensors.encode()
    }

    /// The chain's check, so that nothing is sent that it would refuse.
    fn checked(self, declarations: &[TensorDeclaration]) -> Result<Self, InputError> {
        check_tensors(&self.tensors, declarations).map_err(InputError::Payload)?;
        Ok(self)
    }
}

/// The JSON text itself, or the content of the file of that name.
fn content(source: &str) -> Result<Cow<'_, [u8]>> {
    if source.trim_start().starts_with(['[', '{']) {
        return Ok(source.as_bytes().into());
    }
    let bytes = std::fs::read(source).map_err(|error| Error::file(source, error))?;
    Ok(bytes.into())
}

/// The declared tensors of a source.
struct Source {
    tensors: Vec<Tensor>,
    ignored: Vec<String>,
    /// Whether any number is written as a real number.
    has_reals: bool,
}

impl Source {
    /// Reads the content of a file in the format that it has.
    fn read(bytes: &[u8], declarations: &[TensorDeclaration]) -> Result<Self, InputError> {
        const NPY: &[u8] = b"\x93NUMPY";
        const ZIP: &[u8] = b"PK\x03\x04";
        if bytes.starts_with(NPY) {
            return numpy::read_npy(bytes, declarations);
        }
        if bytes.starts_with(ZIP) {
            return numpy::read_npz(bytes, declarations);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| {
            InputError::unreadable("file", "it is neither text nor an .npy or .npz file")
        })?;
        match text.trim_start().starts_with(['[', '{']) {
            true => json::read(text, declarations),
            false => csv::read(text, declarations),
        }
    }

    /// A source of converted tensors.
    fn new(converted: Vec<Converted>, ignored: Vec<String>) -> Self {
        let has_reals = converted.iter().any(|one| one.has_reals);
        let tensors = converted.into_iter().map(|one| one.tensor).collect();
        Self { tensors, ignored, has_reals }
    }

    fn checked(self, declarations: &[TensorDeclaration]) -> Result<Input, InputError> {
        Input { tensors: self.tensors, ignored: self.ignored }.checked(declarations)
    }
}

/// Formats a declared shape: `[1, ?, 8]`, where `?` is a free dimension.
pub fn format_shape(shape: &[Dimension]) -> String {
    let dimensions: Vec<_> = shape
        .iter()
        .map(|dimension| match dimension {
            Dimension::Fixed(size) => size.to_string(),
            Dimension::Free => "?".to_owned(),
        })
        .collect();
    format!("[{}]", dimensions.join(", "))
}

/// Converts an output payload to JSON: an object of nested lists, by the declared names.
///
/// # Errors
///
/// [`Error::Answer`] if the payload does not fit the declarations.
pub fn output_to_json(
    payload: &[u8],
    declarations: &[TensorDeclaration],
) -> Result<serde_json::Value> {
    let tensors = decode_payload(payload, declarations).map_err(|error| Error::Answer {
        method: "AssayApi_request".into(),
        reason: format!("the output does not fit the declaration: {error}"),
    })?;
    Ok(to_json(&tensors, declarations))
}

/// The declaration of a version with one input.
fn single<'a>(
    form: &'static str,
    declarations: &'a [TensorDeclaration],
) -> Result<&'a TensorDeclaration, InputError> {
    match declarations {
        [declaration] => Ok(declaration),
        _ => Err(InputError::OneTensor {
            form,
            count: declarations.len(),
            names: names(declarations.iter().map(TensorDeclaration::name)),
        }),
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.join(", "),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use assay_primitives::ElementType;

    pub(crate) fn declare(
        name: &str,
        element_type: ElementType,
        shape: &[Option<u32>],
    ) -> TensorDeclaration {
        let dimension = |size: &Option<u32>| size.map_or(Dimension::Free, Dimension::Fixed);
        TensorDeclaration {
            name: name.as_bytes().to_vec().try_into().unwrap(),
            element_type,
            shape: shape.iter().map(dimension).collect::<Vec<_>>().try_into().unwrap(),
        }
    }

    #[test]
    fn the_content_determines_the_format() {
        let declared = [declare("x", ElementType::F32, &[Some(1), Some(2)])];
        let expected = Input::from_json("[[1, 2]]", &declared).unwrap();
        for bytes in [&b" [[1.0, 2.0]]\n"[..], b"{\"x\": [1, 2]}", b"1,2\n", b"a,b\n1,2\n"] {
            assert_eq!(Input::from_bytes(bytes, &declared).unwrap(), expected);
        }
    }

    #[test]
    fn errors_name_the_format_of_the_source() {
        let declared = [declare("x", ElementType::F32, &[Some(1), Some(2)])];
        for (bytes, message) in [
            (&b"\xff\xfe"[..], "the file cannot be read: "),
            (b"[1, ", "the JSON cannot be read: "),
            (b"1,2\n3,4\n", "the CSV text cannot be read: "),
            (b"\x93NUMPY", "the .npy file cannot be read: "),
            (b"PK\x03\x04", "the .npz file cannot be read: "),
        ] {
            let error = Input::from_bytes(bytes, &declared).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        let two = [declared[0].clone(), declare("y", ElementType::F32, &[Some(1)])];
        for (bytes, message) in [
            (&b"[1, 2]"[..], "the JSON list contains one tensor, the model has 2 (x, y)"),
            (b"1,2\n", "the CSV text contains one tensor, "),
            (b"\x93NUMPY", "the .npy file contains one tensor, "),
        ] {
            let error = Input::from_bytes(bytes, &two).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn inline_json_and_files_are_read() {
        let declared = [declare("x", ElementType::F32, &[Some(1), Some(2)])];
        let inline = Input::read(" [1, 2]", &declared).unwrap();
        let path = std::env::temp_dir().join(format!("assay-input-{}.csv", std::process::id()));
        std::fs::write(&path, "1,2\n").unwrap();
        let file = Input::read(path.to_str().unwrap(), &declared);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(file.unwrap(), inline);
        assert!(matches!(Input::read("no-such-file", &declared), Err(Error::File { .. })));
    }

    #[test]
    fn a_payload_is_what_the_chain_reads() {
        let declared = [declare("x", ElementType::I16, &[None, Some(2)])];
        let input = Input::from_json("[[1, -2], [3, 4]]", &declared).unwrap();
        let tensors = decode_payload(&input.payload(), &declared).unwrap();
        assert_eq!(tensors[0].shape, [2, 2]);
        assert_eq!(tensors[0].data, [1, 0, 0xfe, 0xff, 3, 0, 4, 0]);
    }
}
