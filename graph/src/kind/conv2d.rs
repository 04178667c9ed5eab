use super::*;
use crate::{
    interpret::dot,
    tile::window_reads,
    window::{output_shape, segments},
};
use codec::{Decode, Encode};

/// Two-dimensional convolution (strictly, cross-correlation), from int8 to accumulators:
/// `acc[o][y][x] = bias[o] + Σ_{c,u,v} weights[o][c][u][v] · input[g·C + c][y·sy + u - top] [x·sx +
/// v - left]`, where `C` is the number of input channels per group and `g` the group of `o`.
/// Padding counts as 0.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Conv2d {
    /// An int8 tensor.
    pub input: TensorId,
    /// Number of output channels, a multiple of `groups`.
    pub output_channels: u32,
    /// Number of groups of channels; divides the number of input channels.
    pub groups: u32,
    /// Kernel, stride and padding.
    pub window: Window,
}

impl Conv2d {
    /// Number of input and output channels in one group.
    fn grouping(&self, input: Shape) -> Grouping {
        Grouping {
            inputs: (input.channels / self.groups) as usize,
            outputs: (self.output_channels / self.groups) as usize,
        }
    }
}

impl Kind for Conv2d {
    fn name(&self) -> &'static str {
        "Conv2d"
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
        let (input_channels, output_channels, groups) =
            (inputs[0].channels, self.output_channels, self.groups);
        if groups == 0 || input_channels % groups != 0 || output_channels % groups != 0 {
            return Err(Problem::Groups { input_channels, output_channels, groups });
        }
        let fan_in = u64::from(input_channels / groups) * self.window.kernel.area() as u64;
        Ok((output_shape(inputs[0], &self.window, output_channels)?, fan_in))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        let (shape, area) = (position.inputs[0], self.window.kernel.area());
        let Grouping { inputs, outputs } = self.grouping(shape);
        let group = position.channel / outputs;
        let mut sum = source.bias(position.channel)?;
        for c in 0..inputs {
            let kernel = source.weights((position.channel * inputs + c) * area, area)?;
            let first = (group * inputs + c) * shape.plane();
            for segment in segments(shape, &self.window, position.row, position.column) {
                let weights = &kernel[segment.kernel..segment.kernel + segment.length];
                sum += dot(weights, source.int8(0, first + segment.input, segment.length)?);
            }
        }
        Ok(sum)
    }

    fn reads(
        &self,
        inputs: &[Shape],
        output: Shape,
        range: Range<usize>,
    ) -> Vec<Vec<Range<usize>>> {
        let grouping = self.grouping(inputs[0]);
        Vec::from([window_reads(inputs[0], &self.window, output, grouping, range)])
    }

    fn interval(&self, shapes: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval {
        let area = self.window.kernel.area();
        let Grouping { inputs, outputs } = self.grouping(shapes[0]);
        known.hull(channels, |channel| {
            let first = channel / outputs * inputs;
            let input = |j: usize| padded(known.input(0, first + j / area), &self.window);
            known.weighted_sum(channel, inputs * area, input)
        })
    }

    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        Vec::from([Constraint::Equal { left: element.output, right: element.sum }])
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::conv2d()
    }
}
