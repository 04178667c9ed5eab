//! The engine: checks descriptors and payloads, caches engine workers, and runs models in them.

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
    ArtifactManifest, Digest, Format, ModelDescriptor, PayloadError, Tensor,
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

/// The tensors that a model file declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelInterface {
    /// Inputs in the file's order.
    pub inputs: TensorDeclarations,
    /// Outputs in the file's order.
    pub outputs: TensorDeclarations,
}

/// Runs models in engine workers. Clones share one engine. Dropping the last clone ends all engine
/// workers.
///
/// # Example
///
/// ```no_run
/// use assay_engine::{Engine, EngineConfig, EngineError, RunOutput};
/// use assay_primitives::ModelDescriptor;
///
/// fn run_file(descriptor: &ModelDescriptor, payload: &[u8]) -> Result<RunOutput, EngineError> {
///     // Needs the program `assay-engine` in `PATH`.
///     let engine = Engine::new(EngineConfig::default())?;
///     engine.run(descriptor, || std::fs::read("model.onnx"), payload)
/// }
/// ```
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

/// The idle engine workers, and the number of calls in progress.
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

/// Identifies a loaded model: the artifact, and the architecture and declarations against which it
/// was checked.
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

/// Permission for one of `concurrency` calls. Dropping it returns the permission.
struct Permit<'a>(&'a Shared);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.pool.lock().running -= 1;
    }
}

