//! Invariants of the registrations.

use alloc::collections::{BTreeMap, BTreeSet};
use assay_pallet_support::Chain;
use assay_primitives::traits::Bonds;
use frame_support::{ensure, traits::GetStorageVersion};
use sp_runtime::TryRuntimeError;

use crate::{Config, OpenAssignments, Operators, Pallet, Served, Servers, WorkerKeys};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * Worker keys and operators point at each other, past keys included.
    /// * Past keys are in the order of their replacement.
    /// * `Servers` and `Served` agree, without repetition.
    /// * The counts of open assignments equal the numbers of open assignments.
    /// * The stakes of an operator are within its bond. If it owes something, its whole bond is at
    ///   stake.
    /// * An unbonding operator has no offers and no assignments.
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
        let mut keys = BTreeMap::new();
        for (account, info) in Operators::<T>::iter() {
            keys.insert(info.worker.clone(), account.clone());
            let mut latest = 0;
            for (past, replaced_at) in &info.past_workers {
                keys.insert(past.clone(), account.clone());
                ensure!(
                    (latest..=T::now()).contains(replaced_at),
                    "past worker keys are not in the order of their replacement"
                );
                latest = *replaced_at;
            }
            let open = OpenAssignments::<T>::iter_prefix(&account).count();
            ensure!(open == info.open as usize, "an operator's open count is wrong");
            let bond = T::Bonds::bonded(&account);
            ensure!(info.locked <= bond, "an operator's stakes exceed its bond");
            ensure!(info.owed == 0 || info.locked == bond, "a debt was not collected");
            if info.unbonding_until.is_some() {
                ensure!(open == 0, "an unbonding operator has open assignments");
                ensure!(!Served::<T>::contains_key(&account), "an unbonding operator serves");
            }
        }
        ensure!(
            keys == WorkerKeys::<T>::iter().collect(),
            "worker keys and operators do not point at each other"
        );

        let mut serving = BTreeSet::new();
        for (version, servers) in Servers::<T>::iter() {
            ensure!(!servers.is_empty(), "an empty list of servers is stored");
            for server in servers {
                let open = OpenAssignments::<T>::iter_prefix_values(&server.account)
                    .filter(|run| run.version == version && run.offered_at == server.since)
                    .count();
                ensure!(open == server.open as usize, "a server's open count is wrong");
                ensure!(serving.insert((server.account, version)), "an operator serves twice");
            }
        }
        for (account, versions) in Served::<T>::iter() {
            ensure!(Operators::<T>::contains_key(&account), "an unregistered account has offers");
            for version in versions {
                ensure!(
                    serving.remove(&(account.clone(), version)),
                    "a served version has no offer"
                );
            }
        }
        ensure!(serving.is_empty(), "an offer is not among the served versions");
        for (account, _, _) in OpenAssignments::<T>::iter() {
            ensure!(
                Operators::<T>::contains_key(&account),
                "an unregistered account has an assignment"
            );
        }
        Ok(())
    }
}
