//! # Settlement
//!
//! Holds, splits, pays, refunds and slashes money. No other pallet of Assay moves balances but
//! `pallet-validators`, which divides fees: the others determine *what* is due. All money is held with `fungible` holds on the accounts that own it.
//!
//! * Escrow: a payer's `max_price` is held for each request, and the largest fee for the room that it
//!   can take in blocks. At the end the fee for what it took is handed on. If the request is verified, each
//!   earned price is split between the operator, the model's owner and the treasury. The rest is
//!   refunded. The sum of all parts is exactly the amount that was held.
//! * Bonds: the stakes of operators. A slash gives a part to the harmed payer or to the challenger;
//!   the treasury receives the rest. A payer's compensation is held, and can be claimed later.
//! * Deposits: for data that accounts store on chain.
//! * Dispute bonds: the stakes of challengers.
//!
//! The pallet keeps its own ledger of all but the escrows; `try_state` compares it with the holds. The
//! escrow of a request is in its record, and the pallet of the requests compares their sums.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod ledger;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_primitives::{Balance, BlockNumber, RequestId};
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::{hold, Credit, Inspect, Mutate},
            OnUnbalanced,
        },
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::{traits::Convert, Perbill};

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token. All amounts are held, paid and slashed in it.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Balanced<Self::AccountId, Reason = Self::RuntimeHoldReason>;
        /// The runtime's reasons for holds. The reason tells the pallet's holds on one account
        /// apart.
        type RuntimeHoldReason: From<HoldReason>;
        /// The treasury. It receives its share of each price, slashed amounts that nobody is
        /// compensated with, and shares that their account cannot receive. It has to hold the
        /// existential deposit from genesis on, so that it can receive any amount.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;
        /// The treasury's share of each price, taken before the royalty. At most 50 %: the
        /// integrity test fails above it. At zero the treasury earns nothing from prices.
        #[pallet::constant]
        type TreasuryShare: Get<Perbill>;
        /// What happens to the fees for room in blocks. `()` burns them.
        type Fees: OnUnbalanced<Credit<Self::AccountId, Self::Currency>>;
        /// The origins that may spend from the treasury. On success: the most that one transaction or
        /// scheduled call may spend as this origin, in plancks.
        type SpendOrigin: EnsureOrigin<Self::RuntimeOrigin, Success = Balance>;
        /// What of an account's money is locked or frozen, in plancks, for example by votes.
        type Locked: for<'a> Convert<&'a Self::AccountId, Balance>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Escrows of the account's open requests.
        Escrow,
        /// The account's bond as an operator.
        Bond,
        /// Deposits for data that the account stores on chain.
        Deposit,
        /// Dispute bonds of the account's open disputes.
        Dispute,
        /// Compensations of the account that cannot be claimed yet, or were not claimed.
        Compensation,
    }

    /// The bond of each operator, in plancks. Removed when it becomes zero: by withdrawal, or by
    /// slashing the whole bond.
    #[pallet::storage]
    pub type BondTotals<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// The sum of the deposits of each account, in plancks. Removed when it becomes zero.
    #[pallet::storage]
    pub type DepositTotals<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// The sum of the dispute bonds of each account, in plancks. Removed when it becomes zero.
    #[pallet::storage]
    pub type DisputeTotals<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// Compensations of payers in plancks, by account and the height from which they can be
    /// claimed. Removed by `claim_compensation`.
    #[pallet::storage]
    pub type Compensations<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        T::AccountId,
        Twox64Concat,
        BlockNumber,
        Balance,
        ValueQuery,
    >;

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The escrow of a verified request was divided. The sum of all amounts is the amount that
        /// was held.
        Settled {
            /// The request.
            request: RequestId,
            /// Fee for the room in blocks that the request took, in plancks. It is divided as
            /// those of transactions are.
            fee: Balance,
            /// Amount that the operators received, in plancks.
            earned: Balance,
            /// Amount that the model's owner received, in plancks.
            royalty: Balance,
            /// Amount that the treasury received, in plancks.
            treasury: Balance,
            /// Amount that the payer received back, in plancks.
            refunded: Balance,
        },
        /// The escrow of a request was refunded, except for the fee.
        Refunded {
            /// The request.
            request: RequestId,
            /// The payer.
            payer: T::AccountId,
            /// Fee for the room in blocks that the request took, in plancks. It is divided as
            /// those of transactions are.
            fee: Balance,
            /// Amount refunded, in plancks.
            amount: Balance,
        },
        /// A bond was slashed. The treasury received `amount - compensation`.
        Slashed {
            /// The account whose bond was slashed.
            account: T::AccountId,
            /// Amount taken, in plancks.
            amount: Balance,
            /// Part of it that is for the harmed payer or the challenger, in plancks.
            compensation: Balance,
            /// Height from which this part can be claimed; `None` if it was paid.
            claimable_from: Option<BlockNumber>,
        },
        /// An account claimed a compensation.
        CompensationClaimed {
            /// The account.
            account: T::AccountId,
            /// The compensation, in plancks.
            amount: Balance,
        },
        /// The bond of a lost dispute was forfeited. The treasury received
        /// `amount - compensation`.
        Forfeited {
            /// The challenger.
            account: T::AccountId,
            /// Amount taken, in plancks.
            amount: Balance,
            /// Part of it that the operator received, in plancks.
            compensation: Balance,
        },
        /// The treasury paid an amount to an account.
        TreasurySpent {
            /// The account.
            to: T::AccountId,
            /// Amount paid, in plancks.
            amount: Balance,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The account's free balance does not cover the escrow of the request and the existential
        /// deposit. Top up the account, or lower `max_price`.
        EscrowNotCovered,
        /// The account's free balance does not cover the bond and the existential deposit. Top up
        /// the account, or lower the bond.
        BondNotCovered,
        /// The account's free balance does not cover the storage deposit and the existential
        /// deposit. Top up the account, or store less.
        DepositNotCovered,
        /// The account's free balance does not cover the dispute bond and the existential deposit.
        /// Top up the account.
        DisputeBondNotCovered,
        /// The amount exceeds the free balance of the treasury. Spend at most its free balance,
        /// less the existential deposit.
        TreasuryTooSmall,
        /// The account has no compensation with this height. The events `Slashed` name the heights.
        NoCompensation,
        /// The compensation cannot be claimed before this height. Wait until then.
        CompensationNotDue,
        /// The origin may not spend so much at once. Spend less, or ask an origin with a larger limit.
        SpendTooLarge,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(
                T::TreasuryShare::get() <= Perbill::from_percent(50),
                "the treasury must not take more than half of a price",
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Pays `amount` plancks from the treasury to `to`.
        ///
        /// Origin: [`Config::SpendOrigin`]. Several calls in a batch spend together at most its limit.
        ///
        /// Emits [`Event::TreasurySpent`].
        ///
        /// Errors: `SpendTooLarge`, `TreasuryTooSmall`; an error of the token if `to` cannot receive the amount,
        /// which can be below the existential deposit.
        #[pallet::call_index(0)]
        pub fn spend_treasury(
            origin: OriginFor<T>,
            to: T::AccountId,
            amount: Balance,
        ) -> DispatchResult {
            let limit = T::SpendOrigin::ensure_origin(origin)?;
            Self::do_spend_treasury(to, amount, limit)
        }

        /// Releases the compensation of the caller that can be claimed from height
        /// `claimable_from`. It is held until then.
        ///
        /// Origin: signed by the account that was compensated.
        ///
        /// Emits [`Event::CompensationClaimed`].
        ///
        /// Errors: `NoCompensation`, `CompensationNotDue`.
        #[pallet::call_index(1)]
        pub fn claim_compensation(
            origin: OriginFor<T>,
            claimable_from: BlockNumber,
        ) -> DispatchResult {
            let account = ensure_signed(origin)?;
            Self::do_claim_compensation(account, claimable_from)
        }
    }
}
