//! Weights of the calls. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `create`, for an artifact of `n` chunks.
    fn create(n: u32) -> Weight;
    /// The call `upload`, for a chunk of `n` bytes.
    fn upload(n: u32) -> Weight;
    /// The call `remove`.
    fn remove() -> Weight;
}

/// For mocks: every weight is one unit, so that tests can count them.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn create(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn upload(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn remove() -> Weight {
        Weight::from_parts(1, 0)
    }
}
