//! Penalties that are not taken yet, and what they leave behind.

use std::collections::BTreeMap;

use assay_primitives::{Balance, Digest};
use codec::Decode;

use super::{double_key, Era, STAKING};
use crate::{
    calls::Share,
    rpc,
    storage::{twox_map_key, value_key},
    AccountId, Client, Result,
};

/// What an account will lose because a validator has equivocated: itself, or one that it has nominated.
/// Root can cancel it until then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Penalty {
    /// The validator that has equivocated.
    pub validator: AccountId,
    /// The era in which it has.
    pub offence: Era,
    /// The era at whose beginning the penalty is taken.
    pub due: Era,
    /// The share of the stakes that were behind the validator then, if the chain says it.
    pub share: Option<Share>,
    /// Plancks that the account loses.
    pub amount: Balance,
    /// Plancks that its nominators lose, if it is the validator.
    pub of_nominators: Balance,
}

/// `pallet_staking::UnappliedSlash`.
#[derive(Decode)]
struct Unapplied {
    validator: AccountId,
    own: Balance,
    others: Vec<(AccountId, Balance)>,
    _reporters: Vec<AccountId>,
    _payout: Balance,
}

/// `pallet_staking::slashing::SlashingSpans`.
#[derive(Decode)]
struct SlashingSpans {
    _index: u32,
    _last_start: Era,
    _last_nonzero: Era,
    prior: Vec<Era>,
}

/// What an account and its nominators lose of the penalties of an era, by validator. A later report raises
/// a penalty by an entry of its own.
fn losses(account: &AccountId, all: &[Unapplied]) -> BTreeMap<AccountId, (Balance, Balance)> {
    let mut losses = BTreeMap::<_, (Balance, Balance)>::new();
    for one in all {
        let as_nominator = one.others.iter().filter(|(who, _)| who == account);
        let (amount, of_nominators) = match one.validator == *account {
            true => (one.own, one.others.iter().map(|(_, amount)| amount).sum()),
            false => (as_nominator.map(|(_, amount)| amount).sum(), 0),
        };
        if one.validator == *account || amount > 0 {
            let sum = losses.entry(one.validator.clone()).or_default();
            sum.0 = sum.0.saturating_add(amount);
            sum.1 = sum.1.saturating_add(of_nominators);
        }
    }
    losses
}

impl Client {
    /// The penalties of an account that are due, the next one first.
    pub(super) async fn penalties(&self, account: &AccountId, at: Digest) -> Result<Vec<Penalty>> {
        let defer: u32 = self.constant(STAKING, "SlashDeferDuration").await.unwrap_or_default();
        let keys = self.rpc().keys(&value_key(STAKING, "UnappliedSlashes"), Some(at)).await?;
        let mut penalties = Vec::new();
        for key in keys {
            let Some(due) = key.last_chunk().map(|era| Era::from_le_bytes(*era)) else { continue };
            let all: Option<Vec<Unapplied>> = self.rpc().storage_value(&key, Some(at)).await?;
            let offence = due.saturating_sub(defer).saturating_sub(1);
            for (validator, (amount, of_nominators)) in losses(account, &all.unwrap_or_default()) {
                let share = double_key("ValidatorSlashInEra", offence, &validator);
                let share: Option<(Share, Balance)> =
                    self.rpc().storage_value(&share, Some(at)).await?;
                let share = share.map(|(share, _)| share);
                penalties.push(Penalty { validator, offence, due, share, amount, of_nominators });
            }
        }
        penalties.sort_by_key(|penalty| penalty.due);
        Ok(penalties)
    }

    /// Whether a validator is disabled: it makes no blocks until the era ends. `validators`: those of the
    /// present session.
    pub(super) async fn is_disabled(
        &self,
        account: &AccountId,
        validators: &[AccountId],
        at: Digest,
    ) -> Result<bool> {
        let key = value_key("Session", "DisabledValidators");
        // Places and the shares of their penalties.
        let disabled: Option<Vec<(u32, Share)>> = self.rpc().storage_value(&key, Some(at)).await?;
        Ok(disabled.unwrap_or_default().iter().any(|(place, _)| {
            validators.get(*place as usize).is_some_and(|validator| validator == account)
        }))
    }

    /// The number of an account's slashing spans, which the call has to name that ends a stake.
    pub async fn slashing_spans(&self, account: &AccountId) -> Result<u32> {
        self.slashing_spans_at(account, rpc::header_hash(&self.rpc().header(None).await?)).await
    }

    async fn slashing_spans_at(&self, account: &AccountId, at: Digest) -> Result<u32> {
        let key = twox_map_key(STAKING, "SlashingSpans", account);
        let spans: Option<SlashingSpans> = self.rpc().storage_value(&key, Some(at)).await?;
        // The present one, and those before it.
        Ok(spans.map_or(0, |spans| spans.prior.len() as u32 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::tests::client, rpc::tests::node};
    use codec::Encode;

    fn account(byte: u8) -> AccountId {
        AccountId::from([byte; 32])
    }

    #[test]
    fn an_account_loses_as_a_validator_and_as_a_nominator() {
        let none = (Vec::<AccountId>::new(), 0u128);
        let entry = |validator: u8, own: Balance, others: &[(u8, Balance)]| {
            let others: Vec<_> =
                others.iter().map(|(who, amount)| (account(*who), *amount)).collect();
            (account(validator), own, others, none.clone())
        };
        let bytes = vec![
            entry(1, 100, &[(2, 30), (3, 7)]),
            // The same validator again, after a report that raises its penalty.
            entry(1, 50, &[(2, 20)]),
            entry(3, 8, &[(1, 4), (4, 0)]),
        ]
        .encode();
        let all = Vec::<Unapplied>::decode(&mut &bytes[..]).unwrap();
        let of = |byte| losses(&account(byte), &all).into_iter().collect::<Vec<_>>();
        assert_eq!(of(1), [(account(1), (150, 57)), (account(3), (4, 0))]);
        assert_eq!(of(2), [(account(1), (50, 0))]);
        assert_eq!(of(3), [(account(1), (7, 0)), (account(3), (8, 4))]);
        assert_eq!(of(4), []);
    }

    #[tokio::test]
    async fn a_place_in_the_session_is_disabled() {
        let key = value_key("Session", "DisabledValidators");
        let node = node(move |_, asked| match asked == key {
            true => vec![(1u32, 562_500_000u32)].encode(),
            false => Vec::new(),
        });
        let client = client(node);
        let session = [account(1), account(2)];
        for (byte, expected) in [(1, false), (2, true), (3, false)] {
            let is = client.is_disabled(&account(byte), &session, Digest::zero()).await.unwrap();
            assert_eq!(is, expected, "{byte}");
        }
        assert!(!client.is_disabled(&account(2), &[], Digest::zero()).await.unwrap());
    }

    #[tokio::test]
    async fn all_spans_of_a_stake_are_counted() {
        let key = twox_map_key(STAKING, "SlashingSpans", &account(1));
        let node = node(move |_, asked| match asked == key {
            true => (20u32, 90u32, 80u32, vec![1u32; 19]).encode(),
            false => Vec::new(),
        });
        let client = client(node);
        assert_eq!(client.slashing_spans_at(&account(1), Digest::zero()).await.unwrap(), 20);
        assert_eq!(client.slashing_spans_at(&account(2), Digest::zero()).await.unwrap(), 0);
    }
}
