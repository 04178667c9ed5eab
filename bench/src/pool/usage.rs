//! What the nodes use: memory, processor, and the work of their transaction pools.

use std::{
    future::Future,
    io::{Read, Write},
    net::TcpStream,
    pin::pin,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use assay_localnet::Network;

/// How often the nodes are read.
const INTERVAL: Duration = Duration::from_millis(500);
/// Maximum time for an answer of a node's metrics. A node under attack may be slow.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Clock ticks per second in `/proc/PID/stat`. Linux has no other value for programs.
const TICKS: f64 = 100.0;

/// The counters of a node's transaction pool.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool {
    /// Validations that were asked for, in total.
    pub scheduled: f64,
    /// Validations that have ended, in total.
    pub finished: f64,
    /// Transactions in the pool, those that wait for their first validation included.
    pub transactions: f64,
    /// Transactions that the node refused because too many waited, in total.
    pub refused: f64,
}

impl Pool {
    /// Validations that wait.
    pub fn backlog(&self) -> f64 {
        (self.scheduled - self.finished).max(0.0)
    }

    /// Reads the counters.
    ///
    /// # Errors
    ///
    /// The node does not answer in time.
    pub async fn read(metrics_url: &str) -> Result<Self> {
        let url = metrics_url.to_owned();
        let text = tokio::task::spawn_blocking(move || get(&url)).await??;
        let sum = |name: &str| text.lines().filter_map(|line| value(line, name)).sum();
        Ok(Self {
            scheduled: sum("substrate_sub_txpool_validations_scheduled"),
            finished: sum("substrate_sub_txpool_validations_finished"),
            transactions: sum("substrate_sub_txpool_unwatched_txs")
                + sum("substrate_sub_txpool_watched_txs"),
            refused: sum("assay_refused_transactions_total"),
        })
    }
}

/// The value of a line of metrics, if it is of this metric.
fn value(line: &str, name: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    let rest = match rest.strip_prefix('{') {
        Some(labels) => labels.split_once('}')?.1,
        None => rest,
    };
    rest.strip_prefix(' ')?.trim().parse().ok()
}

/// The body of an answer over HTTP.
fn get(url: &str) -> Result<String> {
    let rest = url.strip_prefix("http://").context("not the address of metrics")?;
    let (host, path) = rest.split_once('/').context("not the address of metrics")?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("not an answer over HTTP")?;
    Ok(body.to_owned())
}

/// Resident memory of a process in MiB.
fn resident_mib(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kib.context("no resident memory in /proc")? / 1024.0)
}

/// Processor time that a process has used, in seconds.
fn processor_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The fields follow the program's name in parentheses, beginning with the third.
    let (_, fields) = stat.rsplit_once(") ").context("no fields in /proc")?;
    let ticks: Vec<f64> =
        fields.split(' ').skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

/// What the nodes used during a phase.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Largest resident memory of each node, in MiB.
    pub resident: Vec<f64>,
    /// Processor time of the attacked node, in percent of one core.
    pub processor: f64,
    /// Validations of the attacked node per second.
    pub validations: f64,
    /// The most validations that waited in the attacked node.
    pub backlog: f64,
    /// The most transactions in the pool of the attacked node.
    pub transactions: f64,
    /// Transactions that the attacked node refused because too many waited.
    pub refused: f64,
}

/// Observes the nodes of a network, one of which is attacked.
pub struct Monitor {
    pids: Vec<u32>,
    target: usize,
    metrics_url: String,
}

impl Monitor {
    pub fn new(network: &Network, target: usize) -> Result<Self> {
        let pids = network.nodes.iter().map(|node| node.pid().context("a node has ended"));
        Ok(Self {
            pids: pids.collect::<Result<_>>()?,
            target,
            metrics_url: network.nodes[target].metrics_url(),
        })
    }

    /// Observes the nodes until `work` is done.
    pub async fn watch<T>(&self, work: impl Future<Output = T>) -> Result<(T, Usage)> {
        let mut work = pin!(work);
        let mut usage = Usage { resident: vec![0.0; self.pids.len()], ..Default::default() };
        let (started, used) = (Instant::now(), processor_seconds(self.pids[self.target])?);
        let before = Pool::read(&self.metrics_url).await?;
        let mut latest = before;
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = interval.tick() => {},
            }
            for (&pid, peak) in self.pids.iter().zip(&mut usage.resident) {
                *peak = peak.max(resident_mib(pid)?);
            }
            // The work goes on while the node answers.
            let pool = tokio::select! {
                done = &mut work => break done,
                pool = Pool::read(&self.metrics_url) => pool,
            };
            if let Ok(pool) = pool {
                latest = pool;
                usage.backlog = usage.backlog.max(pool.backlog());
                usage.transactions = usage.transactions.max(pool.transactions);
            }
        };
        let seconds = started.elapsed().as_secs_f64();
        let used = processor_seconds(self.pids[self.target])? - used;
        usage.processor = used / seconds * 100.0;
        usage.validations = (latest.finished - before.finished) / seconds;
        usage.refused = latest.refused - before.refused;
        Ok((done, usage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_with_and_without_labels() {
        assert_eq!(value("pool_size 7", "pool_size"), Some(7.0));
        assert_eq!(value(r#"pool_size{chain="local"} 8"#, "pool_size"), Some(8.0));
        assert_eq!(value("pool_size_total 9", "pool_size"), None);
        assert_eq!(value("# HELP pool_size of the pool", "pool_size"), None);
    }

    #[test]
    fn the_usage_of_this_process_is_read() {
        let pid = std::process::id();
        assert!(resident_mib(pid).unwrap() > 1.0);
        assert!(processor_seconds(pid).unwrap() < 1e6);
    }
}
