//! The field, its cubic extension, and the multilinear functions that both sides share.
//!
//! Everywhere, the first coordinate of a point is the most significant bit of the index.

use alloc::vec::Vec;
use p3_field::{extension::CubicTrinomialExtensionField, PrimeCharacteristicRing};
use p3_goldilocks::Goldilocks;

/// Base field, which every committed cell is in.
pub(crate) type F = Goldilocks;
/// Field of the challenges, of almost 2^192 elements.
pub(crate) type EF = CubicTrinomialExtensionField<F>;

/// The integer `x` as a field element; `|x| < p/2`.
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
    // Last coordinate first: what is there already is the half with a zero bit.
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

/// `eq(point, index)` for one index.
pub(crate) fn eq_at(point: &[EF], index: usize) -> EF {
    let bits = (0..point.len()).rev().map(|bit| (index >> bit) & 1 == 1);
    point.iter().zip(bits).map(|(&r, bit)| if bit { r } else { EF::ONE - r }).product()
}

/// `Σ weights[i]·values[i]`; values that are missing at the end count as zero.
#[cfg(any(feature = "prover", test))]
pub(crate) fn dot(weights: &[EF], values: &[F]) -> EF {
    weights.iter().zip(values).map(|(&w, &v)| w * v).sum()
}

/// Multilinear extension of integers, padded with zeros.
pub(crate) fn extend_integers(values: impl Iterator<Item = i64>, point: &[EF]) -> EF {
    eq_table(point).into_iter().zip(values).map(|(w, v)| w * int(v)).sum()
}

/// Multilinear extension of the index itself.
pub(crate) fn extend_index(point: &[EF]) -> EF {
    point.iter().fold(EF::ZERO, |sum, &r| sum.double() + r)
}

/// `Σ eq(point, i)` and `Σ i·eq(point, i)` over all `i < end`, with `end <= 2^n`, in time linear
/// in the number `n` of variables.
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
            // Every index that has a zero here and the same bits before is below the end.
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
