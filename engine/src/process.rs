//! Starts engine workers and exchanges frames with them. Everything that they send is untrusted.

use std::{
    collections::HashMap,
    io::Read,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        mpsc::{channel, Receiver, RecvTimeoutError, Sender},
        Arc,
    },
    time::{Duration, Instant},
};

use assay_graph::commit::MAX_TILE_OPENING_BYTES;
use assay_primitives::proof::MAX_PROOF_BYTES;
use codec::Encode;
use parking_lot::Mutex;

use crate::{
    error::plain,
    problem::indicates_oom,
    procfs::status_bytes,
    protocol::{
        decode, read_frame, write_frame, Hello, WorkerReply, WorkerRequest, MAX_FRAME_BYTES,
        OVERHEAD_BYTES, PROTOCOL,
    },
    EngineConfig, EngineError,
};

/// Size of the end of an engine worker's stderr that is kept.
const STDERR_BYTES: usize = 4 << 10;
/// How long to wait for the rest of stderr after the process has ended.
const STDERR_WAIT: Duration = Duration::from_secs(1);
const SIGKILL: i32 = 9;

/// Why an engine worker did not reply. It has been ended.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It exceeded the time limit.
    TimedOut,
    /// It crashed, or another process killed it.
    Died {
        /// Its exit status, if known.
        status: Option<ExitStatus>,
        /// The end of its stderr.
        stderr: String,
    },
    /// It sent something that is not a reply.
    Protocol(String),
}

impl Broken {
    /// Whether another process killed the engine worker. A model does not do this to its own.
    pub(crate) fn was_killed(&self) -> bool {
        matches!(self, Self::Died { status: Some(status), .. } if status.signal() == Some(SIGKILL))
    }

    /// The error for callers. `time_limit` is the error for [`Self::TimedOut`].
    pub(crate) fn explain(self, memory_limit: u64, time_limit: EngineError) -> EngineError {
        match self {
            Self::TimedOut => time_limit,
            Self::Protocol(text) => EngineError::Protocol(text),
            Self::Died { status, stderr } => {
                if indicates_oom(&stderr) {
                    EngineError::MemoryLimit { limit: memory_limit, cause: plain(&stderr) }
                } else if stderr.contains("has overflowed its stack") {
                    EngineError::InvalidModel("it is nested too deeply: stack overflow".into())
                } else {
                    let status =
                        status.map_or("unknown exit status".into(), |status| status.to_string());
                    let separator = if stderr.is_empty() { "" } else { ": " };
                    EngineError::WorkerDied(format!("{status}{separator}{}", plain(&stderr)))
                }
            },
        }
    }
}

/// All engine workers that have not ended, so that they can be ended while other threads wait for
/// their replies.
#[derive(Default)]
pub(crate) struct Children {
    state: Mutex<ChildrenState>,
}

#[derive(Default)]
struct ChildrenState {
    live: HashMap<u32, Arc<Mutex<Child>>>,
    stopped: bool,
}

