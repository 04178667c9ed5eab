//! One run of a scenario: its network, what is said about it, its reports, and the end of its
//! processes.

use std::{
    collections::BTreeMap,
    fmt::Display,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{anyhow, Context, Result};
use assay_client::Client;
use assay_localnet::interrupted;
use futures::FutureExt;
use tokio::time::{timeout, Instant};

use crate::{
    observer::{pace, Observer, Pace, Sample},
    report::{Mark, Report},
    testnet::Testnet,
    wait::until,
};

/// Time for the chain of a new network to finalise its first block.
const FIRST_FINAL: Duration = Duration::from_secs(90);

/// What the report of a run is made of.
#[derive(Debug, Default)]
struct Record {
    marks: Vec<Mark>,
    figures: BTreeMap<String, f64>,
    samples: Vec<Sample>,
}

/// Says what happens, with the seconds since the start, and keeps it for the report. Clones share
/// what is kept.
#[derive(Clone)]
pub struct Narrator {
    started: Instant,
    record: Arc<Mutex<Record>>,
}

impl Narrator {
    fn new() -> Self {
        Self { started: Instant::now(), record: Arc::default() }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Prints a line, and marks the time in the report.
    pub fn say(&self, text: impl Display) {
        self.note(&text);
        self.record().marks.push(Mark { seconds: self.seconds(), text: text.to_string() });
    }

    /// Prints a line that does not mark a time.
    pub fn note(&self, text: impl Display) {
        eprintln!("[{:6.1} s] {text}", self.seconds());
    }

    /// Prints a figure, and puts it into the report.
    pub fn figure(&self, name: &str, value: f64) {
        self.note(format!("{name}: {value:.1}"));
        self.record().figures.insert(name.to_owned(), value);
    }

    /// Puts heights that a node has now into the report.
    pub(crate) fn sample(&self, best: u32, finalised: u32) {
        self.record().samples.push(Sample { seconds: self.seconds(), best, finalised });
    }

    /// The pace of the chain since a second of the run.
    pub fn pace(&self, since: f64) -> Pace {
        let record = self.record();
        let first = record.samples.partition_point(|sample| sample.seconds < since);
        pace(record.samples.get(first..).unwrap_or_default())
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A scenario that runs.
pub struct Run {
    /// The network.
    pub testnet: Testnet,
    /// Says what happens.
    pub narrator: Narrator,
}

impl Run {
    /// Waits until a node has a final block of at least this height. Returns its height.
    ///
    /// # Errors
    ///
    /// It has none within `limit`.
    pub async fn until_final(&self, client: &Client, height: u32, limit: Duration) -> Result<u32> {
        let awaited = format!("block {height} is final at {}", client.rpc().url());
        until(limit, awaited, async || {
            let (_, finalised) = Testnet::heights(client).await?;
            Ok((finalised >= height).then_some(finalised))
        })
        .await
    }
}

/// Spawns a network of a definition, runs a scenario on it within `limit`, writes the report and
/// ends all processes, also if the scenario fails or panics, or a signal ends it.
///
/// # Errors
///
/// The network does not start, the scenario fails, or the report cannot be written.
pub async fn run(
    name: &str,
    network: &str,
    limit: Duration,
    scenario: impl AsyncFnOnce(&mut Run) -> Result<()>,
) -> Result<()> {
    let folder = folder(name)?;
    let narrator = Narrator::new();
    let mut interrupted = pin!(interrupted()?);
    let working = async {
        let data = folder.join("nodes");
        std::fs::create_dir_all(&data)?;
        let testnet = Testnet::spawn(network, &data).await?;
        narrator.say(format!("{} nodes are up", testnet.names().len()));
        let _observer = Observer::start(testnet.urls()?, &narrator);
        let mut run = Run { testnet, narrator: narrator.clone() };
        let first = run.testnet.names().first().context("the network has no nodes")?.clone();
        let client = run.testnet.client(&first).await?;
        run.until_final(&client, 1, FIRST_FINAL).await?;
        narrator.say("blocks are final");
        let result = AssertUnwindSafe(scenario(&mut run)).catch_unwind().await;
        let ended = run.testnet.end().await;
        result
            .unwrap_or_else(|panic| Err(anyhow!("the scenario panicked: {}", message(&*panic))))?;
        ended
    };
    // Dropping the future kills the nodes.
    let result = tokio::select! {
        biased;
        () = &mut interrupted => Err(anyhow!("a signal has ended the scenario")),
        result = timeout(limit, working) => result
            .unwrap_or_else(|_| Err(anyhow!("the scenario took more than {} s", limit.as_secs()))),
    };
    if let Err(error) = &result {
        narrator.say(format!("failed: {error:#}"));
    }
    let record = std::mem::take(&mut *narrator.record());
    let report = Report {
        scenario: name.to_owned(),
        network: network.to_owned(),
        seconds: narrator.seconds(),
        failure: result.as_ref().err().map(|error| format!("{error:#}")),
        figures: record.figures,
        marks: record.marks,
        samples: record.samples,
    };
    report.write(&folder)?;
    eprintln!("report, plot and logs: {}", folder.display());
    if result.is_ok() {
        forget_databases(&folder.join("nodes"))?;
    }
    result
}

/// The folder of a run: new, in the one that `ASSAY_ZOMBIENET_RUNS` names.
fn folder(name: &str) -> Result<PathBuf> {
    let runs = std::env::var_os("ASSAY_ZOMBIENET_RUNS")
        .context("ASSAY_ZOMBIENET_RUNS is not set to a folder; run scripts/zombienet")?;
    let folder = Path::new(&runs).join(name);
    std::fs::create_dir_all(&runs)?;
    std::fs::create_dir(&folder)
        .with_context(|| format!("{} exists, or cannot be made", folder.display()))?;
    Ok(folder.canonicalize()?)
}

/// Removes what a run that passed leaves beside its logs.
fn forget_databases(nodes: &Path) -> Result<()> {
    for entry in nodes.read_dir()? {
        let data = entry?.path().join("data");
        if data.is_dir() {
            std::fs::remove_dir_all(data)?;
        }
    }
    Ok(())
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
