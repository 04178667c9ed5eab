//! The storage of the pallet.

use frame_support::pallet_macros::pallet_section;

/// Storage items.
#[pallet_section]
mod storage {
    /// Identifier of the next request. Never removed.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type NextRequest<T> = StorageValue<_, RequestId, ValueQuery>;

    /// Requests, by identifier. Pruned [`Config::Retention`] blocks after their end.
    #[pallet::storage]
    pub type Requests<T: Config> = StorageMap<_, Twox64Concat, RequestId, Request<T::AccountId>>;

    /// Inline input payloads of open requests, by request. Removed at the end of the request.
    #[pallet::storage]
    pub type Inputs<T: Config> =
        StorageMap<_, Twox64Concat, RequestId, BoundedVec<u8, T::MaxInputBytes>>;

    /// The receipt, the evidence and the output of finished requests, by request. Pruned with the
    /// request.
    #[pallet::storage]
    pub type Results<T: Config> = StorageMap<
        _,
        Twox64Concat,
        RequestId,
        FinishedRequest<<T as frame_system::Config>::AccountId, <T as Config>::MaxOutputBytes>,
    >;

    /// The claims of optimistic results that are not final, by request. Removed at the end of the
    /// request.
    #[pallet::storage]
    pub type Claims<T: Config> = StorageMap<_, Twox64Concat, RequestId, TraceClaim>;

    /// Last heights at which the outcomes of finished requests can be appealed, by request. Removed
    /// by an appeal, or by the sweep after that height.
    #[pallet::storage]
    pub type Appealable<T: Config> = StorageMap<_, Twox64Concat, RequestId, AppealTime>;

    /// Digests of the outputs that appeals have proven, by request. The receipt may name another
    /// one. Pruned with the request.
    #[pallet::storage]
    pub type Corrections<T: Config> = StorageMap<_, Twox64Concat, RequestId, Digest>;

    /// Roots of the receipts of blocks, 64 blocks in one page, by the height divided by 64. Never
    /// removed.
    #[pallet::storage]
    pub type ReceiptRoots<T> = StorageMap<_, Identity, u32, RootPage, ValueQuery>;

    /// Requests that ended in this block with the digests of their receipts, in the order of their
    /// ends. They are moved to [`Ended`] at its end.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type Ending<T: Config> = StorageValue<_, EndedRequests, ValueQuery>;

    /// Requests that ended in a block with the digests of their receipts, by height, in the order of
    /// their ends. Removed when the requests are pruned.
    #[pallet::storage]
    pub type Ended<T: Config> = StorageMap<_, Twox64Concat, BlockNumber, EndedRequests, ValueQuery>;

    /// First height whose [`Ended`] has not been pruned. Overwritten, never removed.
    #[pallet::storage]
    pub type PruneCursor<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

    /// Identifiers of requests, by payer and client key. Pruned with the request, so that a payer can
    /// use a key again a day after the end of its request.
    #[pallet::storage]
    pub type ClientKeys<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Blake2_128Concat, [u8; 32], RequestId>;

    /// The queue of requests for the draw, by position. An entry is removed when its requests are
    /// processed.
    #[pallet::storage]
    pub type Queue<T: Config> = StorageMap<_, Twox64Concat, u64, Queued>;

    /// First and next free position of [`Queue`], and the number of requests in it. Overwritten,
    /// never removed.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type QueueBounds<T: Config> = StorageValue<_, (u64, u64, u32), ValueQuery>;

    /// Requests that wait until operators of their version have capacity, by version and
    /// [`WaitingKey`], so that who waits longest comes first. Removed when the request returns to the
    /// queue, or at its end.
    #[pallet::storage]
    pub type Waiting<T: Config> =
        StorageDoubleMap<_, Twox64Concat, VersionId, Identity, WaitingKey, ()>;

    /// VRF outputs of the latest blocks that have one, oldest first, with their heights. Overwritten,
    /// never removed.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type RecentVrfs<T: Config> =
        StorageValue<_, BoundedVec<(BlockNumber, BlockVrf), ConstU32<RECENT_BLOCKS>>, ValueQuery>;

    /// Open requests, by the heights at which one of their deadlines has passed. Removed by the
    /// sweep at that height, or at the end of the request.
    #[pallet::storage]
    pub type Agenda<T: Config> =
        StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, RequestId, ()>;

    /// First height whose [`Agenda`] has not been processed. Overwritten, never removed.
    #[pallet::storage]
    pub type AgendaCursor<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;
}
