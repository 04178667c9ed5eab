//! The files in which a node keeps its secret keys.

use std::path::PathBuf;

use anyhow::{ensure, Context, Result};
use assay_client::rpc::ValidatorKeys;

use crate::testnet::Testnet;

/// Types of the session keys.
const SESSION: [&[u8]; 3] = [b"babe", b"gran", b"audi"];

impl Testnet {
    /// The folder of a node's keys. A file is named after the type and the public key.
    fn keystore(&self, name: &str) -> Result<PathBuf> {
        let chains = self.folder().join(name).join("data").join("chains");
        let chain = chains.read_dir().with_context(|| format!("node {name} has no data"))?.next();
        Ok(chain
            .with_context(|| format!("{} is empty", chains.display()))??
            .path()
            .join("keystore"))
    }

    /// Copies all session keys of a node to another one, as who moves a validator does. A node uses
    /// what is in the folder at once. Returns the number of keys.
    ///
    /// # Errors
    ///
    /// A file cannot be copied, or there is none.
    pub fn copy_session_keys(&self, from: &str, to: &str) -> Result<usize> {
        let folder = self.keystore(to)?;
        std::fs::create_dir_all(&folder)?;
        let mut copied = 0;
        for entry in self.keystore(from)?.read_dir()? {
            let entry = entry?;
            let file = entry.file_name();
            if SESSION.iter().any(|kind| file.to_string_lossy().starts_with(&hex::encode(kind))) {
                std::fs::copy(entry.path(), folder.join(file))?;
                copied += 1;
            }
        }
        ensure!(copied > 0, "node {from} has no session keys");
        Ok(copied)
    }

    /// Removes these session keys from a node.
    ///
    /// # Errors
    ///
    /// The node does not have one of them.
    pub fn remove_session_keys(&self, name: &str, keys: &ValidatorKeys) -> Result<()> {
        let folder = self.keystore(name)?;
        let public = [keys.babe, keys.grandpa, keys.authority_discovery];
        for (kind, key) in SESSION.iter().zip(public) {
            let file = folder.join(hex::encode(kind) + &hex::encode(key));
            std::fs::remove_file(&file)
                .with_context(|| format!("cannot remove {}", file.display()))?;
        }
        Ok(())
    }
}
