use super::*;
use crate::{
    bounds::{MAX_CHANNELS, MAX_EQUATION_BITS, MAX_QUOTIENT_BITS, MIN_QUOTIENT_BITS},
    list::List,
    requantize::{requantize, Clamp, Multiplier, Shift},
};
use codec::{Decode, Encode};

/// Accumulators to int8, each by [`requantize`](crate::requantize::requantize).
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Requantize {
    /// Accumulators that no other operation reads.
    pub input: TensorId,
    /// One multiplier for all channels, or one for each.
    pub multipliers: List<Multiplier, MAX_CHANNELS>,
    /// The shift.
    pub shift: Shift,
    /// Bits `b` of the quotient window: every quotient of any input is in `[-2^(b-1), 2^(b-1))`. It
    /// is declared so that the size of the clamp table is known without the weights.
    /// [`CheckedGraph`](crate::CheckedGraph) checks that it is large enough. It may be larger than
    /// necessary, so that several requantisations share a table.
    pub quotient_bits: u8,
    /// The clamping interval of the output.
    pub clamp: Clamp,
}

impl Requantize {
    /// The multiplier of a channel; the hull of all multipliers if `channel` is `None`.
    pub(crate) fn multiplier(&self, channel: Option<usize>) -> Interval {
        let point = |multiplier: Multiplier| Interval::point(multiplier.get());
        match channel {
            Some(channel) => point(multiplier(&self.multipliers, channel)),
            None => {
                let all = self.multipliers.iter().copied().map(point);
                all.reduce(Interval::hull).unwrap_or(Interval::ZERO)
            },
        }
    }

    /// `acc·M + 2^(s-1)`.
    pub(crate) fn scaled(&self, accumulator: Interval, multiplier: Interval) -> Interval {
        accumulator.times(multiplier).plus(Interval::point(1i64 << (self.shift.bits() - 1)))
    }

    /// Bounds of the outputs for these accumulators.
    fn outputs(&self, accumulators: Interval, multiplier: Interval) -> Interval {
        let scaled = self.scaled(accumulators, multiplier);
        // Shift and clamp are monotonic.
        let output = |scaled: i128| {
            let quotient = scaled >> self.shift.bits();
            quotient.clamp(self.clamp.lo().into(), self.clamp.hi().into())
        };
        Interval { lo: output(scaled.lo), hi: output(scaled.hi) }
    }
}

/// The multiplier of a channel: its own, or the common one.
pub(crate) fn multiplier(multipliers: &[Multiplier], channel: usize) -> Multiplier {
    let index = if multipliers.len() == 1 { 0 } else { channel };
    multipliers.get(index).copied().unwrap_or(Multiplier::ONE)
}

impl Kind for Requantize {
    fn name(&self) -> &'static str {
        "Requantize"
    }

    fn inputs(&self) -> (TensorId, Option<TensorId>) {
        (self.input, None)
    }

    fn input_type(&self) -> ElementType {
        ElementType::Int32
    }

    fn output_type(&self) -> ElementType {
        ElementType::Int8
    }

    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem> {
        let (shape, found) = (inputs[0], self.multipliers.len());
        if found != 1 && found != shape.channels as usize {
            return Err(Problem::MultiplierCount { channels: shape.channels, found });
        }
        let bits = self.quotient_bits;
        if !(MIN_QUOTIENT_BITS..=MAX_QUOTIENT_BITS).contains(&bits)
            || bits - 1 + self.shift.bits() > MAX_EQUATION_BITS
        {
            return Err(Problem::QuotientBits(bits));
        }
        Ok((shape, 1))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        let accumulator = source.int32(position.index)?;
        let multiplier = multiplier(&self.multipliers, position.channel);
        Ok(requantize(accumulator, multiplier, self.shift, self.clamp).output.into())
    }

    fn reads(&self, _: &[Shape], _: Shape, range: Range<usize>) -> Vec<Vec<Range<usize>>> {
        whole(range)
    }

    fn interval(&self, _: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval {
        if let [accumulators] = known.inputs[0] {
            let all = if channels.len() == 1 { Some(channels.start) } else { None };
            return self.outputs(*accumulators, self.multiplier(all));
        }
        known.hull(channels, |channel| {
            self.outputs(known.input(0, channel), self.multiplier(Some(channel)))
        })
    }

    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        let [quotient, remainder] = element.division;
        let bits = self.shift.bits();
        Vec::from([
            Constraint::Equal {
                left: self.scaled(element.inputs[0], self.multiplier(element.channel)),
                right: quotient.times(Interval::point(1i64 << bits)).plus(remainder),
            },
            Constraint::Range { value: remainder, bits },
            Constraint::Clamped {
                key: quotient,
                value: element.output,
                bits: self.quotient_bits,
                clamp: self.clamp,
            },
        ])
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::requantize()
    }
}
