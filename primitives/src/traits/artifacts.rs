//! Artifacts.

use sp_runtime::DispatchResult;

use crate::{ArtifactManifest, Digest};

/// Artifacts, as versions and requests need them. Implemented by `storage`.
pub trait Artifacts {
    /// The manifest of an artifact; `None` unless all its chunks are on chain.
    fn complete(digest: &Digest) -> Option<ArtifactManifest>;
    /// Counts a use of the artifact. An artifact in use cannot be removed.
    ///
    /// # Errors
    ///
    /// The artifact is not complete, or the count would overflow.
    fn acquire(digest: &Digest) -> DispatchResult;
    /// Undoes one [`Self::acquire`].
    fn release(digest: &Digest);
}
