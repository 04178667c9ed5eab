//! From levels to the bytes of tensors.

use alloc::vec::Vec;

use super::{
    arithmetic::{log2_q16, rounded},
    channel::{Channel, Norm, NumberType, Out, Quant, Sampling, Statistic},
    check::check,
    failure::PipelineFailure,
    series::{root, Series},
};

/// The elements of a tensor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorBytes {
    /// Type of the elements.
    pub number_type: NumberType,
    /// The elements, little-endian, in the order of the channels.
    pub data: Vec<u8>,
}

/// The tensors of all channels, in the order of their numbers. The elements of the channels of one
/// tensor follow each other in the order of the channels.
///
/// `levels` yields the levels of a sampling: [`last_rounds`](super::last_rounds) or
/// [`last_candles`](super::last_candles) of the feed. It is asked in the order of the channels; for a
/// correlation first for its own series, then for the other one.
///
/// ```
/// use assay_math::pipeline::{
///     last_rounds, tensors, Cast, Change, Channel, NumberType, Out, Quant, Sampling, Statistic,
/// };
///
/// let quant = Quant { num: 1, den: 10, lo: -1_000, hi: 1_000, to: Cast::I16 };
/// let channel = |what, count| Channel {
///     tensor: 0,
///     of: Sampling::Rounds { feed: 0, count },
///     change: Change::Level,
///     abs: false,
///     out: Out::Stat { what, quant },
/// };
/// let channels = [channel(Statistic::Mean, 2), channel(Statistic::Max, 3)];
/// let values = [70, 30, 20];
/// let made = tensors(&channels, |sampling| last_rounds(&values, sampling.count())).unwrap();
/// assert_eq!(made.len(), 1);
/// assert_eq!(made[0].number_type, NumberType::I16);
/// // 25/10, a tie, is rounded up.
/// assert_eq!(made[0].data, [3, 0, 7, 0]);
/// ```
///
/// # Errors
///
/// The index of the first channel that fails, and why. Nothing is computed unless all channels are
/// valid.
pub fn tensors(
    channels: &[Channel],
    mut levels: impl FnMut(Sampling) -> Result<Vec<i64>, PipelineFailure>,
) -> Result<Vec<TensorBytes>, (usize, PipelineFailure)> {
    check(channels).map_err(|(index, why)| (index, PipelineFailure::Invalid(why)))?;
    let mut made: Vec<TensorBytes> = Vec::new();
    for (index, channel) in channels.iter().enumerate() {
        let mut run = || {
            let of = levels(channel.of)?;
            let with = match channel.out {
                Out::Correlation { with, .. } => levels(with)?,
                _ => Vec::new(),
            };
            channel.run(&of, &with)
        };
        let data = run().map_err(|why| (index, why))?;
        match made.get_mut(usize::from(channel.tensor)) {
            Some(tensor) => tensor.data.extend(data),
            None => {
                let number_type = channel.out.quant().to.number_type();
                made.push(TensorBytes { number_type, data });
            },
        }
    }
    Ok(made)
}

impl Channel {
    /// The channel's elements, little-endian, from its levels and, for a correlation, those of the
    /// other series; both in time order. Without a correlation `with` is empty.
    ///
    /// # Errors
    ///
    /// Every [`PipelineFailure`] but those of sampling: [`Order`](PipelineFailure::Order),
    /// [`TooFew`](PipelineFailure::TooFew) and [`Gap`](PipelineFailure::Gap).
    pub fn run(&self, levels: &[i64], with: &[i64]) -> Result<Vec<u8>, PipelineFailure> {
        self.check().map_err(PipelineFailure::Invalid)?;
        if [levels.len(), with.len()] != self.lengths() {
            return Err(PipelineFailure::Length);
        }
        let series = Series::new(levels, self.change, self.abs)?;
        match self.out {
            Out::Series { norm, quant } => normalised(&series, norm, &quant),
            Out::Stat { what, quant } => one(&quant, statistic(&series, what)?, 1),
            Out::LogRatio { last, quant } => log_ratio(&series, last, &quant),
            Out::Correlation { quant, .. } => {
                let other = Series::new(with, self.change, self.abs)?;
                correlation(&series, &other, &quant)
            },
        }
    }

