use assay_primitives::{traits::Verification as _, Assurance, AssuranceClass, AssuranceClasses};
use frame_support::{assert_err, assert_ok};
use sp_runtime::DispatchResult;

use crate::{mock::*, Error};

const ALL: AssuranceClasses = AssuranceClasses(0b1_1111);
const QUORUM: Assurance = Assurance::Quorum { n: 3, k: 2 };
const EACH: [Assurance; 5] =
    [Assurance::Signed, QUORUM, Assurance::Optimistic, Assurance::Proof, Assurance::Tee];

fn check(assurance: Assurance, offered: AssuranceClasses) -> DispatchResult {
    Verification::check_request(assurance, &offering(offered))
}

fn switch(class: AssuranceClass, enabled: bool) {
    assert_ok!(Verification::set_class_enabled(RuntimeOrigin::root(), class, enabled));
}

#[test]
fn available_classes_that_the_version_offers_can_be_asked() {
    test(|| {
        assert_ok!(check(Assurance::Signed, ALL));
        assert_ok!(check(QUORUM, ALL));
    });
}

#[test]
fn a_class_that_the_network_cannot_check_is_refused_whatever_the_version_offers() {
    test(|| {
        for assurance in [Assurance::Optimistic, Assurance::Proof, Assurance::Tee] {
            assert_err!(check(assurance, ALL), Error::<Test>::ClassNotAvailable);
            assert!(!Verification::is_class_open(assurance.class()));
        }
        AvailableClasses::set(AssuranceClasses::NONE.with(AssuranceClass::Tee));
        for assurance in EACH {
            let result = check(assurance, ALL);
            if assurance == Assurance::Tee {
                assert_ok!(result);
            } else {
                assert_err!(result, Error::<Test>::ClassNotAvailable);
            }
        }
    });
}

#[test]
fn a_class_that_the_version_does_not_offer_is_refused() {
    test(|| {
        AvailableClasses::set(ALL);
        for assurance in EACH {
            assert_err!(
                check(assurance, ALL.without(assurance.class())),
                Error::<Test>::ClassNotOffered
            );
            assert_ok!(check(assurance, AssuranceClasses::NONE.with(assurance.class())));
        }
    });
}

#[test]
fn each_class_can_be_switched_off_alone() {
    test(|| {
        AvailableClasses::set(ALL);
        for off in EACH {
            switch(off.class(), false);
            for assurance in EACH {
                let result = check(assurance, ALL);
                if assurance == off {
                    assert_err!(result, Error::<Test>::ClassDisabled);
                } else {
                    assert_ok!(result);
                }
                assert_eq!(Verification::is_class_open(assurance.class()), assurance != off);
            }
            switch(off.class(), true);
            assert_ok!(check(off, ALL));
        }
    });
}

#[test]
fn a_quorum_is_a_majority_of_two_to_fifteen() {
    test(|| {
        for (n, k) in [(2, 2), (3, 2), (3, 3), (4, 3), (15, 8), (15, 15)] {
            assert_ok!(check(Assurance::Quorum { n, k }, ALL));
        }
        let refused = [
            (0, 0),
            (1, 1),
            (2, 1),
            (3, 1),
            (3, 4),
            (4, 2),
            (15, 7),
            (15, 16),
            (16, 9),
            (255, 255),
        ];
        for (n, k) in refused {
            assert_err!(check(Assurance::Quorum { n, k }, ALL), Error::<Test>::InvalidQuorum);
        }
    });
}
