//! The parameters that a model should be published with.

use crate::{
    circuit::Circuit,
    parameters::{LimbWidth, ProofParameters},
    pcs::cells,
};
use assay_graph::Plan;

impl ProofParameters {
    /// The parameters to publish a model with.
    ///
    /// A lower rate makes proofs shorter, and encoding longer by as much. The values of each proof
    /// get the lowest rate while they are few. Otherwise the weights do, which are encoded once. The
    /// bounds are measured: `docs/adr/0020-no-proof-of-work.md`.
    pub fn recommended(plan: &Plan) -> Self {
        const FEW: u64 = 1 << 15;
        const MANY: u64 = 1 << 20;
        // 2^22 weights, their biases and padding.
        const VERY_MANY: u64 = 5 << 20;
        let Ok(circuit) = Circuit::new(plan, LimbWidth::Bits8) else { return Self::RECOMMENDED };
        let (model, witness) = (cells(&circuit.model_tables()), cells(&circuit.witness_tables()));
        let few = witness <= FEW.min(model);
        let witness_rate = match witness {
            _ if few => 7,
            ..=MANY => 5,
            _ => 3,
        };
        let model_rate = match model {
            ..=MANY if few => 5,
            ..=FEW => 7,
            ..=MANY => 6,
            ..=VERY_MANY => 4,
            _ => 3,
        };
        Self::with_rates(model_rate, witness_rate)
    }
}
