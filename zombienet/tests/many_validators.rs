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

/// Sixteen validators finalise blocks.
///
/// Invariant: the median of the time between blocks is that of the slots, two seconds; 99 of 100
/// blocks are final 20 seconds after they were seen first; all 16 nodes have the same final blocks.
#[tokio::test(flavor = "multi_thread")]
async fn many_validators() -> Result<()> {
    run("many_validators", "sixteen-validators", LIMIT, async |run: &mut Run| {
        run.testnet.connected().await?;
        run.narrator.say("all nodes have enough peers");
        let client = run.testnet.client("alice").await?;
        let (_, since) = Testnet::heights(&client).await?;
        let started = run.narrator.seconds();
        let height = run.until_final(&client, since + BLOCKS, TIME).await?;
        let pace = run.narrator.pace(started);
        run.narrator.say(format!("{BLOCKS} blocks are final"));
        let finality = quantile(pace.finality.iter().map(|(_, seconds)| *seconds), 0.99);
        ensure!(
            finality > 0.0 && finality <= FINALITY_P99,
            "99 of 100 blocks were final within {finality:.1} s, not {FINALITY_P99:.1} s"
        );
        let block_time = quantile(pace.block_times.iter().map(|(_, seconds)| *seconds), 0.5);
        ensure!(
            block_time > 0.0 && block_time <= BLOCK_TIME_P50,
            "the median of the time between blocks is {block_time:.1} s, not {BLOCK_TIME_P50:.1} s"
        );
        check_nodes(run, height).await
    })
    .await
}
