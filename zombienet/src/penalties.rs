//! Offences of validators and their penalties, read from final blocks, and the money of a chain on
//! which accounts do nothing but stake.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{ensure, Context, Result};
use assay_client::{queries::AccountBalance, AccountId, Client};
use assay_primitives::Balance;
use codec::Decode;
use subxt::{OnlineClient, SubstrateConfig};

use crate::{
    eras::Era,
    ledger::{hash, FeeParts, Opening},
    scenario::Run,
    state::balances,
};

/// Events that no scenario with stakes may have.
// `Validators.Outage` is none: in a session of a few slots, several validators may have no slot.
const FAULTS: [(&str, &str); 5] = [
    ("Validators", "Absent"),
    ("Staking", "StakingElectionFailed"),
    ("Staking", "OldSlashingReportDiscarded"),
    // These move money that the audit does not know of.
    ("Staking", "Rewarded"),
    ("Settlement", "Slashed"),
];
/// A whole, in parts.
const WHOLE: u64 = 1_000_000_000;

/// The penalty for a validator of this many, if this many equivocate at once: `min((3k/n)², 1)`, in
/// parts of 10^9, rounded down in both steps.
pub fn share(offenders: u64, validators: u64) -> u64 {
    let share = (3 * offenders * WHOLE).checked_div(validators).unwrap_or(WHOLE).min(WHOLE);
    share * share / WHOLE
}

/// A share of a stake in plancks, to the nearest planck; a half is rounded down.
pub fn of_stake(share: u64, stake: Balance) -> Balance {
    let whole = Balance::from(WHOLE);
    let product = stake * Balance::from(share);
    product / whole + Balance::from(product % whole * 2 > whole)
}

/// A penalty that was reported. It is taken later.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// Height of the block.
    pub height: u32,
    /// The validator.
    pub validator: AccountId,
    /// The penalty, in parts of 10^9 of the stakes behind the validator.
    pub share: u64,
    /// The era of the offence.
    pub era: Era,
}

/// What the events of blocks say about validators.
#[derive(Debug, Default)]
pub struct Penalties {
    /// Numbers of offences by kind, as their pallets name it.
    pub offences: BTreeMap<String, usize>,
    /// Reported penalties.
    pub reported: Vec<Reported>,
    /// Validators that were disabled, with the heights.
    pub disabled: Vec<(u32, AccountId)>,
    /// Plancks that were taken from stakes, with the heights.
    pub taken: Vec<(u32, AccountId, Balance)>,
    transaction_fees: BTreeMap<AccountId, Balance>,
    fee_parts: FeeParts,
    problems: Vec<String>,
}

impl Opening {
    /// Audits the blocks from here to another final height, in which accounts did nothing but stake:
    ///
    /// - All balances add up to what is issued. What is gone are the parts of the fees that the
    ///   validators will receive and that nobody does.
    /// - The balance of each account changed by its fees and its penalties, and by nothing else. The
    ///   treasury has its part of the fees, and all penalties.
    /// - Every election had a result, and no validator was absent.
    ///
    /// Returns what was reported and taken.
    ///
    /// # Errors
    ///
    /// The first of these that does not hold.
    pub async fn audit_stakes(&self, client: &Client, height: u32, run: &Run) -> Result<Penalties> {
        let penalties = Penalties::read(client.rpc().url(), self.height + 1, height).await?;
        ensure!(penalties.problems.is_empty(), "{}", penalties.problems.join("; "));
        let (closing, issuance) = balances(client, hash(client, height).await?).await?;
        let treasury: Option<AccountId> = client.constant("Settlement", "TreasuryAccount").await;
        let treasury = treasury.context("the chain names no treasury")?;
        penalties.check(&self.balances, &closing, self.issuance - issuance, &treasury)?;
        run.narrator.say(format!(
            "money is conserved in the blocks {} to {height}: {} accounts paid fees of {} plancks",
            self.height + 1,
            penalties.transaction_fees.len(),
            penalties.fees()
        ));
        Ok(penalties)
    }
}

impl Penalties {
    async fn read(url: &str, first: u32, last: u32) -> Result<Self> {
        ensure!(first <= last, "there are no blocks from {first} to {last}");
        let chain = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await?;
        let mut penalties = Self::default();
        for height in first..=last {
            let events = chain.at_block(u64::from(height)).await?.events().fetch().await?;
            for event in events.iter() {
                let event = event?;
                let name = (event.pallet_name(), event.event_name());
                penalties
                    .enter(height, name, event.field_bytes())
                    .with_context(|| format!("{}.{} in block {height}", name.0, name.1))?;
            }
        }
        Ok(penalties)
    }

    /// What was taken from each account.
    pub fn losses(&self) -> BTreeMap<AccountId, Balance> {
        let mut losses = BTreeMap::new();
        for (_, account, amount) in &self.taken {
            *losses.entry(account.clone()).or_default() += *amount;
        }
        losses
    }

    fn fees(&self) -> Balance {
        self.transaction_fees.values().sum()
    }

