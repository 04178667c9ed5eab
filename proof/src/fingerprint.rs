//! The fingerprint of weights and the point at which it is taken. See [`audit`](crate::audit) for
//! its purpose.

use crate::{
    circuit::Circuit,
    field::{powers, suffix, EF, F},
    transcript::{absorb_items, draw, draw_point},
};
use alloc::vec::Vec;
use assay_graph::Digest;
use codec::{Decode, Encode};
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};

/// Domain tag of the transcript that determines the point of the fingerprint.
pub const AUDIT: &[u8] = b"assay/weights-audit/1";

/// The weights of one version, evaluated at a point that the version's digest determines: the
/// coefficients of an element of the extension field, each below the order of the base field.
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
        // Non-canonical numbers from untrusted data are reduced.
        EF::from_basis_coefficients_fn(|i| F::from_u64(self.0[i]))
    }
}

/// The point at which the committed columns are opened for the fingerprint, and the factors of
/// their evaluations.
pub(crate) struct FingerprintPoint {
    /// The point of the longest column. A shorter column is opened at its last coordinates.
    point: Vec<EF>,
    /// Powers of γ, one for each column.
    pub factors: Vec<EF>,
}

impl FingerprintPoint {
    /// Derives the point and the factors from the version's digest.
    pub fn new(circuit: &Circuit, version: &Digest) -> Self {
        let tables = circuit.model_tables();
        let vars = tables.iter().map(|table| table.vars).max().unwrap_or(0);
        let mut challenger = absorb_items(&[AUDIT, version]);
        let gamma = draw(&mut challenger);
        let point = draw_point(vars, &mut challenger);
        Self { point, factors: powers(gamma, tables.len()) }
    }

    /// The point of a column of `vars` variables.
    pub fn at(&self, vars: usize) -> &[EF] {
        suffix(&self.point, vars)
    }

    /// Separates the opened values. Returns the values at the ends of the layers and the
    /// fingerprint. Each column is opened first at the fingerprint's point, then at the end of its
    /// layer.
    pub fn assign_opened(&self, opened: Vec<Vec<EF>>) -> (Vec<Vec<EF>>, Fingerprint) {
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
