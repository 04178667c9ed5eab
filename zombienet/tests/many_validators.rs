//! Scenario `many_validators`.

use std::time::Duration;

use anyhow::{ensure, Result};
use assay_zombienet::{
    health::check_nodes,
    observer::quantile,
    scenario::{run, Run},
    testnet::Testnet,
};

/// Blocks that have to become final.
const BLOCKS: u32 = 100;
/// Time for these blocks.
const TIME: Duration = Duration::from_secs(360);
/// Largest time from the first sight of a block to its finality, for 99 of 100 blocks. Three blocks
/// of two seconds are usual.
const FINALITY_P99: f64 = 20.0;
/// Largest median of the time between blocks.
const BLOCK_TIME_P50: f64 = 2.5;
const LIMIT: Duration = Duration::from_secs(13 * 60);

/// Four, then eight, then sixteen validators finalise blocks.
///
/// Invariant, in each network: the median of the time between blocks is that of the slots, two seconds;
/// 99 of 100 blocks are final 20 seconds after they were seen first; all nodes have the same final
/// blocks.
#[tokio::test(flavor = "multi_thread")]
async fn many_validators() -> Result<()> {
    // Each has a report of its own. The script names the last one.
    for (name, network) in [
        ("four_validators", "four-validators"),
        ("eight_validators", "eight-validators"),
        ("many_validators", "sixteen-validators"),
    ] {
        run(name, network, LIMIT, finalise).await?;
    }
    Ok(())
}

async fn finalise(run: &mut Run) -> Result<()> {
    run.testnet.connected().await?;
    run.narrator.say("all nodes have enough peers");
    let client = run.testnet.client("alice").await?;
    let (_, since) = Testnet::heights(&client).await?;
    let started = run.narrator.seconds();
    let height = run.until_final(&client, since + BLOCKS, TIME).await?;
    let pace = run.narrator.pace(started);
    run.narrator.say(format!("{BLOCKS} blocks are final"));
    let finality = |part| quantile(pace.finality.iter().map(|(_, seconds)| *seconds), part);
    run.narrator.figure("time to finality of 100 blocks, p50, seconds", finality(0.5));
    run.narrator.figure("time to finality of 100 blocks, p99, seconds", finality(0.99));
    let last = finality(0.99);
    ensure!(
        last > 0.0 && last <= FINALITY_P99,
        "99 of 100 blocks were final within {last:.1} s, not {FINALITY_P99:.1} s"
    );
    let block_time = quantile(pace.block_times.iter().map(|(_, seconds)| *seconds), 0.5);
    ensure!(
        block_time > 0.0 && block_time <= BLOCK_TIME_P50,
        "the median of the time between blocks is {block_time:.1} s, not {BLOCK_TIME_P50:.1} s"
    );
    check_nodes(run, height).await
}
