use super::*;
use codec::{Decode, Encode};

/// The same int8 elements in another shape.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Reshape {
    /// An int8 tensor.
    pub input: TensorId,
    /// A shape with the same number of elements.
    pub shape: Shape,
}

impl Kind for Reshape {
    fn name(&self) -> &'static str {
        "Reshape"
    }

    fn inputs(&self) -> (TensorId, Option<TensorId>) {
        (self.input, None)
    }

    fn output_type(&self) -> ElementType {
        ElementType::Int8
    }

    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem> {
        let (from, to) = (inputs[0], self.shape);
        if to.elements() != from.elements() {
            return Err(Problem::ReshapeElements { from, to });
        }
        Ok((to, 1))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        Ok(source.int8(0, position.index, 1)?[0].into())
    }

    fn reads(&self, _: &[Shape], _: Shape, range: Range<usize>) -> Vec<Vec<Range<usize>>> {
        whole(range)
    }

    /// The values of a channel of the new shape are those of all channels that contribute elements.
    fn interval(&self, shapes: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval {
        let (from, to) = (shapes[0].plane(), self.shape.plane());
        known.hull(channels, |channel| {
            let (first, last) = (channel * to / from, ((channel + 1) * to - 1) / from);
            known.hull(first..last + 1, |channel| known.input(0, channel))
        })
    }

    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        Vec::from([Constraint::Equal { left: element.output, right: element.inputs[0] }])
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::reshape()
    }
}
