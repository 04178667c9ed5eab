//! Small models with values at the edges of each operation's domain.

use super::{list, multiplier};
use crate::{
    bounds::{MAX_BIAS, MAX_FAN_IN},
    format::*,
    kind::*,
    requantize::{Clamp, Multiplier, Shift},
};
use alloc::{vec, vec::Vec};

/// A model around one operation, and inputs that lead to its edge cases.
#[derive(Clone, Debug)]
pub struct EdgeCase {
    /// Name of the operation's kind.
    pub kind: &'static str,
    /// The model. It passes [`CheckedGraph::new`](crate::CheckedGraph::new) and can be proven,
    /// because its last operation has weights.
    pub graph: Graph,
    /// Inputs for the model.
    pub inputs: Vec<Vec<i8>>,
}

/// The edge cases of all kinds.
pub fn edge_cases() -> Vec<EdgeCase> {
    Operation::edge_cases()
}

/// Inputs of `elements` extreme elements: all equal, or alternating.
fn extremes(elements: usize) -> Vec<Vec<i8>> {
    let alternating = |parity: usize| -> Vec<i8> {
        (0..elements).map(|i| if i % 2 == parity { i8::MIN } else { i8::MAX }).collect()
    };
    let mut inputs: Vec<Vec<i8>> = [i8::MIN, 0, i8::MAX].map(|x| vec![x; elements]).to_vec();
    inputs.extend([alternating(0), alternating(1)]);
    inputs
}

/// A model of these operations, each on the tensor before it. If the last one defines int8 values,
/// a dense layer that reads all of them follows.
fn case(
    kind: &'static str,
    input_shape: Shape,
    operations: Vec<Operation>,
    mut parameters: Vec<Parameters>,
) -> EdgeCase {
    let architecture = |operations: &[Operation]| Architecture {
        format_version: FormatVersion::V1,
        input_shape,
        input_scale: Scale::ONE,
        output_scale: Scale::ONE,
        operations: list(operations.to_vec()),
        commitments: Commitments::default(),
    };
    let plan = crate::Plan::new(architecture(&operations)).expect("the operations pass all checks");
    let (output, mut operations) = (plan.output(), operations);
    if plan.element_type(output) == Some(ElementType::Int8) {
        let shape = plan.shape(output).expect("the output is defined");
        let elements = shape.elements().expect("shapes are bounded");
        operations.push(Operation::Reshape(Reshape {
            input: output,
            shape: Shape::vector(elements as u32),
        }));
        let input = TensorId(operations.len() as u16);
        operations.push(Operation::Dense(Dense { input, rows: 2 }));
        let weights = (0..2 * elements).map(|i| (i * 37 % 255) as u8 as i8).collect();
        parameters.push(Parameters { weights: list(weights), bias: list(vec![-1, 1]) });
    }
    let mut graph = Graph {
        architecture: architecture(&operations),
        weights: Weights { parameters: list(parameters) },
    };
    graph.complete().expect("all values stay within bounds");
    EdgeCase { kind, graph, inputs: extremes(input_shape.elements().expect("shapes are bounded")) }
}

fn window([height, width]: [u16; 2], [down, across]: [u16; 2], padding: Padding) -> Window {
    Window {
        kernel: Extent { height, width },
        stride: Extent { height: down, width: across },
        padding,
    }
}

fn requantization(
    input: u16,
    multipliers: Vec<Multiplier>,
    shift: Shift,
    clamp: Clamp,
) -> Operation {
    Operation::Requantize(Requantize {
        input: TensorId(input),
        multipliers: list(multipliers),
        shift,
        quotient_bits: crate::bounds::MIN_QUOTIENT_BITS,
        clamp,
    })
}

