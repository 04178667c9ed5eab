//! Eras, validators and what is behind them, in the state of a block.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use assay_client::{storage, AccountId, Client};
use assay_primitives::{Balance, Digest};
use codec::{Decode, Encode};
use serde::Deserialize;
use subxt_rpcs::client::rpc_params;

use crate::wait::until;

/// Number of an era.
pub type Era = u32;

const STAKING: &str = "Staking";
/// The engine of justifications of finality.
const GRANDPA: [u8; 4] = *b"FRNK";

/// The stakes with which a validator was elected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backing {
    /// Its own one, in plancks.
    pub own: Balance,
    /// Those of its nominators.
    pub nominators: Vec<(AccountId, Balance)>,
}

/// The public keys that take part in consensus.
#[derive(Clone, Debug, PartialEq)]
pub struct Authorities {
    /// Those that make blocks.
    pub babe: Vec<[u8; 32]>,
    /// Those that vote for finality.
    pub grandpa: Vec<[u8; 32]>,
}

/// Validators in the state of a block.
#[derive(Clone, Copy)]
pub struct Eras<'a> {
    client: &'a Client,
    /// The block.
    pub at: Digest,
}

impl<'a> Eras<'a> {
    /// In the state of a block.
    pub fn at(client: &'a Client, at: Digest) -> Self {
        Self { client, at }
    }

    /// In the state of a node's newest final block.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn at_final(client: &'a Client) -> Result<Self> {
        Ok(Self::at(client, client.rpc().finalized_head().await?))
    }

    /// In the state of a block of the chain of a node's best block.
    ///
    /// # Errors
    ///
    /// The node does not answer, or there is no such block.
    pub async fn at_height(client: &'a Client, height: u32) -> Result<Self> {
        let hash = client.rpc().block_hash(height).await?;
        Ok(Self::at(client, hash.with_context(|| format!("there is no block {height}"))?))
    }

    /// The era that runs.
    ///
    /// # Errors
    ///
    /// The node does not answer, or the chain has no eras.
    pub async fn active(self) -> Result<Era> {
        let key = storage::value_key(STAKING, "ActiveEra");
        let era: Option<(Era, Option<u64>)> = self.read(&key).await?;
        Ok(era.context("no era runs")?.0)
    }

    /// The latest era for which there was an election: the one that runs, or, in its last session, the
    /// next one.
    ///
    /// # Errors
    ///
    /// The node does not answer, or the chain has no eras.
    pub async fn planned(self) -> Result<Era> {
        let key = storage::value_key(STAKING, "CurrentEra");
        self.read(&key).await?.context("no era is planned")
    }

    /// The validators of the session.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn validators(self) -> Result<Vec<AccountId>> {
        let key = storage::value_key("Session", "Validators");
        Ok(self.read(&key).await?.unwrap_or_default())
    }

    /// What is behind a validator in an era; `None` if it was not elected.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn backing(self, era: Era, validator: &AccountId) -> Result<Option<Backing>> {
        let key = key("ErasStakersOverview", &[part(&era), part(validator)]);
        let Some(overview) = self.read::<Overview>(&key).await? else { return Ok(None) };
        let mut backing = Backing { own: overview.own, nominators: Vec::new() };
        for page in 0..overview.pages {
            let key = key_of_page(era, validator, page);
            let page: Page = self.read(&key).await?.context("a page of nominators is missing")?;
            backing.nominators.extend(page.others.into_iter().map(|one| (one.who, one.value)));
        }
        Ok(Some(backing))
    }

    /// The points of a validator in an era: twenty for each block that it made.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn points(self, era: Era, validator: &AccountId) -> Result<u32> {
        let key = storage::twox_map_key(STAKING, "ErasRewardPoints", &era);
        let points: Option<(u32, BTreeMap<AccountId, u32>)> = self.read(&key).await?;
        Ok(points.and_then(|(_, of)| of.get(validator).copied()).unwrap_or_default())
    }

    /// The largest penalty of a validator for an era that was reported: parts of 10^9, and plancks of
    /// its own stake.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn penalty(self, era: Era, validator: &AccountId) -> Result<Option<(u32, Balance)>> {
        self.read(&key("ValidatorSlashInEra", &[part(&era), part(validator)])).await
    }

    /// The keys that take part in consensus.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn authorities(self) -> Result<Authorities> {
        type Weighted = Vec<([u8; 32], u64)>;
        let keys = |of: Weighted| of.into_iter().map(|(key, _)| key).collect();
        let babe = self.read::<Weighted>(&storage::value_key("Babe", "Authorities")).await?;
        let method = "GrandpaApi_grandpa_authorities";
        let grandpa: Weighted = self.client.rpc().runtime_call(method, &(), Some(self.at)).await?;
        Ok(Authorities { babe: keys(babe.unwrap_or_default()), grandpa: keys(grandpa) })
    }

    /// The keys whose votes a node shows as the justification of the block's finality. `None` if it has
    /// kept none: it keeps those of blocks after which other validators vote, and few others.
    ///
    /// # Errors
    ///
    /// The node does not answer, or the justification is malformed.
    pub async fn voters(self) -> Result<Option<Vec<[u8; 32]>>> {
        let block: Block =
            self.client.rpc().request("chain_getBlock", rpc_params![self.at]).await?;
        let justifications = block.justifications.unwrap_or_default();
        let of_grandpa = justifications.into_iter().find(|(engine, _)| *engine == GRANDPA);
        let Some((_, bytes)) = of_grandpa else { return Ok(None) };
        Ok(Some(voters(&bytes)?))
    }

    async fn read<T: Decode>(self, key: &[u8]) -> Result<Option<T>> {
        Ok(self.client.rpc().storage_value(key, Some(self.at)).await?)
    }
}

