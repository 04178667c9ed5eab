//! Every instruction set agrees with the reference interpreter.

use super::{
    lanes::{pair, Lanes, Portable},
    trace_by,
};
use crate::{
    bounds::{MAX_BIAS, MAX_FAN_IN, MAX_POOL_WINDOW},
    format::*,
    interpret,
    kind::*,
    random::{self, Rng},
    requantize::{Clamp, Multiplier, Shift},
    CheckedGraph, Plan, Trace,
};
use alloc::{vec, vec::Vec};
use proptest::prelude::*;

/// The traces computed by all instruction sets of this machine.
fn traces(graph: &CheckedGraph, input: &[i8]) -> Vec<Trace> {
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
    let mut traces = vec![trace_by(Portable, graph, input).unwrap()];
    #[cfg(target_arch = "x86_64")]
    {
        let sse2 = pulp::x86::V1::try_new().expect("every processor has it");
        traces.push(trace_by(sse2, graph, input).unwrap());
        if let Some(avx2) = pulp::x86::V3::try_new() {
            traces.push(trace_by(avx2, graph, input).unwrap());
        }
    }
    traces
}

fn agree(graph: &CheckedGraph, input: &[i8]) {
    let reference = interpret::trace(graph, input).unwrap();
    for trace in traces(graph, input) {
        assert_eq!(trace, reference);
    }
}

/// A graph with these operations and random parameters.
fn graph_of(input_shape: Shape, operations: Vec<Operation>, rng: &mut Rng) -> CheckedGraph {
    let architecture = Architecture {
        format_version: FormatVersion::V1,
        input_shape,
        input_scale: Scale::ONE,
        output_scale: Scale::ONE,
        operations: operations.try_into().unwrap(),
        commitments: Commitments::default(),
    };
    let plan = Plan::new(architecture.clone()).unwrap();
    let parameters = plan.all_parameters().map(|shape| {
        let bias: Vec<i32> = (0..shape.channels).map(|_| rng.bits() as i16 as i32).collect();
        let weights = rng.int8(shape.weights()).try_into().unwrap();
        Parameters { weights, bias: bias.try_into().unwrap() }
    });
    let weights = Weights { parameters: parameters.collect::<Vec<_>>().try_into().unwrap() };
    let mut graph = Graph { architecture, weights };
    graph.complete().unwrap();
    CheckedGraph::new(graph).unwrap()
}

fn single(input_shape: Shape, operation: Operation, rng: &mut Rng) -> CheckedGraph {
    graph_of(input_shape, vec![operation], rng)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn all_instructions_and_the_reference_agree(seed in any::<u64>(), length in 1usize..12) {
        let mut rng = Rng::new(seed);
        let graph = CheckedGraph::new(random::graph(&mut rng, length)).unwrap();
        let elements = graph.plan().shapes()[0].elements().unwrap();
        agree(&graph, &random::input(&mut rng, graph.plan().architecture()));
        agree(&graph, &vec![i8::MIN; elements]);
        agree(&graph, &vec![i8::MAX; elements]);
    }

    #[test]
    fn windows_of_every_kind_agree(
        seed in any::<u64>(),
        (groups, inputs, outputs) in (1u32..4, 1u32..4, 1u32..7),
        sides in prop_oneof![(1u32..5, 1u32..5), (1u32..40, 1u32..40)],
        kernel in (1u16..8, 1u16..8),
        stride in (1u16..5, 1u16..5),
        paddings in any::<[u16; 4]>(),
    ) {
        let mut rng = Rng::new(seed);
        let [top, bottom] = [paddings[0] % kernel.0, paddings[1] % kernel.0];
        let [left, right] = [paddings[2] % kernel.1, paddings[3] % kernel.1];
        let window = Window {
            kernel: Extent { height: kernel.0, width: kernel.1 },
            stride: Extent { height: stride.0, width: stride.1 },
            padding: Padding { top, left, bottom, right },
        };
        // A kernel may be larger than the input, because the padding may be as large.
        let height = sides.0.max(u32::from(kernel.0).saturating_sub((top + bottom).into()));
        let width = sides.1.max(u32::from(kernel.1).saturating_sub((left + right).into()));
        let shape = Shape::new(groups * inputs, height, width);
        let input = TensorId::INPUT;
        let output_channels = groups * outputs;
        let mut operations = vec![
            Operation::Conv2d(Conv2d { input, output_channels, groups, window }),
            Operation::SumPool2d(SumPool2d { input, window }),
        ];
        if window.kernel.area() <= MAX_POOL_WINDOW {
            operations.push(Operation::MaxPool2d(MaxPool2d { input, window }));
        }
        for operation in operations {
            let graph = single(shape, operation, &mut rng);
            agree(&graph, &random::input(&mut rng, graph.plan().architecture()));
        }
    }
}

