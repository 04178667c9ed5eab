//! Invariants of disputes.

use alloc::collections::{BTreeMap, BTreeSet};
use assay_primitives::{
    traits::{DisputeBonds, OptimisticResults},
    Balance, RequestId,
};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

use crate::{Agenda, AgendaCursor, Config, Counts, NextDispute, OpenDisputes, Pallet, Verdicts};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * Each dispute is on the agenda at the height after its deadline, which has not been
    ///   processed. The agenda contains nothing else.
    /// * The counts equal the numbers of open disputes. Each result with a verdict has an open
    ///   dispute.
    /// * A disputed result exists if and only if it has no verdict.
    /// * The amount held on a challenger is the sum of its bonds.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut agenda: BTreeSet<_> = Agenda::<T>::iter().map(|(at, id, ())| (at, id)).collect();
        let cursor = AgendaCursor::<T>::get();
        ensure!(
            agenda.iter().all(|(at, _)| *at >= cursor),
            "the agenda has an entry below its cursor"
        );
        let mut counts: BTreeMap<RequestId, u32> = BTreeMap::new();
        let mut bonds: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (id, dispute) in OpenDisputes::<T>::iter() {
            ensure!(
                id < NextDispute::<T>::get(),
                "a dispute's identifier is not below the next one"
            );
            ensure!(agenda.remove(&(dispute.deadline + 1, id)), "a dispute is not on the agenda");
            *counts.entry(dispute.request).or_default() += 1;
            *bonds.entry(dispute.challenger).or_default() += dispute.bond;
            ensure!(
                T::Results::result(dispute.request).is_some()
                    != Verdicts::<T>::contains_key(dispute.request),
                "a disputed result and its verdict disagree"
            );
        }
        ensure!(agenda.is_empty(), "the agenda contains an entry that is not open");
        ensure!(counts == Counts::<T>::iter().collect(), "the counts are not those of disputes");
        ensure!(
            Verdicts::<T>::iter_keys().all(|request| counts.contains_key(&request)),
            "a verdict without a dispute"
        );
        for (challenger, bond) in bonds {
            ensure!(T::Bonds::held(&challenger) == bond, "bonds are not what is held");
        }
        Ok(())
    }
}
