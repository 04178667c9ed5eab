//! An operator that breaks the rules, for scenarios. It uses the RPC of a node, and has none of its own.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use assay_client::{Client, GraphFile, Signer};
use assay_localnet::liar::{Liar, Misconduct};
use assay_primitives::{ModelId, VersionId};
use clap::Parser;

/// Registers an account as an operator of two versions, prints `live`, and behaves badly until it is
/// ended.
#[derive(Debug, Parser)]
#[command(name = "assay-liar", version)]
struct Arguments {
    /// What it does with the requests that are assigned to it.
    #[arg(long, value_enum)]
    conduct: Misconduct,
    /// Address of a node's RPC.
    #[arg(long)]
    url: String,
    /// Secret of the operator's account, which has funds for the bond.
    #[arg(long)]
    suri: String,
    /// The models: one of floating-point numbers, and one whose file is `--graph`. Their first versions
    /// are served.
    #[arg(long, num_args = 2)]
    models: Vec<u32>,
    /// File of the integer graph.
    #[arg(long)]
    graph: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match misbehave(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        },
    }
}

async fn misbehave(arguments: &Arguments) -> Result<()> {
    let bytes = std::fs::read(&arguments.graph)
        .with_context(|| format!("cannot read {}", arguments.graph.display()))?;
    let graph = GraphFile::from_bytes(&bytes)?.graph().clone();
    let client = Client::connect(&arguments.url).await?;
    let mut versions = Vec::new();
    for model in &arguments.models {
        let version = client.version(VersionId { model: ModelId(*model), number: 1 }).await?;
        versions.push(version.with_context(|| format!("model {model} has no version"))?);
    }
    let signer = Signer::from_suri(&arguments.suri)?;
    let liar = Liar::register(client, &versions, signer).await?;
    println!("live");
    liar.work(arguments.conduct, &graph).await
}