#[test]
fn operations_shared_among_threads_agree() {
    let mut rng = Rng::new(9);
    let multiplier = |value: u32| Multiplier::new(value).unwrap();
    let window =
        Window { kernel: Extent::square(3), stride: Extent::square(1), padding: Padding::all(1) };
    let requantize = |input: u16, multipliers: Vec<Multiplier>| {
        Operation::Requantize(Requantize {
            input: TensorId(input),
            multipliers: multipliers.try_into().unwrap(),
            shift: Shift::Bits32,
            quotient_bits: 9,
            clamp: Clamp::FULL,
        })
    };
    let mut table = [0; 256];
    table.copy_from_slice(&rng.int8(256));
    let operations = vec![
        Operation::Lookup(Lookup { input: TensorId::INPUT, table }),
        Operation::SumPool2d(SumPool2d { input: TensorId(1), window }),
        requantize(2, (1..6).map(|channel| multiplier(channel * 200_000_000)).collect()),
        Operation::Add(Add {
            left: TensorId(3),
            right: TensorId(1),
            left_multiplier: multiplier(3),
            right_multiplier: multiplier(5),
        }),
        requantize(4, vec![multiplier(1 << 29)]),
        Operation::MaxPool2d(MaxPool2d { input: TensorId(5), window }),
        Operation::Conv2d(Conv2d { input: TensorId(6), output_channels: 2, groups: 1, window }),
    ];
    let image = graph_of(Shape::new(5, 230, 241), operations, &mut rng);
    let dense = Operation::Dense(Dense { input: TensorId::INPUT, rows: 2_111 });
    let dense = single(Shape::vector(2_050), dense, &mut rng);
    for graph in [image, dense] {
        agree(&graph, &random::input(&mut rng, graph.plan().architecture()));
    }
}

#[test]
fn a_kernel_with_far_more_padding_than_input_takes_little_memory() {
    let mut rng = Rng::new(5);
    let window = Window {
        kernel: Extent { height: 1, width: 1 << 12 },
        stride: Extent { height: 600, width: 2_000 },
        padding: Padding { top: 0, left: (1 << 12) - 1, bottom: 0, right: (1 << 12) - 1 },
    };
    // The padded input would have 2^33 elements.
    let shape = Shape::new(1, 1 << 20, 1);
    let operation =
        Operation::Conv2d(Conv2d { input: TensorId::INPUT, output_channels: 1, groups: 1, window });
    let graph = single(shape, operation, &mut rng);
    agree(&graph, &random::input(&mut rng, graph.plan().architecture()));
}

#[test]
fn the_largest_sums_are_exact() {
    for (weight, x) in [(i8::MIN, i8::MIN), (i8::MIN, i8::MAX), (i8::MAX, i8::MAX)] {
        for window in [false, true] {
            let (shape, operation) = if window {
                // Nine positions, each with the maximum number of inputs.
                let window = Window {
                    kernel: Extent { height: 2, width: 2 },
                    stride: Extent::square(1),
                    padding: Padding::default(),
                };
                let operation = Operation::Conv2d(Conv2d {
                    input: TensorId::INPUT,
                    output_channels: 5,
                    groups: 1,
                    window,
                });
                (Shape::new(MAX_FAN_IN as u32 / 4, 4, 4), operation)
            } else {
                let operation = Operation::Dense(Dense { input: TensorId::INPUT, rows: 5 });
                (Shape::vector(MAX_FAN_IN as u32), operation)
            };
            let graph = single(shape, operation, &mut Rng::new(1)).into_graph();
            let mut weights = graph.weights.parameters[0].clone();
            weights.weights.fill(weight);
            weights.bias.copy_from_slice(&[0, 1, -1, MAX_BIAS, -MAX_BIAS]);
            let weights = Weights { parameters: vec![weights].try_into().unwrap() };
            let mut graph = Graph { weights, ..graph };
            graph.complete().unwrap();
            let graph = CheckedGraph::new(graph).unwrap();
            agree(&graph, &vec![x; shape.elements().unwrap()]);
        }
    }
}

#[test]
fn a_sum_of_every_pair_of_bytes_is_exact() {
    fn sums(lanes: impl Lanes) -> Vec<i32> {
        let mut sums = Vec::new();
        for a in i8::MIN..=i8::MAX {
            for b in i8::MIN..=i8::MAX {
                let factors = lanes.repeat(pair(i16::from(a), i16::from(b)));
                let values = core::array::from_fn(|i| if i % 3 == 0 { i16::from(b) } else { 128 });
                let values = lanes.factors(values);
                sums.extend(lanes.values(lanes.add_products(lanes.zero(), factors, values)));
            }
        }
        sums
    }
    let expected = sums(Portable);
    assert_eq!(expected[..4], [0, 0, -32_768, 0]);
    #[cfg(target_arch = "x86_64")]
    {
        assert_eq!(sums(pulp::x86::V1::try_new().unwrap()), expected);
        if let Some(avx2) = pulp::x86::V3::try_new() {
            assert_eq!(sums(avx2), expected);
        }
    }
}
