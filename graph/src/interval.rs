//! Intervals of integers, by which every bound of this crate is proven.

use crate::bounds::PROOF_FIELD_ORDER;

/// All integers from `lo` to `hi`, both included.
///
/// Arithmetic gives the smallest interval that holds every result. With both ends equal it is the
/// arithmetic of integers: what is written once for intervals is a bound, or a check of numbers.
///
/// Bounds: the callers keep magnitudes below 2^100; nothing here overflows then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    /// The smallest.
    pub lo: i128,
    /// The largest.
    pub hi: i128,
}

impl Interval {
    /// Every int8 value.
    pub const INT8: Self = Self { lo: i8::MIN as i128, hi: i8::MAX as i128 };
    /// Every int32 value.
    pub const INT32: Self = Self { lo: i32::MIN as i128, hi: i32::MAX as i128 };
    /// Zero alone.
    pub const ZERO: Self = Self { lo: 0, hi: 0 };

    /// One integer.
    pub fn point(value: impl Into<i128>) -> Self {
        let value = value.into();
        Self { lo: value, hi: value }
    }

    /// `0..2^bits`.
    pub const fn bits(bits: u8) -> Self {
        Self { lo: 0, hi: (1 << bits) - 1 }
    }

    /// The smallest interval around both.
    pub fn hull(self, other: Self) -> Self {
        Self { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// Whether all integers of `self` are in `other`.
    pub const fn is_within(self, other: Self) -> bool {
        other.lo <= self.lo && self.hi <= other.hi
    }

    /// Sums of one integer of each.
    pub const fn plus(self, other: Self) -> Self {
        Self { lo: self.lo + other.lo, hi: self.hi + other.hi }
    }

    /// Differences of one integer of each.
    pub const fn minus(self, other: Self) -> Self {
        Self { lo: self.lo - other.hi, hi: self.hi - other.lo }
    }

    /// Products of one integer of each.
    pub fn times(self, other: Self) -> Self {
        let ends = [self.lo * other.lo, self.lo * other.hi, self.hi * other.lo, self.hi * other.hi];
        let [first, rest @ ..] = ends;
        rest.into_iter().fold(Self::point(first), |hull, end| hull.hull(Self::point(end)))
    }

    /// Sums of `count` integers of the interval.
    pub const fn repeated(self, count: usize) -> Self {
        Self { lo: self.lo * count as i128, hi: self.hi * count as i128 }
    }

    /// Whether no two integers of the interval are equal in the field of the proof system, but
    /// those that are equal: only one of them, if any, is a multiple of the order.
    pub(crate) const fn is_below_order(self) -> bool {
        -PROOF_FIELD_ORDER < self.lo && self.hi < PROOF_FIELD_ORDER
    }
}

/// Ends of a long sum while it is being computed: 64 bits are enough for one accumulator, of at most
/// [`MAX_FAN_IN`](crate::bounds::MAX_FAN_IN) products of a byte and an int8.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum {
    lo: i64,
    hi: i64,
}

impl Sum {
    /// Adds `factor` times a value of `interval`, which holds int8 values only.
    pub fn add(&mut self, factor: i8, interval: Interval) {
        let factor = i64::from(factor);
        let (at_lo, at_hi) = (factor * interval.lo as i64, factor * interval.hi as i64);
        self.lo += at_lo.min(at_hi);
        self.hi += at_lo.max(at_hi);
    }

    /// The interval of the sum.
    pub fn interval(self) -> Interval {
        Interval { lo: self.lo.into(), hi: self.hi.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intervals() -> impl Strategy<Value = (Interval, i128)> {
        (-1i128 << 40..1 << 40, 0i128..1 << 20, 0.0..=1.0f64).prop_map(|(lo, length, place)| {
            let inside = lo + (length as f64 * place) as i128;
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
            // With points it is the arithmetic of integers.
            let (p, q) = (Interval::point(x), Interval::point(y));
            prop_assert_eq!(p.plus(q), Interval::point(x + y));
            prop_assert_eq!(p.minus(q), Interval::point(x - y));
            prop_assert_eq!(p.times(q), Interval::point(x * y));
        }
    }
}
