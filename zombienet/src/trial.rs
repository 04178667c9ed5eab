//! A node that is started to see how it ends: a process of the scenario, with the arguments of a node
//! of the network that does not run.

use std::{
    fs::File,
    io::Write,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{ensure, Context, Result};
use tokio::process::{Child, Command};

use crate::{
    testnet::Testnet,
    wait::{until, within},
};

/// Time for a process to end after SIGKILL.
const END: Duration = Duration::from_secs(10);

/// A started node. Dropping it kills the process.
pub struct Trial {
    name: String,
    log: PathBuf,
    process: Child,
}

impl Trial {
    /// Starts a node of the network that does not run, with these environment variables besides its own,
    /// and a log of its own.
    ///
    /// # Errors
    ///
    /// There is no such node, or the program cannot be started.
    pub fn start(
        testnet: &Testnet,
        name: &str,
        variables: &[(String, String)],
        log: &str,
    ) -> Result<Self> {
        let node = std::env::var("ASSAY_NODE").context("ASSAY_NODE is not set")?;
        let log = testnet.folder().join(name).join(format!("{log}.log"));
        let output = File::create(&log)?;
        let process = Command::new(&node)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .args(testnet.node(name)?.args())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {node}"))?;
        let id = process.id().context("the process has ended")?;
        let file = testnet.folder().join("processes");
        writeln!(File::options().append(true).open(file)?, "{id} {name}")?;
        Ok(Self { name: name.to_owned(), log, process })
    }

    /// Waits until the node ends by itself. Returns its exit status.
    ///
    /// # Errors
    ///
    /// It still runs after `limit`.
    pub async fn end(&mut self, limit: Duration) -> Result<ExitStatus> {
        let awaited =
            format!("node {} ends by itself; its log is {}", self.name, self.log.display());
        within(limit, awaited, self.process.wait()).await
    }

    /// Waits until the node ends by itself, with exit status 1 and a log with all these texts.
    ///
    /// # Errors
    ///
    /// It runs, or ends otherwise.
    pub async fn fails(&mut self, limit: Duration, texts: &[&str]) -> Result<String> {
        let status = self.end(limit).await?;
        let log = self.text()?;
        let last: Vec<_> = log.lines().rev().take(4).collect();
        ensure!(status.code() == Some(1), "node {} ended with {status}: {last:?}", self.name);
        for text in texts {
            ensure!(log.contains(text), "node {} does not log `{text}`: {last:?}", self.name);
        }
        let said = log.lines().rev().find(|line| texts.iter().any(|text| line.contains(text)));
        Ok(said.unwrap_or_default().to_owned())
    }

    /// Waits until the node logs a text. Returns the line.
    ///
    /// # Errors
    ///
    /// It has not within `limit`.
    pub async fn logs(&self, limit: Duration, text: &str) -> Result<String> {
        let awaited = format!("node {} logs `{text}` to {}", self.name, self.log.display());
        let logged = async || {
            let log = self.text()?;
            Ok(log.lines().find(|line| line.contains(text)).map(str::to_owned))
        };
        until(limit, awaited, logged).await
    }

    /// Kills the process.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub async fn kill(mut self) -> Result<()> {
        self.process.start_kill()?;
        within(END, format!("the killed node {} ends", self.name), self.process.wait()).await?;
        Ok(())
    }

    fn text(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned())
    }
}
