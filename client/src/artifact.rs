//! Artifacts from the chain. [`crate::publish`] puts them there.

use assay_primitives::{digest, ArtifactManifest, Digest};

use crate::{Client, Error, Result};

impl Client {
    /// The bytes of an artifact, from the node. Each chunk and the whole have the digests that the
    /// artifact is named by, or this fails: nothing of it is the node's word.
    ///
    /// Fails with [`Error::NotFound`] where the chain does not have it in full, or the node does
    /// not keep its bytes.
    pub async fn download_artifact(&self, artifact: Digest) -> Result<Vec<u8>> {
        let view = self.artifact(artifact).await?;
        let manifest = view.filter(|view| view.missing.is_empty()).map(|view| view.manifest);
        let manifest = manifest.ok_or_else(|| {
            Error::not_found(format!("the chain does not have all of the artifact {artifact:?}"))
        })?;
        let mut bytes = Vec::new();
        for (index, _) in (0u32..).zip(&manifest.chunks) {
            let chunk = self.rpc().artifact_chunk(artifact, index).await?;
            bytes.extend(checked(&manifest, index, chunk)?);
        }
        match digest(&bytes) == artifact {
            true => Ok(bytes),
            false => Err(unreadable(format!("the whole does not have the digest {artifact:?}"))),
        }
    }
}

fn unreadable(reason: String) -> Error {
    Error::Answer { method: "artifact_chunk".into(), reason }
}

/// A chunk that is the one that the manifest names.
fn checked(manifest: &ArtifactManifest, index: u32, chunk: Option<Vec<u8>>) -> Result<Vec<u8>> {
    let chunk = chunk.ok_or_else(|| {
        Error::not_found(format!(
            "the node does not keep the artifact {:?}; ask one that keeps all blocks, and wait \
             until it has caught up",
            manifest.digest
        ))
    })?;
    match manifest.chunks.get(index as usize) == Some(&digest(&chunk)) {
        true => Ok(chunk),
        false => Err(unreadable(format!("chunk {index} is another than the chain names"))),
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
