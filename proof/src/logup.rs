//! LogUp: one sum over all lookups of a proof, which [`crate::fractions`] reduces to one point.
//!
//! ```text
//! Σ_lookups 1/(α - fp(key, value))  -  Σ_tables Σ_rows m(row)/(α - fp(row))  =  0
//! fp(key, value) = key + β·value + β²·tag
//! ```
//!
//! Blocks of fractions (the column of a limb, the pairs of an activation, a table) lie one after
//! the other in one cube, largest first. Each block is therefore aligned, and its contribution at a
//! point is `eq(high coordinates, index of the block) · column(low coordinates)`. The rest of the
//! cube holds the fraction `0/1`.

use crate::{
    circuit::Circuit,
    field::{eq_at, EF, F},
};
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// The fractions of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// The column of a limb, looked up in its range.
    Limb { activation: usize, limb: usize },
    /// Pairs of key and value of an activation, looked up in its table.
    Pairs { activation: usize, tag: usize },
    /// The rows of a table, with their negated multiplicities as numerators.
    Table { tag: usize },
}

/// A block of fractions in the cube.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// The fractions.
    pub content: Content,
    /// Log2 of the number of fractions.
    pub vars: usize,
    /// Index of the first fraction, a multiple of the block's length.
    pub offset: u64,
}

/// The positions of all blocks in the cube.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The blocks, largest first.
    pub(crate) blocks: Vec<Block>,
    /// Number of variables of the cube.
    pub vars: usize,
}

/// The columns of an activation, as cells or as evaluations at a point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Columns<T> {
    /// The keys that are looked up with the values: quotients, or the operand of a lookup. Unused
    /// for maxima, whose differences are looked up without values.
    pub keys: T,
    /// The values of the activation.
    pub values: T,
    /// Limbs of the remainders, least significant first, or differences of a maximum.
    pub limbs: Vec<T>,
}

/// All columns in the sum, as cells or as evaluations at a point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cells<T> {
    /// Columns of each activation.
    pub activations: Vec<Columns<T>>,
    /// Multiplicities of each table.
    pub multiplicities: Vec<T>,
}

/// The challenges of the sum, drawn after all its columns are committed.
#[derive(Clone, Copy)]
pub(crate) struct Challenges {
    /// The point at which the rational function is evaluated.
    pub alpha: EF,
    /// Separates key, value and tag.
    pub beta: EF,
}

impl Challenges {
    /// `α - fp(key, value)`, for a table with this tag.
    pub(crate) fn denominator(self, key: EF, value: EF, tag: usize) -> EF {
        self.alpha - (key + self.beta * (value + self.beta * F::from_usize(tag)))
    }
}

impl Layout {
    /// Lays out the lookups and tables of a circuit.
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
        // The number of fractions is at most the number of cells of the witness, which is bounded.
        let mut end = 0u64;
        let blocks = contents.into_iter().map(|(content, vars)| {
            let offset = end;
            end += 1 << vars;
            Block { content, vars, offset }
        });
        let blocks = blocks.collect();
        Self { blocks, vars: end.next_power_of_two().ilog2() as usize }
    }

    /// Numerator and denominator of the cube at `point`, from the evaluations of the committed
    /// columns at its suffixes.
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
            let selector = eq_at(high, (block.offset >> block.vars) as usize);
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
            numerator += selector * n;
            denominator += selector * d;
            covered += selector;
        }
        (numerator, denominator + EF::ONE - covered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pcs, transcript::draw};

    /// Random challenges, a random key and a random value.
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
    fn a_shift_between_key_value_and_tag_changes_the_denominator() {
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
