//! Operators and their worker keys.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_application_crypto::KeyTypeId;

/// Type of the worker key in a node's keystore.
pub const WORKER_KEY_TYPE: KeyTypeId = KeyTypeId(*b"awrk");

/// The sr25519 key with which an operator's node signs results and heartbeats.
pub mod worker_crypto {
    use sp_application_crypto::{app_crypto, sr25519};

    app_crypto!(sr25519, super::WORKER_KEY_TYPE);
}

/// Public half of a worker key.
pub type WorkerId = worker_crypto::Public;
/// Signature by a worker key. The signing context is `substrate`.
pub type WorkerSignature = sp_core::sr25519::Signature;

/// What an operator does, one bit each.
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
#[serde(transparent)]
pub struct Roles(pub u8);

impl Roles {
    /// Runs models.
    pub const INFERENCE: Self = Self(1);
    /// Brings outside data in. Not used in this version.
    pub const DATA: Self = Self(2);

    /// Whether every role of `other` is held.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether at least one role, and known roles only, are set.
    pub const fn is_well_formed(self) -> bool {
        self.0 != 0 && self.0 < 4
    }
}

/// Why an operator loses bond.
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
pub enum Offence {
    /// A result that the evidence shows to be wrong.
    #[codec(index = 0)]
    WrongResult,
    /// No answer by the deadline.
    #[codec(index = 1)]
    NoAnswer,
    /// Two different signed results for one request.
    #[codec(index = 2)]
    Equivocation,
    /// A dispute over a result that was won against it; beside what the wrong result costs.
    #[codec(index = 3)]
    LostDispute,
}

/// Version of the engine that a heartbeat reports.
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
pub struct EngineVersion {
    /// Major.
    pub major: u8,
    /// Minor.
    pub minor: u8,
    /// Patch.
    pub patch: u8,
}

impl EngineVersion {
    /// Reads `major.minor.patch`; anything else gives zeros.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        Self { major: next(), minor: next(), patch: next() }
    }
}

impl core::fmt::Display for EngineVersion {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
