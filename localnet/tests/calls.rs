//! Compares the calls that the SDK offers with the metadata of the runtime.

use std::collections::BTreeSet;

use assay_client::{
    call::{Call, Metadata},
    calls,
    inference::MAX_BATCH,
};
use assay_runtime::Runtime;

/// The pallets of this repository.
const PALLETS: [&str; 8] = [
    "Disputes",
    "Inference",
    "ModelRegistry",
    "Operators",
    "Settlement",
    "Storage",
    "Validators",
    "Verification",
];

/// Calls that the SDK does not offer, because users do not make them.
const NOT_OFFERED: [&str; 12] = [
    // Made by operators' nodes, without a fee.
    "Disputes.answer",
    "Inference.report_failure",
    "Inference.submit_commitment",
    "Inference.submit_proof",
    "Inference.submit_result",
    "Inference.submit_results",
    "Inference.submit_reveal",
    "Inference.submit_trace",
    "Operators.heartbeat",
    // Made by root and by referenda.
    "Disputes.set_timing",
    "Settlement.spend_treasury",
    "Verification.set_class_enabled",
];

fn metadata() -> Metadata {
    // Periods of governance are constants that the state has.
    let encoded = sp_io::TestExternalities::default()
        .execute_with(|| Runtime::metadata_at_version(16).expect("the runtime has this version"));
    Metadata::decode_from(&encoded).expect("the metadata is valid")
}

/// Every call of the pallets of this repository, as `Pallet.call`.
fn of_runtime(metadata: &Metadata) -> BTreeSet<String> {
    let pallets = metadata.pallets().filter(|pallet| PALLETS.contains(&pallet.name()));
    let calls = pallets.flat_map(|pallet| {
        let calls = pallet.call_variants().unwrap_or_default().iter();
        calls.map(move |call| format!("{}.{}", pallet.name(), call.name))
    });
    calls.collect()
}

#[test]
fn each_call_of_the_sdk_has_the_arguments_of_the_runtime() {
    let metadata = metadata();
    for call in calls::all() {
        call.check(&metadata).unwrap_or_else(|error| panic!("{}: {error}", call.path()));
    }
}

#[test]
fn each_call_of_the_runtime_is_offered_or_listed_as_not_offered() {
    let offered: BTreeSet<_> = calls::all().iter().map(Call::path).collect();
    let not_offered: BTreeSet<_> = NOT_OFFERED.iter().map(|call| (*call).to_owned()).collect();
    let both: Vec<_> = offered.intersection(&not_offered).collect();
    assert!(both.is_empty(), "offered, and listed as not offered: {both:?}");
    let known: BTreeSet<_> = offered.union(&not_offered).cloned().collect();
    let found = of_runtime(&metadata());
    let missing: Vec<_> = found.difference(&known).collect();
    assert!(
        missing.is_empty(),
        "add these calls to client/src/calls.rs, or to NOT_OFFERED: {missing:?}"
    );
    let gone: Vec<_> = not_offered.difference(&found).collect();
    assert!(gone.is_empty(), "the runtime does not have these calls: {gone:?}");
    for pallet in PALLETS {
        let prefix = format!("{pallet}.");
        assert!(found.iter().any(|call| call.starts_with(&prefix)), "no calls of {pallet}");
    }
}

#[test]
fn a_batch_of_the_sdk_has_the_bound_of_the_runtime() {
    assert_eq!(MAX_BATCH, pallet_inference::MAX_BATCH as usize);
}
