//! The offers of operators to serve versions.

use assay_pallet_support::Chain;
use assay_primitives::{
    operator::Roles,
    traits::{Bonds, Models},
    AssuranceClasses, Balance, BlockNumber, VersionId,
};
use frame_support::{ensure, traits::Get};
use sp_runtime::{DispatchResult, Perbill};

use crate::{Config, Error, Event, Operators, Pallet, Served, Server, Servers};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_serve(
        operator: T::AccountId,
        version: VersionId,
        ask: Balance,
        concurrency: u32,
        response_blocks: BlockNumber,
        classes: AssuranceClasses,
        max_royalty: Perbill,
    ) -> DispatchResult {
        let info = Self::staying(&operator)?;
        ensure!(info.roles.contains(Roles::INFERENCE), Error::<T>::InvalidRoles);
        ensure!(concurrency <= T::MaxConcurrency::get(), Error::<T>::InvalidConcurrency);
        ensure!(
            (1..=T::MaxResponseBlocks::get()).contains(&response_blocks),
            Error::<T>::InvalidResponseBlocks
        );
        ensure!(!classes.is_empty() && classes.is_well_formed(), Error::<T>::InvalidClasses);
        // An operator has to be able to pause its offer of a deprecated version, to withdraw it.
        let pauses = concurrency == 0 && Served::<T>::get(&operator).contains(&version);
        ensure!(pauses || T::Models::is_active(version), Error::<T>::VersionNotServable);
        let offered = T::Models::assurances(version).ok_or(Error::<T>::VersionNotServable)?;
        ensure!(offered.contains_all(classes), Error::<T>::ClassNotOffered);

        let mut servers = Servers::<T>::get(version);
        if let Some(server) = servers.iter_mut().find(|server| server.account == operator) {
            server.ask = ask;
            server.concurrency = concurrency;
            server.response_blocks = response_blocks;
            server.classes = classes;
            server.max_royalty = max_royalty;
            server.failed_in_a_row = 0;
        } else {
            let bond = T::Bonds::bonded(&operator);
            ensure!(bond >= T::MinBond::get(), Error::<T>::BondTooSmall);
            ensure!(concurrency > 0, Error::<T>::InvalidConcurrency);
            Served::<T>::try_append(&operator, version).map_err(|_| Error::<T>::TooManyServed)?;
            if servers.is_full() {
                let index = Self::replaceable(&servers, bond).ok_or(Error::<T>::TooManyServers)?;
                let evicted = servers.remove(index).account;
                Self::remove_served(&evicted, version);
                Self::deposit_event(Event::Evicted {
                    operator: evicted,
                    version,
                    by: operator.clone(),
                });
            }
            let server = Server {
                account: operator.clone(),
                ask,
                concurrency,
                response_blocks,
                open: 0,
                since: T::now(),
                outvoted: 0,
                failed: 0,
                failed_in_a_row: 0,
                classes,
                max_royalty,
            };
            servers.try_push(server).map_err(|_| Error::<T>::TooManyServers)?;
        }
        Servers::<T>::insert(version, servers);
        Self::deposit_event(Event::Serving {
            operator,
            version,
            ask,
            concurrency,
            response_blocks,
            classes,
            max_royalty,
        });
        Ok(())
    }

    pub(crate) fn do_withdraw(operator: T::AccountId, version: VersionId) -> DispatchResult {
        ensure!(Operators::<T>::contains_key(&operator), Error::<T>::NotRegistered);
        let open = Servers::<T>::get(version)
            .iter()
            .find(|server| server.account == operator)
            .map(|server| server.open)
            .ok_or(Error::<T>::NotServing)?;
        ensure!(open == 0, Error::<T>::OpenAssignments);
        Self::remove_served(&operator, version);
        Self::remove_server(version, &operator);
        Self::deposit_event(Event::Withdrawn { operator, version });
        Ok(())
    }

    /// The index of a server whose seat an operator with this bond can take: one
    ///
    /// * that is paused, whose bond is below the minimum, or that has been silent for
    ///   [`Config::SeatTimeout`]; or else
    /// * that has the smallest bond, if it is smaller.
    ///
    /// It may have open runs, which go on: otherwise whoever has its own operators run its own
    /// requests would keep all seats.
    fn replaceable(servers: &[Server<T::AccountId>], bond: Balance) -> Option<usize> {
        let mut smallest: Option<(usize, Balance)> = None;
        for (index, server) in servers.iter().enumerate() {
            let its_bond = T::Bonds::bonded(&server.account);
            let is_paused = server.concurrency == 0;
            if is_paused || its_bond < T::MinBond::get() || Self::is_silent(server) {
                return Some(index);
            }
            if smallest.is_none_or(|(_, least)| its_bond < least) {
                smallest = Some((index, its_bond));
            }
        }
        smallest.filter(|(_, least)| *least < bond).map(|(index, _)| index)
    }

    /// Whether a server has sent no heartbeat for [`Config::SeatTimeout`] blocks.
    fn is_silent(server: &Server<T::AccountId>) -> bool {
        let heard = Operators::<T>::get(&server.account).and_then(|info| {
            // A new worker key has time for its first heartbeat.
            info.last_heartbeat.or(info.past_workers.last().map(|(_, replaced_at)| *replaced_at))
        });
        let heard = heard.unwrap_or_default().max(server.since);
        T::now().saturating_sub(heard) > T::SeatTimeout::get()
    }

    fn remove_served(operator: &T::AccountId, version: VersionId) {
        Served::<T>::mutate_exists(operator, |entry| {
            if let Some(served) = entry {
                served.retain(|one| *one != version);
                if served.is_empty() {
                    *entry = None;
                }
            }
        });
    }

    pub(crate) fn remove_server(version: VersionId, operator: &T::AccountId) {
        Servers::<T>::mutate_exists(version, |entry| {
            if let Some(servers) = entry {
                servers.retain(|server| server.account != *operator);
                if servers.is_empty() {
                    *entry = None;
                }
            }
        });
    }
}
