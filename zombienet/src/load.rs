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
use serde_json::Value;
use tokio::{
    sync::oneshot,
    time::{interval, timeout, Instant, MissedTickBehavior},
};

use crate::{
    observer::quantile,
    scenario::{Narrator, Run},
    stage::Stage,
    wait::within,
};

/// What the requests of a load ask for.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    /// The classes of successive requests, in turn.
    pub classes: &'static [Assurance],
    /// Deadline of a request in blocks.
    pub deadline_blocks: u32,
}

const SIGNED: Assurance = Assurance::Signed;
const QUORUM: Assurance = Assurance::Quorum { n: 3, k: 2 };
/// Two of five may lie.
const LARGE_QUORUM: Assurance = Assurance::Quorum { n: 5, k: 3 };
const OPTIMISTIC: Assurance = Assurance::Optimistic;
const PROOF: Assurance = Assurance::Proof;

/// Of 25 requests 13 signed ones, 7 quorums, 3 optimistic ones and 2 proofs. The deadline is long,
/// because operators are killed meanwhile.
pub const EVERYDAY: Mix = Mix {
    classes: &[
        SIGNED, QUORUM, SIGNED, OPTIMISTIC, QUORUM, SIGNED, PROOF, SIGNED, QUORUM, SIGNED, SIGNED,
        OPTIMISTIC, QUORUM, SIGNED, QUORUM, SIGNED, PROOF, SIGNED, QUORUM, SIGNED, OPTIMISTIC,
        SIGNED, SIGNED, QUORUM, SIGNED,
    ],
    deadline_blocks: 150,
};

/// The classes that show who lies. Nobody can tell in class `Signed`, which trusts the operator. The
/// deadline is short, so that those who do not answer are late soon.
pub const CONTESTED: Mix = Mix {
    classes: &[OPTIMISTIC, LARGE_QUORUM, OPTIMISTIC, LARGE_QUORUM, PROOF],
    deadline_blocks: 30,
};

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
    /// What was requested.
    pub terms: InferenceRequest,
    /// Its result.
    pub result: InferenceResult,
    /// The digit in the picture.
    pub label: u64,
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
    mix: Mix,
    amount: Amount,
    enough: Arc<AtomicBool>,
    next: AtomicUsize,
    narrator: Narrator,
}

impl Load {
    /// Begins to make requests through the nodes at these addresses. Each payer has one open
    /// request at a time.
    pub fn start(stage: &Stage, urls: Vec<String>, amount: Amount, narrator: &Narrator) -> Self {
        Self::of(EVERYDAY, stage, urls, amount, narrator)
    }

    /// [`Load::start`] with other requests.
    pub fn of(
        mix: Mix,
        stage: &Stage,
        urls: Vec<String>,
        amount: Amount,
        narrator: &Narrator,
    ) -> Self {
        let enough = Arc::new(AtomicBool::new(matches!(amount, Amount::Exactly(_))));
        let shared = Shared {
            stage: stage.clone(),
            urls,
            mix,
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
        let Mix { classes, deadline_blocks } = shared.mix;
        let assurance = classes.get(number % classes.len().max(1)).copied().unwrap_or(SIGNED);
        let model = shared.stage.model(assurance);
        let terms = InferenceRequest {
            deadline_blocks,
            ..InferenceRequest::new(model.version.clone(), model.input.payload(), assurance)
        };
        answered.push(payer.insist(number, &terms, model.label).await?);
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
    async fn insist(
        &mut self,
        number: usize,
        terms: &InferenceRequest,
        label: u64,
    ) -> Result<Answered> {
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
                    let (terms, payer) = (terms.clone(), self.signer.clone());
                    return Ok(Answered { terms, result, label, payer, attempts, seconds });
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

/// Asks for each request again with its client key, as a client does that wants to be sure: what it was
/// told first may have been in a block that was replaced. Replaces the results.
///
/// # Errors
///
/// A request does not end in time, or the node does not answer.
pub async fn confirm(client: &Client, answered: &mut [Answered]) -> Result<()> {
    for one in answered {
        let awaited = format!("request {} ends again", one.result.request);
        let again = client.infer_once(&one.terms, &one.payer, &|_| ());
        one.result = within(REQUEST, awaited, again).await?;
    }
    Ok(())
}

/// The class with the highest score in a model's output.
fn label(output: &Value) -> Option<u64> {
    let mut row = output.as_object()?.values().next()?;
    while row.get(0).is_some_and(Value::is_array) {
        row = row.get(0)?;
    }
    let scores = row.as_array()?.iter().enumerate();
    let value = |score: &Value| score.as_f64().unwrap_or(f64::MIN);
    let best = scores.max_by(|(_, a), (_, b)| value(a).total_cmp(&value(b)));
    best.and_then(|(index, _)| u64::try_from(index).ok())
}

/// Checks that every verified result is right, that every request was verified, unless
/// `may_fail`, and puts counts and latencies into the report.
///
/// # Errors
///
/// A request has another outcome or a wrong result, or there are two results of one.
pub fn check_answers(run: &Run, answered: &[Answered], may_fail: bool) -> Result<()> {
    let mut requests: Vec<_> = answered.iter().map(|one| one.result.request).collect();
    requests.sort();
    requests.dedup();
    ensure!(requests.len() == answered.len(), "two payers' results are of one request");
    for one in answered {
        let result = &one.result;
        ensure!(
            result.is_verified() || may_fail,
            "request {} in class {:?} ended as {:?}",
            result.request,
            result.assurance,
            result.outcome
        );
        let label = result.output.as_ref().and_then(label);
        ensure!(
            label == Some(one.label) || !result.is_verified(),
            "request {} in class {:?} has the label {label:?}, not {}",
            result.request,
            result.assurance,
            one.label
        );
    }
    let failed = answered.iter().filter(|one| !one.result.is_verified()).count();
    run.narrator.figure("requests without a result", failed as f64);
    run.narrator.figure("requests", answered.len() as f64);
    for (name, assurance) in
        [("signed", SIGNED), ("quorum", QUORUM), ("optimistic", OPTIMISTIC), ("proof", PROOF)]
    {
        let class = assurance.class();
        let of_class = || answered.iter().filter(|one| one.result.assurance.class() == class);
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
        let count = |of| EVERYDAY.classes.iter().filter(|class| **class == of).count();
        assert_eq!([SIGNED, QUORUM, OPTIMISTIC, PROOF].map(count), [13, 7, 3, 2]);
        assert_eq!(EVERYDAY.classes.len(), 25);
    }

    #[test]
    fn the_label_is_the_class_with_the_highest_score() {
        let output = serde_json::json!({ "scores": [[0.5, -1, 7.25]] });
        assert_eq!(label(&output), Some(2));
        assert_eq!(label(&serde_json::json!({})), None);
    }
}
