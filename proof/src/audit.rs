//! That a root is the root of the published weights, checked piece by piece.
//!
//! The architecture names the weights twice: by a digest, which whoever has a piece of them can
//! check it against, and by the root that proofs open. Both are fixed before the version's digest
//! is, and all randomness here follows from that digest. At a random point for each committed
//! column, the committed polynomials' values, each times a power of γ, are opened once and added
//! up; the same sum over the published weights is taken off it piece by piece. If any weight or
//! bias differs, zero is left no more often than the opening's error and the draws over a field of
//! almost 2^192 elements allow: [`Verifier::security_bits`](crate::Verifier::security_bits) is
//! below both.

use crate::{
    circuit::{Layer, Linear, Matrix},
    encoding,
    error::{Reject, SetupError},
    field::{eq_table, int, EF, F},
    pcs::Challenger,
    transcript::absorb_items,
    verifier::{draw, draw_point, powers, Verifier},
};
use alloc::{string::ToString, vec::Vec};
use assay_graph::Plan;
use codec::{Decode, Encode};
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};

/// Begins the transcript of an audit.
pub const AUDIT: &[u8] = b"assay/weights-audit/1";

/// Checks the commitment to the weights of one version.
pub struct Audit {
    verifier: Verifier,
}

/// What is left to be checked. Plain data, to be kept between pieces.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct AuditState {
    /// The sum that the weights which are left have to have: an element of the extension field.
    left: [u64; 3],
    /// Index of the parameter set whose turn it is.
    set: u32,
    /// How many of its weights and then biases are done.
    done: u32,
}

/// A piece of a parameter set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece<'a> {
    /// The next weights, in their order.
    Weights(&'a [i8]),
    /// All biases; only after all weights.
    Bias(&'a [i32]),
}

/// What the next piece has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Weights of this parameter set, from this one on; so many are left.
    Weights {
        /// Index of the set.
        set: usize,
        /// Index of the weight.
        first: usize,
        /// Number of weights that are left of the set.
        left: usize,
    },
    /// The biases of this parameter set.
    Bias {
        /// Index of the set.
        set: usize,
        /// Number of biases.
        count: usize,
    },
    /// Nothing: the root is that of the weights.
    Done,
}

/// Why a piece is refused, or the root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditError {
    /// The piece is not the next one: [`Audit::next`] says which one is.
    NotNext,
    /// All weights are through, and the root is not theirs.
    OtherWeights,
}

impl core::fmt::Display for AuditError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotNext => "not the piece whose turn it is",
            Self::OtherWeights => "the root is of other weights",
        })
    }
}

impl core::error::Error for AuditError {}

/// Where each committed column is opened, and the factor of its value.
pub(crate) struct Places {
    pub points: Vec<Vec<EF>>,
    factors: Vec<EF>,
}

impl AuditState {
    fn new(sum: EF) -> Self {
        let mut state = Self { left: [0; 3], set: 0, done: 0 };
        state.set_left(sum);
        state
    }

    fn left(&self) -> EF {
        // Taken from a field element; the reduction matters to bytes from elsewhere only.
        EF::from_basis_coefficients_fn(|i| F::from_u64(self.left[i]))
    }

    fn set_left(&mut self, sum: EF) {
        let coefficients: &[F] = sum.as_basis_coefficients_slice();
        for (left, coefficient) in self.left.iter_mut().zip(coefficients) {
            *left = coefficient.as_canonical_u64();
        }
    }
}

/// The transcript of an audit, and what is drawn from it.
pub(crate) fn places(verifier: &Verifier) -> (Places, Challenger) {
    let mut challenger = absorb_items(&[AUDIT, &verifier.version]);
    verifier.model.absorb(&verifier.weights_root, &mut challenger);
    let gamma = draw(&mut challenger);
    let tables = verifier.circuit.model_tables();
    let points = tables.iter().map(|table| draw_point(table.vars, &mut challenger)).collect();
    (Places { points, factors: powers(gamma, tables.len()) }, challenger)
}

impl Audit {
    /// Derives everything from an architecture that has passed its checks.
    pub fn new(plan: &Plan) -> Result<Self, SetupError> {
        Ok(Self { verifier: Verifier::new(plan)? })
    }

