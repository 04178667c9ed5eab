//! # Inference
//!
//! Requests, from the payer's escrow to the receipt.
//!
//! ```text
//! Pending ─draw→ Assigned ─┬─ signed result, or result with proof ──→ Final
//!    │              │      └─ commitments → Revealing ─ results ───→ Final
//!    │              │      └─ result with trace → Disputable ─ window, disputes ─→ Final
//!    └──────────────┴──────────── deadline passed ─────────────────→ Final
//! ```
//!
//! * A request in block `N` is drawn at the end of block `N + 1`, from the VRF outputs of both
//!   blocks' authors mixed with its id, among the operators that can serve it.
//! * Operators answer with feeless calls that are authorized by their worker key. Everything
//!   else is refused by the pool.
//! * A request ends once: verified, rejected, timed out or cancelled. It then leaves a receipt,
//!   whose digest stays for good; the rest is pruned after a retention period.
//!
//! The status of a request changes in this pallet only (`transitions.rs`).
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod authorize;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod draws;
#[cfg(test)]
mod mock;
mod offchain;
mod request;
mod sweep;
#[cfg(test)]
mod tests;
mod transitions;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod views;
pub mod weights;

pub use authorize::refusal;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use assay_primitives::{
        traits::{
            Artifacts, BlockRandomness, Disputes, Escrow, Models, OnRequestFinal, Operators,
            Verification,
        },
        Assurance, Balance, BlockNumber, Digest, Evidence, FailureReason, Outcome, ProofCost,
        ProofRefusal, Receipt, RequestId, RequestInput, VersionId, WorkerSignature,
    };
    use frame_support::pallet_prelude::*;
    use frame_system::{
        ensure_authorized, offchain::CreateAuthorizedTransaction, pallet_prelude::*,
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
    {
        /// Versions.
        type Models: Models<Self::AccountId>;
        /// Operators.
        type Operators: Operators<Self::AccountId>;
        /// Money.
        type Escrow: Escrow<Self::AccountId>;
        /// Evidence.
        type Verification: Verification<Self::AccountId>;
        /// Artifacts that are inputs.
        type Artifacts: Artifacts;
        /// VRF outputs of blocks. The pallet that supplies them must finalise before this one.
        type Randomness: BlockRandomness;
        /// Disputes over optimistic results.
        type Disputes: Disputes;
        /// Told of every final state.
        type OnRequestFinal: OnRequestFinal;
        /// Most bytes of an input payload in a request.
        #[pallet::constant]
        type MaxInputBytes: Get<u32>;
        /// Most bytes of an input payload that is an artifact.
        #[pallet::constant]
        type MaxArtifactInputBytes: Get<u32>;
        /// Most bytes of an output payload.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// Fewest blocks from a request to its deadline, beside the reveal window of a quorum.
        #[pallet::constant]
        type MinDeadline: Get<BlockNumber>;
        /// Most blocks from a request to its deadline.
        #[pallet::constant]
        type MaxDeadline: Get<BlockNumber>;
        /// Blocks before the deadline that are kept for the members of a quorum to reveal.
        #[pallet::constant]
        type RevealWindow: Get<BlockNumber>;
        /// Blocks after an optimistic result in which disputes over it may be opened.
        type DisputeWindow: Get<BlockNumber>;
        /// Blocks for which a finished request is kept.
        #[pallet::constant]
        type Retention: Get<BlockNumber>;
        /// Most weight that the draws of one block may take.
        #[pallet::constant]
        type DrawBudget: Get<Weight>;
        /// Most weight that passed deadlines and pruning may each take in one block.
        #[pallet::constant]
        type SweepBudget: Get<Weight>;
        /// Least priority of workers' calls in the pool. It grows by one with each block of a
        /// request's age.
        #[pallet::constant]
        type WorkerPriority: Get<TransactionPriority>;
        /// Weights of the calls and of the hooks' steps.
        type WeightInfo: WeightInfo;
        /// Prepares versions and operators for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: BenchmarkHelper<Self::AccountId>;
    }

    /// The input of a request, its payload bounded by [`Config::MaxInputBytes`].
    pub type RequestInputOf<T> = RequestInput<BoundedVec<u8, <T as Config>::MaxInputBytes>>;

    /// Identifier of the next request.
    #[pallet::storage]
    pub type NextRequest<T> = StorageValue<_, RequestId, ValueQuery>;

    /// Requests that are open or not pruned yet.
    #[pallet::storage]
    pub type Requests<T: Config> = StorageMap<_, Twox64Concat, RequestId, Request<T::AccountId>>;

    /// Input payloads of open requests that brought them along.
    #[pallet::storage]
    pub type Inputs<T: Config> =
        StorageMap<_, Twox64Concat, RequestId, BoundedVec<u8, T::MaxInputBytes>>;

    /// Output payloads of verified requests that are not pruned yet.
    #[pallet::storage]
    pub type Outputs<T: Config> =
        StorageMap<_, Twox64Concat, RequestId, BoundedVec<u8, T::MaxOutputBytes>>;

    /// Receipts of finished requests that are not pruned yet.
    #[pallet::storage]
    pub type Receipts<T: Config> = StorageMap<_, Twox64Concat, RequestId, Receipt<T::AccountId>>;

    /// What those receipts rest on.
    #[pallet::storage]
    pub type EvidenceOf<T: Config> = StorageMap<_, Twox64Concat, RequestId, Evidence<T::AccountId>>;

    /// What operators claim of optimistic results that are not final.
    #[pallet::storage]
    pub type Claims<T: Config> = StorageMap<_, Twox64Concat, RequestId, TraceClaim>;

    /// Digests of the receipts of all finished requests. Never pruned.
    #[pallet::storage]
    pub type ReceiptDigests<T: Config> = StorageMap<_, Blake2_128Concat, RequestId, Digest>;

    /// Requests by payer and client key. Never pruned: a key counts once.
    #[pallet::storage]
    pub type ClientKeys<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, [u8; 32], RequestId>;

    /// Requests that wait for the draw, by position.
    #[pallet::storage]
    pub type Queue<T: Config> = StorageMap<_, Twox64Concat, u64, RequestId>;

    /// First and next free position in `Queue`.
    #[pallet::storage]
    pub type QueueBounds<T: Config> = StorageValue<_, (u64, u64), ValueQuery>;

    /// Requests that wait until operators of their version have room, by their identifiers in
    /// big-endian order, so that the oldest is the first.
    #[pallet::storage]
    pub type Waiting<T: Config> =
        StorageDoubleMap<_, Twox64Concat, VersionId, Identity, [u8; 8], ()>;

    /// How many requests of the queue the end of this block looks at, if the time that it
    /// reserved is enough. Set at its start, so that only requests of earlier blocks count.
    #[pallet::storage]
    pub type DrawsDue<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// VRF output of the block before.
    #[pallet::storage]
    pub type PreviousRandomness<T: Config> = StorageValue<_, [u8; 32]>;

    /// Requests that have to be looked at when a height is reached.
    #[pallet::storage]
    pub type Agenda<T: Config> =
        StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, RequestId, ()>;

    /// First height whose agenda is not worked off.
    #[pallet::storage]
    pub type AgendaCursor<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

    /// Finished requests in the order in which they finished, by position.
    #[pallet::storage]
    pub type Finished<T: Config> = StorageMap<_, Twox64Concat, u64, (RequestId, BlockNumber)>;

    /// First and next free position in `Finished`.
    #[pallet::storage]
    pub type FinishedBounds<T: Config> = StorageValue<_, (u64, u64), ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A request was made and paid into escrow.
        Requested {
            /// The request.
            request: RequestId,
            /// Who pays.
            payer: T::AccountId,
            /// The version.
            version: VersionId,
            /// What it asks for.
            assurance: Assurance,
        },
        /// Operators were drawn.
        Assigned {
            /// The request.
            request: RequestId,
            /// The operators, in the order of the draw.
            members: Vec<T::AccountId>,
        },
        /// An operator handed in a result. Its class decides what that is worth.
        ResultSubmitted {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
        },
        /// A result came with the root of its trace. It may be disputed.
        TraceSubmitted {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
            /// Root of the trace.
            trace_root: Digest,
            /// Last height at which a dispute may be opened.
            disputable_until: BlockNumber,
        },
        /// The proof that an operator handed in does not hold. The operator is penalised.
        ProofRefused {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
            /// The first check that failed.
            reason: ProofRefusal,
        },
        /// A member of a quorum committed.
        CommitmentSubmitted {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
        },
        /// The commitments are in; results are awaited.
        RevealsDue {
            /// The request.
            request: RequestId,
        },
        /// An operator cannot serve a request.
        FailureReported {
            /// The request.
            request: RequestId,
            /// The operator.
            operator: T::AccountId,
            /// Why.
            reason: FailureReason,
        },
        /// A request is over.
        RequestFinished {
            /// The request.
            request: RequestId,
            /// How it ended.
            outcome: Outcome,
            /// Digest of its receipt.
            receipt: Digest,
        },
        /// A finished request was pruned. Its receipt digest stays.
        RequestPruned {
            /// The request.
            request: RequestId,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// The account has made a request with this client key before. The runtime API
        /// `request_by_key` names it; use another key for another request.
        DuplicateClientKey,
        /// There is no such version.
        VersionNotFound,
        /// The version takes no new requests. Use a newer one.
        VersionDeprecated,
        /// The chain has not read all of the version's weights yet, so it could not tell a proof
        /// that is of them from one that is not. Carry the reading on with `assay model audit`,
        /// which anyone may do, or ask in another class.
        WeightsNotAudited,
        /// The deadline is not far enough in the future: an operator has to be drawn and to
        /// answer, and the members of a quorum to reveal.
        DeadlineTooSoon,
        /// The deadline is further away than `MaxDeadline`.
        DeadlineTooFar,
        /// The input is not the SCALE encoding of a list of tensors.
        InputMalformed,
        /// The input has more or fewer tensors than the version declares.
        InputWrongCount,
        /// A tensor of the input has another element type than declared.
        InputWrongType,
        /// A tensor of the input has another shape than declared.
        InputWrongShape,
        /// A tensor of the input has more or fewer bytes than its shape asks for.
        InputWrongSize,
        /// A tensor of the input holds NaN or an infinite number.
        InputNotFinite,
        /// A Boolean tensor of the input holds something else than 0 and 1.
        InputNotBool,
        /// In classes `Optimistic` and `Proof` the request brings its input along: the chain has to
        /// read it. Send it
        /// inline.
        InputNotInline,
        /// No artifact of this digest is complete on chain. Upload it first.
        InputArtifactNotFound,
        /// The artifact is larger than an input may be.
        InputArtifactTooLarge,
        /// Too few operators serve the version in this class at present.
        NoOperator,
        /// Enough operators serve the version in this class, but not at this price. Ask for a
        /// quote.
        PriceUnderAsk,
        /// Enough operators serve the version at this price, but they want more time than this
        /// deadline leaves. Ask for a quote.
        DeadlineUnderResponse,
        /// There is no such request, or it was pruned.
        RequestNotFound,
        /// Only the payer may do this.
        NotPayer,
        /// The request is assigned already, or over: it cannot be taken back.
        NotPending,
        /// There are no more identifiers.
        NoIdentifierLeft,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            Self::sweep_deadlines().saturating_add(Self::prune()).saturating_add(Self::plan_draws())
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            Self::draw_due();
        }

        fn offchain_worker(_: BlockNumberFor<T>) {
            Self::serve_assignments();
        }

        fn integrity_test() {
            assert!(T::MinDeadline::get() >= 2, "a draw and an answer take two blocks");
            assert!(
                T::MinDeadline::get() + T::RevealWindow::get() < T::MaxDeadline::get(),
                "a quorum must fit into the longest deadline"
            );
            assert!(T::RevealWindow::get() > 0 && T::Retention::get() > 0);
            assert!(T::DisputeWindow::get() > 0, "a dispute takes a block to be opened");
            assert!(Self::draws_per_block() > 0, "the budget must allow a draw");
            assert!(Self::sweeps_per_block() > 0, "the budget must allow a deadline");
            assert!(Self::prunes_per_block() > 0, "the budget must allow a removal");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Asks for one run of a version.
        ///
        /// `max_price` plancks are held until the request ends. `deadline` is the last height
        /// at which an answer counts. `client_key` makes the call idempotent per account. The
        /// fee is that of the operators that serve the version, not of as many as can.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::request(
            input.inline_bytes(),
            T::Operators::max_servers(),
        ))]
        pub fn request(
            origin: OriginFor<T>,
            version: VersionId,
            input: RequestInputOf<T>,
            assurance: Assurance,
            max_price: Balance,
            deadline: BlockNumber,
            client_key: [u8; 32],
        ) -> DispatchResultWithPostInfo {
            let payer = ensure_signed(origin)?;
            let bytes = input.inline_bytes();
            Self::do_request(payer, version, input, assurance, max_price, deadline, client_key)?;
            Ok(Some(T::WeightInfo::request(bytes, T::Operators::servers(version))).into())
        }

        /// Takes a request back that was not drawn yet. The escrow is refunded in full.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::cancel().saturating_add(T::OnRequestFinal::weight()))]
        pub fn cancel(origin: OriginFor<T>, request: RequestId) -> DispatchResult {
            let payer = ensure_signed(origin)?;
            Self::do_cancel(payer, request)
        }

        /// The result of a request in class `Signed`, from the operator that was drawn.
        #[pallet::call_index(2)]
        #[pallet::weight(
            T::WeightInfo::submit_result(output.len() as u32)
                .saturating_add(T::OnRequestFinal::weight())
        )]
        #[pallet::authorize(Self::authorize_result)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_result(output.len() as u32))]
        pub fn submit_result(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::note_result(request, operator, output, signature);
            Ok(())
        }

        /// The commitment of a member of a quorum.
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
            Ok(())
        }

        /// The result of a member of a quorum, opening its commitment.
        #[pallet::call_index(4)]
        #[pallet::weight(
            T::WeightInfo::submit_reveal(output.len() as u32)
                .saturating_add(T::OnRequestFinal::weight())
        )]
        #[pallet::authorize(Self::authorize_reveal)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_result(output.len() as u32))]
        pub fn submit_reveal(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            _salt: [u8; 32],
            signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::note_result(request, operator, output, signature);
            Ok(())
        }

        /// An assigned operator's word that it cannot serve the request. In class `Signed` the
        /// request ends with it and the payer has everything back.
        #[pallet::call_index(5)]
        #[pallet::weight(
            T::WeightInfo::report_failure().saturating_add(T::OnRequestFinal::weight())
        )]
        #[pallet::authorize(Self::authorize_failure)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_commitment())]
        pub fn report_failure(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            reason: FailureReason,
            _signature: WorkerSignature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::note_failure(request, operator, reason);
            Ok(())
        }

        /// The result of a request in class `Proof` with its validity proof, from the operator
        /// that was drawn.
        ///
        /// A proof that holds ends the request as verified. One that does not ends it as rejected,
        /// and costs the operator what a wrong result costs. `cost` has to be what the version's
        /// terms say; the verification is charged by it before anything of the proof is read.
        #[pallet::call_index(6)]
        #[pallet::weight(
            T::WeightInfo::submit_result(output.len() as u32)
                .max(T::WeightInfo::refuse_proof(output.len() as u32))
                .saturating_add(T::Verification::proof_weight(*cost))
                .saturating_add(T::OnRequestFinal::weight())
        )]
        #[pallet::authorize(Self::authorize_proof)]
        #[pallet::weight_of_authorize(
            T::WeightInfo::authorize_result(output.len() as u32)
                .saturating_add(T::WeightInfo::authorize_proof(proof.len() as u32))
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
            // Only the weight needs it; `authorize` has compared it with the version's terms.
            let _ = cost;
            Self::note_proof(request, operator, output, proof, signature);
            Ok(())
        }

        /// The result of a request in class `Optimistic`, with the root of its trace, from the
        /// operator that was drawn. It may be disputed for `DisputeWindow` blocks.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::submit_trace(output.len() as u32))]
        #[pallet::authorize(Self::authorize_trace)]
        #[pallet::weight_of_authorize(
            T::WeightInfo::authorize_result(output.len() as u32)
                .saturating_add(T::WeightInfo::authorize_trace())
        )]
        pub fn submit_trace(
            origin: OriginFor<T>,
            request: RequestId,
            operator: T::AccountId,
            output: BoundedVec<u8, T::MaxOutputBytes>,
            trace_root: Digest,
            signatures: TraceSignatures,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::note_trace(request, operator, output, trace_root, signatures);
            Ok(())
        }
    }

    /// Prepares the surroundings of a request for benchmarks. Implemented by the runtime.
    #[cfg(feature = "runtime-benchmarks")]
    pub trait BenchmarkHelper<AccountId>:
        assay_primitives::traits::BenchmarkHelper<AccountId>
    {
        /// Signs with the worker key of an operator that [`Self::serve`] registered.
        fn sign(operator: &AccountId, message: &[u8]) -> WorkerSignature;
        /// Sets what [`Config::Randomness`] says of the current block.
        fn set_randomness(randomness: [u8; 32]);
    }
}
