//! The state of a block, in a file.

use std::path::Path;

use anyhow::{anyhow, ensure, Context, Result};
use assay_client::{rpc, Client};
use codec::{Decode, Encode};
use serde::Deserialize;
use sp_core::storage::Storage;
use subxt_rpcs::client::rpc_params;

/// Begins each file: what it is, and the version of its form.
const MAGIC: [u8; 16] = *b"assay/snapshot/1";
/// Keys in a page. The value of one key, the code, has more than a megabyte.
const PAGE: u32 = 1_000;

/// The state of a block. It has no child tries: this runtime makes none.
#[derive(Debug, PartialEq, Encode, Decode)]
pub struct Snapshot {
    /// The block.
    pub number: u32,
    /// All keys and values.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Deserialize)]
struct Changes {
    changes: Vec<(String, Option<String>)>,
}

impl Snapshot {
    /// The state of the last final block of a node.
    ///
    /// # Errors
    ///
    /// The node does not answer, or forgets the state meanwhile: nodes keep those of the last 256 blocks
    /// unless `--state-pruning` says otherwise.
    pub async fn take(client: &Client) -> Result<Self> {
        let (at, header) = client.rpc().finalized_header().await?;
        let mut entries = Vec::new();
        let mut last: Option<String> = None;
        loop {
            let page = rpc_params!["0x", PAGE, &last, at];
            let keys: Vec<String> = client.rpc().request("state_getKeysPaged", page).await?;
            let Some(newest) = keys.last() else { break };
            last = Some(newest.clone());
            let values = rpc_params![&keys, at];
            let sets: Vec<Changes> = client.rpc().request("state_queryStorageAt", values).await?;
            for (key, value) in sets.into_iter().flat_map(|set| set.changes) {
                let value = value.with_context(|| format!("key {key} has no value"))?;
                entries.push((bytes(&key)?, bytes(&value)?));
            }
        }
        Ok(Self { number: rpc::height(&header), entries })
    }

    /// Writes it to a file. Returns the size.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, file: &Path) -> Result<usize> {
        let bytes = (MAGIC, self).encode();
        std::fs::write(file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(bytes.len())
    }

    /// Reads it from a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is none that [`Self::write`] has made.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let is_none = || anyhow!("{} is no snapshot; --take writes one", file.display());
        let mut rest = bytes.strip_prefix(&MAGIC).ok_or_else(is_none)?;
        let snapshot = Self::decode(&mut rest)
            .map_err(|_| anyhow!("{} is cut off; take it again", file.display()))?;
        ensure!(rest.is_empty(), "{} is longer than its snapshot; take it again", file.display());
        Ok(snapshot)
    }

    /// The state, on which code of the runtime can run.
    pub fn into_state(self) -> sp_io::TestExternalities {
        let top = self.entries.into_iter().collect();
        Storage { top, ..Default::default() }.into()
    }
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").context("expected 0x")?;
    Ok(hex::decode(digits)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let file = std::env::temp_dir().join(format!("snapshot-{}", std::process::id()));
        let snapshot =
            Snapshot { number: 7, entries: vec![(vec![1, 2], vec![3]), (vec![4], vec![])] };
        let size = snapshot.write(&file).unwrap();
        assert_eq!(Snapshot::read(&file).unwrap(), snapshot);

        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(bytes.len(), size);
        for (change, expected) in [
            (bytes[..size - 1].to_vec(), "is cut off"),
            ([&bytes[..], &[0]].concat(), "is longer"),
            (bytes[1..].to_vec(), "is no snapshot"),
        ] {
            std::fs::write(&file, change).unwrap();
            let error = Snapshot::read(&file).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        std::fs::remove_file(&file).unwrap();
        assert!(Snapshot::read(&file).unwrap_err().to_string().contains("cannot read"));
    }

    #[test]
    fn the_code_reads_what_the_snapshot_has() {
        let entries = vec![(b"key".to_vec(), b"value".to_vec())];
        Snapshot { number: 1, entries }.into_state().execute_with(|| {
            let value = sp_io::storage::get(b"key").map(|value| value.to_vec());
            assert_eq!(value.as_deref(), Some(&b"value"[..]));
        });
    }
}
