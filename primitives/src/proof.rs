//! Validity proofs of inferences, as the chain sees them.
//!
//! What a proof is, and how it is verified, is the proof system's affair. Here is what statements,
//! receipts and terms say of one.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// An account as a proof's context names it: its encoding, filled up with zeros to 32 bytes. Those
/// of an `AccountId32` are its own.
pub fn account_bytes(account: &impl Encode) -> [u8; 32] {
    let mut bytes = [0; 32];
    account.using_encoded(|encoded| {
        bytes.iter_mut().zip(encoded).for_each(|(byte, from)| *byte = *from);
    });
    bytes
}

/// What proofs of inferences name as their domain. With the genesis hash, the SCALE encoding of
/// the request's identifier and the accounts of payer and operator, it is a proof's context.
pub const PROOF_DOMAIN: &[u8] = b"assay/inference/1";
/// Most bytes of a proof: 256 KiB.
pub const MAX_PROOF_BYTES: u32 = 256 * 1024;
/// Most bytes of an encoded architecture on chain: 64 KiB.
pub const MAX_ARCHITECTURE_BYTES: u32 = 64 * 1024;

/// Most bytes of weights and biases that the chain reads in one call: 512 KiB.
pub const MAX_AUDIT_BYTES: u32 = 512 * 1024;
/// Most pieces of weights that the chain reads in one call.
pub const MAX_AUDIT_PIECES: u32 = 32;

/// What a verification takes at most, counted by the verifier from the architecture. Fixed when a
/// version is published.
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
    /// Bytes of the encoded architecture.
    pub architecture_bytes: u32,
    /// Multiplications in the extension field.
    pub products: u32,
    /// Elements of input and output that are read, once for each point where they are evaluated.
    pub cells: u32,
    /// Compressions of the hash function.
    pub hashes: u32,
    /// Points at which committed columns are opened.
    pub openings: u32,
    /// Bytes of the longest proof.
    pub proof_bytes: u32,
}

impl ProofCost {
    /// The counts, in an order that [`Self::is_within`] compares.
    const fn counts(&self) -> [u32; 6] {
        let Self { architecture_bytes, products, cells, hashes, openings, proof_bytes } = *self;
        [architecture_bytes, products, cells, hashes, openings, proof_bytes]
    }

    /// Whether no count exceeds the other's.
    pub fn is_within(&self, most: &Self) -> bool {
        self.counts().iter().zip(most.counts()).all(|(count, most)| *count <= most)
    }
}

/// What is fixed of a version's proofs when it is published.
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
    /// Bits of statistical soundness, rounded down, at most the 128 of the hash: proof of work counts
    /// for nothing. Assumes mutual correlated agreement of Reed–Solomon codes up to the Johnson
    /// radius; `docs/proof-system.md` has the sources, and what is left without it.
    pub security_bits: u8,
    /// What a verification costs.
    pub cost: ProofCost,
}

/// What the weights of a version come to at a place that the version's digest fixes. Different
/// weights have different ones, but for a probability that nothing is lost by: the proof system
/// says how small it is.
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
    /// `0x` and 48 hex digits: each number with its most significant digit first.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "0x{a:016x}{b:016x}{c:016x}")
    }
}

/// How many of a version's weights and biases the chain has read, so that it can tell proofs that
/// are of them from proofs that are not.
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
    /// Of what has been read.
    pub fingerprint: WeightsFingerprint,
    /// Bytes that have been read.
    pub done: u64,
    /// Bytes of all weights and biases.
    pub total: u64,
}

impl WeightsAudit {
    /// An audit of which nothing is done.
    pub const fn of(total: u64) -> Self {
        Self { fingerprint: WeightsFingerprint([0; 3]), done: 0, total }
    }

    /// Whether all has been read.
    pub const fn is_done(&self) -> bool {
        self.done == self.total
    }

    /// The fingerprint of all weights, once all have been read.
    pub fn outcome(&self) -> Option<WeightsFingerprint> {
        self.is_done().then_some(self.fingerprint)
    }
}

/// What a receipt's evidence keeps of a proof.
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
    /// Bytes of the proof.
    pub bytes: u32,
    /// See [`ProofTerms::security_bits`].
    pub security_bits: u8,
}

/// Why a proof was refused: the first check that failed.
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
    /// The bytes are not the encoding of a proof of this model: too few, too many, or no numbers
    /// of the field.
    #[codec(index = 0)]
    Encoding,
    /// Input or output do not have the lengths of the model's.
    #[codec(index = 1)]
    Length,
    /// The first message does not follow from the statement. A proof of another statement, which
    /// is to say of another request, account, version, input or output, ends here.
    #[codec(index = 2)]
    Statement,
    /// A message about one operation does not hold.
    #[codec(index = 3)]
    Operation,
    /// The opening of the weights does not hold.
    #[codec(index = 4)]
    ModelOpening,
    /// The opening of what was committed for this inference does not hold.
    #[codec(index = 5)]
    WitnessOpening,
    /// What the graph computes is not the output.
    #[codec(index = 6)]
    Output,
    /// The proof holds for other weights than the published ones.
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
