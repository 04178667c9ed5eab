//! The ledger: escrows, bonds, deposits and dispute bonds, and the holds that back them.

use alloc::collections::BTreeMap;
use assay_math::{split_price, Shares};
use assay_primitives::{
    traits::{Bonds, Charge, Deposits, DisputeBonds, Escrow, Escrowed, SlashShare},
    Balance, BlockNumber,
};
use frame_support::{
    dispatch_context::with_context,
    ensure,
    traits::{
        fungible::{self, Balanced, BalancedHold, Inspect, InspectHold, Mutate, MutateHold},
        tokens::{Fortitude, Precision, Preservation, Restriction},
        Get, Imbalance, OnUnbalanced,
    },
};
use sp_runtime::{
    traits::{Convert, SaturatedConversion, Zero},
    DispatchError, DispatchResult,
};

use crate::{
    BondTotals, Compensations, Config, DepositTotals, DisputeTotals, Error, Event, HoldReason,
    Pallet,
};

/// What the calls of one transaction or scheduled call have tried to spend of the treasury.
#[derive(Default)]
struct Spent(Balance);

/// Money on the way from escrows to those who earned it.
type Credit<T> = fungible::Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

/// Adds to a total. A total of zero is not stored.
fn increase(total: &mut Option<Balance>, amount: Balance) {
    *total = Some(total.unwrap_or_default().saturating_add(amount)).filter(|total| *total > 0);
}

/// Subtracts from a total. A total of zero is not stored.
fn decrease(total: &mut Option<Balance>, amount: Balance) {
    *total = total.unwrap_or_default().checked_sub(amount).filter(|total| *total > 0);
}

impl<T: Config> Pallet<T> {
    /// Holds `amount`. The account keeps the existential deposit.
    fn hold_from(
        reason: HoldReason,
        account: &T::AccountId,
        amount: Balance,
        not_covered: Error<T>,
    ) -> DispatchResult {
        T::Currency::hold(&reason.into(), account, amount).map_err(|_| not_covered.into())
    }

    /// Holds `amount` for a payment to others. What the account has besides such holds must cover its
    /// locks: otherwise money that a vote locks could be paid to another account, and vote again.
    fn hold_payment(
        reason: HoldReason,
        account: &T::AccountId,
        amount: Balance,
        not_covered: Error<T>,
    ) -> DispatchResult {
        let left = [HoldReason::Escrow, HoldReason::Dispute]
            .into_iter()
            .map(|reason| Self::held(reason, account))
            .fold(T::Currency::total_balance(account), Balance::saturating_sub)
            .saturating_sub(amount);
        match left >= T::Locked::convert(account) {
            true => Self::hold_from(reason, account, amount, not_covered),
            false => Err(not_covered.into()),
        }
    }

