//! Scenario `restarts`.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use assay_zombienet::{
    load::{Amount, Load},
    observer::quantile,
    scenario::{run, Run},
    scene::{Scene, FINALITY},
    testnet::Testnet,
};

/// Least number of requests.
const REQUESTS: usize = 100;
/// Number of accounts that make them.
const PAYERS: usize = 12;
/// Final blocks without the killed node.
const WITHOUT: u32 = 3;
/// Time for a restarted node to have the chain's newest final block.
const CATCH_UP: Duration = Duration::from_secs(90);
const LIMIT: Duration = Duration::from_secs(13 * 60);

/// Every node is killed once as by a power failure, one after the other, under load, and starts
/// again on its data.
///
/// Invariant: a kill loses no request and pays none twice; every planck is accounted for; nobody is
/// slashed or disabled for a restart; the killed node reaches the others' final block again.
#[tokio::test(flavor = "multi_thread")]
async fn restarts() -> Result<()> {
    run("restarts", "operators", LIMIT, async |run: &mut Run| {
        let scene = Scene::set(run, PAYERS).await?;

        let urls = ["full", "alice", "bob"].map(|name| run.testnet.url(name));
        let urls = urls.into_iter().collect::<Result<_>>()?;
        let load = Load::start(&scene.stage, urls, Amount::AtLeast(REQUESTS), &run.narrator);
        let names = run.testnet.names().to_vec();
        let mut recoveries = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let other = names.get((index + 1) % names.len()).context("the network has no nodes")?;
            let other = run.testnet.client(other).await?;
            run.testnet.kill(name).await?;
            run.narrator.say(format!("{name} is killed"));
            let (_, finalised) = Testnet::heights(&other).await?;
            let height = run.until_final(&other, finalised + WITHOUT, FINALITY).await?;
            let since = run.narrator.seconds();
            run.testnet.restart(name).await?;
            run.testnet.finalised(name, height, CATCH_UP).await?;
            let seconds = run.narrator.seconds() - since;
            recoveries.push(seconds);
            run.narrator.say(format!("{name} has final block {height} after {seconds:.1} s"));
        }
        run.narrator.figure(
            "recovery of a restarted node, p50, seconds",
            quantile(recoveries.clone(), 0.5),
        );
        run.narrator
            .figure("recovery of a restarted node, largest, seconds", quantile(recoveries, 1.0));

        let answered = load.finish().await?;
        ensure!(
            answered.iter().any(|one| one.attempts > 1),
            "no request met a killed node, so that the scenario shows nothing"
        );
        scene.check(run, &answered).await
    })
    .await
}