impl Children {
    /// Ends all engine workers and refuses new ones.
    pub(crate) fn stop(&self) {
        let live: Vec<_> = {
            let mut state = self.state.lock();
            state.stopped = true;
            state.live.values().cloned().collect()
        };
        for child in live {
            end(&child);
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }

    fn add(&self, mut child: Child) -> Result<(u32, Arc<Mutex<Child>>), EngineError> {
        let mut state = self.state.lock();
        if state.stopped {
            let _ = child.kill();
            let _ = child.wait();
            return Err(EngineError::Stopped);
        }
        let pid = child.id();
        let child = Arc::new(Mutex::new(child));
        state.live.insert(pid, child.clone());
        Ok((pid, child))
    }

    /// Ends the child and removes it from the list. The operating system may give the id of a
    /// reaped child to a new one, which must stay in the list.
    fn remove(&self, pid: u32, child: &Arc<Mutex<Child>>) -> Option<ExitStatus> {
        let status = end(child);
        let mut state = self.state.lock();
        if state.live.get(&pid).is_some_and(|listed| Arc::ptr_eq(listed, child)) {
            state.live.remove(&pid);
        }
        status
    }
}

/// Kills the process, unless it has ended, and reaps it.
fn end(child: &Mutex<Child>) -> Option<ExitStatus> {
    let mut child = child.lock();
    if let Err(error) = child.kill() {
        log::warn!(target: "assay::engine", "cannot kill engine worker {}: {error}", child.id());
    }
    child.wait().ok()
}

/// One engine worker. Dropping it ends the process.
pub(crate) struct WorkerProcess {
    pid: u32,
    child: Arc<Mutex<Child>>,
    children: Arc<Children>,
    requests: Sender<Vec<u8>>,
    replies: Receiver<std::io::Result<Option<Vec<u8>>>>,
    stderr: Receiver<String>,
}

impl WorkerProcess {
    /// Starts an engine worker and sets its limits, until `deadline` at the latest.
    pub(crate) fn start(
        config: &EngineConfig,
        children: &Arc<Children>,
        deadline: Instant,
    ) -> Result<Self, EngineError> {
        let program = &config.worker.program;
        let spawn_error = |cause: std::io::Error| EngineError::Spawn {
            program: program.display().to_string(),
            cause: cause.to_string(),
        };
        let mut command = Command::new(program);
        command
            .args(&config.worker.args)
            .env_clear()
            // With more than one arena, glibc reserves address space for each thread.
            .env("MALLOC_ARENA_MAX", "1")
            .env("RAYON_NUM_THREADS", "1")
            // Ctrl-C in the terminal must reach only the engine's process, which then ends its
            // engine workers.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if program.is_absolute() {
            command.current_dir("/");
        }
        let mut child = command.spawn().map_err(spawn_error)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (pid, child) = children.add(child)?;
        let (requests, outbox) = channel();
        let (inbox, replies) = channel();
        let (stderr_end, stderr) = channel();
        // From here on, dropping `worker` ends the process.
        let worker = Self { pid, child, children: children.clone(), requests, replies, stderr };
        let (Some(to), Some(from), Some(errors)) = pipes else {
            return Err(EngineError::Internal("the engine worker has no pipes".into()));
        };
        let max_request = config.max_model_bytes.max(config.max_input_bytes) + OVERHEAD_BYTES;
        let largest = u64::from(MAX_PROOF_BYTES).max(MAX_TILE_OPENING_BYTES as u64);
        let max_reply = config.max_output_bytes + largest + OVERHEAD_BYTES;
        thread("engine-io", move || exchange(to, from, max_reply, &outbox, &inbox))?;
        thread("engine-stderr", move || {
            let _ = stderr_end.send(drain(errors));
        })?;
        let hello = Hello {
            protocol: PROTOCOL,
            version: crate::VERSION.into(),
            memory_bytes: config.memory_limit_bytes,
            max_request_bytes: max_request.min(MAX_FRAME_BYTES + OVERHEAD_BYTES),
            max_output_bytes: config.max_output_bytes,
        };
        worker.greet(&hello, config, deadline)?;
        Ok(worker)
    }

    fn greet(
        &self,
        hello: &Hello,
        config: &EngineConfig,
        deadline: Instant,
    ) -> Result<(), EngineError> {
        let reply = self.exchange(hello.encode(), deadline).map_err(|broken| {
            let late = EngineError::LoadTimeLimit(config.load_timeout);
            broken.explain(config.memory_limit_bytes, late)
        })?;
        match reply {
            WorkerReply::Ready { protocol, version }
                if protocol == PROTOCOL && version == crate::VERSION =>
            {
                Ok(())
            },
            WorkerReply::Ready { version, .. } => Err(EngineError::WorkerMismatch(format!(
                "engine worker {}, engine {}",
                plain(&version),
                crate::VERSION
            ))),
            _ => Err(EngineError::Protocol("the first reply is not `Ready`".into())),
        }
    }

