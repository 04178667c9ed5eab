//! Soundness of the proof system: the sum of the errors of all parts of the protocol.

use crate::{
    circuit::Circuit,
    error::SetupError,
    logup::Layout,
    parameters::MIN_SECURITY_BITS,
    pcs::{Pcs, Schedule},
};
use alloc::vec::Vec;
use p3_security::{ErrorBits, SecurityAssumption};

/// Soundness of a proof, in bits. `b` bits mean that an error has a probability of at most `2^-b`.
///
/// All figures except `unique_decoding` assume mutual correlated agreement of Reed–Solomon codes up
/// to the Johnson radius less `√ρ/20`; see `docs/proof-system.md` for the sources.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Security {
    /// Statistical soundness: holds for random challenges against a prover of any computing power.
    /// Does not count proof of work.
    pub statistical: f64,
    /// Log2 of the expected number of hashes for one success by a prover that derives the
    /// challenges itself, with the hash modelled as a random function. Counts proof of work before
    /// a challenge in full.
    pub with_grinding: f64,
    /// What remains of `statistical`, with the same number of queries, if mutual correlated
    /// agreement holds only up to half of the distance.
    pub unique_decoding: f64,
}

impl Security {
    /// Log2 of the number of hashes for a collision of BLAKE3. None of the figures includes it.
    pub const HASH: f64 = 128.0;

    /// Composes all errors; `None` if a figure cannot be computed, or if `p3-whir` counts
    /// differently.
    pub(crate) fn new(
        circuit: &Circuit,
        lookups: &Layout,
        model: &Pcs,
        witness: &Pcs,
    ) -> Option<Self> {
        let draws = log2_bad_challenges(circuit, lookups);
        let openings = [model, witness];
        if !openings.iter().all(|opening| opening.matches_whir()) {
            return None;
        }
        let compose = |assumption: SecurityAssumption, grinding: bool| {
            // The bound holds for every pair of polynomials that the two roots leave open.
            let mut own = FIELD_BITS as f64 - draws;
            let mut errors = Vec::new();
            for opening in openings {
                let schedule = opening.schedule();
                let (vars, rate) = (schedule.num_variables(), schedule.starting_log_inv_rate);
                own -= assumption.list_size_bits(vars, rate);
                let terms = terms(schedule, opening.claims()?, assumption);
                errors.extend(terms.iter().map(|term| term.error(grinding)));
            }
            errors.push(ErrorBits::from_log2(own));
            let bits = ErrorBits::sum(&errors).bits();
            bits.is_finite().then_some(bits)
        };
        Some(Self {
            statistical: compose(SecurityAssumption::JohnsonBound, false)?,
            with_grinding: compose(SecurityAssumption::JohnsonBound, true)?,
            unique_decoding: compose(SecurityAssumption::UniqueDecoding, false)?,
        })
    }
}

/// Bits of the field's size, rounded down; the size is slightly below `2^192`.
const FIELD_BITS: usize = 191;

/// One error of an opening.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Term {
    /// The error in bits.
    pub bits: f64,
    /// Bits of proof of work before the challenge that the error depends on.
    pub grinding: usize,
}

impl Term {
    fn error(&self, grinding: bool) -> ErrorBits {
        ErrorBits::from_log2(self.bits + if grinding { self.grinding as f64 } else { 0.0 })
    }
}

