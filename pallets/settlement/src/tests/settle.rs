use assay_primitives::{
    traits::{Charge, Escrow, Payment},
    Balance, RequestId,
};
use frame_support::{
    assert_ok,
    traits::{LockableCurrency, WithdrawReasons},
};
use sp_runtime::Perbill;

use crate::{mock::*, Event};

/// Settles all that the payer has in escrow, with a royalty of `percent` for `OWNER`.
fn settle(earned: &[(u64, Balance)], percent: u32) -> Balance {
    settle_to(OWNER, earned, percent)
}

fn settle_to(royalty_to: u64, earned: &[(u64, Balance)], percent: u32) -> Balance {
    let royalty = Perbill::from_percent(percent);
    let payment = Payment { earned: earned.to_vec(), royalty_to, royalty, fee: 0 };
    charge(PAYER, in_escrow(PAYER), payment)
}

/// Settles request 1. Returns what the payer pays for results.
fn charge(payer: u64, amount: Balance, payment: Payment<u64>) -> Balance {
    let charge = Charge { request: RequestId(1), payer, amount, payment };
    Settlement::settle(std::slice::from_ref(&charge));
    charge.price()
}

/// The gain of each account since genesis.
fn gain(account: u64) -> i128 {
    let start = match account {
        DEAD => 0,
        TREASURY => ED,
        _ => ENDOWMENT,
    };
    free(account) as i128 + in_escrow(account) as i128 - start as i128
}

#[test]
fn a_price_is_split_between_operator_owner_and_treasury() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle(&[(OPERATOR, 1_000)], 10), 1_000);
        assert_eq!(
            [PAYER, OPERATOR, OWNER, TREASURY].map(gain),
            [-1_000, 850, 100, 50],
            "5 % to the treasury, 10 % to the owner"
        );
        assert_eq!(in_escrow(PAYER), 0);
        assert_eq!(
            last_event(),
            Some(Event::Settled {
                request: RequestId(1),
                fee: 0,
                earned: 850,
                royalty: 100,
                treasury: 50,
                refunded: 9_000,
            })
        );
    });
}

#[test]
fn shares_are_rounded_down_and_the_operator_has_the_rest() {
    test(|| {
        hold(PAYER, 999);
        assert_eq!(settle(&[(OPERATOR, 999)], 10), 999);
        // 49.95 and 99.9, rounded down.
        assert_eq!([PAYER, OPERATOR, OWNER, TREASURY].map(gain), [-999, 851, 99, 49]);
    });
}

#[test]
fn a_single_planck_goes_to_the_operator() {
    test(|| {
        hold(PAYER, 1);
        assert_eq!(settle(&[(OPERATOR, 1)], 10), 1);
        assert_eq!([PAYER, OPERATOR, OWNER, TREASURY].map(gain), [-1, 1, 0, 0]);
    });
}

#[test]
fn each_member_of_a_quorum_gets_its_own_price() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle(&[(OPERATOR, 999), (SECOND, 2_000)], 10), 2_999);
        assert_eq!(
            [PAYER, OPERATOR, SECOND, OWNER, TREASURY].map(gain),
            [-2_999, 851, 1_700, 299, 149]
        );
    });
}

#[test]
fn nothing_earned_is_a_refund() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle(&[], 10), 0);
        assert_eq!(gain(PAYER), 0);
        assert_eq!(in_escrow(PAYER), 0);
    });
}

#[test]
fn an_operator_that_asks_nothing_gets_nothing() {
    test(|| {
        hold(PAYER, 10);
        assert_eq!(settle(&[(OPERATOR, 0)], 10), 0);
        assert_eq!([PAYER, OPERATOR, OWNER, TREASURY].map(gain), [0, 0, 0, 0]);
    });
}

#[test]
fn a_request_that_costs_nothing_pays_nobody() {
    test(|| {
        hold(PAYER, 0);
        assert_eq!(settle(&[(OPERATOR, 1_000)], 10), 0);
        assert_eq!([PAYER, OPERATOR, OWNER, TREASURY].map(gain), [0, 0, 0, 0]);
    });
}

