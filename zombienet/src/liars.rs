//! Operators that break the rules: processes of `assay-liar`, which lies beside the node program.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result};
use assay_client::{AccountId, Client, Signer};
use assay_localnet::{fund, BundledModel, OperatorTerms};
use assay_primitives::{AnsweredRequest, ModelDescriptor, SignedResult, WorkerId, ASY};
use codec::DecodeAll;
use tokio::process::{Child, Command};

use crate::{scenario::Run, stage::Stage, wait::until};

/// Time to register.
const REGISTRATION: Duration = Duration::from_secs(180);
/// What an operator gets besides its bond, for fees.
const FEES: u128 = 100 * ASY;

/// The arguments of a report of an equivocation, as the program prints them.
pub type Equivocation = (
    WorkerId,
    AnsweredRequest<AccountId>,
    ModelDescriptor,
    SignedResult<AccountId>,
    SignedResult<AccountId>,
    Option<(Vec<u8>, Vec<u8>)>,
);

/// A bad operator. Dropping it ends its process.
pub struct Liar {
    /// What it does, as an argument of the program.
    pub conduct: &'static str,
    /// The signer of its account.
    pub signer: Signer,
    output: PathBuf,
    _process: Child,
}

impl Liar {
    /// Starts one that uses a node's RPC, and serves both models of a stage. Returns when it is live.
    ///
    /// # Errors
    ///
    /// The program is missing, or the chain refuses the registration.
    pub async fn start(
        run: &Run,
        client: &Client,
        stage: &Stage,
        conduct: &'static str,
    ) -> Result<Self> {
        let suri = format!("//Ferdie//{conduct}");
        let signer = Signer::from_suri(&suri)?;
        let bond = OperatorTerms::default().bond + FEES;
        fund(client, &Signer::from_suri("//Ferdie")?, signer.account(), bond).await?;

        let node = std::env::var_os("ASSAY_NODE").context("ASSAY_NODE is not set")?;
        let program = Path::new(&node).with_file_name("assay-liar");
        let output = run.testnet.folder().join(format!("{conduct}.out"));
        let log = File::create(run.testnet.folder().join(format!("{conduct}.log")))?;
        let models = [&stage.floating, &stage.integer];
        let graph = BundledModel::digits_graph(&BundledModel::folder_of_checkout()).file();
        let process = Command::new(&program)
            .args(["--conduct", conduct, "--url", client.rpc().url(), "--suri", &suri, "--models"])
            .args(models.map(|model| model.version.id.model.0.to_string()))
            .arg("--graph")
            .arg(graph)
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let liar = Self { conduct, signer, output, _process: process };
        let live = async || Ok(liar.output()?.starts_with("live\n").then_some(()));
        until(REGISTRATION, format!("the operator that is to {conduct} is live"), live).await?;
        Ok(liar)
    }

    /// What it has printed.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn output(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.output)?)
    }

    /// Its bond in plancks.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn bond(&self, client: &Client) -> Result<u128> {
        let operator = client.operator(self.signer.account()).await?;
        Ok(operator.context("it is no operator")?.bond)
    }

    /// An equivocation that it has printed; `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// The output cannot be read.
    pub fn equivocation(&self) -> Result<Option<Equivocation>> {
        let output = self.output()?;
        let complete = output.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let Some(line) = complete.lines().nth(1) else { return Ok(None) };
        Ok(Some(DecodeAll::decode_all(&mut &hex::decode(line)?[..])?))
    }
}
