//! The transaction pool of a node under attack, beside honest requests.
//!
//! An attacker floods one of four nodes with workers' calls, first as a peer and then over RPC: a
//! third invalid, a third stale, a third duplicates. Workers' calls are feeless, so this costs
//! nothing but bandwidth.

mod attacker;
mod calls;
mod flood;
mod load;
mod peer;
mod usage;

use std::{future::Future, path::Path, time::Duration};

use anyhow::{bail, Context, Result};
use assay_client::Signer;
use assay_localnet::interrupted;

use crate::{
    chain::Bench,
    report::{median, percentile_95, say, Report},
};
use attacker::Attacker;
use calls::{past_calls, Calls};
use flood::{as_peer, over_rpc, Pace, Sent, Target};
use load::{Load, Requests};
use usage::{Monitor, Usage};

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Number of calls in each of the two floods.
    #[arg(long, default_value_t = 50_000)]
    pub calls: u32,
    /// Calls per second.
    #[arg(long, default_value_t = 1_000)]
    pub rate: u32,
    /// Maximum seconds of a flood, and again until the node has validated the rest.
    #[arg(long, default_value_t = 90)]
    pub limit: u64,
    /// Honest requests per second.
    #[arg(long, default_value_t = 2)]
    pub load: u32,
    /// Seconds of each phase without a flood.
    #[arg(long, default_value_t = 30)]
    pub calm: u64,
}

/// Index of the attacked node.
const TARGET: usize = 1;
/// Assignments of the attacker that stay open, so that calls about them pass all cheap checks.
const OPEN: usize = 160;

pub async fn bench(
    report: &mut Report,
    programs: &Path,
    models: &Path,
    options: &Options,
) -> Result<()> {
    // In every case, dropping the network ends its nodes.
    tokio::select! {
        result = measure(report, programs, models, options) => result,
        () = interrupted()? => bail!("interrupted"),
    }
}

async fn measure(
    report: &mut Report,
    programs: &Path,
    models: &Path,
    options: &Options,
) -> Result<()> {
    let data = tempfile::tempdir()?;
    let bench = Bench::start(programs, models, data.path(), &[]).await?;
    say("preparing the attacker");
    let attacker = Attacker::prepare(&bench.client, models, &Signer::from_suri("//Eve")?).await?;
    let node = &bench.network.nodes[TARGET];
    let target = Target {
        client: bench.network.client(TARGET).await?,
        p2p_address: bench.network.p2p_address(TARGET)?,
        rpc_url: node.url(),
        metrics_url: node.metrics_url(),
    };
    let pace = Pace { rate: options.rate, limit: Duration::from_secs(options.limit) };
    let mut phases = Phases {
        report,
        load: Load::new(&bench, options.load).await?,
        monitor: Monitor::new(&bench.network, TARGET)?,
    };
    let calm = || async {
        tokio::time::sleep(Duration::from_secs(options.calm)).await;
        anyhow::Ok(())
    };
    let open = attacker.signed.get(..OPEN).context("too few assignments")?;
    let (first, second) = attacker.signed[OPEN..].split_at((attacker.signed.len() - OPEN) / 2);

    phases.measure("before", calm()).await?;
    let past = past_calls(&bench.client).await?;
    let calls = Calls::new(&attacker, open, first, past.clone(), options.calls, 0)?;
    let sent = phases.measure("flood by a peer", as_peer(&target, calls, pace)).await?;
    phases.add_flood("flood by a peer", &sent);
    phases.measure("after the peer", calm()).await?;
    let calls = Calls::new(&attacker, open, second, past, options.calls, options.calls)?;
    let sent = phases.measure("flood over RPC", over_rpc(&target, calls, pace)).await?;
    phases.add_flood("flood over RPC", &sent);
    phases.measure("after the RPC", calm()).await?;
    Ok(())
}

/// Measures honest requests and nodes, phase by phase.
struct Phases<'a> {
    report: &'a mut Report,
    load: Load<'a>,
    monitor: Monitor,
}

impl Phases<'_> {
    async fn measure<T>(
        &mut self,
        phase: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        say(phase);
        let (watched, requests) = self.load.beside(self.monitor.watch(work)).await;
        let (done, usage) = watched?;
        self.add_requests(phase, &requests);
        self.add_usage(phase, &usage);
        done
    }

    fn add(&mut self, case: String, value: f64, unit: &'static str) {
        self.report.add("pool", case, value, unit);
    }

    fn add_requests(&mut self, phase: &str, Requests { sent, verified }: &Requests) {
        let column = |value: fn(&load::Verified) -> f64| -> Vec<f64> {
            verified.iter().map(value).collect()
        };
        let (mut blocks, mut seconds) = (column(|one| one.blocks), column(|one| one.seconds));
        let at_target = verified.iter().filter(|one| one.node == TARGET);
        let mut at_target: Vec<f64> = at_target.map(|one| one.seconds).collect();
        let share = verified.len() as f64 / *sent as f64 * 100.0;
        self.add(format!("{phase}: {sent} honest requests, verified"), share, "%");
        self.add("  inclusion to verified, median".into(), median(&mut blocks), "blocks");
        self.add(
            "  inclusion to verified, 95 % at most".into(),
            percentile_95(&mut blocks),
            "blocks",
        );
        self.add("  sending to verified, median".into(), median(&mut seconds), "s");
        self.add("  sending to verified, 95 % at most".into(), percentile_95(&mut seconds), "s");
        self.add("  the same through the attacked node".into(), percentile_95(&mut at_target), "s");
    }

    fn add_usage(&mut self, phase: &str, usage: &Usage) {
        let others = usage.resident.iter().enumerate().filter(|(node, _)| *node != TARGET);
        let others = others.map(|(_, size)| *size).fold(0.0, f64::max);
        say(&format!("{phase}: resident memory of the nodes in MiB: {:.0?}", usage.resident));
        self.add("  memory of the attacked node, peak".into(), usage.resident[TARGET], "MiB");
        self.add("  memory of the other nodes, peak".into(), others, "MiB");
        self.add("  processor, attacked node".into(), usage.processor, "% of a core");
        self.add("  validations, attacked node".into(), usage.validations, "per s");
        self.add("  waiting validations, peak".into(), usage.backlog, "");
        self.add("  transactions in its pool, peak".into(), usage.transactions, "");
        self.add("  refused because too many waited".into(), usage.refused, "");
    }

    fn add_flood(&mut self, phase: &str, sent: &Sent) {
        self.add(format!("{phase}: calls"), sent.calls.into(), "");
        self.add("  time to send them".into(), sent.seconds, "s");
        self.add("  until the last one was validated".into(), sent.rest, "s");
        for (answer, count) in &sent.answers {
            self.add(format!("  answer: {answer}"), f64::from(*count), "");
        }
        if sent.answers.is_empty() {
            let closed = sent.closed_after.len() as f64;
            self.add("  times that the node closed the connection".into(), closed, "");
        }
        for calls in &sent.closed_after {
            self.add("  closed after".into(), f64::from(*calls), "calls");
        }
    }
}
