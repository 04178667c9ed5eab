//! The map from the windows of a convolution or pooling to the elements that they read.
//!
//! Position `(u, v)` of the window at output `(y, x)` reads row `y·s + u - top` and column
//! `x·s + v - left` of a channel of the input. Rows and columns are independent. For points `ρ` of
//! the output and `τ` of the input, the extension of "(y, x) reads (y', x') at position (u, v)" is
//! therefore a product of two sums, with as many terms as the output has rows and columns. The
//! verifier evaluates it directly.

use crate::{
    field::{eq_table, EF},
    grid::Grid,
};
#[cfg(feature = "prover")]
use alloc::vec;
use alloc::vec::Vec;
use assay_graph::Window;
#[cfg(feature = "prover")]
use p3_field::PrimeCharacteristicRing;

/// The map of a window along one axis.
#[derive(Clone, Copy)]
struct Line {
    kernel: usize,
    stride: usize,
    before: usize,
    inputs: usize,
    outputs: usize,
}

impl Line {
    fn new(window: &Window, input: &Grid, output: &Grid, axis: usize) -> Self {
        let (kernel, stride, before) = if axis == 1 {
            (window.kernel.height, window.stride.height, window.padding.top)
        } else {
            (window.kernel.width, window.stride.width, window.padding.left)
        };
        Self {
            kernel: kernel.into(),
            stride: stride.into(),
            before: before.into(),
            inputs: input.axes[axis].length,
            outputs: output.axes[axis].length,
        }
    }

    /// Pairs of output and input index that a position connects, without those in the padding.
    fn pairs(self, position: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..self.outputs).filter_map(move |output| {
            let input = (output * self.stride + position).checked_sub(self.before)?;
            (input < self.inputs).then_some((output, input))
        })
    }
}

/// The windows' reads, weighted with `eq` of a point of the output.
pub(crate) struct Wiring<'a> {
    lines: [Line; 2],
    input: &'a Grid,
    /// `eq` of the output point, for rows and for columns.
    output_eq: [Vec<EF>; 2],
}

impl<'a> Wiring<'a> {
    /// Weights the reads with `eq(point, ·)` over the rows and columns of the output.
    pub fn new(window: &Window, input: &'a Grid, output: &Grid, point: &[EF]) -> Self {
        let [_, row, column] = output.split(point);
        Self {
            lines: [1, 2].map(|axis| Line::new(window, input, output, axis)),
            input,
            output_eq: [eq_table(row), eq_table(column)],
        }
    }

    /// Number of positions of a window along rows and along columns.
    pub fn positions(&self) -> [usize; 2] {
        self.lines.map(|line| line.kernel)
    }

    /// For each position of the window, the sum of the output weights for which it reads an element
    /// rather than padding.
    pub fn covered(&self) -> Vec<EF> {
        let [rows, columns] = [0, 1].map(|axis| {
            let output_eq = &self.output_eq[axis];
            let line = self.lines[axis];
            (0..line.kernel)
                .map(|u| line.pairs(u).map(|(output, _)| output_eq[output]).sum::<EF>())
                .collect::<Vec<_>>()
        });
        rows.iter().flat_map(|&row| columns.iter().map(move |&column| row * column)).collect()
    }

    /// `Σ kernel(c, u, v) · "reads"` at a point of the input. `kernel` has one entry for each
    /// channel of the input and each position of the window.
    pub fn evaluate(&self, kernel: &[EF], point: &[EF]) -> EF {
        let [channel, row, column] = self.input.split(point);
        let [rows, columns] = [(0, row), (1, column)].map(|(axis, point)| {
            let (outputs, inputs, line) =
                (&self.output_eq[axis], eq_table(point), self.lines[axis]);
            (0..line.kernel)
                .map(|u| line.pairs(u).map(|(o, i)| outputs[o] * inputs[i]).sum::<EF>())
                .collect::<Vec<_>>()
        });
        let [_, width] = self.positions();
        let channels = eq_table(channel);
        let positions = kernel.chunks_exact(rows.len() * width);
        positions
            .zip(channels)
            .map(|(kernel, weight)| {
                let products = kernel.chunks_exact(width).zip(&rows).map(|(kernel, &row)| {
                    row * kernel.iter().zip(&columns).map(|(&k, &c)| k * c).sum::<EF>()
                });
                weight * products.sum::<EF>()
            })
            .sum()
    }
}

