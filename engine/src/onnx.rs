//! ONNX files through tract. Runs in worker processes only: whatever happens here, happens
//! there.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{catch_unwind, AssertUnwindSafe},
    sync::Arc,
};

use assay_primitives::{
    decode_payload,
    model::TensorDeclarations,
    tensor::{MAX_RANK, MAX_TENSOR_NAME_BYTES},
    Dimension, ElementType, TensorDeclaration,
};
use codec::Encode;
use tract_onnx::{
    model::{Onnx, ParseResult},
    pb::{
        tensor_proto::{DataLocation, DataType},
        tensor_shape_proto::dimension::Value as FileDimension,
        type_proto::Value as FileType,
        GraphProto, ModelProto, TensorProto, ValueInfoProto,
    },
    tract_hir::{
        infer::{Factoid, InferenceFact, InferenceModel, InferenceModelExt},
        internal::{
            tract_core::model::{TypedModel, TypedSimplePlan},
            DimLike, Framework, GenericFactoid, IntoRunnable, OutletId, ShapeFactoid, SpecialOps,
            TDim, TValue, TVec, ToDim,
        },
    },
};

use crate::{
    problem::{dimension_text, model_problem, panic_problem, Problem},
    protocol::Failure,
    tensors::{
        datum_type, element_type_of, element_type_of_file, from_tract, to_tract, OutputProblem,
    },
};

/// Most plans that are kept of a model with free dimensions, one per combination of shapes.
const MAX_PLANS: usize = 4;

/// Most elements of any tensor of a model, the inner ones included.
const MAX_ELEMENTS: u64 = i32::MAX as u64;
/// Most nodes of a model: the time that tract takes to optimise grows with their square.
const MAX_NODES: usize = 10_000;
/// Longest name of a dimension. tract reads it as an expression, and descends into brackets.
const MAX_DIMENSION_NAME_BYTES: usize = 256;

/// Operators whose result is not a function of their inputs. Two operators would never agree.
const RANDOM_OPERATORS: [&str; 5] =
    ["Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"];

/// Domains whose operators tract implements. It looks at an operator's name only, so a name
/// from elsewhere would run as something else.
const DOMAINS: [&str; 4] = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];

/// What the file says of one dimension.
#[derive(Clone, PartialEq, Eq, Debug)]
enum FileDim {
    Fixed(u32),
    /// Any size, the same wherever the name is used.
    Named(String),
    Unknown,
}

impl FileDim {
    fn name(&self) -> Option<&str> {
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

/// What the file says of one of its tensors.
struct FileTensor {
    name: String,
    /// `None`: the file does not say. `Some(None)`: a type that no payload can hold.
    element_type: Option<Option<ElementType>>,
    /// `None`: the file does not say.
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
                    model_problem(format!("tensor `{name}`: a dimension of {size} elements"))
                })
            },
            Some(FileDimension::DimValue(0)) => {
                Err(model_problem(format!("tensor `{name}`: a dimension of 0 elements")))
            },
            Some(FileDimension::DimParam(param)) if param.len() > MAX_DIMENSION_NAME_BYTES => {
                Err(model_problem(format!(
                    "tensor `{name}`: a dimension's name has more than \
                     {MAX_DIMENSION_NAME_BYTES} bytes"
                )))
            },
            Some(FileDimension::DimParam(param)) if !param.is_empty() && param != "?" => {
                Ok(FileDim::Named(param.clone()))
            },
            // Exporters write -1 for "any".
            _ => Ok(FileDim::Unknown),
        });
        let shape = dims.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { name, element_type, shape: Some(shape) })
    }

    /// What contradicts the declaration.
    fn contradiction(&self, side: &str, declared: &TensorDeclaration) -> Option<String> {
        let name = declared.name();
        match self.element_type {
            Some(Some(found)) if found == declared.element_type => {},
            None => {},
            found => {
                let found = found.flatten().map_or("a type that no payload can hold", |t| t.name());
                let declared = declared.element_type.name();
                return Some(format!(
                    "{side} `{name}` is declared as {declared}, the file says {found}"
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
                "{side} `{name}` is declared with shape [{}], the file says [{}]",
                declared.join(", "),
                found.join(", ")
            )
        })
    }
}

