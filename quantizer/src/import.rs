//! Makes a [`Network`] from the nodes of an ONNX file.

use crate::{
    error::{Error, OnnxLocation},
    float::{Function, Kind, Network, Node, POINT},
    onnx::{constant, is_standard, Constant, File, Node as FileNode},
    window::window,
};
use assay_graph::{bounds::MAX_TENSOR_ELEMENTS, Extent, Window};
use std::collections::HashMap;

/// The supported operators, for messages.
const SUPPORTED: &str = "Add, AveragePool, BatchNormalization, Cast, Clip, Constant, Conv, Div, \
     Dropout, Elu, Flatten, Gemm, GlobalAveragePool, Identity, LeakyRelu, LogSoftmax (last), \
     MatMul, MaxPool, Mul, ReduceMean, Relu, Reshape, Sigmoid, Softmax (last), Squeeze, Sub, \
     Tanh, Transpose, Unsqueeze";

/// The value of a name in the file.
#[derive(Clone)]
enum Value {
    Constant(Constant),
    Node(usize),
}

/// A network, and the names of its input and output in the file.
pub(crate) struct Import {
    pub network: Network,
    pub input: String,
    pub output: String,
    /// The Softmax at the end of the file, if it has one. The network does not compute it.
    pub left_out: Option<&'static str>,
}

/// Imports an ONNX file.
pub(crate) fn import(bytes: &[u8]) -> Result<Import, Error> {
    let file = File::read(bytes)?;
    let mut importer = Importer {
        opset: file.opset,
        values: file
            .constants
            .into_iter()
            .map(|(name, constant)| (name, Value::Constant(constant)))
            .collect(),
        nodes: vec![],
        left_out: HashMap::new(),
    };
    let place = OnnxLocation { index: 0, operator: "input".into(), name: file.input.clone() };
    let input = importer.push(Kind::Input, vec![], file.input_dims.clone(), &place);
    let input = input.map_err(|_| {
        Error::file(
            format!("the input `{}` has shape {:?}", file.input, file.input_dims),
            format!("at most {MAX_TENSOR_ELEMENTS} elements are supported"),
        )
    })?;
    importer.values.insert(file.input.clone(), Value::Node(input));
    for node in &file.nodes {
        importer.node(node)?;
    }
    let Some(Value::Node(output)) = importer.values.get(&file.output).cloned() else {
        return Err(Error::file(
            format!("the output `{}` does not depend on the input", file.output),
            "export the model again, and check it with a viewer of ONNX files",
        ));
    };
    let (output, output_name, left_out) = match importer.left_out.get(&file.output) {
        Some((name, operator)) => (output, name.clone(), Some(*operator)),
        None => (output, file.output, None),
    };
    let network = Network { nodes: importer.nodes, output };
    Ok(Import { network, input: file.input, output: output_name, left_out })
}

struct Importer {
    opset: i64,
    values: HashMap<String, Value>,
    nodes: Vec<Node>,
    /// For each output of a Softmax, its name, the name of its input, and the operator.
    left_out: HashMap<String, (String, &'static str)>,
}

impl Importer {
    fn push(
        &mut self,
        kind: Kind,
        inputs: Vec<usize>,
        dims: Vec<usize>,
        place: &OnnxLocation,
    ) -> Result<usize, Error> {
        let product = |product: usize, size: &usize| product.checked_mul(*size);
        let elements = dims.iter().try_fold(1, product);
        if !elements.is_some_and(|elements| (1..=MAX_TENSOR_ELEMENTS).contains(&elements)) {
            return Err(Error::node(
                place,
                format!("its output has shape {dims:?}"),
                format!("tensors of 1 to {MAX_TENSOR_ELEMENTS} elements are supported"),
            ));
        }
        self.nodes.push(Node { kind, inputs, dims, place: place.clone() });
        Ok(self.nodes.len() - 1)
    }

