//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]

use alloc::{vec, vec::Vec};
use assay_primitives::{
    artifact::{identity, MAX_CHUNKS, MAX_CHUNK_BYTES},
    digest,
    traits::BenchmarkHelper,
    Digest,
};
use frame_benchmarking::v2::*;
use frame_system::RawOrigin;

use crate::*;

#[benchmarks]
mod benchmarks {
    use super::*;

    fn funded<T: Config>() -> T::AccountId {
        let caller: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&caller);
        caller
    }

    #[benchmark]
    fn create(n: Linear<1, MAX_CHUNKS>) {
        let caller = funded::<T>();
        let owner = caller.clone();
        let chunks: Vec<_> = (0..n).map(|index| digest(&index.to_le_bytes())).collect();
        let size = u64::from(n) * u64::from(MAX_CHUNK_BYTES);
        let artifact = identity(size, &chunks);
        let chunks: Chunks = chunks.try_into().expect("within the bound");

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), size, chunks);

        assert!(Uploads::<T>::contains_key(artifact, owner));
    }

    /// Announces an artifact of the maximum number of chunks, of which only the last is missing.
    fn almost_complete<T: Config>(owner: &T::AccountId, last: &[u8]) -> Digest {
        let mut chunks: Vec<_> =
            (1..MAX_CHUNKS).map(|index| digest(&index.to_le_bytes())).collect();
        chunks.push(digest(last));
        let size = u64::from(MAX_CHUNKS - 1) * u64::from(MAX_CHUNK_BYTES) + last.len() as u64;
        let artifact = identity(size, &chunks);
        Pallet::<T>::create(
            RawOrigin::Signed(owner.clone()).into(),
            size,
            chunks.try_into().expect("within the bound"),
        )
        .expect("the owner is endowed");
        Uploads::<T>::mutate(artifact, owner, |record| {
            let record = record.as_mut().expect("created above");
            record.uploaded = (1 << (MAX_CHUNKS - 1)) - 1;
        });
        artifact
    }

    /// The artifact of another account.
    fn complete<T: Config>(artifact: Digest, of: &T::AccountId) {
        let mut record = Uploads::<T>::get(artifact, of).expect("announced before");
        record.owner = account("other", 0, 0);
        record.uploaded = u128::MAX;
        Artifacts::<T>::insert(artifact, record);
    }

    // The most expensive end of an upload: another account has completed the artifact before, so
    // the deposit is returned.
    #[benchmark]
    fn upload(n: Linear<1, MAX_CHUNK_BYTES>) {
        let caller = funded::<T>();
        let data = vec![7u8; n as usize];
        let owner = caller.clone();
        let artifact = almost_complete::<T>(&caller, &data);
        complete::<T>(artifact, &caller);
        frame_system::Pallet::<T>::note_extrinsic(data.clone());
        frame_system::Pallet::<T>::set_extrinsic_index(0);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), artifact, MAX_CHUNKS - 1, data);

        assert!(!Uploads::<T>::contains_key(artifact, owner));
    }

    // The call looks for an announcement before it reads the artifact.
    #[benchmark]
    fn remove() {
        let caller = funded::<T>();
        let artifact = almost_complete::<T>(&caller, &[7u8]);
        let mut record = Uploads::<T>::take(artifact, &caller).expect("announced above");
        record.uploaded = u128::MAX;
        Artifacts::<T>::insert(artifact, record);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), artifact);

        assert!(!Artifacts::<T>::contains_key(artifact));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
