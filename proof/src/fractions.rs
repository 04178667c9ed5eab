//! The sum of the fractions on a boolean cube, proven by a fractional GKR (Papini and Haböck,
//! eprint 2023/1284).
//!
//! Each point of the cube holds a fraction `n/d`. Two fractions whose points differ only in the
//! first coordinate are added:
//!
//! ```text
//! n = n0·d1 + n1·d0,    d = d0·d1,
//! ```
//!
//! The sums form a cube with one variable less, and so on up to the root, which holds the total.
//! The verifier goes from the root to the leaves: a claim about the extensions of one cube at a
//! point is reduced by a sumcheck to a claim about the next larger cube at another point. The last
//! claim is about the fractions themselves.

use crate::{
    field::{eq_at_point, EF},
    pcs::Challenger,
    sumcheck::{evaluate, next_coordinate},
    transcript::draw,
};
use alloc::vec::Vec;
use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;

/// Degree of a round's polynomial: `eq` times a product of two factors. As many coefficients are
/// sent.
pub(crate) const DEGREE: usize = 3;

/// The messages that show that a sum of fractions is zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reduction {
    /// Denominator of the sum. The numerator is 0 and not sent.
    pub root_denominator: EF,
    /// The reductions, from the root to the leaves. The cube of layer `k` has `k` variables.
    pub layers: Vec<Layer>,
}

/// The reduction of a claim about one cube to a claim about the next larger one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Layer {
    /// The rounds of the sumcheck; see [`crate::sumcheck::Sumcheck`].
    pub round_polys: Vec<[EF; DEGREE]>,
    /// Evaluations of the larger cube's halves at the point where the sumcheck ends.
    pub halves: Halves,
}

/// Evaluations of both halves of a cube at one point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Halves {
    /// Numerators: of the half whose first coordinate is 0, then of the other.
    pub n: [EF; 2],
    /// Denominators, in the same order.
    pub d: [EF; 2],
}

impl Halves {
    /// The numerator of the sum of both halves plus `lambda` times its denominator.
    fn sum(self, lambda: EF) -> EF {
        let ([n0, n1], [d0, d1]) = (self.n, self.d);
        (n0 + lambda * d0) * d1 + n1 * d0
    }

    /// Numerator and denominator of the whole cube, with `first` as the first coordinate.
    fn join(self, first: EF) -> (EF, EF) {
        let line = |[at_0, at_1]: [EF; 2]| at_0 + (at_1 - at_0) * first;
        (line(self.n), line(self.d))
    }
}

/// A claim about the extensions of the numerators and of the denominators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Leaf {
    /// The evaluation point.
    pub point: Vec<EF>,
    /// The numerators' extension at the point.
    pub numerator: EF,
    /// The denominators' extension at the point.
    pub denominator: EF,
}

/// Why a reduction is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ReductionError {
    /// The number of messages is not that of a cube of this size.
    Shape,
    /// The denominator of the sum is 0.
    NoDenominator,
    /// The sumcheck of this layer does not end in the evaluations that the layer states.
    Layer(usize),
}

impl core::fmt::Display for ReductionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Shape => f.write_str("wrong number of messages for this reduction"),
            Self::NoDenominator => f.write_str("the denominator of the sum is 0"),
            Self::Layer(layer) => write!(f, "layer {layer} of the reduction does not hold"),
        }
    }
}

