//! Allocation of ports on loopback.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{bail, Context, Result};

/// The ports of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePorts {
    /// JSON-RPC over HTTP and WebSocket.
    pub rpc: u16,
    /// The peer-to-peer network.
    pub p2p: u16,
    /// Prometheus metrics.
    pub metrics: u16,
}

/// Number of ports of a node.
const PER_NODE: u16 = 3;

/// The ports of `count` nodes, starting at `base`.
///
/// # Errors
///
/// A port is in use.
pub fn fixed(base: u16, count: u16) -> Result<Vec<NodePorts>> {
    let end = base.checked_add(count * PER_NODE).context("the port base is too high")?;
    for port in base..end {
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
            bail!(
                "port {port} is in use; stop the program that uses it, or choose {} free ports with \
                 --port-base",
                count * PER_NODE
            );
        }
    }
    let ports = |index: u16| {
        let first = base + index * PER_NODE;
        NodePorts { rpc: first, p2p: first + 1, metrics: first + 2 }
    };
    Ok((0..count).map(ports).collect())
}

/// Free ports for `count` nodes, chosen by the operating system.
///
/// # Errors
///
/// There are not enough free ports.
pub fn ephemeral(count: usize) -> Result<Vec<NodePorts>> {
    // All listeners stay open until all ports are known, so that no port is chosen twice.
    let listeners = (0..count * usize::from(PER_NODE))
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<Vec<_>, _>>()
        .context("no free port")?;
    let numbers = listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect::<Result<Vec<_>>>()?;
    Ok(numbers
        .chunks_exact(usize::from(PER_NODE))
        .map(|ports| NodePorts { rpc: ports[0], p2p: ports[1], metrics: ports[2] })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = fixed(port, 1).unwrap_err().to_string();
        assert!(error.contains(&format!("port {port} is in use")), "{error}");
    }

    #[test]
    fn no_port_is_allocated_twice() {
        let ports = ephemeral(8).unwrap();
        let mut all: Vec<u16> =
            ports.iter().flat_map(|ports| [ports.rpc, ports.p2p, ports.metrics]).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 24);
    }
}
