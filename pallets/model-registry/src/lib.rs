//! # Model registry
//!
//! Models and their versions. A published version never changes its meaning.
//!
//! The *descriptor* of a version determines its meaning: it contains the identity of the artifact,
//! the declarations of the input and output tensors, and the assurance classes that the version
//! offers. Results and receipts contain the digest of the descriptor. A version that is an integer
//! graph is published with its architecture, which the chain checks and keeps, because it verifies
//! proofs and tiles against it.
//!
//! Royalty, metadata and deprecation can change, for new requests only. A version that an open
//! request uses cannot be removed. The owner pays a deposit per stored byte, which is returned on
//! removal.
//!
//! If a version offers class `Proof`, the chain has to read all its weights once, in calls that
//! anyone may send: the *audit*. It keeps their *fingerprint*, with which it compares proofs. Class
//! `Proof` can be requested when the audit is done.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use graphs::proof_cost;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod audit;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod graphs;
#[cfg(test)]
mod mock;
mod models;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
mod types;
mod uses;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_primitives::{
        model::{Licence, ModelName},
        proof::MAX_ARCHITECTURE_BYTES,
        traits::{Artifacts, Deposits},
        AssuranceClasses, Balance, Digest, ModelDescriptor, ModelId, ProofCost, VersionId,
        WeightsAudit, WeightsFingerprint,
    };
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;
    use sp_runtime::Perbill;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);
    /// Minimum size in bytes for which an architecture is charged.
    pub(crate) const LEAST_ARCHITECTURE_BYTES: u32 = 11_000;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The artifacts of versions. A version keeps its artifact from being removed.
        type Artifacts: Artifacts;
        /// Holds the deposits of owners.
        type Deposits: Deposits<Self::AccountId>;
        /// Classes that versions may offer; `publish` refuses others. Not empty.
        #[pallet::constant]
        type AvailableClasses: Get<AssuranceClasses>;
        /// Upper bounds of the work of verifying a proof, count by count ([`proof_cost`]). They
        /// bound the part of a block that one proof can fill. `publish` refuses versions in class
        /// `Proof` that exceed one.
        #[pallet::constant]
        type MaxProofCost: Get<ProofCost>;
        /// Maximum size in bytes of an inline input payload. `publish` refuses integer graphs in
        /// the classes `Optimistic` and `Proof` whose input payload is larger, because the chain
        /// could not read the input.
        #[pallet::constant]
        type MaxInputBytes: Get<u32>;
        /// Maximum size in bytes of an output payload. `publish` refuses integer graphs in the
        /// classes `Optimistic` and `Proof` whose output payload is larger.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// Maximum royalty, as a share of each price. `publish` and `set_royalty` refuse more.
        /// Together with the treasury's share it has to stay below 100 %, or operators earn
        /// nothing.
        #[pallet::constant]
        type MaxRoyalty: Get<Perbill>;
        /// Deposit per model and per version, in plancks. It bounds how many of them an account can
        /// store.
        #[pallet::constant]
        type BaseDeposit: Get<Balance>;
        /// Deposit per byte of a version in the state, in plancks. It bounds the size of the state.
        #[pallet::constant]
        type ByteDeposit: Get<Balance>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Sets up accounts and artifacts for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_primitives::traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Identifier of the next model. Never removed.
    #[pallet::storage]
    pub type NextModel<T> = StorageValue<_, ModelId, ValueQuery>;

    /// Models, by identifier. Removed by `remove_model`.
    #[pallet::storage]
    pub type Models<T: Config> = StorageMap<_, Twox64Concat, ModelId, Model<T::AccountId>>;

    /// Identifiers of models, by owner and name. Changed by `accept`, removed by `remove_model`.
    #[pallet::storage]
    pub type Names<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, ModelName, ModelId>;

    /// The account to which a model is offered, by model. Removed by `accept`, by a withdrawal of
    /// the offer, or with the model.
    #[pallet::storage]
    pub type Offers<T: Config> = StorageMap<_, Twox64Concat, ModelId, T::AccountId>;

    /// Versions, by identifier. Removed by `remove_version`.
    #[pallet::storage]
    pub type Versions<T: Config> = StorageMap<_, Twox64Concat, VersionId, Version>;

    /// Encoded architectures of the versions that are integer graphs, by version. Removed with the
    /// version.
    #[pallet::storage]
    pub type Architectures<T: Config> = StorageMap<_, Twox64Concat, VersionId, EncodedArchitecture>;

    /// Progress of the audits of the versions that offer class `Proof`, by version. Removed with
    /// the version.
    #[pallet::storage]
    pub type Audits<T: Config> = StorageMap<_, Twox64Concat, VersionId, WeightsAudit>;

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A model was created.
        ModelCreated {
            /// The model.
            model: ModelId,
            /// Its owner.
            owner: T::AccountId,
            /// Its name.
            name: ModelName,
        },
        /// A version was published.
        VersionPublished {
            /// The version.
            version: VersionId,
            /// Digest of its descriptor.
            digest: Digest,
        },
        /// A version's metadata digest was replaced.
        MetadataSet {
            /// The version.
            version: VersionId,
            /// The new digest; `None` if it was removed.
            metadata: Option<Digest>,
        },
        /// A version's royalty was changed, for new requests.
        RoyaltySet {
            /// The version.
            version: VersionId,
            /// The new share of each price.
            royalty: Perbill,
        },
        /// A version was closed to new requests.
        VersionDeprecated {
            /// The version.
            version: VersionId,
        },
        /// A model was offered to another account. The offer replaces an earlier one, if there is one.
        TransferOffered {
            /// The model.
            model: ModelId,
            /// Its owner.
            from: T::AccountId,
            /// The account that may accept it.
            to: T::AccountId,
        },
        /// The offer of a model was withdrawn.
        TransferWithdrawn {
            /// The model.
            model: ModelId,
        },
        /// A model was transferred to a new owner.
        ModelTransferred {
            /// The model.
            model: ModelId,
            /// The previous owner.
            from: T::AccountId,
            /// The new owner.
            to: T::AccountId,
        },
        /// The audit read some of a version's weights and biases.
        WeightsRead {
            /// The version.
            version: VersionId,
            /// Number of bytes that have been read in total.
            done: u64,
            /// Number of bytes of all weights and biases.
            total: u64,
        },
        /// The audit of a version ended. Class `Proof` can be requested.
        VersionAudited {
            /// The version.
            version: VersionId,
            /// The fingerprint of its weights, which proofs have to match.
            fingerprint: WeightsFingerprint,
        },
        /// A version was removed.
        VersionRemoved {
            /// The version.
            version: VersionId,
        },
        /// A model was removed.
        ModelRemoved {
            /// The model.
            model: ModelId,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The name is not well-formed. Use 1 to 64 characters of `[a-z0-9-]`, with no hyphen at
        /// either end.
        InvalidName,
        /// The owner already has a model with this name. Publish a version of it, or choose another
        /// name.
        NameTaken,
        /// There is no such model. Check the identifier; removed models do not come back.
        ModelNotFound,
        /// There is no such version. Check the identifier; removed versions do not come back.
        VersionNotFound,
        /// The caller does not own the model. Sign with the owner's account.
        NotOwner,
        /// All identifiers are used. There is no remedy.
        NoIdentifierLeft,
        /// There is no complete artifact with this identity on chain. Upload it first.
        ArtifactNotFound,
        /// The size of the artifact differs from the descriptor's. Correct the descriptor.
        ArtifactSizeMismatch,
        /// The version has the format `IntegerGraph`, but its architecture is missing. Pass its
        /// digest in the descriptor, and its encoding as an argument.
        ArchitectureMissing,
        /// The version is not an integer graph, but has an architecture. Leave it out.
        ArchitectureNotAllowed,
        /// The digest of the architecture differs from the descriptor's. Pass the architecture of
        /// the graph in the artifact.
        ArchitectureDigestMismatch,
        /// The bytes are not the encoding of an architecture. Encode it with `assay_graph`.
        ArchitectureMalformed,
        /// The architecture violates a rule of integer graphs. Check the model with
        /// `assay_graph::CheckedGraph`, which names the rule.
        ArchitectureInvalid,
        /// The declared input is not that of the graph. Declare one tensor of 8-bit integers with
        /// the graph's shape, with or without a batch dimension of 1.
        InputNotOfGraph,
        /// The declared output is not that of the graph. Declare one tensor of the graph's type and
        /// shape, with or without a batch dimension of 1.
        OutputNotOfGraph,
        /// An integer graph has exact results, but the descriptor has a tolerance above zero. Leave it
        /// out.
        ToleranceNotAllowed,
        /// Only integer graphs can offer one of these classes. Quantise the model, or offer other
        /// classes.
        ClassNeedsGraph,
        /// The payload of the graph's input or output exceeds `MaxInputBytes` or `MaxOutputBytes`,
        /// so the chain could not read it. Offer other classes, or use smaller tensors.
        ProofPayloadTooLarge,
        /// The verification of a proof exceeds `MaxProofCost`. Offer other classes, or reduce the
        /// input, the kernels, or the number of channels or operations.
        ProofTooCostly,
        /// A proof could exceed the maximum proof size. Offer other classes, use fewer operations
        /// or smaller pooling windows, or choose proof parameters with shorter proofs.
        ProofTooLong,
        /// The proof system does not support one of the graph's operations. Offer other classes.
        ProofOperationUnsupported,
        /// The architecture has no proof parameters, or they are out of bounds. Seal the graph with
        /// `assay_proof::seal` before publication.
        ProofParametersInvalid,
        /// The proof parameters give too few bits of soundness. Seal the graph with the recommended
        /// parameters.
        ProofSecurityTooLow,
        /// There is no verifier for a graph of this size. Offer other classes.
        NotProvable,
        /// The version does not offer class `Proof`, so its weights are not audited. There is
        /// nothing to do.
        AuditNotNeeded,
        /// The audit of the version is done. There is nothing to do.
        AlreadyAudited,
        /// The bytes and their Merkle proofs do not show weights and biases under the root in the
        /// version's architecture from `first` on, or none that have not been read. Another account
        /// may have submitted them in the meantime.
        /// Read the progress of the audit, and continue from there, as `assay model audit` does.
        UnexpectedWeights,
        /// A bias exceeds `assay_graph::bounds::MAX_BIAS` in magnitude, so a proof would not show
        /// what the model computes. Publish a new version with a coarser scale of the accumulators.
        BiasOutOfBounds,
        /// A declaration is not well-formed. Declare at least one input and one output, each with a
        /// unique name in UTF-8 and no dimension of zero.
        InvalidDeclaration,
        /// The version offers no class. Offer at least one.
        NoAssurance,
        /// One of the classes is not available in this version of the network. Offer only those in
        /// `AvailableClasses`.
        ClassUnavailable,
        /// The version offers class `Quorum` and has floating-point outputs, but no tolerance.
        /// Declare one.
        ToleranceMissing,
        /// The royalty is above `MaxRoyalty`. Choose a lower one.
        RoyaltyTooHigh,
        /// The licence is not well-formed. Use an SPDX expression of 1 to 64 characters.
        InvalidLicence,
        /// The version is already deprecated. There is nothing to do.
        AlreadyDeprecated,
        /// An open request uses the version. Deprecate the version, and remove it when its requests
        /// have ended.
        InUse,
        /// The model has versions. Remove them first.
        HasVersions,
        /// The version has the maximum number of open requests. Wait until some have ended.
        TooManyUses,
        /// The model is not offered to the caller or, for a withdrawal, to anyone. The owner has to
        /// offer it with `transfer` first.
        NotOffered,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::AvailableClasses::get().is_well_formed());
            assert!(!T::AvailableClasses::get().is_empty());
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Creates a model without versions. Takes [`Config::BaseDeposit`] from the caller.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::ModelCreated`].
        ///
        /// Errors: `InvalidName`, `NameTaken`, `NoIdentifierLeft`; the deposit is not covered.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::create())]
        pub fn create(origin: OriginFor<T>, name: ModelName) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create(owner, name)
        }

        /// Publishes the next version of a model. Takes a deposit for it.
        ///
        /// The artifact must be complete on chain. `metadata` is the digest of a document about the
        /// version, such as a model card. `architecture` is the encoded architecture of an integer
        /// graph, whose artifact is the encoding of the whole graph; other formats have none.
        ///
        /// Origin: signed by the model's owner.
        ///
        /// Emits [`Event::VersionPublished`].
        ///
        /// Errors: `ModelNotFound`, `NotOwner`, `NoIdentifierLeft`; `RoyaltyTooHigh`,
        /// `InvalidLicence`, `InvalidDeclaration`, `NoAssurance`, `ClassUnavailable`,
        /// `ToleranceMissing`, `ToleranceNotAllowed`, `ClassNeedsGraph`; `ArtifactNotFound`,
        /// `ArtifactSizeMismatch`; for an architecture `ArchitectureMissing`,
        /// `ArchitectureNotAllowed`, `ArchitectureDigestMismatch`, `ArchitectureMalformed`,
        /// `ArchitectureInvalid`, `InputNotOfGraph`, `OutputNotOfGraph`; in the classes
        /// `Optimistic` and `Proof` `ProofPayloadTooLarge`; in class `Proof`
        /// `ProofOperationUnsupported`, `ProofParametersInvalid`, `ProofSecurityTooLow`,
        /// `NotProvable`, `ProofTooLong`, `ProofTooCostly`; the deposit is not covered.
        #[pallet::call_index(1)]
        #[pallet::weight(match architecture {
            Some(architecture) => T::WeightInfo::publish_graph(
                // A shorter architecture can have as many operations as one of this size.
                (architecture.len() as u32).max(LEAST_ARCHITECTURE_BYTES),
            ),
            None => T::WeightInfo::publish(),
        })]
        pub fn publish(
            origin: OriginFor<T>,
            model: ModelId,
            descriptor: ModelDescriptor,
            royalty: Perbill,
            licence: Licence,
            metadata: Option<Digest>,
            architecture: Option<EncodedArchitecture>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_publish(owner, model, descriptor, royalty, licence, metadata, architecture)
        }

        /// Replaces the metadata of a version: the digest of a document about it, or `None`.
        ///
        /// Origin: signed by the model's owner.
        ///
        /// Emits [`Event::MetadataSet`].
        ///
        /// Errors: `ModelNotFound`, `NotOwner`, `VersionNotFound`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::set_metadata())]
        pub fn set_metadata(
            origin: OriginFor<T>,
            version: VersionId,
            metadata: Option<Digest>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::change(owner, version, |record| record.metadata = metadata)?;
            Self::deposit_event(Event::MetadataSet { version, metadata });
            Ok(())
        }

        /// Changes the royalty of a version, for new requests.
        ///
        /// Origin: signed by the model's owner.
        ///
        /// Emits [`Event::RoyaltySet`].
        ///
        /// Errors: `RoyaltyTooHigh`, `ModelNotFound`, `NotOwner`, `VersionNotFound`.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::set_royalty())]
        pub fn set_royalty(
            origin: OriginFor<T>,
            version: VersionId,
            royalty: Perbill,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            ensure!(royalty <= T::MaxRoyalty::get(), Error::<T>::RoyaltyTooHigh);
            Self::change(owner, version, |record| record.royalty = royalty)?;
            Self::deposit_event(Event::RoyaltySet { version, royalty });
            Ok(())
        }

        /// Closes a version to new requests. Open requests continue.
        ///
        /// Origin: signed by the model's owner.
        ///
        /// Emits [`Event::VersionDeprecated`].
        ///
        /// Errors: `ModelNotFound`, `NotOwner`, `VersionNotFound`, `AlreadyDeprecated`.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::deprecate())]
        pub fn deprecate(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_deprecate(owner, version)
        }

        /// Offers a model with its versions to another account, which can accept it with `accept`.
        /// Replaces an earlier offer. If `to` is the owner, withdraws the offer.
        ///
        /// Origin: signed by the model's owner.
        ///
        /// Emits [`Event::TransferOffered`] or [`Event::TransferWithdrawn`].
        ///
        /// Errors: `ModelNotFound`, `NotOwner`; for a withdrawal also `NotOffered`.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::transfer())]
        pub fn transfer(origin: OriginFor<T>, model: ModelId, to: T::AccountId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            if to == owner {
                return Self::do_withdraw_offer(owner, model);
            }
            Self::do_offer(owner, model, to)
        }

        /// Removes a version that no open request uses, and returns its deposit.
        ///
        /// Origin: signed by the model's owner.
        ///
        /// Emits [`Event::VersionRemoved`].
        ///
        /// Errors: `ModelNotFound`, `NotOwner`, `VersionNotFound`, `InUse`.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::remove_version())]
        pub fn remove_version(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_version(owner, version)
        }

        /// Removes a model without versions and any offer of it, and returns its deposit.
        ///
        /// Origin: signed by the model's owner.
        ///
        /// Emits [`Event::ModelRemoved`].
        ///
        /// Errors: `ModelNotFound`, `NotOwner`, `HasVersions`.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::remove_model())]
        pub fn remove_model(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_model(owner, model)
        }

        /// Accepts a model that is offered to the caller, with its versions. Takes the model's
        /// deposit from the caller and returns the previous owner's.
        ///
        /// Royalties of requests that were made before go to the previous owner.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::ModelTransferred`].
        ///
        /// Errors: `ModelNotFound`, `NotOffered`, `NameTaken`; the deposit is not covered.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::accept())]
        pub fn accept(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let to = ensure_signed(origin)?;
            Self::do_accept(to, model)
        }

        /// Continues the audit of a version that offers class `Proof`. `bytes` are the weights and
        /// biases from byte `first` of the audit on: at most the number that has been read. What has
        /// been read of them is skipped, so that whoever reads a little more before does not spoil
        /// the call. `proofs` has a Merkle proof for each piece, under the root in the architecture.
        ///
        /// A piece consists of weights, or of biases, of one parameter set. It ends with the set or
        /// at a leaf of 1 KiB.
        ///
        /// Origin: signed, by anyone.
        ///
        /// Emits [`Event::WeightsRead`]; with the last bytes also [`Event::VersionAudited`].
        ///
        /// Errors: `VersionNotFound`, `AuditNotNeeded`, `AlreadyAudited`, `UnexpectedWeights`,
        /// `BiasOutOfBounds`.
        #[pallet::call_index(9)]
        #[pallet::weight(audit::weight::<T>(MAX_ARCHITECTURE_BYTES, proofs.len(), bytes.len()))]
        pub fn audit_weights(
            origin: OriginFor<T>,
            version: VersionId,
            first: u64,
            bytes: PublishedWeights,
            proofs: PieceProofs,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let architecture_bytes = Self::do_audit(version, first, &bytes, &proofs)?;
            Ok(Some(audit::weight::<T>(architecture_bytes, proofs.len(), bytes.len())).into())
        }
    }
}
