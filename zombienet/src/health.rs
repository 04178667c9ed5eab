//! What the metrics of all nodes have to show after a scenario.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{ensure, Result};

use crate::{scenario::Run, wait::within};

/// Time for every node to finalise what another one has finalised.
const CATCH_UP: Duration = Duration::from_secs(120);
/// Time for a node to answer a question.
const ANSWER: Duration = Duration::from_secs(20);
/// Counters, with their labels, of what must not happen in any scenario.
const FAULTS: [(&str, &str); 2] = [
    ("assay_refused_transactions_total", r#"from="peers""#),
    ("assay_refused_transactions_total", r#"from="rpc""#),
];
/// The same, of nodes with an engine.
const ENGINE_FAULTS: [(&str, &str); 1] = [("assay_artifact_failures_total", "")];

/// Checks by the metrics of each node that it has a final block of `height` and enough peers, and
/// that it has refused no transactions and lost no artifacts. Checks that all nodes have the same
/// block at `height`. Puts the memory of the largest node into the report.
///
/// # Errors
///
/// The first node of which this does not hold in time.
pub async fn check_nodes(run: &Run, height: u32) -> Result<()> {
    let mut largest: f64 = 0.0;
    let mut hashes = BTreeMap::new();
    for name in run.testnet.names() {
        run.testnet.finalised(name, height, CATCH_UP).await?;
        let engine_faults = match name.starts_with("operator") {
            true => ENGINE_FAULTS.as_slice(),
            false => &[],
        };
        for (fault, label) in FAULTS.iter().chain(engine_faults) {
            let count = run.testnet.counter(name, fault, label).await?;
            ensure!(count == 0.0, "metric {fault} of node {name} is {count}, with {label}");
        }
        let client = run.testnet.client(name).await?;
        let hash = within(ANSWER, "a block's hash", client.rpc().block_hash(height)).await?;
        hashes.entry(hash).or_insert_with(Vec::new).push(name.clone());
        largest = largest.max(run.testnet.resident_bytes(name)?);
    }
    ensure!(hashes.len() == 1, "nodes have different final blocks {height}: {hashes:?}");
    run.testnet.connected().await?;
    run.narrator.say(format!("every node has the same final block {height} and enough peers"));
    run.narrator.figure("memory of the largest node, MiB", largest / f64::from(1 << 20));
    Ok(())
}

/// Checks by their metrics that each operator has run models since its start, that no run failed,
/// and that all runs together are at least `runs`.
///
/// # Errors
///
/// This does not hold.
pub async fn check_engines(run: &Run, runs: usize) -> Result<()> {
    let mut total = 0.0;
    for name in run.testnet.named("operator") {
        let count = run.testnet.metric(&name, "assay_engine_runs_total").await?;
        ensure!(count > 0.0, "{name} has run no model");
        total += count;
    }
    ensure!(total >= runs as f64, "operators have run models {total} times, not {runs} times");
    run.narrator.figure("runs of models", total);
    Ok(())
}
