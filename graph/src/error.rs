//! Why a model may not be published.

use crate::{
    bounds::*,
    format::{ElementType, Shape, TensorId},
};

/// A model breaks a rule of publication.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckError {
    /// There is no operation, so there is no output.
    NoOperation,
    /// The encoded architecture has more bytes than [`MAX_ARCHITECTURE_BYTES`]. Multipliers and
    /// tables are most of it: use one multiplier per tensor, or fewer tables.
    ArchitectureTooLong(usize),
    /// A dimension of the input is zero, or it has more elements than [`MAX_TENSOR_ELEMENTS`].
    InputShape(Shape),
    /// A scale's mantissa is not positive.
    Scale,
    /// The tensors together have more elements than [`MAX_TOTAL_ELEMENTS`].
    TotalElements(u64),
    /// An inference takes more steps than [`MAX_TOTAL_WORK`].
    TotalWork(u64),
    /// There are more weights and biases than [`MAX_PARAMETERS`].
    TotalParameters(u64),
    /// No operation reads the tensor, and it is not the output. Remove what defines it.
    Unused(TensorId),
    /// There are more or fewer parameter sets than operations with parameters.
    ParameterSets {
        /// Operations with parameters.
        expected: usize,
        /// Parameter sets.
        found: usize,
    },
    /// The weights are not those whose digest the architecture states. Call
    /// [`Graph::complete`](crate::Graph::complete) after a change of the weights.
    WeightsDigest,
    /// One operation breaks a rule.
    Operation {
        /// Its index; it defines tensor `index + 1`.
        index: usize,
        /// Its kind.
        name: &'static str,
        /// What is wrong.
        problem: Problem,
    },
}

/// What is wrong with an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It reads a tensor that it or a later operation defines.
    Undefined(TensorId),
    /// It reads a tensor of the wrong element type. Accumulators have to be requantised first.
    InputType {
        /// What it reads.
        tensor: TensorId,
        /// The element type that it needs.
        expected: ElementType,
    },
    /// It reads accumulators that another operation reads too. Requantise them once, or compute
    /// them twice.
    AccumulatorShared(TensorId),
    /// It needs a vector: height and width 1. Reshape the tensor first.
    NotAVector {
        /// What it reads.
        tensor: TensorId,
        /// The shape that it has.
        shape: Shape,
    },
    /// The two inputs have different shapes.
    ShapesDiffer {
        /// The left one's.
        left: Shape,
        /// The right one's.
        right: Shape,
    },
    /// A reshape changes the number of elements.
    ReshapeElements {
        /// The shape before.
        from: Shape,
        /// The shape after.
        to: Shape,
    },
    /// The output has no element, or more than [`MAX_TENSOR_ELEMENTS`].
    OutputShape(Shape),
    /// A kernel or a stride is zero.
    ZeroExtent,
    /// The padding on a side is not smaller than the kernel.
    PaddingTooLarge,
    /// The kernel is larger than the padded input.
    KernelTooLarge,
    /// The window of a maximum has more elements than [`MAX_POOL_WINDOW`].
    PoolWindow(usize),
    /// An accumulator sums more than [`MAX_FAN_IN`] inputs.
    FanIn(u64),
    /// There is no output channel, or there are more than [`MAX_CHANNELS`].
    Channels(u32),
    /// The number of groups is zero, or does not divide the channels of input and output.
    Groups {
        /// Channels of the input.
        input_channels: u32,
        /// Channels of the output.
        output_channels: u32,
        /// The groups.
        groups: u32,
    },
    /// There is neither one multiplier nor one for each channel.
    MultiplierCount {
        /// Channels of the accumulators.
        channels: u32,
        /// Multipliers.
        found: usize,
    },
    /// The quotient window is outside [`MIN_QUOTIENT_BITS`]` ..= `[`MAX_QUOTIENT_BITS`], or wider
    /// than [`MAX_EQUATION_BITS`] together with the shift.
    QuotientBits(u8),
    /// There are more or fewer weights than the shapes ask for.
    WeightCount {
        /// As many as the shapes ask for.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
    /// There are more or fewer biases than output channels.
    BiasCount {
        /// Output channels.
        expected: usize,
        /// Biases.
        found: usize,
    },
    /// Some input and weights may bring an accumulator out of int32. Make the multipliers smaller.
    AccumulatorOverflow {
        /// Least value that the analysis allows for.
        lo: i128,
        /// Greatest.
        hi: i128,
    },
    /// An equation that a proof checks in a field of order
    /// [`PROOF_FIELD_ORDER`](crate::bounds::PROOF_FIELD_ORDER) would not be one of integers. Make the
    /// multipliers smaller.
    EquationWraps,
    /// A bias exceeds [`MAX_BIAS`] in magnitude. Choose a coarser scale for the accumulators.
    Bias {
        /// Output channel.
        channel: usize,
        /// The bias.
        bias: i32,
    },
    /// Some input may lead to a quotient outside the window. Declare more bits, up to
    /// [`MAX_QUOTIENT_BITS`]; beyond it, use smaller multipliers, or clip the input of the layer
    /// more.
    QuotientOutOfWindow {
        /// Output channel.
        channel: usize,
        /// Bits that would be needed.
        needed: u8,
        /// Bits that are declared.
        declared: u8,
    },
}

