//! The fast path: what the [reference interpreter](crate::interpret) computes, bit for bit, in a
//! form that compilers vectorise and threads share.
//!
//! Sums are taken modulo 2^32, in whatever order is quickest. That is exact, because a checked
//! graph has no sum outside int32. Convolutions copy the windows of a block of positions into
//! the rows of a matrix (im2col) and multiply it with the weights; operands are widened to 16
//! bits, of which one instruction multiplies and adds eight or more.

use crate::{
    check::{multiplier, CheckedGraph},
    format::{Operation, Parameters, Shape, Window},
    interpret::{check_operands, operation, trace_with, RunError, Trace},
    plan::{ParameterShape, Plan},
    requantize::{requantize, Multiplier},
    tensor::Tensor,
    window::segments,
};
use alloc::{vec, vec::Vec};
use rayon::prelude::*;

/// Values in a block of an im2col matrix: 256 KiB, so that it stays in a core's cache.
const BLOCK_VALUES: usize = 1 << 17;
/// Most positions in a block. There are enough blocks for all threads then.
const BLOCK_POSITIONS: usize = 128;
/// Elements that a thread takes at a time in cheap operations.
const CHUNK: usize = 1 << 14;
/// Rows of a dense layer that a thread takes at a time.
const CHUNK_ROWS: usize = 16;
/// Rows of matrices are padded with zeros to a multiple of this, a vector's width.
const LANES: usize = 16;

/// [`interpret::run`](crate::interpret::run), fast.
pub fn run(graph: &CheckedGraph, input: &[i8]) -> Result<Tensor, RunError> {
    let mut trace = trace(graph, input)?;
    trace.tensors.pop().ok_or(RunError::Operands)
}

/// [`interpret::trace`](crate::interpret::trace), fast.
pub fn trace(graph: &CheckedGraph, input: &[i8]) -> Result<Trace, RunError> {
    trace_with(graph, input, run_operation)
}

/// [`interpret::run_operation`](crate::interpret::run_operation), fast. The parameters have to be
/// those of a checked graph: sums that leave int32 are not noticed.
pub fn run_operation(
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
        Operation::Dense { .. } => {
            let (matrix, bias) = matrix(plan, index, parameters)?;
            Tensor::Int32(dense(int8(0)?, matrix, bias))
        },
        Operation::Conv2d { input, groups, window, .. } => {
            let (matrix, bias) = matrix(plan, index, parameters)?;
            let input_shape = shape_of(input)?;
            let convolution = Convolution { input_shape, window, output, groups: *groups as usize };
            Tensor::Int32(convolution.run(int8(0)?, matrix, bias))
        },
        Operation::Add { left_multiplier, right_multiplier, .. } => {
            let factors = (left_multiplier.get() as i32, right_multiplier.get() as i32);
            Tensor::Int32(
                int8(0)?
                    .par_iter()
                    .with_min_len(CHUNK)
                    .zip(int8(1)?)
                    .map(|(left, right)| {
                        let left = factors.0.wrapping_mul(i32::from(*left));
                        left.wrapping_add(factors.1.wrapping_mul(i32::from(*right)))
                    })
                    .collect(),
            )
        },
        Operation::SumPool2d { input, window } => Tensor::Int32(pool(
            int8(0)?,
            shape_of(input)?,
            window,
            output,
            0,
            |sum: i32, window| window.iter().fold(sum, |sum, x| sum.wrapping_add(i32::from(*x))),
        )),
        Operation::MaxPool2d { input, window } => Tensor::Int8(pool(
            int8(0)?,
            shape_of(input)?,
            window,
            output,
            i8::MIN,
            |max: i8, window| window.iter().fold(max, |max, x| max.max(*x)),
        )),
        Operation::Requantize { multipliers, shift, clamp, .. } => {
            let accumulators = inputs[0].as_int32().ok_or(RunError::Operands)?;
            let all = |chunk: &[i32], multiplier: Multiplier, out: &mut [i8]| {
                for (accumulator, y) in chunk.iter().zip(out) {
                    *y = requantize(*accumulator, multiplier, *shift, *clamp).output;
                }
            };
            let mut values = vec![0; accumulators.len()];
            if multipliers.len() == 1 {
                values
                    .par_chunks_mut(CHUNK)
                    .zip(accumulators.par_chunks(CHUNK))
                    .for_each(|(out, chunk)| all(chunk, multipliers[0], out));
            } else {
                values
                    .par_chunks_mut(output.plane())
                    .zip(accumulators.par_chunks(output.plane()))
                    .with_min_len(CHUNK.div_ceil(output.plane()))
                    .enumerate()
                    .for_each(|(channel, (out, chunk))| {
                        all(chunk, multiplier(multipliers, channel), out);
                    });
            }
            Tensor::Int8(values)
        },
        Operation::Lookup { table, .. } => Tensor::Int8(
            int8(0)?
                .par_iter()
                .with_min_len(CHUNK)
                .map(|x| table[usize::from((*x as u8) ^ 0x80)])
                .collect(),
        ),
        Operation::Reshape { .. } => Tensor::Int8(int8(0)?.to_vec()),
    })
}

