use assay_primitives::{traits::Models as _, VersionId};
use frame_support::{assert_noop, assert_ok};

use super::only_the_owner;
use crate::{mock::*, Error, Event, Models, Versions};

#[test]
fn the_deposit_of_the_version_comes_back_to_the_planck() {
    test(|| {
        create_and_publish();
        let mut longer = descriptor();
        longer.inputs[0].name = vec![b'x'; 64].try_into().unwrap();
        assert_ok!(publish(longer));
        let second = VersionId { model: MODEL, number: 2 };
        let of = |version| Versions::<Test>::get(version).unwrap().deposit;
        let (first_deposit, second_deposit) = (of(VERSION), of(second));
        assert_eq!(second_deposit - first_deposit, 64 * BYTE, "63 bytes and a longer prefix");

        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
        assert_eq!(free(OWNER), ENDOWMENT - BASE - second_deposit);
        assert_eq!(Models::<Test>::get(MODEL).unwrap().versions, 1);
        assert_eq!(Registry::terms(VERSION), None);
        assert_eq!(last_event(), Some(Event::VersionRemoved { version: VERSION }));
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), second));
        assert_eq!(free(OWNER), ENDOWMENT - BASE);
    });
}

#[test]
fn numbers_are_not_used_twice() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
        assert_ok!(publish(descriptor()));
        assert!(!Versions::<Test>::contains_key(VERSION));
        assert!(Versions::<Test>::contains_key(VersionId { model: MODEL, number: 2 }));
    });
}

#[test]
fn a_version_in_use_stays_and_loses_nothing() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::acquire(VERSION, 1));
        assert_ok!(Registry::acquire(VERSION, 1));
        let deposited = deposit(OWNER);
        for _ in 0..2 {
            // `assert_noop` compares the whole state.
            assert_noop!(
                Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION),
                Error::<Test>::InUse
            );
            Registry::release(VERSION, 1);
        }
        assert_eq!(deposit(OWNER), deposited);
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
    });
}

#[test]
fn only_the_owner_removes_what_there_is() {
    test(|| only_the_owner(Registry::remove_version));
}
