//! One sum over all lookups of a proof, which [`crate::fractions`] reduces to one point.
//!
//! ```text
//! Σ_lookups 1/(α - fp(key, value))  -  Σ_tables Σ_rows m(row)/(α - fp(row))  =  0
//! fp(key, value) = key + β·value + β²·tag
//! ```
//!
//! Blocks of fractions (a limb's column, the pairs of an activation, a table) lie one after the
//! other in one cube, largest first. So each is aligned, and its restriction to a point is
//! `eq(high coordinates, its place) · column(low coordinates)`. What is left of the cube is the
//! fraction `0/1`.

use crate::{
    circuit::Circuit,
    field::{eq_at, EF, F},
};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// What a block of fractions is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// A limb's column, looked up in its range.
    Limb { activation: usize, limb: usize },
    /// Keys and values of an activation, looked up in its table.
    Pairs { activation: usize, tag: usize },
    /// A table with minus its multiplicities.
    Table { tag: usize },
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub content: Content,
    pub vars: usize,
    /// A multiple of its length.
    pub offset: u64,
}

/// Where the blocks lie.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) blocks: Vec<Block>,
    /// Variables of the cube.
    pub vars: usize,
}

/// An activation's columns, or their values at a point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Columns<T> {
    /// What is looked up beside the values: quotients, or the values that are mapped. The
    /// differences of a maximum have none, and this is empty.
    pub keys: T,
    /// The activation itself.
    pub values: T,
    /// Limbs of the remainders, the lowest first, or differences of a maximum.
    pub limbs: Vec<T>,
}

/// Everything that the sum is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cells<T> {
    /// For each activation.
    pub activations: Vec<Columns<T>>,
    /// For each table.
    pub multiplicities: Vec<T>,
}

/// Drawn after everything in the sum is committed.
#[derive(Clone, Copy)]
pub(crate) struct Challenges {
    pub alpha: EF,
    pub beta: EF,
}

impl Challenges {
    pub(crate) fn denominator(self, key: EF, value: EF, tag: usize) -> EF {
        self.alpha - (key + self.beta * (value + self.beta * F::from_usize(tag)))
    }
}

impl Layout {
    pub fn new(circuit: &Circuit) -> Self {
        let tables = circuit.tables.iter().enumerate();
        let mut contents: Vec<_> =
            tables.map(|(tag, table)| (Content::Table { tag }, table.vars())).collect();
        for (index, activation) in circuit.activations.iter().enumerate() {
            let limbs =
                (0..activation.limbs()).map(|limb| Content::Limb { activation: index, limb });
            let pairs = activation.pair_tag().map(|tag| Content::Pairs { activation: index, tag });
            contents.extend(limbs.chain(pairs).map(|content| (content, activation.grid.vars())));
        }
        contents.sort_by_key(|(_, vars)| core::cmp::Reverse(*vars));
        // There are no more fractions than cells of the witness, whose number is bounded.
        let mut end = 0u64;
        let blocks = contents.into_iter().map(|(content, vars)| {
            let offset = end;
            end += 1 << vars;
            Block { content, vars, offset }
        });
        let blocks = blocks.collect();
        Self { blocks, vars: end.next_power_of_two().ilog2() as usize }
    }

    /// Numerator and denominator that the cube has at `point`, from the values that the committed
    /// columns have at its suffixes.
    pub fn evaluate(
        &self,
        circuit: &Circuit,
        cells: &Cells<EF>,
        challenges: Challenges,
        point: &[EF],
    ) -> (EF, EF) {
        let (mut numerator, mut denominator, mut covered) = (EF::ZERO, EF::ZERO, EF::ZERO);
        for block in &self.blocks {
            let (high, low) = point.split_at(self.vars - block.vars);
            let place = eq_at(high, (block.offset >> block.vars) as usize);
            let (n, d) = match block.content {
                Content::Limb { activation, limb } => {
                    let tag = circuit.activations[activation].limb_tag();
                    let limb = cells.activations[activation].limbs[limb];
                    (EF::ONE, challenges.denominator(limb, EF::ZERO, tag))
                },
                Content::Pairs { activation, tag } => {
                    let columns = &cells.activations[activation];
                    (EF::ONE, challenges.denominator(columns.keys, columns.values, tag))
                },
                Content::Table { tag } => {
                    let (key, value) = circuit.tables[tag].evaluate(low);
                    (-cells.multiplicities[tag], challenges.denominator(key, value, tag))
                },
            };
            numerator += place * n;
            denominator += place * d;
            covered += place;
        }
        (numerator, denominator + EF::ONE - covered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pcs, transcript::draw};

    /// Challenges, a key and a value, all random.
    fn drawn() -> (Challenges, EF, EF) {
        let mut challenger = pcs::challenger(b"test".to_vec());
        let [alpha, beta, key, value] = core::array::from_fn(|_| draw(&mut challenger));
        (Challenges { alpha, beta }, key, value)
    }

    #[test]
    fn equal_rows_of_different_tables_have_different_denominators() {
        let (challenges, key, value) = drawn();
        let tagged = |tag| challenges.denominator(key, value, tag);
        assert_ne!(tagged(0), tagged(1));
        assert_ne!(tagged(1), tagged(2));
    }

    #[test]
    fn what_is_moved_between_key_value_and_tag_changes_the_denominator() {
        let (challenges, key, value) = drawn();
        let denominator = challenges.denominator(key, value, 1);
        assert_ne!(denominator, challenges.denominator(key + EF::ONE, value - EF::ONE, 1));
        assert_ne!(denominator, challenges.denominator(key + EF::ONE, value, 0));
        assert_ne!(denominator, challenges.denominator(key, value + EF::ONE, 0));
        assert_ne!(denominator, challenges.denominator(value, key, 1));
    }

    #[test]
    fn a_denominator_is_alpha_minus_the_fingerprint() {
        let (challenges, key, value) = drawn();
        let Challenges { alpha, beta } = challenges;
        let fingerprint = key + beta * value + beta.square() * F::from_usize(3);
        assert_eq!(challenges.denominator(key, value, 3), alpha - fingerprint);
    }
}
