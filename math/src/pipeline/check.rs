//! What is refused before any value is read.

use super::{
    channel::{
        Cast, Channel, Out, Quant, Sampling, MAX_CHANNELS, MAX_ELEMENTS, MAX_F32_MAGNITUDE,
        MAX_SHIFT,
    },
    failure::InvalidPipeline,
};

/// Whether the channels can be computed, whatever the feeds say.
///
/// # Errors
///
/// The index of the first channel that is wrong, and why.
pub fn check(channels: &[Channel]) -> Result<(), (usize, InvalidPipeline)> {
    if channels.is_empty() || channels.len() > MAX_CHANNELS {
        let first_too_many = channels.len().min(MAX_CHANNELS);
        return Err((first_too_many, InvalidPipeline::Channels(channels.len())));
    }
    let mut tensors = 0;
    for (index, channel) in channels.iter().enumerate() {
        channel.check().map_err(|why| (index, why))?;
        let tensor = channel.tensor;
        if tensor > tensors {
            return Err((index, InvalidPipeline::Tensor { found: tensor, next: tensors }));
        }
        // At most MAX_CHANNELS.
        tensors = tensors.max(tensor + 1);
        let number_type = |channel: &Channel| channel.out.quant().to.number_type();
        let first = channels.iter().find(|other| other.tensor == tensor).unwrap_or(channel);
        if number_type(first) != number_type(channel) {
            return Err((index, InvalidPipeline::Types { tensor }));
        }
    }
    Ok(())
}

impl Channel {
    /// Number of levels that the channel reads, of both series of a correlation. What computing takes
    /// grows with it; by the median, which sorts, faster than in proportion.
    pub fn levels(&self) -> u32 {
        let with = match self.out {
            Out::Correlation { with, .. } => with.count(),
            _ => 0,
        };
        u32::from(self.of.count()) + u32::from(with)
    }

    /// Number of elements that the channel adds to its tensor.
    pub fn elements(&self) -> u16 {
        match self.out {
            Out::Series { .. } => self.change.elements(self.of.count()),
            Out::Stat { .. } | Out::LogRatio { .. } | Out::Correlation { .. } => 1,
        }
    }

    /// Whether the channel can be computed, whatever the feeds say. Its tensor is not looked at:
    /// see [`check`](fn@check).
    ///
    /// # Errors
    ///
    /// The first that applies, in the order of [`InvalidPipeline`].
    pub fn check(&self) -> Result<(), InvalidPipeline> {
        let count = self.of.count();
        let elements = self.change.elements(count);
        if elements == 0 || elements > MAX_ELEMENTS {
            return Err(InvalidPipeline::Count(count));
        }
        match self.out {
            Out::LogRatio { .. } if !self.abs => return Err(InvalidPipeline::Signed),
            Out::LogRatio { last, .. } if last == 0 || last > elements => {
                return Err(InvalidPipeline::Last { last, elements });
            },
            Out::Correlation { with, .. } if Sampling::count(with) != count => {
                return Err(InvalidPipeline::Lengths(count, with.count()));
            },
            _ => {},
        }
        self.out.quant().check()
    }
}

impl Quant {
    /// Whether every integer in `[lo, hi]` is one of the type, and there is one.
    fn check(&self) -> Result<(), InvalidPipeline> {
        let Self { den, lo, hi, to, .. } = *self;
        if den == 0 {
            return Err(InvalidPipeline::Denominator);
        }
        if lo > hi {
            return Err(InvalidPipeline::Bounds(lo, hi));
        }
        let (min, max) = match to {
            Cast::I8 => (i8::MIN.into(), i8::MAX.into()),
            Cast::I16 => (i16::MIN.into(), i16::MAX.into()),
            Cast::I32 => (i32::MIN, i32::MAX),
            Cast::F32 { .. } => (-MAX_F32_MAGNITUDE, MAX_F32_MAGNITUDE),
        };
        if lo < min || hi > max {
            return Err(InvalidPipeline::BoundsOfType(lo, hi));
        }
        match to {
            Cast::F32 { shift } if shift > MAX_SHIFT => Err(InvalidPipeline::Shift(shift)),
            _ => Ok(()),
        }
    }
}
