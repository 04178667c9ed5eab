//! The benchmark helper of the mocks.

use core::marker::PhantomData;

use assay_primitives::{
    traits::BenchmarkHelper, Balance, VersionId, WorkerId, WorkerSignature, ASY,
};
use frame_support::traits::fungible::Mutate;
use sp_core::Pair as _;

use crate::workers::pair;

/// What a mock prepares for the benchmarks that run on it. The functions that its benchmarks do not
/// call stay as they are here, and panic.
pub trait Prepare: pallet_balances::Config<AccountId = u64, Balance = Balance> {
    /// [`BenchmarkHelper::publish`].
    fn publish(_owner: u64, _input_bytes: u32) -> VersionId {
        unreachable!("the benchmarks publish no version")
    }
    /// [`BenchmarkHelper::publish_graph`].
    fn publish_graph(_owner: u64) -> VersionId {
        unreachable!("the benchmarks publish no graph")
    }
    /// [`BenchmarkHelper::payload`].
    fn payload(_bytes: u32) -> Vec<u8> {
        unreachable!("the benchmarks have no payload")
    }
    /// [`BenchmarkHelper::serve`].
    fn serve(_version: VersionId, _count: u32) -> Vec<u64> {
        unreachable!("the benchmarks have no operator")
    }
}

/// The benchmark helper of a mock.
pub struct Benchmarks<T>(PhantomData<T>);

impl<T: Prepare> BenchmarkHelper<u64> for Benchmarks<T> {
    fn endow(account: &u64) {
        pallet_balances::Pallet::<T>::set_balance(account, 1_000_000_000 * ASY);
    }
    fn publish(owner: &u64, input_bytes: u32) -> VersionId {
        T::publish(*owner, input_bytes)
    }
    fn publish_graph(owner: &u64) -> VersionId {
        T::publish_graph(*owner)
    }
    fn payload(bytes: u32) -> Vec<u8> {
        T::payload(bytes)
    }
    fn serve(version: VersionId, count: u32) -> Vec<u64> {
        T::serve(version, count)
    }
}

/// For mocks around the pallet of operators. Its own mock has the trait of another build of it.
impl<T: Prepare> pallet_operators::BenchmarkHelper<u64> for Benchmarks<T> {
    fn worker(index: u32, message: &[u8]) -> (WorkerId, WorkerSignature) {
        worker(index, message)
    }
}

/// Worker key number `index`, and its signature over a message.
pub fn worker(index: u32, message: &[u8]) -> (WorkerId, WorkerSignature) {
    let pair = pair(index.into());
    (pair.public(), pair.sign(message).into())
}
