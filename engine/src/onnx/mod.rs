//! Runs ONNX files through tract. Executed in engine workers only, because a file can make tract
//! panic or exhaust its memory.

mod check;
mod file;
mod plan;

use std::{
    collections::BTreeMap,
    panic::{catch_unwind, AssertUnwindSafe},
};

use assay_primitives::{decode_payload, model::TensorDeclarations, Dimension};
use codec::Encode;
use tract_onnx::tract_hir::internal::{TValue, TVec};

pub(crate) use self::file::inspect;
use self::{
    file::{check_declarations, File, FileDim},
    plan::{check_outputs, has_free_dimension, Graph, Plan, Shapes},
};
use crate::{
    problem::{panic_problem, Problem},
    protocol::WorkerFailure,
    tensors::{from_tract, to_tract, OutputProblem},
};

/// Maximum number of plans that a model with free dimensions keeps, one per combination of shapes.
const MAX_PLANS: usize = 4;

/// Sizes of the file's named dimensions.
#[derive(Default)]
struct Sizes<'a>(BTreeMap<&'a str, u32>);

impl<'a> Sizes<'a> {
    /// Notes the size of a dimension. Fails with a message if the file gives the same name to a
    /// dimension of another size.
    fn bind(&mut self, dim: &'a FileDim, size: u32) -> Result<(), String> {
        let Some(name) = dim.name() else { return Ok(()) };
        let known = *self.0.entry(name).or_insert(size);
        if known == size {
            return Ok(());
        }
        Err(format!(
            "dimensions named `{name}` in the file have different sizes, {known} and {size}"
        ))
    }
}

/// A loaded model.
pub(crate) struct OnnxModel {
    inputs: TensorDeclarations,
    outputs: TensorDeclarations,
    /// The dimensions of each input in the file.
    input_dims: Vec<Vec<FileDim>>,
    /// The source of further plans; `None` if all dimensions are fixed, so that one plan suffices.
    graph: Option<Graph>,
    /// Plans by the shapes of the inputs, least recently used first.
    plans: Vec<(Shapes, Plan)>,
}

impl OnnxModel {
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
        let declared = |text| Problem::new(WorkerFailure::Declaration, text);
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
            // The model may not support size 1, although it supports other sizes. In this case
            // tract may panic instead of returning an error.
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

    /// Runs the model on a payload. Returns the encoded outputs, of at most `max_bytes`.
    pub(crate) fn run(&mut self, payload: &[u8], max_bytes: u64) -> Result<Vec<u8>, Problem> {
        let tensors = decode_payload(payload, &self.inputs).map_err(|error| {
            let text = format!("the engine did not check the input: {error}");
            Problem::new(WorkerFailure::Worker, text)
        })?;
        let shapes: Shapes = tensors.iter().map(|tensor| tensor.shape.clone()).collect();
        let plan = self.plan(shapes)?;
        let failed = |error| Problem::new(WorkerFailure::Run, format!("{error:#}"));
        let values: TVec<TValue> = tensors
            .iter()
            .map(|tensor| to_tract(tensor).map(TValue::from))
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        drop(tensors);
        let values = plan.run(values).map_err(failed)?;
        let mut outputs = Vec::with_capacity(values.len());
        let mut left = max_bytes;
        let too_large = || Problem::new(WorkerFailure::OutputSize, "");
        for value in &values {
            let output = from_tract(value, left).map_err(|problem| match problem {
                OutputProblem::TooLarge => too_large(),
                OutputProblem::Unsupported(what) => {
                    Problem::new(WorkerFailure::Run, format!("its output has {what}"))
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

    /// The plan for these shapes, which the declarations permit.
    fn plan(&mut self, shapes: Shapes) -> Result<Plan, Problem> {
        if let Some(index) = self.plans.iter().position(|(of, _)| *of == shapes) {
            let hit = self.plans.remove(index);
            let plan = hit.1.clone();
            self.plans.push(hit);
            return Ok(plan);
        }
        let shape_problem = |text| Problem::new(WorkerFailure::Shape, text);
        let mut sizes = Sizes::default();
        for (shape, dims) in shapes.iter().zip(&self.input_dims) {
            for (size, dim) in shape.iter().zip(dims) {
                sizes.bind(dim, *size).map_err(shape_problem)?;
            }
        }
        let graph = self.graph.as_ref().ok_or_else(|| {
            Problem::new(WorkerFailure::Worker, "no plan although all dimensions are fixed")
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
