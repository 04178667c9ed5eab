//! From version 1 to version 2: receipts become roots (docs/adr/0031, docs/adr/0032).
//!
//! Version 1 keeps the digest of each receipt and each client key for good, and what else a finished
//! request left behind for a day. The migration
//!
//! 1. makes one tree of the receipts of each block whose requests are not pruned, in the order of
//!    their ends, and writes its root for the height of that block;
//! 2. makes trees of the digests of pruned requests, of which the chain does not know the height any
//!    more. The root of such a tree is written for the height of the block that makes it;
//! 3. removes what else version 1 kept of finished requests, and all client keys;
//! 4. removes single values and raises the storage version.
//!
//! [`Event::ReceiptsMoved`] has the leaves of each tree. Everybody can compute paths from them.
//!
//! There may be no open request. Root disables all classes before the upgrade, and enacts it when the
//! last request has ended. The migration fails before its first write otherwise.
//!
//! Each step removes what it has processed. A step that is repeated, or a migration that starts
//! again, therefore continues where it was.

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::{merkle, receipt::ROOTS_PER_PAGE, BlockNumber, Digest, RequestId};
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
    migrations::{MigrationId, SteppedMigration, SteppedMigrationError},
    traits::{Get, GetStorageVersion, PalletInfoAccess, StorageVersion},
    weights::{Weight, WeightMeter},
};

use crate::{draws::fits, Agenda, ClientKeys, Config, Event, Pallet, ReceiptRoots, WeightInfo};

/// Maximum number of leaves of a tree of pruned requests. It bounds the event of a block.
pub const MAX_LEAVES: u32 = 8_192;

/// The storage of version 1, as far as it is not that of version 2. Values that are only removed are
/// not described.
pub mod storage {
    // `storage_alias` makes types without documentation.
    #![allow(missing_docs)]

    use super::*;
    use crate::Pallet;
    use frame_support::{pallet_prelude::*, storage_alias};

    /// Digests of the receipts of all finished requests.
    #[storage_alias]
    pub type ReceiptDigests<T: Config> = StorageMap<Pallet<T>, Blake2_128Concat, RequestId, Digest>;
    /// Finished requests that are not pruned with the height of their end, by position.
    #[storage_alias]
    pub type Finished<T: Config> =
        StorageMap<Pallet<T>, Twox64Concat, u64, (RequestId, BlockNumber)>;
    /// First and next free position of [`Finished`].
    #[storage_alias]
    pub type FinishedBounds<T: Config> = StorageValue<Pallet<T>, (u64, u64), ValueQuery>;
    /// Requests that are not pruned.
    #[storage_alias]
    pub type Requests<T: Config> = StorageMap<Pallet<T>, Twox64Concat, RequestId, ()>;
    /// Their outputs.
    #[storage_alias]
    pub type Outputs<T: Config> = StorageMap<Pallet<T>, Twox64Concat, RequestId, ()>;
    /// Their receipts.
    #[storage_alias]
    pub type Receipts<T: Config> = StorageMap<Pallet<T>, Twox64Concat, RequestId, ()>;
    /// The evidence of these receipts.
    #[storage_alias]
    pub type EvidenceOf<T: Config> = StorageMap<Pallet<T>, Twox64Concat, RequestId, ()>;
    /// The bounds of the queue. No request is in it.
    #[storage_alias]
    pub type QueueBounds<T: Config> = StorageValue<Pallet<T>, ()>;
    /// VRF output of the previous block.
    #[storage_alias]
    pub type PreviousRandomness<T: Config> = StorageValue<Pallet<T>, ()>;
}

/// Where the migration continues.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen)]
pub enum Cursor {
    /// With the finished request in this position.
    Finished(u64),
    /// With the digests of pruned requests.
    Pruned,
    /// With the client keys.
    ClientKeys,
}

/// The migration.
pub struct ReceiptsToRoots<T>(core::marker::PhantomData<T>);

impl<T: Config> SteppedMigration for ReceiptsToRoots<T> {
    type Cursor = Cursor;
    type Identifier = MigrationId<16>;

