//! The engine as offchain workers reach it.

use std::{sync::Arc, time::Duration};

use assay_engine::{
    jobs::{JobKey, JobOutput, Jobs, JobsConfig},
    Engine, EngineError, EngineStatus, WorkerCommand,
};
use assay_engine_interface::{EngineExt, EngineProvider};
use assay_primitives::{
    digest,
    dispute::DisputeJob,
    engine::{EngineInfo, Job, JobInput, JobStatus},
    ArtifactManifest, Digest, RequestId,
};
use sc_client_api::BlockBackend;
use sp_runtime::codec::Encode;
use substrate_prometheus_endpoint::Registry;

use crate::{
    artifacts::{self, ArtifactError, ReadIndexed},
    cli::OperatorParams,
    metrics::{self, Metrics},
    service::FullClient,
};

/// Target of what the node itself logs.
pub const LOG_TARGET: &str = "assay";
/// First argument of the node where it is a worker process of its own engine.
pub const WORKER_MODE: &str = "engine-worker";

/// Reads indexed transactions from the client's database.
pub fn read_indexed(client: &FullClient) -> impl ReadIndexed + '_ {
    |hash: Digest| client.indexed_transaction(hash)
}

/// The engine of an operator, with what it needs of the node.
pub struct NodeEngine {
    engine: Engine,
    jobs: Jobs,
    wait: Duration,
    max_input_bytes: u64,
    artifacts: Artifacts,
    metrics: Metrics,
}

impl NodeEngine {
    /// Starts the engine, and one worker process to see that it works.
    pub fn start(
        params: &OperatorParams,
        client: Arc<FullClient>,
        registry: Option<&Registry>,
    ) -> Result<Arc<Self>, sc_service::Error> {
        let worker = WorkerCommand::this_executable(&[WORKER_MODE])?;
        let config = params.engine_config(worker);
        log::info!(
            target: LOG_TARGET,
            "Engine {} runs up to {} models at a time, {} MiB each, for at most {:?} each",
            assay_engine::VERSION,
            config.concurrency,
            config.memory_limit_bytes >> 20,
            config.run_timeout,
        );
        let max_input_bytes = config.max_input_bytes;
        let jobs = Jobs::new(JobsConfig { threads: config.concurrency, ..Default::default() })
            .map_err(cannot_start)?;
        let engine = Engine::new(config).map_err(cannot_start)?;
        let metrics = Metrics::new(registry)?;
        if let Some(registry) = registry {
            metrics::register_engine(registry, &engine, &jobs)?;
        }
        let artifacts = Artifacts { client, metrics: metrics.clone() };
        let wait = params.wait();
        Ok(Arc::new(Self { engine, jobs, wait, max_input_bytes, artifacts, metrics }))
    }

    /// What supplies the engine to an offchain worker.
    pub fn extension(self: &Arc<Self>) -> EngineExt {
        EngineExt::new(self.clone())
    }

    /// What the engine is doing and has done.
    pub fn status(&self) -> EngineStatus {
        self.engine.status()
    }

    /// What ends all worker processes when it is dropped.
    pub fn stop_on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.engine.clone())
    }

    /// The whole of a job: fetch, load, run. Happens once per job, on a thread of [`Jobs`].
    fn work(&self, job: Job) -> impl FnOnce() -> Result<JobOutput, EngineError> + Send + 'static {
        let engine = self.engine.clone();
        let artifacts = self.artifacts.clone();
        let metrics = self.metrics.clone();
        let max_input_bytes = self.max_input_bytes;
        move || {
            let Job { request, artifact, descriptor, input, wait_ms: _, prove } = job;
            let outcome = artifacts.input(input, max_input_bytes).and_then(|payload| {
                let fetch = || artifacts.fetch(&artifact);
                match &prove {
                    None => engine.run(&descriptor, fetch, &payload),
                    Some(context) => engine.prove(&descriptor, fetch, &payload, context),
                }
            });
            metrics.job_ended(&outcome);
            match &outcome {
                Ok(output) => log::debug!(
                    target: LOG_TARGET,
                    "Request {request}: ran in {:?}, model {}",
                    output.latency,
                    if output.cached { "cached" } else { "loaded" },
                ),
                Err(error) => log::warn!(target: LOG_TARGET, "Request {request}: {error}"),
            }
            outcome.map(JobOutput::from)
        }
    }
}

