//! Reads ONNX files: nodes with their attributes, and constants as numbers.

use crate::error::{Error, OnnxLocation};
use std::collections::HashMap;
use tract_onnx::pb::{
    tensor_proto::{DataLocation, DataType},
    tensor_shape_proto::dimension::Value as Dimension,
    type_proto::Value as Type,
    AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};
use tract_onnx::tract_hir::internal::Framework;

/// Supported versions of the operator set.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=24;
/// Maximum number of nodes of a graph. Integer models have at most 256 operations.
const MAX_NODES: usize = 4096;
/// Maximum number of elements of a constant: more than the weights of any integer model.
const MAX_CONSTANT_ELEMENTS: usize = 1 << 24;

/// A constant tensor.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Constant {
    pub dims: Vec<usize>,
    /// Row-major.
    pub values: Vec<f64>,
}

impl Constant {
    pub fn scalar(value: f64) -> Self {
        Self { dims: vec![], values: vec![value] }
    }

    /// The elements as integers, for shapes and axes.
    pub fn integers(&self) -> Vec<i64> {
        self.values.iter().map(|value| *value as i64).collect()
    }

    /// The elements, in row-major order, after broadcasting to the shape `dims`; `None` if the
    /// shapes are incompatible.
    pub fn broadcast(&self, dims: &[usize]) -> Option<Vec<f64>> {
        let missing = dims.len().checked_sub(self.dims.len())?;
        let fits = |(own, size): (&usize, &usize)| *own == 1 || own == size;
        if !self.dims.iter().zip(&dims[missing..]).all(fits) {
            return None;
        }
        let total = dims.iter().product();
        let element = |index: usize| {
            let (mut rest, mut stride, mut own) = (index, 1, 0);
            for axis in (missing..dims.len()).rev() {
                let size = self.dims[axis - missing];
                if size != 1 {
                    own += rest % dims[axis] * stride;
                }
                stride *= size;
                rest /= dims[axis];
            }
            self.values[own]
        };
        Some((0..total).map(element).collect())
    }
}

/// A node of the file.
pub(crate) struct Node {
    pub place: OnnxLocation,
    pub domain: String,
    /// Names of the inputs; empty for an optional input that is left out.
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    attributes: HashMap<String, AttributeProto>,
}

impl Node {
    pub fn integer(&self, name: &str, default: i64) -> i64 {
        self.attributes.get(name).map_or(default, |attribute| attribute.i)
    }

    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.attributes.get(name).map_or(default, |attribute| f64::from(attribute.f))
    }

    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        self.attributes.get(name).map(|attribute| attribute.ints.as_slice())
    }

    pub fn floats(&self, name: &str) -> Option<Vec<f64>> {
        let attribute = self.attributes.get(name)?;
        Some(attribute.floats.iter().map(|value| f64::from(*value)).collect())
    }

    pub fn string(&self, name: &str) -> Option<String> {
        let attribute = self.attributes.get(name)?;
        Some(String::from_utf8_lossy(&attribute.s).into_owned())
    }

    pub fn tensor(&self, name: &str) -> Option<&TensorProto> {
        self.attributes.get(name).and_then(|attribute| attribute.t.as_ref())
    }

    pub fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }

    /// The name of an input; `None` if it is left out.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// A parsed file, before its operators are interpreted.
pub(crate) struct File {
    pub opset: i64,
    pub nodes: Vec<Node>,
    pub constants: HashMap<String, Constant>,
    pub input: String,
    /// Without the batch.
    pub input_dims: Vec<usize>,
    pub output: String,
}

impl File {
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let model: ModelProto = tract_onnx::onnx()
            .proto_model_for_read(&mut &bytes[..])
            .map_err(|error| Error::NotOnnx(format!("{error:#}")))?;
        let graph = model.graph.as_ref().ok_or_else(|| Error::NotOnnx("it has no graph".into()))?;
        if graph.node.is_empty() {
            return Err(Error::NotOnnx("its graph is empty".into()));
        }
        if graph.node.len() > MAX_NODES {
            return Err(Error::file(
                format!("the model has {} nodes", graph.node.len()),
                format!(
                    "at most {MAX_NODES} are supported: fold constants, or use a smaller model"
                ),
            ));
        }
        let opset = model
            .opset_import
            .iter()
            .find(|set| is_standard(&set.domain))
            .map_or(*OPSETS.end(), |set| set.version);
        if !OPSETS.contains(&opset) {
            return Err(Error::file(
                format!("the model uses operator set {opset}"),
                format!("export it with a version from {} to {}", OPSETS.start(), OPSETS.end()),
            ));
        }
        let constants = graph
            .initializer
            .iter()
            .map(|tensor| Ok((tensor.name.clone(), constant(&tensor.name, tensor)?)))
            .collect::<Result<HashMap<_, _>, Error>>()?;
        let (input, input_dims) = input(graph, &constants)?;
        let output = match &graph.output[..] {
            [output] => output.name.clone(),
            outputs => {
                return Err(Error::file(
                    format!("the model has {} outputs", outputs.len()),
                    "an integer model has one: remove the others; export classifiers of \
                     scikit-learn as a network that ends in its logits",
                ))
            },
        };
        let nodes = graph.node.iter().enumerate().map(|(index, proto)| node(index, proto));
        Ok(Self { opset, nodes: nodes.collect(), constants, input, input_dims, output })
    }
}

pub(crate) fn is_standard(domain: &str) -> bool {
    ["", "ai.onnx"].contains(&domain)
}