    fn id() -> Self::Identifier {
        MigrationId { pallet_id: *b"pallet-inference", version_from: 1, version_to: 2 }
    }

    fn migrating_prefixes() -> Option<impl IntoIterator<Item = Vec<u8>>> {
        let pallet = sp_io::hashing::twox_128(Pallet::<T>::name().as_bytes());
        Some([pallet.to_vec()])
    }

    fn step(
        cursor: Option<Cursor>,
        meter: &mut WeightMeter,
    ) -> Result<Option<Cursor>, SteppedMigrationError> {
        let next = match cursor {
            None => Self::start(meter)?,
            Some(Cursor::Finished(position)) => Some(Self::move_finished(position, meter)?),
            Some(Cursor::Pruned) => Some(Self::move_pruned(meter)?),
            Some(Cursor::ClientKeys) => Self::remove_keys(meter)?,
        };
        Ok(next)
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
        Before::<T>::read().map(|before| before.encode())
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(state: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
        let before = Before::<T>::decode(&mut &state[..]).map_err(|_| "the state is Before")?;
        before.check_after()
    }
}

/// Takes the weight of `step` from the meter.
fn spend(meter: &mut WeightMeter, step: Weight) -> Result<(), SteppedMigrationError> {
    let missing = |_| SteppedMigrationError::InsufficientWeight { required: step };
    meter.try_consume(step).map_err(missing)
}

impl<T: Config> ReceiptsToRoots<T> {
    /// Checks the state. Returns where to begin; `None` if it is not that of version 1.
    fn start(meter: &mut WeightMeter) -> Result<Option<Cursor>, SteppedMigrationError> {
        spend(meter, T::DbWeight::get().reads(3))?;
        if Pallet::<T>::on_chain_storage_version() != 1 {
            return Ok(None);
        }
        // Open requests are on the agenda, and so are those that can be appealed.
        if Agenda::<T>::iter_keys().next().is_some() {
            log::error!(target: "runtime::inference", "requests are open");
            return Err(SteppedMigrationError::Failed);
        }
        let (first, _) = storage::FinishedBounds::<T>::get();
        Ok(Some(Cursor::Finished(first)))
    }

    /// Moves the receipts of as many blocks as the meter allows.
    fn move_finished(from: u64, meter: &mut WeightMeter) -> Result<Cursor, SteppedMigrationError> {
        let (_, end) = storage::FinishedBounds::<T>::get();
        let mut position = from;
        while position < end {
            match Self::block_at(position, end, meter) {
                Ok(block) => {
                    position = block.next;
                    Self::move_block(block)?;
                },
                // The positions since the last block are read again by the next step.
                Err(_) if position > from => return Ok(Cursor::Finished(position)),
                Err(required) => {
                    return Err(SteppedMigrationError::InsufficientWeight { required })
                },
            }
        }
        Ok(Cursor::Pruned)
    }

    /// The finished requests of one block from this position on, and the position behind them. Takes
    /// the weight of moving them.
    ///
    /// # Errors
    ///
    /// The weight that is missing at least.
    fn block_at(position: u64, end: u64, meter: &mut WeightMeter) -> Result<FinishedBlock, Weight> {
        let mut block = FinishedBlock { next: position, height: 0, receipts: Vec::new() };
        while block.next < end {
            let count = block.next - position + 1;
            let required = T::WeightInfo::move_finished(count.min(u32::MAX.into()) as u32);
            if !meter.can_consume(required) {
                // What was read is paid for.
                meter.consume(T::DbWeight::get().reads(count.saturating_mul(2)));
                return Err(required);
            }
            // A position that an earlier run has processed is empty.
            if let Some((id, height)) = storage::Finished::<T>::get(block.next) {
                if block.receipts.is_empty() {
                    block.height = height;
                }
                if block.height != height {
                    break;
                }
                if let Some(digest) = storage::ReceiptDigests::<T>::get(id) {
                    block.receipts.push((id, digest));
                }
            }
            block.next += 1;
        }
        meter.consume(T::WeightInfo::move_finished((block.next - position) as u32));
        for at in position..block.next {
            storage::Finished::<T>::remove(at);
        }
        Ok(block)
    }

