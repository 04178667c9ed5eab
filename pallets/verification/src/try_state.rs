//! Invariants of the evidence.

use alloc::collections::BTreeSet;
use assay_primitives::{digest, traits::Operators};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

use crate::{Config, Outputs, Pallet, Submission, Submissions};

impl<T: Config> Pallet<T> {
    /// * Who has handed something in is assigned to the request, until it has shown a result.
    /// * Outputs and revealed results name each other.
    /// * Outputs have the digest under which they are kept.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut revealed = BTreeSet::new();
        for (request, member, submission) in Submissions::<T>::iter() {
            match submission {
                Submission::Revealed { output_digest, .. } => {
                    revealed.insert((request, output_digest));
                },
                Submission::Committed(_) | Submission::Failed(_) => ensure!(
                    T::Operators::is_assigned(&member, request),
                    "a stranger has handed something in"
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
