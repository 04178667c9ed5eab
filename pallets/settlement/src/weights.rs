//! Weights of the calls. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `spend_treasury`.
    fn spend_treasury() -> Weight;
    /// The call `claim_compensation`.
    fn claim_compensation() -> Weight;
}

/// For mocks: every weight is one unit, so that tests can count them.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn spend_treasury() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn claim_compensation() -> Weight {
        Weight::from_parts(1, 0)
    }
}
