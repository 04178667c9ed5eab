//! Sumchecks of products.
//!
//! A sumcheck says only that the sum which the prover claims leads to a certain product at a
//! certain point. The verifier ties both ends.

use crate::{field::EF, pcs::Challenger, transcript::draw};
use alloc::vec::Vec;
use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;

/// The messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sumcheck {
    /// The prover's word for the sum.
    pub claimed_sum: EF,
    /// For each round the polynomial of one variable that is left when all later ones are summed
    /// over: its coefficients, the constant first, without the linear one, which follows from the
    /// sum.
    pub round_polys: Vec<Vec<EF>>,
}

/// Factors of the product behind a linear step: `Σ_i a(i)·b(i)`.
pub(crate) const INNER_PRODUCT: usize = 2;
/// Most factors of a product: a window of 16 elements and `eq`.
const MAX_FACTORS: usize = assay_graph::bounds::MAX_POOL_WINDOW + 1;

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

/// There are more or fewer messages than the sumcheck has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OtherShape;

impl core::fmt::Display for OtherShape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("more or fewer messages than the sumcheck has")
    }
}

/// Replays a sumcheck of a product of `factors` factors, [`MAX_FACTORS`] at most.
pub(crate) fn verify(
    sumcheck: &Sumcheck,
    rounds: usize,
    factors: usize,
    challenger: &mut Challenger,
) -> Result<Reduced, OtherShape> {
    let widths = sumcheck.round_polys.iter().all(|values| values.len() == factors);
    if sumcheck.round_polys.len() != rounds || !widths || !(1..=MAX_FACTORS).contains(&factors) {
        return Err(OtherShape);
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

/// Absorbs a round, and draws the coordinate that it fixes.
pub(crate) fn next_coordinate(coefficients: &[EF], challenger: &mut Challenger) -> EF {
    challenger.observe_algebra_slice(coefficients);
    draw(challenger)
}

/// A round's polynomial at `r`, from all its coefficients but the linear one, and what its values
/// at 0 and 1 sum up to.
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

    /// Fewest cells that are worth more than one thread.
    pub(crate) const PARALLEL: usize = 1 << 12;

    /// Fixes the first coordinate of tables over all points that are left.
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

    /// The factors, each over all points that are left.
    struct Product(Vec<Vec<EF>>);

    impl Product {
        /// The next round's polynomial: its values at 0, 2, 3, ... The one at 1 follows from the
        /// sum.
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

    /// What is sent of the polynomial of degree `d` with these values at 0, 1, ..., `d`.
    pub(crate) fn coefficients(mut values: Vec<EF>) -> Vec<EF> {
        let degree = values.len().saturating_sub(1);
        // Newton's form: `Σ_k values[k]·x·(x - 1)·...·(x - k + 1)`.
        for k in 1..=degree {
            let inverse = F::from_usize(k).inverse();
            for i in (k..=degree).rev() {
                values[i] = (values[i] - values[i - 1]) * inverse;
            }
        }
        // Expanded from within.
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

    /// Proves that the sum of the product of all factors is `claim`, and returns the point where
    /// it ends.
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
    fn a_polynomial_is_evaluated_from_what_is_sent_of_it() {
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
    fn a_sumcheck_ends_in_the_product_at_its_point_and_in_no_other_shape() {
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

            // Another sum, another message: another end.
            let mut other = messages.clone();
            other.claimed_sum += EF::ONE;
            let moved = replay(&other, 3, factors).unwrap();
            assert_ne!(moved.product, reduced.product);
            assert!(moved.point.iter().zip(&end).all(|(a, b)| a != b), "it is absorbed first");
            let mut other = messages.clone();
            other.round_polys[1][0] += EF::ONE;
            let moved = replay(&other, 3, factors).unwrap();
            assert_ne!(moved.product, reduced.product);
            assert_eq!(moved.point[0], end[0]);
            assert!(moved.point[1..].iter().zip(&end[1..]).all(|(a, b)| a != b), "each round is");
            for (rounds, factors) in [(2, factors), (4, factors), (3, factors - 1), (3, 0)] {
                assert_eq!(replay(&messages, rounds, factors), Err(OtherShape));
            }
        }
    }
}
