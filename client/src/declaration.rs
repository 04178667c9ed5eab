//! Declarations of model files, and checks of model files before anything is sent.

use std::path::Path;

use assay_primitives::{
    model::{is_licence, Licence, TensorDeclarations, Tolerance, MAX_TENSORS},
    Dimension, ElementType, TensorDeclaration, MAX_ARTIFACT_BYTES,
};
use serde::Deserialize;

use crate::{amount::parse_decimal, Error, Result};

/// An example of a declaration, for messages.
pub const EXAMPLE: &str = r#"{"inputs": [{"name": "image", "element_type": "f32", "shape": [1, 1, 8, 8]}], "outputs": [{"name": "probabilities", "element_type": "f32", "shape": [null, 10]}]}  (null: a free dimension)"#;

/// File name of the declaration next to a model file.
const SIBLING: &str = "model.json";
/// SPDX identifier for a licence that is not stated.
const NO_LICENCE: &str = "NOASSERTION";

/// The inputs, outputs and licence of a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Input tensors, in order.
    pub inputs: TensorDeclarations,
    /// Output tensors, in order.
    pub outputs: TensorDeclarations,
    /// SPDX licence expression, if there is one.
    pub licence: Option<String>,
}

#[derive(Deserialize)]
struct File {
    inputs: Vec<FileTensor>,
    outputs: Vec<FileTensor>,
    #[serde(alias = "license")]
    licence: Option<String>,
}

#[derive(Deserialize)]
struct FileTensor {
    name: String,
    element_type: ElementType,
    shape: Vec<Option<u32>>,
}

impl Declaration {
    /// Parses a declaration. Other fields are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the text is not a declaration, or names a tensor twice.
    ///
    /// ```
    /// use assay_client::Declaration;
    ///
    /// let declaration = Declaration::from_json(
    ///     r#"{"inputs": [{"name": "x", "element_type": "f32", "shape": [null, 4]}],
    ///         "outputs": [{"name": "y", "element_type": "f32", "shape": [null, 2]}]}"#,
    /// )?;
    /// assert_eq!(declaration.inputs[0].name(), "x");
    /// # Ok::<(), assay_client::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        let file: File = serde_json::from_str(text).map_err(|error| {
            Error::invalid(format!("the declaration is not valid: {error}; expected: {EXAMPLE}"))
        })?;
        Ok(Self {
            inputs: side("inputs", file.inputs)?,
            outputs: side("outputs", file.outputs)?,
            licence: file.licence,
        })
    }

    /// Reads a declaration from a file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read or is not a declaration.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        Self::from_json(&text).map_err(|error| Error::file(&path, error))
    }

    /// Reads the declaration next to a model file, `model.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if there is no such file, [`Error::File`] if it cannot be read.
    pub fn beside(model: impl AsRef<Path>) -> Result<Self> {
        Self::find_beside(model)?.ok_or_else(|| {
            Error::invalid(format!(
                "there is no declaration: name a file with --declaration, or put {SIBLING} next to \
                 the model file; expected: {EXAMPLE}"
            ))
        })
    }

    /// [`Self::beside`]; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read.
    pub fn find_beside(model: impl AsRef<Path>) -> Result<Option<Self>> {
        let path = model.as_ref().with_file_name(SIBLING);
        path.exists().then(|| Self::from_file(path)).transpose()
    }
}

fn side(side: &str, tensors: Vec<FileTensor>) -> Result<TensorDeclarations> {
    if tensors.is_empty() {
        return Err(Error::invalid(format!("the declaration has no {side}")));
    }
    let declarations = tensors.into_iter().map(tensor).collect::<Result<Vec<_>>>()?;
    for (index, declaration) in declarations.iter().enumerate() {
        if declarations[..index].iter().any(|other| other.name == declaration.name) {
            return Err(Error::invalid(format!(
                "the declaration names `{}` twice in its {side}",
                declaration.name()
            )));
        }
    }
    declarations
        .try_into()
        .map_err(|_| Error::invalid(format!("the declaration has more than {MAX_TENSORS} {side}")))
}

