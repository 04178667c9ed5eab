//! Sumchecks of products of multilinear polynomials.
//!
//! A sumcheck only reduces the claimed sum to a claim about the product at a random point. The
//! caller must check both: that the claimed sum is the intended one, and that the factors evaluate
//! to the product at the point.

use crate::{field::EF, pcs::Challenger, transcript::draw};
use alloc::vec::Vec;
use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;

/// The prover's messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sumcheck {
    /// The sum that the prover claims.
    pub claimed_sum: EF,
    /// For each round, the univariate polynomial that remains after all later variables are summed
    /// over: its coefficients in ascending order, without the linear one, which follows from the
    /// sum.
    pub round_polys: Vec<Vec<EF>>,
}

/// Number of factors in the sumcheck of a linear operation: `Σ_i a(i)·b(i)`.
pub(crate) const INNER_PRODUCT: usize = 2;
/// Maximum number of factors: a pooling window of 16 elements, and `eq`.
const MAX_FACTORS: usize = assay_graph::bounds::MAX_POOL_WINDOW + 1;

/// The claims at both ends of a verified sumcheck.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reduced {
    /// The sum that the prover claims.
    pub sum: EF,
    /// The evaluation point at which the sumcheck ends.
    pub point: Vec<EF>,
    /// The value that the product must have at the point.
    pub product: EF,
}

/// The number of messages is not that of the sumcheck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WrongShape;

impl core::fmt::Display for WrongShape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("wrong number of messages for this sumcheck")
    }
}

/// Verifies a sumcheck of a product of `factors` factors, at most [`MAX_FACTORS`].
///
/// # Errors
///
/// [`WrongShape`] if the number of rounds or of coefficients differs from the expected one.
pub(crate) fn verify(
    sumcheck: &Sumcheck,
    rounds: usize,
    factors: usize,
    challenger: &mut Challenger,
) -> Result<Reduced, WrongShape> {
    let widths = sumcheck.round_polys.iter().all(|values| values.len() == factors);
    if sumcheck.round_polys.len() != rounds || !widths || !(1..=MAX_FACTORS).contains(&factors) {
        return Err(WrongShape);
    }
    let mut point = Vec::with_capacity(rounds);
    let mut sum = sumcheck.claimed_sum;
    challenger.observe_algebra_element(sum);
    for coefficients in &sumcheck.round_polys {
        let r = next_coordinate(coefficients, challenger);
        sum = evaluate(coefficients, sum, r);
        point.push(r);
    }
    Ok(Reduced { sum: sumcheck.claimed_sum, point, product: sum })
}

/// Absorbs a round's polynomial and draws the coordinate that the round fixes.
pub(crate) fn next_coordinate(coefficients: &[EF], challenger: &mut Challenger) -> EF {
    challenger.observe_algebra_slice(coefficients);
    draw(challenger)
}

/// Evaluates a round's polynomial at `r`. `coefficients` are all but the linear one; `sum` is the
/// sum of its values at 0 and 1.
pub(crate) fn evaluate(coefficients: &[EF], sum: EF, r: EF) -> EF {
    let Some((&constant, higher)) = coefficients.split_first() else { return EF::ZERO };
    let linear = sum - constant.double() - higher.iter().copied().sum::<EF>();
    let rest = higher.iter().rev().copied().reduce(|rest, coefficient| rest * r + coefficient);
    (rest.unwrap_or_default() * r + linear) * r + constant
}

#[cfg(feature = "prover")]
mod prover {
    use super::*;
    use crate::field::F;
    use alloc::vec;
    use p3_field::Field;
    use p3_maybe_rayon::prelude::*;

    /// Minimum number of cells for which work is spread over threads.
    pub(crate) const PARALLEL: usize = 1 << 12;

    /// Fixes the first of the remaining coordinates of each table at `r`.
    pub(crate) fn fold(tables: &mut [Vec<EF>], r: EF) {
        for table in tables {
            let half = table.len() / 2;
            let (low, high) = table.split_at_mut(half);
            let fold = |(low, high): (&mut EF, &EF)| *low += (*high - *low) * r;
            if half >= PARALLEL {
                low.par_iter_mut().zip(&*high).for_each(fold);
            } else {
                low.iter_mut().zip(&*high).for_each(fold);
            }
            table.truncate(half);
        }
    }

    /// The factors, each as a table over the remaining coordinates.
    struct Product(Vec<Vec<EF>>);

