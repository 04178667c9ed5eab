//! Provides the engine to offchain workers.

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
    ArtifactManifest, RequestId,
};
use sp_runtime::codec::Encode;
use substrate_prometheus_endpoint::Registry;

use crate::{
    artifacts::{self, ArtifactError},
    cli::OperatorParams,
    client::{read_indexed, FullClient},
    metrics::{self, Metrics},
    LOG_TARGET,
};

/// First argument of the executable that makes it an engine worker instead of a node.
pub const WORKER_MODE: &str = "engine-worker";

/// The engine of an operator or a watcher, with its queue of jobs and its access to artifacts.
pub struct NodeEngine {
    engine: Engine,
    jobs: Jobs,
    wait: Duration,
    max_input_bytes: u64,
    artifacts: Artifacts,
    metrics: Metrics,
}

impl NodeEngine {
    /// Starts the engine. This also starts one engine worker, to check that workers start.
    ///
    /// # Errors
    ///
    /// The limits are out of bounds, an engine worker or a thread cannot be started, or the metrics
    /// are registered already.
    pub fn start(
        params: &OperatorParams,
        client: Arc<FullClient>,
        registry: Option<&Registry>,
    ) -> Result<Arc<Self>, sc_service::Error> {
        let worker = WorkerCommand::this_executable(&[WORKER_MODE])?;
        let config = params.engine_config(worker);
        log::info!(
            target: LOG_TARGET,
            "Engine {} runs up to {} models concurrently, with at most {} MiB and {:?} each",
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

    /// The extension that gives an offchain worker access to this engine.
    pub fn extension(self: &Arc<Self>) -> EngineExt {
        EngineExt::new(self.clone())
    }

    /// Activity, limits and counters of the engine.
    pub fn status(&self) -> EngineStatus {
        self.engine.status()
    }

    /// A guard that ends all engine workers when it is dropped.
    pub fn stop_on_drop(&self) -> StopOnDrop {
        StopOnDrop(self.engine.clone())
    }

    /// All steps of a job: fetch the artifacts, load the model, run it. Executed once per job, on a
    /// thread of [`Jobs`].
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
                    "Request {request}: run took {:?}, model was {}",
                    output.latency,
                    if output.cached { "cached" } else { "loaded" },
                ),
                Err(error) => log::warn!(target: LOG_TARGET, "Request {request}: {error}"),
            }
            outcome.map(JobOutput::from)
        }
    }

    /// All steps of a job for a dispute: fetch the artifacts, load the model, run it, make the move.
    /// Executed once per job.
    fn dispute_work(
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
    fn dispute_move(&self, dispute: DisputeJob) -> JobStatus {
        let DisputeJob { job, task } = &dispute;
        let request = job.request;
        let wait = self.wait.min(Duration::from_millis(job.wait_ms.into()));
        let content = digest(&(&job.descriptor, &job.input, task).encode());
        let key = JobKey { request, content };
        self.jobs.submit_or_poll(key, self.dispute_work(dispute), wait)
    }

    fn run(&self, job: Job) -> JobStatus {
        let request = job.request;
        self.metrics.asked_for(request);
        let wait = self.wait.min(Duration::from_millis(job.wait_ms.into()));
        let content = digest(&(&job.descriptor, &job.input, &job.prove).encode());
        let key = JobKey { request, content };
        let status = self.jobs.submit_or_poll(key, self.work(job), wait);
        if let JobStatus::Unavailable(text) = &status {
            log::warn!(target: LOG_TARGET, "Request {request}: run not started yet: {text}");
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

/// Ends all engine workers when it is dropped.
pub struct StopOnDrop(Engine);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.shut_down();
    }
}

/// Reads artifacts from the database and counts them.
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

    /// The input payload of a job. An artifact that is too large is not read.
    fn input(&self, input: JobInput, limit: u64) -> Result<Vec<u8>, EngineError> {
        match input {
            JobInput::Inline(payload) => Ok(payload),
            JobInput::Artifact(manifest) if manifest.size > limit => {
                Err(EngineError::InputTooLarge { size: manifest.size, limit })
            },
            JobInput::Artifact(manifest) => self.fetch(&manifest).map_err(|error| {
                EngineError::ArtifactUnavailable(format!("cannot read the input: {error}"))
            }),
        }
    }
}

fn cannot_start(error: EngineError) -> sc_service::Error {
    sc_service::Error::Other(format!("cannot start the engine: {error}"))
}
