//! Tests of the pallet.

use assay_primitives::Balance;
use frame_support::BoundedVec;
use frame_support::{
    assert_noop, assert_ok,
    traits::{
        fungible::{Balanced, Inspect, Mutate},
        tokens::{Fortitude, Precision, Preservation},
        OnUnbalanced,
    },
};
use proptest::prelude::*;
use sp_runtime::{DispatchError, Perbill};
use sp_staking::EraPayout;

use crate::{mock::*, *};

fn taken(amount: Balance) -> frame_support::traits::fungible::Credit<u64, Balances> {
    <Balances as Balanced<u64>>::withdraw(
        &PAYER,
        amount,
        Precision::Exact,
        Preservation::Preserve,
        Fortitude::Polite,
    )
    .expect("the payer can pay")
}

/// Pays for a transaction.
fn transaction(fee: Balance, tip: Balance) {
    let parts = [taken(fee), taken(tip)];
    TransactionFees::<Test>::on_unbalanceds(parts.into_iter());
}

fn issuance() -> Balance {
    Balances::total_issuance()
}

fn balance(account: u64) -> Balance {
    <Balances as Inspect<u64>>::balance(&account)
}

/// What staking does at the end of an era. Returns what it was handed.
fn end_era() -> Balance {
    let (earned, rest) = <Validators as EraPayout<Balance>>::era_payout(0, issuance(), 0);
    assert_eq!(rest, 0);
    earned
}

/// What staking does when it pays.
fn pay(who: u64, amount: Balance) {
    let debt = <Balances as Balanced<u64>>::deposit(&who, amount, Precision::Exact)
        .expect("the account can receive it");
    Rewards::<Test>::on_unbalanced(debt);
}

// --- fees -------------------------------------------------------------------------------------

#[test]
fn fees_of_a_block_are_divided_at_its_end() {
    test(|| {
        let before = issuance();
        block_by(Some(1), || {
            transaction(1_000, 0);
            Validators::on_unbalanced(taken(7));
            assert_eq!(BlockFees::<Test>::get(), 1_007);
            assert_eq!(balance(TREASURY), ED);
        });
        // 302.1, 503.5 and the rest.
        let split = Split { validators: 302, treasury: 202, burnt: 503 };
        assert_eq!(Validators::split(1_007), split);
        assert_eq!(balance(TREASURY), ED + split.treasury);
        assert_eq!(EraFees::<Test>::get(), split.validators);
        assert_eq!(issuance(), before - split.validators - split.burnt);
        let Split { validators, treasury, burnt } = split;
        System::assert_last_event(Event::FeesDivided { validators, treasury, burnt }.into());
    });
}

#[test]
fn a_block_without_fees_divides_nothing() {
    test(|| {
        block_by(Some(1), || ());
        assert!(System::events().is_empty());
    });
}

#[test]
fn tips_are_the_authors_or_the_treasurys() {
    test(|| {
        block_by(Some(1), || transaction(0, 500));
        assert_eq!((balance(1), balance(TREASURY)), (500, ED));
        // Below the existential deposit, to an author that does not exist.
        block_by(Some(2), || transaction(0, ED - 1));
        assert_eq!((balance(2), balance(TREASURY)), (0, 2 * ED - 1));
        block_by(None, || transaction(0, 300));
        assert_eq!(balance(TREASURY), 2 * ED - 1 + 300);
        assert_eq!(issuance(), ENDOWMENT + ED);
    });
}

#[test]
fn an_era_earns_its_share_and_no_more_is_minted() {
    test(|| {
        let before = issuance();
        block_by(Some(1), || transaction(1_000, 0));
        block_by(Some(2), || transaction(2_000, 0));
        assert_eq!(end_era(), 900);
        assert_eq!((EraFees::<Test>::get(), Unminted::<Test>::get()), (0, 900));
        pay(1, 300);
        pay(2, 550);
        assert_eq!(Unminted::<Test>::get(), 50);
        assert_eq!(issuance(), before - 1_500 - 50);
        // The next era begins with nothing.
        assert_eq!(end_era(), 0);
        assert_eq!(Unminted::<Test>::get(), 50);
    });
}

#[test]
fn the_treasury_pays_for_rounding_upwards() {
    test(|| {
        block_by(Some(1), || transaction(1_000, 0));
        end_era();
        let (before, of_treasury) = (issuance(), balance(TREASURY));
        pay(1, 299);
        pay(1, 3);
        assert_eq!((Unminted::<Test>::get(), balance(TREASURY)), (0, of_treasury - 2));
        assert_eq!(issuance(), before + 300, "never more than was burnt");
    });
}

