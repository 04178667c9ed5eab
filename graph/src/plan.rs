//! What follows from an architecture alone: shapes, element types, intervals and work.

use crate::{
    bounds::*,
    error::{CheckError, Problem},
    format::{Architecture, ElementType, Operation, Shape, TensorId},
    interval::Interval,
    kind::{Constraint, Element, Known, Requantize},
};
use alloc::vec::Vec;
use codec::Encode;

/// A checked architecture with the shapes of its tensors.
///
/// Its existence implies that every rule holds that does not depend on the values of the weights.
/// For any legal weights and any input, no accumulator leaves int32, and every equation of a proof
/// implies the equation over the integers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    architecture: Architecture,
    /// Shape of each tensor.
    shapes: Vec<Shape>,
    /// Properties of each operation.
    steps: Vec<Step>,
}

/// Properties of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Step {
    fan_in: usize,
    parameters: Option<ParameterShape>,
    /// Bounds of the values that it defines.
    interval: Interval,
}

/// The shape of an operation's weights and biases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParameterShape {
    /// Index into [`Weights::parameters`](crate::Weights::parameters).
    pub index: usize,
    /// Number of rows of the weight matrix and of biases: the output channels.
    pub channels: usize,
    /// Number of columns of the weight matrix: the inputs of one output element.
    pub fan_in: usize,
}

impl ParameterShape {
    /// Number of weights.
    pub const fn weights(&self) -> usize {
        self.channels * self.fan_in
    }
}

impl Plan {
    /// Checks every rule that does not depend on the values of the weights, in time linear in the
    /// size of the architecture.
    ///
    /// # Errors
    ///
    /// [`CheckError`] names the first rule that is broken.
    pub fn new(architecture: Architecture) -> Result<Self, CheckError> {
        let bytes = architecture.encoded_size();
        if bytes > MAX_ARCHITECTURE_BYTES {
            return Err(CheckError::ArchitectureTooLong(bytes));
        }
        if architecture.operations.is_empty() {
            return Err(CheckError::NoOperation);
        }
        if architecture.input_scale.mantissa <= 0 || architecture.output_scale.mantissa <= 0 {
            return Err(CheckError::Scale);
        }
        let input = architecture.input_shape;
        let elements = input.elements().ok_or(CheckError::InputShape(input))?;
        let mut totals = Totals { elements: elements as u64, ..Totals::default() };
        let mut plan = Self {
            shapes: Vec::from([input]),
            steps: Vec::with_capacity(architecture.operations.len()),
            architecture,
        };
        let mut readers = alloc::vec![0u32; plan.architecture.operations.len() + 1];
        for index in 0..plan.architecture.operations.len() {
            let operation = &plan.architecture.operations[index];
            let (shape, step) = plan
                .step(index, operation, &mut readers, &mut totals)
                .map_err(|problem| problem.at(index, operation.name()))?;
            plan.shapes.push(shape);
            plan.steps.push(step);
        }
        if let Some(unused) = readers[..plan.steps.len()].iter().position(|readers| *readers == 0) {
            return Err(CheckError::Unused(TensorId(unused as u16)));
        }
        totals.check()?;
        Ok(plan)
    }

    /// Checks one operation and updates the totals.
    fn step(
        &self,
        index: usize,
        operation: &Operation,
        readers: &mut [u32],
        totals: &mut Totals,
    ) -> Result<(Shape, Step), Problem> {
        for tensor in operation.inputs() {
            if tensor.index() > index {
                return Err(Problem::Undefined(tensor));
            }
            let expected = operation.input_type();
            if self.element_type(tensor) != Some(expected) {
                return Err(Problem::InputType { tensor, expected });
            }
            readers[tensor.index()] += 1;
            if expected == ElementType::Int32 && readers[tensor.index()] > 1 {
                return Err(Problem::AccumulatorShared(tensor));
            }
        }
        let inputs = self.input_shapes(operation);
        let (shape, fan_in) = operation.kind().output(&inputs)?;
        if operation.has_parameters() && !(1..=MAX_CHANNELS as u32).contains(&shape.channels) {
            return Err(Problem::Channels(shape.channels));
        }
        if fan_in > MAX_FAN_IN as u64 {
            return Err(Problem::FanIn(fan_in));
        }
        let elements = shape.elements().ok_or(Problem::OutputShape(shape))?;
        let fan_in = fan_in as usize;
        let interval = self.interval_of(operation, &inputs, shape)?;
        let parameters = operation.has_parameters().then_some(ParameterShape {
            index: totals.sets,
            channels: shape.channels as usize,
            fan_in,
        });
        totals.elements += elements as u64;
        totals.work += elements as u64 * fan_in as u64;
        if let Some(parameters) = parameters {
            totals.sets += 1;
            // Below 2^29 for each operation, so the sum does not overflow.
            totals.parameters += (parameters.weights() + parameters.channels) as u64;
        }
        Ok((shape, Step { fan_in, parameters, interval }))
    }

