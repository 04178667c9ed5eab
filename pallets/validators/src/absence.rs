//! Validators that make no blocks.

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::{dispatch::DispatchClass, traits::Get, BoundedBTreeMap};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::SaturatedConversion;

use crate::{Config, Event, Made, Missed, Pallet, ValidatorSet, WeightInfo};

/// Millionths of a block in a block.
const MILLION: u64 = 1_000_000;

impl<T: Config> Pallet<T> {
    /// Number of validators of a set that may be faulty without harm: less than a third.
    pub fn tolerated(members: u32) -> u32 {
        members.saturating_sub(1) / 3
    }

    /// Ends a session. Has to be called while the validators are still those of this session, and
    /// before the era ends.
    pub fn end_session() {
        let members = T::Set::members();
        let count = members.len() as u32;
        let weight = T::WeightInfo::end_session(count);
        frame_system::Pallet::<T>::register_extra_weight_unchecked(
            weight,
            DispatchClass::Mandatory,
        );

        let made: BTreeMap<_, _> = Made::<T>::drain().collect();
        let blocks: u32 = made.values().sum();
        // Who is disabled is punished already, and cannot make blocks.
        let absent: Vec<_> = members
            .into_iter()
            .filter(|member| !member.disabled && !made.contains_key(&member.account))
            .map(|member| member.account)
            .collect();

        let mut before = Missed::<T>::take();
        let mut after = Vec::with_capacity(absent.len());
        if absent.len() as u32 > Self::tolerated(count) {
            Self::deposit_event(Event::Outage { absent: absent.len() as u32 });
            let missed = |account| before.remove(&account).map(|missed| (account, missed));
            after.extend(absent.into_iter().filter_map(missed));
        } else {
            // Each slot of these blocks was as likely this validator's as any other's, so this is the
            // least number of slots that it has had on average.
            let expected = u64::from(blocks) * MILLION / u64::from(count.max(1));
            for account in absent {
                let missed = before.remove(&account).unwrap_or_default().saturating_add(expected);
                Self::end_candidacy(&account, missed);
                // It counts on, so whoever becomes a candidate again without having made a block loses
                // the candidacy again before the next election.
                after.push((account, missed));
            }
        }
        if !after.is_empty() {
            // The validators of a session are at most `MaxMembers`.
            let after: BTreeMap<_, _> = after.into_iter().collect();
            let after = BoundedBTreeMap::<_, _, T::MaxMembers>::try_from(after);
            Missed::<T>::put(after.unwrap_or_default());
        }
    }

    /// Ends a validator's candidacy if it has missed enough blocks and there are candidates left.
    fn end_candidacy(validator: &T::AccountId, missed: u64) {
        let expected = (missed / MILLION).saturated_into::<u32>();
        if expected >= T::MissedBlocks::get()
            && T::Set::candidates() > T::Set::minimum().max(1)
            && T::Set::chill(validator)
        {
            Self::deposit_event(Event::Absent { validator: validator.clone(), expected });
        }
    }
}

impl<T: Config + pallet_authorship::Config>
    pallet_authorship::EventHandler<T::AccountId, BlockNumberFor<T>> for Pallet<T>
{
    fn note_author(author: T::AccountId) {
        Made::<T>::mutate(author, |made| *made = made.saturating_add(1));
    }
}
