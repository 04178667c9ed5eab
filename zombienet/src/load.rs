//! A load of requests of all four classes. Each is repeated with the same client key, through
//! another node, until it is final: a node that is killed takes no request with it.

use std::{
    collections::VecDeque,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc, Mutex, PoisonError,
    },
    time::Duration,
};

use anyhow::{ensure, Context, Result};
use assay_client::{Client, InferenceRequest, InferenceResult, Signer};
use assay_primitives::Assurance;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{timeout, Instant},
};

use crate::{
    observer::quantile,
    scenario::{Narrator, Run},
    stage::Stage,
    wait::until,
};

/// The classes of 25 successive requests: 13 signed ones, 7 quorums, 3 optimistic ones, 2 proofs.
const CYCLE: &[u8; 25] = b"sqsosqspsqssoqsqspsqsosqs";
/// Deadline of a request in blocks. Long, because operators are killed meanwhile.
const DEADLINE_BLOCKS: u32 = 150;
/// Time for one attempt, after which another node is asked.
const ATTEMPT: Duration = Duration::from_secs(420);
/// Time for a request with all its attempts.
const REQUEST: Duration = Duration::from_secs(600);

/// How many requests to make.
#[derive(Clone, Copy, Debug)]
pub enum Amount {
    /// So many.
    Exactly(usize),
    /// So many, and more until [`Load::finish`].
    AtLeast(usize),
}

/// A request that is final.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its result.
    pub result: InferenceResult,
    /// Its payer.
    pub payer: Signer,
    /// Attempts to make it and to wait for its end.
    pub attempts: u32,
    /// Seconds from the first attempt to the end.
    pub seconds: f64,
}

/// A load in progress. Dropping it ends it.
pub struct Load {
    enough: Arc<AtomicBool>,
    work: JoinHandle<Result<Vec<Answered>>>,
}

/// What the payers' tasks share.
struct Shared {
    stage: Stage,
    urls: Vec<String>,
    amount: Amount,
    enough: Arc<AtomicBool>,
    next: AtomicUsize,
    answered: Mutex<Vec<Answered>>,
    narrator: Narrator,
}

impl Load {
    /// Begins to make requests through the nodes at these addresses. Each payer has one open
    /// request at a time.
    pub fn start(stage: &Stage, urls: Vec<String>, amount: Amount, narrator: &Narrator) -> Self {
        let enough = Arc::new(AtomicBool::new(matches!(amount, Amount::Exactly(_))));
        let shared = Arc::new(Shared {
            stage: stage.clone(),
            urls,
            amount,
            enough: enough.clone(),
            next: AtomicUsize::new(0),
            answered: Mutex::default(),
            narrator: narrator.clone(),
        });
        Self { enough, work: tokio::spawn(work(shared)) }
    }

    /// Begins no further requests than the least amount, and waits for the end of all.
    ///
    /// # Errors
    ///
    /// A request is not final in time. The message has the error of its last attempt.
    pub async fn finish(mut self) -> Result<Vec<Answered>> {
        self.enough.store(true, Ordering::Relaxed);
        (&mut self.work).await.context("the load has panicked")?
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn work(shared: Arc<Shared>) -> Result<Vec<Answered>> {
    let mut payers = JoinSet::new();
    for (index, payer) in shared.stage.payers.iter().enumerate() {
        payers.spawn(pay(shared.clone(), payer.clone(), index));
    }
    while let Some(result) = payers.join_next().await {
        result.context("a payer has panicked")??;
    }
    let mut answered = shared.answered.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *answered))
}

async fn pay(shared: Arc<Shared>, payer: Signer, index: usize) -> Result<()> {
    let mut urls: VecDeque<&String> = shared.urls.iter().collect();
    let turn = index % urls.len().max(1);
    urls.rotate_left(turn);
    let mut client = None;
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let (Amount::Exactly(least) | Amount::AtLeast(least)) = shared.amount;
        if number >= least && shared.enough.load(Ordering::Relaxed) {
            return Ok(());
        }
        let assurance = class(number);
        let model = shared.stage.model(assurance);
        let terms = InferenceRequest {
            deadline_blocks: DEADLINE_BLOCKS,
            ..InferenceRequest::new(model.version.clone(), model.input.payload(), assurance)
        };
        let (started, mut attempts) = (Instant::now(), 0);
        let what = format!("request {number} in class {assurance:?} of {payer:?} is final");
        let result = until(REQUEST, what, async || {
            attempts += 1;
            let result = attempt(&mut client, &urls, &terms, &payer).await;
            if let Err(error) = &result {
                // The next attempt uses the next node.
                client = None;
                urls.rotate_left(1);
                shared.narrator.note(format!("attempt {attempts} at request {number}: {error:#}"));
            }
            result.map(Some)
        })
        .await?;
        let seconds = started.elapsed().as_secs_f64();
        let answered = Answered { result, payer: payer.clone(), attempts, seconds };
        shared.answered.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
    }
}

async fn attempt(
    client: &mut Option<Client>,
    urls: &VecDeque<&String>,
    terms: &InferenceRequest,
    payer: &Signer,
) -> Result<InferenceResult> {
    let url = urls.front().context("there are no nodes to ask")?;
    let connected = match client {
        Some(connected) => connected,
        None => client.insert(Client::connect(url).await?),
    };
    let inferring = connected.infer_once(terms, payer, &|_| ());
    let result = timeout(ATTEMPT, inferring).await.with_context(|| format!("{url} takes long"))?;
    result.with_context(|| format!("asked {url}"))
}

fn class(number: usize) -> Assurance {
    match CYCLE[number % CYCLE.len()] {
        b'q' => Assurance::Quorum { n: 3, k: 2 },
        b'o' => Assurance::Optimistic,
        b'p' => Assurance::Proof,
        _ => Assurance::Signed,
    }
}

/// Checks that every request was verified, and puts counts and latencies into the report.
///
/// # Errors
///
/// A request has another outcome, or there are two results of one.
pub fn check_answers(run: &mut Run, answered: &[Answered]) -> Result<()> {
    let mut requests: Vec<_> = answered.iter().map(|one| one.result.request).collect();
    requests.sort();
    requests.dedup();
    ensure!(requests.len() == answered.len(), "two payers' results are of one request");
    for one in answered {
        let result = &one.result;
        ensure!(
            result.is_verified(),
            "request {} in class {:?} ended as {:?}",
            result.request,
            result.assurance,
            result.outcome
        );
    }
    run.figure("requests", answered.len() as f64);
    for (name, assurance) in [
        ("signed", Assurance::Signed),
        ("quorum", Assurance::Quorum { n: 3, k: 2 }),
        ("optimistic", Assurance::Optimistic),
        ("proof", Assurance::Proof),
    ] {
        let of_class = || answered.iter().filter(|one| one.result.assurance == assurance);
        run.figure(&format!("requests, {name}"), of_class().count() as f64);
        let seconds = |share| quantile(of_class().map(|one| one.seconds), share);
        run.figure(&format!("latency, {name}, p50, seconds"), seconds(0.5));
        run.figure(&format!("latency, {name}, p99, seconds"), seconds(0.99));
    }
    let repeated = answered.iter().filter(|one| one.attempts > 1).count();
    run.figure("requests that took more than one attempt", repeated as f64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_share() {
        let count = |sign| CYCLE.iter().filter(|class| **class == sign).count();
        assert_eq!([b's', b'q', b'o', b'p'].map(count), [13, 7, 3, 2]);
    }
}
