//! Invariants.

use frame_support::{
    ensure,
    traits::{fungible::Inspect, Get, GetStorageVersion},
};
use sp_runtime::TryRuntimeError;

use crate::{BlockFees, Config, Made, Missed, Pallet};

impl<T: Config> Pallet<T> {
    /// Checks the invariants between two blocks:
    ///
    /// * The fees of the block before are divided.
    /// * No counter of blocks that were made or missed is zero.
    /// * The treasury can receive any amount.
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
        ensure!(
            T::Currency::balance(&T::TreasuryAccount::get()) >= T::Currency::minimum_balance(),
            "the treasury is below the existential deposit"
        );
        Ok(())
    }
}
