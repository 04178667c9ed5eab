//! What the pallet's calls and hooks cost. The runtime supplies generated figures.

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

/// A unit each, for mocks: no figure, only something to count.
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
