//! Parameters of the proof system. They are part of a model's version, never of a proof.

use assay_graph::List;
use codec::{Decode, DecodeAll, Encode};

/// Minimum of [`Security::statistical`](crate::Security::statistical), in bits, that a model's
/// parameters must reach.
pub const MIN_SECURITY_BITS: f64 = 120.0;

/// Parameters of one commitment and its opening.
///
/// WHIR folds by `2^first_fold` in the first round and by at most `2^fold` in later rounds. The
/// domain shrinks by `2^first_shrink` in the first round and by half in later rounds. Where the
/// degree falls faster than the domain, the rate falls; a lower rate makes proofs shorter and
/// proving slower. Soundness is that of the Johnson regime.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct OpeningParameters {
    /// Negative log2 of the code's rate. Bounds: `3..=7`.
    pub log_inverse_rate: u8,
    /// Number of variables of the first fold. Bounds: `3..=5`.
    pub first_fold: u8,
    /// Log2 of the ratio of the first domain to the second. Bounds: `1..=first_fold`.
    pub first_shrink: u8,
    /// Maximum number of variables of each later fold. The folds are as equal as possible, in the
    /// minimum number of rounds. Bounds: `3..=5`.
    pub fold: u8,
    /// Maximum bits of proof of work before a challenge. They do not count towards the soundness
    /// that is reported. Bounds: `0..=8`.
    pub grinding_bits: u8,
    /// Minimum bits of each term of the soundness error, proof of work included. Bounds:
    /// `120..=136`.
    pub security_bits: u8,
}

/// Width of a remainder's limbs, and of the range table in which they are looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum LimbWidth {
    /// 8 bits.
    #[codec(index = 8)]
    Bits8,
    /// 16 bits.
    #[codec(index = 16)]
    Bits16,
}

impl LimbWidth {
    /// The width in bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Bits8 => 8,
            Self::Bits16 => 16,
        }
    }
}

/// Version of the protocol: the statement, the messages and the encoding of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub enum ProtocolVersion {
    /// Version 1.
    #[codec(index = 1)]
    V1,
}

/// All parameters of a verification besides the model and the statement.
///
/// A model's `Commitments::proof_parameters` holds the SCALE encoding, so the model's digest covers
/// the parameters.
///
/// ```
/// use assay_proof::ProofParameters;
/// use codec::Encode;
///
/// let parameters = ProofParameters::RECOMMENDED;
/// assert_eq!(ProofParameters::from_bytes(&parameters.encode()), Some(parameters));
/// assert_eq!(ProofParameters::from_bytes(b"anything else"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ProofParameters {
    /// Version of the protocol.
    pub version: ProtocolVersion,
    /// Parameters for the weights, which are committed once per version.
    pub model: OpeningParameters,
    /// Parameters for the witness, which is committed with each proof.
    pub witness: OpeningParameters,
    /// Width of a remainder's limbs.
    pub limbs: LimbWidth,
}

impl ProofParameters {
    /// Parameters for a model with at most 2^20 cells of weights and a small witness: short proofs,
    /// no proof of work.
    pub const RECOMMENDED: Self = Self::with_rates(5, 7);

    /// Parameters for a model with more than 5·2^20 cells of weights: longer proofs, a fraction of
    /// the time and memory to make them.
    pub const LARGE: Self = Self::with_rates(3, 7);

    /// Parameters with the recommended folds and security, and with the given negative log2 rates
    /// for the weights and for the witness.
    pub(crate) const fn with_rates(model: u8, witness: u8) -> Self {
        let opening = OpeningParameters {
            log_inverse_rate: model,
            first_fold: 5,
            first_shrink: 4,
            fold: 4,
            grinding_bits: 0,
            security_bits: 122,
        };
        Self {
            version: ProtocolVersion::V1,
            model: opening,
            witness: OpeningParameters { log_inverse_rate: witness, ..opening },
            limbs: LimbWidth::Bits8,
        }
    }

    /// Decodes parameters; `None` if the encoding is not canonical or a parameter is out of bounds.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        Self::decode_all(&mut bytes).ok().filter(Self::is_within_bounds)
    }

    /// The encoding, as `Commitments::proof_parameters` holds it. Empty if `MAX` is below its 14
    /// bytes.
    pub fn to_list<const MAX: usize>(&self) -> List<u8, MAX> {
        self.encode().try_into().unwrap_or_default()
    }

    pub(crate) fn is_within_bounds(&self) -> bool {
        [self.model, self.witness].iter().all(|opening| {
            (3..=7).contains(&opening.log_inverse_rate)
                && (3..=5).contains(&opening.first_fold)
                && (1..=opening.first_fold).contains(&opening.first_shrink)
                && (3..=5).contains(&opening.fold)
                && opening.grinding_bits <= 8
                && (120..=136).contains(&opening.security_bits)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_one_encoding() {
        let bytes = ProofParameters::RECOMMENDED.encode();
        assert_eq!(ProofParameters::from_bytes(&bytes), Some(ProofParameters::RECOMMENDED));
        assert_eq!(ProofParameters::from_bytes(&bytes[1..]), None);
        assert_eq!(ProofParameters::from_bytes(&[&bytes[..], &[0]].concat()), None);
    }

    #[test]
    fn parameters_out_of_bounds_are_refused() {
        let mut weak = ProofParameters::RECOMMENDED;
        weak.witness.security_bits = 60;
        assert_eq!(ProofParameters::from_bytes(&weak.encode()), None);
        let mut costly = ProofParameters::RECOMMENDED;
        costly.model.grinding_bits = 60;
        assert_eq!(ProofParameters::from_bytes(&costly.encode()), None);
    }

    #[test]
    fn every_bound_is_exact_for_model_and_witness() {
        fn check(change: impl Fn(&mut OpeningParameters), legal: bool) {
            let mut model = ProofParameters::RECOMMENDED;
            change(&mut model.model);
            let mut witness = ProofParameters::RECOMMENDED;
            change(&mut witness.witness);
            for parameters in [model, witness] {
                let read = ProofParameters::from_bytes(&parameters.encode());
                assert_eq!(read, legal.then_some(parameters), "{parameters:?}");
            }
        }
        for (value, legal) in [(2, false), (3, true), (7, true), (8, false)] {
            check(|it| it.log_inverse_rate = value, legal);
        }
        for (value, legal) in [(2, false), (3, true), (5, true), (6, false)] {
            check(|it| (it.first_fold, it.first_shrink) = (value, 1), legal);
            check(|it| it.fold = value, legal);
        }
        for first_fold in 3..=5 {
            let bounds = [(0, false), (1, true), (first_fold, true), (first_fold + 1, false)];
            for (value, legal) in bounds {
                check(|it| (it.first_fold, it.first_shrink) = (first_fold, value), legal);
            }
        }
        for (value, legal) in [(0, true), (8, true), (9, false)] {
            check(|it| it.grinding_bits = value, legal);
        }
        for (value, legal) in [(119, false), (120, true), (136, true), (137, false)] {
            check(|it| it.security_bits = value, legal);
        }
    }
}
