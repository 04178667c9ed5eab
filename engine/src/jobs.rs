//! A queue of runs for callers that cannot block: start, poll, forget.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::Arc,
    time::Duration,
};

use assay_primitives::{engine::JobStatus, Digest, FailureReason, RequestId};
use parking_lot::{Condvar, Mutex};

pub use crate::output::JobOutput;
use crate::{process::after, EngineError};

/// Limits of [`Jobs`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JobsConfig {
    /// Number of threads that run jobs. With more than the engine's `concurrency`, jobs find the
    /// engine busy. Bounds: at least 1. Default: 1.
    pub threads: usize,
    /// Maximum number of jobs that wait for a thread. Default: 64.
    pub queue: usize,
    /// Maximum number of finished jobs whose result is kept. The result of the job that finished
    /// first is dropped first. Default: 256.
    pub kept: usize,
    /// Maximum total size of the outputs and proofs of finished jobs. Unit: bytes. Default: 64 MiB.
    pub kept_bytes: usize,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { threads: 1, queue: 64, kept: 256, kept_bytes: 64 << 20 }
    }
}

/// The function that a job executes.
type Work = Box<dyn FnOnce() -> Result<JobOutput, EngineError> + Send>;

/// A queue of jobs and the threads that run them. Clones share one queue.
///
/// Dropping the last clone drops the jobs that have not started. The others end within the engine's
/// limits.
#[derive(Clone)]
pub struct Jobs {
    owner: Arc<Owner>,
}

struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.stopped = true;
        state.queue.clear();
        state.jobs.clear();
        drop(state);
        self.0.work_arrived.notify_all();
        self.0.job_ended.notify_all();
    }
}

/// Identifies a job.
///
/// The id of a request is not enough: on two forks of the chain, one id may belong to different
/// requests.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct JobKey {
    /// The request.
    pub request: RequestId,
    /// Digest of the version, the input and the kind of the job.
    pub content: Digest,
}

/// For callers for which a request id identifies one job.
impl From<RequestId> for JobKey {
    fn from(request: RequestId) -> Self {
        Self { request, content: Digest::zero() }
    }
}

struct Shared {
    config: JobsConfig,
    state: Mutex<State>,
    work_arrived: Condvar,
    job_ended: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    /// Number of the next job. Distinguishes two jobs with one key, if the first was forgotten.
    next: u64,
    queue: VecDeque<(JobKey, u64, Work)>,
    jobs: HashMap<JobKey, Entry>,
    /// Finished jobs, in the order in which they finished.
    finished: VecDeque<(JobKey, u64)>,
    finished_count: usize,
    finished_bytes: usize,
}

struct Entry {
    number: u64,
    /// `None` while the job waits or runs.
    outcome: Option<Result<JobOutput, EngineError>>,
}

impl Entry {
    fn bytes(&self) -> usize {
        let Some(Ok(JobOutput { output, proof })) = &self.outcome else { return 0 };
        output.len() + proof.as_ref().map_or(0, Vec::len)
    }
}

impl State {
    fn remove(&mut self, job: JobKey) {
        let Some(entry) = self.jobs.remove(&job) else { return };
        if entry.outcome.is_some() {
            self.finished_count -= 1;
            self.finished_bytes -= entry.bytes();
            self.finished.retain(|(_, number)| *number != entry.number);
        } else {
            self.queue.retain(|(_, number, _)| *number != entry.number);
        }
    }

    fn finish(&mut self, job: JobKey, number: u64, outcome: Result<JobOutput, EngineError>) {
        let Some(entry) = self.jobs.get_mut(&job).filter(|entry| entry.number == number) else {
            return;
        };
        entry.outcome = Some(outcome);
        self.finished_bytes += entry.bytes();
        self.finished_count += 1;
        self.finished.push_back((job, number));
    }

    /// Drops the oldest results until the rest is within the limits.
    fn trim(&mut self, config: &JobsConfig) {
        while self.finished_count > config.kept || self.finished_bytes > config.kept_bytes {
            let Some((job, _)) = self.finished.front() else { return };
            self.remove(*job);
        }
    }
}

