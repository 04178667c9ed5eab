use assay_primitives::{
    traits::{Models as _, VersionTerms},
    AssuranceClasses, VersionId,
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;

use crate::{mock::*, Error, Versions};

const ABSENT: VersionId = VersionId { model: MODEL, number: 2 };

#[test]
fn requests_see_the_terms_of_a_version() {
    test(|| {
        create_and_publish();
        assert_eq!(
            Registry::terms(VERSION),
            Some(VersionTerms {
                descriptor: descriptor(),
                digest: descriptor().digest(),
                deprecated: false,
                owner: OWNER,
                royalty: Perbill::from_percent(10),
            })
        );
        assert_eq!(Registry::assurances(VERSION), Some(AssuranceClasses(0b11)));
        assert!(Registry::is_active(VERSION));
    });
}

#[test]
fn what_is_not_there_has_no_terms_and_no_uses() {
    test(|| {
        create_and_publish();
        assert_eq!(Registry::terms(ABSENT), None);
        assert_eq!(Registry::assurances(ABSENT), None);
        assert!(!Registry::is_active(ABSENT));
        assert_noop!(Registry::acquire(ABSENT, 1), Error::<Test>::VersionNotFound);
    });
}

#[test]
fn uses_are_counted() {
    test(|| {
        create_and_publish();
        let uses = || Versions::<Test>::get(VERSION).unwrap().uses;
        assert_ok!(Registry::acquire(VERSION, 1));
        assert_ok!(Registry::acquire(VERSION, 1));
        assert_eq!(uses(), 2);
        Registry::release(VERSION, 1);
        assert_eq!(uses(), 1);
    });
}

#[test]
fn the_count_of_uses_does_not_overflow() {
    test(|| {
        create_and_publish();
        Versions::<Test>::mutate(VERSION, |record| record.as_mut().unwrap().uses = u32::MAX);
        assert_noop!(Registry::acquire(VERSION, 1), Error::<Test>::TooManyUses);
    });
}

/// Only without debug assertions, with which it panics.
#[test]
#[cfg(not(debug_assertions))]
fn a_release_too_many_changes_nothing() {
    test(|| {
        create_and_publish();
        Registry::release(VERSION, 1);
        Registry::release(ABSENT, 1);
        assert_eq!(Versions::<Test>::get(VERSION).unwrap().uses, 0);
        assert!(!Versions::<Test>::contains_key(ABSENT));
    });
}
