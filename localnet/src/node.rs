//! One node process.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{bail, Context, Result};
use assay_client::{rpc, Client, Signer};

use crate::ports::NodePorts;

/// Maximum time until a node answers.
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// How often a starting node is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Maximum time for a node to stop by itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time until a killed process has ended.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of lines of a log that are shown if a node has failed.
const LOG_TAIL_LINES: usize = 15;

/// Configuration of a node.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Name in lower case.
    pub name: String,
    /// Whether it is a validator. Then its name is that of a well-known account, whose keys it has.
    pub is_validator: bool,
    /// The node program.
    pub program: PathBuf,
    /// Name of the chain specification.
    pub chain: String,
    /// Folder of the node's data.
    pub base_path: PathBuf,
    /// File for its output.
    pub log: PathBuf,
    /// Ports.
    pub ports: NodePorts,
    /// Secret key of its peer id, 32 bytes in hex.
    pub node_key: String,
    /// Addresses of other nodes.
    pub bootnodes: Vec<String>,
    /// Further arguments.
    pub arguments: Vec<String>,
}

/// A node process. Dropping it kills the process.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    process: Option<Child>,
}

impl Node {
    /// Starts the process. Does not wait until it answers.
    ///
    /// # Errors
    ///
    /// The folder or the log cannot be written, or the program cannot be started.
    pub fn start(config: NodeConfig) -> Result<Self> {
        std::fs::create_dir_all(&config.base_path)?;
        let mut node = Self { config, process: None };
        node.spawn()?;
        Ok(node)
    }

    fn spawn(&mut self) -> Result<()> {
        let NodeConfig { name, program, chain, base_path, log, ports, node_key, bootnodes, .. } =
            &self.config;
        let named = match self.config.is_validator {
            true => vec![format!("--{name}")],
            false => vec!["--name".to_owned(), name.clone()],
        };
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(program);
        command
            .args(named)
            .args(["--chain", chain])
            .arg("--base-path")
            .arg(base_path)
            .args(["--rpc-port", &ports.rpc.to_string()])
            .args(["--prometheus-port", &ports.metrics.to_string()])
            .args(["--listen-addr", &format!("/ip4/127.0.0.1/tcp/{}", ports.p2p)])
            .args(["--node-key", node_key])
            // The RPC port is reachable only on loopback, so all methods are allowed.
            .args(["--rpc-methods", "unsafe", "--rpc-cors", "all"])
            .args(["--no-telemetry", "--no-mdns"])
            .args(["--rpc-max-connections", "1000"])
            // Includes the level in each line, which `incidents` needs.
            .arg("--detailed-log-output");
        for bootnode in bootnodes {
            command.args(["--bootnodes", bootnode]);
        }
        let child = command
            .args(&self.config.arguments)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        // With this file, a later run can end the node if this one cannot.
        std::fs::write(self.pid_file(), child.id().to_string())?;
        self.process = Some(child);
        Ok(())
    }

    fn pid_file(&self) -> PathBuf {
        self.config.base_path.join("pid")
    }

    /// The node's name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The process id; `None` if the node is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// URL of its RPC.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.config.ports.rpc)
    }

    /// URL of its metrics.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.config.ports.metrics)
    }

    /// Secret key of its peer id, 32 bytes in hex.
    pub(crate) fn node_key(&self) -> &str {
        &self.config.node_key
    }

    /// Its multiaddress, for a given peer id.
    pub fn p2p_address(&self, peer: &str) -> String {
        format!("/ip4/127.0.0.1/tcp/{}/p2p/{peer}", self.config.ports.p2p)
    }

    /// The account that belongs to its name.
    ///
    /// # Errors
    ///
    /// The name is not that of a well-known account.
    pub fn signer(&self) -> Result<Signer> {
        let mut name = self.config.name.clone();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Ok(Signer::from_suri(&format!("//{name}"))?)
    }

    /// Waits until the node answers.
    ///
    /// # Errors
    ///
    /// The node ends, or does not answer within 90 seconds. The message contains the end of its
    /// log.
    pub async fn connect(&mut self) -> Result<Client> {
        let url = self.url();
        let started = tokio::time::Instant::now();
        loop {
            if let Some(status) = self.exit_status()? {
                bail!(
                    "node {} ended ({status}) while it started:\n{}",
                    self.name(),
                    self.log_tail()
                );
            }
            match Client::connect(&url).await {
                Ok(client) => return Ok(client),
                Err(error) if started.elapsed() > START_TIMEOUT => {
                    bail!("node {} does not answer: {error}\n{}", self.name(), self.log_tail())
                },
                Err(_) => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }

    /// The exit status; `None` if the node runs or is stopped.
    ///
    /// # Errors
    ///
    /// The operating system cannot report it.
    pub fn exit_status(&mut self) -> Result<Option<std::process::ExitStatus>> {
        match &mut self.process {
            Some(process) => Ok(process.try_wait()?),
            None => Ok(None),
        }
    }

    /// The end of its log.
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.config.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }

    /// The latest lines of its log with warnings, errors and reorganisations, each with the node's
    /// name.
    pub fn incidents(&self) -> String {
        const SIGNS: [&str; 3] = ["WARN", "ERROR", "Reorg"];
        let log = self.log();
        let lines: Vec<_> =
            log.lines().filter(|line| SIGNS.iter().any(|sign| line.contains(sign))).collect();
        let newest = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        newest.iter().map(|line| format!("{}: {line}\n", self.name())).collect()
    }

    /// Its whole log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.config.log).unwrap_or_default()
    }

    /// Kills the process, as a power failure would.
    ///
    /// # Errors
    ///
    /// The operating system cannot kill the process.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        let _ = std::fs::remove_file(self.pid_file());
        Ok(())
    }

    /// Requests the process to end, and kills it if it does not.
    ///
    /// # Errors
    ///
    /// The operating system cannot end the process.
    pub fn stop(&mut self) -> Result<()> {
        let Some(process) = &mut self.process else { return Ok(()) };
        signal(process.id(), "TERM");
        let started = std::time::Instant::now();
        while process.try_wait()?.is_none() {
            if started.elapsed() > STOP_TIMEOUT {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.kill()
    }

    /// Starts the node again, with its data.
    ///
    /// # Errors
    ///
    /// Those of [`Self::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.spawn()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // If this fails, the process has ended by itself.
        let _ = self.kill();
    }
}

