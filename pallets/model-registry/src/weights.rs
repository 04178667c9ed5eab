//! Weights of the calls. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `create`.
    fn create() -> Weight;
    /// The call `publish` for a version that is not an integer graph.
    fn publish() -> Weight;
    /// The call `publish` for an integer graph whose architecture has `a` bytes.
    fn publish_graph(a: u32) -> Weight;
    /// The call `set_metadata`.
    fn set_metadata() -> Weight;
    /// The call `set_royalty`.
    fn set_royalty() -> Weight;
    /// The call `deprecate`.
    fn deprecate() -> Weight;
    /// The call `transfer`.
    fn transfer() -> Weight;
    /// The call `remove_version`.
    fn remove_version() -> Weight;
    /// The call `remove_model`.
    fn remove_model() -> Weight;
    /// The call `accept`.
    fn accept() -> Weight;
    /// The call `audit_weights` for an architecture of `a` bytes and one small piece.
    fn audit_weights(a: u32) -> Weight;
    /// The call `audit_weights` for a small architecture and `p` small pieces.
    fn read_pieces(p: u32) -> Weight;
    /// The call `audit_weights` for a small architecture and one piece of `b` bytes.
    fn read_weights(b: u32) -> Weight;
}

/// For mocks: every weight is one unit, so that tests can count them.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn create() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn publish() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn publish_graph(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn set_metadata() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn set_royalty() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn deprecate() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn transfer() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn remove_version() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn remove_model() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn accept() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn audit_weights(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn read_pieces(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
    fn read_weights(_: u32) -> Weight {
        Weight::from_parts(1, 0)
    }
}
