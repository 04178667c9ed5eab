//! Tries an upgrade to the runtime of this checkout on the state of a chain, which a file has.
//!
//! What runs is the runtime's code, compiled natively: all migrations with their checks before and
//! after, then whether every value in the state can be decoded, then the invariants of all pallets.

mod upgrade;

use std::path::PathBuf;

use anyhow::{anyhow, Context, Result};
use assay_runtime::opaque::Block;
use clap::{Parser, Subcommand};
use frame_remote_externalities::{Builder, Mode, OfflineConfig, OnlineConfig, SnapshotConfig};

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
        Command::Try { snapshot, max_blocks } => try_on(snapshot, max_blocks).await,
    }
}

async fn take(url: String, snapshot: PathBuf) -> Result<()> {
    let config = OnlineConfig {
        transport_uris: vec![url.clone()],
        state_snapshot: Some(SnapshotConfig::new(&snapshot)),
        ..Default::default()
    };
    let state = Builder::<Block>::new().mode(Mode::Online(config)).build().await;
    let state = state.map_err(|error| anyhow!("the state of {url} cannot be read: {error}"))?;
    let bytes = std::fs::metadata(&snapshot)?.len();
    println!("state of block {} in {}, {bytes} bytes", state.header.number, snapshot.display());
    Ok(())
}

async fn try_on(snapshot: PathBuf, max_blocks: u32) -> Result<()> {
    std::fs::metadata(&snapshot)
        .with_context(|| format!("there is no snapshot {}; --take writes one", snapshot.display()))?;
    let config = OfflineConfig { state_snapshot: SnapshotConfig::new(&snapshot) };
    let state = Builder::<Block>::new().mode(Mode::Offline(config)).build().await;
    let mut state =
        state.map_err(|error| anyhow!("{} is no snapshot: {error}", snapshot.display()))?;
    let number = state.header.number;
    println!("state of block {number}");
    state.execute_with(|| upgrade::run(max_blocks, &mut |line| println!("{line}")))
}
