//! The prover's part of the lookups.

use crate::{
    circuit::Circuit,
    field::{int, EF, F},
    fractions::{self, Reduction},
    logup::{Cells, Challenges, Content, Layout},
    pcs::Challenger,
};
use alloc::{vec, vec::Vec};
use p3_field::{batch_multiplicative_inverse, Field, PrimeCharacteristicRing};

impl Layout {
    /// Reduces the sum of all lookups and returns the evaluation point at which the reduction ends.
    ///
    /// For tests of a dishonest prover, whose sum is not zero: with `forge_sum`, one fraction is
    /// changed so that it is. The verifier then has to detect that the fractions are not those of
    /// the committed columns.
    pub(super) fn prove(
        &self,
        circuit: &Circuit,
        cells: &Cells<Vec<F>>,
        challenges: Challenges,
        forge_sum: bool,
        challenger: &mut Challenger,
    ) -> (Reduction, Vec<EF>) {
        let (numerators, mut denominators) = self.fractions(circuit, cells, challenges);
        if forge_sum {
            forge_one(&numerators, &mut denominators);
        }
        fractions::prove(&numerators, denominators, challenger)
    }

    /// Numerators and denominators of all fractions in the cube.
    fn fractions(
        &self,
        circuit: &Circuit,
        cells: &Cells<Vec<F>>,
        challenges: Challenges,
    ) -> (Vec<F>, Vec<EF>) {
        let mut numerators = vec![F::ZERO; 1 << self.vars];
        let mut denominators = vec![EF::ONE; 1 << self.vars];
        for block in &self.blocks {
            let first = block.offset as usize;
            for row in 0..1 << block.vars {
                let (numerator, key, value, tag) = match block.content {
                    Content::Limb { activation, limb } => {
                        let tag = circuit.activations[activation].limb_tag();
                        (F::ONE, cells.activations[activation].limbs[limb][row], F::ZERO, tag)
                    },
                    Content::Pairs { activation, tag } => {
                        let columns = &cells.activations[activation];
                        (F::ONE, columns.keys[row], columns.values[row], tag)
                    },
                    Content::Table { tag } => {
                        let table = &circuit.tables[tag];
                        let key = table.key(row);
                        (-cells.multiplicities[tag][row], int(key), int(table.value(key)), tag)
                    },
                };
                numerators[first + row] = numerator;
                denominators[first + row] = challenges.denominator(key.into(), value.into(), tag);
            }
        }
        (numerators, denominators)
    }
}

/// Changes one denominator so that the sum of the fractions is zero.
fn forge_one(numerators: &[F], denominators: &mut [EF]) {
    let inverses = batch_multiplicative_inverse(denominators);
    let sum: EF = inverses.iter().zip(numerators).map(|(&d, &n)| d * n).sum();
    if let Some(leaf) = numerators.iter().position(|n| !n.is_zero()) {
        let rest = sum - inverses[leaf] * numerators[leaf];
        denominators[leaf] = -rest.inverse() * numerators[leaf];
    }
}
