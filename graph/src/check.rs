//! Publication checks that need the weights, and the graph that has passed them.

use crate::{
    bounds::*,
    error::{CheckError, Problem},
    format::{Digest, Graph, Operation, Parameters, Shape, TensorId, Weights},
    plan::Plan,
    requantize::{requantize, Clamp, Multiplier, Shift},
};
use alloc::vec::Vec;

// `|acc·M + 2^(s-1)|` and `|q·2^s + r|` differ from each other by less than the order of the
// Goldilocks field, so that their equality in the field is their equality.
const _: () = {
    let order: i128 = (1 << 64) - (1 << 32) + 1;
    let scaled = (1i128 << 31) * (Multiplier::MAX.get() as i128) + (1 << 47);
    let decomposed = (1i128 << MAX_EQUATION_BITS) + (1 << 48);
    assert!(scaled < order / 2 && decomposed < order / 2 && scaled + decomposed < order);
};

/// The values that a channel of a tensor can have, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    /// The least.
    pub lo: i32,
    /// The greatest.
    pub hi: i32,
}

impl Interval {
    /// Every int8 value.
    pub const INT8: Self = Self { lo: i8::MIN as i32, hi: i8::MAX as i32 };

    /// The smallest interval around both.
    fn union(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }
}

/// Ends of a sum while it is being computed.
#[derive(Clone, Copy, Default)]
struct Sum {
    lo: i64,
    hi: i64,
}

impl Sum {
    /// Adds `factor` times a value of `interval`.
    fn add(&mut self, factor: i64, interval: Interval) {
        let (at_lo, at_hi) = (factor * i64::from(interval.lo), factor * i64::from(interval.hi));
        self.lo += at_lo.min(at_hi);
        self.hi += at_lo.max(at_hi);
    }

    fn into_int32(self, channel: usize) -> Result<Interval, Problem> {
        match (i32::try_from(self.lo), i32::try_from(self.hi)) {
            (Ok(lo), Ok(hi)) => Ok(Interval { lo, hi }),
            _ => Err(Problem::AccumulatorOverflow { channel, lo: self.lo, hi: self.hi }),
        }
    }
}

/// A model that may be published: every input has an output, and every output can be proven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedGraph {
    plan: Plan,
    weights: Weights,
    intervals: Vec<Vec<Interval>>,
}

impl CheckedGraph {
    /// Checks a model.
    ///
    /// Takes a step for each weight and a pass of hashing over the weights.
    pub fn new(graph: Graph) -> Result<Self, CheckError> {
        let Graph { architecture, weights } = graph;
        let plan = Plan::new(architecture)?;
        let intervals = intervals(&plan, &weights)?;
        for (index, operation) in plan.operations().iter().enumerate() {
            let Operation::Requantize { input, multipliers, shift, quotient_bits, .. } = operation
            else {
                continue;
            };
            for (channel, interval) in intervals[input.index()].iter().enumerate() {
                let needed = quotient_bits_of(*interval, multiplier(multipliers, channel), *shift);
                if needed > *quotient_bits {
                    let declared = *quotient_bits;
                    return Err(Problem::QuotientOutOfWindow { channel, needed, declared }
                        .at(index, operation.name()));
                }
            }
        }
        if weights.digest() != plan.architecture().commitments.weights {
            return Err(CheckError::WeightsDigest);
        }
        Ok(Self { plan, weights, intervals })
    }

    /// The checked architecture.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The weights.
    pub const fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Weights and biases of an operation; `None` if it has none.
    pub fn parameters(&self, operation: usize) -> Option<&Parameters> {
        self.weights.parameters.get(self.plan.parameters(operation)?.index)
    }

    /// The values that each channel of a tensor can have, over all inputs: never too narrow, and
    /// wider than need be where a sum's terms depend on each other.
    pub fn intervals(&self, tensor: TensorId) -> Option<&[Interval]> {
        self.intervals.get(tensor.index()).map(Vec::as_slice)
    }

    /// The digest of the model.
    pub fn digest(&self) -> Digest {
        self.plan.architecture().digest()
    }

    /// The model itself.
    pub fn into_graph(self) -> Graph {
        Graph { architecture: self.plan.architecture().clone(), weights: self.weights }
    }
}

