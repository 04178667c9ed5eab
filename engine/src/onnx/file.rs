//! Reads ONNX files and their declarations.

use assay_primitives::{
    model::TensorDeclarations,
    tensor::{MAX_RANK, MAX_TENSOR_NAME_BYTES},
    Dimension, ElementType, TensorDeclaration,
};
use tract_onnx::{
    model::{Onnx, ParseResult},
    pb::{
        tensor_shape_proto::dimension::Value as FileDimension, type_proto::Value as FileType,
        ModelProto, ValueInfoProto,
    },
    tract_hir::{
        infer::{Factoid, InferenceModelExt},
        internal::{DimLike, Framework, GenericFactoid, OutletId, TDim},
    },
};

use super::check::{check_graph, RANDOM_OPERATORS};
use crate::{
    problem::{dimension_text, model_problem, Problem},
    protocol::WorkerFailure,
    tensors::{element_type_of, element_type_of_file},
};

/// Maximum length of a dimension's name. tract parses the name as an expression, recursively.
const MAX_DIMENSION_NAME_BYTES: usize = 256;

/// One dimension in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum FileDim {
    Fixed(u32),
    /// Any size, but the same for all dimensions with this name.
    Named(String),
    Unknown,
}

impl FileDim {
    /// The name, if the dimension has one.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            _ => None,
        }
    }
}

impl std::fmt::Display for FileDim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fixed(size) => size.fmt(f),
            Self::Named(name) => name.fmt(f),
            Self::Unknown => "?".fmt(f),
        }
    }
}

/// The declaration of an input or an output in the file.
struct FileTensor {
    name: String,
    /// `None`: not declared. `Some(None)`: a type that payloads cannot contain.
    element_type: Option<Option<ElementType>>,
    /// `None`: not declared.
    shape: Option<Vec<FileDim>>,
}

impl FileTensor {
    fn read(info: &ValueInfoProto) -> Result<Self, Problem> {
        let name = info.name.clone();
        let Some(FileType::TensorType(tensor)) =
            info.r#type.as_ref().and_then(|of| of.value.as_ref())
        else {
            return Ok(Self { name, element_type: None, shape: None });
        };
        let element_type = (tensor.elem_type != 0).then(|| element_type_of_file(tensor.elem_type));
        let Some(shape) = &tensor.shape else {
            return Ok(Self { name, element_type, shape: None });
        };
        let dims = shape.dim.iter().map(|dim| match &dim.value {
            Some(FileDimension::DimValue(size)) if *size > 0 => {
                u32::try_from(*size).map(FileDim::Fixed).map_err(|_| {
                    model_problem(format!("tensor `{name}` has a dimension of size {size}"))
                })
            },
            Some(FileDimension::DimValue(0)) => {
                Err(model_problem(format!("tensor `{name}` has a dimension of size 0")))
            },
            Some(FileDimension::DimParam(param)) if param.len() > MAX_DIMENSION_NAME_BYTES => {
                Err(model_problem(format!(
                    "tensor `{name}` has a dimension whose name has more than \
                     {MAX_DIMENSION_NAME_BYTES} bytes"
                )))
            },
            Some(FileDimension::DimParam(param)) if !param.is_empty() && param != "?" => {
                Ok(FileDim::Named(param.clone()))
            },
            // Exporters write -1 for any size.
            _ => Ok(FileDim::Unknown),
        });
        let shape = dims.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { name, element_type, shape: Some(shape) })
    }

    /// How the file contradicts the declaration; `None` if it does not.
    fn contradiction(&self, side: &str, declared: &TensorDeclaration) -> Option<String> {
        let name = declared.name();
        match self.element_type {
            Some(Some(found)) if found == declared.element_type => {},
            None => {},
            found => {
                let found =
                    found.flatten().map_or("of a type that payloads cannot contain", |t| t.name());
                let declared = declared.element_type.name();
                return Some(format!(
                    "{side} `{name}` is declared as {declared}, but is {found} in the file"
                ));
            },
        }
        let shape = self.shape.as_ref()?;
        let fits = shape.len() == declared.shape.len()
            && shape.iter().zip(&declared.shape).all(|pair| match pair {
                (FileDim::Fixed(found), Dimension::Fixed(size)) => found == size,
                (FileDim::Fixed(_), Dimension::Free) => false,
                _ => true,
            });
        (!fits).then(|| {
            let found: Vec<String> = shape.iter().map(ToString::to_string).collect();
            let declared: Vec<String> = declared.shape.iter().map(dimension_text).collect();
            format!(
                "{side} `{name}` is declared with shape [{}], but has [{}] in the file",
                declared.join(", "),
                found.join(", ")
            )
        })
    }
}

/// A parsed file, before its types and shapes are analysed.
pub(super) struct File {
    pub(super) graph: ParseResult,
    inputs: Vec<FileTensor>,
    outputs: Vec<FileTensor>,
}

impl File {
    /// Parses a file and checks its graph.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let onnx = framework();
        let proto: ModelProto = onnx
            .proto_model_for_read(&mut &bytes[..])
            .map_err(|error| model_problem(format!("not an ONNX file: {error:#}")))?;
        let graph = proto
            .graph
            .as_ref()
            .ok_or_else(|| model_problem("not an ONNX file, or empty: it has no graph"))?;
        check_graph(&onnx, graph)?;
        let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs = graph.input.iter().filter(|info| !is_constant(&info.name));
        let inputs = inputs.map(FileTensor::read).collect::<Result<Vec<_>, _>>()?;
        let outputs = graph.output.iter().map(FileTensor::read).collect::<Result<Vec<_>, _>>()?;
        let graph = onnx.parse(&proto, None).map_err(model_problem)?;
        if !graph.unresolved_inputs.is_empty() {
            let names = graph.unresolved_inputs.join(", ");
            return Err(model_problem(format!("nothing in the file defines {names}")));
        }
        Ok(Self { graph, inputs, outputs })
    }

    /// The outlet of tract's graph that is this input or output.
    pub(super) fn outlet(&self, name: &str) -> Result<OutletId, Problem> {
        self.graph.outlets_by_name.get(name).copied().ok_or_else(|| {
            model_problem(format!("the file declares `{name}`, but does not define it"))
        })
    }
}

