//! A network of nodes with its own data folder.

use std::{
    fs::{File, TryLockError},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{bail, ensure, Context, Result};
use assay_client::{rpc, Client};

use crate::{
    node::{end_stale, wait_for_finality, wait_for_height, Node, NodeConfig},
    ports::{self, NodePorts},
};

/// The validators of the chain `local`, in the order of its genesis.
pub const VALIDATORS: [&str; 4] = ["alice", "bob", "charlie", "dave"];
/// The chain specification.
const CHAIN: &str = "local";
/// Name of the file that marks a folder whose contents may be removed. A running network holds a
/// lock on it.
const MARKER: &str = ".assay-localnet";
/// Name of the node that [`Network::add_watcher`] adds.
const WATCHER: &str = "watcher";
/// Secret URI of the watcher's key.
pub const WATCHER_SURI: &str = "//Watcher";

/// Configuration of a network.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// The node program.
    pub program: PathBuf,
    /// Folder for the data of all nodes. The data of an earlier network there is removed.
    pub data: PathBuf,
    /// First port. `None`: any free ports.
    pub port_base: Option<u16>,
    /// Further arguments for every node.
    pub arguments: Vec<String>,
}

/// A running network. Dropping it kills its nodes.
#[derive(Debug)]
pub struct Network {
    config: NetworkConfig,
    bootnodes: Vec<String>,
    /// The nodes: one per validator, in the order of [`VALIDATORS`], then the watcher if there is
    /// one.
    pub nodes: Vec<Node>,
    /// The lock on the data folder. It is dropped after the nodes.
    _lock: File,
}

impl Network {
    /// Empties the folder and starts a new chain in it. Calls `progress` after each step.
    ///
    /// # Errors
    ///
    /// The node program is missing, the folder contains other data or has a running network, a port
    /// is in use, or a node does not start.
    pub async fn start(config: &NetworkConfig, progress: &dyn Fn(&str)) -> Result<Self> {
        ensure!(
            config.program.is_file(),
            "there is no node program at {}; build it first",
            config.program.display()
        );
        let (data, lock) = claim(&config.data)?;
        let ports = match config.port_base {
            Some(base) => ports::fixed(base, VALIDATORS.len() as u16)?,
            None => ports::ephemeral(VALIDATORS.len())?,
        };
        let config = NetworkConfig { data, ..config.clone() };
        let mut network = Self { config, bootnodes: Vec::new(), nodes: Vec::new(), _lock: lock };
        for (name, ports) in VALIDATORS.into_iter().zip(ports) {
            let node_key = random_node_key();
            let mut node = network.node_config(name, ports, &node_key);
            (node.is_validator, node.arguments) = (true, network.arguments("--operator"));
            let node = Node::start(node)?;
            if network.bootnodes.is_empty() {
                let identity = peer_identity(&network.config.program, &node_key)?;
                network.bootnodes.push(node.p2p_address(&identity));
            }
            network.nodes.push(node);
        }
        for node in &mut network.nodes {
            node.connect().await?;
            progress(&format!("node {} is ready at {}", node.name(), node.url()));
        }
        wait_for_finality(&network.client(0).await?, 1).await?;
        progress("the chain produces and finalises blocks");
        Ok(network)
    }

    /// Adds a watcher: a node that is not a validator and disputes wrong optimistic results with
    /// the key [`WATCHER_SURI`]. Returns when the node has synced. Its account needs funds.
    ///
    /// # Errors
    ///
    /// The key cannot be inserted, or the node does not start.
    pub async fn add_watcher(&mut self) -> Result<()> {
        let ports = ports::ephemeral(1)?.pop().context("no free ports")?;
        let mut node = self.node_config(WATCHER, ports, &random_node_key());
        node.arguments = self.arguments("--watch");
        insert_watcher_key(&node)?;
        let mut node = Node::start(node)?;
        let client = node.connect().await?;
        self.nodes.push(node);
        let best = rpc::height(&self.client(0).await?.rpc().header(None).await?);
        wait_for_height(&client, best).await
    }

    /// Adds a node without a role, which synchronises all blocks. Returns when it answers; it has not
    /// synced then.
    ///
    /// # Errors
    ///
    /// The node does not start.
    pub async fn add_full_node(&mut self, name: &str) -> Result<Client> {
        let ports = ports::ephemeral(1)?.pop().context("no free ports")?;
        let mut node = Node::start(self.node_config(name, ports, &random_node_key()))?;
        let client = node.connect().await?;
        self.nodes.push(node);
        Ok(client)
    }

    fn arguments(&self, role: &str) -> Vec<String> {
        std::iter::once(role.to_owned()).chain(self.config.arguments.iter().cloned()).collect()
    }

    fn node_config(&self, name: &str, ports: NodePorts, node_key: &str) -> NodeConfig {
        let data = self.data();
        NodeConfig {
            name: name.to_owned(),
            is_validator: false,
            program: self.config.program.clone(),
            chain: CHAIN.to_owned(),
            base_path: data.join(name),
            log: data.join(format!("{name}.log")),
            ports,
            node_key: node_key.to_owned(),
            bootnodes: self.bootnodes.clone(),
            arguments: Vec::new(),
        }
    }

