//! Who takes part: operators that register, serve and become live. What builds upon a call here may
//! ask another node, so each is waited for until it is final.

use anyhow::{Context, Result};
use assay_client::{
    calls::{balances, operators},
    rpc, AccountId, Client, Signer,
};
use assay_primitives::{operator::Roles, Balance, BlockNumber, VersionId, ASY};

/// On what terms an operator takes part.
#[derive(Clone, Copy, Debug)]
pub struct OperatorTerms {
    /// Its bond, in plancks.
    pub bond: Balance,
    /// Its price for one run, in plancks.
    pub ask: Balance,
    /// Runs at once.
    pub concurrency: u32,
    /// Blocks that it wants for an answer.
    pub response_blocks: BlockNumber,
}

impl Default for OperatorTerms {
    fn default() -> Self {
        Self { bond: 2_000 * ASY, ask: ASY / 100, concurrency: 1_000, response_blocks: 2 }
    }
}

/// Registers the account of a node as an operator, with the worker key that the node has.
pub async fn register_operator(
    client: &Client,
    signer: &Signer,
    terms: OperatorTerms,
) -> Result<()> {
    if client.operator(signer.account()).await?.is_none() {
        let key = client.rpc().worker_key(signer.account()).await?;
        let register = operators::register(Roles::INFERENCE, key, terms.bond);
        client.submit_final(&register, signer).await?;
    }
    Ok(())
}

/// Serves a version in every class that it offers.
pub async fn serve(
    client: &Client,
    signer: &Signer,
    version: VersionId,
    terms: OperatorTerms,
) -> Result<()> {
    let view = client.version(version).await?.context("the version is not on chain")?;
    let classes = view.descriptor.assurances;
    let blocks = terms.response_blocks;
    let call = operators::serve(version, terms.ask, terms.concurrency, blocks, classes);
    client.submit_final(&call, signer).await?;
    Ok(())
}

/// Gives an account funds.
pub async fn fund(client: &Client, from: &Signer, to: &AccountId, amount: Balance) -> Result<()> {
    client.submit_final(&balances::transfer_keep_alive(to.clone(), amount), from).await?;
    Ok(())
}

/// Waits until the heartbeats of all these operators have been seen.
pub async fn wait_until_live(client: &Client, accounts: &[AccountId]) -> Result<()> {
    const BLOCKS: usize = 60;
    let mut heads = client.rpc().subscribe_heads().await?;
    for _ in 0..BLOCKS {
        let mut live = 0;
        for account in accounts {
            live += usize::from(client.operator(account).await?.is_some_and(|one| one.live));
        }
        if live == accounts.len() {
            return Ok(());
        }
        rpc::next(&mut heads, "new heads").await?;
    }
    None.with_context(|| format!("an operator sent no heartbeat within {BLOCKS} blocks"))
}
