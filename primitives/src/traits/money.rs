//! Escrows, bonds and deposits.

use alloc::vec::Vec;
use sp_runtime::{DispatchError, DispatchResult, Perbill};

use crate::{Balance, BlockNumber, RequestId};

/// The payment for a verified request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment<AccountId> {
    /// The operators whose results won, each with its price at the draw.
    pub earned: Vec<(AccountId, Balance)>,
    /// The account that receives the royalty.
    pub royalty_to: AccountId,
    /// The royalty's share of each price.
    pub royalty: Perbill,
    /// The fee for the room in blocks that the request took, in plancks. It comes before all prices,
    /// and goes where all fees go.
    pub fee: Balance,
}

/// The end of the escrow of a verified request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge<AccountId> {
    /// The request.
    pub request: RequestId,
    /// The account whose money is held.
    pub payer: AccountId,
    /// The amount held, in plancks.
    pub amount: Balance,
    /// What it is divided into. The rest is refunded to the payer.
    pub payment: Payment<AccountId>,
}

impl<AccountId> Charge<AccountId> {
    /// The fee, in plancks.
    pub fn fee(&self) -> Balance {
        self.payment.fee.min(self.amount)
    }

    /// What is paid for each operator's result, in plancks: its price, or what is left of the escrow.
    pub fn prices(&self) -> impl Iterator<Item = (&AccountId, Balance)> {
        let mut left = self.amount - self.fee();
        self.payment.earned.iter().map(move |(operator, ask)| {
            // The asks of a committee are within the escrow. The minimum enforces the payer's limit
            // even if they were not.
            let price = (*ask).min(left);
            left -= price;
            (operator, price)
        })
    }

    /// What is paid for all results, in plancks.
    pub fn price(&self) -> Balance {
        self.prices().map(|(_, price)| price).sum()
    }
}

/// What is held for one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Escrowed<'a, AccountId> {
    /// The request.
    pub request: RequestId,
    /// The account whose money is held.
    pub payer: &'a AccountId,
    /// The amount held, in plancks.
    pub amount: Balance,
}

/// Escrows of requests. Implemented by `settlement`.
///
/// The implementation knows what all escrows of an account add up to. The caller knows the escrow of
/// each request, and ends each once.
pub trait Escrow<AccountId> {
    /// Holds `amount` more of the payer's balance.
    ///
    /// # Errors
    ///
    /// The payer's balance does not cover the amount.
    fn hold(payer: &AccountId, amount: Balance) -> DispatchResult;
    /// What all escrows of an account add up to, in plancks.
    fn held(payer: &AccountId) -> Balance;
    /// Divides escrows: hands on the fees, pays what was earned and refunds the rest to the payers. Each
    /// account is paid once, what its shares add up to. Never fails: what an account cannot receive
    /// goes to the treasury, and what the treasury cannot receive is burnt.
    fn settle(charges: &[Charge<AccountId>]);
    /// Hands on `fee`, at most the escrow, and refunds the rest of it to the payer.
    fn refund(escrow: Escrowed<'_, AccountId>, fee: Balance);
}

/// The part of a slash that an account receives. The treasury receives the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlashShare<'a, AccountId> {
    /// The account.
    pub to: &'a AccountId,
    /// The largest amount that it can receive, in plancks.
    pub most: Balance,
    /// Height from which the account can claim its part, which is held until then; `None` if it is
    /// paid at once.
    pub claimable_from: Option<BlockNumber>,
}

/// Bonds of operators. Implemented by `settlement`.
pub trait Bonds<AccountId> {
    /// The bond of an account, in plancks.
    fn bonded(account: &AccountId) -> Balance;
    /// Adds `amount` to the bond.
    ///
    /// # Errors
    ///
    /// The account's balance does not cover the amount.
    fn lock(account: &AccountId, amount: Balance) -> DispatchResult;
    /// Releases the whole bond to the account. Returns the amount.
    ///
    /// # Errors
    ///
    /// The hold cannot be released, which would be a bug.
    fn unlock(account: &AccountId) -> Result<Balance, DispatchError>;
    /// Takes `amount` from the bond, or the whole bond if it is smaller. `share` is the part of
    /// another account; the treasury receives the rest. Returns the amount taken.
    fn slash(
        account: &AccountId,
        amount: Balance,
        share: Option<SlashShare<'_, AccountId>>,
    ) -> Balance;
}

/// Deposits for what accounts store on chain. Implemented by `settlement`.
pub trait Deposits<AccountId> {
    /// Adds `amount` to the deposit of an account.
    ///
    /// # Errors
    ///
    /// The account's balance does not cover the amount.
    fn take(account: &AccountId, amount: Balance) -> DispatchResult;
    /// Releases `amount` of the deposit, or the whole deposit if it is smaller.
    fn give_back(account: &AccountId, amount: Balance);
    /// Takes a deposit from `to` and gives the same amount back to `from`.
    ///
    /// # Errors
    ///
    /// The balance of `to` does not cover the amount.
    fn hand_over(from: &AccountId, to: &AccountId, amount: Balance) -> DispatchResult {
        Self::take(to, amount)?;
        Self::give_back(from, amount);
        Ok(())
    }
}
