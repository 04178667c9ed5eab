//! Weights of the hooks. The runtime implements the trait with generated weights.

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Weights of the pallet.
pub trait WeightInfo {
    /// The count of a block for its author.
    fn note_author() -> Weight;
    /// The division of a block's fees.
    fn on_finalize() -> Weight;
    /// The end of a session with `v` validators, a third of which are absent.
    fn end_session(v: u32) -> Weight;
}

/// Weights of zero, for tests.
impl WeightInfo for () {
    fn note_author() -> Weight {
        Weight::zero()
    }
    fn on_finalize() -> Weight {
        Weight::zero()
    }
    fn end_session(_: u32) -> Weight {
        Weight::zero()
    }
}

/// What the database takes, for runtimes that have not measured the hooks. The rest of the hooks is
/// little besides.
pub struct DatabaseWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for DatabaseWeight<T> {
    fn note_author() -> Weight {
        T::DbWeight::get().reads_writes(1, 1)
    }
    fn on_finalize() -> Weight {
        T::DbWeight::get().reads_writes(3, 3)
    }
    fn end_session(v: u32) -> Weight {
        // For each validator its counter; for each that ends its candidacy the entries of a candidate
        // and its neighbours in a sorted list.
        let absent = u64::from(v / 3);
        T::DbWeight::get()
            .reads_writes(6, 1)
            .saturating_add(T::DbWeight::get().reads_writes(v.into(), v.into()))
            .saturating_add(T::DbWeight::get().reads_writes(9, 8).saturating_mul(absent))
    }
}
