//! Operations that are not sums of products: requantisation, addition, lookups, pooling.

use super::{
    fill,
    lanes::{Kernel, Lanes},
    ELEMENT_WORK,
};
use crate::{
    format::{Shape, Window},
    requantize::{Clamp, Multiplier, Shift},
};
use alloc::vec::Vec;

/// The parameters of a requantisation.
pub(super) struct Requantization<'a> {
    pub multipliers: &'a [Multiplier],
    pub shift: Shift,
    pub clamp: Clamp,
}

impl Requantization<'_> {
    /// Requantises channels of `plane` elements each.
    pub(super) fn run(&self, lanes: impl Lanes, accumulators: &[i32], plane: usize) -> Vec<i8> {
        match self.shift {
            Shift::Bits16 => self.shifted::<16>(lanes, accumulators, plane),
            Shift::Bits32 => self.shifted::<32>(lanes, accumulators, plane),
            Shift::Bits48 => self.shifted::<48>(lanes, accumulators, plane),
        }
    }

    fn shifted<const BITS: u32>(
        &self,
        lanes: impl Lanes,
        accumulators: &[i32],
        plane: usize,
    ) -> Vec<i8> {
        // With one multiplier for all, the tensor is one channel, which can be divided at any
        // element.
        let one = self.multipliers.len() == 1;
        let unit = if one { 1 } else { plane };
        fill(accumulators.len(), unit, accumulators.len() * ELEMENT_WORK, |first, output| {
            let accumulators = &accumulators[first * unit..][..output.len()];
            let plane = if one { output.len() } else { plane };
            let multipliers = &self.multipliers[if one { 0 } else { first }..];
            let clamp = self.clamp;
            lanes.run(Requantize::<BITS> { accumulators, plane, multipliers, clamp, output });
        })
    }
}

/// Requantises channel by channel, or element by element if each channel has one element.
struct Requantize<'a, const BITS: u32> {
    accumulators: &'a [i32],
    plane: usize,
    multipliers: &'a [Multiplier],
    clamp: Clamp,
    output: &'a mut [i8],
}

impl<const BITS: u32> Kernel for Requantize<'_, BITS> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: impl Lanes) {
        let Self { accumulators, plane, multipliers, clamp, output } = self;
        if plane == 1 {
            for ((y, x), multiplier) in output.iter_mut().zip(accumulators).zip(multipliers) {
                *y = requantize::<BITS>(*x, *multiplier, clamp);
            }
            return;
        }
        let channels = output.chunks_exact_mut(plane).zip(accumulators.chunks_exact(plane));
        for ((output, accumulators), multiplier) in channels.zip(multipliers) {
            for (y, x) in output.iter_mut().zip(accumulators) {
                *y = requantize::<BITS>(*x, *multiplier, clamp);
            }
        }
    }
}

/// [`requantize`](crate::requantize::requantize) for quotients of at most 32 bits, which holds in a
/// checked graph.
#[inline(always)]
fn requantize<const BITS: u32>(accumulator: i32, multiplier: Multiplier, clamp: Clamp) -> i8 {
    let product = i64::from(accumulator).wrapping_mul(i64::from(multiplier.get() as i32));
    let scaled = product.wrapping_add(1 << (BITS - 1));
    // Equivalent to a 64-bit shift, for which there is no vector instruction.
    let quotient = if BITS > 32 {
        ((scaled >> 32) as i32) >> BITS.saturating_sub(32)
    } else {
        (scaled >> BITS) as i32
    };
    quotient.max(i32::from(clamp.lo())).min(i32::from(clamp.hi())) as i8
}

/// The weighted sum of two tensors.
pub(super) fn add(
    lanes: impl Lanes,
    left: &[i8],
    right: &[i8],
    multipliers: (Multiplier, Multiplier),
) -> Vec<i32> {
    // Computed modulo 2^32. Exact, because the plan has checked that no sum leaves int32.
    let (a, b) = (multipliers.0.get() as i32, multipliers.1.get() as i32);
    fill(left.len(), 1, left.len() * ELEMENT_WORK, |first, output| {
        let (left, right) = (&left[first..][..output.len()], &right[first..][..output.len()]);
        lanes.run(Add { left: (a, left), right: (b, right), output });
    })
}

struct Add<'a> {
    left: (i32, &'a [i8]),
    right: (i32, &'a [i8]),
    output: &'a mut [i32],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: impl Lanes) {
        let Self { left: (a, left), right: (b, right), output } = self;
        for ((sum, left), right) in output.iter_mut().zip(left).zip(right) {
            let left = a.wrapping_mul(i32::from(*left));
            *sum = left.wrapping_add(b.wrapping_mul(i32::from(*right)));
        }
    }
}