    /// Numbers of levels of the channel's own and the other series.
    fn lengths(&self) -> [usize; 2] {
        let with = match self.out {
            Out::Correlation { with, .. } => with.count(),
            _ => 0,
        };
        [self.of.count().into(), with.into()]
    }
}

/// The element of `a/b`.
fn one(quant: &Quant, a: i128, b: i128) -> Result<Vec<u8>, PipelineFailure> {
    let mut data = Vec::new();
    quant.put(a, b, &mut data)?;
    Ok(data)
}

/// All elements in proportion to what `norm` says.
///
/// No overflow, with at most 2^8 elements below 2^54 and a `num` and a `den` below 2^32:
///
/// | | numerator | · num | divisor | · den |
/// |---|---|---|---|---|
/// | Raw | `x`: 2^54 | 2^86 | 1 | 2^32 |
/// | Standardise | `n·x - Σx`, a sum of `n` differences: 2^63 | 2^95 | `n` deviations: 2^62 | 2^94 |
/// | MinMax | `x - min`: 2^55 | 2^87 | `max - min`: 2^55 | 2^87 |
/// | OverMean | `n·x`: 2^62 | 2^94 | `Σx`: 2^62 | 2^94 |
/// | OverLast | `x`: 2^54 | 2^86 | `last`: 2^54 | 2^86 |
fn normalised(series: &Series, norm: Norm, quant: &Quant) -> Result<Vec<u8>, PipelineFailure> {
    // The element is (factor·x - offset) / divisor.
    let (factor, offset, divisor) = match norm {
        Norm::Raw => (1, 0, 1),
        Norm::Standardise => (series.n(), series.sum(), series.deviation()),
        Norm::MinMax => (1, series.min(), series.max() - series.min()),
        Norm::OverMean => (series.n(), 0, series.sum()),
        Norm::OverLast => (1, 0, series.last()),
    };
    let mut data = Vec::new();
    for x in series.elements() {
        quant.put(factor * x - offset, divisor, &mut data)?;
    }
    Ok(data)
}

/// The statistic, before it is scaled. A magnitude below 2^54, which `num` makes less than 2^86; of the
/// variance below 2^108, which with a large `num` has no room and is
/// [`Overflow`](PipelineFailure::Overflow).
fn statistic(series: &Series, what: Statistic) -> Result<i128, PipelineFailure> {
    let n = series.n();
    // Doubled for rounding, V < 2^124 still has room.
    let variance = || rounded(series.variance(), n * n).ok_or(PipelineFailure::Overflow);
    Ok(match what {
        Statistic::Min => series.min(),
        Statistic::Max => series.max(),
        Statistic::Mean => rounded(series.sum(), n).ok_or(PipelineFailure::Overflow)?,
        Statistic::Median => series.median(),
        Statistic::Variance => variance()?,
        Statistic::Std => root(variance()?),
        Statistic::First => series.first(),
        Statistic::Last => series.last(),
    })
}

/// log2 of the mean of the last elements over the mean of all, none of which is negative.
///
/// No overflow: a sum times a number of elements is below 2^70, a logarithm below 2^23, and with `num`
/// below 2^55.
fn log_ratio(series: &Series, last: u16, quant: &Quant) -> Result<Vec<u8>, PipelineFailure> {
    let recent: i128 = series.elements().rev().take(last.into()).sum();
    if recent == 0 {
        let mut data = Vec::new();
        quant.put_smallest(&mut data);
        return Ok(data);
    }
    let log = |a: i128| log2_q16(a.unsigned_abs());
    one(quant, log(recent * series.n()) - log(series.sum() * i128::from(last)), 1)
}

/// Pearson's coefficient of correlation.
///
/// With `C = n·Σxy - Σx·Σy` and `r` the deviations times `n`, rounded down: `C/rx`, rounded, over
/// `ry`.
///
/// No overflow: by the inequality of Cauchy and Schwarz `|C| < (rx + 1)·(ry + 1)`, so `C/rx` is below
/// `2·(ry + 1) <= 2^63`, with `num` below 2^95; `ry·den` is below 2^94.
fn correlation(x: &Series, y: &Series, quant: &Quant) -> Result<Vec<u8>, PipelineFailure> {
    let (rx, ry) = (x.deviation(), y.deviation());
    if rx == 0 {
        return one(quant, 0, 0);
    }
    let over_x = rounded(x.covariance(y), rx).ok_or(PipelineFailure::Overflow)?;
    one(quant, over_x, ry)
}
