//! Artifacts: byte strings that full nodes store and serve, named by their identity.
//!
//! # Identity
//!
//! The identity of an artifact is computed from its size and from the digests of its chunks, so
//! whoever checks each chunk against its digest has checked the whole. An artifact of `size` bytes,
//! from 1 to [`MAX_ARTIFACT_BYTES`], is divided into chunks of [`MAX_CHUNK_BYTES`]; the last one has
//! the rest, at least one byte. `H` is BLAKE2b-256, `++` joins bytes, and `root` is the root of the
//! [Merkle tree](crate::merkle) over the chunks in order:
//!
//! ```text
//! chunk    = H(bytes of the chunk)
//! identity = H("assay/artifact/1" ++ size as u64, little-endian ++ root)
//! ```
//!
//! An identity hashes 56 bytes, so it is neither a leaf nor a node of the tree. The size determines
//! the number of chunks and the length of each. Two different artifacts therefore have different
//! identities.
//!
//! `docs/examples/artifact_id.py` computes identities from this definition without code of this
//! crate.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{digest, merkle, Digest};

/// Maximum size of a chunk in bytes: 512 KiB. A chunk is one transaction, so this is well below the
/// maximum length of a block.
pub const MAX_CHUNK_BYTES: u32 = 512 * 1024;
/// Maximum number of chunks of an artifact.
pub const MAX_CHUNKS: u32 = 128;
/// Maximum size of an artifact in bytes: 64 MiB.
pub const MAX_ARTIFACT_BYTES: u64 = MAX_CHUNK_BYTES as u64 * MAX_CHUNKS as u64;

/// The identity of an artifact of `size` bytes whose chunks have these digests: see the
/// [module](self). Takes two hashes per chunk.
///
/// Does not check that the number of digests fits the size: [`ArtifactManifest::is_consistent`]
/// does. Of no chunks, which no artifact has, the root is the digest of no bytes.
pub fn identity(size: u64, chunks: &[Digest]) -> Digest {
    digest(&(b"assay/artifact/1", size, merkle::root(chunks)).encode())
}

/// The identity, the size and the chunks of an artifact.
///
/// ```
/// use assay_primitives::{ArtifactManifest, MAX_CHUNK_BYTES};
///
/// let bytes = vec![7; MAX_CHUNK_BYTES as usize + 1];
/// let manifest = ArtifactManifest::of(&bytes);
/// assert_eq!(manifest.chunks.len(), 2);
/// assert_eq!(ArtifactManifest::chunk_size(manifest.size, 1), Some(1));
/// assert!(manifest.is_consistent());
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
    /// The [`identity`] of the artifact.
    pub identity: Digest,
    /// Size of the artifact in bytes.
    pub size: u64,
    /// BLAKE2b-256 of each chunk, in order.
    pub chunks: Vec<Digest>,
}

impl ArtifactManifest {
    /// The manifest of `bytes`, with chunks of [`MAX_CHUNK_BYTES`]. The last chunk may be shorter.
    pub fn of(bytes: &[u8]) -> Self {
        let (size, chunks) =
            (bytes.len() as u64, Self::split(bytes).map(digest).collect::<Vec<_>>());
        Self { identity: identity(size, &chunks), size, chunks }
    }

    /// Whether the identity is that of the size and the chunks, the number of chunks fits the size,
    /// and the size is within the bounds.
    ///
    /// If so, and each chunk has its digest and its [size](Self::chunk_size), then the chunks
    /// together are the artifact of this identity.
    pub fn is_consistent(&self) -> bool {
        (1..=MAX_ARTIFACT_BYTES).contains(&self.size)
            && self.chunks.len() as u64 == Self::chunk_count(self.size)
            && identity(self.size, &self.chunks) == self.identity
    }