fn tensor(tensor: FileTensor) -> Result<TensorDeclaration> {
    let invalid = |reason: &str| Error::invalid(format!("tensor `{}`: {reason}", tensor.name));
    let shape: Vec<_> =
        tensor.shape.iter().map(|size| size.map_or(Dimension::Free, Dimension::Fixed)).collect();
    let declaration = TensorDeclaration {
        name: tensor
            .name
            .clone()
            .into_bytes()
            .try_into()
            .map_err(|_| invalid("its name is longer than 64 bytes"))?,
        element_type: tensor.element_type,
        shape: shape.try_into().map_err(|_| invalid("it has more than 8 dimensions"))?,
    };
    if !declaration.is_well_formed() {
        return Err(invalid("its name is empty, or a dimension is 0"));
    }
    Ok(declaration)
}

/// The licence to publish: `given`, else the declaration's, else `NOASSERTION`.
///
/// # Errors
///
/// [`Error::Invalid`] if it is not an SPDX licence expression of at most 64 characters.
pub fn licence(given: Option<&str>, declaration: &Declaration) -> Result<Licence> {
    let licence = given.or(declaration.licence.as_deref()).unwrap_or(NO_LICENCE);
    if !is_licence(licence.as_bytes()) {
        return Err(Error::invalid(format!(
            "`{licence}` is not an SPDX licence expression of at most 64 characters, such as \
             Apache-2.0"
        )));
    }
    let bytes = licence.as_bytes().to_vec();
    bytes.try_into().map_err(|_| Error::invalid("the licence is longer than 64 characters"))
}

/// Parses a tolerance, such as `0.0001`.
///
/// Bounds: at most six decimal places, at most 4294.967295.
///
/// # Errors
///
/// [`Error::Invalid`] for any other text.
pub fn parse_tolerance(text: &str) -> Result<Tolerance> {
    let millionths = parse_decimal(text.trim(), 6).ok().and_then(|value| u32::try_from(value).ok());
    millionths.map(|millionths| Tolerance { millionths }).ok_or_else(|| {
        Error::invalid(format!(
            "`{text}` is not a tolerance: expected a decimal number from 0 to 4294.967295 with at \
             most six decimal places, such as 0.0001"
        ))
    })
}

/// Checks that a file looks like an ONNX model: a sequence of protobuf fields that starts with the
/// format version and contains a graph. The operators' engines check the graph itself.
///
/// # Errors
///
/// [`Error::Invalid`] with the reason.
pub fn check_onnx(bytes: &[u8]) -> Result<()> {
    const VERSION_TAG: u8 = 0x08;
    const GRAPH_FIELD: u64 = 7;
    let invalid =
        |reason: &str| Err(Error::invalid(format!("this is not an ONNX model: {reason}")));
    if bytes.is_empty() {
        return invalid("the file is empty");
    }
    if bytes.len() as u64 > MAX_ARTIFACT_BYTES {
        return Err(Error::invalid(format!(
            "the model has {} bytes; the maximum is {MAX_ARTIFACT_BYTES}",
            bytes.len()
        )));
    }
    if bytes[0] != VERSION_TAG {
        return match std::str::from_utf8(bytes) {
            Ok(_) => invalid("the file is text"),
            Err(_) => invalid("it does not start with a format version"),
        };
    }
    let mut rest = bytes;
    let mut has_graph = false;
    while !rest.is_empty() {
        match skip_field(&mut rest) {
            Some(field) => has_graph |= field == GRAPH_FIELD,
            None => return invalid("the file is truncated or damaged"),
        }
    }
    if !has_graph {
        return invalid("it contains no graph");
    }
    Ok(())
}