    fn value(&self, node: &FileNode, index: usize) -> Result<Value, Error> {
        let name = node.input(index).ok_or_else(|| {
            Error::node(
                &node.place,
                format!("input {index} is missing"),
                "export the model again; the file is not valid",
            )
        })?;
        if self.left_out.contains_key(name) {
            let (_, operator) = self.left_out[name];
            return Err(Error::node(
                &node.place,
                format!("it reads the output of a {operator}"),
                format!("a {operator} can only be the end of a model: remove what follows it"),
            ));
        }
        self.values.get(name).cloned().ok_or_else(|| {
            Error::node(
                &node.place,
                format!("no earlier node defines its input `{name}`"),
                "export the model again; the file is not valid",
            )
        })
    }

    /// An input that depends on the model's input.
    fn tensor(&self, node: &FileNode, index: usize) -> Result<usize, Error> {
        match self.value(node, index)? {
            Value::Node(tensor) => Ok(tensor),
            Value::Constant(_) => Err(Error::node(
                &node.place,
                format!("its input {index} is a constant"),
                "fold constants before the export, for example with onnxsim",
            )),
        }
    }

    /// An input that does not depend on the model's input.
    fn constant(&self, node: &FileNode, index: usize) -> Result<Constant, Error> {
        match self.value(node, index)? {
            Value::Constant(constant) => Ok(constant),
            Value::Node(_) => Err(Error::node(
                &node.place,
                format!("its input {index} is computed from the model's input"),
                "this input must be a constant; export the model with fixed shapes and weights",
            )),
        }
    }

    fn optional(&self, node: &FileNode, index: usize) -> Result<Option<Constant>, Error> {
        node.input(index).map(|_| self.constant(node, index)).transpose()
    }

    fn dims(&self, tensor: usize) -> &[usize] {
        &self.nodes[tensor].dims
    }

    fn node(&mut self, node: &FileNode) -> Result<(), Error> {
        let place = &node.place;
        let value = match (is_standard(&node.domain), place.operator.as_str()) {
            (false, "ai.onnx.ml.Scaler") => self.scaler(node)?,
            (true, operator) => self.operator(node, operator)?,
            (false, _) => return Err(unsupported(place)),
        };
        if let Some(name) = node.outputs.first() {
            self.values.insert(name.clone(), value);
        }
        Ok(())
    }

    fn operator(&mut self, node: &FileNode, operator: &str) -> Result<Value, Error> {
        match operator {
            "Constant" => return node_constant(node),
            "Identity" | "Dropout" | "Cast" => return self.passed_on(node),
            "Transpose" => return self.transpose(node),
            _ => {},
        }
        let (kind, inputs, dims) = match operator {
            "Gemm" => self.gemm(node)?,
            "MatMul" => self.matmul(node)?,
            "Conv" => self.conv(node)?,
            "Add" | "Sub" | "Mul" | "Div" => self.arithmetic(node, operator)?,
            "BatchNormalization" => self.batch_normalization(node)?,
            "MaxPool" | "AveragePool" => self.pool(node, operator)?,
            "GlobalAveragePool" => self.global_average(node)?,
            "ReduceMean" => self.reduce_mean(node)?,
            "Flatten" | "Reshape" | "Squeeze" | "Unsqueeze" => self.reshape(node, operator)?,
            "Softmax" | "LogSoftmax" => return self.softmax(node, operator),
            _ => {
                let function = self.function(node, operator)?;
                let input = self.tensor(node, 0)?;
                (Kind::Function(function), vec![input], self.dims(input).to_vec())
            },
        };
        Ok(Value::Node(self.push(kind, inputs, dims, &node.place)?))
    }

    fn function(&self, node: &FileNode, operator: &str) -> Result<Function, Error> {
        Ok(match operator {
            "Relu" => Function::Clamp(0.0, f64::MAX),
            "Clip" => {
                let limit = |index: usize, attribute: &str, default: f64| -> Result<f64, Error> {
                    if self.opset < 11 {
                        return Ok(node.float(attribute, default));
                    }
                    let constant = self.optional(node, index)?;
                    let first = constant.and_then(|limit| limit.values.first().copied());
                    Ok(first.unwrap_or(default))
                };
                let (lo, hi) = (limit(1, "min", f64::MIN)?, limit(2, "max", f64::MAX)?);
                if !(lo <= 0.0 && hi >= 0.0) {
                    return Err(Error::node(
                        &node.place,
                        format!("the interval {lo} to {hi} does not contain zero"),
                        "add a constant before it and subtract it afterwards, so that the interval \
                         contains zero",
                    ));
                }
                Function::Clamp(lo, hi)
            },
            "Sigmoid" => Function::Sigmoid,
            "Tanh" => Function::Tanh,
            "LeakyRelu" => Function::LeakyRelu(node.float("alpha", 0.01)),
            "Elu" => Function::Elu(node.float("alpha", 1.0)),
            _ => return Err(unsupported(&node.place)),
        })
    }

