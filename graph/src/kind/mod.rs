//! What an operation is: one file for each kind, with everything that the kind has to say side by
//! side.
//!
//! * its rules: what it reads and the shape of what it defines ([`Kind::output`]);
//! * its integer semantics ([`Kind::element`], [`Kind::reads`]), which the interpreter and tiles run;
//! * the intervals of its values ([`Kind::interval`]), from which [`Plan`](crate::Plan) and
//!   [`CheckedGraph`](crate::CheckedGraph) take every bound;
//! * what a proof checks of each of its elements ([`Kind::constraints`]), over the integers;
//! * its edge cases, on which tests run all of these, and the prover (`Kind::edge_cases`).
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

    /// The tensors that it reads: one or two.
    fn inputs(&self) -> (TensorId, Option<TensorId>);

    /// The type of the elements that it reads.
    fn input_type(&self) -> ElementType {
        ElementType::Int8
    }

    /// The type of the elements that it defines.
    fn output_type(&self) -> ElementType;

    /// Whether it has weights and biases.
    fn has_parameters(&self) -> bool {
        false
    }

    /// The shape that it defines, and how many values one element depends on: its rules, for inputs
    /// of these shapes.
    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem>;

    /// One element of the output. This is the meaning of the operation.
    fn element(&self, place: &Place, source: &Source<'_>) -> Result<i64, RunError>;

    /// The ranges of elements of each input that a range of the output reads.
    fn reads(&self, inputs: &[Shape], output: Shape, range: Range<usize>)
        -> Vec<Vec<Range<usize>>>;

    /// The values that these channels of the output can have.
    fn interval(&self, shapes: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval;

    /// What a proof checks of one element, of which intervals or single values are known.
    fn constraints(&self, element: &Element) -> Vec<Constraint>;

    /// Small models around this operation with values at the edges of what it can have.
    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase>
    where
        Self: Sized;
}

/// Which element of an output is computed, of which shapes.
pub(crate) struct Place<'a> {
    /// Shapes of the inputs.
    pub inputs: &'a [Shape],
    /// Number of the element.
    pub index: usize,
    /// Its channel.
    pub channel: usize,
    /// Its row.
    pub row: usize,
    /// Its column.
    pub column: usize,
}

impl<'a> Place<'a> {
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

/// What is known of the values that an operation reads.
pub(crate) struct Known<'a> {
    /// Of each input one interval for each channel, or a single one for all channels.
    pub inputs: [&'a [Interval]; 2],
    /// The weights and biases; `None` for any that the types allow.
    pub parameters: Option<&'a Parameters>,
}

impl Known<'_> {
    /// The values of a channel of an input.
    pub fn input(&self, slot: usize, channel: usize) -> Interval {
        match self.inputs[slot] {
            [one] => *one,
            each => each[channel],
        }
    }

    /// The smallest interval that holds `of` each channel. Where nothing is known of single channels,
    /// the first stands for all.
    pub fn hull(&self, channels: Range<usize>, of: impl Fn(usize) -> Interval) -> Interval {
        let alike = self.parameters.is_none() && self.inputs.iter().all(|each| each.len() <= 1);
        let first = of(channels.start);
        if alike {
            return first;
        }
        channels.skip(1).fold(first, |hull, channel| hull.hull(of(channel)))
    }

    /// A bias plus the products of a row of weights and what they are multiplied with: `fan_in`
    /// values, the one of weight `j` in `input(j)`.
    pub fn weighted_sum(
        &self,
        channel: usize,
        fan_in: usize,
        input: impl Fn(usize) -> Interval,
    ) -> Interval {
        let Some(parameters) = self.parameters else {
            let product = Interval::INT8.times(input(0));
            // A sum of products is at least as wide as none.
            return BIAS.plus(product.repeated(fan_in)).hull(BIAS);
        };
        let row = &parameters.weights[channel * fan_in..][..fan_in];
        let mut sum = Sum::default();
        row.iter().enumerate().for_each(|(j, weight)| sum.add(*weight, input(j)));
        sum.interval().plus(Interval::point(parameters.bias[channel]))
    }
}

/// Every legal bias.
pub(crate) const BIAS: Interval = Interval { lo: -(MAX_BIAS as i128), hi: MAX_BIAS as i128 };

/// What a window can read of a channel: with padding, zeros too.
fn padded(interval: Interval, window: &Window) -> Interval {
    if window.padding.is_none() {
        interval
    } else {
        interval.hull(Interval::ZERO)
    }
}

/// A whole range, as the only one that is read.
fn whole(range: Range<usize>) -> Vec<Vec<Range<usize>>> {
    Vec::from([core::iter::once(range).collect()])
}

/// What windows read, channel by channel.
const EACH_CHANNEL: Grouping = Grouping { inputs: 1, outputs: 1 };
