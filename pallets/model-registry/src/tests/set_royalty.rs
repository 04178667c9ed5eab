use assay_primitives::{traits::Models as _, ModelId, VersionId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, Perbill};

use crate::{mock::*, Error, Event};

#[test]
fn new_requests_see_the_new_royalty() {
    test(|| {
        create_and_publish();
        for royalty in [Perbill::from_percent(30), Perbill::zero()] {
            assert_ok!(Registry::set_royalty(RuntimeOrigin::signed(OWNER), VERSION, royalty));
            assert_eq!(Registry::terms(VERSION).unwrap().royalty, royalty);
            assert_eq!(last_event(), Some(Event::RoyaltySet { version: VERSION, royalty }));
        }
    });
}

#[test]
fn a_royalty_above_the_bound_is_refused() {
    test(|| {
        create_and_publish();
        for royalty in [Perbill::from_parts(300_000_001), Perbill::one()] {
            assert_noop!(
                Registry::set_royalty(RuntimeOrigin::signed(OWNER), VERSION, royalty),
                Error::<Test>::RoyaltyTooHigh
            );
        }
    });
}

#[test]
fn only_the_owner_sets_the_royalty_of_what_there_is() {
    test(|| {
        create_and_publish();
        let set = |origin, version| Registry::set_royalty(origin, version, Perbill::zero());
        let owner = || RuntimeOrigin::signed(OWNER);
        assert_noop!(set(RuntimeOrigin::signed(OTHER), VERSION), Error::<Test>::NotOwner);
        assert_noop!(
            set(owner(), VersionId { model: ModelId(1), number: 1 }),
            Error::<Test>::ModelNotFound
        );
        assert_noop!(
            set(owner(), VersionId { model: MODEL, number: 2 }),
            Error::<Test>::VersionNotFound
        );
        assert_noop!(set(RuntimeOrigin::root(), VERSION), DispatchError::BadOrigin);
    });
}
