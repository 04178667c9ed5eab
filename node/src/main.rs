//! The Assay node: a full node or validator and, with `--operator`, a runner of models.

mod artifacts;
mod chain_spec;
mod cli;
mod command;
mod engine;
mod metrics;
mod rpc;
mod service;
mod worker_keys;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A worker of the engine: nothing of the node may run in it, not even the argument parser.
    if std::env::args_os().nth(1).is_some_and(|mode| mode == engine::WORKER_MODE) {
        return assay_engine::worker::main();
    }
    match command::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        },
    }
}
