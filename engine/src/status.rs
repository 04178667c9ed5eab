//! The status that an engine reports.

use assay_primitives::Digest;
use serde::{Deserialize, Serialize};

use crate::EngineConfig;

/// A snapshot of an engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EngineStatus {
    /// Version of the engine.
    pub version: String,
    /// Version of the library that runs ONNX files.
    pub tract_version: String,
    /// Runs, checks and inspections in progress.
    pub running: usize,
    /// Idle engine workers with a loaded model, least recently used first.
    pub idle_workers: Vec<WorkerStatus>,
    /// Limits of the engine.
    pub limits: Limits,
    /// Counters since the engine was made.
    pub counters: Counters,
}

/// An idle engine worker and its model.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Process id.
    pub pid: u32,
    /// Identity of the model's artifact.
    pub artifact: Digest,
    /// Resident memory when it became idle. Unit: bytes.
    pub resident_bytes: u64,
}

/// The limits of an [`EngineConfig`], in the same units. Times are in milliseconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Limits {
    pub max_model_bytes: u64,
    pub max_input_bytes: u64,
    pub max_output_bytes: u64,
    pub memory_limit_bytes: u64,
    pub cache_bytes: u64,
    pub max_workers: usize,
    pub concurrency: usize,
    pub load_timeout_ms: u64,
    pub run_timeout_ms: u64,
    pub prove_timeout_ms: u64,
}

impl From<&EngineConfig> for Limits {
    fn from(config: &EngineConfig) -> Self {
        let milliseconds =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            max_model_bytes: config.max_model_bytes,
            max_input_bytes: config.max_input_bytes,
            max_output_bytes: config.max_output_bytes,
            memory_limit_bytes: config.memory_limit_bytes,
            cache_bytes: config.cache_bytes,
            max_workers: config.max_workers,
            concurrency: config.concurrency,
            load_timeout_ms: milliseconds(config.load_timeout),
            run_timeout_ms: milliseconds(config.run_timeout),
            prove_timeout_ms: milliseconds(config.prove_timeout),
        }
    }
}

/// Counters of an engine since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Calls of `run`, `prove` and `dispute_move` that returned an output.
    pub runs: u64,
    /// Those among them that returned a proof.
    pub proofs: u64,
    /// Calls of `run`, `prove` and `dispute_move` that returned an error other than `Busy`.
    pub failures: u64,
    /// Calls that were refused as `Busy`, those of `check_model` and `inspect` included.
    pub refused: u64,
    /// Runs that found their model loaded.
    pub cache_hits: u64,
    /// Models loaded for a run.
    pub loads: u64,
    /// Idle engine workers that were ended to free memory or to stay within `max_workers`.
    pub evictions: u64,
}
