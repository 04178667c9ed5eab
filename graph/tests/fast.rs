//! The fast path and tiles agree with the reference interpreter.

use assay_graph::{
    bounds::*,
    fast,
    interpret::{self, run_operation},
    random::{self, Rng},
    tile::{run_tile, tile_range, tile_reads, tiles, TILE_ELEMENTS, TILE_WORK},
    *,
};
use proptest::prelude::*;

fn inputs(rng: &mut Rng, graph: &CheckedGraph) -> Vec<Vec<i8>> {
    let length = graph.plan().shapes()[0].elements().unwrap();
    let random = random::input(rng, graph.plan().architecture());
    vec![vec![i8::MIN; length], vec![i8::MAX; length], vec![0; length], random]
}

fn range_of(tensor: &Tensor, range: core::ops::Range<usize>) -> Tensor {
    match tensor {
        Tensor::Int8(elements) => Tensor::Int8(elements[range].to_vec()),
        Tensor::Int32(elements) => Tensor::Int32(elements[range].to_vec()),
    }
}

/// Whether all elements lie within the intervals of their channels.
fn within_intervals(graph: &CheckedGraph, tensors: &[Tensor]) -> bool {
    tensors.iter().enumerate().all(|(id, tensor)| {
        let id = TensorId(id as u16);
        let plane = graph.plan().shape(id).unwrap().plane();
        let values: Vec<i32> = match tensor {
            Tensor::Int8(values) => values.iter().map(|x| i32::from(*x)).collect(),
            Tensor::Int32(values) => values.clone(),
        };
        let channels = values.chunks_exact(plane).zip(graph.intervals(id).unwrap());
        channels.into_iter().all(|(values, interval)| {
            values.iter().all(|x| Interval::point(*x).is_within(*interval))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn fast_and_reference_agree_on_every_tensor(seed in any::<u64>(), length in 1usize..14) {
        let mut rng = Rng::new(seed);
        let graph = CheckedGraph::new(random::graph(&mut rng, length)).unwrap();
        for input in inputs(&mut rng, &graph) {
            let reference = interpret::trace(&graph, &input).unwrap();
            prop_assert_eq!(&fast::trace(&graph, &input).unwrap(), &reference);
            prop_assert_eq!(&interpret::run(&graph, &input).unwrap(), reference.output().unwrap());
            prop_assert_eq!(&fast::run(&graph, &input).unwrap(), reference.output().unwrap());
            prop_assert!(within_intervals(&graph, &reference.tensors));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn all_tiles_together_are_the_operations_output(seed in any::<u64>(), length in 1usize..8) {
        let mut rng = Rng::new(seed);
        let graph = CheckedGraph::new(random::graph(&mut rng, length)).unwrap();
        let plan = graph.plan();
        let input = random::input(&mut rng, plan.architecture());
        let trace = interpret::trace(&graph, &input).unwrap();
        for (index, operation) in plan.operations().iter().enumerate() {
            let inputs: Vec<&Tensor> =
                operation.inputs().map(|input| &trace.tensors[input.index()]).collect();
            let whole = run_operation(plan, index, &inputs, graph.parameters(index)).unwrap();
            prop_assert_eq!(&whole, &trace.tensors[index + 1]);
            let mut next = 0;
            for tile in 0..tiles(plan, index).unwrap() {
                let range = tile_range(plan, index, tile).unwrap();
                prop_assert_eq!(range.start, next);
                next = range.end;
                prop_assert!(range.len() <= TILE_ELEMENTS);
                prop_assert!(range.len() * plan.fan_in(index).unwrap() <= TILE_WORK);
                let reads = tile_reads(plan, index, tile).unwrap();
                for ranges in &reads.inputs {
                    prop_assert!(ranges.iter().all(|range| !range.is_empty()));
                    prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
                    let count: usize = ranges.iter().map(|range| range.len()).sum();
                    prop_assert!(count <= TILE_WORK);
                }
                prop_assert!(reads.weights.len() <= TILE_WORK);
                prop_assert!(reads.bias.len() <= TILE_ELEMENTS);
                let operands = reads.gather(&inputs, graph.parameters(index)).unwrap();
                let part = run_tile(plan, index, tile, &operands).unwrap();
                prop_assert_eq!(part, range_of(&whole, range));
            }
            prop_assert_eq!(next, whole.len());
        }
    }

    #[test]
    fn a_tile_depends_only_on_what_it_reads(seed in any::<u64>(), length in 1usize..6) {
        let mut rng = Rng::new(seed);
        let graph = CheckedGraph::new(random::graph(&mut rng, length)).unwrap();
        let plan = graph.plan();
        let input = random::input(&mut rng, plan.architecture());
        let trace = interpret::trace(&graph, &input).unwrap();
        let index = rng.bits() as usize % plan.operations().len();
        let operation = &plan.operations()[index];
        let tile = rng.bits() as usize % tiles(plan, index).unwrap();
        let (range, reads) =
            (tile_range(plan, index, tile).unwrap(), tile_reads(plan, index, tile).unwrap());
        // All elements that the tile does not read are replaced by noise.
        let mut noisy: Vec<Tensor> =
            operation.inputs().map(|input| trace.tensors[input.index()].clone()).collect();
        let two_inputs = noisy.len() == 2;
        for (tensor, ranges) in noisy.iter_mut().zip(&reads.inputs) {
            let read = |i: usize| ranges.iter().any(|range| range.contains(&i));
            match tensor {
                Tensor::Int8(values) => {
                    for i in (0..values.len()).filter(|i| !read(*i)) {
                        values[i] = rng.bits() as i8;
                    }
                },
                Tensor::Int32(values) => {
                    for i in (0..values.len()).filter(|i| !read(*i)) {
                        values[i] = rng.bits() as i32;
                    }
                },
            }
        }
        prop_assert_eq!(two_inputs, operation.name() == "Add");
        let inputs: Vec<&Tensor> = noisy.iter().collect();
        let whole = run_operation(plan, index, &inputs, graph.parameters(index)).unwrap();
        let expected = range_of(&trace.tensors[index + 1], range.clone());
        prop_assert_eq!(range_of(&whole, range), expected);
    }

    #[test]
    fn operands_that_a_tile_does_not_name_are_refused(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let graph = CheckedGraph::new(random::graph(&mut rng, 5)).unwrap();
        let plan = graph.plan();
        let input = random::input(&mut rng, plan.architecture());
        let trace = interpret::trace(&graph, &input).unwrap();
        let index = rng.bits() as usize % plan.operations().len();
        let inputs: Vec<&Tensor> = plan.operations()[index]
            .inputs()
            .map(|input| &trace.tensors[input.index()])
            .collect();
        let good = tile_reads(plan, index, 0)
            .unwrap()
            .gather(&inputs, graph.parameters(index))
            .unwrap();
        prop_assert!(run_tile(plan, index, 0, &good).is_ok());
        let mut more = good.clone();
        match &mut more.inputs[0] {
            Tensor::Int8(values) => values.push(0),
            Tensor::Int32(values) => values.push(0),
        }
        prop_assert!(run_tile(plan, index, 0, &more).is_err());
        let mut weights = good.clone();
        weights.weights.push(0);
        prop_assert!(run_tile(plan, index, 0, &weights).is_err());
        let mut bias = good.clone();
        bias.bias.push(0);
        prop_assert!(run_tile(plan, index, 0, &bias).is_err());
        let mut other_type = good.clone();
        other_type.inputs[0] = match &good.inputs[0] {
            Tensor::Int8(values) => Tensor::Int32(vec![0; values.len()]),
            Tensor::Int32(values) => Tensor::Int8(vec![0; values.len()]),
        };
        prop_assert!(run_tile(plan, index, 0, &other_type).is_err());
        let mut fewer = good;
        fewer.inputs.pop();
        prop_assert!(run_tile(plan, index, 0, &fewer).is_err());
        prop_assert!(run_tile(plan, index, tiles(plan, index).unwrap(), &fewer).is_err());
        prop_assert!(tile_reads(plan, plan.operations().len(), 0).is_err());
    }
}

#[test]
fn random_graphs_have_every_operation_and_both_outputs() {
    let mut names = std::collections::BTreeMap::<&str, usize>::new();
    let (mut int8, mut int32, mut grouped, mut padded, mut strided) = (0, 0, 0, 0, 0);
    for seed in 0..400 {
        let graph = random::graph(&mut Rng::new(seed), 8);
        for operation in &graph.architecture.operations {
            *names.entry(operation.name()).or_default() += 1;
            if let Operation::Conv2d(Conv2d { groups, window, .. }) = operation {
                grouped += usize::from(*groups > 1);
                padded += usize::from(!window.padding.is_none());
                strided += usize::from(window.stride.height != window.stride.width);
            }
        }
        match graph.architecture.operations.last().unwrap().output_type() {
            ElementType::Int8 => int8 += 1,
            ElementType::Int32 => int32 += 1,
        }
    }
    assert_eq!(names.len(), 8, "{names:?}");
    assert!(names.values().all(|count| *count > 50), "{names:?}");
    assert!([int8, int32, grouped, padded, strided].iter().all(|count| *count > 50));
}

#[test]
fn an_input_of_another_length_is_refused() {
    let graph = CheckedGraph::new(random::graph(&mut Rng::new(7), 4)).unwrap();
    let mut input = random::input(&mut Rng::new(7), graph.plan().architecture());
    input.push(0);
    assert!(interpret::run(&graph, &input).is_err());
    assert!(fast::run(&graph, &input).is_err());
}

/// A graph of a single operation with weights.
fn single(input_shape: Shape, operation: Operation, parameters: Parameters) -> CheckedGraph {
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape,
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: vec![operation].try_into().unwrap(),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: vec![parameters].try_into().unwrap() },
    };
    graph.complete().unwrap();
    CheckedGraph::new(graph).unwrap()
}

#[test]
fn the_largest_fan_in_of_extremes_is_exact() {
    let columns = MAX_FAN_IN;
    for (weight, x) in [(-128i8, -128i8), (-128, 127), (127, -128), (127, 127)] {
        let parameters = Parameters {
            weights: vec![weight; 3 * columns].try_into().unwrap(),
            bias: vec![0, MAX_BIAS, -MAX_BIAS].try_into().unwrap(),
        };
        let operation = Operation::Dense(Dense { input: TensorId::INPUT, rows: 3 });
        let graph = single(Shape::vector(columns as u32), operation, parameters);
        let input = vec![x; columns];
        let sum = columns as i32 * i32::from(weight) * i32::from(x);
        let expected = Tensor::Int32(vec![sum, sum + MAX_BIAS, sum - MAX_BIAS]);
        assert_eq!(interpret::run(&graph, &input).unwrap(), expected);
        assert_eq!(fast::run(&graph, &input).unwrap(), expected);
        assert_eq!(tiles(graph.plan(), 0), Ok(3));
        let reads = tile_reads(graph.plan(), 0, 1).unwrap();
        assert_eq!((reads.weights, reads.bias), (columns..2 * columns, 1..2));
        let input = Tensor::Int8(input);
        let reads = tile_reads(graph.plan(), 0, 2).unwrap();
        let operands = reads.gather(&[&input], graph.parameters(0)).unwrap();
        let tile = run_tile(graph.plan(), 0, 2, &operands).unwrap();
        assert_eq!(tile, range_of(&expected, 2..3));
    }
}

#[test]
fn convolutions_larger_than_a_block_agree() {
    let mut rng = Rng::new(1);
    for (channels, side, output_channels, groups, kernel) in
        [(300, 20, 5, 1, 3), (1024, 9, 3, 1, 5), (96, 23, 96, 96, 3), (6, 40, 4, 2, 7)]
    {
        let operation = Operation::Conv2d(Conv2d {
            input: TensorId::INPUT,
            output_channels,
            groups,
            window: Window {
                kernel: Extent::square(kernel),
                stride: Extent::square(1),
                padding: Padding::all(kernel / 2),
            },
        });
        let fan_in = channels / groups * u32::from(kernel).pow(2);
        let weights = (0..output_channels * fan_in).map(|_| rng.bits() as i8).collect::<Vec<_>>();
        let bias = (0..output_channels).map(|_| rng.bits() as i16 as i32).collect::<Vec<_>>();
        let parameters =
            Parameters { weights: weights.try_into().unwrap(), bias: bias.try_into().unwrap() };
        let graph = single(Shape::new(channels, side, side), operation, parameters);
        let input: Vec<i8> = (0..channels * side * side).map(|_| rng.bits() as i8).collect();
        let expected = interpret::run(&graph, &input).unwrap();
        assert_eq!(fast::run(&graph, &input).unwrap(), expected);
        let input = Tensor::Int8(input);
        let last = tiles(graph.plan(), 0).unwrap() - 1;
        for tile in [0, last / 2, last] {
            let reads = tile_reads(graph.plan(), 0, tile).unwrap();
            assert!(reads.inputs[0].iter().map(|range| range.len()).sum::<usize>() <= TILE_WORK);
            let operands = reads.gather(&[&input], graph.parameters(0)).unwrap();
            let range = tile_range(graph.plan(), 0, tile).unwrap();
            let part = run_tile(graph.plan(), 0, tile, &operands).unwrap();
            assert_eq!(part, range_of(&expected, range));
        }
    }
}
