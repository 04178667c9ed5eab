//! Where the money went between two final blocks, by the events of the blocks and by the balances
//! in the states of both.

use std::collections::BTreeMap;

use anyhow::{bail, ensure, Context, Result};
use assay_client::{queries::AccountBalance, AccountId, Client, Signer};
use assay_primitives::{dispute::DisputeId, Balance, Digest, RequestId};
use codec::Decode;
use subxt::{OnlineClient, SubstrateConfig};

use crate::{
    load::Answered,
    scenario::Run,
    stage::{Away, Stage},
    state::balances,
};

/// Events that no scenario may have.
const FAULTS: [(&str, &str); 3] =
    [("Offences", "Offence"), ("Session", "ValidatorDisabled"), ("Staking", "Slashed")];

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
pub(crate) struct FeeParts {
    pub(crate) validators: Balance,
    pub(crate) treasury: Balance,
    pub(crate) burnt: Balance,
}

/// A penalty, in plancks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Penalty {
    /// Amount taken.
    amount: Balance,
    /// Part of it that did not go to the treasury: of a dispute bond, to the operator; of an operator's
    /// bond, to the challenger, or to the payer, who cannot have it yet.
    compensation: Balance,
    /// Whether it is the payer's, and held on the payer's account.
    held: bool,
}

/// What the events between two blocks say.
#[derive(Default)]
struct Books {
    /// The account whose forfeited bonds are entered. Those of others are problems.
    challenger: Option<AccountId>,
    /// The accounts whose penalties are entered. Those of others are problems.
    liars: Vec<AccountId>,
    away: Vec<Away>,
    divisions: BTreeMap<RequestId, Division>,
    /// Fees of requests that were refunded.
    refunds: BTreeMap<RequestId, Balance>,
    /// Of the challenger.
    forfeits: Vec<Penalty>,
    /// Of liars, and of operators that were away.
    slashes: Vec<Penalty>,
    /// What the challenger paid for moves in void disputes.
    spent: Balance,
    transaction_fees: BTreeMap<AccountId, Balance>,
    fee_parts: FeeParts,
    problems: Vec<String>,
}

/// The balances at a final block, from which an audit starts.
pub struct Opening {
    pub(crate) height: u32,
    pub(crate) issuance: Balance,
    pub(crate) balances: BTreeMap<AccountId, AccountBalance>,
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

    /// The height.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Audits the blocks from here to another final height, in which exactly these requests ended:
    ///
    /// - All balances add up to what is issued. The fees were divided, and what is burnt is what the
    ///   validators will receive and what nobody does.
    /// - Every request was settled once, with the parts of its price and the fee of its result. If the
    ///   stage has liars, or operators were away then, it may have been refunded instead.
    /// - Payers paid the prices and fees of their requests and transactions, and nothing is held of
    ///   them but compensations. Operators, the owner, the treasury and the challenger got what the
    ///   prices and penalties give them.
    /// - Nobody but the liars of the stage, and operators that were away then, was slashed, nobody but its challenger lost a bond, and
    ///   nobody was disabled.
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
        let books = read_books(client.rpc().url(), self.height + 1, height, stage).await?;
        ensure!(books.problems.is_empty(), "{}", books.problems.join("; "));
        let (closing, issuance) = balances(client, hash(client, height).await?).await?;
        let (fees, parts) = (books.fees(), books.fee_parts);
        ensure!(
            parts.validators + parts.treasury + parts.burnt == fees,
            "fees of {fees} plancks were divided as {parts:?}"
        );
        ensure!(
            self.issuance - issuance == parts.validators + parts.burnt,
            "{} plancks are gone, and fees were divided as {parts:?}",
            self.issuance - issuance
        );
        books.check_requests(answered)?;
        let audit = Audit { opening: &self.balances, closing: &closing, books: &books };
        audit.payers(stage, answered)?;
        let treasury: Option<AccountId> = client.constant("Settlement", "TreasuryAccount").await;
        audit.others(stage, &treasury.context("the chain names no treasury")?)?;
        run.narrator.say(format!(
            "money is conserved in the blocks {} to {height}: {} requests were settled once, {} \
             refunded",
            self.height + 1,
            books.divisions.len(),
            books.refunds.len()
        ));
        Ok(())
    }
}

/// The balances before and after what the books say.
struct Audit<'a> {
    opening: &'a BTreeMap<AccountId, AccountBalance>,
    closing: &'a BTreeMap<AccountId, AccountBalance>,
    books: &'a Books,
}

