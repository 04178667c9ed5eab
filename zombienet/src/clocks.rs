//! The clocks of `pallet-room`, which count the blocks that had room.

use anyhow::{Context, Result};
use assay_client::{storage, Client};
use assay_primitives::Digest;

/// Number of blocks that had room for a move in a dispute, in the state of a node's best block.
///
/// # Errors
///
/// The node does not answer, or the chain has no such clock.
pub async fn move_blocks(client: &Client) -> Result<u32> {
    read(client, None).await
}

/// The same in the state of a block.
///
/// # Errors
///
/// The node does not answer, or the chain has no such clock.
pub async fn move_blocks_at(client: &Client, at: Digest) -> Result<u32> {
    read(client, Some(at)).await
}

async fn read(client: &Client, at: Option<Digest>) -> Result<u32> {
    let key = storage::value_key("Room", "Clocks");
    // The clock of answers comes first.
    let clocks: Option<(u32, u32)> = client.rpc().storage_value(&key, at).await?;
    Ok(clocks.context("the chain has no clocks")?.1)
}
