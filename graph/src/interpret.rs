//! The reference interpreter: computes one element at a time, from the definitions.
//!
//! Exact and free of panics. It is written for readability, not speed. The same function computes
//! whole tensors and tiles, and sees only the elements that it requests.

use crate::{
    check::CheckedGraph,
    format::{Operation, Parameters, Shape, Window},
    interval::Interval,
    kind::{Position, BIAS},
    plan::Plan,
    tensor::Tensor,
    window::segments,
};
use alloc::vec::Vec;
use core::ops::Range;

/// Why an operation or a tile cannot be computed. Does not occur for a checked graph with an input
/// of the right length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunError {
    /// The input's length is not that of the graph's input shape.
    InputLength {
        /// Number of elements of the shape.
        expected: usize,
        /// Number of elements given.
        found: usize,
    },
    /// The graph has no operation with this index.
    NoOperation(usize),
    /// The operation has no tile with this index.
    NoTile(usize),
    /// The operands are not those that the operation or its tile reads: their number, length or
    /// element type is wrong.
    Operands,
    /// A bias exceeds [`MAX_BIAS`](crate::bounds::MAX_BIAS), or an accumulator leaves int32. With
    /// legal biases the latter does not happen, because [`Plan`] bounds the accumulators.
    Overflow,
}

impl core::fmt::Display for RunError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InputLength { expected, found } => {
                write!(f, "the input has {found} elements, expected {expected}")
            },
            Self::NoOperation(index) => write!(f, "there is no operation {index}"),
            Self::NoTile(index) => write!(f, "there is no tile {index}"),
            Self::Operands => write!(f, "the operands are not those that the operation reads"),
            Self::Overflow => write!(f, "a bias is out of bounds, or an accumulator left int32"),
        }
    }
}

impl core::error::Error for RunError {}

/// All tensors of one inference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Tensors by [`TensorId`](crate::TensorId): the input, then the output of each operation.
    pub tensors: Vec<Tensor>,
}

impl Trace {
    /// The output of the graph; `None` if the trace is empty.
    pub fn output(&self) -> Option<&Tensor> {
        self.tensors.last()
    }
}

/// Runs a graph on `input` and returns its output.
///
/// # Errors
///
/// [`RunError::InputLength`] if the input has the wrong number of elements.
pub fn run(graph: &CheckedGraph, input: &[i8]) -> Result<Tensor, RunError> {
    let mut trace = trace(graph, input)?;
    trace.tensors.pop().ok_or(RunError::Operands)
}

/// Runs a graph on `input` and returns all its tensors.
///
/// # Errors
///
/// [`RunError::InputLength`] if the input has the wrong number of elements.
pub fn trace(graph: &CheckedGraph, input: &[i8]) -> Result<Trace, RunError> {
    trace_with(graph, input, run_operation)
}

/// Computes all tensors with `run_operation`.
pub(crate) fn trace_with(
    graph: &CheckedGraph,
    input: &[i8],
    run_operation: impl Fn(&Plan, usize, &[&Tensor], Option<&Parameters>) -> Result<Tensor, RunError>,
) -> Result<Trace, RunError> {
    let plan = graph.plan();
    let (expected, found) = (plan.shapes()[0].elements().unwrap_or(0), input.len());
    if expected != found {
        return Err(RunError::InputLength { expected, found });
    }
    let mut tensors = Vec::with_capacity(plan.shapes().len());
    tensors.push(Tensor::Int8(input.to_vec()));
    for (index, operation) in plan.operations().iter().enumerate() {
        let inputs: Vec<&Tensor> =
            operation.inputs().filter_map(|input| tensors.get(input.index())).collect();
        let output = run_operation(plan, index, &inputs, graph.parameters(index))?;
        tensors.push(output);
    }
    Ok(Trace { tensors })
}

/// Computes the output of one operation from its inputs, in the order of
/// [`Operation::inputs`](crate::Operation::inputs).
///
/// # Errors
///
/// [`RunError`] if there is no such operation, the inputs or parameters do not fit it, or a bias is
/// out of bounds.
pub fn run_operation(
    plan: &Plan,
    index: usize,
    inputs: &[&Tensor],
    parameters: Option<&Parameters>,
) -> Result<Tensor, RunError> {
    let (operation, output) = operation(plan, index)?;
    check_operands(plan, operation, inputs)?;
    let parameters = parameters.map(|p| (&*p.weights, &*p.bias)).unwrap_or_default();
    let expected = plan.parameters(index).map_or((0, 0), |p| (p.weights(), p.channels));
    if (parameters.0.len(), parameters.1.len()) != expected {
        return Err(RunError::Operands);
    }
    let source = Source {
        inputs: inputs.iter().map(|tensor| Input { tensor, ranges: None }).collect(),
        weights: OffsetSlice { elements: parameters.0, first: 0 },
        bias: OffsetSlice { elements: parameters.1, first: 0 },
    };
    elements(plan, operation, output, &source, 0..output.elements().unwrap_or(0))
}

/// An operation and the shape of its output.
pub(crate) fn operation(plan: &Plan, index: usize) -> Result<(&Operation, Shape), RunError> {
    let operation = plan.operations().get(index).ok_or(RunError::NoOperation(index))?;
    let shape = plan.shapes().get(index + 1).ok_or(RunError::NoOperation(index))?;
    Ok((operation, *shape))
}

