//! Registration, worker keys, bonds and unbonding of operators.

use assay_pallet_support::Chain;
use assay_primitives::{
    operator::Roles, traits::Bonds, Balance, BlockNumber, Possession, Statement, WorkerId,
    WorkerSignature,
};
use frame_support::{ensure, pallet_prelude::*, traits::Get};
use sp_runtime::DispatchResult;

use crate::{
    Config, Error, Event, Operator, Operators, Pallet, Served, WorkerKeys, MAX_PAST_WORKERS,
};

impl<T: Config> Pallet<T> {
    /// The operator, if it is registered and not unbonding.
    pub(crate) fn staying(operator: &T::AccountId) -> Result<Operator, Error<T>> {
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
        let statement = Possession { genesis: T::genesis(), operator: operator.clone() };
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
                locked: 0,
                owed: 0,
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
        let now = T::now();
        // Equivocations signed with older keys are not punished any more.
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
        // The operator is not drawn until a heartbeat shows that the new key works.
        info.last_heartbeat = None;
        Operators::<T>::insert(&operator, info);
        WorkerKeys::<T>::insert(&worker, &operator);
        Self::deposit_event(Event::WorkerSet { operator, worker });
        Ok(())
    }

    pub(crate) fn do_add_bond(operator: T::AccountId, amount: Balance) -> DispatchResult {
        let mut info = Self::staying(&operator)?;
        T::Bonds::lock(&operator, amount)?;
        if info.owed > 0 {
            Self::collect_debt(&operator, &mut info);
            Operators::<T>::insert(&operator, info);
        }
        Self::deposit_event(Event::BondAdded { operator, amount });
        Ok(())
    }

    pub(crate) fn do_unbond(operator: T::AccountId) -> DispatchResult {
        let mut info = Self::staying(&operator)?;
        ensure!(info.open == 0, Error::<T>::OpenAssignments);
        for version in Served::<T>::take(&operator) {
            Self::remove_server(version, &operator);
        }
        let until = T::now().saturating_add(T::UnbondingPeriod::get());
        info.unbonding_until = Some(until);
        Operators::<T>::insert(&operator, info);
        Self::deposit_event(Event::Unbonding { operator, until });
        Ok(())
    }

    pub(crate) fn do_withdraw_bond(operator: T::AccountId) -> DispatchResult {
        let info = Operators::<T>::get(&operator).ok_or(Error::<T>::NotRegistered)?;
        let until = info.unbonding_until.ok_or(Error::<T>::NotUnbonding)?;
        ensure!(T::now() >= until, Error::<T>::UnbondingPeriodNotOver);
        ensure!(info.locked == 0, Error::<T>::BondAtStake);
        let amount = T::Bonds::unlock(&operator)?;
        Operators::<T>::remove(&operator);
        WorkerKeys::<T>::remove(info.worker);
        for (past, _) in info.past_workers {
            WorkerKeys::<T>::remove(past);
        }
        Self::deposit_event(Event::BondWithdrawn { operator, amount });
        Ok(())
    }
}
