//! # Inference
//!
//! The life of requests, from the payer's escrow to the receipt.
//!
//! ```text
//! Pending ─draw→ Assigned ─┬─ signed result, or result with proof ──→ Final
//!    │              │      └─ commitments → Revealing ─ results ───→ Final
//!    │              │      └─ result with trace → Disputable ─ window, disputes ─→ Final
//!    └──────────────┴──────────── deadline passed ─────────────────→ Final
//! ```
//!
//! * The operators for a request in block `N` are drawn at the end of block `N + 1`, or as many blocks
//!   later as the payer asks for, among those that can serve it. The seed is made of the VRF outputs
//!   of all these blocks and the request's identifier. It has outputs of two authors at least.
//! * Operators answer with feeless calls that their worker key authorises. The pool refuses all
//!   other feeless calls.
//! * A request ends once: verified, rejected, timed out or cancelled. Its receipt is kept for a
//!   retention period, and for good as a leaf of its block's root in [`ReceiptRoots`].
//!
//! The status of a request changes only in `transitions.rs`.
#![cfg_attr(not(feature = "std"), no_std)]
// FRAME makes a closure of each `authorize`, whose type has all arguments of the call.
#![allow(clippy::type_complexity)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod appeals;
mod authorize;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod draws;
mod listed;
pub mod migrations;
#[cfg(test)]
mod mock;
mod offchain;
mod receipts;
mod request;
mod room;
mod storage;
mod sweep;
#[cfg(test)]
mod tests;
mod transitions;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod views;
pub mod weights;
mod windows;

pub use authorize::{refusal, PRIORITIES};
#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;

use frame_support::pallet_macros::import_section;

