//! Latency and throughput on a local network of four nodes.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context, Result};
use assay_client::{
    calls::{balances, inference, RequestInput},
    rpc, storage, Call, Client, InferenceRequest, Input, Signer,
};
use assay_localnet::{
    interrupted, register_operator, serve, wait_until_live, BundledModel, Network, NetworkConfig,
    OperatorTerms,
};
use assay_primitives::{runtime_api::VersionView, Assurance, Digest, ASY};
use assay_runtime::MAXIMUM_BLOCK_WEIGHT;
use codec::{Compact, Decode};
use futures::future::try_join_all;

use crate::{
    report::{median, say, Report},
    shares,
};

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Number of successive requests per class for the latency.
    #[arg(long, default_value_t = 15)]
    pub requests: u32,
    /// Number of concurrent requests for the throughput.
    #[arg(long, default_value_t = 4_800)]
    pub burst: u32,
    /// Number of concurrent requests in batches of 32.
    #[arg(long, default_value_t = 12_288)]
    pub batched: u32,
    /// Number of concurrent balance transfers, for comparison.
    #[arg(long, default_value_t = 4_000)]
    pub transfers: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { requests: 15, burst: 4_800, batched: 12_288, transfers: 4_000 }
    }
}

/// Number of accounts that send concurrently.
const SENDERS: u32 = 16;
/// Maximum time in which a node imports the blocks of the whole run.
const IMPORT_TIME: Duration = Duration::from_secs(300);
/// Time between two looks at how far it is.
const IMPORT_STEP: Duration = Duration::from_millis(20);
/// Number of requests in a batch.
const BATCH: u32 = 32;

/// A local network whose operators serve a model, with funded accounts.
pub struct Bench {
    pub network: Network,
    pub client: Client,
    pub version: VersionView<assay_client::AccountId>,
    pub input: Input,
    pub senders: Vec<Signer>,
    /// The first height whose ended requests are not counted, and the number of those before.
    ended: tokio::sync::Mutex<(u32, u64)>,
}

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
    // All concurrent transactions must fit into the transaction pools.
    let pools = ["--pool-limit", "20000", "--pool-kbytes", "100000"];
    let mut bench = Bench::start(programs, models, data.path(), &pools).await?;
    bench.latency(report, Assurance::Signed, options.requests).await?;
    bench.latency(report, Assurance::Quorum { n: 3, k: 2 }, options.requests).await?;
    let single = bench.requests_per_second(report, options.burst, 1).await?;
    let batched = bench.requests_per_second(report, options.batched, BATCH).await?;
    let transfers = bench.transfers_per_second(report, options.transfers).await?;
    for (burst, how) in [(&single, "alone"), (&batched, "in batches")] {
        let name = format!("balance transfers per verified request {how}, by rate");
        report.add("chain", name, transfers.rate / burst.rate, "");
    }
    let bursts = [(single, "requests alone"), (batched, "batches"), (transfers, "transfers")];
    bench.imports(report, bursts).await?;
    shares::report(report, "chain");
    Ok(())
}

impl Bench {
    /// Starts four nodes with further arguments, publishes the digits model and funds accounts.
    pub async fn start(
        programs: &Path,
        models: &Path,
        data: &Path,
        arguments: &[&str],
    ) -> Result<Self> {
        say("starting four nodes");
        let network = Network::start(
            &NetworkConfig {
                program: programs.join("assay-node"),
                data: data.to_owned(),
                port_base: None,
                arguments: arguments.iter().copied().map(String::from).collect(),
            },
            &|_| (),
        )
        .await?;
        let client = network.client(0).await?;
        let owner = Signer::from_suri("//Eve")?;
        let model = BundledModel::digits(models);
        let published = client.publish(&model.publication()?, &owner, &|_| ()).await?;
        let terms = OperatorTerms { concurrency: 1_024, ..Default::default() };
        let accounts = try_join_all(network.nodes.iter().map(|node| async {
            let (client, signer) = (Client::connect(&node.url()).await?, node.signer()?);
            register_operator(&client, &signer, terms).await?;
            serve(&client, &signer, published.version, terms).await?;
            anyhow::Ok(signer.account().clone())
        }))
        .await?;
        wait_until_live(&client, &accounts).await?;
        let version = client.version(published.version).await?.context("no version")?;
        let sample: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(model.sample())?)?;
        let input = Input::from_json(&sample["image"].to_string(), &version.descriptor.inputs)?;