    /// The value of an operator that changes nothing.
    fn passed_on(&self, node: &FileNode) -> Result<Value, Error> {
        if node.place.operator == "Cast" && ![1, 10, 11].contains(&node.integer("to", 1)) {
            if let Value::Constant(_) = self.value(node, 0)? {
                return self.value(node, 0);
            }
            return Err(Error::node(
                &node.place,
                "it casts to a type other than floating point",
                "remove it: the quantisation does the rounding",
            ));
        }
        self.value(node, 0)
    }

    fn gemm(&self, node: &FileNode) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let input = self.tensor(node, 0)?;
        if node.integer("transA", 0) != 0 {
            return Err(Error::node(&node.place, "its input is transposed", "set transA to 0"));
        }
        let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
        let matrix = self.constant(node, 1)?;
        let (mut weights, outputs) =
            self.matrix(node, input, &matrix, node.integer("transB", 0) != 0)?;
        weights.iter_mut().for_each(|weight| *weight *= alpha);
        let bias = match self.optional(node, 2)? {
            None => vec![0.0; outputs],
            Some(bias) => {
                let bias = bias.broadcast(&[1, outputs]).ok_or_else(|| {
                    Error::node(
                        &node.place,
                        format!("its bias has shape {:?} for {outputs} outputs", bias.dims),
                        "use one element for each output",
                    )
                })?;
                bias.into_iter().map(|bias| beta * bias).collect()
            },
        };
        Ok((Kind::Dense { weights, bias }, vec![input], vec![outputs]))
    }