/// Rows of the smallest and of the largest weights, each with the smallest and the largest bias.
fn extreme_parameters(fan_in: usize) -> Parameters {
    let rows =
        [(i8::MIN, -MAX_BIAS), (i8::MIN, MAX_BIAS), (i8::MAX, -MAX_BIAS), (i8::MAX, MAX_BIAS)];
    let weights = rows.iter().flat_map(|(weight, _)| core::iter::repeat_n(*weight, fan_in));
    Parameters {
        weights: list(weights.collect()),
        bias: list(rows.iter().map(|(_, bias)| *bias).collect()),
    }
}

pub(crate) fn dense() -> Vec<EdgeCase> {
    let model = |elements: usize, requantized: bool| {
        let mut operations = vec![Operation::Dense(Dense { input: TensorId(0), rows: 4 })];
        if requantized {
            // Quotients just within the largest window.
            let each = [1 << 14, 1, (1 << 14) - 1, 3].map(multiplier).to_vec();
            operations.push(requantization(1, each, Shift::Bits32, Clamp::FULL));
        }
        let parameters = vec![extreme_parameters(elements)];
        case("Dense", Shape::vector(elements as u32), operations, parameters)
    };
    vec![model(1, false), model(5, true), model(MAX_FAN_IN, false)]
}

pub(crate) fn conv2d() -> Vec<EdgeCase> {
    let model = |groups, window: Window, shape: Shape| {
        let fan_in = (shape.channels / groups) as usize * window.kernel.area();
        let convolution =
            Operation::Conv2d(Conv2d { input: TensorId(0), output_channels: 4, groups, window });
        let each = [1, 1 << 14, 1 << 13, 5].map(multiplier).to_vec();
        let operations = vec![convolution, requantization(1, each, Shift::Bits32, Clamp::RELU)];
        case("Conv2d", shape, operations, vec![extreme_parameters(fan_in)])
    };
    let padding = Padding { top: 1, left: 0, bottom: 0, right: 2 };
    vec![
        model(1, window([1, 1], [1, 1], Padding::default()), Shape::new(1, 1, 1)),
        model(2, window([2, 3], [2, 1], padding), Shape::new(4, 3, 3)),
        model(4, window([3, 3], [1, 2], Padding::all(2)), Shape::new(4, 4, 3)),
    ]
}

pub(crate) fn add() -> Vec<EdgeCase> {
    let model = |[left, right]: [u64; 2], shift, factor| {
        let sum = Operation::Add(Add {
            left: TensorId(0),
            right: TensorId(0),
            left_multiplier: multiplier(left),
            right_multiplier: multiplier(right),
        });
        let operations = vec![sum, requantization(1, vec![multiplier(factor)], shift, Clamp::FULL)];
        case("Add", Shape::new(2, 3, 1), operations, vec![])
    };
    // With multipliers whose sum is 2^24, the smallest accumulator is the minimum of int32.
    vec![
        model([1 << 23, 1 << 23], Shift::Bits48, (1 << 31) - 1),
        model([(1 << 24) - 1, 1], Shift::Bits32, 1 << 20),
        model([1, 1], Shift::Bits16, 1 << 15),
    ]
}

pub(crate) fn sum_pool2d() -> Vec<EdgeCase> {
    let model = |window, shape, factor| {
        let pool = Operation::SumPool2d(SumPool2d { input: TensorId(0), window });
        let operations =
            vec![pool, requantization(1, vec![multiplier(factor)], Shift::Bits32, Clamp::FULL)];
        case("SumPool2d", shape, operations, vec![])
    };
    let padding = Padding { top: 2, left: 1, bottom: 1, right: 0 };
    vec![
        // The maximum number of values in a sum.
        model(window([128, 256], [1, 1], Padding::default()), Shape::new(1, 128, 256), 1 << 17),
        model(window([3, 2], [2, 1], padding), Shape::new(3, 4, 3), 1 << 29),
    ]
}

