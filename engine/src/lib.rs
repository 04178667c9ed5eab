//! Runs models in isolated processes with resource limits: ONNX files and integer graphs.
//!
//! [`Engine`] takes the descriptor of a version, a function that fetches the model file, and an
//! input payload. It returns the output payload. It trusts neither the file nor the input. Each
//! model is loaded and run in an *engine worker*: a child process that runs the same executable in
//! another mode ([`worker::main`]), with limits on memory, time and output. The engine kills an
//! engine worker that exceeds a limit. Whatever a model does, the process with the [`Engine`] gets
//! an [`EngineError`] and continues.
//!
//! - [`Engine::run`] runs a model. Engine workers with a loaded model are kept and reused.
//! - [`Engine::prove`] runs an integer graph and proves the run.
//! - [`Engine::dispute_move`] runs an integer graph and makes a move in a dispute.
//! - [`Engine::check_model`] and [`Engine::inspect`] check a model before it is published.
//! - [`Engine::status`] reports activity, limits and counters.
//! - [`jobs::Jobs`] queues runs and is polled for their results, for callers that cannot block.
//!
//! The crate has no knowledge of the chain. `README.md` describes the limits of the isolation.

#[cfg(target_endian = "big")]
compile_error!("tensor data is little-endian, and the engine passes it on unchanged");

pub mod jobs;
#[doc(hidden)]
pub mod protocol;
pub mod worker;

mod config;
mod engine;
mod error;
mod graph;
mod onnx;
mod output;
mod problem;
mod process;
mod procfs;
mod status;
mod tensors;

pub use config::{EngineConfig, WorkerCommand};
pub use engine::{Engine, ModelInterface};
pub use error::EngineError;
pub use output::RunOutput;
pub use status::{Counters, EngineStatus, Limits, WorkerStatus};

/// Version of this crate, `major.minor.patch`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Version of tract, which runs ONNX files. A test compares it with `Cargo.lock`.
pub const TRACT_VERSION: &str = "0.23.9";
