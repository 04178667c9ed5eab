//! Runs models in isolated processes, within limits: ONNX files and integer graphs.
//!
//! [`Engine`] is given what a version of a model declares, a way to get the model file and an
//! input payload, and gives the output payload. It trusts neither the file nor the input: every
//! model is loaded and run in a child process of its own, which is the same executable started
//! once more ([`worker::main`]), bounded in memory, time and output, and ended by its process id
//! as soon as it breaks a bound. Whatever a model does, the process that holds the [`Engine`]
//! gets an [`EngineError`] and goes on.
//!
//! - [`Engine::run`] runs a model; workers that hold a loaded model are kept and reused.
//! - [`Engine::prove`] does that with an integer graph, and proves the run.
//! - [`Engine::check_model`] and [`Engine::inspect`] are for those who publish models.
//! - [`Engine::status`] says what the engine is doing.
//! - [`jobs::Jobs`] starts runs and is polled for them, for callers that cannot wait.
//!
//! The crate knows no chain. See `README.md` for the limits of the isolation.

#[cfg(target_endian = "big")]
compile_error!("tensor data is little-endian, and the engine hands it over unchanged");

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
/// Version of the inference library that runs ONNX files. A test holds it against `Cargo.lock`.
pub const TRACT_VERSION: &str = "0.23.9";
