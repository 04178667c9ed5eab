//! Floating-point networks, the form between import and quantisation, and their interpreter.
//!
//! Sums are computed in a fixed order and in double precision, so that a model is quantised to the
//! same bytes on every machine.

use crate::error::OnnxLocation;
use assay_graph::{Extent, Padding, Shape, Window};

/// A function of single elements. Integer models compute it with a lookup table.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Function {
    Sigmoid,
    Tanh,
    /// Slope of the negative side.
    LeakyRelu(f64),
    /// Factor of the negative side.
    Elu(f64),
    /// The nearest value in an interval.
    Clamp(f64, f64),
}

impl Function {
    pub fn apply(self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
            Self::LeakyRelu(slope) => x * if x < 0.0 { slope } else { 1.0 },
            Self::Elu(factor) => {
                if x < 0.0 {
                    factor * x.exp_m1()
                } else {
                    x
                }
            },
            Self::Clamp(lo, hi) => x.max(lo).min(hi),
        }
    }

    /// The magnitude above which the function is constant, up to half a step of its int8 output.
    pub fn saturation(self) -> Option<f64> {
        match self {
            Self::Sigmoid => Some(6.0),
            Self::Tanh => Some(3.0),
            _ => None,
        }
    }
}

/// The computation of a node.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Kind {
    Input,
    /// Weights in row-major order, one row for each output.
    Dense {
        weights: Vec<f64>,
        bias: Vec<f64>,
    },
    /// Weights `[output channel][input channel of the group][row][column]`.
    Conv {
        weights: Vec<f64>,
        bias: Vec<f64>,
        groups: usize,
        window: Window,
    },
    /// `scale · x + offset`, with a scale and an offset for each element.
    Affine {
        scale: Vec<f64>,
        offset: Vec<f64>,
    },
    Add,
    MaxPool(Window),
    /// The sum of each window, divided by its area.
    AveragePool(Window),
    Function(Function),
    /// The same elements in another shape.
    Reshape,
    /// Axis `k` is axis `axes[k]` of the input.
    Transpose(Vec<usize>),
}

/// A node: its computation, its inputs, and the node of the file from which it was made.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    /// Indices of earlier nodes.
    pub inputs: Vec<usize>,
    /// Dimensions without the batch.
    pub dims: Vec<usize>,
    pub place: OnnxLocation,
}

impl Node {
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }
}

/// A network. The first node is its input.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub nodes: Vec<Node>,
    pub output: usize,
}

/// The shape of a tensor in an integer model; `None` if it has more than three dimensions in
/// addition to the batch.
pub(crate) fn shape_of(dims: &[usize]) -> Option<Shape> {
    let size = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    match *dims {
        [] => Some(Shape::vector(1)),
        [n] => Some(Shape::vector(size(n))),
        [h, w] => Some(Shape::new(1, size(h), size(w))),
        [c, h, w] => Some(Shape::new(size(c), size(h), size(w))),
        _ => None,
    }
}

/// Channels, height and width. Vectors have height and width 1.
pub(crate) fn image(dims: &[usize]) -> [usize; 3] {
    match *dims {
        [] => [1, 1, 1],
        [n] => [n, 1, 1],
        [h, w] => [1, h, w],
        [c, h, w] => [c, h, w],
        _ => [dims.iter().product(), 1, 1],
    }
}

/// The output size of a window along one dimension; `None` if the kernel does not fit.
pub(crate) fn positions(size: usize, kernel: u16, stride: u16, padding: usize) -> Option<usize> {
    let steps = (size + padding).checked_sub(usize::from(kernel))?;
    Some(steps / usize::from(stride).max(1) + 1)
}

impl Network {
    /// The value of every node for one row of inputs.
    pub fn run(&self, row: &[f64]) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let value = match &node.kind {
                Kind::Input => row.to_vec(),
                kind => {
                    let inputs: Vec<&[f64]> =
                        node.inputs.iter().map(|input| values[*input].as_slice()).collect();
                    let dims = &self.nodes[node.inputs[0]].dims;
                    compute(kind, &inputs, dims, &node.dims)
                },
            };
            values.push(value);
        }
        values
    }

    /// The number of readers of each node: nodes, plus one for the output. Nodes on which the
    /// output does not depend have no readers and do not count as readers.
    pub fn readers(&self) -> Vec<usize> {
        let mut readers = vec![0; self.nodes.len()];
        readers[self.output] = 1;
        for index in (0..self.nodes.len()).rev().filter(|index| *index <= self.output) {
            if readers[index] > 0 {
                self.nodes[index].inputs.iter().for_each(|input| readers[*input] += 1);
            }
        }
        readers
    }
}

