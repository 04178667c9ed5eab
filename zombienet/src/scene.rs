//! What scenarios with requests begin and end with.

use std::time::Duration;

use anyhow::Result;
use assay_client::Client;

use crate::{
    health::check_nodes,
    ledger::Opening,
    load::{check_answers, Answered},
    scenario::Run,
    stage::Stage,
    testnet::Testnet,
};

/// The node for clients of the definition `operators`.
const NODE: &str = "full";
/// Time for a block to become final.
pub const FINALITY: Duration = Duration::from_secs(90);

/// Models, operators, payers, and what everybody has before the first request.
pub struct Scene {
    /// Models, operators and payers.
    pub stage: Stage,
    /// A client of the full node.
    pub client: Client,
    opening: Opening,
}

impl Scene {
    /// Sets the stage for this number of payers, and reads the balances.
    ///
    /// # Errors
    ///
    /// A step fails or takes too long.
    pub async fn set(run: &Run, payers: usize) -> Result<Self> {
        let stage = Stage::set(&run.testnet, NODE, payers).await?;
        Self::open(run, stage).await
    }

    /// Reads the balances, from which the audit starts.
    ///
    /// # Errors
    ///
    /// The node does not answer, or the best block does not become final.
    pub async fn open(run: &Run, stage: Stage) -> Result<Self> {
        let count = stage.operators.len() + stage.liars.len();
        run.narrator.say(format!("{count} operators serve two models"));
        let client = run.testnet.client(NODE).await?;
        let opening = Opening::read(&client, until_all_final(run, &client).await?).await?;
        Ok(Self { stage, client, opening })
    }

    /// Checks the answers, where the money went, and the metrics of all nodes.
    ///
    /// # Errors
    ///
    /// The first of these that is not as it has to be.
    pub async fn check(&self, run: &Run, answered: &[Answered]) -> Result<()> {
        check_answers(run, answered, self.stage.may_fail())?;
        // The node may have been started again.
        let client = run.testnet.client(NODE).await?;
        let height = until_all_final(run, &client).await?;
        self.opening.audit(&client, height, &self.stage, answered, run).await?;
        check_nodes(run, height).await
    }
}

/// Waits until the present best block is final. Returns the height of the newest final block.
async fn until_all_final(run: &Run, client: &Client) -> Result<u32> {
    let (best, _) = Testnet::heights(client).await?;
    run.until_final(client, best, FINALITY).await
}
