//! The checks of versions that are integer graphs.

use assay_graph::{format::GRAPH_TAG, Architecture, ElementType as GraphElement, Plan, Shape};
use assay_primitives::{
    digest, AssuranceClass, ElementType, ModelDescriptor, ProofCost, ProofTerms, TensorDeclaration,
    WeightsAudit,
};
use assay_proof::{SetupError, Verifier, Work};
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

/// Whether `side` declares exactly one tensor, of this type and shape.
fn declares(side: &[TensorDeclaration], of: GraphElement, shape: Shape) -> bool {
    let Shape { channels, height, width } = shape;
    matches!(side, [one] if one.is_graph_tensor(element_type(of), [channels, height, width]))
}

/// Size in bytes of a payload of one tensor with this declaration: the length of the list, the
/// element type, the list of dimensions, and the data with its length.
fn payload_bytes(declared: &TensorDeclaration, elements: usize) -> usize {
    let data = elements.saturating_mul(declared.element_type.size());
    let length = Compact(u32::try_from(data).unwrap_or(u32::MAX)).encoded_size();
    3 + 4 * declared.shape.len() + length + data
}

/// Upper bounds of the work of a verification, as the verifier counts it.
pub fn proof_cost(plan: &Plan, verifier: &Verifier) -> ProofCost {
    let Work { products, cells, hashes, openings, proof_bytes } = verifier.work();
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    ProofCost {
        architecture_bytes: count(plan.architecture().encoded_size() as u64),
        products: count(products),
        cells: count(cells),
        hashes: count(hashes),
        openings: count(openings),
        proof_bytes: count(proof_bytes),
    }
}

impl<T: Config> Pallet<T> {
    /// Checks the architecture of an integer graph against the rules of graphs and the descriptor.
    /// If the version offers class `Proof`, returns the terms of its proofs and the audit to be
    /// done.
    ///
    /// Cheaper checks come first.
    pub(crate) fn check_graph(
        descriptor: &ModelDescriptor,
        bytes: &[u8],
    ) -> Result<Option<(ProofTerms, WeightsAudit)>, Error<T>> {
        let named = descriptor.architecture.ok_or(Error::<T>::ArchitectureMissing)?;
        // The same as `Architecture::digest`, because the encoding is canonical, but computed by
        // the host.
        let found = digest(&[GRAPH_TAG, bytes].concat());
        ensure!(found == named, Error::<T>::ArchitectureDigestMismatch);
        let architecture =
            Architecture::from_bytes(bytes).map_err(|_| Error::<T>::ArchitectureMalformed)?;
        let plan = Plan::new(architecture).map_err(|error| {
            log::debug!(target: "assay", "refused an architecture: {error}");
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
        // In both classes the chain reads the input and the output.
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
        let verifier = Verifier::new(&plan).map_err(|error| {
            log::debug!(target: "assay", "refused a graph that cannot be proven: {error}");
            Error::<T>::from(error)
        })?;
        let cost = proof_cost(&plan, &verifier);
        let most = T::MaxProofCost::get();
        ensure!(cost.proof_bytes <= most.proof_bytes, Error::<T>::ProofTooLong);
        ensure!(cost.is_within(&most), Error::<T>::ProofTooCostly);
        // At most 128 bits; the conversion rounds down.
        let terms = ProofTerms { security_bits: verifier.security_bits() as u8, cost };
        Ok(Some((terms, WeightsAudit::of(Self::weights_bytes(&plan)))))
    }
}