    /// Transfers held money. Returns the amount transferred: `amount`, or zero if `to` cannot
    /// receive it.
    fn pay_from_hold(
        reason: HoldReason,
        from: &T::AccountId,
        to: &T::AccountId,
        amount: Balance,
    ) -> Balance {
        if amount.is_zero() {
            return 0;
        }
        if from == to {
            // A transfer to oneself is refused, so release the hold instead.
            return Self::release_to_owner(reason, from, amount);
        }
        // A separate storage layer, so that a refused transfer changes nothing. With force, because
        // a freeze on the account must not block the payment of what it owes.
        frame_support::storage::with_storage_layer(|| {
            T::Currency::transfer_on_hold(
                &reason.into(),
                from,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        })
        .unwrap_or_default()
    }

    fn release_to_owner(reason: HoldReason, account: &T::AccountId, amount: Balance) -> Balance {
        if amount.is_zero() {
            return 0;
        }
        match T::Currency::release(&reason.into(), account, amount, Precision::Exact) {
            Ok(released) => released,
            Err(error) => {
                frame_support::defensive!("a hold in the ledger cannot be released", error);
                0
            },
        }
    }

    /// What leaves the escrows of each payer, and what each gets back.
    fn from_payers(
        charges: &[Charge<T::AccountId>],
    ) -> BTreeMap<&T::AccountId, (Balance, Balance)> {
        let mut payers = BTreeMap::<_, (Balance, Balance)>::new();
        for charge in charges {
            let gone = charge.fee() + charge.price();
            let (all_gone, all_left) = payers.entry(&charge.payer).or_default();
            *all_gone += gone;
            *all_left += charge.amount - gone;
        }
        payers
    }

    /// The shares of each operator's price.
    fn shares(charge: &Charge<T::AccountId>) -> impl Iterator<Item = (&T::AccountId, Shares)> {
        charge.prices().map(|(operator, price)| {
            (operator, split_price(price, charge.payment.royalty, T::TreasuryShare::get()))
        })
    }

    /// Takes `amount` out of the escrows of an account.
    fn take_held(payer: &T::AccountId, amount: Balance) -> Credit<T> {
        if amount.is_zero() {
            return Credit::<T>::zero();
        }
        let reason = HoldReason::Escrow.into();
        let (credit, missing) = T::Currency::slash(&reason, payer, amount);
        frame_support::defensive_assert!(missing.is_zero(), "an escrow that is not held");
        // The credit does not show in the currency's events, but wallets follow these.
        T::Currency::done_burn_held(&reason, payer, credit.peek());
        credit
    }

    /// Pays `amount` of the credit to an account, if it can receive it. Returns whether it could.
    fn pay(credit: &mut Credit<T>, account: &T::AccountId, amount: Balance) -> bool {
        if amount.is_zero() {
            return true;
        }
        match T::Currency::resolve(account, credit.extract(amount)) {
            Ok(()) => true,
            Err(refused) => {
                credit.subsume(refused);
                false
            },
        }
    }

    /// Transfers `amount` of a bond to an account, where it is held as a compensation. Returns the
    /// amount transferred: `amount`, or zero if the account cannot receive it and keep the
    /// existential deposit.
    fn compensate(
        from: &T::AccountId,
        to: &T::AccountId,
        amount: Balance,
        claimable_from: BlockNumber,
    ) -> Balance {
        if amount.is_zero() {
            return 0;
        }
        frame_support::storage::with_storage_layer(|| {
            T::Currency::transfer_on_hold(
                &HoldReason::Bond.into(),
                from,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )?;
            T::Currency::hold(&HoldReason::Compensation.into(), to, amount)?;
            Compensations::<T>::mutate(to, claimable_from, |total| {
                *total = total.saturating_add(amount)
            });
            Ok::<_, DispatchError>(amount)
        })
        .unwrap_or_default()
    }

    pub(crate) fn do_spend_treasury(
        to: T::AccountId,
        amount: Balance,
        limit: Balance,
    ) -> DispatchResult {
        // Otherwise a batch could spend any number of times the limit.
        let spent = with_context::<Spent, _>(|spent| {
            let Spent(sum) = spent.or_default();
            *sum = sum.saturating_add(amount);
            *sum
        });
        ensure!(spent.unwrap_or(amount) <= limit, Error::<T>::SpendTooLarge);
        let treasury = T::TreasuryAccount::get();
        let free =
            T::Currency::reducible_balance(&treasury, Preservation::Preserve, Fortitude::Polite);
        ensure!(amount <= free, Error::<T>::TreasuryTooSmall);
        T::Currency::transfer(&treasury, &to, amount, Preservation::Preserve)?;
        Self::deposit_event(Event::TreasurySpent { to, amount });
        Ok(())
    }

    pub(crate) fn do_claim_compensation(
        account: T::AccountId,
        claimable_from: BlockNumber,
    ) -> DispatchResult {
        let amount = Compensations::<T>::get(&account, claimable_from);
        ensure!(!amount.is_zero(), Error::<T>::NoCompensation);
        let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
        ensure!(now >= claimable_from, Error::<T>::CompensationNotDue);
        Compensations::<T>::remove(&account, claimable_from);
        let amount = Self::release_to_owner(HoldReason::Compensation, &account, amount);
        Self::deposit_event(Event::CompensationClaimed { account, amount });
        Ok(())
    }
}

impl<T: Config> Escrow<T::AccountId> for Pallet<T> {
    fn hold(payer: &T::AccountId, amount: Balance) -> DispatchResult {
        Self::hold_payment(HoldReason::Escrow, payer, amount, Error::<T>::EscrowNotCovered)
    }

    fn held(payer: &T::AccountId) -> Balance {
        Self::held(HoldReason::Escrow, payer)
    }

    fn settle(charges: &[Charge<T::AccountId>]) {
        let mut credit = Credit::<T>::zero();
        for (payer, (gone, left)) in Self::from_payers(charges) {
            credit.subsume(Self::take_held(payer, gone));
            Self::release_to_owner(HoldReason::Escrow, payer, left);
        }
        let mut due = BTreeMap::<&T::AccountId, Balance>::new();
        for charge in charges {
            for (operator, shares) in Self::shares(charge) {
                *due.entry(operator).or_default() += shares.operator;
                *due.entry(&charge.payment.royalty_to).or_default() += shares.royalty;
            }
        }
        due.retain(|account, amount| Self::pay(&mut credit, account, *amount));

        let paid =
            |account: &T::AccountId, amount| if due.contains_key(account) { amount } else { 0 };
        let mut common = 0;
        for charge in charges {
            let (mut earned, mut royalty, mut treasury) = (0, 0, 0);
            for (operator, shares) in Self::shares(charge) {
                let its = paid(operator, shares.operator);
                let owners = paid(&charge.payment.royalty_to, shares.royalty);
                earned += its;
                royalty += owners;
                treasury += shares.treasury + (shares.operator - its) + (shares.royalty - owners);
            }
            common += treasury;
            Self::deposit_event(Event::Settled {
                request: charge.request,
                fee: charge.fee(),
                earned,
                royalty,
                treasury,
                refunded: charge.amount - charge.fee() - charge.price(),
            });
        }
        Self::pay(&mut credit, &T::TreasuryAccount::get(), common);
        // What is left are the fees.
        T::Fees::on_unbalanced(credit);
    }

