//! Where the money went between two final blocks, by the events of the blocks and by the balances
//! in the states of both.

use std::collections::BTreeMap;

use anyhow::{ensure, Context, Result};
use assay_client::{queries::AccountBalance, AccountId, Client, Signer};
use assay_primitives::{Balance, Digest, RequestId};
use codec::Decode;
use subxt::{OnlineClient, SubstrateConfig};

use crate::{load::Answered, scenario::Run, stage::Stage, state::balances};

/// Events that mean a penalty. No scenario without a liar has one.
const PENALTIES: [(&str, &str); 5] = [
    ("Settlement", "Slashed"),
    ("Settlement", "Forfeited"),
    ("Offences", "Offence"),
    ("Session", "ValidatorDisabled"),
    ("Staking", "Slashed"),
];

/// How the escrow of a request was divided, in plancks.
#[derive(Clone, Copy, Debug, Decode, PartialEq)]
struct Division {
    fee: Balance,
    earned: Balance,
    royalty: Balance,
    treasury: Balance,
    refunded: Balance,
}

/// How the fees of a block were divided, in plancks.
#[derive(Clone, Copy, Debug, Decode, Default, PartialEq)]
struct FeeParts {
    validators: Balance,
    treasury: Balance,
    burnt: Balance,
}

/// What the events between two blocks say.
#[derive(Default)]
struct Books {
    divisions: BTreeMap<RequestId, Division>,
    transaction_fees: BTreeMap<AccountId, Balance>,
    fee_parts: FeeParts,
    problems: Vec<String>,
}

/// The balances at a final block, from which an audit starts.
pub struct Opening {
    height: u32,
    issuance: Balance,
    balances: BTreeMap<AccountId, AccountBalance>,
}

impl Opening {
    /// Reads the balances at a final height.
    ///
    /// # Errors
    ///
    /// The node does not answer, or the balances do not add up.
    pub async fn read(client: &Client, height: u32) -> Result<Self> {
        let (balances, issuance) = balances(client, hash(client, height).await?).await?;
        Ok(Self { height, issuance, balances })
    }

    /// Audits the blocks from here to another final height, in which exactly these requests ended:
    ///
    /// - All balances add up to what is issued. The fees were divided, and what is burnt is what the
    ///   validators will receive and what nobody does.
    /// - Every request was settled once, with the parts of its price and the fee of its result.
    /// - Payers paid the prices and fees of their requests and transactions, and nothing is held of
    ///   them. Operators, the owner and the treasury got the parts of the prices.
    /// - Nobody was slashed or disabled.
    ///
    /// # Errors
    ///
    /// The first of these that does not hold.
    pub async fn audit(
        &self,
        client: &Client,
        height: u32,
        stage: &Stage,
        answered: &[Answered],
        run: &Run,
    ) -> Result<()> {
        let books = read_books(client.rpc().url(), self.height + 1, height).await?;
        ensure!(books.problems.is_empty(), "{}", books.problems.join("; "));
        let (closing, issuance) = balances(client, hash(client, height).await?).await?;

        let sum = |part: fn(&Division) -> Balance| books.divisions.values().map(part).sum();
        let room_fees: Balance = sum(|one| one.fee);
        let fees = books.transaction_fees.values().sum::<Balance>() + room_fees;
        let FeeParts { validators, treasury: of_fees, burnt } = books.fee_parts;
        ensure!(
            validators + of_fees + burnt == fees,
            "fees of {fees} plancks were divided as {:?}",
            books.fee_parts
        );
        ensure!(
            self.issuance - issuance == validators + burnt,
            "{} plancks are gone, and fees were divided as {:?}",
            self.issuance - issuance,
            books.fee_parts
        );

        for one in answered {
            let result = &one.result;
            let division = books.divisions.get(&result.request);
            let division =
                division.with_context(|| format!("request {} was not settled", result.request))?;
            let price = division.earned + division.royalty + division.treasury;
            ensure!(
                (price, division.fee) == (result.price_paid, result.fee),
                "request {} cost {} and {}, and was settled as {division:?}",
                result.request,
                result.price_paid,
                result.fee
            );
        }
        ensure!(
            books.divisions.len() == answered.len(),
            "{} requests were settled, of {} that were made",
            books.divisions.len(),
            answered.len()
        );

        let change = |accounts: &[&AccountId]| {
            let total = |balances: &BTreeMap<AccountId, AccountBalance>| {
                let totals = accounts.iter().filter_map(|one| balances.get(*one));
                totals.map(|balance| balance.total() as i128).sum::<i128>()
            };
            let fees = accounts.iter().filter_map(|one| books.transaction_fees.get(*one));
            total(&closing) - total(&self.balances) + fees.sum::<Balance>() as i128
        };
        for payer in &stage.payers {
            let own = answered.iter().filter(|one| one.payer.account() == payer.account());
            let due: Balance = own.map(|one| one.result.price_paid + one.result.fee).sum();
            let who = format!("payer {}", payer.account());
            expect(&who, change(&[payer.account()]), -(due as i128))?;
            let held = closing.get(payer.account()).map_or(0, |balance| balance.reserved);
            ensure!(held == 0, "{held} plancks of {who} are still held");
        }
        let operators: Vec<_> = stage.operators.iter().map(Signer::account).collect();
        let treasury: Option<AccountId> = client.constant("Settlement", "TreasuryAccount").await;
        let treasury = treasury.context("the chain names no treasury")?;
        let earned: Balance = sum(|one| one.earned);
        let royalties: Balance = sum(|one| one.royalty);
        let shares: Balance = sum(|one| one.treasury);
        expect("all operators", change(&operators), earned as i128)?;
        expect("the owner of the models", change(&[stage.owner.account()]), royalties as i128)?;
        expect("the treasury", change(&[&treasury]), (shares + of_fees) as i128)?;
        run.narrator.say(format!(
            "money is conserved in the blocks {} to {height}: {} requests were settled once",
            self.height + 1,
            books.divisions.len()
        ));
        Ok(())
    }
}

