//! Motions of the technical committee.

use assay_runtime::{Runtime, RuntimeCall, SafeMode, System};
use frame_support::traits::Get;
use sp_keyring::Sr25519Keyring::*;

use crate::{
    common::{validators::as_root, *},
    steps::*,
};

/// A prime member could otherwise act as the whole committee after three days of silence.
#[test]
fn who_does_not_vote_never_votes_as_the_prime_member() {
    run(|| {
        let set = pallet_collective::Call::<Runtime, _>::set_members {
            new_members: [Alice, Bob, Charlie].map(|who| who.to_account_id()).to_vec(),
            prime: Some(Alice.to_account_id()),
            old_count: 3,
        };
        as_root(RuntimeCall::TechnicalCommittee(set));
        let wanted: RuntimeCall = frame_system::Call::remark { remark: vec![1] }.into();
        let motions: [RuntimeCall; 2] = [
            pallet_whitelist::Call::whitelist_call { call_hash: hash(&wanted) }.into(),
            pallet_safe_mode::Call::force_enter {}.into(),
        ];
        let first = next_motion();
        for (motion, index) in motions.iter().zip(first..) {
            submit(Alice, motion_call(2, motion));
            submit(Alice, approve_call(index, motion));
            assert!(include(signed(Alice, close_call(index, motion))).is_err(), "it is too early");
        }
        let duration = <Runtime as pallet_collective::Config<Technical>>::MotionDuration::get();
        go_to(System::block_number() + duration);
        for (motion, index) in motions.iter().zip(first..) {
            submit(Alice, close_call(index, motion));
            assert_eq!(executed(), None);
        }
        assert!(!is_whitelisted(&wanted));
        assert!(!SafeMode::is_entered());

        // Two who vote are enough.
        move_by(&[Alice, Bob], motions[0].clone());
        assert!(is_whitelisted(&wanted));
    });
}

#[test]
fn motions_of_one_member_leave_room_for_those_of_others() {
    run(|| {
        let motions = (0..32).map(|number| {
            let remark = frame_system::Call::remark { remark: vec![number] };
            motion_call(2, &remark.into())
        });
        submit(Alice, pallet_utility::Call::batch_all { calls: motions.collect() });
        assert_eq!(next_motion(), 32);
        move_by(&[Bob, Charlie], pallet_safe_mode::Call::force_enter {});
        assert!(SafeMode::is_entered());
    });
}
