//! Artifacts in the local database.
//!
//! Chunks are indexed transactions: the database stores their bytes under their BLAKE2b-256 hash
//! for as long as it stores the block that contains them. The bytes are checked again here, because
//! an operator loses bond for a result that wrong bytes produce.

use assay_primitives::{ArtifactManifest, Digest};

/// Why this node cannot provide an artifact or a chunk.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// Identity, size and chunks of the manifest do not match. No artifact on chain has such a
    /// manifest.
    #[error("the manifest of artifact {0:?} contradicts itself")]
    Malformed(Digest),
    /// There is no such chunk. Request an index below the number of chunks.
    #[error("artifact {artifact:?} has {count} chunks and none with index {index}")]
    NoSuchChunk {
        /// The artifact.
        artifact: Digest,
        /// The requested index.
        index: u32,
        /// Number of chunks.
        count: usize,
    },
    /// The database does not have the chunk: it is not uploaded yet, or it is in a block whose
    /// body this node pruned or never downloaded. Keep all blocks (`--blocks-pruning
    /// archive-canonical`) and sync in full (`--sync full`).
    #[error(
        "this node does not have chunk {index} of artifact {artifact:?}: either it is not \
         uploaded yet, or the block that contains it was pruned or skipped (run with \
         --blocks-pruning archive-canonical and --sync full)"
    )]
    Missing {
        /// The artifact.
        artifact: Digest,
        /// Index of the chunk.
        index: u32,
    },
    /// The bytes do not have the digest or the length that the manifest states. The database is
    /// damaged: purge it and sync again.
    #[error(
        "chunk {index} of artifact {artifact:?} does not have the digest or length that the \
         manifest states; the database is damaged: purge the chain and sync again"
    )]
    CorruptChunk {
        /// The artifact.
        artifact: Digest,
        /// Index of the chunk.
        index: u32,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] sp_blockchain::Error),
}

/// Reads indexed transactions.
pub trait ReadIndexed {
    /// The bytes with this BLAKE2b-256 hash; `None` if the database does not have them.
    fn read_indexed(&self, hash: Digest) -> sp_blockchain::Result<Option<Vec<u8>>>;
}

impl<F: Fn(Digest) -> sp_blockchain::Result<Option<Vec<u8>>>> ReadIndexed for F {
    fn read_indexed(&self, hash: Digest) -> sp_blockchain::Result<Option<Vec<u8>>> {
        self(hash)
    }
}

/// Reads one chunk of an artifact and checks it against the manifest.
///
/// # Errors
///
/// All of [`ArtifactError`].
pub fn chunk(
    store: &impl ReadIndexed,
    manifest: &ArtifactManifest,
    index: u32,
) -> Result<Vec<u8>, ArtifactError> {
    let artifact = manifest.identity;
    let count = manifest.chunks.len();
    let hash = manifest.chunks.get(index as usize).ok_or(ArtifactError::NoSuchChunk {
        artifact,
        index,
        count,
    })?;
    if ArtifactManifest::chunk_size(manifest.size, index).is_none() {
        return Err(ArtifactError::Malformed(artifact));
    }
    let bytes = store.read_indexed(*hash)?.ok_or(ArtifactError::Missing { artifact, index })?;
    if !manifest.is_chunk(index, &bytes) {
        return Err(ArtifactError::CorruptChunk { artifact, index });
    }
    Ok(bytes)
}

/// Reads all bytes of an artifact and checks them against the manifest, chunk by chunk. The manifest
/// is checked against the identity first.
///
/// # Errors
///
/// All of [`ArtifactError`] except [`ArtifactError::NoSuchChunk`]. A malformed manifest is refused
/// before anything is read.
pub fn fetch(
    store: &impl ReadIndexed,
    manifest: &ArtifactManifest,
) -> Result<Vec<u8>, ArtifactError> {
    if !manifest.is_consistent() {
        return Err(ArtifactError::Malformed(manifest.identity));
    }
    let mut bytes = Vec::with_capacity(manifest.size as usize);
    for index in 0..manifest.chunks.len() as u32 {
        bytes.append(&mut chunk(store, manifest, index)?);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::{digest, MAX_ARTIFACT_BYTES, MAX_CHUNK_BYTES};
    use std::collections::HashMap;

    fn store(bytes: &[u8]) -> HashMap<Digest, Vec<u8>> {
        ArtifactManifest::split(bytes).map(|chunk| (digest(chunk), chunk.to_vec())).collect()
    }

    fn reader(
        store: HashMap<Digest, Vec<u8>>,
    ) -> impl Fn(Digest) -> sp_blockchain::Result<Option<Vec<u8>>> {
        move |hash| Ok(store.get(&hash).cloned())
    }

    fn three_chunks() -> Vec<u8> {
        (0..2 * MAX_CHUNK_BYTES + 5).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn an_artifact_is_put_together_from_its_chunks() {
        for bytes in [three_chunks(), vec![1], vec![2; MAX_CHUNK_BYTES as usize]] {
            let manifest = ArtifactManifest::of(&bytes);
            assert_eq!(fetch(&reader(store(&bytes)), &manifest).unwrap(), bytes);
        }
    }

    #[test]
    fn a_missing_chunk_is_named() {
        let bytes = three_chunks();
        let manifest = ArtifactManifest::of(&bytes);
        let mut chunks = store(&bytes);
        chunks.remove(&manifest.chunks[1]);
        let error = fetch(&reader(chunks), &manifest).unwrap_err();
        assert!(matches!(error, ArtifactError::Missing { index: 1, .. }), "{error}");
    }

    #[test]
    fn bytes_that_are_not_the_chunks_are_refused() {
        let bytes = three_chunks();
        let manifest = ArtifactManifest::of(&bytes);
        for damage in [|chunk: &mut Vec<u8>| chunk[0] ^= 1, |chunk: &mut Vec<u8>| chunk.push(0)] {
            let mut chunks = store(&bytes);
            damage(chunks.get_mut(&manifest.chunks[2]).unwrap());
            let error = fetch(&reader(chunks), &manifest).unwrap_err();
            assert!(matches!(error, ArtifactError::CorruptChunk { index: 2, .. }), "{error}");
        }
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_refused_before_anything_is_read() {
        let bytes = three_chunks();
        let good = ArtifactManifest::of(&bytes);
        let none = |_| -> sp_blockchain::Result<Option<Vec<u8>>> { panic!("read") };
        let sizes = [(MAX_ARTIFACT_BYTES + 1, 3), (u64::MAX, 3), (good.size, 2), (1, 3)];
        let sized = sizes.map(|(size, count)| ArtifactManifest {
            size,
            chunks: good.chunks[..count].to_vec(),
            ..good.clone()
        });
        let other = ArtifactManifest { identity: Digest::zero(), ..good.clone() };
        let mut swapped = good.clone();
        swapped.chunks.swap(0, 1);
        for manifest in sized.into_iter().chain([other, swapped]) {
            let error = fetch(&none, &manifest).unwrap_err();
            assert!(matches!(error, ArtifactError::Malformed(_)), "{error}");
        }
    }

    #[test]
    fn the_index_of_a_chunk_is_bounded() {
        let bytes = three_chunks();
        let manifest = ArtifactManifest::of(&bytes);
        let store = reader(store(&bytes));
        assert_eq!(chunk(&store, &manifest, 2).unwrap().len(), 5);
        for index in [3, u32::MAX] {
            let error = chunk(&store, &manifest, index).unwrap_err();
            assert!(matches!(error, ArtifactError::NoSuchChunk { count: 3, .. }), "{error}");
        }
    }
}
