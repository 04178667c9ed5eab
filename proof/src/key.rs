//! The verifying key: everything that an architecture determines about its proofs.

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

/// Everything that follows from the architecture: the circuit, its commitment schemes and the
/// lookup layout. The encoding, the prover and the verifier use it.
pub(crate) struct VerifyingKey {
    pub circuit: Circuit,
    /// What is proven.
    /// The digest of the architecture.
    pub version: Digest,
    /// Root of the commitment to the weights, as the architecture states it.
    pub weights_root: Digest,
    /// Commitment scheme of the weights.
    pub model: Pcs,
    /// Commitment scheme of the witness.
    pub witness: Pcs,
    /// Position of every lookup in the LogUp cube.
    pub lookups: Layout,
    /// The point at which the weights are opened for the fingerprint.
    pub fingerprint_point: FingerprintPoint,
    /// Soundness of the proofs.
    pub security: Security,
}

impl VerifyingKey {
    /// Derives the key from an architecture that has passed its checks.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if the operations, parameters, sizes or soundness do not permit proofs.
    pub fn new(plan: &Plan) -> Result<Self, SetupError> {
        let commitments = &plan.architecture().commitments;
        let parameters = ProofParameters::from_bytes(&commitments.proof_parameters)
            .ok_or(SetupError::ProofParameters)?;
        let circuit = Circuit::new(plan, parameters.limbs)?;
        // Commitments that are too large are refused before the lookups are laid out.
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

    /// Length of the input in bytes.
    pub fn input_bytes(&self) -> usize {
        self.circuit.input.elements().unwrap_or(0)
    }

    /// Length of the output in bytes: one per int8 element, four per int32 element.
    pub fn output_bytes(&self) -> usize {
        let size = match self.circuit.output_type() {
            ElementType::Int8 => 1,
            ElementType::Int32 => 4,
        };
        self.circuit.output.elements().unwrap_or(0) * size
    }
}
