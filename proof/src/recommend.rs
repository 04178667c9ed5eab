//! The recommended parameters of a model.

use crate::{
    circuit::Circuit,
    parameters::{LimbWidth, ProofParameters},
    pcs::cells,
};
use assay_graph::Plan;

impl ProofParameters {
    /// The recommended parameters for publishing a model, chosen by its size.
    ///
    /// A lower rate makes proofs shorter and encoding proportionally longer. If the witness is
    /// small, it gets the lowest rate. Otherwise the weights, which are encoded only once, get it.
    /// The bounds are measured; see `docs/adr/0020-no-proof-of-work.md`.
    ///
    /// Returns [`Self::RECOMMENDED`] if the model cannot be proven.
    pub fn recommended(plan: &Plan) -> Self {
        const FEW: u64 = 1 << 15;
        const MANY: u64 = 1 << 20;
        // 2^22 weights with their biases and padding.
        const VERY_MANY: u64 = 5 << 20;
        let Ok(circuit) = Circuit::new(plan, LimbWidth::Bits8) else { return Self::RECOMMENDED };
        let (model, witness) = (cells(&circuit.model_tables()), cells(&circuit.witness_tables()));
        let few = witness <= FEW.min(model);
        let witness_rate = match witness {
            _ if few => 7,
            ..=MANY => 5,
            _ => 3,
        };
        let model_rate = if few && model <= MANY {
            5
        } else {
            // The ranges are tried in order.
            #[allow(clippy::match_overlapping_arm)]
            match model {
                ..=FEW => 7,
                ..=MANY => 6,
                ..=VERY_MANY => 4,
                _ => 3,
            }
        };
        Self::with_rates(model_rate, witness_rate)
    }
}
