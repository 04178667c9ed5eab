//! Benchmarks of the calls. Every list of the operator is full: its past worker keys, the versions
//! that it serves, and the offers for each version.
#![cfg(feature = "runtime-benchmarks")]

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::{
    operator::{EngineVersion, Roles},
    traits::{BenchmarkHelper as _, Bonds, Models},
    AssuranceClasses, HeartbeatStatement, ModelId, Possession, Statement, VersionId, WorkerId,
    WorkerSignature, ASY,
};
use frame_benchmarking::v2::*;
use frame_support::{
    pallet_prelude::{Authorize, TransactionSource},
    traits::Get,
};
use frame_system::RawOrigin;
use sp_runtime::{traits::SaturatedConversion, Perbill};

use crate::*;

#[benchmarks]
mod benchmarks {
    use super::*;

    fn endowed<T: Config>(account: T::AccountId) -> T::AccountId {
        T::BenchmarkHelper::endow(&account);
        account
    }

    /// Worker key number `index` and its signature for `operator`.
    fn key<T: Config>(operator: &T::AccountId, index: u32) -> (WorkerId, WorkerSignature) {
        let statement = Possession { genesis: T::genesis(), operator: operator.clone() };
        T::BenchmarkHelper::worker(index, &statement.signing_bytes())
    }

    /// Registers the account and replaces its worker key as often as possible. Its
    /// current key is number `MAX_PAST_WORKERS`.
    fn registered<T: Config>(operator: T::AccountId) -> T::AccountId {
        let operator = endowed::<T>(operator);
        let origin = RawOrigin::Signed(operator.clone());
        let (worker, possession) = key::<T>(&operator, 0);
        let bond = T::MinBond::get();
        Pallet::<T>::register(origin.clone().into(), Roles::INFERENCE, worker, possession, bond)
            .expect("the operator is endowed");
        for index in 1..=MAX_PAST_WORKERS {
            let (worker, possession) = key::<T>(&operator, index);
            Pallet::<T>::set_worker(origin.clone().into(), worker, possession)
                .expect("the key is new");
        }
        operator
    }

    /// Publishes a version that `others` operators serve.
    fn version<T: Config>(others: u32) -> VersionId {
        let owner = endowed::<T>(account("owner", 0, 0));
        let version = T::BenchmarkHelper::publish(&owner, 0);
        T::BenchmarkHelper::serve(version, others);
        version
    }

    fn offered<T: Config>(version: VersionId) -> AssuranceClasses {
        T::Models::assurances(version).expect("published before")
    }

    /// Makes the operator serve `count` additional versions, which do not exist. The maximum number
    /// of operators serves each.
    fn serve_others<T: Config>(operator: &T::AccountId, version: VersionId, count: u32) {
        let servers = Servers::<T>::get(version);
        for number in 0..count {
            let other = VersionId { model: ModelId(u32::MAX), number };
            let mut servers = servers.clone();
            servers.truncate(T::MaxServers::get() as usize - 1);
            servers
                .try_push(Server {
                    account: operator.clone(),
                    ask: ASY,
                    concurrency: 1,
                    response_blocks: 1,
                    open: 0,
                    since: 0,
                    outvoted: 0,
                    failed: 0,
                    failed_in_a_row: 0,
                    classes: offered::<T>(version),
                    max_royalty: Perbill::one(),
                })
                .expect("there is room");
            Servers::<T>::insert(other, servers);
            Served::<T>::try_append(operator, other).expect("there is room");
        }
    }

    /// An operator that serves the maximum number of versions, each with the maximum number of
    /// operators.
    fn busy<T: Config>(operator: T::AccountId) -> (T::AccountId, VersionId) {
        let version = version::<T>(T::MaxServers::get() - 1);
        let operator = registered::<T>(operator);
        serve_others::<T>(&operator, version, T::MaxServed::get() - 1);
        let classes = offered::<T>(version);
        let origin = RawOrigin::Signed(operator.clone()).into();
        Pallet::<T>::serve(origin, version, ASY, 1, 1, classes, Perbill::one())
            .expect("there is room");
        (operator, version)
    }

