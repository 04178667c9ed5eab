use assay_primitives::{traits::Models as _, VersionId};
use frame_support::{assert_noop, assert_ok};

use super::only_the_owner;
use crate::{mock::*, Error, Event, Versions};

#[test]
fn a_deprecated_version_takes_no_new_requests_and_keeps_the_open_ones() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::acquire(VERSION, 1));
        assert!(Registry::is_active(VERSION));
        assert_ok!(Registry::deprecate(RuntimeOrigin::signed(OWNER), VERSION));
        assert_eq!(last_event(), Some(Event::VersionDeprecated { version: VERSION }));

        assert!(!Registry::is_active(VERSION));
        let terms = Registry::terms(VERSION).unwrap();
        assert!(terms.deprecated);
        assert_eq!(terms.descriptor, descriptor(), "open requests go on");
        assert_eq!(Versions::<Test>::get(VERSION).unwrap().uses, 1);
        assert_noop!(
            Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION),
            Error::<Test>::InUse
        );
        Registry::release(VERSION, 1);
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
    });
}

#[test]
fn other_versions_are_left_alone() {
    test(|| {
        create_and_publish();
        assert_ok!(publish(descriptor()));
        assert_ok!(Registry::deprecate(RuntimeOrigin::signed(OWNER), VERSION));
        assert!(Registry::is_active(VersionId { model: MODEL, number: 2 }));
    });
}

#[test]
fn a_version_is_deprecated_once() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::deprecate(RuntimeOrigin::signed(OWNER), VERSION));
        assert_noop!(
            Registry::deprecate(RuntimeOrigin::signed(OWNER), VERSION),
            Error::<Test>::AlreadyDeprecated
        );
    });
}

#[test]
fn only_the_owner_deprecates_what_there_is() {
    test(|| only_the_owner(Registry::deprecate));
}