#[cfg(feature = "prover")]
impl Wiring<'_> {
    /// The function whose extension [`Self::evaluate`] evaluates, as a table over the cells of the
    /// input.
    pub fn table(&self, kernel: &[EF]) -> Vec<EF> {
        let [rows, columns] = self.lines;
        let [_, row_axis, column_axis] = self.input.axes;
        let mut table = vec![EF::ZERO; 1 << self.input.vars()];
        let size = 1 << (row_axis.vars + column_axis.vars);
        for (kernel, table) in
            kernel.chunks_exact(rows.kernel * columns.kernel).zip(table.chunks_exact_mut(size))
        {
            for (u, kernel) in kernel.chunks_exact(columns.kernel).enumerate() {
                let mut line = vec![EF::ZERO; columns.inputs];
                for (v, &weight) in kernel.iter().enumerate() {
                    for (output, input) in columns.pairs(v) {
                        line[input] += weight * self.output_eq[1][output];
                    }
                }
                for (output, input) in rows.pairs(u) {
                    let weight = self.output_eq[0][output];
                    let cells = &mut table[input << column_axis.vars..];
                    cells.iter_mut().zip(&line).for_each(|(cell, &x)| *cell += weight * x);
                }
            }
        }
        table
    }

    /// For each channel and each position of the window, the weighted sum of the elements that it
    /// reads. `cells` are those of the input.
    pub fn gather(&self, cells: &[crate::field::F]) -> Vec<EF> {
        let [rows, columns] = self.lines;
        let [channels, row_axis, column_axis] = self.input.axes;
        let size = 1 << (row_axis.vars + column_axis.vars);
        let mut gathered = Vec::with_capacity(channels.length * rows.kernel * columns.kernel);
        for cells in cells.chunks_exact(size).take(channels.length) {
            // Each row of the input, summed for each column of the window.
            let row_sums: Vec<EF> = (0..rows.inputs)
                .flat_map(|row| {
                    let cells = &cells[row << column_axis.vars..];
                    (0..columns.kernel).map(move |v| {
                        columns.pairs(v).map(|(o, i)| self.output_eq[1][o] * cells[i]).sum::<EF>()
                    })
                })
                .collect();
            for u in 0..rows.kernel {
                for v in 0..columns.kernel {
                    let sum = rows
                        .pairs(u)
                        .map(|(o, i)| self.output_eq[0][o] * row_sums[i * columns.kernel + v])
                        .sum::<EF>();
                    gathered.push(sum);
                }
            }
        }
        gathered
    }
}

#[cfg(all(test, feature = "prover"))]
mod tests {
    use super::*;
    use crate::field::{dot, F};
    use assay_graph::{Extent, Padding, Shape};

    fn point(vars: usize, seed: u64) -> Vec<EF> {
        (0..vars as u64).map(|k| EF::from(F::from_u64(seed + 7 * k * k))).collect()
    }

    /// A window and grids that are asymmetric in every respect.
    fn case() -> (Window, Grid, Grid) {
        let window = Window {
            kernel: Extent { height: 3, width: 2 },
            stride: Extent { height: 2, width: 1 },
            padding: Padding { top: 1, left: 0, bottom: 2, right: 1 },
        };
        let input = Grid::new(Shape::new(3, 6, 5));
        (window, input, Grid::new(Shape::new(2, 4, 5)))
    }

    #[test]
    fn evaluation_table_and_gathering_agree_with_the_definition() {
        let (window, input, output) = case();
        let output_point = point(output.vars(), 5);
        let wiring = Wiring::new(&window, &input, &output, &output_point);
        let kernel: Vec<EF> =
            (0..3 * 3 * 2u64).map(|k| EF::from(F::from_u64(11 + k * k * k))).collect();
        let cells: Vec<F> = (0..1u64 << input.vars()).map(|k| F::from_u64(k * k + 1)).collect();

        let [_, row, column] = output.split(&output_point).map(eq_table);
        let mut expected = vec![EF::ZERO; cells.len()];
        for (index, &weight) in kernel.iter().enumerate() {
            let (c, u, v) = (index / 6, index / 2 % 3, index % 2);
            for (y, x) in (0..4).flat_map(|y| (0..5).map(move |x| (y, x))) {
                let (Some(i), j) = ((2 * y + u).checked_sub(1), x + v) else { continue };
                if i < 6 && j < 5 {
                    expected[(c << 6) + (i << 3) + j] += weight * row[y] * column[x];
                }
            }
        }
        assert_eq!(wiring.table(&kernel), expected);
        let end = point(input.vars(), 23);
        let at_end: EF = eq_table(&end).iter().zip(&expected).map(|(&a, &b)| a * b).sum();
        assert_eq!(wiring.evaluate(&kernel, &end), at_end);
        let gathered: EF = wiring.gather(&cells).iter().zip(&kernel).map(|(&a, &b)| a * b).sum();
        assert_eq!(gathered, dot(&expected, &cells));
    }

    #[test]
    fn positions_that_read_the_padding_are_not_covered() {
        let (window, input, output) = case();
        let output_point = point(output.vars(), 5);
        let covered = Wiring::new(&window, &input, &output, &output_point).covered();
        let [_, row, column] = output.split(&output_point).map(eq_table);
        let all = |eq: &[EF], count| eq[..count].iter().copied().sum::<EF>();
        assert_eq!(covered.len(), 6);
        // The first row of the first window lies above the image, the second row of the last window
        // below it, and its last column to the right of it.
        assert_eq!(covered[0], (all(&row, 4) - row[0]) * all(&column, 5));
        assert_eq!(covered[3], all(&row, 3) * all(&column, 4));
    }
}
