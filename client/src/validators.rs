//! Validators and nominators: their stake, keys and rewards.

use std::collections::BTreeMap;

use assay_primitives::{Balance, Digest};
use codec::{Compact, Decode};

use crate::{
    calls::{validators, RewardDestination, ValidatorPreferences},
    rpc::{header_hash, ValidatorKeys},
    storage::{map_key, twox_map_key, value_key},
    AccountId, Call, Client, Error, Result,
};

/// Number of an era.
pub type Era = u32;

const STAKING: &str = "Staking";

/// What an account has at stake, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stake {
    /// Plancks at stake from the next election on.
    pub active: Balance,
    /// Plancks that will be free, with the eras from which they can be withdrawn.
    pub unlocking: Vec<(Era, Balance)>,
    /// The terms on which it wants to be a validator, if it does.
    pub validates: Option<ValidatorPreferences>,
    /// The accounts that it nominates.
    pub nominates: Vec<AccountId>,
}

/// The place of a validator in an era.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Plancks that back it, its own and nominators'.
    pub total: Balance,
    /// Its own plancks of these.
    pub own: Balance,
    /// Number of its nominators.
    pub nominators: u32,
    /// Points of the era so far, which its share of the fees follows.
    pub points: u32,
    /// Points of all validators.
    pub all_points: u32,
}

/// An account that has a stake, or is a validator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidatorView {
    /// The present era.
    pub era: Era,
    /// Its stake, if it has bonded any.
    pub stake: Option<Stake>,
    /// Its session keys for the session after the next one.
    pub keys: Option<ValidatorKeys>,
    /// Whether it is a validator of the present session.
    pub in_session: bool,
    /// Its place in the present era, if it was elected.
    pub place: Option<Place>,
    /// Eras and pages whose rewards nobody has claimed for it and its nominators, oldest first.
    pub unpaid: Vec<(Era, u32)>,
}

/// `pallet_staking::StakingLedger`.
#[derive(Decode)]
struct Ledger {
    _stash: AccountId,
    #[codec(compact)]
    _total: Balance,
    #[codec(compact)]
    active: Balance,
    unlocking: Vec<Unlocking>,
    _claimed: Vec<Era>,
}

#[derive(Decode)]
struct Unlocking {
    #[codec(compact)]
    value: Balance,
    #[codec(compact)]
    era: Era,
}

/// `pallet_staking::Nominations`.
#[derive(Decode)]
struct Nominations {
    targets: Vec<AccountId>,
    _submitted_in: Era,
    _suppressed: bool,
}

/// `sp_staking::PagedExposureMetadata`.
#[derive(Decode)]
struct Exposure {
    #[codec(compact)]
    total: Balance,
    #[codec(compact)]
    own: Balance,
    nominators: u32,
    pages: u32,
}

/// `pallet_staking::EraRewardPoints`.
#[derive(Decode, Default)]
struct Points {
    total: u32,
    individual: BTreeMap<AccountId, u32>,
}

/// Key of an entry of a double map with hasher `Twox64Concat` for both keys.
fn double_key(item: &str, era: Era, account: &AccountId) -> Vec<u8> {
    let mut key = twox_map_key(STAKING, item, &era);
    let second = twox_map_key(STAKING, item, account);
    key.extend(&second[value_key(STAKING, item).len()..]);
    key
}

/// The pages of an era that were not paid. An era without nominators has one page, too.
fn unpaid_pages(pages: u32, paid: &[u32]) -> Vec<u32> {
    (0..pages.max(1)).filter(|page| !paid.contains(page)).collect()
}

impl Client {
    /// An account's stake, its keys and its place among the validators, at the best block.
    ///
    /// # Errors
    ///
    /// [`Error::Outdated`] if the chain has no elections.
    pub async fn validator(&self, account: &AccountId) -> Result<ValidatorView> {
        let at = self.best_block().await?;
        let era: Option<(Era, Option<u64>)> = self.staking_value("ActiveEra", at).await?;
        let (era, _) = era.ok_or_else(|| Error::Outdated("elections of validators".into()))?;
        let rpc = self.rpc();
        let keys = twox_map_key("Session", "NextKeys", account);
        let sessions = value_key("Session", "Validators");
        let validators: Option<Vec<AccountId>> = rpc.storage_value(&sessions, Some(at)).await?;
        let (exposure, points) = self.era_of(era, account, at).await?;
        Ok(ValidatorView {
            era,
            stake: self.stake(account, at).await?,
            keys: rpc.storage_value(&keys, Some(at)).await?,
            in_session: validators.is_some_and(|validators| validators.contains(account)),
            place: exposure.map(|exposure| Place {
                total: exposure.total,
                own: exposure.own,
                nominators: exposure.nominators,
                points: points.individual.get(account).copied().unwrap_or_default(),
                all_points: points.total,
            }),
            unpaid: self.unpaid(era, account, at).await?,
        })
    }

