//! Binds proofs to the published weights.
//!
//! An architecture identifies its weights twice: by a Merkle digest, against which any piece of the
//! published weights can be checked, and by the root that proofs open. In the list-decoding regime
//! a root may be consistent with several polynomials, and its creator may choose among them in each
//! proof. That one opening agrees with the published weights would therefore say nothing about the
//! next.
//!
//! Each proof therefore also opens the committed columns at a point that is derived from the
//! version's digest, which covers both the Merkle digest and the root. The opened values, each
//! multiplied by a power of γ, add up to the *fingerprint* of the weights that the proof covers. An
//! [`Audit`] computes the same sum of the published weights, piece by piece. Weights that differ
//! have the same fingerprint only with negligible probability over a field of almost 2^192
//! elements, for all polynomials that are consistent with the root;
//! [`Verifier::security_bits`](crate::Verifier::security_bits) includes this error.

use crate::{
    circuit::{Circuit, Layer, Linear, Matrix},
    error::SetupError,
    field::{IntegerSum, WideSum, EF},
    fingerprint::{Fingerprint, FingerprintPoint},
    parameters::ProofParameters,
};
use alloc::vec::Vec;
use assay_graph::{
    bounds::MAX_BIAS,
    commit::{Elements, ElementsOpening},
    merkle::{Content, OpeningError, LEAF_BYTES},
    Plan, Weights,
};
use codec::{Decode, Encode};
use p3_field::PrimeCharacteristicRing;

/// Progress of an audit. Plain data that can be stored between pieces. The default is the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct AuditState {
    /// Fingerprint of what has been read so far; that of the weights when everything has been read.
    pub fingerprint: Fingerprint,
    /// Number of bytes read.
    pub done: u64,
}

/// The next part of the weights to be read. They are read per parameter set: its weights, then its
/// biases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WeightSlice {
    /// Index of the parameter set.
    pub set: usize,
    /// Whether these are the weights or the biases of the set.
    pub elements: Elements,
    /// Offset of the first unread byte within these elements.
    pub first: usize,
    /// Total number of bytes of these elements.
    pub length: usize,
}

impl WeightSlice {
    /// Number of unread bytes of these elements.
    pub const fn left(&self) -> usize {
        self.length - self.first
    }

    /// These unread bytes of published weights; `None` if the weights do not have them.
    pub fn of(&self, weights: &Weights) -> Option<Vec<u8>> {
        match self.elements.content(weights.parameters.get(self.set)?) {
            Content::Bytes(bytes) => bytes.get(self.first..self.length).map(<[u8]>::to_vec),
            Content::Int8(weights) => {
                let weights = weights.get(self.first..self.length)?;
                Some(weights.iter().map(|weight| *weight as u8).collect())
            },
            Content::Int32(bias) => {
                let bias = bias.get(self.first / 4..self.length / 4)?;
                Some(bias.iter().flat_map(|bias| bias.to_le_bytes()).collect())
            },
        }
    }
}

/// Why [`Audit::take`] refuses bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditError {
    /// There are no bytes, more than expected, or an incomplete element. [`Audit::next`] returns
    /// what is expected.
    UnexpectedBytes,
    /// A bias exceeds [`MAX_BIAS`] in magnitude, so the interpreter refuses the weights. The
    /// version cannot be proven: publish it again with other scales.
    Bias {
        /// The bias.
        bias: i32,
    },
}

impl core::fmt::Display for AuditError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnexpectedBytes => f.write_str("not the bytes that come next in the audit"),
            Self::Bias { bias } => write!(f, "bias {bias} exceeds {MAX_BIAS} in magnitude"),
        }
    }
}

impl core::error::Error for AuditError {}

/// Computes the fingerprint of one version's published weights, piece by piece.
pub struct Audit {
    circuit: Circuit,
    fingerprint_point: FingerprintPoint,
}

impl Audit {
    /// Derives an audit from an architecture that has passed its checks.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if the proof parameters are invalid or an operation cannot be proven.
    pub fn new(plan: &Plan) -> Result<Self, SetupError> {
        let architecture = plan.architecture();
        let parameters = ProofParameters::from_bytes(&architecture.commitments.proof_parameters)
            .ok_or(SetupError::ProofParameters)?;
        let circuit = Circuit::new(plan, parameters.limbs)?;
        let fingerprint_point = FingerprintPoint::new(&circuit, &architecture.digest());
        Ok(Self { circuit, fingerprint_point })
    }

    /// Layers with weights, in the order of the parameter sets.
    fn layers(&self) -> impl Iterator<Item = (&Layer, &Matrix)> {
        let layers = self.circuit.layers.iter();
        layers.filter_map(|layer| Some((layer, layer.matrix.as_ref()?)))
    }

