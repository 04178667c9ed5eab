//! Bootstrapping figures; the benchmarks replace this file.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// Weights of the pallet.
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_model_registry::WeightInfo for WeightInfo<T> {
    fn create() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn publish() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn set_metadata() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn set_royalty() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn deprecate() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn transfer() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn remove_version() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn remove_model() -> Weight { Weight::from_parts(500_000_000, 0) }
}
