//! The calls that can be closed: by safe mode all of them, by `pallet-tx-pause` each one.
//!
//! Everything else stays open, whoever wants to close it. These are the blocks' own calls,
//! reports of equivocations, governance, and all that a party of an open request or dispute needs so
//! that it loses nothing: answers, reveals, moves, appeals, cancellations, withdrawals. The clocks of
//! `pallet-room` therefore go on: what they measure time for is open.

use frame_support::{
    traits::{Contains, Get, GetCallMetadata},
    weights::Weight,
};

use crate::{Runtime, RuntimeCall, SafeMode, TxPause};

/// The calls that can be closed, by pallet.
pub const CLOSABLE: &[(&str, &[&str])] = &[
    ("Balances", &["transfer_allow_death", "transfer_keep_alive", "transfer_all", "burn"]),
    ("Inference", &["request", "request_batch"]),
    ("ModelRegistry", &["create", "publish", "set_royalty", "transfer", "accept", "audit_weights"]),
    ("Operators", &["register", "serve"]),
    ("Storage", &["create", "upload"]),
];

/// Whether a call can be closed.
pub fn is_closable(pallet: &[u8], call: &[u8]) -> bool {
    CLOSABLE.iter().any(|(of, calls)| {
        of.as_bytes() == pallet && calls.iter().any(|name| name.as_bytes() == call)
    })
}

/// The calls that nobody can close.
pub struct AlwaysOpen;

impl Contains<RuntimeCall> for AlwaysOpen {
    fn contains(call: &RuntimeCall) -> bool {
        let names = call.get_call_metadata();
        !is_closable(names.pallet_name.as_bytes(), names.function_name.as_bytes())
    }
}

impl Contains<pallet_tx_pause::RuntimeCallNameOf<Runtime>> for AlwaysOpen {
    fn contains((pallet, call): &pallet_tx_pause::RuntimeCallNameOf<Runtime>) -> bool {
        !is_closable(pallet, call)
    }
}

/// What [`OpenCalls`] costs for a call, besides the end of safe mode, which the hook of that pallet
/// reads in each block. Calls in a batch read one of few keys, which the outer ones pay for.
pub fn filter_weight(call: &RuntimeCall) -> Weight {
    match AlwaysOpen::contains(call) {
        true => Weight::zero(),
        false => <Runtime as frame_system::Config>::DbWeight::get().reads(1),
    }
}

/// Calls that are closed for good: `Session.purge_keys` would take a validator out of the set at the next
/// session, whatever the least number of validators. `Validators.purge_keys` is for those without a
/// stake.
fn is_closed(call: &RuntimeCall) -> bool {
    matches!(call, RuntimeCall::Session(pallet_session::Call::purge_keys {}))
}

/// The calls that are open now. It reads the state for those alone that can be closed, so that the
/// others cost what they would cost without it.
pub struct OpenCalls;

impl Contains<RuntimeCall> for OpenCalls {
    fn contains(call: &RuntimeCall) -> bool {
        !is_closed(call)
            && (AlwaysOpen::contains(call) || (SafeMode::contains(call) && TxPause::contains(call)))
    }
}
