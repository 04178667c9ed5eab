//! Downloads artifacts. [`publish`](crate::publish) uploads them.

use std::future::Future;

use assay_primitives::{ArtifactManifest, Digest};

use crate::{Client, Error, Result};

impl Client {
    /// Downloads an artifact from the node. The manifest is checked against the identity before a
    /// chunk is requested, and each chunk against the manifest when it arrives, so the node need not
    /// be trusted.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the artifact is not complete on chain, or the node does not keep its
    /// bytes. [`Error::Answer`] if the manifest or a chunk is not that of the artifact.
    pub async fn download_artifact(&self, artifact: Digest) -> Result<Vec<u8>> {
        let view = self.artifact(artifact).await?;
        let manifest = view.filter(|view| view.missing.is_empty()).map(|view| view.manifest);
        let manifest = manifest.ok_or_else(|| {
            Error::not_found(format!("artifact {artifact:?} is not complete on chain"))
        })?;
        collect(artifact, &manifest, |index| self.rpc().artifact_chunk(artifact, index)).await
    }
}

/// The bytes of an artifact, with the chunks that `fetch` returns.
async fn collect<F>(
    artifact: Digest,
    manifest: &ArtifactManifest,
    fetch: impl Fn(u32) -> F,
) -> Result<Vec<u8>>
where
    F: Future<Output = Result<Option<Vec<u8>>>>,
{
    if manifest.identity != artifact || !manifest.is_consistent() {
        return Err(Error::Answer {
            method: "AssayApi_artifact".into(),
            reason: format!("it does not return the manifest of artifact {artifact:?}"),
        });
    }
    let mut bytes = Vec::new();
    for (index, _) in (0u32..).zip(&manifest.chunks) {
        bytes.extend(checked(manifest, index, fetch(index).await?)?);
    }
    Ok(bytes)
}

/// Returns the chunk if it is the one in the manifest.
fn checked(manifest: &ArtifactManifest, index: u32, chunk: Option<Vec<u8>>) -> Result<Vec<u8>> {
    let chunk = chunk.ok_or_else(|| {
        Error::not_found(format!(
            "the node does not have the bytes of artifact {:?}; use a node that keeps all block \
             bodies and is synced",
            manifest.identity
        ))
    })?;
    match manifest.is_chunk(index, &chunk) {
        true => Ok(chunk),
        false => Err(Error::Answer {
            method: "artifact_chunk".into(),
            reason: format!("chunk {index} does not have the digest and size in the manifest"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::{artifact::identity, digest, MAX_CHUNK_BYTES};
    use std::cell::RefCell;

    /// Collects an artifact from a node that has these chunks. Returns the requested indices too.
    fn collected(
        artifact: Digest,
        manifest: &ArtifactManifest,
        chunks: &[&[u8]],
    ) -> (Result<Vec<u8>>, Vec<u32>) {
        let requested = RefCell::new(Vec::new());
        let fetch = |index: u32| {
            requested.borrow_mut().push(index);
            let chunk = chunks.get(index as usize).map(|chunk| chunk.to_vec());
            async move { Ok(chunk) }
        };
        let result = futures::executor::block_on(collect(artifact, manifest, fetch));
        (result, requested.into_inner())
    }

    fn three_chunks() -> Vec<u8> {
        (0..2 * MAX_CHUNK_BYTES + 5).map(|index| (index % 251) as u8).collect()
    }

    #[test]
    fn an_artifact_is_put_together_from_its_chunks() {
        let bytes = three_chunks();
        let chunks: Vec<_> = ArtifactManifest::split(&bytes).collect();
        let manifest = ArtifactManifest::of(&bytes);
        let (result, requested) = collected(manifest.identity, &manifest, &chunks);
        assert_eq!(result.unwrap(), bytes);
        assert_eq!(requested, [0, 1, 2]);
    }

    #[test]
    fn a_manifest_of_another_artifact_is_refused_before_a_chunk_is_requested() {
        let bytes = three_chunks();
        let right = ArtifactManifest::of(&bytes);
        let other_bytes: Vec<_> = bytes.iter().map(|byte| byte ^ 1).collect();
        let other = ArtifactManifest::of(&other_bytes);
        let chunks: Vec<_> = ArtifactManifest::split(&other_bytes).collect();
        let manifests = [
            // Consistent in itself.
            other.clone(),
            // Under the right identity.
            ArtifactManifest { identity: right.identity, ..other },
            ArtifactManifest { size: right.size - 1, ..right.clone() },
            ArtifactManifest { chunks: right.chunks[..2].to_vec(), ..right.clone() },
            ArtifactManifest { chunks: Vec::new(), size: 0, ..right.clone() },
        ];
        for manifest in manifests {
            let (result, requested) = collected(right.identity, &manifest, &chunks);
            assert!(matches!(result, Err(Error::Answer { .. })), "{result:?}");
            assert!(requested.is_empty(), "{requested:?}");
        }
    }

    #[test]
    fn the_first_wrong_chunk_ends_a_download() {
        let bytes = three_chunks();
        let manifest = ArtifactManifest::of(&bytes);
        let mut chunks: Vec<_> = ArtifactManifest::split(&bytes).collect();
        chunks[1] = chunks[0];
        let (result, requested) = collected(manifest.identity, &manifest, &chunks);
        assert!(matches!(result, Err(Error::Answer { .. })), "{result:?}");
        assert_eq!(requested, [0, 1]);
    }

    #[test]
    fn a_chunk_is_the_one_that_the_chain_names() {
        let manifest = ArtifactManifest::of(b"model");
        assert_eq!(checked(&manifest, 0, Some(b"model".to_vec())).unwrap(), b"model");
        let other = checked(&manifest, 0, Some(b"modem".to_vec())).unwrap_err();
        assert!(matches!(other, Error::Answer { .. }), "{other}");
        assert!(checked(&manifest, 1, Some(b"model".to_vec())).is_err());
        assert!(matches!(checked(&manifest, 0, None), Err(Error::NotFound(_))));
        // Of the digest, but not of the size.
        let chunks = vec![digest(b"model")];
        let manifest = ArtifactManifest { identity: identity(4, &chunks), size: 4, chunks };
        assert!(checked(&manifest, 0, Some(b"model".to_vec())).is_err());
    }
}
