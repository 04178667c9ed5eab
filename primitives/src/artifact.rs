//! Artifacts: bytes that full nodes keep and serve, named by their digest.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{digest, Digest};

/// Most bytes of one chunk. A chunk is one transaction, so this stays well under what a block
/// may hold.
pub const MAX_CHUNK_BYTES: u32 = 512 * 1024;
/// Most chunks of one artifact.
pub const MAX_CHUNKS: u32 = 128;
/// Most bytes of one artifact: 64 MiB.
pub const MAX_ARTIFACT_BYTES: u64 = MAX_CHUNK_BYTES as u64 * MAX_CHUNKS as u64;

/// How an artifact is put together from chunks.
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
    /// BLAKE2b-256 of the whole.
    pub digest: Digest,
    /// Bytes of the whole.
    pub size: u64,
    /// BLAKE2b-256 of each chunk, in order.
    pub chunks: Vec<Digest>,
}

impl ArtifactManifest {
    /// Cuts `bytes` into chunks of [`MAX_CHUNK_BYTES`], the last one shorter.
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

    /// How many chunks an artifact of `size` bytes has.
    pub const fn chunk_count(size: u64) -> u64 {
        size.div_ceil(MAX_CHUNK_BYTES as u64)
    }

    /// Bytes that chunk `index` of an artifact of `size` bytes has; `None` past the end.
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
