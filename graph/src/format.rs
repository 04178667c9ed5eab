//! What a model is, and its one encoding.
//!
//! A [`Graph`] is an [`Architecture`], which everybody has who checks anything, and its
//! [`Weights`], which only who runs the model needs. The encoding is SCALE. Bytes that decode
//! are the encoding of what they decode to, so a digest of bytes is a digest of a model.
//!
//! # Tensors
//!
//! Tensor 0 is the input, and operation `k` defines tensor `k + 1`: operations are in topological
//! order by construction, and the last one defines the output. Every tensor is `channels ×
//! height × width` in row-major order; the batch is one and not stated, and a vector has height
//! and width 1. Elements are int8, or int32 where an operation defines accumulators. The shapes
//! of all tensors but the input follow from the operations ([`Plan`](crate::Plan)).
//!
//! # What is one operation and what are two
//!
//! Operations that define accumulators are *linear* in their inputs: a dense layer, a
//! convolution, a weighted sum of two tensors, a sum over windows. [`Operation::Requantize`] is
//! the only way back to int8. A proof thereby treats each linear operation by one sumcheck (or by
//! none, for [`Operation::Add`]) without committing to its accumulators, and there is one rule of
//! rounding and one lookup argument for it, whatever came before. An accumulator is read by one
//! requantisation, or is the output. An activation function that is not a clamp is an
//! [`Operation::Lookup`] after the requantisation. The interpreter needs a loop per operation
//! and no variants of them.

use crate::{
    bounds::*,
    kind::{
        Add, Constraint, Conv2d, Dense, Element, Kind, Lookup, MaxPool2d, Requantize, Reshape,
        SumPool2d,
    },
    list::List,
};
use codec::{Decode, DecodeAll, Encode};
use sp_crypto_hashing::blake2_256;

/// A BLAKE2b-256 digest, or the root of a commitment.
pub type Digest = [u8; 32];

/// Begins what [`Architecture::digest`] hashes.
pub const GRAPH_TAG: &[u8] = b"assay/graph/1";
/// Tag of the root of all weights; see [`crate::commit`].
pub const WEIGHTS_TAG: &[u8] = b"assay/graph-weights/1";

/// Version of the format, which says how bytes are read and what operations mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum FormatVersion {
    /// The only one.
    #[codec(index = 1)]
    V1,
}

/// A tensor: 0 is the input, `k + 1` is defined by operation `k`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct TensorId(pub u16);

impl TensorId {
    /// The input of the graph.
    pub const INPUT: Self = Self(0);

    /// The tensor as an index into a list of all tensors.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ElementType {
    /// Activations.
    #[codec(index = 0)]
    Int8,
    /// Accumulators.
    #[codec(index = 1)]
    Int32,
}

impl ElementType {
    /// The name for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int32 => "int32",
        }
    }
}

/// Shape of a tensor: channels, then rows, then columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Shape {
    /// Channels of an image, or elements of a vector.
    pub channels: u32,
    /// Rows of an image; 1 for a vector.
    pub height: u32,
    /// Columns of an image; 1 for a vector.
    pub width: u32,
}

impl Shape {
    /// The shape of an image.
    pub const fn new(channels: u32, height: u32, width: u32) -> Self {
        Self { channels, height, width }
    }

    /// The shape of a vector.
    pub const fn vector(elements: u32) -> Self {
        Self::new(elements, 1, 1)
    }

    /// Number of elements; `None` if it is zero or above [`MAX_TENSOR_ELEMENTS`].
    pub const fn elements(self) -> Option<usize> {
        // Two factors of 32 bits fit into 64 bits, and so does a third where they are small.
        let plane = self.height as u64 * self.width as u64;
        if plane > MAX_TENSOR_ELEMENTS as u64 {
            return None;
        }
        let elements = self.channels as u64 * plane;
        if elements == 0 || elements > MAX_TENSOR_ELEMENTS as u64 {
            return None;
        }
        Some(elements as usize)
    }

