//! Bootstrapping figures; the benchmarks replace this file.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// Weights of the pallet.
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_inference::WeightInfo for WeightInfo<T> {
    fn request(_: u32) -> Weight { Weight::from_parts(500_000_000, 0) }
    fn cancel() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn submit_result(_: u32) -> Weight { Weight::from_parts(500_000_000, 0) }
    fn authorize_result(_: u32) -> Weight { Weight::from_parts(500_000_000, 0) }
    fn submit_commitment() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn authorize_commitment() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn submit_reveal(_: u32) -> Weight { Weight::from_parts(500_000_000, 0) }
    fn report_failure() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn draw(_: u32) -> Weight { Weight::from_parts(500_000_000, 0) }
    fn deadline() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn prune() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn on_initialize() -> Weight { Weight::from_parts(500_000_000, 0) }
}
