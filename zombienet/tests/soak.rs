//! Scenario `soak`.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use assay_zombienet::{
    load::{Amount, Load},
    scenario::{run, Run},
    scene::Scene,
    testnet::Testnet,
    usage::Usages,
    wait::throughout,
};

/// Minutes of load, unless the variable sets another number.
const MINUTES: u64 = 10;
const VARIABLE: &str = "ASSAY_SOAK_MINUTES";
/// Number of accounts that make requests.
const PAYERS: usize = 16;
/// Seconds between two samples.
const SAMPLE: f64 = 5.0;
/// Largest growth of a node's data on the disk for each block, in KiB.
const DISK_PER_BLOCK: f64 = 512.0;
/// Time besides the load.
const AROUND: Duration = Duration::from_secs(15 * 60);

/// A network is under load for ten minutes, or for as many as `ASSAY_SOAK_MINUTES` says.
///
/// Invariant: neither memory nor open files of any node grow without bound; the database grows with the
/// blocks, and not faster towards the end; every request is verified and settled once.
#[tokio::test(flavor = "multi_thread")]
async fn soak() -> Result<()> {
    let minutes = match std::env::var(VARIABLE) {
        Ok(minutes) => minutes.parse().with_context(|| format!("{VARIABLE} is not a number"))?,
        Err(_) => MINUTES,
    };
    let load_time = Duration::from_secs(minutes * 60);
    run("soak", "operators", load_time + AROUND, async |run: &mut Run| {
        let scene = Scene::set(run, PAYERS).await?;
        let urls = vec![run.testnet.url("full")?, run.testnet.url("alice")?];
        let load = Load::start(&scene.stage, urls, Amount::AtLeast(1), &run.narrator);
        run.narrator.say(format!("{minutes} minutes of load begin"));

        let started = run.narrator.seconds();
        let mut next = started;
        let mut usages = Usages::default();
        let mut heights = Vec::new();
        throughout(load_time + AROUND, "the end of the load", async || {
            let seconds = run.narrator.seconds();
            if seconds >= next {
                usages.sample(&run.testnet)?;
                heights.push(Testnet::heights(&scene.client).await?.1);
                next = seconds + SAMPLE;
            }
            Ok(seconds < started + load_time.as_secs_f64())
        })
        .await?;
        let answered = load.finish().await?;

        usages.check(run)?;
        let at = |share: usize| heights.get(heights.len() * share / 8).copied().unwrap_or_default();
        let last = heights.last().copied().unwrap_or_default();
        let blocks = [2, 5].map(|share| f64::from(last.saturating_sub(at(share)).max(1)));
        for name in run.testnet.names() {
            let (grown, grown_late) = usages.disk_growth(name);
            let per_block = [grown / blocks[0], grown_late / blocks[1]].map(|bytes| bytes / 1024.0);
            ensure!(
                per_block.iter().all(|kib| *kib <= DISK_PER_BLOCK),
                "the data of node {name} grow by {per_block:.1?} KiB a block"
            );
            if ["alice", "full"].contains(&name.as_str()) {
                let figure = |of: &str, kib| {
                    run.narrator.figure(&format!("disk of {name} for each {of}, KiB"), kib);
                };
                figure("block", per_block[0]);
                figure("block towards the end", per_block[1]);
                let share = answered.len() as f64 * 0.75;
                figure("request", grown / 1024.0 / share.max(1.0));
            }
        }
        scene.check(run, &answered).await
    })
    .await
}
