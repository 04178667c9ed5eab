//! # Verification
//!
//! Stores and evaluates the evidence of requests, class by class. The pallet makes no payments and
//! changes no requests.
//!
//! * `Signed` and `Optimistic`: one result, signed by the assigned operator's worker key.
//! * `Proof`: one result with a validity proof, which is verified in the call that submits it.
//! * `Quorum { n, k }`: commitments, then results that open them. The winner is the first result,
//!   in the order of the draw, that at least `k` results equal, bit by bit or within the version's
//!   tolerance. Results that differ from the winner by more than twice the tolerance are wrong.
//!
//! Root can disable each class for new requests. Anyone can report an equivocation: two different
//! signed results of one operator for one request.
#![cfg_attr(not(feature = "std"), no_std)]
// A report of an equivocation has two statements, and FRAME makes one enum of all calls.
#![allow(clippy::large_enum_variant)]

extern crate alloc;

pub use class::{ClassVerifier, Judgement, SubmittedResult};
pub use pallet::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod class;
pub mod cost;
mod equivocation;
#[cfg(test)]
mod mock;
pub mod proof;
pub mod quorum;
mod rules;
pub mod signed;
mod submissions;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::boxed::Box;
    use assay_primitives::{
        model::ModelDescriptor,
        traits::{Models, Operators, ProvableRequests},
        AnsweredRequest, AssuranceClass, AssuranceClasses, Balance, Digest, FailureReason,
        ProofCost, ProofEvidence, RequestId, SignedResult, WorkerId, WorkerSignature,
    };
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The owners of worker keys, and the penalties for equivocations.
        type Operators: Operators<Self::AccountId>;
        /// The architectures of integer graphs, and the terms of their proofs.
        type Models: Models<Self::AccountId>;
        /// The requests whose outputs are proven in disputes.
        type Requests: ProvableRequests<Self::AccountId>;
        /// Upper bounds of the work of verifying a proof. The call `prove` of a dispute is charged
        /// for them, because its weight has to be known before its version is.
        #[pallet::constant]
        type MaxProofCost: Get<ProofCost>;
        /// Classes that requests may ask for; others are refused. The runtime has to be able to
        /// evaluate all of them.
        #[pallet::constant]
        type AvailableClasses: Get<AssuranceClasses>;
        /// Maximum size in bytes of an output payload. Callers have checked it; a larger output is
        /// not stored. Not zero.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// The origin that may disable and enable classes.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Sets up operators for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_primitives::traits::BenchmarkHelper<Self::AccountId>;
    }

    /// An output payload.
    pub type OutputOf<T> = BoundedVec<u8, <T as Config>::MaxOutputBytes>;

    /// The submission of a member of a committee.
    #[derive(
        Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub enum Submission {
        /// A commitment.
        Committed(Digest),
        /// A failure report.
        Failed(FailureReason),
        /// A signed result. [`Outputs`] contains its output.
        Revealed {
            /// The worker key that signed.
            worker: WorkerId,
            /// Digest of the output payload.
            output_digest: Digest,
            /// Signature over the result statement.
            signature: WorkerSignature,
            /// In class `Proof` the outcome of the verification; `None` in other classes.
            proof: Option<CheckedProof>,
        },
    }

    /// The outcome of the verification of a proof.
    #[derive(
        Clone,
        Copy,
        PartialEq,
        Eq,
        Debug,
        Encode,
        Decode,
        DecodeWithMemTracking,
        MaxEncodedLen,
        TypeInfo,
    )]
    pub struct CheckedProof {
        /// Digest, size and soundness of the proof, for the evidence.
        pub evidence: ProofEvidence,
        /// Whether the proof holds.
        pub holds: bool,
    }

    /// Classes that are disabled for new requests. Never removed.
    #[pallet::storage]
    pub type DisabledClasses<T> = StorageValue<_, AssuranceClasses, ValueQuery>;

    /// The submissions of the members of open requests, by request and operator. Removed when the
    /// request ends.
    #[pallet::storage]
    pub type Submissions<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Blake2_128Concat, T::AccountId, Submission>;

    /// The output payloads in these submissions, by request and digest. Equal outputs are stored
    /// once. Removed when the request ends.
    #[pallet::storage]
    pub type Outputs<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Identity, Digest, OutputOf<T>>;

    /// Equivocations that were punished, by the hash of the request and the operator. Never removed,
    /// so that none is punished twice. Each one took at least the smallest stake of a result.
    #[pallet::storage]
    pub type Equivocations<T: Config> =
        StorageDoubleMap<_, Identity, Digest, Blake2_128Concat, T::AccountId, ()>;

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A class was enabled or disabled for new requests.
        ClassSwitched {
            /// The class.
            class: AssuranceClass,
            /// Whether it is enabled now.
            enabled: bool,
        },
        /// An operator was punished for an equivocation.
        EquivocationPunished {
            /// The operator.
            operator: T::AccountId,
            /// The request for which it signed two different results.
            request: RequestId,
            /// The account that reported the equivocation.
            reporter: T::AccountId,
            /// Amount taken from the bond, in plancks.
            amount: Balance,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The class is not available in this version of the network. Ask for `Signed`, `Quorum`,
        /// `Optimistic` or `Proof`.
        ClassNotAvailable,
        /// The class is disabled for new requests. Ask for another class, or try again later.
        ClassDisabled,
        /// The version does not offer the class. Ask for a class that its descriptor lists.
        ClassNotOffered,
        /// The quorum is not well-formed. Ask for 2 to 15 members, and for more than half of them
        /// to agree.
        InvalidQuorum,
        /// The class is already enabled or disabled. There is nothing to do.
        NothingChanged,
        /// The statements do not show an equivocation: they have the same output, or name different
        /// requests or operators. Report two results of one operator for one request.
        NotEquivocation,
        /// The statements are about another request than the one in the report. Pass the request
        /// that they name by its hash.
        WrongRequest,
        /// The request is one of another chain. Report the equivocation there.
        WrongChain,
        /// The descriptor is not that of the request's version. Pass the one with its digest.
        WrongVersion,
        /// The version has a tolerance, and the report has no outputs. Pass both output payloads.
        OutputsNeeded,
        /// The outputs are not those of the statements. Pass the payloads with these digests.
        WrongOutputs,
        /// The outputs differ by no more than the version's tolerance. There is nothing to report.
        WithinTolerance,
        /// The worker key is not the operator's, and was not, or the chain has forgotten it. Report
        /// equivocations while the chain remembers the key.
        WrongWorker,
        /// One of the signatures does not hold for its statement and the worker key. Pass the
        /// signatures that the operator submitted.
        BadSignature,
        /// The operator was already punished for an equivocation in this request. There is nothing
        /// to do.
        AlreadyPunished,
        /// The operator has less than the smallest stake of a result beyond what it owes for other
        /// equivocations. Report again when it has added to its bond.
        NothingAtStake,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::AvailableClasses::get().is_well_formed());
            assert!(T::MaxOutputBytes::get() > 0);
            // A proof's context has 32 bytes for an account: none may be truncated.
            assert!(T::AccountId::max_encoded_len() <= 32);
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Enables or disables a class for new requests. Open requests continue.
        ///
        /// Origin: [`Config::AdminOrigin`].
        ///
        /// Emits [`Event::ClassSwitched`].
        ///
        /// Errors: `NothingChanged`.
        #[pallet::call_index(0)]
        pub fn set_class_enabled(
            origin: OriginFor<T>,
            class: AssuranceClass,
            enabled: bool,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_class_enabled(class, enabled)
        }

        /// Reports an equivocation: two different results that an operator signed for one request.
        /// The operator loses the share of its bond that an equivocation costs, to the treasury.
        ///
        /// `worker` is the key that signed both statements, a current or past key of the operator.
        /// `answered` is the request that both name by its hash, and `descriptor` that of its
        /// version. A version with a tolerance also needs the two output payloads: results within the
        /// tolerance are no equivocation, because the same run can differ on two machines.
        ///
        /// Origin: signed, by anyone.
        ///
        /// Emits [`Event::EquivocationPunished`].
        ///
        /// Errors: `NotEquivocation`, `WrongRequest`, `WrongChain`, `WrongVersion`,
        /// `AlreadyPunished`, `WrongWorker`, `NothingAtStake`, `OutputsNeeded`, `WrongOutputs`,
        /// `WithinTolerance`, `BadSignature`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::report_equivocation(
            outputs.as_ref().map_or(0, |(first, second)| first.len().max(second.len()) as u32)
        ))]
        pub fn report_equivocation(
            origin: OriginFor<T>,
            worker: WorkerId,
            answered: AnsweredRequest<T::AccountId>,
            descriptor: Box<ModelDescriptor>,
            first: SignedResult<T::AccountId>,
            second: SignedResult<T::AccountId>,
            outputs: Option<(OutputOf<T>, OutputOf<T>)>,
        ) -> DispatchResult {
            let reporter = ensure_signed(origin)?;
            Self::do_report_equivocation(
                reporter,
                worker,
                answered,
                &descriptor,
                [&first, &second],
                outputs.as_ref().map(|(first, second)| [first.as_slice(), second.as_slice()]),
            )
        }
    }
}
