use alloc::vec::Vec;
use assay_primitives::{
    operator::{Offence, Roles},
    traits::{Bonds, Candidate, Models, Operators as OperatorsTrait},
    AssuranceClass, AssuranceClasses, Balance, BlockNumber, Digest, HeartbeatStatement, Possession,
    RequestId, Statement, VersionId, WorkerId, WorkerSignature,
};
use frame_support::{ensure, pallet_prelude::*, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    traits::{SaturatedConversion, Zero},
    transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
    DispatchResult,
};

use crate::{
    Config, Error, Event, OpenAssignments, Operator, Operators, Pallet, Served, Server, Servers,
    WorkerKeys, MAX_PAST_WORKERS,
};

/// Codes of `InvalidTransaction::Custom` with which heartbeats are refused.
pub mod refusal {
    /// The statement names another chain.
    pub const WRONG_CHAIN: u8 = 1;
    /// There is no such operator, or it is unbonding.
    pub const NOT_AN_OPERATOR: u8 = 2;
}

impl<T: Config> Pallet<T> {
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    pub(crate) fn genesis() -> Digest {
        let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        Digest::from_slice(hash.as_ref())
    }

    /// The operator, unless it is leaving.
    fn staying(operator: &T::AccountId) -> Result<Operator, Error<T>> {
        let info = Operators::<T>::get(operator).ok_or(Error::<T>::NotRegistered)?;
        ensure!(info.unbonding_until.is_none(), Error::<T>::Unbonding);
        Ok(info)
    }

    fn check_worker(
        operator: &T::AccountId,
        worker: &WorkerId,
        possession: &WorkerSignature,
    ) -> DispatchResult {
        ensure!(!WorkerKeys::<T>::contains_key(worker), Error::<T>::WorkerKeyTaken);
        let statement = Possession { genesis: Self::genesis(), operator: operator.clone() };
        ensure!(statement.is_signed_by(worker, possession), Error::<T>::InvalidPossession);
        Ok(())
    }

    pub(crate) fn do_register(
        operator: T::AccountId,
        roles: Roles,
        worker: WorkerId,
        possession: WorkerSignature,
        bond: Balance,
    ) -> DispatchResult {
        ensure!(!Operators::<T>::contains_key(&operator), Error::<T>::AlreadyRegistered);
        ensure!(roles.is_well_formed(), Error::<T>::InvalidRoles);
        ensure!(bond >= T::MinBond::get(), Error::<T>::BondTooSmall);
        Self::check_worker(&operator, &worker, &possession)?;
        T::Bonds::lock(&operator, bond)?;
        WorkerKeys::<T>::insert(&worker, &operator);
        Operators::<T>::insert(
            &operator,
            Operator {
                roles,
                worker: worker.clone(),
                past_workers: BoundedVec::new(),
                last_heartbeat: None,
                engine: Default::default(),
                load: 0,
                open: 0,
                unbonding_until: None,
            },
        );
        Self::deposit_event(Event::Registered { operator, worker, bond });
        Ok(())
    }

    pub(crate) fn do_set_worker(
        operator: T::AccountId,
        worker: WorkerId,
        possession: WorkerSignature,
    ) -> DispatchResult {
        let mut info = Self::staying(&operator)?;
        let now = Self::now();
        // What an older key signed can no longer be held against anyone.
        let counts =
            |replaced_at: BlockNumber| now.saturating_sub(replaced_at) < T::UnbondingPeriod::get();
        let remembered = info.past_workers.iter().filter(|(_, at)| counts(*at)).count();
        ensure!(remembered < MAX_PAST_WORKERS as usize, Error::<T>::TooManyWorkerKeys);
        Self::check_worker(&operator, &worker, &possession)?;
        info.past_workers.retain(|(past, at)| {
            if !counts(*at) {
                WorkerKeys::<T>::remove(past);
            }
            counts(*at)
        });
        let past = core::mem::replace(&mut info.worker, worker.clone());
        info.past_workers.try_push((past, now)).map_err(|_| Error::<T>::TooManyWorkerKeys)?;
        // The new key has to show that it works before anything is assigned to it.
        info.last_heartbeat = None;
        Operators::<T>::insert(&operator, info);
        WorkerKeys::<T>::insert(&worker, &operator);
        Self::deposit_event(Event::WorkerSet { operator, worker });
        Ok(())
    }

