//! Invariants of the artifacts.

use assay_primitives::{
    artifact::{identity, ArtifactManifest, MAX_ARTIFACT_BYTES},
    Digest,
};
use frame_support::{ensure, traits::GetStorageVersion};
use sp_runtime::TryRuntimeError;

use crate::{Artifact, Artifacts, Config, Pallet, Uploads};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * Sizes are within bounds and agree with the number of chunks.
    /// * No bit is set past the last chunk.
    /// * Each record is under the identity of its size and chunks.
    /// * Artifacts are complete. Announcements are not complete, belong to the account that made
    ///   them, and are not in use.
    /// * The owner of an artifact has no announcement of it.
    /// * The storage version is that of the code.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        ensure!(
            Self::on_chain_storage_version() == Self::in_code_storage_version(),
            "the storage version is not that of the code"
        );
        for (artifact, record) in Artifacts::<T>::iter() {
            Self::check_record(artifact, &record)?;
            ensure!(record.is_complete(), "an artifact is not complete");
        }
        for (artifact, owner, record) in Uploads::<T>::iter() {
            Self::check_record(artifact, &record)?;
            ensure!(!record.is_complete(), "an announcement is complete");
            ensure!(record.owner == owner, "an announcement is not its owner's");
            ensure!(record.uses == 0, "an announcement is used");
            ensure!(
                Artifacts::<T>::get(artifact).is_none_or(|complete| complete.owner != owner),
                "an artifact's owner announces it again"
            );
        }
        Ok(())
    }

    fn check_record(
        artifact: Digest,
        record: &Artifact<T::AccountId>,
    ) -> Result<(), TryRuntimeError> {
        ensure!(
            (1..=MAX_ARTIFACT_BYTES).contains(&record.size),
            "an artifact has an impossible size"
        );
        let count = ArtifactManifest::chunk_count(record.size);
        ensure!(record.chunks.len() as u64 == count, "chunks and size disagree");
        ensure!(
            u64::from(u128::BITS - record.uploaded.leading_zeros()) <= count,
            "a bit is set for a chunk that does not exist"
        );
        ensure!(
            identity(record.size, &record.chunks) == artifact,
            "an artifact is under another identity"
        );
        Ok(())
    }
}
