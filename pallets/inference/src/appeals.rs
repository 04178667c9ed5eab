//! Appeals against the outcome of a quorum whose members disagreed.
//!
//! Agreement alone does not show who is right, so it takes nobody's bond. If the chain can verify
//! proofs of the version, everybody's stake remains locked for a while, in which anyone may prove the
//! right output. Whoever submitted another one is then penalised, be it the minority or the majority.

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::{
    digest,
    dispute::tensor_data,
    operator::{Conduct, Offence},
    traits::{BlockRoom, Models, Operators, OutputProofs},
    validate_payload, Balance, BlockNumber, Digest, RequestId,
};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

use crate::{
    Agenda, AppealTime, Appealable, Config, Corrections, Error, Event, Inputs, Pallet, Request,
    Requests, Results,
};

impl<T: Config> Pallet<T> {
    /// Opens the time for appeals against the outcome of a request that has just ended. Its input and
    /// its version stay, and the stakes of the members with results.
    pub(crate) fn allow_appeals(id: RequestId) {
        let window = T::AppealWindow::get();
        let until = T::now().saturating_add(window);
        // This block does not count, though its room is counted later.
        let final_from = T::Room::move_blocks().saturating_add(window).saturating_add(1);
        Appealable::<T>::insert(id, AppealTime { until, final_from });
        Agenda::<T>::insert(until.saturating_add(1), id, ());
        Self::deposit_event(Event::AppealsOpen { request: id, until });
    }

    pub(crate) fn do_appeal(
        appellant: T::AccountId,
        id: RequestId,
        output: &[u8],
        proof: &[u8],
    ) -> DispatchResult {
        let time = Appealable::<T>::get(id).ok_or(Error::<T>::NotAppealable)?;
        let is_open = T::now() <= time.until || Self::appeal_blocks_missing(&time) > 0;
        ensure!(is_open, Error::<T>::NotAppealable);
        let request = Requests::<T>::get(id).ok_or(Error::<T>::RequestNotFound)?;
        let terms = T::Models::terms(request.version).ok_or(Error::<T>::VersionNotFound)?;
        validate_payload(output, &terms.descriptor.outputs).map_err(|_| Error::<T>::WrongOutput)?;
        let data = tensor_data(output).ok_or(Error::<T>::WrongOutput)?;
        ensure!(T::Proofs::holds(id, Some(&appellant), &data, proof), Error::<T>::ProofRefused);

        Self::correct(id, &request, appellant, digest(output), time.until);
        Ok(())
    }

    /// Penalises the members whose results are not the right one, and rewards the appellant.
    pub(crate) fn correct(
        id: RequestId,
        request: &Request<T::AccountId>,
        appellant: T::AccountId,
        right: Digest,
        until: BlockNumber,
    ) {
        let penalised = Self::others(id, right);
        for member in &penalised {
            let payer = Some((&request.payer, request.budget()));
            T::Operators::penalise(member, Offence::WrongResult, payer);
            let reward = Some((&appellant, Balance::MAX));
            T::Operators::penalise(member, Offence::LostDispute, reward);
        }
        Corrections::<T>::insert(id, right);
        Self::end_appeals(id, request, until);
        Self::deposit_event(Event::Appealed { request: id, appellant, right, penalised });
    }

    /// The number of blocks with room for an appeal that still have to come.
    fn appeal_blocks_missing(time: &AppealTime) -> BlockNumber {
        time.final_from.saturating_sub(T::Room::move_blocks())
    }

    /// Ends the time for appeals if it has passed. Without an appeal, the members that were outvoted
    /// only get a mark. If too few blocks had room for an appeal, the time is longer.
    pub(crate) fn pass_appeals(id: RequestId, request: &Request<T::AccountId>) {
        let Some(time) = Appealable::<T>::get(id).filter(|time| T::now() > time.until) else {
            return;
        };
        let until = time.until;
        let missing = Self::appeal_blocks_missing(&time);
        if missing > 0 {
            // This block is the first of the missing ones.
            let last = T::now().saturating_add(missing).saturating_sub(1);
            Agenda::<T>::remove(until.saturating_add(1), id);
            Agenda::<T>::insert(last.saturating_add(1), id, ());
            Appealable::<T>::insert(id, AppealTime { until: last, ..time });
            return;
        }
        let winner = Results::<T>::get(id).and_then(|kept| kept.receipt.output_digest);
        for member in winner.map(|winner| Self::others(id, winner)).unwrap_or_default() {
            T::Operators::note(&member, request.version, Conduct::Outvoted);
        }
        Self::end_appeals(id, request, until);
    }

    /// The members that submitted a result other than the one with this digest.
    fn others(id: RequestId, right: Digest) -> Vec<T::AccountId> {
        let evidence = Results::<T>::get(id).map(|kept| kept.evidence).unwrap_or_default();
        let others = evidence.into_iter().filter(|item| item.output_digest != right);
        others.map(|item| item.operator).collect()
    }

    /// Releases everything that an appeal could have needed.
    fn end_appeals(id: RequestId, request: &Request<T::AccountId>, until: BlockNumber) {
        Appealable::<T>::remove(id);
        Agenda::<T>::remove(until.saturating_add(1), id);
        Inputs::<T>::remove(id);
        T::Models::release(request.version, 1);
        let evidence = Results::<T>::get(id).map(|kept| kept.evidence).unwrap_or_default();
        for item in evidence {
            T::Operators::release(&item.operator, request.stake);
        }
    }
}
