//! Why a model may not be published.

use crate::{
    bounds::*,
    format::{ElementType, Shape, TensorId},
};

/// A rule of publication that a model breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckError {
    /// There is no operation, hence no output.
    NoOperation,
    /// The encoded architecture has more than [`MAX_ARCHITECTURE_BYTES`] bytes. Multipliers and
    /// tables are most of it: use one multiplier per tensor, or fewer tables.
    ArchitectureTooLong(usize),
    /// A dimension of the input is zero, or the input has more than [`MAX_TENSOR_ELEMENTS`]
    /// elements.
    InputShape(Shape),
    /// A scale's mantissa is not positive.
    Scale,
    /// All tensors together have more than [`MAX_TOTAL_ELEMENTS`] elements.
    TotalElements(u64),
    /// An inference takes more than [`MAX_TOTAL_WORK`] steps.
    TotalWork(u64),
    /// There are more than [`MAX_PARAMETERS`] weights and biases.
    TotalParameters(u64),
    /// No operation reads the tensor, and it is not the output. Remove the operation that defines
    /// it.
    Unused(TensorId),
    /// The number of parameter sets is not that of the operations with parameters.
    ParameterSets {
        /// Number of operations with parameters.
        expected: usize,
        /// Number of parameter sets.
        found: usize,
    },
    /// The digest of the weights is not the one in the architecture. Call
    /// [`Graph::complete`](crate::Graph::complete) after a change of the weights.
    WeightsDigest,
    /// An operation breaks a rule.
    Operation {
        /// Index of the operation, which defines tensor `index + 1`.
        index: usize,
        /// Name of its kind.
        name: &'static str,
        /// The rule that it breaks.
        problem: Problem,
    },
}

/// A rule that an operation breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It reads a tensor that only itself or a later operation defines.
    Undefined(TensorId),
    /// It reads a tensor of the wrong element type. Requantise accumulators first.
    InputType {
        /// The tensor that it reads.
        tensor: TensorId,
        /// The required element type.
        expected: ElementType,
    },
    /// It reads accumulators that another operation also reads. Requantise them once, or compute
    /// them twice.
    AccumulatorShared(TensorId),
    /// It requires a vector (height and width 1). Reshape the tensor first.
    NotAVector {
        /// The tensor that it reads.
        tensor: TensorId,
        /// The shape of the tensor.
        shape: Shape,
    },
    /// The two inputs have different shapes.
    ShapesDiffer {
        /// Shape of the left input.
        left: Shape,
        /// Shape of the right input.
        right: Shape,
    },
    /// A reshape changes the number of elements.
    ReshapeElements {
        /// The shape before.
        from: Shape,
        /// The shape after.
        to: Shape,
    },
    /// The output has no elements, or more than [`MAX_TENSOR_ELEMENTS`].
    OutputShape(Shape),
    /// A kernel or a stride is zero.
    ZeroExtent,
    /// The padding on one side is not smaller than the kernel.
    PaddingTooLarge,
    /// The kernel is larger than the padded input.
    KernelTooLarge,
    /// The window of a maximum has more than [`MAX_POOL_WINDOW`] elements.
    PoolWindow(usize),
    /// An accumulator sums more than [`MAX_FAN_IN`] inputs.
    FanIn(u64),
    /// There are no output channels, or more than [`MAX_CHANNELS`].
    Channels(u32),
    /// The number of groups is zero or does not divide the numbers of input and output channels.
    Groups {
        /// Number of input channels.
        input_channels: u32,
        /// Number of output channels.
        output_channels: u32,
        /// Number of groups.
        groups: u32,
    },
    /// The number of multipliers is neither one nor the number of channels.
    MultiplierCount {
        /// Number of channels of the accumulators.
        channels: u32,
        /// Number of multipliers.
        found: usize,
    },
    /// The quotient window is outside [`MIN_QUOTIENT_BITS`]` ..= `[`MAX_QUOTIENT_BITS`], or wider
    /// than [`MAX_EQUATION_BITS`] together with the shift.
    QuotientBits(u8),
    /// The number of weights does not fit the shapes.
    WeightCount {
        /// Number required by the shapes.
        expected: usize,
        /// Number given.
        found: usize,
    },
    /// The number of biases is not that of the output channels.
    BiasCount {
        /// Number of output channels.
        expected: usize,
        /// Number of biases.
        found: usize,
    },
    /// Some input and legal weights may move an accumulator out of int32. Use smaller multipliers.
    AccumulatorOverflow {
        /// Lower bound of the accumulators.
        lo: i128,
        /// Upper bound of the accumulators.
        hi: i128,
    },
    /// An equation that a proof checks in a field of order [`PROOF_FIELD_ORDER`] would not imply
    /// the equation over the integers. Use smaller multipliers.
    EquationWraps,
    /// A bias exceeds [`MAX_BIAS`] in magnitude. Use a coarser scale for the accumulators.
    Bias {
        /// Index of the output channel.
        channel: usize,
        /// The bias.
        bias: i32,
    },
    /// Some input may lead to a quotient outside its window. Declare more bits, up to
    /// [`MAX_QUOTIENT_BITS`]; beyond that, use smaller multipliers, or clip the layer's input to a
    /// narrower interval.
    QuotientOutOfWindow {
        /// Index of the output channel.
        channel: usize,
        /// Number of bits required.
        needed: u8,
        /// Number of bits declared.
        declared: u8,
    },
}

impl Problem {
    /// The error of an operation.
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
            Self::InputShape(shape) => {
                write!(f, "the input has the shape {shape}, which is empty or too large")
            },
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
            Self::WeightsDigest => {
                write!(f, "the digest of the weights is not the one in the architecture")
            },
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
                write!(f, "another operation also reads the accumulators of tensor {}", tensor.0)
            },
            Self::NotAVector { tensor, shape } => {
                write!(f, "tensor {} has the shape {shape}, which is not a vector", tensor.0)
            },
            Self::ShapesDiffer { left, right } => write!(f, "shapes {left} and {right} differ"),
            Self::ReshapeElements { from, to } => {
                write!(f, "shapes {from} and {to} have different numbers of elements")
            },
            Self::OutputShape(shape) => {
                write!(f, "the output would have the shape {shape}, which is empty or too large")
            },
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
                write!(f, "there are {channels} output channels, not 1 to {MAX_CHANNELS}")
            },
            Self::Groups { input_channels, output_channels, groups } => write!(
                f,
                "{groups} groups do not divide {input_channels} input and {output_channels} \
                 output channels"
            ),
            Self::MultiplierCount { channels, found } => {
                write!(f, "there are {found} multipliers for {channels} channels")
            },
            Self::QuotientBits(bits) => write!(
                f,
                "a quotient window of {bits} bits is out of bounds or too wide for the shift"
            ),
            Self::WeightCount { expected, found } => {
                write!(f, "there are {found} weights, expected {expected}")
            },
            Self::BiasCount { expected, found } => {
                write!(f, "there are {found} biases, expected {expected}")
            },
            Self::AccumulatorOverflow { lo, hi } => {
                write!(f, "the accumulators may be {lo} to {hi}, which leaves int32")
            },
            Self::EquationWraps => {
                write!(f, "an equation of its proof could exceed the order of the proof's field")
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