#[test]
fn the_payer_never_pays_more_than_was_held() {
    test(|| {
        hold(PAYER, 1_200);
        hold(PAYER, 5_000);
        let earned = vec![(OPERATOR, 1_000), (SECOND, 1_000), (OPERATOR, u128::MAX)];
        let payment = Payment { earned, royalty_to: OWNER, royalty: Perbill::zero(), fee: 0 };
        assert_eq!(charge(PAYER, 1_200, payment), 1_200);
        assert_eq!([PAYER, OPERATOR, SECOND, TREASURY].map(gain), [-1_200, 950, 190, 60]);
        assert_eq!(in_escrow(PAYER), 5_000, "the other request is covered still");
    });
}

#[test]
fn a_royalty_above_what_is_left_gives_way_to_the_treasury() {
    test(|| {
        hold(PAYER, 1_000);
        assert_eq!(settle(&[(OPERATOR, 1_000)], 100), 1_000);
        assert_eq!([PAYER, OPERATOR, OWNER, TREASURY].map(gain), [-1_000, 0, 950, 50]);
    });
}

#[test]
fn an_operator_that_asks_itself_pays_owner_and_treasury_alone() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle(&[(PAYER, 1_000)], 10), 1_000);
        assert_eq!([PAYER, OWNER, TREASURY].map(gain), [-150, 100, 50]);
        assert_eq!(in_escrow(PAYER), 0);
    });
}

#[test]
fn an_owner_that_asks_itself_pays_the_treasury_alone() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle_to(PAYER, &[(PAYER, 1_000)], 10), 1_000);
        assert_eq!([PAYER, TREASURY].map(gain), [-50, 50]);
        assert_eq!(in_escrow(PAYER), 0);
    });
}

#[test]
fn a_payer_that_owns_the_model_gets_the_royalty_back() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle_to(PAYER, &[(OPERATOR, 1_000)], 10), 1_000);
        assert_eq!([PAYER, OPERATOR, TREASURY].map(gain), [-900, 850, 50]);
    });
}

#[test]
fn an_operator_that_owns_the_model_gets_both_shares() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle_to(OPERATOR, &[(OPERATOR, 1_000)], 10), 1_000);
        assert_eq!([PAYER, OPERATOR, TREASURY].map(gain), [-1_000, 950, 50]);
    });
}

#[test]
fn less_than_an_existential_deposit_for_a_dead_operator_goes_to_the_treasury() {
    test(|| {
        hold(PAYER, 10_000);
        // 104 less 5 is 99, one less than the existential deposit.
        assert_eq!(settle(&[(DEAD, 104)], 0), 104);
        assert_eq!([PAYER, DEAD, TREASURY].map(gain), [-104, 0, 104]);
        assert_eq!(
            last_event(),
            Some(Event::Settled {
                request: RequestId(1),
                fee: 0,
                earned: 0,
                royalty: 0,
                treasury: 104,
                refunded: 9_896,
            })
        );
    });
}

#[test]
fn an_existential_deposit_revives_a_dead_operator() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle(&[(DEAD, 105)], 0), 105);
        assert_eq!([PAYER, DEAD, TREASURY].map(gain), [-105, 100, 5]);
    });
}

#[test]
fn a_royalty_that_a_dead_owner_cannot_receive_goes_to_the_treasury() {
    test(|| {
        hold(PAYER, 10_000);
        assert_eq!(settle_to(DEAD, &[(OPERATOR, 990)], 10), 990);
        assert_eq!([PAYER, DEAD, OPERATOR, TREASURY].map(gain), [-990, 0, 842, 49 + 99]);
    });
}

#[test]
fn what_a_dead_treasury_cannot_receive_is_burnt() {
    // Not through `test`: a treasury below the existential deposit breaks an invariant.
    new_test_ext().execute_with(|| {
        assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), TREASURY, 0));
        hold(PAYER, 10_000);
        let issuance = Balances::total_issuance();
        assert_eq!(settle(&[(OPERATOR, 1_000)], 10), 1_000);
        assert_eq!([PAYER, OPERATOR, OWNER].map(gain), [-1_000, 850, 100]);
        assert_eq!(free(TREASURY), 0);
        assert_eq!(Balances::total_issuance(), issuance - 50);
        assert_eq!(in_escrow(PAYER), 0);
    });
}

