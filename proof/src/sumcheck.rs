//! Sumchecks of products.
//!
//! A sumcheck says only that the sum which the prover claims leads to a certain product at a
//! certain point. The verifier ties both ends.

use crate::{
    field::{EF, F},
    pcs::Challenger,
};
use alloc::vec::Vec;
use p3_sumcheck::generic_degree::{GenericDegreeError, GenericDegreeProof};

/// The messages. `claimed_sum` is the prover's word.
pub(crate) type Sumcheck = GenericDegreeProof<F, EF>;

/// Factors of the product behind a linear step: `Σ_i a(i)·b(i)`.
pub(crate) const INNER_PRODUCT: usize = 2;

/// Where a sumcheck starts and ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reduced {
    /// What the prover says the sum is.
    pub sum: EF,
    /// The point where it ends.
    pub point: Vec<EF>,
    /// What the product has to be there.
    pub product: EF,
}

/// Replays a sumcheck of a product of `factors` factors.
pub(crate) fn verify(
    sumcheck: &Sumcheck,
    rounds: usize,
    factors: usize,
    challenger: &mut Challenger,
) -> Result<Reduced, GenericDegreeError> {
    let (point, product) = sumcheck.verify(challenger, rounds, factors, 0)?;
    Ok(Reduced { sum: sumcheck.claimed_sum, point: point.as_slice().to_vec(), product })
}

#[cfg(feature = "prover")]
mod prover {
    use super::*;
    use p3_field::PrimeCharacteristicRing;
    use p3_maybe_rayon::prelude::*;
    use p3_sumcheck::generic_degree::RoundProver;

    /// Fewest cells that are worth more than one thread.
    const PARALLEL: usize = 1 << 12;

    /// The factors, each over all points that are left.
    struct Product(Vec<Vec<EF>>);

    impl RoundProver<EF> for Product {
        fn fold(&mut self, r: EF) {
            for factor in &mut self.0 {
                let half = factor.len() / 2;
                let (low, high) = factor.split_at_mut(half);
                let fold = |(low, high): (&mut EF, &EF)| *low += (*high - *low) * r;
                if half >= PARALLEL {
                    low.par_iter_mut().zip(&*high).for_each(fold);
                } else {
                    low.iter_mut().zip(&*high).for_each(fold);
                }
                factor.truncate(half);
            }
        }

        fn round_poly(&self) -> Vec<EF> {
            let half = self.0.first().map_or(0, Vec::len) / 2;
            // At 0, 2, 3, ...: the verifier knows the value at 1 from the sum.
            let add = |mut sums: Vec<EF>, i: usize| {
                let mut products = [EF::ONE; MAX_FACTORS];
                for factor in &self.0 {
                    let (low, high) = (factor[i], factor[i + half]);
                    let step = high - low;
                    let mut value = high;
                    products[0] *= low;
                    for product in &mut products[1..sums.len()] {
                        value += step;
                        *product *= value;
                    }
                }
                sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                sums
            };
            let zeros = || alloc::vec![EF::ZERO; self.0.len()];
            if half >= PARALLEL {
                let join = |mut a: Vec<EF>, b: Vec<EF>| {
                    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                    a
                };
                (0..half).into_par_iter().par_fold_reduce(zeros, add, join)
            } else {
                (0..half).fold(zeros(), add)
            }
        }
    }

    /// Most factors of a product: a window of 16 elements and `eq`.
    const MAX_FACTORS: usize = assay_graph::bounds::MAX_POOL_WINDOW + 1;

    /// Proves that the sum of the product of all factors is `claim`, and returns the point where
    /// it ends.
    pub(crate) fn prove(
        factors: Vec<Vec<EF>>,
        claim: EF,
        challenger: &mut Challenger,
    ) -> (Sumcheck, Vec<EF>) {
        let degree = factors.len();
        let rounds = factors.first().map_or(0, |factor| factor.len().ilog2() as usize);
        let (sumcheck, point) =
            Product(factors).prove::<F, _>(challenger, rounds, degree, 0, claim);
        (sumcheck, point.as_slice().to_vec())
    }
}
#[cfg(feature = "prover")]
pub(crate) use prover::prove;