/// A file that was read, not yet understood.
struct File {
    graph: ParseResult,
    inputs: Vec<FileTensor>,
    outputs: Vec<FileTensor>,
}

impl File {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let onnx = framework();
        let proto: ModelProto = onnx
            .proto_model_for_read(&mut &bytes[..])
            .map_err(|error| model_problem(format!("not an ONNX file: {error:#}")))?;
        let graph = proto
            .graph
            .as_ref()
            .ok_or_else(|| model_problem("not an ONNX file, or an empty one: there is no graph"))?;
        check_graph(&onnx, graph)?;
        let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs = graph.input.iter().filter(|info| !is_constant(&info.name));
        let inputs = inputs.map(FileTensor::read).collect::<Result<Vec<_>, _>>()?;
        let outputs = graph.output.iter().map(FileTensor::read).collect::<Result<Vec<_>, _>>()?;
        let graph = onnx.parse(&proto, None).map_err(model_problem)?;
        if !graph.unresolved_inputs.is_empty() {
            let names = graph.unresolved_inputs.join(", ");
            return Err(model_problem(format!("nothing in the file gives {names}")));
        }
        Ok(Self { graph, inputs, outputs })
    }

    /// The place of an input or output in the graph.
    fn outlet(&self, name: &str) -> Result<OutletId, Problem> {
        self.graph.outlets_by_name.get(name).copied().ok_or_else(|| {
            model_problem(format!("the file lists `{name}`, but nothing in it has that name"))
        })
    }
}

/// tract's reader, without operators that cannot be repeated.
fn framework() -> Onnx {
    let mut onnx = tract_onnx::onnx();
    for operator in RANDOM_OPERATORS {
        onnx.op_register.0.remove(operator);
    }
    // What the file says of inner tensors is not needed, and its symbols would be in the way
    // of concrete shapes.
    onnx.ignore_value_info = true;
    onnx
}

/// Refuses early, and by name, what would fail later with a text that helps nobody, or would
/// run as something else than its author meant.
fn check_graph(onnx: &Onnx, graph: &GraphProto) -> Result<(), Problem> {
    let mut unknown = BTreeSet::new();
    let nodes = survey(onnx, graph, &mut unknown)?;
    if !unknown.is_empty() {
        let names: Vec<String> = unknown.into_iter().take(8).collect();
        let text = format!("operators that are not supported: {}", names.join(", "));
        return Err(model_problem(text));
    }
    if nodes > MAX_NODES {
        let text = format!("{nodes} nodes, at most {MAX_NODES} can be run");
        return Err(model_problem(text));
    }
    let external = |location: Option<i32>| location == Some(DataLocation::External as i32);
    if graph.initializer.iter().any(|tensor| external(tensor.data_location)) {
        return Err(model_problem(
            "it keeps tensors in other files; export it with its weights inside",
        ));
    }
    if graph.output.iter().any(|output| output.name.is_empty()) {
        return Err(model_problem("an output has no name"));
    }
    Ok(())
}

/// Counts nodes, collects operators that are not supported, and checks constants. Recurses into
/// the graphs of control operators; the decoder has bounded their depth.
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

/// Refuses 64-bit constants that tract would silently cut to 32 bits if they are sizes: the
/// result would be wrong without an error.
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
    // Exporters write the ends of the range for "as far as it goes".
    let fits = |value: i64| {
        i32::try_from(value).is_ok() || [i64::MAX, i64::MIN, i64::MIN + 1].contains(&value)
    };
    match values.find(|value| !fits(*value)) {
        None => Ok(()),
        Some(value) => Err(model_problem(format!(
            "an integer constant of {value}, which is not held in 32 bits"
        ))),
    }
}

