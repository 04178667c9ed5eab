use super::*;
use crate::{interpret::fold, tile::window_reads, window::output_shape};
use codec::{Decode, Encode};

/// The sum of each window, from int8 to accumulators. Padding counts as 0.
///
/// Followed by a requantisation whose multiplier includes the division, this is average pooling
/// that counts the padding. With a kernel as large as the input, it is global average pooling.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct SumPool2d {
    /// An int8 tensor.
    pub input: TensorId,
    /// Kernel, stride and padding.
    pub window: Window,
}

impl Kind for SumPool2d {
    fn name(&self) -> &'static str {
        "SumPool2d"
    }

    fn inputs(&self) -> (TensorId, Option<TensorId>) {
        (self.input, None)
    }

    fn output_type(&self) -> ElementType {
        ElementType::Int32
    }

    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem> {
        let shape = output_shape(inputs[0], &self.window, inputs[0].channels)?;
        Ok((shape, self.window.kernel.area() as u64))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        let sum = |sum, window: &[i8]| sum + window.iter().map(|x| i64::from(*x)).sum::<i64>();
        fold(source, position, &self.window, 0, sum)
    }

    fn reads(
        &self,
        inputs: &[Shape],
        output: Shape,
        range: Range<usize>,
    ) -> Vec<Vec<Range<usize>>> {
        Vec::from([window_reads(inputs[0], &self.window, output, EACH_CHANNEL, range)])
    }

    fn interval(&self, _: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval {
        let area = self.window.kernel.area();
        known.hull(channels, |channel| padded(known.input(0, channel), &self.window).repeated(area))
    }

    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        Vec::from([Constraint::Equal { left: element.output, right: element.sum }])
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::sum_pool2d()
    }
}
