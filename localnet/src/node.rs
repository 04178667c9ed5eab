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

/// How long a node may take until it answers.
const START_TIMEOUT: Duration = Duration::from_secs(90);
/// How often a node that starts is asked.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How long a node may take to stop by itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Lines of a log that are shown where a node has failed.
const LOG_TAIL_LINES: usize = 15;

/// How a node is started.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its name, lower case.
    pub name: String,
    /// Whether its name is a well-known one, whose keys it has: it is a validator then.
    pub is_validator: bool,
    /// The node program.
    pub program: PathBuf,
    /// Name of the chain specification.
    pub chain: String,
    /// Folder of the node's data.
    pub base_path: PathBuf,
    /// File that its output goes to.
    pub log: PathBuf,
    /// Its ports.
    pub ports: NodePorts,
    /// Secret of its peer identity, 32 bytes in hex.
    pub node_key: String,
    /// Addresses of other nodes.
    pub bootnodes: Vec<String>,
    /// More arguments.
    pub arguments: Vec<String>,
}

/// A node that runs.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
    process: Option<Child>,
}

impl Node {
    /// Starts the process. It does not answer yet.
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
            // Whoever reaches loopback may ask everything; nobody else reaches it.
            .args(["--rpc-methods", "unsafe", "--rpc-cors", "all"])
            .args(["--no-telemetry", "--no-mdns"])
            .args(["--rpc-max-connections", "1000"])
            // Only then a line says whether it is a warning; see `incidents`.
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
        // So that a later run ends what an earlier one could not.
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

    /// Process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Address of its RPC.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.config.ports.rpc)
    }

    /// Address of its metrics.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.config.ports.metrics)
    }

    /// Address at which peers find it, given its peer identity.
    pub fn p2p_address(&self, peer: &str) -> String {
        format!("/ip4/127.0.0.1/tcp/{}/p2p/{peer}", self.config.ports.p2p)
    }

    /// The account whose keys it has.
    pub fn signer(&self) -> Result<Signer> {
        let mut name = self.config.name.clone();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Ok(Signer::from_suri(&format!("//{name}"))?)
    }

    /// Waits until it answers.
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

    /// Status of a process that has ended.
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

    /// The newest lines of its log that tell of trouble, each with the node's name.
    pub fn incidents(&self) -> String {
        const SIGNS: [&str; 3] = ["WARN", "ERROR", "Reorg"];
        let log = self.log();
        let told: Vec<_> =
            log.lines().filter(|line| SIGNS.iter().any(|sign| line.contains(sign))).collect();
        let newest = &told[told.len().saturating_sub(LOG_TAIL_LINES)..];
        newest.iter().map(|line| format!("{}: {line}\n", self.name())).collect()
    }

    /// Its whole log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.config.log).unwrap_or_default()
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        let _ = std::fs::remove_file(self.pid_file());
        Ok(())
    }

    /// Asks the process to end, and ends it if it does not.
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

    /// Starts a node that was killed or stopped, with the data that it had.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.spawn()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Nothing is left to do where this fails: the process has ended by itself.
        let _ = self.kill();
    }
}

fn signal(pid: u32, signal: &str) {
    let _ =
        Command::new("kill").args(["-s", signal, &pid.to_string()]).stderr(Stdio::null()).status();
}

/// Ends the node that an earlier, interrupted run has left behind in this folder, if it still
/// runs there.
pub fn end_stale(base_path: &Path) -> Result<()> {
    let pid_file = base_path.join("pid");
    let Ok(pid) = std::fs::read_to_string(&pid_file) else { return Ok(()) };
    let Ok(pid) = pid.trim().parse::<u32>() else { return Ok(()) };
    let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command_line = String::from_utf8_lossy(&command_line);
    // The id may be another process's by now.
    if command_line.contains(&*base_path.to_string_lossy()) {
        signal(pid, "KILL");
        while Path::new(&format!("/proc/{pid}")).exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    std::fs::remove_file(pid_file)?;
    Ok(())
}

/// Waits for the next best block.
pub async fn next_block(client: &Client) -> Result<u32> {
    let mut heads = client.rpc().subscribe_heads().await?;
    // The first is the one that is there.
    rpc::next(&mut heads, "new heads").await?;
    Ok(rpc::height(&rpc::next(&mut heads, "new heads").await?))
}

/// Waits until the best block has this height.
pub async fn wait_for_height(client: &Client, height: u32) -> Result<()> {
    let mut heads = client.rpc().subscribe_heads().await?;
    loop {
        let head = tokio::time::timeout(START_TIMEOUT, rpc::next(&mut heads, "new heads"))
            .await
            .context("the chain makes no blocks")??;
        if rpc::height(&head) >= height {
            return Ok(());
        }
    }
}

/// Waits until a block of this height is final.
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
    tokio::time::timeout(START_TIMEOUT, waiting).await.context("the chain finalises nothing")?
}
