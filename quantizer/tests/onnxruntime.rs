//! Compares integer layers with onnxruntime's own integer operators, bit for bit.

mod support;

use assay_graph::{
    fast, interpret, Architecture, CheckedGraph, Clamp, Commitments, Conv2d, Dense, Extent,
    FormatVersion, Graph, Operation, Padding, Parameters, Requantize, Scale, Shape, TensorId,
    Weights, Window,
};
use assay_quantizer::multipliers;
use std::collections::BTreeMap;
use support::{arrays, data, Array};

/// A graph of a layer and, if `ratios` are given, a requantisation.
fn graph(
    shape: Shape,
    layer: Operation,
    parameters: Parameters,
    ratios: Option<&[f64]>,
) -> CheckedGraph {
    let mut operations = vec![layer];
    if let Some(ratios) = ratios {
        let (multipliers, shift) = multipliers(ratios);
        operations.push(Operation::Requantize(Requantize {
            input: TensorId(1),
            multipliers: multipliers.try_into().unwrap(),
            shift,
            quotient_bits: 20,
            clamp: Clamp::FULL,
        }));
    }
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: shape,
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: operations.try_into().unwrap(),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: vec![parameters].try_into().unwrap() },
    };
    graph.complete().unwrap();
    CheckedGraph::new(graph).unwrap()
}

fn agrees(name: &str, graph: &CheckedGraph, rows: &Array, expected: &Array) {
    for (row, expected) in rows.rows().zip(expected.rows()) {
        let row: Vec<i8> = row.iter().map(|value| *value as i8).collect();
        let found = interpret::run(graph, &row).unwrap();
        let numbers: Vec<f64> = match (found.as_int8(), found.as_int32()) {
            (Some(values), _) => values.iter().map(|value| f64::from(*value)).collect(),
            (_, Some(values)) => values.iter().map(|value| f64::from(*value)).collect(),
            _ => unreachable!(),
        };
        assert_eq!(numbers, expected, "{name}");
        assert_eq!(fast::run(graph, &row).unwrap(), found, "{name}");
    }
}

fn parameters(weights: &Array, bias: Option<&Array>) -> Parameters {
    let bias = bias.map_or_else(|| vec![0; weights.shape[0]], Array::int32);
    Parameters { weights: weights.int8().try_into().unwrap(), bias: bias.try_into().unwrap() }
}

#[test]
fn convolutions_agree_with_onnxruntime() {
    let all = arrays(data("onnxruntime.npz"));
    let square = |kernel| Window {
        kernel: Extent::square(kernel),
        stride: Extent::square(1),
        padding: Padding::all(0),
    };
    let strided = Window {
        kernel: Extent { height: 3, width: 2 },
        stride: Extent { height: 2, width: 3 },
        padding: Padding { top: 1, left: 1, bottom: 2, right: 0 },
    };
    let windows = BTreeMap::from([
        ("plain", (1, square(3))),
        ("strided", (1, strided)),
        ("grouped", (2, Window { padding: Padding::all(1), ..square(3) })),
        ("pointwise", (1, square(1))),
    ]);
    for (name, (groups, window)) in windows {
        let of = |part: &str| &all[&format!("{name}.{part}")];
        let (x, w) = (of("x"), of("w"));
        let shape = Shape::new(x.shape[1] as u32, x.shape[2] as u32, x.shape[3] as u32);
        let layer = Operation::Conv2d(Conv2d {
            input: TensorId::INPUT,
            output_channels: w.shape[0] as u32,
            groups,
            window,
        });
        agrees(name, &graph(shape, layer.clone(), parameters(w, None), None), x, of("acc"));
        let requantised = parameters(w, Some(of("bias")));
        let ratios = Some(of("ratio").values.as_slice());
        agrees(name, &graph(shape, layer, requantised, ratios), x, of("y"));
    }
}

#[test]
fn dense_layers_agree_with_onnxruntime() {
    let all = arrays(data("onnxruntime.npz"));
    for name in ["small", "large"] {
        let of = |part: &str| &all[&format!("{name}.{part}")];
        let (x, w) = (of("x"), of("w"));
        let shape = Shape::vector(x.shape[1] as u32);
        let layer = Operation::Dense(Dense { input: TensorId::INPUT, rows: w.shape[0] as u32 });
        agrees(name, &graph(shape, layer.clone(), parameters(w, None), None), x, of("acc"));
        let ratios = Some(of("ratio").values.as_slice());
        agrees(name, &graph(shape, layer, parameters(w, None), ratios), x, of("y"));
    }
}