/// What to do with a model and an input.
#[derive(Clone, Copy)]
enum Work<'a> {
    Run,
    Prove(&'a ProofContext),
    DisputeMove(&'a DisputeTask),
}

/// How a run ended, and whether its engine worker can be used again.
enum RunEnd {
    /// The engine worker can be used again.
    Kept(Result<JobOutput, EngineError>),
    /// The engine worker has ended, or must be ended.
    Ended(EngineError),
    /// Another process killed the engine worker, so the model is not the cause.
    Killed(EngineError),
}

impl Engine {
    /// Makes an engine. Starts one engine worker, to check that its program works.
    ///
    /// # Errors
    ///
    /// [`EngineError::Config`], [`EngineError::Spawn`] or [`EngineError::WorkerMismatch`] if the
    /// configuration does not work on this machine; [`EngineError::LoadTimeLimit`],
    /// [`EngineError::WorkerDied`] or [`EngineError::Protocol`] if the engine worker does not
    /// answer as it should.
    pub fn new(config: EngineConfig) -> Result<Self, EngineError> {
        config.validate()?;
        let children = Arc::new(Children::default());
        WorkerProcess::start(&config, &children, after(config.load_timeout))?;
        let shared = Shared { config, children, pool: Mutex::default(), counts: Counts::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs a model on an input payload and waits for the output.
    ///
    /// `artifact` retrieves the model file. It is called only if the model is not loaded, and its
    /// bytes are checked against the artifact's identity in `descriptor`. A call takes at most the
    /// time of `artifact` plus `load_timeout` plus `run_timeout`, or twice `run_timeout` if another
    /// process kills a cached engine worker.
    ///
    /// # Errors
    ///
    /// Every [`EngineError`] except [`EngineError::Config`], [`EngineError::NotProvable`] and
    /// [`EngineError::ProveTimeLimit`]. The engine stays usable; an engine worker that misbehaved
    /// has been ended.
    pub fn run<E: Display>(
        &self,
        descriptor: &ModelDescriptor,
        artifact: impl FnOnce() -> Result<Vec<u8>, E>,
        payload: &[u8],
    ) -> Result<RunOutput, EngineError> {
        self.count(descriptor, self.run_checked(descriptor, artifact, payload, Work::Run))
    }

    /// Like [`Self::run`], for an integer graph, with a proof of the run that is bound to
    /// `context`.
    ///
    /// The first proof of an engine worker includes the time to make the prover, at most
    /// `load_timeout`. A run with its proof takes at most `prove_timeout`. The engine worker
    /// verifies the proof before it returns it.
    ///
    /// # Errors
    ///
    /// Those of [`Self::run`], and [`EngineError::NotProvable`] and
    /// [`EngineError::ProveTimeLimit`].
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

    /// Runs an integer graph, and makes a claim or a move in a dispute about the run. The payload
    /// of the result is the encoding that [`DisputeTask`] describes.
    ///
    /// Time limits are those of [`Self::run`].
    ///
    /// # Errors
    ///
    /// Those of [`Self::run`]. [`EngineError::RunFailed`] if the model is an ONNX file or the task
    /// contains no stage of a dispute.
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
                        "a cached engine worker was killed, loading its model again: {error}",
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

    /// Checks that a model can be loaded, without running it. Also checks identity and size of the
    /// file. Takes at most `load_timeout`.
    ///
    /// # Errors
    ///
    /// Those of [`Self::run`] that do not concern an input.
    pub fn check_model(
        &self,
        descriptor: &ModelDescriptor,
        bytes: Vec<u8>,
    ) -> Result<(), EngineError> {
        self.check_descriptor(descriptor)?;
        let _permit = self.permit()?;
        self.load(descriptor, bytes).map(drop)
    }

    /// Reads from an ONNX file the declarations of a version that publishes it. Dimensions without
    /// a fixed size become free. Takes at most `load_timeout`.
    ///
    /// This does not check that the model can be run; use [`Self::check_model`] for that.
    ///
    /// # Errors
    ///
    /// [`EngineError::InvalidModel`] if the file is not an ONNX file or has tensors that a version
    /// cannot declare, and those of [`Self::check_model`].
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
                    Err(EngineError::Protocol("declarations are not well-formed".into()))
                }
            },
            WorkerReply::Failed(failure, text) => Err(self.failure(failure, &text)),
            _ => Err(EngineError::Protocol("unexpected kind of reply".into())),
        }
    }

    /// Activity, limits and counters.
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

    /// Version and load, as a heartbeat reports them.
    pub fn info(&self) -> EngineInfo {
        EngineInfo {
            version: EngineVersion::parse(crate::VERSION),
            load: u32::try_from(self.shared.pool.lock().running).unwrap_or(u32::MAX),
        }
    }

    /// Ends all engine workers, including busy ones, and refuses further calls with
    /// [`EngineError::Stopped`]. Calls in progress return an error.
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

    /// Starts an engine worker and loads the model in it. The caller must hold a permit.
    fn load(
        &self,
        descriptor: &ModelDescriptor,
        bytes: Vec<u8>,
    ) -> Result<WorkerProcess, EngineError> {
        self.check_size(bytes.len() as u64)?;
        let actual = ArtifactManifest::of(&bytes).identity;
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
            _ => Err(EngineError::Protocol("unexpected kind of reply".into())),
        }
    }

    /// Starts an engine worker. Ends idle ones first, to stay within `max_workers`. The caller must
    /// hold a permit.
    fn start(&self, deadline: Instant) -> Result<WorkerProcess, EngineError> {
        let config = &self.shared.config;
        let surplus: Vec<Idle> = {
            let mut pool = self.shared.pool.lock();
            // `running` includes the engine worker that is about to start.
            let max_idle = config.max_workers.saturating_sub(pool.running);
            let surplus = pool.idle.len().saturating_sub(max_idle);
            pool.idle.drain(..surplus).collect()
        };
        self.evict(surplus);
        WorkerProcess::start(config, &self.shared.children, deadline)
    }

    /// Takes the most recently used idle engine worker with this model.
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

    /// Keeps an engine worker for the next run of its model, within the limit of the cache.
    fn give_back(&self, key: Key, worker: WorkerProcess) {
        let config = &self.shared.config;
        // If the size cannot be read, assume the maximum.
        let resident_bytes = worker.resident_bytes().unwrap_or(config.memory_limit_bytes);
        let surplus: Vec<Idle> = {
            let mut pool = self.shared.pool.lock();
            pool.idle.push(Idle { key, worker, resident_bytes });
            let mut total: u64 = 0;
            // How many fit, starting with the most recently used.
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
            // This is not a payload, so it is not checked against the declaration.
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

    /// Sends a request to an engine worker with a loaded model.
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

    /// The end of a run whose reply is not its result.
    fn unexpected(&self, reply: WorkerReply, proves: bool) -> RunEnd {
        let WorkerReply::Failed(failure, text) = reply else {
            return RunEnd::Ended(EngineError::Protocol("unexpected kind of reply".into()));
        };
        let error = match failure {
            // The model was loaded, so the panic concerns this input or the prover.
            WorkerFailure::Panic if proves => {
                EngineError::NotProvable(format!("the prover panicked: {}", plain(&text)))
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

    /// The error for a failure that an engine worker reports.
    fn failure(&self, failure: WorkerFailure, text: &str) -> EngineError {
        let config = &self.shared.config;
        let text = plain(text);
        match failure {
            WorkerFailure::Model => EngineError::InvalidModel(text),
            WorkerFailure::Panic => {
                EngineError::InvalidModel(format!("loading it panicked: {text}"))
            },
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

/// Checks that the version is an integer graph, and that the context can be sent to an engine
/// worker.
fn check_provable(descriptor: &ModelDescriptor, context: &ProofContext) -> Result<(), EngineError> {
    if descriptor.format != Format::IntegerGraph {
        return Err(EngineError::NotProvable("the model is not an integer graph".into()));
    }
    if context.domain.len().max(context.request.len()) > MAX_CONTEXT_BYTES {
        return Err(EngineError::NotProvable(format!(
            "the domain or the request of the proof's context has more than {MAX_CONTEXT_BYTES} \
             bytes"
        )));
    }
    Ok(())
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("config", &self.shared.config).finish_non_exhaustive()
    }
}
