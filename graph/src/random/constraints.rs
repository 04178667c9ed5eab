//! What a proof permits, by exhaustive trial: the constraints of single elements, checked in the
//! field for every value that a prover could commit to.

use crate::{
    bounds::PROOF_FIELD_ORDER,
    format::Operation,
    interpret::{OffsetSlice, Source, Trace},
    kind::{Element, Position},
    CheckedGraph, Interval, Tensor,
};
use alloc::{vec, vec::Vec};

/// Whether the constraints of an output element permit `value`, for some choice of the other values
/// that a proof commits to. Elements of other tensors are those of the trace.
///
/// # Panics
///
/// If the trace is not one of this graph, or the operation or element does not exist.
pub fn permits(
    graph: &CheckedGraph,
    trace: &Trace,
    operation: usize,
    element: usize,
    value: i64,
) -> bool {
    let plan = graph.plan();
    let (kind, index) = (&plan.operations()[operation], operation);
    let (shapes, output) = (plan.input_shapes(kind), plan.shapes()[operation + 1]);
    let position = Position::new(&shapes, output, element);
    let inputs: Vec<&Tensor> = kind.inputs().map(|input| &trace.tensors[input.index()]).collect();
    let sum = graph.parameters(index);
    let (weights, bias) = sum.map(|p| (&*p.weights, &*p.bias)).unwrap_or_default();
    let source = Source {
        inputs: inputs
            .iter()
            .map(|tensor| crate::interpret::Input { tensor, ranges: None })
            .collect(),
        weights: OffsetSlice { elements: weights, first: 0 },
        bias: OffsetSlice { elements: bias, first: 0 },
    };
    let sum = kind.kind().element(&position, &source).expect("the trace is of the graph");
    let reads = kind.kind().reads(&shapes, output, element..element + 1);
    let mut values: Vec<Interval> = Vec::new();
    for (tensor, ranges) in inputs.iter().zip(reads) {
        for index in ranges.into_iter().flatten() {
            values.push(match tensor {
                Tensor::Int8(elements) => Interval::point(elements[index]),
                Tensor::Int32(elements) => Interval::point(elements[index]),
            });
        }
    }
    if let Operation::MaxPool2d(pool) = kind {
        values.resize(pool.window.kernel.area(), Interval::point(i8::MIN));
    }
    let element = |division| Element {
        output: Interval::point(value),
        sum: Interval::point(sum),
        inputs: values.clone(),
        channel: Some(position.channel),
        division,
    };
    let divisions = match kind {
        Operation::Requantize(requantize) => {
            let scaled =
                requantize.scaled(values[0], requantize.multiplier(Some(position.channel)));
            // Tries every quotient for which the remainder, modulo the order, is in range: for
            // quotients within the window, the two sides differ by less than twice the order.
            let divide = |wraps: i128| {
                let scaled = scaled.lo + wraps * PROOF_FIELD_ORDER;
                let quotient = scaled >> requantize.shift.bits();
                let remainder = scaled - (quotient << requantize.shift.bits());
                [quotient, remainder].map(Interval::point)
            };
            (-2..=2).map(divide).collect()
        },
        _ => vec![[Interval::ZERO; 2]],
    };
    divisions.into_iter().any(|division| {
        let constraints = kind.constraints(&element(division));
        constraints.iter().all(|constraint| constraint.holds_in_field())
    })
}
