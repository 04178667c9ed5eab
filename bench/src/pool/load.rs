//! Honest requests at a steady rate.

use std::{future::Future, pin::pin, time::Duration};

use anyhow::{ensure, Result};
use assay_client::{Client, InferenceRequest};
use assay_primitives::Assurance;
use futures::{future::try_join_all, stream::FuturesUnordered, StreamExt};

use crate::{chain::Bench, report::say};

/// Maximum time until a request has ended.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A request that was verified.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    /// Index of the node to which the client was connected.
    pub node: usize,
    /// Blocks from its inclusion to its end.
    pub blocks: f64,
    /// Seconds from the first call of the client until it had the result.
    pub seconds: f64,
}

/// The requests of a phase.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    pub sent: usize,
    pub verified: Vec<Verified>,
}

impl Requests {
    fn note(&mut self, ended: Result<Verified>) {
        match ended {
            Ok(verified) => self.verified.push(verified),
            Err(error) => say(&format!("  an honest request failed: {error:#}")),
        }
    }
}

/// Clients at all nodes in turn. Each account has one of them.
pub struct Load<'a> {
    bench: &'a Bench,
    clients: Vec<Client>,
    interval: Duration,
}

impl<'a> Load<'a> {
    pub async fn new(bench: &'a Bench, per_second: u32) -> Result<Self> {
        let nodes = 0..bench.network.nodes.len();
        let clients = try_join_all(nodes.map(|index| bench.network.client(index))).await?;
        Ok(Self { bench, clients, interval: Duration::from_secs(1) / per_second.max(1) })
    }

    /// Sends requests while `work` goes on, and waits for the end of all.
    pub async fn beside<T>(&self, work: impl Future<Output = T>) -> (T, Requests) {
        let mut work = pin!(work);
        let mut running = FuturesUnordered::new();
        let mut requests = Requests::default();
        let mut interval = tokio::time::interval(self.interval);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = interval.tick() => {
                    running.push(self.request(requests.sent));
                    requests.sent += 1;
                },
                Some(ended) = running.next() => requests.note(ended),
            }
        };
        while let Some(ended) = running.next().await {
            requests.note(ended);
        }
        (done, requests)
    }

    async fn request(&self, number: usize) -> Result<Verified> {
        let sender = number % self.bench.senders.len();
        let node = sender % self.clients.len();
        let (version, payload) = (self.bench.version.clone(), self.bench.input.payload());
        let request = InferenceRequest::new(version, payload, Assurance::Signed);
        let ending = self.clients[node].infer(&request, &self.bench.senders[sender], &|_| ());
        let result = tokio::time::timeout(TIMEOUT, ending).await??;
        ensure!(result.is_verified(), "it ended as {:?}", result.outcome);
        let (blocks, seconds) = (f64::from(result.blocks), result.latency_ms as f64 / 1e3);
        Ok(Verified { node, blocks, seconds })
    }
}
