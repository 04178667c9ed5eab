//! The views for clients.

use assay_primitives::{
    runtime_api::{QuoteError, Status},
    Assurance, Outcome, RequestId,
};
use frame_support::assert_ok;

use super::worker::result;
use crate::mock::*;

#[test]
fn a_quote_is_the_least_that_enough_operators_accept() {
    test(|| {
        for (operator, ask) in OPERATORS.into_iter().zip([50, 10, 40, 20, 30]) {
            serve(operator, version(1), ask, both());
        }
        let price = |assurance| Inference::quote(version(1), assurance).unwrap().price;
        assert_eq!(price(SIGNED), 10);
        assert_eq!(price(QUORUM), 3 * 30);
        assert_eq!(price(Assurance::Quorum { n: 5, k: 3 }), 5 * 50);
        assert_eq!(Inference::quote(version(1), SIGNED).unwrap().operators, 5);
        // The quoted price is enough; one planck less is not.
        for assurance in [SIGNED, QUORUM] {
            let price = price(assurance);
            assert!(Terms { max_price: price - 1, ..Terms::of(assurance) }.send().is_err());
            assert_ok!(Terms { max_price: price, ..Terms::of(assurance) }.send());
        }
    });
}

#[test]
fn without_a_quote_there_is_a_reason() {
    test(|| {
        let quote = Inference::quote;
        assert_eq!(quote(version(2), SIGNED), Err(QuoteError::NotFound));
        assert_eq!(quote(version(1), Assurance::Proof), Err(QuoteError::ClassUnavailable));
        assert_eq!(
            quote(version(1), Assurance::Quorum { n: 4, k: 2 }),
            Err(QuoteError::ClassUnavailable)
        );
        only(&OPERATORS[..2]);
        assert_eq!(quote(version(1), QUORUM), Err(QuoteError::NotEnoughOperators(2)));
        let deprecate = pallet_model_registry::Call::deprecate { version: version(1) };
        assert_ok!(signed_call(OWNER, deprecate));
        assert_eq!(quote(version(1), SIGNED), Err(QuoteError::Deprecated));
    });
}

#[test]
fn a_view_follows_the_request() {
    test(|| {
        assert_eq!(Inference::view(RequestId(0)), None);
        let id = Terms::of(SIGNED).accepted();
        let view = || Inference::view(id).unwrap();
        assert_eq!((view().status, view().members), (Status::Pending, vec![]));
        assert_eq!((view().payer, view().max_price), (PAYER, MAX_PRICE));
        next_block();
        next_block();
        assert_eq!((view().status, view().members), (Status::Assigned, members(id)));
        assert_eq!((view().output, view().receipt_digest), (None, None));
        assert_ok!(include(result(id, members(id)[0], RIGHT)));
        assert_eq!(view().status, Status::Final(Outcome::Verified));
        assert_eq!(view().output, Some(output(RIGHT).into_inner()));
        assert_eq!(view().receipt_digest, Some(receipt(id).digest()));
        go_to(now() + Retention::get() + 1);
        assert_eq!(Inference::view(id), None);
    });
}

#[test]
fn the_requests_of_an_account_are_listed_newest_first() {
    test(|| {
        let ids: Vec<_> = (0..4).map(|_| Terms::of(SIGNED).accepted()).collect();
        Terms { payer: STRANGER, ..Terms::of(SIGNED) }.accepted();
        let listed = |limit| -> Vec<_> {
            Inference::requests_of(&PAYER, limit).into_iter().map(|view| view.id).collect()
        };
        assert_eq!(listed(10), [ids[3], ids[2], ids[1], ids[0]]);
        assert_eq!(listed(2), [ids[3], ids[2]]);
        assert_eq!(listed(0), []);
        // Pruned requests are skipped and do not count towards the limit.
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: ids[3] }));
        go_to(now() + Retention::get() + 1);
        assert_eq!(listed(2), [ids[2], ids[1]]);
    });
}
