//! Receipts: kept for a while, and for good as one root per block.

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::{
    merkle,
    receipt::{ReceiptRoot, ROOTS_PER_PAGE},
    runtime_api::ReceiptView,
    BlockNumber, Digest, RequestId,
};
use frame_support::{defensive, traits::Get, weights::Weight};

use crate::{
    AgendaCursor, Appealable, ClientKeys, Config, Corrections, Ended, EndedRequests, Ending, Event,
    FinishedRequest, Pallet, PruneCursor, ReceiptRoots, Requests, Results, WeightInfo,
};

/// Maximum number of heights that one block prunes. Usually one is due.
const MAX_PRUNED_HEIGHTS: u32 = 16;

impl<T: Config> Pallet<T> {
    /// Keeps what a finished request leaves behind. Its receipt is in the root of this block.
    /// `digest` is that of the receipt.
    pub(crate) fn keep(
        id: RequestId,
        digest: Digest,
        finished: FinishedRequest<T::AccountId, T::MaxOutputBytes>,
    ) {
        Results::<T>::insert(id, finished);
        if Ending::<T>::try_append((id, digest)).is_err() {
            defensive!("more requests end in a block than fit into one");
        }
    }

    /// The root of the receipts of a block; `None` if no request ended in it.
    pub fn receipt_root(height: BlockNumber) -> Option<ReceiptRoot> {
        ReceiptRoots::<T>::get(height / ROOTS_PER_PAGE).get(height % ROOTS_PER_PAGE)
    }

    /// The requests that ended in a block.
    fn ended_at(height: BlockNumber) -> EndedRequests {
        match height == T::now() && Ending::<T>::exists() {
            true => Ending::<T>::get(),
            false => Ended::<T>::get(height),
        }
    }

    /// Writes the root of the receipts of this block, if there are any.
    pub(crate) fn write_root() {
        let now = T::now();
        let ended = Ending::<T>::take();
        if ended.is_empty() {
            return;
        }
        let digests: Vec<Digest> = ended.iter().map(|(_, digest)| *digest).collect();
        Ended::<T>::insert(now, ended);
        ReceiptRoots::<T>::mutate(now / ROOTS_PER_PAGE, |page| {
            if page.push(now % ROOTS_PER_PAGE, merkle::root(&digests)).is_err() {
                defensive!("a block has a root already");
            }
        });
    }

    /// See `AssayApi::receipt`.
    pub fn receipt_view(id: RequestId) -> Option<ReceiptView<T::AccountId>> {
        let FinishedRequest { receipt, evidence, .. } = Results::<T>::get(id)?;
        let ended = Self::ended_at(receipt.decided_at);
        let index = ended.iter().position(|(one, _)| *one == id)?;
        let digests: Vec<Digest> = ended.iter().map(|(_, digest)| *digest).collect();
        Some(ReceiptView {
            digest: digests[index],
            index: index as u32,
            count: digests.len() as u32,
            path: merkle::path(&digests, index)?,
            receipt,
            evidence,
        })
    }

    /// Maximum number of finished requests that one block prunes.
    pub fn prunes_per_block() -> u32 {
        crate::draws::fits(T::SweepBudget::get(), T::WeightInfo::prune())
    }

    /// Prunes finished requests whose retention has passed. Only the roots of their receipts stay.
    /// Returns the weight spent.
    pub(crate) fn prune() -> Weight {
        let Ok(first) = PruneCursor::<T>::try_get() else {
            // No request has ended before the first block with this pallet.
            PruneCursor::<T>::put(T::now());
            return Weight::zero();
        };
        let Some(last) = T::now().checked_sub(T::Retention::get().saturating_add(1)) else {
            return Weight::zero();
        };
        // Until the sweep has passed the time for appeals of a request, it needs the request.
        if AgendaCursor::<T>::get() <= T::now() {
            return Weight::zero();
        }
        let mut cursor = first;
        let mut left = Self::prunes_per_block();
        let mut put_back = false;
        while cursor <= last && cursor - first < MAX_PRUNED_HEIGHTS && left > 0 {
            let mut ended = Ended::<T>::take(cursor);
            let mut forgotten = 0;
            while forgotten < ended.len() && left > 0 && Self::forget(ended[forgotten].0) {
                forgotten += 1;
                left -= 1;
            }
            ended.drain(..forgotten);
            if !ended.is_empty() {
                Ended::<T>::insert(cursor, ended);
                put_back = true;
                break;
            }
            cursor += 1;
        }
        if cursor != first {
            PruneCursor::<T>::put(cursor);
        }
        let pruned = Self::prunes_per_block() - left;
        T::WeightInfo::prune().saturating_mul((pruned + u32::from(put_back)).into())
    }

    /// Prunes a request. Returns false if the time for appeals is not over, which needs the request:
    /// full blocks have made it longer than the retention.
    fn forget(id: RequestId) -> bool {
        if let Some(request) = Requests::<T>::get(id) {
            if request.appealable && Appealable::<T>::contains_key(id) {
                return false;
            }
            ClientKeys::<T>::remove(&request.payer, request.client_key);
        }
        Requests::<T>::remove(id);
        Results::<T>::remove(id);
        Corrections::<T>::remove(id);
        Self::deposit_event(Event::RequestPruned { request: id });
        true
    }
}
