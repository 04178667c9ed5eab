//! Invariants of disputes.

use alloc::collections::{BTreeMap, BTreeSet};
use assay_primitives::{
    traits::{DisputeBonds, OptimisticResults},
    Balance, RequestId,
};
use frame_support::{ensure, traits::GetStorageVersion};
use sp_runtime::TryRuntimeError;

use crate::{
    Agenda, AgendaCursor, ByParty, ByRequest, Config, Counts, NextDispute, Obsolete, OpenDisputes,
    Pallet, Shown, ShownAt, Verdicts,
};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * Each dispute is on the agenda at the height after its deadline, which has not been
    ///   processed. The agenda contains nothing else.
    /// * The indices contain each dispute, by its request and both its parties, and nothing else.
    /// * What an operator has shown is about a result that is disputed, or is marked as obsolete. A
    ///   disputed result is not. Everything that was shown has a moment, and what the next move of a
    ///   dispute is about was shown.
    /// * The counts equal the numbers of open disputes. Each result with a verdict has an open
    ///   dispute.
    /// * A disputed result exists if and only if it has no verdict.
    /// * The amount held on a challenger is the sum of its bonds. No dispute has spent more than its
    ///   bond.
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
        let mut agenda: BTreeSet<_> = Agenda::<T>::iter().map(|(at, id, ())| (at, id)).collect();
        let cursor = AgendaCursor::<T>::get();
        ensure!(
            agenda.iter().all(|(at, _)| *at >= cursor),
            "the agenda has an entry below its cursor"
        );
        let mut by_request: BTreeSet<_> = ByRequest::<T>::iter_keys().collect();
        let mut by_party: BTreeSet<_> = ByParty::<T>::iter_keys().collect();
        let mut counts: BTreeMap<RequestId, u32> = BTreeMap::new();
        let mut bonds: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (id, dispute) in OpenDisputes::<T>::iter() {
            ensure!(
                id < NextDispute::<T>::get(),
                "a dispute's identifier is not below the next one"
            );
            ensure!(
                dispute.due == dispute.deadline + 1 && agenda.remove(&(dispute.due, id)),
                "a dispute is not on the agenda"
            );
            ensure!(
                by_request.remove(&(dispute.request, id)),
                "a dispute is not in the index by request"
            );
            let parties: BTreeSet<_> = [&dispute.operator, &dispute.challenger].into();
            for party in parties {
                ensure!(
                    by_party.remove(&(party.clone(), id)),
                    "a dispute is not in the index by party"
                );
            }
            let reads = Self::caught_up(dispute.clone()).stage.reads();
            ensure!(
                reads.is_none_or(|what| Shown::<T>::contains_key(dispute.request, what)),
                "what a dispute is about is missing"
            );
            ensure!(dispute.spent <= dispute.bond, "a dispute has spent more than its bond");
            *counts.entry(dispute.request).or_default() += 1;
            *bonds.entry(dispute.challenger).or_default() += dispute.bond;
            ensure!(
                T::Results::result(dispute.request).is_some()
                    != Verdicts::<T>::contains_key(dispute.request),
                "a disputed result and its verdict disagree"
            );
        }
        ensure!(agenda.is_empty(), "the agenda contains an entry that is not open");
        ensure!(
            by_request.is_empty() && by_party.is_empty(),
            "an index contains a dispute that is not open"
        );
        ensure!(
            ShownAt::<T>::iter_keys().all(|(request, _)| {
                counts.contains_key(&request) != Obsolete::<T>::contains_key(request)
            }),
            "what is shown is about no dispute, or is obsolete and disputed"
        );
        ensure!(
            Shown::<T>::iter_keys()
                .all(|(request, what)| ShownAt::<T>::contains_key(request, what)),
            "something was shown at no time"
        );
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
