//! Models, operators and payers: what a network needs on the chain before it can serve requests.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Context, Result};
use assay_client::{AccountId, Client, Input, Signer};
use assay_localnet::{
    fund, register_operator, serve, wait_until_live, BundledModel, OperatorTerms,
};
use assay_primitives::{runtime_api::VersionView, Assurance, ASY};
use futures::future::try_join_all;
use subxt_rpcs::client::rpc_params;

use crate::{testnet::Testnet, wait::within};

/// Time to publish the models.
const PUBLICATION: Duration = Duration::from_secs(180);
/// Time to register operators, and for their first heartbeats.
const REGISTRATION: Duration = Duration::from_secs(240);
/// What an operator gets besides its bond, for fees.
const OPERATOR_FEES: u128 = 100 * ASY;
/// What a payer or a challenger gets.
const PAYER_FUNDS: u128 = 1_000 * ASY;

/// Secret of the account that disputes results.
pub const CHALLENGER: &str = "//Ferdie//challenger";

/// A published version with an input.
#[derive(Clone)]
pub struct Model {
    /// The version.
    pub version: VersionView<AccountId>,
    /// A picture of a handwritten digit.
    pub input: Input,
    /// The digit.
    pub label: u64,
}

/// What requests need: two models, operators that serve them, and payers with funds.
#[derive(Clone)]
pub struct Stage {
    /// An ONNX model, for the classes `Signed` and `Quorum`.
    pub floating: Model,
    /// An integer graph, for the classes `Optimistic` and `Proof`.
    pub integer: Model,
    /// The owner of both.
    pub owner: Signer,
    /// The operators' accounts.
    pub operators: Vec<Signer>,
    /// The payers.
    pub payers: Vec<Signer>,
    /// An account that disputes results, with funds. It may lose dispute bonds.
    pub challenger: Signer,
    /// Operators that may be slashed, besides those above. If there are any, requests may be refunded.
    pub liars: Vec<AccountId>,
    /// When operators were kept from answering.
    pub away: Vec<Away>,
}

/// Operators that others could not reach. They may be slashed in these blocks, as operators that do not
/// answer, and requests may be refunded in them.
#[derive(Clone, Debug)]
pub struct Away {
    /// The operators' accounts.
    pub operators: Vec<AccountId>,
    /// Heights, up to the last deadline of what they were asked meanwhile.
    pub blocks: RangeInclusive<u32>,
}

impl Stage {
    /// Publishes the models, makes every node whose name begins with `operator` an operator of
    /// both, and funds `payers` payers. Returns when all operators are live and every node has
    /// enough peers, so that the network holds together without any one of them.
    ///
    /// # Errors
    ///
    /// A step fails or takes too long.
    pub async fn set(testnet: &Testnet, through: &str, payers: usize) -> Result<Self> {
        let client = testnet.client(through).await?;
        let owner = Signer::from_suri("//Eve")?;
        let models = BundledModel::folder_of_checkout();
        let published = async {
            let floating = publish(&client, &BundledModel::digits(&models), &owner).await?;
            let integer = publish(&client, &BundledModel::digits_graph(&models), &owner).await?;
            anyhow::Ok((floating, integer))
        };
        let (floating, integer) =
            within(PUBLICATION, "two models are published", published).await?;

        let names = testnet.named("operator");
        let registered = async {
            let registering = names.iter().map(|name| register(testnet, &client, name));
            let operators = try_join_all(registering).await?;
            for model in [&floating, &integer] {
                let serving = operators.iter().map(|operator| {
                    serve(&client, operator, model.version.id, OperatorTerms::default())
                });
                try_join_all(serving).await?;
            }
            let accounts: Vec<_> = operators.iter().map(|one| one.account().clone()).collect();
            wait_until_live(&client, &accounts).await?;
            anyhow::Ok(operators)
        };
        let operators = within(REGISTRATION, "operators serve and are live", registered).await?;

        let bank = Signer::from_suri("//Ferdie")?;
        let payers = (0..payers)
            .map(|index| Ok(Signer::from_suri(&format!("//Ferdie//payer//{index}"))?))
            .collect::<Result<Vec<_>>>()?;
        let challenger = Signer::from_suri(CHALLENGER)?;
        let accounts = payers.iter().chain([&challenger]).map(Signer::account);
        let funding = accounts.map(|account| fund(&client, &bank, account, PAYER_FUNDS));
        within(REGISTRATION, "payers have funds", try_join_all(funding)).await?;
        testnet.connected().await?;
        let (liars, away) = (Vec::new(), Vec::new());
        Ok(Self { floating, integer, owner, operators, payers, challenger, liars, away })
    }

    /// Whether requests may end without a result.
    pub fn may_fail(&self) -> bool {
        !self.liars.is_empty() || !self.away.is_empty()
    }

    /// The same with some of the payers.
    pub fn of_payers(&self, payers: std::ops::Range<usize>) -> Self {
        let payers = self.payers.get(payers).unwrap_or_default().to_vec();
        Self { payers, ..self.clone() }
    }

    /// The model that serves a class in this stage.
    pub fn model(&self, assurance: Assurance) -> &Model {
        match assurance {
            Assurance::Optimistic | Assurance::Proof => &self.integer,
            _ => &self.floating,
        }
    }
}

async fn publish(client: &Client, model: &BundledModel, owner: &Signer) -> Result<Model> {
    let published = client.publish(&model.publication()?, owner, &|_| ()).await?;
    let version = client.version(published.version).await?.context("the version is not there")?;
    let (input, label) = model.picture(client, &version).await?;
    Ok(Model { version, input, label })
}

/// Gives a node a worker key, and registers its operator: the account `//Ferdie//NAME`.
async fn register(testnet: &Testnet, client: &Client, name: &str) -> Result<Signer> {
    let operator = Signer::from_suri(&format!("//Ferdie//{name}"))?;
    let worker_suri = format!("//Ferdie//{name}//worker");
    let node = testnet.client(name).await?;
    insert_key(&node, "awrk", &worker_suri).await?;
    let bank = Signer::from_suri("//Ferdie")?;
    let terms = OperatorTerms::default();
    fund(client, &bank, operator.account(), terms.bond + OPERATOR_FEES).await?;
    register_operator(&node, &operator, terms).await?;
    Ok(operator)
}

/// Gives a node a key of a type, as `author_insertKey` does.
///
/// # Errors
///
/// The secret is malformed, or the node does not answer.
pub async fn insert_key(node: &Client, key_type: &str, suri: &str) -> Result<()> {
    let key = Signer::from_suri(suri)?;
    let public: &[u8] = key.account().as_ref();
    let key = rpc_params![key_type, suri, format!("0x{}", hex::encode(public))];
    Ok(node.rpc().request("author_insertKey", key).await?)
}
