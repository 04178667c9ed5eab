use assay_primitives::traits::Models as _;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;

use super::only_the_owner;
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
        only_the_owner(|origin, version| Registry::set_royalty(origin, version, Perbill::zero()))
    });
}
