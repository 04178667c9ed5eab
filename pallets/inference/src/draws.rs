//! Which requests the end of a block draws, within what its start has reserved.

use alloc::collections::BTreeMap;
use assay_primitives::{
    assurance::MAX_COMMITTEE,
    traits::{BlockRandomness, OnRequestFinal, Operators},
    AssuranceClass, Balance, RequestId, VersionId,
};
use frame_support::{traits::Get, weights::Weight};

use crate::{
    transitions::Turn, Config, DrawsDue, Pallet, PreviousRandomness, Queue, QueueBounds, Request,
    Requests, WeightInfo,
};

/// How often `step` fits into `budget`.
pub(crate) fn fits(budget: Weight, step: Weight) -> u32 {
    budget.checked_div_per_component(&step).unwrap_or(u64::MAX).min(u32::MAX.into()) as u32
}

/// Committees for which too few operators had room in this block, with the largest budget per
/// member that was tried. With less money nobody else is found.
#[derive(Default)]
pub(crate) struct Full(BTreeMap<(VersionId, AssuranceClass, usize), Balance>);

impl Full {
    fn has<AccountId: Clone + PartialEq>(&self, request: &Request<AccountId>) -> bool {
        self.0.get(&Self::key(request)).is_some_and(|tried| request.budget() <= *tried)
    }

    fn note<AccountId: Clone + PartialEq>(&mut self, request: &Request<AccountId>) {
        self.0.insert(Self::key(request), request.budget());
    }

    fn key<AccountId: Clone + PartialEq>(
        request: &Request<AccountId>,
    ) -> (VersionId, AssuranceClass, usize) {
        (request.version, request.assurance.class(), request.size())
    }
}

impl<T: Config> Pallet<T> {
    /// The most that the turn of one request takes.
    fn turn_weight() -> Weight {
        let most = T::Operators::max_servers();
        T::WeightInfo::draw(most, MAX_COMMITTEE.into()).max(Self::end_weight(most))
    }

    /// A draw that finds too few among `servers`, and the end of the request.
    fn end_weight(servers: u32) -> Weight {
        T::WeightInfo::draw(servers, 1)
            .saturating_add(T::WeightInfo::cancel())
            .saturating_add(T::OnRequestFinal::weight())
    }

    /// Draws of the largest committees that one block makes. Of smaller ones it makes more.
    pub fn draws_per_block() -> u32 {
        fits(T::DrawBudget::get(), Self::turn_weight())
    }

    /// What the end of a block may take for `due` requests.
    fn reserved(due: u32) -> Weight {
        Self::turn_weight().saturating_mul(due.into()).min(T::DrawBudget::get())
    }

    /// Sets how many requests the end of the block looks at. Returns the weight that is reserved
    /// for them.
    pub(crate) fn plan_draws() -> Weight {
        let (first, end) = QueueBounds::<T>::get();
        let due = end.saturating_sub(first).min(u32::MAX.into()) as u32;
        DrawsDue::<T>::put(due);
        T::WeightInfo::on_initialize().saturating_add(Self::reserved(due))
    }

    /// Draws the requests that were planned at the start of the block, in the order of the
    /// queue, as long as what is left of the reserved weight is enough for any of them. Those
    /// for which nobody has room go to the end of the queue.
    pub(crate) fn draw_due() {
        let due = DrawsDue::<T>::take();
        let current = T::Randomness::current();
        if let (Some(previous), Some(current)) = (PreviousRandomness::<T>::get(), current) {
            let mut left = Self::reserved(due);
            let (mut first, mut end) = QueueBounds::<T>::get();
            let mut full = Full::default();
            for _ in 0..due {
                if Self::turn_weight().any_gt(left) {
                    break;
                }
                if let Some(id) = Queue::<T>::take(first) {
                    let (turn, weight) = Self::take_turn(id, &(previous, current), &mut full);
                    if turn == Turn::Waits {
                        Queue::<T>::insert(end, id);
                        end += 1;
                    }
                    left = left.saturating_sub(weight);
                }
                first += 1;
            }
            QueueBounds::<T>::put((first, end));
        }
        match current {
            Some(current) => PreviousRandomness::<T>::put(current),
            None => PreviousRandomness::<T>::kill(),
        }
    }

    pub(crate) fn take_turn(
        id: RequestId,
        randomness: &([u8; 32], [u8; 32]),
        full: &mut Full,
    ) -> (Turn, Weight) {
        let nothing = T::WeightInfo::draw(0, 1);
        let Some(request) = Requests::<T>::get(id) else { return (Turn::Gone, nothing) };
        if !request.is_final() && full.has(&request) {
            return (Turn::Waits, nothing);
        }
        let servers = T::Operators::servers(request.version);
        let turn = Self::assign(id, randomness);
        let weight = match turn {
            Turn::Assigned => T::WeightInfo::draw(servers, request.size() as u32),
            Turn::Waits => T::WeightInfo::draw(servers, 1),
            Turn::Ended => Self::end_weight(servers),
            Turn::Gone => nothing,
        };
        if turn == Turn::Waits {
            full.note(&request);
        }
        (turn, weight)
    }
}
