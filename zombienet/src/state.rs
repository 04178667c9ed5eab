//! The state of a block, as a node shows it: all balances, and a digest of everything.

use std::collections::BTreeMap;

use anyhow::{ensure, Context, Result};
use assay_client::{queries::AccountBalance, storage, AccountId, Client};
use assay_primitives::{digest, Balance, Digest};
use codec::Decode;
use serde::Deserialize;
use subxt_rpcs::client::rpc_params;

/// Keys per page.
const PAGE: u32 = 1000;
/// Bytes of the hash before an account in a key of `System.Account`.
const ACCOUNT_HASH: usize = 16;

/// All accounts with their balances at a block.
///
/// # Errors
///
/// The node does not answer, or the accounts' balances do not add up to the total issuance.
pub async fn balances(
    client: &Client,
    at: Digest,
) -> Result<(BTreeMap<AccountId, AccountBalance>, Balance)> {
    let prefix = storage::value_key("System", "Account");
    let mut balances = BTreeMap::new();
    for (key, value) in entries(client, &prefix, at).await? {
        let mut account = key.get(prefix.len() + ACCOUNT_HASH..).context("a key is too short")?;
        let account = AccountId::decode(&mut account)?;
        // Nonce and three counts of references, then the balance.
        let (_, free, reserved) = <([u32; 4], Balance, Balance)>::decode(&mut &value[..])?;
        balances.insert(account, AccountBalance { free, reserved, ..Default::default() });
    }
    let key = storage::value_key("Balances", "TotalIssuance");
    let issuance: Balance = client.rpc().storage_value(&key, Some(at)).await?.unwrap_or_default();
    let sum: Balance = balances.values().map(|balance| balance.total()).sum();
    ensure!(sum == issuance, "accounts have {sum} plancks, and {issuance} are issued");
    Ok((balances, issuance))
}

/// A digest of all keys and values of the state of a block.
///
/// # Errors
///
/// The node does not answer, or does not have the state.
pub async fn state_digest(client: &Client, at: Digest) -> Result<(usize, Digest)> {
    let entries = entries(client, &[], at).await?;
    let mut bytes = Vec::new();
    for (key, value) in &entries {
        for part in [key, value] {
            bytes.extend(digest(part).as_bytes());
        }
    }
    Ok((entries.len(), digest(&bytes)))
}

#[derive(Deserialize)]
struct Changes {
    changes: Vec<(String, Option<String>)>,
}

async fn entries(client: &Client, prefix: &[u8], at: Digest) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let prefix = format!("0x{}", hex::encode(prefix));
    let mut entries = BTreeMap::new();
    let mut last: Option<String> = None;
    loop {
        let page = rpc_params![&prefix, PAGE, &last, at];
        let keys: Vec<String> = client.rpc().request("state_getKeysPaged", page).await?;
        let Some(newest) = keys.last() else { return Ok(entries) };
        last = Some(newest.clone());
        let values = rpc_params![&keys, at];
        let sets: Vec<Changes> = client.rpc().request("state_queryStorageAt", values).await?;
        for (key, value) in sets.into_iter().flat_map(|set| set.changes) {
            let value = value.with_context(|| format!("key {key} has no value"))?;
            entries.insert(bytes(&key)?, bytes(&value)?);
        }
    }
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    let digits = text.strip_prefix("0x").context("expected 0x")?;
    Ok(hex::decode(digits)?)
}
