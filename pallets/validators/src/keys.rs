//! The keys with which the validators of past sessions took part in consensus.

use alloc::vec::Vec;
use frame_support::{dispatch::DispatchClass, traits::Get, BoundedVec};
use sp_staking::SessionIndex;

use crate::{Config, KeyListOf, KeyLists, MemberKeys, Pallet, WeightInfo};

impl<T: Config> Pallet<T> {
    /// Notes the validators of a session that begins, in their order, with the keys that they use in
    /// it. More than [`Config::MaxMembers`] are not noted.
    pub fn start_session(session: SessionIndex, members: Vec<(T::AccountId, T::Keys)>) {
        let weight = T::WeightInfo::start_session(members.len() as u32);
        frame_system::Pallet::<T>::register_extra_weight_unchecked(
            weight,
            DispatchClass::Mandatory,
        );
        let members = BoundedVec::truncate_from(members);
        // Most sessions have the keys of the one before.
        let before = session.checked_sub(1).and_then(KeyListOf::<T>::get);
        match before.filter(|list| KeyLists::<T>::get(list).as_ref() == Some(&members)) {
            Some(list) => KeyListOf::<T>::insert(session, list),
            None => {
                KeyLists::<T>::insert(session, members);
                KeyListOf::<T>::insert(session, session);
            },
        }
        if let Some(old) = session.checked_sub(T::KeptSessions::get()) {
            if let Some(list) = KeyListOf::<T>::take(old) {
                if KeyListOf::<T>::get(old + 1) != Some(list) {
                    KeyLists::<T>::remove(list);
                }
            }
        }
    }

    /// The validators of a session, in their order, with the keys that they used in it. `None` if it
    /// has not begun, or is over for [`Config::KeptSessions`] sessions.
    pub fn keys_of(session: SessionIndex) -> Option<MemberKeys<T>> {
        KeyLists::<T>::get(KeyListOf::<T>::get(session)?)
    }
}