/// Verifies the reduction of a sum over a cube of `vars` variables, and returns the claim about the
/// fractions that remains to be checked.
///
/// # Errors
///
/// [`ReductionError`] names the check that fails.
pub(crate) fn verify(
    reduction: &Reduction,
    vars: usize,
    challenger: &mut Challenger,
) -> Result<Leaf, ReductionError> {
    let mut layers = reduction.layers.iter().enumerate();
    if layers.len() != vars || layers.any(|(rounds, layer)| layer.round_polys.len() != rounds) {
        return Err(ReductionError::Shape);
    }
    let denominator = reduction.root_denominator;
    if denominator == EF::ZERO {
        return Err(ReductionError::NoDenominator);
    }
    challenger.observe_algebra_element(denominator);
    let mut leaf = Leaf { point: Vec::new(), numerator: EF::ZERO, denominator };
    for (index, layer) in reduction.layers.iter().enumerate() {
        let lambda = draw(challenger);
        let mut sum = leaf.numerator + lambda * leaf.denominator;
        // The first coordinate is drawn after the others, in `first_coordinate`.
        let mut point = Vec::with_capacity(index + 1);
        point.push(EF::ZERO);
        for coefficients in &layer.round_polys {
            let r = next_coordinate(coefficients, challenger);
            sum = evaluate(coefficients, sum, r);
            point.push(r);
        }
        if sum != eq_at_point(&leaf.point, &point[1..]) * layer.halves.sum(lambda) {
            return Err(ReductionError::Layer(index));
        }
        point[0] = first_coordinate(&layer.halves, challenger);
        let (numerator, denominator) = layer.halves.join(point[0]);
        leaf = Leaf { point, numerator, denominator };
    }
    Ok(leaf)
}

/// Absorbs the evaluations of both halves and draws the coordinate that joins them.
fn first_coordinate(halves: &Halves, challenger: &mut Challenger) -> EF {
    challenger.observe_algebra_slice([halves.n, halves.d].as_flattened());
    draw(challenger)
}

#[cfg(feature = "prover")]
mod prover {
    use super::*;
    use crate::{
        field::{eq_table, F},
        sumcheck::{coefficients, fold, PARALLEL},
    };
    use alloc::vec;
    use p3_maybe_rayon::prelude::*;

    /// Numerators and denominators of the fractions on a cube.
    struct Cube {
        n: Vec<EF>,
        d: Vec<EF>,
    }

    impl Cube {
        /// The cube with one variable less: each fraction of the first half plus its counterpart in
        /// the second.
        fn sums(&self) -> Self {
            let half = self.n.len() / 2;
            let ((n0, n1), (d0, d1)) = (self.n.split_at(half), self.d.split_at(half));
            let add = |i: usize| (n0[i] * d1[i] + n1[i] * d0[i], d0[i] * d1[i]);
            let sums: Vec<(EF, EF)> = if half >= PARALLEL {
                (0..half).into_par_iter().map(add).collect()
            } else {
                (0..half).map(add).collect()
            };
            let (n, d) = sums.into_iter().unzip();
            Self { n, d }
        }

        /// Both halves of the numerators, then of the denominators, in the order of [`halves_of`].
        fn split(mut self) -> [Vec<EF>; 4] {
            let half = self.n.len() / 2;
            let (n1, d1) = (self.n.split_off(half), self.d.split_off(half));
            [self.n, n1, self.d, d1]
        }
    }

    fn halves_of([n0, n1, d0, d1]: [EF; 4]) -> Halves {
        Halves { n: [n0, n1], d: [d0, d1] }
    }

    /// A round's polynomial at 0, 2 and 3. `tables` are `eq`, then the four tables of
    /// [`Cube::split`].
    fn round_poly(tables: &[Vec<EF>], lambda: EF) -> [EF; DEGREE] {
        let half = tables[0].len() / 2;
        let at = |i: usize| {
            let low: [EF; 5] = core::array::from_fn(|k| tables[k][i]);
            let high: [EF; 5] = core::array::from_fn(|k| tables[k][i + half]);
            let step: [EF; 5] = core::array::from_fn(|k| high[k] - low[k]);
            let two: [EF; 5] = core::array::from_fn(|k| high[k] + step[k]);
            let three = core::array::from_fn(|k| two[k] + step[k]);
            [low, two, three]
                .map(|[eq, n0, n1, d0, d1]: [EF; 5]| eq * halves_of([n0, n1, d0, d1]).sum(lambda))
        };
        let add = |a: [EF; DEGREE], b: [EF; DEGREE]| core::array::from_fn(|k| a[k] + b[k]);
        let zeros = || [EF::ZERO; DEGREE];
        if half >= PARALLEL {
            (0..half).into_par_iter().par_fold_reduce(zeros, |sums, i| add(sums, at(i)), add)
        } else {
            (0..half).fold(zeros(), |sums, i| add(sums, at(i)))
        }
    }

