//! Every kind of operation at its edge cases: its results, as whole tensors and as tiles, and what
//! a proof permits. `assay-proof` proves the same cases.

use assay_graph::{
    bounds::*,
    fast, interpret,
    random::{constraints::permits, edge_cases, EdgeCase, Rng},
    tile::{run_tile, tile_range, tile_reads, tiles},
    *,
};
use std::collections::BTreeSet;

/// Elements at both ends of a tensor and some in between.
fn some_elements(length: usize) -> impl Iterator<Item = usize> {
    (0..length).filter(move |i| *i < 24 || i + 24 >= length || i % 211 == 0)
}

fn value(tensor: &Tensor, index: usize) -> i64 {
    match tensor {
        Tensor::Int8(elements) => elements[index].into(),
        Tensor::Int32(elements) => elements[index].into(),
    }
}

fn each_run(mut check: impl FnMut(&EdgeCase, &CheckedGraph, &Trace)) {
    for case in edge_cases() {
        let graph = CheckedGraph::new(case.graph.clone()).unwrap();
        for input in &case.inputs {
            check(&case, &graph, &interpret::trace(&graph, input).unwrap());
        }
    }
}

#[test]
fn there_are_edge_cases_of_every_kind_and_each_has_its_operation() {
    let mut kinds = BTreeSet::new();
    for case in edge_cases() {
        let operations = &case.graph.architecture.operations;
        assert!(operations.iter().any(|operation| operation.name() == case.kind), "{}", case.kind);
        kinds.insert(case.kind);
    }
    assert_eq!(kinds.len(), 8);
}

#[test]
fn fast_path_and_tiles_compute_what_the_interpreter_computes() {
    each_run(|case, graph, trace| {
        let Tensor::Int8(input) = &trace.tensors[0] else { unreachable!() };
        assert_eq!(&fast::trace(graph, input).unwrap(), trace, "{}", case.kind);
        let plan = graph.plan();
        for (index, operation) in plan.operations().iter().enumerate() {
            let inputs: Vec<&Tensor> =
                operation.inputs().map(|input| &trace.tensors[input.index()]).collect();
            let output = trace.tensors[index + 1].to_bytes();
            let width = output.len() / trace.tensors[index + 1].len();
            for tile in some_elements(tiles(plan, index).unwrap()) {
                let reads = tile_reads(plan, index, tile).unwrap();
                let operands = reads.gather(&inputs, graph.parameters(index)).unwrap();
                let range = tile_range(plan, index, tile).unwrap();
                let computed = run_tile(plan, index, tile, &operands).unwrap().to_bytes();
                assert_eq!(computed, output[range.start * width..range.end * width]);
            }
        }
    });
}

#[test]
fn values_stay_within_both_analyses() {
    each_run(|case, graph, trace| {
        let plan = graph.plan();
        for (index, tensor) in trace.tensors.iter().enumerate() {
            let id = TensorId(index as u16);
            let shape = plan.shape(id).unwrap();
            for element in 0..tensor.len() {
                let value = Interval::point(value(tensor, element));
                let own = graph.intervals(id).unwrap()[element / shape.plane()];
                assert!(value.is_within(own), "{} {value:?} {own:?}", case.kind);
                assert!(own.is_within(plan.interval(id)), "{} {own:?}", case.kind);
            }
        }
    });
}

#[test]
fn the_constraints_of_a_proof_permit_the_computed_value_and_no_other() {
    each_run(|case, graph, trace| {
        let plan = graph.plan();
        for (index, operation) in plan.operations().iter().enumerate() {
            let tensor = &trace.tensors[index + 1];
            for element in some_elements(tensor.len()) {
                let right = value(tensor, element);
                assert!(permits(graph, trace, index, element, right), "{}", case.kind);
                let others: Vec<i64> = match operation.output_type() {
                    ElementType::Int8 => (-128..128).collect(),
                    ElementType::Int32 => {
                        let near = (right - 2..=right + 2).chain([-right, 0]);
                        near.chain([i32::MIN, i32::MAX].map(i64::from)).collect()
                    },
                };
                for other in others.into_iter().filter(|other| *other != right) {
                    let permitted = permits(graph, trace, index, element, other);
                    assert!(!permitted, "{}: {other} for {right}", operation.name());
                }
            }
        }
    });
}

