//! # Verification
//!
//! What the evidence of a request says, class by class. It decides; it pays nobody and changes
//! no request.
//!
//! * `Signed`: one result, signed by the assigned operator's worker key.
//! * `Proof`: one result with a validity proof, which is verified in the call that brings it.
//! * `Quorum{n, k}`: commitments, then results that open them. The first result in the order of
//!   the draw that at least `k` results equal (bit by bit, or within the version's tolerance)
//!   wins. Revealed results that are not even within twice the tolerance of it are wrong.
//!
//! Each class can be switched off. Two different signed results of one operator for one request
//! can be reported by anyone.
#![cfg_attr(not(feature = "std"), no_std)]

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
    use assay_primitives::{
        traits::{Models, Operators, ProvableRequests},
        AssuranceClass, AssuranceClasses, Balance, Digest, FailureReason, ProofCost, ProofEvidence,
        RequestId, ResultStatement, WorkerId, WorkerSignature,
    };
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Whose worker key is whose, and who is penalised.
        type Operators: Operators<Self::AccountId>;
        /// Architectures of integer graphs, and the terms of their proofs.
        type Models: Models<Self::AccountId>;
        /// Requests whose outputs are proven in a dispute.
        type Requests: ProvableRequests<Self::AccountId>;
        /// Upper bounds of what one verification does. A dispute is charged for as much, whatever
        /// the version.
        #[pallet::constant]
        type MaxProofCost: Get<ProofCost>;
        /// Classes that this version of the network can check at all.
        #[pallet::constant]
        type AvailableClasses: Get<AssuranceClasses>;
        /// Most bytes of an output payload.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// Who may switch classes off and on.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Prepares operators for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_primitives::traits::BenchmarkHelper<Self::AccountId>;
    }

    /// An output payload.
    pub type OutputOf<T> = BoundedVec<u8, <T as Config>::MaxOutputBytes>;

    /// What a member of a committee has handed in.
    #[derive(
        Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub enum Submission {
        /// A commitment.
        Committed(Digest),
        /// It cannot serve the request.
        Failed(FailureReason),
        /// A signed result. Its output is in `Outputs`.
        Revealed {
            /// The worker key that signed.
            worker: WorkerId,
            /// Digest of the output.
            output_digest: Digest,
            /// Signature over the result statement.
            signature: WorkerSignature,
            /// What came of the proof, in class `Proof`.
            proof: Option<CheckedProof>,
        },
    }

    /// A proof that was verified, or was not.
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
        /// What is kept of it.
        pub evidence: ProofEvidence,
        /// Whether it holds.
        pub holds: bool,
    }

    /// Classes that are switched off.
    #[pallet::storage]
    pub type DisabledClasses<T> = StorageValue<_, AssuranceClasses, ValueQuery>;

    /// What the members of open requests have handed in.
    #[pallet::storage]
    pub type Submissions<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Blake2_128Concat, T::AccountId, Submission>;

    /// Outputs that the members of open requests have shown; equal ones are kept once.
    #[pallet::storage]
    pub type Outputs<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Identity, Digest, OutputOf<T>>;

    /// Equivocations that were punished. Never removed: no evidence counts twice.
    #[pallet::storage]
    pub type Equivocations<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RequestId, Blake2_128Concat, T::AccountId, ()>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A class was switched on or off, for new requests.
        ClassSwitched {
            /// The class.
            class: AssuranceClass,
            /// Whether it is on.
            enabled: bool,
        },
        /// An operator signed two different results for one request.
        EquivocationPunished {
            /// The operator.
            operator: T::AccountId,
            /// The request.
            request: RequestId,
            /// Who reported it.
            reporter: T::AccountId,
            /// What it cost, in plancks.
            amount: Balance,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// This class is not available in this version of the network. Ask for `Signed`, `Quorum`
        /// or `Proof`.
        ClassNotAvailable,
        /// The class is switched off at present.
        ClassDisabled,
        /// The version does not offer this class. Its declaration lists those that it does.
        ClassNotOffered,
        /// A quorum has 2 to 15 members, and needs more than half of them and at most all.
        InvalidQuorum,
        /// The class is switched that way already.
        NothingChanged,
        /// The two statements differ in more than their output and its proof (chain, request,
        /// version, input, assurance or operator), or have the same output: they show no equivocation.
        NotEquivocation,
        /// The statements are not about this chain.
        WrongChain,
        /// The worker key is not, and was not, the operator's.
        WrongWorker,
        /// One of the signatures does not hold.
        BadSignature,
        /// This equivocation was punished already.
        AlreadyPunished,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::AvailableClasses::get().is_well_formed());
            assert!(T::MaxOutputBytes::get() > 0);
            // Different accounts are different in a proof's context.
            assert!(T::AccountId::max_encoded_len() <= 32);
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Switches a class off or on. Open requests go on in either case.
        ///
        /// Origin: `AdminOrigin`.
        #[pallet::call_index(0)]
        pub fn set_class_enabled(
            origin: OriginFor<T>,
            class: AssuranceClass,
            enabled: bool,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_class_enabled(class, enabled)
        }

        /// Shows that an operator signed two different results for one request. It loses the
        /// share of its bond that this costs.
        ///
        /// `worker` is the key that signed both; a past key of the operator counts.
        #[pallet::call_index(1)]
        pub fn report_equivocation(
            origin: OriginFor<T>,
            worker: WorkerId,
            first: ResultStatement<T::AccountId>,
            first_signature: WorkerSignature,
            second: ResultStatement<T::AccountId>,
            second_signature: WorkerSignature,
        ) -> DispatchResult {
            let reporter = ensure_signed(origin)?;
            Self::do_report_equivocation(
                reporter,
                worker,
                (first, first_signature),
                (second, second_signature),
            )
        }
    }
}