    fn matmul(&self, node: &FileNode) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let input = self.tensor(node, 0)?;
        let matrix = self.constant(node, 1)?;
        let (weights, outputs) = self.matrix(node, input, &matrix, false)?;
        Ok((Kind::Dense { weights, bias: vec![0.0; outputs] }, vec![input], vec![outputs]))
    }

    /// The weights of a dense layer, one row for each output, and the number of rows.
    fn matrix(
        &self,
        node: &FileNode,
        input: usize,
        matrix: &Constant,
        rows_first: bool,
    ) -> Result<(Vec<f64>, usize), Error> {
        let dims = self.dims(input);
        let [inputs] = *dims else {
            return Err(Error::node(
                &node.place,
                format!("its input has {} dimensions in addition to the batch", dims.len()),
                "a dense layer reads vectors: flatten the tensor first",
            ));
        };
        let (rows, columns) = match (&matrix.dims[..], rows_first) {
            ([rows, columns], true) => (*rows, *columns),
            ([columns, rows], false) => (*rows, *columns),
            _ => {
                return Err(Error::node(
                    &node.place,
                    format!("its weights have shape {:?}", matrix.dims),
                    "they must be a matrix",
                ))
            },
        };
        if columns != inputs || rows == 0 {
            return Err(Error::node(
                &node.place,
                format!("its weights have shape {:?} for {inputs} inputs", matrix.dims),
                "export the model again; the file is not valid",
            ));
        }
        let weights = match rows_first {
            true => matrix.values.clone(),
            false => crate::float::transpose(&matrix.values, &[columns, rows], &[1, 0]),
        };
        Ok((weights, rows))
    }

    fn conv(&self, node: &FileNode) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let input = self.tensor(node, 0)?;
        let weights = self.constant(node, 1)?;
        let [channels, height, width] = self.image(node, input)?;
        let [outputs, per_group, rows, columns] = weights.dims[..] else {
            return Err(Error::node(
                &node.place,
                format!("its weights have shape {:?}", weights.dims),
                "only two-dimensional convolutions are supported; convert a one-dimensional one to \
                 height 1",
            ));
        };
        let groups = usize::try_from(node.integer("group", 1)).unwrap_or(0);
        let fits = groups > 0
            && channels == per_group * groups
            && outputs % groups == 0
            && outputs * per_group * rows * columns > 0
            && rows.max(columns) <= usize::from(u16::MAX);
        if !fits {
            return Err(Error::node(
                &node.place,
                format!("its weights have shape {:?} for {channels} channels", weights.dims),
                "export the model again; the file is not valid",
            ));
        }
        let kernel = Extent { height: rows as u16, width: columns as u16 };
        let (window, [rows, columns]) = window(node, Some(kernel), [height, width])?;
        let bias = match self.optional(node, 2)? {
            None => vec![0.0; outputs],
            Some(bias) if bias.values.len() == outputs => bias.values,
            Some(bias) => {
                return Err(Error::node(
                    &node.place,
                    format!("it has {} biases for {outputs} outputs", bias.values.len()),
                    "export the model again; the file is not valid",
                ))
            },
        };
        let kind = Kind::Conv { weights: weights.values, bias, groups, window };
        Ok((kind, vec![input], vec![outputs, rows, columns]))
    }

    /// The dimensions of an input that must be an image.
    fn image(&self, node: &FileNode, input: usize) -> Result<[usize; 3], Error> {
        match *self.dims(input) {
            [channels, height, width] => Ok([channels, height, width]),
            _ => Err(Error::node(
                &node.place,
                format!("its input has shape {:?} without the batch", self.dims(input)),
                "it must have channels, height and width: reshape the tensor first",
            )),
        }
    }

    fn arithmetic(
        &mut self,
        node: &FileNode,
        operator: &str,
    ) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let (left, right) = (self.value(node, 0)?, self.value(node, 1)?);
        let (tensor, constant, reversed) = match (left, right) {
            (Value::Node(left), Value::Node(right)) => return self.sum(node, left, right),
            (Value::Node(tensor), Value::Constant(constant)) => (tensor, constant, false),
            (Value::Constant(constant), Value::Node(tensor)) => (tensor, constant, true),
            (Value::Constant(_), Value::Constant(_)) => {
                return Err(Error::node(
                    &node.place,
                    "both of its inputs are constants",
                    "fold constants before the export, for example with onnxsim",
                ))
            },
        };
        let dims = self.dims(tensor).to_vec();
        let batched: Vec<usize> = std::iter::once(1).chain(dims.iter().copied()).collect();
        let values = constant.broadcast(&batched).ok_or_else(|| {
            Error::node(
                &node.place,
                format!("its constant has shape {:?}, its tensor {batched:?}", constant.dims),
                "the constant must be broadcast to the tensor, not the tensor to the constant",
            )
        })?;
        let count = values.len();
        let negated = || values.iter().map(|value| -value).collect();
        let (scale, offset) = match (operator, reversed) {
            ("Add", _) => (vec![1.0; count], values),
            ("Sub", false) => (vec![1.0; count], negated()),
            ("Sub", true) => (vec![-1.0; count], values),
            ("Mul", _) => (values, vec![0.0; count]),
            (_, false) if values.iter().all(|value| *value != 0.0) => {
                (values.iter().map(|value| 1.0 / value).collect(), vec![0.0; count])
            },
            _ => {
                return Err(Error::node(
                    &node.place,
                    "it divides by the tensor or by zero",
                    "only divisions by a constant other than zero are supported",
                ))
            },
        };
        Ok((Kind::Affine { scale, offset }, vec![tensor], dims))
    }

    fn sum(
        &self,
        node: &FileNode,
        left: usize,
        right: usize,
    ) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let (from, to) = (self.dims(left), self.dims(right));
        if node.place.operator != "Add" {
            return Err(Error::node(
                &node.place,
                "both of its inputs are computed from the model's input",
                "only the sum (Add) of two such tensors is supported",
            ));
        }
        if from != to {
            return Err(Error::node(
                &node.place,
                format!("it adds tensors of different shapes, {from:?} and {to:?}"),
                "reshape them to the same shape",
            ));
        }
        Ok((Kind::Add, vec![left, right], from.to_vec()))
    }

    fn batch_normalization(
        &self,
        node: &FileNode,
    ) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let input = self.tensor(node, 0)?;
        if node.integer("training_mode", 0) != 0 {
            return Err(Error::node(
                &node.place,
                "it is in training mode",
                "export the model in evaluation mode (`model.eval()`)",
            ));
        }
        let dims = self.dims(input).to_vec();
        let channels = dims.first().copied().unwrap_or(1);
        let of = |index: usize| {
            let values = self.constant(node, index)?.values;
            if values.len() != channels {
                return Err(Error::node(
                    &node.place,
                    format!("it has {} values for {channels} channels", values.len()),
                    "export the model again; the file is not valid",
                ));
            }
            Ok(values)
        };
        let (gamma, beta, mean, variance) = (of(1)?, of(2)?, of(3)?, of(4)?);
        let epsilon = node.float("epsilon", 1e-5);
        let plane = self.nodes[input].elements() / channels.max(1);
        let (mut scale, mut offset) = (vec![], vec![]);
        for channel in 0..channels {
            let factor = gamma[channel] / (variance[channel] + epsilon).sqrt();
            if !factor.is_finite() {
                return Err(Error::node(
                    &node.place,
                    format!("the variance of channel {channel} is {}", variance[channel]),
                    "train or export the model again",
                ));
            }
            scale.extend(std::iter::repeat_n(factor, plane));
            offset.extend(std::iter::repeat_n(beta[channel] - factor * mean[channel], plane));
        }
        Ok((Kind::Affine { scale, offset }, vec![input], dims))
    }

    fn scaler(&mut self, node: &FileNode) -> Result<Value, Error> {
        let input = self.tensor(node, 0)?;
        let dims = self.dims(input).to_vec();
        let count = self.nodes[input].elements();
        let of = |attribute: &str, default: f64| {
            let values = node.floats(attribute).unwrap_or_else(|| vec![default]);
            match values.len() {
                1 => Ok(vec![values[0]; count]),
                length if length == count => Ok(values),
                length => Err(Error::node(
                    &node.place,
                    format!("`{attribute}` has {length} values for {count} features"),
                    "use one value, or one for each feature",
                )),
            }
        };
        let (offset, scale) = (of("offset", 0.0)?, of("scale", 1.0)?);
        let finite = offset.iter().chain(&scale).all(|value| value.is_finite());
        if !finite {
            return Err(Error::node(
                &node.place,
                "an offset or a scale is not finite",
                "fit the scaler again",
            ));
        }
        let offset = offset.iter().zip(&scale).map(|(offset, scale)| -offset * scale).collect();
        let kind = Kind::Affine { scale, offset };
        Ok(Value::Node(self.push(kind, vec![input], dims, &node.place)?))
    }

    fn pool(
        &self,
        node: &FileNode,
        operator: &str,
    ) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let input = self.tensor(node, 0)?;
        let [channels, height, width] = self.image(node, input)?;
        let (window, [rows, columns]) = window(node, None, [height, width])?;
        let kind = match operator {
            "MaxPool" => {
                if node.outputs.get(1).is_some_and(|name| !name.is_empty()) {
                    return Err(Error::node(
                        &node.place,
                        "its second output, the indices, is used",
                        "use only its first output",
                    ));
                }
                Kind::MaxPool(window)
            },
            _ => {
                if !window.padding.is_none() && node.integer("count_include_pad", 0) == 0 {
                    return Err(Error::node(
                        &node.place,
                        "it excludes the padding from the average",
                        "set count_include_pad to 1, or use no padding",
                    ));
                }
                Kind::AveragePool(window)
            },
        };
        Ok((kind, vec![input], vec![channels, rows, columns]))
    }

    fn global_average(&self, node: &FileNode) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let input = self.tensor(node, 0)?;
        let [channels, height, width] = self.image(node, input)?;
        let size = |size: usize| {
            u16::try_from(size).map_err(|_| {
                Error::node(
                    &node.place,
                    format!("its input has {height} by {width} elements per channel"),
                    "use a smaller image, or pool it first",
                )
            })
        };
        let kernel = Extent { height: size(height)?, width: size(width)? };
        let window = Window { kernel, ..POINT };
        Ok((Kind::AveragePool(window), vec![input], vec![channels, 1, 1]))
    }

    fn reduce_mean(&self, node: &FileNode) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let axes = match node.integers("axes") {
            Some(axes) => Some(axes.to_vec()),
            None => self.optional(node, 1)?.map(|axes| axes.integers()),
        };
        let mut axes: Vec<i64> = axes
            .unwrap_or_default()
            .into_iter()
            .map(|axis| if axis < 0 { axis + 4 } else { axis })
            .collect();
        axes.sort_unstable();
        if axes != [2, 3] {
            return Err(Error::node(
                &node.place,
                "it averages over dimensions other than height and width",
                "use GlobalAveragePool",
            ));
        }
        let (kind, inputs, mut dims) = self.global_average(node)?;
        if node.integer("keepdims", 1) == 0 {
            // A vector of channels has the same elements as an image of one pixel.
            dims.truncate(1);
        }
        Ok((kind, inputs, dims))
    }

    fn reshape(
        &self,
        node: &FileNode,
        operator: &str,
    ) -> Result<(Kind, Vec<usize>, Vec<usize>), Error> {
        let input = self.tensor(node, 0)?;
        let from: Vec<i64> =
            std::iter::once(1).chain(self.dims(input).iter().map(|size| *size as i64)).collect();
        let rank = from.len() as i64;
        let axes = || -> Result<Vec<i64>, Error> {
            match node.integers("axes") {
                Some(axes) => Ok(axes.to_vec()),
                None => Ok(self.optional(node, 1)?.map(|axes| axes.integers()).unwrap_or_default()),
            }
        };
        let to: Vec<i64> = match operator {
            "Flatten" => {
                let axis = node.integer("axis", 1);
                let axis = if axis < 0 { axis + rank } else { axis }.clamp(0, rank) as usize;
                vec![from[..axis].iter().product(), from[axis..].iter().product()]
            },
            "Squeeze" => {
                let axes: Vec<i64> = axes()?
                    .iter()
                    .map(|axis| if *axis < 0 { axis + rank } else { *axis })
                    .collect();
                let gone = |axis: usize| match axes.is_empty() {
                    true => axis > 0 && from[axis] == 1,
                    false => axes.contains(&(axis as i64)),
                };
                (0..from.len()).filter(|axis| !gone(*axis)).map(|axis| from[axis]).collect()
            },
            "Unsqueeze" => {
                let axes = axes()?;
                let rank = rank + axes.len() as i64;
                let mut to = from.clone();
                let mut axes: Vec<i64> =
                    axes.iter().map(|axis| if *axis < 0 { axis + rank } else { *axis }).collect();
                axes.sort_unstable();
                for axis in axes {
                    to.insert((axis.max(0) as usize).min(to.len()), 1);
                }
                to
            },
            _ => {
                let shape = self.constant(node, 1)?.integers();
                let keeps = node.integer("allowzero", 0) == 0;
                let mut to: Vec<i64> = shape
                    .iter()
                    .enumerate()
                    .map(|(axis, size)| match size {
                        0 if keeps => from.get(axis).copied().unwrap_or(0),
                        size => *size,
                    })
                    .collect();
                let total: i64 = from.iter().product();
                let known = to.iter().filter(|size| **size != -1);
                let known = known.fold(1i64, |product, size| product.saturating_mul(*size));
                if let (Some(free), true) = (to.iter().position(|size| *size == -1), known > 0) {
                    to[free] = total / known;
                }
                to
            },
        };
        let dims: Option<Vec<usize>> = match to.split_first() {
            Some((1, dims)) => dims.iter().map(|size| usize::try_from(*size).ok()).collect(),
            _ => None,
        };
        let dims = dims.filter(|dims| {
            let product = |product: usize, size: &usize| product.checked_mul(*size);
            dims.iter().try_fold(1, product) == Some(self.nodes[input].elements())
        });
        let dims = dims.ok_or_else(|| {
            Error::node(
                &node.place,
                format!("it reshapes {from:?} to {to:?}"),
                "the first dimension, the batch, must stay 1",
            )
        })?;
        Ok((Kind::Reshape, vec![input], dims))
    }

    fn transpose(&mut self, node: &FileNode) -> Result<Value, Error> {
        let value = self.value(node, 0)?;
        let rank = match &value {
            Value::Constant(constant) => constant.dims.len(),
            Value::Node(input) => self.dims(*input).len() + 1,
        };
        let axes: Vec<usize> = match node.integers("perm") {
            None => (0..rank).rev().collect(),
            Some(axes) => axes.iter().map(|axis| *axis as usize).collect(),
        };
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        let batch_moves = matches!(value, Value::Node(_)) && axes.first() != Some(&0);
        if sorted != (0..rank).collect::<Vec<_>>() || batch_moves {
            return Err(Error::node(
                &node.place,
                format!("it permutes {rank} dimensions by {axes:?}"),
                "the batch must stay the first dimension",
            ));
        }
        Ok(match value {
            Value::Constant(constant) => Value::Constant(Constant {
                values: crate::float::transpose(&constant.values, &constant.dims, &axes),
                dims: axes.iter().map(|axis| constant.dims[*axis]).collect(),
            }),
            Value::Node(input) => {
                let axes: Vec<usize> = axes[1..].iter().map(|axis| axis - 1).collect();
                let dims = axes.iter().map(|axis| self.dims(input)[*axis]).collect();
                Value::Node(self.push(Kind::Transpose(axes), vec![input], dims, &node.place)?)
            },
        })
    }

    /// Leaves out a Softmax. [`Importer::value`] refuses nodes that read its output.
    fn softmax(&mut self, node: &FileNode, operator: &str) -> Result<Value, Error> {
        let input = self.tensor(node, 0)?;
        let rank = self.dims(input).len() as i64 + 1;
        let axis = node.integer("axis", if self.opset < 13 { 1 } else { -1 });
        let axis = if axis < 0 { axis + rank } else { axis };
        if axis != 1 {
            return Err(Error::node(
                &node.place,
                format!("it normalises over dimension {axis}"),
                "at the end of a model, it must normalise over the classes, which are dimension 1",
            ));
        }
        let operator = if operator == "Softmax" { "Softmax" } else { "LogSoftmax" };
        if let (Some(from), Some(to)) = (node.input(0), node.outputs.first()) {
            self.left_out.insert(to.clone(), (from.to_owned(), operator));
        }
        Ok(Value::Node(input))
    }
}