/// What a file declares, in the form in which a version declares it.
pub(crate) fn inspect(bytes: &[u8]) -> Result<(TensorDeclarations, TensorDeclarations), Problem> {
    let mut file = File::read(bytes)?;
    let complete = |tensor: &FileTensor| tensor.element_type.is_some() && tensor.shape.is_some();
    if !file.outputs.iter().all(complete) {
        // Everything is kept that can be found out before the first error.
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
            model_problem(format!("{} {side} are more than a version can declare", all.len()))
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
        refuse("neither the file nor an analysis tells its shape; export it with shapes")
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
            .ok_or_else(|| refuse("its elements are of a type that no payload can hold"))?,
        shape: shape
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| refuse(&format!("it has more than {MAX_RANK} dimensions")))?,
    };
    if declaration.is_well_formed() {
        Ok(declaration)
    } else {
        Err(refuse("it has no name, or a dimension of 0 elements"))
    }
}

type Plan = Arc<TypedSimplePlan>;
type Shapes = Vec<Vec<u32>>;

/// Sizes of the file's named dimensions.
#[derive(Default)]
struct Sizes<'a>(BTreeMap<&'a str, u32>);

impl<'a> Sizes<'a> {
    /// Takes note of a size; the sizes that contradict each other if they do.
    fn bind(&mut self, dim: &'a FileDim, size: u32) -> Result<(), String> {
        let Some(name) = dim.name() else { return Ok(()) };
        let known = *self.0.entry(name).or_insert(size);
        if known == size {
            return Ok(());
        }
        Err(format!(
            "the file uses one size `{name}` in two places, where there are {known} and {size}"
        ))
    }
}

/// A loaded model.
pub(crate) struct Model {
    inputs: TensorDeclarations,
    outputs: TensorDeclarations,
    /// For each input, what the file says of its dimensions.
    input_dims: Vec<Vec<FileDim>>,
    /// What further plans are made from; `None` where one plan is all there is.
    graph: Option<Graph>,
    /// Plans by the shapes of the inputs, least recently used first.
    plans: Vec<(Shapes, Plan)>,
}

impl Model {
    /// Reads the file, checks it against the declarations, and optimises it.
    pub(crate) fn load(
        inputs: TensorDeclarations,
        outputs: TensorDeclarations,
        bytes: Vec<u8>,
    ) -> Result<Self, Problem> {
        let file = File::read(&bytes)?;
        drop(bytes);
        let input_dims = check_declarations(&file, &inputs, &outputs)?;
        let graph = Graph::new(file, &inputs, &outputs)?;
        let mut model = Self { inputs, outputs, input_dims, graph: Some(graph), plans: Vec::new() };
        model.make_first_plan()?;
        if !has_free_dimension(&model.inputs) {
            model.graph = None;
        }
        Ok(model)
    }

