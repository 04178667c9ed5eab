//! Layout of a tensor's elements in a committed column.
//!
//! Each axis is padded to a power of two. The column's multilinear extension then has separate
//! coordinates for channels, rows and columns, and the map of a window is the product of two
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

/// The axes of a tensor: channels, rows and columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Grid {
    /// In the order of the elements; the last axis varies fastest.
    pub axes: [Axis; 3],
}

/// Log2 of `length` rounded up to a power of two.
pub(crate) fn padded_vars(length: usize) -> usize {
    length.next_power_of_two().ilog2() as usize
}

impl Grid {
    /// The layout of a shape, with at least `2^MIN_VARS` cells.
    pub fn new(shape: Shape) -> Self {
        let axis =
            |length: u32| Axis { length: length as usize, vars: padded_vars(length as usize) };
        let mut axes = [axis(shape.channels), axis(shape.height), axis(shape.width)];
        let vars: usize = axes.iter().map(|axis| axis.vars).sum();
        axes[0].vars += MIN_VARS.saturating_sub(vars);
        Self { axes }
    }

    /// Log2 of the number of cells.
    pub fn vars(&self) -> usize {
        self.axes.iter().map(|axis| axis.vars).sum()
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.axes.iter().map(|axis| axis.length).product()
    }

    /// Number of elements of one channel.
    #[cfg(feature = "prover")]
    pub fn plane(&self) -> usize {
        self.axes[1].length * self.axes[2].length
    }

    /// Whether element `i` lies in cell `i` for every `i`.
    fn is_flat(&self) -> bool {
        self.axes[1..].iter().all(|axis| axis.length == 1 << axis.vars)
    }

    /// Whether both layouts put element `i` into the same cell, for every `i`.
    pub fn has_same_layout_as(&self, other: &Self) -> bool {
        self == other || self.is_flat() && other.is_flat() && self.vars() == other.vars()
    }

    /// The cells of the elements in ascending order, as ranges of consecutive cells: one per row,
    /// or a single one if there is no padding between elements.
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

    /// The cell of each element, in ascending order.
    pub fn cells(&self) -> impl Iterator<Item = usize> {
        self.runs().flatten()
    }

    /// Number of cells up to and including the last element's.
    pub fn span(&self) -> usize {
        let last = self.axes.iter().fold(0, |cell, axis| (cell << axis.vars) + axis.length - 1);
        last + 1
    }

    /// The coordinates of a point that belong to each axis.
    pub fn split<'a>(&self, point: &'a [EF]) -> [&'a [EF]; 3] {
        let (channels, plane) = point.split_at(self.axes[0].vars);
        let (row, column) = plane.split_at(self.axes[1].vars);
        [channels, row, column]
    }

    /// Multilinear extension of the function that is 1 in the cells of elements and 0 in the
    /// padding.
    pub fn indicator(&self, point: &[EF]) -> EF {
        let counts = self.axes.iter().zip(self.split(point));
        counts.map(|(axis, point)| prefix_moments(point, axis.length).0).product()
    }

    /// Like [`Self::indicator`], but for rows and columns only.
    pub fn plane_indicator(&self, point: &[EF]) -> EF {
        let counts = self.axes.iter().zip(self.split(point)).skip(1);
        counts.map(|(axis, point)| prefix_moments(point, axis.length).0).product()
    }

    /// Multilinear extension of int8 values, one byte each, with zeros in the padding.
    pub fn extend_int8(&self, values: &[u8], point: &[EF]) -> EF {
        let mut sum = IntegerSum::new(point);
        self.cells().zip(values).for_each(|(cell, value)| sum.add(cell, (*value as i8).into()));
        sum.sum()
    }

    /// Multilinear extension of int32 values, four bytes each, little-endian, with zeros in the
    /// padding.
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
        assert!(grid(24, 1, 1).has_same_layout_as(&grid(3, 2, 4)));
        assert!(!grid(24, 1, 1).has_same_layout_as(&grid(2, 3, 4)));
        assert!(grid(2, 3, 4).has_same_layout_as(&grid(2, 3, 4)));
        assert!(!grid(2, 3, 4).has_same_layout_as(&grid(4, 3, 2)));
    }
}
