//! Invariants of the evidence.

use alloc::collections::BTreeSet;
use assay_primitives::{digest, traits::Operators};
use frame_support::{ensure, traits::GetStorageVersion};
use sp_runtime::TryRuntimeError;

use crate::{Config, Outputs, Pallet, Submission, Submissions};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * A member with a commitment or a failure report is assigned to the request.
    /// * Each result has its output, and each output a result.
    /// * Outputs have the digest under which they are stored.
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
        let mut revealed = BTreeSet::new();
        for (request, member, submission) in Submissions::<T>::iter() {
            match submission {
                Submission::Revealed { output_digest, .. } => {
                    revealed.insert((request, output_digest));
                },
                Submission::Committed(_) | Submission::Failed(_) => ensure!(
                    T::Operators::is_assigned(&member, request),
                    "an unassigned operator has a submission"
                ),
            }
        }
        let mut kept = BTreeSet::new();
        for (request, output_digest, output) in Outputs::<T>::iter() {
            ensure!(digest(&output) == output_digest, "an output has another digest");
            kept.insert((request, output_digest));
        }
        ensure!(revealed == kept, "outputs and revealed results do not name each other");
        Ok(())
    }
}
