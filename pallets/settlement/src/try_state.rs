//! Invariants of the books.

use alloc::collections::BTreeMap;
use assay_primitives::Balance;
use frame_support::{ensure, traits::fungible::Inspect, traits::Get};
use sp_runtime::TryRuntimeError;

use crate::{BondTotals, Config, DepositTotals, EscrowTotals, Escrows, HoldReason, Pallet};

impl<T: Config> Pallet<T> {
    /// * The escrows of an account add up to its total.
    /// * Each total is what is held on the account under its reason.
    /// * No entry says zero.
    /// * The treasury can receive any amount.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut totals: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (_, record) in Escrows::<T>::iter() {
            let total = totals.entry(record.payer).or_default();
            *total = total.checked_add(record.amount).ok_or("escrows overflow")?;
        }
        // A request may have cost nothing; then there is no total.
        totals.retain(|_, total| *total > 0);
        let booked: BTreeMap<_, _> =
            EscrowTotals::<T>::iter().filter(|(_, total)| *total > 0).collect();
        ensure!(totals == booked, "escrow totals are not the sums of the escrows");
        for (account, total) in booked {
            ensure!(
                Self::held(HoldReason::Escrow, &account) == total,
                "an escrow total is not what is held"
            );
        }
        for (account, total) in BondTotals::<T>::iter() {
            ensure!(
                Self::held(HoldReason::Bond, &account) == total,
                "a bond is not what is held"
            );
        }
        for (account, total) in DepositTotals::<T>::iter() {
            ensure!(
                Self::held(HoldReason::Deposit, &account) == total,
                "a deposit is not what is held"
            );
        }
        ensure!(
            T::Currency::balance(&T::TreasuryAccount::get()) >= T::Currency::minimum_balance(),
            "the treasury is below the existential deposit"
        );
        Ok(())
    }
}