impl Jobs {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`EngineError::Config`] if the number of threads is zero, [`EngineError::Internal`] if a
    /// thread cannot be started.
    pub fn new(config: JobsConfig) -> Result<Self, EngineError> {
        if config.threads == 0 {
            return Err(EngineError::Config("the number of job threads must be at least 1".into()));
        }
        let shared = Arc::new(Shared {
            config,
            state: Mutex::default(),
            work_arrived: Condvar::new(),
            job_ended: Condvar::new(),
        });
        let jobs = Self { owner: Arc::new(Owner(shared.clone())) };
        for index in 0..config.threads {
            let shared = shared.clone();
            std::thread::Builder::new()
                .name(format!("engine-job-{index}"))
                .spawn(move || shared.work())
                .map_err(|error| {
                    EngineError::Internal(format!("cannot start a thread: {error}"))
                })?;
        }
        Ok(jobs)
    }

    /// Queues `work`, unless there is a job with this key already. Waits for at most `wait` until
    /// the job ends, and returns its status.
    ///
    /// A result is kept until [`Self::forget`], or until the limits of [`JobsConfig`] drop it. Then
    /// the next call starts the job again. [`JobStatus::Unavailable`] means that nothing was
    /// started: the queue is full, or the engine was busy. A later call tries again.
    pub fn submit_or_poll(
        &self,
        job: impl Into<JobKey>,
        work: impl FnOnce() -> Result<JobOutput, EngineError> + Send + 'static,
        wait: Duration,
    ) -> JobStatus {
        let job = job.into();
        let shared = &self.owner.0;
        let deadline = after(wait);
        let mut state = shared.state.lock();
        let number = match state.jobs.get(&job) {
            Some(entry) => entry.number,
            None => {
                if state.queue.len() >= shared.config.queue {
                    let text = format!("the queue is full: {} jobs wait", state.queue.len());
                    return JobStatus::Unavailable(text);
                }
                let number = state.next;
                state.next += 1;
                state.jobs.insert(job, Entry { number, outcome: None });
                state.queue.push_back((job, number, Box::new(work)));
                shared.work_arrived.notify_one();
                number
            },
        };
        loop {
            match state.jobs.get(&job).filter(|entry| entry.number == number) {
                Some(Entry { outcome: None, .. }) => {},
                Some(Entry { outcome: Some(outcome), .. }) => {
                    let status = job_status(outcome);
                    if matches!(status, JobStatus::Unavailable(_)) {
                        state.remove(job);
                    }
                    return status;
                },
                None => return JobStatus::Unavailable("the job was forgotten".into()),
            }
            if shared.job_ended.wait_until(&mut state, deadline).timed_out() {
                // It may have ended just now. The next call returns its result.
                return JobStatus::Running;
            }
        }
    }

    /// Forgets all jobs of a request. A job that waits is not started. A job that runs continues,
    /// and its result is dropped.
    pub fn forget(&self, request: RequestId) {
        let mut state = self.owner.0.state.lock();
        let jobs: Vec<JobKey> =
            state.jobs.keys().filter(|job| job.request == request).copied().collect();
        for job in jobs {
            state.remove(job);
        }
        drop(state);
        self.owner.0.job_ended.notify_all();
    }

    /// Number of jobs that wait or run.
    pub fn pending(&self) -> usize {
        let state = self.owner.0.state.lock();
        state.jobs.len() - state.finished_count
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("config", &self.owner.0.config).finish_non_exhaustive()
    }
}

impl Shared {
    fn work(&self) {
        loop {
            let (job, number, work) = {
                let mut state = self.state.lock();
                loop {
                    if state.stopped {
                        return;
                    }
                    if let Some(next) = state.queue.pop_front() {
                        break next;
                    }
                    self.work_arrived.wait(&mut state);
                }
            };
            let outcome = catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| Err(EngineError::Internal("a job panicked".into())));
            let mut state = self.state.lock();
            state.finish(job, number, outcome);
            state.trim(&self.config);
            drop(state);
            self.job_ended.notify_all();
        }
    }
}

fn job_status(outcome: &Result<JobOutput, EngineError>) -> JobStatus {
    match outcome {
        Ok(JobOutput { output, proof }) => {
            JobStatus::Done { output: output.clone(), proof: proof.clone() }
        },
        Err(error) if error.is_transient() => JobStatus::Unavailable(error.to_string()),
        Err(error) => {
            let reason: FailureReason = error.reason();
            JobStatus::Failed(reason, error.to_string())
        },
    }
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
