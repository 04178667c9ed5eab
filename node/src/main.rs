//! The Assay node: a full node or validator that, with `--operator`, also runs models.

// The errors of sc-cli and sc-service are large, and returned a few times per process.
#![allow(clippy::result_large_err)]

mod artifacts;
mod author;
mod chain_spec;
mod cli;
mod client;
mod clock;
mod command;
mod disk;
mod engine;
mod equivocations;
mod intake;
mod json_log;
mod metrics;
#[cfg(test)]
mod pool_double;
mod quota;
mod rpc;
mod service;
mod worker_keys;

use std::process::ExitCode;

/// Target of the log lines of the node itself.
const LOG_TARGET: &str = "assay";

fn main() -> ExitCode {
    // An engine worker must run no code of the node, not even the argument parser.
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
