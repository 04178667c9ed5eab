//! Models whose disputes take the most work: for benchmarks.
//!
//! Their architectures fill what a bound allows, with as many operations as fit.

use crate::{Answer, DisputedOperation, Stage};
use alloc::{vec, vec::Vec};
use assay_graph::{
    bounds::MAX_OPERATIONS,
    commit::{open_tile, tensor_root, TraceCommitment},
    Architecture, CheckedGraph, Clamp, Commitments, Conv2d, Dense, Extent, FormatVersion, Graph,
    Lookup, MaxPool2d, Multiplier, Operation, Padding, Parameters, Requantize, Scale, Shape, Shift,
    Tensor, TensorId, Trace, Weights, Window,
};
use codec::Encode;

/// Bytes of an encoded lookup.
const LOOKUP_BYTES: usize = 260;

/// A model of these operations and weights, and as many lookups after them as the bound of the
/// architecture allows. The last of the operations defines int8.
fn model(
    input_shape: Shape,
    mut operations: Vec<Operation>,
    parameters: Vec<Parameters>,
    max_bytes: usize,
) -> CheckedGraph {
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape,
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: Default::default(),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: parameters.try_into().expect("within the bound") },
    };
    let taken = graph.architecture.encoded_size() + operations.encoded_size();
    let lookups = (max_bytes - taken) / LOOKUP_BYTES;
    for _ in 0..lookups.min(MAX_OPERATIONS - operations.len()) {
        let input = TensorId(operations.len() as u16);
        operations.push(Operation::Lookup(Lookup { input, table: [1; 256] }));
    }
    graph.architecture.operations = operations.try_into().expect("within the bound");
    graph.complete().expect("the model is valid");
    CheckedGraph::new(graph).expect("the model is valid")
}

fn requantize(input: u16) -> Operation {
    Operation::Requantize(Requantize {
        input: TensorId(input),
        multipliers: vec![Multiplier::ONE].try_into().expect("one is allowed"),
        shift: Shift::Bits48,
        quotient_bits: 9,
        clamp: Clamp::FULL,
    })
}

fn parameters(weights: usize, bias: usize) -> Parameters {
    Parameters {
        weights: vec![1; weights].try_into().expect("within the bound"),
        bias: vec![1; bias].try_into().expect("within the bound"),
    }
}

fn convolution(input: u16, output_channels: u32, kernel: Extent) -> Operation {
    let window = Window { kernel, stride: Extent::square(1), padding: Padding::default() };
    Operation::Conv2d(Conv2d { input: TensorId(input), output_channels, groups: 1, window })
}

/// Dense rows of 2^15 inputs.
pub fn dense(max_bytes: usize) -> CheckedGraph {
    let operations = vec![Operation::Dense(Dense { input: TensorId(0), rows: 8 }), requantize(1)];
    model(Shape::vector(1 << 15), operations, vec![parameters(8 << 15, 8)], max_bytes)
}

fn pool(kernel: u16, stride: u16) -> Operation {
    let window = Window {
        kernel: Extent::square(kernel),
        stride: Extent::square(stride),
        padding: Padding::default(),
    };
    Operation::MaxPool2d(MaxPool2d { input: TensorId(2), window })
}

/// A convolution whose kernel is one column, so that it reads single elements.
pub fn column(max_bytes: usize) -> CheckedGraph {
    let operations = vec![
        convolution(0, 1, Extent { height: 32, width: 1 }),
        requantize(1),
        // So that the lookups after it are small.
        pool(4, 256),
    ];
    model(Shape::new(1, 63, 1024), operations, vec![parameters(32, 1)], max_bytes)
}

/// `16 · leaves` channels of 64 bytes each, of all of which the last convolution reads a little.
pub fn wide(leaves: u32, max_bytes: usize) -> CheckedGraph {
    let channels = 16 * leaves;
    let operations = vec![
        convolution(0, channels, Extent::square(1)),
        requantize(1),
        convolution(2, 1, Extent { height: 1, width: 2 }),
        requantize(3),
    ];
    let sets = vec![
        parameters(channels as usize, channels as usize),
        parameters(2 * channels as usize, 1),
    ];
    model(Shape::new(1, 8, 8), operations, sets, max_bytes)
}

/// Accumulators of so many leaves, defined by operation 0.
pub fn accumulators(leaves: u32, max_bytes: usize) -> CheckedGraph {
    // Four channels of 64 elements are a leaf.
    let channels = 4 * leaves;
    let operations = vec![convolution(0, channels, Extent::square(1)), requantize(1), pool(1, 8)];
    let sets = vec![parameters(channels as usize, channels as usize)];
    model(Shape::new(1, 8, 8), operations, sets, max_bytes)
}

/// The last stage about the first tile of an operation that reads one tensor of zeros, and
/// the move that ends it. The output is claimed to be ones, which it is not.
pub fn last_step(graph: &CheckedGraph, operation: usize) -> (Stage, Answer) {
    let plan = graph.plan();
    let input = plan.operations()[operation].inputs().next().map_or(0, |input| input.index());
    let elements = plan.shapes()[input].elements().unwrap_or(1);
    // No other tensor is read.
    let mut tensors = vec![Tensor::Int8(Vec::new()); input];
    tensors.push(Tensor::Int8(vec![0; elements]));
    let trace = Trace { tensors };
    let commitment = TraceCommitment::new(&trace);
    let opening = open_tile(graph, &trace, &commitment, operation, 0).expect("the tensor is there");
    let root = tensor_root(&trace.tensors[input]);
    let step = DisputedOperation {
        operation: operation as u16,
        inputs: vec![root].try_into().expect("one of two"),
        output: [0; 32],
    };
    let stage = Stage::Open { step, first: 0, bytes: vec![1; 1024].try_into().unwrap(), tile: 0 };
    (stage, Answer::Opening(opening.encode().try_into().expect("within the bound")))
}
