//! Partitions: nodes that accept reserved peers only are divided into sides, and connected again.
//!
//! When both nodes remove each other, the one that has opened the connection closes it at once, and
//! neither accepts another one. Nothing leaks between sides, and no privileges are needed.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use subxt_rpcs::client::rpc_params;

use crate::{testnet::Testnet, wait::until};

/// The flag of nodes that accept reserved peers only.
pub(crate) const RESERVED_ONLY: &str = "--reserved-only";
/// Time for connections to open or close. After a disconnection, a node refuses the peer for five
/// seconds.
const CONNECTION: Duration = Duration::from_secs(60);

impl Testnet {
    /// Connects all nodes.
    ///
    /// # Errors
    ///
    /// A node does not answer, or does not have all others as peers in time.
    pub async fn join(&self) -> Result<()> {
        self.divide(&[self.names().to_vec()]).await
    }

    /// Divides the nodes into sides: a node has all others of its side as peers, and nobody else.
    /// Returns when this is so.
    ///
    /// # Errors
    ///
    /// A node does not answer, or has other peers.
    pub async fn divide(&self, sides: &[Vec<String>]) -> Result<()> {
        for side in sides {
            for name in side {
                self.reserve(name, side).await?;
            }
        }
        for side in sides {
            for name in side {
                let expected = side.len().saturating_sub(1);
                let client = self.client(name).await?;
                let awaited = format!("node {name} has {expected} peers");
                let divided = async || {
                    let peers = client.rpc().health().await?.peers;
                    Ok((peers == expected).then_some(()))
                };
                until(CONNECTION, awaited, divided).await?;
            }
        }
        Ok(())
    }

    /// Makes the other nodes of a side the reserved peers of a node.
    async fn reserve(&self, name: &str, side: &[String]) -> Result<()> {
        let client = self.client(name).await?;
        let present: BTreeSet<String> =
            client.rpc().request("system_reservedPeers", rpc_params![]).await?;
        for other in self.names().iter().filter(|other| *other != name) {
            let address = self.node(other)?.multiaddr();
            let (_, peer) = address.rsplit_once("/p2p/").context("the address names no peer")?;
            match (side.contains(other), present.contains(peer)) {
                (true, false) => {
                    let call = client.rpc().request("system_addReservedPeer", rpc_params![address]);
                    let _: () = call.await?;
                },
                (false, true) => {
                    let call = client.rpc().request("system_removeReservedPeer", rpc_params![peer]);
                    let _: () = call.await?;
                },
                _ => {},
            }
        }
        Ok(())
    }
}