    /// Elements of one channel. Meaningful where [`Self::elements`] is `Some`.
    pub const fn plane(self) -> usize {
        (self.height as usize).saturating_mul(self.width as usize)
    }
}

impl core::fmt::Display for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// What a real number is that stands for the integer 1: `mantissa · 2^exponent`.
///
/// For clients alone, who turn real inputs into int8 ones and outputs into real ones. No claim
/// about a model depends on it. Every binary32 number from 2^-104 up can be written like this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Scale {
    /// Positive.
    pub mantissa: i32,
    /// Power of two.
    pub exponent: i8,
}

impl Scale {
    /// The integers themselves.
    pub const ONE: Self = Self { mantissa: 1, exponent: 0 };
}

/// Height and width of a window or of its steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Extent {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

impl Extent {
    /// As many rows as columns.
    pub const fn square(size: u16) -> Self {
        Self { height: size, width: size }
    }

    /// Elements of a window of this extent.
    pub const fn area(self) -> usize {
        self.height as usize * self.width as usize
    }
}

/// Rows and columns added around each channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Padding {
    /// Rows before the first.
    pub top: u16,
    /// Columns before the first.
    pub left: u16,
    /// Rows after the last.
    pub bottom: u16,
    /// Columns after the last.
    pub right: u16,
}

impl Padding {
    /// The same on all four sides.
    pub const fn all(size: u16) -> Self {
        Self { top: size, left: size, bottom: size, right: size }
    }

    /// Whether there is any.
    pub const fn is_none(self) -> bool {
        self.top == 0 && self.left == 0 && self.bottom == 0 && self.right == 0
    }
}

/// How a window moves over each channel.
///
/// The output has `(size + padding - kernel) / stride + 1` rows and columns, rounded down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Window {
    /// Size of the window.
    pub kernel: Extent,
    /// Distance of two successive positions.
    pub stride: Extent,
    /// Padding; smaller than the kernel on each side, so that no window is padding alone.
    pub padding: Padding,
}

