//! The engine: checks, the cache of workers, runs.

use std::{
    fmt::Display,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};

use assay_primitives::{
    digest,
    dispute::DisputeTask,
    engine::{EngineInfo, ProofContext},
    model::TensorDeclarations,
    operator::EngineVersion,
    proof::MAX_PROOF_BYTES,
    tensor::{check_tensors, validate_payload},
    Digest, Format, ModelDescriptor, PayloadError, Tensor,
};
use codec::Encode;
use parking_lot::Mutex;

use crate::{
    error::plain,
    output::{JobOutput, RunOutput},
    process::{after, Broken, Children, WorkerProcess},
    protocol::{decode, WorkerFailure, WorkerReply, WorkerRequest, MAX_CONTEXT_BYTES},
    Counters, EngineConfig, EngineError, EngineStatus, Limits, WorkerStatus,
};

/// What a model file declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelInterface {
    /// Inputs in the file's order.
    pub inputs: TensorDeclarations,
    /// Outputs in the file's order.
    pub outputs: TensorDeclarations,
}

/// Runs models in worker processes. Clones share one engine; when the last one is dropped, no
/// worker process is left.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    config: EngineConfig,
    children: Arc<Children>,
    pool: Mutex<Pool>,
    counts: Counts,
}

/// Workers that wait, and how many calls are under way.
#[derive(Default)]
struct Pool {
    running: usize,
    /// Least recently used first.
    idle: Vec<Idle>,
}

struct Idle {
    key: Key,
    worker: WorkerProcess,
    resident_bytes: u64,
}

/// What a loaded model was loaded from: the artifact, and the architecture and declarations that
/// it was checked against.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    artifact: Digest,
    declarations: Digest,
}

impl Key {
    fn of(descriptor: &ModelDescriptor) -> Self {
        let ModelDescriptor { architecture, inputs, outputs, .. } = descriptor;
        let declarations = digest(&(architecture, inputs, outputs).encode());
        Self { artifact: descriptor.artifact, declarations }
    }
}

#[derive(Default)]
struct Counts {
    runs: AtomicU64,
    proofs: AtomicU64,
    failures: AtomicU64,
    refused: AtomicU64,
    cache_hits: AtomicU64,
    loads: AtomicU64,
    evictions: AtomicU64,
}

fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}

/// One of the `concurrency` places. Dropping it gives the place back.
struct Permit<'a>(&'a Shared);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.pool.lock().running -= 1;
    }
}

