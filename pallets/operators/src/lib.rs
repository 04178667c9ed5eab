//! # Operators
//!
//! Registration, bonds, worker keys, offers, heartbeats and penalties of the operators that run
//! models.
//!
//! An operator registers with a bond and a *worker key*: a hot key in its node's keystore that
//! signs results, heartbeats and moves in disputes, but cannot move money. For each version that it
//! serves, the operator makes an offer. Only operators with a recent heartbeat are drawn; this is
//! determined from the height alone, without a sweep. Each result that can be contested locks a
//! stake, part of the bond, and an offence costs at most that, except for an equivocation.
//! Unbonding takes longer than an offence can remain unproven.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod assignments;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod heartbeat;
#[cfg(test)]
mod mock;
mod offchain;
mod offers;
mod registration;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_primitives::{
        operator::{Offence, Roles},
        traits::{BlockRoom, Bonds, Models},
        AssuranceClasses, Balance, BlockNumber, HeartbeatStatement, RequestId, VersionId, WorkerId,
        WorkerSignature,
    };
    use frame_support::pallet_prelude::*;
    use frame_system::{
        ensure_authorized, offchain::CreateAuthorizedTransaction, pallet_prelude::*,
    };
    use sp_runtime::Perbill;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + CreateAuthorizedTransaction<Call<Self>>
    {
        /// Holds the bonds.
        type Bonds: Bonds<Self::AccountId>;
        /// The versions that operators can serve, and the classes that they offer.
        type Models: Models<Self::AccountId>;
        /// The operators' share of a block. Heartbeats take of it, like answers.
        type Room: BlockRoom;
        /// Minimum bond in plancks, so that every operator that is drawn has this much at stake.
        /// Registration requires it, and an operator whose bond falls below it is not drawn until
        /// it adds to the bond.
        #[pallet::constant]
        type MinBond: Get<Balance>;
        /// Maximum number of operators that serve one version. It bounds the weight of a draw;
        /// `serve` refuses more. At least 1.
        #[pallet::constant]
        type MaxServers: Get<u32>;
        /// Maximum number of versions that one operator serves. It bounds the weight of `unbond`;
        /// `serve` refuses more. At least 1.
        #[pallet::constant]
        type MaxServed: Get<u32>;
        /// Maximum concurrency of an offer; `serve` refuses more. At least 1.
        #[pallet::constant]
        type MaxConcurrency: Get<u32>;
        /// Maximum `response_blocks` of an offer; `serve` refuses more. At least 1. An offer above
        /// the longest deadline of a request would never be drawn.
        #[pallet::constant]
        type MaxResponseBlocks: Get<BlockNumber>;
        /// Number of blocks between two heartbeats of a node. An older heartbeat is not accepted,
        /// nor is one that follows the previous heartbeat after at most half the interval.
        #[pallet::constant]
        type HeartbeatInterval: Get<BlockNumber>;
        /// Number of blocks after its last heartbeat for which an operator is live. More than
        /// [`Config::HeartbeatInterval`], or operators would not stay live.
        #[pallet::constant]
        type HeartbeatTimeout: Get<BlockNumber>;
        /// Number of blocks without a heartbeat after which an operator can lose its seat in a version
        /// that [`Config::MaxServers`] operators serve. More than [`Config::HeartbeatTimeout`], so
        /// that a short outage does not cost the seat.
        #[pallet::constant]
        type SeatTimeout: Get<BlockNumber>;
        /// Number of blocks from `unbond` until the bond can be withdrawn, and for which a replaced
        /// worker key is remembered. It has to exceed the longest time that a request and its
        /// disputes are open; otherwise an operator can withdraw its bond before an offence is
        /// punished.
        #[pallet::constant]
        type UnbondingPeriod: Get<BlockNumber>;
        /// What a wrong result costs, in plancks. Each result that can be contested locks as much of
        /// the bond. More than [`Config::NoAnswerSlash`], so that no answer costs less than a wrong
        /// one, and with [`Config::LostDisputeSlash`] at most [`Config::MinBond`].
        #[pallet::constant]
        type WrongResultSlash: Get<Balance>;
        /// What a missing answer costs, in plancks.
        #[pallet::constant]
        type NoAnswerSlash: Get<Balance>;
        /// Share of the bond that two different signed results for one request cost.
        #[pallet::constant]
        type EquivocationSlash: Get<Perbill>;
        /// What a lost dispute costs on top of the wrong result, in plancks. It rewards the
        /// challenger. At zero nobody has a reason to watch.
        #[pallet::constant]
        type LostDisputeSlash: Get<Balance>;
        /// The largest share of a penalty that compensates the payer. Small, so that an operator
        /// cannot save its bond by paying penalties to an account of its own.
        #[pallet::constant]
        type CompensationShare: Get<Perbill>;
        /// Priority of heartbeats in the pool. It has to be above that of transactions with fees,
        /// so that operators stay live when the pool is full, and above that of answers, which fill
        /// the same share of a block.
        #[pallet::constant]
        type HeartbeatPriority: Get<TransactionPriority>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Sets up accounts, versions and worker keys for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Operators, by account. Removed by `withdraw_bond`.
    #[pallet::storage]
    pub type Operators<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Operator, OptionQuery>;

    /// The operator whose worker key this is or was, by key. A replaced key is removed at the
    /// earliest [`Config::UnbondingPeriod`] blocks later, by the next `set_worker`, so that
    /// equivocations signed with it can still be punished. `withdraw_bond` removes all keys of the
    /// operator.
    #[pallet::storage]
    pub type WorkerKeys<T: Config> = StorageMap<_, Blake2_128Concat, WorkerId, T::AccountId>;

    /// The offers for each version, in the order in which they were made. An offer is removed by
    /// `withdraw` or `unbond`, the entry with its last offer.
    #[pallet::storage]
    pub type Servers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        VersionId,
        BoundedVec<Server<T::AccountId>, T::MaxServers>,
        ValueQuery,
    >;

    /// The versions that each operator serves. A version is removed by `withdraw`, the entry by
    /// `unbond`.
    #[pallet::storage]
    pub type Served<T: Config> = StorageMap<
        _,
        Blake2_128Concat,
        T::AccountId,
        BoundedVec<VersionId, T::MaxServed>,
        ValueQuery,
    >;

    /// The open assignments of each operator, by request. Removed when the run has ended: with the
    /// request, or with an optimistic result.
    #[pallet::storage]
    pub type OpenAssignments<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, RequestId, OpenRun>;

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An operator registered.
        Registered {
            /// The operator.
            operator: T::AccountId,
            /// Its worker key.
            worker: WorkerId,
            /// Its bond, in plancks.
            bond: Balance,
        },
        /// An operator replaced its worker key.
        WorkerSet {
            /// The operator.
            operator: T::AccountId,
            /// The new key.
            worker: WorkerId,
        },
        /// An operator added to its bond.
        BondAdded {
            /// The operator.
            operator: T::AccountId,
            /// Amount added, in plancks.
            amount: Balance,
        },
        /// An operator offered to serve a version, or changed its offer.
        Serving {
            /// The operator.
            operator: T::AccountId,
            /// The version.
            version: VersionId,
            /// Its price for one run, in plancks.
            ask: Balance,
            /// Maximum number of concurrent runs; zero pauses the offer.
            concurrency: u32,
            /// Number of blocks that it needs for an answer.
            response_blocks: BlockNumber,
            /// Classes in which it serves.
            classes: AssuranceClasses,
            /// The largest royalty at which it is drawn.
            max_royalty: Perbill,
        },
        /// An operator stopped serving a version.
        Withdrawn {
            /// The operator.
            operator: T::AccountId,
            /// The version.
            version: VersionId,
        },
        /// An operator lost its seat in a version, because another one that qualifies took it.
        Evicted {
            /// The operator that lost its seat.
            operator: T::AccountId,
            /// The version.
            version: VersionId,
            /// The operator that took it.
            by: T::AccountId,
        },
        /// An operator reported [`MAX_FAILURES`] failures without a result in between, so its offer was
        /// paused. `serve` resumes it.
        Paused {
            /// The operator.
            operator: T::AccountId,
            /// The version.
            version: VersionId,
        },
        /// An operator that was not live sent a heartbeat.
        BecameLive {
            /// The operator.
            operator: T::AccountId,
        },
        /// An operator started to unbond.
        Unbonding {
            /// The operator.
            operator: T::AccountId,
            /// Height from which it can withdraw its bond.
            until: BlockNumber,
        },
        /// An operator withdrew its bond. Its registration was removed.
        BondWithdrawn {
            /// The operator.
            operator: T::AccountId,
            /// Amount returned, in plancks.
            amount: Balance,
        },
        /// An operator lost part of its bond for an offence.
        Penalised {
            /// The operator.
            operator: T::AccountId,
            /// The offence.
            offence: Offence,
            /// Amount taken, in plancks.
            amount: Balance,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The account is already registered. Use `set_worker`, `add_bond` or `serve`.
        AlreadyRegistered,
        /// The account is not registered. Call `register` first.
        NotRegistered,
        /// The set of roles is empty, has unknown members or lacks the role that the call needs.
        /// Register with the role `INFERENCE`.
        InvalidRoles,
        /// The bond is below `MinBond`. Bond at least that amount, or add to the bond.
        BondTooSmall,
        /// The worker key is or was registered before. Generate a new one.
        WorkerKeyTaken,
        /// The signature does not show that the operator holds the worker key. Sign
        /// `assay/possession/1`, the genesis hash and the operator's account with it.
        InvalidPossession,
        /// There is no such version, or it is deprecated. Serve another version.
        VersionNotServable,
        /// The version does not offer one of the classes. Name only classes that it offers.
        ClassNotOffered,
        /// The set of classes is empty or has unknown members. Name at least one known class.
        InvalidClasses,
        /// The concurrency is above `MaxConcurrency`, or zero in a new offer. Choose one within these
        /// bounds.
        InvalidConcurrency,
        /// The number of blocks for an answer is zero or above `MaxResponseBlocks`. Choose one
        /// within these bounds.
        InvalidResponseBlocks,
        /// `MaxServers` operators already serve the version, and none of their seats can be taken.
        /// A seat can be taken from an operator that has paused its offer, whose bond is below `MinBond`
        /// or smaller than yours, or that was silent for `SeatTimeout`. Add to the bond, or wait.
        TooManyServers,
        /// The operator already serves `MaxServed` versions. Withdraw from one first.
        TooManyServed,
        /// The operator does not serve the version. Call `serve` first.
        NotServing,
        /// The operator has open assignments. Pause with `serve` and a concurrency of zero, then
        /// answer them or wait for their deadlines.
        OpenAssignments,
        /// The operator is unbonding. Only `withdraw_bond` is possible; register again afterwards.
        Unbonding,
        /// The operator is not unbonding. Call `unbond` first.
        NotUnbonding,
        /// The unbonding period has not passed. Wait until the height that `operator status` shows.
        UnbondingPeriodNotOver,
        /// A result of the operator can still be contested. Wait until its request has ended.
        BondAtStake,
        /// The worker key was replaced 8 times within `UnbondingPeriod`. Wait until the first of
        /// these replacements is that long ago, or unbond and register again.
        TooManyWorkerKeys,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn offchain_worker(_: BlockNumberFor<T>) {
            Self::send_heartbeats();
        }

        fn integrity_test() {
            assert!(T::HeartbeatTimeout::get() > T::HeartbeatInterval::get());
            assert!(T::SeatTimeout::get() > T::HeartbeatTimeout::get());
            assert!(T::MaxServers::get() > 0 && T::MaxServed::get() > 0);
            assert!(T::MaxConcurrency::get() > 0 && T::MaxResponseBlocks::get() > 0);
            assert!(T::WrongResultSlash::get() > T::NoAnswerSlash::get());
            let stake = T::WrongResultSlash::get() + T::LostDisputeSlash::get();
            assert!(stake <= T::MinBond::get(), "the smallest bond has to cover a result");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Registers the caller as an operator with a bond and a worker key. The operator is not
        /// live until its first heartbeat.
        ///
        /// `possession` is the worker key's signature over the statement
        /// [`Possession`](assay_primitives::Possession), which the operator's node makes (RPC
        /// `operator_workerKey`).
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::Registered`].
        ///
        /// Errors: `AlreadyRegistered`, `InvalidRoles`, `BondTooSmall`, `WorkerKeyTaken`,
        /// `InvalidPossession`; the bond is not covered.
        #[pallet::call_index(0)]
        pub fn register(
            origin: OriginFor<T>,
            roles: Roles,
            worker: WorkerId,
            possession: WorkerSignature,
            bond: Balance,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_register(operator, roles, worker, possession, bond)
        }

        /// Replaces the worker key, for example after the loss of a node.
        ///
        /// From now on the new key has to answer open assignments. The operator is not live until
        /// the first heartbeat with the new key. The replaced key is remembered for at least
        /// [`Config::UnbondingPeriod`] blocks.
        ///
        /// Origin: signed by the operator.
        ///
        /// Emits [`Event::WorkerSet`].
        ///
        /// Errors: `NotRegistered`, `Unbonding`, `TooManyWorkerKeys`, `WorkerKeyTaken`,
        /// `InvalidPossession`.
        #[pallet::call_index(1)]
        pub fn set_worker(
            origin: OriginFor<T>,
            worker: WorkerId,
            possession: WorkerSignature,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_set_worker(operator, worker, possession)
        }

        /// Adds `amount` plancks to the bond.
        ///
        /// Origin: signed by the operator.
        ///
        /// Emits [`Event::BondAdded`].
        ///
        /// Errors: `NotRegistered`, `Unbonding`; the amount is not covered.
        #[pallet::call_index(2)]
        pub fn add_bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_add_bond(operator, amount)
        }

        /// Offers to serve a version, or changes the offer. Assigned requests keep the price of
        /// their draw. For a deprecated version only pausing an existing offer is possible.
        ///
        /// * `ask`: price of one run, in plancks.
        /// * `concurrency`: maximum number of concurrent runs. Zero pauses the offer: the operator
        ///   is not drawn.
        /// * `response_blocks`: the operator is drawn only for requests that leave this number of
        ///   blocks for its answer, or in a quorum for its commitment.
        /// * `classes`: the classes in which the operator serves the version.
        /// * `max_royalty`: the largest royalty at which the operator is drawn.
        ///
        /// A new offer for a version that [`Config::MaxServers`] operators serve takes the seat of
        /// one that is paused, whose bond is too small or that has been silent for
        /// [`Config::SeatTimeout`], else of the one with the smallest bond, if it is smaller. Its open
        /// runs go on.
        ///
        /// Origin: signed by the operator.
        ///
        /// Emits [`Event::Serving`], and [`Event::Evicted`] if the offer takes a seat.
        ///
        /// Errors: `NotRegistered`, `Unbonding`, `InvalidRoles`, `InvalidConcurrency`,
        /// `InvalidResponseBlocks`, `InvalidClasses`, `VersionNotServable`, `ClassNotOffered`,
        /// `BondTooSmall`, `TooManyServers`, `TooManyServed`.
        #[pallet::call_index(3)]
        pub fn serve(
            origin: OriginFor<T>,
            version: VersionId,
            ask: Balance,
            concurrency: u32,
            response_blocks: BlockNumber,
            classes: AssuranceClasses,
            max_royalty: Perbill,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_serve(
                operator,
                version,
                ask,
                concurrency,
                response_blocks,
                classes,
                max_royalty,
            )
        }

        /// Withdraws the offer of a version. Not possible while runs of it are open: pause the
        /// offer first, and answer them.
        ///
        /// Origin: signed by the operator.
        ///
        /// Emits [`Event::Withdrawn`].
        ///
        /// Errors: `NotRegistered`, `NotServing`, `OpenAssignments`.
        #[pallet::call_index(4)]
        pub fn withdraw(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_withdraw(operator, version)
        }

        /// Shows that the operator's node and its engine are running. Nodes send it automatically.
        ///
        /// Origin: authorised by the operator's worker key. Feeless.
        ///
        /// Emits [`Event::BecameLive`] if the operator was not live.
        ///
        /// Errors: none. The pool refuses invalid calls.
        #[pallet::call_index(5)]
        #[pallet::authorize(Self::authorize_heartbeat)]
        pub fn heartbeat(
            origin: OriginFor<T>,
            statement: HeartbeatStatement<T::AccountId>,
            _signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::note_heartbeat(statement);
            Ok(())
        }

        /// Starts to unbond: withdraws all offers. The bond can be withdrawn after
        /// [`Config::UnbondingPeriod`].
        ///
        /// Origin: signed by the operator.
        ///
        /// Emits [`Event::Unbonding`].
        ///
        /// Errors: `NotRegistered`, `Unbonding`, `OpenAssignments`.
        #[pallet::call_index(6)]
        pub fn unbond(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_unbond(operator)
        }

        /// Returns the rest of the bond after the unbonding period, and removes the registration.
        ///
        /// Origin: signed by the operator.
        ///
        /// Emits [`Event::BondWithdrawn`].
        ///
        /// Errors: `NotRegistered`, `NotUnbonding`, `UnbondingPeriodNotOver`, `BondAtStake`.
        #[pallet::call_index(7)]
        pub fn withdraw_bond(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_withdraw_bond(operator)
        }
    }

    /// Sets up worker keys for benchmarks. Implemented by the runtime.
    #[cfg(feature = "runtime-benchmarks")]
    pub trait BenchmarkHelper<AccountId>:
        assay_primitives::traits::BenchmarkHelper<AccountId>
    {
        /// An unregistered worker key, number `index`, and its signature over `message`.
        fn worker(index: u32, message: &[u8]) -> (WorkerId, WorkerSignature);
    }
}