impl Audit<'_> {
    /// By how much accounts changed together, besides fees of transactions.
    fn change<'a>(&self, accounts: impl IntoIterator<Item = &'a AccountId>) -> i128 {
        let total = |balances: &BTreeMap<AccountId, AccountBalance>, account| {
            balances.get(account).map_or(0, |balance| balance.total() as i128)
        };
        let change = |account| {
            let fees = self.books.transaction_fees.get(account).copied().unwrap_or_default();
            total(self.closing, account) - total(self.opening, account) + fees as i128
        };
        accounts.into_iter().map(change).sum()
    }

    fn payers(&self, stage: &Stage, answered: &[Answered]) -> Result<()> {
        let mut compensations = 0;
        for payer in &stage.payers {
            let own = answered.iter().filter(|one| one.payer.account() == payer.account());
            let due: Balance = own.map(|one| one.result.price_paid + one.result.fee).sum();
            let who = format!("payer {}", payer.account());
            let held = self.closing.get(payer.account()).map_or(0, |balance| balance.reserved);
            expect(&who, self.change([payer.account()]), held as i128 - due as i128)?;
            compensations += held;
        }
        let due: Balance = self.books.slashes.iter().filter(|one| one.held).map(part).sum();
        ensure!(
            compensations == due,
            "{compensations} plancks of payers are held, and the compensations of payers are {due}"
        );
        Ok(())
    }

    fn others(&self, stage: &Stage, treasury: &AccountId) -> Result<()> {
        let Books { divisions, forfeits, slashes, spent, .. } = self.books;
        let sum = |part: fn(&Division) -> Balance| divisions.values().map(part).sum::<Balance>();
        let amounts =
            |penalties: &[Penalty]| penalties.iter().map(|one| one.amount).sum::<Balance>();
        let parts = |penalties: &[Penalty]| penalties.iter().map(part).sum::<Balance>();
        let rewards: Balance = slashes.iter().filter(|one| !one.held).map(part).sum();

        let operators = stage.operators.iter().map(Signer::account).chain(&stage.liars);
        let earned = sum(|one| one.earned) + parts(forfeits);
        let change = self.change(operators);
        expect("all operators", change, earned as i128 - amounts(slashes) as i128)?;
        let royalties = sum(|one| one.royalty);
        let owner = self.change([stage.owner.account()]);
        expect("the owner of the models", owner, royalties as i128)?;
        let challenger = self.change([stage.challenger.account()]);
        let lost = amounts(forfeits) + spent;
        expect("the challenger", challenger, rewards as i128 - lost as i128)?;
        let penalties = amounts(slashes) - parts(slashes) + amounts(forfeits) - parts(forfeits);
        let due = sum(|one| one.treasury) + penalties + spent + self.books.fee_parts.treasury;
        expect("the treasury", self.change([treasury]), due as i128)
    }
}

fn part(penalty: &Penalty) -> Balance {
    penalty.compensation
}

fn expect(who: &str, change: i128, expected: i128) -> Result<()> {
    ensure!(
        change == expected,
        "besides fees of transactions, the balance of {who} changed by {change} plancks, not by \
         {expected}"
    );
    Ok(())
}

pub(crate) async fn hash(client: &Client, height: u32) -> Result<Digest> {
    let hash = client.rpc().block_hash(height).await?;
    hash.with_context(|| format!("there is no block {height}"))
}

