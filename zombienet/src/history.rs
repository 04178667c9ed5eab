//! What nodes have finalised: one history, which only grows.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use anyhow::{ensure, Result};
use assay_client::{rpc, Client};
use assay_primitives::Digest;

use crate::scenario::Run;

/// The final blocks that nodes have shown.
#[derive(Default)]
pub struct History(Mutex<Shown>);

#[derive(Clone, Default)]
struct Shown {
    blocks: BTreeMap<u32, (Digest, String)>,
    newest: BTreeMap<String, u32>,
}

impl History {
    /// Enters the newest final block of a node. Returns its height.
    ///
    /// # Errors
    ///
    /// Another node has shown another final block of this height, the node has had a higher one, or it
    /// does not answer.
    pub async fn enter(&self, name: &str, client: &Client) -> Result<u32> {
        let (hash, header) = client.rpc().finalized_header().await?;
        let height = rpc::height(&header);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(name, height, hash)?;
        Ok(height)
    }

    /// Checks that all final blocks that nodes have shown are in the chain of a node.
    ///
    /// # Errors
    ///
    /// The first one that is not.
    pub async fn check(&self, run: &Run, client: &Client) -> Result<()> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (height, (hash, of)) in &shown.blocks {
            let here = client.rpc().block_hash(*height).await?;
            ensure!(
                here == Some(*hash),
                "final block {height} of {of} was {hash:?}, and the chain has {here:?}"
            );
        }
        let count = shown.blocks.len();
        run.narrator.say(format!("{count} final blocks that nodes have shown are in one chain"));
        Ok(())
    }
}

impl Shown {
    fn add(&mut self, name: &str, height: u32, hash: Digest) -> Result<()> {
        let newest = self.newest.entry(name.to_owned()).or_default();
        ensure!(height >= *newest, "{name} has final block {height}, and had {newest} before");
        *newest = height;
        let (other, of) = self.blocks.entry(height).or_insert_with(|| (hash, name.to_owned()));
        ensure!(
            *other == hash,
            "two histories are final: block {height} is {hash:?} for {name} and {other:?} for {of}"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_history_and_a_shorter_one_are_refused() {
        let hash = |byte| Digest::repeat_byte(byte);
        let mut history = Shown::default();
        history.add("alice", 4, hash(4)).unwrap();
        history.add("bob", 5, hash(5)).unwrap();
        history.add("alice", 5, hash(5)).unwrap();
        let error = history.add("bob", 4, hash(4)).unwrap_err().to_string();
        assert!(error.contains("had 5 before"), "{error}");
        let error = history.add("charlie", 4, hash(9)).unwrap_err().to_string();
        assert!(error.contains("two histories"), "{error}");
    }
}
