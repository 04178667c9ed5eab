//! The command line.

use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use assay_engine::{EngineConfig, WorkerCommand};
use sc_cli::RunCmd;

/// The command line of `assay-node`.
#[derive(Debug, clap::Parser)]
pub struct Cli {
    /// What to do instead of running a node.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,
    /// How to run a node.
    #[command(flatten)]
    pub run: RunCmd,
    /// How to run models.
    #[command(flatten)]
    pub operator: OperatorParams,
}

/// What to do instead of running a node.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)]
pub enum Subcommand {
    /// Make, show and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Print a chain specification. Superseded by export-chain-spec.
    BuildSpec(sc_cli::BuildSpecCmd),

    /// Print or save a chain specification.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Check a block.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Save blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Save the state of a block as a chain specification.
    ExportState(sc_cli::ExportStateCmd),

    /// Import blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Delete the chain's data.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Go back by some blocks that are not final.
    Revert(sc_cli::RevertCmd),

    /// Print best, final and genesis block of the database.
    ChainInfo(sc_cli::ChainInfoCmd),
}

/// How to run models.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Operator")]
pub struct OperatorParams {
    /// Run models for the requests that are assigned to this node's worker key.
    ///
    /// Enables offchain workers. Implied by --dev.
    #[arg(long)]
    pub operator: bool,

    /// Run the models of optimistic results again, and dispute wrong ones.
    ///
    /// Needs a key of type `awch` in the keystore; its account puts up the bonds and pays the
    /// fees. Gives offchain workers an engine, as --operator does.
    #[arg(long)]
    pub watch: bool,

    /// Memory that one model may use, its file, input, output and prover included, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(16..))]
    pub engine_memory_mib: u32,

    /// Resident memory that idle workers with loaded models may hold together, in MiB.
    ///
    /// Zero keeps no model loaded.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub engine_cache_mib: u32,

    /// Most worker processes, busy or idle, each of which holds one loaded model.
    ///
    /// At least --engine-concurrency. Default: --engine-concurrency plus 4.
    #[arg(long, value_name = "COUNT")]
    pub engine_workers: Option<NonZeroU32>,

    /// Most runs at a time. Default: the number of processors.
    #[arg(long, value_name = "COUNT")]
    pub engine_concurrency: Option<NonZeroU32>,

    /// Longest time for one run of a loaded model, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "10000")]
    pub engine_run_timeout_ms: NonZeroU64,

    /// Longest time for one run of a loaded model with its proof, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "60000")]
    pub engine_prove_timeout_ms: NonZeroU64,

    /// Longest time to load a model, and again to prepare proofs of it, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "30000")]
    pub engine_load_timeout_ms: NonZeroU64,

    /// Largest model file, in MiB. The chain keeps none above 64.
    #[arg(long, value_name = "MIB", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub engine_max_model_mib: u32,

    /// How long an offchain worker waits for a run, in milliseconds, unless the runtime bids it
    /// wait less.
    ///
    /// A run that takes longer is answered at a later block.
    #[arg(long, value_name = "MS", default_value_t = 800,
        value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub engine_wait_ms: u64,
}

impl OperatorParams {
    /// The engine's limits.
    pub fn engine_config(&self, worker: WorkerCommand) -> EngineConfig {
        let default = EngineConfig::default();
        let count = |given: NonZeroU32| given.get() as usize;
        let concurrency = self.engine_concurrency.map_or(default.concurrency, count);
        EngineConfig {
            worker,
            max_model_bytes: mib(self.engine_max_model_mib),
            memory_limit_bytes: mib(self.engine_memory_mib),
            cache_bytes: mib(self.engine_cache_mib),
            max_workers: self.engine_workers.map_or(concurrency.saturating_add(4), count),
            concurrency,
            load_timeout: Duration::from_millis(self.engine_load_timeout_ms.get()),
            run_timeout: Duration::from_millis(self.engine_run_timeout_ms.get()),
            prove_timeout: Duration::from_millis(self.engine_prove_timeout_ms.get()),
            ..default
        }
    }

    /// How long an offchain worker waits for a run.
    pub fn wait(&self) -> Duration {
        Duration::from_millis(self.engine_wait_ms)
    }
}

fn mib(count: u32) -> u64 {
    u64::from(count) << 20
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn limits_reach_the_engine_in_its_units() {
        let cli = Cli::parse_from([
            "assay-node",
            "--operator",
            "--engine-memory-mib=32",
            "--engine-cache-mib=0",
            "--engine-concurrency=3",
            "--engine-run-timeout-ms=5",
            "--engine-load-timeout-ms=6",
            "--engine-prove-timeout-ms=7",
            "--engine-max-model-mib=2",
            "--engine-wait-ms=0",
        ]);
        let config = cli.operator.engine_config(WorkerCommand::default());
        assert!(cli.operator.operator);
        assert_eq!(config.memory_limit_bytes, 32 << 20);
        assert_eq!(config.cache_bytes, 0);
        assert_eq!((config.concurrency, config.max_workers), (3, 7));
        assert_eq!(config.run_timeout, Duration::from_millis(5));
        assert_eq!(config.load_timeout, Duration::from_millis(6));
        assert_eq!(config.prove_timeout, Duration::from_millis(7));
        assert_eq!(config.max_model_bytes, 2 << 20);
        assert_eq!(cli.operator.wait(), Duration::ZERO);
    }

    #[test]
    fn the_defaults_are_the_engines() {
        let cli = Cli::parse_from(["assay-node"]);
        let default = EngineConfig::default();
        assert_eq!(cli.operator.engine_config(default.worker.clone()), default);
        assert!(!cli.operator.operator);
    }
}
