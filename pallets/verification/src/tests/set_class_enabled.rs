use assay_primitives::{AssuranceClass, AssuranceClasses};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, DisabledClasses, Error, Event};

#[test]
fn a_class_is_switched_off_and_on_again() {
    test(|| {
        for class in AssuranceClass::ALL {
            for enabled in [false, true] {
                assert_ok!(Verification::set_class_enabled(RuntimeOrigin::root(), class, enabled));
                assert_eq!(DisabledClasses::<Test>::get().contains(class), !enabled);
                assert_eq!(last_event(), Some(Event::ClassSwitched { class, enabled }));
            }
        }
        assert_eq!(DisabledClasses::<Test>::get(), AssuranceClasses::NONE);
    });
}

#[test]
fn a_switch_that_changes_nothing_is_refused() {
    test(|| {
        let set = |enabled| {
            Verification::set_class_enabled(RuntimeOrigin::root(), AssuranceClass::Quorum, enabled)
        };
        assert_noop!(set(true), Error::<Test>::NothingChanged);
        assert_ok!(set(false));
        assert_noop!(set(false), Error::<Test>::NothingChanged);
    });
}

#[test]
fn only_the_admin_switches() {
    test(|| {
        for origin in [RuntimeOrigin::signed(REPORTER), RuntimeOrigin::none()] {
            assert_noop!(
                Verification::set_class_enabled(origin, AssuranceClass::Signed, false),
                DispatchError::BadOrigin
            );
        }
    });
}
