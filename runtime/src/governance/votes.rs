//! The currency as votes see it: what can be paid to others does not vote.

use assay_primitives::Balance;
use frame_support::{
    dispatch::DispatchResult,
    traits::{
        fungible::Inspect,
        tokens::{DepositConsequence, Fortitude, Preservation, Provenance, WithdrawConsequence},
        BalanceStatus, Currency, ExistenceRequirement, LockIdentifier, LockableCurrency,
        ReservableCurrency, SignedImbalance, WithdrawReasons,
    },
};
use pallet_settlement::HoldReason;
use sp_runtime::DispatchError;

use crate::{AccountId, Balances, Settlement};

/// [`Balances`], whose totals leave out what is held for requests and disputes. Votes and delegations are of
/// at most the total of an account. What is held for requests and disputes can be paid to another account, if
/// the owner wants it, and vote there. Settlement does not hold what a vote locks, so it makes no difference
/// whether the vote or the hold comes first.
pub struct VotingMoney;

type Plus = <Balances as Currency<AccountId>>::PositiveImbalance;
type Minus = <Balances as Currency<AccountId>>::NegativeImbalance;

impl VotingMoney {
    fn total(who: &AccountId) -> Balance {
        let held = |reason| Settlement::held(reason, who);
        <Balances as Currency<AccountId>>::total_balance(who)
            .saturating_sub(held(HoldReason::Escrow))
            .saturating_sub(held(HoldReason::Dispute))
    }
}

impl Currency<AccountId> for VotingMoney {
    type Balance = Balance;
    type PositiveImbalance = Plus;
    type NegativeImbalance = Minus;

    fn total_balance(who: &AccountId) -> Balance {
        Self::total(who)
    }

    fn can_slash(who: &AccountId, value: Balance) -> bool {
        Balances::can_slash(who, value)
    }

    fn total_issuance() -> Balance {
        <Balances as Currency<_>>::total_issuance()
    }

    fn active_issuance() -> Balance {
        <Balances as Currency<_>>::active_issuance()
    }

    fn deactivate(value: Balance) {
        <Balances as Currency<_>>::deactivate(value)
    }

    fn reactivate(value: Balance) {
        <Balances as Currency<_>>::reactivate(value)
    }

    fn minimum_balance() -> Balance {
        <Balances as Currency<_>>::minimum_balance()
    }

    fn burn(amount: Balance) -> Plus {
        <Balances as Currency<_>>::burn(amount)
    }

    fn issue(amount: Balance) -> Minus {
        <Balances as Currency<_>>::issue(amount)
    }

    fn free_balance(who: &AccountId) -> Balance {
        Balances::free_balance(who)
    }

    fn ensure_can_withdraw(
        who: &AccountId,
        amount: Balance,
        reasons: WithdrawReasons,
        new_balance: Balance,
    ) -> DispatchResult {
        Balances::ensure_can_withdraw(who, amount, reasons, new_balance)
    }

    fn transfer(
        source: &AccountId,
        dest: &AccountId,
        value: Balance,
        existence: ExistenceRequirement,
    ) -> DispatchResult {
        <Balances as Currency<_>>::transfer(source, dest, value, existence)
    }

    fn slash(who: &AccountId, value: Balance) -> (Minus, Balance) {
        <Balances as Currency<_>>::slash(who, value)
    }

    fn deposit_into_existing(who: &AccountId, value: Balance) -> Result<Plus, DispatchError> {
        Balances::deposit_into_existing(who, value)
    }

    fn deposit_creating(who: &AccountId, value: Balance) -> Plus {
        Balances::deposit_creating(who, value)
    }

    fn withdraw(
        who: &AccountId,
        value: Balance,
        reasons: WithdrawReasons,
        existence: ExistenceRequirement,
    ) -> Result<Minus, DispatchError> {
        <Balances as Currency<_>>::withdraw(who, value, reasons, existence)
    }

    fn make_free_balance_be(who: &AccountId, balance: Balance) -> SignedImbalance<Balance, Plus> {
        Balances::make_free_balance_be(who, balance)
    }
}

impl ReservableCurrency<AccountId> for VotingMoney {
    fn can_reserve(who: &AccountId, value: Balance) -> bool {
        Balances::can_reserve(who, value)
    }

    fn slash_reserved(who: &AccountId, value: Balance) -> (Minus, Balance) {
        Balances::slash_reserved(who, value)
    }

    fn reserved_balance(who: &AccountId) -> Balance {
        Balances::reserved_balance(who)
    }

    fn reserve(who: &AccountId, value: Balance) -> DispatchResult {
        Balances::reserve(who, value)
    }

    fn unreserve(who: &AccountId, value: Balance) -> Balance {
        Balances::unreserve(who, value)
    }

    fn repatriate_reserved(
        slashed: &AccountId,
        beneficiary: &AccountId,
        value: Balance,
        status: BalanceStatus,
    ) -> Result<Balance, DispatchError> {
        Balances::repatriate_reserved(slashed, beneficiary, value, status)
    }
}

impl LockableCurrency<AccountId> for VotingMoney {
    type Moment = <Balances as LockableCurrency<AccountId>>::Moment;
    type MaxLocks = <Balances as LockableCurrency<AccountId>>::MaxLocks;

    fn set_lock(id: LockIdentifier, who: &AccountId, amount: Balance, reasons: WithdrawReasons) {
        Balances::set_lock(id, who, amount, reasons)
    }

    fn extend_lock(id: LockIdentifier, who: &AccountId, amount: Balance, reasons: WithdrawReasons) {
        Balances::extend_lock(id, who, amount, reasons)
    }

    fn remove_lock(id: LockIdentifier, who: &AccountId) {
        Balances::remove_lock(id, who)
    }
}

impl Inspect<AccountId> for VotingMoney {
    type Balance = Balance;

    fn total_issuance() -> Balance {
        <Balances as Inspect<AccountId>>::total_issuance()
    }

    fn active_issuance() -> Balance {
        <Balances as Inspect<AccountId>>::active_issuance()
    }

    fn minimum_balance() -> Balance {
        <Balances as Inspect<AccountId>>::minimum_balance()
    }

    fn total_balance(who: &AccountId) -> Balance {
        Self::total(who)
    }

    fn balance(who: &AccountId) -> Balance {
        Balances::balance(who)
    }

    fn reducible_balance(who: &AccountId, preservation: Preservation, force: Fortitude) -> Balance {
        Balances::reducible_balance(who, preservation, force)
    }

    fn can_deposit(who: &AccountId, amount: Balance, provenance: Provenance) -> DepositConsequence {
        Balances::can_deposit(who, amount, provenance)
    }

    fn can_withdraw(who: &AccountId, amount: Balance) -> WithdrawConsequence<Balance> {
        Balances::can_withdraw(who, amount)
    }
}
