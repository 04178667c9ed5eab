//! The disputes of a party and of a result, in pages.

use alloc::vec::Vec;
use assay_primitives::{dispute::DisputeId, RequestId};

use crate::{ByParty, ByRequest, Config, Dispute, OpenDisputes, Pallet};

impl<T: Config> Pallet<T> {
    /// Adds an open dispute to the indices.
    pub(crate) fn list(id: DisputeId, dispute: &Dispute<T::AccountId>) {
        ByRequest::<T>::insert(dispute.request, id, ());
        ByParty::<T>::insert(&dispute.operator, id, ());
        ByParty::<T>::insert(&dispute.challenger, id, ());
    }

    /// Removes a dispute that has ended from the indices.
    pub(crate) fn unlist(id: DisputeId, dispute: &Dispute<T::AccountId>) {
        ByRequest::<T>::remove(dispute.request, id);
        ByParty::<T>::remove(&dispute.operator, id);
        ByParty::<T>::remove(&dispute.challenger, id);
    }

    /// At most `limit` of the open disputes over the result of `request`, or of all open disputes.
    /// They are sorted by identifier, but if there are more, any of them may be missing.
    pub fn open_disputes(request: Option<RequestId>, limit: u32) -> Vec<DisputeId> {
        let limit = limit as usize;
        let mut ids: Vec<DisputeId> = match request {
            Some(request) => ByRequest::<T>::iter_key_prefix(request).take(limit).collect(),
            None => OpenDisputes::<T>::iter_keys().take(limit).collect(),
        };
        ids.sort_unstable();
        ids
    }

    /// At most `limit` open disputes of which the account is the operator or the challenger, after
    /// `after` in the order of the storage, which is not that of opening.
    pub fn disputes_of(
        party: &T::AccountId,
        after: Option<DisputeId>,
        limit: u32,
    ) -> Vec<DisputeId> {
        let limit = limit as usize;
        match after {
            None => ByParty::<T>::iter_key_prefix(party).take(limit).collect(),
            Some(after) => {
                let key = ByParty::<T>::hashed_key_for(party, after);
                ByParty::<T>::iter_key_prefix_from(party, key).take(limit).collect()
            },
        }
    }
}