/// A weight matrix by rows.
struct Matrix<'a> {
    shape: ParameterShape,
    weights: &'a [i8],
}

fn matrix<'a>(
    plan: &Plan,
    index: usize,
    parameters: Option<&'a Parameters>,
) -> Result<(Matrix<'a>, &'a [i32]), RunError> {
    let (shape, parameters) = plan.parameters(index).zip(parameters).ok_or(RunError::Operands)?;
    if parameters.weights.len() != shape.weights() || parameters.bias.len() != shape.channels {
        return Err(RunError::Operands);
    }
    Ok((Matrix { shape, weights: &parameters.weights }, &parameters.bias))
}

fn dense(input: &[i8], matrix: Matrix<'_>, bias: &[i32]) -> Vec<i32> {
    let input: Vec<i16> = input.iter().map(|x| i16::from(*x)).collect();
    matrix
        .weights
        .par_chunks_exact(matrix.shape.fan_in)
        .zip(bias)
        .with_min_len(CHUNK_ROWS)
        .map(|(row, bias)| {
            row.iter().zip(&input).fold(*bias, |sum, (w, x)| {
                sum.wrapping_add(i32::from(*w).wrapping_mul(i32::from(*x)))
            })
        })
        .collect()
}

struct Convolution<'a> {
    input_shape: Shape,
    window: &'a Window,
    output: Shape,
    groups: usize,
}

impl Convolution<'_> {
    fn run(&self, input: &[i8], matrix: Matrix<'_>, bias: &[i32]) -> Vec<i32> {
        let row = matrix.shape.fan_in.next_multiple_of(LANES);
        let weights = widen_rows(matrix.weights, matrix.shape.fan_in, row);
        let plane = self.output.plane();
        let block = (BLOCK_VALUES / row).clamp(1, BLOCK_POSITIONS).min(plane);
        let blocks = plane.div_ceil(block);
        let channels = matrix.shape.channels / self.groups;
        // Each task has the accumulators of one block in one group, channel by channel.
        let results: Vec<Vec<i32>> = (0..self.groups * blocks)
            .into_par_iter()
            .map(|task| {
                let (group, first) = (task / blocks, task % blocks * block);
                let windows = self.windows(input, group, first..plane.min(first + block), row);
                let rows = weights.chunks_exact(row).zip(bias);
                rows.skip(group * channels)
                    .take(channels)
                    .flat_map(|(weights, bias)| products(weights, &windows, row, *bias))
                    .collect()
            })
            .collect();
        let mut output = vec![0; matrix.shape.channels * plane];
        for (task, result) in results.iter().enumerate() {
            let (group, first) = (task / blocks, task % blocks * block);
            let positions = block.min(plane - first);
            for (channel, values) in result.chunks_exact(positions).enumerate() {
                let start = (group * channels + channel) * plane + first;
                output[start..start + positions].copy_from_slice(values);
            }
        }
        output
    }

    /// The windows at some positions in all channels of a group, one to a row.
    fn windows(
        &self,
        input: &[i8],
        group: usize,
        positions: core::ops::Range<usize>,
        row: usize,
    ) -> Vec<i16> {
        let (plane, area) = (self.input_shape.plane(), self.window.kernel.area());
        let channels = self.input_shape.channels as usize / self.groups;
        let input = &input[group * channels * plane..(group + 1) * channels * plane];
        let mut matrix = vec![0; positions.len() * row];
        for (position, out) in positions.zip(matrix.chunks_exact_mut(row)) {
            let (y, x) =
                (position / self.output.width as usize, position % self.output.width as usize);
            for segment in segments(self.input_shape, self.window, y, x) {
                for (channel, values) in input.chunks_exact(plane).enumerate() {
                    let first = channel * area + segment.kernel;
                    let out = &mut out[first..first + segment.length];
                    let values = &values[segment.input..segment.input + segment.length];
                    out.iter_mut().zip(values).for_each(|(out, x)| *out = i16::from(*x));
                }
            }
        }
        matrix
    }
}

