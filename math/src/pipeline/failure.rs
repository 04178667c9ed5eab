//! Why channels are not valid, and why valid ones yield nothing.

use super::channel::{MAX_CHANNELS, MAX_ELEMENTS, MAX_F32_MAGNITUDE, MAX_SHIFT};

/// Why channels are not valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidPipeline {
    /// There is no channel, or more than [`MAX_CHANNELS`]. State fewer, with more levels each.
    Channels(usize),
    /// The count is 0, or yields no element or more than [`MAX_ELEMENTS`]. State 1 to 256 levels; for
    /// a difference or a return, 2 to 257.
    Count(u16),
    /// The ratio of logarithms is of elements with a sign. Set `abs`.
    Signed,
    /// The ratio is of no last element, or of more than there are. State at most as many as there are
    /// elements, which for a difference or a return is one less than levels.
    Last {
        /// What is stated.
        last: u16,
        /// The number of elements.
        elements: u16,
    },
    /// The correlated series have different numbers of levels. State the same for both.
    Lengths(u16, u16),
    /// `den` is 0. State 1 for no division.
    Denominator,
    /// `lo` is larger than `hi`. Exchange them.
    Bounds(i32, i32),
    /// The element's type does not hold all integers from `lo` to `hi`; `f32` holds those up to
    /// [`MAX_F32_MAGNITUDE`]. State narrower bounds or another type.
    BoundsOfType(i32, i32),
    /// The shift of an `f32` is more than [`MAX_SHIFT`]. State less, or a larger `num`.
    Shift(u8),
    /// The tensors are not numbered from 0 in the order of their first channels. State the `next`
    /// number, or one before it.
    Tensor {
        /// What is stated.
        found: u8,
        /// The number of the next new tensor.
        next: u8,
    },
    /// The channel has another type than the first one of its tensor. State the same type for all
    /// channels of a tensor.
    Types {
        /// The number of the tensor.
        tensor: u8,
    },
}

impl core::fmt::Display for InvalidPipeline {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Channels(found) => {
                write!(f, "there are {found} channels; state 1 to {MAX_CHANNELS}")
            },
            Self::Count(count) => write!(
                f,
                "a count of {count} yields no element, or more than {MAX_ELEMENTS}; state 1 to 256 \
                 levels, or 2 to 257 for a difference or a return"
            ),
            Self::Signed => write!(f, "the ratio of logarithms is of signed elements; set abs"),
            Self::Last { last, elements } => {
                write!(f, "the last {last} of {elements} elements; state 1 to {elements}")
            },
            Self::Lengths(of, with) => write!(
                f,
                "a series of {of} levels is correlated with one of {with}; state the same count"
            ),
            Self::Denominator => write!(f, "den is 0; state 1 for no division"),
            Self::Bounds(lo, hi) => write!(f, "lo {lo} is larger than hi {hi}; exchange them"),
            Self::BoundsOfType(lo, hi) => write!(
                f,
                "the type does not hold all integers from {lo} to {hi} (f32: up to \
                 {MAX_F32_MAGNITUDE}); state narrower bounds or another type"
            ),
            Self::Shift(shift) => {
                write!(
                    f,
                    "a shift of {shift} is more than {MAX_SHIFT}; state less, or a larger num"
                )
            },
            Self::Tensor { found, next } => write!(
                f,
                "tensor {found} before tensor {next}; number tensors from 0, in the order of their \
                 first channels"
            ),
            Self::Types { tensor } => write!(
                f,
                "channels of tensor {tensor} have different types; state the same for all of them"
            ),
        }
    }
}

impl core::error::Error for InvalidPipeline {}

/// Why valid channels yield nothing from the values of a feed.
///
/// Of several failures the earliest is reported: while the series is sampled, the first in the order
/// of this list; then that of the earliest element; then that of the scale. A correlation samples
/// and changes its own series before the other one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PipelineFailure {
    /// The channel is not valid.
    Invalid(InvalidPipeline),
    /// The candles are not in time order, or one is there twice. Give each once, the earliest first.
    Order,
    /// The feed has fewer rounds, or begins later, than the channel states. Wait, or state a smaller
    /// count.
    TooFew,
    /// More successive intervals have no candle than may be filled. Wait, state a smaller count or a
    /// larger `fill`, or use candles of a longer interval.
    Gap,
    /// The caller gave another number of levels than the channel states. Give those that its sampling
    /// yields.
    Length,
    /// A level of which a return is computed is 0 or negative. Use a difference.
    NotPositive,
    /// The magnitude of an element is 2^54 or more. Return: the level before is tiny. Give the feed
    /// fewer decimals, or use a difference.
    TooLarge,
    /// The mean or the last element, by which the series is divided, is negative. Set `abs`, or
    /// standardise.
    Negative,
    /// A variance times `num` is 2^126 or more (exactly: twice it, plus `den`, is 2^127 or more). State
    /// a smaller `num`, or use the standard deviation.
    Overflow,
}

impl core::fmt::Display for PipelineFailure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Invalid(why) => why.fmt(f),
            Self::Order => {
                write!(f, "the candles are not in time order; give each once, the earliest first")
            },
            Self::TooFew => write!(
                f,
                "the feed has fewer values than the channel states; wait, or state a smaller count"
            ),
            Self::Gap => write!(
                f,
                "more successive intervals have no candle than may be filled; wait, or state a \
                 smaller count, a larger fill or a longer interval"
            ),
            Self::Length => write!(
                f,
                "the series has another number of levels than the channel states; give those that \
                 its sampling yields"
            ),
            Self::NotPositive => {
                write!(f, "a return is computed of a level that is not positive; use a difference")
            },
            Self::TooLarge => write!(
                f,
                "an element has a magnitude of 2^54 or more; give the feed fewer decimals, or use \
                 differences instead of returns"
            ),
            Self::Negative => write!(
                f,
                "the mean or the last element, by which the series is divided, is negative; set \
                 abs, or standardise"
            ),
            Self::Overflow => write!(
                f,
                "a variance times num is 2^126 or more; state a smaller num, or use the standard \
                 deviation"
            ),
        }
    }
}

impl core::error::Error for PipelineFailure {}
