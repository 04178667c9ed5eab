//! How certain an accepted proof is: the errors of all parts of the protocol, added up.

use crate::{
    circuit::Circuit,
    error::SetupError,
    logup::Layout,
    pcs::{Pcs, Schedule},
};
use alloc::vec::Vec;
use p3_security::{ErrorBits, SecurityAssumption};

/// Fewest bits that a model's parameters have to reach without proof of work:
/// [`Security::statistical`].
pub const MIN_SECURITY_BITS: f64 = 120.0;

/// How certain an accepted proof is. `b` bits say that an error happens with probability `2^-b` at
/// most.
///
/// All figures but the last assume mutual correlated agreement of Reed–Solomon codes up to the
/// Johnson radius less `√ρ/20`: `docs/proof-system.md` has the sources.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Security {
    /// What holds if the challenges are random, whatever the prover can compute. Proof of work
    /// counts for nothing.
    pub statistical: f64,
    /// What a prover has to do who draws the challenges itself, from a hash that is taken for a
    /// random function: log2 of the number of hashes for one expected success. Proof of work before
    /// a challenge counts in full.
    pub with_grinding: f64,
    /// What is left of `statistical` if mutual correlated agreement holds up to half of the
    /// distance only, for the same queries.
    pub unique_decoding: f64,
}

impl Security {
    /// log2 of the number of hashes that a collision of BLAKE3 takes. No figure counts it.
    pub const HASH: f64 = 128.0;

    pub(crate) fn new(
        circuit: &Circuit,
        lookups: &Layout,
        model: &Pcs,
        witness: &Pcs,
    ) -> Option<Self> {
        let draws = log2_draws(circuit, lookups);
        let openings = [model, witness];
        if !openings.iter().all(|opening| opening.is_counted_as_by_whir()) {
            return None;
        }
        let compose = |assumption: SecurityAssumption, grinding: bool| {
            // Over every pair of polynomials that the two roots leave open.
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

/// Bits of the size of the field, rounded down: it is a little below the power of two.
const FIELD_BITS: usize = 191;

/// One way for an opening to go wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Term {
    /// Bits of its error.
    pub bits: f64,
    /// Bits of proof of work before the challenge that it is about.
    pub grinding: usize,
}

impl Term {
    fn error(&self, grinding: bool) -> ErrorBits {
        ErrorBits::from_log2(self.bits + if grinding { self.grinding as f64 } else { 0.0 })
    }
}

/// The errors of an opening, one by one.
///
/// They are those of `p3-whir` (`pcs/security.rs`), which adds them up, with the proof of work, to one
/// number, and which has other numbers of queries for another assumption. Here the queries are
/// those of the schedule.
pub(crate) fn terms(
    schedule: &Schedule,
    claims: usize,
    assumption: SecurityAssumption,
) -> Vec<Term> {
    let unique = assumption == SecurityAssumption::UniqueDecoding;
    // `p3-whir` keeps a bit of reserve in the Johnson regime.
    let reserve = if unique { 0.0 } else { 1.0 };
    let (vars, rate) = (schedule.num_variables(), schedule.starting_log_inv_rate);
    let mut terms = Vec::new();
    let mut add = |bits, grinding| terms.push(Term { bits, grinding });

    // All claims are batched with the powers of one challenge.
    add(assumption.initial_claims_error(FIELD_BITS, vars, rate, claims), 0);

    // Each code: out-of-domain samples that leave one polynomial of it, and folds.
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

    // Queries of each code, and what combines their answers with the next one's samples. The
    // challenge follows the places without a message between, so the proof of work is before both.
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
    /// Claims that one challenge batches: opened columns, and out-of-domain answers.
    fn claims(&self) -> Option<usize> {
        self.opened_columns()?.checked_add(self.schedule().commitment_ood_samples())
    }

    /// That [`terms`] are all that `p3-whir` counts, in this release of it.
    fn is_counted_as_by_whir(&self) -> bool {
        let Some((claims, theirs)) = self.claims().zip(self.composed_by_whir()) else {
            return false;
        };
        let terms = terms(self.schedule(), claims, self.schedule().soundness_type);
        let ours: Vec<_> = terms.iter().map(|term| term.error(true)).collect();
        let difference = ErrorBits::sum(&ours).bits() - theirs;
        // Not a number is no difference either.
        (-1e-6..=1e-6).contains(&difference)
    }
}

/// log2 of how many of the field's elements let something pass in one of the protocol's own draws,
/// at most, for one pair of polynomials.
fn log2_draws(circuit: &Circuit, lookups: &Layout) -> f64 {
    // - the sum as a rational function in α and β: a numerator and a denominator of degree 2 per
    //   fraction, and poles;
    // - its reduction: for each layer rounds of degree 3, the combination and the branch;
    // - at the reduction's point one equation for each activation and one for the output, and for
    //   each maximum another where its product ends: one per variable;
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
    -ErrorBits::from_prob(draws).bits()
}

/// Refuses too few bits, and what is no number.
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
    fn the_field_has_as_many_bits_as_counted() {
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
