//! The fingerprint of weights, and the point at which it is taken. [`audit`](crate::audit) says what it
//! is for.

use crate::{
    circuit::Circuit,
    field::{powers, suffix, EF, F},
    transcript::{absorb_items, draw, draw_point},
};
use alloc::vec::Vec;
use assay_graph::Digest;
use codec::{Decode, Encode};
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};

/// Begins the transcript that the place of the fingerprint is drawn from.
pub const AUDIT: &[u8] = b"assay/weights-audit/1";

/// What the weights of one version come to at a place that the version's digest fixes: the
/// coefficients of an element of the extension field.
///
/// Only fingerprints of one version can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Fingerprint(pub [u64; 3]);

impl Fingerprint {
    pub(crate) fn new(sum: EF) -> Self {
        let coefficients: &[F] = sum.as_basis_coefficients_slice();
        Self(core::array::from_fn(|i| coefficients[i].as_canonical_u64()))
    }

    pub(crate) fn value(self) -> EF {
        // Taken from a field element; the reduction matters to numbers from elsewhere only.
        EF::from_basis_coefficients_fn(|i| F::from_u64(self.0[i]))
    }
}

/// Where the committed columns are opened for the fingerprint, and the factors of their values.
pub(crate) struct FingerprintPoint {
    /// Of the longest column. That of a shorter one has the last coordinates.
    point: Vec<EF>,
    pub factors: Vec<EF>,
}

impl FingerprintPoint {
    pub fn new(circuit: &Circuit, version: &Digest) -> Self {
        let tables = circuit.model_tables();
        let vars = tables.iter().map(|table| table.vars).max().unwrap_or(0);
        let mut challenger = absorb_items(&[AUDIT, version]);
        let gamma = draw(&mut challenger);
        let point = draw_point(vars, &mut challenger);
        Self { point, factors: powers(gamma, tables.len()) }
    }

    /// The place in a column of so many variables.
    pub fn at(&self, vars: usize) -> &[EF] {
        suffix(&self.point, vars)
    }

    /// What was opened of each column where its layer ends, and the fingerprint, from the opened
    /// values: of each column first the one at its place here.
    pub fn sort(&self, opened: Vec<Vec<EF>>) -> (Vec<Vec<EF>>, Fingerprint) {
        let mut opened = opened.into_iter();
        let mut weights = Vec::with_capacity(self.factors.len());
        let mut sum = EF::ZERO;
        for factor in &self.factors {
            sum += opened.next().map_or(EF::ZERO, |values| values[0]) * *factor;
            weights.extend(opened.next());
        }
        (weights, Fingerprint::new(sum))
    }
}