        let bank = Signer::from_suri("//Ferdie")?;
        let senders = (0..SENDERS)
            .map(|index| Signer::from_suri(&format!("//Ferdie//{index}")))
            .collect::<Result<Vec<_>, _>>()?;
        let funding: Vec<Call> = senders
            .iter()
            .map(|sender| balances::transfer_keep_alive(sender.account().clone(), 10_000 * ASY))
            .collect();
        try_join_all(funding.iter().map(|call| client.submit(call, &bank))).await?;
        Ok(Self { network, client, version, input, senders, ended: Default::default() })
    }

    async fn latency(&self, report: &mut Report, assurance: Assurance, count: u32) -> Result<()> {
        say(&format!("{count} requests in class {assurance:?}, one after the other"));
        let (mut blocks, mut seconds) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let ask = InferenceRequest::new(self.version.clone(), self.input.payload(), assurance);
            let result = self.client.infer(&ask, &self.senders[0], &|_| ()).await?;
            ensure!(result.is_verified(), "a request ended as {:?}", result.outcome);
            blocks.push(f64::from(result.blocks));
            seconds.push(result.latency_ms as f64 / 1e3);
        }
        let class = match assurance {
            Assurance::Quorum { n, k } => format!("Quorum{{{n},{k}}}"),
            other => format!("{other:?}"),
        };
        report.add(
            "chain",
            format!("{class}: inclusion to verified, median of {count}"),
            median(&mut blocks),
            "blocks",
        );
        report.add(
            "chain",
            format!("{class}: inclusion to verified, longest"),
            blocks.iter().copied().fold(0.0, f64::max),
            "blocks",
        );
        report.add(
            "chain",
            format!("{class}: sending to verified, median of {count}"),
            median(&mut seconds),
            "s",
        );
        Ok(())
    }

    /// Sends transactions to all nodes concurrently.
    async fn send(&self, batches: Vec<Vec<Vec<u8>>>) -> Result<()> {
        let clients =
            try_join_all((0..self.network.nodes.len()).map(|index| self.network.client(index)))
                .await?;
        try_join_all(batches.into_iter().enumerate().map(|(index, batch)| {
            let client = clients[index % clients.len()].clone();
            async move {
                for transaction in batch {
                    client.rpc().submit(&transaction).await?;
                }
                anyhow::Ok(())
            }
        }))
        .await?;
        Ok(())
    }

    async fn sign(&self, calls: impl Fn(u32) -> Call, count: u32) -> Result<Vec<Vec<Vec<u8>>>> {
        let each = count.div_ceil(SENDERS);
        let mut batches = Vec::new();
        for (index, sender) in (0u32..).zip(&self.senders) {
            let calls: Vec<Call> = (0..each).map(|number| calls(index * each + number)).collect();
            batches.push(self.client.sign_batch(&calls, sender).await?);
        }
        Ok(batches)
    }

    /// Verified requests per second, of `burst` in batches of `batch`.
    async fn requests_per_second(
        &self,
        report: &mut Report,
        burst: u32,
        batch: u32,
    ) -> Result<Burst> {
        let height = rpc::height(&self.client.rpc().header(None).await?);
        let price = self.client.quote(self.version.id, Assurance::Signed).await?.price;
        let item = || {
            let input = RequestInput::Inline(self.input.payload());
            (input, assay_client::keys::random_key())
        };
        let (version, class, deadline) = (self.version.id, Assurance::Signed, height + 900);
        let call = |_| match batch {
            1 => {
                let (input, key) = item();
                inference::request(version, input, class, price, deadline, 1, key)
            },
            _ => {
                let items = (0..batch).map(|_| item()).collect();
                inference::request_batch(version, class, price, deadline, 1, items)
            },
        };
        let batches = self.sign(call, burst / batch).await?;
        let total: u64 = batches.iter().map(|calls| calls.len() as u64 * u64::from(batch)).sum();
        say(&format!("sending {total} concurrent requests in class Signed, {batch} in a call"));
        let before = self.finished().await?;
        let (outcome, ()) = futures::try_join!(
            self.watch("requests", total, || async { Ok(self.finished().await? - before) }),
            self.send(batches),
        )?;
        report.add(
            "chain",
            format!("verified requests per second, {total} concurrent, {batch} in a call"),
            outcome.rate,
            "requests/s",
        );
        report.add("chain", "  weight of the fullest block", outcome.fullness, "%");
        report.add("chain", "  first to last result", outcome.seconds, "s");
        Ok(outcome)
    }

    async fn transfers_per_second(&self, report: &mut Report, count: u32) -> Result<Burst> {
        let to = Signer::from_suri("//Eve")?.account().clone();
        let batches =
            self.sign(|_| balances::transfer_keep_alive(to.clone(), ASY / 1_000), count).await?;
        let total: usize = batches.iter().map(Vec::len).sum();
        say(&format!("sending {total} concurrent transfers"));
        let mut before = 0;
        for sender in &self.senders {
            before += self.included(sender).await?;
        }
        let (outcome, ()) = futures::try_join!(
            self.watch("transfers", total as u64, || async {
                let nonces =
                    try_join_all(self.senders.iter().map(|sender| self.included(sender))).await?;
                Ok(nonces.into_iter().sum::<u64>() - before)
            }),
            self.send(batches),
        )?;
        report.add(
            "chain",
            format!("balance transfers per second, {total} concurrent"),
            outcome.rate,
            "transfers/s",
        );
        report.add("chain", "  weight of the fullest block", outcome.fullness, "%");
        Ok(outcome)
    }

    /// How fast one node imports the blocks of the bursts when no other one makes or checks blocks
    /// meanwhile: what the processor of a validator allows that shares its machine with no other.
    async fn imports<const N: usize>(
        &mut self,
        report: &mut Report,
        bursts: [(Burst, &str); N],
    ) -> Result<()> {
        for node in self.network.nodes.iter_mut().skip(1) {
            node.stop()?;
        }
        let client = self.network.client(0).await?;
        let best = rpc::height(&client.rpc().header(None).await?);
        say(&format!("one node imports {best} blocks"));
        let late = self.network.add_full_node("late").await?;
        // When the node had reached each height at the latest.
        let mut reached = vec![Instant::now(); best as usize + 1];
        let mut next = 0;
        let started = Instant::now();
        while next <= best {
            ensure!(
                started.elapsed() < IMPORT_TIME,
                "the node has no more than {next} of {best} blocks"
            );
            let height = rpc::height(&late.rpc().header(None).await?).min(best);
            let now = Instant::now();
            while next <= height {
                reached[next as usize] = now;
                next += 1;
            }
            tokio::time::sleep(IMPORT_STEP).await;
        }
        for (burst, of) in bursts {
            let (first, last) =
                (burst.blocks.0 as usize, (burst.blocks.1 as usize).min(best as usize));
            let seconds = (reached[last] - reached[first]).as_secs_f64();
            let name = format!("  import of the {} blocks of {of}", last - first);
            report.add("chain", name, burst.total as f64 / seconds, "/s");
        }
        Ok(())
    }

    /// Number of requests that have ended.
    async fn finished(&self) -> Result<u64> {
        /// Blocks that may still be abandoned, and are counted again.
        const RECENT: u32 = 8;
        let head = self.client.rpc().header(None).await?;
        let (hash, best) = (rpc::header_hash(&head), rpc::height(&head));
        let mut counted = self.ended.lock().await;
        let mut total = counted.1;
        for height in counted.0..=best {
            let key = storage::twox_map_key("Inference", "Ended", &height);
            let bytes = self.client.rpc().storage(&key, Some(hash)).await?.unwrap_or_default();
            // A list begins with its length.
            let ended = Compact::<u32>::decode(&mut &bytes[..]).map_or(0, |count| count.0);
            total += u64::from(ended);
            if height + RECENT < best {
                *counted = (height + 1, total);
            }
        }
        Ok(total)
    }

    /// Number of transactions of an account that are in blocks.
    async fn included(&self, signer: &Signer) -> Result<u64> {
        let key = storage::account_key(signer.account());
        let bytes = self.client.rpc().storage(&key, None).await?.unwrap_or_default();
        Ok(u32::decode(&mut &bytes[..]).map_or(0, u64::from))
    }

    /// Counts progress at each block until `total` is reached.
    async fn watch<F: std::future::Future<Output = Result<u64>>>(
        &self,
        what: &str,
        total: u64,
        count: impl Fn() -> F,
    ) -> Result<Burst> {
        const BLOCKS_WITHOUT_PROGRESS: u32 = 20;
        let mut heads = self.client.rpc().subscribe_heads().await?;
        let (mut done, mut idle, mut fullness) = (0, 0, 0.0f64);
        // Starts at the block before the first progress.
        let mut started = Instant::now();
        let mut first = None;
        loop {
            let head = rpc::next(&mut heads, "new heads").await?;
            let now = count().await?;
            fullness = fullness.max(self.fullness(rpc::header_hash(&head)).await?);
            idle = if now > done { 0 } else { idle + 1 };
            ensure!(
                idle < BLOCKS_WITHOUT_PROGRESS,
                "{done} of {total} {what} are done, but there is no further progress"
            );
            let height = rpc::height(&head);
            let first = *first.get_or_insert(height);
            if now == 0 {
                started = Instant::now();
            }
            done = now;
            say(&format!("  {done} of {total} {what}"));
            if done >= total {
                let seconds = started.elapsed().as_secs_f64();
                let (rate, blocks) = (total as f64 / seconds, (first, height));
                return Ok(Burst { total, rate, fullness, seconds, blocks });
            }
        }
    }

    /// Share of a block's maximum weight that was used, in percent.
    async fn fullness(&self, block: Digest) -> Result<f64> {
        let key = storage::value_key("System", "BlockWeight");
        let used: Option<[(Compact<u64>, Compact<u64>); 3]> =
            self.client.rpc().storage_value(&key, Some(block)).await?;
        let used: u64 = used.iter().flatten().map(|(time, _)| time.0).sum();
        Ok(used as f64 / MAXIMUM_BLOCK_WEIGHT.ref_time() as f64 * 100.0)
    }
}

/// The result of a burst of transactions.
struct Burst {
    total: u64,
    rate: f64,
    fullness: f64,
    seconds: f64,
    /// The best block when it began, and when all was done.
    blocks: (u32, u32),
}