/// Maps each element by the table.
pub(super) fn lookup(input: &[i8], table: &[i8; 256]) -> Vec<i8> {
    fill(input.len(), 1, input.len() * ELEMENT_WORK, |first, output| {
        for (y, x) in output.iter_mut().zip(&input[first..]) {
            *y = table[usize::from((*x as u8) ^ 0x80)];
        }
    })
}

/// Folds the windows of each channel.
#[derive(Clone, Copy)]
pub(super) struct Pool<'a> {
    pub input: Shape,
    pub window: &'a Window,
    pub output: Shape,
}

/// A column of the kernel that reads at least one input.
struct Column {
    /// The outputs of a row for which the column reads an input; not empty.
    outputs: core::ops::Range<usize>,
    /// The index, within its row, of the input for the first of these outputs.
    input: usize,
}

impl Pool<'_> {
    pub(super) fn run<T: Copy + Default + Send + Sync>(
        &self,
        lanes: impl Lanes,
        input: &[i8],
        start: T,
        combine: impl Fn(T, i8) -> T + Copy + Sync,
    ) -> Vec<T> {
        let (plane, output_plane) = (self.input.plane(), self.output.plane());
        let length = self.output.channels as usize * output_plane;
        let columns: &[Column] = &self.columns().collect::<Vec<_>>();
        let work = length.saturating_mul(self.window.kernel.area() * ELEMENT_WORK);
        fill(length, output_plane, work, |first, output| {
            let input = &input[first * plane..];
            output.fill(start);
            lanes.run(PoolChannels { pool: *self, columns, input, output, combine });
        })
    }

    fn columns(&self) -> impl Iterator<Item = Column> + '_ {
        let (width, outputs) = (self.input.width as usize, self.output.width as usize);
        let (stride, left) =
            (usize::from(self.window.stride.width), usize::from(self.window.padding.left));
        (0..usize::from(self.window.kernel.width)).filter_map(move |column| {
            let first = left.saturating_sub(column).div_ceil(stride);
            // Outputs `x` whose `x·stride + column - left` is below the width.
            let end = (width + left).saturating_sub(column).div_ceil(stride).min(outputs);
            let input = (first * stride + column).saturating_sub(left);
            (first < end).then_some(Column { outputs: first..end, input })
        })
    }
}

struct PoolChannels<'a, T, F> {
    pool: Pool<'a>,
    columns: &'a [Column],
    input: &'a [i8],
    output: &'a mut [T],
    combine: F,
}

impl<T: Copy, F: Fn(T, i8) -> T> Kernel for PoolChannels<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: impl Lanes) {
        let inputs = self.input.chunks_exact(self.pool.input.plane());
        let Window { kernel, stride, padding } = *self.pool.window;
        let width = self.pool.input.width as usize;
        for (output, input) in self.output.chunks_exact_mut(self.pool.output.plane()).zip(inputs) {
            let rows = output.chunks_exact_mut(self.pool.output.width as usize);
            for (y, output) in rows.enumerate() {
                let top = y * usize::from(stride.height);
                for row in top..top + usize::from(kernel.height) {
                    let Some(row) = row.checked_sub(padding.top.into()) else { continue };
                    let Some(row) = input.get(row * width..(row + 1) * width) else { break };
                    for Column { outputs, input } in self.columns {
                        let (output, row) = (&mut output[outputs.clone()], &row[*input..]);
                        match stride.width {
                            1 => fold::<T, 1>(output, row, 1, &self.combine),
                            2 => fold::<T, 2>(output, row, 2, &self.combine),
                            step => fold::<T, 0>(output, row, step.into(), &self.combine),
                        }
                    }
                }
            }
        }
    }
}

/// Combines each value with every `step`-th input. `STEP` is `step`, or 0 if it is not known at
/// compile time.
#[inline(always)]
fn fold<T: Copy, const STEP: usize>(
    values: &mut [T],
    inputs: &[i8],
    step: usize,
    combine: &impl Fn(T, i8) -> T,
) {
    let step = if STEP == 0 { step } else { STEP };
    let Some(last) = values.len().checked_sub(1) else { return };
    let inputs = &inputs[..last * step + 1];
    for (i, value) in values.iter_mut().enumerate() {
        *value = combine(*value, inputs[i * step]);
    }
}
