//! Invariants of the artifacts.

use assay_primitives::artifact::{ArtifactManifest, MAX_ARTIFACT_BYTES};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

use crate::{Artifacts, Config, Pallet};

impl<T: Config> Pallet<T> {
    /// * Sizes are within bounds and agree with the number of chunks.
    /// * No bit is set past the last chunk.
    /// * Only complete artifacts are in use.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        for (_, record) in Artifacts::<T>::iter() {
            ensure!(
                (1..=MAX_ARTIFACT_BYTES).contains(&record.size),
                "an artifact has an impossible size"
            );
            let count = ArtifactManifest::chunk_count(record.size);
            ensure!(record.chunks.len() as u64 == count, "chunks and size disagree");
            ensure!(
                u64::from(u128::BITS - record.uploaded.leading_zeros()) <= count,
                "a chunk is noted that does not exist"
            );
            ensure!(record.uses == 0 || record.is_complete(), "an incomplete artifact is used");
        }
        Ok(())
    }
}
