//! What a channel states: plain types, without an encoding.

/// Maximum number of channels of an input.
pub const MAX_CHANNELS: usize = 16;
/// Maximum number of elements that a channel computes with.
pub const MAX_ELEMENTS: u16 = 256;
/// Maximum right shift of an `f32`. Beyond it, the smallest numbers would be subnormal, which some
/// machines take for zero.
pub const MAX_SHIFT: u8 = 126;
/// Maximum magnitude of an integer that becomes an `f32`: all of them are exact.
pub const MAX_F32_MAGNITUDE: i32 = 1 << 24;

/// One part of an input tensor, computed from the latest values of a feed.
///
/// ```
/// use assay_math::pipeline::{Cast, Change, Channel, Norm, Out, Quant, Sampling};
///
/// // Three daily returns of a rate, divided by the mean of their magnitudes, as int8 of scale 1/32.
/// let channel = Channel {
///     tensor: 0,
///     of: Sampling::Rounds { feed: 0, count: 4 },
///     change: Change::Return,
///     abs: true,
///     out: Out::Series {
///         norm: Norm::OverMean,
///         quant: Quant { num: 32, den: 1, lo: -128, hi: 127, to: Cast::I8 },
///     },
/// };
/// assert_eq!(channel.elements(), 3);
/// // Returns of 1 %, 2 % and 0, over their mean of 1 %.
/// assert_eq!(channel.run(&[10_000, 10_100, 9_898, 9_898], &[]), Ok(vec![32, 64, 0]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Channel {
    /// Number of the tensor that the elements belong to. Tensors are numbered from 0 in the order of
    /// their first channels.
    pub tensor: u8,
    /// Which levels are taken.
    pub of: Sampling,
    /// What is computed of neighbouring levels.
    pub change: Change,
    /// Whether the magnitudes of the results are taken.
    pub abs: bool,
    /// What becomes of the series.
    pub out: Out,
}

/// Which levels of a feed make a series: the latest ones, in time order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sampling {
    /// The values of the last rounds.
    Rounds {
        /// Index into the feeds of the input. It has no meaning to this crate.
        feed: u8,
        /// Number of levels.
        count: u16,
    },
    /// One price of each of the last candles.
    Candles {
        /// Index into the feeds of the input. It has no meaning to this crate.
        feed: u8,
        /// Index into the resolutions of the feed. It has no meaning to this crate.
        resolution: u8,
        /// Number of levels.
        count: u16,
        /// The price.
        field: CandleField,
        /// Maximum number of successive intervals without a candle.
        fill: u8,
    },
}

impl Sampling {
    /// Number of levels.
    pub const fn count(self) -> u16 {
        match self {
            Self::Rounds { count, .. } | Self::Candles { count, .. } => count,
        }
    }
}

/// A price of a candle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CandleField {
    /// The first value.
    Open,
    /// The largest value.
    High,
    /// The smallest value.
    Low,
    /// The last value.
    Close,
}

/// What is computed of neighbouring levels `a`, `b`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// `b`, in the unit of the feed. There are as many elements as levels.
    Level,
    /// `b - a`, in the unit of the feed. There is one element less than levels.
    Difference,
    /// `(b - a) / a` in units of 10^-9, rounded to the nearest integer, ties up. There is one element
    /// less than levels, and all levels are positive.
    Return,
}

impl Change {
    /// Number of elements that a number of levels yields.
    pub const fn elements(self, levels: u16) -> u16 {
        match self {
            Self::Level => levels,
            Self::Difference | Self::Return => levels.saturating_sub(1),
        }
    }
}

/// What becomes of a series.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Out {
    /// One number for each element.
    Series {
        /// In which proportion.
        norm: Norm,
        /// Scale and type.
        quant: Quant,
    },
    /// One number for all elements.
    Stat {
        /// Which one.
        what: Statistic,
        /// Scale and type.
        quant: Quant,
    },
    /// log2 of the mean of the last elements over the mean of all, in units of 2^-16. Only of
    /// magnitudes ([`Channel::abs`]). If the last elements are all 0, the result is `lo`.
    LogRatio {
        /// Number of last elements.
        last: u16,
        /// Scale and type.
        quant: Quant,
    },
    /// Pearson's coefficient of correlation with another series, on which `change` and `abs` act
    /// alike.
    Correlation {
        /// The other series, with as many levels.
        with: Sampling,
        /// Scale and type.
        quant: Quant,
    },
}

impl Out {
    /// Scale and type.
    pub const fn quant(&self) -> &Quant {
        match self {
            Self::Series { quant, .. }
            | Self::Stat { quant, .. }
            | Self::LogRatio { quant, .. }
            | Self::Correlation { quant, .. } => quant,
        }
    }
}

/// What an element `x` of a series is put in proportion to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Norm {
    /// 1: the element itself.
    Raw,
    /// The distance to the mean, over the standard deviation.
    Standardise,
    /// The distance to the minimum, over that of the maximum.
    MinMax,
    /// The mean, which must not be negative.
    OverMean,
    /// The last element, which must not be negative.
    OverLast,
}

/// A number for all elements of a series. Unit: that of the elements; of the variance, its square.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Statistic {
    /// The smallest element.
    Min,
    /// The largest element.
    Max,
    /// The mean, rounded to the nearest integer, ties up.
    Mean,
    /// The median; of an even number of elements, the smaller of both.
    Median,
    /// The mean square of the distances to the mean, rounded to the nearest integer, ties up.
    Variance,
    /// The square root of [`Variance`](Self::Variance), rounded down.
    Std,
    /// The earliest element.
    First,
    /// The latest element.
    Last,
}

/// How a rational number becomes an element of a tensor: it is multiplied by `num/den`, rounded to
/// the nearest integer, ties up, held to `[lo, hi]`, then cast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quant {
    /// Numerator of the scale.
    pub num: u32,
    /// Denominator of the scale, not 0.
    pub den: u32,
    /// Smallest integer.
    pub lo: i32,
    /// Largest integer, at least `lo`.
    pub hi: i32,
    /// Type of the element.
    pub to: Cast,
}

/// What the integer is cast to, which holds all of `[lo, hi]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cast {
    /// A signed 8-bit integer.
    I8,
    /// A signed 16-bit integer.
    I16,
    /// A signed 32-bit integer.
    I32,
    /// IEEE 754 binary32 of exactly the integer times `2^-shift`. The integer has a magnitude of at
    /// most [`MAX_F32_MAGNITUDE`].
    F32 {
        /// At most [`MAX_SHIFT`].
        shift: u8,
    },
}

impl Cast {
    /// Type of the element.
    pub const fn number_type(self) -> NumberType {
        match self {
            Self::I8 => NumberType::I8,
            Self::I16 => NumberType::I16,
            Self::I32 => NumberType::I32,
            Self::F32 { .. } => NumberType::F32,
        }
    }
}

/// Type of the elements of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NumberType {
    /// A signed 8-bit integer.
    I8,
    /// A signed 16-bit integer.
    I16,
    /// A signed 32-bit integer.
    I32,
    /// IEEE 754 binary32.
    F32,
}

impl NumberType {
    /// Size of an element in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
        }
    }
}
