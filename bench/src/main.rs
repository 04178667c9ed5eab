//! Benchmarks: figures, with the size of the machine, as a table or one line of JSON each.

mod chain;
mod costs;
mod engine;
mod proofs;
mod report;
mod runtime;
mod weights;

use std::path::PathBuf;

use anyhow::{ensure, Result};
use clap::{Parser, Subcommand};

use report::Report;

#[derive(Debug, Parser)]
#[command(name = "scripts/bench", version)]
struct Arguments {
    /// One line of JSON per figure instead of a table.
    #[arg(long, global = true)]
    json: bool,
    /// Folder of the bundled models.
    #[arg(long, global = true, default_value = "models")]
    models: PathBuf,
    /// Folder of the built programs.
    #[arg(long, global = true, hide = true, default_value = ".")]
    programs: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Latency and throughput of requests on a local network of four nodes, and what the calls
    /// weigh.
    Chain(chain::Options),
    /// Searches for architectures whose verification takes longer than is charged.
    Costs(costs::Options),
    /// Runs per second of the bundled models.
    Engine(engine::Options),
    /// What validity proofs cost: to make, to check, in bytes and in memory.
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
                "{undercharged} verifications or more take longer than is charged"
            );
            return Ok(());
        },
        Some(Command::Engine(options)) => {
            engine::bench(&mut report, &arguments.programs, &arguments.models, options)?;
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