/// Two requests of `PAYER` and one of `SECOND`, each with a price of 104 for `DEAD` and a fee of 10.
fn list() -> [Charge<u64>; 3] {
    [(1, PAYER), (2, SECOND), (3, PAYER)].map(|(request, payer)| {
        hold(payer, 500);
        let payment = Payment {
            earned: vec![(DEAD, 104)],
            royalty_to: OWNER,
            royalty: Perbill::from_percent(10),
            fee: 10,
        };
        Charge { request: RequestId(request), payer, amount: 500, payment }
    })
}

#[test]
fn a_list_pays_each_account_once_what_its_shares_add_up_to() {
    test(|| {
        let issuance = Balances::total_issuance();
        Settlement::settle(&list());
        // 104 less 5 and 10 is 89: a single one would be below the existential deposit.
        assert_eq!([PAYER, SECOND, DEAD, OWNER, TREASURY].map(gain), [-228, -114, 267, 30, 15],);
        assert_eq!([PAYER, SECOND].map(in_escrow), [0, 0]);
        assert_eq!(Balances::total_issuance(), issuance - 30);
        let shares = (10, 89, 10, 5, 386);
        assert_eq!(settled(), [1, 2, 3].map(|request| (request, shares)));
        Issuance::mutate(|issuance| *issuance -= 30);
    });
}

#[test]
fn what_an_account_cannot_receive_of_a_list_goes_to_the_treasury_for_each_request() {
    test(|| {
        let [first, ..] = list();
        Settlement::settle(&[first]);
        assert_eq!([DEAD, OWNER, TREASURY].map(gain), [0, 10, 5 + 89]);
        assert_eq!(settled(), [(1, (10, 0, 10, 94, 386))]);
        Issuance::mutate(|issuance| *issuance -= 10);
    });
}

type Parts = (Balance, Balance, Balance, Balance, Balance);

/// The requests of all events of settlements, with fee, earnings, royalty, treasury's share and
/// refund.
fn settled() -> Vec<(u64, Parts)> {
    let events = System::read_events_for_pallet::<Event<Test>>();
    let parts = |event| match event {
        Event::Settled { request, fee, earned, royalty, treasury, refunded } => {
            Some((request.0, (fee, earned, royalty, treasury, refunded)))
        },
        _ => None,
    };
    events.into_iter().filter_map(parts).collect()
}

#[test]
fn a_freeze_on_the_payers_account_does_not_keep_others_from_being_paid() {
    test(|| {
        hold(PAYER, 10_000);
        Balances::set_lock(*b"frozen  ", &PAYER, ENDOWMENT, WithdrawReasons::all());
        assert_eq!(settle(&[(OPERATOR, 10_000)], 10), 10_000);
        assert_eq!([PAYER, OPERATOR, OWNER, TREASURY].map(gain), [-10_000, 8_500, 1_000, 500]);
    });
}

#[test]
fn a_payer_with_nothing_else_left_is_charged_the_same() {
    test(|| {
        hold(PAYER, 10_000);
        assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(PAYER), SECOND, false));
        assert_eq!(settle(&[(OPERATOR, 10_000)], 10), 10_000);
        assert_eq!(free(PAYER), ED);
        assert_eq!([OPERATOR, OWNER, TREASURY].map(gain), [8_500, 1_000, 500]);
    });
}

#[test]
fn the_fee_is_burnt_before_anybody_is_paid() {
    test(|| {
        hold(PAYER, 1_000);
        let (royalty_to, royalty) = (OWNER, Perbill::zero());
        let payment = Payment { earned: vec![(OPERATOR, 950)], royalty_to, royalty, fee: 100 };
        let issuance = Balances::total_issuance();
        // The operator's price exceeds what is left.
        assert_eq!(charge(PAYER, 1_000, payment), 900);
        assert_eq!(Balances::total_issuance(), issuance - 100);
        assert_eq!(free(PAYER), ENDOWMENT - 1_000);
        Issuance::mutate(|issuance| *issuance -= 100);
    });
}

#[test]
fn a_fee_above_the_escrow_takes_all_of_it() {
    test(|| {
        hold(PAYER, 70);
        Settlement::refund(escrow(&PAYER, 70), 100);
        assert_eq!(free(PAYER), ENDOWMENT - 70);
        assert_eq!(in_escrow(PAYER), 0);
        Issuance::mutate(|issuance| *issuance -= 70);
    });
}