    /// A heartbeat with its signature.
    fn beat<T: Config>(
        operator: &T::AccountId,
    ) -> (HeartbeatStatement<T::AccountId>, WorkerSignature) {
        let statement = HeartbeatStatement {
            genesis: T::genesis(),
            operator: operator.clone(),
            at: T::now(),
            engine: EngineVersion { major: 1, minor: 2, patch: 3 },
            load: 4,
        };
        let (worker, signature) =
            T::BenchmarkHelper::worker(MAX_PAST_WORKERS, &statement.signing_bytes());
        assert_eq!(Operators::<T>::get(operator).map(|info| info.worker), Some(worker));
        (statement, signature)
    }

    #[benchmark]
    fn register() {
        let operator = endowed::<T>(whitelisted_caller());
        let (worker, possession) = key::<T>(&operator, 0);
        let bond = T::MinBond::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()), Roles::INFERENCE, worker, possession, bond);

        assert!(Operators::<T>::contains_key(operator));
    }

    #[benchmark]
    fn set_worker() {
        let operator = registered::<T>(whitelisted_caller());
        let (worker, possession) = key::<T>(&operator, MAX_PAST_WORKERS + 1);
        // Every past key is dropped.
        let later = T::now() + T::UnbondingPeriod::get();
        frame_system::Pallet::<T>::set_block_number(later.saturated_into());

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()), worker.clone(), possession);

        assert_eq!(WorkerKeys::<T>::get(worker), Some(operator.clone()));
        assert_eq!(Operators::<T>::get(operator).map(|info| info.past_workers.len()), Some(1));
    }

    #[benchmark]
    fn add_bond() {
        let operator = registered::<T>(whitelisted_caller());

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()), ASY);

        assert_eq!(T::Bonds::bonded(&operator), T::MinBond::get() + ASY);
    }

    #[benchmark]
    fn serve() {
        // All seats are taken, and each has to be looked at.
        let version = version::<T>(T::MaxServers::get());
        let operator = registered::<T>(whitelisted_caller());
        T::Bonds::lock(&operator, T::MinBond::get() * 20).expect("the operator is endowed");
        serve_others::<T>(&operator, version, T::MaxServed::get() - 1);
        let classes = offered::<T>(version);

        let (concurrency, royalty) = (T::MaxConcurrency::get(), Perbill::one());

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()), version, ASY, concurrency, 1, classes, royalty);

        assert!(Served::<T>::get(operator).contains(&version));
        assert_eq!(Servers::<T>::get(version).len() as u32, T::MaxServers::get());
    }

    #[benchmark]
    fn withdraw() {
        let (operator, version) = busy::<T>(whitelisted_caller());

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()), version);

        assert!(!Served::<T>::get(operator).contains(&version));
    }

    #[benchmark]
    fn heartbeat() {
        // The call has no fee, so no account has been read before.
        let operator = registered::<T>(account("beating", 0, 0));
        let (statement, signature) = beat::<T>(&operator);

        #[extrinsic_call]
        _(RawOrigin::Authorized, statement, signature);

        assert!(Operators::<T>::get(operator).is_some_and(|info| Pallet::<T>::is_live(&info)));
    }

    #[benchmark]
    fn unbond() {
        let (operator, version) = busy::<T>(whitelisted_caller());

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()));

        assert!(Served::<T>::get(&operator).is_empty());
        let left: Vec<_> = Servers::<T>::get(version).into_inner();
        assert!(left.iter().all(|server| server.account != operator));
    }

    #[benchmark]
    fn withdraw_bond() {
        let (operator, _) = busy::<T>(whitelisted_caller());
        Pallet::<T>::unbond(RawOrigin::Signed(operator.clone()).into())
            .expect("nothing is assigned to it");
        let until = T::now() + T::UnbondingPeriod::get();
        frame_system::Pallet::<T>::set_block_number(until.saturated_into());

        #[extrinsic_call]
        _(RawOrigin::Signed(operator.clone()));

        assert!(!Operators::<T>::contains_key(operator));
    }

    #[benchmark]
    fn authorize_heartbeat() -> Result<(), BenchmarkError> {
        let operator = registered::<T>(account("beating", 0, 0));
        let (statement, signature) = beat::<T>(&operator);
        let call = Call::<T>::heartbeat { statement, signature };

        #[block]
        {
            call.authorize(TransactionSource::External)
                .ok_or("the call has an authorization")??;
        }

        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
