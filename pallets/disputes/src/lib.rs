//! # Disputes
//!
//! Disputes over optimistic results: anyone who has another output than the one that an operator
//! claims can have the chain find out, at the cost of one tile of one operation.
//!
//! * A challenger opens a dispute within the result's window, with a bond. Any number of disputes
//!   over one result may be open; none keeps another from being opened, and each goes its own
//!   way.
//! * The moves are those of the crate `assay-dispute`. Each has the blocks that [`Timing`] gives;
//!   who is on turn and does not move in time, loses. Operators move with feeless calls that are
//!   authorized by their worker key. Challengers pay fees.
//! * The first dispute that an operator loses ends the request: the payer is refunded and
//!   compensated, the operator penalised, the challenger rewarded. All others over the result
//!   then end with their bonds given back.
//! * A challenger that loses, loses its bond: half of it to the operator, half to the treasury.
//! * The offchain worker answers for the operators whose worker keys its node holds. Where the
//!   node holds a watcher's key, it runs the models of others' results and disputes wrong ones.
//! * A validity proof decides at once. One of the claimed output makes the result final, and all
//!   disputes over it lost. One of another output is a dispute won.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod authorize;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod endings;
#[cfg(test)]
mod mock;
mod moves;
mod offchain;
mod sweep;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
pub mod weights;

