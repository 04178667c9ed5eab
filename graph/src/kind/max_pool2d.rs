use super::*;
use crate::{bounds::MAX_POOL_WINDOW, interpret::fold, tile::window_reads, window::output_shape};
use codec::{Decode, Encode};

/// The maximum of each window, from int8 to int8. Padding counts as -128 and therefore never
/// matters, because every window contains an element.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MaxPool2d {
    /// An int8 tensor.
    pub input: TensorId,
    /// Kernel, stride and padding.
    pub window: Window,
}

impl Kind for MaxPool2d {
    fn name(&self) -> &'static str {
        "MaxPool2d"
    }

    fn inputs(&self) -> (TensorId, Option<TensorId>) {
        (self.input, None)
    }

    fn output_type(&self) -> ElementType {
        ElementType::Int8
    }

    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem> {
        let area = self.window.kernel.area();
        let shape = output_shape(inputs[0], &self.window, inputs[0].channels)?;
        if area > MAX_POOL_WINDOW {
            return Err(Problem::PoolWindow(area));
        }
        Ok((shape, area as u64))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        let max = |max, window: &[i8]| window.iter().fold(max, |max: i64, x| max.max((*x).into()));
        fold(source, position, &self.window, i8::MIN.into(), max)
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
        known.hull(channels, |channel| known.input(0, channel))
    }

    /// The output is at least each element that the window reads, and equal to one of them.
    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        let differences: Vec<Interval> =
            element.inputs.iter().map(|input| element.output.minus(*input)).collect();
        let ranges = differences.iter().map(|value| Constraint::Range { value: *value, bits: 8 });
        ranges.chain([Constraint::OneIsZero(differences.clone())]).collect()
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::max_pool2d()
    }
}
