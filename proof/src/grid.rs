//! How the elements of a tensor lie in a committed column.
//!
//! Each axis is padded to a power of two, so that the column's multilinear extension has
//! coordinates of its own for channels, rows and columns, and windows are products of two
//! one-dimensional maps.

use crate::{
    field::{eq_table, int, prefix_moments, EF},
    pcs::MIN_VARS,
};
use assay_graph::Shape;
use p3_field::PrimeCharacteristicRing;

/// One axis of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Axis {
    /// Number of elements.
    pub length: usize,
    /// log2 of the padded length.
    pub vars: usize,
}

/// Channels, rows and columns of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Grid {
    /// In the order of the elements: the last axis varies fastest.
    pub axes: [Axis; 3],
}

/// log2 of the next power of two.
pub(crate) fn padded_vars(length: usize) -> usize {
    length.next_power_of_two().ilog2() as usize
}

impl Grid {
    pub fn new(shape: Shape) -> Self {
        let axis =
            |length: u32| Axis { length: length as usize, vars: padded_vars(length as usize) };
        let mut axes = [axis(shape.channels), axis(shape.height), axis(shape.width)];
        let vars: usize = axes.iter().map(|axis| axis.vars).sum();
        axes[0].vars += MIN_VARS.saturating_sub(vars);
        Self { axes }
    }

    /// log2 of the number of cells.
    pub fn vars(&self) -> usize {
        self.axes.iter().map(|axis| axis.vars).sum()
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.axes.iter().map(|axis| axis.length).product()
    }

    /// Elements of one channel.
    #[cfg(feature = "prover")]
    pub fn plane(&self) -> usize {
        self.axes[1].length * self.axes[2].length
    }

    /// Whether element `i` lies in cell `i`.
    fn is_flat(&self) -> bool {
        self.axes[1..].iter().all(|axis| axis.length == 1 << axis.vars)
    }

    /// Whether elements that lie as in `self` lie as in `other`.
    pub fn lies_as(&self, other: &Self) -> bool {
        self == other || self.is_flat() && other.is_flat() && self.vars() == other.vars()
    }

    /// The cell of each element, ascending.
    pub fn cells(&self) -> impl Iterator<Item = usize> {
        let [channels, rows, columns] = self.axes;
        (0..channels.length).flat_map(move |channel| {
            (0..rows.length).flat_map(move |row| {
                let first = ((channel << rows.vars) + row) << columns.vars;
                first..first + columns.length
            })
        })
    }

    /// The coordinates of each axis.
    pub fn split<'a>(&self, point: &'a [EF]) -> [&'a [EF]; 3] {
        let (channels, place) = point.split_at(self.axes[0].vars);
        let (row, column) = place.split_at(self.axes[1].vars);
        [channels, row, column]
    }

    /// Multilinear extension of what is 1 in every element's cell and 0 in the padding.
    pub fn indicator(&self, point: &[EF]) -> EF {
        let counts = self.axes.iter().zip(self.split(point));
        counts.map(|(axis, point)| prefix_moments(point, axis.length).0).product()
    }

    /// The same for rows and columns alone.
    pub fn plane_indicator(&self, point: &[EF]) -> EF {
        let counts = self.axes.iter().zip(self.split(point)).skip(1);
        counts.map(|(axis, point)| prefix_moments(point, axis.length).0).product()
    }

    /// Multilinear extension of integers in the elements' cells and zeros in the padding.
    pub fn extend(&self, values: impl Iterator<Item = i64>, point: &[EF]) -> EF {
        // By halves of the index: two small tables, and one product for each run of low halves.
        let (high, low) = point.split_at(point.len() / 2);
        let (high_eq, low_eq) = (eq_table(high), eq_table(low));
        let (mut sum, mut run, mut place) = (EF::ZERO, EF::ZERO, 0);
        for (cell, value) in self.cells().zip(values) {
            if cell >> low.len() != place {
                sum += run * high_eq[place];
                (run, place) = (EF::ZERO, cell >> low.len());
            }
            run += low_eq[cell & ((1 << low.len()) - 1)] * int(value);
        }
        sum + run * high_eq[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::F;
    use alloc::vec::Vec;

    fn point(vars: usize) -> Vec<EF> {
        (0..vars as u64).map(|k| EF::from(F::from_u64(3 + 7 * k * k))).collect()
    }

    #[test]
    fn extensions_are_sums_over_the_cells() {
        for shape in [Shape::vector(1), Shape::vector(37), Shape::new(3, 5, 6), Shape::new(2, 1, 9)]
        {
            let grid = Grid::new(shape);
            let point = point(grid.vars());
            let eq = eq_table(&point);
            let cells: Vec<usize> = grid.cells().collect();
            assert_eq!(cells.len(), grid.elements());
            assert!(cells.is_sorted() && cells.iter().all(|cell| cell >> grid.vars() == 0));
            let values = |i: usize| (i * i) as i64 - 50;
            let sum: EF = cells.iter().enumerate().map(|(i, c)| eq[*c] * int(values(i))).sum();
            assert_eq!(grid.extend((0..cells.len()).map(values), &point), sum);
            assert_eq!(grid.indicator(&point), cells.iter().map(|c| eq[*c]).sum());
        }
    }

    #[test]
    fn grids_without_inner_padding_are_interchangeable() {
        let grid = |c, h, w| Grid::new(Shape::new(c, h, w));
        assert!(grid(24, 1, 1).lies_as(&grid(3, 2, 4)));
        assert!(!grid(24, 1, 1).lies_as(&grid(2, 3, 4)));
        assert!(grid(2, 3, 4).lies_as(&grid(2, 3, 4)));
        assert!(!grid(2, 3, 4).lies_as(&grid(4, 3, 2)));
    }
}