/// Which staking never does. It is logged, and a panic in builds with debug assertions.
#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "more was minted than was burnt"))]
fn what_the_treasury_cannot_pay_for_takes_nothing_from_it() {
    test(|| {
        block_by(Some(1), || transaction(1_000, 0));
        end_era();
        let of_treasury = balance(TREASURY);
        pay(1, 301 + of_treasury);
        assert_eq!((Unminted::<Test>::get(), balance(TREASURY)), (0, of_treasury));
    });
}

#[test]
fn what_validators_may_not_have_is_the_treasurys() {
    test(|| {
        block_by(Some(1), || transaction(1_000, 0));
        let earned = end_era();
        let before = balance(TREASURY);
        Remainder::<Test>::on_unbalanced(<Balances as Balanced<u64>>::issue(earned / 3));
        assert_eq!(balance(TREASURY), before + 100);
        assert_eq!(Unminted::<Test>::get(), 200);
    });
}

#[test]
fn fees_that_are_not_divided_break_an_invariant() {
    new_test_ext().execute_with(|| {
        BlockFees::<Test>::put(1);
        assert_eq!(Validators::do_try_state(), Err("fees of a block are not divided".into()));
    });
}

proptest! {
    #[test]
    fn the_parts_of_a_fee_are_the_fee(fee in any::<Balance>()) {
        let Split { validators, treasury, burnt } = Validators::split(fee);
        prop_assert_eq!(validators + treasury + burnt, fee);
        let percent = |parts: Balance| fee / 100 * parts + fee % 100 * parts / 100;
        prop_assert_eq!((validators, burnt), (percent(30), percent(50)));
        prop_assert!(treasury >= percent(20) && treasury <= percent(20) + 2);
    }

    /// Over any sequence of fees, ends of eras and payments, what is gone is what was burnt, and
    /// nothing is minted that was not burnt.
    #[test]
    fn money_is_conserved(fees in prop::collection::vec((0..5_000u128, 0..200u128, 0..4u8), 1..60)) {
        new_test_ext().execute_with(|| {
            let genesis = issuance();
            let (mut burnt, mut handed, mut minted) = (0, 0, 0);
            assert_ok!(Balances::mint_into(&1, ED));
            for (fee, tip, what) in fees {
                block_by(Some(1), || transaction(fee, tip));
                burnt += Validators::split(fee).burnt;
                if what == 0 {
                    handed += end_era();
                }
                if what == 1 {
                    let part = (handed - minted) / 2;
                    pay(1, part);
                    minted += part;
                }
                let waiting = EraFees::<Test>::get() + Unminted::<Test>::get();
                assert_eq!(Unminted::<Test>::get(), handed - minted);
                assert_eq!(issuance() + burnt + waiting, genesis + ED);
                assert_eq!(Validators::do_try_state(), Ok(()));
            }
        });
    }
}

// --- absence ----------------------------------------------------------------------------------

/// A session in which each of these validators makes this many blocks.
fn session(authors: &[u64], each: u32) {
    for author in authors {
        for _ in 0..each {
            block_by(Some(*author), || ());
        }
    }
    System::reset_events();
    Validators::end_session();
}

fn absent() -> Vec<(u64, u32)> {
    let validators = System::events().into_iter().filter_map(|record| match record.event {
        RuntimeEvent::Validators(Event::Absent { validator, expected }) => {
            Some((validator, expected))
        },
        _ => None,
    });
    validators.collect()
}

/// What each has missed since its last block, in millionths of a block.
fn missed() -> Vec<(u64, u64)> {
    Missed::<Test>::get().into_iter().collect()
}

#[test]
fn who_makes_no_block_is_no_candidate_any_more() {
    test(|| {
        set(4);
        session(&[0, 1, 2], 40);
        // Of 120 blocks it should have had 30 for each of four.
        assert_eq!(absent(), [(3, 30)]);
        assert_eq!(Candidates::get(), [0, 1, 2]);
        assert_eq!(missed(), [(3, 30_000_000)]);
    });
}

#[test]
fn who_comes_back_without_a_block_loses_the_candidacy_again() {
    test(|| {
        set(4);
        session(&[0, 1, 2], 40);
        for returns in 1..5 {
            Candidates::mutate(|candidates| candidates.push(3));
            session(&[0, 1, 2], 1);
            // 0.75 blocks in each session.
            assert_eq!(missed(), [(3, 30_000_000 + returns * 750_000)]);
            assert_eq!(absent(), [(3, 30 + (returns * 3 / 4) as u32)]);
            assert_eq!(Candidates::get(), [0, 1, 2]);
        }
        // Who stays away is counted on, and is no news.
        session(&[0, 1, 2], 1);
        assert_eq!((missed(), absent()), (vec![(3, 33_750_000)], vec![]));
    });
}