fn signal(pid: u32, signal: &str) {
    let _ =
        Command::new("kill").args(["-s", signal, &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Ends the node of an earlier, interrupted run in this folder, if it still runs.
///
/// # Errors
///
/// The node does not end within 10 seconds, or the file with its process id cannot be removed.
pub fn end_stale(base_path: &Path) -> Result<()> {
    let pid_file = base_path.join("pid");
    let Ok(pid) = std::fs::read_to_string(&pid_file) else { return Ok(()) };
    let Ok(pid) = pid.trim().parse::<u32>() else { return Ok(()) };
    let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command_line = String::from_utf8_lossy(&command_line);
    // Another process may have this id now.
    if command_line.contains(&*base_path.to_string_lossy()) {
        signal(pid, "KILL");
        let started = std::time::Instant::now();
        while is_running(pid) {
            if started.elapsed() > KILL_TIMEOUT {
                bail!(
                    "the node of an earlier run in {} does not end; end process {pid}, or give \
                     another folder with --data",
                    base_path.display()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    std::fs::remove_file(pid_file)?;
    Ok(())
}

/// Whether a process runs. A zombie does not: it has ended, and is listed until its parent ends or
/// asks for its exit status.
fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The state follows the program's name in parentheses, which may itself contain parentheses.
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// Waits for the next best block. Returns its height.
///
/// # Errors
///
/// The node does not answer.
pub async fn next_block(client: &Client) -> Result<u32> {
    let mut heads = client.rpc().subscribe_heads().await?;
    // The first head is the current one.
    rpc::next(&mut heads, "new heads").await?;
    Ok(rpc::height(&rpc::next(&mut heads, "new heads").await?))
}

/// Waits until the best block has at least this height.
///
/// # Errors
///
/// There is no block within 90 seconds, or the node does not answer.
pub async fn wait_for_height(client: &Client, height: u32) -> Result<()> {
    let mut heads = client.rpc().subscribe_heads().await?;
    loop {
        let head = tokio::time::timeout(START_TIMEOUT, rpc::next(&mut heads, "new heads"))
            .await
            .context("the chain produces no blocks")??;
        if rpc::height(&head) >= height {
            return Ok(());
        }
    }
}

/// Waits until a block of this height is final.
///
/// # Errors
///
/// The block is not final within 90 seconds, or the node does not answer.
pub async fn wait_for_finality(client: &Client, height: u32) -> Result<()> {
    let waiting = async {
        let mut heads = client.rpc().subscribe_heads().await?;
        loop {
            let (_, header) = client.rpc().finalized_header().await?;
            if rpc::height(&header) >= height {
                return Ok(());
            }
            rpc::next(&mut heads, "new heads").await?;
        }
    };
    tokio::time::timeout(START_TIMEOUT, waiting).await.context("the chain finalises no blocks")?
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_stale_node_is_ended_even_if_its_parent_does_not_collect_it() {
        let folder = tempfile::tempdir().unwrap();
        let base_path = folder.path().to_owned();
        let mut node = Command::new("sh")
            .args(["-c", "echo; read line; exit"])
            .arg(&base_path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Its command line can be read once it has begun.
        let mut line = [0];
        node.stdout.take().unwrap().read_exact(&mut line).unwrap();
        std::fs::write(base_path.join("pid"), node.id().to_string()).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(end_stale(&base_path)));
        // The test is the parent, and collects the process only at its end.
        receiver.recv_timeout(Duration::from_secs(5)).expect("a zombie has ended").unwrap();
        assert!(!is_running(node.id()));
        assert!(!node.wait().unwrap().success());
        assert!(!folder.path().join("pid").exists());
        assert!(is_running(std::process::id()));
    }
}