    /// Checks balances before and after. `gone` is by how much the issuance has shrunk.
    fn check(
        &self,
        opening: &BTreeMap<AccountId, AccountBalance>,
        closing: &BTreeMap<AccountId, AccountBalance>,
        gone: Balance,
        treasury: &AccountId,
    ) -> Result<()> {
        let (fees, parts) = (self.fees(), self.fee_parts);
        ensure!(
            parts.validators + parts.treasury + parts.burnt == fees,
            "fees of {fees} plancks were divided as {parts:?}"
        );
        ensure!(
            gone == parts.validators + parts.burnt,
            "{gone} plancks are gone, and fees were divided as {parts:?}"
        );
        let losses = self.losses();
        let penalties: Balance = losses.values().sum();
        let accounts: BTreeSet<_> = opening.keys().chain(closing.keys()).collect();
        for account in accounts {
            let total = |balances: &BTreeMap<AccountId, AccountBalance>| {
                balances.get(account).map_or(0, |balance| balance.total() as i128)
            };
            let of = |amounts: &BTreeMap<AccountId, Balance>| {
                amounts.get(account).copied().unwrap_or_default() as i128
            };
            let mut expected = -of(&self.transaction_fees) - of(&losses);
            if account == treasury {
                expected += (parts.treasury + penalties) as i128;
            }
            let change = total(closing) - total(opening);
            ensure!(
                change == expected,
                "the balance of {account} changed by {change} plancks, not by {expected}"
            );
        }
        Ok(())
    }

    /// Enters an event of a block: its pallet and name, and its fields.
    fn enter(&mut self, height: u32, name: (&str, &str), mut fields: &[u8]) -> Result<()> {
        let fields = &mut fields;
        match name {
            ("Offences", "Offence") => {
                let (kind, _): ([u8; 16], Vec<u8>) = Decode::decode(fields)?;
                let kind = String::from_utf8_lossy(&kind).into_owned();
                *self.offences.entry(kind).or_default() += 1;
            },
            ("Staking", "SlashReported") => {
                let (validator, share, era): (_, u32, Era) = Decode::decode(fields)?;
                self.reported.push(Reported { height, validator, share: share.into(), era });
            },
            ("Session", "ValidatorDisabled") => {
                self.disabled.push((height, Decode::decode(fields)?));
            },
            ("Staking", "Slashed") => {
                let (account, amount) = Decode::decode(fields)?;
                self.taken.push((height, account, amount));
            },
            ("TransactionPayment", "TransactionFeePaid") => {
                let (who, fee) = <(AccountId, Balance)>::decode(fields)?;
                *self.transaction_fees.entry(who).or_default() += fee;
            },
            ("Validators", "FeesDivided") => {
                let parts = FeeParts::decode(fields)?;
                self.fee_parts.validators += parts.validators;
                self.fee_parts.treasury += parts.treasury;
                self.fee_parts.burnt += parts.burnt;
            },
            (pallet, event) if FAULTS.contains(&name) => {
                self.problems.push(format!("{pallet}.{event} in block {height}"));
            },
            _ => {},
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use codec::Encode;

    use super::*;

    #[test]
    fn penalties_are_those_of_the_guide() {
        // 56 % for one of four, 0.2 % for one of 64, everything for a third.
        assert_eq!(share(1, 4), 562_500_000);
        assert_eq!(share(1, 5), 360_000_000);
        assert_eq!(share(1, 64), 2_197_265);
        assert_eq!(share(1, 3), WHOLE);
        assert_eq!(share(2, 4), WHOLE);
        assert_eq!(of_stake(562_500_000, 100_000), 56_250);
        assert_eq!(of_stake(500_000_000, 3), 1);
        assert_eq!(of_stake(500_000_001, 3), 2);
    }

    #[test]
    fn each_account_changes_by_its_fees_and_penalties() {
        let [validator, other, treasury] = [1, 2, 3].map(|byte| AccountId::from([byte; 32]));
        let mut penalties = Penalties::default();
        let mut enter = |height, name, fields: Vec<u8>| {
            penalties.enter(height, name, &fields).unwrap();
        };
        enter(1, ("Offences", "Offence"), (*b"babe:equivocatio", vec![1u8]).encode());
        enter(1, ("Staking", "SlashReported"), (&validator, 562_500_000u32, 3u32).encode());
        enter(1, ("Session", "ValidatorDisabled"), validator.encode());
        enter(2, ("TransactionPayment", "TransactionFeePaid"), (&other, 10u128, 0u128).encode());
        enter(2, ("Validators", "FeesDivided"), [3u128, 2, 5].encode());
        enter(9, ("Staking", "Slashed"), (&validator, 40u128).encode());
        assert_eq!(penalties.offences, BTreeMap::from([("babe:equivocatio".into(), 1)]));
        assert_eq!(penalties.reported[0].era, 3);
        assert_eq!(penalties.disabled, [(1, validator.clone())]);
        assert!(penalties.problems.is_empty());

        let of = |amounts: [u128; 3]| {
            [&validator, &other, &treasury]
                .into_iter()
                .cloned()
                .zip(amounts.map(|free| AccountBalance { free, ..Default::default() }))
                .collect::<BTreeMap<_, _>>()
        };
        let before = of([100, 100, 100]);
        penalties.check(&before, &of([60, 90, 142]), 8, &treasury).unwrap();
        // A planck too little, a planck that went to another account, and one that is not gone.
        assert!(penalties.check(&before, &of([59, 90, 142]), 8, &treasury).is_err());
        assert!(penalties.check(&before, &of([60, 91, 141]), 8, &treasury).is_err());
        assert!(penalties.check(&before, &of([60, 90, 142]), 7, &treasury).is_err());
        for fault in FAULTS {
            penalties.enter(10, fault, &[]).unwrap();
        }
        assert_eq!(penalties.problems.len(), FAULTS.len());
    }
}
