//! Models and corpus seeds that the fuzz targets share.

use std::path::PathBuf;

use assay_graph::{
    Architecture, CheckedGraph, Commitments, Conv2d, Extent, FormatVersion, Graph, Operation,
    Padding, Parameters, Scale, Shape, TensorId, Weights, Window,
};

/// Environment variable with the folder of the corpus. If it is not set, no seeds are written.
pub const SEEDS: &str = "ASSAY_FUZZ_SEEDS";

/// Writes the seeds of a target to the folder named by [`SEEDS`].
///
/// # Panics
///
/// If the folder or a file cannot be written.
pub fn seed(seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(folder) = std::env::var_os(SEEDS).map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).expect("the folder for the seeds cannot be created");
    for (number, seed) in seeds.into_iter().enumerate() {
        let file = folder.join(format!("seed-{number}"));
        std::fs::write(&file, seed).expect("the seed cannot be written");
    }
}

/// Files of bundled integer models, smallest first.
pub const GRAPHS: [&[u8]; 3] = [
    include_bytes!("../../models/breast-cancer/breast-cancer.graph"),
    include_bytes!("../../models/digits/digits.graph"),
    include_bytes!("../../models/digits-mlp/digits-mlp.graph"),
];

/// The convolutional network for handwritten digits.
pub fn digits() -> CheckedGraph {
    checked(Graph::from_bytes(GRAPHS[1]).expect("the bundled model is a graph"))
}

/// The perceptron for handwritten digits.
pub fn digits_mlp() -> CheckedGraph {
    checked(Graph::from_bytes(GRAPHS[2]).expect("the bundled model is a graph"))
}

/// A model with tensors that are too large to be shown whole in a dispute.
pub fn wide() -> CheckedGraph {
    let window = Window {
        kernel: Extent::square(1),
        stride: Extent::square(1),
        padding: Padding::default(),
    };
    let operation =
        Operation::Conv2d(Conv2d { input: TensorId::INPUT, output_channels: 2, groups: 1, window });
    let parameters = Parameters {
        weights: vec![3, -5].try_into().unwrap_or_default(),
        bias: vec![7, -9].try_into().unwrap_or_default(),
    };
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: Shape::new(1, 60, 70),
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: vec![operation].try_into().unwrap_or_default(),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: vec![parameters].try_into().unwrap_or_default() },
    };
    graph.complete().expect("the sums stay within bounds");
    checked(graph)
}

fn checked(graph: Graph) -> CheckedGraph {
    CheckedGraph::new(graph).expect("the model passes all checks")
}

/// A fixed input for a model.
pub fn input(graph: &CheckedGraph) -> Vec<i8> {
    let length = graph.plan().shapes()[0].elements().unwrap_or(0);
    (0..length).map(|i| (i * 37 % 251) as u8 as i8).collect()
}

/// The bytes of int8 values.
pub fn bytes(values: &[i8]) -> Vec<u8> {
    values.iter().map(|value| *value as u8).collect()
}
