//! Invariants.

use frame_support::{
    ensure,
    traits::{fungible::Inspect, Get, GetStorageVersion},
};
use sp_runtime::TryRuntimeError;

use alloc::collections::BTreeSet;

use crate::{BlockFees, Config, KeyListOf, KeyLists, Made, Missed, Pallet, StillDisabled};

impl<T: Config> Pallet<T> {
    /// Checks the invariants between two blocks:
    ///
    /// * The fees of the block before are divided.
    /// * No counter of blocks that were made or missed is zero.
    /// * The treasury can receive any amount.
    /// * The kept sessions follow each other, are not too many, and have all lists of keys that there are.
    /// * Nobody is disabled between two sessions.
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
        ensure!(BlockFees::<T>::get() == 0, "fees of a block are not divided");
        ensure!(Made::<T>::iter_values().all(|made| made > 0), "a number of blocks is zero");
        ensure!(Missed::<T>::get().values().all(|missed| *missed > 0), "nothing was missed");
        Self::check_keys()?;
        ensure!(StillDisabled::<T>::get().is_empty(), "somebody is disabled between two sessions");
        ensure!(
            T::Currency::balance(&T::TreasuryAccount::get()) >= T::Currency::minimum_balance(),
            "the treasury is below the existential deposit"
        );
        Ok(())
    }

    fn check_keys() -> Result<(), TryRuntimeError> {
        let sessions: BTreeSet<_> = KeyListOf::<T>::iter_keys().collect();
        if let (Some(first), Some(last)) = (sessions.first(), sessions.last()) {
            let between = (last - first) as usize + 1;
            ensure!(between == sessions.len(), "the keys of a session are missing");
            ensure!(between <= T::KeptSessions::get() as usize, "keys are kept for too long");
        }
        let named: BTreeSet<_> = KeyListOf::<T>::iter_values().collect();
        let lists: BTreeSet<_> = KeyLists::<T>::iter_keys().collect();
        ensure!(named == lists, "the lists of keys are not those of the kept sessions");
        Ok(())
    }
}