#[test]
fn an_outage_ends_no_candidacy_of_who_came_back() {
    test(|| {
        set(4);
        session(&[0, 1, 2], 40);
        Candidates::mutate(|candidates| candidates.push(3));
        session(&[0, 1], 40);
        System::assert_last_event(Event::Outage { absent: 2 }.into());
        assert_eq!((missed(), Candidates::get().len()), (vec![(3, 30_000_000)], 4));
    });
}

#[test]
fn who_comes_back_and_makes_a_block_begins_anew() {
    test(|| {
        set(4);
        session(&[0, 1, 2], 40);
        Candidates::mutate(|candidates| candidates.push(3));
        session(&[0, 1, 2, 3], 1);
        assert_eq!((missed(), absent()), (vec![], vec![]));
        session(&[0, 1, 2], 26);
        assert_eq!((missed(), absent()), (vec![(3, 19_500_000)], vec![]));
        assert_eq!(Candidates::get().len(), 4);
    });
}

#[test]
fn one_block_is_enough() {
    test(|| {
        set(4);
        block_by(Some(3), || ());
        session(&[0, 1, 2], 400);
        assert_eq!((absent(), Candidates::get().len()), (vec![], 4));
    });
}

#[test]
fn few_blocks_are_counted_over_sessions() {
    test(|| {
        set(100);
        let others: Vec<_> = (0..99).collect();
        // 297 blocks for 100 validators: 2.97 a session.
        for _ in 0..6 {
            session(&others, 3);
            assert_eq!(absent(), []);
        }
        assert_eq!(missed(), [(99, 17_820_000)]);
        session(&others, 3);
        assert_eq!(absent(), [(99, 20)]);

        // A block begins the count anew.
        set(100);
        for _ in 0..2 {
            block_by(Some(99), || ());
            session(&others, 3);
            assert_eq!(missed(), []);
            for _ in 0..6 {
                session(&others, 3);
                assert_eq!(absent(), []);
            }
        }
    });
}

#[test]
fn an_outage_of_the_network_is_nobodys_fault() {
    test(|| {
        set(10);
        // Three of ten are tolerated, four are an outage.
        session(&[0, 1, 2, 3, 4, 5], 100);
        assert_eq!((absent(), Candidates::get().len()), (vec![], 10));
        System::assert_last_event(Event::Outage { absent: 4 }.into());
        // Nobody made a block.
        session(&[], 0);
        System::assert_last_event(Event::Outage { absent: 10 }.into());
        // What was missed before is neither forgotten nor more.
        session(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 10);
        assert_eq!(Missed::<Test>::get().get(&9), Some(&9_000_000));
        session(&[0, 1, 2, 3], 100);
        assert_eq!(missed(), [(9, 9_000_000)]);
        session(&[0, 1, 2, 3, 4, 5, 6], 100);
        assert_eq!(absent(), [(7, 70), (8, 70), (9, 79)]);
    });
}

#[test]
fn the_minimum_of_candidates_remains() {
    test(|| {
        set(10);
        Minimum::set(9);
        session(&[0, 1, 2, 3, 4, 5, 6], 100);
        assert_eq!(absent(), [(7, 70)]);
        assert_eq!(missed(), [7, 8, 9].map(|who| (who, 70_000_000)));
        // As soon as there are others again.
        Candidates::mutate(|candidates| candidates.push(20));
        session(&[0, 1, 2, 3, 4, 5, 6], 100);
        assert_eq!(absent(), [(8, 140)]);
    });
}

#[test]
fn less_than_four_validators_tolerate_no_absence() {
    test(|| {
        for count in 1..4 {
            set(count);
            Minimum::set(0);
            let others: Vec<_> = (1..u64::from(count)).collect();
            session(&others, 1_000);
            assert_eq!(absent(), []);
            assert_eq!(Candidates::get().len(), count as usize);
        }
    });
}

#[test]
fn who_may_not_make_blocks_is_not_absent() {
    test(|| {
        set(4);
        Disabled::set(vec![3]);
        session(&[0, 1, 2], 40);
        assert_eq!(absent(), []);
        Disabled::set(vec![]);
        session(&[0, 1, 2], 40);
        assert_eq!(absent(), [(3, 30)]);
    });
}

#[test]
fn who_left_the_set_begins_anew() {
    test(|| {
        set(5);
        session(&[0, 1, 2, 3], 20);
        assert_eq!(Missed::<Test>::get().get(&4), Some(&16_000_000));
        Members::set(vec![0, 1, 2, 3]);
        session(&[0, 1, 2, 3], 20);
        assert!(Missed::<Test>::get().is_empty());
        set(5);
        session(&[0, 1, 2, 3], 20);
        assert_eq!(absent(), []);
    });
}

