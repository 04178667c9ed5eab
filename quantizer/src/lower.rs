//! Makes an integer model from a simplified network and its scales.

use crate::{
    error::{Error, OnnxLocation},
    float::{shape_of, Function, Kind, Network, Node},
    scale::{encoded, multipliers, rounded, to_int8},
};
use assay_graph::{
    bounds::MAX_QUOTIENT_BITS, Add, Architecture, CheckError, Clamp, Commitments, Conv2d, Dense,
    FormatVersion, Graph, List, Lookup, MaxPool2d, Multiplier, Operation, Parameters, Problem,
    Requantize, Reshape, Shape, SumPool2d, TensorId, Weights,
};

/// Maximum magnitude of a bias, in units of its accumulator.
///
/// The rounding error of a multiplier is at most half a unit, which is 2^-33 with the usual shift.
/// So a bias of this size is scaled with an error of less than 2^-6.
const MAX_BIAS: f64 = (1u32 << 26) as f64;
/// The multiplier of the operand of a sum that has the coarser scale.
const SUM_MULTIPLIER: f64 = (1u32 << 14) as f64;
/// Maximum magnitude of a quotient for which the scale of a tensor is chosen.
const MAX_QUOTIENT: f64 = (1u32 << (MAX_QUOTIENT_BITS - 2)) as f64;

/// Makes an integer model that is not sealed yet.
pub(crate) fn lower(
    network: &Network,
    scales: &[f64],
    input_scale: f64,
    source: [u8; 32],
) -> Result<Graph, Error> {
    let input = &network.nodes[0];
    let mut lowering = Lowering {
        network,
        scales,
        readers: network.readers(),
        operations: vec![],
        places: vec![],
        at: 0,
        parameters: vec![],
        tensors: vec![None; network.nodes.len()],
        output_scale: scales[0],
    };
    lowering.tensors[0] = Some(Int8 { tensor: TensorId::INPUT, scale: scales[0] });
    for index in 1..network.nodes.len() {
        if lowering.tensors[index].is_none() {
            lowering.at = index;
            lowering.node(index)?;
        }
    }
    if lowering.operations.is_empty() {
        return Err(Error::file(
            "the output of the model is its input",
            "use a model with a layer with weights",
        ));
    }
    let commitments = Commitments { source, ..Commitments::default() };
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: shape(input),
            input_scale: encoded(input_scale),
            output_scale: encoded(lowering.output_scale),
            operations: list(std::mem::take(&mut lowering.operations), "operations")?,
            commitments,
        },
        weights: Weights {
            parameters: list(std::mem::take(&mut lowering.parameters), "layers with weights")?,
        },
    };
    graph.complete().map_err(|error| at_node(error, &lowering.places))?;
    Ok(graph)
}

/// An error of the integer model, with the node of the file from which the operation was made.
fn at_node(error: CheckError, places: &[OnnxLocation]) -> Error {
    let CheckError::Operation { index, problem, .. } = error else { return Error::Graph(error) };
    let Some(place) = places.get(index) else { return Error::Graph(error) };
    let remedy = match problem {
        Problem::PoolWindow(_) => "use two successive pools with smaller windows",
        Problem::FanIn(_) => "add a pool or a convolution before the layer, so that it reads less",
        Problem::PaddingTooLarge => "use less padding, or a larger kernel",
        Problem::Channels(_) | Problem::OutputShape(_) => "use a smaller layer",
        _ => "use a smaller layer, or smaller weights and biases",
    };
    Error::node(place, problem.to_string(), remedy)
}

/// An int8 tensor of the model, and its scale.
#[derive(Clone, Copy)]
struct Int8 {
    tensor: TensorId,
    scale: f64,
}

/// An int32 tensor of the model, and its scales.
struct Accumulators {
    tensor: TensorId,
    /// One scale for all channels, or one for each.
    scales: Vec<f64>,
    /// Maximum real magnitude, over all inputs.
    worst: f64,
}

struct Lowering<'a> {
    network: &'a Network,
    /// The scale of each node, from the calibration.
    scales: &'a [f64],
    readers: Vec<usize>,
    operations: Vec<Operation>,
    /// For each operation, the node from which it was made.
    places: Vec<OnnxLocation>,
    /// Index of the node that is being lowered.
    at: usize,
    parameters: Vec<Parameters>,
    /// The tensor of each node, as far as it exists.
    tensors: Vec<Option<Int8>>,
    output_scale: f64,
}

/// The shape of a node. `simplify` has refused nodes without one.
fn shape(node: &Node) -> Shape {
    shape_of(&node.dims).unwrap_or(Shape::vector(0))
}

