//! Invariants of the ledger.

use alloc::collections::{BTreeMap, BTreeSet};
use assay_primitives::Balance;
use frame_support::{
    ensure,
    traits::{fungible::Inspect, Get, GetStorageVersion},
};
use sp_runtime::TryRuntimeError;

use crate::{BondTotals, Compensations, Config, DepositTotals, DisputeTotals, HoldReason, Pallet};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * Each total equals the amount held on the account for its reason, and nothing else is held.
    /// * No stored total is zero.
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
        let mut compensations: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (account, _, amount) in Compensations::<T>::iter() {
            ensure!(amount > 0, "a stored compensation is zero");
            let total = compensations.entry(account).or_default();
            *total = total.checked_add(amount).ok_or("compensations overflow")?;
        }
        let bonds: BTreeMap<_, _> = BondTotals::<T>::iter().collect();
        let deposits: BTreeMap<_, _> = DepositTotals::<T>::iter().collect();
        let disputes: BTreeMap<_, _> = DisputeTotals::<T>::iter().collect();
        ensure!(
            [&bonds, &deposits, &disputes].iter().all(|book| book.values().all(|total| *total > 0)),
            "a stored total is zero"
        );
        ensure!(Self::is_held(HoldReason::Bond, &bonds), "a bond is not what is held");
        ensure!(Self::is_held(HoldReason::Deposit, &deposits), "a deposit is not what is held");
        ensure!(
            Self::is_held(HoldReason::Dispute, &disputes),
            "a dispute's bond is not what is held"
        );
        ensure!(
            Self::is_held(HoldReason::Compensation, &compensations),
            "the compensations are not what is held"
        );
        ensure!(
            T::Currency::balance(&T::TreasuryAccount::get()) >= T::Currency::minimum_balance(),
            "the treasury is below the existential deposit"
        );
        Ok(())
    }

    /// Whether the holds of all accounts equal the totals in the ledger.
    fn is_held(reason: HoldReason, book: &BTreeMap<T::AccountId, Balance>) -> bool {
        let accounts: BTreeSet<T::AccountId> =
            frame_system::Account::<T>::iter_keys().chain(book.keys().cloned()).collect();
        accounts.into_iter().all(|account| {
            Self::held(reason, &account) == book.get(&account).copied().unwrap_or_default()
        })
    }
}
