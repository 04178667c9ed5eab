//! Each operation against a second implementation that shares no code with the crate: padding is
//! explicit, and windows are read element by element.

use assay_graph::{
    interpret,
    random::{self, Rng},
    Add, CheckedGraph, Conv2d, Dense, Lookup, MaxPool2d, Operation, Padding, Requantize, Shape,
    SumPool2d, Tensor, Window,
};
use proptest::prelude::*;

/// Elements by channel, row and column.
type Image = Vec<Vec<Vec<i64>>>;

fn image(values: &[i64], shape: Shape) -> Image {
    let mut values = values.iter().copied();
    (0..shape.channels)
        .map(|_| {
            (0..shape.height)
                .map(|_| (0..shape.width).map(|_| values.next().unwrap()).collect())
                .collect()
        })
        .collect()
}

fn flat(image: Image) -> Vec<i64> {
    image.into_iter().flatten().flatten().collect()
}

fn pad(image: &Image, padding: Padding, with: i64) -> Image {
    let [top, left, bottom, right] =
        [padding.top, padding.left, padding.bottom, padding.right].map(usize::from);
    image
        .iter()
        .map(|channel| {
            let width = channel[0].len() + left + right;
            let mut rows = vec![vec![with; width]; top];
            for row in channel {
                let mut padded = vec![with; left];
                padded.extend(row);
                padded.extend(vec![with; right]);
                rows.push(padded);
            }
            rows.extend(vec![vec![with; width]; bottom]);
            rows
        })
        .collect()
}

/// The windows of one padded channel, row by row, each as a list of elements.
fn windows(channel: &[Vec<i64>], window: &Window) -> Vec<Vec<Vec<i64>>> {
    let [kh, kw, sh, sw] =
        [window.kernel.height, window.kernel.width, window.stride.height, window.stride.width]
            .map(usize::from);
    let mut rows = Vec::new();
    let mut y = 0;
    while y + kh <= channel.len() {
        let mut columns = Vec::new();
        let mut x = 0;
        while x + kw <= channel[0].len() {
            columns.push((0..kh * kw).map(|i| channel[y + i / kw][x + i % kw]).collect());
            x += sw;
        }
        rows.push(columns);
        y += sh;
    }
    rows
}

fn pool(input: &Image, window: &Window, with: i64, of: fn(&[i64]) -> i64) -> Image {
    pad(input, window.padding, with)
        .iter()
        .map(|channel| {
            let rows = windows(channel, window);
            rows.iter().map(|row| row.iter().map(|window| of(window)).collect()).collect()
        })
        .collect()
}

fn convolve(input: &Image, window: &Window, groups: usize, weights: &[i8], bias: &[i32]) -> Image {
    let unrolled: Vec<_> =
        pad(input, window.padding, 0).iter().map(|channel| windows(channel, window)).collect();
    let (inputs, outputs) = (input.len() / groups, bias.len() / groups);
    let area = usize::from(window.kernel.height) * usize::from(window.kernel.width);
    let mut result = Image::new();
    for (o, bias) in bias.iter().enumerate() {
        let mut channel = vec![vec![i64::from(*bias); unrolled[0][0].len()]; unrolled[0].len()];
        for c in 0..inputs {
            for (y, row) in channel.iter_mut().enumerate() {
                for (x, acc) in row.iter_mut().enumerate() {
                    for k in 0..area {
                        let weight = weights[o * inputs * area + c * area + k];
                        *acc += i64::from(weight) * unrolled[o / outputs * inputs + c][y][x][k];
                    }
                }
            }
        }
        result.push(channel);
    }
    result
}

fn values(tensor: &Tensor) -> Vec<i64> {
    match tensor {
        Tensor::Int8(values) => values.iter().map(|x| i64::from(*x)).collect(),
        Tensor::Int32(values) => values.iter().map(|x| i64::from(*x)).collect(),
    }
}

fn second_implementation(graph: &CheckedGraph, index: usize, tensors: &[Tensor]) -> Vec<i64> {
    let operation = &graph.plan().operations()[index];
    let inputs: Vec<(Vec<i64>, Shape)> = operation
        .inputs()
        .map(|id| (values(&tensors[id.index()]), graph.plan().shape(id).unwrap()))
        .collect();
    let (first, shape) = &inputs[0];
    let parameters = graph.parameters(index);
    match operation {
        Operation::Dense(Dense { rows, .. }) => {
            let parameters = parameters.unwrap();
            (0..*rows as usize)
                .map(|row| {
                    let weights = &parameters.weights[row * first.len()..];
                    let products = first.iter().zip(weights).map(|(x, w)| x * i64::from(*w));
                    products.sum::<i64>() + i64::from(parameters.bias[row])
                })
                .collect()
        },
        Operation::Conv2d(Conv2d { groups, window, .. }) => {
            let parameters = parameters.unwrap();
            let input = image(first, *shape);
            let (weights, bias) = (&parameters.weights, &parameters.bias);
            flat(convolve(&input, window, *groups as usize, weights, bias))
        },
        Operation::Add(Add { left_multiplier, right_multiplier, .. }) => first
            .iter()
            .zip(&inputs[1].0)
            .map(|(a, b)| {
                a * i64::from(left_multiplier.get()) + b * i64::from(right_multiplier.get())
            })
            .collect(),
        Operation::SumPool2d(SumPool2d { window, .. }) => {
            flat(pool(&image(first, *shape), window, 0, |window| window.iter().sum()))
        },
        Operation::MaxPool2d(MaxPool2d { window, .. }) => {
            // The padding is below every int8 value, so it is never the maximum of a window with an
            // element.
            let max = pool(&image(first, *shape), window, i64::MIN, |window| {
                *window.iter().max().unwrap()
            });
            flat(max)
        },
        Operation::Requantize(Requantize { multipliers, shift, clamp, .. }) => {
            let two_to_s = 1i128 << shift.bits();
            first
                .iter()
                .enumerate()
                .map(|(i, acc)| {
                    let channel = i / shape.plane();
                    let multiplier = multipliers[channel.min(multipliers.len() - 1)].get();
                    let scaled = i128::from(*acc) * i128::from(multiplier);
                    let nearest = (2 * scaled + two_to_s).div_euclid(2 * two_to_s) as i64;
                    nearest.clamp(clamp.lo().into(), clamp.hi().into())
                })
                .collect()
        },
        Operation::Lookup(Lookup { table, .. }) => {
            first.iter().map(|x| i64::from(table[(*x + 128) as usize])).collect()
        },
        Operation::Reshape(_) => first.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_operation_means_what_the_format_says(seed in any::<u64>(), length in 1usize..10) {
        let mut rng = Rng::new(seed);
        let graph = CheckedGraph::new(random::graph(&mut rng, length)).unwrap();
        let input = random::input(&mut rng, graph.plan().architecture());
        let trace = interpret::trace(&graph, &input).unwrap();
        for index in 0..graph.plan().operations().len() {
            let expected = second_implementation(&graph, index, &trace.tensors);
            prop_assert_eq!(values(&trace.tensors[index + 1]), expected);
            let shape = graph.plan().shapes()[index + 1];
            prop_assert_eq!(shape.elements(), Some(trace.tensors[index + 1].len()));
        }
    }
}