    fn move_block(block: FinishedBlock) -> Result<(), SteppedMigrationError> {
        for (id, _) in &block.receipts {
            storage::ReceiptDigests::<T>::remove(id);
            storage::Requests::<T>::remove(id);
            storage::Outputs::<T>::remove(id);
            storage::Receipts::<T>::remove(id);
            storage::EvidenceOf::<T>::remove(id);
            crate::Corrections::<T>::remove(id);
        }
        Self::plant(block.height, block.receipts)
    }

    /// Makes a tree of as many digests of pruned requests as the meter allows.
    fn move_pruned(meter: &mut WeightMeter) -> Result<Cursor, SteppedMigrationError> {
        let now = T::now();
        if Pallet::<T>::receipt_root(now).is_some() {
            // The block has a tree. The next one makes another.
            return Ok(Cursor::Pruned);
        }
        let most = Self::most(meter, T::WeightInfo::move_pruned)?.min(MAX_LEAVES);
        let receipts: Vec<_> = storage::ReceiptDigests::<T>::drain().take(most as usize).collect();
        meter.consume(T::WeightInfo::move_pruned(receipts.len() as u32));
        match receipts.is_empty() {
            true => Ok(Cursor::ClientKeys),
            false => Self::plant(now, receipts).map(|()| Cursor::Pruned),
        }
    }

    /// Removes as many client keys as the meter allows, and with the last ones the rest of version 1.
    fn remove_keys(meter: &mut WeightMeter) -> Result<Option<Cursor>, SteppedMigrationError> {
        spend(meter, T::DbWeight::get().writes(4))?;
        let most = Self::most(meter, T::WeightInfo::remove_keys)?;
        let removed = ClientKeys::<T>::clear(most, None);
        meter.consume(T::WeightInfo::remove_keys(removed.loops));
        if removed.maybe_cursor.is_some() {
            return Ok(Some(Cursor::ClientKeys));
        }
        storage::FinishedBounds::<T>::kill();
        storage::QueueBounds::<T>::kill();
        storage::PreviousRandomness::<T>::kill();
        StorageVersion::new(2).put::<Pallet<T>>();
        Ok(None)
    }

    /// For how many entries the meter suffices, where `weight` is that of a number of them.
    ///
    /// # Errors
    ///
    /// It does not suffice for one.
    fn most(meter: &WeightMeter, weight: fn(u32) -> Weight) -> Result<u32, SteppedMigrationError> {
        let (none, one) = (weight(0), weight(1));
        match fits(meter.remaining().saturating_sub(none), one.saturating_sub(none)) {
            0 => Err(SteppedMigrationError::InsufficientWeight { required: one }),
            most => Ok(most),
        }
    }

