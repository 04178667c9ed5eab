//! The oracle of what settlements pay.

use std::collections::BTreeMap;

use assay_runtime::{AccountId, EXISTENTIAL_DEPOSIT};

use super::oracle::Oracle;

/// Shares of prices, on the way to their accounts.
#[derive(Default)]
pub struct Shares {
    /// What the shares of each account add up to.
    pub due: BTreeMap<AccountId, u128>,
    /// The treasury's.
    pub common: u128,
}

impl Shares {
    pub fn add(&mut self, other: Self) {
        for (account, amount) in other.due {
            *self.due.entry(account).or_default() += amount;
        }
        self.common += other.common;
    }
}

impl Oracle {
    /// Pays each account what its shares add up to. The treasury gets those that an account cannot
    /// receive.
    pub fn pay_shares(&mut self, shares: Shares) {
        let Shares { due, mut common } = shares;
        for (account, amount) in due {
            let free = self.account(&account).free;
            if amount == 0 {
                continue;
            }
            if free + amount < EXISTENTIAL_DEPOSIT {
                self.see("a share below the existential deposit of a dead account");
                common += amount;
                continue;
            }
            if free == 0 {
                self.see("a payment that revives an account");
            }
            self.account_mut(&account).free += amount;
        }
        let treasury = self.treasury.clone();
        self.account_mut(&treasury).free += common;
    }
}
