//! Plans: graphs that tract has optimised for given input shapes.

use std::sync::Arc;

use assay_primitives::{Dimension, TensorDeclaration};
use tract_onnx::tract_hir::{
    infer::{InferenceFact, InferenceModel, InferenceModelExt},
    internal::{
        tract_core::model::TypedSimplePlan, DimLike, IntoRunnable, ShapeFactoid, SpecialOps, ToDim,
    },
};

use super::{
    check::check_sizes,
    file::{File, FileDim},
};
use crate::{
    problem::{dimension_text, model_problem, Problem},
    protocol::WorkerFailure,
    tensors::{datum_type, element_type_of},
};

/// A graph that can be run on inputs of one combination of shapes.
pub(super) type Plan = Arc<TypedSimplePlan>;
/// The shape of each input.
pub(super) type Shapes = Vec<Vec<u32>>;

/// Whether any dimension of these tensors is declared free.
pub(super) fn has_free_dimension(tensors: &[TensorDeclaration]) -> bool {
    tensors.iter().any(|tensor| tensor.shape.contains(&Dimension::Free))
}

/// A graph whose inputs and outputs are the declared ones, in the declared order.
pub(super) struct Graph {
    model: InferenceModel,
}

impl Graph {
    /// Selects the declared inputs and outputs of a file's graph.
    pub(super) fn new(
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
            // If a node has the same name as an input, the name refers to the node.
            if !InferenceModel::is_source(&model.node(outlet.node).op) {
                return Err(model_problem("a node has the name of an input"));
            }
        }
        model.set_input_outlets(&inputs).map_err(model_problem)?;
        model.select_output_outlets(&outputs).map_err(model_problem)?;
        Ok(Self { model })
    }

    /// Optimises the graph for inputs of these shapes.
    pub(super) fn plan(
        &self,
        inputs: &[TensorDeclaration],
        shapes: &Shapes,
    ) -> Result<Plan, Problem> {
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

    /// Whether types and shapes are consistent, with symbols for the free dimensions.
    pub(super) fn is_consistent(
        &self,
        inputs: &[TensorDeclaration],
        dims: &[Vec<FileDim>],
    ) -> bool {
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

/// Checks types and shapes of a plan's outputs against the declared ones.
pub(super) fn check_outputs(plan: &Plan, outputs: &[TensorDeclaration]) -> Result<(), Problem> {
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
                "output `{}` is declared as {} [{}], but the model produces {:?} {:?}",
                declared.name(),
                declared.element_type.name(),
                declared_dims.join(", "),
                fact.datum_type,
                fact.shape
            );
            return Err(Problem::new(WorkerFailure::Declaration, text));
        }
    }
    Ok(())
}