/// Rows of `from` values as rows of `to`, with zeros at their ends.
fn widen_rows(values: &[i8], from: usize, to: usize) -> Vec<i16> {
    let mut rows = vec![0; values.len() / from * to];
    for (row, values) in rows.chunks_exact_mut(to).zip(values.chunks_exact(from)) {
        row.iter_mut().zip(values).for_each(|(wide, value)| *wide = i16::from(*value));
    }
    rows
}

/// The products of `weights` with each row of `matrix`, and `bias` added.
fn products(weights: &[i16], matrix: &[i16], row: usize, bias: i32) -> Vec<i32> {
    let mut products = Vec::with_capacity(matrix.len() / row);
    let mut fours = matrix.chunks_exact(4 * row);
    for four in &mut fours {
        products.extend(dot4(weights, four).map(|product| bias.wrapping_add(product)));
    }
    products.extend(fours.remainder().chunks_exact(row).map(|one| dot(weights, one, bias)));
    products
}

fn dot(a: &[i16], b: &[i16], start: i32) -> i32 {
    a.iter()
        .zip(b)
        .fold(start, |sum, (a, b)| sum.wrapping_add(i32::from(*a).wrapping_mul(i32::from(*b))))
}

/// Four products at once: each weight is loaded once. `rows` holds four rows.
fn dot4(weights: &[i16], rows: &[i16]) -> [i32; 4] {
    let length = weights.len();
    let (a, rows) = rows.split_at(length);
    let (b, rows) = rows.split_at(length);
    let (c, d) = rows.split_at(length);
    let d = &d[..length];
    let mut sums = [0i32; 4];
    for i in 0..length {
        let weight = i32::from(weights[i]);
        sums[0] = sums[0].wrapping_add(weight.wrapping_mul(i32::from(a[i])));
        sums[1] = sums[1].wrapping_add(weight.wrapping_mul(i32::from(b[i])));
        sums[2] = sums[2].wrapping_add(weight.wrapping_mul(i32::from(c[i])));
        sums[3] = sums[3].wrapping_add(weight.wrapping_mul(i32::from(d[i])));
    }
    sums
}

/// Folds each window of each channel.
fn pool<T: Copy + Send + Sync>(
    input: &[i8],
    shape: Shape,
    window: &Window,
    output: Shape,
    start: T,
    combine: impl Fn(T, &[i8]) -> T + Sync,
) -> Vec<T> {
    let mut values = vec![start; output.channels as usize * output.plane()];
    values
        .par_chunks_mut(output.plane())
        .zip(input.par_chunks(shape.plane()))
        .with_min_len(CHUNK.div_ceil(shape.plane()))
        .for_each(|(out, channel)| {
            for (position, value) in out.iter_mut().enumerate() {
                let (y, x) = (position / output.width as usize, position % output.width as usize);
                for segment in segments(shape, window, y, x) {
                    let elements = &channel[segment.input..segment.input + segment.length];
                    *value = combine(*value, elements);
                }
            }
        });
    values
}
