//! What follows from an architecture alone: shapes, element types, amounts of work.

use crate::{
    bounds::*,
    error::{CheckError, Problem},
    format::{Architecture, ElementType, Operation, Shape, TensorId},
    window::output_shape,
};
use alloc::vec::Vec;
use codec::Encode;

/// A checked architecture with the shapes of its tensors.
///
/// Having one means that every rule holds that does not concern the values of the weights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    architecture: Architecture,
    /// Of each tensor.
    shapes: Vec<Shape>,
    /// Of each operation.
    steps: Vec<Step>,
}

/// What a [`Plan`] knows of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Step {
    fan_in: usize,
    parameters: Option<ParameterShape>,
}

/// The weights and biases that an operation has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParameterShape {
    /// Index into [`Weights::parameters`](crate::Weights::parameters).
    pub index: usize,
    /// Rows of the weight matrix, and biases: output channels.
    pub channels: usize,
    /// Columns of the weight matrix: inputs of one output element.
    pub fan_in: usize,
}

impl ParameterShape {
    /// Number of weights.
    pub const fn weights(&self) -> usize {
        self.channels * self.fan_in
    }
}

impl Plan {
    /// Checks every rule that does not concern the values of the weights.
    ///
    /// Linear in the size of the architecture.
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
        let mut totals = Totals { elements, ..Totals::default() };
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
        let shape_of = |tensor: TensorId| self.shapes[tensor.index()];
        let (shape, fan_in) = match operation {
            Operation::Dense { input, rows } => {
                let shape = shape_of(*input);
                if shape.plane() != 1 {
                    return Err(Problem::NotAVector { tensor: *input, shape });
                }
                (Shape::vector(*rows), u64::from(shape.channels))
            },
            Operation::Conv2d { input, output_channels, groups, window } => {
                let shape = shape_of(*input);
                let (input_channels, output_channels, groups) =
                    (shape.channels, *output_channels, *groups);
                if groups == 0 || input_channels % groups != 0 || output_channels % groups != 0 {
                    return Err(Problem::Groups { input_channels, output_channels, groups });
                }
                let fan_in = u64::from(input_channels / groups) * window.kernel.area() as u64;
                (output_shape(shape, window, output_channels)?, fan_in)
            },
            Operation::Add { left, right, .. } => {
                let (left, right) = (shape_of(*left), shape_of(*right));
                if left != right {
                    return Err(Problem::ShapesDiffer { left, right });
                }
                (left, 2)
            },
            Operation::SumPool2d { input, window } => {
                let shape = shape_of(*input);
                (output_shape(shape, window, shape.channels)?, window.kernel.area() as u64)
            },
            Operation::MaxPool2d { input, window } => {
                let shape = shape_of(*input);
                let area = window.kernel.area();
                if area > MAX_POOL_WINDOW {
                    return Err(Problem::PoolWindow(area));
                }
                (output_shape(shape, window, shape.channels)?, area as u64)
            },
            Operation::Requantize { input, multipliers, shift, quotient_bits, .. } => {
                let shape = shape_of(*input);
                if multipliers.len() != 1 && multipliers.len() != shape.channels as usize {
                    return Err(Problem::MultiplierCount {
                        channels: shape.channels,
                        found: multipliers.len(),
                    });
                }
                if !(MIN_QUOTIENT_BITS..=MAX_QUOTIENT_BITS).contains(quotient_bits)
                    || quotient_bits - 1 + shift.bits() > MAX_EQUATION_BITS
                {
                    return Err(Problem::QuotientBits(*quotient_bits));
                }
                (shape, 1)
            },
            Operation::Lookup { input, .. } => (shape_of(*input), 1),
            Operation::Reshape { input, shape } => {
                let from = shape_of(*input);
                if shape.elements() != from.elements() {
                    return Err(Problem::ReshapeElements { from, to: *shape });
                }
                (*shape, 1)
            },
        };
        if operation.has_parameters() && !(1..=MAX_CHANNELS as u32).contains(&shape.channels) {
            return Err(Problem::Channels(shape.channels));
        }
        if fan_in > MAX_FAN_IN as u64 {
            return Err(Problem::FanIn(fan_in));
        }
        let elements = shape.elements().ok_or(Problem::OutputShape(shape))?;
        let fan_in = fan_in as usize;
        let parameters = operation.has_parameters().then_some(ParameterShape {
            index: totals.sets,
            channels: shape.channels as usize,
            fan_in,
        });
        totals.elements += elements;
        totals.work += elements as u64 * fan_in as u64;
        if let Some(parameters) = parameters {
            totals.sets += 1;
            // Below 2^29 for each operation.
            totals.parameters += (parameters.weights() + parameters.channels) as u64;
        }
        Ok((shape, Step { fan_in, parameters }))
    }

    /// The architecture.
    pub const fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The operations.
    pub fn operations(&self) -> &[Operation] {
        &self.architecture.operations
    }

    /// The output of the graph: what the last operation defines.
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

    /// Inputs that one element of an operation's output depends on.
    pub fn fan_in(&self, operation: usize) -> Option<usize> {
        self.steps.get(operation).map(|step| step.fan_in)
    }

    /// Weights and biases of an operation; `None` if it has none.
    pub fn parameters(&self, operation: usize) -> Option<ParameterShape> {
        self.steps.get(operation).and_then(|step| step.parameters)
    }

    /// Weights and biases of all operations that have any, in their order.
    pub fn all_parameters(&self) -> impl Iterator<Item = ParameterShape> + '_ {
        self.steps.iter().filter_map(|step| step.parameters)
    }
}

/// Sums over all operations. None overflows: 256 times at most 2^29, 2^20 or 2^35.
#[derive(Default)]
struct Totals {
    elements: usize,
    work: u64,
    parameters: u64,
    sets: usize,
}

impl Totals {
    fn check(&self) -> Result<(), CheckError> {
        if self.elements > MAX_TOTAL_ELEMENTS {
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