/// Checks that `inputs` have the types and lengths that the operation reads.
pub(crate) fn check_operands(
    plan: &Plan,
    operation: &Operation,
    inputs: &[&Tensor],
) -> Result<(), RunError> {
    let fits = |(id, tensor): (crate::TensorId, &&Tensor)| {
        tensor.element_type() == operation.input_type()
            && plan.shape(id).and_then(Shape::elements) == Some(tensor.len())
    };
    if operation.inputs().count() != inputs.len() || !operation.inputs().zip(inputs).all(fits) {
        return Err(RunError::Operands);
    }
    Ok(())
}

/// The data from which elements are computed: tensors and parameters, whole or in part.
pub(crate) struct Source<'a> {
    pub inputs: Vec<Input<'a>>,
    pub weights: OffsetSlice<'a, i8>,
    pub bias: OffsetSlice<'a, i32>,
}

/// A whole tensor, or the concatenation of some ranges of its elements.
pub(crate) struct Input<'a> {
    pub tensor: &'a Tensor,
    /// The ranges, ascending and disjoint, each with the position of its first element in `tensor`;
    /// `None` if `tensor` is whole.
    pub ranges: Option<&'a [(Range<usize>, usize)]>,
}

/// Successive elements of a list, starting with element `first`.
pub(crate) struct OffsetSlice<'a, T> {
    pub elements: &'a [T],
    pub first: usize,
}

impl<T> OffsetSlice<'_, T> {
    /// Elements `start..start + length` of the list; `None` if some are missing.
    fn get(&self, start: usize, length: usize) -> Option<&[T]> {
        let start = start.checked_sub(self.first)?;
        self.elements.get(start..start.checked_add(length)?)
    }
}

impl Input<'_> {
    /// The position in `tensor` of `length` elements from `start`.
    fn position(&self, start: usize, length: usize) -> Option<Range<usize>> {
        let end = start.checked_add(length)?;
        let Some(ranges) = self.ranges else { return Some(start..end) };
        let after = ranges.partition_point(|(range, _)| range.start <= start);
        let (range, position) = ranges.get(after.checked_sub(1)?)?;
        let position = position + (start - range.start);
        (end <= range.end).then_some(position..position + length)
    }
}

impl Source<'_> {
    /// Int8 elements `start..start + length` of an input.
    pub fn int8(&self, slot: usize, start: usize, length: usize) -> Result<&[i8], RunError> {
        let input = self.inputs.get(slot).ok_or(RunError::Operands)?;
        input
            .position(start, length)
            .and_then(|range| input.tensor.as_int8()?.get(range))
            .ok_or(RunError::Operands)
    }

    /// An int32 element of the first input.
    pub fn int32(&self, index: usize) -> Result<i32, RunError> {
        let input = self.inputs.first().ok_or(RunError::Operands)?;
        input
            .position(index, 1)
            .and_then(|range| input.tensor.as_int32()?.get(range.start).copied())
            .ok_or(RunError::Operands)
    }

    /// Weights `start..start + length`.
    pub fn weights(&self, start: usize, length: usize) -> Result<&[i8], RunError> {
        self.weights.get(start, length).ok_or(RunError::Operands)
    }

    /// The bias of a channel.
    pub fn bias(&self, channel: usize) -> Result<i64, RunError> {
        let bias = self.bias.get(channel, 1).and_then(<[i32]>::first);
        let bias = i64::from(*bias.ok_or(RunError::Operands)?);
        match Interval::point(bias).is_within(BIAS) {
            true => Ok(bias),
            false => Err(RunError::Overflow),
        }
    }
}

/// Computes a range of elements of an operation's output.
pub(crate) fn elements(
    plan: &Plan,
    operation: &Operation,
    output: Shape,
    source: &Source<'_>,
    range: Range<usize>,
) -> Result<Tensor, RunError> {
    let mut tensor = Tensor::empty(operation.output_type(), range.len());
    let inputs = plan.input_shapes(operation);
    for index in range {
        let value = operation.kind().element(&Position::new(&inputs, output, index), source)?;
        match &mut tensor {
            Tensor::Int8(elements) => {
                elements.push(i8::try_from(value).map_err(|_| RunError::Overflow)?);
            },
            Tensor::Int32(elements) => {
                elements.push(i32::try_from(value).map_err(|_| RunError::Overflow)?);
            },
        }
    }
    Ok(tensor)
}

pub(crate) fn dot(a: &[i8], b: &[i8]) -> i64 {
    // Products are at most 2^14 in magnitude, and at most MAX_FAN_IN of them are summed.
    a.iter().zip(b).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum()
}

/// Folds the elements of a window in one channel.
pub(crate) fn fold(
    source: &Source<'_>,
    position: &Position,
    window: &Window,
    start: i64,
    combine: impl Fn(i64, &[i8]) -> i64,
) -> Result<i64, RunError> {
    let shape = position.inputs[0];
    segments(shape, window, position.row, position.column).try_fold(start, |value, segment| {
        let first = position.channel * shape.plane() + segment.input;
        Ok(combine(value, source.int8(0, first, segment.length)?))
    })
}
