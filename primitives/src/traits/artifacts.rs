//! Artifacts.

use sp_runtime::DispatchResult;

use crate::{ArtifactManifest, Digest};

/// Artifacts, as versions and requests need them, named by their identity. Implemented by `storage`.
pub trait Artifacts {
    /// The manifest of an artifact; `None` unless all its chunks are on chain.
    fn complete(artifact: &Digest) -> Option<ArtifactManifest>;
    /// Counts a use of the artifact. An artifact in use cannot be removed.
    ///
    /// # Errors
    ///
    /// The artifact is not complete, or the count would overflow.
    fn acquire(artifact: &Digest) -> DispatchResult;
    /// Undoes one [`Self::acquire`].
    fn release(artifact: &Digest);
}