/// tract's reader of ONNX files, without the random operators.
fn framework() -> Onnx {
    let mut onnx = tract_onnx::onnx();
    for operator in RANDOM_OPERATORS {
        onnx.op_register.0.remove(operator);
    }
    // The file's declarations of inner tensors are not needed, and their symbols would conflict
    // with concrete shapes.
    onnx.ignore_value_info = true;
    onnx
}

/// Reads the inputs and outputs that a version with this file declares.
pub(crate) fn inspect(bytes: &[u8]) -> Result<(TensorDeclarations, TensorDeclarations), Problem> {
    let mut file = File::read(bytes)?;
    let complete = |tensor: &FileTensor| tensor.element_type.is_some() && tensor.shape.is_some();
    if !file.outputs.iter().all(complete) {
        // `true`: keep what is found before the first error.
        file.graph.model.analyse(true).map_err(model_problem)?;
        for index in 0..file.outputs.len() {
            let outlet = file.outlet(&file.outputs[index].name)?;
            let fact = file.graph.model.outlet_fact(outlet).map_err(model_problem)?;
            let tensor = &mut file.outputs[index];
            tensor.element_type =
                tensor.element_type.or_else(|| fact.datum_type.concretize().map(element_type_of));
            if tensor.shape.is_none() && !fact.shape.is_open() {
                tensor.shape = Some(fact.shape.dims().map(file_dim).collect());
            }
        }
    }
    let declarations = |side: &str, tensors: &[FileTensor]| {
        let declared = tensors.iter().map(declaration).collect::<Result<Vec<_>, _>>()?;
        TensorDeclarations::try_from(declared).map_err(|all| {
            model_problem(format!("it has {} {side}, more than a version can declare", all.len()))
        })
    };
    Ok((declarations("inputs", &file.inputs)?, declarations("outputs", &file.outputs)?))
}

fn file_dim(dim: &GenericFactoid<TDim>) -> FileDim {
    let size = dim.concretize().and_then(|dim| dim.to_usize().ok());
    size.and_then(|size| u32::try_from(size).ok()).map_or(FileDim::Unknown, FileDim::Fixed)
}

fn declaration(tensor: &FileTensor) -> Result<TensorDeclaration, Problem> {
    let refuse = |what: &str| model_problem(format!("tensor `{}`: {what}", tensor.name));
    let name = tensor.name.clone().into_bytes().try_into();
    let shape = tensor.shape.as_ref().ok_or_else(|| {
        refuse("its shape is not declared and cannot be inferred; export it with shapes")
    })?;
    let shape = shape.iter().map(|dim| match dim {
        FileDim::Fixed(size) => Dimension::Fixed(*size),
        _ => Dimension::Free,
    });
    let declaration = TensorDeclaration {
        name: name.map_err(|_| {
            refuse(&format!("names have at most {MAX_TENSOR_NAME_BYTES} bytes; rename it"))
        })?,
        element_type: tensor
            .element_type
            .flatten()
            .ok_or_else(|| refuse("payloads cannot contain elements of its type"))?,
        shape: shape
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| refuse(&format!("it has more than {MAX_RANK} dimensions")))?,
    };
    if declaration.is_well_formed() {
        Ok(declaration)
    } else {
        Err(refuse("it has no name, or a dimension of size 0"))
    }
}

/// Checks names, types and shapes. Returns the dimensions of each input in the file.
pub(super) fn check_declarations(
    file: &File,
    inputs: &[TensorDeclaration],
    outputs: &[TensorDeclaration],
) -> Result<Vec<Vec<FileDim>>, Problem> {
    let contradiction = |text: String| Err(Problem::new(WorkerFailure::Declaration, text));
    let names = |tensors: &[FileTensor]| {
        let names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
        names.join(", ")
    };
    let mut dims = Vec::with_capacity(inputs.len());
    for (side, declared, found) in
        [("input", inputs, &file.inputs), ("output", outputs, &file.outputs)]
    {
        for (index, tensor) in declared.iter().enumerate() {
            let name = tensor.name();
            if declared[..index].iter().any(|other| other.name == tensor.name) {
                return contradiction(format!("{side} `{name}` is declared twice"));
            }
            let Some(in_file) = found.iter().find(|found| found.name == name) else {
                return contradiction(format!(
                    "{side} `{name}` is declared, but the file has {}",
                    names(found)
                ));
            };
            if let Some(text) = in_file.contradiction(side, tensor) {
                return contradiction(text);
            }
            if side == "input" {
                let unknown = || vec![FileDim::Unknown; tensor.shape.len()];
                dims.push(in_file.shape.clone().unwrap_or_else(unknown));
            }
        }
    }
    if inputs.len() != file.inputs.len() {
        return contradiction(format!(
            "{} inputs are declared, but the file has {}: {}",
            inputs.len(),
            file.inputs.len(),
            names(&file.inputs)
        ));
    }
    if outputs.is_empty() {
        return contradiction("no output is declared".into());
    }
    Ok(dims)
}
