//! Refuses files early that would otherwise fail with an unclear message, or run with another
//! meaning than their author intended.

use std::collections::BTreeSet;

use tract_onnx::{
    model::Onnx,
    pb::{
        tensor_proto::{DataLocation, DataType},
        GraphProto, TensorProto,
    },
    tract_hir::internal::{tract_core::model::TypedModel, DimLike},
};

use crate::{
    problem::{model_problem, Problem},
    protocol::WorkerFailure,
};

/// Maximum number of elements of any tensor of a model, inner tensors included.
const MAX_ELEMENTS: u64 = i32::MAX as u64;

/// Maximum number of nodes of a model. The time that tract needs to optimise grows with their
/// square.
const MAX_NODES: usize = 10_000;

/// ONNX operators whose result is not a function of their inputs: no two runs would agree.
pub(super) const RANDOM_OPERATORS: [&str; 5] =
    ["Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Domains whose operators tract implements. tract ignores the domain, so it would run an operator
/// of another domain as the standard operator with the same name.
const DOMAINS: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];

/// Refuses unsupported operators, too many nodes, constants that tract would truncate, data in other
/// files, and outputs without a name.
pub(super) fn check_graph(onnx: &Onnx, graph: &GraphProto) -> Result<(), Problem> {
    let mut unknown = BTreeSet::new();
    let nodes = survey(onnx, graph, &mut unknown)?;
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.into_iter().take(8).collect();
        let text = format!("unsupported operators: {}", names.join(", "));
        return Err(model_problem(text));
    }
    if nodes > MAX_NODES {
        let text = format!("it has {nodes} nodes; at most {MAX_NODES} are supported");
        return Err(model_problem(text));
    }
    let external = |location: Option<i32>| location == Some(DataLocation::External as i32);
    if graph.initializer.iter().any(|tensor| external(tensor.data_location)) {
        return Err(model_problem(
            "it stores tensors in other files; export it with its weights inside",
        ));
    }
    if graph.output.iter().any(|output| output.name.is_empty()) {
        return Err(model_problem("an output has no name"));
    }
    Ok(())
}

/// Counts nodes, collects unsupported operators, and checks constants. Recurses into the graphs of
/// control-flow operators. The decoder has limited their depth.
fn survey(
    onnx: &Onnx,
    graph: &GraphProto,
    unknown: &mut BTreeSet<String>,
) -> Result<usize, Problem> {
    let mut nodes = graph.node.len();
    graph.initializer.iter().try_for_each(check_integers)?;
    for node in &graph.node {
        let domain = node.domain.as_str();
        if !DOMAINS.contains(&domain) || !onnx.op_register.0.contains_key(&node.op_type) {
            let separator = if domain.is_empty() { "" } else { "." };
            unknown.insert(format!("{domain}{separator}{}", node.op_type));
        }
        for attribute in &node.attribute {
            if let Some(constant) = &attribute.t {
                check_integers(constant)?;
            }
            if node.op_type == "Constant" {
                check_each(std::iter::once(attribute.i).chain(attribute.ints.iter().copied()))?;
            }
            for inner in attribute.g.iter().chain(&attribute.graphs) {
                nodes += survey(onnx, inner, unknown)?;
            }
        }
    }
    Ok(nodes)
}

/// Refuses 64-bit constants that do not fit into 32 bits. tract silently truncates sizes to 32
/// bits, so results could be wrong without an error.
fn check_integers(tensor: &TensorProto) -> Result<(), Problem> {
    let (chunks, _) = tensor.raw_data.as_chunks::<8>();
    let raw = chunks.iter().map(|bytes| i64::from_le_bytes(*bytes));
    match DataType::try_from(tensor.data_type) {
        Ok(DataType::Int64) => check_each(raw.chain(tensor.int64_data.iter().copied())),
        Ok(DataType::Uint64) => {
            let stored = tensor.uint64_data.iter().map(|value| *value as i64);
            check_each(raw.chain(tensor.int64_data.iter().copied()).chain(stored))
        },
        _ => Ok(()),
    }
}

fn check_each(mut values: impl Iterator<Item = i64>) -> Result<(), Problem> {
    // Exporters write the limits of the range for "up to the end".
    let fits = |value: i64| {
        i32::try_from(value).is_ok() || [i64::MAX, i64::MIN, i64::MIN + 1].contains(&value)
    };
    match values.find(|value| !fits(*value)) {
        None => Ok(()),
        Some(value) => Err(model_problem(format!(
            "it has the integer constant {value}, which does not fit into 32 bits"
        ))),
    }
}

/// Refuses tensors with too many elements for an engine worker. tract treats some sizes as 32-bit
/// values, so it might also compute with wrong sizes.
pub(super) fn check_sizes(model: &TypedModel) -> Result<(), Problem> {
    for node in model.nodes() {
        for output in &node.outputs {
            let elements = output.fact.shape.iter().try_fold(1u64, |elements, dim| {
                // A size that is not known yet is not checked here. The memory limit applies.
                elements.checked_mul(dim.to_usize().map_or(1, |size| size as u64))
            });
            if elements.is_none_or(|elements| elements > MAX_ELEMENTS) {
                let text = format!(
                    "`{}` has shape {:?}; at most {MAX_ELEMENTS} elements are supported",
                    node.name, output.fact.shape
                );
                return Err(Problem::new(WorkerFailure::Memory, text));
            }
        }
    }
    Ok(())
}
