use super::*;
use crate::interpret::dot;
use codec::{Decode, Encode};

/// `acc[i] = bias[i] + Σ_j weights[i][j] · input[j]`, from an int8 vector to accumulators.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Dense {
    /// An int8 vector.
    pub input: TensorId,
    /// Number of rows of the weight matrix. Its columns correspond to the elements of the input.
    pub rows: u32,
}

impl Kind for Dense {
    fn name(&self) -> &'static str {
        "Dense"
    }

    fn inputs(&self) -> (TensorId, Option<TensorId>) {
        (self.input, None)
    }

    fn output_type(&self) -> ElementType {
        ElementType::Int32
    }

    fn has_parameters(&self) -> bool {
        true
    }

    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem> {
        let shape = inputs[0];
        if shape.plane() != 1 {
            return Err(Problem::NotAVector { tensor: self.input, shape });
        }
        Ok((Shape::vector(self.rows), shape.channels.into()))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        let columns = position.inputs[0].channels as usize;
        let weights = source.weights(position.channel * columns, columns)?;
        Ok(source.bias(position.channel)? + dot(weights, source.int8(0, 0, columns)?))
    }

    fn reads(&self, inputs: &[Shape], _: Shape, _: Range<usize>) -> Vec<Vec<Range<usize>>> {
        whole(0..inputs[0].channels as usize)
    }

    fn interval(&self, shapes: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval {
        let columns = shapes[0].channels as usize;
        known.hull(channels, |channel| {
            known.weighted_sum(channel, columns, |column| known.input(0, column))
        })
    }

    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        Vec::from([Constraint::Equal { left: element.output, right: element.sum }])
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::dense()
    }
}
