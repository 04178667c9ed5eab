//! Operators that register, serve and become live, and accounts that get funds.
//!
//! Each function waits until its transaction is final, because later steps may use another node.

use anyhow::{Context, Result};
use assay_client::{
    calls::{balances, operators},
    rpc, AccountId, Client, Signer,
};
use assay_primitives::{operator::Roles, Balance, BlockNumber, VersionId, ASY};

/// Bond and offer of an operator.
#[derive(Clone, Copy, Debug)]
pub struct OperatorTerms {
    /// Bond in plancks.
    pub bond: Balance,
    /// Price of one run in plancks.
    pub ask: Balance,
    /// Maximum number of concurrent runs.
    pub concurrency: u32,
    /// Number of blocks that it needs to answer.
    pub response_blocks: BlockNumber,
}

impl Default for OperatorTerms {
    fn default() -> Self {
        // Covers 2,000 signed results at once, or 60 optimistic ones.
        Self { bond: 20_000 * ASY, ask: ASY / 100, concurrency: 1_000, response_blocks: 2 }
    }
}

/// Registers the account of a node as an operator, with the worker key of the node, unless it is
/// registered already.
///
/// # Errors
///
/// The node has no worker key, or the chain refuses the registration.
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
///
/// # Errors
///
/// There is no such version, or the chain refuses the call.
pub async fn serve(
    client: &Client,
    signer: &Signer,
    version: VersionId,
    terms: OperatorTerms,
) -> Result<()> {
    let view = client.version(version).await?.context("the version is not on chain")?;
    let classes = view.descriptor.assurances;
    let blocks = terms.response_blocks;
    let (ask, concurrency) = (terms.ask, terms.concurrency);
    let listing = client.version_terms(version).await?.context("the version is not on chain")?;
    let call = operators::serve(version, ask, concurrency, blocks, classes, listing.royalty);
    client.submit_final(&call, signer).await?;
    Ok(())
}

/// Transfers funds to an account.
///
/// # Errors
///
/// The chain refuses the transfer.
pub async fn fund(client: &Client, from: &Signer, to: &AccountId, amount: Balance) -> Result<()> {
    client.submit_final(&balances::transfer_keep_alive(to.clone(), amount), from).await?;
    Ok(())
}

/// Waits until all these operators are live.
///
/// # Errors
///
/// An operator sends no heartbeat within 60 blocks.
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
