//! Errors: why a model cannot be proven, and why a proof is refused.

use alloc::string::String;
use assay_graph::{CheckError, Digest};

/// Why a model has no verifier or prover.
#[derive(Clone, PartialEq, Debug)]
pub enum SetupError {
    /// The model has an operation that cannot be proven: windows on an image that was reshaped from
    /// a computed vector and whose sides are not powers of two, or a grouped convolution whose
    /// number of output channels per group is not a power of two.
    Unsupported {
        /// Index of the operation.
        operation: usize,
        /// Name of its kind.
        name: &'static str,
    },
    /// No operation has weights, so there is nothing to commit to.
    NoWeights,
    /// `Commitments::proof_parameters` is not the encoding of parameters within their bounds. Call
    /// [`seal`](crate::seal) before publication.
    ProofParameters,
    /// A commitment would have too few or too many cells. The bounds are 2^5 and 2^26, and at most
    /// `2^(31 - r)` at rate `2^-r`. The witness has 2 to 17 cells for each element of an
    /// operation's output, and the rows of each lookup table. Use smaller tensors, windows with
    /// fewer elements, or fewer distinct clamps.
    CommitmentSize {
        /// Number of cells.
        cells: u64,
    },
    /// The polynomial commitment refuses the parameters for a model of this size.
    OpeningParameters(String),
    /// The parameters reach fewer bits of soundness than
    /// [`MIN_SECURITY_BITS`](crate::MIN_SECURITY_BITS), or their soundness cannot be computed
    /// (`None`). Use [`ProofParameters::RECOMMENDED`](crate::ProofParameters::RECOMMENDED).
    Security(Option<f64>),
    /// `Commitments::weights_root` is not the root of the weights. Call [`seal`](crate::seal) after
    /// the last change of the weights.
    WeightsRoot {
        /// The root of the weights.
        expected: Digest,
        /// The root that the architecture states.
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
            Self::ProofParameters => {
                write!(f, "the proof parameters are missing or out of bounds; seal the graph")
            },
            Self::CommitmentSize { cells } => {
                write!(
                    f,
                    "a commitment would have {cells} cells, not 2^5 to 2^26 (fewer at low rates)"
                )
            },
            Self::OpeningParameters(error) => {
                write!(f, "the opening parameters do not fit this model: {error}")
            },
            Self::Security(Some(bits)) => write!(
                f,
                "the proof parameters reach only {bits:.1} bits of soundness, not {}",
                crate::MIN_SECURITY_BITS
            ),
            Self::Security(None) => write!(f, "the soundness cannot be computed"),
            Self::WeightsRoot { .. } => write!(
                f,
                "the architecture's weights root is not that of the weights; seal the graph"
            ),
            Self::Weights => write!(f, "the weights do not fit the architecture"),
            Self::Graph(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for SetupError {}

/// Why bytes do not encode a proof of a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// There are fewer bytes than a proof of this model has.
    TooShort,
    /// Bytes follow the proof.
    TrailingBytes,
    /// A number is not below the order of the field.
    NotAFieldElement,
    /// A Merkle proof has more nodes than the paths of its queries can need.
    MerkleProofTooLong,
}

/// Why a proof is refused. Each variant names the check that fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reject {
    /// The bytes are not the encoding of a proof of this model.
    Encoding(DecodeError),
    /// The input's length is not that of the model's input.
    InputLength {
        /// Expected length in bytes.
        expected: usize,
        /// Actual length in bytes.
        found: usize,
    },
    /// The output's length is not that of the model's output.
    OutputLength {
        /// Expected length in bytes.
        expected: usize,
        /// Actual length in bytes.
        found: usize,
    },
    /// The reduction of the lookups does not verify. This is the first check that depends on a
    /// challenge, so a proof of another statement fails here.
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
    /// The proof covers weights with another fingerprint than the published ones.
    Weights,
    /// The opening of the witness does not verify.
    WitnessOpening(String),
    /// The lookups' reduction does not end in the evaluations of the committed columns.
    LookupTie,
    /// The quotients and remainders do not match accumulators.
    Requantize {
        /// Index of the requantisation.
        operation: usize,
    },
    /// The sumcheck over the channels does not end in the layer's accumulators.
    Scale {
        /// Index of the requantisation.
        operation: usize,
    },
    /// The sumcheck over the weights does not end in the opened weights times their factor.
    Matvec {
        /// Index of the dense layer or convolution.
        operation: usize,
    },
    /// The sumcheck over the windows' reads does not end in the opened input.
    Window {
        /// Index of the operation.
        operation: usize,
    },
    /// A maximum is not an element of its window.
    Maximum {
        /// Index of the operation.
        operation: usize,
    },
    /// The output is not what the graph computes.
    Output,
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooShort => "fewer bytes than a proof of this model has",
            Self::TrailingBytes => "bytes follow the proof",
            Self::NotAFieldElement => "a number is not a field element",
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
                write!(f, "the input has {found} bytes, expected {expected}")
            },
            Self::OutputLength { expected, found } => {
                write!(f, "the output has {found} bytes, expected {expected}")
            },
            Self::Lookups(reason) => write!(f, "lookups: {reason}"),
            Self::Sumcheck { operation, reason } => {
                write!(f, "sumcheck of operation {operation}: {reason}")
            },
            Self::ModelOpening(reason) => write!(f, "opening of the weights: {reason}"),
            Self::Weights => write!(f, "it covers weights other than the published ones"),
            Self::WitnessOpening(reason) => write!(f, "opening of the witness: {reason}"),
            Self::LookupTie => write!(f, "the lookups do not match the committed columns"),
            Self::Requantize { operation } => write!(
                f,
                "operation {operation}: quotients and remainders do not match accumulators"
            ),
            Self::Scale { operation } => {
                write!(f, "operation {operation}: the scaled accumulators do not match the layer's")
            },
            Self::Matvec { operation } => {
                write!(
                    f,
                    "operation {operation}: the accumulators do not match weights times inputs"
                )
            },
            Self::Window { operation } => {
                write!(f, "operation {operation}: the windows' reads do not match the input")
            },
            Self::Maximum { operation } => {
                write!(f, "operation {operation}: a maximum is not an element of its window")
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
