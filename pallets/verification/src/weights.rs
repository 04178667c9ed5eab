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
    /// Verifying that of many operations.
    fn verify_deep() -> Weight;
    /// Verifying that of many steps.
    fn verify_wide() -> Weight;
    /// Verifying the long one.
    fn verify_long() -> Weight;
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
    fn verify_deep() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_wide() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn verify_long() -> Weight {
        Weight::from_parts(1, 0)
    }
}