fn node(index: usize, proto: &NodeProto) -> Node {
    let separator = if proto.domain.is_empty() { "" } else { "." };
    let operator = match is_standard(&proto.domain) {
        true => proto.op_type.clone(),
        false => format!("{}{separator}{}", proto.domain, proto.op_type),
    };
    let attributes =
        proto.attribute.iter().map(|attribute| (attribute.name.clone(), attribute.clone()));
    Node {
        place: OnnxLocation { index, operator, name: proto.name.clone() },
        domain: proto.domain.clone(),
        inputs: proto.input.clone(),
        outputs: proto.output.clone(),
        attributes: attributes.collect(),
    }
}

/// Name and shape of the only input that is not a constant.
fn input(
    graph: &GraphProto,
    constants: &HashMap<String, Constant>,
) -> Result<(String, Vec<usize>), Error> {
    let inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|input| !constants.contains_key(&input.name)).collect();
    let [input] = inputs[..] else {
        return Err(Error::file(
            format!("the model has {} inputs", inputs.len()),
            "an integer model has one: concatenate them, or make the others constants",
        ));
    };
    let name = &input.name;
    let Some(Type::TensorType(tensor)) = input.r#type.as_ref().and_then(|of| of.value.as_ref())
    else {
        return Err(Error::file(
            format!("the input `{name}` is not a tensor"),
            "export the model with a tensor as its input",
        ));
    };
    let float = [DataType::Float as i32, DataType::Double as i32, DataType::Float16 as i32];
    if !float.contains(&tensor.elem_type) {
        return Err(Error::file(
            format!("the elements of the input `{name}` are not floating-point numbers"),
            "only floating-point models can be quantised; export the model before its quantisation \
             and without embedding lookups",
        ));
    }
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim).map(|dim| match dim.value {
        Some(Dimension::DimValue(size)) if size > 0 => usize::try_from(size).ok(),
        _ => None,
    });
    let dims: Vec<Option<usize>> = dims.collect();
    let rows = match dims.split_first() {
        None => None,
        Some((batch, rest)) => {
            if let Some(batch) = batch.filter(|batch| *batch != 1) {
                return Err(Error::file(
                    format!("the first dimension of the input `{name}` is a batch of {batch}"),
                    "export the model with a batch of one or a free batch",
                ));
            }
            rest.iter().copied().collect::<Option<Vec<usize>>>().filter(|rest| !rest.is_empty())
        },
    };
    let rows = rows.ok_or_else(|| {
        Error::file(
            format!("the shape of the input `{name}` is not fixed"),
            "export the model with a fixed shape; only the first dimension, the batch, may be \
             free",
        )
    })?;
    Ok((name.clone(), rows))
}

/// Reads the numbers of a constant.
pub(crate) fn constant(name: &str, tensor: &TensorProto) -> Result<Constant, Error> {
    let refuse = |problem: String| {
        Error::file(
            format!("the constant `{name}` {problem}"),
            "export the model again, with its weights as 32-bit numbers inside the file",
        )
    };
    if tensor.data_location == Some(DataLocation::External as i32) {
        return Err(refuse("is stored in another file".into()));
    }
    let dims: Option<Vec<usize>> =
        tensor.dims.iter().map(|size| usize::try_from(*size).ok()).collect();
    let elements = dims
        .as_ref()
        .and_then(|dims| dims.iter().try_fold(1usize, |product, size| product.checked_mul(*size)));
    let (Some(dims), Some(elements)) = (dims, elements) else {
        return Err(refuse("has an impossible shape".into()));
    };
    if elements > MAX_CONSTANT_ELEMENTS {
        return Err(refuse(format!("has {elements} elements, more than {MAX_CONSTANT_ELEMENTS}")));
    }
    let values = numbers(tensor).ok_or_else(|| {
        refuse(format!("has elements of the unsupported type {}", tensor.data_type))
    })?;
    if values.len() != elements {
        return Err(refuse(format!("has {} elements, but a shape of {elements}", values.len())));
    }
    if let Some(element) = values.iter().position(|value| !value.is_finite()) {
        return Err(Error::NotFinite { name: name.to_owned(), element, value: values[element] });
    }
    Ok(Constant { dims, values })
}

fn numbers(tensor: &TensorProto) -> Option<Vec<f64>> {
    fn raw<const BYTES: usize>(bytes: &[u8], read: impl Fn([u8; BYTES]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<BYTES>().0.iter().map(|chunk| read(*chunk)).collect()
    }
    let bytes = tensor.raw_data.as_slice();
    let inside = !bytes.is_empty();
    Some(match DataType::try_from(tensor.data_type).ok()? {
        DataType::Float if inside => raw(bytes, |chunk| f64::from(f32::from_le_bytes(chunk))),
        DataType::Float => tensor.float_data.iter().map(|value| f64::from(*value)).collect(),
        DataType::Double if inside => raw(bytes, f64::from_le_bytes),
        DataType::Double => tensor.double_data.clone(),
        // Exporters write 2^63 - 1 for "up to the end". The conversion is exact up to 2^53, which
        // is larger than any size.
        DataType::Int64 if inside => raw(bytes, |chunk| i64::from_le_bytes(chunk) as f64),
        DataType::Int64 => tensor.int64_data.iter().map(|value| *value as f64).collect(),
        DataType::Int32 if inside => raw(bytes, |chunk| f64::from(i32::from_le_bytes(chunk))),
        DataType::Int32 => tensor.int32_data.iter().map(|value| f64::from(*value)).collect(),
        _ => return None,
    })
}
