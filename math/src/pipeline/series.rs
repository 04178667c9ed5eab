//! The elements of a series, and the sums over them.

use alloc::vec::Vec;

use super::{arithmetic::rounded, channel::Change, failure::PipelineFailure};

/// Elements have magnitudes below 2^54.
const ELEMENT_BOUND: i128 = 1 << 54;
/// Unit of returns.
const RETURN_UNIT: i128 = 1_000_000_000;

/// The elements of a series in time order: 1 to 256 of them, of magnitudes below 2^54.
pub(super) struct Series(Vec<i64>);

impl Series {
    /// The elements that the levels yield. The number of levels has been checked.
    ///
    /// No overflow: a difference of levels is below 2^64, times 10^9 below 2^94.
    pub fn new(levels: &[i64], change: Change, abs: bool) -> Result<Self, PipelineFailure> {
        let level = |level: &i64| i128::from(*level);
        let element = |x: i128| {
            let x = if abs { x.abs() } else { x };
            match i64::try_from(x) {
                Ok(x) if i128::from(x).abs() < ELEMENT_BOUND => Ok(x),
                _ => Err(PipelineFailure::TooLarge),
            }
        };
        let pairs = levels.iter().zip(levels.iter().skip(1)).map(|(a, b)| (level(a), level(b)));
        let elements: Result<_, _> = match change {
            Change::Level => levels.iter().map(|x| element(level(x))).collect(),
            Change::Difference => pairs.map(|(a, b)| element(b - a)).collect(),
            Change::Return => pairs
                .map(|(a, b)| {
                    if a <= 0 || b <= 0 {
                        return Err(PipelineFailure::NotPositive);
                    }
                    let x = rounded((b - a) * RETURN_UNIT, a).ok_or(PipelineFailure::Overflow)?;
                    element(x)
                })
                .collect(),
        };
        elements.map(Self)
    }

    /// The elements.
    pub fn elements(&self) -> impl DoubleEndedIterator<Item = i128> + ExactSizeIterator + '_ {
        self.0.iter().map(|x| i128::from(*x))
    }

    /// Number of elements, at most 2^8.
    pub fn n(&self) -> i128 {
        // A length has at most 64 bits.
        self.0.len() as i128
    }

    /// Sum of the elements: a magnitude below 2^62.
    pub fn sum(&self) -> i128 {
        self.elements().sum()
    }

    /// The latest element.
    pub fn last(&self) -> i128 {
        self.elements().next_back().unwrap_or(0)
    }

    /// The earliest element.
    pub fn first(&self) -> i128 {
        self.elements().next().unwrap_or(0)
    }

    /// The smallest element.
    pub fn min(&self) -> i128 {
        self.elements().min().unwrap_or(0)
    }

    /// The largest element.
    pub fn max(&self) -> i128 {
        self.elements().max().unwrap_or(0)
    }

    /// The median; of an even number of elements, the smaller of both.
    pub fn median(&self) -> i128 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let middle = sorted.len().saturating_sub(1) / 2;
        sorted.get(middle).map_or(0, |x| i128::from(*x))
    }

    /// `n² ` times the covariance with a series of as many elements: `n·Σxy - Σx·Σy`.
    ///
    /// No overflow: both products are below `2^8·2^8·2^54·2^54 = 2^124`, and so is what remains, by
    /// the inequality of Cauchy and Schwarz.
    pub fn covariance(&self, other: &Self) -> i128 {
        let products: i128 = self.elements().zip(other.elements()).map(|(x, y)| x * y).sum();
        self.n() * products - self.sum() * other.sum()
    }

    /// `n²` times the variance, `n·Σx² - (Σx)²`: from 0 to 2^124.
    pub fn variance(&self) -> i128 {
        self.covariance(self)
    }

    /// `n` times the standard deviation, rounded down: below 2^62.
    pub fn deviation(&self) -> i128 {
        root(self.variance())
    }
}

/// The square root, rounded down; of what is not negative.
pub(super) fn root(square: i128) -> i128 {
    square.checked_isqrt().unwrap_or(0)
}
