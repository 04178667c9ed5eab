//! What a version that is an integer graph has to fulfil.

use assay_graph::{
    format::GRAPH_TAG, Architecture, ElementType as GraphElement, Extent, Operation, Plan, Shape,
};
use assay_primitives::{
    digest, AssuranceClass, ElementType, ModelDescriptor, ProofCost, ProofTerms, TensorDeclaration,
    WeightsAudit,
};
use assay_proof::{SetupError, Verifier};
use codec::{Compact, Encode};
use frame_support::{ensure, traits::Get};

use crate::{Config, Error, Pallet};

impl<T: Config> From<SetupError> for Error<T> {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Unsupported { .. } => Self::ProofOperationUnsupported,
            SetupError::ProofParameters => Self::ProofParametersInvalid,
            SetupError::Security(_) => Self::ProofSecurityTooLow,
            _ => Self::NotProvable,
        }
    }
}

fn element_type(of: GraphElement) -> ElementType {
    match of {
        GraphElement::Int8 => ElementType::I8,
        GraphElement::Int32 => ElementType::I32,
    }
}

/// Whether a side declares one tensor, of this type and shape.
fn declares(side: &[TensorDeclaration], of: GraphElement, shape: Shape) -> bool {
    let Shape { channels, height, width } = shape;
    matches!(side, [one] if one.is_graph_tensor(element_type(of), [channels, height, width]))
}

/// Bytes of a payload of one tensor as it is declared: a list of one, its type, the list of
/// dimensions, and its data with their length.
fn payload_bytes(declared: &TensorDeclaration, elements: usize) -> usize {
    let data = elements.saturating_mul(declared.element_type.size());
    let length = Compact(u32::try_from(data).unwrap_or(u32::MAX)).encoded_size();
    3 + 4 * declared.shape.len() + length + data
}

/// What a verification costs, beside the bytes of the proof.
///
/// Everything that a verifier does follows from the proof's messages, of which there are so many
/// for each operation, and from what it knows by itself, whose size the steps are.
pub fn proof_cost(plan: &Plan) -> ProofCost {
    let shape = |index: usize| plan.shapes().get(index).copied().unwrap_or(Shape::vector(0));
    let elements = |index: usize| shape(index).elements().unwrap_or(0) as u64;
    // An evaluation of the public values at a point.
    let mut steps = elements(0).saturating_add(elements(plan.output().index()));
    for (index, operation) in plan.operations().iter().enumerate() {
        let output = shape(index + 1);
        let axes = |of: Shape| u64::from(of.channels) + u64::from(of.height) + u64::from(of.width);
        let own = match operation {
            Operation::Conv2d { input, window, .. }
            | Operation::SumPool2d { input, window }
            | Operation::MaxPool2d { input, window } => {
                let input = shape(input.index());
                let Extent { height, width } = window.kernel;
                // Pairs of places of output and input, rows and columns apart; and a weight for
                // each channel and position.
                let rows = u64::from(height).saturating_mul(output.height.into());
                let columns = u64::from(width).saturating_mul(output.width.into());
                let weights = u64::from(input.channels).saturating_mul(window.kernel.area() as u64);
                rows.saturating_add(columns).saturating_add(weights).saturating_add(axes(input))
            },
            Operation::Lookup { table, .. } => table.len() as u64,
            _ => 0,
        };
        steps = steps.saturating_add(own).saturating_add(axes(output));
    }
    ProofCost {
        architecture_bytes: plan.architecture().encoded_size() as u32,
        operations: plan.operations().len() as u32,
        steps: u32::try_from(steps).unwrap_or(u32::MAX),
    }
}

impl<T: Config> Pallet<T> {
    /// Checks the architecture of an integer graph against the rules of graphs and against the
    /// descriptor. Returns the terms of its proofs if it offers any, and what of its weights is to
    /// be read before.
    ///
    /// The cheaper a check, the earlier it is made.
    pub(crate) fn check_graph(
        descriptor: &ModelDescriptor,
        bytes: &[u8],
    ) -> Result<Option<(ProofTerms, WeightsAudit)>, Error<T>> {
        let named = descriptor.architecture.ok_or(Error::<T>::ArchitectureMissing)?;
        // `Architecture::digest`, computed by the host: the encoding is the only one.
        let found = digest(&[GRAPH_TAG, bytes].concat());
        ensure!(found == named, Error::<T>::ArchitectureDigestMismatch);
        let architecture =
            Architecture::from_bytes(bytes).map_err(|_| Error::<T>::ArchitectureMalformed)?;
        let plan = Plan::new(architecture).map_err(|error| {
            log::debug!(target: "assay", "an architecture is refused: {error}");
            Error::<T>::ArchitectureInvalid
        })?;
        let shape = |index: usize| plan.shapes().get(index).copied();
        let (Some(input), Some(output), Some(output_type)) =
            (shape(0), shape(plan.output().index()), plan.element_type(plan.output()))
        else {
            return Err(Error::<T>::ArchitectureInvalid);
        };
        ensure!(
            declares(&descriptor.inputs, GraphElement::Int8, input),
            Error::<T>::InputNotOfGraph
        );
        ensure!(declares(&descriptor.outputs, output_type, output), Error::<T>::OutputNotOfGraph);
        let proven = descriptor.assurances.contains(AssuranceClass::Proof);
        if !proven && !descriptor.assurances.contains(AssuranceClass::Optimistic) {
            return Ok(None);
        }
        // In both classes the chain reads input and output.
        let elements = |shape: Shape| shape.elements().unwrap_or(usize::MAX);
        for (side, shape, bound) in [
            (&descriptor.inputs, input, T::MaxInputBytes::get()),
            (&descriptor.outputs, output, T::MaxOutputBytes::get()),
        ] {
            let fits = side
                .iter()
                .all(|declared| payload_bytes(declared, elements(shape)) <= bound as usize);
            ensure!(fits, Error::<T>::ProofPayloadTooLarge);
        }
        if !proven {
            return Ok(None);
        }
        let cost = proof_cost(&plan);
        ensure!(cost.steps <= T::MaxProofSteps::get(), Error::<T>::ProofTooCostly);
        let verifier = Verifier::new(&plan).map_err(|error| {
            log::debug!(target: "assay", "a graph cannot be proven: {error}");
            Error::<T>::from(error)
        })?;
        // A few hundred bits at most, rounded down.
        let terms = ProofTerms { security_bits: verifier.security_bits() as u8, cost };
        Ok(Some((terms, WeightsAudit::of(Self::weights_bytes(&plan)))))
    }
}
