//! Interval arithmetic on integers, from which all bounds of this crate follow.

use crate::bounds::PROOF_FIELD_ORDER;

/// All integers from `lo` to `hi`, inclusive.
///
/// Each operation returns the smallest interval that contains every result. For intervals with a
/// single integer this is integer arithmetic, so one definition serves as a bound and as a check of
/// concrete values.
///
/// Callers keep magnitudes below 2^100, where nothing overflows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    /// The smallest integer.
    pub lo: i128,
    /// The largest integer.
    pub hi: i128,
}

impl Interval {
    /// Every int8 value.
    pub const INT8: Self = Self { lo: i8::MIN as i128, hi: i8::MAX as i128 };
    /// Every int32 value.
    pub const INT32: Self = Self { lo: i32::MIN as i128, hi: i32::MAX as i128 };
    /// Only zero.
    pub const ZERO: Self = Self { lo: 0, hi: 0 };

    /// A single integer.
    pub fn point(value: impl Into<i128>) -> Self {
        let value = value.into();
        Self { lo: value, hi: value }
    }

    /// `[0, 2^bits)`.
    pub const fn bits(bits: u8) -> Self {
        Self { lo: 0, hi: (1 << bits) - 1 }
    }

    /// The smallest interval that contains both.
    pub fn hull(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// Whether `other` contains `self`.
    pub const fn is_within(self, other: Self) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }

    /// All sums of an integer of `self` and one of `other`.
    pub const fn plus(self, other: Self) -> Self {
        Self { lo: self.lo + other.lo, hi: self.hi + other.hi }
    }

    /// All differences of an integer of `self` and one of `other`.
    pub const fn minus(self, other: Self) -> Self {
        Self { lo: self.lo - other.hi, hi: self.hi - other.lo }
    }

    /// All products of an integer of `self` and one of `other`.
    pub fn times(self, other: Self) -> Self {
        let ends = [self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi];
        let [first, rest @ ..] = ends;
        rest.into_iter().fold(Self::point(first), |hull, end| hull.hull(Self::point(end)))
    }

    /// All sums of `count` integers of the interval.
    pub const fn repeated(self, count: usize) -> Self {
        Self { lo: self.lo * count as i128, hi: self.hi * count as i128 }
    }

    /// Whether every integer of the interval is smaller in magnitude than the order of the proof
    /// system's field. An element of the field is then zero only if the integer is.
    pub(crate) const fn is_below_order(self) -> bool {
        -PROOF_FIELD_ORDER < self.lo && self.hi < PROOF_FIELD_ORDER
    }
}

/// Bounds of a long sum during its computation. 64 bits suffice for one accumulator of at most
/// [`MAX_FAN_IN`](crate::bounds::MAX_FAN_IN) products of a byte and an int8.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    lo: i64,
    hi: i64,
}

impl Sum {
    /// Adds `factor` times a value of `interval`, which must lie within int8.
    pub fn add(&mut self, factor: i8, interval: Interval) {
        let factor = i64::from(factor);
        let (at_lo, at_hi) = (factor * interval.lo as i64, factor * interval.hi as i64);
        self.lo += at_lo.min(at_hi);
        self.hi += at_lo.max(at_hi);
    }

    /// The bounds of the sum.
    pub fn interval(self) -> Interval {
        Interval { lo: self.lo.into(), hi: self.hi.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intervals() -> impl Strategy<Value = (Interval, i128)> {
        (-1i128 << 40..1 << 40, 0i128..1 << 20, 0.0..=1.0f64).prop_map(|(lo, length, fraction)| {
            let inside = lo + (length as f64 * fraction) as i128;
            (Interval { lo, hi: lo + length }, inside.min(lo + length))
        })
    }

    proptest! {
        #[test]
        fn results_are_within_the_interval_of_results(
            (a, x) in intervals(),
            (b, y) in intervals(),
            count in 0usize..100,
        ) {
            let within = |value: i128, interval| Interval::point(value).is_within(interval);
            prop_assert!(within(x + y, a.plus(b)));
            prop_assert!(within(x - y, a.minus(b)));
            prop_assert!(within(x * y, a.times(b)));
            prop_assert!(within(x * count as i128, a.repeated(count)));
            prop_assert!(within(x, a.hull(b)) && within(y, a.hull(b)));
            // Intervals of one integer behave like integers.
            let (p, q) = (Interval::point(x), Interval::point(y));
            prop_assert_eq!(p.plus(q), Interval::point(x + y));
            prop_assert_eq!(p.minus(q), Interval::point(x - y));
            prop_assert_eq!(p.times(q), Interval::point(x * y));
        }
    }
}