    /// The calls that bond this much more, in plancks. The first bond names where rewards go.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the account has less.
    pub async fn bond_call(
        &self,
        account: &AccountId,
        amount: Balance,
        payee: RewardDestination,
    ) -> Result<Call> {
        let free = self.balance(account).await?.free;
        if free < amount {
            return Err(Error::invalid(format!(
                "{account} has {} that is not on hold; bond less, or transfer more to it",
                crate::amount::display(free)
            )));
        }
        let at = self.best_block().await?;
        Ok(match self.stake(account, at).await? {
            Some(_) => validators::bond_extra(Compact(amount)),
            None => validators::bond(Compact(amount), payee),
        })
    }

    /// The least own stake of a validator, in plancks.
    pub async fn least_validator_stake(&self) -> Result<Balance> {
        let at = self.best_block().await?;
        Ok(self.staking_value("MinValidatorBond", at).await?.unwrap_or_default())
    }

    async fn best_block(&self) -> Result<Digest> {
        Ok(header_hash(&self.rpc().header(None).await?))
    }

    async fn staking_value<T: Decode>(&self, item: &str, at: Digest) -> Result<Option<T>> {
        self.rpc().storage_value(&value_key(STAKING, item), Some(at)).await
    }

    async fn of_staker<T: Decode>(
        &self,
        item: &str,
        account: &AccountId,
        at: Digest,
    ) -> Result<Option<T>> {
        self.rpc().storage_value(&twox_map_key(STAKING, item, account), Some(at)).await
    }

    async fn stake(&self, account: &AccountId, at: Digest) -> Result<Option<Stake>> {
        let Some(controller) = self.of_staker::<AccountId>("Bonded", account, at).await? else {
            return Ok(None);
        };
        let ledger = map_key(STAKING, "Ledger", &controller);
        let ledger: Option<Ledger> = self.rpc().storage_value(&ledger, Some(at)).await?;
        let nominations: Option<Nominations> = self.of_staker("Nominators", account, at).await?;
        let validates = self.of_staker("Validators", account, at).await?;
        Ok(ledger.map(|ledger| Stake {
            active: ledger.active,
            unlocking: ledger.unlocking.iter().map(|chunk| (chunk.era, chunk.value)).collect(),
            validates,
            nominates: nominations.map(|nominations| nominations.targets).unwrap_or_default(),
        }))
    }

    async fn era_of(
        &self,
        era: Era,
        account: &AccountId,
        at: Digest,
    ) -> Result<(Option<Exposure>, Points)> {
        let exposure = double_key("ErasStakersOverview", era, account);
        let points = twox_map_key(STAKING, "ErasRewardPoints", &era);
        let points: Option<Points> = self.rpc().storage_value(&points, Some(at)).await?;
        Ok((self.rpc().storage_value(&exposure, Some(at)).await?, points.unwrap_or_default()))
    }

    async fn unpaid(&self, now: Era, account: &AccountId, at: Digest) -> Result<Vec<(Era, u32)>> {
        let depth: u32 = self.constant(STAKING, "HistoryDepth").await.unwrap_or_default();
        let mut unpaid = Vec::new();
        for era in now.saturating_sub(depth)..now {
            let reward = twox_map_key(STAKING, "ErasValidatorReward", &era);
            let reward: Option<Balance> = self.rpc().storage_value(&reward, Some(at)).await?;
            if reward.is_none_or(|reward| reward == 0) {
                continue;
            }
            let (Some(exposure), points) = self.era_of(era, account, at).await? else { continue };
            if points.individual.get(account).is_none_or(|points| *points == 0) {
                continue;
            }
            let paid = double_key("ClaimedRewards", era, account);
            let paid: Option<Vec<u32>> = self.rpc().storage_value(&paid, Some(at)).await?;
            let pages = unpaid_pages(exposure.pages, &paid.unwrap_or_default());
            unpaid.extend(pages.into_iter().map(|page| (era, page)));
        }
        Ok(unpaid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;

    #[test]
    fn an_era_without_nominators_is_paid_once() {
        assert_eq!(unpaid_pages(0, &[]), [0]);
        assert_eq!(unpaid_pages(0, &[0]), [0u32; 0]);
        assert_eq!(unpaid_pages(3, &[1]), [0, 2]);
    }

    #[test]
    fn a_double_key_has_both_parts_behind_the_prefix() {
        let account = AccountId::from([7; 32]);
        let key = double_key("ErasStakersOverview", 5, &account);
        assert_eq!(key.len(), 32 + 8 + 4 + 8 + 32);
        assert_eq!(key[40..44], [5, 0, 0, 0]);
        assert_eq!(key[52..], [7; 32]);
    }

    #[test]
    fn a_ledger_is_read_with_its_compact_numbers() {
        let account = AccountId::from([1; 32]);
        let bytes = (
            account,
            Compact(30u128),
            Compact(20u128),
            vec![(Compact(10u128), Compact(9u32))],
            Vec::<u32>::new(),
        )
            .encode();
        let ledger = Ledger::decode(&mut &bytes[..]).unwrap();
        assert_eq!(ledger.active, 20);
        assert_eq!((ledger.unlocking[0].value, ledger.unlocking[0].era), (10, 9));
    }
}
