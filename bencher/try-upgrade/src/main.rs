//! Tries an upgrade to the runtime of this checkout on the state of a chain, which a file has.
//!
//! What runs is the runtime's code, compiled natively: all migrations with their checks before and
//! after, then whether every value in the state can be decoded, then the invariants of all pallets.

mod snapshot;
mod upgrade;

use std::path::PathBuf;

use anyhow::Result;
use assay_client::Client;
use clap::{Parser, Subcommand};
use snapshot::Snapshot;

/// Tries an upgrade to this runtime on the state of a chain.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the state of the last final block of a node to a file.
    Take {
        /// The node's RPC, such as ws://127.0.0.1:9944.
        url: String,
        /// The file. One that is there is replaced.
        snapshot: PathBuf,
    },
    /// Migrate the state in a file, and check it.
    Try {
        /// A file that `take` has written.
        snapshot: PathBuf,
        /// Maximum number of blocks that migrations may take.
        #[arg(long, default_value_t = 100_000)]
        max_blocks: u32,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    match Arguments::parse().command {
        Command::Take { url, snapshot } => take(url, snapshot).await,
        Command::Try { snapshot, max_blocks } => try_on(snapshot, max_blocks),
    }
}

async fn take(url: String, file: PathBuf) -> Result<()> {
    let client = Client::connect(&url).await?;
    let snapshot = Snapshot::take(&client).await?;
    let bytes = snapshot.write(&file)?;
    let (number, entries) = (snapshot.number, snapshot.entries.len());
    println!("block {number}: {entries} entries, {bytes} bytes in {}", file.display());
    Ok(())
}

fn try_on(file: PathBuf, max_blocks: u32) -> Result<()> {
    let snapshot = Snapshot::read(&file)?;
    println!("state of block {}, {} entries", snapshot.number, snapshot.entries.len());
    snapshot.into_state().execute_with(|| upgrade::run(max_blocks, &mut |line| println!("{line}")))
}
