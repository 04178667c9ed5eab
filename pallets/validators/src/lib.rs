//! # Validators
//!
//! What validators earn from fees, and what a validator that makes no blocks loses. Who is a
//! validator, its stake, its points and its penalties are the matter of the SDK's pallets.
//!
//! * Fees: the pallet takes the fees of transactions and requests, and divides those of a block at
//!   its end: a share for the validators, a share that is burnt, and the rest for the treasury. Tips
//!   go to the author of the block.
//! * The validators' share is burnt, counted until the end of the era, and handed to staking as what
//!   the era has earned. Staking mints it when it pays. The pallet counts what may still be minted,
//!   so that no more is ever minted than was burnt.
//! * Absence: who has made no block although the others made so many that it should have had some is
//!   no longer a candidate. It keeps its stake. If more validators are absent than a network
//!   tolerates, the network is at fault and nobody loses its place.
//! * Keys in use: the pallet keeps with which keys the validators of each session took part in
//!   consensus, for as long as an equivocation can be reported. The SDK's proofs know the keys that are
//!   set for later, and those of elections: who changes its keys at the right time has used some that
//!   are neither.
//! * Disabled validators: the SDK forgets them whenever any validator's keys change. The pallet keeps them
//!   from the end of a session to the start of the next one.
//! * Removal of keys: `purge_keys` removes the session keys of an account without a stake. The call of the
//!   SDK's pallet would take a validator out of the set at the next session, whatever the least number
//!   of validators.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use weights::WeightInfo;

mod absence;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod fees;
mod keys;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
pub mod weights;

pub use fees::{Remainder, Rewards, Split, TransactionFees};

use alloc::vec::Vec;
use frame_support::dispatch::DispatchResult;

/// The validators of a session, with their keys.
pub type MemberKeys<T> = frame_support::BoundedVec<
    (<T as frame_system::Config>::AccountId, <T as Config>::Keys),
    <T as Config>::MaxMembers,
>;

/// A validator of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionMember<AccountId> {
    /// Its account.
    pub account: AccountId,
    /// Whether it may make no blocks, because it committed an offence.
    pub disabled: bool,
}

