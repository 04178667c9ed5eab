//! Benchmarks of the call and the hooks. The runtime provides the validators.
#![cfg(feature = "runtime-benchmarks")]

use codec::{Decode, Encode};
use frame_benchmarking::{account, v2::*};
use frame_support::{traits::Get, BoundedVec};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_runtime::traits::TrailingZeroInput;

use crate::*;

#[benchmarks(where T: pallet_authorship::Config)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn purge_keys() {
        let former: T::AccountId = account("former", 0, 0);
        T::Set::set_keys(&former);

        #[extrinsic_call]
        _(RawOrigin::Signed(former.clone()));

        assert!(T::Set::purge_keys(former).is_err());
    }

    #[benchmark]
    fn note_author() {
        let author: T::AccountId = account("author", 0, 0);
        Made::<T>::insert(&author, 1);

        #[block]
        {
            <Pallet<T> as pallet_authorship::EventHandler<_, BlockNumberFor<T>>>::note_author(
                author.clone(),
            );
        }

        assert_eq!(Made::<T>::get(author), 2);
    }

    #[benchmark]
    fn on_finalize() {
        BlockFees::<T>::put(1_000_000_000_000);
        EraFees::<T>::put(1);

        #[block]
        {
            Pallet::<T>::divide_fees();
        }

        assert_eq!(BlockFees::<T>::get(), 0);
        assert!(EraFees::<T>::get() > 1);
    }

    /// `v` validators, of which as many as are tolerated have made no block.
    #[benchmark]
    fn end_session(v: Linear<1, { T::MaxMembers::get() }>) {
        T::Set::set_members(v);
        let members = T::Set::members();
        let absent = Pallet::<T>::tolerated(v) as usize;
        for member in &members[absent..] {
            Made::<T>::insert(&member.account, u32::MAX / v);
        }

        #[block]
        {
            Pallet::<T>::end_session();
        }

        assert_eq!(Made::<T>::iter().count(), 0);
        // Their counts go on, so that they do not become candidates again in vain.
        assert_eq!(Missed::<T>::get().len(), absent);
    }

    /// `v` validators with other keys than before, while a list of as many is dropped.
    #[benchmark]
    fn start_session(v: Linear<1, { T::MaxMembers::get() }>) {
        T::Set::set_members(v);
        let keys = |number: usize| {
            T::Keys::decode(&mut TrailingZeroInput::new(&(number as u32).encode()))
                .expect("any bytes are keys")
        };
        let members: Vec<_> = T::Set::members()
            .into_iter()
            .enumerate()
            .map(|(number, member)| (member.account, keys(number)))
            .collect();
        let (old, now) = (1, 1 + T::KeptSessions::get());
        let reversed: Vec<_> = members.iter().rev().cloned().collect();
        for session in [old, now - 1] {
            KeyLists::<T>::insert(session, BoundedVec::truncate_from(reversed.clone()));
            KeyListOf::<T>::insert(session, session);
        }

        #[block]
        {
            Pallet::<T>::start_session(now, members.clone());
        }

        assert_eq!(Pallet::<T>::keys_of(now).map(|kept| kept.into_inner()), Some(members));
        assert_eq!(Pallet::<T>::keys_of(old), None);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
