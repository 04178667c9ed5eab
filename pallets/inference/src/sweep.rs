//! What the hooks do at the start of a block, within bounds.

use assay_primitives::{runtime_api::Status, traits::OnRequestFinal, Assurance, Outcome};
use frame_support::{traits::Get, weights::Weight};

use crate::{
    Agenda, AgendaCursor, Config, DrawsDue, Event, EvidenceOf, Finished, FinishedBounds, Outputs,
    Pallet, QueueBounds, Receipts, Requests, WeightInfo,
};

/// Heights of the agenda that one block looks at, at most. Usually it is one.
const MAX_HEIGHTS: u32 = 16;

/// How often `step` fits into `budget`.
fn fits(budget: Weight, step: Weight) -> u32 {
    budget.checked_div_per_component(&step).unwrap_or(u64::MAX).min(u32::MAX.into()) as u32
}

impl<T: Config> Pallet<T> {
    fn draw_weight() -> Weight {
        T::WeightInfo::draw(<T::Operators as assay_primitives::traits::Operators<_>>::max_candidates())
            .saturating_add(T::OnRequestFinal::weight())
    }

    fn sweep_weight() -> Weight {
        T::WeightInfo::deadline().saturating_add(T::OnRequestFinal::weight())
    }

    /// Requests that one block draws, at most.
    pub fn draws_per_block() -> u32 {
        fits(T::DrawBudget::get(), Self::draw_weight())
    }

    /// Passed deadlines that one block handles, at most.
    pub fn sweeps_per_block() -> u32 {
        fits(T::SweepBudget::get(), Self::sweep_weight())
    }

    /// Finished requests that one block prunes, at most.
    pub fn prunes_per_block() -> u32 {
        fits(T::SweepBudget::get(), T::WeightInfo::prune())
    }

    /// Sets how many requests the end of the block draws. Returns the weight of that.
    pub(crate) fn plan_draws() -> Weight {
        let (first, end) = QueueBounds::<T>::get();
        let due = end.saturating_sub(first).min(Self::draws_per_block().into()) as u32;
        DrawsDue::<T>::put(due);
        T::WeightInfo::on_initialize()
            .saturating_add(Self::draw_weight().saturating_mul(due.into()))
    }

    /// Handles requests whose commit deadline or deadline has passed.
    pub(crate) fn sweep_deadlines() -> Weight {
        let now = Self::now();
        let most = Self::sweeps_per_block();
        let mut handled = 0;
        let first = AgendaCursor::<T>::get();
        let mut cursor = first;
        while cursor <= now && cursor - first < MAX_HEIGHTS {
            let entries: alloc::vec::Vec<_> =
                Agenda::<T>::iter_key_prefix(cursor).take((most - handled) as usize + 1).collect();
            for id in entries {
                if handled == most {
                    AgendaCursor::<T>::put(cursor);
                    return Self::sweep_weight().saturating_mul(handled.into());
                }
                Agenda::<T>::remove(cursor, id);
                Self::pass_deadline(id);
                handled += 1;
            }
            cursor += 1;
        }
        AgendaCursor::<T>::put(cursor);
        Self::sweep_weight().saturating_mul(handled.into())
    }

    fn pass_deadline(id: assay_primitives::RequestId) {
        let Some(request) = Requests::<T>::get(id) else { return };
        let now = Self::now();
        match request.status {
            Status::Pending if now > request.deadline => {
                Self::finish_unpaid(id, request, Outcome::TimedOut)
            },
            Status::Assigned | Status::Submitted if now > request.deadline => {
                Self::conclude(id, request)
            },
            Status::Assigned if matches!(request.assurance, Assurance::Quorum { .. }) => {
                Self::close_commitments(id, request)
            },
            _ => {},
        }
    }

    /// Removes finished requests whose retention is over. Receipt digests and client keys stay.
    pub(crate) fn prune() -> Weight {
        let now = Self::now();
        let (mut first, end) = FinishedBounds::<T>::get();
        let mut pruned = 0;
        while first < end && pruned < Self::prunes_per_block() {
            let Some((id, finished_at)) = Finished::<T>::get(first) else {
                first += 1;
                continue;
            };
            if now <= finished_at.saturating_add(T::Retention::get()) {
                break;
            }
            Finished::<T>::remove(first);
            Requests::<T>::remove(id);
            Outputs::<T>::remove(id);
            Receipts::<T>::remove(id);
            EvidenceOf::<T>::remove(id);
            Self::deposit_event(Event::RequestPruned { request: id });
            first += 1;
            pruned += 1;
        }
        if pruned > 0 {
            FinishedBounds::<T>::put((first, end));
        }
        T::WeightInfo::prune().saturating_mul(pruned.into())
    }
}
