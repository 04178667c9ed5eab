//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]

use alloc::{vec, vec::Vec};
use assay_primitives::{
    artifact::{ArtifactManifest, MAX_CHUNKS, MAX_CHUNK_BYTES},
    digest,
};
use frame_benchmarking::v2::*;
use frame_system::RawOrigin;

use crate::*;

#[benchmarks]
mod benchmarks {
    use super::*;

    fn funded<T: Config>() -> T::AccountId {
        // Deposits are taken through the trait alone, so the runtime endows whitelisted callers.
        let caller: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&caller);
        caller
    }

    #[benchmark]
    fn create(n: Linear<1, MAX_CHUNKS>) {
        let caller = funded::<T>();
        let mut chunks: Vec<_> = (0..n).map(|index| digest(&index.to_le_bytes())).collect();
        let whole = if n == 1 { chunks[0] } else { digest(b"whole") };
        let size = u64::from(n) * u64::from(MAX_CHUNK_BYTES);
        let chunks: Chunks = core::mem::take(&mut chunks).try_into().expect("within the bound");
        #[extrinsic_call]
        _(RawOrigin::Signed(caller), whole, size, chunks);
        assert!(Artifacts::<T>::contains_key(whole));
    }

    #[benchmark]
    fn upload(n: Linear<1, MAX_CHUNK_BYTES>) {
        let caller = funded::<T>();
        let data = vec![7u8; n as usize];
        let manifest = ArtifactManifest::of(&data);
        Pallet::<T>::create(
            RawOrigin::Signed(caller.clone()).into(),
            manifest.digest,
            manifest.size,
            manifest.chunks.try_into().expect("one chunk"),
        )
        .expect("the caller is endowed");
        frame_system::Pallet::<T>::note_extrinsic(data.clone());
        frame_system::Pallet::<T>::set_extrinsic_index(0);
        #[extrinsic_call]
        _(RawOrigin::Signed(caller), manifest.digest, 0, data);
        assert!(Artifacts::<T>::get(manifest.digest).is_some_and(|a| a.is_complete()));
    }

    #[benchmark]
    fn remove() {
        let caller = funded::<T>();
        let data = vec![7u8; 1];
        let manifest = ArtifactManifest::of(&data);
        Pallet::<T>::create(
            RawOrigin::Signed(caller.clone()).into(),
            manifest.digest,
            manifest.size,
            manifest.chunks.try_into().expect("one chunk"),
        )
        .expect("the caller is endowed");
        #[extrinsic_call]
        _(RawOrigin::Signed(caller), manifest.digest);
        assert!(!Artifacts::<T>::contains_key(manifest.digest));
    }
}