fn unsupported(place: &OnnxLocation) -> Error {
    let remedy = match place.operator.as_str() {
        "Shape" | "Gather" | "Concat" | "Slice" => {
            "export the model with a batch of one and fixed shapes, so that shapes are constants"
                .to_owned()
        },
        "ai.onnx.ml.ZipMap" => {
            "export the classifier as a network, with `options={'zipmap': False}`".to_owned()
        },
        "QuantizeLinear" | "DequantizeLinear" | "QLinearConv" | "QLinearMatMul" | "ConvInteger"
        | "MatMulInteger" => "export the model before its quantisation".to_owned(),
        _ => format!("use supported operators ({SUPPORTED}), or publish the ONNX file itself"),
    };
    Error::node(place, "this operator has no integer operation", remedy)
}

fn node_constant(node: &FileNode) -> Result<Value, Error> {
    let name = node.outputs.first().map_or("", String::as_str);
    if let Some(tensor) = node.tensor("value") {
        return Ok(Value::Constant(constant(name, tensor)?));
    }
    if node.has("value_float") {
        return Ok(Value::Constant(Constant::scalar(node.float("value_float", 0.0))));
    }
    if node.has("value_int") {
        return Ok(Value::Constant(Constant::scalar(node.integer("value_int", 0) as f64)));
    }
    let list = node.floats("value_floats").filter(|values| !values.is_empty()).or_else(|| {
        let values = node.integers("value_ints")?;
        Some(values.iter().map(|value| *value as f64).collect())
    });
    match list {
        Some(values) => Ok(Value::Constant(Constant { dims: vec![values.len()], values })),
        None => Err(Error::node(
            &node.place,
            "its value is of an unsupported kind",
            "store it as a tensor of numbers",
        )),
    }
}
