//! Validators and nominators: their stake, keys and rewards.

mod penalties;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};

use assay_primitives::{Balance, Digest, ASY};
use codec::{Compact, Decode};

use crate::{
    amount,
    calls::{validators, RewardDestination, ValidatorPreferences},
    queries::AccountBalance,
    rpc::{header_hash, ValidatorKeys},
    storage::{map_key, twox_map_key, value_key},
    AccountId, Call, Client, Error, Result,
};

pub use penalties::Penalty;
pub use schedule::{NextElection, Schedule};

/// Number of an era.
pub type Era = u32;

/// Plancks that a bond leaves to pay fees with. A call of a validator costs some thousandths of an ASY, and
/// an account that has less cannot even leave.
pub const KEPT_FOR_FEES: Balance = ASY;

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
    /// Those of them that are no candidates, so that the stake cannot back them.
    pub idle: Vec<AccountId>,
    /// Where its rewards go, as far as this client knows the place.
    pub payee: Option<RewardDestination>,
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
    /// The present era, its end and the next election.
    pub schedule: Schedule,
    /// Its stake, if it has bonded any.
    pub stake: Option<Stake>,
    /// Its session keys for the session after the next one.
    pub keys: Option<ValidatorKeys>,
    /// Whether it is a validator of the present session.
    pub in_session: bool,
    /// Its place in the present era, if it was elected.
    pub place: Option<Place>,
    /// Whether it has equivocated in the present era and makes no blocks until that ends.
    pub disabled: bool,
    /// What it loses, and when, because a validator has equivocated: itself, or one that it has nominated.
    pub penalties: Vec<Penalty>,
    /// Eras and pages whose rewards nobody has claimed for it and its nominators, oldest first.
    pub unpaid: Vec<(Era, u32)>,
}

