//! Why a model cannot be proven, and why a proof is refused.

use alloc::string::String;
use assay_graph::{CheckError, Digest};

/// There is no verifier or prover for a model.
#[derive(Clone, PartialEq, Debug)]
pub enum SetupError {
    /// The model has an operation that cannot be proven: an image made from a vector that was
    /// computed, with sides that are no powers of two, or a convolution in groups with a number
    /// of output channels each that is none.
    Unsupported {
        /// Index of the operation.
        operation: usize,
        /// Its kind.
        name: &'static str,
    },
    /// No operation has weights, so there is nothing to commit to.
    NoWeights,
    /// `Commitments::proof_parameters` are not the encoding of parameters within their bounds.
    /// Call [`seal`](crate::seal) before publication.
    ProofParameters,
    /// A commitment would have so many cells, which is more or fewer than possible: 2^5 to
    /// 2^26, and with the rate `2^-r` at most `2^(31 - r)`. Of what a proof commits to, outputs of operations take 2 to 17 cells for each element, and each
    /// table has its rows. Use smaller tensors, windows of fewer elements, or fewer different clamps.
    CommitmentSize {
        /// Number of cells.
        cells: u64,
    },
    /// The polynomial commitment refuses the parameters for a model of this size.
    OpeningParameters(String),
    /// The parameters reach fewer bits of soundness than
    /// [`MIN_SECURITY_BITS`](crate::MIN_SECURITY_BITS), or a number that cannot be computed
    /// (`None`). Use [`ProofParameters::RECOMMENDED`](crate::ProofParameters::RECOMMENDED).
    Security(Option<f64>),
    /// `Commitments::weights_root` is not the root of the weights. Call [`seal`](crate::seal) after
    /// the last change of weights.
    WeightsRoot {
        /// The root of the weights.
        expected: Digest,
        /// What the architecture states.
        found: Digest,
    },
    /// The weights do not have the shapes of the architecture.
    Weights,
    /// The graph breaks a rule of publication.
    Graph(CheckError),
}

impl core::fmt::Display for SetupError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unsupported { operation, name } => {
                write!(f, "operation {operation} ({name}) cannot be proven")
            },
            Self::NoWeights => write!(f, "no operation has weights"),
            Self::ProofParameters => write!(f, "the proof parameters are no legal ones"),
            Self::CommitmentSize { cells } => {
                write!(
                    f,
                    "a commitment would have {cells} cells, more than its rate allows (2^26 at most)"
                )
            },
            Self::OpeningParameters(error) => write!(f, "unfit opening parameters: {error}"),
            Self::Security(Some(bits)) => write!(f, "only {bits:.1} bits of soundness"),
            Self::Security(None) => write!(f, "the soundness cannot be computed"),
            Self::WeightsRoot { .. } => write!(f, "the architecture states another weights root"),
            Self::Weights => write!(f, "the weights do not fit the architecture"),
            Self::Graph(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for SetupError {}

/// Why bytes are no proof of a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// There are fewer bytes than the model's proofs have.
    TooShort,
    /// Bytes follow the proof.
    TrailingBytes,
    /// A number is not below the order of the field.
    NotAFieldElement,
    /// A Merkle proof has more nodes than its tree has on the paths of all queries.
    MerkleProofTooLong,
}

/// A proof is refused. Each variant names the check.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reject {
    /// The bytes are not the encoding of a proof of this model.
    Encoding(DecodeError),
    /// The input does not have the length of the model's input.
    InputLength {
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The output does not have the length of the model's output.
    OutputLength {
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The reduction of the lookups does not follow from the statement and the roots. This is the
    /// first message that depends on a challenge, so a proof of another statement ends here.
    Lookups(String),
    /// A sumcheck of an operation is malformed.
    Sumcheck {
        /// Index of the operation.
        operation: usize,
        /// What is wrong.
        reason: String,
    },
    /// The opening of the weights does not verify.
    ModelOpening(String),
    /// The proof is of other weights than the published ones.
    Weights,
    /// The opening of the witness does not verify.
    WitnessOpening(String),
    /// The lookups are not those of the committed columns.
    LookupTie,
    /// The scaled accumulators are not the quotients and remainders.
    Requantize {
        /// Index of the requantisation.
        operation: usize,
    },
    /// The scaled accumulators are not those of the layer.
    Scale {
        /// Index of the requantisation.
        operation: usize,
    },
    /// The accumulators are not the weights times what they are multiplied with.
    Matvec {
        /// Index of the dense layer or convolution.
        operation: usize,
    },
    /// What the windows of a convolution or pooling read is not what the input has there.
    Window {
        /// Index of the operation.
        operation: usize,
    },
    /// The maxima of windows are no elements of them.
    Maximum {
        /// Index of the operation.
        operation: usize,
    },
    /// What the graph computes is not the output.
    Output,
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooShort => "fewer bytes than a proof has",
            Self::TrailingBytes => "bytes follow the proof",
            Self::NotAFieldElement => "a number is no field element",
            Self::MerkleProofTooLong => "a Merkle proof is too long",
        })
    }
}

impl core::error::Error for DecodeError {}

impl core::fmt::Display for Reject {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Encoding(error) => write!(f, "not the encoding of a proof: {error}"),
            Self::InputLength { expected, found } => {
                write!(f, "an input of {found} bytes, not {expected}")
            },
            Self::OutputLength { expected, found } => {
                write!(f, "an output of {found} bytes, not {expected}")
            },
            Self::Lookups(reason) => write!(f, "lookups: {reason}"),
            Self::Sumcheck { operation, reason } => {
                write!(f, "sumcheck of operation {operation}: {reason}")
            },
            Self::ModelOpening(reason) => write!(f, "opening of the weights: {reason}"),
            Self::Weights => write!(f, "it is of other weights than the published ones"),
            Self::WitnessOpening(reason) => write!(f, "opening of the witness: {reason}"),
            Self::LookupTie => write!(f, "the lookups are not those of the committed columns"),
            Self::Requantize { operation } => write!(
                f,
                "operation {operation}: the scaled accumulators are not quotients and remainders"
            ),
            Self::Scale { operation } => {
                write!(f, "operation {operation}: the scaled accumulators are not the layer's")
            },
            Self::Matvec { operation } => {
                write!(f, "operation {operation}: the accumulators are not weights times inputs")
            },
            Self::Window { operation } => {
                write!(f, "operation {operation}: its windows read something else than its input")
            },
            Self::Maximum { operation } => {
                write!(f, "operation {operation}: a maximum is no element of its window")
            },
            Self::Output => write!(f, "the output is not what the graph computes"),
        }
    }
}

impl core::error::Error for Reject {}

impl From<DecodeError> for Reject {
    fn from(error: DecodeError) -> Self {
        Self::Encoding(error)
    }
}