/// Waits until an era runs, or a later one, in a final block.
///
/// # Errors
///
/// This is not so within `limit`.
pub async fn until_era(client: &Client, era: Era, limit: Duration) -> Result<Era> {
    until(limit, format!("era {era} runs, in a final block"), async || {
        let active = Eras::at_final(client).await?.active().await?;
        Ok((active >= era).then_some(active))
    })
    .await
}

/// `sp_staking::PagedExposureMetadata`.
#[derive(Decode)]
struct Overview {
    #[codec(compact)]
    _total: Balance,
    #[codec(compact)]
    own: Balance,
    _nominators: u32,
    pages: u32,
}

/// `sp_staking::ExposurePage`.
#[derive(Decode)]
struct Page {
    #[codec(compact)]
    _total: Balance,
    others: Vec<Nominator>,
}

#[derive(Decode)]
struct Nominator {
    who: AccountId,
    #[codec(compact)]
    value: Balance,
}

#[derive(Deserialize)]
struct Block {
    justifications: Option<Vec<([u8; 4], Vec<u8>)>>,
}

/// The beginning of `sp_consensus_grandpa::GrandpaJustification`: the round, the block, the votes.
type Justification = (u64, (Digest, u32, Vec<Vote>));
/// The block that is voted for, the signature, and the key.
type Vote = ((Digest, u32), [u8; 64], [u8; 32]);

/// The keys that have signed the votes of a justification, in order.
fn voters(mut justification: &[u8]) -> Result<Vec<[u8; 32]>> {
    let (_, (_, _, votes)) = Justification::decode(&mut justification)?;
    let mut voters: Vec<_> = votes.into_iter().map(|(_, _, voter)| voter).collect();
    voters.sort_unstable();
    voters.dedup();
    Ok(voters)
}

/// Key of an entry of a map of staking with the hasher `Twox64Concat` for each of its keys, which `parts`
/// are.
fn key(item: &str, parts: &[Vec<u8>]) -> Vec<u8> {
    [storage::value_key(STAKING, item), parts.concat()].concat()
}

/// A key of a map, with its hash before it.
fn part(key: &impl Encode) -> Vec<u8> {
    storage::twox_map_key("", "", key).split_off(storage::value_key("", "").len())
}

fn key_of_page(era: Era, validator: &AccountId, page: u32) -> Vec<u8> {
    key("ErasStakersPaged", &[part(&era), part(validator), part(&page)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_several_parts_has_the_prefix_once() {
        let account = AccountId::from([7; 32]);
        let key = key_of_page(5, &account, 6);
        assert_eq!(key.len(), 32 + (8 + 4) + (8 + 32) + (8 + 4));
        assert_eq!(key[40..44], [5, 0, 0, 0]);
        assert_eq!(key[52..84], [7; 32]);
        assert_eq!(key[92..], [6, 0, 0, 0]);
    }

    #[test]
    fn voters_are_counted_once() {
        let block = (Digest::zero(), 9u32);
        let vote = |key: u8| (block, [0u8; 64], [key; 32]);
        // The ancestries follow.
        let votes = vec![vote(2), vote(1), vote(2)];
        let justification = (7u64, (block.0, block.1, votes), Vec::<u8>::new()).encode();
        assert_eq!(voters(&justification).unwrap(), [[1; 32], [2; 32]]);
    }
}