    /// Bounds of the values that an operation can define, for any legal weights, biases and input.
    /// Checks that these values lie within their type and that all constraints of a proof are exact
    /// for them.
    ///
    /// This is the only code that establishes that an equation in the proof's field implies the
    /// equation over the integers; see [`Constraint::is_exact`](crate::Constraint::is_exact).
    fn interval_of(
        &self,
        operation: &Operation,
        shapes: &[Shape],
        output: Shape,
    ) -> Result<Interval, Problem> {
        let (first, second) = operation.kind().inputs();
        let inputs = [Some(first), second].map(|tensor| tensor.map(|of| [self.interval(of)]));
        let known = Known {
            inputs: [0, 1].map(|slot| inputs[slot].as_ref().map_or(&[][..], |one| one)),
            parameters: None,
        };
        let values = operation.kind().interval(shapes, 0..output.channels as usize, &known);
        let bound = match operation.output_type() {
            ElementType::Int8 => Interval::INT8,
            ElementType::Int32 => Interval::INT32,
        };
        if !values.is_within(bound) {
            return Err(Problem::AccumulatorOverflow { lo: values.lo, hi: values.hi });
        }
        // A proof establishes only what the constraints state about a committed value.
        // Independently of them, quotients and lookup values are in their tables, and a maximum
        // exceeds an element by one byte at most.
        let output = values.plus(Interval { lo: -256, hi: 256 });
        let division = match operation {
            Operation::Requantize(Requantize { quotient_bits, shift, .. }) => {
                let half = Interval::point(1i64 << (quotient_bits - 1));
                [Interval::bits(*quotient_bits).minus(half), Interval::bits(shift.bits())]
            },
            _ => [Interval::ZERO; 2],
        };
        let element = Element {
            output,
            sum: values,
            // Padding of a maximum counts as -128.
            inputs: inputs.iter().flatten().map(|[input]| input.hull(Interval::INT8)).collect(),
            channel: None,
            division,
        };
        let constraints = operation.constraints(&element);
        match constraints.iter().all(Constraint::is_exact) {
            true => Ok(values),
            false => Err(Problem::EquationWraps),
        }
    }

    /// Shapes of an operation's inputs.
    pub(crate) fn input_shapes(&self, operation: &Operation) -> Vec<Shape> {
        operation.inputs().filter_map(|input| self.shape(input)).collect()
    }

    /// Bounds of the values of a tensor, for every input and all legal weights. They may be wider
    /// than the actual values.
    pub fn interval(&self, tensor: TensorId) -> Interval {
        let defining =
            tensor.index().checked_sub(1).and_then(|operation| self.steps.get(operation));
        defining.map_or(Interval::INT8, |step| step.interval)
    }

    /// The architecture.
    pub const fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The operations.
    pub fn operations(&self) -> &[Operation] {
        &self.architecture.operations
    }

    /// The tensor that the last operation defines: the output of the graph.
    pub fn output(&self) -> TensorId {
        TensorId(self.steps.len() as u16)
    }

    /// The shape of each tensor.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The shape of a tensor; `None` if there is no such tensor.
    pub fn shape(&self, tensor: TensorId) -> Option<Shape> {
        self.shapes.get(tensor.index()).copied()
    }

    /// The type of a tensor's elements; `None` if there is no such tensor.
    pub fn element_type(&self, tensor: TensorId) -> Option<ElementType> {
        match tensor.index().checked_sub(1) {
            None => Some(ElementType::Int8),
            Some(operation) => self.operations().get(operation).map(Operation::output_type),
        }
    }

    /// Number of inputs on which one element of an operation's output depends; `None` if there is
    /// no such operation.
    pub fn fan_in(&self, operation: usize) -> Option<usize> {
        self.steps.get(operation).map(|step| step.fan_in)
    }

    /// Shape of an operation's weights and biases; `None` if it has none.
    pub fn parameters(&self, operation: usize) -> Option<ParameterShape> {
        self.steps.get(operation).and_then(|step| step.parameters)
    }

    /// Shapes of the weights and biases of all operations that have them, in order.
    pub fn all_parameters(&self) -> impl Iterator<Item = ParameterShape> + '_ {
        self.steps.iter().filter_map(|step| step.parameters)
    }
}

/// Totals over all operations. They do not overflow: 256 times at most 2^29, 2^20 or 2^35.
#[derive(Default)]
struct Totals {
    elements: u64,
    work: u64,
    parameters: u64,
    sets: usize,
}

impl Totals {
    fn check(&self) -> Result<(), CheckError> {
        if self.elements > MAX_TOTAL_ELEMENTS as u64 {
            return Err(CheckError::TotalElements(self.elements));
        }
        if self.work > MAX_TOTAL_WORK {
            return Err(CheckError::TotalWork(self.work));
        }
        if self.parameters > MAX_PARAMETERS as u64 {
            return Err(CheckError::TotalParameters(self.parameters));
        }
        Ok(())
    }
}
