//! # Storage
//!
//! Artifacts on chain: model files and large inputs, named by BLAKE2b-256 digest.
//!
//! An artifact is announced with its size and the digests of its chunks, then its chunks are
//! uploaded, each as one transaction that is *indexed*: every full node keeps the bytes beside
//! the block and serves them by digest, and none of them enters the state. Only the manifest
//! does. The owner's deposit per byte comes back on removal.
//!
//! Announcements are each account's own: whoever announces a digest with chunks that nobody has
//! keeps nobody else from announcing it rightly. The one that is uploaded in full first becomes
//! the artifact; the others are dropped when they are complete, with their deposit given back.
//!
//! The chain checks each chunk against the manifest. An artifact of one chunk, 512 KiB at most,
//! has the digest of the chunk, so the chain checks all of it. For an artifact of two chunks or
//! more the chain cannot check the digest of the whole: an account that pays the fees and the
//! deposit of uploading other bytes in full can occupy a digest that is not theirs. Such bytes
//! harm nobody who reads them, since readers compare the digest of the whole and refuse, but
//! the digest stays taken as long as that account pays for it.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use weights::WeightInfo;

mod artifacts;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod try_state;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use assay_primitives::{artifact::MAX_CHUNKS, traits::Deposits, Balance, Digest};
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::*;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// What the pallet needs.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Where deposits are held.
        type Deposits: Deposits<Self::AccountId>;
        /// Deposit per artifact, in plancks.
        #[pallet::constant]
        type BaseDeposit: Get<Balance>;
        /// Deposit per byte of an artifact, in plancks.
        #[pallet::constant]
        type ByteDeposit: Get<Balance>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Prepares accounts for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_primitives::traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Digests of an artifact's chunks, in order.
    pub type Chunks = BoundedVec<Digest, ConstU32<MAX_CHUNKS>>;

    /// An artifact.
    #[derive(
        Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub struct Artifact<AccountId> {
        /// Who paid the deposit and may remove it.
        pub owner: AccountId,
        /// Bytes of the whole.
        pub size: u64,
        /// Digests of its chunks.
        pub chunks: Chunks,
        /// One bit per chunk that is on chain, chunk 0 in the lowest bit.
        pub uploaded: u128,
        /// Versions and open requests that use it.
        pub uses: u32,
        /// What the owner deposited, in plancks.
        pub deposit: Balance,
    }

    /// Artifacts all of whose chunks are on chain, by digest.
    #[pallet::storage]
    pub type Artifacts<T: Config> = StorageMap<_, Blake2_128Concat, Digest, Artifact<T::AccountId>>;

    /// Artifacts of which chunks are missing, by digest and who announced them.
    #[pallet::storage]
    pub type Uploads<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        Digest,
        Blake2_128Concat,
        T::AccountId,
        Artifact<T::AccountId>,
    >;

    /// Height and index of the transaction whose bytes were indexed last. Nodes index one chunk
    /// per transaction.
    #[pallet::storage]
    pub type LastIndexed<T: Config> = StorageValue<_, (BlockNumberFor<T>, u32)>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An artifact was announced.
        Created {
            /// Digest of the whole.
            artifact: Digest,
            /// Who pays its deposit.
            owner: T::AccountId,
            /// Bytes of the whole.
            size: u64,
        },
        /// A chunk is on chain.
        ChunkUploaded {
            /// Digest of the whole.
            artifact: Digest,
            /// Who announced the artifact.
            owner: T::AccountId,
            /// Which chunk.
            index: u32,
        },
        /// Every chunk is on chain: the artifact can be used.
        Completed {
            /// Digest of the whole.
            artifact: Digest,
            /// Who announced it.
            owner: T::AccountId,
        },
        /// Every chunk is on chain, but the artifact was complete before: the announcement is
        /// gone and its deposit given back.
        UploadDropped {
            /// Digest of the whole.
            artifact: Digest,
            /// Who announced it.
            owner: T::AccountId,
        },
        /// An artifact, or the announcement of one, is gone and its deposit given back. Nodes
        /// keep its bytes as long as its blocks.
        Removed {
            /// Digest of the whole.
            artifact: Digest,
            /// Who had announced it.
            owner: T::AccountId,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// The artifact of this digest is complete already: use it. Or the caller announced it
        /// already: upload its missing chunks.
        AlreadyExists,
        /// No artifact of this digest is complete, and the caller has announced none. Announce
        /// it with `create`, and upload its chunks.
        NotFound,
        /// An artifact has at least one byte and at most 64 MiB.
        InvalidSize,
        /// The number of chunk digests is not what the size asks for: one per 512 KiB.
        WrongChunkCount,
        /// An artifact of one chunk has the chunk's digest.
        DigestMismatch,
        /// The artifact has no chunk of this index.
        NoSuchChunk,
        /// The chunk is on chain already.
        ChunkExists,
        /// The bytes are not the chunk: their number or their digest differs from what was
        /// announced.
        ChunkMismatch,
        /// The bytes of a chunk must be the last of its transaction, and a transaction has one
        /// chunk at most, for nodes index just that. Send each chunk in a transaction of its own.
        NotOutermostCall,
        /// Only the owner may do this.
        NotOwner,
        /// A version or an open request uses the artifact. Remove the version, or wait for the
        /// request to end.
        InUse,
        /// The artifact is used more often than can be counted.
        TooManyUses,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(MAX_CHUNKS <= u128::BITS, "one bit per chunk");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Announces an artifact and takes the deposit for it. Refused where the artifact is
        /// complete already, not where others announced it.
        ///
        /// `chunks` are the digests of its pieces of 512 KiB, the last one shorter.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::create(chunks.len() as u32))]
        pub fn create(
            origin: OriginFor<T>,
            digest: Digest,
            size: u64,
            chunks: Chunks,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create(owner, digest, size, chunks)
        }

        /// Puts one chunk of what the caller announced on chain. The bytes must be the
        /// announced ones.
        ///
        /// With the last one the artifact is complete. If it was before, by the chunks of
        /// another account, the announcement is dropped and its deposit given back.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::upload(data.len() as u32))]
        pub fn upload(
            origin: OriginFor<T>,
            digest: Digest,
            index: u32,
            data: Vec<u8>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_upload(owner, digest, index, data)
        }

        /// Withdraws the caller's announcement that is not complete, or its artifact that
        /// nothing uses, and gives the deposit back.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::remove())]
        pub fn remove(origin: OriginFor<T>, digest: Digest) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove(owner, digest)
        }
    }
}
