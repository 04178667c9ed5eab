//! Products of a matrix and a vector.

use super::{
    fill,
    lanes::{widen, Kernel, Lanes},
    Matrix,
};
use alloc::vec::Vec;

/// Number of rows multiplied together, so that each part of the vector is loaded once for all of
/// them.
const ROWS: usize = 4;

/// A vector, padded with zeros.
pub(super) type Padded = Vec<[i16; 16]>;

/// The product of the matrix and the input, plus the bias.
pub(super) fn run(lanes: impl Lanes, input: &[i8], matrix: Matrix<'_>) -> Vec<i32> {
    let vector = lanes.run(Widen(input));
    fill(matrix.rows, 1, matrix.weights.len(), |first, sums| {
        lanes.run(Multiply { vector: &vector, matrix: matrix.part(first, sums.len()), sums });
    })
}

struct Widen<'a>(&'a [i8]);

impl Kernel for Widen<'_> {
    type Output = Padded;

    #[inline(always)]
    fn run(self, _: impl Lanes) -> Padded {
        let (parts, rest) = self.0.as_chunks::<16>();
        let mut vector = Vec::with_capacity(parts.len() + 1);
        vector.extend(parts.iter().map(|part| widen(*part)));
        if !rest.is_empty() {
            vector.push(widen(padded(rest)));
        }
        vector
    }
}

impl<'a> Matrix<'a> {
    /// The matrix of `rows` rows, starting with row `first`.
    pub(super) fn part(self, first: usize, rows: usize) -> Self {
        let weights = &self.weights[first * self.columns..][..rows * self.columns];
        Self { rows, weights, bias: &self.bias[first..][..rows], ..self }
    }
}

/// Writes the product of the matrix and the vector, plus the bias, to `sums`.
pub(super) struct Multiply<'a> {
    pub vector: &'a [[i16; 16]],
    pub matrix: Matrix<'a>,
    /// One sum for each row.
    pub sums: &'a mut [i32],
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, lanes: impl Lanes) {
        let Self { vector, matrix, sums } = self;
        let columns = matrix.columns;
        let (blocks, rest) = sums.as_chunks_mut::<ROWS>();
        let (weights, rest_weights) = matrix.weights.split_at(blocks.len() * ROWS * columns);
        let (bias, rest_bias) = matrix.bias.as_chunks::<ROWS>();
        let weights = weights.chunks_exact(ROWS * columns);
        for ((sums, weights), bias) in blocks.iter_mut().zip(weights).zip(bias) {
            *sums = products(lanes, vector, weights, bias);
        }
        let weights = rest_weights.chunks_exact(columns);
        for ((sum, weights), bias) in rest.iter_mut().zip(weights).zip(rest_bias) {
            [*sum] = products(lanes, vector, weights, &[*bias]);
        }
    }
}

/// The products of the vector with `N` rows, plus the biases.
#[inline(always)]
fn products<L: Lanes, const N: usize>(
    lanes: L,
    vector: &[[i16; 16]],
    rows: &[i8],
    bias: &[i32; N],
) -> [i32; N] {
    let columns = rows.len() / N;
    let full = columns / 16;
    let (mut parts, mut rests) = ([&[][..]; N], [&[][..]; N]);
    for (i, row) in rows.chunks_exact(columns).take(N).enumerate() {
        let (part, rest) = row.as_chunks::<16>();
        (parts[i], rests[i]) = (&part[..full], rest);
    }
    let mut sums = [lanes.zero(); N];
    for (i, x) in vector[..full].iter().enumerate() {
        let x = lanes.factors(*x);
        for n in 0..N {
            sums[n] = lanes.add_products(sums[n], lanes.widen(parts[n][i]), x);
        }
    }
    if let Some(x) = vector.get(full) {
        let x = lanes.factors(*x);
        for n in 0..N {
            sums[n] = lanes.add_products(sums[n], lanes.widen(padded(rests[n])), x);
        }
    }
    let mut products = *bias;
    for n in 0..N {
        for sum in lanes.values(sums[n]) {
            products[n] = products[n].wrapping_add(sum);
        }
    }
    products
}

/// Fewer than sixteen values, padded with zeros.
#[inline(always)]
fn padded(values: &[i8]) -> [i8; 16] {
    let mut padded = [0; 16];
    padded[..values.len()].copy_from_slice(values);
    padded
}