/// Skips a protobuf field and returns its number.
fn skip_field(rest: &mut &[u8]) -> Option<u64> {
    let tag = varint(rest)?;
    let length = match tag & 7 {
        0 => {
            varint(rest)?;
            0
        },
        1 => 8,
        2 => varint(rest)?,
        5 => 4,
        _ => return None,
    };
    *rest = rest.get(usize::try_from(length).ok()?..)?;
    Some(tag >> 3).filter(|field| *field > 0)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = r#"{
        "name": "digits", "license": "Apache-2.0",
        "inputs": [{"name": "image", "element_type": "f32", "shape": [null, 1, 8, 8]}],
        "outputs": [{"name": "probabilities", "element_type": "f32", "shape": [1, 10]}]
    }"#;

    #[test]
    fn a_declaration_is_read() {
        let declaration = Declaration::from_json(DIGITS).unwrap();
        assert_eq!(declaration.inputs[0].name(), "image");
        assert_eq!(declaration.inputs[0].shape[0], Dimension::Free);
        assert_eq!(declaration.outputs[0].shape[1], Dimension::Fixed(10));
        assert_eq!(licence(None, &declaration).unwrap().to_vec(), b"Apache-2.0");
        assert_eq!(licence(Some("MIT"), &declaration).unwrap().to_vec(), b"MIT");
        let silent = Declaration { licence: None, ..declaration.clone() };
        assert_eq!(licence(None, &silent).unwrap().to_vec(), b"NOASSERTION");
        assert!(licence(Some("all rights reserved!"), &declaration).is_err());
        assert!(licence(Some(""), &declaration).is_err());
    }

    #[test]
    fn an_invalid_declaration_is_refused() {
        Declaration::from_json(EXAMPLE.split("  (").next().unwrap()).unwrap();
        for (from, to, reason) in [
            ("[null, 1, 8, 8]", "[0, 1, 8, 8]", "dimension is 0"),
            ("[null, 1, 8, 8]", "[1,1,1,1,1,1,1,1,1]", "8 dimensions"),
            ("[null, 1, 8, 8]", "[-1, 1, 8, 8]", "invalid value"),
            ("\"image\"", "\"\"", "name is empty"),
            ("\"f32\"", "\"float\"", "unknown variant"),
            ("\"inputs\"", "\"input\"", "missing field `inputs`"),
        ] {
            let error = Declaration::from_json(&DIGITS.replacen(from, to, 1)).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
        let twice = r#"{"inputs": [{"name": "x", "element_type": "u8", "shape": []},
            {"name": "x", "element_type": "u8", "shape": []}], "outputs": []}"#;
        assert!(Declaration::from_json(twice).unwrap_err().to_string().contains("twice"));
        let empty = r#"{"inputs": [], "outputs": []}"#;
        assert!(Declaration::from_json(empty).unwrap_err().to_string().contains("no inputs"));
    }

    #[test]
    fn a_tolerance_is_exact() {
        assert_eq!(parse_tolerance("0.000001").unwrap().millionths, 1);
        assert_eq!(parse_tolerance("0").unwrap().millionths, 0);
        assert_eq!(parse_tolerance("4294.967295").unwrap().millionths, u32::MAX);
        for text in ["4294.967296", "0.0000001", "-1", "1e-4", ""] {
            assert!(parse_tolerance(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_model_file_is_distinguished_from_others() {
        // Version 8, producer "x", a graph of two bytes, an operator set of two bytes.
        let model = [8, 8, 0x12, 1, b'x', 0x3a, 2, 0x0a, 0, 0x42, 2, 0x10, 17];
        check_onnx(&model).unwrap();
        let reason = |bytes: &[u8]| check_onnx(bytes).unwrap_err().to_string();
        assert!(reason(&[]).contains("empty"));
        assert!(reason(b"version https://git-lfs.github.com/spec/v1\n").contains("text"));
        assert!(reason(&[0x89, b'P', b'N', b'G', 0xff]).contains("format version"));
        assert!(reason(&[8, 8, 0x12, 1, b'x']).contains("contains no graph"));
        for length in 1..model.len() {
            assert!(check_onnx(&model[..length]).is_err() || length == 9, "{length}");
        }
    }
}