proptest! {
    /// Whatever happens, never more than the tolerated number lose their place in a session, never one
    /// that has made a block, and the minimum remains.
    #[test]
    fn the_bounds_hold(
        count in 1..40u32,
        minimum in 0..10u32,
        made in prop::collection::vec(0..6u32, 40),
    ) {
        new_test_ext().execute_with(|| {
            set(count);
            Minimum::set(minimum);
            let before = Candidates::get();
            let authors: Vec<_> = before.iter().copied().filter(|who| made[*who as usize] > 0).collect();
            session(&authors, 25);
            let lost: Vec<_> = absent().into_iter().map(|(who, _)| who).collect();
            assert!(lost.len() as u32 <= Validators::tolerated(count));
            assert!(lost.iter().all(|who| !authors.contains(who)));
            let left = Candidates::get().len() as u32;
            assert_eq!(left + lost.len() as u32, count);
            assert!(lost.is_empty() || left >= minimum.max(1));
            assert_eq!(Validators::do_try_state(), Ok(()));
        });
    }
}

#[test]
fn keys_go_with_the_stake_alone() {
    test(|| {
        Staked::set(vec![1]);
        WithKeys::set(vec![1, 2]);
        let purge = |account| Validators::purge_keys(RuntimeOrigin::signed(account));
        assert_noop!(purge(1), Error::<Test>::HasStake);
        assert_ok!(purge(2));
        assert_eq!(WithKeys::get(), [1]);
        assert_noop!(purge(2), DispatchError::Other("no keys"));
        assert_noop!(Validators::purge_keys(RuntimeOrigin::none()), DispatchError::BadOrigin);
    });
}

/// The sessions whose keys are kept, and those under which the lists are.
fn kept() -> (Vec<u32>, Vec<u32>) {
    let sorted = |mut all: Vec<u32>| {
        all.sort_unstable();
        all
    };
    (
        sorted(KeyListOf::<Test>::iter_keys().collect()),
        sorted(KeyLists::<Test>::iter_keys().collect()),
    )
}

#[test]
fn keys_of_sessions_are_kept_as_long_as_they_can_be_reported() {
    test(|| {
        let first = vec![(1, 10), (2, 20)];
        let second = vec![(1, 11), (2, 20)];
        assert_eq!(Validators::keys_of(0), None);
        for session in 0..3 {
            Validators::start_session(session, first.clone());
            assert_eq!(Validators::do_try_state(), Ok(()));
        }
        assert_eq!(kept(), (vec![0, 1, 2], vec![0]), "equal lists are kept once");
        Validators::start_session(3, second.clone());
        Validators::start_session(4, first.clone());
        assert_eq!(kept(), (vec![0, 1, 2, 3, 4], vec![0, 3, 4]));
        for (session, expected) in [(0, &first), (2, &first), (3, &second), (4, &first)] {
            let keys = Validators::keys_of(session).map(BoundedVec::into_inner);
            assert_eq!(keys.as_ref(), Some(expected), "{session}");
        }
        assert_eq!(Validators::keys_of(5), None);

        // The list of session 0 is kept until the last session with it is dropped.
        for session in 5..8 {
            Validators::start_session(session, first.clone());
            assert_eq!(Validators::do_try_state(), Ok(()));
            let from = session + 1 - KEPT;
            assert_eq!(kept().0, (from..=session).collect::<Vec<_>>());
            assert_eq!(KeyLists::<Test>::contains_key(0), session < 7, "{session}");
            assert_eq!(Validators::keys_of(from - 1), None);
        }
        assert_eq!(kept(), ((3..8).collect(), vec![3, 4]));
    });
}

#[test]
fn keys_that_are_in_no_session_or_left_behind_are_found() {
    new_test_ext().execute_with(|| {
        for session in 0..3 {
            Validators::start_session(session, vec![(1, 10)]);
        }
        assert_eq!(Validators::do_try_state(), Ok(()));
        for breaks in [
            (|| KeyLists::<Test>::remove(0)) as fn(),
            || KeyListOf::<Test>::remove(1),
            || KeyListOf::<Test>::insert(2 + KEPT, 0),
            || KeyLists::<Test>::insert(9, BoundedVec::default()),
            || StillDisabled::<Test>::put(BoundedVec::truncate_from(vec![(1, Perbill::one())])),
        ] {
            let result = frame_support::storage::with_transaction_unchecked(|| {
                breaks();
                let result = Validators::do_try_state();
                sp_runtime::TransactionOutcome::Rollback(result)
            });
            assert!(result.is_err());
        }
        assert_eq!(Validators::do_try_state(), Ok(()));
    });
}
