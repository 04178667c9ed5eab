//! Bounds, terms and evidence of validity proofs, as the chain stores them. The proof system itself
//! is the crate `assay-proof`.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// An account as a proof's context contains it: its SCALE encoding, padded with zeros to 32 bytes.
/// An `AccountId32` is its own encoding.
pub fn account_bytes(account: &impl Encode) -> [u8; 32] {
    let mut bytes = [0; 32];
    account.using_encoded(|encoded| {
        bytes.iter_mut().zip(encoded).for_each(|(byte, from)| *byte = *from);
    });
    bytes
}

/// Domain of proofs of inferences. The other parts of a proof's context are the genesis hash, the
/// SCALE encoding of the request's identifier, and the accounts of the payer and the operator.
pub const PROOF_DOMAIN: &[u8] = b"assay/inference/1";
/// Maximum size of a proof in bytes: 256 KiB.
pub const MAX_PROOF_BYTES: u32 = 256 * 1024;
/// Maximum size in bytes of an encoded architecture on chain: 64 KiB.
pub const MAX_ARCHITECTURE_BYTES: u32 = 64 * 1024;

/// Maximum size in bytes of the weights and biases that one call submits to the audit: 512 KiB.
pub const MAX_AUDIT_BYTES: u32 = 512 * 1024;
/// Maximum number of pieces of weights that one call submits to the audit.
pub const MAX_AUDIT_PIECES: u32 = 32;

/// Upper bounds of the work of a verification. The verifier counts them from the architecture; they
/// are fixed when a version is published.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct ProofCost {
    /// Size of the encoded architecture in bytes.
    pub architecture_bytes: u32,
    /// Multiplications in the extension field.
    pub products: u32,
    /// Elements of input and output that are read, counted once for each point of evaluation.
    pub cells: u32,
    /// Compressions of the hash function.
    pub hashes: u32,
    /// Points at which committed columns are opened.
    pub openings: u32,
    /// Size of the longest proof in bytes.
    pub proof_bytes: u32,
}

impl ProofCost {
    /// The counts, in the order in which [`Self::is_within`] compares them.
    const fn counts(&self) -> [u32; 6] {
        let Self { architecture_bytes, products, cells, hashes, openings, proof_bytes } = *self;
        [architecture_bytes, products, cells, hashes, openings, proof_bytes]
    }

    /// Whether no count exceeds the same count of `most`.
    pub fn is_within(&self, most: &Self) -> bool {
        self.counts().iter().zip(most.counts()).all(|(count, most)| *count <= most)
    }
}

/// The terms of a version's proofs. They are fixed when the version is published.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct ProofTerms {
    /// Bits of statistical soundness, rounded down, at most the 128 bits of the hash. Proof of work
    /// is not counted. The figure assumes mutual correlated agreement of Reed–Solomon codes up to
    /// the Johnson radius; `docs/proof-system.md` gives the sources, and the soundness without this
    /// assumption.
    pub security_bits: u8,
    /// Upper bounds of the work of a verification.
    pub cost: ProofCost,
}

/// The weights of a version, evaluated as a polynomial at a point that the version's digest
/// determines. Different weights have different fingerprints except with negligible probability;
/// `docs/proof-system.md` gives the bound.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct WeightsFingerprint(pub [u64; 3]);

impl core::fmt::Display for WeightsFingerprint {
    /// Writes `0x` and 48 hexadecimal digits, each number with its most significant digit first.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "0x{a:016x}{b:016x}{c:016x}")
    }
}

/// The progress of the chain's reading of a version's weights and biases. The fingerprint that
/// results shows whether a proof is about these weights.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct WeightsAudit {
    /// Fingerprint of the bytes that have been read.
    pub fingerprint: WeightsFingerprint,
    /// Number of bytes that have been read.
    pub done: u64,
    /// Number of bytes of all weights and biases.
    pub total: u64,
}

impl WeightsAudit {
    /// An audit that has read nothing of `total` bytes.
    pub const fn of(total: u64) -> Self {
        Self { fingerprint: WeightsFingerprint([0; 3]), done: 0, total }
    }

    /// Whether all bytes have been read.
    pub const fn is_done(&self) -> bool {
        self.done == self.total
    }

    /// The fingerprint of all weights; `None` until all have been read.
    pub fn outcome(&self) -> Option<WeightsFingerprint> {
        self.is_done().then_some(self.fingerprint)
    }
}

/// What the evidence of a receipt contains of a proof.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct ProofEvidence {
    /// BLAKE2b-256 of the proof.
    pub digest: Digest,
    /// Size of the proof in bytes.
    pub bytes: u32,
    /// See [`ProofTerms::security_bits`].
    pub security_bits: u8,
}

/// Why a proof is refused: the first check that failed.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ProofRefusal {
    /// The bytes are not the encoding of a proof of this model: there are too few or too many, or
    /// some are not elements of the field.
    #[codec(index = 0)]
    Encoding,
    /// The input or the output does not have the length that the model requires.
    #[codec(index = 1)]
    Length,
    /// The first message does not follow from the statement. A proof for another request, account,
    /// version, input or output fails here.
    #[codec(index = 2)]
    Statement,
    /// A message about one operation does not hold.
    #[codec(index = 3)]
    Operation,
    /// The opening of the weights does not hold.
    #[codec(index = 4)]
    ModelOpening,
    /// The opening of the witness does not hold.
    #[codec(index = 5)]
    WitnessOpening,
    /// The output differs from what the graph computes.
    #[codec(index = 6)]
    Output,
    /// The proof holds for weights other than the published ones.
    #[codec(index = 7)]
    Weights,
}

impl ProofRefusal {
    /// The name used in JSON and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Length => "length",
            Self::Statement => "statement",
            Self::Operation => "operation",
            Self::ModelOpening => "model_opening",
            Self::WitnessOpening => "witness_opening",
            Self::Output => "output",
            Self::Weights => "weights",
        }
    }
}