/// The set of validators, and those who want to be in it.
pub trait ValidatorSet<AccountId> {
    /// The validators of the session that ends, each of which is drawn for a slot with the same
    /// probability.
    fn members() -> Vec<SessionMember<AccountId>>;
    /// The number of candidates for the next set.
    fn candidates() -> u32;
    /// The number of validators below which no new set is formed.
    fn minimum() -> u32;
    /// Ends an account's candidacy. It keeps its stake. Returns whether it was a candidate.
    fn chill(account: &AccountId) -> bool;
    /// Whether an account has a stake, be it about to be withdrawn.
    fn has_stake(account: &AccountId) -> bool;
    /// Removes an account's session keys and returns the deposit for them.
    ///
    /// # Errors
    ///
    /// It has none.
    fn purge_keys(account: AccountId) -> DispatchResult;
    /// Gives an account without a stake session keys.
    #[cfg(feature = "runtime-benchmarks")]
    fn set_keys(account: &AccountId);
    /// Makes a session of this many validators that are all candidates, besides as many others as
    /// are needed to end the candidacy of a third of them.
    #[cfg(feature = "runtime-benchmarks")]
    fn set_members(count: u32);
}

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_primitives::Balance;
    use frame_support::{pallet_prelude::*, traits::fungible::Balanced};
    use frame_system::pallet_prelude::*;
    use sp_runtime::Perbill;
    use sp_staking::SessionIndex;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The native token, in which fees are paid.
        type Currency: Balanced<Self::AccountId, Balance = Balance>;
        /// The treasury. It has to hold the existential deposit from genesis on, so that it can
        /// receive any amount.
        #[pallet::constant]
        type TreasuryAccount: Get<Self::AccountId>;
        /// The validators' share of fees.
        #[pallet::constant]
        type ValidatorsShare: Get<Perbill>;
        /// The share of fees that is burnt. Both shares together are at most one: the integrity test
        /// fails above it. The treasury receives the rest.
        #[pallet::constant]
        type BurntShare: Get<Perbill>;
        /// The account of the current block's author, which receives the tips. `None` gives them to
        /// the treasury.
        type Author: Get<Option<Self::AccountId>>;
        /// The validators.
        type Set: ValidatorSet<Self::AccountId>;
        /// Number of blocks that a validator was expected to make, on average, from which on it is
        /// absent if it has made none. With n blocks, one that works is taken for absent with a
        /// probability of at most exp(-n).
        #[pallet::constant]
        type MissedBlocks: Get<u32>;
        /// Maximum number of validators of a session.
        #[pallet::constant]
        type MaxMembers: Get<u32>;
        /// The keys with which a validator takes part in consensus.
        type Keys: Parameter + MaxEncodedLen;
        /// Number of sessions, the present one included, of which the keys are kept. At least 1.
        #[pallet::constant]
        type KeptSessions: Get<SessionIndex>;
        /// Weights of the calls and hooks.
        type WeightInfo: WeightInfo;
    }

    /// The fees of the current block, in plancks. They are burnt. Zero between blocks.
    #[pallet::storage]
    pub type BlockFees<T> = StorageValue<_, Balance, ValueQuery>;

    /// The validators' share of the fees since the start of the era, in plancks.
    #[pallet::storage]
    pub type EraFees<T> = StorageValue<_, Balance, ValueQuery>;

    /// What was handed to staking for ended eras and is not minted yet, in plancks. What nobody claims
    /// in time, and what is lost in rounding when staking pays, remains burnt.
    #[pallet::storage]
    pub type Unminted<T> = StorageValue<_, Balance, ValueQuery>;

    /// The number of blocks that each validator has made in this session. Cleared at its end.
    #[pallet::storage]
    pub type Made<T: Config> = StorageMap<_, Twox64Concat, T::AccountId, u32, ValueQuery>;

    /// Of validators that have made no block in the sessions that they were in without interruption:
    /// how many they were expected to make, in millionths of a block. Sessions of an outage do not
    /// count.
    #[pallet::storage]
    pub type Missed<T: Config> =
        StorageValue<_, BoundedBTreeMap<T::AccountId, u64, T::MaxMembers>, ValueQuery>;

    /// Of each kept session: the session under which its list is in [`KeyLists`], which is the first one
    /// with the same list.
    #[pallet::storage]
    pub type KeyListOf<T> = StorageMap<_, Twox64Concat, SessionIndex, SessionIndex>;

    /// Validators in their order, with the keys that they used.
    #[pallet::storage]
    pub type KeyLists<T: Config> = StorageMap<_, Twox64Concat, SessionIndex, MemberKeys<T>>;

    /// Those who were disabled when the session ended, and the severity of their offences. Empty but
    /// between the end of a session and the start of the next one.
    #[pallet::storage]
    pub type StillDisabled<T: Config> =
        StorageValue<_, BoundedVec<(T::AccountId, Perbill), T::MaxMembers>, ValueQuery>;

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The fees of the block were divided.
        FeesDivided {
            /// The validators' part, in plancks. It belongs to the era.
            validators: Balance,
            /// The treasury's part, in plancks.
            treasury: Balance,
            /// The part that is burnt for good, in plancks.
            burnt: Balance,
        },
        /// A validator has made no block in time. It is no longer a candidate.
        Absent {
            /// The validator.
            validator: T::AccountId,
            /// How many blocks it was expected to make.
            expected: u32,
        },
        /// More validators have made no block in a session than a network tolerates. None of them
        /// loses its place, because the network is at fault.
        Outage {
            /// Number of validators that made no block.
            absent: u32,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The account has a stake. First end the candidacy, unbond all, and withdraw it.
        HasStake,
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Removes the session keys of the signer, who has no stake any more, and returns the deposit
        /// for them.
        ///
        /// # Errors
        ///
        /// [`Error::HasStake`], or that of the keys' pallet if the account has none.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::purge_keys())]
        pub fn purge_keys(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            ensure!(!T::Set::has_stake(&who), Error::<T>::HasStake);
            T::Set::purge_keys(who)
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            T::WeightInfo::note_author().saturating_add(T::WeightInfo::on_finalize())
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            Self::divide_fees();
        }

        fn integrity_test() {
            let shares = [T::ValidatorsShare::get(), T::BurntShare::get()];
            let parts: u64 = shares.iter().map(|share| u64::from(share.deconstruct())).sum();
            assert!(
                parts <= u64::from(Perbill::one().deconstruct()),
                "the shares of the fees are more than all"
            );
            assert!(T::KeptSessions::get() > 0, "the keys of the present session have to be kept");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }
}
