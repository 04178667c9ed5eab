//! Downloads artifacts. [`publish`](crate::publish) uploads them.

use assay_primitives::{digest, ArtifactManifest, Digest};

use crate::{Client, Error, Result};

impl Client {
    /// Downloads an artifact from the node. The digests of each chunk and of the whole are checked,
    /// so the node need not be trusted.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the artifact is not complete on chain, or the node does not keep its
    /// bytes. [`Error::Answer`] if a digest does not match.
    pub async fn download_artifact(&self, artifact: Digest) -> Result<Vec<u8>> {
        let view = self.artifact(artifact).await?;
        let manifest = view.filter(|view| view.missing.is_empty()).map(|view| view.manifest);
        let manifest = manifest.ok_or_else(|| {
            Error::not_found(format!("artifact {artifact:?} is not complete on chain"))
        })?;
        let mut bytes = Vec::new();
        for (index, _) in (0u32..).zip(&manifest.chunks) {
            let chunk = self.rpc().artifact_chunk(artifact, index).await?;
            bytes.extend(checked(&manifest, index, chunk)?);
        }
        match digest(&bytes) == artifact {
            true => Ok(bytes),
            false => {
                Err(invalid(format!("the chunks together do not have the digest {artifact:?}")))
            },
        }
    }
}

fn invalid(reason: String) -> Error {
    Error::Answer { method: "artifact_chunk".into(), reason }
}

/// Returns the chunk if it has the digest in the manifest.
fn checked(manifest: &ArtifactManifest, index: u32, chunk: Option<Vec<u8>>) -> Result<Vec<u8>> {
    let chunk = chunk.ok_or_else(|| {
        Error::not_found(format!(
            "the node does not have the bytes of artifact {:?}; use a node that keeps all block \
             bodies and is synced",
            manifest.digest
        ))
    })?;
    match manifest.chunks.get(index as usize) == Some(&digest(&chunk)) {
        true => Ok(chunk),
        false => Err(invalid(format!("chunk {index} does not have the digest in the manifest"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_the_one_that_the_chain_names() {
        let manifest = ArtifactManifest::of(b"model");
        assert_eq!(checked(&manifest, 0, Some(b"model".to_vec())).unwrap(), b"model");
        let other = checked(&manifest, 0, Some(b"modem".to_vec())).unwrap_err();
        assert!(matches!(other, Error::Answer { .. }), "{other}");
        assert!(checked(&manifest, 1, Some(b"model".to_vec())).is_err());
        assert!(matches!(checked(&manifest, 0, None), Err(Error::NotFound(_))));
    }
}
