//! Operators as other pallets need them: candidates for a draw, assignments, penalties.

use alloc::vec::Vec;
use assay_primitives::{
    operator::Offence,
    traits::{Bonds, Candidate, Operators as OperatorsTrait},
    AssuranceClass, Balance, RequestId, VersionId, WorkerId,
};
use frame_support::traits::Get;

use crate::{Config, Event, OpenAssignments, Operators, Pallet, Servers, WorkerKeys};

impl<T: Config> Pallet<T> {
    fn change_open(operator: &T::AccountId, version: VersionId, change: impl Fn(u32) -> u32) {
        Operators::<T>::mutate(operator, |info| {
            if let Some(info) = info {
                info.open = change(info.open);
            }
        });
        Servers::<T>::mutate_exists(version, |servers| {
            let server = servers
                .iter_mut()
                .flat_map(|servers| servers.iter_mut())
                .find(|server| server.account == *operator);
            if let Some(server) = server {
                server.open = change(server.open);
            }
        });
    }
}

impl<T: Config> OperatorsTrait<T::AccountId> for Pallet<T> {
    fn candidates(
        version: VersionId,
        class: AssuranceClass,
        budget: Balance,
    ) -> Vec<Candidate<T::AccountId>> {
        Servers::<T>::get(version)
            .into_iter()
            .filter(|server| {
                server.classes.contains(class) && server.ask <= budget && server.concurrency > 0
            })
            .filter(|server| {
                Operators::<T>::get(&server.account).is_some_and(|info| Self::is_live(&info))
            })
            .filter_map(|server| {
                let bond = T::Bonds::bonded(&server.account);
                (bond >= T::MinBond::get()).then(|| Candidate {
                    bond,
                    ask: server.ask,
                    response_blocks: server.response_blocks,
                    has_room: server.open < server.concurrency,
                    account: server.account,
                })
            })
            .collect()
    }

    fn servers(version: VersionId) -> u32 {
        Servers::<T>::decode_len(version).unwrap_or(0) as u32
    }

    fn max_servers() -> u32 {
        T::MaxServers::get()
    }

    fn assign(operator: &T::AccountId, request: RequestId, version: VersionId) {
        OpenAssignments::<T>::insert(operator, request, version);
        Self::change_open(operator, version, |open| open.saturating_add(1));
    }

    fn unassign(operator: &T::AccountId, request: RequestId, version: VersionId) {
        if OpenAssignments::<T>::take(operator, request).is_some() {
            Self::change_open(operator, version, |open| open.saturating_sub(1));
        }
    }

    fn is_assigned(operator: &T::AccountId, request: RequestId) -> bool {
        OpenAssignments::<T>::contains_key(operator, request)
    }

    fn worker(operator: &T::AccountId) -> Option<WorkerId> {
        Operators::<T>::get(operator).map(|info| info.worker)
    }

    fn operator_of(worker: &WorkerId) -> Option<T::AccountId> {
        WorkerKeys::<T>::get(worker)
    }

    fn assignments(operator: &T::AccountId) -> Vec<RequestId> {
        let mut requests: Vec<_> = OpenAssignments::<T>::iter_key_prefix(operator).collect();
        requests.sort_unstable();
        requests
    }

    fn penalise(
        operator: &T::AccountId,
        offence: Offence,
        harmed: Option<(&T::AccountId, Balance)>,
    ) -> Balance {
        let share = match offence {
            Offence::WrongResult => T::WrongResultSlash::get(),
            Offence::NoAnswer => T::NoAnswerSlash::get(),
            Offence::Equivocation => T::EquivocationSlash::get(),
            Offence::LostDispute => T::LostDisputeSlash::get(),
        };
        let due = assay_math::share_of(T::Bonds::bonded(operator), share);
        let amount = T::Bonds::slash(operator, due, harmed);
        Self::deposit_event(Event::Penalised { operator: operator.clone(), offence, amount });
        amount
    }
}
