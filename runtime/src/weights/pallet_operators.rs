//! Bootstrapping figures; the benchmarks replace this file.

use core::marker::PhantomData;
use frame_support::weights::Weight;

/// Weights of the pallet.
pub struct WeightInfo<T>(PhantomData<T>);
impl<T> pallet_operators::WeightInfo for WeightInfo<T> {
    fn register() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn set_worker() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn add_bond() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn serve() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn withdraw() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn heartbeat() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn unbond() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn withdraw_bond() -> Weight { Weight::from_parts(500_000_000, 0) }
    fn authorize_heartbeat() -> Weight { Weight::from_parts(500_000_000, 0) }
}