pub(crate) fn max_pool2d() -> Vec<EdgeCase> {
    let model = |window, shape| {
        let pool = Operation::MaxPool2d(MaxPool2d { input: TensorId(0), window });
        case("MaxPool2d", shape, vec![pool], vec![])
    };
    let padding = Padding { top: 3, left: 2, bottom: 1, right: 3 };
    vec![
        model(window([1, 1], [1, 1], Padding::default()), Shape::new(2, 2, 3)),
        model(window([4, 4], [1, 3], padding), Shape::new(2, 3, 5)),
        model(window([16, 1], [2, 1], Padding::default()), Shape::new(1, 18, 2)),
    ]
}

pub(crate) fn requantize() -> Vec<EdgeCase> {
    // A dense layer with weights of zero, so that each accumulator is a bias.
    let model = |accumulators: Vec<i32>, shift, factor, clamp| {
        let rows = accumulators.len();
        let operations = vec![
            Operation::Dense(Dense { input: TensorId(0), rows: rows as u32 }),
            requantization(1, vec![factor], shift, clamp),
        ];
        let parameters = Parameters { weights: list(vec![0; rows]), bias: list(accumulators) };
        case("Requantize", Shape::vector(1), operations, vec![parameters])
    };
    let mut cases = Vec::new();
    for shift in Shift::ALL {
        // Quotients at both ends of the largest window and of the clamp and around zero, each with
        // the remainders next to a tie.
        let half = 1i64 << (shift.bits() - 1);
        let factor = match shift {
            Shift::Bits16 => Multiplier::ONE,
            Shift::Bits32 => multiplier((1 << 16) + 1),
            Shift::Bits48 => Multiplier::MAX,
        };
        let quotients = [-(1i64 << 12), -129, -128, -1, 0, 1, 127, 128, (1 << 12) - 1];
        let mut accumulators = vec![-MAX_BIAS >> 15, MAX_BIAS >> 15];
        for quotient in quotients {
            let tie = ((quotient << shift.bits()) - half) / i64::from(factor.get());
            accumulators.extend(
                [tie - 1, tie, tie + 1]
                    .map(|x| x.clamp(-i64::from(MAX_BIAS), i64::from(MAX_BIAS)) as i32),
            );
        }
        for (lo, hi) in [(-128, 127), (0, 127), (0, 0), (-128, 0), (-1, 1)] {
            let clamp = Clamp::new(lo, hi).expect("the interval contains zero");
            cases.push(model(accumulators.clone(), shift, factor, clamp));
        }
    }
    // The largest bias and multiplier.
    let extreme = vec![-MAX_BIAS, MAX_BIAS, -1, 0, 1];
    cases.push(model(extreme, Shift::Bits48, Multiplier::MAX, Clamp::FULL));
    cases
}

pub(crate) fn lookup() -> Vec<EdgeCase> {
    let model = |table| {
        let lookup = Operation::Lookup(Lookup { input: TensorId(0), table });
        let mut case = case("Lookup", Shape::vector(256), vec![lookup], vec![]);
        case.inputs.push((i8::MIN..=i8::MAX).collect());
        case
    };
    let falling = core::array::from_fn(|i| (127 - i as i32) as i8);
    vec![model([i8::MIN; 256]), model([i8::MAX; 256]), model(falling)]
}

pub(crate) fn reshape() -> Vec<EdgeCase> {
    let model = |from: Shape, to: Shape, window| {
        let operations = vec![
            Operation::Reshape(Reshape { input: TensorId(0), shape: to }),
            Operation::MaxPool2d(MaxPool2d { input: TensorId(1), window }),
        ];
        let mut case = case("Reshape", from, operations, vec![]);
        let elements = from.elements().expect("shapes are bounded");
        case.inputs.push((0..elements).map(|i| (i * 29 % 256) as u8 as i8).collect());
        case
    };
    let pair = window([1, 2], [1, 1], Padding::default());
    vec![
        model(Shape::vector(30), Shape::new(2, 5, 3), pair),
        model(Shape::new(3, 5, 2), Shape::new(1, 3, 10), pair),
    ]
}
