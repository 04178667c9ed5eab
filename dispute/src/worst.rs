//! Models whose disputes take the most work, for benchmarks.
//!
//! Their architectures contain as many operations as fit into `max_bytes`, the maximum length of an
//! encoded architecture.

use crate::{Answer, DisputedOperation, Piece, Shown, Stage};
use alloc::{vec, vec::Vec};
use assay_graph::{
    bounds::MAX_OPERATIONS,
    commit::{open_tile, tensor_root, TraceCommitment},
    Architecture, CheckedGraph, Clamp, Commitments, Conv2d, Dense, Extent, FormatVersion, Graph,
    Lookup, MaxPool2d, Multiplier, Operation, Padding, Parameters, Requantize, Scale, Shape, Shift,
    Tensor, TensorId, Trace, Weights, Window,
};
use codec::Encode;

/// Length of an encoded lookup in bytes.
const LOOKUP_BYTES: usize = 260;

/// A model with these operations and weights, followed by as many lookups as the maximum length of
/// the architecture allows. The last of the given operations must define int8.
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

/// A dense layer whose rows have 2^15 inputs.
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

/// A convolution with a kernel of one column, whose windows read single elements of each row.
pub fn column(max_bytes: usize) -> CheckedGraph {
    let operations = vec![
        convolution(0, 1, Extent { height: 32, width: 1 }),
        requantize(1),
        // Keeps the lookups that follow small.
        pool(4, 256),
    ];
    model(Shape::new(1, 63, 1024), operations, vec![parameters(32, 1)], max_bytes)
}

/// A convolution that reads a few bytes of every leaf of its input, which has `leaves` leaves: `16
/// · leaves` channels of 64 bytes.
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

/// A convolution whose output, of accumulators, has `leaves` leaves.
pub fn accumulators(leaves: u32, max_bytes: usize) -> CheckedGraph {
    // A leaf holds four channels of 64 elements.
    let channels = 4 * leaves;
    let operations = vec![convolution(0, channels, Extent::square(1)), requantize(1), pool(1, 8)];
    let sets = vec![parameters(channels as usize, channels as usize)];
    model(Shape::new(1, 8, 8), operations, sets, max_bytes)
}

/// The last stage of a dispute over the first tile of an operation that reads a single tensor, all
/// zeros, what the defender has shown of its output, and the move that ends it. The claimed output,
/// all ones, is wrong.
pub fn last_step(graph: &CheckedGraph, operation: usize) -> (Stage, Shown, Answer) {
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
    let piece = Piece::Leaf { index: 0, digest: [0; 32] };
    let stage = Stage::Open { step, piece, tile: 0 };
    let shown = Shown::Bytes(vec![1; 1024].try_into().expect("within the bound"));
    (stage, shown, Answer::Opening(opening.encode().try_into().expect("within the bound")))
}
