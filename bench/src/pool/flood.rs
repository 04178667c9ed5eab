//! Sends the calls of a flood: as a peer of a node, or over its RPC.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{ensure, Context, Result};
use assay_client::{rpc, Client, Error};
use futures::future::try_join_all;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    calls::Calls,
    peer::{ChainHead, Peer},
    usage::Pool,
};
use crate::report::say;

/// How often calls are sent.
const TICK: Duration = Duration::from_millis(50);
/// Time between attempts to connect.
const RETRY: Duration = Duration::from_millis(500);
/// Number of connections to the RPC.
const CONNECTIONS: usize = 4;
/// Maximum number of calls over RPC without an answer.
const IN_FLIGHT: usize = 1_024;
/// Validations that a node without an attack may have waiting.
const CALM_BACKLOG: f64 = 16.0;

/// The node under attack.
pub struct Target {
    pub client: Client,
    pub p2p_address: String,
    pub rpc_url: String,
    pub metrics_url: String,
}

/// The pace and the end of a flood.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Calls per second.
    pub rate: u32,
    /// Maximum duration.
    pub limit: Duration,
}

impl Pace {
    fn interval(self) -> (tokio::time::Interval, usize) {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let ticks = Duration::from_secs(1).as_millis() / TICK.as_millis();
        (interval, self.rate.div_ceil(ticks as u32).max(1) as usize)
    }
}

/// What a flood did.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub calls: u32,
    /// Seconds of sending.
    pub seconds: f64,
    /// Seconds until the node had validated what it had accepted, after the last call.
    pub rest: f64,
    /// For each time that the node closed the connection: the calls that it had taken through it.
    pub closed_after: Vec<u32>,
    /// The answers of the RPC, with their numbers.
    pub answers: BTreeMap<String, u32>,
}

/// Sends the calls as a peer. Connects again, with another peer id, if the node closes the
/// connection.
///
/// # Errors
///
/// The node never accepts the peer, or does not answer.
pub async fn as_peer(target: &Target, mut calls: Calls<'_>, pace: Pace) -> Result<Sent> {
    let (started, mut sent) = (Instant::now(), Sent::default());
    let mut peer = connect(target, pace.limit).await?;
    let mut by_this_peer = 0;
    let (mut interval, count) = pace.interval();
    while started.elapsed() < pace.limit {
        interval.tick().await;
        let heard = peer.heard();
        let batch: Vec<_> =
            (0..count).map_while(|_| calls.next(heard.as_deref())).collect::<Result<_>>()?;
        if batch.is_empty() {
            break;
        }
        if peer.send(&batch).await.is_ok() && !peer.is_closed() {
            by_this_peer += batch.len() as u32;
            continue;
        }
        say(&format!("  the node closed the connection after {by_this_peer} calls"));
        sent.closed_after.push(std::mem::take(&mut by_this_peer));
        peer = match connect(target, pace.limit.saturating_sub(started.elapsed())).await {
            Ok(peer) => peer,
            Err(error) => {
                say(&format!("  the node does not accept another peer: {error:#}"));
                break;
            },
        };
    }
    (sent.calls, sent.seconds) = (calls.made(), started.elapsed().as_secs_f64());
    sent.rest = until_calm(target, pace.limit).await?;
    Ok(sent)
}

async fn connect(target: &Target, limit: Duration) -> Result<Peer> {
    let started = Instant::now();
    loop {
        let head = target.client.rpc().header(None).await?;
        let (number, hash) = (rpc::height(&head), rpc::header_hash(&head));
        let head = ChainHead { genesis: target.client.genesis(), number, hash };
        match Peer::connect(&target.p2p_address, head).await {
            Ok(peer) => return Ok(peer),
            Err(error) if started.elapsed() > limit => return Err(error),
            Err(_) => tokio::time::sleep(RETRY).await,
        }
    }
}

/// Sends the calls over the RPC of the node.
///
/// # Errors
///
/// The connection is lost.
pub async fn over_rpc(target: &Target, mut calls: Calls<'_>, pace: Pace) -> Result<Sent> {
    let connections = (0..CONNECTIONS).map(|_| Client::connect(&target.rpc_url));
    let clients = try_join_all(connections).await?;
    let (started, mut sent) = (Instant::now(), Sent::default());
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut running = JoinSet::new();
    let (mut interval, count) = pace.interval();
    'sending: while started.elapsed() < pace.limit {
        interval.tick().await;
        for _ in 0..count {
            let Some(call) = calls.next(None).transpose()? else { break 'sending };
            let permit = in_flight.clone().acquire_owned().await?;
            let client = clients[calls.made() as usize % clients.len()].clone();
            running.spawn(async move {
                let answer = client.rpc().submit(&call).await;
                drop(permit);
                answer
            });
        }
        while let Some(answer) = running.try_join_next() {
            note(&mut sent.answers, answer?)?;
        }
    }
    (sent.calls, sent.seconds) = (calls.made(), started.elapsed().as_secs_f64());
    while let Some(answer) = running.join_next().await {
        note(&mut sent.answers, answer?)?;
    }
    sent.rest = until_calm(target, pace.limit).await?;
    Ok(sent)
}

fn note<T>(answers: &mut BTreeMap<String, u32>, answer: Result<T, Error>) -> Result<()> {
    let answer = match answer {
        Ok(_) => "accepted".to_owned(),
        // Priorities follow in parentheses.
        Err(Error::Rpc { message, .. }) => {
            message.split(": (").next().unwrap_or_default().to_owned()
        },
        Err(error) => return Err(error).context("the RPC failed"),
    };
    *answers.entry(answer).or_default() += 1;
    Ok(())
}

/// Waits until the node has validated all that it has accepted. Returns the seconds.
async fn until_calm(target: &Target, limit: Duration) -> Result<f64> {
    let started = Instant::now();
    loop {
        let pool = Pool::read(&target.metrics_url).await;
        if pool.is_ok_and(|pool| pool.backlog() <= CALM_BACKLOG) {
            return Ok(started.elapsed().as_secs_f64());
        }
        ensure!(
            started.elapsed() < limit,
            "the node still has transactions to validate {} s after the flood",
            limit.as_secs()
        );
        tokio::time::sleep(RETRY).await;
    }
}
