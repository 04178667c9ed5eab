//! # Settlement
//!
//! The one place where money moves. Other pallets say *what* is due; this one holds, splits,
//! pays, refunds and slashes, through `fungible` holds on the accounts that own the money.
//!
//! * Escrow: a payer's `max_price` is held per request. At the end the earned prices are split
//!   between operator, model owner and treasury, and the rest goes back. What was held is what
//!   was paid and refunded, to the planck.
//! * Bonds: what operators put at stake. A slash pays the harmed payer first, then the treasury.
//! * Deposits: for what is stored on chain.
//!
//! The pallet keeps its own books of all three; `try_state` compares them with the holds.
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
    use assay_primitives::{Balance, RequestId};
    use frame_support::{
        pallet_prelude::*,
        traits::fungible::{hold, Inspect, Mutate},
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::Perbill;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token.
        type Currency: Inspect<Self::AccountId, Balance = Balance>
            + Mutate<Self::AccountId>
            + hold::Inspect<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + hold::Mutate<Self::AccountId, Reason = Self::RuntimeHoldReason>;
        /// Reasons for holds, of the whole runtime.
        type RuntimeHoldReason: From<HoldReason>;
        /// Account of the treasury. Genesis endows it with the existential deposit, so that it
        /// can receive any amount.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;
        /// Share of each price that goes to the treasury.
        #[pallet::constant]
        type TreasuryShare: Get<Perbill>;
        /// Who may spend from the treasury.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    /// Why money is held.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// For a request that is open.
        Escrow,
        /// As an operator's stake.
        Bond,
        /// For what the account stores on chain.
        Deposit,
        /// For the account's disputes over results of others.
        Dispute,
    }

    /// The escrow of a request.
    #[derive(
        Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub struct EscrowRecord<AccountId> {
        /// Whose money it is.
        pub payer: AccountId,
        /// How much is held, in plancks.
        pub amount: Balance,
    }

    /// Escrows of open requests.
    #[pallet::storage]
    pub type Escrows<T: Config> =
        StorageMap<_, Twox64Concat, RequestId, EscrowRecord<T::AccountId>>;

    /// What each account has in escrow in all, in plancks. No entry means nothing.
    #[pallet::storage]
    pub type EscrowTotals<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// Bonds, in plancks. No entry means no bond.
    #[pallet::storage]
    pub type BondTotals<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// Deposits, in plancks. No entry means no deposit.
    #[pallet::storage]
    pub type DepositTotals<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// What accounts have put up for disputes, in plancks. No entry means nothing.
    #[pallet::storage]
    pub type DisputeTotals<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A request was paid for. `earned + royalty + treasury + refunded` is what was held.
        Settled {
            /// The request.
            request: RequestId,
            /// What the operators got.
            earned: Balance,
            /// What the model's owner got.
            royalty: Balance,
            /// What the treasury got.
            treasury: Balance,
            /// What went back to the payer.
            refunded: Balance,
        },
        /// An escrow went back to the payer as a whole.
        Refunded {
            /// The request.
            request: RequestId,
            /// Whose money it is.
            payer: T::AccountId,
            /// How much.
            amount: Balance,
        },
        /// A bond was slashed. `amount` is `compensation` and what the treasury got.
        Slashed {
            /// Whose bond.
            account: T::AccountId,
            /// How much in all.
            amount: Balance,
            /// How much of it went to the harmed payer.
            compensation: Balance,
        },
        /// The bond of a lost dispute was forfeited. `amount` is `compensation` and what the
        /// treasury got.
        Forfeited {
            /// Whose bond.
            account: T::AccountId,
            /// How much in all.
            amount: Balance,
            /// How much of it went to the operator.
            compensation: Balance,
        },
        /// The treasury spent.
        TreasurySpent {
            /// Who got it.
            to: T::AccountId,
            /// How much.
            amount: Balance,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// The account's free balance does not cover what has to be held for the request, with
        /// the existential deposit left over. Top the account up or lower `max_price`.
        EscrowNotCovered,
        /// The account's free balance does not cover the bond, with the existential deposit
        /// left over. Top the account up or lower the bond.
        BondNotCovered,
        /// The account's free balance does not cover the deposit for what it stores. Top the
        /// account up or store less.
        DepositNotCovered,
        /// The account's free balance does not cover the bond of a dispute, with the existential
        /// deposit left over. Top the account up.
        DisputeBondNotCovered,
        /// The request has an escrow already.
        EscrowExists,
        /// The treasury holds less than that. Spend at most its free balance.
        TreasuryTooSmall,
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
        /// Pays from the treasury.
        ///
        /// Origin: `AdminOrigin`.
        #[pallet::call_index(0)]
        pub fn spend_treasury(
            origin: OriginFor<T>,
            to: T::AccountId,
            amount: Balance,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_spend_treasury(to, amount)
        }
    }
}
