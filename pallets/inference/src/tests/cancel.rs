use assay_primitives::{Outcome, RequestId};
use frame_support::{assert_noop, assert_ok};

use super::worker::result;
use crate::{mock::*, Call, Error, Event, Inputs};

fn cancel(who: u64, request: RequestId) -> sp_runtime::DispatchResult {
    signed_call(who, Call::cancel { request })
}

#[test]
fn a_payer_takes_a_request_back_before_the_draw() {
    test(|| {
        let id = Terms { draw_delay: 2, ..Terms::of(SIGNED) }.accepted();
        next_block();
        assert_ok!(cancel(PAYER, id));
        assert_eq!(outcome(id), Outcome::Cancelled);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        assert!(!Inputs::<Test>::contains_key(id));
        let receipt = receipt(id);
        assert_eq!((receipt.price_paid, receipt.draw, receipt.output_digest), (0, None, None));
        System::assert_last_event(
            Event::RequestFinished { request: id, outcome: Outcome::Cancelled, receipt }.into(),
        );
        // The draw and the deadline skip it.
        go_to(now() + PATIENCE + 1);
        assert_eq!(outcome(id), Outcome::Cancelled);
        assert!(members(id).is_empty());
    });
}

#[test]
fn a_stranger_takes_nothing_back() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        assert_noop!(cancel(STRANGER, id), Error::<Test>::NotPayer);
        assert_noop!(cancel(PAYER, RequestId(id.0 + 1)), Error::<Test>::RequestNotFound);
    });
}

#[test]
fn what_is_drawn_or_over_cannot_be_taken_back() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        assert_noop!(cancel(PAYER, id), Error::<Test>::NotPending);
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_noop!(cancel(PAYER, id), Error::<Test>::NotPending);

        let id = Terms::of(SIGNED).accepted();
        assert_ok!(cancel(PAYER, id));
        assert_noop!(cancel(PAYER, id), Error::<Test>::NotPending);
    });
}

#[test]
fn what_waits_behind_a_request_that_was_taken_back_is_drawn() {
    test(|| {
        let first = Terms::of(SIGNED).accepted();
        let second = Terms::of(SIGNED).accepted();
        assert_ok!(cancel(PAYER, first));
        next_block();
        next_block();
        assert_eq!(members(second).len(), 1);
    });
}
