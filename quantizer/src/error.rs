//! Errors, with their causes and remedies.

use assay_graph::CheckError;

/// A node of an ONNX file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OnnxLocation {
    /// Index of the node in the file's graph, from 0.
    pub index: usize,
    /// Operator, with its domain unless that is the standard one.
    pub operator: String,
    /// Name of the node; may be empty.
    pub name: String,
}

impl std::fmt::Display for OnnxLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { index, operator, name } = self;
        match name.is_empty() {
            true => write!(f, "node {index} ({operator})"),
            false => write!(f, "node {index} ({operator} `{name}`)"),
        }
    }
}

/// Why a model cannot be quantised.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are not an ONNX file, or its graph is missing or empty.
    #[error("not an ONNX model: {0}; export the model again, with its weights inside the file")]
    NotOnnx(String),
    /// The file as a whole cannot be converted to an integer model.
    #[error("{problem}; {remedy}")]
    File {
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A node cannot be converted to an integer operation.
    #[error("{place}: {problem}; {remedy}")]
    Node {
        /// The node.
        place: OnnxLocation,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A constant of the file has elements that are NaN or infinite.
    #[error(
        "the constant `{name}` has {value} at element {element}; train or export the model again"
    )]
    NotFinite {
        /// Name of the constant.
        name: String,
        /// Row-major index of the first such element.
        element: usize,
        /// The element.
        value: f64,
    },
    /// The rows for calibration or evaluation cannot be read, or do not fit the model.
    #[error("{what}: {problem}; {remedy}")]
    Data {
        /// The file or array.
        what: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// The integer model breaks a rule of publication.
    #[error("the integer model breaks a rule of publication: {0}")]
    Graph(#[from] CheckError),
    /// The integer model cannot be run on a row.
    #[error("the integer model cannot be run: {0}")]
    Run(#[from] assay_graph::RunError),
}

impl Error {
    pub(crate) fn node(
        place: &OnnxLocation,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Node { place: place.clone(), problem: problem.into(), remedy: remedy.into() }
    }

    pub(crate) fn file(problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::File { problem: problem.into(), remedy: remedy.into() }
    }

    pub(crate) fn data(what: &str, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Data { what: what.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }
}
