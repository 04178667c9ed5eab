use assay_primitives::{traits::Models as _, ModelId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event, Models, Names, Versions};

#[test]
fn a_model_goes_over_with_its_versions_and_their_deposits() {
    test(|| {
        create_and_publish();
        assert_ok!(publish(descriptor()));
        let deposited = deposit(OWNER);
        assert_ok!(Registry::transfer(RuntimeOrigin::signed(OWNER), MODEL, OTHER));
        assert_eq!(free(OWNER), ENDOWMENT);
        assert_eq!(free(OTHER), ENDOWMENT - deposited);
        assert_eq!(deposit(OTHER), deposited);
        assert_eq!(Models::<Test>::get(MODEL).unwrap().owner, OTHER);
        assert_eq!(Names::<Test>::get(OWNER, name("digits")), None);
        assert_eq!(Names::<Test>::get(OTHER, name("digits")), Some(MODEL));
        assert_eq!(Versions::<Test>::iter().count(), 2);
        assert_eq!(Registry::terms(VERSION).unwrap().owner, OTHER, "who gets new royalties");
        assert_eq!(
            last_event(),
            Some(Event::ModelTransferred { model: MODEL, from: OWNER, to: OTHER })
        );
    });
}

#[test]
fn the_new_owner_gets_the_deposits_back() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::transfer(RuntimeOrigin::signed(OWNER), MODEL, OTHER));
        assert_noop!(
            Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION),
            Error::<Test>::NotOwner
        );
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OTHER), VERSION));
        assert_ok!(Registry::remove_model(RuntimeOrigin::signed(OTHER), MODEL));
        assert_eq!(free(OWNER), ENDOWMENT);
        assert_eq!(free(OTHER), ENDOWMENT);
    });
}

#[test]
fn there_and_back_again_changes_nothing() {
    test(|| {
        create_and_publish();
        let (model, deposited) = (Models::<Test>::get(MODEL), deposit(OWNER));
        assert_ok!(Registry::transfer(RuntimeOrigin::signed(OWNER), MODEL, OTHER));
        assert_ok!(Registry::transfer(RuntimeOrigin::signed(OTHER), MODEL, OWNER));
        assert_eq!(Models::<Test>::get(MODEL), model);
        assert_eq!(deposit(OWNER), deposited);
        assert_eq!(free(OTHER), ENDOWMENT);
    });
}

#[test]
fn a_model_in_use_can_go_over() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::acquire(VERSION));
        assert_ok!(Registry::transfer(RuntimeOrigin::signed(OWNER), MODEL, OTHER));
        assert_eq!(Versions::<Test>::get(VERSION).unwrap().uses, 1);
    });
}

#[test]
fn who_has_a_model_of_that_name_gets_no_second_one() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::create(RuntimeOrigin::signed(OTHER), name("digits")));
        assert_noop!(
            Registry::transfer(RuntimeOrigin::signed(OWNER), MODEL, OTHER),
            Error::<Test>::NameTaken
        );
        assert_noop!(
            Registry::transfer(RuntimeOrigin::signed(OWNER), MODEL, OWNER),
            Error::<Test>::NameTaken
        );
    });
}

#[test]
fn who_cannot_cover_the_deposits_does_not_get_the_model() {
    test(|| {
        create_and_publish();
        assert_noop!(
            Registry::transfer(RuntimeOrigin::signed(OWNER), MODEL, POOR),
            pallet_settlement::Error::<Test>::DepositNotCovered
        );
    });
}

#[test]
fn only_the_owner_gives_away_what_there_is() {
    test(|| {
        create_and_publish();
        assert_noop!(
            Registry::transfer(RuntimeOrigin::signed(OTHER), MODEL, OTHER),
            Error::<Test>::NotOwner
        );
        assert_noop!(
            Registry::transfer(RuntimeOrigin::signed(OWNER), ModelId(1), OTHER),
            Error::<Test>::ModelNotFound
        );
        assert_noop!(
            Registry::transfer(RuntimeOrigin::root(), MODEL, OTHER),
            DispatchError::BadOrigin
        );
    });
}
