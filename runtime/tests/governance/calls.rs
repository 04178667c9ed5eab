//! Which calls can be closed.

use std::{collections::BTreeSet, fs};

use assay_runtime::{
    governance::calls::{is_closable, CLOSABLE},
    Runtime, RuntimeCall, TxPause,
};
use frame_support::{assert_noop, assert_ok, traits::GetCallMetadata};
use frame_system::RawOrigin;
use pallet_tx_pause::Error;

use crate::{common::*, steps::*};

#[test]
fn what_can_be_closed_exists() {
    let pallets = RuntimeCall::get_module_names();
    for (pallet, calls) in CLOSABLE {
        assert!(pallets.contains(pallet), "{pallet}");
        let known = RuntimeCall::get_call_names(pallet);
        for call in *calls {
            assert!(known.contains(call), "{pallet}.{call}");
            assert!(is_closable(pallet.as_bytes(), call.as_bytes()));
        }
    }
}

/// Consensus, governance, and what a party of an open request or dispute needs.
#[test]
fn nobody_can_close_what_somebody_loses_by() {
    run(|| {
        let open = [
            ("Timestamp", "set"),
            ("Babe", "report_equivocation_unsigned"),
            ("Grandpa", "report_equivocation_unsigned"),
            ("System", "apply_authorized_upgrade"),
            ("Inference", "submit_result"),
            ("Inference", "submit_results"),
            ("Inference", "submit_commitment"),
            ("Inference", "submit_reveal"),
            ("Inference", "submit_trace"),
            ("Inference", "submit_proof"),
            ("Inference", "report_failure"),
            ("Inference", "cancel"),
            ("Inference", "appeal"),
            ("Operators", "heartbeat"),
            ("Operators", "set_worker"),
            ("Operators", "add_bond"),
            ("Operators", "withdraw"),
            ("Operators", "unbond"),
            ("Operators", "withdraw_bond"),
            ("Settlement", "claim_compensation"),
            ("Settlement", "spend_treasury"),
            ("Verification", "report_equivocation"),
            ("Storage", "remove"),
            ("ModelRegistry", "deprecate"),
            ("ModelRegistry", "remove_version"),
            ("ModelRegistry", "remove_model"),
        ];
        let whole = [
            "Disputes",
            "Preimage",
            "Scheduler",
            "ConvictionVoting",
            "Referenda",
            "TechnicalCommittee",
            "Whitelist",
            "SafeMode",
            "TxPause",
            "Session",
            "Utility",
        ];
        let of_whole = whole.iter().flat_map(|pallet| {
            RuntimeCall::get_call_names(pallet).iter().map(move |call| (*pallet, *call))
        });
        for (pallet, call) in open.into_iter().chain(of_whole) {
            assert_noop!(
                TxPause::pause(RawOrigin::Root.into(), name(pallet, call)),
                Error::<Runtime>::Unpausable
            );
            assert!(RuntimeCall::get_call_names(pallet).contains(&call), "{pallet}.{call}");
        }
        assert_ok!(TxPause::pause(RawOrigin::Root.into(), name("Balances", "transfer_all")));
    });
}

/// The table in the record names each call that can be closed, and no other.
#[test]
fn the_document_names_what_can_be_closed() {
    let text = fs::read_to_string("../docs/adr/0042-governance.md").expect("it exists");
    let (_, table) = text.split_once("| path | calls |").expect("there is a table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut named = BTreeSet::new();
    for row in rows.filter(|row| !row.contains("| nobody |")) {
        let calls = row.split('|').nth(2).expect("a column of calls");
        named.extend(calls.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    let closable: BTreeSet<_> = CLOSABLE
        .iter()
        .flat_map(|(pallet, calls)| calls.iter().map(move |call| format!("{pallet}.{call}")))
        .collect();
    assert_eq!(named, closable);
}
