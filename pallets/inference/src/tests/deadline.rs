//! Operators that were drawn and did not answer.

use assay_primitives::{operator::Offence, traits::Operators as _, Outcome};
use frame_support::assert_ok;

use super::worker::result;
use crate::{mock::*, Agenda, Inputs};

#[test]
fn who_does_not_answer_pays_the_payer() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let operator = members[0];
        let had = free(operator);
        go_to(record(id).deadline);
        assert_eq!(bond(operator), BOND);
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
        // A refund in full, and a tenth of the penalty, which is less than the price.
        const { assert!(NO_ANSWER / 10 < MAX_PRICE) };
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        assert_eq!(compensation(PAYER), NO_ANSWER / 10);
        assert_eq!((free(operator), bond(operator)), (had, BOND - NO_ANSWER));
        assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + NO_ANSWER - NO_ANSWER / 10);
        System::assert_has_event(
            pallet_operators::Event::Penalised {
                operator,
                offence: Offence::NoAnswer,
                amount: NO_ANSWER,
            }
            .into(),
        );
        let receipt = receipt(id);
        assert_eq!((receipt.price_paid, receipt.output_digest), (0, None));
        assert_eq!(receipt.decided_at, record(id).deadline + 1);
        assert!(!Operators::is_assigned(&operator, id));
        assert!(!Inputs::<Test>::contains_key(id));
        assert_eq!(Agenda::<Test>::iter().count(), 0);
    });
}

#[test]
fn compensation_is_at_most_what_was_held() {
    test(|| {
        only(&OPERATORS[..1]);
        let price = NO_ANSWER / 10 - 1;
        serve_at_once(OPERATORS[0], version(1), price, both(), 1);
        let (id, _) = Terms { max_price: price, ..Terms::of(SIGNED) }.drawn();
        go_to(record(id).deadline + 1);
        assert_eq!((free(PAYER), compensation(PAYER)), (ENDOWMENT, price));
        assert_eq!(free(TREASURY), EXISTENTIAL_DEPOSIT + NO_ANSWER - price);
    });
}

#[test]
fn an_operator_that_did_not_answer_is_drawn_again_while_its_bond_suffices() {
    test(|| {
        only(&OPERATORS[..1]);
        let (id, _) = Terms::of(SIGNED).drawn();
        go_to(record(id).deadline + 1);
        let (id, members) = Terms::of(SIGNED).drawn();
        assert_eq!(members, [OPERATORS[0]]);
        assert_ok!(include(result(id, OPERATORS[0], RIGHT)));
    });
}

#[test]
fn a_request_that_is_never_drawn_times_out_without_penalty() {
    test(|| {
        let id = Terms::of(SIGNED).accepted();
        HasVrf::set(false);
        go_to(record(id).deadline);
        assert!(!record(id).is_final());
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!(receipt(id).draw, None);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT, 0));
        assert_eq!(OPERATORS.map(bond), [BOND; 5]);
        // It is still in the queue, which skips it.
        HasVrf::set(true);
        go_to(now() + 3);
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!(crate::Queue::<Test>::iter().count(), 0);
    });
}

#[test]
fn an_answered_request_is_not_touched_by_its_deadline() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        assert_ok!(include(result(id, members[0], RIGHT)));
        go_to(record(id).deadline + 2);
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(bond(members[0]), BOND);
    });
}
