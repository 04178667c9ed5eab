//! # Storage
//!
//! Artifacts on chain: model files and large inputs, named by BLAKE2b-256 digest.
//!
//! An artifact is announced with its size and the digests of its chunks, then its chunks are
//! uploaded, each as one transaction that is *indexed*: every full node keeps the bytes beside
//! the block and serves them by digest, and none of them enters the state. Only the manifest
//! does. The owner's deposit per byte comes back on removal.
//!
//! The chain checks each chunk against the manifest. That the chunks make up the whole is
//! checked by whoever reads it; for an artifact of one chunk the two are the same.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub use pallet::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impls;
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

    /// Artifacts by digest.
    #[pallet::storage]
    pub type Artifacts<T: Config> =
        StorageMap<_, Blake2_128Concat, Digest, Artifact<T::AccountId>>;

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
            /// Which chunk.
            index: u32,
        },
        /// Every chunk is on chain.
        Completed {
            /// Digest of the whole.
            artifact: Digest,
        },
        /// An artifact is no longer announced. Nodes keep its bytes as long as its blocks.
        Removed {
            /// Digest of the whole.
            artifact: Digest,
        },
    }

    /// What can go wrong.
    #[pallet::error]
    pub enum Error<T> {
        /// An artifact of this digest is announced already. Use it, or upload its missing
        /// chunks.
        AlreadyExists,
        /// There is no artifact of this digest. Announce it with `create`.
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
        /// A chunk must be the outermost call of a transaction, so that nodes index its bytes;
        /// it cannot be wrapped into a batch or the like.
        NotOutermostCall,
        /// Only the owner may do this.
        NotOwner,
        /// A version or an open request uses the artifact. Remove the version, or wait for the
        /// request to end.
        InUse,
        /// Chunks of the artifact are missing. Upload them first.
        Incomplete,
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
        /// Announces an artifact and takes the deposit for it.
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

        /// Puts one chunk on chain. Anyone may; the bytes must be the announced ones.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::upload(data.len() as u32))]
        pub fn upload(
            origin: OriginFor<T>,
            digest: Digest,
            index: u32,
            data: Vec<u8>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_upload(digest, index, data)
        }

        /// Withdraws an artifact that nothing uses, and gives its deposit back.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::remove())]
        pub fn remove(origin: OriginFor<T>, digest: Digest) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove(owner, digest)
        }
    }
}
