//! Measures what the calls of a runtime cost, and what its database costs. `scripts/weights` runs it.
//!
//! For calls, the runtime is a wasm file that was built with its feature `runtime-benchmarks`. For
//! the database, the runtime that is linked says how the state is encoded.

mod state;
mod storage;

use clap::{Parser, Subcommand};
use frame_benchmarking_cli::{OpaqueBlock, OverheadCmd, PalletCmd};
use sc_cli::{CliConfiguration, SubstrateCli};
use sc_service::{ChainSpec, ChainType, GenericChainSpec, NoExtension};
use sp_runtime::traits::BlakeTwo256;
use storage::DatabaseCmd;

/// The host functions of the node beyond those of Substrate. A runtime that imports a host
/// function which is not here does not start.
type HostFunctions = assay_engine_interface::engine::HostFunctions;

/// Measure the weights of an Assay runtime.
#[derive(Debug, Parser)]
#[command(name = "assay-bencher", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure the calls and hook steps of a pallet.
    Pallet(Box<PalletCmd>),
    /// Measure the base weights of a block and of an extrinsic.
    Overhead(Box<OverheadCmd>),
    /// Measure reads and writes of the database, with a state that is made for it.
    Storage(Box<DatabaseCmd>),
}

fn main() -> sc_cli::Result<()> {
    let Cli { command } = Cli::parse();
    match command {
        Command::Pallet(cmd) => {
            require_runtime(cmd.runtime.is_some())?;
            init_logger(&*cmd)?;
            cmd.run_with_spec::<BlakeTwo256, HostFunctions>(None)
        },
        Command::Overhead(cmd) => {
            require_runtime(cmd.params.runtime.is_some())?;
            init_logger(&*cmd)?;
            cmd.run_with_default_builder_and_spec::<OpaqueBlock, HostFunctions>(None)
        },
        Command::Storage(cmd) => {
            if cmd.shared_params().base_path.is_none() {
                return Err("name an empty folder for the chain: add `--base-path FOLDER`"
                    .to_string()
                    .into());
            }
            // Not `create_runner`: it takes the signals that stop a program.
            let tokio = sc_cli::build_runtime()?;
            let config = Chain.create_configuration(&*cmd, tokio.handle().clone())?;
            init_logger(&*cmd)?;
            cmd.run(config)
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

/// The chain whose database is measured. Its state is not in its specification: see [`state`].
struct Chain;

impl SubstrateCli for Chain {
    fn impl_name() -> String {
        "Assay Bencher".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        "The Assay developers".into()
    }

    fn support_url() -> String {
        String::new()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn ChainSpec>, String> {
        if !id.is_empty() {
            return Err(format!("the state is that of `local`: leave `{id}` out"));
        }
        let spec = GenericChainSpec::<NoExtension, HostFunctions>::builder(&[], None)
            .with_name("Assay Local")
            .with_id("assay_local")
            .with_chain_type(ChainType::Local)
            .build();
        Ok(Box::new(spec))
    }
}