    /// Makes the plan for the declared shapes, with one element in each free dimension.
    fn make_first_plan(&mut self) -> Result<(), Problem> {
        let declared = |text| Problem::new(Failure::Declaration, text);
        let mut sizes = Sizes::default();
        for (input, dims) in self.inputs.iter().zip(&self.input_dims) {
            for (dimension, dim) in input.shape.iter().zip(dims) {
                if let Dimension::Fixed(size) = dimension {
                    sizes.bind(dim, *size).map_err(declared)?;
                }
            }
        }
        let first = |(dimension, dim): (&Dimension, &FileDim)| match dimension {
            Dimension::Fixed(size) => *size,
            Dimension::Free => dim.name().and_then(|name| sizes.0.get(name).copied()).unwrap_or(1),
        };
        let shapes: Shapes = self
            .inputs
            .iter()
            .zip(&self.input_dims)
            .map(|(input, dims)| input.shape.iter().zip(dims).map(first).collect())
            .collect();
        let Some(graph) = &self.graph else { return Ok(()) };
        let is_fixed = !has_free_dimension(&self.inputs);
        let planned = if is_fixed {
            graph.plan(&self.inputs, &shapes)
        } else {
            // One element may be too few for the model, although others are fine, and tract
            // does not always say so by an error.
            catch_unwind(AssertUnwindSafe(|| graph.plan(&self.inputs, &shapes)))
                .unwrap_or_else(|panic| Err(panic_problem(panic.as_ref())))
        };
        match planned {
            Ok(plan) => {
                check_outputs(&plan, &self.outputs)?;
                self.plans.push((shapes, plan));
                Ok(())
            },
            Err(_) if !is_fixed && graph.is_consistent(&self.inputs, &self.input_dims) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// Runs the model on a payload and encodes its outputs, at most `max_bytes` of them.
    pub(crate) fn run(&mut self, payload: &[u8], max_bytes: u64) -> Result<Vec<u8>, Problem> {
        let tensors = decode_payload(payload, &self.inputs).map_err(|error| {
            Problem::new(Failure::Worker, format!("input not checked by the engine: {error}"))
        })?;
        let shapes: Shapes = tensors.iter().map(|tensor| tensor.shape.clone()).collect();
        let plan = self.plan(shapes)?;
        let failed = |error| Problem::new(Failure::Run, format!("{error:#}"));
        let values: TVec<TValue> = tensors
            .iter()
            .map(|tensor| to_tract(tensor).map(TValue::from))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        drop(tensors);
        let values = plan.run(values).map_err(failed)?;
        let mut outputs = Vec::with_capacity(values.len());
        let mut left = max_bytes;
        let too_large = || Problem::new(Failure::OutputSize, "");
        for value in &values {
            let output = from_tract(value, left).map_err(|problem| match problem {
                OutputProblem::TooLarge => too_large(),
                OutputProblem::Unsupported(what) => {
                    Problem::new(Failure::Run, format!("it gave {what}"))
                },
            })?;
            left = left.saturating_sub(output.data.len() as u64);
            outputs.push(output);
        }
        drop(values);
        if outputs.encoded_size() as u64 > max_bytes {
            return Err(too_large());
        }
        Ok(outputs.encode())
    }

    /// The plan for these shapes, which the declarations admit.
    fn plan(&mut self, shapes: Shapes) -> Result<Plan, Problem> {
        if let Some(index) = self.plans.iter().position(|(of, _)| *of == shapes) {
            let hit = self.plans.remove(index);
            let plan = hit.1.clone();
            self.plans.push(hit);
            return Ok(plan);
        }
        let shape_problem = |text| Problem::new(Failure::Shape, text);
        let mut sizes = Sizes::default();
        for (shape, dims) in shapes.iter().zip(&self.input_dims) {
            for (size, dim) in shape.iter().zip(dims) {
                sizes.bind(dim, *size).map_err(shape_problem)?;
            }
        }
        let graph = self.graph.as_ref().ok_or_else(|| {
            Problem::new(Failure::Worker, "no plan although every dimension is declared")
        })?;
        if self.plans.len() >= MAX_PLANS {
            self.plans.remove(0);
        }
        let plan =
            graph.plan(&self.inputs, &shapes).map_err(|problem| shape_problem(problem.text))?;
        self.plans.push((shapes, plan.clone()));
        Ok(plan)
    }
}

fn has_free_dimension(tensors: &[TensorDeclaration]) -> bool {
    tensors.iter().any(|tensor| tensor.shape.contains(&Dimension::Free))
}

/// Checks names, types and shapes; what the file says of the dimensions of each input.
fn check_declarations(
    file: &File,
    inputs: &[TensorDeclaration],
    outputs: &[TensorDeclaration],
) -> Result<Vec<Vec<FileDim>>, Problem> {
    let contradiction = |text: String| Err(Problem::new(Failure::Declaration, text));
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
                    "{side} `{name}` is declared, the file has {}",
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
            "{} inputs are declared, the file has {}: {}",
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

/// Checks what a plan gives against the declared outputs.
fn check_outputs(plan: &Plan, outputs: &[TensorDeclaration]) -> Result<(), Problem> {
    for (index, declared) in outputs.iter().enumerate() {
        let fact = plan.model().output_fact(index).map_err(model_problem)?;
        let found = element_type_of(fact.datum_type);
        let dims: Vec<Option<u32>> = fact
            .shape
            .iter()
            .map(|dim| dim.to_usize().ok().and_then(|size| u32::try_from(size).ok()))
            .collect();
        let fits = found == Some(declared.element_type)
            && dims.len() == declared.shape.len()
            && dims.iter().zip(&declared.shape).all(|pair| match pair {
                (Some(found), Dimension::Fixed(size)) => found == size,
                _ => true,
            });
        if !fits {
            let declared_dims: Vec<String> = declared.shape.iter().map(dimension_text).collect();
            let text = format!(
                "output `{}` is declared as {} [{}], the model gives {:?} {:?}",
                declared.name(),
                declared.element_type.name(),
                declared_dims.join(", "),
                fact.datum_type,
                fact.shape
            );
            return Err(Problem::new(Failure::Declaration, text));
        }
    }
    Ok(())
}

/// Refuses tensors that no worker can hold, and of which tract might lose count: it takes some
/// sizes for 32 bits wide.
fn check_sizes(model: &TypedModel) -> Result<(), Problem> {
    for node in model.nodes() {
        for output in &node.outputs {
            let elements = output.fact.shape.iter().try_fold(1u64, |elements, dim| {
                // A size that is not known yet is checked by nobody but the memory limit.
                elements.checked_mul(dim.to_usize().map_or(1, |size| size as u64))
            });
            if elements.is_none_or(|elements| elements > MAX_ELEMENTS) {
                let text = format!(
                    "`{}` has {:?} elements, at most {MAX_ELEMENTS} can be run",
                    node.name, output.fact.shape
                );
                return Err(Problem::new(Failure::Memory, text));
            }
        }
    }
    Ok(())
}

/// A graph whose inputs and outputs are the declared ones, in that order.
struct Graph {
    model: InferenceModel,
}

impl Graph {
    fn new(
        file: File,
        inputs: &[TensorDeclaration],
        outputs: &[TensorDeclaration],
    ) -> Result<Self, Problem> {
        let outlets = |declared: &[TensorDeclaration]| {
            declared.iter().map(|tensor| file.outlet(tensor.name())).collect::<Result<Vec<_>, _>>()
        };
        let (inputs, outputs) = (outlets(inputs)?, outlets(outputs)?);
        let mut model = file.graph.model;
        for outlet in &inputs {
            // A node of the file may take the name of an input away from it.
            if !InferenceModel::is_source(&model.node(outlet.node).op) {
                return Err(model_problem("a node has the name of an input"));
            }
        }
        model.set_input_outlets(&inputs).map_err(model_problem)?;
        model.select_output_outlets(&outputs).map_err(model_problem)?;
        Ok(Self { model })
    }

    /// Optimises for inputs of these shapes.
    fn plan(&self, inputs: &[TensorDeclaration], shapes: &Shapes) -> Result<Plan, Problem> {
        let make = || {
            let mut model = self.model.clone();
            for (index, (input, shape)) in inputs.iter().zip(shapes).enumerate() {
                let shape = shape.iter().map(|size| *size as usize);
                let fact = InferenceFact::dt_shape(
                    datum_type(input.element_type),
                    shape.collect::<ShapeFactoid>(),
                );
                model.set_input_fact(index, fact)?;
            }
            model.into_typed()
        };
        let model = make().map_err(model_problem)?;
        check_sizes(&model)?;
        model.into_optimized().and_then(IntoRunnable::into_runnable).map_err(model_problem)
    }

    /// Whether types and shapes fit together with symbols in the place of free dimensions.
    fn is_consistent(&self, inputs: &[TensorDeclaration], dims: &[Vec<FileDim>]) -> bool {
        let mut model = self.model.clone();
        for (index, (input, dims)) in inputs.iter().zip(dims).enumerate() {
            let shape: ShapeFactoid = input
                .shape
                .iter()
                .zip(dims)
                .map(|(dimension, dim)| match (dimension, dim.name()) {
                    (Dimension::Fixed(size), _) => (*size as usize).to_dim(),
                    (Dimension::Free, Some(name)) => model.sym(name).to_dim(),
                    (Dimension::Free, None) => model.new_sym_with_prefix("free").to_dim(),
                })
                .collect();
            let fact = InferenceFact::dt_shape(datum_type(input.element_type), shape);
            if model.set_input_fact(index, fact).is_err() {
                return false;
            }
        }
        model.into_typed().is_ok()
    }
}
