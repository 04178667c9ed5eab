//! What the pallet's calls and hooks cost. The runtime supplies generated figures.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `spend_treasury`.
    fn spend_treasury() -> Weight;
}

/// A unit each, for mocks: no figure, only something to count.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn spend_treasury() -> Weight {
        Weight::from_parts(1, 0)
    }
}
