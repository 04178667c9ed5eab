//! Weights of the call and the hooks. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `purge_keys`.
    fn purge_keys() -> Weight;
    /// The count of a block for its author.
    fn note_author() -> Weight;
    /// The division of a block's fees.
    fn on_finalize() -> Weight;
    /// The end of a session with `v` validators, a third of which are absent.
    fn end_session(v: u32) -> Weight;
    /// The start of a session with `v` validators whose keys have changed.
    fn start_session(v: u32) -> Weight;
}

/// Weights of zero, for tests.
impl WeightInfo for () {
    fn purge_keys() -> Weight {
        Weight::zero()
    }
    fn note_author() -> Weight {
        Weight::zero()
    }
    fn on_finalize() -> Weight {
        Weight::zero()
    }
    fn end_session(_: u32) -> Weight {
        Weight::zero()
    }
    fn start_session(_: u32) -> Weight {
        Weight::zero()
    }
}
