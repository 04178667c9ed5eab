//! Operators as other pallets need them: candidates for a draw, assignments, penalties.

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::{
    operator::{Conduct, Offence},
    traits::{Bonds, Candidate, DrawTerms, Operators as OperatorsTrait, SlashShare},
    AssuranceClass, Balance, BlockNumber, RequestId, VersionId, WorkerId,
};
use frame_support::traits::Get;

use crate::{
    Config, Event, OpenAssignments, OpenRun, Operator, Operators, Pallet, Server, Servers,
    WorkerKeys, COMPENSATION_STEP, MAX_FAILURES,
};

impl<T: Config> Pallet<T> {
    /// Height from which a compensation of now can be claimed: when no offence of now can be
    /// reported any more.
    fn claimable_from() -> BlockNumber {
        T::now()
            .saturating_add(T::UnbondingPeriod::get())
            .div_ceil(COMPENSATION_STEP)
            .saturating_mul(COMPENSATION_STEP)
    }

    /// Takes what an operator owes from what is not locked. Returns the amount taken.
    pub(crate) fn collect_debt(account: &T::AccountId, info: &mut Operator) -> Balance {
        if info.owed == 0 {
            return 0;
        }
        let unlocked = T::Bonds::bonded(account).saturating_sub(info.locked);
        let amount = T::Bonds::slash(account, info.owed.min(unlocked), None);
        if amount > 0 {
            info.owed = info.owed.saturating_sub(amount);
            let (operator, offence) = (account.clone(), Offence::Equivocation);
            Self::deposit_event(Event::Penalised { operator, offence, amount });
        }
        amount
    }

    fn change(operator: &T::AccountId, change: impl FnOnce(&mut Operator)) {
        Operators::<T>::mutate(operator, |info| {
            if let Some(info) = info {
                change(info);
            }
        });
    }

    fn unlock(operator: &T::AccountId, info: &mut Operator, stakes: Balance) {
        info.locked = info.locked.saturating_sub(stakes);
        Self::collect_debt(operator, info);
    }

    /// Changes the operator's offer of a version, if there is one.
    fn change_offer(
        operator: &T::AccountId,
        version: VersionId,
        change: impl FnOnce(&mut Server<T::AccountId>),
    ) {
        Servers::<T>::mutate_exists(version, |servers| {
            let server = servers
                .iter_mut()
                .flat_map(|servers| servers.iter_mut())
                .find(|server| server.account == *operator);
            if let Some(server) = server {
                change(server);
            }
        });
    }
}

impl<T: Config> OperatorsTrait<T::AccountId> for Pallet<T> {
    fn candidates(terms: DrawTerms) -> impl Iterator<Item = Candidate<T::AccountId>> {
        (0..)
            .zip(Servers::<T>::get(terms.version))
            .filter(move |(_, server)| {
                server.classes.contains(terms.class)
                    && server.ask <= terms.budget
                    && server.max_royalty >= terms.royalty
                    && server.response_blocks <= terms.slowest
                    && server.concurrency > 0
            })
            .filter_map(move |(place, server)| {
                let info = Operators::<T>::get(&server.account).filter(Self::is_live)?;
                let bond = T::Bonds::bonded(&server.account);
                let covered = bond
                    .saturating_sub(info.locked)
                    .checked_div(terms.stake)
                    .map_or(u32::MAX, |runs| runs.min(u32::MAX.into()) as u32);
                (bond >= T::MinBond::get()).then_some(Candidate {
                    place,
                    bond,
                    ask: server.ask,
                    response_blocks: server.response_blocks,
                    is_running: server.open > 0,
                    room: covered.min(server.concurrency.saturating_sub(server.open)),
                    account: server.account,
                })
            })
    }

    fn stake(class: AssuranceClass, appealable: bool) -> Balance {
        let disputable = T::WrongResultSlash::get().saturating_add(T::LostDisputeSlash::get());
        match class {
            AssuranceClass::Signed | AssuranceClass::Tee => T::NoAnswerSlash::get(),
            AssuranceClass::Quorum if appealable => disputable,
            AssuranceClass::Quorum => T::NoAnswerSlash::get(),
            AssuranceClass::Proof => T::WrongResultSlash::get(),
            AssuranceClass::Optimistic => disputable,
        }
    }

