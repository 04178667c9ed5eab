//! The draws at the end of a block, within the weight that its start has reserved.

use alloc::vec::Vec;
use assay_primitives::{
    assurance::MAX_COMMITTEE,
    traits::{BlockRandomness, OnRequestFinal, Operators},
    RequestId, VersionId,
};
use frame_support::{traits::Get, weights::Weight};

use crate::{
    transitions::Turn, Config, DrawsDue, Pallet, PreviousRandomness, Queue, QueueBounds, Requests,
    Waiting, WeightInfo,
};

/// How many times `step` fits into `budget`.
pub(crate) fn fits(budget: Weight, step: Weight) -> u32 {
    budget.checked_div_per_component(&step).unwrap_or(u64::MAX).min(u32::MAX.into()) as u32
}

impl<T: Config> Pallet<T> {
    /// Upper bound of the weight of processing one request of the queue.
    fn turn_weight() -> Weight {
        let most = T::Operators::max_servers();
        T::WeightInfo::draw(most, MAX_COMMITTEE.into()).max(Self::end_weight(most))
    }

    /// Weight of a draw that finds too few candidates among `servers`, and of the end of the
    /// request.
    fn end_weight(servers: u32) -> Weight {
        T::WeightInfo::draw(servers, 1)
            .saturating_add(T::WeightInfo::cancel())
            .saturating_add(T::OnRequestFinal::weight())
    }

    /// Number of requests with the largest committees that one block can draw. It can draw more
    /// smaller ones.
    pub fn draws_per_block() -> u32 {
        fits(T::DrawBudget::get(), Self::turn_weight())
    }

    /// Weight that is reserved for `due` requests.
    fn reserved(due: u32) -> Weight {
        Self::turn_weight().saturating_mul(due.into()).min(T::DrawBudget::get())
    }

    /// Plans the requests that the end of the block processes: those in the queue now. Returns the
    /// weight that is reserved for them.
    pub(crate) fn plan_draws() -> Weight {
        let (first, end) = QueueBounds::<T>::get();
        let due = end.saturating_sub(first).min(u32::MAX.into()) as u32;
        DrawsDue::<T>::put(due);
        T::WeightInfo::on_initialize().saturating_add(Self::reserved(due))
    }

    /// Draws the planned requests, in the order of the queue, as long as the rest of the reserved
    /// weight suffices for the most expensive one.
    pub(crate) fn draw_due() {
        let due = DrawsDue::<T>::take();
        let current = T::Randomness::current();
        if let (Some(previous), Some(current)) = (PreviousRandomness::<T>::get(), current) {
            let mut left = Self::reserved(due);
            for _ in 0..due {
                if Self::turn_weight().any_gt(left) {
                    break;
                }
                left = left.saturating_sub(Self::take_turn(&(previous, current)));
            }
        }
        match current {
            Some(current) => PreviousRandomness::<T>::put(current),
            None => PreviousRandomness::<T>::kill(),
        }
    }

    /// Processes the first request of the queue. Returns the weight spent.
    pub(crate) fn take_turn(randomness: &([u8; 32], [u8; 32])) -> Weight {
        let id = QueueBounds::<T>::mutate(|(first, _)| {
            let id = Queue::<T>::take(*first);
            *first += 1;
            id
        });
        let none = T::WeightInfo::draw(0, 1);
        let Some(request) = id.and_then(Requests::<T>::get) else { return none };
        let id = id.unwrap_or_default();
        let (version, size) = (request.version, request.size() as u32);
        let servers = T::Operators::servers(version);
        match Self::assign(id, request, randomness) {
            Turn::Assigned => T::WeightInfo::draw(servers, size),
            Turn::Waits => {
                Waiting::<T>::insert(version, id.0.to_be_bytes(), ());
                T::WeightInfo::draw(servers, 1)
            },
            // The capacity that this request was called for goes to the next waiting one.
            Turn::Ended => {
                Self::call_waiting(version, 1);
                Self::end_weight(servers)
            },
            Turn::Over => {
                Self::call_waiting(version, 1);
                none
            },
        }
    }

    /// Appends a request to the queue.
    pub(crate) fn enqueue(id: RequestId) {
        QueueBounds::<T>::mutate(|(_, end)| {
            Queue::<T>::insert(*end, id);
            *end += 1;
        });
    }

    /// Returns the oldest requests that wait for capacity at this version to the queue, at most
    /// `most`.
    ///
    /// A request waits only while a run of its version is open. The end of a run calls as many
    /// waiting requests as the run had members. Each called request draws operators or calls the
    /// next one, so no request keeps waiting while operators have capacity.
    pub(crate) fn call_waiting(version: VersionId, most: u32) {
        let called: Vec<_> = Waiting::<T>::iter_key_prefix(version).take(most as usize).collect();
        for key in called {
            Waiting::<T>::remove(version, key);
            Self::enqueue(RequestId(u64::from_be_bytes(key)));
        }
    }
}