    /// Whether `bytes` are chunk `index`: they have its size and its digest.
    pub fn is_chunk(&self, index: u32, bytes: &[u8]) -> bool {
        Self::chunk_size(self.size, index).map(u64::from) == Some(bytes.len() as u64)
            && self.chunks.get(index as usize) == Some(&digest(bytes))
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
    use alloc::vec;

    const CHUNK: u64 = MAX_CHUNK_BYTES as u64;

    /// The bytes of the test vectors: byte `i` is the remainder of `i` by 251, which no length of a
    /// chunk is a multiple of.
    fn bytes(size: u64) -> Vec<u8> {
        (0..size).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn identities_are_those_of_the_second_implementation() {
        // Lines of a size and an identity, written by `docs/examples/artifact_id.py --vectors`.
        let vectors = include_str!("../tests/artifact_ids.txt");
        let mut sizes = Vec::new();
        for line in vectors.lines() {
            let (size, identity) = line.split_once(' ').unwrap();
            let size: u64 = size.parse().unwrap();
            let manifest = ArtifactManifest::of(&bytes(size));
            assert_eq!(alloc::format!("{:?}", manifest.identity), identity, "{size} bytes");
            assert!(manifest.is_consistent());
            sizes.push(size);
        }
        let chunks = |count| count * CHUNK;
        for size in [1, CHUNK, CHUNK + 1, chunks(3), chunks(128)] {
            assert!(sizes.contains(&size), "{size}");
        }
    }

    #[test]
    fn everything_of_a_manifest_changes_the_identity() {
        let manifest = ArtifactManifest::of(&bytes(4 * CHUNK + 1));
        let (size, chunks) = (manifest.size, &manifest.chunks);
        let mut others = vec![identity(size - 1, chunks), identity(size, &chunks[..4])];
        for index in 0..chunks.len() {
            let mut other = chunks.clone();
            other[index].0[31] ^= 1;
            others.push(identity(size, &other));
            let mut other = chunks.clone();
            other.swap(index, (index + 1) % chunks.len());
            others.push(identity(size, &other));
        }
        // An odd chunk is not the same as two of it.
        others.push(identity(size, &[&chunks[..], &chunks[4..]].concat()));
        others.push(identity(size, &[]));
        others.push(manifest.identity);
        let count = others.len();
        others.sort();
        others.dedup();
        assert_eq!(others.len(), count);
    }

    #[test]
    fn a_chunk_digest_is_no_leaf_and_a_node_is_no_chunk_digest() {
        use crate::merkle::{LEAF, NODE};
        let chunks = ArtifactManifest::of(&bytes(2 * CHUNK)).chunks;
        let joined = digest(&(NODE, chunks[0], chunks[1]).encode());
        let leaves: Vec<_> = chunks.iter().map(|chunk| digest(&(LEAF, chunk).encode())).collect();
        let node = digest(&(NODE, leaves[0], leaves[1]).encode());
        let right = identity(2 * CHUNK, &chunks);
        for others in [vec![joined], vec![node], leaves] {
            assert_ne!(identity(2 * CHUNK, &others), right);
        }
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_not_consistent() {
        let good = ArtifactManifest::of(&bytes(2 * CHUNK + 5));
        let of = |size, chunks: &[Digest]| ArtifactManifest {
            identity: identity(size, chunks),
            size,
            chunks: chunks.to_vec(),
        };
        assert!(of(good.size, &good.chunks).is_consistent());
        let refused = [
            ArtifactManifest { identity: Digest::zero(), ..good.clone() },
            ArtifactManifest { size: good.size - 1, ..good.clone() },
            of(good.size, &good.chunks[..2]),
            of(3 * CHUNK + 1, &good.chunks),
            of(0, &[]),
            of(MAX_ARTIFACT_BYTES + 1, &vec![Digest::zero(); 129]),
            of(u64::MAX, &good.chunks),
        ];
        for manifest in refused {
            assert!(!manifest.is_consistent(), "{} bytes", manifest.size);
        }
    }

    #[test]
    fn a_chunk_has_its_digest_and_its_size() {
        let whole = bytes(CHUNK + 5);
        let manifest = ArtifactManifest::of(&whole);
        let chunks: Vec<_> = ArtifactManifest::split(&whole).collect();
        assert!(manifest.is_chunk(0, chunks[0]) && manifest.is_chunk(1, chunks[1]));
        assert!(!manifest.is_chunk(0, chunks[1]) && !manifest.is_chunk(2, chunks[1]));
        assert!(!manifest.is_chunk(1, &chunks[1][1..]) && !manifest.is_chunk(u32::MAX, b""));
        // The digest is right, the size is not.
        let chunks = vec![digest(b"short"), digest(b"fiver")];
        let short =
            ArtifactManifest { identity: identity(CHUNK + 5, &chunks), size: CHUNK + 5, chunks };
        assert!(
            short.is_consistent() && !short.is_chunk(0, b"short") && short.is_chunk(1, b"fiver")
        );
    }

    #[test]
    fn chunks_cover_the_whole_and_nothing_else() {
        for size in [0, 1, CHUNK, CHUNK + 1] {
            let manifest = ArtifactManifest::of(&bytes(size));
            assert_eq!(manifest.chunks.len() as u64, ArtifactManifest::chunk_count(size));
            let total: u64 = (0..=manifest.chunks.len() as u32)
                .filter_map(|index| ArtifactManifest::chunk_size(size, index))
                .map(u64::from)
                .sum();
            assert_eq!(total, size);
        }
    }
}