fn compute(kind: &Kind, inputs: &[&[f64]], from: &[usize], to: &[usize]) -> Vec<f64> {
    let x = inputs[0];
    match kind {
        Kind::Input | Kind::Reshape => x.to_vec(),
        Kind::Dense { weights, bias } => weights
            .chunks_exact(x.len())
            .zip(bias)
            .map(|(row, bias)| row.iter().zip(x).fold(*bias, |sum, (w, x)| sum + w * x))
            .collect(),
        Kind::Conv { weights, bias, groups, window } => {
            conv(x, weights, bias, *groups, window, image(from), image(to))
        },
        Kind::Affine { scale, offset } => {
            x.iter().zip(scale.iter().zip(offset)).map(|(x, (a, b))| a * x + b).collect()
        },
        Kind::Add => x.iter().zip(inputs[1]).map(|(a, b)| a + b).collect(),
        Kind::MaxPool(window) => {
            pool(x, window, image(from), image(to), |cells| cells.fold(f64::MIN, f64::max))
        },
        Kind::AveragePool(window) => {
            let area = window.kernel.area() as f64;
            pool(x, window, image(from), image(to), |cells| cells.sum::<f64>() / area)
        },
        Kind::Function(function) => x.iter().map(|x| function.apply(*x)).collect(),
        Kind::Transpose(axes) => transpose(x, from, axes),
    }
}

/// The elements of a window along one dimension: pairs of offsets in the kernel and in the input.
/// Padding is left out.
fn span(
    position: usize,
    stride: u16,
    before: u16,
    kernel: u16,
    size: usize,
) -> Vec<(usize, usize)> {
    (0..usize::from(kernel))
        .filter_map(|k| {
            let place = (position * usize::from(stride) + k).checked_sub(usize::from(before))?;
            (place < size).then_some((k, place))
        })
        .collect()
}

fn conv(
    x: &[f64],
    weights: &[f64],
    bias: &[f64],
    groups: usize,
    window: &Window,
    [channels, height, width]: [usize; 3],
    [outputs, rows, columns]: [usize; 3],
) -> Vec<f64> {
    let Window { kernel, stride, padding } = *window;
    let (per_group, area) = (channels / groups, kernel.area());
    let row_spans: Vec<_> =
        (0..rows).map(|y| span(y, stride.height, padding.top, kernel.height, height)).collect();
    let column_spans: Vec<_> =
        (0..columns).map(|x| span(x, stride.width, padding.left, kernel.width, width)).collect();
    let mut result = Vec::with_capacity(outputs * rows * columns);
    for o in 0..outputs {
        let first = o / (outputs / groups) * per_group;
        for row_span in &row_spans {
            for column_span in &column_spans {
                let mut sum = bias[o];
                for c in 0..per_group {
                    let kernels = &weights[(o * per_group + c) * area..][..area];
                    let plane = &x[(first + c) * height * width..][..height * width];
                    for (u, y) in row_span {
                        let kernel_row = &kernels[u * usize::from(kernel.width)..];
                        let row = &plane[y * width..];
                        for (v, x) in column_span {
                            sum += kernel_row[*v] * row[*x];
                        }
                    }
                }
                result.push(sum);
            }
        }
    }
    result
}

fn pool(
    x: &[f64],
    window: &Window,
    [channels, height, width]: [usize; 3],
    [_, rows, columns]: [usize; 3],
    fold: impl Fn(&mut dyn Iterator<Item = f64>) -> f64,
) -> Vec<f64> {
    let Window { kernel, stride, padding } = *window;
    let mut result = Vec::with_capacity(channels * rows * columns);
    for plane in x.chunks_exact(height * width) {
        for y in 0..rows {
            let row_span = span(y, stride.height, padding.top, kernel.height, height);
            for x in 0..columns {
                let column_span = span(x, stride.width, padding.left, kernel.width, width);
                let mut cells = row_span
                    .iter()
                    .flat_map(|(_, y)| column_span.iter().map(move |(_, x)| plane[y * width + x]));
                result.push(fold(&mut cells));
            }
        }
    }
    result
}

/// The elements after a transposition.
pub(crate) fn transpose(x: &[f64], from: &[usize], axes: &[usize]) -> Vec<f64> {
    transposed_places(from, axes).into_iter().map(|place| x[place]).collect()
}

/// For each element after a transposition, its index before.
pub(crate) fn transposed_places(from: &[usize], axes: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; from.len()];
    for axis in (1..from.len()).rev() {
        strides[axis - 1] = strides[axis] * from[axis];
    }
    let total = from.iter().product();
    let place = |index: usize| {
        let (mut rest, mut place) = (index, 0);
        for axis in axes.iter().rev() {
            place += rest % from[*axis] * strides[*axis];
            rest /= from[*axis];
        }
        place
    };
    (0..total).map(place).collect()
}

/// A window of one element with stride 1.
pub(crate) const POINT: Window =
    Window { kernel: Extent::square(1), stride: Extent::square(1), padding: Padding::all(0) };
