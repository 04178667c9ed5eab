//! The reference interpreter: one element at a time, from its definition.
//!
//! Exact and without panics. It is written to be read, not to be fast. Whole tensors and
//! tiles are computed by the same function, which sees only what it asks for.

use crate::{
    check::CheckedGraph,
    format::{Operation, Parameters, Shape, Window},
    interval::Interval,
    kind::{Place, BIAS},
    plan::Plan,
    tensor::Tensor,
    window::segments,
};
use alloc::vec::Vec;
use core::ops::Range;

/// Why something could not be computed. A checked graph with an input of its shape has no such
/// reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunError {
    /// The input has more or fewer elements than the graph's input shape.
    InputLength {
        /// As many as the shape asks for.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
    /// The graph has no operation of this index.
    NoOperation(usize),
    /// The operation has no tile of this index.
    NoTile(usize),
    /// The operands are not those that the operation or its tile reads: too many, too few, or of
    /// the wrong element type.
    Operands,
    /// A bias exceeds [`MAX_BIAS`](crate::bounds::MAX_BIAS). With legal biases no accumulator
    /// leaves int32: [`Plan`] has checked it.
    Overflow,
}

impl core::fmt::Display for RunError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InputLength { expected, found } => {
                write!(f, "the input has {found} elements, not {expected}")
            },
            Self::NoOperation(index) => write!(f, "there is no operation {index}"),
            Self::NoTile(index) => write!(f, "there is no tile {index}"),
            Self::Operands => write!(f, "not the operands that the operation reads"),
            Self::Overflow => write!(f, "a bias is out of bounds, or an accumulator left int32"),
        }
    }
}

impl core::error::Error for RunError {}

/// All tensors of one inference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// By [`TensorId`](crate::TensorId): the input, then what each operation defines.
    pub tensors: Vec<Tensor>,
}

impl Trace {
    /// The output of the graph.
    pub fn output(&self) -> Option<&Tensor> {
        self.tensors.last()
    }
}

/// The output of a graph for an input.
pub fn run(graph: &CheckedGraph, input: &[i8]) -> Result<Tensor, RunError> {
    let mut trace = trace(graph, input)?;
    trace.tensors.pop().ok_or(RunError::Operands)
}

/// All tensors of a graph for an input.
pub fn trace(graph: &CheckedGraph, input: &[i8]) -> Result<Trace, RunError> {
    trace_with(graph, input, run_operation)
}

/// Runs all operations by `run_operation`.
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

/// The output of one operation, for its inputs in the order of
/// [`Operation::inputs`](crate::Operation::inputs).
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

/// Whether `inputs` have the types and lengths that the operation reads.
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

/// What an element is computed from: tensors and parameters, whole or in parts.
pub(crate) struct Source<'a> {
    pub inputs: Vec<Input<'a>>,
    pub weights: OffsetSlice<'a, i8>,
    pub bias: OffsetSlice<'a, i32>,
}

/// A tensor: all elements, or those of some ranges, one after the other.
pub(crate) struct Input<'a> {
    pub tensor: &'a Tensor,
    /// Ascending and disjoint, each with the place of its first element; `None` for the whole.
    pub ranges: Option<&'a [(Range<usize>, usize)]>,
}

/// Successive elements of a list, from `first` on.
pub(crate) struct OffsetSlice<'a, T> {
    pub elements: &'a [T],
    pub first: usize,
}

impl<T> OffsetSlice<'_, T> {
    fn get(&self, start: usize, length: usize) -> Option<&[T]> {
        let start = start.checked_sub(self.first)?;
        self.elements.get(start..start.checked_add(length)?)
    }
}

impl Input<'_> {
    /// Where `length` elements from `start` on are held.
    fn place(&self, start: usize, length: usize) -> Option<Range<usize>> {
        let end = start.checked_add(length)?;
        let Some(ranges) = self.ranges else { return Some(start..end) };
        let after = ranges.partition_point(|(range, _)| range.start <= start);
        let (range, place) = ranges.get(after.checked_sub(1)?)?;
        let place = place + (start - range.start);
        (end <= range.end).then_some(place..place + length)
    }
}

impl Source<'_> {
    pub fn int8(&self, slot: usize, start: usize, length: usize) -> Result<&[i8], RunError> {
        let input = self.inputs.get(slot).ok_or(RunError::Operands)?;
        input
            .place(start, length)
            .and_then(|place| input.tensor.as_int8()?.get(place))
            .ok_or(RunError::Operands)
    }

    pub fn int32(&self, index: usize) -> Result<i32, RunError> {
        let input = self.inputs.first().ok_or(RunError::Operands)?;
        input
            .place(index, 1)
            .and_then(|place| input.tensor.as_int32()?.get(place.start).copied())
            .ok_or(RunError::Operands)
    }

    pub fn weights(&self, start: usize, length: usize) -> Result<&[i8], RunError> {
        self.weights.get(start, length).ok_or(RunError::Operands)
    }

    pub fn bias(&self, channel: usize) -> Result<i64, RunError> {
        let bias = self.bias.get(channel, 1).and_then(<[i32]>::first);
        let bias = i64::from(*bias.ok_or(RunError::Operands)?);
        match Interval::point(bias).is_within(BIAS) {
            true => Ok(bias),
            false => Err(RunError::Overflow),
        }
    }
}

/// A range of elements of an operation's output.
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
        let value = operation.kind().element(&Place::new(&inputs, output, index), source)?;
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
    // Products are below 2^15 and at most MAX_FAN_IN of them are summed.
    a.iter().zip(b).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum()
}

/// Folds the elements of one channel in a window.
pub(crate) fn fold(
    source: &Source<'_>,
    place: &Place,
    window: &Window,
    start: i64,
    combine: impl Fn(i64, &[i8]) -> i64,
) -> Result<i64, RunError> {
    let shape = place.inputs[0];
    segments(shape, window, place.row, place.column).try_fold(start, |value, segment| {
        let first = place.channel * shape.plane() + segment.input;
        Ok(combine(value, source.int8(0, first, segment.length)?))
    })
}