    fn note(operator: &T::AccountId, version: VersionId, conduct: Conduct) {
        Self::change_offer(operator, version, |server| match conduct {
            Conduct::Outvoted => server.outvoted = server.outvoted.saturating_add(1),
            Conduct::Failed => {
                server.failed = server.failed.saturating_add(1);
                server.failed_in_a_row = server.failed_in_a_row.saturating_add(1);
                if server.failed_in_a_row >= MAX_FAILURES && server.concurrency > 0 {
                    server.concurrency = 0;
                    Self::deposit_event(Event::Paused { operator: operator.clone(), version });
                }
            },
        });
    }

    fn servers(version: VersionId) -> u32 {
        Servers::<T>::decode_len(version).unwrap_or(0) as u32
    }

    fn max_servers() -> u32 {
        T::MaxServers::get()
    }

    fn assign(operator: &T::AccountId, request: RequestId, version: VersionId, stake: Balance) {
        Self::change(operator, |info| {
            info.open = info.open.saturating_add(1);
            info.locked = info.locked.saturating_add(stake);
        });
        let mut offered_at = 0;
        Self::change_offer(operator, version, |server| {
            server.open = server.open.saturating_add(1);
            offered_at = server.since;
        });
        OpenAssignments::<T>::insert(operator, request, OpenRun { version, offered_at });
    }

    fn unassign(
        operator: &T::AccountId,
        version: VersionId,
        requests: &[RequestId],
        served: bool,
        stakes: Balance,
    ) {
        let ended: Vec<OpenRun> =
            requests.iter().filter_map(|id| OpenAssignments::<T>::take(operator, *id)).collect();
        if ended.is_empty() {
            return Self::release(operator, stakes);
        }
        Self::change(operator, |info| {
            info.open = info.open.saturating_sub(ended.len() as u32);
            Self::unlock(operator, info, stakes);
        });
        Self::change_offer(operator, version, |server| {
            // An operator that lost its seat and has taken another one may end runs of the first.
            let own = ended.iter().filter(|run| run.offered_at == server.since).count() as u32;
            server.open = server.open.saturating_sub(own);
            if served {
                server.failed_in_a_row = 0;
            }
        });
    }

    fn release(operator: &T::AccountId, stakes: Balance) {
        Self::change(operator, |info| Self::unlock(operator, info, stakes));
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

    fn unowed(operator: &T::AccountId) -> Balance {
        let owed = Operators::<T>::get(operator).map_or(0, |info| info.owed);
        T::Bonds::bonded(operator).saturating_sub(owed)
    }

    fn penalise(
        operator: &T::AccountId,
        offence: Offence,
        harmed: Option<(&T::AccountId, Balance)>,
    ) -> Balance {
        let due = match offence {
            Offence::WrongResult => T::WrongResultSlash::get(),
            Offence::NoAnswer => T::NoAnswerSlash::get(),
            Offence::LostDispute => T::LostDisputeSlash::get(),
            Offence::Equivocation => {
                let bond = T::Bonds::bonded(operator);
                let due = assay_math::share_of(bond, T::EquivocationSlash::get());
                return Operators::<T>::mutate(operator, |info| match info {
                    Some(info) => {
                        info.owed = info.owed.saturating_add(due).min(bond);
                        Self::collect_debt(operator, info)
                    },
                    None => 0,
                });
            },
        };
        let share = harmed.map(|(to, most)| match offence {
            // The challenger's reward is paid at once.
            Offence::LostDispute => SlashShare { to, most, claimable_from: None },
            _ => {
                let most = most.min(assay_math::share_of(due, T::CompensationShare::get()));
                SlashShare { to, most, claimable_from: Some(Self::claimable_from()) }
            },
        });
        let amount = T::Bonds::slash(operator, due, share);
        Self::deposit_event(Event::Penalised { operator: operator.clone(), offence, amount });
        amount
    }
}