pub use authorize::refusal;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    #[cfg(feature = "runtime-benchmarks")]
    use alloc::vec::Vec;
    use assay_dispute::{Answer, Choice};
    use assay_primitives::{
        dispute::{DisputeId, DisputeTiming},
        traits::{DisputeBonds, OptimisticResults, OutputProofs},
        Balance, BlockNumber, Digest, RequestId, WorkerSignature,
    };
    use frame_support::pallet_prelude::*;
    use frame_system::{
        ensure_authorized,
        offchain::{AppCrypto, CreateAuthorizedTransaction, CreateSignedTransaction},
        pallet_prelude::*,
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + CreateAuthorizedTransaction<Call<Self>>
        + CreateSignedTransaction<Call<Self>>
    {
        /// The results.
        type Results: OptimisticResults<Self::AccountId>;
        /// The bonds of challengers.
        type Bonds: DisputeBonds<Self::AccountId>;
        /// Proofs of outputs.
        type Proofs: OutputProofs;
        /// What a challenger puts up for one dispute, in plancks. Has to be more than what the
        /// operator's feeless moves would cost as a payer's: see docs/adr/0013.
        #[pallet::constant]
        type Bond: Get<Balance>;
        /// How long disputes take unless [`Timing`] is set.
        #[pallet::constant]
        type DefaultTiming: Get<DisputeTiming>;
        /// Most blocks from a result to the end of a dispute over it, whatever [`Timing`] says.
        /// Operators must not be able to take their bonds sooner.
        #[pallet::constant]
        type MaxBlocks: Get<BlockNumber>;
        /// Who may set [`Timing`].
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Most bytes of an output.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// Most bytes of a validity proof.
        #[pallet::constant]
        type MaxProofBytes: Get<u32>;
        /// Most weight that passed deadlines may take in one block.
        #[pallet::constant]
        type SweepBudget: Get<Weight>;
        /// Priority of operators' moves in the pool.
        #[pallet::constant]
        type AnswerPriority: Get<TransactionPriority>;
        /// How watchers sign.
        type WatcherCrypto: AppCrypto<Self::Public, Self::Signature>;
        /// Weights of the calls and of the hook's steps.
        type WeightInfo: WeightInfo;
        /// Prepares results for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Identifier of the next dispute.
    #[pallet::storage]
    pub type NextDispute<T> = StorageValue<_, DisputeId, ValueQuery>;

    /// Open disputes.
    #[pallet::storage]
    pub type OpenDisputes<T: Config> =
        StorageMap<_, Twox64Concat, DisputeId, Dispute<T::AccountId>>;

    /// How many disputes over the result of a request are open. No entry means none.
    #[pallet::storage]
    pub type Counts<T: Config> = StorageMap<_, Twox64Concat, RequestId, u32, ValueQuery>;

    /// Results that were decided while other disputes over them were open, until those are closed.
    #[pallet::storage]
    pub type Verdicts<T: Config> = StorageMap<_, Twox64Concat, RequestId, Verdict>;

    /// Disputes that have to be looked at when a height is reached.
    #[pallet::storage]
    pub type Agenda<T: Config> =
        StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, DisputeId, ()>;

    /// First height whose agenda is not worked off.
    #[pallet::storage]
    pub type AgendaCursor<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

    /// How long disputes over results take that are handed in from now on. Results and disputes
    /// that are there keep the heights, and the blocks for a move, that they came with.
    #[pallet::storage]
    pub type Timing<T: Config> = StorageValue<_, DisputeTiming, ValueQuery, T::DefaultTiming>;

    /// What a chain starts with.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// How long disputes take; [`Config::DefaultTiming`] where `None`.
        pub timing: Option<DisputeTiming>,
        /// No configuration: ties the type to the runtime.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if let Some(timing) = self.timing {
                assert!(Pallet::<T>::is_allowed(timing), "{timing:?} is out of bounds");
                Timing::<T>::put(timing);
            }
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A result is disputed. The operator is on turn.
        Opened {
            /// The dispute.
            dispute: DisputeId,
            /// Whose result.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
            /// Who disputes it.
            challenger: T::AccountId,
            /// Last height at which the next move counts.
            deadline: BlockNumber,
        },
        /// The operator moved. What it showed is in `OpenDisputes`. The challenger is on turn.
        Answered {
            /// The dispute.
            dispute: DisputeId,
            /// Last height at which the next move counts.
            deadline: BlockNumber,
        },
        /// The challenger moved. The operator is on turn.
        Chosen {
            /// The dispute.
            dispute: DisputeId,
            /// What it chose.
            choice: Choice,
            /// Last height at which the next move counts.
            deadline: BlockNumber,
        },
        /// A dispute was won: the result is wrong, or was not defended. The request is over.
        Won {
            /// The dispute.
            dispute: DisputeId,
            /// Whose result.
            request: RequestId,
            /// Who disputed it.
            challenger: T::AccountId,
            /// By what.
            cause: DisputeCause,
        },
        /// A dispute was lost, and the bond with it.
        Lost {
            /// The dispute.
            dispute: DisputeId,
            /// Whose result.
            request: RequestId,
            /// Who disputed it.
            challenger: T::AccountId,
            /// By what.
            cause: DisputeCause,
            /// What was forfeited, in plancks.
            forfeited: Balance,
        },
        /// A dispute ended because another one over the same result was won. The bond went back.
        Void {
            /// The dispute.
            dispute: DisputeId,
        },
        /// Disputes over new results take another time.
        TimingSet {
            /// How long they take.
            timing: DisputeTiming,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// The request has no optimistic result that is open: there is none yet, it is final, or
        /// the request asked for another class.
        NoResult,
        /// The time for disputes over the result is over.
        WindowClosed,
        /// There is no such dispute, or it is over.
        DisputeNotFound,
        /// Another dispute, or a proof, has decided about the result. Call `close`.
        Decided,
        /// Nothing has decided about the result yet: the dispute goes on.
        NotDecided,
        /// Only the challenger may do this.
        NotChallenger,
        /// The time for this move is over.
        DeadlinePassed,
        /// The dispute awaits another move, or one of the other side.
        OutOfTurn,
        /// The version's architecture is not on chain any more, or is none.
        NoArchitecture,
        /// The model has no operation of this index.
        NoOperation,
        /// The tensor has no leaf of this index.
        NoLeaf,
        /// There is no such tile, or it has no element among the bytes that the operator showed.
        NoTile,
        /// The opening is malformed, or does not show what the tile reads. Make it of the tensors
        /// under the roots that the operator named and of the version's weights.
        OpeningRefused,
        /// The output has another length than the version's.
        OutputLength,
        /// The proof does not hold for the request and this output.
        ProofRefused,
        /// There are no more identifiers.
        NoIdentifierLeft,
        /// Window and blocks for a move are 1 at least, and the window and seven moves together
        /// `MaxBlocks` at most.
        TimingOutOfBounds,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            Self::sweep()
        }

        fn offchain_worker(_: BlockNumberFor<T>) {
            Self::take_part();
        }

        fn integrity_test() {
            assert!(Self::is_allowed(T::DefaultTiming::get()), "the default is allowed");
            assert!(T::Bond::get() > 0, "a dispute costs something");
            assert!(Self::sweeps_per_block() > 0, "the budget must allow a deadline");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Disputes the result of a request. Puts up [`Config::Bond`].
        ///
        /// Whoever calls this should have run the model, with another output. It has to name the
        /// first operation, the first leaf and a tile that are wrong, each within as many blocks of
        /// the operator's move as [`Timing`] gives when the dispute is opened.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::open())]
        pub fn open(origin: OriginFor<T>, request: RequestId) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_open(challenger, request)
        }

        /// The challenger's move: names what is wrong.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::choose())]
        pub fn choose(origin: OriginFor<T>, dispute: DisputeId, choice: Choice) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_choose(challenger, dispute, choice)
        }

        /// The operator's move. `stage` is the digest of the stage that it answers.
        ///
        /// Feeless, authorized by the worker key. A move of the right kind that does not follow
        /// from the claim loses the dispute: nothing else would keep an operator from trying for
        /// free.
        #[pallet::call_index(2)]
        #[pallet::weight(
            answer_weight::<T>(answer).saturating_add(T::Results::weight())
        )]
        #[pallet::authorize(Self::authorize_answer)]
        #[pallet::weight_of_authorize(
            T::WeightInfo::authorize_answer(kib(answer.encoded_size()))
        )]
        pub fn answer(
            origin: OriginFor<T>,
            dispute: DisputeId,
            stage: Digest,
            answer: Answer,
            _signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            let _ = stage;
            Self::do_answer(dispute, &answer);
            Ok(())
        }

        /// The last move, by anyone: shows what the tile in question reads. The chain computes
        /// it, and so decides. `opening` is the encoding of an
        /// [`assay_graph::commit::TileOpening`].
        #[pallet::call_index(3)]
        #[pallet::weight(
            answer_weight::<T>(opening).saturating_add(T::Results::weight())
        )]
        pub fn step(origin: OriginFor<T>, dispute: DisputeId, opening: Answer) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_step(dispute, &opening)
        }

        /// Shows by a validity proof what the output is, and so decides. `output` is the bytes
        /// of the output tensor. If it is what the operator claims, the result is final and every
        /// dispute over it lost; else this dispute is won.
        #[pallet::call_index(4)]
        #[pallet::weight(
            T::WeightInfo::prove()
                .saturating_add(T::WeightInfo::expire())
                .saturating_add(T::Proofs::weight())
                .saturating_add(T::Results::weight())
        )]
        pub fn prove(
            origin: OriginFor<T>,
            dispute: DisputeId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            proof: BoundedVec<u8, T::MaxProofBytes>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_prove(dispute, &output, &proof)
        }

        /// Closes a dispute over a result that another one, or a proof, has decided. Without it
        /// that happens at the dispute's deadline.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::close())]
        pub fn close(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_close(dispute)
        }

        /// Sets how long disputes over results take that are handed in from now on.
        ///
        /// Origin: `AdminOrigin`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::set_timing())]
        pub fn set_timing(origin: OriginFor<T>, timing: DisputeTiming) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            ensure!(Self::is_allowed(timing), Error::<T>::TimingOutOfBounds);
            Timing::<T>::put(timing);
            Self::deposit_event(Event::TimingSet { timing });
            Ok(())
        }
    }

    /// Blocks after an optimistic result in which disputes over it may be opened.
    pub struct DisputeWindow<T>(core::marker::PhantomData<T>);

    impl<T: Config> Get<BlockNumber> for DisputeWindow<T> {
        fn get() -> BlockNumber {
            Timing::<T>::get().window
        }
    }

    /// What an answer of this size takes, beside ending a request.
    pub fn answer_weight<T: Config>(answer: &Answer) -> Weight {
        match answer {
            Answer::Roots(_) => T::WeightInfo::answer_roots(),
            Answer::Leaves(leaves) => T::WeightInfo::answer_leaves(leaves.len() as u32),
            Answer::Bytes(_) => T::WeightInfo::answer_bytes(),
            // The worst tile, and what it takes to read the opening.
            Answer::Opening(opening) => T::WeightInfo::step_dense()
                .max(T::WeightInfo::step_window())
                .saturating_add(T::WeightInfo::step_opening(kib(opening.len()))),
        }
    }

    /// Begun KiB.
    pub(crate) const fn kib(bytes: usize) -> u32 {
        bytes.div_ceil(1024) as u32
    }

    /// Prepares results for benchmarks. Implemented by the runtime.
    #[cfg(feature = "runtime-benchmarks")]
    pub trait BenchmarkHelper<AccountId>:
        assay_primitives::traits::BenchmarkHelper<AccountId>
    {
        /// Stores an optimistic result that may be disputed now, of a version with this encoded
        /// architecture, as large as it may be on chain; with tensors of these bytes as input
        /// and output.
        fn result(
            architecture: Vec<u8>,
            trace_root: Digest,
            input: Vec<u8>,
            output: Vec<u8>,
        ) -> RequestId;
        /// Signs with the worker key of an operator.
        fn sign(operator: &AccountId, message: &[u8]) -> WorkerSignature;
    }
}
