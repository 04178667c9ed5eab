//! From the history of a feed to the levels of a series.

use alloc::vec::Vec;

use super::{channel::CandleField, failure::PipelineFailure};

/// What the values of a feed did in one interval of time. There is none for an interval without
/// values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candle {
    /// Number of the interval: the time of its beginning divided by its length.
    pub interval: u64,
    /// The first value.
    pub open: i64,
    /// The largest value.
    pub high: i64,
    /// The smallest value.
    pub low: i64,
    /// The last value.
    pub close: i64,
}

impl Candle {
    /// One of the prices.
    pub const fn price(&self, field: CandleField) -> i64 {
        match field {
            CandleField::Open => self.open,
            CandleField::High => self.high,
            CandleField::Low => self.low,
            CandleField::Close => self.close,
        }
    }
}

/// The last `count` of `values`, which are in time order.
///
/// # Errors
///
/// [`TooFew`](PipelineFailure::TooFew) if there are fewer.
pub fn last_rounds(values: &[i64], count: u16) -> Result<Vec<i64>, PipelineFailure> {
    let first = values.len().checked_sub(count.into()).ok_or(PipelineFailure::TooFew)?;
    Ok(values[first..].to_vec())
}

/// A price of each of the `count` intervals before `end`, in time order.
///
/// `end` is the number of the interval of the feed's newest value. That interval may still change and
/// is left out; the ones before it cannot, since the times of a feed never fall. Series that are
/// compared with each other have the same `end`, the smaller one of both feeds.
///
/// A gap is a longest run of intervals without a candle, between two candles or between the last
/// candle and `end`. In a gap of at most `fill` intervals each of them has the close of the candle
/// before the gap, whichever price is asked for. A gap counts in full, even if the first of the
/// `count` intervals lies within it.
///
/// Candles at `end` and later are left out. Of those before, the last `count + 1` suffice: one before
/// the first interval shows what a gap is filled with.
///
/// ```
/// use assay_math::pipeline::{last_candles, Candle, CandleField, PipelineFailure};
///
/// let candle = |interval, close| Candle { interval, open: 5, high: 9, low: 4, close };
/// let candles = [candle(10, 7), candle(13, 8), candle(14, 6)];
/// let levels = |count, fill| last_candles(&candles, 15, CandleField::High, count, fill);
/// assert_eq!(levels(4, 2), Ok(vec![7, 7, 9, 9]));
/// assert_eq!(levels(3, 1), Err(PipelineFailure::Gap));
/// assert_eq!(levels(6, 2), Err(PipelineFailure::TooFew));
/// ```
///
/// # Errors
///
/// - [`Order`](PipelineFailure::Order): the intervals of the candles do not rise.
/// - [`TooFew`](PipelineFailure::TooFew): the first of the `count` intervals has no candle, and none
///   is before it; or there are no `count` intervals before `end`.
/// - [`Gap`](PipelineFailure::Gap): a gap with one of the `count` intervals in it is longer than
///   `fill`.
pub fn last_candles(
    candles: &[Candle],
    end: u64,
    field: CandleField,
    count: u16,
    fill: u8,
) -> Result<Vec<i64>, PipelineFailure> {
    if !candles.is_sorted_by(|earlier, later| earlier.interval < later.interval) {
        return Err(PipelineFailure::Order);
    }
    let first = end.checked_sub(count.into()).ok_or(PipelineFailure::TooFew)?;
    let (earlier, mut later) =
        candles.split_at(candles.partition_point(|candle| candle.interval < first));
    let mut last = earlier.last();
    let mut levels = Vec::with_capacity(count.into());
    for interval in first..end {
        if let Some((next, rest)) =
            later.split_first().filter(|(next, _)| next.interval == interval)
        {
            levels.push(next.price(field));
            (last, later) = (Some(next), rest);
            continue;
        }
        let before = last.ok_or(PipelineFailure::TooFew)?;
        // Intervals of the gap so far. The last of a gap is before `end`, so all of it is counted.
        if interval - before.interval > fill.into() {
            return Err(PipelineFailure::Gap);
        }
        levels.push(before.close);
    }
    Ok(levels)
}