/// What is done with a model and an input.
#[derive(Clone, Copy)]
enum Work<'a> {
    Run,
    Prove(&'a ProofContext),
    DisputeMove(&'a DisputeTask),
}

/// How a run on a worker ended, and whether the worker is fit for another one.
enum RunEnd {
    Kept(Result<JobOutput, EngineError>),
    Ended(EngineError),
    /// Somebody killed the worker, which says nothing of the model.
    Killed(EngineError),
}

impl Engine {
    /// Makes an engine, and starts one worker to see that the worker program works.
    ///
    /// Fails with [`EngineError::Config`], [`EngineError::Spawn`] or
    /// [`EngineError::WorkerMismatch`] where the configuration does not work here.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        config.validate()?;
        let children = Arc::new(Children::default());
        WorkerProcess::start(&config, &children, after(config.load_timeout))?;
        let shared = Shared { config, children, pool: Mutex::default(), counts: Counts::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs a model on an input payload and waits for the output.
    ///
    /// `artifact` gives the model file; it is called only where the model is not loaded, and
    /// its bytes are checked against the digest in `descriptor`. Takes at most the time of
    /// `artifact`, `load_timeout` and `run_timeout` together, twice `run_timeout` if a cached
    /// worker is killed from outside.
    ///
    /// Errors leave the engine as it was; a worker that misbehaved has been ended.
    pub fn run<E: Display>(
        &self,
        descriptor: &ModelDescriptor,
        artifact: impl FnOnce() -> Result<Vec<u8>, E>,
        payload: &[u8],
    ) -> Result<RunOutput, EngineError> {
        self.count(descriptor, self.run_checked(descriptor, artifact, payload, Work::Run))
    }

    /// [`Self::run`] of an integer graph, with a proof of the run that is bound to `context`.
    ///
    /// The first proof on a worker takes the time to make the prover as well, at most
    /// `load_timeout`; a run with its proof takes at most `prove_timeout`. The worker verifies
    /// what it has proven before it hands it over.
    pub fn prove<E: Display>(
        &self,
        descriptor: &ModelDescriptor,
        artifact: impl FnOnce() -> Result<Vec<u8>, E>,
        payload: &[u8],
        context: &ProofContext,
    ) -> Result<RunOutput, EngineError> {
        self.count(
            descriptor,
            self.run_checked(descriptor, artifact, payload, Work::Prove(context)),
        )
    }

    /// Runs an integer graph, and answers as a party to a dispute that has done so. The payload
    /// of what it gives is what [`DisputeTask`] says.
    ///
    /// Takes the time of [`Self::run`]; the bounds are the same.
    pub fn dispute_move<E: Display>(
        &self,
        descriptor: &ModelDescriptor,
        artifact: impl FnOnce() -> Result<Vec<u8>, E>,
        payload: &[u8],
        task: &DisputeTask,
    ) -> Result<RunOutput, EngineError> {
        self.count(
            descriptor,
            self.run_checked(descriptor, artifact, payload, Work::DisputeMove(task)),
        )
    }

    fn count(
        &self,
        descriptor: &ModelDescriptor,
        outcome: Result<RunOutput, EngineError>,
    ) -> Result<RunOutput, EngineError> {
        let counts = &self.shared.counts;
        match &outcome {
            Ok(output) => {
                add(&counts.runs, 1);
                add(&counts.proofs, output.proof.is_some().into());
            },
            Err(EngineError::Busy { .. }) => {},
            Err(error) => {
                add(&counts.failures, 1);
                log::debug!(
                    target: "assay::engine",
                    "run of {:?} failed: {error}", descriptor.artifact,
                );
            },
        }
        outcome
    }

    fn run_checked<E: Display>(
        &self,
        descriptor: &ModelDescriptor,
        artifact: impl FnOnce() -> Result<Vec<u8>, E>,
        payload: &[u8],
        work: Work<'_>,
    ) -> Result<RunOutput, EngineError> {
        let config = &self.shared.config;
        self.check_descriptor(descriptor)?;
        if let Work::Prove(context) = work {
            check_provable(descriptor, context)?;
        }
        let size = payload.len() as u64;
        if size > config.max_input_bytes {
            return Err(EngineError::InputTooLarge { size, limit: config.max_input_bytes });
        }
        validate_payload(payload, &descriptor.inputs).map_err(EngineError::InvalidInput)?;

        let _permit = self.permit()?;
        let key = Key::of(descriptor);
        let payload = payload.to_vec();
        let request = match work {
            Work::Run => WorkerRequest::Run(payload),
            Work::Prove(context) => WorkerRequest::Prove { payload, context: context.clone() },
            Work::DisputeMove(task) => WorkerRequest::DisputeMove { payload, task: task.clone() },
        };
        let output = |run: JobOutput, latency, cached| RunOutput {
            payload: run.output,
            proof: run.proof,
            latency,
            cached,
        };
        if let Some(worker) = self.take_idle(key) {
            add(&self.shared.counts.cache_hits, 1);
            let started = Instant::now();
            match self.run_on(&worker, descriptor, &request) {
                RunEnd::Kept(outcome) => {
                    let latency = started.elapsed();
                    self.give_back(key, worker);
                    return outcome.map(|run| output(run, latency, true));
                },
                RunEnd::Ended(error) => return Err(error),
                RunEnd::Killed(error) => {
                    log::warn!(
                        target: "assay::engine",
                        "a cached worker is gone, the model is loaded again: {error}",
                    );
                },
            }
        }

        let bytes = artifact()
            .map_err(|error| EngineError::ArtifactUnavailable(plain(&error.to_string())))?;
        let worker = self.load(descriptor, bytes)?;
        add(&self.shared.counts.loads, 1);
        let started = Instant::now();
        match self.run_on(&worker, descriptor, &request) {
            RunEnd::Kept(outcome) => {
                let latency = started.elapsed();
                self.give_back(key, worker);
                outcome.map(|run| output(run, latency, false))
            },
            RunEnd::Ended(error) | RunEnd::Killed(error) => Err(error),
        }
    }

    /// Loads a model without running it, and says what is wrong with it.
    ///
    /// Checks digest and size as well. Takes at most `load_timeout`.
    pub fn check_model(
        &self,
        descriptor: &ModelDescriptor,
        bytes: Vec<u8>,
    ) -> Result<(), EngineError> {
        self.check_descriptor(descriptor)?;
        let _permit = self.permit()?;
        self.load(descriptor, bytes).map(drop)
    }

    /// Reads from an ONNX file what a version that publishes it has to declare. Dimensions
    /// without a fixed size become free. Takes at most `load_timeout`.
    ///
    /// It reads declarations only; [`Self::check_model`] says whether the model runs.
    pub fn inspect(&self, bytes: Vec<u8>) -> Result<ModelInterface, EngineError> {
        self.check_size(bytes.len() as u64)?;
        let _permit = self.permit()?;
        let config = &self.shared.config;
        let deadline = after(config.load_timeout);
        let worker = self.start(deadline)?;
        let left = deadline.saturating_duration_since(Instant::now());
        let reply = worker.ask(&WorkerRequest::Inspect(bytes), left);
        match reply.map_err(|broken| self.load_error(broken))? {
            WorkerReply::Inspected { inputs, outputs } => {
                let declared = || inputs.iter().chain(&outputs);
                if declared().all(|tensor| tensor.is_well_formed()) {
                    Ok(ModelInterface { inputs, outputs })
                } else {
                    Err(EngineError::Protocol("declarations that are not well-formed".into()))
                }
            },
            WorkerReply::Failed(failure, text) => Err(self.failure(failure, &text)),
            _ => Err(EngineError::Protocol("not a reply to this request".into())),
        }
    }

    /// What the engine is doing and has done.
    pub fn status(&self) -> EngineStatus {
        let counts = &self.shared.counts;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let pool = self.shared.pool.lock();
        let idle_workers = pool.idle.iter().map(|idle| WorkerStatus {
            pid: idle.worker.pid(),
            artifact: idle.key.artifact,
            resident_bytes: idle.resident_bytes,
        });
        EngineStatus {
            version: crate::VERSION.into(),
            tract_version: crate::TRACT_VERSION.into(),
            running: pool.running,
            idle_workers: idle_workers.collect(),
            limits: Limits::from(&self.shared.config),
            counters: Counters {
                runs: read(&counts.runs),
                proofs: read(&counts.proofs),
                failures: read(&counts.failures),
                refused: read(&counts.refused),
                cache_hits: read(&counts.cache_hits),
                loads: read(&counts.loads),
                evictions: read(&counts.evictions),
            },
        }
    }

    /// Version and load in the form in which a heartbeat reports them.
    pub fn info(&self) -> EngineInfo {
        EngineInfo {
            version: EngineVersion::parse(crate::VERSION),
            load: u32::try_from(self.shared.pool.lock().running).unwrap_or(u32::MAX),
        }
    }

    /// Ends all worker processes, busy ones too, and refuses further calls with
    /// [`EngineError::Stopped`]. Calls that are under way return an error.
    pub fn shut_down(&self) {
        self.shared.children.stop();
        let idle = std::mem::take(&mut self.shared.pool.lock().idle);
        drop(idle);
    }

    fn check_descriptor(&self, descriptor: &ModelDescriptor) -> Result<(), EngineError> {
        let is_graph = descriptor.format == Format::IntegerGraph;
        if is_graph != descriptor.architecture.is_some() {
            return Err(EngineError::FormatMismatch);
        }
        let mut tensors = descriptor.inputs.iter().chain(&descriptor.outputs);
        if let Some(bad) = tensors.find(|tensor| !tensor.is_well_formed()) {
            return Err(EngineError::DeclarationMismatch(format!(
                "the declaration of `{}` is not well-formed",
                plain(bad.name())
            )));
        }
        self.check_size(descriptor.artifact_size)
    }

    fn check_size(&self, size: u64) -> Result<(), EngineError> {
        let limit = self.shared.config.max_model_bytes;
        if size > limit {
            return Err(EngineError::ModelTooLarge { size, limit });
        }
        Ok(())
    }

    fn permit(&self) -> Result<Permit<'_>, EngineError> {
        if self.shared.children.is_stopped() {
            return Err(EngineError::Stopped);
        }
        let limit = self.shared.config.concurrency;
        let mut pool = self.shared.pool.lock();
        if pool.running >= limit {
            add(&self.shared.counts.refused, 1);
            return Err(EngineError::Busy { limit });
        }
        pool.running += 1;
        Ok(Permit(&self.shared))
    }

    /// Starts a worker with the model; needs a permit.
    fn load(
        &self,
        descriptor: &ModelDescriptor,
        bytes: Vec<u8>,
    ) -> Result<WorkerProcess, EngineError> {
        self.check_size(bytes.len() as u64)?;
        let actual = digest(&bytes);
        if actual != descriptor.artifact || bytes.len() as u64 != descriptor.artifact_size {
            return Err(EngineError::ArtifactCorrupt { expected: descriptor.artifact, actual });
        }
        let deadline = after(self.shared.config.load_timeout);
        let worker = self.start(deadline)?;
        let request = WorkerRequest::Load {
            architecture: descriptor.architecture,
            inputs: descriptor.inputs.clone(),
            outputs: descriptor.outputs.clone(),
            model: bytes,
        };
        let left = deadline.saturating_duration_since(Instant::now());
        match worker.ask(&request, left).map_err(|broken| self.load_error(broken))? {
            WorkerReply::Loaded => Ok(worker),
            WorkerReply::Failed(failure, text) => Err(self.failure(failure, &text)),
            _ => Err(EngineError::Protocol("not a reply to this request".into())),
        }
    }

    /// Starts a worker, after making room for it; needs a permit.
    fn start(&self, deadline: Instant) -> Result<WorkerProcess, EngineError> {
        let config = &self.shared.config;
        let surplus: Vec<Idle> = {
            let mut pool = self.shared.pool.lock();
            // The worker to be started is among those that run.
            let most_idle = config.max_workers.saturating_sub(pool.running);
            let surplus = pool.idle.len().saturating_sub(most_idle);
            pool.idle.drain(..surplus).collect()
        };
        self.evict(surplus);
        WorkerProcess::start(config, &self.shared.children, deadline)
    }

    /// Takes an idle worker with this model, the most recently used one.
    fn take_idle(&self, key: Key) -> Option<WorkerProcess> {
        loop {
            let idle = {
                let mut pool = self.shared.pool.lock();
                let index = pool.idle.iter().rposition(|idle| idle.key == key)?;
                pool.idle.remove(index)
            };
            if idle.worker.is_alive() {
                return Some(idle.worker);
            }
        }
    }

    /// Keeps a worker for the next run of its model, as far as there is room.
    fn give_back(&self, key: Key, worker: WorkerProcess) {
        let config = &self.shared.config;
        // Where the system does not tell, the worst is assumed.
        let resident_bytes = worker.resident_bytes().unwrap_or(config.memory_limit_bytes);
        let surplus: Vec<Idle> = {
            let mut pool = self.shared.pool.lock();
            pool.idle.push(Idle { key, worker, resident_bytes });
            let mut total: u64 = 0;
            // From the most recently used one on, how many fit.
            let kept = pool
                .idle
                .iter()
                .rev()
                .take_while(|idle| {
                    total = total.saturating_add(idle.resident_bytes);
                    total <= config.cache_bytes
                })
                .count();
            let surplus = pool.idle.len() - kept;
            pool.idle.drain(..surplus).collect()
        };
        self.evict(surplus);
    }

    fn evict(&self, surplus: Vec<Idle>) {
        add(&self.shared.counts.evictions, surplus.len() as u64);
        drop(surplus);
    }

    fn run_on(
        &self,
        worker: &WorkerProcess,
        descriptor: &ModelDescriptor,
        request: &WorkerRequest,
    ) -> RunEnd {
        let config = &self.shared.config;
        let proves = matches!(request, WorkerRequest::Prove { .. });
        if proves {
            let late = EngineError::LoadTimeLimit(config.load_timeout);
            match self.ask(worker, &WorkerRequest::Prepare, config.load_timeout, late) {
                Ok(WorkerReply::Loaded) => {},
                Ok(reply) => return self.unexpected(reply, proves),
                Err(end) => return end,
            }
        }
        let (timeout, late) = match proves {
            true => (config.prove_timeout, EngineError::ProveTimeLimit(config.prove_timeout)),
            false => (config.run_timeout, EngineError::RunTimeLimit(config.run_timeout)),
        };
        let reply = match self.ask(worker, request, timeout, late) {
            Ok(reply) => reply,
            Err(end) => return end,
        };
        let run = match (proves, reply) {
            // It is no payload: whoever asked reads it.
            (false, WorkerReply::DisputeMoved(output))
                if matches!(request, WorkerRequest::DisputeMove { .. }) =>
            {
                return RunEnd::Kept(Ok(JobOutput { output, proof: None }));
            },
            (false, WorkerReply::Output(output)) => JobOutput { output, proof: None },
            (true, WorkerReply::Proven { output, proof })
                if proof.len() <= MAX_PROOF_BYTES as usize =>
            {
                JobOutput { output, proof: Some(proof) }
            },
            (_, reply) => return self.unexpected(reply, proves),
        };
        match self.check_output(&run.output, descriptor) {
            Err(error @ EngineError::Protocol(_)) => RunEnd::Ended(error),
            outcome => RunEnd::Kept(outcome.map(|()| run)),
        }
    }

    /// Asks a worker that has its model.
    fn ask(
        &self,
        worker: &WorkerProcess,
        request: &WorkerRequest,
        timeout: Duration,
        late: EngineError,
    ) -> Result<WorkerReply, RunEnd> {
        worker.ask(request, timeout).map_err(|broken| {
            let killed = broken.was_killed();
            let error = self.broken(broken, late);
            if killed {
                RunEnd::Killed(error)
            } else {
                RunEnd::Ended(error)
            }
        })
    }

    /// How a run ends with a reply that is not its result.
    fn unexpected(&self, reply: WorkerReply, proves: bool) -> RunEnd {
        let WorkerReply::Failed(failure, text) = reply else {
            return RunEnd::Ended(EngineError::Protocol("not a reply to this request".into()));
        };
        let error = match failure {
            // The model was fit to be loaded: it is this input that it fails on, or the prover.
            WorkerFailure::Panic if proves => {
                EngineError::NotProvable(format!("the prover panics: {}", plain(&text)))
            },
            WorkerFailure::Panic => EngineError::RunFailed(plain(&text)),
            failure => self.failure(failure, &text),
        };
        if failure.leaves_worker_sound() {
            RunEnd::Kept(Err(error))
        } else {
            RunEnd::Ended(error)
        }
    }

    fn check_output(
        &self,
        payload: &[u8],
        descriptor: &ModelDescriptor,
    ) -> Result<(), EngineError> {
        let limit = self.shared.config.max_output_bytes;
        if payload.len() as u64 > limit {
            return Err(EngineError::OutputTooLarge { limit });
        }
        let tensors: Vec<Tensor> = decode(payload)
            .map_err(|_| EngineError::Protocol(PayloadError::Malformed.to_string()))?;
        check_tensors(&tensors, &descriptor.outputs).map_err(EngineError::InvalidOutput)
    }

    fn load_error(&self, broken: Broken) -> EngineError {
        self.broken(broken, EngineError::LoadTimeLimit(self.shared.config.load_timeout))
    }

    fn broken(&self, broken: Broken, late: EngineError) -> EngineError {
        if self.shared.children.is_stopped() {
            return EngineError::Stopped;
        }
        broken.explain(self.shared.config.memory_limit_bytes, late)
    }

    /// What a worker's own words mean for the caller.
    fn failure(&self, failure: WorkerFailure, text: &str) -> EngineError {
        let config = &self.shared.config;
        let text = plain(text);
        match failure {
            WorkerFailure::Model => EngineError::InvalidModel(text),
            WorkerFailure::Panic => EngineError::InvalidModel(format!("reading it panics: {text}")),
            WorkerFailure::Declaration => EngineError::DeclarationMismatch(text),
            WorkerFailure::Shape => EngineError::UnsupportedShape(text),
            WorkerFailure::Run => EngineError::RunFailed(text),
            WorkerFailure::Memory => {
                EngineError::MemoryLimit { limit: config.memory_limit_bytes, cause: text }
            },
            WorkerFailure::OutputSize => {
                EngineError::OutputTooLarge { limit: config.max_output_bytes }
            },
            WorkerFailure::Proof => EngineError::NotProvable(text),
            WorkerFailure::Worker => EngineError::Internal(text),
        }
    }
}

/// Whether runs of a version can be proven at all, and the context can be sent to a worker.
fn check_provable(descriptor: &ModelDescriptor, context: &ProofContext) -> Result<(), EngineError> {
    if descriptor.format != Format::IntegerGraph {
        return Err(EngineError::NotProvable("the model is no integer graph".into()));
    }
    if context.domain.len().max(context.request.len()) > MAX_CONTEXT_BYTES {
        return Err(EngineError::NotProvable(format!(
            "domain and request of a proof have at most {MAX_CONTEXT_BYTES} bytes"
        )));
    }
    Ok(())
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
