//! Executes the commands of the command line.

use assay_runtime::{genesis::TESTNET, opaque::Block};
use sc_cli::{CliConfiguration, OffchainWorkerEnabled, Runner, Signals, SubstrateCli};
use sc_service::PartialComponents;

use crate::{
    chain_spec,
    cli::{Cli, OperatorParams, Subcommand},
    disk, json_log, service, LOG_TARGET,
};

/// Open files that sc-cli recommends.
const OPEN_FILES: u64 = 10_000;

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "Assay Node".into()
    }

    fn impl_version() -> String {
        env!("SUBSTRATE_CLI_IMPL_VERSION").into()
    }

    fn description() -> String {
        "A node of Assay, the network for verifiable AI inference".into()
    }

    fn author() -> String {
        env!("CARGO_PKG_AUTHORS").into()
    }

    fn support_url() -> String {
        "see the documentation of this node".into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        Ok(Box::new(chain_spec::load(id)?))
    }
}

/// Parses the command line and executes its command, or runs a node.
///
/// # Errors
///
/// The arguments contradict each other, or the command failed. The message is meant for the user.
pub fn run() -> sc_cli::Result<()> {
    let cli = Cli::from_args();
    match &cli.subcommand {
        None => run_node(cli),
        Some(Subcommand::Key(cmd)) => cmd.run(&cli),
        #[allow(deprecated)]
        Some(Subcommand::BuildSpec(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.sync_run(|config| cmd.run(config.chain_spec, config.network))
        },
        Some(Subcommand::ExportChainSpec(cmd)) => {
            let spec = cli.load_spec(&cmd.chain)?;
            cmd.run(spec)
        },
        Some(Subcommand::CheckBlock(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.async_run(|config| {
                let PartialComponents { client, task_manager, import_queue, .. } =
                    service::new_partial(&config)?;
                Ok((cmd.run(client, import_queue), task_manager))
            })
        },
        Some(Subcommand::ExportBlocks(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.async_run(|config| {
                let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
                Ok((cmd.run(client, config.database), task_manager))
            })
        },
        Some(Subcommand::ExportState(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.async_run(|config| {
                let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
                Ok((cmd.run(client, config.chain_spec), task_manager))
            })
        },
        Some(Subcommand::ImportBlocks(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.async_run(|config| {
                let PartialComponents { client, task_manager, import_queue, .. } =
                    service::new_partial(&config)?;
                Ok((cmd.run(client, import_queue), task_manager))
            })
        },
        Some(Subcommand::PurgeChain(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.sync_run(|config| cmd.run(config.database))
        },
        Some(Subcommand::Revert(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.async_run(|config| {
                let PartialComponents { client, task_manager, backend, .. } =
                    service::new_partial(&config)?;
                let aux_revert = Box::new(|client, backend, blocks| {
                    sc_consensus_babe::revert(std::sync::Arc::clone(&client), backend, blocks)?;
                    sc_consensus_grandpa::revert(client, blocks)?;
                    Ok(())
                });
                Ok((cmd.run(client, backend, Some(aux_revert)), task_manager))
            })
        },
        Some(Subcommand::ChainInfo(cmd)) => {
            let runner = cli.create_runner(cmd)?;
            runner.sync_run(|config| cmd.run::<Block>(&config))
        },
        Some(Subcommand::GenesisHash { chain }) => {
            println!("{:?}", chain_spec::genesis_hash(&chain_spec::load(chain)?)?);
            Ok(())
        },
    }
}

fn run_node(mut cli: Cli) -> sc_cli::Result<()> {
    let no_workers = matches!(cli.run.offchain_worker_params.enabled, OffchainWorkerEnabled::Never);
    if cli.run.shared_params.chain.as_deref() == Some(TESTNET) {
        return Err(format!(
            "the specification `{TESTNET}` has no validators: scripts/genesis makes one that has, and \
             --chain takes its file"
        )
        .into());
    }
    let OperatorParams { operator, watch, .. } = cli.operator;
    if (operator || watch) && no_workers {
        return Err("--operator and --watch run models from offchain workers: remove \
                    `--offchain-worker never`"
            .to_string()
            .into());
    }
    let operator = operator || (cli.run.is_dev()? && !no_workers);
    let operator = (operator || watch).then(|| OperatorParams { operator, ..cli.operator.clone() });
    let pool = cli.pool_limits();
    let disk = cli.disk.clone();
    cli.widen_sdk_pool();
    let runner =
        if cli.log_json { create_json_runner(&cli)? } else { cli.create_runner(&cli.run)? };
    runner.run_node_until_exit(|config| async move {
        let folder = disk::folder(&config);
        if let Some(folder) = &folder {
            disk::check(folder, &disk)?;
        }
        let tasks = service::new_full(config, operator, pool)
            .map_err(|error| disk::explain(error, folder.as_deref()))?;
        if let Some(folder) = folder {
            disk::watch(folder, disk, &tasks)?;
        }
        sc_cli::Result::Ok(tasks)
    })
}

/// As `create_runner`, except for the format of the log.
fn create_json_runner(cli: &Cli) -> sc_cli::Result<Runner<Cli>> {
    let tokio_runtime = sc_cli::build_runtime()?;
    let signals = tokio_runtime.block_on(async { Signals::capture() })?;
    let config = cli.run.create_configuration(cli, tokio_runtime.handle().clone())?;
    sp_panic_handler::set(&Cli::support_url(), &Cli::impl_version());
    json_log::init(&cli.run.log_filters()?)?;
    let files = rlimit::increase_nofile_limit(u64::MAX)?;
    if files < OPEN_FILES {
        log::warn!(target: LOG_TARGET, "The limit of open files is {files}; raise it to {OPEN_FILES}");
    }
    Runner::new(config, tokio_runtime, signals)
}
