//! Statistical soundness of the whole protocol, composed.

use crate::{circuit::Circuit, error::SetupError, field::EF, logup::Layout, pcs::Pcs};
use p3_field::Field;
use p3_security::ErrorBits;

/// Fewest bits of statistical soundness that a model's parameters have to reach.
pub const MIN_SECURITY_BITS: f64 = 120.0;

/// Bits of soundness: both openings as `p3-security` composes them, and the protocol's own draws
/// over every pair of polynomials that the two roots leave open.
pub(crate) fn bits(circuit: &Circuit, lookups: &Layout, model: &Pcs, witness: &Pcs) -> Option<f64> {
    let (model, witness) = (model.security()?, witness.security()?);
    // Each draw fails with at most its number over the size of the field:
    // - the sum as a rational function in α and β: a numerator and a denominator of degree 2 per
    //   fraction, and poles;
    // - its reduction: for each layer rounds of degree 3, the combination and the branch;
    // - equations, products and columns at the reduction's point: one per variable, for
    //   activations and the output;
    // - per layer sumchecks of degree 2, and the drawn row of the last one;
    // - per maximum a sumcheck of as many factors as its window has elements and one more, the
    //   powers that separate those, and a sumcheck of degree 2;
    // - the fingerprint of the weights: a power for each column, and a point.
    let vars = lookups.vars as f64;
    let sum = 4.0 * (1u64 << lookups.vars) as f64;
    let reduction = vars * (3.0 * vars + 2.0);
    let equations = vars * (2 * circuit.activations.len() + 1) as f64;
    let rounds = |rounds: Option<usize>| rounds.unwrap_or(0);
    let layers = circuit.layers.iter().map(|layer| {
        let product = rounds(layer.product_rounds());
        3 * layer.grid.vars() + 2 * (product + rounds(layer.wiring_rounds()))
    });
    let maxima = circuit.maxima().map(|(index, operand, _)| {
        let activation = &circuit.activations[index];
        let factors = activation.limbs() + 1;
        factors * (activation.grid.vars() + 1) + 2 * operand.grid.vars()
    });
    let columns = circuit.model_tables();
    let fingerprint = columns.len() + columns.iter().map(|column| column.vars).max().unwrap_or(0);
    let draws = sum
        + reduction
        + equations
        + fingerprint as f64
        + layers.chain(maxima).sum::<usize>() as f64;
    // The size of the field is a little below the power of two.
    let field = (EF::bits() - 1) as f64;
    let log2_draws = -ErrorBits::from_prob(draws).bits();
    let own = field - log2_draws - model.log2_candidates - witness.log2_candidates;
    let terms = [model.bits, witness.bits, own].map(ErrorBits::from_log2);
    Some(ErrorBits::sum(&terms).bits())
}

/// Refuses too few bits, and what is no number.
pub(crate) fn sufficient(bits: Option<f64>) -> Result<f64, SetupError> {
    match bits {
        Some(bits) if bits >= MIN_SECURITY_BITS => Ok(bits),
        _ => Err(SetupError::Security(bits)),
    }
}
