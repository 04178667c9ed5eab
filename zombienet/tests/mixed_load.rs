//! Scenario `mixed_load`.

use std::time::Duration;

use anyhow::{ensure, Result};
use assay_zombienet::{
    health::check_engines,
    load::{Amount, Load},
    scenario::{run, Run},
    scene::{Scene, FINALITY},
    state::state_digest,
    testnet::Testnet,
};

/// Number of requests.
const REQUESTS: usize = 500;
/// Number of accounts that make them.
const PAYERS: usize = 32;
/// Time for a late node to have the chain's newest final block.
const SYNC: Duration = Duration::from_secs(180);
const LIMIT: Duration = Duration::from_secs(13 * 60);

/// Four validators finalise what three operators that are not validators answer, and anyone who
/// joins later has the same state.
///
/// Invariant: of 500 requests in all four classes, every one is verified and final, and is settled
/// once; every planck is accounted for; the state that a late node has by full sync and by warp
/// sync is, in every key and value, that of the other nodes.
#[tokio::test(flavor = "multi_thread")]
async fn mixed_load() -> Result<()> {
    run("mixed_load", "operators", LIMIT, async |run: &mut Run| {
        let scene = Scene::set(run, PAYERS).await?;
        let client = &scene.client;

        let urls = vec![run.testnet.url("full")?, run.testnet.url("bob")?];
        let started = run.narrator.seconds();
        let load = Load::start(&scene.stage, urls, Amount::Exactly(REQUESTS), &run.narrator);
        let answered = load.finish().await?;
        run.narrator.figure("load, seconds", run.narrator.seconds() - started);
        scene.check(run, &answered).await?;
        check_engines(run, REQUESTS).await?;

        for sync in ["full", "warp"] {
            let name = format!("late-{sync}");
            let started = run.narrator.seconds();
            run.testnet.add(&name, &[("--sync", sync)]).await?;
            let (_, height) = Testnet::heights(client).await?;
            run.testnet.finalised(&name, height, SYNC).await?;
            let seconds = run.narrator.seconds() - started;
            run.narrator.figure(&format!("{sync} sync, blocks"), f64::from(height));
            run.narrator.figure(&format!("{sync} sync, seconds"), seconds);
            if sync == "warp" {
                run.testnet.logged(&name, "Warp sync is complete", SYNC).await?;
            }
            let late = run.testnet.client(&name).await?;
            let height = run.until_final(&late, height + 1, FINALITY).await?;
            let at = late.rpc().block_hash(height).await?.unwrap_or_default();
            run.until_final(client, height, FINALITY).await?;
            let (entries, own) = state_digest(&late, at).await?;
            let expected = state_digest(client, at).await?;
            ensure!(
                (entries, own) == expected,
                "by {sync} sync the state of block {height} has {entries} entries with digest \
                 {own:?}, elsewhere {} with {:?}",
                expected.0,
                expected.1
            );
            run.narrator.say(format!(
                "{name} has the same {entries} entries in the state of block {height}"
            ));
        }
        Ok(())
    })
    .await
}