impl Graph {
    /// Fills in what follows from the rest: the digest of the weights, and for each
    /// requantisation the smallest window that holds its quotients.
    ///
    /// Fails where no window would make the graph pass [`CheckedGraph::new`].
    pub fn complete(&mut self) -> Result<(), CheckError> {
        self.set_quotient_bits(|_| MIN_QUOTIENT_BITS);
        let plan = Plan::new(self.architecture.clone())?;
        let intervals = intervals(&plan, &self.weights)?;
        self.set_quotient_bits(|operation| match operation {
            Operation::Requantize { input, multipliers, shift, .. } => intervals[input.index()]
                .iter()
                .enumerate()
                .map(|(channel, interval)| {
                    quotient_bits_of(*interval, multiplier(multipliers, channel), *shift)
                })
                .fold(MIN_QUOTIENT_BITS, u8::max),
            _ => MIN_QUOTIENT_BITS,
        });
        self.architecture.commitments.weights = self.weights.digest();
        CheckedGraph::new(self.clone()).map(drop)
    }

    fn set_quotient_bits(&mut self, bits: impl Fn(&Operation) -> u8) {
        for operation in self.architecture.operations.iter_mut() {
            let bits = bits(operation);
            if let Operation::Requantize { quotient_bits, .. } = operation {
                *quotient_bits = bits;
            }
        }
    }
}

/// The multiplier of a channel: its own, or the one for all.
pub(crate) fn multiplier(multipliers: &[Multiplier], channel: usize) -> Multiplier {
    let index = if multipliers.len() == 1 { 0 } else { channel };
    multipliers.get(index).copied().unwrap_or(Multiplier::ONE)
}

/// The smallest window that holds the quotients of all accumulators in `interval`.
pub fn quotient_bits_of(interval: Interval, multiplier: Multiplier, shift: Shift) -> u8 {
    let quotient = |end| requantize(end, multiplier, shift, Clamp::FULL).quotient;
    // Bits without the sign; the window is symmetric but for the sign's extra value.
    let magnitude_bits = |quotient: i64| 64 - (quotient ^ (quotient >> 63)).leading_zeros() as u8;
    1 + magnitude_bits(quotient(interval.lo)).max(magnitude_bits(quotient(interval.hi)))
}

/// The values that each channel of each tensor can have.
fn intervals(plan: &Plan, weights: &Weights) -> Result<Vec<Vec<Interval>>, CheckError> {
    let (expected, found) = (plan.all_parameters().count(), weights.parameters.len());
    if expected != found {
        return Err(CheckError::ParameterSets { expected, found });
    }
    let mut all = Vec::from([alloc::vec![Interval::INT8; plan.shapes()[0].channels as usize]]);
    for (index, operation) in plan.operations().iter().enumerate() {
        let of_output = output_intervals(plan, weights, &all, index, operation)
            .map_err(|problem| problem.at(index, operation.name()))?;
        all.push(of_output);
    }
    Ok(all)
}