/// Defines [`Operation`] and what goes through all kinds. Each kind has an index in the encoding.
macro_rules! operations {
    ($($(#[$doc:meta])* $index:literal $kind:ident,)*) => {
        /// One step of a model. Each kind's documentation says what element `i` of the output is.
        // A table makes the largest variant; 256 operations of that size are still small.
        #[expect(clippy::large_enum_variant)]
        #[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
        pub enum Operation {
            $(
                $(#[$doc])*
                #[codec(index = $index)]
                $kind($kind),
            )*
        }

        impl Operation {
            /// Everything that the kind says.
            pub(crate) fn kind(&self) -> &dyn Kind {
                match self {
                    $(Self::$kind(kind) => kind,)*
                }
            }

            /// The edge cases of every kind.
            #[cfg(feature = "random")]
            pub(crate) fn edge_cases() -> alloc::vec::Vec<crate::random::EdgeCase> {
                [$($kind::edge_cases(),)*].concat()
            }
        }
    };
}

operations! {
    /// A matrix of weights times a vector.
    0 Dense,
    /// Weights times windows.
    1 Conv2d,
    /// The weighted sum of two tensors.
    2 Add,
    /// Sums of windows.
    3 SumPool2d,
    /// Maxima of windows.
    4 MaxPool2d,
    /// From accumulators back to int8.
    5 Requantize,
    /// A table of int8 values.
    6 Lookup,
    /// Another shape.
    7 Reshape,
}

impl Operation {
    /// The tensors that the operation reads, one or two.
    pub fn inputs(&self) -> impl Iterator<Item = TensorId> {
        let (first, second) = self.kind().inputs();
        core::iter::once(first).chain(second)
    }

    /// Whether the operation has weights and biases.
    pub fn has_parameters(&self) -> bool {
        self.kind().has_parameters()
    }

    /// The type of the elements that the operation reads.
    pub fn input_type(&self) -> ElementType {
        self.kind().input_type()
    }

    /// The type of the elements that the operation defines.
    pub fn output_type(&self) -> ElementType {
        self.kind().output_type()
    }

    /// The name of the operation, for messages.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// What a proof checks of one element of the output.
    pub fn constraints(&self, element: &Element) -> alloc::vec::Vec<Constraint> {
        self.kind().constraints(element)
    }
}

/// What ties an architecture to everything outside it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Commitments {
    /// Digest of the file that the model was made from, for instance in ONNX.
    pub source: Digest,
    /// [`Weights::digest`]: a root, under which single weights can be shown.
    pub weights: Digest,
    /// Root of the commitment to the weights that proofs open; the proof system defines it.
    pub weights_root: Digest,
    /// Parameters of the proof system, which defines their encoding.
    pub proof_parameters: List<u8, MAX_PROOF_PARAMETER_BYTES>,
}

/// Everything about a model but its weights.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Architecture {
    /// Version of the format.
    pub format_version: FormatVersion,
    /// Shape of the input, an int8 tensor.
    pub input_shape: Shape,
    /// What the input's integers stand for.
    pub input_scale: Scale,
    /// What the output's integers stand for. Accumulators of different channels can have
    /// different scales only where the model compensates for them: this one is for all.
    pub output_scale: Scale,
    /// The operations; the last one defines the output.
    pub operations: List<Operation, MAX_OPERATIONS>,
    /// Weights, source and proof system.
    pub commitments: Commitments,
}

/// Weights and biases of one [`Operation::Dense`] or [`Operation::Conv2d`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Parameters {
    /// `rows × columns` of a dense layer; `output channels × input channels per group × kernel
    /// height × kernel width` of a convolution. Row-major.
    pub weights: List<i8, MAX_PARAMETERS>,
    /// One for each row or output channel.
    pub bias: List<i32, MAX_CHANNELS>,
}

/// Weights and biases of all operations that have any, in the order of the operations.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Weights {
    /// One for each operation with weights.
    pub parameters: List<Parameters, MAX_OPERATIONS>,
}

/// A whole model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Graph {
    /// Everything but the weights.
    pub architecture: Architecture,
    /// The weights.
    pub weights: Weights,
}

/// Why bytes are no model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// There are more bytes than a model can have.
    TooLong,
    /// The bytes are no canonical encoding within the bounds, or bytes follow it. The codec's
    /// message says where.
    Malformed(codec::Error),
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong => write!(f, "more bytes than a model can have"),
            Self::Malformed(error) => write!(f, "not the encoding of a model: {error}"),
        }
    }
}

impl core::error::Error for DecodeError {}

fn decode<T: Decode>(mut bytes: &[u8], max: usize) -> Result<T, DecodeError> {
    if bytes.len() > max {
        return Err(DecodeError::TooLong);
    }
    T::decode_all(&mut bytes).map_err(DecodeError::Malformed)
}

impl Architecture {
    /// Reads the one encoding of an architecture. Checks nothing else: see [`crate::Plan`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MAX_ARCHITECTURE_BYTES)
    }

    /// The digest of the model: BLAKE2b-256 of [`GRAPH_TAG`] and the encoding. It covers the
    /// weights by [`Commitments::weights`].
    pub fn digest(&self) -> Digest {
        blake2_256(&[GRAPH_TAG, &self.encode()].concat())
    }
}

impl Weights {
    /// Reads the one encoding of weights.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MAX_WEIGHTS_BYTES)
    }
}

impl Graph {
    /// Reads the one encoding of a model. Checks nothing else: see [`crate::CheckedGraph`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MAX_ARCHITECTURE_BYTES + MAX_WEIGHTS_BYTES)
    }

    /// [`Architecture::digest`].
    pub fn digest(&self) -> Digest {
        self.architecture.digest()
    }
}
