//! How the elements of a tensor lie in a committed column.
//!
//! Each axis is padded to a power of two, so that the column's multilinear extension has
//! coordinates of its own for channels, rows and columns, and windows are products of two
//! one-dimensional maps.

use crate::{
    field::{prefix_moments, IntegerSum, WideSum, EF},
    pcs::MIN_VARS,
};
use assay_graph::Shape;

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

    /// The cells of the elements, ascending, in runs of successive ones: rows, or all where nothing
    /// lies between.
    fn runs(&self) -> impl Iterator<Item = core::ops::Range<usize>> {
        let [channels, rows, columns] = self.axes;
        let (count, length) = match self.is_flat() {
            true => (1, self.elements()),
            false => (channels.length * rows.length, columns.length),
        };
        (0..count).map(move |run| {
            let (channel, row) = (run / rows.length, run % rows.length);
            let first = ((channel << rows.vars) + row) << columns.vars;
            first..first + length
        })
    }

    /// The cell of each element, ascending.
    pub fn cells(&self) -> impl Iterator<Item = usize> {
        self.runs().flatten()
    }

    /// The number of cells up to the last element's.
    pub fn span(&self) -> usize {
        let last = self.axes.iter().fold(0, |cell, axis| (cell << axis.vars) + axis.length - 1);
        last + 1
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

    /// Multilinear extension of int8 values, a byte each, in the elements' cells and zeros in the
    /// padding.
    pub fn extend_int8(&self, values: &[u8], point: &[EF]) -> EF {
        let mut sum = IntegerSum::new(point);
        self.cells().zip(values).for_each(|(cell, value)| sum.add(cell, (*value as i8).into()));
        sum.sum()
    }

    /// The same of int32 values, four bytes each, little-endian.
    pub fn extend_int32(&self, values: &[u8], point: &[EF]) -> EF {
        let mut sum = WideSum::new(point);
        for (cell, bytes) in self.cells().zip(values.as_chunks::<4>().0) {
            sum.add(cell, i32::from_le_bytes(*bytes));
        }
        sum.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{eq_table, int, F};
    use alloc::vec::Vec;
    use p3_field::PrimeCharacteristicRing;

    fn point(vars: usize) -> Vec<EF> {
        (0..vars as u64).map(|k| EF::from(F::from_u64(3 + 7 * k * k))).collect()
    }

    #[test]
    fn extensions_are_sums_over_the_cells() {
        for shape in [
            Shape::vector(1),
            Shape::vector(37),
            Shape::vector(3_000),
            Shape::new(3, 5, 6),
            Shape::new(2, 1, 9),
            Shape::new(5, 33, 17),
        ] {
            let grid = Grid::new(shape);
            let point = point(grid.vars());
            let eq = eq_table(&point);
            let cells: Vec<usize> = grid.cells().collect();
            assert_eq!(cells.len(), grid.elements());
            assert_eq!(cells.last().map(|cell| cell + 1), Some(grid.span()));
            assert!(cells.is_sorted() && cells.iter().all(|cell| cell >> grid.vars() == 0));
            let sum = |values: &dyn Fn(usize) -> i64| -> EF {
                cells.iter().enumerate().map(|(i, c)| eq[*c] * int(values(i))).sum()
            };
            let bytes: Vec<u8> = (0..cells.len()).map(|i| (i * 77 + 128) as u8).collect();
            let int8 = |i: usize| (bytes[i] as i8).into();
            assert_eq!(grid.extend_int8(&bytes, &point), sum(&int8));
            let int32 = |i: usize| [i32::MIN, i32::MAX, -1, 0x1234_5678][i % 4];
            let bytes: Vec<u8> = (0..cells.len()).flat_map(|i| int32(i).to_le_bytes()).collect();
            assert_eq!(grid.extend_int32(&bytes, &point), sum(&|i| int32(i).into()));
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
