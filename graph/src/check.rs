//! Publication checks that depend on the weights, and the graph that has passed them.

use crate::{
    bounds::*,
    error::{CheckError, Problem},
    format::{Digest, Graph, Operation, Parameters, TensorId, Weights},
    interval::Interval,
    kind::{multiplier, Known, Requantize, BIAS},
    plan::Plan,
    requantize::{Multiplier, Shift},
};
use alloc::vec::Vec;

/// A model that may be published: it has an output for every input, and every output can be proven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedGraph {
    plan: Plan,
    weights: Weights,
    intervals: Vec<Vec<Interval>>,
}

impl CheckedGraph {
    /// Checks a model. Takes a step per weight and hashes all weights once.
    ///
    /// # Errors
    ///
    /// [`CheckError`] names the first rule that is broken.
    pub fn new(graph: Graph) -> Result<Self, CheckError> {
        let Graph { architecture, weights } = graph;
        let plan = Plan::new(architecture)?;
        let intervals = intervals(&plan, &weights)?;
        for (index, operation) in plan.operations().iter().enumerate() {
            let Operation::Requantize(Requantize {
                input, multipliers, shift, quotient_bits, ..
            }) = operation
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

    /// Bounds of the values of each channel of a tensor, over all inputs; `None` if there is no
    /// such tensor. They may be wider than the actual values where the terms of a sum depend on
    /// each other.
    pub fn intervals(&self, tensor: TensorId) -> Option<&[Interval]> {
        self.intervals.get(tensor.index()).map(Vec::as_slice)
    }

    /// The digest of the model.
    pub fn digest(&self) -> Digest {
        self.plan.architecture().digest()
    }

    /// The model.
    pub fn into_graph(self) -> Graph {
        Graph { architecture: self.plan.architecture().clone(), weights: self.weights }
    }
}

impl Graph {
    /// Sets everything that follows from the rest: the digest of the weights, and for each
    /// requantisation the smallest window that contains its quotients.
    ///
    /// # Errors
    ///
    /// [`CheckError`] if the graph does not pass [`CheckedGraph::new`] with any window.
    pub fn complete(&mut self) -> Result<(), CheckError> {
        self.set_quotient_bits(|_| MIN_QUOTIENT_BITS);
        let plan = Plan::new(self.architecture.clone())?;
        let intervals = intervals(&plan, &self.weights)?;
        self.set_quotient_bits(|operation| match operation {
            Operation::Requantize(Requantize { input, multipliers, shift, .. }) => intervals
                [input.index()]
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

    /// Sets the quotient window of each requantisation.
    fn set_quotient_bits(&mut self, bits: impl Fn(&Operation) -> u8) {
        for operation in self.architecture.operations.iter_mut() {
            let bits = bits(operation);
            if let Operation::Requantize(Requantize { quotient_bits, .. }) = operation {
                *quotient_bits = bits;
            }
        }
    }
}

/// Bits of the smallest window that contains the quotients of all accumulators in `interval`.
pub fn quotient_bits_of(interval: Interval, multiplier: Multiplier, shift: Shift) -> u8 {
    let scaled = interval.times(Interval::point(multiplier.get()));
    let half = 1i128 << (shift.bits() - 1);
    // Bits without the sign. The window `[-2^b, 2^b)` contains one more negative value.
    let magnitude_bits = |scaled: i128| {
        let quotient = (scaled + half) >> shift.bits();
        128 - (quotient ^ (quotient >> 127)).leading_zeros() as u8
    };
    1 + magnitude_bits(scaled.lo).max(magnitude_bits(scaled.hi))
}

/// Bounds of the values of each channel of each tensor.
fn intervals(plan: &Plan, weights: &Weights) -> Result<Vec<Vec<Interval>>, CheckError> {
    let (expected, found) = (plan.all_parameters().count(), weights.parameters.len());
    if expected != found {
        return Err(CheckError::ParameterSets { expected, found });
    }
    let mut all = Vec::from([alloc::vec![Interval::INT8; plan.shapes()[0].channels as usize]]);
    for (index, operation) in plan.operations().iter().enumerate() {
        let parameters = parameters(plan, weights, index)
            .map_err(|problem| problem.at(index, operation.name()))?;
        let (first, second) = operation.kind().inputs();
        let of = |tensor: TensorId| all[tensor.index()].as_slice();
        let known = Known { inputs: [of(first), second.map_or(&[][..], of)], parameters };
        let shapes = plan.input_shapes(operation);
        let channels = plan.shapes()[index + 1].channels as usize;
        let interval = |channel| operation.kind().interval(&shapes, channel..channel + 1, &known);
        let of_output = (0..channels).map(interval).collect();
        all.push(of_output);
    }
    Ok(all)
}

/// The weights and biases of an operation. Checks their number and the magnitude of the biases.
fn parameters<'a>(
    plan: &Plan,
    weights: &'a Weights,
    index: usize,
) -> Result<Option<&'a Parameters>, Problem> {
    let Some(shape) = plan.parameters(index) else { return Ok(None) };
    // The caller has checked the number of parameter sets.
    let parameters = weights.parameters.get(shape.index);
    let parameters = parameters.ok_or(Problem::WeightCount { expected: 1, found: 0 })?;
    let (expected, found) = (shape.weights(), parameters.weights.len());
    if expected != found {
        return Err(Problem::WeightCount { expected, found });
    }
    let (expected, found) = (shape.channels, parameters.bias.len());
    if expected != found {
        return Err(Problem::BiasCount { expected, found });
    }
    let too_large = |bias: &i32| !Interval::point(*bias).is_within(BIAS);
    match parameters.bias.iter().position(too_large) {
        Some(channel) => Err(Problem::Bias { channel, bias: parameters.bias[channel] }),
        None => Ok(Some(parameters)),
    }
}
