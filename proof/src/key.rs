//! What an architecture fixes of its proofs.

use crate::{
    circuit::Circuit,
    error::SetupError,
    fingerprint::FingerprintPoint,
    logup::Layout,
    parameters::ProofParameters,
    pcs::Pcs,
    security::{self, Security},
};
use assay_graph::{Digest, ElementType, Plan};

/// Everything that follows from the architecture: the circuit, its commitments and where they are
/// opened. The proof's encoding, the prover and the verifier read it.
pub(crate) struct VerifyingKey {
    pub circuit: Circuit,
    /// The digest of the architecture.
    pub version: Digest,
    pub weights_root: Digest,
    /// Opens the weights.
    pub model: Pcs,
    /// Opens what is committed with each proof.
    pub witness: Pcs,
    pub lookups: Layout,
    pub fingerprint_point: FingerprintPoint,
    pub security: Security,
}

impl VerifyingKey {
    /// Derives everything from an architecture that has passed its checks.
    pub fn new(plan: &Plan) -> Result<Self, SetupError> {
        let commitments = &plan.architecture().commitments;
        let parameters = ProofParameters::from_bytes(&commitments.proof_parameters)
            .ok_or(SetupError::ProofParameters)?;
        let circuit = Circuit::new(plan, parameters.limbs)?;
        // Too many cells are refused here, before anything is laid out.
        let model = Pcs::new(&circuit.model_tables(), &parameters.model)?;
        let witness = Pcs::new(&circuit.witness_tables(), &parameters.witness)?;
        let lookups = Layout::new(&circuit);
        let security = Security::new(&circuit, &lookups, &model, &witness);
        let version = plan.architecture().digest();
        Ok(Self {
            security: security::sufficient(security)?,
            fingerprint_point: FingerprintPoint::new(&circuit, &version),
            version,
            weights_root: commitments.weights_root,
            circuit,
            model,
            witness,
            lookups,
        })
    }

    /// Bytes of the input.
    pub fn input_bytes(&self) -> usize {
        self.circuit.input.elements().unwrap_or(0)
    }

    /// Bytes of the output.
    pub fn output_bytes(&self) -> usize {
        let size = match self.circuit.output_type() {
            ElementType::Int8 => 1,
            ElementType::Int32 => 4,
        };
        self.circuit.output.elements().unwrap_or(0) * size
    }
}
