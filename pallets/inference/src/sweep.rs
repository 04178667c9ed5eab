//! The hook at the start of a block that handles passed deadlines, within a weight budget.

use assay_pallet_support::Chain;
use assay_primitives::{
    assurance::MAX_COMMITTEE, runtime_api::Status, traits::OnRequestFinal, AssuranceClass,
    BlockNumber, Outcome, RequestId,
};
use frame_support::{traits::Get, weights::Weight};

use crate::{
    draws::fits, room::Conclusion, Agenda, AgendaCursor, Config, Pallet, Request, Requests,
    Waiting, WaitingKey, WeightInfo,
};

/// Maximum number of heights of the agenda that one block processes. Usually one is due.
pub(crate) const MAX_HEIGHTS: u32 = 16;

/// What is due for a request at a height of the agenda.
enum Due {
    /// Nothing: an earlier step has made it obsolete, or a later height does it.
    Nothing,
    /// The draw is near.
    Draw,
    /// It has rested after a draw in vain, or has waited long.
    Wake,
    /// The deadline of a request without a committee has passed.
    Undrawn,
    /// Members of a committee are late.
    End(Conclusion),
    /// Commitments are no longer accepted, and enough have come.
    Reveals,
    /// So many blocks with room are missing.
    More(BlockNumber),
    /// The dispute window may have passed.
    Window,
    /// The time for appeals is over.
    Appeals,
}

impl<T: Config> Pallet<T> {
    /// What is due for this request at height `at`, which is now, or earlier if the sweep lags.
    fn due_at(id: RequestId, request: &Request<T::AccountId>, at: BlockNumber) -> Due {
        let now = T::now();
        match request.status {
            Status::Final(_) => Due::Appeals,
            Status::Pending if at == request.draw_from => Due::Draw,
            Status::Pending if now > request.deadline => Due::Undrawn,
            Status::Pending if at == request.again_at => {
                let key = WaitingKey::new(request.waits_since, id);
                // If it has waited and does not any more, it was called.
                match request.waits_since == 0 || Waiting::<T>::contains_key(request.version, key) {
                    true => Due::Wake,
                    false => Due::Nothing,
                }
            },
            Status::Disputable => Due::Window,
            Status::Assigned | Status::Revealing if now > Self::due(request) => {
                let can_reveal =
                    || request.status == Status::Assigned && Self::can_reveal(id, request);
                match Self::blocks_missing(request) {
                    missing if missing > 0 => Due::More(missing),
                    _ if now <= request.deadline && can_reveal() => Due::Reveals,
                    // The sweep comes too late for the reveals, for which it is the sign: they have
                    // their time from now on.
                    _ if now > request.deadline && can_reveal() => Due::More(1),
                    _ => Due::End(Self::conclusion(id, request)),
                }
            },
            _ => Due::Nothing,
        }
    }

    /// Weight of what is due.
    fn due_weight(request: &Request<T::AccountId>, due: &Due) -> Weight {
        match due {
            Due::Nothing => T::WeightInfo::pass_over(),
            Due::Draw | Due::More(_) => T::WeightInfo::prolong(),
            Due::Wake => T::WeightInfo::prolong().saturating_add(T::WeightInfo::call_waiting()),
            Due::Reveals => T::WeightInfo::commit_deadline(),
            Due::Undrawn => T::WeightInfo::pass_over()
                .saturating_add(T::WeightInfo::cancel())
                .saturating_add(T::OnRequestFinal::weight()),
            Due::Window => T::WeightInfo::pass_window().saturating_add(T::OnRequestFinal::weight()),
            Due::Appeals => T::WeightInfo::pass_appeals(),
            Due::End(conclusion) if request.assurance.class() == AssuranceClass::Quorum => {
                T::WeightInfo::commit_deadline()
                    .saturating_add(Self::conclusion_weight(*conclusion))
            },
            Due::End(_) => {
                T::WeightInfo::deadline_single().saturating_add(T::OnRequestFinal::weight())
            },
        }
    }

    /// Number of passed deadlines of the largest committees, whose results all differ and are as long
    /// as can be, that one block handles.
    pub fn sweeps_per_block() -> u32 {
        let most = MAX_COMMITTEE.into();
        let bytes = T::MaxOutputBytes::get();
        let largest = Conclusion { members: most, late: 0, outputs: most, bytes };
        let weight =
            T::WeightInfo::commit_deadline().saturating_add(Self::conclusion_weight(largest));
        fits(T::SweepBudget::get(), weight)
    }

    /// Handles as many passed deadlines as the budget allows. Returns the weight spent.
    pub(crate) fn sweep_deadlines() -> Weight {
        let now = T::now();
        let budget = T::SweepBudget::get();
        let cheapest = T::WeightInfo::pass_over();
        let mut spent = Weight::zero();
        // Before the first block with this pallet there were no requests.
        let first = AgendaCursor::<T>::try_get().unwrap_or(now);
        let mut cursor = first;
        while cursor <= now && cursor - first < MAX_HEIGHTS {
            for id in Agenda::<T>::iter_key_prefix(cursor) {
                let request = Requests::<T>::get(id);
                let request = request.map(|request| (Self::due_at(id, &request, cursor), request));
                let weight = request
                    .as_ref()
                    .map_or(cheapest, |(due, request)| Self::due_weight(request, due));
                let after = spent.saturating_add(weight);
                if after.any_gt(budget) {
                    // It has been looked at.
                    AgendaCursor::<T>::put(cursor);
                    return spent.saturating_add(cheapest);
                }
                spent = after;
                Agenda::<T>::remove(cursor, id);
                if let Some((due, request)) = request {
                    Self::carry_out(due, id, request);
                }
            }
            cursor += 1;
        }
        AgendaCursor::<T>::put(cursor);
        spent
    }

    fn carry_out(due: Due, id: RequestId, mut request: Request<T::AccountId>) {
        match due {
            Due::Nothing => {},
            Due::Draw => Self::enqueue(id, 1, request.requested_at, 0),
            Due::Wake => Self::wake(id, request),
            Due::Undrawn => Self::finish_unpaid(id, request, Outcome::TimedOut),
            Due::End(_) => {
                Self::conclude(id, request);
            },
            Due::Reveals => Self::open_reveals(id, &mut request),
            Due::More(missing) => Self::prolong(id, request, missing),
            Due::Window => Self::pass_window(id, request),
            Due::Appeals => Self::pass_appeals(id, &request),
        }
    }
}
