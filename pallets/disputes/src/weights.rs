//! What the pallet's calls and hooks cost. The runtime supplies generated figures.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `open`.
    fn open() -> Weight;
    /// The call `choose`, in the stage that takes most.
    fn choose() -> Weight;
    /// An answer of `n` roots.
    fn answer_roots(n: u32) -> Weight;
    /// An answer of the digests of `n` leaves.
    fn answer_leaves(n: u32) -> Weight;
    /// An answer of `n` bytes of a tensor.
    fn answer_bytes(n: u32) -> Weight;
    /// An opening of `n` bytes, of a tile of a dense layer.
    fn step_dense(n: u32) -> Weight;
    /// An opening of `n` bytes, of a tile of a convolution.
    fn step_convolution(n: u32) -> Weight;
    /// An opening of `n` bytes, of a tile of a pool.
    fn step_pool(n: u32) -> Weight;
    /// Authorizing an answer of `n` bytes.
    fn authorize_answer(n: u32) -> Weight;
    /// The call `prove` with an output of `n` bytes, without verifying the proof and ending the
    /// request.
    fn prove(n: u32) -> Weight;
    /// The call `close`.
    fn close() -> Weight;
    /// A deadline that has passed, without ending the request.
    fn expire() -> Weight;
}

/// A unit each, for mocks: no figure, only something to count.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn open() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn choose() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn answer_roots(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn answer_leaves(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn answer_bytes(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn step_dense(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn step_convolution(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn step_pool(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn authorize_answer(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn prove(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn close() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn expire() -> Weight {
        Weight::from_parts(1, 0)
    }
}
