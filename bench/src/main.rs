//! Benchmarks. Prints figures as a table with the size of the machine, or as one line of JSON each.

mod chain;
mod costs;
mod engine;
mod pool;
mod proofs;
mod report;
mod runtime;
mod shares;
mod weights;

use std::path::PathBuf;

use anyhow::{ensure, Result};
use clap::{Parser, Subcommand};

use report::Report;

#[derive(Debug, Parser)]
#[command(name = "scripts/bench", version)]
struct Arguments {
    /// Print one line of JSON per figure instead of a table.
    #[arg(long, global = true)]
    json: bool,
    /// Folder of the bundled models.
    #[arg(long, global = true, default_value = "models")]
    models: PathBuf,
    /// Folder of the programs.
    #[arg(long, global = true, hide = true, default_value = ".")]
    programs: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Latency and throughput of requests on a local network of four nodes, and the weights of the
    /// calls.
    Chain(chain::Options),
    /// Search for architectures whose verification takes longer than it is charged for.
    Costs(costs::Options),
    /// Runs per second of the bundled models.
    Engine(engine::Options),
    /// Latency of honest requests while a peer, and then a client, floods a node with calls of
    /// workers that are invalid, stale or duplicates.
    Pool(pool::Options),
    /// Cost of validity proofs: time to prove and to verify, size and memory.
    Proofs(proofs::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut report = Report::new(arguments.json);
    match &arguments.command {
        Some(Command::Chain(options)) => {
            weights::bench(&mut report);
            chain::bench(&mut report, &arguments.programs, &arguments.models, options).await?;
        },
        Some(Command::Costs(options)) => {
            let undercharged = costs::bench(&mut report, options, arguments.json)?;
            report.finish();
            ensure!(
                undercharged == 0,
                "at least {undercharged} verifications take longer than they are charged for"
            );
            return Ok(());
        },
        Some(Command::Engine(options)) => {
            engine::bench(&mut report, &arguments.programs, &arguments.models, options)?;
        },
        Some(Command::Pool(options)) => {
            pool::bench(&mut report, &arguments.programs, &arguments.models, options).await?;
        },
        Some(Command::Proofs(options)) => {
            proofs::bench(&mut report, &arguments.models, options)?;
        },
        None => {
            proofs::bench(&mut report, &arguments.models, &Default::default())?;
            engine::bench(
                &mut report,
                &arguments.programs,
                &arguments.models,
                &Default::default(),
            )?;
            weights::bench(&mut report);
            let options = chain::Options::default();
            chain::bench(&mut report, &arguments.programs, &arguments.models, &options).await?;
        },
    }
    report.finish();
    Ok(())
}