fn expect(who: &str, change: i128, expected: i128) -> Result<()> {
    ensure!(
        change == expected,
        "besides fees of transactions, the balance of {who} changed by {change} plancks, not by \
         {expected}"
    );
    Ok(())
}

async fn hash(client: &Client, height: u32) -> Result<Digest> {
    let hash = client.rpc().block_hash(height).await?;
    hash.with_context(|| format!("there is no block {height}"))
}

async fn read_books(url: &str, first: u32, last: u32) -> Result<Books> {
    ensure!(first <= last, "there are no blocks from {first} to {last}");
    let chain = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await?;
    let mut books = Books::default();
    for height in first..=last {
        let events = chain.at_block(u64::from(height)).await?.events().fetch().await?;
        for event in events.iter() {
            let event = event?;
            let name = (event.pallet_name(), event.event_name());
            books.enter(height, name, event.field_bytes())?;
        }
    }
    Ok(books)
}

impl Books {
    /// Enters an event of a block: its pallet and name, and its fields.
    fn enter(&mut self, height: u32, name: (&str, &str), mut fields: &[u8]) -> Result<()> {
        let fields = &mut fields;
        match name {
            ("Settlement", "Settled") => {
                let (request, division) = Decode::decode(fields)?;
                if let Some(earlier) = self.divisions.insert(request, division) {
                    self.problems.push(format!(
                        "request {request} was settled twice, as {earlier:?} and, in block \
                         {height}, as {division:?}"
                    ));
                }
            },
            ("Settlement", "Refunded") => {
                let request = RequestId::decode(fields)?;
                self.problems.push(format!("request {request} was refunded in block {height}"));
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
            (pallet, event) if PENALTIES.contains(&name) => {
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
    fn what_no_scenario_may_have_is_a_problem() {
        let mut books = Books::default();
        let settled = (RequestId(5), [1u128, 2, 3, 4, 5]).encode();
        books.enter(7, ("Settlement", "Settled"), &settled).unwrap();
        books.enter(7, ("Operators", "Serving"), &[]).unwrap();
        assert!(books.problems.is_empty(), "{:?}", books.problems);

        books.enter(8, ("Settlement", "Settled"), &settled).unwrap();
        let account = AccountId::from([1; 32]);
        let refunded = (RequestId(6), &account, 1u128, 2u128).encode();
        books.enter(9, ("Settlement", "Refunded"), &refunded).unwrap();
        for penalty in PENALTIES {
            books.enter(10, penalty, &[]).unwrap();
        }
        let signs = ["settled twice", "6 was refunded", "Slashed", "Forfeited", "Offence"];
        for (problem, sign) in books.problems.iter().zip(signs) {
            assert!(problem.contains(sign), "{problem}");
        }
        assert_eq!(books.problems.len(), 2 + PENALTIES.len());
    }

    #[test]
    fn fees_of_transactions_add_up() {
        let mut books = Books::default();
        let account = AccountId::from([1; 32]);
        for fee in [3u128, 4] {
            let paid = (&account, fee, 0u128).encode();
            books.enter(1, ("TransactionPayment", "TransactionFeePaid"), &paid).unwrap();
        }
        assert_eq!(books.transaction_fees, BTreeMap::from([(account, 7)]));
        for parts in [[1u128, 2, 3], [4, 5, 6]] {
            books.enter(1, ("Validators", "FeesDivided"), &parts.encode()).unwrap();
        }
        assert_eq!(books.fee_parts, FeeParts { validators: 5, treasury: 7, burnt: 9 });
    }
}
