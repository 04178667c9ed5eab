//! The nodes of a network: a definition in `networks`, spawned with the native provider.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{anyhow, Context, Result};
use assay_client::{rpc, Client};
use nix::{
    sys::signal::{kill, Signal},
    unistd::Pid,
};
use zombienet_sdk::{
    AddNodeOptions, Arg, GlobalSettingsBuilder, LocalFileSystem, Network, NetworkConfig,
    NetworkConfigExt, NetworkNode,
};

use crate::{
    partition::RESERVED_ONLY,
    wait::{until, within},
};

/// Time for a node to answer after its start.
const START: Duration = Duration::from_secs(90);
/// Time for a process to end after SIGKILL.
const END: Duration = Duration::from_secs(10);
/// Time for a node to answer a question.
const ANSWER: Duration = Duration::from_secs(20);
/// Height of the newest final block, among a node's metrics.
const FINAL_HEIGHT: &str = r#"substrate_block_height{status="finalized"}"#;
/// Number of connected peers, among a node's metrics.
const PEERS: &str = "substrate_sub_libp2p_peers_count";
/// Number of connections that a node opens by itself. With more nodes, not all have each other.
const ENOUGH_PEERS: usize = 8;

/// A running network. Dropping it kills its nodes.
pub struct Testnet {
    network: Network<LocalFileSystem>,
    folder: PathBuf,
    names: Vec<String>,
    default_args: Vec<Arg>,
}

impl Testnet {
    /// Spawns the definition `networks/NAME.toml`, as `zombie-cli spawn -p native` does, with all
    /// data in `folder`. Returns when every node answers. Nodes that accept reserved peers only have
    /// each other then.
    ///
    /// # Errors
    ///
    /// The definition is wrong, the node program is missing, or a node does not start.
    pub async fn spawn(name: &str, folder: &Path) -> Result<Self> {
        let config = configuration(name, folder)?;
        let default_args = config.relaychain().default_args().into_iter().cloned().collect();
        let network = config.spawn_native().await.context("zombienet cannot spawn the network")?;
        let names = network.nodes().iter().map(|node| node.name().to_owned()).collect();
        let testnet = Self { network, folder: folder.to_owned(), names, default_args };
        testnet.note_processes()?;
        if testnet.default_args.contains(&Arg::from(RESERVED_ONLY)) {
            testnet.join().await?;
        }
        Ok(testnet)
    }

    /// The folder of the network, with a folder for each node.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names of the nodes; those that were added come last.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Names of the nodes whose name begins like this.
    pub fn named(&self, start: &str) -> Vec<String> {
        self.names.iter().filter(|name| name.starts_with(start)).cloned().collect()
    }

    /// Addresses of the nodes' RPC.
    ///
    /// # Errors
    ///
    /// A node has gone from the network.
    pub fn urls(&self) -> Result<Vec<String>> {
        self.names.iter().map(|name| self.url(name)).collect()
    }

    /// Address of a node's RPC.
    ///
    /// # Errors
    ///
    /// There is no such node.
    pub fn url(&self, name: &str) -> Result<String> {
        Ok(self.node(name)?.ws_uri().to_owned())
    }

    /// A new connection to a node, when it answers.
    ///
    /// # Errors
    ///
    /// There is no such node, or it does not answer in time.
    pub async fn client(&self, name: &str) -> Result<Client> {
        let url = self.url(name)?;
        let answers = format!("node {name} answers");
        until(START, answers, async || Ok(Some(Client::connect(&url).await?))).await
    }

    /// Kills the process of a node, as a power failure would.
    ///
    /// # Errors
    ///
    /// There is no such node, or its process does not end.
    pub async fn kill(&self, name: &str) -> Result<()> {
        let node = self.node(name)?;
        let process = process(node)?;
        kill(process, Signal::SIGKILL).with_context(|| format!("cannot kill node {name}"))?;
        let ended = format!("the killed node {name} ends");
        until(END, ended, async || Ok((!node.is_responsive().await).then_some(()))).await
    }

