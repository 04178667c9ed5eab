//! # Disputes
//!
//! Disputes over optimistic results. Anyone whose output differs from the output that an operator
//! claims can have the chain decide, at the cost of one tile of one operation.
//!
//! * A challenger opens a dispute within the result's window, with a bond. Any number of disputes
//!   over one result may be open, and they are independent of each other.
//! * The crate `assay-dispute` defines the moves. The time for each is given by [`Timing`], and only
//!   blocks with room for a move count; a party that does not move in time loses. Operators move with
//!   feeless calls that their worker key authorises. Challengers pay fees.
//! * What an operator shows follows from its claim, so it shows it once: it counts in all disputes
//!   over the result. The chain keeps it until the last of them has ended.
//! * The bond of a dispute grows with the number of those that are open over the same result.
//! * The first dispute that an operator loses ends the request: the payer is refunded and
//!   compensated, the operator penalised and the challenger rewarded. All other disputes over the
//!   result end. Their bonds are returned, less the price of the room in blocks that the operator's
//!   moves in them took.
//! * A challenger that loses forfeits its bond: half of it goes to the operator, half to the
//!   treasury.
//! * A validity proof decides at any time. A proof of the claimed output makes the result final,
//!   and all disputes over it are lost. A proof of another output wins the dispute.
//! * The offchain worker makes the moves of the operators whose worker keys the node holds. If the
//!   node holds a watcher key, it also re-runs the models of others' results and disputes wrong
//!   ones.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod authorize;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod endings;
mod index;
#[cfg(test)]
mod mock;
mod moves;
mod offchain;
mod shown;
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
    use assay_dispute::{Answer, Choice, What};
    use assay_primitives::{
        dispute::{DisputeId, DisputeTiming},
        traits::{BlockRoom, DisputeBonds, OptimisticResults, OutputProofs},
        Balance, BlockNumber, Digest, RequestId, WorkerSignature,
    };
    use frame_support::{migrations::MultiStepMigrator, pallet_prelude::*};
    use frame_system::{
        ensure_authorized,
        offchain::{AppCrypto, CreateAuthorizedTransaction, CreateSignedTransaction},
        pallet_prelude::*,
    };

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeEvent: From<Event<Self>>>
        + CreateAuthorizedTransaction<Call<Self>>
        + CreateSignedTransaction<Call<Self>>
    {
        /// The optimistic results. Disputes read them, and end their requests.
        type Results: OptimisticResults<Self::AccountId>;
        /// Holds the bonds of challengers.
        type Bonds: DisputeBonds<Self::AccountId>;
        /// Verifies the proofs that decide disputes.
        type Proofs: OutputProofs<Self::AccountId>;
        /// Counts the blocks that have room for a move, and prices that room.
        type Room: BlockRoom;
        /// Bond of a challenger for the first dispute over a result, in plancks. With `n` open
        /// disputes over it, the next one needs `n + 1` times as much. It has to exceed the fees that
        /// the operator's feeless moves would cost; otherwise lost disputes are a cheap way to fill
        /// blocks: see docs/adr/0027. Zero fails the integrity test.
        #[pallet::constant]
        type Bond: Get<Balance>;
        /// Timing of disputes until [`Timing`] is set. It has to satisfy [`Config::MaxBlocks`].
        #[pallet::constant]
        type DefaultTiming: Get<DisputeTiming>;
        /// Maximum number of blocks from a result to the end of a dispute over it: the window and
        /// all moves. `set_timing` refuses more. Together with the longest deadline of a request it
        /// has to be shorter than the unbonding period; otherwise an operator can withdraw its bond
        /// before a dispute ends.
        #[pallet::constant]
        type MaxBlocks: Get<BlockNumber>;
        /// The origin that may set [`Timing`].
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Maximum size in bytes of the output in `prove`. Larger arguments do not decode.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// Maximum size in bytes of the proof in `prove`. Larger arguments do not decode.
        #[pallet::constant]
        type MaxProofBytes: Get<u32>;
        /// Maximum weight that the start of a block spends on passed deadlines, and on removing what
        /// operators have shown. It has to allow at least one deadline. Disputes beyond it end in
        /// later blocks; their moves are refused meanwhile.
        #[pallet::constant]
        type SweepBudget: Get<Weight>;
        /// Priority of operators' moves in the pool. It has to be above that of transactions with
        /// fees and of other workers' calls, so that a full pool does not make an operator lose.
        #[pallet::constant]
        type AnswerPriority: Get<TransactionPriority>;
        /// The keys with which the offchain worker signs a watcher's transactions.
        type WatcherCrypto: AppCrypto<Self::Public, Self::Signature>;
        /// Weights of the calls and of the hook's steps.
        type WeightInfo: WeightInfo;
        /// Sets up results for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Identifier of the next dispute. Never removed.
    #[pallet::storage]
    pub type NextDispute<T> = StorageValue<_, DisputeId, ValueQuery>;

    /// Open disputes, by identifier. Removed when they end.
    #[pallet::storage]
    pub type OpenDisputes<T: Config> =
        StorageMap<_, Twox64Concat, DisputeId, Dispute<T::AccountId>>;

    /// Number of open disputes over the result of a request. Removed with the last one.
    #[pallet::storage]
    pub type Counts<T: Config> = StorageMap<_, Twox64Concat, RequestId, u32, ValueQuery>;

    /// What operators have shown, by the request whose result is disputed. Removed by the sweep after
    /// the last dispute over the result has ended.
    #[pallet::storage]
    pub type Shown<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Twox64Concat, What, assay_dispute::Shown>;

    /// When operators have shown it. Also contains the tiles that were computed and are as claimed.
    /// Removed with [`Shown`].
    #[pallet::storage]
    pub type ShownAt<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Twox64Concat, What, Moment>;

    /// Requests over whose results no dispute is open any more, and of which [`ShownAt`] may contain
    /// something. Removed by the sweep, or when the result is disputed again.
    #[pallet::storage]
    pub type Obsolete<T: Config> = StorageMap<_, Twox64Concat, RequestId, ()>;

    /// Open disputes, by operator and by challenger. Removed when they end.
    #[pallet::storage]
    pub type ByParty<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, DisputeId, ()>;

    /// Open disputes, by request. Removed when they end.
    #[pallet::storage]
    pub type ByRequest<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Twox64Concat, DisputeId, ()>;

    /// Verdicts about results that were decided while other disputes over them were open, by
    /// request. Removed when the last of those disputes is closed.
    #[pallet::storage]
    pub type Verdicts<T: Config> = StorageMap<_, Twox64Concat, RequestId, Verdict>;

    /// Open disputes, by the height after the deadline of their next move. Removed with each move,
    /// at the end of the dispute, or by the sweep at that height. If what a dispute awaits was shown in
    /// another one, or too few blocks had room for the move, the sweep enters it again.
    #[pallet::storage]
    pub type Agenda<T: Config> =
        StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, DisputeId, ()>;

    /// First height whose [`Agenda`] has not been processed. Overwritten, never removed.
    #[pallet::storage]
    pub type AgendaCursor<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

    /// Timing of disputes. The window applies to results that are submitted from now on, the time
    /// for a move to disputes that are opened from now on. Never removed.
    #[pallet::storage]
    pub type Timing<T: Config> = StorageValue<_, DisputeTiming, ValueQuery, T::DefaultTiming>;

    /// Genesis configuration of the pallet.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Initial [`Timing`]; [`Config::DefaultTiming`] if `None`.
        pub timing: Option<DisputeTiming>,
        /// Binds the type parameter. Not configurable.
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

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A dispute was opened. The next move is the operator's, or the challenger's if the operator
        /// has already shown the roots of all tensors.
        Opened {
            /// The dispute.
            dispute: DisputeId,
            /// The request whose result is disputed.
            request: RequestId,
            /// The operator that submitted the result.
            operator: T::AccountId,
            /// The account that disputes the result.
            challenger: T::AccountId,
            /// The challenger's bond, in plancks.
            bond: Balance,
            /// Last height at which the next move counts.
            deadline: BlockNumber,
        },
        /// The operator moved; [`Shown`] contains what it showed. The next move is the challenger's,
        /// in this dispute and in every other over the result that awaited the same.
        Answered {
            /// The dispute.
            dispute: DisputeId,
            /// The request whose result is disputed.
            request: RequestId,
            /// Last height at which the next move counts.
            deadline: BlockNumber,
        },
        /// The challenger moved. The next move is the operator's, or the challenger's if the operator
        /// has already shown what it has to.
        Chosen {
            /// The dispute.
            dispute: DisputeId,
            /// The challenger's choice.
            choice: Choice,
            /// Last height at which the next move counts.
            deadline: BlockNumber,
        },
        /// The challenger won a dispute: the result is wrong, or was not defended. The request
        /// ended.
        Won {
            /// The dispute.
            dispute: DisputeId,
            /// The request whose result was disputed.
            request: RequestId,
            /// The account that disputed the result.
            challenger: T::AccountId,
            /// What decided the dispute.
            cause: DisputeCause,
        },
        /// The challenger lost a dispute and forfeited its bond.
        Lost {
            /// The dispute.
            dispute: DisputeId,
            /// The request whose result was disputed.
            request: RequestId,
            /// The account that disputed the result.
            challenger: T::AccountId,
            /// What decided the dispute.
            cause: DisputeCause,
            /// The forfeited bond, in plancks.
            forfeited: Balance,
        },
        /// A dispute ended because another dispute over the same result was won. The bond was
        /// returned, less the price of the room that the operator's moves took.
        Void {
            /// The dispute.
            dispute: DisputeId,
            /// That price, in plancks, which went to the treasury.
            spent: Balance,
        },
        /// The timing of disputes changed.
        TimingSet {
            /// The new timing.
            timing: DisputeTiming,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The request has no optimistic result, or the result is final. Dispute results of class
        /// `Optimistic` while they are provisional.
        NoResult,
        /// The dispute window of the result has passed. A result can be disputed only within its
        /// window.
        WindowClosed,
        /// The bond of the next dispute over the result is above the caller's limit, because others
        /// are open. Wait until they end, or allow a larger bond.
        BondTooHigh,
        /// There is no such dispute, or it has ended. Check the identifier.
        DisputeNotFound,
        /// Another dispute or a proof has decided about the result, or the dispute's tile was
        /// computed in another dispute. Call `close` to end this dispute.
        Decided,
        /// The dispute is not decided yet. Continue with its next move.
        NotDecided,
        /// The caller is not the challenger of the dispute. Sign with the account that opened it.
        NotChallenger,
        /// The deadline of the move has passed. The dispute ends at one of the next blocks.
        DeadlinePassed,
        /// The dispute expects another kind of move, or a move of the other party. Read its stage
        /// again.
        OutOfTurn,
        /// The architecture of the version is not on chain, or is not valid. This is a bug; report
        /// it.
        NoArchitecture,
        /// The model has no operation with this index. Choose one of its operations.
        NoOperation,
        /// The tensor has no leaf with this index. Choose one of the leaves that the operator
        /// showed.
        NoLeaf,
        /// The operation has no tile with this index, or the tile has no element among the bytes
        /// that the operator showed. Choose a tile with a wrong element among them.
        NoTile,
        /// The tile was computed in another dispute, and is as the operator claims. Choose a tile that
        /// is wrong.
        TileComputed,
        /// The opening is malformed, or does not show the tile's inputs. Make it from the tensors
        /// under the roots that the operator showed and from the version's weights.
        OpeningRefused,
        /// The output does not have the length of the version's output tensor. Pass the data of
        /// the tensor, without its type and shape.
        OutputLength,
        /// The proof does not hold for this request and this output, or the version has no
        /// fingerprint to compare it with. Make the proof in the request's context.
        ProofRefused,
        /// All identifiers are used. There is no remedy.
        NoIdentifierLeft,
        /// The window or the time for a move is zero, or the window and seven moves together exceed
        /// `MaxBlocks`. Choose values within these bounds.
        TimingOutOfBounds,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            let checked = T::DbWeight::get().reads(1);
            // Nobody can move in a block of a migration, and the state may be that of both versions.
            if T::MultiBlockMigrator::ongoing() {
                return checked;
            }
            Self::sweep().saturating_add(checked)
        }

        fn offchain_worker(_: BlockNumberFor<T>) {
            Self::take_part();
        }

        fn integrity_test() {
            assert!(Self::is_allowed(T::DefaultTiming::get()), "DefaultTiming must be in bounds");
            assert!(T::Bond::get() > 0, "Bond must not be zero");
            assert!(Self::sweeps_per_block() > 0, "SweepBudget must allow a deadline");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Opens a dispute over the result of a request. Takes a bond from the caller:
        /// [`Config::Bond`], and as much again for each dispute that is open over the result. Fails if
        /// that is more than `max_bond` plancks: others may have opened disputes before.
        ///
        /// If the operator has shown the roots of all tensors, the next move is the challenger's.
        ///
        /// Before calling this, run the model and compare the outputs. The challenger has to name
        /// the first wrong operation, the first wrong leaf and a wrong tile, each within the time
        /// for a move that [`Timing`] gives when the dispute is opened.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::Opened`].
        ///
        /// Errors: `NoResult`, `WindowClosed`, `BondTooHigh`, `NoIdentifierLeft`; the bond is not
        /// covered.
        #[pallet::call_index(0)]
        #[pallet::weight((T::WeightInfo::open(), DispatchClass::Operational))]
        pub fn open(origin: OriginFor<T>, request: RequestId, max_bond: Balance) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_open(challenger, request, max_bond)
        }

        /// Makes the challenger's move: names the first wrong operation or leaf, or a wrong tile.
        ///
        /// Origin: signed by the challenger.
        ///
        /// Emits [`Event::Chosen`].
        ///
        /// Errors: `DisputeNotFound`, `Decided`, `DeadlinePassed`, `NotChallenger`, `OutOfTurn`,
        /// `NoArchitecture`, `NoOperation`, `NoLeaf`, `NoTile`, `TileComputed`.
        #[pallet::call_index(1)]
        #[pallet::weight((T::WeightInfo::choose(), DispatchClass::Operational))]
        pub fn choose(origin: OriginFor<T>, dispute: DisputeId, choice: Choice) -> DispatchResult {
            let challenger = ensure_signed(origin)?;
            Self::do_choose(challenger, dispute, choice)
        }

        /// Makes the operator's move. `stage` is the digest of the stage that the move answers. The
        /// move counts in every dispute over the result that is in this stage.
        ///
        /// A move of the right kind that does not follow from the claim loses the dispute.
        /// Otherwise an operator could try moves for free.
        ///
        /// Origin: authorised by the operator's worker key. Feeless.
        ///
        /// Emits [`Event::Answered`], or [`Event::Won`] or [`Event::Lost`] if the move ends the
        /// dispute.
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`].
        #[pallet::call_index(2)]
        #[pallet::weight((answer_weight::<T>(answer), DispatchClass::Operational))]
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

        /// Makes the last move for the operator: shows the inputs of the tile. The chain computes
        /// the tile, which decides the dispute. `opening` is [`Answer::Opening`] with the encoding
        /// of an [`assay_graph::commit::TileOpening`].
        ///
        /// Origin: signed, by anyone.
        ///
        /// Emits [`Event::Won`] or [`Event::Lost`].
        ///
        /// Errors: `DisputeNotFound`, `Decided`, `DeadlinePassed`, `OutOfTurn`, `NoResult`,
        /// `NoArchitecture`, `OpeningRefused`.
        #[pallet::call_index(3)]
        #[pallet::weight((answer_weight::<T>(opening), DispatchClass::Operational))]
        pub fn step(origin: OriginFor<T>, dispute: DisputeId, opening: Answer) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_step(dispute, &opening)
        }

        /// Decides the dispute with a validity proof. `output` is the data of the output tensor
        /// that the proof proves. If it is the output that the operator claims, the result becomes
        /// final and every dispute over it is lost. Otherwise this dispute is won.
        ///
        /// Unlike a move, a proof counts until the dispute has ended: which party was late has not
        /// been decided before, and a proof shows which is right.
        ///
        /// Origin: signed, by anyone.
        ///
        /// Emits [`Event::Won`] or [`Event::Lost`].
        ///
        /// Errors: `DisputeNotFound`, `Decided`, `NoResult`, `NoArchitecture`, `OutputLength`,
        /// `ProofRefused`.
        #[pallet::call_index(4)]
        #[pallet::weight((
            T::WeightInfo::prove()
                .saturating_add(T::WeightInfo::expire())
                .saturating_add(T::Proofs::weight())
                .saturating_add(T::Results::weight()),
            DispatchClass::Operational
        ))]
        pub fn prove(
            origin: OriginFor<T>,
            dispute: DisputeId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            proof: BoundedVec<u8, T::MaxProofBytes>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_prove(dispute, &output, &proof)
        }

        /// Closes a dispute over a result that another dispute or a proof has decided, or whose tile
        /// was computed in another dispute, and settles its bond. Without this call the dispute is
        /// closed after its deadline.
        ///
        /// Origin: signed, by anyone.
        ///
        /// Emits [`Event::Void`], or [`Event::Lost`] if a proof has shown that the result is right, or
        /// the tile is as claimed.
        ///
        /// Errors: `DisputeNotFound`, `NotDecided`.
        #[pallet::call_index(5)]
        #[pallet::weight((
            T::WeightInfo::close().saturating_add(T::Results::weight()),
            DispatchClass::Operational
        ))]
        pub fn close(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_close(dispute)
        }

        /// Sets [`Timing`]. Results keep the last height of their window, and disputes their time
        /// for a move. Disputes that are opened later have the new time, also over results of
        /// operators that were drawn when it was longer: lower it in steps, and announce it.
        ///
        /// Origin: [`Config::AdminOrigin`].
        ///
        /// Emits [`Event::TimingSet`].
        ///
        /// Errors: `TimingOutOfBounds`.
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

    /// Number of blocks after an optimistic result in which disputes over it may be opened, as
    /// [`Timing`] says.
    pub struct DisputeWindow<T>(core::marker::PhantomData<T>);

    impl<T: Config> Get<BlockNumber> for DisputeWindow<T> {
        fn get() -> BlockNumber {
            Timing::<T>::get().window
        }
    }

    /// Weight of an operator's move of this size, with the end of the request that it may lead to.
    pub fn answer_weight<T: Config>(answer: &Answer) -> Weight {
        let weight = match answer {
            Answer::Roots(_) => T::WeightInfo::answer_roots(),
            Answer::Leaves(leaves) => T::WeightInfo::answer_leaves(leaves.len() as u32),
            Answer::Bytes(_) => T::WeightInfo::answer_bytes(),
            // The most expensive tile, and the reading of the opening.
            Answer::Opening(opening) => T::WeightInfo::step_dense()
                .max(T::WeightInfo::step_window())
                .saturating_add(T::WeightInfo::step_opening(kib(opening.len()))),
        };
        weight.saturating_add(T::Results::weight())
    }

    /// Size in KiB, rounded up.
    pub(crate) const fn kib(bytes: usize) -> u32 {
        bytes.div_ceil(1024) as u32
    }

    /// Sets up results for benchmarks. Implemented by the runtime.
    #[cfg(feature = "runtime-benchmarks")]
    pub trait BenchmarkHelper<AccountId>:
        assay_primitives::traits::BenchmarkHelper<AccountId>
    {
        /// Stores an optimistic result that may be disputed now. Its version has this encoded
        /// architecture of maximum size, and its tensors have these bytes.
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