    impl Product {
        /// The next round's polynomial at 0, 2, 3, ... Its value at 1 follows from the sum.
        fn round_poly(&self) -> Vec<EF> {
            let half = self.0.first().map_or(0, Vec::len) / 2;
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
            let zeros = || vec![EF::ZERO; self.0.len()];
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

    /// The message for the polynomial of degree `d` with the given values at 0, 1, ..., `d`: its
    /// coefficients without the linear one.
    pub(crate) fn coefficients(mut values: Vec<EF>) -> Vec<EF> {
        let degree = values.len().saturating_sub(1);
        // Newton's form: `Σ_k values[k]·x·(x - 1)·...·(x - k + 1)`.
        for k in 1..=degree {
            let inverse = F::from_usize(k).inverse();
            for i in (k..=degree).rev() {
                values[i] = (values[i] - values[i - 1]) * inverse;
            }
        }
        // Expands the nested form from the innermost factor.
        for k in (0..degree).rev() {
            for i in k..degree {
                let higher = values[i + 1];
                values[i] -= higher * F::from_usize(k);
            }
        }
        if degree > 0 {
            let _linear = values.remove(1);
        }
        values
    }

    /// Proves that the product of all factors sums up to `claim`, and returns the evaluation point
    /// at which the sumcheck ends.
    pub(crate) fn prove(
        factors: Vec<Vec<EF>>,
        claim: EF,
        challenger: &mut Challenger,
    ) -> (Sumcheck, Vec<EF>) {
        let rounds = factors.first().map_or(0, |factor| factor.len().ilog2() as usize);
        let mut product = Product(factors);
        let (mut round_polys, mut point) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
        let mut sum = claim;
        challenger.observe_algebra_element(claim);
        for _ in 0..rounds {
            let mut values = product.round_poly();
            values.insert(1, sum - values[0]);
            let coefficients = coefficients(values);
            let r = next_coordinate(&coefficients, challenger);
            sum = evaluate(&coefficients, sum, r);
            fold(&mut product.0, r);
            round_polys.push(coefficients);
            point.push(r);
        }
        (Sumcheck { claimed_sum: claim, round_polys }, point)
    }
}
#[cfg(feature = "prover")]
pub(crate) use prover::{coefficients, fold, prove, PARALLEL};

#[cfg(all(test, feature = "prover"))]
mod tests {
    use super::*;
    use crate::{
        field::{eq_table, F},
        pcs,
    };

    #[test]
    fn a_polynomial_is_evaluated_from_its_message() {
        for degree in 1..=MAX_FACTORS {
            // Σ (k + 2)·x^k.
            let at =
                |x: EF| (0..=degree).rev().fold(EF::ZERO, |sum, k| sum * x + F::from_usize(k + 2));
            let values: Vec<EF> = (0..=degree).map(|i| at(F::from_usize(i).into())).collect();
            let sum = values[0] + values[1];
            let sent = coefficients(values);
            let rest = (0..=degree).filter(|k| *k != 1).map(|k| F::from_usize(k + 2).into());
            assert_eq!(sent, rest.collect::<Vec<EF>>(), "degree {degree}");
            let r = EF::from(F::from_u64(0x1234_5678_9abc)) + EF::ONE;
            assert_eq!(evaluate(&sent, sum, r), at(r), "degree {degree}");
        }
    }

    #[test]
    fn a_sumcheck_ends_in_the_product_at_its_point_and_other_shapes_are_refused() {
        for factors in [2, 5] {
            let table = |k: usize| -> Vec<EF> {
                (0..8).map(|i| F::from_usize(i * i + k * i + 3).into()).collect()
            };
            let tables: Vec<_> = (0..factors).map(table).collect();
            let product = |i: usize| tables.iter().map(|table| table[i]).product::<EF>();
            let claim: EF = (0..8).map(product).sum();
            let (messages, end) =
                prove(tables.clone(), claim, &mut pcs::challenger(b"test".to_vec()));
            let replay = |messages: &Sumcheck, rounds, factors| {
                verify(messages, rounds, factors, &mut pcs::challenger(b"test".to_vec()))
            };
            let reduced = replay(&messages, 3, factors).unwrap();
            assert_eq!((reduced.sum, &reduced.point), (claim, &end));
            let eq = eq_table(&end);
            let at_end = |table: &Vec<EF>| eq.iter().zip(table).map(|(&a, &b)| a * b).sum::<EF>();
            assert_eq!(reduced.product, tables.iter().map(at_end).product::<EF>());

            // A different sum or message leads to a different end.
            let mut other = messages.clone();
            other.claimed_sum += EF::ONE;
            let moved = replay(&other, 3, factors).unwrap();
            assert_ne!(moved.product, reduced.product);
            assert!(moved.point.iter().zip(&end).all(|(a, b)| a != b), "the sum is absorbed first");
            let mut other = messages.clone();
            other.round_polys[1][0] += EF::ONE;
            let moved = replay(&other, 3, factors).unwrap();
            assert_ne!(moved.product, reduced.product);
            assert_eq!(moved.point[0], end[0]);
            assert!(
                moved.point[1..].iter().zip(&end[1..]).all(|(a, b)| a != b),
                "each round is absorbed"
            );
            for (rounds, factors) in [(2, factors), (4, factors), (3, factors - 1), (3, 0)] {
                assert_eq!(replay(&messages, rounds, factors), Err(WrongShape));
            }
        }
    }
}
