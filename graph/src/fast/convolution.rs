//! Convolutions.
//!
//! The windows of sixteen positions are copied into a panel (im2col). Each row of the panel holds,
//! for two elements of the kernel, both inputs of each position side by side. A pair of weights
//! multiplies all sixteen pairs at once, so the sums are in the order of the output.

use super::{
    dense::{Multiply, Padded},
    lanes::{pair, Kernel, Lanes, Pair},
    shared, Matrix, TASK_WORK,
};
use crate::{
    format::{Shape, Window},
    window::segments,
};
use alloc::{vec, vec::Vec};
use core::ops::Range;
use rayon::prelude::*;

/// Number of positions of a panel, in two halves of one vector each.
const POSITIONS: usize = 16;
/// Number of channels computed together, so that each part of a panel is loaded once for all of
/// them.
const CHANNELS: usize = 4;
/// Minimum number of positions for panels. With fewer, most of a panel would be unused.
const MIN_POSITIONS: usize = 5;
/// Maximum number of elements of the padded input. Large kernels with large strides can have far
/// more padding than input.
const MAX_PADDED: usize = 1 << 22;
/// Number of elements after the end that may be read and are not used.
const SLACK: usize = POSITIONS;

/// The inputs of sixteen positions for two elements of the kernel.
type PanelRow = [[Pair; POSITIONS / 2]; 2];

/// A convolution with its shapes and parameters.
pub(super) struct Convolution<'a> {
    pub input_shape: Shape,
    pub window: &'a Window,
    pub output: Shape,
    /// At least 1.
    pub groups: usize,
    pub matrix: Matrix<'a>,
}

/// Some positions of all output channels of a group.
struct Task<'a> {
    group: usize,
    positions: Range<usize>,
    /// For each channel, its accumulators at the positions.
    output: Vec<&'a mut [i32]>,
}

impl Convolution<'_> {
    pub(super) fn run(&self, lanes: impl Lanes, input: &[i8]) -> Vec<i32> {
        match self.panels(lanes, input) {
            Some(panels) => self.tasks(|task| panels.multiply(lanes, task)),
            None => self.tasks(|task| self.multiply_windows(lanes, input, task)),
        }
    }

    /// Number of output channels of a group.
    fn channels(&self) -> usize {
        self.matrix.rows / self.groups
    }

    /// Computes all accumulators by calling `compute` for each task.
    fn tasks(&self, compute: impl Fn(Task<'_>) + Send + Sync) -> Vec<i32> {
        let (plane, channels) = (self.output.plane(), self.channels());
        let work = self.matrix.weights.len().saturating_mul(plane);
        let shared = shared(work);
        let length = if shared {
            TASK_WORK.div_ceil(channels * self.matrix.columns).next_multiple_of(POSITIONS)
        } else {
            plane
        };
        let mut output = vec![0; self.matrix.rows * plane];
        let mut tasks = Vec::new();
        for (group, output) in output.chunks_exact_mut(channels * plane).enumerate() {
            let first_task = tasks.len();
            tasks.extend((0..plane).step_by(length).map(|first| Task {
                group,
                positions: first..plane.min(first + length),
                output: Vec::with_capacity(channels),
            }));
            for channel in output.chunks_exact_mut(plane) {
                for (task, part) in tasks[first_task..].iter_mut().zip(channel.chunks_mut(length)) {
                    task.output.push(part);
                }
            }
        }
        if shared {
            let at_a_time = (tasks.len() / (work / TASK_WORK)).max(1);
            tasks.into_par_iter().with_min_len(at_a_time).for_each(compute);
        } else {
            tasks.into_iter().for_each(compute);
        }
        output
    }

    /// Computes each position separately: its window is a vector, which the weights of the group
    /// multiply.
    fn multiply_windows(&self, lanes: impl Lanes, input: &[i8], task: Task<'_>) {
        let Task { group, positions, mut output } = task;
        let (plane, area) = (self.input_shape.plane(), self.window.kernel.area());
        let channels = self.input_shape.channels as usize / self.groups;
        let input = &input[group * channels * plane..(group + 1) * channels * plane];
        let matrix = self.matrix.part(group * self.channels(), self.channels());
        let width = self.output.width as usize;
        let mut sums = vec![0; matrix.rows];
        let mut vector: Padded = vec![[0; 16]; matrix.columns.div_ceil(16)];
        for (index, position) in positions.enumerate() {
            let elements = vector.as_flattened_mut();
            elements.fill(0);
            let (row, column) = (position / width, position % width);
            for segment in segments(self.input_shape, self.window, row, column) {
                for (channel, values) in input.chunks_exact(plane).enumerate() {
                    let elements = &mut elements[channel * area + segment.kernel..];
                    let values = &values[segment.input..segment.input + segment.length];
                    elements.iter_mut().zip(values).for_each(|(wide, x)| *wide = i16::from(*x));
                }
            }
            lanes.run(Multiply { vector: &vector, matrix, sums: &mut sums });
            for (output, sum) in output.iter_mut().zip(&sums) {
                output[index] = *sum;
            }
        }
    }

    /// Prepares the panels; `None` if windows are to be multiplied separately.
    fn panels(&self, lanes: impl Lanes, input: &[i8]) -> Option<Panels<'_>> {
        let Window { kernel, stride, padding } = *self.window;
        let shape = self.input_shape;
        let (height, width) = (shape.height as usize, shape.width as usize);
        let padded_height = height + usize::from(padding.top) + usize::from(padding.bottom);
        let padded_width = width + usize::from(padding.left) + usize::from(padding.right);
        let plane = padded_height.checked_mul(padded_width)?;
        let length = plane.checked_mul(shape.channels as usize)?;
        if self.output.plane() < MIN_POSITIONS || length > MAX_PADDED {
            return None;
        }
        let columns = self.matrix.columns.next_multiple_of(2);
        let (mut padded, mut weights) =
            (vec![0; length + SLACK], vec![0; self.matrix.rows * columns / 2]);
        lanes.run(Widen { convolution: self, input, padded: &mut padded, weights: &mut weights });
        let mut offsets = Vec::with_capacity(columns);
        for channel in 0..shape.channels as usize / self.groups {
            for row in 0..usize::from(kernel.height) {
                let first = channel * plane + row * padded_width;
                offsets.extend(first..first + usize::from(kernel.width));
            }
        }
        // The last offset is padding if the number of columns is odd; its weight is zero.
        offsets.resize(columns, 0);
        let group_length = plane * (shape.channels as usize / self.groups);
        let mut starts = Vec::with_capacity(self.output.plane());
        for row in 0..self.output.height as usize {
            let first = row * usize::from(stride.height) * padded_width;
            let columns = 0..self.output.width as usize;
            starts.extend(columns.map(|column| first + column * usize::from(stride.width)));
        }
        Some(Panels { convolution: self, padded, group_length, weights, offsets, starts })
    }
}

