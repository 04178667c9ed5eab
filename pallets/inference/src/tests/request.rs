//! Which requests are accepted.

use assay_primitives::{
    runtime_api::Status, Assurance, AssuranceClass, ModelDescriptor, ModelId, RequestId, VersionId,
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{traits::Dispatchable, DispatchError};

use crate::{mock::*, ClientKeys, Error, Event, Inputs, NextRequest, Requests};

type Refused = pallet_verification::Error<Test>;

fn terms() -> Terms {
    Terms::of(SIGNED)
}

#[test]
fn a_request_is_noted_and_its_price_held() {
    test(|| {
        let terms = terms();
        let id = terms.accepted();
        assert_eq!(id, RequestId(0));
        assert_eq!(NextRequest::<Test>::get(), RequestId(1));
        assert_eq!(ClientKeys::<Test>::get(PAYER, terms.client_key), Some(id));
        assert_eq!(Inputs::<Test>::get(id).unwrap().into_inner(), input());
        let request = record(id);
        assert_eq!(request.status, Status::Pending);
        assert_eq!(request.payer, PAYER);
        assert_eq!(request.requested_at, now());
        assert_eq!(request.deadline, now() + PATIENCE);
        assert_eq!(request.royalty_to, OWNER);
        assert!(request.members.is_empty() && request.draw.is_none());
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT - MAX_PRICE, MAX_PRICE));
        System::assert_last_event(
            Event::Requested { request: id, payer: PAYER, version: version(1), assurance: SIGNED }
                .into(),
        );
    });
}

#[test]
fn only_an_account_requests() {
    test(|| {
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(
                terms().call().dispatch(origin).map_err(|error| error.error),
                DispatchError::BadOrigin
            );
        }
    });
}

#[test]
fn without_operators_nothing_is_accepted() {
    test(|| {
        only(&[]);
        assert_noop!(terms().send(), Error::<Test>::NoOperator);
        serve(OPERATORS[0], version(1), ASK, both());
        assert_ok!(terms().send());
    });
}

#[test]
fn a_quorum_needs_as_many_operators_as_members() {
    test(|| {
        only(&OPERATORS[..2]);
        assert_noop!(Terms::of(QUORUM).send(), Error::<Test>::NoOperator);
        only(&OPERATORS[..1]);
        serve(OPERATORS[1], version(1), ASK, both());
        serve(OPERATORS[2], version(1), ASK, signed_only());
        assert_noop!(Terms::of(QUORUM).send(), Error::<Test>::NoOperator);
        serve(OPERATORS[2], version(1), ASK, both());
        assert_ok!(Terms::of(QUORUM).send());
    });
}

#[test]
fn a_price_under_every_ask_is_refused() {
    test(|| {
        assert_noop!(Terms { max_price: ASK - 1, ..terms() }.send(), Error::<Test>::PriceUnderAsk);
        assert_ok!(Terms { max_price: ASK, ..terms() }.send());
    });
}

#[test]
fn the_price_of_a_quorum_has_to_cover_every_member() {
    test(|| {
        let terms = Terms::of(QUORUM);
        assert_noop!(
            Terms { max_price: 3 * ASK - 1, ..terms.clone() }.send(),
            Error::<Test>::PriceUnderAsk
        );
        // Two cheap operators and one that asks for too much.
        only(&OPERATORS[..2]);
        serve(OPERATORS[2], version(1), ASK + 1, both());
        assert_noop!(
            Terms { max_price: 3 * ASK, ..terms.clone() }.send(),
            Error::<Test>::PriceUnderAsk
        );
        serve(OPERATORS[2], version(1), ASK, both());
        assert_ok!(Terms { max_price: 3 * ASK, ..terms }.send());
    });
}

#[test]
fn a_price_that_is_not_covered_is_refused() {
    test(|| {
        let most = ENDOWMENT - EXISTENTIAL_DEPOSIT;
        assert_noop!(
            Terms { max_price: most + 1, ..terms() }.send(),
            pallet_settlement::Error::<Test>::EscrowNotCovered
        );
        assert_noop!(
            Terms { payer: 99, ..terms() }.send(),
            pallet_settlement::Error::<Test>::EscrowNotCovered
        );
        assert_ok!(Terms { max_price: most, ..terms() }.send());
        assert_eq!((free(PAYER), escrow(PAYER)), (EXISTENTIAL_DEPOSIT, most));
    });
}

#[test]
fn a_deadline_is_neither_too_soon_nor_too_far() {
    test(|| {
        let (least, most) = (MinDeadline::get(), MaxDeadline::get());
        let with = |patience| Terms { patience, ..terms() };
        assert_noop!(with(0).send(), Error::<Test>::DeadlineTooSoon);
        assert_noop!(with(least - 1).send(), Error::<Test>::DeadlineTooSoon);
        assert_ok!(with(least).send());
        assert_noop!(with(most + 1).send(), Error::<Test>::DeadlineTooFar);
        assert_ok!(with(most).send());
    });
}

#[test]
fn a_quorum_needs_time_to_reveal_as_well() {
    test(|| {
        let least = MinDeadline::get() + RevealWindow::get();
        let with = |patience| Terms { patience, ..Terms::of(QUORUM) };
        assert_noop!(with(least - 1).send(), Error::<Test>::DeadlineTooSoon);
        assert_ok!(with(least).send());
    });
}