// The arguments of a call are its fields on the wire.
#[allow(clippy::too_many_arguments)]
#[import_section(storage::storage)]
#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use crate::room::Made;
    use alloc::vec::Vec;
    use assay_primitives::{
        receipt::RootPage,
        traits::{
            Artifacts, BlockRandomness, BlockRoom, BlockVrf, Disputes, Escrow, Models,
            OnRequestFinal, Operators, OutputProofs, Verification,
        },
        Assurance, Balance, BlockNumber, Digest, FailureReason, Outcome, ProofCost, ProofRefusal,
        Receipt, RequestId, VersionId, WorkerSignature,
    };
    use frame_support::{migrations::MultiStepMigrator, pallet_prelude::*};
    use frame_system::{
        ensure_authorized, offchain::CreateAuthorizedTransaction, pallet_prelude::*,
    };

    /// Number of latest blocks whose VRF outputs are in the seed of a draw, at most.
    pub const RECENT_BLOCKS: u32 = 32;
    /// Maximum number of requests that end in one block. The weight of a block allows fewer.
    pub const MAX_ENDS: u32 = 16_384;
    /// Largest number of blocks from a request to its draw that a payer may ask for.
    pub const MAX_DRAW_DELAY: BlockNumber = 16;

    /// Maximum number of requests in a batch.
    pub const MAX_BATCH: u32 = 64;

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
        /// The versions that requests are for. An open request keeps its version from being
        /// removed.
        type Models: Models<Self::AccountId>;
        /// The operators that are drawn, and the penalties for wrong and missing answers.
        type Operators: Operators<Self::AccountId>;
        /// Holds the prices of open requests.
        type Escrow: Escrow<Self::AccountId>;
        /// Stores and evaluates what operators submit.
        type Verification: Verification<Self::AccountId>;
        /// The artifacts of versions, and those that are inputs. An open request keeps its input
        /// artifact from being removed.
        type Artifacts: Artifacts;
        /// VRF outputs of blocks, for the seeds of draws. The pallet that supplies them must
        /// finalise a block before this one. A block without an output draws nothing.
        type Randomness: BlockRandomness;
        /// Open disputes over optimistic results, which keep a result from becoming final.
        type Disputes: Disputes;
        /// Verifies the proofs of appeals.
        type Proofs: OutputProofs<Self::AccountId>;
        /// Limits the room that answers take in blocks, and prices it.
        type Room: BlockRoom;
        /// Called at the end of each request.
        type OnRequestFinal: OnRequestFinal;
        /// Maximum size in bytes of an inline input payload. Larger arguments do not decode; use an
        /// artifact.
        #[pallet::constant]
        type MaxInputBytes: Get<u32>;
        /// Maximum size in bytes of an input payload that is an artifact. Requests with a larger
        /// one are refused. It bounds what an operator has to download.
        #[pallet::constant]
        type MaxArtifactInputBytes: Get<u32>;
        /// Maximum size in bytes of an output payload. Larger arguments do not decode; operators
        /// report such an output as a failure.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// Minimum number of blocks from a request to its deadline, without the reveal window of a
        /// quorum. Requests with an earlier deadline are refused. At least 2: one block for the
        /// draw and one for the answer.
        #[pallet::constant]
        type MinDeadline: Get<BlockNumber>;
        /// Maximum number of blocks from a request to its deadline. Requests with a later deadline
        /// are refused. More than [`Config::MinDeadline`] and [`Config::RevealWindow`] together. It
        /// bounds how long money is held and bonds have to be at stake.
        #[pallet::constant]
        type MaxDeadline: Get<BlockNumber>;
        /// Number of blocks before the deadline that are reserved for the members of a quorum to
        /// reveal; commitments are not accepted in them. Not zero.
        #[pallet::constant]
        type RevealWindow: Get<BlockNumber>;
        /// Number of blocks with room for one more answer that members have to get before they are
        /// late, or all blocks of their time if these are fewer. Not zero, and at most
        /// [`Config::RevealWindow`].
        #[pallet::constant]
        type RoomyBlocks: Get<BlockNumber>;
        /// Number of blocks after an optimistic result in which disputes over it may be opened. Not
        /// zero. A result keeps the window of its submission.
        type DisputeWindow: Get<BlockNumber>;
        /// Number of blocks after the end of a quorum with different results in which a proof can show
        /// who is wrong. Not zero, and less than [`Config::Retention`]. The members' stakes stay
        /// locked so long.
        #[pallet::constant]
        type AppealWindow: Get<BlockNumber>;
        /// Number of blocks after its end for which a request, its output and its receipt are kept.
        /// Not zero.
        #[pallet::constant]
        type Retention: Get<BlockNumber>;
        /// Maximum weight of the draws at the end of a block. It has to allow at least one draw.
        /// Requests beyond it are drawn in later blocks.
        #[pallet::constant]
        type DrawBudget: Get<Weight>;
        /// Maximum weight of passed deadlines, and also of pruning, at the start of a block. It has
        /// to allow at least one of each. What exceeds it is done in later blocks.
        #[pallet::constant]
        type SweepBudget: Get<Weight>;
        /// Minimum priority of workers' calls in the pool. A later submission of the same answer has
        /// a higher one, so that it replaces the earlier one; see `resubmission`. It has to be above
        /// that of transactions with fees.
        #[pallet::constant]
        type WorkerPriority: Get<TransactionPriority>;
        /// Weights of the calls and of the hooks' steps.
        type WeightInfo: WeightInfo;
        /// Sets up versions and operators for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    // Events are encoded at once, never kept.
    #[allow(clippy::large_enum_variant)]
    pub enum Event<T: Config> {
        /// A request was made, and its maximum price was held.
        Requested {
            /// The request.
            request: RequestId,
            /// The account that pays.
            payer: T::AccountId,
            /// The version to run.
            version: VersionId,
            /// The assurance that the request asks for.
            assurance: Assurance,
        },
        /// An item of a batch could not be a request. The others are not affected.
        ItemRefused {
            /// Its index in the batch.
            index: u32,
            /// Why.
            error: DispatchError,
        },
        /// Operators were drawn for a request.
        Assigned {
            /// The request.
            request: RequestId,
            /// The operators, in the order of the draw.
            members: Vec<T::AccountId>,
        },
        /// An operator submitted a result.
        ResultSubmitted {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
        },
        /// An operator submitted an optimistic result, which may be disputed.
        TraceSubmitted {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
            /// The claimed root of the trace.
            trace_root: Digest,
            /// Last height at which a dispute may be opened.
            disputable_until: BlockNumber,
        },
        /// A submitted proof did not hold. The operator was penalised.
        ProofRefused {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
            /// The first check that failed.
            reason: ProofRefusal,
        },
        /// A member of a quorum submitted a commitment.
        CommitmentSubmitted {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
        },
        /// Enough members of a quorum committed. The next step is their results.
        RevealsDue {
            /// The request.
            request: RequestId,
        },
        /// An operator reported that it cannot serve a request.
        FailureReported {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
            /// The reason.
            reason: FailureReason,
        },
        /// A request ended.
        RequestFinished {
            /// The request.
            request: RequestId,
            /// How it ended.
            outcome: Outcome,
            /// Its receipt.
            receipt: Receipt<T::AccountId>,
        },
        /// A quorum ended with different results. Until this height, a proof can show who is wrong.
        AppealsOpen {
            /// The request.
            request: RequestId,
            /// Last height at which an appeal counts.
            until: BlockNumber,
        },
        /// A proof showed the right output of a quorum.
        Appealed {
            /// The request.
            request: RequestId,
            /// The account that proved it.
            appellant: T::AccountId,
            /// Digest of the right output.
            right: Digest,
            /// The members that submitted another one, and were penalised.
            penalised: Vec<T::AccountId>,
        },
        /// A migration made receipts of an earlier storage version the leaves of a tree, in this
        /// order. Its root is that of this height in [`ReceiptRoots`].
        ReceiptsMoved {
            /// The height.
            height: BlockNumber,
            /// The requests, with the digests of their receipts.
            receipts: Vec<(RequestId, Digest)>,
        },
        /// A finished request was pruned. Its receipt is in the root of its block.
        RequestPruned {
            /// The request.
            request: RequestId,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The account has a request with this client key that is not pruned. The runtime API
        /// `request_by_key` returns it. Use another key for another request.
        DuplicateClientKey,
        /// There is no such version. Check the identifier.
        VersionNotFound,
        /// The version is closed to new requests. Use a newer one.
        VersionDeprecated,
        /// The audit of the version's weights is not done, so the chain could not verify a proof.
        /// Continue it with `assay model audit`, which anyone may do, or ask for another class.
        WeightsNotAudited,
        /// The deadline leaves no time for the draw, the answer and, in a quorum, the reveals. Set
        /// it at least `MinDeadline` blocks ahead, in a quorum `MinDeadline` and `RevealWindow`; with
        /// a draw delay above 1, as many blocks later.
        DeadlineTooSoon,
        /// The batch has no requests. Pass 1 to 64.
        EmptyBatch,
        /// The draw delay is zero or above `MAX_DRAW_DELAY`. Ask for 1 to 16 blocks.
        DrawDelayOutOfBounds,
        /// The deadline is more than `MaxDeadline` blocks ahead. Set an earlier one.
        DeadlineTooFar,
        /// The input is not the SCALE encoding of a list of tensors. Encode it as the version
        /// declares.
        InputMalformed,
        /// The number of input tensors differs from the declared number. Pass one tensor for each
        /// declaration, in order.
        InputWrongCount,
        /// The element type of an input tensor differs from the declared type. Convert the tensor.
        InputWrongType,
        /// The shape of an input tensor differs from the declared shape. Reshape the tensor.
        InputWrongShape,
        /// The data of an input tensor does not match its shape. Pass all elements, and no more.
        InputWrongSize,
        /// An input tensor contains NaN or an infinite number. Pass finite numbers.
        InputNotFinite,
        /// A Boolean input tensor contains a value other than 0 and 1. Pass only these.
        InputNotBool,
        /// The input is an artifact, but in the classes `Optimistic` and `Proof` the chain has to
        /// read it. Pass the input inline.
        InputNotInline,
        /// There is no complete artifact with this identity on chain. Upload it first.
        InputArtifactNotFound,
        /// The artifact is larger than `MaxArtifactInputBytes`. Use a smaller input.
        InputArtifactTooLarge,
        /// Fewer live and bonded operators than needed serve the version in this class. Try again
        /// later, or ask for another class or a smaller quorum.
        NoOperator,
        /// Enough operators serve the version in this class, but not at this price. Raise
        /// `max_price`; a quote gives the smallest one that suffices.
        PriceUnderAsk,
        /// Enough operators serve the version at this price, but they need more time than the
        /// deadline leaves. Set a later deadline; a quote gives the smallest number of blocks.
        DeadlineUnderResponse,
        /// There is no such request, or it was pruned. Check the identifier.
        RequestNotFound,
        /// The caller did not make the request. Sign with the payer's account.
        NotPayer,
        /// The request is already assigned, or has ended. Only a pending request can be cancelled.
        NotPending,
        /// All identifiers are used. There is no remedy.
        NoIdentifierLeft,
        /// The outcome cannot be appealed: all results agreed, the chain cannot verify proofs of the
        /// version, or `AppealWindow` has passed.
        NotAppealable,
        /// The output does not fit the version's declaration. Pass the payload of its output
        /// tensors.
        WrongOutput,
        /// The proof does not hold for this request and this output. Make the proof in the request's
        /// context, with your account as the operator.
        ProofRefused,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            let checked = T::DbWeight::get().reads(1);
            // Nobody can answer in a block of a migration, and the state may be that of both versions.
            if T::MultiBlockMigrator::ongoing() {
                return checked;
            }
            Self::sweep_deadlines()
                .saturating_add(Self::prune())
                .saturating_add(Self::draw_queued())
                .saturating_add(Self::base_weight())
                .saturating_add(checked)
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            Self::write_root();
        }

        fn offchain_worker(_: BlockNumberFor<T>) {
            Self::serve_assignments();
        }

        fn integrity_test() {
            assert!(
                T::MinDeadline::get() >= 2,
                "MinDeadline must leave a block for the draw and one for the answer"
            );
            assert!(
                T::MinDeadline::get() + T::RevealWindow::get() < T::MaxDeadline::get(),
                "MaxDeadline must leave time for a quorum"
            );
            assert!(T::RevealWindow::get() > 0 && T::Retention::get() > 0);
            assert!(T::DisputeWindow::get() > 0, "DisputeWindow must not be zero");
            assert!(
                (1..=T::RevealWindow::get()).contains(&T::RoomyBlocks::get()),
                "RoomyBlocks must be at most RevealWindow, and not zero"
            );
            assert!(
                draws::FIRST_REST * ((1 << draws::MAX_VAIN_DRAWS) - 1) >= T::MaxDeadline::get(),
                "a request must not rest more often than it pays for"
            );
            assert!(
                (1..T::Retention::get()).contains(&T::AppealWindow::get()),
                "AppealWindow must be less than Retention, and not zero"
            );
            assert!(Self::draws_per_block() > 0, "DrawBudget must allow a draw");
            assert!(Self::sweeps_per_block() > 0, "SweepBudget must allow a deadline");
            assert!(Self::prunes_per_block() > 0, "SweepBudget must allow pruning a request");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Requests one run of a version. Takes `max_price` plancks into escrow, and the largest fee
        /// for the room that the answers can take in blocks; see `AssayApi::quote`. The fee for what
        /// they took is paid at the end, and the rest refunded.
        ///
        /// `deadline` is the last height at which an answer counts. `draw_delay` is the number of blocks
        /// until operators are drawn, 1 to [`MAX_DRAW_DELAY`]: the seed of the draw has the VRF outputs
        /// of all of them, so with a larger number more block authors would have to work together to
        /// choose the operators. The draw waits until at least two authors have taken part, if there
        /// are two. `client_key` makes the call
        /// idempotent: an account can use each key once. The fee depends on the number of operators
        /// that are read to see that enough can serve it; the difference to the maximum is refunded.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::Requested`].
        ///
        /// Errors: `DrawDelayOutOfBounds`, `DuplicateClientKey`, `DeadlineTooSoon`, `DeadlineTooFar`, `VersionNotFound`,
        /// `VersionDeprecated`, `WeightsNotAudited`, `NoOperator`, `PriceUnderAsk`,
        /// `DeadlineUnderResponse`; an input error: `InputMalformed`, `InputWrongCount`,
        /// `InputWrongType`, `InputWrongShape`, `InputWrongSize`, `InputNotFinite`, `InputNotBool`,
        /// `InputNotInline`, `InputArtifactNotFound`, `InputArtifactTooLarge`; `NoIdentifierLeft`;
        /// the class is not available, disabled, not offered or out of bounds; the price is not
        /// covered.
        #[pallet::call_index(0)]
        #[pallet::weight(Pallet::<T>::request_weight(
            Made::of(*assurance, *draw_delay, [input]),
            T::Operators::max_servers(),
        ))]
        pub fn request(
            origin: OriginFor<T>,
            version: VersionId,
            input: RequestInputOf<T>,
            assurance: Assurance,
            max_price: Balance,
            deadline: BlockNumber,
            draw_delay: BlockNumber,
            client_key: [u8; 32],
        ) -> DispatchResultWithPostInfo {
            let payer = ensure_signed(origin)?;
            let made = Made::of(assurance, draw_delay, [&input]);
            let asked = Asked { version, assurance, max_price, deadline, draw_delay };
            let read = Self::do_request(payer, asked, input, client_key)?;
            Ok(Some(Self::request_weight(made, read)).into())
        }

        /// Cancels a request before its draw. Refunds the escrow, except for the fee of handling it.
        ///
        /// Origin: signed by the payer.
        ///
        /// Emits [`Event::RequestFinished`].
        ///
        /// Errors: `RequestNotFound`, `NotPayer`, `NotPending`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::cancel().saturating_add(T::OnRequestFinal::weight()))]
        pub fn cancel(origin: OriginFor<T>, request: RequestId) -> DispatchResult {
            let payer = ensure_signed(origin)?;
            Self::do_cancel(payer, request)
        }

        /// Submits the result of a request in class `Signed`. Ends the request as verified.
        ///
        /// Origin: authorised by the worker key of the operator that was drawn. Feeless.
        ///
        /// Emits [`Event::ResultSubmitted`] and [`Event::RequestFinished`].
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`].
        #[pallet::call_index(2)]
        #[pallet::weight(
            Pallet::<T>::result_weight(output.len() as u32)
                .saturating_add(T::WeightInfo::call_waiting())
        )]
        #[pallet::authorize(Self::authorize_result)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_result(output.len() as u32))]
        pub fn submit_result(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            signature: WorkerSignature,
        ) -> DispatchResultWithPostInfo {
            ensure_authorized(origin)?;
            let bytes = output.len() as u32;
            let called = Self::note_result(request, operator, output, signature);
            let weight = Self::result_weight(bytes).saturating_add(called);
            Self::note_room(weight, T::WeightInfo::authorize_result(bytes), bytes);
            Ok(Some(weight).into())
        }

        /// Submits the commitment of a member of a quorum. With the last one the request is ready
        /// for the reveals.
        ///
        /// Origin: authorised by the worker key of a member of the committee. Feeless.
        ///
        /// Emits [`Event::CommitmentSubmitted`]; with the last one also [`Event::RevealsDue`].
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`].
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::submit_commitment())]
        #[pallet::authorize(Self::authorize_commitment)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_commitment())]
        pub fn submit_commitment(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            commitment: Digest,
            _signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::note_commitment(request, operator, commitment);
            let weight = T::WeightInfo::submit_commitment();
            Self::note_room(weight, T::WeightInfo::authorize_commitment(), 0);
            Ok(())
        }

        /// Submits the result of a member of a quorum, which has to match its commitment. The last
        /// one ends the request.
        ///
        /// Origin: authorised by the worker key of a member that has committed. Feeless.
        ///
        /// Emits [`Event::ResultSubmitted`]; [`Event::RevealsDue`] if the commit deadline has just
        /// passed; with the last one also [`Event::RequestFinished`].
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`].
        #[pallet::call_index(4)]
        #[pallet::weight(Pallet::<T>::last_reveal_weight(output.len() as u32))]
        #[pallet::authorize(Self::authorize_reveal)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_reveal(output.len() as u32))]
        pub fn submit_reveal(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            _salt: [u8; 32],
            signature: WorkerSignature,
        ) -> DispatchResultWithPostInfo {
            ensure_authorized(origin)?;
            let bytes = output.len() as u32;
            let end = Self::note_result(request, operator, output, signature);
            let weight = T::WeightInfo::submit_reveal(bytes).saturating_add(end);
            Self::note_room(weight, T::WeightInfo::authorize_reveal(bytes), bytes);
            Ok(Some(weight).into())
        }

        /// Reports that an assigned operator cannot serve the request. If too few operators are
        /// left, which is always so outside of quorums, the request ends and the payer is refunded.
        ///
        /// Origin: authorised by the worker key of a member of the committee. Feeless.
        ///
        /// Emits [`Event::FailureReported`]; also [`Event::RequestFinished`] if too few members are
        /// left, or [`Event::RevealsDue`] if all others have committed.
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`].
        #[pallet::call_index(5)]
        #[pallet::weight(Pallet::<T>::largest_failure_weight())]
        #[pallet::authorize(Self::authorize_failure)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_commitment())]
        pub fn report_failure(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            reason: FailureReason,
            _signature: WorkerSignature,
        ) -> DispatchResultWithPostInfo {
            ensure_authorized(origin)?;
            let members = Self::note_failure(request, operator, reason);
            let weight = Self::failure_weight(members);
            Self::note_room(weight, T::WeightInfo::authorize_commitment(), 0);
            Ok(Some(weight).into())
        }

        /// Submits the result of a request in class `Proof` with its validity proof.
        ///
        /// A proof that holds ends the request as verified. A proof that does not hold ends it as
        /// rejected, and costs the operator the penalty for a wrong result. `cost` has to equal the
        /// cost in the version's terms, so that the weight is known before the proof is read.
        ///
        /// Origin: authorised by the worker key of the operator that was drawn. Feeless.
        ///
        /// Emits [`Event::ResultSubmitted`], [`Event::ProofRefused`] if the proof does not hold,
        /// and [`Event::RequestFinished`]. If the chain has no verifier for the version, emits
        /// [`Event::FailureReported`] and [`Event::RequestFinished`].
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`].
        #[pallet::call_index(6)]
        #[pallet::weight(Pallet::<T>::proof_weight(output.len() as u32, *cost))]
        #[pallet::authorize(Self::authorize_proof)]
        #[pallet::weight_of_authorize(
            Pallet::<T>::proof_authorization(output.len() as u32, proof.len() as u32)
        )]
        pub fn submit_proof(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            cost: ProofCost,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            proof: EncodedProof,
            signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            let (bytes, proof_bytes) = (output.len() as u32, proof.len() as u32);
            Self::note_proof(request, operator, output, proof, signature);
            Self::note_room(
                Self::proof_weight(bytes, cost),
                Self::proof_authorization(bytes, proof_bytes),
                bytes.saturating_add(proof_bytes),
            );
            Ok(())
        }

        /// Submits the result of a request in class `Optimistic`, with the root of its trace. The
        /// result may be disputed for [`Config::DisputeWindow`] blocks. The operator's capacity is
        /// free again.
        ///
        /// Origin: authorised by the worker key of the operator that was drawn. Feeless.
        ///
        /// Emits [`Event::ResultSubmitted`] and [`Event::TraceSubmitted`].
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`].
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::submit_trace(output.len() as u32))]
        #[pallet::authorize(Self::authorize_trace)]
        #[pallet::weight_of_authorize(Pallet::<T>::trace_authorization(output.len() as u32))]
        pub fn submit_trace(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            trace_root: Digest,
            signatures: TraceSignatures,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            let bytes = output.len() as u32;
            Self::note_trace(request, operator, output, trace_root, signatures);
            let weight = T::WeightInfo::submit_trace(bytes);
            Self::note_room(weight, Self::trace_authorization(bytes), bytes);
            Ok(())
        }

        /// Shows by a validity proof which results of a quorum are wrong. The proof's context names
        /// the caller as the operator, so that nobody else can use it. Every member that submitted a
        /// result other than `output` is penalised as for a lost dispute, and the caller rewarded.
        /// The payment and the receipt remain; [`Corrections`] has the right output.
        ///
        /// Origin: signed, by anyone, at most [`Config::AppealWindow`] blocks with room for an appeal
        /// after the end of a quorum whose results differ.
        ///
        /// Emits [`Event::Appealed`].
        ///
        /// Errors: `NotAppealable`, `WrongOutput`, `ProofRefused`.
        #[pallet::call_index(8)]
        #[pallet::weight((
            T::WeightInfo::appeal()
                .saturating_add(T::WeightInfo::authorize_result(output.len() as u32))
                .saturating_add(T::Proofs::weight()),
            DispatchClass::Operational
        ))]
        pub fn appeal(
            origin: OriginFor<T>,
            request: RequestId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            proof: EncodedProof,
        ) -> DispatchResult {
            let appellant = ensure_signed(origin)?;
            Self::do_appeal(appellant, request, &output, &proof)
        }

        /// Makes up to [`MAX_BATCH`] requests that have everything in common but input and client
        /// key. Each is a request like those of [`Self::request`] and pays `max_price` at most.
        /// Items that could not be a request are skipped: their client key was used, or their input
        /// is wrong. The escrow of all others has to be covered.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::Requested`] for each request, and [`Event::ItemRefused`] for each item that
        /// is skipped.
        ///
        /// Errors: those of [`Self::request`]; that of the first item if all would be skipped;
        /// `EmptyBatch`.
        #[pallet::call_index(9)]
        #[pallet::weight(Pallet::<T>::batch_weight(
            Made::of(*assurance, *draw_delay, items.iter().map(|item| &item.input)),
            T::Operators::max_servers(),
        ))]
        pub fn request_batch(
            origin: OriginFor<T>,
            version: VersionId,
            assurance: Assurance,
            max_price: Balance,
            deadline: BlockNumber,
            draw_delay: BlockNumber,
            items: Batch<T>,
        ) -> DispatchResultWithPostInfo {
            let payer = ensure_signed(origin)?;
            let made = Made::of(assurance, draw_delay, items.iter().map(|item| &item.input));
            let asked = Asked { version, assurance, max_price, deadline, draw_delay };
            let (refused, read) = Self::do_request_batch(payer, asked, items.into_inner())?;
            for (index, error) in refused {
                Self::deposit_event(Event::ItemRefused { index, error });
            }
            Ok(Some(Self::batch_weight(made, read)).into())
        }

        /// Submits results of several requests of one version in class `Signed`, in ascending order
        /// of the requests, with one signature over the
        /// [`ListStatement`](assay_primitives::ListStatement). Ends each request that waits for its
        /// result, as [`Self::submit_result`] does; the others are skipped.
        ///
        /// Origin: authorised by the worker key of the operator that was drawn. Feeless.
        ///
        /// Emits [`Event::ResultSubmitted`] and [`Event::RequestFinished`] for each result that
        /// counts.
        ///
        /// Errors: none. The pool refuses invalid calls with the codes of [`refusal`], and lists of
        /// which less than half is awaited.
        #[pallet::call_index(10)]
        #[pallet::weight(
            Pallet::<T>::list_weight(
                results.len() as u32,
                results.len() as u32,
                listed::output_bytes(results),
            )
                .saturating_add(T::WeightInfo::call_waiting().saturating_mul(results.len() as u64))
        )]
        #[pallet::authorize(Self::authorize_results)]
        #[pallet::weight_of_authorize(
            Pallet::<T>::list_authorization(results.len() as u32, listed::output_bytes(results))
        )]
        pub fn submit_results(
            origin: OriginFor<T>,
            operator: T::AccountId,
            version: VersionId,
            results: ResultList<T>,
            signature: WorkerSignature,
        ) -> DispatchResultWithPostInfo {
            ensure_authorized(origin)?;
            let (count, bytes) = (results.len() as u32, listed::output_bytes(&results));
            let (listed, called) = Self::note_results(&operator, version, results, signature);
            let weight = Self::list_weight(count, listed.payers, bytes)
                .saturating_add(T::WeightInfo::call_waiting().saturating_mul(called.into()));
            let authorization = Self::list_authorization(count, bytes);
            T::Room::note_answer(
                weight.saturating_add(authorization),
                Self::list_bytes(count, bytes),
            );
            Ok(Some(weight).into())
        }
    }
}
