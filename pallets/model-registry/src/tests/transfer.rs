use assay_primitives::ModelId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event, Models, Offers};

#[test]
fn an_offer_changes_nothing_but_that_it_stands() {
    test(|| {
        create_and_publish();
        let (model, deposited) = (Models::<Test>::get(MODEL), deposit(OWNER));
        assert_ok!(offer(OWNER, OTHER));
        assert_eq!(Offers::<Test>::get(MODEL), Some(OTHER));
        assert_eq!(
            last_event(),
            Some(Event::TransferOffered { model: MODEL, from: OWNER, to: OTHER })
        );
        assert_eq!(Models::<Test>::get(MODEL), model);
        assert_eq!(deposit(OWNER), deposited);
        assert_eq!(free(OTHER), ENDOWMENT, "nobody's money is held unasked");
        assert_ok!(Registry::deprecate(RuntimeOrigin::signed(OWNER), VERSION));
    });
}

#[test]
fn a_new_offer_replaces_the_old() {
    test(|| {
        create_and_publish();
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(offer(OWNER, POOR));
        assert_eq!(Offers::<Test>::get(MODEL), Some(POOR));
        assert_noop!(accept(OTHER), Error::<Test>::NotOffered);
    });
}

#[test]
fn an_offer_to_oneself_withdraws_it() {
    test(|| {
        create_and_publish();
        assert_ok!(offer(OWNER, OTHER));
        assert_ok!(offer(OWNER, OWNER));
        assert_eq!(Offers::<Test>::get(MODEL), None);
        assert_eq!(last_event(), Some(Event::TransferWithdrawn { model: MODEL }));
        assert_noop!(accept(OTHER), Error::<Test>::NotOffered);
        assert_noop!(offer(OWNER, OWNER), Error::<Test>::NotOffered);
        assert_eq!(Models::<Test>::get(MODEL).unwrap().owner, OWNER);
    });
}

#[test]
fn an_offer_is_possible_where_it_cannot_be_accepted_now() {
    test(|| {
        create_and_publish();
        assert_ok!(Registry::create(RuntimeOrigin::signed(OTHER), name("digits")));
        assert_ok!(offer(OWNER, OTHER));
    });
}

#[test]
fn only_the_owner_offers_what_there_is() {
    test(|| {
        create_and_publish();
        for to in [OTHER, OWNER] {
            assert_noop!(offer(OTHER, to), Error::<Test>::NotOwner);
            assert_noop!(
                Registry::transfer(RuntimeOrigin::signed(OWNER), ModelId(1), to),
                Error::<Test>::ModelNotFound
            );
            assert_noop!(
                Registry::transfer(RuntimeOrigin::root(), MODEL, to),
                DispatchError::BadOrigin
            );
        }
    });
}
