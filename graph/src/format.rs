//! Models and their canonical encoding.
//!
//! A [`Graph`] consists of an [`Architecture`], which every verifier needs, and [`Weights`], which
//! only those who run the model need. The encoding is SCALE, and canonical: bytes that decode are
//! the encoding of the decoded value. A digest of the bytes therefore identifies the model.
//!
//! # Tensors
//!
//! Tensor 0 is the input, and operation `k` defines tensor `k + 1`. Operations are therefore in
//! topological order, and the last one defines the output. Every tensor is `channels × height ×
//! width` in row-major order. The batch size is 1 and not stated; a vector has height and width 1.
//! Elements are int8, or int32 for accumulators. The operations determine the shapes of all tensors
//! except the input ([`Plan`](crate::Plan)).
//!
//! # Design of the operations
//!
//! Operations that define accumulators are *linear* in their inputs: a dense layer, a convolution,
//! a weighted sum of two tensors, a sum over windows. [`Operation::Requantize`] is the only way
//! back to int8. A proof can then treat each linear operation by one sumcheck (or none, for
//! [`Operation::Add`]) without committing to its accumulators, and a single rounding rule with a
//! single lookup argument suffices for all of them. An accumulator is read by one requantisation or
//! is the output. An activation function that is not a clamp is an [`Operation::Lookup`] after the
//! requantisation.

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

/// Domain tag of [`Architecture::digest`].
pub const GRAPH_TAG: &[u8] = b"assay/graph/1";
/// Tag of the root of all weights; see [`crate::commit`].
pub const WEIGHTS_TAG: &[u8] = b"assay/graph-weights/1";

/// Version of the format: how bytes are decoded and what operations mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum FormatVersion {
    /// Version 1.
    #[codec(index = 1)]
    V1,
}

/// Index of a tensor: 0 is the input, `k + 1` is defined by operation `k`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct TensorId(pub u16);

impl TensorId {
    /// The input of the graph.
    pub const INPUT: Self = Self(0);

    /// The index into a list of all tensors.
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
    /// Number of channels of an image, or of elements of a vector.
    pub channels: u32,
    /// Number of rows of an image; 1 for a vector.
    pub height: u32,
    /// Number of columns of an image; 1 for a vector.
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
        // The product of two 32-bit factors fits into 64 bits, and so does the third factor once
        // the plane is bounded.
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

    /// Number of elements of one channel. Meaningful only if [`Self::elements`] is `Some`.
    pub const fn plane(self) -> usize {
        (self.height as usize).saturating_mul(self.width as usize)
    }
}

impl core::fmt::Display for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// The real number that the integer 1 stands for: `mantissa · 2^exponent`.
///
/// Only clients use it, to convert real inputs to int8 and outputs to real numbers. No statement
/// about a model depends on it. Every positive binary32 number of at least 2^-104 can be
/// represented.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Scale {
    /// A positive integer.
    pub mantissa: i32,
    /// The power of two.
    pub exponent: i8,
}

impl Scale {
    /// The scale 1: integers stand for themselves.
    pub const ONE: Self = Self { mantissa: 1, exponent: 0 };
}

/// Height and width of a window, or of its stride.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Extent {
    /// Number of rows.
    pub height: u16,
    /// Number of columns.
    pub width: u16,
}

impl Extent {
    /// The same number of rows and columns.
    pub const fn square(size: u16) -> Self {
        Self { height: size, width: size }
    }

    /// Number of elements of a window of this extent.
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
    /// The same padding on all four sides.
    pub const fn all(size: u16) -> Self {
        Self { top: size, left: size, bottom: size, right: size }
    }

    /// Whether there is no padding.
    pub const fn is_none(self) -> bool {
        self.top == 0 && self.left == 0 && self.bottom == 0 && self.right == 0
    }
}

/// How a window moves over each channel.
///
/// The output has `(size + padding - kernel) / stride + 1` rows and columns, rounded down, where
/// `padding` is the sum over both sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Window {
    /// Size of the window.
    pub kernel: Extent,
    /// Distance between successive positions.
    pub stride: Extent,
    /// Padding. Smaller than the kernel on each side, so that every window contains an element.
    pub padding: Padding,
}