    pub(crate) fn do_add_bond(operator: T::AccountId, amount: Balance) -> DispatchResult {
        Self::staying(&operator)?;
        T::Bonds::lock(&operator, amount)?;
        Self::deposit_event(Event::BondAdded { operator, amount });
        Ok(())
    }

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
        // Who serves a version that was deprecated can pause, so that it can withdraw.
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

    fn remove_server(version: VersionId, operator: &T::AccountId) {
        Servers::<T>::mutate_exists(version, |entry| {
            if let Some(servers) = entry {
                servers.retain(|server| server.account != *operator);
                if servers.is_empty() {
                    *entry = None;
                }
            }
        });
    }

    pub(crate) fn do_unbond(operator: T::AccountId) -> DispatchResult {
        let mut info = Self::staying(&operator)?;
        ensure!(info.open == 0, Error::<T>::OpenAssignments);
        for version in Served::<T>::take(&operator) {
            Self::remove_server(version, &operator);
        }
        let until = Self::now().saturating_add(T::UnbondingPeriod::get());
        info.unbonding_until = Some(until);
        Operators::<T>::insert(&operator, info);
        Self::deposit_event(Event::Unbonding { operator, until });
        Ok(())
    }

    pub(crate) fn do_withdraw_bond(operator: T::AccountId) -> DispatchResult {
        let info = Operators::<T>::get(&operator).ok_or(Error::<T>::NotRegistered)?;
        let until = info.unbonding_until.ok_or(Error::<T>::NotUnbonding)?;
        ensure!(Self::now() >= until, Error::<T>::UnbondingPeriodNotOver);
        let amount = T::Bonds::unlock(&operator)?;
        Operators::<T>::remove(&operator);
        WorkerKeys::<T>::remove(info.worker);
        for (past, _) in info.past_workers {
            WorkerKeys::<T>::remove(past);
        }
        Self::deposit_event(Event::BondWithdrawn { operator, amount });
        Ok(())
    }

    /// Whether a heartbeat may enter a block: cheap checks first, the signature last.
    pub(crate) fn authorize_heartbeat(
        _source: TransactionSource,
        statement: &HeartbeatStatement<T::AccountId>,
        signature: &WorkerSignature,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        let refuse = |code: u8| TransactionValidityError::from(InvalidTransaction::Custom(code));
        let now = Self::now();
        ensure!(statement.at <= now, InvalidTransaction::Future);
        ensure!(now - statement.at <= T::HeartbeatInterval::get(), InvalidTransaction::Stale);
        ensure!(statement.genesis == Self::genesis(), refuse(refusal::WRONG_CHAIN));
        let info =
            Self::staying(&statement.operator).map_err(|_| refuse(refusal::NOT_AN_OPERATOR))?;
        // A replay guard, and a bound on how many an operator can send.
        let earliest = info
            .last_heartbeat
            .map_or(0, |last| last.saturating_add(T::HeartbeatInterval::get() / 2 + 1));
        ensure!(statement.at >= earliest, InvalidTransaction::Stale);
        ensure!(statement.is_signed_by(&info.worker, signature), InvalidTransaction::BadProof);
        let validity = ValidTransaction::with_tag_prefix("AssayHeartbeat")
            .and_provides(&statement.operator)
            .priority(T::HeartbeatPriority::get())
            .longevity(T::HeartbeatInterval::get().into())
            .propagate(true)
            .build()?;
        Ok((validity, Weight::zero()))
    }

    pub(crate) fn note_heartbeat(statement: HeartbeatStatement<T::AccountId>) {
        let HeartbeatStatement { operator, at, engine, load, .. } = statement;
        Operators::<T>::mutate(&operator, |info| {
            let Some(info) = info else { return };
            if !Self::is_live(info) {
                Self::deposit_event(Event::BecameLive { operator: operator.clone() });
            }
            info.last_heartbeat = Some(at);
            info.engine = engine;
            info.load = load;
        });
    }

    /// Whether the last heartbeat is recent enough to be drawn.
    pub fn is_live(info: &Operator) -> bool {
        info.unbonding_until.is_none()
            && info
                .last_heartbeat
                .is_some_and(|last| Self::now().saturating_sub(last) <= T::HeartbeatTimeout::get())
    }

    /// Whether a node should send a heartbeat for this operator now.
    pub fn heartbeat_due(operator: &T::AccountId) -> bool {
        Operators::<T>::get(operator).is_some_and(|info| {
            info.unbonding_until.is_none()
                && info.last_heartbeat.is_none_or(|last| {
                    Self::now().saturating_sub(last) >= T::HeartbeatInterval::get()
                })
        })
    }

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
