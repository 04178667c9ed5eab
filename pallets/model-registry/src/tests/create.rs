use assay_primitives::ModelId;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{mock::*, Error, Event, Model, Models, Names, NextModel};

fn create_as(owner: u64, text: &str) -> DispatchResult {
    Registry::create(RuntimeOrigin::signed(owner), name(text))
}

#[test]
fn a_model_is_created_against_a_deposit() {
    test(|| {
        assert_ok!(create_as(OWNER, "digits"));
        assert_eq!(
            Models::<Test>::get(MODEL),
            Some(Model {
                owner: OWNER,
                name: name("digits"),
                newest: 0,
                versions: 0,
                deposit: BASE
            })
        );
        assert_eq!(Names::<Test>::get(OWNER, name("digits")), Some(MODEL));
        assert_eq!(free(OWNER), ENDOWMENT - BASE);
        assert_eq!(
            last_event(),
            Some(Event::ModelCreated { model: MODEL, owner: OWNER, name: name("digits") })
        );
    });
}

#[test]
fn identifiers_are_given_out_in_order_and_not_twice() {
    test(|| {
        assert_ok!(create_as(OWNER, "a"));
        assert_ok!(create_as(OTHER, "b"));
        assert_ok!(Registry::remove_model(RuntimeOrigin::signed(OTHER), ModelId(1)));
        assert_ok!(create_as(OTHER, "b"));
        assert_eq!(Names::<Test>::get(OTHER, name("b")), Some(ModelId(2)));
    });
}

#[test]
fn names_have_a_fixed_alphabet() {
    test(|| {
        for bad in ["", "-a", "a-", "-", "A", "a_b", "a b", "a.b", "é", "a/b", "a@1"] {
            assert_noop!(create_as(OWNER, bad), Error::<Test>::InvalidName);
        }
        for good in ["a", "0", "a-b", "a--b", &"z".repeat(64)] {
            assert_ok!(create_as(OWNER, good));
        }
    });
}

#[test]
fn a_name_is_unique_per_owner() {
    test(|| {
        assert_ok!(create_as(OWNER, "digits"));
        assert_noop!(create_as(OWNER, "digits"), Error::<Test>::NameTaken);
        assert_ok!(create_as(OTHER, "digits"));
        assert_ok!(create_as(OWNER, "digits-2"));
    });
}

#[test]
fn without_an_identifier_left_nothing_is_created() {
    test(|| {
        NextModel::<Test>::put(ModelId(u32::MAX - 1));
        assert_ok!(create_as(OWNER, "the-last"));
        assert_noop!(create_as(OWNER, "one-more"), Error::<Test>::NoIdentifierLeft);
    });
}

#[test]
fn who_cannot_cover_the_deposit_creates_nothing() {
    test(|| {
        assert_noop!(
            create_as(POOR, "digits"),
            pallet_settlement::Error::<Test>::DepositNotCovered
        );
    });
}

#[test]
fn only_signed_origins_create() {
    test(|| {
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(Registry::create(origin, name("digits")), DispatchError::BadOrigin);
        }
    });
}
