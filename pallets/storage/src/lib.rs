//! # Storage
//!
//! Artifacts on chain: model files and large inputs, named by their identity
//! ([`assay_primitives::artifact`]).
//!
//! An account announces an artifact with its size and the digests of its chunks, and then uploads
//! the chunks. Each chunk is one transaction whose bytes are *indexed*: every full node stores them
//! beside the block and serves them by digest. The state contains only the manifest. The owner pays
//! a deposit per byte, which is returned on removal.
//!
//! The chain computes the identity from the size and the digests of the chunks, and checks each
//! chunk against its digest and its length. So a complete artifact has the bytes that its identity
//! names, and other bytes cannot take that identity.
//!
//! Announcements belong to their account. An account that announces an artifact and uploads nothing
//! therefore does not prevent another account from storing it. The announcement that is uploaded in
//! full first becomes the artifact. Each other announcement is dropped when it is complete, and its
//! deposit is returned.
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

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Holds the deposits of owners.
        type Deposits: Deposits<Self::AccountId>;
        /// Deposit per artifact or announcement, in plancks. It pays for the manifest, whose size
        /// hardly depends on that of the artifact.
        #[pallet::constant]
        type BaseDeposit: Get<Balance>;
        /// Deposit per byte of an artifact, in plancks. It bounds the disk space that an account
        /// can take on every full node; at zero only fees do.
        #[pallet::constant]
        type ByteDeposit: Get<Balance>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
        /// Sets up accounts for benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: assay_primitives::traits::BenchmarkHelper<Self::AccountId>;
    }

    /// Digests of an artifact's chunks, in order.
    pub type Chunks = BoundedVec<Digest, ConstU32<MAX_CHUNKS>>;

    /// An artifact, or an announcement of one.
    #[derive(
        Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
    )]
    pub struct Artifact<AccountId> {
        /// The account that paid the deposit and may remove it.
        pub owner: AccountId,
        /// Size of the artifact in bytes.
        pub size: u64,
        /// Digests of its chunks.
        pub chunks: Chunks,
        /// The chunks that are on chain, one bit each. Chunk 0 is the lowest bit.
        pub uploaded: u128,
        /// Number of versions and open requests that use it.
        pub uses: u32,
        /// The owner's deposit, in plancks.
        pub deposit: Balance,
    }

    /// Complete artifacts, by identity. Removed by the owner with `remove`.
    #[pallet::storage]
    pub type Artifacts<T: Config> = StorageMap<_, Blake2_128Concat, Digest, Artifact<T::AccountId>>;

    /// Announcements with missing chunks, by identity and the account that made them. Removed with
    /// the last chunk, or by the account with `remove`.
    #[pallet::storage]
    pub type Uploads<T: Config> = StorageDoubleMap<
        _,
        Blake2_128Concat,
        Digest,
        Blake2_128Concat,
        T::AccountId,
        Artifact<T::AccountId>,
    >;

    /// Height and extrinsic index of the last transaction that uploaded a chunk. Nodes index one
    /// chunk per transaction, so `upload` refuses a second one. Overwritten, never removed.
    #[pallet::storage]
    pub type LastIndexed<T: Config> = StorageValue<_, (BlockNumberFor<T>, u32)>;

    /// Events of the pallet.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An artifact was announced.
        Created {
            /// Identity of the artifact.
            artifact: Digest,
            /// The account that announced it and pays its deposit.
            owner: T::AccountId,
            /// Size of the artifact in bytes.
            size: u64,
        },
        /// A chunk was uploaded.
        ChunkUploaded {
            /// Identity of the artifact.
            artifact: Digest,
            /// The account that announced it.
            owner: T::AccountId,
            /// Index of the chunk.
            index: u32,
        },
        /// The last chunk was uploaded. The artifact can be used.
        Completed {
            /// Identity of the artifact.
            artifact: Digest,
            /// The account that announced it.
            owner: T::AccountId,
        },
        /// The last chunk was uploaded, but another account had completed the artifact before. The
        /// announcement was dropped and its deposit returned.
        UploadDropped {
            /// Identity of the artifact.
            artifact: Digest,
            /// The account that announced it.
            owner: T::AccountId,
        },
        /// An artifact or an announcement was removed and its deposit returned. Nodes keep the
        /// bytes as long as they keep the blocks.
        Removed {
            /// Identity of the artifact.
            artifact: Digest,
            /// The account that had announced it.
            owner: T::AccountId,
        },
    }

    /// Errors of the pallet.
    #[pallet::error]
    pub enum Error<T> {
        /// The artifact is already complete, or the caller has already announced it. Use the
        /// artifact, or upload the missing chunks.
        AlreadyExists,
        /// There is no complete artifact with this identity, and the caller has not announced one.
        /// Announce it with `create`, and upload its chunks.
        NotFound,
        /// The size is zero or above 64 MiB. Split the data into artifacts of at most 64 MiB.
        InvalidSize,
        /// The number of chunk digests does not match the size. Pass one digest per 512 KiB or
        /// part of it.
        WrongChunkCount,
        /// The artifact has no chunk with this index. Indices start at 0.
        NoSuchChunk,
        /// The chunk is already on chain. Upload the next missing one, if any.
        ChunkExists,
        /// The size or the digest of the data differs from the announced chunk. Upload the bytes
        /// that were announced, or remove the announcement.
        ChunkMismatch,
        /// The data is not at the end of the transaction, or the transaction uploads a second
        /// chunk. Nodes index only the last bytes of a transaction. Send each chunk as the only
        /// call of its own transaction.
        NotOutermostCall,
        /// The artifact belongs to another account. Only the owner may remove it.
        NotOwner,
        /// A version or an open request uses the artifact. Remove the version, or wait until the
        /// request has ended.
        InUse,
        /// The artifact has the maximum number of uses. Wait until requests that use it have ended.
        TooManyUses,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            const { assert!(MAX_CHUNKS <= u128::BITS, "one bit per chunk") };
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Announces an artifact and takes the deposit for it. Announcements by other accounts do
        /// not matter.
        ///
        /// `size` is the number of its bytes, `chunks` are the digests of its chunks of 512 KiB. The
        /// last chunk may be shorter. The artifact's identity follows from both.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::Created`] with the identity.
        ///
        /// Errors: `InvalidSize`, `WrongChunkCount`, `AlreadyExists`; the deposit is not covered.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::create(chunks.len() as u32))]
        pub fn create(origin: OriginFor<T>, size: u64, chunks: Chunks) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create(owner, size, chunks)
        }

        /// Uploads one chunk of an artifact that the caller has announced, in any order.
        ///
        /// The last missing chunk completes the artifact. If another account has completed it
        /// before, the caller's announcement is dropped and its deposit returned.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::ChunkUploaded`]; with the last chunk also [`Event::Completed`] or
        /// [`Event::UploadDropped`].
        ///
        /// Errors: `NotFound`, `NoSuchChunk`, `ChunkExists`, `ChunkMismatch`, `NotOutermostCall`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::upload(data.len() as u32))]
        pub fn upload(
            origin: OriginFor<T>,
            artifact: Digest,
            index: u32,
            data: Vec<u8>,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_upload(owner, artifact, index, data)
        }

        /// Removes the caller's announcement, or else its artifact, which must not be in use.
        /// Returns the deposit.
        ///
        /// Origin: signed.
        ///
        /// Emits [`Event::Removed`].
        ///
        /// Errors: `NotFound`, `NotOwner`, `InUse`.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::remove())]
        pub fn remove(origin: OriginFor<T>, artifact: Digest) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_remove(owner, artifact)
        }
    }
}
