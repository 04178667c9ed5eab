//! From the values of feeds to the tensors that a model is given.
//!
//! The chain computes the input of a request from the history of feeds, and whoever checks a receipt
//! computes it again from the points: the same bytes, on every machine. So everything here is exact
//! arithmetic on integers. Nothing wraps or saturates, and what cannot be computed is a
//! [`PipelineFailure`].
//!
//! An input has 1 to 16 [`Channel`]s. [`check`](fn@check) refuses what cannot be computed whatever the
//! feeds say; [`Channel::levels`] and [`Channel::elements`] say what computing takes, before any
//! value is read; [`tensors`] computes. This crate knows no feeds: its caller reads them, and samples
//! with [`last_rounds`] or [`last_candles`].
//!
//! # Rules
//!
//! 1. **Levels**: the last `count` rounds, or a price of the last `count` candles.
//! 2. **Elements** `x`: the levels, their differences, or their returns in units of 10^-9; then
//!    magnitudes, if `abs`. There are `n` of them, 1 to 256. One of 2^54 or more is a failure. Feeds
//!    have values below 2^53, so this happens to returns only.
//! 3. **Numbers**: a quotient of integers for each element, or one for all of them, as in the table.
//! 4. **Scale**: the quotient times `num/den`, rounded once, to the nearest integer, ties up:
//!    `rdiv(a, b) = floor((2a + b) / 2b)`. If the divisor is 0, the integer is 0; if it is negative,
//!    that is a failure.
//! 5. **Element**: the integer, held to `[lo, hi]`, then cast.
//!
//! With `S = Σx`, `V = n·Σx² - S²` and `r = floor(sqrt V)`, before the scale:
//!
//! | | |
//! |---|---|
//! | Return | `rdiv((b - a)·10^9, a)`, of levels above 0 |
//! | Raw | `x` |
//! | Standardise | `(n·x - S) / r` |
//! | MinMax | `(x - min) / (max - min)` |
//! | OverMean | `n·x / S` |
//! | OverLast | `x / last` |
//! | Min, Max, First, Last | that element |
//! | Mean | `rdiv(S, n)` |
//! | Median | of an even number of elements the smaller of both in the middle |
//! | Variance | `rdiv(V, n²)` |
//! | Std | `floor(sqrt(rdiv(V, n²)))` |
//! | LogRatio | `L(s·n) - L(S·last)`, with `s` the sum of the `last` last elements; if `s = 0`, the element is `lo` |
//! | Correlation | `rdiv(n·Σxy - Sx·Sy, rx) / ry`, and 0 if `rx = 0` |
//!
//! `L(a)` is log2 of `a` in units of 2^-16, rounded down: the integer part `e`, then 16 bits by squaring
//! the mantissa `m = floor(a·2^(62-e))`: `m` becomes `floor(m²/2^62)`; where that is 2^63 or more the
//! bit is 1, and `m` becomes `floor(m/2)`.
//!
//! # Room
//!
//! All of it is in `i128`. Sums, products and what the scale makes of them have their bounds beside
//! the code. Only one of them can be exceeded: that of a variance times `num`, which is checked and
//! fails as [`Overflow`](PipelineFailure::Overflow).
//!
//! # Accuracy
//!
//! `r` is rounded down, so a standardised element is too large by less than a part in `r`, and a
//! correlation, which may so exceed 1, is wrong by less than `1/rx + 3/ry`. That is nothing for
//! returns, whose unit is small: `r` is about `n` times the deviation in units of 10^-9. Of a series
//! that moves by single units the feed needs more decimals.

mod arithmetic;
mod channel;
mod check;
mod failure;
mod quant;
mod run;
mod sample;
mod series;

pub use channel::{
    CandleField, Cast, Change, Channel, Norm, NumberType, Out, Quant, Sampling, Statistic,
    MAX_CHANNELS, MAX_ELEMENTS, MAX_F32_MAGNITUDE, MAX_SHIFT,
};
pub use check::check;
pub use failure::{InvalidPipeline, PipelineFailure};
pub use run::{tensors, TensorBytes};
pub use sample::{last_candles, last_rounds, Candle};