/// An architecture with extreme values: multipliers, shifts and long sums.
fn extreme_architecture(rng: &mut Rng) -> Architecture {
    let multiplier = |rng: &mut Rng| {
        let bits = rng.between(0, 31);
        let edge = (1u64 << bits) - u64::from(rng.one_in(2));
        Multiplier::new(edge.clamp(1, (1 << 31) - 1) as u32).unwrap()
    };
    let mut operations = Vec::new();
    let mut last = TensorId(0);
    for _ in 0..rng.between(1, 5) {
        let linear = match rng.between(0, 3) {
            0 => {
                let rows = rng.between(1, 4);
                Operation::Dense(Dense { input: last, rows })
            },
            1 => {
                let kernel = Extent { height: 1, width: 1 };
                let window =
                    Window { kernel, stride: Extent::square(1), padding: Padding::default() };
                let output_channels = rng.between(1, 4);
                Operation::Conv2d(Conv2d { input: last, output_channels, groups: 1, window })
            },
            2 => {
                let height = rng.between(1, 60) as u16;
                let padding = Padding { top: height - 1, bottom: height - 1, ..Default::default() };
                let kernel = Extent { height, width: 1 };
                let stride = Extent { height, width: 1 };
                let window = Window { kernel, stride, padding };
                Operation::SumPool2d(SumPool2d { input: last, window })
            },
            _ => {
                // Around the largest sum that fits.
                let total = (1u32 << 24) + rng.between(0, 4) - 2;
                let left = rng.between(1, total - 1);
                let [a, b] = match rng.one_in(3) {
                    true => [multiplier(rng), multiplier(rng)],
                    false => [left, total - left].map(|m| Multiplier::new(m).unwrap()),
                };
                Operation::Add(Add {
                    left: last,
                    right: last,
                    left_multiplier: a,
                    right_multiplier: b,
                })
            },
        };
        operations.push(linear);
        let shift = Shift::ALL[rng.between(0, 2) as usize];
        let most = MAX_QUOTIENT_BITS.min(MAX_EQUATION_BITS + 1 - shift.bits());
        operations.push(Operation::Requantize(Requantize {
            input: TensorId(operations.len() as u16),
            multipliers: vec![multiplier(rng)].try_into().unwrap(),
            shift,
            quotient_bits: rng.between(MIN_QUOTIENT_BITS.into(), most.into()) as u8,
            clamp: [Clamp::FULL, Clamp::RELU, Clamp::new(-5, 0).unwrap()]
                [rng.between(0, 2) as usize],
        }));
        last = TensorId(operations.len() as u16);
    }
    if rng.one_in(2) {
        operations.pop();
    }
    Architecture {
        format_version: FormatVersion::V1,
        input_shape: Shape::vector(0),
        input_scale: Scale::ONE,
        output_scale: Scale::ONE,
        operations: operations.try_into().unwrap(),
        commitments: Commitments::default(),
    }
}

/// Random weights for an operation: any int8, and biases at both bounds or anywhere in between.
fn any_parameters(rng: &mut Rng, plan: &Plan, operation: usize) -> Option<Parameters> {
    let shape = plan.parameters(operation)?;
    let bias = |rng: &mut Rng| match rng.between(0, 3) {
        0 => MAX_BIAS,
        1 => -MAX_BIAS,
        _ => rng.between(0, 1 << 31) as i64 as i32 / 2,
    };
    Some(Parameters {
        weights: rng.int8(shape.weights()).try_into().unwrap(),
        bias: (0..shape.channels).map(|_| bias(rng)).collect::<Vec<_>>().try_into().unwrap(),
    })
}

/// The bounds of the architecture suffice: no weights and no input cause an overflow.
#[test]
fn an_accepted_architecture_runs_with_any_weights_and_any_input() {
    const CASES: u64 = 6_000;
    let mut accepted = 0;
    for seed in 0..CASES {
        let mut rng = Rng::new(seed);
        let mut architecture = extreme_architecture(&mut rng);
        let channels = [1, 3, 64, MAX_FAN_IN as u32][rng.between(0, 3) as usize];
        architecture.input_shape = Shape::vector(channels);
        let Ok(plan) = Plan::new(architecture) else { continue };
        accepted += 1;
        let mut tensors = vec![Tensor::Int8(rng.int8(channels as usize))];
        for (index, operation) in plan.operations().iter().enumerate() {
            let parameters = any_parameters(&mut rng, &plan, index);
            let inputs: Vec<&Tensor> =
                operation.inputs().map(|input| &tensors[input.index()]).collect();
            let output = interpret::run_operation(&plan, index, &inputs, parameters.as_ref());
            let output =
                output.unwrap_or_else(|error| panic!("seed {seed}, {operation:?}: {error}"));
            let bound = plan.interval(TensorId(index as u16 + 1));
            for element in 0..output.len() {
                let value = Interval::point(value(&output, element));
                assert!(value.is_within(bound), "seed {seed}, {operation:?}");
            }
            tensors.push(output);
        }
    }
    // Many are refused, because most multipliers are too large for their sums.
    assert!(accepted > CASES / 4, "{accepted} of {CASES}");
}

#[test]
fn sums_of_products_that_leave_int32_are_refused_by_the_architecture_alone() {
    let sum = |left, right, clamp| {
        let [left_multiplier, right_multiplier] =
            [left, right].map(|multiplier| Multiplier::new(multiplier).unwrap());
        let id = TensorId(0);
        let table = core::array::from_fn(|i| clamp as i8 & (i as i32 - 128) as i8);
        Plan::new(Architecture {
            format_version: FormatVersion::V1,
            input_shape: Shape::vector(1),
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: vec![
                Operation::Lookup(Lookup { input: id, table }),
                Operation::Add(Add {
                    left: TensorId(1),
                    right: TensorId(1),
                    left_multiplier,
                    right_multiplier,
                }),
            ]
            .try_into()
            .unwrap(),
            commitments: Commitments::default(),
        })
    };
    // -128 · 2^24 is the minimum of int32.
    assert_eq!(sum(1 << 23, 1 << 23, -1).unwrap().interval(TensorId(2)).lo, i32::MIN.into());
    let problem =
        Problem::AccumulatorOverflow { lo: -128 * ((1 << 24) + 1), hi: 127 * ((1 << 24) + 1) };
    let refused = CheckError::Operation { index: 1, name: "Add", problem };
    assert_eq!(sum((1 << 23) + 1, 1 << 23, -1), Err(refused));
    // If the values are not negative, slightly more fits.
    assert!(sum((1 << 23) + 1, 1 << 23, 127).is_ok());
    assert!(sum(1 << 24, 1 << 18, 127).is_err());
    // The product of such a sum and a multiplier would wrap in the field of a proof.
    assert!(sum(1 << 26, 1 << 26, -1).is_err());
}