    /// Starts a killed node again, on the same data. Returns when it answers.
    ///
    /// # Errors
    ///
    /// There is no such node, or it does not start.
    pub async fn restart(&self, name: &str) -> Result<()> {
        self.node(name)?.restart(None).await?;
        self.note_processes()?;
        self.client(name).await?;
        Ok(())
    }

    /// Adds a node that is not a validator, with options besides those of the definition. Returns
    /// when it answers.
    ///
    /// # Errors
    ///
    /// The node does not start.
    pub async fn add(&mut self, name: &str, options: &[(&str, &str)]) -> Result<()> {
        let own = options.iter().map(|option| Arg::from(*option));
        let args = self.default_args.iter().cloned().chain(own).collect();
        let options = AddNodeOptions { args, ..Default::default() };
        let started = format!("node {name} starts");
        within(START, started, self.network.add_node(name, options)).await?;
        self.names.push(name.to_owned());
        self.note_processes()
    }

    /// Waits until a node has at least this final height, by its own metrics.
    ///
    /// # Errors
    ///
    /// It has not within `limit`.
    pub async fn finalised(&self, name: &str, height: u32, limit: Duration) -> Result<()> {
        let awaited = format!("node {name} has final block {height}");
        let reached = async || {
            Ok((self.metric(name, FINAL_HEIGHT).await? >= f64::from(height)).then_some(()))
        };
        until(limit, awaited, reached).await
    }

    /// Waits until the log of a node has this text.
    ///
    /// # Errors
    ///
    /// It has not within `limit`.
    pub async fn logged(&self, name: &str, text: &str, limit: Duration) -> Result<()> {
        let node = self.node(name)?;
        let awaited = format!("node {name} logs `{text}`");
        until(limit, awaited, async || Ok(node.logs().await?.contains(text).then_some(()))).await
    }

    /// A metric of a node. The SDK shows a missing one as zero.
    ///
    /// # Errors
    ///
    /// There is no such node, or it does not answer.
    pub async fn metric(&self, name: &str, metric: &str) -> Result<f64> {
        let asked = format!("node {name} shows its metric {metric}");
        within(ANSWER, asked, self.node(name)?.reports(metric)).await
    }

    /// The sum of a counter of a node over all its labels, or over those that contain `label`.
    ///
    /// # Errors
    ///
    /// There is no such node or counter, or the node does not answer.
    pub async fn counter(&self, name: &str, counter: &str, label: &str) -> Result<f64> {
        let node = serde_json::to_value(self.node(name)?)?;
        let url = node["prometheus_uri"].as_str().context("the node shows no metrics")?;
        let text = within(ANSWER, format!("node {name} shows its metrics"), async {
            reqwest::get(url).await?.text().await
        });
        sum(&text.await?, counter, label)
            .with_context(|| format!("node {name} has no counter {counter} with {label}"))
    }

    /// Resident memory of a node in bytes. Its metrics have none.
    ///
    /// # Errors
    ///
    /// There is no such node, or it does not run.
    pub fn resident_bytes(&self, name: &str) -> Result<f64> {
        let process = process(self.node(name)?)?;
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        Ok(kilobytes.context("no resident memory")?.parse::<f64>()? * 1024.0)
    }

    /// Number of open files and sockets of a node.
    ///
    /// # Errors
    ///
    /// There is no such node, or it does not run.
    pub fn open_files(&self, name: &str) -> Result<f64> {
        let process = process(self.node(name)?)?;
        Ok(std::fs::read_dir(format!("/proc/{process}/fd"))?.count() as f64)
    }

