//! The offers of operators to serve versions.

use assay_primitives::{
    operator::Roles, traits::Models, AssuranceClasses, Balance, BlockNumber, VersionId,
};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

use crate::{Config, Error, Event, Operators, Pallet, Served, Server, Servers};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_serve(
        operator: T::AccountId,
        version: VersionId,
        ask: Balance,
        concurrency: u32,
        response_blocks: BlockNumber,
        classes: AssuranceClasses,
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

        Servers::<T>::try_mutate(version, |servers| {
            if let Some(server) = servers.iter_mut().find(|server| server.account == operator) {
                server.ask = ask;
                server.concurrency = concurrency;
                server.response_blocks = response_blocks;
                server.classes = classes;
                return Ok(());
            }
            let server = Server {
                account: operator.clone(),
                ask,
                concurrency,
                response_blocks,
                open: 0,
                classes,
            };
            servers.try_push(server).map_err(|_| Error::<T>::TooManyServers)?;
            Served::<T>::try_append(&operator, version).map_err(|_| Error::<T>::TooManyServed)
        })?;
        Self::deposit_event(Event::Serving {
            operator,
            version,
            ask,
            concurrency,
            response_blocks,
            classes,
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
        Served::<T>::try_mutate(&operator, |served| {
            let position =
                served.iter().position(|one| *one == version).ok_or(Error::<T>::NotServing)?;
            served.remove(position);
            Ok::<_, Error<T>>(())
        })?;
        Self::remove_server(version, &operator);
        Self::deposit_event(Event::Withdrawn { operator, version });
        Ok(())
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
