//! The hook at the start of a block that handles passed deadlines, within a weight budget.

use assay_pallet_support::Chain;
use assay_primitives::{
    assurance::MAX_COMMITTEE, runtime_api::Status, traits::OnRequestFinal, AssuranceClass,
    BlockNumber, Outcome, RequestId,
};
use frame_support::{traits::Get, weights::Weight};

use crate::{draws::fits, Agenda, AgendaCursor, Config, Pallet, Request, Requests, WeightInfo};

/// Maximum number of heights of the agenda that one block processes. Usually one is due.
const MAX_HEIGHTS: u32 = 16;

impl<T: Config> Pallet<T> {
    /// Weight of handling a passed deadline of this request.
    fn sweep_weight(request: &Request<T::AccountId>) -> Weight {
        match (request.assurance.class(), request.status) {
            (_, Status::Final(_)) => T::WeightInfo::pass_appeals(),
            // Compares the results.
            (AssuranceClass::Quorum, Status::Revealing) => {
                return Self::late_conclusion_weight(request.members.len() as u32);
            },
            (AssuranceClass::Quorum, _) => T::WeightInfo::commit_deadline(),
            // Makes the result final.
            (AssuranceClass::Optimistic, Status::Disputable) => T::WeightInfo::pass_window(),
            _ => T::WeightInfo::deadline_single(),
        }
        .saturating_add(T::OnRequestFinal::weight())
    }

    /// Maximum number of passed deadlines of the largest committees that one block handles.
    pub fn sweeps_per_block() -> u32 {
        fits(T::SweepBudget::get(), Self::late_conclusion_weight(MAX_COMMITTEE.into()))
    }

    /// Weight of ending a quorum of `members` some of whom are late. All others may have different
    /// results.
    fn late_conclusion_weight(members: u32) -> Weight {
        Self::conclusion_weight(members, members, T::MaxOutputBytes::get())
            .saturating_add(T::WeightInfo::commit_deadline())
    }

    /// Handles as many passed deadlines as the budget allows. Returns the weight spent.
    pub(crate) fn sweep_deadlines() -> Weight {
        let now = T::now();
        let budget = T::SweepBudget::get();
        let cheapest = T::WeightInfo::deadline_single().saturating_add(T::OnRequestFinal::weight());
        let mut spent = Weight::zero();
        // Before the first block with this pallet there were no requests.
        let first = AgendaCursor::<T>::try_get().unwrap_or(now);
        let mut cursor = first;
        while cursor <= now && cursor - first < MAX_HEIGHTS {
            let most = fits(budget.saturating_sub(spent), cheapest) as usize;
            let entries: alloc::vec::Vec<_> =
                Agenda::<T>::iter_key_prefix(cursor).take(most + 1).collect();
            let is_whole = entries.len() <= most;
            for id in entries {
                let request = Requests::<T>::get(id);
                let weight = request.as_ref().map_or(cheapest, Self::sweep_weight);
                let after = spent.saturating_add(weight);
                if after.any_gt(budget) {
                    AgendaCursor::<T>::put(cursor);
                    return spent;
                }
                spent = after;
                Agenda::<T>::remove(cursor, id);
                if let Some(request) = request {
                    Self::pass_deadline(id, request, cursor);
                }
            }
            // Entries can cost less than the cheapest deadline, so some may be left although the
            // budget is not used up.
            if !is_whole {
                break;
            }
            cursor += 1;
        }
        AgendaCursor::<T>::put(cursor);
        spent
    }

    /// Does what is due at height `at`, which is now, or earlier if the sweep lags.
    fn pass_deadline(id: RequestId, request: Request<T::AccountId>, at: BlockNumber) {
        let now = T::now();
        match request.status {
            Status::Pending if at == request.draw_from => {
                Self::enqueue(id, 1, request.requested_at)
            },
            Status::Final(_) => Self::pass_appeals(id, &request),
            Status::Pending if now > request.deadline => {
                Self::finish_unpaid(id, request, Outcome::TimedOut)
            },
            Status::Disputable => Self::pass_window(id, request),
            Status::Assigned | Status::Revealing if now > Self::due(&request) => {
                match Self::blocks_missing(&request) {
                    0 if now > request.deadline => {
                        Self::conclude(id, request);
                    },
                    0 => Self::close_commitments(id, request),
                    missing => Self::prolong(id, request, missing),
                }
            },
            _ => {},
        }
    }
}
