//! Weights of the calls and of the hook. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet. The weights of moves do not include the end of the request.
pub trait WeightInfo {
    /// The call `open`.
    fn open() -> Weight;
    /// The call `choose`, in the most expensive stage.
    fn choose() -> Weight;
    /// A move with the maximum number of roots.
    fn answer_roots() -> Weight;
    /// A move with the digests of `n` leaves.
    fn answer_leaves(n: u32) -> Weight;
    /// A move with the maximum number of bytes of a tensor.
    fn answer_bytes() -> Weight;
    /// Computing the most expensive tile of a dense layer.
    fn step_dense() -> Weight;
    /// Computing the most expensive tile of a convolution or a pool.
    fn step_window() -> Weight;
    /// Reading an opening of `n` KiB in small pieces.
    fn step_opening(n: u32) -> Weight;
    /// Authorising a move of `n` KiB.
    fn authorize_answer(n: u32) -> Weight;
    /// The call `prove`, without the verification of the proof and the end of the dispute.
    fn prove() -> Weight;
    /// The call `close`.
    fn close() -> Weight;
    /// Handling a height of the agenda: a passed deadline, or one that is extended.
    fn expire() -> Weight;
    /// Removing something that an operator has shown.
    fn forget() -> Weight;
    /// The call `set_timing`.
    fn set_timing() -> Weight;
}

/// For mocks: every weight is one unit, so that tests can count them.
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
    fn forget() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn set_timing() -> Weight {
        Weight::from_parts(1, 0)
    }
}
