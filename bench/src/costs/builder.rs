//! Builds the graph of a recipe. Adjusts sizes that are out of bounds, and adds unread tensors to
//! the output.

use super::recipe::{step, Kind, Source, Step, ONCE};
use assay_graph::{
    Add, Clamp, Conv2d, Dense, ElementType, Lookup, MaxPool2d, Multiplier, Operation, Requantize,
    Reshape, Shape, Shift, SumPool2d, TensorId, Window,
};
use assay_pallet_testing::graphs::Random;

/// Maximum number of elements of the output.
const MAX_OUTPUT: usize = 8_000;
/// Maximum number of operations from a recipe. The rest is for adding unread tensors to the output.
const MAX_OPERATIONS: usize = 234;

/// Builds a graph.
pub struct Builder {
    tensors: Vec<(Shape, ElementType)>,
    /// For each tensor, whether no operation reads it yet.
    unread: Vec<bool>,
    pub operations: Vec<Operation>,
    /// Rows and columns of each weight matrix.
    pub sets: Vec<[u64; 2]>,
    /// Quotient bits that requantisations declare, which may be more than they need.
    pub quotient_bits: Vec<(usize, u8)>,
}

impl Builder {
    pub fn new(input: Shape) -> Self {
        Self {
            tensors: vec![(input, ElementType::Int8)],
            unread: vec![true],
            operations: Vec::new(),
            sets: Vec::new(),
            quotient_bits: Vec::new(),
        }
    }

    /// Whether there is space for more operations. Each unread tensor needs some to be added to the
    /// output.
    pub fn has_room(&self) -> bool {
        self.operations.len() + 4 * self.ends().len() < MAX_OPERATIONS
    }

    fn push(&mut self, operation: Operation, shape: Shape) -> Option<usize> {
        shape.elements()?;
        operation.inputs().for_each(|input| self.unread[input.index()] = false);
        self.tensors.push((shape, operation.output_type()));
        self.unread.push(true);
        self.operations.push(operation);
        Some(self.tensors.len() - 1)
    }

    fn ends(&self) -> Vec<usize> {
        (0..self.tensors.len()).filter(|index| self.unread[*index]).collect()
    }

    fn shape(&self, tensor: usize) -> Shape {
        self.tensors[tensor].0
    }

    /// Adds operation `number` of a step.
    pub fn add(&mut self, step: &Step, number: u32) -> Option<()> {
        let values: Vec<usize> = (0..self.tensors.len())
            .filter(|index| self.tensors[*index].1 == ElementType::Int8)
            .collect();
        let source = match step.source {
            Source::Input => 0,
            Source::Back(back) => values[values.len().saturating_sub(1 + back as usize)],
        };
        let (input, shape) = (TensorId(source as u16), self.shape(source));
        let windowed = |channels| {
            let window = step.window(shape);
            let side = |size: u32, kernel: u16, stride: u16, padding: u16| {
                (size + u32::from(padding) - u32::from(kernel)) / u32::from(stride) + 1
            };
            let Window { kernel, stride, padding } = window;
            let height =
                side(shape.height, kernel.height, stride.height, padding.top + padding.bottom);
            let width = side(shape.width, kernel.width, stride.width, padding.left + padding.right);
            (window, Shape::new(channels, height, width))
        };
        match step.kind {
            Kind::Dense => drop(self.dense(source, step.size, step, number)?),
            Kind::Conv2d => {
                let groups =
                    if shape.channels.is_multiple_of(step.groups) { step.groups } else { 1 };
                // If there are several groups, each has a power of two of channels.
                let each = match groups {
                    1 => step.size,
                    _ => (step.size / groups).max(1).next_power_of_two(),
                };
                let output_channels = groups * each;
                let (window, output) = windowed(output_channels);
                let fan_in = u64::from(shape.channels / groups) * window.kernel.area() as u64;
                self.sets.push([output_channels.into(), fan_in]);
                let convolution = Conv2d { input, output_channels, groups, window };
                let sums = self.push(Operation::Conv2d(convolution), output)?;
                self.requantize(sums, fan_in << 14, step, number)?;
            },
            Kind::Sum => {
                let (window, output) = windowed(shape.channels);
                let sums = self.push(Operation::SumPool2d(SumPool2d { input, window }), output)?;
                self.requantize(sums, (window.kernel.area() as u64) << 7, step, number)?;
            },
            Kind::Max => {
                let (window, output) = windowed(shape.channels);
                self.push(Operation::MaxPool2d(MaxPool2d { input, window }), output)?;
            },
            Kind::Add => {
                let last = *values.last()?;
                let other = if self.shape(last) == shape { last } else { source };
                self.sum(source, other, step, number)?;
            },
            Kind::Lookup => {
                let mut random =
                    Random(if step.distinct { 100 + self.operations.len() as u64 } else { 99 });
                let table = std::array::from_fn(|_| random.byte() as i8);
                self.push(Operation::Lookup(Lookup { input, table }), shape)?;
            },
            Kind::Reshape => {
                let elements = shape.elements()? as u32;
                let channels =
                    if elements.is_multiple_of(step.size) { step.size } else { elements };
                let shape = Shape::new(channels, elements / channels, 1);
                self.push(Operation::Reshape(Reshape { input, shape }), shape)?;
            },
        }
        Some(())
    }

