//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]

use alloc::{vec, vec::Vec};
use assay_primitives::{
    artifact::{MAX_CHUNKS, MAX_CHUNK_BYTES},
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
        let chunks: Vec<_> = (0..n).map(|index| digest(&index.to_le_bytes())).collect();
        let whole = if n == 1 { chunks[0] } else { digest(b"whole") };
        let size = u64::from(n) * u64::from(MAX_CHUNK_BYTES);
        let chunks: Chunks = chunks.try_into().expect("within the bound");

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), whole, size, chunks);

        assert!(Artifacts::<T>::contains_key(whole));
    }

    /// Announces an artifact of as many chunks as can be, of which only the last is missing.
    fn almost_complete<T: Config>(owner: &T::AccountId, last: &[u8]) -> Digest {
        let mut chunks: Vec<_> = (1..MAX_CHUNKS).map(|index| digest(&index.to_le_bytes())).collect();
        chunks.push(digest(last));
        let whole = digest(b"whole");
        let size = u64::from(MAX_CHUNKS - 1) * u64::from(MAX_CHUNK_BYTES) + last.len() as u64;
        Pallet::<T>::create(
            RawOrigin::Signed(owner.clone()).into(),
            whole,
            size,
            chunks.try_into().expect("within the bound"),
        )
        .expect("the owner is endowed");
        Artifacts::<T>::mutate(whole, |record| {
            let record = record.as_mut().expect("created above");
            record.uploaded = (1 << (MAX_CHUNKS - 1)) - 1;
        });
        whole
    }

    #[benchmark]
    fn upload(n: Linear<1, MAX_CHUNK_BYTES>) {
        let caller = funded::<T>();
        let data = vec![7u8; n as usize];
        let artifact = almost_complete::<T>(&caller, &data);
        frame_system::Pallet::<T>::note_extrinsic(data.clone());
        frame_system::Pallet::<T>::set_extrinsic_index(0);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), artifact, MAX_CHUNKS - 1, data);

        assert!(Artifacts::<T>::get(artifact).is_some_and(|record| record.is_complete()));
    }

    #[benchmark]
    fn remove() {
        let caller = funded::<T>();
        let artifact = almost_complete::<T>(&caller, &[7u8]);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), artifact);

        assert!(!Artifacts::<T>::contains_key(artifact));
    }
}
