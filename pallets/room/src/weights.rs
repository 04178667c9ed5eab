//! Weights of the hooks. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The end of a block.
    fn on_finalize() -> Weight;
}

/// Weights of zero, for tests.
impl WeightInfo for () {
    fn on_finalize() -> Weight {
        Weight::zero()
    }
}