    /// Verifies the opening of the commitment that [`Prover::open_weights`] makes, which begins an
    /// audit.
    ///
    /// [`Prover::open_weights`]: crate::Prover::open_weights
    pub fn begin(&self, opening: &[u8]) -> Result<AuditState, Reject> {
        let verifier = &self.verifier;
        let opening = encoding::decode_opening(&verifier.model, opening)?;
        let (Places { points, factors }, mut challenger) = places(verifier);
        let values = verifier
            .model
            .verify(&verifier.weights_root, &opening, points, &mut challenger)
            .map_err(|e| Reject::ModelOpening(e.to_string()))?;
        let terms = values.iter().zip(factors);
        Ok(AuditState::new(terms.map(|(value, factor)| value[0] * factor).sum()))
    }

    fn layers(&self) -> impl Iterator<Item = (&Layer, &Matrix)> {
        let layers = self.verifier.circuit.layers.iter();
        layers.filter_map(|layer| Some((layer, layer.matrix.as_ref()?)))
    }

    /// Which piece comes next.
    pub fn next(&self, state: &AuditState) -> Next {
        let (set, done) = (state.set as usize, state.done as usize);
        let Some((_, matrix)) = self.layers().nth(set) else { return Next::Done };
        let weights = matrix.rows * matrix.columns;
        match weights.checked_sub(done) {
            Some(left) if left > 0 => Next::Weights { set, first: done, left },
            _ => Next::Bias { set, count: matrix.rows },
        }
    }

    /// Takes a piece off what is left. The caller has checked it against the weights' digest.
    ///
    /// Takes a step for each weight, and one for each row and column of the matrix.
    pub fn take(&self, state: &mut AuditState, piece: Piece<'_>) -> Result<Next, AuditError> {
        let sum = match (self.next(state), piece) {
            (Next::Weights { set, first, left }, Piece::Weights(weights))
                if !weights.is_empty() && weights.len() <= left =>
            {
                state.done += weights.len() as u32;
                self.weights_sum(set, first, weights)
            },
            (Next::Bias { set, count }, Piece::Bias(bias)) if bias.len() == count => {
                (state.set, state.done) = (state.set + 1, 0);
                self.bias_sum(set, bias)
            },
            _ => return Err(AuditError::NotNext),
        };
        state.set_left(state.left() - sum);
        match self.next(state) {
            Next::Done if state.left() != EF::ZERO => Err(AuditError::OtherWeights),
            next => Ok(next),
        }
    }

    fn weights_sum(&self, set: usize, first: usize, weights: &[i8]) -> EF {
        let Some((layer, matrix)) = self.layers().nth(set) else { return EF::ZERO };
        let (Places { points, factors }, _) = places(&self.verifier);
        // For each block the `eq` of its rows, and that of its columns times the factor.
        let blocks: Vec<_> = matrix
            .blocks
            .iter()
            .enumerate()
            .map(|(index, block)| {
                let table = matrix.table + index;
                let (row, column) = points[table].split_at(matrix.row_vars);
                let mut columns = eq_table(column);
                columns.iter_mut().for_each(|eq| *eq *= factors[table]);
                (block.first, eq_table(row), columns)
            })
            .collect();
        let cells: Vec<usize> = match layer.linear {
            Linear::Dense => layer.operands[0].grid.cells().collect(),
            _ => (0..matrix.columns).collect(),
        };
        let mut sum = EF::ZERO;
        let mut rest = weights;
        let mut at = first;
        while !rest.is_empty() {
            let (row, column) = (at / matrix.columns, at % matrix.columns);
            let (piece, next) = rest.split_at(rest.len().min(matrix.columns - column));
            let places = cells[column..].iter().zip(piece);
            for (first, rows, columns) in &blocks {
                let inside = places.clone().filter_map(|(cell, weight)| {
                    let eq = columns.get(cell.checked_sub(*first)?)?;
                    Some(*eq * int(i64::from(*weight)))
                });
                sum += inside.sum::<EF>() * rows[row];
            }
            at += piece.len();
            rest = next;
        }
        sum
    }

    fn bias_sum(&self, set: usize, bias: &[i32]) -> EF {
        let Some((_, matrix)) = self.layers().nth(set) else { return EF::ZERO };
        let (Places { points, factors }, _) = places(&self.verifier);
        let table = matrix.bias_table();
        let terms = eq_table(&points[table]).into_iter().zip(bias);
        terms.map(|(eq, bias)| eq * int(i64::from(*bias))).sum::<EF>() * factors[table]
    }
}