    /// Makes a new connection to a node.
    ///
    /// # Errors
    ///
    /// There is no such node, or it does not answer.
    pub async fn client(&self, index: usize) -> Result<Client> {
        let node = self.nodes.get(index).context("there is no such node")?;
        Ok(Client::connect(&node.url()).await?)
    }

    /// The multiaddress of a node, which ends with its peer id.
    ///
    /// # Errors
    ///
    /// There is no such node, or the node program cannot derive the peer id.
    pub fn p2p_address(&self, index: usize) -> Result<String> {
        let node = self.nodes.get(index).context("there is no such node")?;
        Ok(node.p2p_address(&peer_identity(&self.config.program, node.node_key())?))
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.config.data
    }

    /// Stops every node.
    ///
    /// # Errors
    ///
    /// The operating system cannot end a process.
    pub fn stop(&mut self) -> Result<()> {
        self.nodes.iter_mut().rev().try_for_each(Node::stop)
    }

    /// The latest lines of the nodes' logs with warnings, errors and reorganisations.
    pub fn incidents(&self) -> String {
        self.nodes.iter().map(Node::incidents).collect()
    }

    /// Checks that all nodes run.
    ///
    /// # Errors
    ///
    /// A node has ended by itself. The message contains the end of its log.
    pub fn check(&mut self) -> Result<()> {
        for node in &mut self.nodes {
            if let Some(status) = node.exit_status()? {
                bail!("node {} has ended ({status}):\n{}", node.name(), node.log_tail());
            }
        }
        Ok(())
    }
}

/// Marks and locks the folder, and removes the data of an earlier network. Refuses a folder with
/// other data, or with a network that runs. Returns the folder and the lock.
fn claim(data: &Path) -> Result<(PathBuf, File)> {
    let marker = data.join(MARKER);
    if data.exists() && !marker.exists() {
        let empty = data.read_dir().with_context(|| format!("cannot read {}", data.display()))?;
        ensure!(
            empty.count() == 0,
            "{} contains other files; choose an empty or a new folder with --data",
            data.display()
        );
    }
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    let data = data.canonicalize()?;
    let lock = lock(&data)?;
    for name in VALIDATORS.into_iter().chain([WATCHER]) {
        let base = data.join(name);
        end_stale(&base)?;
        if base.exists() {
            std::fs::remove_dir_all(&base)?;
        }
        let log = data.join(format!("{name}.log"));
        if log.exists() {
            std::fs::remove_file(log)?;
        }
    }
    Ok((data, lock))
}

/// Writes and locks the folder's marker. The lock lasts until the file is dropped or the process
/// ends.
fn lock(data: &Path) -> Result<File> {
    let path = data.join(MARKER);
    let marker = File::options().create(true).truncate(false).write(true).open(&path);
    let mut marker = marker.with_context(|| format!("cannot write {}", path.display()))?;
    match marker.try_lock() {
        Ok(()) => {},
        Err(TryLockError::WouldBlock) => bail!(
            "a network is already running in {}; stop it, or give another folder with --data",
            data.display()
        ),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()))
        },
    }
    marker.set_len(0)?;
    marker.write_all(b"assay-localnet removes the contents of this folder.\n")?;
    Ok(marker)
}

/// Inserts the watcher's key into the keystore of a node that does not run yet.
fn insert_watcher_key(node: &NodeConfig) -> Result<()> {
    let output = Command::new(&node.program)
        .args(["key", "insert", "--chain", CHAIN, "--base-path"])
        .arg(&node.base_path)
        .args(["--key-type", "awch", "--scheme", "sr25519", "--suri", WATCHER_SURI])
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`key insert` failed: {stderr}");
    Ok(())
}

fn random_node_key() -> String {
    hex::encode(assay_client::keys::random_key())
}

/// The peer id that belongs to a node key.
fn peer_identity(program: &Path, node_key: &str) -> Result<String> {
    use std::process::Stdio;
    let mut process = Command::new(program)
        .args(["key", "inspect-node-key"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    process.stdin.take().context("no standard input")?.write_all(node_key.as_bytes())?;
    let output = process.wait_with_output()?;
    ensure!(output.status.success(), "`key inspect-node-key` failed");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_files_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("precious"), "x").unwrap();
        assert!(claim(folder.path()).is_err());
        assert!(folder.path().join("precious").exists());
    }

    #[test]
    fn a_folder_of_an_earlier_network_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let (data, lock) = claim(folder.path()).unwrap();
        std::fs::create_dir_all(data.join("alice/chains")).unwrap();
        std::fs::write(data.join("alice.log"), "x").unwrap();
        lock.unlock().unwrap();
        claim(folder.path()).unwrap();
        assert!(!data.join("alice").exists());
        assert!(!data.join("alice.log").exists());
    }

    #[test]
    fn a_folder_of_a_running_network_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (data, _lock) = claim(folder.path()).unwrap();
        std::fs::create_dir_all(data.join("alice/chains")).unwrap();
        let error = claim(folder.path()).unwrap_err().to_string();
        assert!(error.contains("already running") && error.contains("--data"), "{error}");
        assert!(data.join("alice/chains").exists());
    }
}