fn output_intervals(
    plan: &Plan,
    weights: &Weights,
    all: &[Vec<Interval>],
    index: usize,
    operation: &Operation,
) -> Result<Vec<Interval>, Problem> {
    let shapes = plan.shapes();
    let of = |tensor: &TensorId| all[tensor.index()].as_slice();
    match operation {
        Operation::Dense { input, .. } => {
            let (rows, bias) = matrix(plan, weights, index)?;
            accumulate(rows, bias, |_, sum, row| {
                row.iter().zip(of(input)).for_each(|(w, x)| sum.add(i64::from(*w), *x));
            })
        },
        Operation::Conv2d { input, output_channels, groups, window } => {
            let (rows, bias) = matrix(plan, weights, index)?;
            let per_group = of(input).len() / *groups as usize;
            let outputs_per_group = (*output_channels / *groups) as usize;
            accumulate(rows, bias, |channel, sum, row| {
                let first = channel / outputs_per_group * per_group;
                let kernels = row.chunks_exact(window.kernel.area());
                for (kernel, x) in kernels.zip(&of(input)[first..]) {
                    let x = padded(*x, window.padding.is_none());
                    kernel.iter().for_each(|w| sum.add(i64::from(*w), x));
                }
            })
        },
        Operation::Add { left, right, left_multiplier, right_multiplier } => of(left)
            .iter()
            .zip(of(right))
            .enumerate()
            .map(|(channel, (left, right))| {
                let mut sum = Sum::default();
                sum.add(i64::from(left_multiplier.get()), *left);
                sum.add(i64::from(right_multiplier.get()), *right);
                sum.into_int32(channel)
            })
            .collect(),
        Operation::SumPool2d { input, window } => of(input)
            .iter()
            .enumerate()
            .map(|(channel, interval)| {
                let mut sum = Sum::default();
                let interval = padded(*interval, window.padding.is_none());
                sum.add(window.kernel.area() as i64, interval);
                sum.into_int32(channel)
            })
            .collect(),
        Operation::MaxPool2d { input, .. } => Ok(of(input).to_vec()),
        Operation::Requantize { input, multipliers, shift, clamp, .. } => Ok(of(input)
            .iter()
            .enumerate()
            .map(|(channel, interval)| {
                let multiplier = multiplier(multipliers, channel);
                let output = |end| i32::from(requantize(end, multiplier, *shift, *clamp).output);
                Interval { lo: output(interval.lo), hi: output(interval.hi) }
            })
            .collect()),
        Operation::Lookup { input, table } => Ok(of(input)
            .iter()
            .map(|interval| {
                let (first, last) = (interval.lo + 128, interval.hi + 128);
                let values = table[first as usize..=last as usize].iter().map(|y| i32::from(*y));
                let (lo, hi) =
                    values.fold((i32::MAX, i32::MIN), |(lo, hi), y| (lo.min(y), hi.max(y)));
                Interval { lo, hi }
            })
            .collect()),
        Operation::Reshape { input, shape } => {
            Ok(reshaped(of(input), shapes[input.index()], *shape))
        },
    }
}

/// The rows of an operation's weight matrix and its biases, as many as there have to be.
fn matrix<'a>(
    plan: &Plan,
    weights: &'a Weights,
    index: usize,
) -> Result<(core::slice::ChunksExact<'a, i8>, &'a [i32]), Problem> {
    // The caller has counted the parameter sets, and only operations that have one come here.
    let (shape, parameters) = plan
        .parameters(index)
        .and_then(|shape| Some((shape, weights.parameters.get(shape.index)?)))
        .ok_or(Problem::WeightCount { expected: 1, found: 0 })?;
    let (expected, found) = (shape.weights(), parameters.weights.len());
    if expected != found {
        return Err(Problem::WeightCount { expected, found });
    }
    let (expected, found) = (shape.channels, parameters.bias.len());
    if expected != found {
        return Err(Problem::BiasCount { expected, found });
    }
    Ok((parameters.weights.chunks_exact(shape.fan_in), &parameters.bias))
}

fn accumulate(
    rows: core::slice::ChunksExact<'_, i8>,
    bias: &[i32],
    add_row: impl Fn(usize, &mut Sum, &[i8]),
) -> Result<Vec<Interval>, Problem> {
    rows.zip(bias)
        .enumerate()
        .map(|(channel, (row, bias))| {
            let mut sum = Sum { lo: i64::from(*bias), hi: i64::from(*bias) };
            add_row(channel, &mut sum, row);
            sum.into_int32(channel)
        })
        .collect()
}

/// What a window can read of a channel: with padding, zeros too.
fn padded(interval: Interval, no_padding: bool) -> Interval {
    if no_padding {
        interval
    } else {
        interval.union(Interval { lo: 0, hi: 0 })
    }
}

/// A channel of the new shape has the values of all channels from which it has elements.
fn reshaped(intervals: &[Interval], from: Shape, to: Shape) -> Vec<Interval> {
    (0..to.channels as usize)
        .map(|channel| {
            let first = channel * to.plane() / from.plane();
            let last = ((channel + 1) * to.plane() - 1) / from.plane();
            intervals[first + 1..=last]
                .iter()
                .fold(intervals[first], |union, interval| union.union(*interval))
        })
        .collect()
}
