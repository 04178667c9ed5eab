//! That proofs are of the published weights.
//!
//! An architecture names the weights twice: by a digest, which whoever has a piece of them can
//! check it against, and by the root that proofs open. A root may leave several polynomials open,
//! and those who made it choose among them anew with each proof; so that one opening agrees with
//! the published weights would say nothing about the next.
//!
//! Therefore each proof also opens the committed columns at a place that is fixed once digest and
//! root are, and so after both: all randomness here follows from the version's digest. The values
//! there, each times a power of γ, add up to the *fingerprint* of what the proof is of. An [`Audit`]
//! makes the same sum of the published weights, piece by piece. Different weights have one
//! fingerprint no more often than the draws over a field of almost 2^192 elements allow, for all
//! polynomials that the root leaves open:
//! [`Verifier::security_bits`](crate::Verifier::security_bits) counts it.

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

/// How far an audit is. Plain data, to be kept between pieces; begins with its default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct AuditState {
    /// Of what has been read; the weights' own when all has been.
    pub fingerprint: Fingerprint,
    /// Bytes that have been read.
    pub done: u64,
}

/// What comes next of the weights, which are read set by set: the weights of each, then its biases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WeightSlice {
    /// Index of the parameter set.
    pub set: usize,
    /// Which of its elements.
    pub elements: Elements,
    /// The first byte of these elements that has not been read.
    pub first: usize,
    /// Bytes of all these elements.
    pub length: usize,
}

impl WeightSlice {
    /// The bytes of the part that are left.
    pub const fn left(&self) -> usize {
        self.length - self.first
    }

    /// The same bytes of published weights; `None` if there is no such parameter set.
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

/// Why bytes are not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditError {
    /// The bytes are none, too many, or end within an element: [`Audit::next`] says what comes next.
    UnexpectedBytes,
    /// A bias exceeds [`MAX_BIAS`] in magnitude. No proof of such weights says what the interpreter
    /// says: the version cannot be proven, and has to be published anew with other scales.
    Bias {
        /// The bias.
        bias: i32,
    },
}

impl core::fmt::Display for AuditError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::UnexpectedBytes => f.write_str("not the bytes whose turn it is"),
            Self::Bias { bias } => write!(f, "a bias is {bias}, more than {MAX_BIAS} in magnitude"),
        }
    }
}

impl core::error::Error for AuditError {}

/// Makes the fingerprint of one version's published weights, piece by piece.
pub struct Audit {
    circuit: Circuit,
    fingerprint_point: FingerprintPoint,
}

impl Audit {
    /// Derives everything from an architecture that has passed its checks.
    pub fn new(plan: &Plan) -> Result<Self, SetupError> {
        let architecture = plan.architecture();
        let parameters = ProofParameters::from_bytes(&architecture.commitments.proof_parameters)
            .ok_or(SetupError::ProofParameters)?;
        let circuit = Circuit::new(plan, parameters.limbs)?;
        let fingerprint_point = FingerprintPoint::new(&circuit, &architecture.digest());
        Ok(Self { circuit, fingerprint_point })
    }

    fn layers(&self) -> impl Iterator<Item = (&Layer, &Matrix)> {
        let layers = self.circuit.layers.iter();
        layers.filter_map(|layer| Some((layer, layer.matrix.as_ref()?)))
    }

    /// All parts, with the byte that each begins with.
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

    /// Bytes of all weights and biases.
    pub fn total_bytes(&self) -> u64 {
        self.parts().map(|(_, part)| part.length as u64).sum()
    }

    /// What comes next; `None` when all has been read.
    pub fn next(&self, state: &AuditState) -> Option<WeightSlice> {
        self.parts().find_map(|(start, part)| {
            // A state from elsewhere may be further than memory reaches.
            let first = usize::try_from(state.done.checked_sub(start)?).ok()?;
            (first < part.length).then_some(WeightSlice { first, ..part })
        })
    }

    /// Reads the next bytes, which the caller has checked against the weights' digest.
    ///
    /// Takes a few steps for each byte, and at most 2^15 more.
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

    /// Opens what comes next of published weights, part by part: at most `max_parts` parts of
    /// together at most `max_bytes` bytes, which is a leaf at least. A part that does not fit ends
    /// with a whole leaf.
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

    /// The fingerprint of weights that are all there; `None` if they are not of this model's shapes,
    /// or a bias exceeds its bound.
    pub fn fingerprint(&self, weights: &Weights) -> Option<Fingerprint> {
        let mut state = AuditState::default();
        while let Some(part) = self.next(&state) {
            self.take(&mut state, &part.of(weights)?).ok()?;
        }
        Some(state.fingerprint)
    }

    fn weights_sum(&self, layer: &Layer, matrix: &Matrix, first: usize, weights: &[u8]) -> EF {
        // Where each column of the matrix lies, ascending.
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
