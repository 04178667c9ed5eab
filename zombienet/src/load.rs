//! A load of requests of all four classes. Each is repeated with the same client key, through
//! another node, until it is final: a node that is killed takes no request with it.

use std::{
    collections::VecDeque,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc,
    },
    time::Duration,
};

use anyhow::{anyhow, ensure, Context, Result};
use assay_client::{Client, InferenceRequest, InferenceResult, Signer};
use assay_primitives::Assurance;
use futures::future::try_join_all;
use tokio::{
    sync::oneshot,
    time::{interval, timeout, Instant, MissedTickBehavior},
};

use crate::{
    observer::quantile,
    scenario::{Narrator, Run},
    stage::Stage,
};

/// The classes of 25 successive requests: 13 signed ones, 7 quorums, 3 optimistic ones, 2 proofs.
const CYCLE: &[u8; 25] = b"sqsosqspsqssoqsqspsqsosqs";
/// Deadline of a request in blocks. Long, because operators are killed meanwhile.
const DEADLINE_BLOCKS: u32 = 150;
/// Time for one attempt, after which another node is asked.
const ATTEMPT: Duration = Duration::from_secs(420);
/// Least time between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
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

/// A load in progress, in a thread of its own. Dropping it ends it.
pub struct Load {
    enough: Arc<AtomicBool>,
    work: oneshot::Receiver<Result<Vec<Answered>>>,
}

/// What the payers' tasks share.
struct Shared {
    stage: Stage,
    urls: Vec<String>,
    amount: Amount,
    enough: Arc<AtomicBool>,
    next: AtomicUsize,
    narrator: Narrator,
}

impl Load {
    /// Begins to make requests through the nodes at these addresses. Each payer has one open
    /// request at a time.
    pub fn start(stage: &Stage, urls: Vec<String>, amount: Amount, narrator: &Narrator) -> Self {
        let enough = Arc::new(AtomicBool::new(matches!(amount, Amount::Exactly(_))));
        let shared = Shared {
            stage: stage.clone(),
            urls,
            amount,
            enough: enough.clone(),
            next: AtomicUsize::new(0),
            narrator: narrator.clone(),
        };
        let (mut sender, work) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let answered = match runtime {
                // The client's futures cannot be spawned, as they are not `Send` in general.
                Ok(runtime) => runtime.block_on(async {
                    tokio::select! {
                        () = sender.closed() => None,
                        answered = work_all(&shared) => Some(answered),
                    }
                }),
                Err(error) => Some(Err(error.into())),
            };
            if let Some(answered) = answered {
                // Without a receiver nobody wants to know.
                let _ = sender.send(answered);
            }
        });
        Self { enough, work }
    }

    /// Begins no further requests than the least amount, and waits for the end of all.
    ///
    /// # Errors
    ///
    /// A request is not final in time. The message has the error of its last attempt.
    pub async fn finish(self) -> Result<Vec<Answered>> {
        self.enough.store(true, Ordering::Relaxed);
        self.work.await.context("the load has panicked")?
    }
}

async fn work_all(shared: &Shared) -> Result<Vec<Answered>> {
    let payers = shared.stage.payers.iter().enumerate();
    let all = try_join_all(payers.map(|(index, payer)| pay(shared, payer.clone(), index))).await?;
    Ok(all.into_iter().flatten().collect())
}

async fn pay(shared: &Shared, signer: Signer, index: usize) -> Result<Vec<Answered>> {
    let mut urls: VecDeque<String> = shared.urls.iter().cloned().collect();
    let turn = index % urls.len().max(1);
    urls.rotate_left(turn);
    let mut answered = Vec::new();
    let mut payer = Payer { signer, urls, client: None, narrator: shared.narrator.clone() };
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let (Amount::Exactly(least) | Amount::AtLeast(least)) = shared.amount;
        if number >= least && shared.enough.load(Ordering::Relaxed) {
            return Ok(answered);
        }
        let assurance = class(number);
        let model = shared.stage.model(assurance);
        let terms = InferenceRequest {
            deadline_blocks: DEADLINE_BLOCKS,
            ..InferenceRequest::new(model.version.clone(), model.input.payload(), assurance)
        };
        answered.push(payer.insist(number, &terms).await?);
    }
}

/// A payer and the node that it asks, the first one of `urls`.
struct Payer {
    signer: Signer,
    urls: VecDeque<String>,
    client: Option<Client>,
    narrator: Narrator,
}

impl Payer {
    /// Makes a request and waits for its end. After an error, asks the next node for the same.
    async fn insist(&mut self, number: usize, terms: &InferenceRequest) -> Result<Answered> {
        let started = Instant::now();
        let mut pace = interval(PAUSE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut attempts = 0;
        loop {
            pace.tick().await;
            attempts += 1;
            let left = REQUEST.saturating_sub(started.elapsed()).min(ATTEMPT);
            let error = match timeout(left, self.attempt(terms)).await {
                Ok(Ok(result)) => {
                    let seconds = started.elapsed().as_secs_f64();
                    return Ok(Answered { result, payer: self.signer.clone(), attempts, seconds });
                },
                Ok(Err(error)) => error,
                Err(_) => anyhow!("no answer for {} s", left.as_secs()),
            };
            let asked = self.urls.front().cloned().unwrap_or_default();
            let class = terms.assurance;
            if started.elapsed() >= REQUEST {
                return Err(error.context(format!(
                    "not within {} s: request {number} in class {class:?} is final; asked {asked}",
                    REQUEST.as_secs()
                )));
            }
            self.narrator
                .note(format!("request {number}, attempt {attempts} at {asked}: {error:#}"));
            self.client = None;
            self.urls.rotate_left(1);
        }
    }

    async fn attempt(&mut self, terms: &InferenceRequest) -> Result<InferenceResult> {
        let url = self.urls.front().context("there are no nodes to ask")?;
        let client = match &self.client {
            Some(client) => client,
            None => self.client.insert(Client::connect(url).await?),
        };
        Ok(client.infer_once(terms, &self.signer, &|_| ()).await?)
    }
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
pub fn check_answers(run: &Run, answered: &[Answered]) -> Result<()> {
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
    run.narrator.figure("requests", answered.len() as f64);
    for (name, assurance) in [
        ("signed", Assurance::Signed),
        ("quorum", Assurance::Quorum { n: 3, k: 2 }),
        ("optimistic", Assurance::Optimistic),
        ("proof", Assurance::Proof),
    ] {
        let of_class = || answered.iter().filter(|one| one.result.assurance == assurance);
        run.narrator.figure(&format!("requests, {name}"), of_class().count() as f64);
        let seconds = |share| quantile(of_class().map(|one| one.seconds), share);
        run.narrator.figure(&format!("latency, {name}, p50, seconds"), seconds(0.5));
        run.narrator.figure(&format!("latency, {name}, p99, seconds"), seconds(0.99));
    }
    let repeated = answered.iter().filter(|one| one.attempts > 1).count();
    run.narrator.figure("requests that took more than one attempt", repeated as f64);
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