    /// Proves that the sum of the fractions, whose number is a power of two, is zero, and returns
    /// the evaluation point at which the reduction ends. If the sum is not zero, no verifier
    /// accepts the messages.
    pub(crate) fn prove(
        numerators: &[F],
        denominators: Vec<EF>,
        challenger: &mut Challenger,
    ) -> (Reduction, Vec<EF>) {
        let n = numerators.iter().map(|&n| EF::from(n)).collect();
        let mut cubes = vec![Cube { n, d: denominators }];
        while let Some(sums) = cubes.last().filter(|cube| cube.n.len() > 1).map(Cube::sums) {
            cubes.push(sums);
        }
        let root_denominator = cubes.pop().map_or(EF::ZERO, |root| root.d[0]);
        challenger.observe_algebra_element(root_denominator);
        let (mut point, mut layers) = (Vec::new(), Vec::new());
        let (mut numerator, mut denominator) = (EF::ZERO, root_denominator);
        while let Some(cube) = cubes.pop() {
            let lambda = draw(challenger);
            let mut sum = numerator + lambda * denominator;
            let mut tables = vec![eq_table(&point)];
            tables.extend(cube.split());
            let (mut round_polys, mut next) = (Vec::new(), vec![EF::ZERO]);
            for _ in &point {
                let [at_0, at_2, at_3] = round_poly(&tables, lambda);
                let sent = coefficients(vec![at_0, sum - at_0, at_2, at_3]);
                let sent = core::array::from_fn(|k| sent[k]);
                let r = next_coordinate(&sent, challenger);
                sum = evaluate(&sent, sum, r);
                fold(&mut tables, r);
                round_polys.push(sent);
                next.push(r);
            }
            let halves = halves_of(core::array::from_fn(|k| tables[k + 1][0]));
            next[0] = first_coordinate(&halves, challenger);
            (numerator, denominator) = halves.join(next[0]);
            point = next;
            layers.push(Layer { round_polys, halves });
        }
        (Reduction { root_denominator, layers }, point)
    }
}
#[cfg(feature = "prover")]
pub(crate) use prover::prove;

#[cfg(all(test, feature = "prover"))]
mod tests {
    use super::*;
    use crate::{
        field::{eq_table, F},
        pcs,
    };
    use alloc::vec;
    use p3_field::Field;

    const VARS: usize = 4;

    /// Fractions whose sum is zero.
    fn fractions() -> (Vec<F>, Vec<EF>) {
        let numerators: Vec<F> = (0..1 << VARS).map(|i| F::from_usize(i % 3)).collect();
        let mut denominators: Vec<EF> =
            (0..1 << VARS).map(|i| EF::from(F::from_usize(i * i + 5)) + EF::ONE).collect();
        let last = denominators.len() - 1;
        assert_ne!(numerators[last - 1], F::ZERO);
        let sum: EF = (0..=last)
            .filter(|i| *i != last - 1)
            .map(|i| denominators[i].inverse() * numerators[i])
            .sum();
        denominators[last - 1] = -sum.inverse() * numerators[last - 1];
        (numerators, denominators)
    }

    fn challenger() -> Challenger {
        pcs::challenger(b"test".to_vec())
    }

    fn replay(reduction: &Reduction) -> Result<Leaf, ReductionError> {
        verify(reduction, VARS, &mut challenger())
    }

    #[test]
    fn a_sum_that_is_zero_is_reduced_to_the_fractions_evaluations_at_a_point() {
        let (numerators, denominators) = fractions();
        let (reduction, end) = prove(&numerators, denominators.clone(), &mut challenger());
        let leaf = replay(&reduction).unwrap();
        assert_eq!(leaf.point, end);
        let eq = eq_table(&end);
        assert_eq!(leaf.numerator, eq.iter().zip(numerators).map(|(&e, n)| e * n).sum());
        assert_eq!(leaf.denominator, eq.iter().zip(denominators).map(|(&e, d)| e * d).sum());
    }

    #[test]
    fn a_sum_that_is_not_zero_has_no_reduction() {
        let (mut numerators, denominators) = fractions();
        numerators[3] += F::ONE;
        let (reduction, _) = prove(&numerators, denominators, &mut challenger());
        assert_eq!(replay(&reduction), Err(ReductionError::Layer(0)));
    }

