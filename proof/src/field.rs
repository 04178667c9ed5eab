//! The base field, its cubic extension, and the multilinear functions that prover and verifier
//! share.
//!
//! The first coordinate of a point always corresponds to the most significant bit of the index.

use alloc::vec::Vec;
use p3_field::{
    extension::CubicTrinomialExtensionField, BasedVectorSpace, PrimeCharacteristicRing,
    PrimeField64,
};
use p3_goldilocks::Goldilocks;

/// Base field of all committed cells: Goldilocks, `p = 2^64 - 2^32 + 1`.
pub(crate) type F = Goldilocks;
/// Field of the challenges, with almost 2^192 elements.
pub(crate) type EF = CubicTrinomialExtensionField<F>;

/// The integer `x` as a field element. Requires `|x| < p/2`.
pub(crate) fn int(x: i64) -> F {
    let magnitude = F::from_u64(x.unsigned_abs());
    if x < 0 {
        -magnitude
    } else {
        magnitude
    }
}

/// `eq(point, i)` for every index `i`.
pub(crate) fn eq_table(point: &[EF]) -> Vec<EF> {
    let mut table = Vec::with_capacity(1 << point.len());
    table.push(EF::ONE);
    // From the last coordinate to the first: the table so far becomes the half with a zero bit.
    for &r in point.iter().rev() {
        for i in 0..table.len() {
            let high = table[i] * r;
            table[i] -= high;
            table.push(high);
        }
    }
    table
}

/// `eq(a, b)` for two points.
pub(crate) fn eq_at_point(a: &[EF], b: &[EF]) -> EF {
    a.iter().zip(b).map(|(&a, &b)| EF::ONE - a - b + (a * b).double()).product()
}

/// `eq(point, index)` for a single index.
pub(crate) fn eq_at(point: &[EF], index: usize) -> EF {
    let bits = (0..point.len()).rev().map(|bit| (index >> bit) & 1 == 1);
    point.iter().zip(bits).map(|(&r, bit)| if bit { r } else { EF::ONE - r }).product()
}

/// `Σ weights[i]·values[i]`. Missing values at the end count as zero.
#[cfg(any(feature = "prover", test))]
pub(crate) fn dot(weights: &[EF], values: &[F]) -> EF {
    weights.iter().zip(values).map(|(&w, &v)| w * v).sum()
}

/// Multilinear extension at `point` of integers, padded with zeros.
pub(crate) fn extend_integers(values: impl Iterator<Item = i64>, point: &[EF]) -> EF {
    eq_table(point).into_iter().zip(values).map(|(w, v)| w * int(v)).sum()
}

/// Multilinear extension at `point` of the function `i ↦ i`.
pub(crate) fn extend_index(point: &[EF]) -> EF {
    point.iter().fold(EF::ZERO, |sum, &r| sum.double() + r)
}

/// `Σ eq(point, i)` and `Σ i·eq(point, i)` over all `i < end`, in time linear in the number `n` of
/// variables. Requires `end <= 2^n`.
pub(crate) fn prefix_moments(point: &[EF], end: usize) -> (EF, EF) {
    let vars = point.len();
    if end >> vars != 0 {
        return (EF::ONE, extend_index(point));
    }
    let (mut count, mut moment) = (EF::ZERO, EF::ZERO);
    let (mut weight, mut prefix) = (EF::ONE, 0u64);
    for (k, &r) in point.iter().enumerate() {
        let bit = vars - 1 - k;
        if (end >> bit) & 1 == 1 {
            // Indices with the same bits so far and a zero here are all below `end`.
            let below = weight * (EF::ONE - r);
            count += below;
            moment += below * (extend_index(&point[k + 1..]) + F::from_u64(prefix));
            weight *= r;
            prefix += 1 << bit;
        } else {
            weight *= EF::ONE - r;
        }
    }
    (count, moment)
}

/// Log2 of the number of cells that share one multiplication in the extension field.
pub(crate) const RUN: usize = 9;

