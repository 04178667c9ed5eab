//! # Model registry
//!
//! Models, and versions of them that never change once published.
//!
//! A version names the artifact that holds it, declares its input and output tensors, and lists
//! the assurance classes in which it may be asked. A version that is an integer graph also brings
//! its architecture along, which the chain checks and keeps: without it no proof could be
//! verified. What fixes its meaning is the *descriptor*;
//! the descriptor's digest is what results and receipts name. Royalty, metadata and
//! deprecation can change, for new requests only. A version that an open request uses cannot
//! be removed. The owner's deposit per stored byte comes back on removal.
//!
//! Of a version that offers class `Proof` the chain reads all weights once, in calls that anyone
//! may send, and keeps what they come to: their *fingerprint*, which proofs are compared with.
//! Proofs can be asked for when that is done.
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

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);
    /// Bytes below which an architecture is charged as if it had as many.
    pub(crate) const LEAST_ARCHITECTURE_BYTES: u32 = 11_000;

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Where artifacts are.
        type Artifacts: Artifacts;
        /// Where deposits are held.
        type Deposits: Deposits<Self::AccountId>;
        /// Classes that versions may offer today.
        #[pallet::constant]
        type AvailableClasses: Get<AssuranceClasses>;
        /// The most of each count that a verification of a version in class `Proof` may take
        /// ([`proof_cost`]). It bounds how much of a block one proof may fill.
        #[pallet::constant]
        type MaxProofCost: Get<ProofCost>;
        /// Most bytes of an input payload in a request.
        #[pallet::constant]
        type MaxInputBytes: Get<u32>;
        /// Most bytes of an output payload.
        #[pallet::constant]
        type MaxOutputBytes: Get<u32>;
        /// Largest royalty, as a share of each price.
        #[pallet::constant]
        type MaxRoyalty: Get<Perbill>;
        /// Deposit per model and per version, in plancks.
        #[pallet::constant]
        type BaseDeposit: Get<Balance>;
        /// Deposit per byte that a version takes in the state, in plancks.
        #[pallet::constant]
        type ByteDeposit: Get<Balance>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Prepares accounts and artifacts for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_primitives::traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Identifier of the next model.
    #[pallet::storage]
    pub type NextModel<T> = StorageValue<_, ModelId, ValueQuery>;

    /// Models.
    #[pallet::storage]
    pub type Models<T: Config> = StorageMap<_, Twox64Concat, ModelId, Model<T::AccountId>>;

    /// Models by owner and name.
    #[pallet::storage]
    pub type Names<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, ModelName, ModelId>;

    /// Who may take over a model, by its owner's offer.
    #[pallet::storage]
    pub type Offers<T: Config> = StorageMap<_, Twox64Concat, ModelId, T::AccountId>;

    /// Versions.
    #[pallet::storage]
    pub type Versions<T: Config> = StorageMap<_, Twox64Concat, VersionId, Version>;

    /// Encoded architectures of the versions that are integer graphs.
    #[pallet::storage]
    pub type Architectures<T: Config> = StorageMap<_, Twox64Concat, VersionId, EncodedArchitecture>;

    /// How many of their weights the chain has read, of the versions that offer class `Proof`.
    #[pallet::storage]
    pub type Audits<T: Config> = StorageMap<_, Twox64Concat, VersionId, WeightsAudit>;

    /// What happened.
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
        /// A version's metadata digest changed.
        MetadataSet {
            /// The version.
            version: VersionId,
            /// The new digest.
            metadata: Option<Digest>,
        },
        /// A version's royalty changed, for new requests.
        RoyaltySet {
            /// The version.
            version: VersionId,
            /// The new share of each price.
            royalty: Perbill,
        },
        /// A version takes no new requests.
        VersionDeprecated {
            /// The version.
            version: VersionId,
        },
        /// A model was offered to another account. An earlier offer is void.
        TransferOffered {
            /// The model.
            model: ModelId,
            /// Who has it.
            from: T::AccountId,
            /// Who may accept it.
            to: T::AccountId,
        },
        /// The offer of a model was withdrawn.
        TransferWithdrawn {
            /// The model.
            model: ModelId,
        },
        /// A model has a new owner.
        ModelTransferred {
            /// The model.
            model: ModelId,
            /// Who had it.
            from: T::AccountId,
            /// Who has it.
            to: T::AccountId,
        },
        /// Some of a version's weights and biases were read.
        WeightsRead {
            /// The version.
            version: VersionId,
            /// Bytes that have been read.
            done: u64,
            /// Bytes of all weights and biases.
            total: u64,
        },
        /// All of a version's weights were read. It may be asked for in class `Proof` now.
        VersionAudited {
            /// The version.
            version: VersionId,
            /// What proofs have to say of the weights that they are of.
            fingerprint: WeightsFingerprint,
        },
        /// A version is gone.
        VersionRemoved {
            /// The version.
            version: VersionId,
        },
        /// A model is gone.
        ModelRemoved {
            /// The model.
            model: ModelId,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// A name is 1 to 64 characters of `[a-z0-9-]`, with no hyphen at either end.
        InvalidName,
        /// The owner has a model of this name already. Publish a version of it, or choose
        /// another name.
        NameTaken,
        /// There is no such model.
        ModelNotFound,
        /// There is no such version.
        VersionNotFound,
        /// Only the model's owner may do this.
        NotOwner,
        /// There are no more identifiers.
        NoIdentifierLeft,
        /// No artifact of this digest is complete on chain. Upload it first.
        ArtifactNotFound,
        /// The artifact has another size than the descriptor says.
        ArtifactSizeMismatch,
        /// A version of the format `IntegerGraph` needs its architecture: its digest in the
        /// descriptor, and its encoding as an argument.
        ArchitectureMissing,
        /// A version that is no integer graph has no architecture.
        ArchitectureNotAllowed,
        /// The architecture does not have the digest that the descriptor names.
        ArchitectureDigestMismatch,
        /// The bytes are not the encoding of an architecture.
        ArchitectureMalformed,
        /// The architecture breaks a rule of integer graphs. Check the model with
        /// `assay_graph::CheckedGraph`, which says which one.
        ArchitectureInvalid,
        /// An integer graph has one input tensor, of 8-bit integers and of the graph's shape, with
        /// or without a batch of 1.
        InputNotOfGraph,
        /// An integer graph has one output tensor, of the type and the shape of the graph's, with
        /// or without a batch of 1.
        OutputNotOfGraph,
        /// The results of an integer graph are equal or not: it has no tolerance.
        ToleranceNotAllowed,
        /// Only an integer graph can be asked in this class. Quantise the model.
        ClassNeedsGraph,
        /// The payload of the graph's input or output would be larger than requests or results
        /// may have inline, so that nothing could be proven.
        ProofPayloadTooLarge,
        /// The verification of a proof would take more than `MaxProofCost`. Offer other classes, or
        /// make the input, the kernels, the number of channels or of operations smaller.
        ProofTooCostly,
        /// A proof could be longer than a result may bring. Offer other classes, use fewer operations
        /// and smaller windows of maxima, or proof parameters that make for shorter proofs.
        ProofTooLong,
        /// The proof system does not know one of the graph's operations. Offer other classes.
        ProofOperationUnsupported,
        /// The architecture does not hold proof parameters within their bounds. Seal the graph
        /// with `assay_proof::seal` before publication.
        ProofParametersInvalid,
        /// The proof parameters reach too few bits of soundness. Seal the graph with the
        /// recommended ones.
        ProofSecurityTooLow,
        /// There is no verifier for a graph of this size. Offer other classes.
        NotProvable,
        /// The version does not offer class `Proof`: nobody reads its weights.
        AuditNotNeeded,
        /// All weights of the version have been read. There is nothing left to do.
        AlreadyAudited,
        /// The bytes and their proofs do not show the weights and biases that come next under the
        /// root in the version's architecture. Somebody else may have shown them meanwhile: look
        /// how many have been read, and go on from there, as `assay model audit` does.
        UnexpectedWeights,
        /// A bias exceeds `assay_graph::bounds::MAX_BIAS` in magnitude: no proof of the version would
        /// say what the model computes. Publish it anew with a coarser scale of the accumulators.
        BiasOutOfBounds,
        /// A version declares at least one input and one output, each with a name of its own,
        /// in UTF-8, and without a dimension of zero.
        InvalidDeclaration,
        /// A version offers at least one assurance class.
        NoAssurance,
        /// One of the classes is not available in this version of the network.
        ClassUnavailable,
        /// A floating-point model offers class `Quorum` only if it declares a tolerance.
        ToleranceMissing,
        /// The royalty is above `MaxRoyalty`.
        RoyaltyTooHigh,
        /// A licence is an SPDX expression of 1 to 64 characters.
        InvalidLicence,
        /// The version takes no new requests already.
        AlreadyDeprecated,
        /// An open request uses the version. Deprecate it, and remove it when its requests have
        /// ended.
        InUse,
        /// The model still has versions. Remove them first.
        HasVersions,
        /// The version is used by more requests than can be counted.
        TooManyUses,
        /// The model is not offered to the caller, or, where an offer was to be withdrawn, to
        /// nobody. Its owner offers it with `transfer`.
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
        /// Creates a model without versions.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::create())]
        pub fn create(origin: OriginFor<T>, name: ModelName) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create(owner, name)
        }

        /// Publishes the next version of a model.
        ///
        /// The artifact must be complete on chain. `metadata` may name a document about the
        /// version, such as a model card. `architecture` is the encoded architecture of an integer
        /// graph, whose artifact is the encoding of the whole graph; other formats have none.
        #[pallet::call_index(1)]
        #[pallet::weight(match architecture {
            Some(architecture) => T::WeightInfo::publish_graph(
                // As many operations fit into fewer bytes.
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

        /// Names another document about a version, or none.
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

        /// Changes the royalty of new requests.
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

        /// Takes no new requests for a version. Open ones go on.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::deprecate())]
        pub fn deprecate(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_deprecate(owner, version)
        }

        /// Offers a model with its versions to another account, which takes it over with
        /// `accept`. Replaces an earlier offer.
        ///
        /// To the owner itself: withdraws the offer.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::transfer())]
        pub fn transfer(origin: OriginFor<T>, model: ModelId, to: T::AccountId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            if to == owner {
                return Self::do_withdraw_offer(owner, model);
            }
            Self::do_offer(owner, model, to)
        }

        /// Removes a version that no open request uses, and gives its deposit back.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::remove_version())]
        pub fn remove_version(origin: OriginFor<T>, version: VersionId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_version(owner, version)
        }

        /// Removes a model without versions and the offer of it, and gives its deposit back.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::remove_model())]
        pub fn remove_model(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove_model(owner, model)
        }

        /// Takes over a model that is offered to the caller, with its versions. The caller takes
        /// over its deposit, and the old owner's is given back.
        ///
        /// Royalties of requests made before still go to the old owner.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::accept())]
        pub fn accept(origin: OriginFor<T>, model: ModelId) -> DispatchResult {
            let to = ensure_signed(origin)?;
            Self::do_accept(to, model)
        }

        /// Reads the next weights and biases of a version that offers class `Proof`: `bytes` are
        /// those that follow what has been read, and `proofs` show of each piece that it is under
        /// the root which the architecture states. Anyone may do it, and pays the fee alone.
        ///
        /// A piece is of the weights, or of the biases, of one parameter set, and ends with them or
        /// with one of the leaves of 1 KiB.
        #[pallet::call_index(9)]
        #[pallet::weight(audit::weight::<T>(MAX_ARCHITECTURE_BYTES, proofs.len(), bytes.len()))]
        pub fn audit_weights(
            origin: OriginFor<T>,
            version: VersionId,
            bytes: PublishedWeights,
            proofs: PieceProofs,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let architecture_bytes = Self::do_audit(version, &bytes, &proofs)?;
            Ok(Some(audit::weight::<T>(architecture_bytes, proofs.len(), bytes.len())).into())
        }
    }
}
