//! Measures what the calls of a runtime cost. `scripts/weights` runs it.
//!
//! The runtime is a wasm file that was built with its feature `runtime-benchmarks`.

use clap::{Parser, Subcommand};
use frame_benchmarking_cli::{OpaqueBlock, OverheadCmd, PalletCmd};
use sc_cli::CliConfiguration;
use sp_runtime::traits::BlakeTwo256;

/// The host functions of the node beyond those of Substrate. A runtime that imports a host
/// function which is not here does not start.
type HostFunctions = assay_engine_interface::engine::HostFunctions;

/// Measure the weights of an Assay runtime.
#[derive(Debug, Parser)]
#[command(name = "assay-bencher", version)]
enum Cli {
    /// Measure the calls and hook steps of a pallet.
    Pallet(Box<PalletCmd>),
    /// Measure the base weights of a block and of an extrinsic.
    Overhead(Box<OverheadCmd>),
}

fn main() -> sc_cli::Result<()> {
    match Cli::parse() {
        Cli::Pallet(cmd) => {
            require_runtime(cmd.runtime.is_some())?;
            init_logger(&*cmd)?;
            cmd.run_with_spec::<BlakeTwo256, HostFunctions>(None)
        },
        Cli::Overhead(cmd) => {
            require_runtime(cmd.params.runtime.is_some())?;
            init_logger(&*cmd)?;
            cmd.run_with_default_builder_and_spec::<OpaqueBlock, HostFunctions>(None)
        },
    }
}

fn require_runtime(given: bool) -> sc_cli::Result<()> {
    if given {
        return Ok(());
    }
    Err("the runtime is missing: add `--runtime FILE.wasm`, built with `runtime-benchmarks` (as \
         scripts/weights does)"
        .to_string()
        .into())
}

fn init_logger(cmd: &impl CliConfiguration) -> sc_cli::Result<()> {
    cmd.init(&String::new(), &env!("CARGO_PKG_VERSION").to_string(), |_| {})
}
