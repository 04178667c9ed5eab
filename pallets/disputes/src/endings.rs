//! The end of disputes: by a move, by a passed deadline, by a proof, or with the request.

use assay_dispute::Party;
use assay_pallet_support::Chain;
use assay_primitives::{
    dispute::DisputeId,
    traits::{DisputeBonds, Disputes, OptimisticResults},
    BlockNumber, RequestId,
};
use frame_support::ensure;
use sp_runtime::{traits::Zero, DispatchResult};

use crate::{
    Agenda, Config, Counts, Dispute, DisputeCause, Error, Event, Obsolete, OpenDisputes, Pallet,
    Timing, Verdict, Verdicts,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_close(id: DisputeId) -> DispatchResult {
        let dispute = Self::current(id).ok_or(Error::<T>::DisputeNotFound)?;
        ensure!(Self::close_decided(id, dispute).is_none(), Error::<T>::NotDecided);
        Ok(())
    }

    /// Ends a dispute over a decided result, or whose tile was computed in another dispute. Returns the
    /// dispute if it is not decided.
    pub(crate) fn close_decided(
        id: DisputeId,
        dispute: Dispute<T::AccountId>,
    ) -> Option<Dispute<T::AccountId>> {
        match Verdicts::<T>::get(dispute.request) {
            None if Self::is_computed(&dispute) => {
                Self::lose(id, dispute, DisputeCause::Computed);
            },
            None => return Some(dispute),
            Some(Verdict::Wrong) => {
                Self::remove(id, &dispute);
                let Dispute { challenger, operator, bond, spent, .. } = dispute;
                // Otherwise a sham dispute over a lie would be a free way to fill blocks.
                if spent > 0 {
                    T::Bonds::forfeit(&challenger, spent, (&operator, 0));
                }
                T::Bonds::give_back(&challenger, bond - spent);
                Self::deposit_event(Event::Void { dispute: id, spent });
            },
            Some(Verdict::Right) => {
                Self::remove(id, &dispute);
                Self::forfeit(id, &dispute, DisputeCause::Proof);
            },
        }
        None
    }

    /// Handles a dispute whose height in the agenda has come. The party whose move was due loses,
    /// unless too few blocks had room for it, or its turn began only when the operator showed
    /// something in another dispute.
    pub(crate) fn expire(id: DisputeId, dispute: Dispute<T::AccountId>) {
        let dispute = Self::caught_up(dispute);
        let Some(dispute) = Self::close_decided(id, dispute) else { return };
        let now = T::now();
        if !Self::is_late(&dispute, now) {
            let extended = now.saturating_add(Self::missing_blocks(&dispute)).saturating_sub(1);
            let deadline = if now > dispute.deadline { extended } else { dispute.deadline };
            return Self::enter(id, dispute, deadline);
        }
        match dispute.stage.turn() {
            Party::Defender => Self::win(id, dispute, DisputeCause::Silence),
            Party::Challenger => Self::lose(id, dispute, DisputeCause::Silence),
        }
    }

    /// Ends a dispute that the operator lost. All other disputes over the result become void.
    pub(crate) fn win(id: DisputeId, dispute: Dispute<T::AccountId>, cause: DisputeCause) {
        if Self::remove(id, &dispute) > 0 {
            Verdicts::<T>::insert(dispute.request, Verdict::Wrong);
        }
        T::Bonds::give_back(&dispute.challenger, dispute.bond);
        let Dispute { request, challenger, .. } = dispute;
        T::Results::reject(request, &challenger);
        Self::deposit_event(Event::Won { dispute: id, request, challenger, cause });
    }

    /// Ends a dispute that the challenger lost.
    pub(crate) fn lose(id: DisputeId, dispute: Dispute<T::AccountId>, cause: DisputeCause) {
        let left = Self::remove(id, &dispute);
        Self::forfeit(id, &dispute, cause);
        if left == 0 {
            T::Results::uphold(dispute.request);
        }
    }

    /// Ends a dispute over a result that is proven, and makes the result final.
    pub(crate) fn accept(id: DisputeId, dispute: Dispute<T::AccountId>) {
        if Self::remove(id, &dispute) > 0 {
            Verdicts::<T>::insert(dispute.request, Verdict::Right);
        }
        Self::forfeit(id, &dispute, DisputeCause::Proof);
        T::Results::accept(dispute.request);
    }

    /// Forfeits the challenger's bond. Half of it compensates the operator. The rest goes to the
    /// treasury, so that an operator that disputes its own result loses money.
    fn forfeit(id: DisputeId, dispute: &Dispute<T::AccountId>, cause: DisputeCause) {
        let harmed = (&dispute.operator, dispute.bond / 2);
        T::Bonds::forfeit(&dispute.challenger, dispute.bond, harmed);
        Self::deposit_event(Event::Lost {
            dispute: id,
            request: dispute.request,
            challenger: dispute.challenger.clone(),
            cause,
            forfeited: dispute.bond,
        });
    }

    /// Removes a dispute from the storage. Returns the number of open disputes left over the same
    /// result. The last one also removes the verdict.
    fn remove(id: DisputeId, dispute: &Dispute<T::AccountId>) -> u32 {
        OpenDisputes::<T>::remove(id);
        Agenda::<T>::remove(dispute.due, id);
        Self::unlist(id, dispute);
        let left = Counts::<T>::get(dispute.request).saturating_sub(1);
        if left.is_zero() {
            Counts::<T>::remove(dispute.request);
            Verdicts::<T>::remove(dispute.request);
            Obsolete::<T>::insert(dispute.request, ());
        } else {
            Counts::<T>::insert(dispute.request, left);
        }
        left
    }
}

impl<T: Config> Disputes for Pallet<T> {
    fn are_open(request: RequestId) -> bool {
        Counts::<T>::contains_key(request)
    }

    fn response_blocks() -> BlockNumber {
        Timing::<T>::get().response
    }
}
