//! Limits of an engine, and the command that starts engine workers.

use std::{path::PathBuf, time::Duration};

use assay_primitives::MAX_ARTIFACT_BYTES;

use crate::{protocol::MAX_FRAME_BYTES, EngineError};

/// The command that starts an engine worker: a program that calls [`crate::worker::main`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerCommand {
    /// The program. A bare name is looked up in this process's `PATH`; a path is safer.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

impl WorkerCommand {
    /// The current executable with `args`, for programs that have a worker mode of their own.
    ///
    /// # Errors
    ///
    /// The operating system does not report the path of the executable.
    pub fn this_executable(args: &[&str]) -> std::io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        })
    }
}

impl Default for WorkerCommand {
    /// `assay-engine worker`.
    fn default() -> Self {
        Self { program: "assay-engine".into(), args: vec!["worker".into()] }
    }
}

/// Limits of an engine.
///
/// The total memory of all engine workers stays below `concurrency * memory_limit_bytes +
/// cache_bytes`, plus the memory of the bare executable for each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineConfig {
    /// Starts engine workers. Default: `assay-engine worker`.
    pub worker: WorkerCommand,
    /// Maximum size of a model file. Unit: bytes. Bounds: 1 to `1 << 30`. Default: 64 MiB, the
    /// maximum size of an artifact on chain.
    pub max_model_bytes: u64,
    /// Maximum size of an input payload. Unit: bytes. Bounds: 1 to `1 << 30`. Default: 16 MiB.
    pub max_input_bytes: u64,
    /// Maximum size of an output payload. Unit: bytes. Bounds: 1 to `1 << 30`. Default: 4 MiB.
    pub max_output_bytes: u64,
    /// Address space of an engine worker in addition to what the bare executable maps. Model file,
    /// model, input, temporary tensors, output and, if runs are proven, the prover share it.
    /// Unit: bytes. Bounds: at least 16 MiB. Default: 1 GiB.
    pub memory_limit_bytes: u64,
    /// Maximum total resident memory of idle engine workers. Above it, the least recently used ones
    /// are ended. With zero, no model stays loaded. Unit: bytes. Default: 1 GiB.
    pub cache_bytes: u64,
    /// Maximum number of engine workers, busy or idle. Bounds: at least `concurrency`. Default:
    /// `concurrency + 4`.
    pub max_workers: usize,
    /// Maximum number of concurrent runs, checks and inspections. Further calls return
    /// [`EngineError::Busy`]. Bounds: at least 1. Default: the number of processors.
    pub concurrency: usize,
    /// Time limit for starting an engine worker and loading a model in it. Bounds: above zero.
    /// Default: 30 s.
    pub load_timeout: Duration,
    /// Time limit for one run of a loaded model. Bounds: above zero. Default: 10 s.
    pub run_timeout: Duration,
    /// Time limit for one run with its proof. Making the prover is not included: `load_timeout`
    /// applies to it. Bounds: above zero. Default: 60 s.
    pub prove_timeout: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let concurrency = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            worker: WorkerCommand::default(),
            max_model_bytes: MAX_ARTIFACT_BYTES,
            max_input_bytes: 16 << 20,
            max_output_bytes: 4 << 20,
            memory_limit_bytes: 1 << 30,
            cache_bytes: 1 << 30,
            max_workers: concurrency.saturating_add(4),
            concurrency,
            load_timeout: Duration::from_secs(30),
            run_timeout: Duration::from_secs(10),
            prove_timeout: Duration::from_secs(60),
        }
    }
}

/// Minimum of `memory_limit_bytes`: with less, an engine worker cannot even load a small model.
const MIN_MEMORY_BYTES: u64 = 16 << 20;

impl EngineConfig {
    /// Checks that every value is within its bounds.
    pub(crate) fn validate(&self) -> Result<(), EngineError> {
        let sizes = [
            ("max_model_bytes", self.max_model_bytes),
            ("max_input_bytes", self.max_input_bytes),
            ("max_output_bytes", self.max_output_bytes),
        ];
        for (name, value) in sizes {
            if value == 0 || value > MAX_FRAME_BYTES {
                return Err(EngineError::Config(format!(
                    "{name} is {value}, but must be between 1 and {MAX_FRAME_BYTES}"
                )));
            }
        }
        let wrong = if self.memory_limit_bytes < MIN_MEMORY_BYTES {
            Some(format!("memory_limit_bytes must be at least {MIN_MEMORY_BYTES}"))
        } else if self.concurrency == 0 {
            Some("concurrency must be at least 1".into())
        } else if self.max_workers < self.concurrency {
            Some("max_workers must be at least concurrency".into())
        } else if [self.load_timeout, self.run_timeout, self.prove_timeout]
            .iter()
            .any(Duration::is_zero)
        {
            Some("load_timeout, run_timeout and prove_timeout must be above zero".into())
        } else if self.worker.program.as_os_str().is_empty() {
            Some("worker.program must not be empty".into())
        } else {
            None
        };
        wrong.map_or(Ok(()), |wrong| Err(EngineError::Config(wrong)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_each_bound_is_checked() {
        assert!(EngineConfig::default().validate().is_ok());
        let broken: [fn(&mut EngineConfig); 10] = [
            |config| config.max_model_bytes = 0,
            |config| config.max_input_bytes = 0,
            |config| config.max_output_bytes = MAX_FRAME_BYTES + 1,
            |config| config.memory_limit_bytes = MIN_MEMORY_BYTES - 1,
            |config| config.concurrency = 0,
            |config| config.max_workers = config.concurrency - 1,
            |config| config.load_timeout = Duration::ZERO,
            |config| config.run_timeout = Duration::ZERO,
            |config| config.prove_timeout = Duration::ZERO,
            |config| config.worker.program = PathBuf::new(),
        ];
        for (index, break_it) in broken.iter().enumerate() {
            let mut config = EngineConfig::default();
            break_it(&mut config);
            let verdict = config.validate();
            assert!(matches!(verdict, Err(EngineError::Config(_))), "case {index}: {verdict:?}");
        }
    }
}
