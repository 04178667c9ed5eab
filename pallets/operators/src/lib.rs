//! # Operators
//!
//! Who runs models, at what price, with what at stake.
//!
//! An operator registers with a bond and a *worker key*, a separate hot key in its node's
//! keystore that signs results and heartbeats and can move no money. It declares per version
//! what it serves. Heartbeats keep it eligible: a missing one makes it ineligible at once, by
//! looking at the height, without a sweep. Offences cost bond; unbonding takes longer than any
//! window in which an offence can still be shown.
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
        traits::{Bonds, Models},
        AssuranceClasses, Balance, BlockNumber, HeartbeatStatement, RequestId, VersionId, WorkerId,
        WorkerSignature,
    };
    use frame_support::pallet_prelude::*;
    use frame_system::{
        ensure_authorized, offchain::CreateAuthorizedTransaction, pallet_prelude::*,
    };
    use sp_runtime::Perbill;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + CreateAuthorizedTransaction<Call<Self>>
    {
        /// Where bonds are held.
        type Bonds: Bonds<Self::AccountId>;
        /// Which versions there are.
        type Models: Models<Self::AccountId>;
        /// Smallest bond with which an operator is drawn, in plancks.
        #[pallet::constant]
        type MinBond: Get<Balance>;
        /// Most operators that may serve one version. Bounds the cost of a draw.
        #[pallet::constant]
        type MaxServers: Get<u32>;
        /// Most versions that one operator may serve.
        #[pallet::constant]
        type MaxServed: Get<u32>;
        /// Most runs at once that an operator may declare for a version.
        #[pallet::constant]
        type MaxConcurrency: Get<u32>;
        /// Most blocks that an operator may want for an answer.
        #[pallet::constant]
        type MaxResponseBlocks: Get<BlockNumber>;
        /// Blocks between two heartbeats of a node.
        #[pallet::constant]
        type HeartbeatInterval: Get<BlockNumber>;
        /// Blocks after its last heartbeat for which an operator counts as live.
        #[pallet::constant]
        type HeartbeatTimeout: Get<BlockNumber>;
        /// Blocks from `unbond` until the bond can be taken.
        #[pallet::constant]
        type UnbondingPeriod: Get<BlockNumber>;
        /// Share of the bond that a wrong result costs.
        #[pallet::constant]
        type WrongResultSlash: Get<Perbill>;
        /// Share of the bond that a missing answer costs.
        #[pallet::constant]
        type NoAnswerSlash: Get<Perbill>;
        /// Share of the bond that two different signed results for one request cost.
        #[pallet::constant]
        type EquivocationSlash: Get<Perbill>;
        /// Share of the bond that goes to a challenger who has won a dispute.
        #[pallet::constant]
        type LostDisputeSlash: Get<Perbill>;
        /// Priority of heartbeats in the pool.
        #[pallet::constant]
        type HeartbeatPriority: Get<TransactionPriority>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Prepares accounts, versions and worker keys for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Operators.
    #[pallet::storage]
    pub type Operators<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Operator, OptionQuery>;

    /// Whose worker key this is or was. Past keys stay until the bond is taken, at least
    /// `UnbondingPeriod` blocks, so that what they signed can still be held against their owner.
    #[pallet::storage]
    pub type WorkerKeys<T: Config> = StorageMap<_, Blake2_128Concat, WorkerId, T::AccountId>;

    /// Operators that serve a version, in the order in which they came.
    #[pallet::storage]
    pub type Servers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        VersionId,
        BoundedVec<Server<T::AccountId>, T::MaxServers>,
        ValueQuery,
    >;

    /// Versions that an operator serves.
    #[pallet::storage]
    pub type Served<T: Config> = StorageMap<
        _,
        Blake2_128Concat,
        T::AccountId,
        BoundedVec<VersionId, T::MaxServed>,
        ValueQuery,
    >;

    /// Open assignments of each operator.
    #[pallet::storage]
    pub type OpenAssignments<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, RequestId, VersionId>;

    /// What happened.
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
        /// An operator changed its worker key.
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
            /// How much.
            amount: Balance,
        },
        /// An operator serves a version, or changed its terms.
        Serving {
            /// The operator.
            operator: T::AccountId,
            /// The version.
            version: VersionId,
            /// Its price for one run, in plancks.
            ask: Balance,
            /// Runs at once.
            concurrency: u32,
            /// Blocks that it wants for an answer.
            response_blocks: BlockNumber,
            /// Classes in which it serves.
            classes: AssuranceClasses,
        },
        /// An operator stopped serving a version.
        Withdrawn {
            /// The operator.
            operator: T::AccountId,
            /// The version.
            version: VersionId,
        },
        /// An operator that was not live is live again.
        BecameLive {
            /// The operator.
            operator: T::AccountId,
        },
        /// An operator started to unbond.
        Unbonding {
            /// The operator.
            operator: T::AccountId,
            /// Height from which it may take its bond.
            until: BlockNumber,
        },
        /// An operator took its bond and is gone.
        BondWithdrawn {
            /// The operator.
            operator: T::AccountId,
            /// How much was left of it.
            amount: Balance,
        },
        /// An operator lost bond.
        Penalised {
            /// The operator.
            operator: T::AccountId,
            /// Why.
            offence: Offence,
            /// How much, in plancks.
            amount: Balance,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// The account is an operator already. Use `set_worker`, `add_bond` or `serve`.
        AlreadyRegistered,
        /// The account is no operator. Register first.
        NotRegistered,
        /// The set of roles is empty or has unknown members.
        InvalidRoles,
        /// The bond is below `MinBond`.
        BondTooSmall,
        /// The worker key is or was another registration's. Generate a new one.
        WorkerKeyTaken,
        /// The signature does not show that the operator holds the worker key. Sign
        /// `assay/possession/1`, the genesis hash and the operator's account with it.
        InvalidPossession,
        /// There is no such version, or it takes no new requests.
        VersionNotServable,
        /// The version does not offer one of the classes.
        ClassNotOffered,
        /// The set of classes is empty or has unknown members.
        InvalidClasses,
        /// Concurrency must be at most `MaxConcurrency`.
        InvalidConcurrency,
        /// The blocks for an answer must be at least 1 and at most `MaxResponseBlocks`.
        InvalidResponseBlocks,
        /// As many operators as possible serve the version already.
        TooManyServers,
        /// The operator serves as many versions as possible. Withdraw from one first.
        TooManyServed,
        /// The operator does not serve the version.
        NotServing,
        /// The operator has open assignments. Pause by serving with a concurrency of zero, then
        /// answer them or wait for their deadlines.
        OpenAssignments,
        /// The operator is unbonding; nothing but `withdraw_bond` is left to it.
        Unbonding,
        /// The operator is not unbonding. Call `unbond` first.
        NotUnbonding,
        /// The unbonding period is not over yet.
        UnbondingPeriodNotOver,
        /// The worker key was replaced as often within `UnbondingPeriod` as can be remembered.
        /// Wait until the first replacement is that long ago, or unbond and register anew.
        TooManyWorkerKeys,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn offchain_worker(_: BlockNumberFor<T>) {
            Self::send_heartbeats();
        }

        fn integrity_test() {
            assert!(T::HeartbeatTimeout::get() > T::HeartbeatInterval::get());
            assert!(T::MaxServers::get() > 0 && T::MaxServed::get() > 0);
            assert!(T::MaxConcurrency::get() > 0 && T::MaxResponseBlocks::get() > 0);
            assert!(T::WrongResultSlash::get() > T::NoAnswerSlash::get());
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Registers the caller with a bond and a worker key.
        ///
        /// `possession` is the worker key's signature over the statement `Possession`, which
        /// the operator's node makes (RPC `operator_workerKey`).
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

        /// Replaces the worker key, for instance after its node was lost.
        ///
        /// Open assignments are from then on answered with the new key. The old one is
        /// remembered for `UnbondingPeriod` blocks at least; when as many as possible are, the
        /// call is refused.
        #[pallet::call_index(1)]
        pub fn set_worker(
            origin: OriginFor<T>,
            worker: WorkerId,
            possession: WorkerSignature,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_set_worker(operator, worker, possession)
        }

        /// Adds to the bond.
        #[pallet::call_index(2)]
        pub fn add_bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_add_bond(operator, amount)
        }

        /// Serves a version, or changes the terms on which it is served. Requests that are
        /// assigned already keep the price of their draw. Of a version that was deprecated, only
        /// pausing is left to those who serve it.
        ///
        /// * `ask`: price of one run, in plancks.
        /// * `concurrency`: runs at once. Further requests wait. Zero pauses: nothing is assigned.
        /// * `response_blocks`: the operator is drawn only for requests that leave it as many
        ///   blocks for its answer, in a quorum for its commitment.
        /// * `classes`: those of the version in which it serves.
        #[pallet::call_index(3)]
        pub fn serve(
            origin: OriginFor<T>,
            version: VersionId,
            ask: Balance,
            concurrency: u32,
            response_blocks: BlockNumber,
            classes: AssuranceClasses,
        ) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_serve(operator, version, ask, concurrency, response_blocks, classes)
        }

        /// Stops serving a version. Refused while runs of it are open: pause first, by serving
        /// it with a concurrency of zero, and answer them.
        #[pallet::call_index(4)]
        pub fn withdraw(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_withdraw(operator, version)
        }

        /// A sign of life, sent by the operator's node without a fee.
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

        /// Leaves: no more draws, and after the unbonding period the bond can be taken.
        #[pallet::call_index(6)]
        pub fn unbond(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_unbond(operator)
        }

        /// Takes what is left of the bond, once the unbonding period is over.
        #[pallet::call_index(7)]
        pub fn withdraw_bond(origin: OriginFor<T>) -> DispatchResult {
            let operator = ensure_signed(origin)?;
            Self::do_withdraw_bond(operator)
        }
    }

    /// Prepares the surroundings of an operator for benchmarks. Implemented by the runtime.
    #[cfg(feature = "runtime-benchmarks")]
    pub trait BenchmarkHelper<AccountId>:
        assay_primitives::traits::BenchmarkHelper<AccountId>
    {
        /// A worker key that no operator has, number `index`, and its signature over a message.
        fn worker(index: u32, message: &[u8]) -> (WorkerId, WorkerSignature);
    }
}
