//! Weights of the calls and of proofs. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `set_class_enabled`.
    fn set_class_enabled() -> Weight;
    /// The call `report_equivocation` with two outputs of `n` bytes.
    fn report_equivocation(n: u32) -> Weight;
    /// Verifying the proof [`crate::cost::figures::SMALL`].
    fn verify_small() -> Weight;
    /// Verifying the proof [`crate::cost::figures::WIDE`].
    fn verify_wide() -> Weight;
    /// Verifying the proof [`crate::cost::figures::READ`].
    fn verify_read() -> Weight;
    /// Verifying the proof [`crate::cost::figures::HASHED`].
    fn verify_hashed() -> Weight;
    /// Verifying the proof [`crate::cost::figures::DEEP`].
    fn verify_deep() -> Weight;
    /// Verifying the proof [`crate::cost::figures::VALUES`].
    fn verify_values() -> Weight;
    /// Verifying the proof [`crate::cost::figures::TALL`].
    fn verify_tall() -> Weight;
}

/// For mocks: every weight is one unit, so that tests can count them.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn set_class_enabled() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn report_equivocation(_: u32) -> Weight {
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
