//! The dispute windows of optimistic results, and these results as disputes need them.

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::{
    dispute::tensor_data,
    engine::{Job, JobInput},
    runtime_api::Status,
    traits::{
        Artifacts, BlockRoom, Disputes, Models, OnRequestFinal, Operators, OptimisticResult,
        OptimisticResults, Verification,
    },
    BlockNumber, RequestId, WorkerId,
};
use frame_support::{defensive, weights::Weight};

use crate::{Agenda, Claims, Config, Inputs, Pallet, Request, Requests, TraceClaim, WeightInfo};

impl<T: Config> Pallet<T> {
    /// Makes a result final if its window has passed and no dispute over it is open. If one is
    /// open, the end of the last dispute calls this again.
    /// If too few blocks in the window had room for moves, the window is longer.
    pub(crate) fn pass_window(id: RequestId, request: Request<T::AccountId>) {
        let Some(mut claim) =
            Claims::<T>::get(id).filter(|claim| T::now() > claim.disputable_until)
        else {
            return;
        };
        let missing = Self::moves_missing(&claim);
        if missing > 0 {
            let last = T::now().saturating_add(missing).saturating_sub(1);
            Agenda::<T>::remove(claim.disputable_until.saturating_add(1), id);
            Agenda::<T>::insert(last.saturating_add(1), id, ());
            claim.disputable_until = last;
            Claims::<T>::insert(id, claim);
        } else if !T::Disputes::are_open(id) {
            Self::conclude(id, request);
        }
    }

    /// The number of blocks with room for a move that a dispute window still has to have.
    fn moves_missing(claim: &TraceClaim) -> BlockNumber {
        claim.final_from.saturating_sub(T::Room::move_blocks())
    }

    /// Last height at which a dispute may be opened, as far as it is known. While blocks with room are
    /// missing, it is not over, but the sweep, which moves it, may lag.
    fn disputable_until(claim: &TraceClaim) -> BlockNumber {
        match Self::moves_missing(claim) {
            0 => claim.disputable_until,
            _ => claim.disputable_until.max(T::now()),
        }
    }

    /// A request with an optimistic result, its operator and its claim; `None` for other requests.
    fn disputed(id: RequestId) -> Option<(Request<T::AccountId>, T::AccountId, TraceClaim)> {
        let claim = Claims::<T>::get(id)?;
        let request =
            Requests::<T>::get(id).filter(|request| request.status == Status::Disputable)?;
        let operator = request.members.first()?.account.clone();
        Some((request, operator, claim))
    }
}

impl<T: Config> OptimisticResults<T::AccountId> for Pallet<T> {
    fn result(request: RequestId) -> Option<OptimisticResult<T::AccountId>> {
        let (record, operator, claim) = Self::disputed(request)?;
        let disputable_until = Self::disputable_until(&claim);
        Some(OptimisticResult {
            worker: T::Operators::worker(&operator),
            operator,
            answered: record.answered(T::genesis(), request),
            output_digest: claim.output_digest,
            trace_root: claim.trace_root,
            disputable_until,
        })
    }

    fn architecture(request: RequestId) -> Option<Vec<u8>> {
        T::Models::architecture(Requests::<T>::get(request)?.version)
    }

    fn input(request: RequestId) -> Option<Vec<u8>> {
        tensor_data(&Inputs::<T>::get(request)?)
    }

    fn output(request: RequestId) -> Option<Vec<u8>> {
        let (_, operator, _) = Self::disputed(request)?;
        tensor_data(&T::Verification::shown_output(request, &operator)?)
    }

    fn disputable(after: Option<RequestId>, limit: u32) -> Vec<RequestId> {
        let now = T::now();
        let claims = match after {
            None => Claims::<T>::iter(),
            Some(after) => Claims::<T>::iter_from(Claims::<T>::hashed_key_for(after)),
        };
        claims
            .filter(|(_, claim)| now <= Self::disputable_until(claim))
            .map(|(request, _)| request)
            .take(limit as usize)
            .collect()
    }

    fn operator_of(worker: &WorkerId) -> Option<T::AccountId> {
        T::Operators::operator_of(worker)
    }

    fn job(id: RequestId, wait_ms: u32) -> Option<Job> {
        let request = Requests::<T>::get(id)?;
        let descriptor = T::Models::terms(request.version)?.descriptor;
        let artifact = T::Artifacts::complete(&descriptor.artifact)?;
        let input = JobInput::Inline(Inputs::<T>::get(id)?.into_inner());
        Some(Job { request: id, artifact, descriptor, input, wait_ms, prove: None })
    }

    fn uphold(id: RequestId) {
        if let Some((request, _, _)) = Self::disputed(id) {
            Self::pass_window(id, request);
        }
    }

    fn accept(id: RequestId) {
        match Self::disputed(id) {
            Some((request, _, _)) => {
                Self::conclude(id, request);
            },
            None => {
                defensive!("a dispute proved a result that does not exist");
            },
        }
    }

    fn reject(id: RequestId, challenger: &T::AccountId) {
        match Self::disputed(id) {
            Some((request, _, _)) => Self::reject_result(id, request, challenger),
            None => {
                defensive!("a dispute rejected a result that does not exist");
            },
        }
    }

    fn weight() -> Weight {
        T::WeightInfo::reject_result()
            .max(T::WeightInfo::pass_window())
            .saturating_add(T::OnRequestFinal::weight())
    }
}