/// The terms that a validator has, or had last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastTerms {
    /// Those of a candidate.
    InForce(ValidatorPreferences),
    /// Those of the last era for which it was elected.
    OfEra(Era, ValidatorPreferences),
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
        let era = self.present_era(at).await?;
        let rpc = self.rpc();
        let keys = twox_map_key("Session", "NextKeys", account);
        let sessions = value_key("Session", "Validators");
        let validators: Option<Vec<AccountId>> = rpc.storage_value(&sessions, Some(at)).await?;
        let validators = validators.unwrap_or_default();
        let (exposure, points) = self.era_of(era, account, at).await?;
        Ok(ValidatorView {
            schedule: self.schedule(era, account, at).await?,
            stake: self.stake(account, at).await?,
            keys: rpc.storage_value(&keys, Some(at)).await?,
            in_session: validators.contains(account),
            disabled: self.is_disabled(account, &validators, at).await?,
            penalties: self.penalties(account, at).await?,
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

    /// The terms of a candidate; of who is none, those of the last era for which it was elected, as far back
    /// as the chain remembers. `None`: it never had any.
    pub async fn last_terms(&self, account: &AccountId) -> Result<Option<LastTerms>> {
        let at = self.best_block().await?;
        let depth = self.constant(STAKING, "HistoryDepth").await.unwrap_or_default();
        self.terms_at(account, self.present_era(at).await?, depth, at).await
    }

    /// [`Self::last_terms`] in era `now`, and `depth` eras back.
    async fn terms_at(
        &self,
        account: &AccountId,
        now: Era,
        depth: u32,
        at: Digest,
    ) -> Result<Option<LastTerms>> {
        if let Some(terms) = self.of_staker("Validators", account, at).await? {
            return Ok(Some(LastTerms::InForce(terms)));
        }
        // The validators of the next era may be elected already.
        for era in (now.saturating_sub(depth)..=now.saturating_add(1)).rev() {
            let terms = double_key("ErasValidatorPrefs", era, account);
            if let Some(terms) = self.rpc().storage_value(&terms, Some(at)).await? {
                return Ok(Some(LastTerms::OfEra(era, terms)));
            }
        }
        Ok(None)
    }

    /// The call that bonds this much more, in plancks. The first bond says where rewards go, by default to
    /// the account.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if less than [`KEPT_FOR_FEES`] would be left to pay with, or if there is a payee
    /// and the account has bonded before.
    pub async fn bond_call(
        &self,
        account: &AccountId,
        amount: Balance,
        payee: Option<RewardDestination>,
    ) -> Result<Call> {
        leaves_enough(account, self.balance(account).await?, amount)?;
        let at = self.best_block().await?;
        match (self.stake(account, at).await?, payee) {
            (Some(_), None) => Ok(validators::bond_extra(Compact(amount))),
            (Some(_), Some(_)) => Err(Error::invalid(format!(
                "{account} has a stake, whose rewards have a payee: `validator set-payee` names another \
                 one"
            ))),
            (None, payee) => {
                let payee = payee.unwrap_or(RewardDestination::Stash);
                Ok(validators::bond(Compact(amount), payee))
            },
        }
    }

    /// What a block has added to the stake of an account, and what is at stake after it, in plancks.
    pub async fn added_stake(
        &self,
        account: &AccountId,
        block: Digest,
    ) -> Result<(Balance, Balance)> {
        let parent = self.rpc().header(Some(block)).await?.parent_hash;
        let active = |stake: Option<Stake>| stake.map_or(0, |stake| stake.active);
        let before = active(self.stake(account, parent).await?);
        let after = active(self.stake(account, block).await?);
        Ok((after.saturating_sub(before), after))
    }

    /// Checks that an account can nominate these.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] that names those that are no candidates, take no more nominators, or are given
    /// twice.
    pub async fn check_nominations(&self, account: &AccountId, named: &[AccountId]) -> Result<()> {
        let at = self.best_block().await?;
        let before: Option<Nominations> = self.of_staker("Nominators", account, at).await?;
        let before = before.map(|nominations| nominations.targets).unwrap_or_default();
        let mut candidates = BTreeMap::new();
        for one in named {
            let terms: Option<ValidatorPreferences> = self.of_staker("Validators", one, at).await?;
            if let Some(terms) = terms {
                // Who is nominated already stays so.
                candidates.insert(one.clone(), !terms.blocked || before.contains(one));
            }
        }
        nominations_fit(named, &candidates)
    }

    /// The least own stake of a validator, in plancks.
    pub async fn least_validator_stake(&self) -> Result<Balance> {
        let at = self.best_block().await?;
        Ok(self.staking_value("MinValidatorBond", at).await?.unwrap_or_default())
    }

    /// The least stake of a nominator, in plancks.
    pub async fn least_nominator_stake(&self) -> Result<Balance> {
        let at = self.best_block().await?;
        Ok(self.staking_value("MinNominatorBond", at).await?.unwrap_or_default())
    }

    async fn present_era(&self, at: Digest) -> Result<Era> {
        let era: Option<(Era, Option<u64>)> = self.staking_value("ActiveEra", at).await?;
        era.map(|(era, _)| era).ok_or_else(|| Error::Outdated("elections of validators".into()))
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
        let nominates = nominations.map(|nominations| nominations.targets).unwrap_or_default();
        let validates = self.of_staker("Validators", account, at).await?;
        let mut idle = Vec::new();
        for one in &nominates {
            if self.of_staker::<ValidatorPreferences>("Validators", one, at).await?.is_none() {
                idle.push(one.clone());
            }
        }
        let payee = twox_map_key(STAKING, "Payee", account);
        let payee = self.rpc().storage(&payee, Some(at)).await?;
        let payee = payee.and_then(|bytes| RewardDestination::decode(&mut &bytes[..]).ok());
        Ok(ledger.map(|ledger| Stake {
            active: ledger.active,
            unlocking: ledger.unlocking.iter().map(|chunk| (chunk.era, chunk.value)).collect(),
            validates,
            nominates,
            idle,
            payee,
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

/// Checks that a bond leaves enough to pay fees with. Money that votes lock can be bonded, and pays no
/// fees.
fn leaves_enough(account: &AccountId, balance: AccountBalance, amount: Balance) -> Result<()> {
    let unlocked = balance.total().saturating_sub(balance.locked);
    let most = match unlocked >= KEPT_FOR_FEES {
        true => balance.free.saturating_sub(KEPT_FOR_FEES),
        false => 0,
    };
    if amount <= most {
        return Ok(());
    }
    let locked = match balance.payable() < balance.free {
        true => format!(", of which {} can pay fees", amount::display(balance.payable())),
        false => String::new(),
    };
    let remedy = match most {
        0 => "transfer more to it".to_owned(),
        _ => format!("bond at most {}, or transfer more to it", amount::display(most)),
    };
    Err(Error::invalid(format!(
        "{account} has {} that is not on hold{locked}, and a bond leaves {} for fees: {remedy}",
        amount::display(balance.free),
        amount::display(KEPT_FOR_FEES)
    )))
}

/// Checks the accounts of a nomination. `candidates`: those of them that are, and whether they take the
/// nomination.
fn nominations_fit(named: &[AccountId], candidates: &BTreeMap<AccountId, bool>) -> Result<()> {
    let mut seen = BTreeSet::new();
    let mut faults = BTreeSet::new();
    for one in named {
        if !seen.insert(one) {
            faults.insert(format!("{one} is given twice"));
        }
        match candidates.get(one) {
            None => faults.insert(format!("{one} is no candidate")),
            Some(false) => faults.insert(format!("{one} takes no more nominators")),
            Some(true) => continue,
        };
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "{}; nominate candidates that take nominators, each once: `validator status ACCOUNT` shows \
             which do",
            faults.into_iter().collect::<Vec<_>>().join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{calls::Share, client::tests::client, rpc::tests::node};
    use codec::Encode;

    #[test]
    fn a_bond_leaves_the_fees_of_what_comes_after_it() {
        let account = AccountId::from([1; 32]);
        let refused = |balance, amount| {
            let error = leaves_enough(&account, balance, amount).unwrap_err().to_string();
            error.strip_prefix(&format!("{account} has ")).unwrap().to_owned()
        };
        let stake = AccountBalance { free: 9_999 * ASY, reserved: 10_000 * ASY, locked: 0 };
        leaves_enough(&account, stake, 9_998 * ASY).unwrap();
        assert_eq!(
            refused(stake, 9_998 * ASY + 1),
            "9999 ASY that is not on hold, and a bond leaves 1 ASY for fees: bond at most 9998 ASY, or \
             transfer more to it"
        );
        assert!(refused(AccountBalance { free: ASY / 2, ..stake }, 1)
            .ends_with("1 ASY for fees: transfer more to it"));

        // Votes lock the stake before they lock what is free.
        let voted = AccountBalance { locked: 15_000 * ASY, ..stake };
        leaves_enough(&account, voted, 9_998 * ASY).unwrap();
        let voted = AccountBalance { locked: 19_999 * ASY - 1, ..stake };
        assert_eq!(
            refused(voted, ASY),
            "9999 ASY that is not on hold, of which 0.000000000001 ASY can pay fees, and a bond leaves \
             1 ASY for fees: transfer more to it"
        );
    }

    #[test]
    fn a_nomination_names_candidates_once() {
        let [open, full, none] = [1, 2, 3].map(|byte| AccountId::from([byte; 32]));
        let candidates: BTreeMap<_, _> =
            [(open.clone(), true), (full.clone(), false)].into_iter().collect();
        nominations_fit(std::slice::from_ref(&open), &candidates).unwrap();
        for (named, fault) in [
            ([&open, &open], format!("{open} is given twice")),
            ([&open, &none], format!("{none} is no candidate")),
            ([&full, &open], format!("{full} takes no more nominators")),
        ] {
            let error = nominations_fit(&named.map(Clone::clone), &candidates).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{fault}; nominate")), "{error}");
        }
        let all = [&none, &none, &full].map(Clone::clone);
        let error = nominations_fit(&all, &candidates).unwrap_err().to_string();
        for part in ["given twice", "no candidate", "no more nominators"] {
            assert_eq!(error.matches(part).count(), 1, "{error}");
        }
    }

    #[tokio::test]
    async fn a_former_candidate_has_the_terms_of_its_last_era() {
        let [candidate, chilled, elected, old, other] =
            [1, 2, 3, 4, 5].map(|byte| AccountId::from([byte; 32]));
        let terms = |percent: &str| ValidatorPreferences {
            commission: Compact(Share::from_percent(percent).unwrap()),
            blocked: percent == "7",
        };
        let entries = BTreeMap::from([
            (twox_map_key(STAKING, "Validators", &candidate), terms("5")),
            (double_key("ErasValidatorPrefs", 10, &candidate), terms("1")),
            (double_key("ErasValidatorPrefs", 9, &chilled), terms("7")),
            (double_key("ErasValidatorPrefs", 8, &chilled), terms("8")),
            (double_key("ErasValidatorPrefs", 11, &elected), terms("11")),
            (double_key("ErasValidatorPrefs", 5, &old), terms("1")),
        ]);
        let node = node(move |_, key| entries.get(key).map(Encode::encode).unwrap_or_default());
        let client = client(node);
        for (account, expected) in [
            (&candidate, Some(LastTerms::InForce(terms("5")))),
            (&chilled, Some(LastTerms::OfEra(9, terms("7")))),
            (&elected, Some(LastTerms::OfEra(11, terms("11")))),
            // Longer ago than the chain remembers, which removes it later.
            (&old, None),
            (&other, None),
        ] {
            let found = client.terms_at(account, 10, 4, Digest::zero()).await.unwrap();
            assert_eq!(found, expected);
        }
    }

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
