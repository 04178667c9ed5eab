//! The sumcheck of degree 2 behind both linear steps of a layer: `Σ_i a(i)·b(i)`.
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

/// Degree of the round polynomials, each of which is as many evaluations.
pub(crate) const DEGREE: usize = 2;

/// Replays a sumcheck: the point, and the value that the product has to have there.
pub(crate) fn verify(
    sumcheck: &Sumcheck,
    rounds: usize,
    challenger: &mut Challenger,
) -> Result<(Vec<EF>, EF), GenericDegreeError> {
    let (point, value) = sumcheck.verify(challenger, rounds, DEGREE, 0)?;
    Ok((point.as_slice().to_vec(), value))
}

#[cfg(feature = "prover")]
mod prover {
    use super::*;
    use p3_field::PrimeCharacteristicRing;
    use p3_sumcheck::generic_degree::RoundProver;

    struct InnerProduct {
        a: Vec<EF>,
        b: Vec<EF>,
    }

    impl RoundProver<EF> for InnerProduct {
        fn fold(&mut self, r: EF) {
            for side in [&mut self.a, &mut self.b] {
                let half = side.len() / 2;
                for i in 0..half {
                    side[i] = side[i] + (side[i + half] - side[i]) * r;
                }
                side.truncate(half);
            }
        }

        fn round_poly(&self) -> Vec<EF> {
            let half = self.a.len() / 2;
            let at_2 = |side: &[EF], i: usize| side[i + half].double() - side[i];
            let sum = |term: &dyn Fn(usize) -> EF| (0..half).map(term).sum::<EF>();
            Vec::from([
                sum(&|i| self.a[i] * self.b[i]),
                sum(&|i| at_2(&self.a, i) * at_2(&self.b, i)),
            ])
        }
    }

    /// Proves that `Σ a·b` is `claim`, and returns the point where it ends.
    pub(crate) fn prove(
        a: Vec<EF>,
        b: Vec<EF>,
        claim: EF,
        challenger: &mut Challenger,
    ) -> (Sumcheck, Vec<EF>) {
        let rounds = a.len().ilog2() as usize;
        let (sumcheck, point) =
            InnerProduct { a, b }.prove::<F, _>(challenger, rounds, DEGREE, 0, claim);
        (sumcheck, point.as_slice().to_vec())
    }
}
#[cfg(feature = "prover")]
pub(crate) use prover::prove;
