//! Artifacts: byte strings that full nodes store and serve, identified by their digest.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{digest, Digest};

/// Maximum size of a chunk in bytes: 512 KiB. A chunk is one transaction, so this is well below the
/// maximum length of a block.
pub const MAX_CHUNK_BYTES: u32 = 512 * 1024;
/// Maximum number of chunks of an artifact.
pub const MAX_CHUNKS: u32 = 128;
/// Maximum size of an artifact in bytes: 64 MiB.
pub const MAX_ARTIFACT_BYTES: u64 = MAX_CHUNK_BYTES as u64 * MAX_CHUNKS as u64;

/// The digest, the size and the chunks of an artifact.
///
/// ```
/// use assay_primitives::{ArtifactManifest, MAX_CHUNK_BYTES};
///
/// let bytes = vec![7; MAX_CHUNK_BYTES as usize + 1];
/// let manifest = ArtifactManifest::of(&bytes);
/// assert_eq!(manifest.chunks.len(), 2);
/// assert_eq!(ArtifactManifest::chunk_size(manifest.size, 1), Some(1));
/// ```
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct ArtifactManifest {
    /// BLAKE2b-256 of the artifact.
    pub digest: Digest,
    /// Size of the artifact in bytes.
    pub size: u64,
    /// BLAKE2b-256 of each chunk, in order.
    pub chunks: Vec<Digest>,
}

impl ArtifactManifest {
    /// The manifest of `bytes`, with chunks of [`MAX_CHUNK_BYTES`]. The last chunk may be shorter.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            digest: digest(bytes),
            size: bytes.len() as u64,
            chunks: Self::split(bytes).map(digest).collect(),
        }
    }

    /// The chunks of `bytes`, in order.
    pub fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        bytes.chunks(MAX_CHUNK_BYTES as usize)
    }

    /// The number of chunks of an artifact of `size` bytes.
    pub const fn chunk_count(size: u64) -> u64 {
        size.div_ceil(MAX_CHUNK_BYTES as u64)
    }

    /// Size in bytes of chunk `index` of an artifact of `size` bytes; `None` if there is no such
    /// chunk.
    pub fn chunk_size(size: u64, index: u32) -> Option<u32> {
        let start = u64::from(index).checked_mul(u64::from(MAX_CHUNK_BYTES))?;
        let rest = size.checked_sub(start).filter(|rest| *rest > 0)?;
        Some(rest.min(u64::from(MAX_CHUNK_BYTES)) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_the_whole_and_nothing_else() {
        for size in [0usize, 1, MAX_CHUNK_BYTES as usize, MAX_CHUNK_BYTES as usize + 1] {
            let bytes = alloc::vec![7u8; size];
            let manifest = ArtifactManifest::of(&bytes);
            assert_eq!(manifest.chunks.len() as u64, ArtifactManifest::chunk_count(size as u64));
            let total: u64 = (0..=manifest.chunks.len() as u32)
                .filter_map(|index| ArtifactManifest::chunk_size(size as u64, index))
                .map(u64::from)
                .sum();
            assert_eq!(total, size as u64);
        }
    }
}