/// Copies the input into its padding, and the weights into rows of even length.
struct Widen<'a> {
    convolution: &'a Convolution<'a>,
    input: &'a [i8],
    padded: &'a mut [i16],
    weights: &'a mut [Pair],
}

impl Kernel for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: impl Lanes) {
        let Self { convolution, input, padded, weights } = self;
        let (shape, padding) = (convolution.input_shape, convolution.window.padding);
        let (height, width) = (shape.height as usize, shape.width as usize);
        let padded_width = width + usize::from(padding.left) + usize::from(padding.right);
        let padded_height = height + usize::from(padding.top) + usize::from(padding.bottom);
        let channels = padded.chunks_exact_mut(padded_height * padded_width);
        for (padded, values) in channels.zip(input.chunks_exact(height * width)) {
            let rows = padded.chunks_exact_mut(padded_width).skip(padding.top.into());
            for (row, values) in rows.zip(values.chunks_exact(width)) {
                let row = &mut row[padding.left.into()..][..width];
                for (wide, x) in row.iter_mut().zip(values) {
                    *wide = i16::from(*x);
                }
            }
        }
        let columns = convolution.matrix.columns;
        let rows = weights.chunks_exact_mut(columns.div_ceil(2));
        for (row, weights) in rows.zip(convolution.matrix.weights.chunks_exact(columns)) {
            let (pairs, last) = weights.as_chunks::<2>();
            for (row, [first, second]) in row.iter_mut().zip(pairs) {
                *row = pair(i16::from(*first), i16::from(*second));
            }
            if let ([last], Some(row)) = (last, row.last_mut()) {
                *row = pair(i16::from(*last), 0);
            }
        }
    }
}

/// The data from which panels are built.
struct Panels<'a> {
    convolution: &'a Convolution<'a>,
    /// The padded input, by channel, followed by [`SLACK`] elements.
    padded: Vec<i16>,
    /// Number of padded elements of a group.
    group_length: usize,
    /// Rows of pairs of weights.
    weights: Vec<Pair>,
    /// Offsets of the kernel's elements from the start of a window; their number is even.
    offsets: Vec<usize>,
    /// Offset of the window at each position, in a padded channel.
    starts: Vec<usize>,
}

impl Panels<'_> {
    fn multiply(&self, lanes: impl Lanes, task: Task<'_>) {
        let Task { group, positions, mut output } = task;
        let channels = output.len();
        let pairs = self.offsets.len() / 2;
        let input = &self.padded[group * self.group_length..];
        let weights = &self.weights[group * channels * pairs..][..channels * pairs];
        let bias = &self.convolution.matrix.bias[group * channels..][..channels];
        let mut panel = vec![[[0; POSITIONS / 2]; 2]; pairs];
        for (block, windows) in self.starts[positions].chunks(POSITIONS).enumerate() {
            let mut starts = [windows[0]; POSITIONS];
            starts[..windows.len()].copy_from_slice(windows);
            let positions = block * POSITIONS..block * POSITIONS + windows.len();
            let (offsets, panel, output) = (&self.offsets, &mut panel, &mut output);
            lanes.run(Block { input, starts, offsets, panel, weights, bias, output, positions });
        }
    }
}