/// The errors of an opening, one by one.
///
/// The formulas are those of `p3-whir` (`pcs/security.rs`). `p3-whir` composes them, proof of work
/// included, into one number, and derives other query counts for another assumption. This function
/// keeps the schedule's query counts under every assumption.
pub(crate) fn terms(
    schedule: &Schedule,
    claims: usize,
    assumption: SecurityAssumption,
) -> Vec<Term> {
    let unique = assumption == SecurityAssumption::UniqueDecoding;
    // `p3-whir` keeps one bit of reserve in the Johnson regime.
    let reserve = if unique { 0.0 } else { 1.0 };
    let (vars, rate) = (schedule.num_variables(), schedule.starting_log_inv_rate);
    let mut terms = Vec::new();
    let mut add = |bits, grinding| terms.push(Term { bits, grinding });

    // All claims are batched with the powers of one challenge.
    add(assumption.initial_claims_error(FIELD_BITS, vars, rate, claims), 0);

    // Each code: out-of-domain samples, which leave one of its polynomials, and folds.
    let rounds = schedule.round_parameters();
    let first =
        (vars, rate, schedule.commitment_ood_samples(), schedule.starting_folding_pow_bits());
    let later = rounds.iter().map(|round| {
        (round.num_variables, round.log_inv_rate, round.ood_samples, round.folding_pow_bits)
    });
    let codes = core::iter::once(first).chain(later).zip(schedule.folding_schedule());
    for ((vars, rate, samples, grinding), &folds) in codes {
        if !unique {
            add(assumption.ood_error(vars, rate, FIELD_BITS, samples), 0);
        }
        for _ in 0..folds {
            add(assumption.prox_gaps_error(vars, rate, FIELD_BITS, 2) - reserve, grinding);
            add(assumption.fold_sumcheck_error(FIELD_BITS, vars, rate), grinding);
        }
    }

    // The queries of each code, and the combination of their answers with the samples of the next
    // code. No message separates that challenge from the query positions, so the proof of work
    // precedes both.
    let mut rate = rate;
    for round in rounds {
        add(assumption.queries_error(rate, round.num_queries), round.pow_bits);
        let combination = assumption.queries_combination_error(
            FIELD_BITS,
            round.num_variables,
            round.log_inv_rate,
            round.ood_samples,
            round.num_queries,
        );
        add(combination, round.pow_bits);
        rate = round.log_inv_rate;
    }
    let last = schedule.terminal();
    add(assumption.queries_error(rate, last.num_queries), last.pow_bits);
    for _ in 0..schedule.final_sumcheck_rounds() {
        add(FIELD_BITS as f64 - 1.0, schedule.final_folding_pow_bits());
    }
    terms
}

impl Pcs {
    /// Number of claims batched by one challenge: opened columns and out-of-domain answers.
    fn claims(&self) -> Option<usize> {
        self.opened_columns()?.checked_add(self.schedule().commitment_ood_samples())
    }

    /// Whether [`terms`] are all that this release of `p3-whir` counts.
    fn matches_whir(&self) -> bool {
        let Some((claims, theirs)) = self.claims().zip(self.whir_security_bits()) else {
            return false;
        };
        let terms = terms(self.schedule(), claims, self.schedule().soundness_type);
        let ours: Vec<_> = terms.iter().map(|term| term.error(true)).collect();
        let difference = ErrorBits::sum(&ours).bits() - theirs;
        // Also refuses NaN.
        (-1e-6..=1e-6).contains(&difference)
    }
}

/// Log2 of a bound on the number of field elements for which one of the protocol's own challenges
/// accepts a false claim, for one pair of polynomials.
fn log2_bad_challenges(circuit: &Circuit, lookups: &Layout) -> f64 {
    // The bound is the sum of:
    //
    // - the sum as a rational function in α and β: numerator and denominator of degree 2 per
    //   fraction, and the poles;
    // - its reduction: for each layer, rounds of degree 3, the combination λ and the branch;
    // - one equation per activation and one for the output, at the reduction's point; one more per
    //   maximum, at the end of its product; one element per variable each;
    // - per layer, sumchecks of degree 2, and the drawn row if the layer is the output;
    // - per maximum, a sumcheck with one factor more than its window has elements, the powers that
    //   separate the differences, and a sumcheck of degree 2;
    // - the fingerprint of the weights: one power per column, and a point.
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
    -ErrorBits::from_prob(draws).bits()
}

/// Refuses a soundness below [`MIN_SECURITY_BITS`] or one that cannot be computed.
pub(crate) fn sufficient(security: Option<Security>) -> Result<Security, SetupError> {
    match security {
        Some(security) if security.statistical >= MIN_SECURITY_BITS => Ok(security),
        _ => Err(SetupError::Security(security.map(|security| security.statistical))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::EF;
    use p3_field::Field;

    #[test]
    fn the_field_has_the_assumed_number_of_bits() {
        assert_eq!(FIELD_BITS, EF::bits() - 1);
    }

    #[test]
    fn only_the_statistical_figure_has_to_reach_the_minimum() {
        let (less, enough) = (MIN_SECURITY_BITS - 0.5, MIN_SECURITY_BITS);
        let lacking = Security { statistical: less, with_grinding: 128.0, unique_decoding: 128.0 };
        assert_eq!(sufficient(Some(lacking)), Err(SetupError::Security(Some(less))));
        let secure = Security { statistical: enough, with_grinding: enough, unique_decoding: 50.0 };
        assert_eq!(sufficient(Some(secure)), Ok(secure));
        assert_eq!(sufficient(None), Err(SetupError::Security(None)));
    }
}