    #[test]
    fn any_other_message_leads_to_another_claim_or_to_none() {
        let (numerators, denominators) = fractions();
        let (reduction, _) = prove(&numerators, denominators, &mut challenger());
        let changed = |change: &dyn Fn(&mut Reduction)| {
            let mut other = reduction.clone();
            change(&mut other);
            replay(&other)
        };
        assert_eq!(changed(&|it| it.root_denominator += EF::ONE), Err(ReductionError::Layer(0)));
        assert_eq!(
            changed(&|it| it.root_denominator = EF::ZERO),
            Err(ReductionError::NoDenominator)
        );
        for layer in 0..VARS {
            for half in 0..2 {
                let numerator = changed(&|it| it.layers[layer].halves.n[half] += EF::ONE);
                assert_eq!(numerator, Err(ReductionError::Layer(layer)));
                let denominator = changed(&|it| it.layers[layer].halves.d[half] += EF::ONE);
                assert_eq!(denominator, Err(ReductionError::Layer(layer)));
            }
            for round in 0..layer {
                for k in 0..DEGREE {
                    let it = changed(&|it| it.layers[layer].round_polys[round][k] += EF::ONE);
                    assert_eq!(it, Err(ReductionError::Layer(layer)));
                }
            }
        }
        // Numerators and denominators whose sum would be right for another challenge.
        let exchanged = changed(&|it| {
            let halves = &mut it.layers[VARS - 1].halves;
            core::mem::swap(&mut halves.n, &mut halves.d);
        });
        assert_eq!(exchanged, Err(ReductionError::Layer(VARS - 1)));
    }

    #[test]
    fn a_reduction_of_another_shape_is_refused() {
        let (numerators, denominators) = fractions();
        let (reduction, _) = prove(&numerators, denominators, &mut challenger());
        for vars in [0, VARS - 1, VARS + 1] {
            assert_eq!(verify(&reduction, vars, &mut challenger()), Err(ReductionError::Shape));
        }
        let mut other = reduction.clone();
        other.layers[2].round_polys.pop();
        assert_eq!(replay(&other), Err(ReductionError::Shape));
        other = reduction;
        other.layers[2].round_polys.push([EF::ZERO; DEGREE]);
        assert_eq!(replay(&other), Err(ReductionError::Shape));
    }

    /// A reduction of one layer with the sum `0/2` that holds for one `lambda` only.
    fn reduction_for(lambda: EF) -> Reduction {
        let halves = Halves { n: [lambda, EF::ZERO], d: [EF::ONE; 2] };
        let layers = vec![Layer { round_polys: Vec::new(), halves }];
        Reduction { root_denominator: EF::TWO, layers }
    }

    #[test]
    fn lambda_is_drawn_after_the_root_denominator_is_absorbed() {
        let foreseen = draw(&mut challenger());
        let refused = verify(&reduction_for(foreseen), 1, &mut challenger());
        assert_eq!(refused, Err(ReductionError::Layer(0)));
        let mut after = challenger();
        after.observe_algebra_element(EF::TWO);
        assert!(verify(&reduction_for(draw(&mut after)), 1, &mut challenger()).is_ok());
    }

    #[test]
    fn a_different_root_denominator_leads_to_different_challenges() {
        let next = |root_denominator| {
            let mut challenger = challenger();
            let root = Reduction { root_denominator, layers: Vec::new() };
            verify(&root, 0, &mut challenger).unwrap();
            draw(&mut challenger)
        };
        assert_eq!(next(EF::TWO), next(EF::TWO));
        assert_ne!(next(EF::TWO), next(EF::ONE));
    }

    #[test]
    fn different_halves_lead_to_a_different_first_coordinate() {
        let coordinate = |halves| first_coordinate(&halves, &mut challenger());
        let halves = Halves { n: [EF::ONE; 2], d: [EF::TWO; 2] };
        let drawn = coordinate(halves);
        assert_eq!(coordinate(halves), drawn);
        for half in 0..2 {
            let (mut numerator, mut denominator) = (halves, halves);
            numerator.n[half] += EF::ONE;
            denominator.d[half] += EF::ONE;
            assert_ne!(coordinate(numerator), drawn);
            assert_ne!(coordinate(denominator), drawn);
        }
    }
}