    fn dense(&mut self, source: usize, rows: u32, step: &Step, number: u32) -> Option<usize> {
        let (mut source, shape) = (source, self.shape(source));
        let columns = shape.elements()? as u32;
        if shape.plane() > 1 {
            let (input, shape) = (TensorId(source as u16), Shape::vector(columns));
            source = self.push(Operation::Reshape(Reshape { input, shape }), shape)?;
        }
        self.sets.push([rows.into(), columns.into()]);
        let dense = Dense { input: TensorId(source as u16), rows };
        let sums = self.push(Operation::Dense(dense), Shape::vector(rows))?;
        self.requantize(sums, u64::from(columns) << 14, step, number)
    }

    fn sum(&mut self, left: usize, right: usize, step: &Step, number: u32) -> Option<usize> {
        let operation = Operation::Add(Add {
            left: TensorId(left as u16),
            right: TensorId(right as u16),
            left_multiplier: Multiplier::ONE,
            right_multiplier: Multiplier::ONE,
        });
        let sums = self.push(operation, self.shape(left))?;
        self.requantize(sums, 1 << 8, step, number)
    }

    /// Requantises accumulators whose magnitude is at most `bound` plus a bias.
    fn requantize(&mut self, sums: usize, bound: u64, step: &Step, number: u32) -> Option<usize> {
        let (shape, shift) = (self.shape(sums), step.shift);
        let most = if shift == Shift::Bits48 { 15 } else { 20 };
        let bits = step.quotient_bits.clamp(9, most);
        let largest = (1u64 << (bits - 2 + shift.bits())) / (bound + 256);
        let count = if step.each_channel { shape.channels } else { 1 };
        let multiplier = |channel: u32| {
            let value = largest.saturating_sub(channel.into()).clamp(1, (1 << 31) - 1);
            Multiplier::new(value as u32)
        };
        let clamp = match step.distinct {
            true => Clamp::new(-((number % 129) as i8), 127 - (number / 129) as i8)?,
            false => Clamp::FULL,
        };
        self.quotient_bits.push((self.operations.len(), bits));
        let operation = Operation::Requantize(Requantize {
            input: TensorId(sums as u16),
            multipliers: (0..count).filter_map(multiplier).collect::<Vec<_>>().try_into().ok()?,
            shift,
            quotient_bits: bits,
            clamp,
        });
        self.push(operation, shape)
    }

    /// Reduces a tensor to one element per channel.
    fn shrunk(&mut self, tensor: usize) -> Option<usize> {
        let shape = self.shape(tensor);
        let step = Step { stride: ONCE, ..step(Kind::Max, Source::Input, 1, 1) };
        let (input, window) = (TensorId(tensor as u16), step.window(shape));
        let output = Shape::vector(shape.channels);
        self.push(Operation::MaxPool2d(MaxPool2d { input, window }), output)
    }

    /// Adds all unread tensors to one output, and ensures that there are weights and that the
    /// output is short.
    pub fn finish(&mut self, accumulators: bool) -> Option<()> {
        let plain = step(Kind::Add, Source::Input, 1, 1);
        loop {
            let ends = self.ends();
            let last = *ends.last()?;
            let [first, .., _] = ends[..] else {
                let shape = self.shape(last);
                let is_long = shape.elements()? > MAX_OUTPUT;
                match (is_long, self.sets.is_empty()) {
                    (true, _) if shape.plane() > 1 => drop(self.shrunk(last)?),
                    (false, false) => break,
                    _ => drop(self.dense(last, 1, &plain, 0)?),
                }
                continue;
            };
            if self.shape(first) == self.shape(last) {
                self.sum(first, last, &plain, 0)?;
                continue;
            }
            // Reduce the larger tensor.
            let larger = if self.shape(first).elements() > self.shape(last).elements() {
                first
            } else {
                last
            };
            match self.shape(larger) {
                shape if shape.elements()? > 4_096 && shape.plane() > 1 => self.shrunk(larger)?,
                _ => self.dense(larger, 1, &plain, 0)?,
            };
        }
        if accumulators && matches!(self.operations.last(), Some(Operation::Requantize(_))) {
            self.operations.pop();
        }
        Some(())
    }
}
