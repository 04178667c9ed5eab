//! The fast path: bit-identical to the [reference interpreter](crate::interpret), with vector
//! instructions and, for large operations, several threads.
//!
//! Sums are computed modulo 2^32, in any order. This is exact because no sum of a checked graph
//! leaves int32. Factors are widened to 16 bits, because one instruction multiplies and adds eight
//! or sixteen of those. The available instructions are detected at run time.

mod convolution;
mod dense;
mod elementwise;
mod lanes;
#[cfg(test)]
mod tests;

use crate::{
    check::CheckedGraph,
    format::{Operation, Parameters},
    interpret::{check_operands, operation, trace_with, RunError, Trace},
    kind::{Add, Conv2d, Lookup, MaxPool2d, Requantize, SumPool2d},
    plan::{ParameterShape, Plan},
    tensor::Tensor,
};
use alloc::vec;
use convolution::Convolution;
use lanes::{Lanes, Portable};
use rayon::prelude::*;

/// Minimum work, in products, that is shared among threads: takes one core much longer than a
/// sleeping thread takes to wake.
const SHARED_WORK: usize = 1 << 22;
/// Work per task of a thread, in products.
const TASK_WORK: usize = 1 << 18;
/// Work of an element that is not a sum of products, in products.
const ELEMENT_WORK: usize = 16;

/// Runs a graph like [`interpret::run`](crate::interpret::run), but faster.
///
/// # Errors
///
/// [`RunError::InputLength`] if the input has the wrong number of elements.
pub fn run(graph: &CheckedGraph, input: &[i8]) -> Result<Tensor, RunError> {
    let mut trace = trace(graph, input)?;
    trace.tensors.pop().ok_or(RunError::Operands)
}

/// Computes all tensors like [`interpret::trace`](crate::interpret::trace), but faster.
///
/// # Errors
///
/// [`RunError::InputLength`] if the input has the wrong number of elements.
pub fn trace(graph: &CheckedGraph, input: &[i8]) -> Result<Trace, RunError> {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(avx2) = pulp::x86::V3::try_new() {
            return trace_by(avx2, graph, input);
        }
        if let Some(sse2) = pulp::x86::V1::try_new() {
            return trace_by(sse2, graph, input);
        }
    }
    trace_by(Portable, graph, input)
}

fn trace_by(lanes: impl Lanes, graph: &CheckedGraph, input: &[i8]) -> Result<Trace, RunError> {
    trace_with(graph, input, |plan, index, inputs, parameters| {
        run_operation(lanes, plan, index, inputs, parameters)
    })
}

fn run_operation(
    lanes: impl Lanes,
    plan: &Plan,
    index: usize,
    inputs: &[&Tensor],
    parameters: Option<&Parameters>,
) -> Result<Tensor, RunError> {
    let (operation, output) = operation(plan, index)?;
    check_operands(plan, operation, inputs)?;
    let shape_of = |input: &crate::TensorId| plan.shape(*input).ok_or(RunError::Operands);
    let int8 = |slot: usize| inputs[slot].as_int8().ok_or(RunError::Operands);
    Ok(match operation {
        Operation::Dense(_) => {
            Tensor::Int32(dense::run(lanes, int8(0)?, matrix(plan, index, parameters)?))
        },
        Operation::Conv2d(Conv2d { input, groups, window, .. }) => {
            let matrix = matrix(plan, index, parameters)?;
            let input_shape = shape_of(input)?;
            let groups = *groups as usize;
            let convolution = Convolution { input_shape, window, output, groups, matrix };
            Tensor::Int32(convolution.run(lanes, int8(0)?))
        },
        Operation::Add(Add { left_multiplier, right_multiplier, .. }) => {
            let multipliers = (*left_multiplier, *right_multiplier);
            Tensor::Int32(elementwise::add(lanes, int8(0)?, int8(1)?, multipliers))
        },
        Operation::SumPool2d(SumPool2d { input, window }) => {
            let sum = |sum: i32, x: i8| sum.wrapping_add(i32::from(x));
            let pool = elementwise::Pool { input: shape_of(input)?, window, output };
            Tensor::Int32(pool.run(lanes, int8(0)?, 0, sum))
        },
        Operation::MaxPool2d(MaxPool2d { input, window }) => {
            let pool = elementwise::Pool { input: shape_of(input)?, window, output };
            Tensor::Int8(pool.run(lanes, int8(0)?, i8::MIN, |max: i8, x| max.max(x)))
        },
        Operation::Requantize(Requantize { multipliers, shift, clamp, .. }) => {
            let accumulators = inputs[0].as_int32().ok_or(RunError::Operands)?;
            let requantization =
                elementwise::Requantization { multipliers, shift: *shift, clamp: *clamp };
            Tensor::Int8(requantization.run(lanes, accumulators, output.plane()))
        },
        Operation::Lookup(Lookup { table, .. }) => {
            Tensor::Int8(elementwise::lookup(int8(0)?, table))
        },
        Operation::Reshape(_) => Tensor::Int8(int8(0)?.to_vec()),
    })
}

/// A weight matrix in row-major order, with one bias per row.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    rows: usize,
    /// At least 1.
    columns: usize,
    weights: &'a [i8],
    bias: &'a [i32],
}

/// The weights and biases of an operation.
fn matrix<'a>(
    plan: &Plan,
    index: usize,
    parameters: Option<&'a Parameters>,
) -> Result<Matrix<'a>, RunError> {
    let (shape, parameters) = plan.parameters(index).zip(parameters).ok_or(RunError::Operands)?;
    let ParameterShape { channels, fan_in, .. } = shape;
    if parameters.weights.len() != shape.weights() || parameters.bias.len() != channels {
        return Err(RunError::Operands);
    }
    let Parameters { weights, bias } = parameters;
    Ok(Matrix { rows: channels, columns: fan_in, weights, bias })
}

/// Whether to share this amount of work, in products, among threads.
fn shared(work: usize) -> bool {
    work >= SHARED_WORK && rayon::current_num_threads() > 1
}

/// Fills a list that consists of units of `unit` elements. `fill` receives slices of whole units
/// and the index of their first unit. `work` is the work of the whole list, in products.
fn fill<T: Clone + Default + Send>(
    length: usize,
    unit: usize,
    work: usize,
    fill: impl Fn(usize, &mut [T]) + Sync,
) -> alloc::vec::Vec<T> {
    let mut list = vec![T::default(); length];
    if shared(work) {
        let units = (length / unit).div_ceil(work / TASK_WORK).max(1);
        let pieces = list.par_chunks_mut(units * unit).enumerate();
        pieces.for_each(|(piece, list)| fill(piece * units, list));
    } else {
        fill(0, &mut list);
    }
    list
}