    fn refund(escrow: Escrowed<'_, T::AccountId>, fee: Balance) {
        let Escrowed { request, payer, amount } = escrow;
        let credit = Self::take_held(payer, fee.min(amount));
        let fee = credit.peek();
        T::Fees::on_unbalanced(credit);
        let amount = Self::release_to_owner(HoldReason::Escrow, payer, amount - fee);
        Self::deposit_event(Event::Refunded { request, payer: payer.clone(), fee, amount });
    }
}

impl<T: Config> Bonds<T::AccountId> for Pallet<T> {
    fn bonded(account: &T::AccountId) -> Balance {
        BondTotals::<T>::get(account)
    }

    fn lock(account: &T::AccountId, amount: Balance) -> DispatchResult {
        Self::hold_from(HoldReason::Bond, account, amount, Error::<T>::BondNotCovered)?;
        BondTotals::<T>::mutate_exists(account, |total| increase(total, amount));
        Ok(())
    }

    fn unlock(account: &T::AccountId) -> Result<Balance, DispatchError> {
        let amount = BondTotals::<T>::take(account);
        T::Currency::release(&HoldReason::Bond.into(), account, amount, Precision::Exact)
    }

    fn slash(
        account: &T::AccountId,
        amount: Balance,
        share: Option<SlashShare<'_, T::AccountId>>,
    ) -> Balance {
        let amount = amount.min(BondTotals::<T>::get(account));
        if amount.is_zero() {
            return 0;
        }
        // Nobody is compensated from their own bond.
        let share = share.filter(|share| share.to != account);
        let compensation = match share {
            Some(SlashShare { to, most, claimable_from: Some(height) }) => {
                Self::compensate(account, to, most.min(amount), height)
            },
            Some(SlashShare { to, most, claimable_from: None }) => {
                Self::pay_from_hold(HoldReason::Bond, account, to, most.min(amount))
            },
            None => 0,
        };
        let rest = Self::pay_from_hold(
            HoldReason::Bond,
            account,
            &T::TreasuryAccount::get(),
            amount - compensation,
        );
        let taken = compensation + rest;
        BondTotals::<T>::mutate_exists(account, |total| decrease(total, taken));
        Self::deposit_event(Event::Slashed {
            account: account.clone(),
            amount: taken,
            compensation,
            claimable_from: share.and_then(|share| share.claimable_from),
        });
        taken
    }
}

impl<T: Config> Deposits<T::AccountId> for Pallet<T> {
    fn take(account: &T::AccountId, amount: Balance) -> DispatchResult {
        Self::hold_from(HoldReason::Deposit, account, amount, Error::<T>::DepositNotCovered)?;
        DepositTotals::<T>::mutate_exists(account, |total| increase(total, amount));
        Ok(())
    }

    fn give_back(account: &T::AccountId, amount: Balance) {
        let amount = amount.min(DepositTotals::<T>::get(account));
        let released = Self::release_to_owner(HoldReason::Deposit, account, amount);
        DepositTotals::<T>::mutate_exists(account, |total| decrease(total, released));
    }
}

impl<T: Config> DisputeBonds<T::AccountId> for Pallet<T> {
    fn take(account: &T::AccountId, amount: Balance) -> DispatchResult {
        Self::hold_payment(
            HoldReason::Dispute,
            account,
            amount,
            Error::<T>::DisputeBondNotCovered,
        )?;
        DisputeTotals::<T>::mutate_exists(account, |total| increase(total, amount));
        Ok(())
    }

    fn give_back(account: &T::AccountId, amount: Balance) {
        let amount = amount.min(DisputeTotals::<T>::get(account));
        let released = Self::release_to_owner(HoldReason::Dispute, account, amount);
        DisputeTotals::<T>::mutate_exists(account, |total| decrease(total, released));
    }

    fn forfeit(account: &T::AccountId, amount: Balance, (harmed, most): (&T::AccountId, Balance)) {
        let amount = amount.min(DisputeTotals::<T>::get(account));
        let compensation =
            Self::pay_from_hold(HoldReason::Dispute, account, harmed, most.min(amount));
        let rest = Self::pay_from_hold(
            HoldReason::Dispute,
            account,
            &T::TreasuryAccount::get(),
            amount - compensation,
        );
        let taken = compensation + rest;
        DisputeTotals::<T>::mutate_exists(account, |total| decrease(total, taken));
        Self::deposit_event(Event::Forfeited {
            account: account.clone(),
            amount: taken,
            compensation,
        });
    }

    fn held(account: &T::AccountId) -> Balance {
        DisputeTotals::<T>::get(account)
    }
}

impl<T: Config> Pallet<T> {
    /// The amount held on an account for a reason, in plancks.
    pub fn held(reason: HoldReason, account: &T::AccountId) -> Balance {
        T::Currency::balance_on_hold(&reason.into(), account)
    }
}
