//! The hook at the start of a block, which ends disputes whose deadline has passed, and removes what
//! operators have shown when no dispute needs it any more.

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::traits::OptimisticResults;
use frame_support::{traits::Get, weights::Weight};

use crate::{
    Agenda, AgendaCursor, Config, Obsolete, OpenDisputes, Pallet, Shown, ShownAt, WeightInfo,
};

/// Maximum number of heights of the agenda that one block processes. Usually one is due.
const MAX_HEIGHTS: u32 = 16;
/// Maximum number of things that operators have shown which one block removes.
const MAX_FORGOTTEN: u64 = 16;

impl<T: Config> Pallet<T> {
    /// Weight of handling a passed deadline.
    fn expire_weight() -> Weight {
        T::WeightInfo::expire().saturating_add(T::Results::weight())
    }

    /// Maximum number of passed deadlines that one block handles.
    pub fn sweeps_per_block() -> u32 {
        T::SweepBudget::get().checked_div_per_component(&Self::expire_weight()).unwrap_or(0) as u32
    }

    /// Ends as many disputes with passed deadlines as the budget allows, then removes what is
    /// obsolete. Returns the weight spent.
    pub(crate) fn sweep() -> Weight {
        let spent = Self::sweep_deadlines();
        spent.saturating_add(Self::forget(T::SweepBudget::get().saturating_sub(spent)))
    }

    /// Removes some of what operators have shown about results that are not disputed any more.
    /// Returns the weight spent.
    pub(crate) fn forget(budget: Weight) -> Weight {
        let step = T::WeightInfo::forget();
        let steps = budget.checked_div_per_component(&step).unwrap_or(0).min(MAX_FORGOTTEN);
        let mut left = steps;
        while left > 0 {
            let Some(request) = Obsolete::<T>::iter_keys().next() else { break };
            let next = ShownAt::<T>::iter_key_prefix(request).next();
            match next {
                Some(what) => {
                    ShownAt::<T>::remove(request, what);
                    Shown::<T>::remove(request, what);
                },
                None => Obsolete::<T>::remove(request),
            }
            left -= 1;
        }
        step.saturating_mul(steps - left)
    }

    fn sweep_deadlines() -> Weight {
        let now = T::now();
        let mut left = Self::sweeps_per_block();
        let mut spent = Weight::zero();
        // Before the first block with this pallet there were no disputes.
        let first = AgendaCursor::<T>::try_get().unwrap_or(now);
        let mut cursor = first;
        while cursor <= now && cursor - first < MAX_HEIGHTS {
            let due: Vec<_> =
                Agenda::<T>::iter_key_prefix(cursor).take(left as usize + 1).collect();
            for id in due {
                if left == 0 {
                    AgendaCursor::<T>::put(cursor);
                    return spent;
                }
                left -= 1;
                spent = spent.saturating_add(Self::expire_weight());
                Agenda::<T>::remove(cursor, id);
                if let Some(dispute) = OpenDisputes::<T>::get(id) {
                    Self::expire(id, dispute);
                }
            }
            cursor += 1;
        }
        AgendaCursor::<T>::put(cursor);
        spent
    }
}
