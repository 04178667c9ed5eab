use assay_primitives::{traits::Models as _, ModelId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event, Models, Names, Offers, Versions};

#[test]
fn a_model_goes_over_with_its_versions_and_their_deposits() {
    test(|| {
        create_and_publish();
        assert_ok!(publish(descriptor()));
        let deposited = deposit(OWNER);
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(accept(OTHER));
        assert_eq!(free(OWNER), ENDOWMENT);
        assert_eq!(free(OTHER), ENDOWMENT - deposited);
        assert_eq!(deposit(OTHER), deposited);
        assert_eq!(Models::<Test>::get(MODEL).unwrap().owner, OTHER);
        assert_eq!(Names::<Test>::get(OWNER, name("digits")), None);
        assert_eq!(Names::<Test>::get(OTHER, name("digits")), Some(MODEL));
        assert_eq!(Offers::<Test>::get(MODEL), None);
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
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(accept(OTHER));
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
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(accept(OTHER));
        assert_ok!(offer(OTHER, OWNER));
        assert_ok!(accept(OWNER));
        assert_eq!(Models::<Test>::get(MODEL), model);
        assert_eq!(deposit(OWNER), deposited);
        assert_eq!(free(OTHER), ENDOWMENT);
    });
}

#[test]
fn a_model_in_use_can_go_over() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::acquire(VERSION, 1));
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(accept(OTHER));
        assert_eq!(Versions::<Test>::get(VERSION).unwrap().uses, 1);
    });
}

#[test]
fn who_accepts_covers_the_deposits_of_that_moment() {
    test(|| {
        create_and_publish();
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(publish(descriptor()));
        let deposited = deposit(OWNER);
        assert_ok!(accept(OTHER));
        assert_eq!((deposit(OWNER), deposit(OTHER)), (0, deposited));
    });
}

#[test]
fn an_offer_is_accepted_once_and_by_whom_it_names() {
    test(|| {
        create_and_publish();
        for account in [OWNER, OTHER, POOR] {
            assert_noop!(accept(account), Error::<Test>::NotOffered);
        }
        assert_ok!(offer(OWNER, OTHER));
        for account in [OWNER, POOR] {
            assert_noop!(accept(account), Error::<Test>::NotOffered);
        }
        assert_ok!(accept(OTHER));
        assert_noop!(accept(OTHER), Error::<Test>::NotOffered);
    });
}

#[test]
fn who_has_a_model_of_that_name_gets_no_second_one() {
    test(|| {
        create_and_publish();
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(Registry::create(RuntimeOrigin::signed(OTHER), name("digits")));
        assert_noop!(accept(OTHER), Error::<Test>::NameTaken);
        // The offer still stands when the name is free.
        assert_ok!(Registry::remove_model(RuntimeOrigin::signed(OTHER), ModelId(1)));
        assert_ok!(accept(OTHER));
    });
}

#[test]
fn who_cannot_cover_the_deposits_does_not_get_the_model() {
    test(|| {
        create_and_publish();
        assert_ok!(offer(OWNER, POOR));
        assert_noop!(accept(POOR), pallet_settlement::Error::<Test>::DepositNotCovered);
    });
}

#[test]
fn what_is_not_there_is_not_accepted() {
    test(|| {
        create();
        assert_ok!(offer(OWNER, OTHER));
        assert_noop!(
            Registry::accept(RuntimeOrigin::signed(OTHER), ModelId(1)),
            Error::<Test>::ModelNotFound
        );
        assert_ok!(Registry::remove_model(RuntimeOrigin::signed(OWNER), MODEL));
        assert_noop!(accept(OTHER), Error::<Test>::ModelNotFound);
    });
}

#[test]
fn only_signed_origins_accept() {
    test(|| {
        create();
        assert_ok!(offer(OWNER, OTHER));
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(Registry::accept(origin, MODEL), DispatchError::BadOrigin);
        }
    });
}