impl Problem {
    pub(crate) fn at(self, index: usize, name: &'static str) -> CheckError {
        CheckError::Operation { index, name, problem: self }
    }
}

impl core::fmt::Display for CheckError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoOperation => write!(f, "there is no operation"),
            Self::ArchitectureTooLong(bytes) => {
                write!(f, "the architecture has {bytes} bytes, more than {MAX_ARCHITECTURE_BYTES}")
            },
            Self::InputShape(shape) => write!(f, "the input has the shape {shape}"),
            Self::Scale => write!(f, "the mantissa of a scale is not positive"),
            Self::TotalElements(elements) => {
                write!(f, "the tensors have {elements} elements, more than {MAX_TOTAL_ELEMENTS}")
            },
            Self::TotalWork(work) => {
                write!(f, "an inference takes {work} steps, more than {MAX_TOTAL_WORK}")
            },
            Self::TotalParameters(found) => {
                write!(f, "there are {found} weights and biases, more than {MAX_PARAMETERS}")
            },
            Self::Unused(tensor) => write!(f, "nothing reads tensor {}", tensor.0),
            Self::ParameterSets { expected, found } => {
                write!(f, "{found} parameter sets for {expected} operations with parameters")
            },
            Self::WeightsDigest => write!(f, "the weights have another digest than stated"),
            Self::Operation { index, name, problem } => {
                write!(f, "operation {index} ({name}): {problem}")
            },
        }
    }
}

impl core::fmt::Display for Problem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Undefined(tensor) => write!(f, "tensor {} is not defined yet", tensor.0),
            Self::InputType { tensor, expected } => {
                write!(f, "tensor {} is not {}", tensor.0, expected.name())
            },
            Self::AccumulatorShared(tensor) => {
                write!(f, "another operation reads the accumulators of tensor {} too", tensor.0)
            },
            Self::NotAVector { tensor, shape } => {
                write!(f, "tensor {} has the shape {shape}, which is no vector", tensor.0)
            },
            Self::ShapesDiffer { left, right } => write!(f, "shapes {left} and {right} differ"),
            Self::ReshapeElements { from, to } => {
                write!(f, "shapes {from} and {to} have different numbers of elements")
            },
            Self::OutputShape(shape) => write!(f, "the output would have the shape {shape}"),
            Self::ZeroExtent => write!(f, "a kernel or a stride is zero"),
            Self::PaddingTooLarge => write!(f, "the padding is not smaller than the kernel"),
            Self::KernelTooLarge => write!(f, "the kernel is larger than the padded input"),
            Self::PoolWindow(area) => {
                write!(f, "the window has {area} elements, more than {MAX_POOL_WINDOW}")
            },
            Self::FanIn(fan_in) => {
                write!(f, "an accumulator sums {fan_in} inputs, more than {MAX_FAN_IN}")
            },
            Self::Channels(channels) => {
                write!(f, "{channels} output channels, not 1 to {MAX_CHANNELS}")
            },
            Self::Groups { input_channels, output_channels, groups } => write!(
                f,
                "{groups} groups do not divide {input_channels} input and {output_channels} \
                 output channels"
            ),
            Self::MultiplierCount { channels, found } => {
                write!(f, "{found} multipliers for {channels} channels")
            },
            Self::QuotientBits(bits) => write!(f, "a quotient window of {bits} bits"),
            Self::WeightCount { expected, found } => {
                write!(f, "{found} weights, not {expected}")
            },
            Self::BiasCount { expected, found } => write!(f, "{found} biases, not {expected}"),
            Self::AccumulatorOverflow { lo, hi } => {
                write!(f, "the accumulators may be {lo} to {hi}, which leaves int32")
            },
            Self::EquationWraps => {
                write!(f, "an equation of its proof would leave the bounds of the proof's field")
            },
            Self::Bias { channel, bias } => write!(
                f,
                "the bias of channel {channel} is {bias}, more than {MAX_BIAS} in magnitude"
            ),
            Self::QuotientOutOfWindow { channel, needed, declared } => write!(
                f,
                "the quotients of channel {channel} may need {needed} bits; {declared} are \
                 declared and {MAX_QUOTIENT_BITS} possible"
            ),
        }
    }
}

impl core::error::Error for CheckError {}
