//! The kinds of operations. Each kind has one file with its complete definition:
//!
//! - its rules: what it reads, and the shape of what it defines (`Kind::output`);
//! - its integer semantics (`Kind::element`, `Kind::reads`), which the interpreter and tiles
//!   execute;
//! - the intervals of its values (`Kind::interval`), from which [`Plan`](crate::Plan) and
//!   [`CheckedGraph`](crate::CheckedGraph) derive every bound;
//! - the constraints that a proof checks for each element (`Kind::constraints`), over the integers;
//! - its edge cases, on which tests run all of the above and the prover (`Kind::edge_cases`).
//!
//! [`Operation`](crate::Operation) lists the kinds. A kind without one of these does not compile.

mod add;
mod constraint;
mod conv2d;
mod dense;
mod lookup;
mod max_pool2d;
mod requantize;
mod reshape;
mod sum_pool2d;

pub use add::Add;
pub use constraint::{Constraint, Element};
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use lookup::Lookup;
pub use max_pool2d::MaxPool2d;
pub(crate) use requantize::multiplier;
pub use requantize::Requantize;
pub use reshape::Reshape;
pub use sum_pool2d::SumPool2d;

use crate::{
    bounds::MAX_BIAS,
    error::Problem,
    format::{ElementType, Parameters, Shape, TensorId, Window},
    interpret::{RunError, Source},
    interval::{Interval, Sum},
    tile::Grouping,
};
use alloc::vec::Vec;
use core::ops::Range;

/// One kind of operation.
pub(crate) trait Kind {
    /// The name, for messages.
    fn name(&self) -> &'static str;

    /// The tensors that it reads, one or two.
    fn inputs(&self) -> (TensorId, Option<TensorId>);

    /// Type of the elements that it reads.
    fn input_type(&self) -> ElementType {
        ElementType::Int8
    }

    /// Type of the elements that it defines.
    fn output_type(&self) -> ElementType;

    /// Whether it has weights and biases.
    fn has_parameters(&self) -> bool {
        false
    }

    /// The shape that it defines for inputs of these shapes, and the number of values on which one
    /// element depends. Checks the kind's rules.
    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem>;

    /// Computes one element of the output. Defines the semantics of the operation.
    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError>;

    /// The ranges of elements of each input that a range of the output reads.
    fn reads(&self, inputs: &[Shape], output: Shape, range: Range<usize>)
        -> Vec<Vec<Range<usize>>>;

    /// Bounds of the values of these channels of the output.
    fn interval(&self, shapes: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval;

    /// The constraints that a proof checks for one element, given by single values or bounds.
    fn constraints(&self, element: &Element) -> Vec<Constraint>;

    /// Small models around this operation, with values at the edges of its domain.
    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase>
    where
        Self: Sized;
}

/// The position of an output element, and the shapes of the inputs.
pub(crate) struct Position<'a> {
    /// Shapes of the inputs.
    pub inputs: &'a [Shape],
    /// Index of the element.
    pub index: usize,
    /// Channel of the element.
    pub channel: usize,
    /// Row of the element.
    pub row: usize,
    /// Column of the element.
    pub column: usize,
}

impl<'a> Position<'a> {
    pub fn new(inputs: &'a [Shape], output: Shape, index: usize) -> Self {
        Self {
            inputs,
            index,
            channel: index / output.plane(),
            row: index % output.plane() / output.width as usize,
            column: index % output.width as usize,
        }
    }
}

/// What is known about the values that an operation reads.
pub(crate) struct Known<'a> {
    /// For each input, one interval per channel, or a single one for all channels.
    pub inputs: [&'a [Interval]; 2],
    /// The weights and biases; `None` for all legal ones.
    pub parameters: Option<&'a Parameters>,
}

impl Known<'_> {
    /// Bounds of the values of a channel of an input.
    pub fn input(&self, slot: usize, channel: usize) -> Interval {
        match self.inputs[slot] {
            [one] => *one,
            each => each[channel],
        }
    }

    /// The smallest interval that contains `of(channel)` for each channel. If nothing is known
    /// about single channels, the first channel represents all.
    pub fn hull(&self, channels: Range<usize>, of: impl Fn(usize) -> Interval) -> Interval {
        let alike = self.parameters.is_none() && self.inputs.iter().all(|each| each.len() <= 1);
        let first = of(channels.start);
        if alike {
            return first;
        }
        channels.skip(1).fold(first, |hull, channel| hull.hull(of(channel)))
    }

    /// Bounds of a bias plus the products of a row of weights with `fan_in` values. `input(j)`
    /// bounds the factor of weight `j`.
    pub fn weighted_sum(
        &self,
        channel: usize,
        fan_in: usize,
        input: impl Fn(usize) -> Interval,
    ) -> Interval {
        let Some(parameters) = self.parameters else {
            let product = Interval::INT8.times(input(0));
            // Includes the bias without any products.
            return BIAS.plus(product.repeated(fan_in)).hull(BIAS);
        };
        let row = &parameters.weights[channel * fan_in..][..fan_in];
        let mut sum = Sum::default();
        row.iter().enumerate().for_each(|(j, weight)| sum.add(*weight, input(j)));
        sum.interval().plus(Interval::point(parameters.bias[channel]))
    }
}

/// All legal biases.
pub(crate) const BIAS: Interval = Interval { lo: -(MAX_BIAS as i128), hi: MAX_BIAS as i128 };

/// Bounds of what a window reads of a channel: includes zero if there is padding.
fn padded(interval: Interval, window: &Window) -> Interval {
    if window.padding.is_none() {
        interval
    } else {
        interval.hull(Interval::ZERO)
    }
}

/// One range of a single input.
fn whole(range: Range<usize>) -> Vec<Vec<Range<usize>>> {
    Vec::from([core::iter::once(range).collect()])
}

/// Grouping of windows that read each channel separately.
const EACH_CHANNEL: Grouping = Grouping { inputs: 1, outputs: 1 };
