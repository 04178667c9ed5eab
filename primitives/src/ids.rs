//! Identifiers and digests.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// BLAKE2b-256 of some bytes. As a CID it is version 1, codec `raw`, multihash
/// `blake2b-256` (0xb220), so that stock IPFS tools name the same bytes alike.
pub type Digest = sp_core::H256;

/// BLAKE2b-256 of `bytes`.
pub fn digest(bytes: &[u8]) -> Digest {
    // In the runtime the host computes it, several times faster than wasm would.
    #[cfg(substrate_runtime)]
    let hash = sp_io::hashing::blake2_256(bytes);
    #[cfg(not(substrate_runtime))]
    let hash = sp_crypto_hashing::blake2_256(bytes);
    hash.into()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash, Encode, Decode,
            DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A model; given out by `model-registry` in the order of creation.
    ModelId(u32)
);
id!(
    /// A request; given out by `inference` in the order of inclusion, never used twice.
    RequestId(u64)
);

/// A version of a model. It never changes once published.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Default,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct VersionId {
    /// The model.
    pub model: ModelId,
    /// Number of the version within its model, counted from 1.
    pub number: u32,
}

impl core::fmt::Display for VersionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}@{}", self.model, self.number)
    }
}