impl NodeEngine {
    /// A question about a run: fetch, load, run, look. Happens once per question.
    fn party(
        &self,
        DisputeJob { job, task }: DisputeJob,
    ) -> impl FnOnce() -> Result<JobOutput, EngineError> + Send + 'static {
        let engine = self.engine.clone();
        let artifacts = self.artifacts.clone();
        let max_input_bytes = self.max_input_bytes;
        move || {
            let payload = artifacts.input(job.input, max_input_bytes)?;
            let fetch = || artifacts.fetch(&job.artifact);
            let outcome = engine.dispute_move(&job.descriptor, fetch, &payload, &task);
            if let Err(error) = &outcome {
                log::warn!(target: LOG_TARGET, "Request {}: {error}", job.request);
            }
            outcome.map(JobOutput::from)
        }
    }
}

impl EngineProvider for NodeEngine {
    fn dispute_move(&self, question: DisputeJob) -> JobStatus {
        let request = question.job.request;
        let wait = self.wait.min(Duration::from_millis(question.job.wait_ms.into()));
        let DisputeJob { job, task } = &question;
        let content = digest(&(&job.descriptor, &job.input, task).encode());
        let key = JobKey { request, content };
        self.jobs.submit_or_poll(key, self.party(question), wait)
    }

    fn run(&self, job: Job) -> JobStatus {
        let request = job.request;
        self.metrics.asked_for(request);
        let wait = self.wait.min(Duration::from_millis(job.wait_ms.into()));
        let content = digest(&(&job.descriptor, &job.input, &job.prove).encode());
        let key = JobKey { request, content };
        let status = self.jobs.submit_or_poll(key, self.work(job), wait);
        if let JobStatus::Unavailable(text) = &status {
            log::warn!(target: LOG_TARGET, "Request {request}: not started yet: {text}");
        }
        status
    }

    fn forget(&self, request: RequestId) {
        self.jobs.forget(request);
        self.metrics.forget(request);
    }

    fn info(&self) -> EngineInfo {
        let load = u32::try_from(self.jobs.pending()).unwrap_or(u32::MAX);
        EngineInfo { load, ..self.engine.info() }
    }
}

/// Ends all worker processes when it is dropped.
pub struct StopOnDrop(Engine);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}

/// The artifacts of the chain, counted as they are read.
#[derive(Clone)]
struct Artifacts {
    client: Arc<FullClient>,
    metrics: Metrics,
}

impl Artifacts {
    fn fetch(&self, manifest: &ArtifactManifest) -> Result<Vec<u8>, ArtifactError> {
        let outcome = artifacts::fetch(&read_indexed(&self.client), manifest);
        self.metrics.artifact_read(&outcome);
        outcome
    }

    /// The payload of a job; refused by its size before it is read.
    fn input(&self, input: JobInput, limit: u64) -> Result<Vec<u8>, EngineError> {
        match input {
            JobInput::Inline(payload) => Ok(payload),
            JobInput::Artifact(manifest) if manifest.size > limit => {
                Err(EngineError::InputTooLarge { size: manifest.size, limit })
            },
            JobInput::Artifact(manifest) => self.fetch(&manifest).map_err(|error| {
                EngineError::ArtifactUnavailable(format!("it is the input: {error}"))
            }),
        }
    }
}

fn cannot_start(error: EngineError) -> sc_service::Error {
    sc_service::Error::Other(format!("cannot start the engine: {error}"))
}