    /// Sends a request and waits for the reply. After an error, the process has ended.
    pub(crate) fn ask(
        &self,
        request: &WorkerRequest,
        timeout: Duration,
    ) -> Result<WorkerReply, Broken> {
        self.exchange(request.encode(), after(timeout))
    }

    fn exchange(&self, frame: Vec<u8>, deadline: Instant) -> Result<WorkerReply, Broken> {
        // If the thread has ended, so has the process. `recv_timeout` reports it below.
        let _ = self.requests.send(frame);
        let left = deadline.saturating_duration_since(Instant::now());
        match self.replies.recv_timeout(left) {
            Ok(Ok(Some(frame))) => decode(&frame).map_err(|error| {
                self.end();
                Broken::Protocol(format!("malformed reply: {error}"))
            }),
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                self.end();
                Err(Broken::Protocol(error.to_string()))
            },
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                let status = self.end();
                let stderr = self.stderr.recv_timeout(STDERR_WAIT).unwrap_or_default();
                log::debug!(
                    target: "assay::engine",
                    "engine worker {} ended ({status:?}): {}", self.pid, plain(&stderr),
                );
                Err(Broken::Died { status, stderr })
            },
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                Err(Broken::TimedOut)
            },
        }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the process has not ended.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.child.lock().try_wait(), Ok(None))
    }

    /// Resident memory of the process in bytes; `None` if it cannot be read.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        status_bytes(&status, "VmRSS:")
    }

    fn end(&self) -> Option<ExitStatus> {
        self.children.remove(self.pid, &self.child)
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        self.end();
    }
}

/// The instant at which `timeout` ends.
pub(crate) fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    // If the sum cannot be represented, a day is long enough.
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400))
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), EngineError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map(drop)
        .map_err(|error| EngineError::Internal(format!("cannot start a thread: {error}")))
}

/// Sends each request and reads its reply, until there are no more requests or the process has
/// ended. Blocks until the process replies: the caller must kill it at the time limit.
fn exchange(
    mut to: ChildStdin,
    mut from: ChildStdout,
    max_reply: u64,
    requests: &Receiver<Vec<u8>>,
    replies: &Sender<std::io::Result<Option<Vec<u8>>>>,
) {
    while let Ok(frame) = requests.recv() {
        // A reply counts even if sending failed: an engine worker may refuse a request before it
        // has read all of it.
        let sent = write_frame(&mut to, &frame);
        drop(frame);
        let reply = read_frame(&mut from, max_reply);
        let ended = sent.is_err() || !matches!(reply, Ok(Some(_)));
        if replies.send(reply).is_err() || ended {
            return;
        }
    }
}

/// Reads stderr to its end. Returns the last [`STDERR_BYTES`] of it.
fn drain(mut stderr: ChildStderr) -> String {
    let mut kept: Vec<u8> = Vec::new();
    let mut chunk = [0u8; 1024];
    loop {
        match stderr.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                kept.extend_from_slice(&chunk[..read]);
                if kept.len() > STDERR_BYTES {
                    kept.drain(..kept.len() - STDERR_BYTES);
                }
            },
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {},
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_death_is_found_in_stderr() {
        let late = || EngineError::RunTimeLimit(Duration::from_secs(1));
        let died = |stderr: &str| Broken::Died { status: None, stderr: stderr.into() };
        let memory = died("memory allocation of 99 bytes failed").explain(7, late());
        assert!(matches!(memory, EngineError::MemoryLimit { limit: 7, .. }), "{memory:?}");
        let stack = died("thread 'model' has overflowed its stack").explain(7, late());
        assert!(matches!(stack, EngineError::InvalidModel(_)), "{stack:?}");
        assert!(matches!(died("").explain(7, late()), EngineError::WorkerDied(_)));
        assert_eq!(Broken::TimedOut.explain(7, late()), late());
    }
}