    /// Waits until every node has enough peers: every other node, or [`ENOUGH_PEERS`].
    ///
    /// # Errors
    ///
    /// A node has too few peers after 90 seconds.
    pub async fn connected(&self) -> Result<()> {
        let enough = self.names.len().saturating_sub(1).min(ENOUGH_PEERS);
        for name in &self.names {
            let awaited = format!("node {name} has {enough} peers");
            let has_peers = async || {
                let peers = self.metric(name, PEERS).await?;
                Ok((peers >= enough as f64).then_some(()))
            };
            until(START, awaited, has_peers).await?;
        }
        Ok(())
    }

    /// Height of the best and of the newest final block of a node.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn heights(client: &Client) -> Result<(u32, u32)> {
        let (_, header) = client.rpc().finalized_header().await?;
        let best = client.rpc().header(None).await?;
        Ok((rpc::height(&best), rpc::height(&header)))
    }

    /// Ends all processes.
    ///
    /// # Errors
    ///
    /// A process cannot be ended.
    pub async fn end(self) -> Result<()> {
        within(END, "all nodes end", self.network.destroy()).await
    }

    pub(crate) fn node(&self, name: &str) -> Result<&NetworkNode> {
        self.network.get_node(name).with_context(|| format!("there is no node {name}"))
    }

    /// Writes the ids of all processes to the file `processes`, with which `scripts/zombienet` ends
    /// those of a run that was killed.
    fn note_processes(&self) -> Result<()> {
        let mut lines = String::new();
        for name in &self.names {
            lines.push_str(&format!("{} {name}\n", process(self.node(name)?)?));
        }
        let file = self.folder.join("processes");
        std::fs::write(&file, lines).with_context(|| format!("cannot write {}", file.display()))
    }
}

/// The sum of the values of a counter whose labels contain `label`; `None` if there are none.
fn sum(metrics: &str, counter: &str, label: &str) -> Option<f64> {
    let values = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix(counter)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let named = labels.is_empty() || labels.starts_with('{');
        if !named || !labels.contains(label) {
            return None;
        }
        value.parse::<f64>().ok()
    });
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// The process of a node. The SDK has no function for it, but writes it into `zombie.json`.
fn process(node: &NetworkNode) -> Result<Pid> {
    let node = serde_json::to_value(node)?;
    let id = node["inner"]["process_handle"].as_i64().context("the node has no process")?;
    Ok(Pid::from_raw(i32::try_from(id)?))
}

/// The definition, with the folder for the data of its nodes.
fn configuration(name: &str, folder: &Path) -> Result<NetworkConfig> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("networks/{name}.toml"));
    let file = file.to_str().context("the path of the checkout is not UTF-8")?;
    // zombienet puts it into the definition.
    std::env::var("ASSAY_NODE").context(
        "ASSAY_NODE is not set to the node program; run scripts/zombienet, which sets it",
    )?;
    let config = NetworkConfig::load_from_toml(file)?;
    let settings = config.global_settings();
    let settings = GlobalSettingsBuilder::new()
        .with_network_spawn_timeout(settings.network_spawn_timeout())
        .with_tear_down_on_failure(settings.tear_down_on_failure())
        .with_base_dir(folder)
        .build()
        .map_err(|errors| anyhow!("the settings of {name} are wrong: {errors:?}"))?;
    NetworkConfig::load_from_toml_with_settings(file, &settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_summed_over_its_labels_and_never_missed() {
        let metrics = "# TYPE refused counter\nrefused{from=\"rpc\",kind=\"any\"} 2\n\
                       refused{from=\"rpc\",kind=\"moves\"} 3\nrefused{from=\"peers\"} 4\n\
                       refused_more 5\nplain 6\n";
        assert_eq!(sum(metrics, "refused", "from=\"rpc\""), Some(5.0));
        assert_eq!(sum(metrics, "refused", ""), Some(9.0));
        assert_eq!(sum(metrics, "plain", ""), Some(6.0));
        assert_eq!(sum(metrics, "absent", ""), None);
        assert_eq!(sum(metrics, "refused", "from=\"others\""), None);
    }
}