    /// Writes the root of the tree with these leaves for a height that has none.
    fn plant(
        height: BlockNumber,
        receipts: Vec<(RequestId, Digest)>,
    ) -> Result<(), SteppedMigrationError> {
        if receipts.is_empty() {
            return Ok(());
        }
        let digests: Vec<Digest> = receipts.iter().map(|(_, digest)| *digest).collect();
        let root = merkle::root(&digests);
        ReceiptRoots::<T>::try_mutate(height / ROOTS_PER_PAGE, |page| {
            page.push(height % ROOTS_PER_PAGE, root)
        })
        .map_err(|_| {
            log::error!(target: "runtime::inference", "block {height} has a later root");
            SteppedMigrationError::Failed
        })?;
        Pallet::<T>::deposit_event(Event::ReceiptsMoved { height, receipts });
        Ok(())
    }
}

/// The finished requests of a block.
struct FinishedBlock {
    /// The position behind them.
    next: u64,
    height: BlockNumber,
    receipts: Vec<(RequestId, Digest)>,
}

/// What the migration starts from, to compare with its result.
#[cfg(any(feature = "std", feature = "try-runtime"))]
#[derive(Encode, Decode)]
pub struct Before<T> {
    /// The height before the first step.
    height: BlockNumber,
    /// The blocks whose requests are not pruned, with the digests in the order of the ends.
    finished: Vec<(BlockNumber, Vec<Digest>)>,
    /// The digests of pruned requests, in the order in which they are moved.
    pruned: Vec<Digest>,
    _config: core::marker::PhantomData<T>,
}

#[cfg(any(feature = "std", feature = "try-runtime"))]
impl<T: Config> Before<T> {
    /// Reads the state.
    ///
    /// # Errors
    ///
    /// It is not what the migration expects.
    pub fn read() -> Result<Self, sp_runtime::TryRuntimeError> {
        use alloc::collections::BTreeSet;
        frame_support::ensure!(
            Agenda::<T>::iter_keys().next().is_none(),
            "requests are open: disable the classes and wait"
        );
        let mut finished: Vec<(BlockNumber, Vec<Digest>)> = Vec::new();
        let mut kept = BTreeSet::new();
        let (first, end) = storage::FinishedBounds::<T>::get();
        for (id, height) in (first..end).filter_map(storage::Finished::<T>::get) {
            let digest = storage::ReceiptDigests::<T>::get(id).ok_or("a receipt has no digest")?;
            kept.insert(id);
            match finished.last_mut() {
                Some((last, digests)) if *last == height => digests.push(digest),
                _ => finished.push((height, alloc::vec![digest])),
            }
        }
        let pruned = storage::ReceiptDigests::<T>::iter()
            .filter(|(id, _)| !kept.contains(id))
            .map(|(_, digest)| digest)
            .collect();
        Ok(Self { height: T::now(), finished, pruned, _config: Default::default() })
    }

    /// Number of receipts.
    pub fn receipts(&self) -> usize {
        self.finished.iter().map(|(_, digests)| digests.len()).sum::<usize>() + self.pruned.len()
    }

    /// Compares the state with the one before: each receipt is in a tree, and nothing is left of
    /// version 1.
    ///
    /// # Errors
    ///
    /// The first difference.
    pub fn check_after(&self) -> Result<(), sp_runtime::TryRuntimeError> {
        use assay_primitives::receipt::ReceiptRoot;
        use frame_support::ensure;
        for (height, digests) in &self.finished {
            ensure!(
                Pallet::<T>::receipt_root(*height) == Some(merkle::root(digests).into()),
                "the root of a block is not that of its receipts"
            );
        }
        let mut rest = &self.pruned[..];
        let mut guess = MAX_LEAVES as usize;
        let later = |height: &BlockNumber| self.finished.iter().all(|(at, _)| at < height);
        let heights = (self.height..=T::now()).filter(later);
        for root in heights.filter_map(Pallet::<T>::receipt_root) {
            if rest.is_empty() {
                break;
            }
            // The trees have one size, except for the last one.
            let sizes = [guess, rest.len()].into_iter().chain((1..=MAX_LEAVES as usize).rev());
            guess = sizes
                .filter(|size| *size <= rest.len())
                .find(|size| ReceiptRoot::from(merkle::root(&rest[..*size])) == root)
                .ok_or("a root is not that of the next pruned receipts")?;
            rest = &rest[guess..];
        }
        ensure!(rest.is_empty(), "a receipt of a pruned request is in no tree");
        ensure!(
            storage::ReceiptDigests::<T>::iter_keys().next().is_none()
                && storage::Finished::<T>::iter_keys().next().is_none()
                && storage::Requests::<T>::iter_keys().next().is_none()
                && storage::Outputs::<T>::iter_keys().next().is_none()
                && storage::Receipts::<T>::iter_keys().next().is_none()
                && storage::EvidenceOf::<T>::iter_keys().next().is_none()
                && ClientKeys::<T>::iter_keys().next().is_none(),
            "something of version 1 is left"
        );
        ensure!(Pallet::<T>::on_chain_storage_version() == 2, "the storage version was not raised");
        Ok(())
    }
}
