//! Operators and their worker keys.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_application_crypto::KeyTypeId;

/// Type of the worker key in a node's keystore.
pub const WORKER_KEY_TYPE: KeyTypeId = KeyTypeId(*b"awrk");

/// The sr25519 key with which an operator's node signs results, heartbeats and moves in disputes.
pub mod worker_crypto {
    use sp_application_crypto::{app_crypto, sr25519};

    app_crypto!(sr25519, super::WORKER_KEY_TYPE);
}

/// A public worker key.
pub type WorkerId = worker_crypto::Public;
/// A signature by a worker key. The signing context is `substrate`.
pub type WorkerSignature = sp_core::sr25519::Signature;

/// The roles of an operator, one bit each.
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
    /// Supplies external data. Not used in this version.
    pub const DATA: Self = Self(2);

    /// Whether the set contains every role of `other`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is not empty and contains only known roles.
    pub const fn is_well_formed(self) -> bool {
        self.0 != 0 && self.0 < 4
    }
}

/// What an operator's offer counts, besides penalties. It costs nothing; clients can see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduct {
    /// Most members of a quorum agreed on another result.
    Outvoted,
    /// It reported that it could not serve a request.
    Failed,
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
    /// The evidence shows that the operator's result is wrong.
    #[codec(index = 0)]
    WrongResult,
    /// The operator did not answer before the deadline.
    #[codec(index = 1)]
    NoAnswer,
    /// The operator signed two different results for one request.
    #[codec(index = 2)]
    Equivocation,
    /// The operator lost a dispute over its result. This comes on top of
    /// [`Offence::WrongResult`].
    #[codec(index = 3)]
    LostDispute,
}

/// Why an operator cannot serve a request.
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
pub enum FailureReason {
    /// The artifact could not be retrieved, or its bytes do not have its identity.
    #[codec(index = 0)]
    ArtifactUnavailable,
    /// The engine refuses the model file.
    #[codec(index = 1)]
    InvalidModel,
    /// The input does not fit the version's declaration.
    #[codec(index = 2)]
    InvalidInput,
    /// The run took longer than the engine allows.
    #[codec(index = 3)]
    TimeLimit,
    /// The run took more memory than the engine allows.
    #[codec(index = 4)]
    MemoryLimit,
    /// The output does not fit the version's declaration, or is not finite.
    #[codec(index = 5)]
    InvalidOutput,
    /// The output is larger than the chain accepts.
    #[codec(index = 6)]
    OutputTooLarge,
    /// The engine failed in another way.
    #[codec(index = 7)]
    EngineError,
    /// The engine made no proof, or one that does not hold or is larger than the chain accepts.
    #[codec(index = 8)]
    ProofUnavailable,
}

/// Version of an engine, as heartbeats report it.
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
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
    /// Patch version.
    pub patch: u8,
}

impl EngineVersion {
    /// Parses `major.minor.patch`. A part that is missing or is not a number up to 255 becomes 0.
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
