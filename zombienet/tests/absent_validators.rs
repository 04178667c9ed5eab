//! Scenario `absent_validators`.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use assay_client::Client;
use assay_primitives::Digest;
use assay_zombienet::{
    load::{Amount, Load},
    scenario::{run, Run},
    scene::Scene,
    testnet::Testnet,
    wait::throughout,
};

/// Least number of requests.
const REQUESTS: usize = 100;
/// Number of accounts that make them.
const PAYERS: usize = 8;
/// Blocks for which one validator is away.
const ONE_AWAY_BLOCKS: u32 = 100;
/// Time for these blocks: a quarter of the slots is empty.
const ONE_AWAY: Duration = Duration::from_secs(360);
/// Largest distance of the newest final block from the best one while three of four validators
/// vote.
const MOST_UNFINAL: u32 = 20;
/// Blocks for which two validators are away.
const TWO_AWAY_BLOCKS: u32 = 20;
/// Time for these blocks: half of the slots is empty.
const TWO_AWAY: Duration = Duration::from_secs(180);
/// Blocks for whose finality the votes were complete when the second validator was killed.
const VOTED: u32 = 4;
/// Time for the chain to recover after two validators have returned.
const RECOVERY: Duration = Duration::from_secs(180);
const LIMIT: Duration = Duration::from_secs(13 * 60 + 30);

/// One validator of four is away for 100 blocks, then a second one, then both return, under load.
///
/// Invariant: with one away, finality goes on; with two away, it stops, and blocks do not; no final
/// block is ever replaced; after their return finality recovers by itself, and what was requested
/// meanwhile is verified and settled once, with nobody slashed.
#[tokio::test(flavor = "multi_thread")]
async fn absent_validators() -> Result<()> {
    run("absent_validators", "operators", LIMIT, async |run: &mut Run| {
        let scene = Scene::set(run, PAYERS).await?;
        let client = &scene.client;
        let urls = vec![run.testnet.url("full")?, run.testnet.url("alice")?];
        let load = Load::start(&scene.stage, urls, Amount::AtLeast(REQUESTS), &run.narrator);

        run.testnet.kill("dave").await?;
        let (since, _) = Testnet::heights(client).await?;
        run.narrator.say("dave, one validator of four, is away");
        let mut farthest = 0;
        throughout(ONE_AWAY, "100 blocks with one validator away", async || {
            let (best, finalised) = Testnet::heights(client).await?;
            farthest = farthest.max(best.saturating_sub(finalised));
            ensure!(
                best.saturating_sub(finalised) <= MOST_UNFINAL,
                "the best block is {best}, and {finalised} is final, with one validator away"
            );
            Ok(finalised < since + ONE_AWAY_BLOCKS)
        })
        .await?;
        run.narrator.figure("unfinal blocks with one away, largest", f64::from(farthest));

        run.testnet.kill("charlie").await?;
        let (since, voted) = Testnet::heights(client).await?;
        run.narrator.say("charlie, a second one, is away");
        let mut stopped = (0, Digest::zero());
        throughout(TWO_AWAY, "20 blocks with two validators away", async || {
            let (best, finalised) = Testnet::heights(client).await?;
            ensure!(
                finalised <= voted + VOTED,
                "block {finalised} is final, with two of four validators since block {voted}"
            );
            stopped = (finalised, final_hash(client, finalised).await?);
            Ok(best < since + TWO_AWAY_BLOCKS)
        })
        .await?;
        let (height, hash) = stopped;
        run.narrator.say(format!("20 blocks later, {height} is still the newest final block"));

        let (best, _) = Testnet::heights(client).await?;
        let started = run.narrator.seconds();
        for name in ["charlie", "dave"] {
            run.testnet.restart(name).await?;
        }
        run.until_final(client, best, RECOVERY).await?;
        let seconds = run.narrator.seconds() - started;
        run.narrator.figure("recovery of finality, seconds", seconds);
        ensure!(
            final_hash(client, height).await? == hash,
            "final block {height} was replaced by another one"
        );

        let answered = load.finish().await?;
        scene.check(run, &answered).await
    })
    .await
}

async fn final_hash(client: &Client, height: u32) -> Result<Digest> {
    let hash = client.rpc().block_hash(height).await?;
    hash.with_context(|| format!("there is no block {height}"))
}