#[test]
fn a_deadline_in_the_past_is_too_soon() {
    test(|| {
        let RuntimeCall::Inference(crate::Call::request {
            version,
            input,
            assurance,
            max_price,
            client_key,
            ..
        }) = terms().call()
        else {
            unreachable!()
        };
        for deadline in [0, 1, u32::MAX] {
            let error = match deadline {
                u32::MAX => Error::<Test>::DeadlineTooFar,
                _ => Error::<Test>::DeadlineTooSoon,
            };
            let call = crate::Call::<Test>::request {
                version,
                input: input.clone(),
                assurance,
                max_price,
                deadline,
                draw_delay: 1,
                client_key,
            };
            assert_noop!(signed_call(PAYER, call), error);
        }
    });
}

#[test]
fn a_client_key_counts_once_per_account() {
    test(|| {
        let first = terms();
        first.accepted();
        assert_noop!(first.send(), Error::<Test>::DuplicateClientKey);
        // Whatever the terms of the second request are.
        let other = Terms { assurance: QUORUM, max_price: 2 * MAX_PRICE, ..first.clone() };
        assert_noop!(other.send(), Error::<Test>::DuplicateClientKey);
        // Another account may use the same key.
        assert_ok!(Terms { payer: STRANGER, ..first }.send());
    });
}

#[test]
fn a_client_key_counts_until_its_request_is_pruned() {
    test(|| {
        let terms = terms();
        let id = terms.accepted();
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: id }));
        go_to(now() + Retention::get());
        assert_noop!(terms.send(), Error::<Test>::DuplicateClientKey);
        next_block();
        assert!(!Requests::<Test>::contains_key(id));
        assert_ok!(terms.send());
    });
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    test(|| {
        for version in [version(0), version(2), VersionId { model: ModelId(1), number: 1 }] {
            assert_noop!(Terms { version, ..terms() }.send(), Error::<Test>::VersionNotFound);
        }
    });
}

#[test]
fn a_deprecated_version_is_refused() {
    test(|| {
        let call = pallet_model_registry::Call::deprecate { version: version(1) };
        assert_ok!(signed_call(OWNER, call));
        assert_noop!(terms().send(), Error::<Test>::VersionDeprecated);
    });
}

#[test]
fn a_class_that_the_network_does_not_have_is_refused() {
    test(|| {
        assert_noop!(Terms::of(Assurance::Tee).send(), Refused::ClassNotAvailable);
    });
}

#[test]
fn a_class_that_is_switched_off_is_refused_until_it_is_on() {
    test(|| {
        let switch = |enabled| {
            let class = AssuranceClass::Quorum;
            let call = pallet_verification::Call::set_class_enabled { class, enabled };
            assert_ok!(RuntimeCall::from(call).dispatch(RuntimeOrigin::root()));
        };
        let (open, _) = Terms::of(QUORUM).drawn();
        switch(false);
        assert_noop!(Terms::of(QUORUM).send(), Refused::ClassDisabled);
        assert_ok!(terms().send());
        assert_eq!(record(open).status, Status::Assigned);
        switch(true);
        assert_ok!(Terms::of(QUORUM).send());
    });
}

#[test]
fn a_class_that_the_version_does_not_offer_is_refused() {
    test(|| {
        let version = publish(ModelDescriptor { assurances: signed_only(), ..descriptor() });
        serve(OPERATORS[0], version, ASK, signed_only());
        assert_noop!(Terms { version, ..Terms::of(QUORUM) }.send(), Refused::ClassNotOffered);
        assert_ok!(Terms { version, ..terms() }.send());
    });
}

#[test]
fn a_quorum_is_a_majority_of_two_to_fifteen() {
    test(|| {
        for (n, k) in [(0, 0), (1, 1), (3, 1), (3, 4), (4, 2), (16, 9), (255, 128), (255, 255)] {
            let terms = Terms {
                max_price: 300 * ASK,
                patience: 50,
                ..Terms::of(Assurance::Quorum { n, k })
            };
            assert_noop!(terms.send(), Refused::InvalidQuorum);
        }
        for (n, k) in [(2, 2), (3, 2), (3, 3), (5, 3), (5, 5)] {
            let terms = Terms { max_price: 5 * ASK, ..Terms::of(Assurance::Quorum { n, k }) };
            assert_ok!(terms.send());
        }
    });
}

#[test]
fn there_is_a_last_identifier() {
    test(|| {
        NextRequest::<Test>::put(RequestId(u64::MAX));
        assert_noop!(terms().send(), Error::<Test>::NoIdentifierLeft);
        NextRequest::<Test>::put(RequestId(u64::MAX - 1));
        assert_ok!(terms().send());
        assert_noop!(terms().send(), Error::<Test>::NoIdentifierLeft);
    });
}

#[test]
fn a_request_for_nothing_costs_nothing() {
    test(|| {
        only(&OPERATORS[..1]);
        serve(OPERATORS[0], version(1), 0, both());
        let (id, members) = Terms { max_price: 0, ..terms() }.drawn();
        assert_eq!(members, [OPERATORS[0]]);
        assert_ok!(include(super::worker::result(id, OPERATORS[0], RIGHT)));
        assert_eq!(outcome(id), assay_primitives::Outcome::Verified);
        assert_eq!(receipt(id).price_paid, 0);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
    });
}