    /// All parts, each with the offset of its first byte in the audit.
    fn parts(&self) -> impl Iterator<Item = (u64, WeightSlice)> + '_ {
        let parts = self.layers().enumerate().flat_map(|(set, (_, matrix))| {
            let part = |elements, length| WeightSlice { set, elements, first: 0, length };
            [
                part(Elements::Weights, matrix.rows * matrix.columns),
                part(Elements::Bias, 4 * matrix.rows),
            ]
        });
        parts.scan(0, |end, part| {
            let start = *end;
            *end += part.length as u64;
            Some((start, part))
        })
    }

    /// Total number of bytes of weights and biases.
    pub fn total_bytes(&self) -> u64 {
        self.parts().map(|(_, part)| part.length as u64).sum()
    }

    /// The next part to be read; `None` when everything has been read.
    pub fn next(&self, state: &AuditState) -> Option<WeightSlice> {
        self.parts().find_map(|(start, part)| {
            // Checked, because a stored state may hold any number.
            let first = usize::try_from(state.done.checked_sub(start)?).ok()?;
            (first < part.length).then_some(WeightSlice { first, ..part })
        })
    }

    /// Reads the next bytes, which the caller must have checked against the weights' Merkle digest.
    ///
    /// Takes a small constant number of steps per byte, and at most 2^15 more.
    ///
    /// # Errors
    ///
    /// [`AuditError`]. The state is unchanged.
    pub fn take(&self, state: &mut AuditState, bytes: &[u8]) -> Result<(), AuditError> {
        let part = self.next(state).ok_or(AuditError::UnexpectedBytes)?;
        let (layer, matrix) = self.layers().nth(part.set).ok_or(AuditError::UnexpectedBytes)?;
        if bytes.is_empty() || bytes.len() > part.left() {
            return Err(AuditError::UnexpectedBytes);
        }
        let sum = match part.elements {
            Elements::Weights => self.weights_sum(layer, matrix, part.first, bytes),
            Elements::Bias => match bytes.as_chunks::<4>() {
                (bias, []) => self.bias_sum(matrix, part.first / 4, bias)?,
                _ => return Err(AuditError::UnexpectedBytes),
            },
        };
        state.fingerprint = Fingerprint::new(state.fingerprint.value() + sum);
        state.done += bytes.len() as u64;
        Ok(())
    }

    /// Opens the next parts of published weights: at most `max_parts` parts with together at most
    /// `max_bytes` bytes, but at least one leaf. A part that does not fit is cut after a whole
    /// leaf.
    ///
    /// # Errors
    ///
    /// [`OpeningError`] if the weights do not have the expected shapes.
    pub fn open_next(
        &self,
        state: &AuditState,
        weights: &Weights,
        max_parts: usize,
        max_bytes: usize,
    ) -> Result<Vec<ElementsOpening>, OpeningError> {
        let mut state = *state;
        let mut room = max_bytes.max(LEAF_BYTES);
        let mut openings = Vec::new();
        while let Some(part) = self.next(&state).filter(|_| openings.len() < max_parts) {
            let length = match part.left() {
                left if left <= room => left,
                _ => room - room % LEAF_BYTES,
            };
            if length == 0 {
                break;
            }
            let bytes = part.first..part.first + length;
            openings.push(weights.open(part.set, part.elements, bytes)?);
            state.done += length as u64;
            room -= length;
        }
        Ok(openings)
    }

    /// The fingerprint of complete weights; `None` if they do not have this model's shapes or a
    /// bias exceeds its bound.
    pub fn fingerprint(&self, weights: &Weights) -> Option<Fingerprint> {
        let mut state = AuditState::default();
        while let Some(part) = self.next(&state) {
            self.take(&mut state, &part.of(weights)?).ok()?;
        }
        Some(state.fingerprint)
    }

    /// The contribution of some bytes of a matrix, the first of which is weight `first`.
    fn weights_sum(&self, layer: &Layer, matrix: &Matrix, first: usize, weights: &[u8]) -> EF {
        // The cell of each column of the matrix within a row, in ascending order.
        let cells: Vec<usize> = match layer.linear {
            Linear::Dense => layer.operands[0].grid.cells().collect(),
            _ => (0..matrix.columns).collect(),
        };
        let columns = matrix.columns;
        let end = first + weights.len();
        let mut sum = EF::ZERO;
        for (index, block) in matrix.blocks.iter().enumerate() {
            let mut terms =
                IntegerSum::new(self.fingerprint_point.at(matrix.row_vars + block.vars));
            let inside = cells.partition_point(|cell| *cell < block.first)
                ..cells.partition_point(|cell| *cell < block.first + (1 << block.vars));
            for row in first / columns..end.div_ceil(columns) {
                let start = row * columns;
                let from = inside.start.max(first.saturating_sub(start));
                let to = inside.end.min(end - start);
                if from >= to {
                    continue;
                }
                let piece = &weights[start + from - first..start + to - first];
                let row = row << block.vars;
                for (cell, weight) in cells[from..to].iter().zip(piece) {
                    terms.add(row + cell - block.first, (*weight as i8).into());
                }
            }
            sum += terms.sum() * self.fingerprint_point.factors[matrix.table + index];
        }
        sum
    }

    /// The contribution of some biases, the first of which is that of row `first`.
    fn bias_sum(&self, matrix: &Matrix, first: usize, bias: &[[u8; 4]]) -> Result<EF, AuditError> {
        let point = self.fingerprint_point.at(matrix.bias_vars());
        let mut sum = WideSum::new(point);
        for (index, bytes) in bias.iter().enumerate() {
            let bias = i32::from_le_bytes(*bytes);
            if bias.unsigned_abs() > MAX_BIAS.unsigned_abs() {
                return Err(AuditError::Bias { bias });
            }
            sum.add(first + index, bias);
        }
        Ok(sum.sum() * self.fingerprint_point.factors[matrix.bias_table()])
    }
}
