use assay_primitives::{dispute::DisputeId, RequestId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Counts, Error, Event};

#[test]
fn a_dispute_holds_a_bond_and_puts_the_operator_on_turn() {
    test(|| {
        Case::honest().submit();
        go_to(5);
        let id = open(CHALLENGER);
        assert_eq!(id, DisputeId(0));
        assert_eq!(held(CHALLENGER), BOND);
        assert_eq!(stage(id), assay_dispute::Stage::Roots);
        assert_eq!(
            last_event().unwrap(),
            Event::Opened {
                dispute: id,
                request: REQUEST,
                operator: OPERATOR,
                challenger: CHALLENGER,
                bond: BOND,
                deadline: 5 + RESPONSE,
            }
        );
    });
}

#[test]
fn only_an_open_result_is_disputed() {
    test(|| {
        let case = Case::honest();
        case.submit();
        let of = |request| Disputes::open(origin(CHALLENGER), RequestId(request), u128::MAX);
        assert_noop!(of(8), Error::<Test>::NoResult);
        assert_noop!(
            Disputes::open(origin(POOR), REQUEST, u128::MAX),
            DispatchError::Other("not covered")
        );
        assert_noop!(
            Disputes::open(frame_system::RawOrigin::Root.into(), REQUEST, u128::MAX),
            DispatchError::BadOrigin
        );
        Results::mutate(|results| {
            results.get_mut(&REQUEST).unwrap().standing = Standing::Accepted;
        });
        assert_noop!(of(REQUEST.0), Error::<Test>::NoResult);
    });
}

#[test]
fn the_window_closes_after_its_last_height() {
    test(|| {
        Case::honest().submit();
        go_to(WINDOW);
        assert_ok!(Disputes::open(origin(CHALLENGER), REQUEST, u128::MAX));
        go_to(WINDOW + 1);
        assert_noop!(
            Disputes::open(origin(SECOND), REQUEST, u128::MAX),
            Error::<Test>::WindowClosed
        );
    });
}

#[test]
fn disputes_do_not_keep_others_out() {
    test(|| {
        Case::honest().submit();
        for _ in 0..100 {
            open(CHALLENGER);
        }
        open(SECOND);
        assert_eq!(Counts::<Test>::get(REQUEST), 101);
    });
}