fn list<T, const MAX: usize>(elements: Vec<T>, what: &str) -> Result<List<T, MAX>, Error> {
    let count = elements.len();
    List::try_from(elements).map_err(|_| {
        Error::file(
            format!("the integer model would have {count} {what}"),
            format!("at most {MAX} are supported: use a smaller model"),
        )
    })
}

impl Lowering<'_> {
    fn push(&mut self, operation: Operation) -> TensorId {
        self.operations.push(operation);
        self.places.push(self.network.nodes[self.at].place.clone());
        // `list` refuses too many operations before the id is used.
        TensorId(self.operations.len().min(usize::from(u16::MAX)) as u16)
    }

    /// The int8 tensor of an earlier node.
    fn int8(&self, index: usize) -> Int8 {
        self.tensors[index].unwrap_or(Int8 { tensor: TensorId::INPUT, scale: 1.0 })
    }

    fn node(&mut self, index: usize) -> Result<(), Error> {
        let node = &self.network.nodes[index];
        let input = self.int8(node.inputs[0]);
        let result = match &node.kind {
            Kind::Dense { weights, bias } => {
                let operation =
                    Operation::Dense(Dense { input: input.tensor, rows: bias.len() as u32 });
                let accumulators = self.layer(index, operation, weights, bias, input.scale)?;
                return self.requantize(index, accumulators);
            },
            Kind::Conv { weights, bias, groups, window } => {
                let operation = Operation::Conv2d(Conv2d {
                    input: input.tensor,
                    output_channels: bias.len() as u32,
                    groups: *groups as u32,
                    window: *window,
                });
                let accumulators = self.layer(index, operation, weights, bias, input.scale)?;
                return self.requantize(index, accumulators);
            },
            Kind::Add => {
                let accumulators = self.sum(input, self.int8(node.inputs[1]));
                return self.requantize(index, accumulators);
            },
            Kind::AveragePool(window) => {
                let operation =
                    Operation::SumPool2d(SumPool2d { input: input.tensor, window: *window });
                let accumulators = Accumulators {
                    tensor: self.push(operation),
                    scales: vec![input.scale / window.kernel.area() as f64],
                    worst: 128.0 * input.scale,
                };
                return self.requantize(index, accumulators);
            },
            Kind::MaxPool(window) => {
                let operation =
                    Operation::MaxPool2d(MaxPool2d { input: input.tensor, window: *window });
                Int8 { tensor: self.push(operation), ..input }
            },
            Kind::Reshape => {
                let from = shape(&self.network.nodes[node.inputs[0]]);
                let to = shape(node);
                match from == to {
                    true => input,
                    false => {
                        let operation =
                            Operation::Reshape(Reshape { input: input.tensor, shape: to });
                        Int8 { tensor: self.push(operation), ..input }
                    },
                }
            },
            Kind::Function(function) => self.lookup(index, *function, input),
            // `simplify` removes or refuses these.
            Kind::Input | Kind::Affine { .. } | Kind::Transpose(_) => {
                return Err(Error::node(&node.place, "it has no integer operation", "remove it"))
            },
        };
        self.define(index, result);
        Ok(())
    }

    fn define(&mut self, index: usize, tensor: Int8) {
        self.tensors[index] = Some(tensor);
        if index == self.network.output {
            self.output_scale = tensor.scale;
        }
    }

    fn lookup(&mut self, index: usize, function: Function, input: Int8) -> Int8 {
        let scale = match function {
            Function::Clamp(..) => input.scale,
            // With this scale, the probability 1/2 is exact, so comparisons with it are too.
            Function::Sigmoid if index == self.network.output => 1.0 / 128.0,
            _ => self.scales[index],
        };
        let table = std::array::from_fn(|entry| {
            to_int8(function.apply((entry as f64 - 128.0) * input.scale), scale)
        });
        Int8 { tensor: self.push(Operation::Lookup(Lookup { input: input.tensor, table })), scale }
    }

    /// A layer with weights. Its real output for the input `x · input_scale` is `acc · scale`.
    fn layer(
        &mut self,
        index: usize,
        operation: Operation,
        weights: &[f64],
        bias: &[f64],
        input_scale: f64,
    ) -> Result<Accumulators, Error> {
        let rows = weights.chunks_exact(weights.len() / bias.len());
        let mut scales: Vec<f64> = rows
            .clone()
            .zip(bias)
            .map(|(row, bias)| {
                let greatest = row.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
                (greatest * input_scale / 127.0).max(bias.abs() / MAX_BIAS)
            })
            .collect();
        let common = scales.iter().copied().fold(0.0, f64::max);
        let common = rounded(if common > 0.0 { common } else { input_scale });
        let is_output = index == self.network.output;
        for scale in &mut scales {
            // Channels of the output share one scale, so that they can be compared. Channels of
            // inner layers have the finest scale each. A channel of zeros can have any scale.
            if is_output || *scale == 0.0 {
                *scale = common;
            }
        }
        let mut worst: f64 = 0.0;
        let mut parameters = (Vec::with_capacity(weights.len()), Vec::with_capacity(bias.len()));
        for ((row, bias), scale) in rows.zip(bias).zip(&scales) {
            let quantised =
                row.iter().map(|w| (w * input_scale / scale).round().clamp(-127.0, 127.0) as i8);
            let first = parameters.0.len();
            parameters.0.extend(quantised);
            let bias = (bias / scale).round();
            parameters.1.push(bias as i32);
            let sum: i64 =
                parameters.0[first..].iter().map(|w: &i8| i64::from(w.unsigned_abs())).sum();
            worst = worst.max((128.0 * sum as f64 + bias.abs()) * scale);
        }
        let (weights, bias) = parameters;
        let (weights, bias) = (list(weights, "weights in a layer")?, list(bias, "channels")?);
        self.parameters.push(Parameters { weights, bias });
        if is_output {
            scales.truncate(1);
        }
        Ok(Accumulators { tensor: self.push(operation), scales, worst })
    }

    fn sum(&mut self, left: Int8, right: Int8) -> Accumulators {
        let scale = left.scale.max(right.scale) / SUM_MULTIPLIER;
        let scale = rounded(scale);
        let factor = |side: Int8| {
            let factor = (side.scale / scale).round().max(1.0) as u32;
            Multiplier::new(factor).unwrap_or(Multiplier::ONE)
        };
        let (left_multiplier, right_multiplier) = (factor(left), factor(right));
        let operation = Operation::Add(Add {
            left: left.tensor,
            right: right.tensor,
            left_multiplier,
            right_multiplier,
        });
        let tensor = self.push(operation);
        let factors = f64::from(left_multiplier.get()) + f64::from(right_multiplier.get());
        Accumulators { tensor, scales: vec![scale], worst: 128.0 * factors * scale }
    }

    /// Requantises a node's accumulators to int8, unless they are the output. A clamp that is the
    /// only reader becomes part of the requantisation.
    fn requantize(&mut self, index: usize, accumulators: Accumulators) -> Result<(), Error> {
        if index == self.network.output {
            self.output_scale = rounded(accumulators.scales[0]);
            return Ok(());
        }
        let reads = |node: &Node| node.inputs.contains(&index);
        let readers: Vec<usize> = (index + 1..self.network.nodes.len())
            .filter(|reader| reads(&self.network.nodes[*reader]))
            .collect();
        let kinds = readers.iter().map(|reader| &self.network.nodes[*reader].kind);
        let (target, lo, hi) = match (&readers[..], kinds.clone().next()) {
            ([clamp], Some(Kind::Function(Function::Clamp(lo, hi))))
                if self.readers[index] == 1 =>
            {
                (*clamp, *lo, *hi)
            },
            _ => (index, f64::MIN, f64::MAX),
        };
        let mut scale = self.scales[target];
        let saturation = |kind: &Kind| match kind {
            Kind::Function(function) => function.saturation(),
            _ => None,
        };
        // If all readers are functions that saturate, larger values than the greatest saturation
        // are not needed.
        let saturations: Option<Vec<f64>> = kinds.map(saturation).collect();
        let saturations = saturations.unwrap_or_default();
        if target == index && !saturations.is_empty() {
            let limit = saturations.iter().copied().fold(0.0, f64::max);
            scale = scale.min(rounded(limit / 127.0));
        }
        // Make the scale coarser if a quotient could exceed the largest window or a ratio the range
        // of a multiplier.
        let coarsest = accumulators.scales.iter().copied().fold(0.0, f64::max);
        let least = (accumulators.worst / MAX_QUOTIENT).max(coarsest / 2f64.powi(14));
        if scale < least {
            scale = rounded(least * 1.001);
        }
        let ratios: Vec<f64> = accumulators.scales.iter().map(|of| of / scale).collect();
        let (multipliers, shift) = multipliers(&ratios);
        let end = |limit: f64| (limit / scale).round().clamp(-128.0, 127.0) as i8;
        let clamp = Clamp::new(end(lo), end(hi)).unwrap_or(Clamp::FULL);
        let tensor = self.push(Operation::Requantize(Requantize {
            input: accumulators.tensor,
            multipliers: list(multipliers, "multipliers in a layer")?,
            shift,
            // `Graph::complete` fills in the smallest window.
            quotient_bits: MAX_QUOTIENT_BITS,
            clamp,
        }));
        self.define(target, Int8 { tensor, scale });
        Ok(())
    }
}
