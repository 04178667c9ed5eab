//! What the pallet's calls and hooks cost. The runtime supplies generated figures.

use frame_support::weights::Weight;

/// Weights of the pallet. Those of answers and steps are without ending the request.
pub trait WeightInfo {
    /// The call `open`.
    fn open() -> Weight;
    /// The call `choose`, in the stage that takes most.
    fn choose() -> Weight;
    /// An answer of as many roots as there can be.
    fn answer_roots() -> Weight;
    /// An answer of the digests of `n` leaves.
    fn answer_leaves(n: u32) -> Weight;
    /// An answer of as many bytes of a tensor as there can be.
    fn answer_bytes() -> Weight;
    /// A tile of a dense layer that takes most.
    fn step_dense() -> Weight;
    /// A tile of a convolution or a pool that takes most.
    fn step_window() -> Weight;
    /// An opening of `n` KiB, in small pieces.
    fn step_opening(n: u32) -> Weight;
    /// Authorizing an answer of `n` KiB.
    fn authorize_answer(n: u32) -> Weight;
    /// The call `prove`, without verifying the proof and what comes of it.
    fn prove() -> Weight;
    /// The call `close`.
    fn close() -> Weight;
    /// A deadline that has passed.
    fn expire() -> Weight;
    /// The call `set_timing`.
    fn set_timing() -> Weight;
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
    fn answer_roots() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn answer_leaves(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn answer_bytes() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn step_dense() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn step_window() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn step_opening(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn authorize_answer(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn prove() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn close() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn expire() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn set_timing() -> Weight {
        Weight::from_parts(1, 0)
    }
}
