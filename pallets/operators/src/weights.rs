//! Weights of the calls. The runtime implements the trait with generated weights.

use frame_support::weights::Weight;

/// Weights of the pallet.
pub trait WeightInfo {
    /// The call `register`.
    fn register() -> Weight;
    /// The call `set_worker`.
    fn set_worker() -> Weight;
    /// The call `add_bond`.
    fn add_bond() -> Weight;
    /// The call `serve`.
    fn serve() -> Weight;
    /// The call `withdraw`.
    fn withdraw() -> Weight;
    /// The call `heartbeat`.
    fn heartbeat() -> Weight;
    /// The call `unbond`.
    fn unbond() -> Weight;
    /// The call `withdraw_bond`.
    fn withdraw_bond() -> Weight;
    /// Authorising `heartbeat`.
    fn authorize_heartbeat() -> Weight;
}

/// For mocks: every weight is one unit, so that tests can count them.
#[cfg(feature = "std")]
impl WeightInfo for () {
    fn register() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn set_worker() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn add_bond() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn serve() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn withdraw() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn heartbeat() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn unbond() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn withdraw_bond() -> Weight {
        Weight::from_parts(1, 0)
    }
    fn authorize_heartbeat() -> Weight {
        Weight::from_parts(1, 0)
    }
}
