//! What the pallet's calls and hooks cost. The runtime supplies generated figures.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `set_class_enabled`.
    fn set_class_enabled() -> Weight;
    /// The call `report_equivocation`.
    fn report_equivocation() -> Weight;
    /// Verifying the small proof of `cost::figures`.
    fn verify_small() -> Weight;
    /// Verifying that of many products.
    fn verify_wide() -> Weight;
    /// Verifying that of many readers of a large input.
    fn verify_read() -> Weight;
    /// Verifying that of many hashes.
    fn verify_hashed() -> Weight;
    /// Verifying that of many openings.
    fn verify_deep() -> Weight;
    /// Verifying that of many values.
    fn verify_values() -> Weight;
    /// Verifying that of a long architecture.
    fn verify_tall() -> Weight;
}

/// A unit each, for mocks: no figure, only something to count.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn set_class_enabled() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn report_equivocation() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_small() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_wide() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_read() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_hashed() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_deep() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_values() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_tall() -> Weight {
        Weight::from_parts(1, 0)
    }
}
