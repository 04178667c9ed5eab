//! Benchmarks of the calls. Versions are as large as they may be.
#![cfg(feature = "runtime-benchmarks")]

use alloc::vec;
use assay_primitives::{
    digest,
    model::{ModelName, MAX_NAME_BYTES},
    traits::BenchmarkHelper,
    ModelId, VersionId,
};
use frame_benchmarking::v2::*;
use frame_support::traits::Get;
use frame_system::RawOrigin;
use sp_runtime::Perbill;

use crate::*;

#[benchmarks]
mod benchmarks {
    use super::*;

    fn funded<T: Config>() -> T::AccountId {
        let caller: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&caller);
        caller
    }

    fn name() -> ModelName {
        vec![b'z'; MAX_NAME_BYTES as usize].try_into().expect("within the bound")
    }

    fn published<T: Config>() -> (T::AccountId, VersionId) {
        let caller = funded::<T>();
        let version = T::BenchmarkHelper::publish(&caller, 0);
        (caller, version)
    }

    fn created<T: Config>() -> (T::AccountId, ModelId) {
        let caller = funded::<T>();
        let model = NextModel::<T>::get();
        Pallet::<T>::create(RawOrigin::Signed(caller.clone()).into(), name())
            .expect("the caller is endowed");
        (caller, model)
    }

    #[benchmark]
    fn create() {
        let caller = funded::<T>();
        let model = NextModel::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), name());

        assert!(Models::<T>::contains_key(model));
    }

    #[benchmark]
    fn publish() {
        let (caller, version) = published::<T>();
        let Version { descriptor, licence, metadata, .. } =
            Versions::<T>::get(version).expect("published above");
        let (model, royalty) = (version.model, T::MaxRoyalty::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), model, descriptor, royalty, licence, metadata);

        assert!(Versions::<T>::contains_key(VersionId { model, number: version.number + 1 }));
    }

    #[benchmark]
    fn set_metadata() {
        let (caller, version) = published::<T>();
        let metadata = Some(digest(b"other metadata"));

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version, metadata);

        assert_eq!(Versions::<T>::get(version).map(|record| record.metadata), Some(metadata));
    }

    #[benchmark]
    fn set_royalty() {
        let (caller, version) = published::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version, Perbill::zero());

        let royalty = Versions::<T>::get(version).map(|record| record.royalty);
        assert_eq!(royalty, Some(Perbill::zero()));
    }

    #[benchmark]
    fn deprecate() {
        let (caller, version) = published::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version);

        assert!(Versions::<T>::get(version).is_some_and(|record| record.deprecated));
    }

    // An offer is read before it is withdrawn, and not before it is made.
    #[benchmark]
    fn transfer() {
        let (caller, version) = published::<T>();
        Offers::<T>::insert(version.model, account::<T::AccountId>("to", 0, 0));
        let to = caller.clone();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version.model, to);

        assert!(!Offers::<T>::contains_key(version.model));
    }

    #[benchmark]
    fn remove_version() {
        let (caller, version) = published::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version);

        assert!(!Versions::<T>::contains_key(version));
    }

    #[benchmark]
    fn remove_model() {
        let (caller, model) = created::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), model);

        assert!(!Models::<T>::contains_key(model));
    }

    #[benchmark]
    fn accept() {
        let owner: T::AccountId = account("owner", 0, 0);
        T::BenchmarkHelper::endow(&owner);
        let version = T::BenchmarkHelper::publish(&owner, 0);
        let caller = funded::<T>();
        Pallet::<T>::transfer(RawOrigin::Signed(owner).into(), version.model, caller.clone())
            .expect("it is the owner's");

        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()), version.model);

        assert!(Models::<T>::get(version.model).is_some_and(|record| record.owner == caller));
    }
}
