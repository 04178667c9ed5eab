use assay_primitives::ModelId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event, Models, Names, Offers};

#[test]
fn the_whole_deposit_has_come_back() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
        assert_ok!(Registry::remove_model(RuntimeOrigin::signed(OWNER), MODEL));
        assert_eq!(free(OWNER), ENDOWMENT);
        assert_eq!(Models::<Test>::get(MODEL), None);
        assert_eq!(last_event(), Some(Event::ModelRemoved { model: MODEL }));
    });
}

#[test]
fn the_offer_of_it_is_gone() {
    test(|| {
        create();
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(Registry::remove_model(RuntimeOrigin::signed(OWNER), MODEL));
        assert_eq!(Offers::<Test>::iter().count(), 0);
    });
}

#[test]
fn the_name_is_free_again() {
    test(|| {
        create();
        assert_ok!(Registry::remove_model(RuntimeOrigin::signed(OWNER), MODEL));
        create();
        assert_eq!(Names::<Test>::get(OWNER, name("digits")), Some(ModelId(1)));
    });
}

#[test]
fn a_model_with_versions_stays() {
    test(|| {
        create_and_publish();
        assert_noop!(
            Registry::remove_model(RuntimeOrigin::signed(OWNER), MODEL),
            Error::<Test>::HasVersions
        );
    });
}

#[test]
fn only_the_owner_removes_what_there_is() {
    test(|| {
        create();
        assert_noop!(
            Registry::remove_model(RuntimeOrigin::signed(OTHER), MODEL),
            Error::<Test>::NotOwner
        );
        assert_noop!(
            Registry::remove_model(RuntimeOrigin::signed(OWNER), ModelId(1)),
            Error::<Test>::ModelNotFound
        );
        assert_noop!(
            Registry::remove_model(RuntimeOrigin::none(), MODEL),
            DispatchError::BadOrigin
        );
    });
}