/// All channels of a group at the positions of one panel.
struct Block<'a, 'b> {
    /// The padded input from the group's first element.
    input: &'a [i16],
    /// Offsets of the windows.
    starts: [usize; POSITIONS],
    offsets: &'a [usize],
    panel: &'a mut [PanelRow],
    /// Weights of the group.
    weights: &'a [Pair],
    bias: &'a [i32],
    output: &'a mut [&'b mut [i32]],
    /// Range of the positions in each channel of the output.
    positions: Range<usize>,
}

impl Kernel for Block<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self, lanes: impl Lanes) {
        let Self { input, starts, offsets, panel, weights, bias, output, positions } = self;
        let (offsets, _) = offsets.as_chunks();
        let (halves, _) = starts.as_chunks();
        fill::<0>(input, &halves[0], offsets, panel);
        fill::<1>(input, &halves[1], offsets, panel);
        let (output, rest) = output.as_chunks_mut::<CHANNELS>();
        let (biases, rest_bias) = bias.as_chunks();
        let (weights, rest_weights) = weights.split_at(output.len() * CHANNELS * panel.len());
        let weights = weights.chunks_exact(CHANNELS * panel.len());
        for ((output, weights), bias) in output.iter_mut().zip(weights).zip(biases) {
            multiply(lanes, panel, weights, bias, output, &positions);
        }
        let weights = rest_weights.chunks_exact(panel.len());
        for ((output, weights), bias) in rest.iter_mut().zip(weights).zip(rest_bias) {
            multiply(lanes, panel, weights, &[*bias], core::array::from_mut(output), &positions);
        }
    }
}

/// Copies the elements of eight windows into one half of the panel. `starts` are the windows'
/// offsets.
#[inline(always)]
fn fill<const HALF: usize>(
    input: &[i16],
    starts: &[usize; 8],
    offsets: &[[usize; 2]],
    panel: &mut [PanelRow],
) {
    let distance = starts[1].wrapping_sub(starts[0]);
    let mut even = true;
    for i in 1..8 {
        even &= starts[i].wrapping_sub(starts[i - 1]) == distance;
    }
    match distance {
        1 if even => {
            for (row, [first, second]) in panel.iter_mut().zip(offsets) {
                let first = &input[starts[0] + first..][..8];
                let second = &input[starts[0] + second..][..8];
                for i in 0..8 {
                    row[HALF][i] = pair(first[i], second[i]);
                }
            }
        },
        2 if even => {
            for (row, [first, second]) in panel.iter_mut().zip(offsets) {
                let first = &input[starts[0] + first..][..16];
                let second = &input[starts[0] + second..][..16];
                for i in 0..8 {
                    row[HALF][i] = pair(first[2 * i], second[2 * i]);
                }
            }
        },
        _ => {
            for (row, [first, second]) in panel.iter_mut().zip(offsets) {
                let (first, second) = (&input[*first..], &input[*second..]);
                for i in 0..8 {
                    row[HALF][i] = pair(first[starts[i]], second[starts[i]]);
                }
            }
        },
    }
}

/// Writes the products of a panel with `N` rows of weights, plus the biases.
#[inline(always)]
fn multiply<L: Lanes, const N: usize>(
    lanes: L,
    panel: &[PanelRow],
    weights: &[Pair],
    bias: &[i32; N],
    output: &mut [&mut [i32]; N],
    positions: &Range<usize>,
) {
    let mut rows = [&[][..]; N];
    for (i, row) in weights.chunks_exact(panel.len()).take(N).enumerate() {
        rows[i] = &row[..panel.len()];
    }
    let mut sums = [[lanes.zero(); 2]; N];
    for (i, [left, right]) in panel.iter().enumerate() {
        let (left, right) = (lanes.pairs(*left), lanes.pairs(*right));
        for n in 0..N {
            let weights = lanes.repeat(rows[n][i]);
            sums[n][0] = lanes.add_products(sums[n][0], left, weights);
            sums[n][1] = lanes.add_products(sums[n][1], right, weights);
        }
    }
    for n in 0..N {
        let mut values = [0; POSITIONS];
        let (left, right) = values.split_at_mut(POSITIONS / 2);
        left.copy_from_slice(&lanes.values(sums[n][0]));
        right.copy_from_slice(&lanes.values(sums[n][1]));
        for value in &mut values {
            *value = value.wrapping_add(bias[n]);
        }
        let output = &mut output[n][positions.clone()];
        match output.first_chunk_mut() {
            Some(output) => *output = values,
            None => output.copy_from_slice(&values[..output.len()]),
        }
    }
}
