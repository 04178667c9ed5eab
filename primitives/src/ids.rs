//! Identifiers and digests.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// A BLAKE2b-256 digest. That of a chunk, as a CID, has version 1, codec `raw` and multihash
/// `blake2b-256` (0xb220), so that standard IPFS tools compute the same identifier.
pub type Digest = sp_core::H256;

/// BLAKE2b-256 of `bytes`.
pub fn digest(bytes: &[u8]) -> Digest {
    // In the runtime the host computes the digest, which is several times faster than wasm.
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
    /// Identifier of a model. The pallet `model-registry` assigns them in ascending order.
    ModelId(u32)
);
id!(
    /// Identifier of a request. The pallet `inference` assigns them in the order of inclusion and
    /// never reuses one.
    RequestId(u64)
);

/// Identifier of a version of a model. A published version never changes.
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
    /// Number of the version within its model, starting at 1.
    pub number: u32,
}

impl core::fmt::Display for VersionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}@{}", self.model, self.number)
    }
}
