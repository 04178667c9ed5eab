//! The terms of an open request do not change.

use assay_primitives::{runtime_api::Status, ModelId, Outcome};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;

use super::worker::result;
use crate::mock::*;

#[test]
fn an_ask_that_is_raised_after_the_draw_does_not_count() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let before = free(members[0]);
        serve(members[0], version(1), 3 * ASK, both());
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(receipt(id).price_paid, ASK);
        assert_eq!(free(members[0]) - before, OPERATOR_PART);
        assert_eq!(free(PAYER), ENDOWMENT - ASK);
    });
}

#[test]
fn an_ask_that_is_lowered_after_the_draw_does_not_count_either() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        serve(members[0], version(1), 1, both());
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(receipt(id).price_paid, ASK);
    });
}

#[test]
fn an_ask_that_changes_before_the_draw_counts() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        only(&OPERATORS[..1]);
        serve(OPERATORS[0], version(1), 2 * ASK, both());
        next_block();
        next_block();
        assert_ok!(include(result(id, OPERATORS[0], RIGHT)));
        assert_eq!(receipt(id).price_paid, 2 * ASK);
    });
}

#[test]
fn a_royalty_that_is_changed_counts_for_new_requests_only() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let royalty = Perbill::from_percent(50);
        let call = pallet_model_registry::Call::set_royalty { version: version(1), royalty };
        assert_ok!(signed_call(OWNER, call));
        let (owner, operator) = (free(OWNER), free(members[0]));
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(free(OWNER) - owner, ROYALTY_PART);
        assert_eq!(free(members[0]) - operator, OPERATOR_PART);

        let (id, members) = Terms::of(SIGNED).drawn();
        let owner = free(OWNER);
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(free(OWNER) - owner, ASK / 2);
    });
}

#[test]
fn royalties_of_earlier_requests_go_to_the_earlier_owner() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let call = pallet_model_registry::Call::transfer { model: ModelId(0), to: STRANGER };
        assert_ok!(signed_call(OWNER, call));
        let call = pallet_model_registry::Call::accept { model: ModelId(0) };
        assert_ok!(signed_call(STRANGER, call));
        let (old, new) = (free(OWNER), free(STRANGER));
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!((free(OWNER) - old, free(STRANGER) - new), (ROYALTY_PART, 0));

        let (id, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!((free(OWNER) - old, free(STRANGER) - new), (ROYALTY_PART, ROYALTY_PART));
    });
}

#[test]
fn a_version_stays_while_a_request_is_open() {
    test(|| {
        let remove = || {
            let call = pallet_model_registry::Call::remove_version { version: version(1) };
            signed_call(OWNER, call)
        };
        let in_use = pallet_model_registry::Error::<Test>::InUse;
        let id = Terms::of(SIGNED).accepted();
        assert_noop!(remove(), in_use);
        next_block();
        next_block();
        assert_noop!(remove(), pallet_model_registry::Error::<Test>::InUse);
        assert_ok!(include(result(id, members(id)[0], RIGHT)));
        assert_ok!(remove());
        // The old version can still be requested.
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn what_was_asked_of_a_version_before_it_was_deprecated_is_served() {
    test(|| {
        let deprecate = pallet_model_registry::Call::deprecate { version: version(1) };
        let (drawn, members) = Terms::of(SIGNED).drawn();
        let pending = Terms::of(SIGNED).accepted();
        assert_ok!(signed_call(OWNER, deprecate));
        assert_ok!(include(result(drawn, members[0], RIGHT)));
        next_block();
        next_block();
        assert_eq!(record(pending).status, Status::Assigned);
        assert_ok!(include(result(pending, record(pending).accounts()[0], RIGHT)));
        assert_eq!(outcome(drawn), Outcome::Verified);
        assert_eq!(outcome(pending), Outcome::Verified);
    });
}

/// Transfers everything that the payer can transfer.
fn empty_the_payer() {
    let call = pallet_balances::Call::transfer_all { dest: STRANGER, keep_alive: false };
    assert_ok!(signed_call(PAYER, call));
    assert!(free(PAYER) <= EXISTENTIAL_DEPOSIT);
    assert_eq!(escrow(PAYER), MAX_PRICE, "what is held cannot be given away");
}

#[test]
fn a_payer_that_has_nothing_else_left_still_pays() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        empty_the_payer();
        let (payer, operator) = (free(PAYER), free(members[0]));
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(receipt(id).price_paid, ASK);
        assert_eq!(free(members[0]) - operator, OPERATOR_PART);
        assert_eq!(free(PAYER) - payer, MAX_PRICE - ASK);
    });
}

#[test]
fn a_payer_that_has_nothing_else_left_is_refunded() {
    test(|| {
        let (id, _) = Terms::of(SIGNED).drawn();
        empty_the_payer();
        let payer = free(PAYER);
        go_to(record(id).deadline + 1);
        assert_eq!(free(PAYER) - payer, MAX_PRICE);
        assert_eq!(compensation(PAYER), NO_ANSWER / 10);
    });
}

#[test]
fn an_escrow_that_is_spent_to_the_last_planck_leaves_the_payer_alive() {
    test(|| {
        let (id, members) = Terms { max_price: ASK, ..Terms::of(SIGNED) }.drawn();
        let call = pallet_balances::Call::transfer_all { dest: STRANGER, keep_alive: false };
        assert_ok!(signed_call(PAYER, call));
        let payer = free(PAYER);
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!((free(PAYER), escrow(PAYER)), (payer, 0));
        assert_eq!(receipt(id).price_paid, ASK);
    });
}

#[test]
fn an_operator_may_be_its_own_customer() {
    test(|| {
        only(&OPERATORS[..1]);
        let operator = OPERATORS[0];
        let before = free(operator);
        let (id, _) = Terms { payer: operator, ..Terms::of(SIGNED) }.drawn();
        assert_ok!(include(result(id, operator, RIGHT)));
        assert_eq!(receipt(id).price_paid, ASK);
        assert_eq!(before - free(operator), ROYALTY_PART + TREASURY_PART);
    });
}

#[test]
fn the_owner_may_be_the_customer() {
    test(|| {
        let before = free(OWNER);
        let (id, members) = Terms { payer: OWNER, ..Terms::of(SIGNED) }.drawn();
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(before - free(OWNER), OPERATOR_PART + TREASURY_PART);
    });
}
