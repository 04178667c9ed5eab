//! The command line.

use std::{
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use assay_engine::{EngineConfig, WorkerCommand};
use sc_cli::RunCmd;
use sc_storage_monitor::StorageMonitorParams;

use crate::quota::{self, Size};

/// The command line of `assay-node`.
#[derive(Debug, clap::Parser)]
#[command(
    mut_arg("pool_limit", |arg| arg.default_value(quota::POOL_LIMIT)),
    mut_arg("pool_kbytes", |arg| arg.default_value(quota::POOL_KBYTES)),
)]
pub struct Cli {
    /// Command to execute. Without one, the node runs.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,
    /// Options of the node.
    #[command(flatten)]
    pub run: RunCmd,
    /// Write the log as JSON, one object a line.
    ///
    /// With `timestamp` (RFC 3339, UTC), `level`, `target`, `message` and, if the event has other
    /// fields, `fields`. Only for running the node; its filter cannot be changed while it runs.
    #[arg(long, conflicts_with_all = ["enable_log_reloading", "tracing_targets"])]
    pub log_json: bool,
    /// When the node stops for want of disk space.
    #[command(flatten)]
    pub disk: StorageMonitorParams,
    /// Options of operators and watchers.
    #[command(flatten)]
    pub operator: OperatorParams,
}

impl Cli {
    /// The limits of the transaction pool, which its shares are parts of.
    pub fn pool_limits(&self) -> Size {
        let params = &self.run.pool_config;
        Size { count: params.pool_limit, bytes: params.pool_kbytes.saturating_mul(1024) }
    }

    /// Has the SDK's pool take [`SDK_COUNT_FACTOR`](quota::SDK_COUNT_FACTOR) times as many transactions and
    /// [`SDK_BYTES_FACTOR`](quota::SDK_BYTES_FACTOR) times as many bytes.
    pub fn widen_sdk_pool(&mut self) {
        let params = &mut self.run.pool_config;
        params.pool_limit = params.pool_limit.saturating_mul(quota::SDK_COUNT_FACTOR);
        params.pool_kbytes = params.pool_kbytes.saturating_mul(quota::SDK_BYTES_FACTOR);
    }
}

/// A command other than running a node.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)]
pub enum Subcommand {
    /// Generate, inspect and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Print a chain specification. Deprecated: use export-chain-spec.
    BuildSpec(sc_cli::BuildSpecCmd),

    /// Print a chain specification, or write it to a file.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Validate a block.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Export blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Export the state of a block as a chain specification.
    ExportState(sc_cli::ExportStateCmd),

    /// Import blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Delete the chain's database.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Revert the last blocks that are not finalized.
    Revert(sc_cli::RevertCmd),

    /// Print the best, the finalized and the genesis block of the database.
    ChainInfo(sc_cli::ChainInfoCmd),

    /// Print the hash of the genesis block of a chain specification.
    ///
    /// The parties of a network compare it before they start: a node with another one is on another
    /// chain.
    GenesisHash {
        /// `dev`, `local` or the file of a chain specification.
        #[arg(long, value_name = "CHAIN_SPEC")]
        chain: String,
    },
}

/// Options of operators and watchers.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Operator")]
pub struct OperatorParams {
    /// Answer the requests that are assigned to this node's worker keys.
    ///
    /// Enables offchain workers, which run the models. Implied by --dev.
    #[arg(long)]
    pub operator: bool,

    /// Re-run the models of optimistic results, and dispute wrong results.
    ///
    /// Needs a key of type `awch` in the keystore. Its account pays the dispute bonds and the
    /// fees. Gives offchain workers an engine, as --operator does.
    #[arg(long)]
    pub watch: bool,

    /// Memory limit of one model, including its file, input, output and prover, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1024,
        value_parser = clap::value_parser!(u32).range(16..))]
    pub engine_memory_mib: u32,

    /// Total resident memory of idle engine workers with loaded models, in MiB.
    ///
    /// With 0, no model stays loaded.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub engine_cache_mib: u32,

    /// Maximum number of engine workers, busy or idle. Each holds one loaded model.
    ///
    /// At least --engine-concurrency. Default: --engine-concurrency plus 4.
    #[arg(long, value_name = "COUNT")]
    pub engine_workers: Option<NonZeroU32>,

    /// Maximum number of concurrent runs. Default: the number of processors.
    #[arg(long, value_name = "COUNT")]
    pub engine_concurrency: Option<NonZeroU32>,

    /// Time limit for one run of a loaded model, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "10000")]
    pub engine_run_timeout_ms: NonZeroU64,

    /// Time limit for one run of a loaded model with its proof, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "60000")]
    pub engine_prove_timeout_ms: NonZeroU64,

    /// Time limit for loading a model, and again for preparing its prover, in milliseconds.
    #[arg(long, value_name = "MS", default_value = "30000")]
    pub engine_load_timeout_ms: NonZeroU64,

    /// Maximum size of a model file, in MiB. The chain stores files of up to 64 MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub engine_max_model_mib: u32,

    /// How long an offchain worker waits for a run, in milliseconds, unless the runtime requests a
    /// shorter wait.
    ///
    /// A run that takes longer continues, and its result is submitted at a later block.
    #[arg(long, value_name = "MS", default_value_t = 800,
        value_parser = clap::value_parser!(u64).range(..=60_000))]
    pub engine_wait_ms: u64,
}

impl OperatorParams {
    /// The configuration of the engine, with workers that `worker` starts.
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

    /// The longest time that an offchain worker waits for a run.
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

    #[test]
    fn the_json_log_has_neither_reloading_nor_profiling() {
        let parse = |flag: &str| Cli::try_parse_from(["assay-node", "--log-json", flag]);
        assert!(parse("--dev").is_ok_and(|cli| cli.log_json));
        assert!(parse("--enable-log-reloading").is_err());
        assert!(parse("--tracing-targets=sync").is_err());
    }

    #[test]
    fn flags_replace_the_default_limits_of_the_pool() {
        let limits = |args: &[&str]| {
            let args = ["assay-node"].iter().chain(args);
            Cli::parse_from(args).pool_limits()
        };
        assert_eq!(limits(&[]), Size { count: 16_384, bytes: 40 << 20 });
        let given = limits(&["--pool-limit", "5", "--pool-kbytes", "6"]);
        assert_eq!(given, Size { count: 5, bytes: 6 << 10 });
        let mut cli = Cli::parse_from(["assay-node", "--pool-limit", "5", "--pool-kbytes", "6"]);
        cli.widen_sdk_pool();
        assert_eq!(cli.pool_limits(), Size { count: 10, bytes: 24 << 10 });
    }
}