/// `Σ eq(point, i)·v(i)` for integers below 2^17 in magnitude, in runs of `2^RUN` cells.
pub(crate) struct IntegerSum<'a> {
    /// The coordinates that select the run.
    run_point: &'a [EF],
    /// Coefficients of `eq` over the other coordinates, each split into halves of 32 bits, so that
    /// the sum of a run stays below 2^58.
    halves: Vec<[i64; 6]>,
    /// Log2 of the number of entries of `halves`.
    run_vars: usize,
    run: usize,
    sums: [i64; 6],
    total: EF,
}

impl<'a> IntegerSum<'a> {
    pub fn new(point: &'a [EF]) -> Self {
        let (run_point, rest) = point.split_at(point.len().saturating_sub(RUN));
        let halves = eq_table(rest).into_iter().map(|eq| {
            let coefficients: &[F] = eq.as_basis_coefficients_slice();
            core::array::from_fn(|i| {
                let coefficient = coefficients[i / 2].as_canonical_u64();
                i64::from((coefficient >> (32 * (i % 2))) as u32)
            })
        });
        let halves = halves.collect();
        Self { run_point, halves, run_vars: rest.len(), run: 0, sums: [0; 6], total: EF::ZERO }
    }

    /// Adds `eq(point, index)·value`. Fastest if all cells of a run are added in succession.
    pub fn add(&mut self, index: usize, value: i64) {
        let run = index >> self.run_vars;
        if run != self.run {
            self.finish_run();
            self.run = run;
        }
        let halves = &self.halves[index & (self.halves.len() - 1)];
        for (sum, half) in self.sums.iter_mut().zip(halves) {
            // Below 2^58 after a whole run, so it cannot overflow. Overflow checks in the runtime
            // would take ten times as long as the sum.
            *sum = sum.wrapping_add(half.wrapping_mul(value));
        }
    }

    /// Adds the sum of the current run to the total.
    fn finish_run(&mut self) {
        let sums = core::mem::take(&mut self.sums);
        let high = F::from_u64(1 << 32);
        let sum =
            EF::from_basis_coefficients_fn(|i| int(sums[2 * i]) + int(sums[2 * i + 1]) * high);
        self.total += sum * eq_at(self.run_point, self.run);
    }

    /// The sum of everything added.
    pub fn sum(mut self) -> EF {
        self.finish_run();
        self.total
    }
}

/// The same for integers of 32 bits, which are split into two halves of 16 bits.
pub(crate) struct WideSum<'a> {
    low: IntegerSum<'a>,
    high: IntegerSum<'a>,
}

impl<'a> WideSum<'a> {
    pub fn new(point: &'a [EF]) -> Self {
        Self { low: IntegerSum::new(point), high: IntegerSum::new(point) }
    }

    pub fn add(&mut self, index: usize, value: i32) {
        self.low.add(index, (value & 0xffff).into());
        self.high.add(index, (value >> 16).into());
    }

    pub fn sum(self) -> EF {
        self.low.sum() + self.high.sum() * F::from_u64(1 << 16)
    }
}

/// `1, x, x², ...`
pub(crate) fn powers(x: EF, count: usize) -> Vec<EF> {
    core::iter::successors(Some(EF::ONE), |power| Some(*power * x)).take(count).collect()
}

/// The last `vars` coordinates of a point.
pub(crate) fn suffix(point: &[EF], vars: usize) -> &[EF] {
    &point[point.len() - vars..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(vars: u64) -> Vec<EF> {
        (0..vars).map(|k| EF::from(F::from_u64(3 + 7 * k * k))).collect()
    }

    #[test]
    fn moments_of_a_prefix_are_the_sums() {
        let point = point(5);
        let eq = eq_table(&point);
        for end in 0..=32usize {
            let count: EF = eq[..end].iter().copied().sum();
            let moment: EF = (0..end).map(|i| eq[i] * F::from_usize(i)).sum();
            assert_eq!(prefix_moments(&point, end), (count, moment));
        }
    }

    #[test]
    fn the_first_coordinate_is_the_highest_bit() {
        let point = point(5);
        let eq = eq_table(&point);
        assert!((0..32).all(|i| eq_at(&point, i) == eq[i]));
        assert_eq!(eq[16], point[0] * point[1..].iter().map(|&r| EF::ONE - r).product::<EF>());
        assert_eq!(extend_integers(0..32, &point), extend_index(&point));
    }
}
