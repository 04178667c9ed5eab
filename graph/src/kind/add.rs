use super::*;
use crate::requantize::Multiplier;
use codec::{Decode, Encode};

/// `acc[i] = left_multiplier · left[i] + right_multiplier · right[i]`, from two int8 tensors of one
/// shape to accumulators of that shape.
///
/// With the requantisation after it, this is one exact equation:
/// `(a·Ma + b·Mb)·M + 2^(s-1) = q·2^s + r`. The two multipliers bring both inputs to a common scale.
/// The sum must stay within int32 for all values that the inputs can have; multipliers whose sum is
/// below 2^24 are always legal.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Add {
    /// An int8 tensor.
    pub left: TensorId,
    /// An int8 tensor of the same shape; may be the same tensor.
    pub right: TensorId,
    /// Factor of the left elements.
    pub left_multiplier: Multiplier,
    /// Factor of the right elements.
    pub right_multiplier: Multiplier,
}

impl Kind for Add {
    fn name(&self) -> &'static str {
        "Add"
    }

    fn inputs(&self) -> (TensorId, Option<TensorId>) {
        (self.left, Some(self.right))
    }

    fn output_type(&self) -> ElementType {
        ElementType::Int32
    }

    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem> {
        let (left, right) = (inputs[0], inputs[1]);
        if left != right {
            return Err(Problem::ShapesDiffer { left, right });
        }
        Ok((left, 2))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        let term = |slot, multiplier: Multiplier| {
            let x = source.int8(slot, position.index, 1)?[0];
            Ok(i64::from(multiplier.get()) * i64::from(x))
        };
        Ok(term(0, self.left_multiplier)? + term(1, self.right_multiplier)?)
    }

    fn reads(&self, _: &[Shape], _: Shape, range: Range<usize>) -> Vec<Vec<Range<usize>>> {
        [whole(range.clone()), whole(range)].concat()
    }

    fn interval(&self, _: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval {
        let term = |slot, multiplier: Multiplier, channel| {
            Interval::point(multiplier.get()).times(known.input(slot, channel))
        };
        known.hull(channels, |channel| {
            term(0, self.left_multiplier, channel).plus(term(1, self.right_multiplier, channel))
        })
    }

    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        Vec::from([Constraint::Equal { left: element.output, right: element.sum }])
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::add()
    }
}
