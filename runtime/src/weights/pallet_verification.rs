//! Bootstrapping figures; the benchmarks replace this file.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// Weights of the pallet.
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_verification::WeightInfo for WeightInfo<T> {
    fn set_class_enabled() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn report_equivocation() -> Weight { Weight::from_parts(500_000_000, 0) }
}