/// Defines [`Operation`] and the dispatch to all kinds. Each kind has an index in the encoding.
macro_rules! operations {
    ($($(#[$doc:meta])* $index:literal $kind:ident,)*) => {
        /// One operation of a model. The documentation of each kind defines the elements of its
        /// output.
        // The table of `Lookup` makes the largest variant; 256 operations of that size are still
        // small.
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
            /// The implementation of the operation's kind.
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
    /// Convolution: weights times the elements of windows.
    1 Conv2d,
    /// The weighted sum of two tensors.
    2 Add,
    /// The sum of each window.
    3 SumPool2d,
    /// The maximum of each window.
    4 MaxPool2d,
    /// Accumulators to int8.
    5 Requantize,
    /// A table lookup of int8 values.
    6 Lookup,
    /// The same elements in another shape.
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

    /// The name of the operation's kind, for messages.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// The constraints that a proof checks for one element of the output.
    pub fn constraints(&self, element: &Element) -> alloc::vec::Vec<Constraint> {
        self.kind().constraints(element)
    }
}

/// Commitments of an architecture to its weights, its source and the proof system.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Commitments {
    /// Digest of the file from which the model was converted, for instance in ONNX.
    pub source: Digest,
    /// [`Weights::digest`]: a Merkle root under which single weights can be opened.
    pub weights: Digest,
    /// Root of the polynomial commitment to the weights that proofs open. The proof system defines
    /// it.
    pub weights_root: Digest,
    /// Parameters of the proof system, which defines their encoding.
    pub proof_parameters: List<u8, MAX_PROOF_PARAMETER_BYTES>,
}

/// A model without its weights.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Architecture {
    /// Version of the format.
    pub format_version: FormatVersion,
    /// Shape of the input, an int8 tensor.
    pub input_shape: Shape,
    /// Scale of the input.
    pub input_scale: Scale,
    /// Scale of the output, common to all channels. If the output consists of accumulators, the
    /// model must bring their channels to one scale.
    pub output_scale: Scale,
    /// The operations; the last one defines the output.
    pub operations: List<Operation, MAX_OPERATIONS>,
    /// Commitments to weights, source and proof system.
    pub commitments: Commitments,
}

/// Weights and biases of one [`Operation::Dense`] or [`Operation::Conv2d`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Parameters {
    /// `rows × columns` of a dense layer; `output channels × input channels per group × kernel
    /// height × kernel width` of a convolution. Row-major.
    pub weights: List<i8, MAX_PARAMETERS>,
    /// One bias for each row or output channel.
    pub bias: List<i32, MAX_CHANNELS>,
}

/// Weights and biases of all operations that have them, in the order of the operations.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Weights {
    /// One parameter set for each operation with weights.
    pub parameters: List<Parameters, MAX_OPERATIONS>,
}

/// A model: architecture and weights.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Graph {
    /// The architecture.
    pub architecture: Architecture,
    /// The weights.
    pub weights: Weights,
}

/// Why bytes cannot be decoded as a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// There are more bytes than the largest model has.
    TooLong,
    /// The bytes are not a canonical encoding within the bounds, or bytes follow it. The codec's
    /// message names the element.
    Malformed(codec::Error),
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong => write!(f, "more bytes than the largest model has"),
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
    /// Decodes an architecture. Does not check its rules; see [`Plan`](crate::Plan).
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not the canonical encoding within the bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MAX_ARCHITECTURE_BYTES)
    }

    /// The digest of the model: BLAKE2b-256 of [`GRAPH_TAG`] and the encoding. It covers the
    /// weights through [`Commitments::weights`].
    pub fn digest(&self) -> Digest {
        blake2_256(&[GRAPH_TAG, &self.encode()].concat())
    }
}

impl Weights {
    /// Decodes weights.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not the canonical encoding within the bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MAX_WEIGHTS_BYTES)
    }
}

impl Graph {
    /// Decodes a model. Does not check its rules; see [`CheckedGraph`](crate::CheckedGraph).
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not the canonical encoding within the bounds.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes, MAX_ARCHITECTURE_BYTES + MAX_WEIGHTS_BYTES)
    }

    /// The digest of the model; see [`Architecture::digest`].
    pub fn digest(&self) -> Digest {
        self.architecture.digest()
    }
}