async fn read_books(url: &str, first: u32, last: u32, stage: &Stage) -> Result<Books> {
    ensure!(first <= last, "there are no blocks from {first} to {last}");
    let chain = OnlineClient::<SubstrateConfig>::from_insecure_url(url).await?;
    let mut books = Books {
        challenger: Some(stage.challenger.account().clone()),
        liars: stage.liars.clone(),
        away: stage.away.clone(),
        ..Default::default()
    };
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
    /// Fees of transactions, and those for room in blocks.
    fn fees(&self) -> Balance {
        let settled = self.divisions.values().map(|one| one.fee);
        settled.chain(self.refunds.values().copied()).sum::<Balance>()
            + self.transaction_fees.values().sum::<Balance>()
    }

    /// Checks that each request ended once, as its result says, and no other one did.
    fn check_requests(&self, answered: &[Answered]) -> Result<()> {
        for one in answered {
            let result = &one.result;
            let request = result.request;
            let (price, fee) = match (self.divisions.get(&request), self.refunds.get(&request)) {
                (Some(paid), None) => (paid.earned + paid.royalty + paid.treasury, paid.fee),
                (None, Some(fee)) => (0, *fee),
                (None, None) => bail!("request {request} was not settled"),
                (Some(_), Some(_)) => bail!("request {request} was settled and refunded"),
            };
            ensure!(
                (price, fee) == (result.price_paid, result.fee),
                "request {request} cost {} and {}, and {price} and {fee} were taken",
                result.price_paid,
                result.fee
            );
        }
        let ended = self.divisions.len() + self.refunds.len();
        ensure!(
            ended == answered.len(),
            "{ended} requests ended, of {} that were made",
            answered.len()
        );
        Ok(())
    }

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
                let (request, _, fee, _): (RequestId, AccountId, Balance, Balance) =
                    Decode::decode(fields)?;
                let is_away = self.away.iter().any(|one| one.blocks.contains(&height));
                let may_be_refunded = is_away || !self.liars.is_empty();
                if self.refunds.insert(request, fee).is_some() || !may_be_refunded {
                    self.problems.push(format!("request {request} was refunded in block {height}"));
                }
            },
            ("Settlement", "Slashed") => {
                let (account, amount, compensation, from): (_, _, _, Option<u32>) =
                    Decode::decode(fields)?;
                let penalty = Penalty { amount, compensation, held: from.is_some() };
                let is_away =
                    |one: &Away| one.blocks.contains(&height) && one.operators.contains(&account);
                if self.liars.contains(&account) || self.away.iter().any(is_away) {
                    self.slashes.push(penalty);
                } else {
                    self.problems.push(format!("{account} was slashed in block {height}"));
                }
            },
            ("Settlement", "Forfeited") => {
                let (account, amount, compensation) = Decode::decode(fields)?;
                if self.challenger.as_ref() == Some(&account) {
                    self.forfeits.push(Penalty { amount, compensation, held: false });
                } else {
                    self.problems.push(format!("{account} lost a bond in block {height}"));
                }
            },
            ("Disputes", "Void") => {
                let (_, spent): (DisputeId, Balance) = Decode::decode(fields)?;
                self.spent += spent;
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
        books.enter(10, ("Settlement", "Slashed"), &slashed(&account)).unwrap();
        books.enter(10, ("Settlement", "Forfeited"), &(&account, 3u128, 1u128).encode()).unwrap();
        for fault in FAULTS {
            books.enter(10, fault, &[]).unwrap();
        }
        let signs = [
            "settled twice",
            "6 was refunded",
            "slashed",
            "a bond",
            "Offence",
            "Disabled",
            "Slashed",
        ];
        for (problem, sign) in books.problems.iter().zip(signs) {
            assert!(problem.contains(sign), "{problem}");
        }
        assert_eq!(books.problems.len(), signs.len());
    }

    fn slashed(account: &AccountId) -> Vec<u8> {
        (account, 10u128, 4u128, Some(1_800u32)).encode()
    }

    #[test]
    fn penalties_that_may_be_are_entered() {
        let [liar, challenger] = [1, 2].map(|byte| AccountId::from([byte; 32]));
        let mut books = Books {
            liars: vec![liar.clone()],
            challenger: Some(challenger.clone()),
            ..Default::default()
        };
        books.enter(1, ("Settlement", "Slashed"), &slashed(&liar)).unwrap();
        let forfeited = (&challenger, 6u128, 3u128).encode();
        books.enter(1, ("Settlement", "Forfeited"), &forfeited).unwrap();
        let refunded = (RequestId(6), &challenger, 7u128, 2u128).encode();
        books.enter(2, ("Settlement", "Refunded"), &refunded).unwrap();
        assert!(books.problems.is_empty(), "{:?}", books.problems);
        assert_eq!(books.slashes, [Penalty { amount: 10, compensation: 4, held: true }]);
        assert_eq!(books.forfeits, [Penalty { amount: 6, compensation: 3, held: false }]);
        assert_eq!(books.fees(), 7);

        // Who is away is not penalised at another time.
        let [late, payer] = [3, 4].map(|byte| AccountId::from([byte; 32]));
        books.liars.clear();
        books.away = vec![Away { operators: vec![late.clone()], blocks: 5..=6 }];
        books.enter(6, ("Settlement", "Slashed"), &slashed(&late)).unwrap();
        let also = (RequestId(7), &payer, 7u128, 2u128).encode();
        books.enter(5, ("Settlement", "Refunded"), &also).unwrap();
        assert!(books.problems.is_empty(), "{:?}", books.problems);
        books.enter(7, ("Settlement", "Slashed"), &slashed(&late)).unwrap();
        let third = (RequestId(8), &payer, 7u128, 2u128).encode();
        books.enter(7, ("Settlement", "Refunded"), &third).unwrap();
        assert_eq!(std::mem::take(&mut books.problems).len(), 2);

        // A second refund of one request, and the penalty of somebody else, remain problems.
        books.enter(3, ("Settlement", "Refunded"), &refunded).unwrap();
        books.enter(3, ("Settlement", "Slashed"), &slashed(&challenger)).unwrap();
        assert_eq!(books.problems.len(), 2);
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
