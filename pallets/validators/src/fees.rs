//! The division of fees, and what staking may mint of them.

use core::marker::PhantomData;

use assay_primitives::Balance;
use frame_support::{
    defensive,
    traits::{
        fungible::{Balanced, Credit, Debt},
        tokens::Preservation,
        Get, Imbalance, OnUnbalanced,
    },
};
use sp_runtime::traits::Zero;

use crate::{BlockFees, Config, EraFees, Event, Pallet, Unminted};

/// How the fees of a block are divided. The sum of the parts is the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The validators' part, in plancks.
    pub validators: Balance,
    /// The treasury's part, in plancks. It contains what rounding leaves.
    pub treasury: Balance,
    /// The part that is burnt, in plancks.
    pub burnt: Balance,
}

impl<T: Config> Pallet<T> {
    /// Divides an amount of fees, in plancks.
    pub fn split(fees: Balance) -> Split {
        let validators = T::ValidatorsShare::get().mul_floor(fees);
        // Of shares that are one together, rounding cannot take more than there is.
        let burnt = T::BurntShare::get().mul_floor(fees).min(fees - validators);
        Split { validators, treasury: fees - validators - burnt, burnt }
    }

    /// Divides the fees of the block. All are burnt already; the treasury's part is issued again.
    pub(crate) fn divide_fees() {
        let fees = BlockFees::<T>::take();
        if fees.is_zero() {
            return;
        }
        let Split { validators, treasury, burnt } = Self::split(fees);
        EraFees::<T>::mutate(|era| *era = era.saturating_add(validators));
        Self::to_treasury(T::Currency::issue(treasury));
        Self::deposit_event(Event::FeesDivided { validators, treasury, burnt });
    }

    /// Takes a fee. It is burnt until the end of the block.
    fn take_fee(fee: Credit<T::AccountId, T::Currency>) {
        BlockFees::<T>::mutate(|fees| *fees = fees.saturating_add(fee.peek()));
    }

    fn to_treasury(credit: Credit<T::AccountId, T::Currency>) {
        if credit.peek().is_zero() {
            return;
        }
        if T::Currency::resolve(&T::TreasuryAccount::get(), credit).is_err() {
            defensive!("the treasury cannot receive an amount");
        }
    }

    /// Counts what staking has minted. Returns how much of it is covered by what it was handed.
    fn note_minted(amount: Balance) -> Balance {
        Unminted::<T>::mutate(|unminted| {
            let covered = amount.min(*unminted);
            *unminted -= covered;
            covered
        })
    }
}

/// Fees of requests.
impl<T: Config> OnUnbalanced<Credit<T::AccountId, T::Currency>> for Pallet<T> {
    fn on_nonzero_unbalanced(fee: Credit<T::AccountId, T::Currency>) {
        Self::take_fee(fee);
    }
}

/// Fees and tips of transactions, in this order.
pub struct TransactionFees<T>(PhantomData<T>);

impl<T: Config> OnUnbalanced<Credit<T::AccountId, T::Currency>> for TransactionFees<T> {
    fn on_unbalanceds(mut parts: impl Iterator<Item = Credit<T::AccountId, T::Currency>>) {
        if let Some(fee) = parts.next() {
            Self::on_unbalanced(fee);
        }
        let Some(tip) = parts.next().filter(|tip| !tip.peek().is_zero()) else { return };
        let refused = match T::Author::get() {
            Some(author) => T::Currency::resolve(&author, tip),
            None => Err(tip),
        };
        // An author that died cannot receive less than the existential deposit.
        if let Err(tip) = refused {
            Pallet::<T>::to_treasury(tip);
        }
    }

    fn on_nonzero_unbalanced(fee: Credit<T::AccountId, T::Currency>) {
        Pallet::<T>::take_fee(fee);
    }
}

/// What staking mints for validators and nominators.
pub struct Rewards<T>(PhantomData<T>);

impl<T: Config> OnUnbalanced<Debt<T::AccountId, T::Currency>> for Rewards<T> {
    fn on_nonzero_unbalanced(minted: Debt<T::AccountId, T::Currency>) {
        // The end of a debt issues it.
        let covered = Pallet::<T>::note_minted(minted.peek());
        let (_, beyond) = minted.split(covered);
        if beyond.peek().is_zero() {
            return;
        }
        // Staking rounds each part to the nearest planck. The treasury pays for what this is too much.
        let treasury = T::TreasuryAccount::get();
        if T::Currency::settle(&treasury, beyond, Preservation::Preserve).is_err() {
            defensive!("more was minted than was burnt");
        }
    }
}

/// What staking keeps from validators, if root has limited their part of an era. It is for the
/// treasury.
pub struct Remainder<T>(PhantomData<T>);

impl<T: Config> OnUnbalanced<Credit<T::AccountId, T::Currency>> for Remainder<T> {
    fn on_nonzero_unbalanced(issued: Credit<T::AccountId, T::Currency>) {
        Pallet::<T>::note_minted(issued.peek());
        Pallet::<T>::to_treasury(issued);
    }
}

/// Hands the validators' part of an era to staking. There is no other inflation, and nothing depends
/// on the stake, the issuance or the duration.
impl<T: Config> sp_staking::EraPayout<Balance> for Pallet<T> {
    fn era_payout(_: Balance, _: Balance, _: u64) -> (Balance, Balance) {
        let earned = EraFees::<T>::take();
        Unminted::<T>::mutate(|unminted| *unminted = unminted.saturating_add(earned));
        (earned, 0)
    }
}
