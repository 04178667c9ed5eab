//! The treasury's payments, and votes with money that is also held.

use assay_primitives::{Assurance, ASY};
use assay_runtime::{
    governance::{
        origins::{SpenderLimit, TreasurerLimit},
        tracks, Origin,
    },
    AccountId, Balance, Balances, Runtime, RuntimeCall, EXISTENTIAL_DEPOSIT,
};
use frame_support::traits::{fungible::Inspect, tokens};
use pallet_conviction_voting::Error as VoteError;
use pallet_referenda::ReferendumInfo;
use pallet_settlement::Error;
use sp_keyring::Sr25519Keyring::*;
use sp_runtime::{DispatchError, Perbill, TokenError};

use crate::{
    common::{party::*, *},
    steps::*,
};

const MILLION: Balance = 1_000_000 * ASY;

fn spend(to: &AccountId, amount: Balance) -> RuntimeCall {
    pallet_settlement::Call::spend_treasury { to: to.clone(), amount }.into()
}

/// Has a referendum enact a call. Returns what the treasury paid.
fn decide(origin: Origin, call: impl Into<RuntimeCall>) -> (Balance, sp_runtime::DispatchResult) {
    let before = treasury_without_fees();
    let index = propose(origin, call);
    // 63 million of 120 are more than any track asks for at its start.
    vote(
        &[Dave, DaveStash, EveStash, Ferdie, FerdieStash, BobStash, CharlieStash],
        index,
        true,
        VOTE,
    );
    go_until(|| matches!(info(index), ReferendumInfo::Approved(..)), 60);
    go_until(|| enacted().is_some(), 60);
    (before - treasury_without_fees(), enacted().expect("it was enacted"))
}

fn fill_treasury() {
    let fill =
        pallet_balances::Call::transfer_keep_alive { dest: treasury().into(), value: MILLION };
    submit(Alice, fill);
}

#[test]
fn a_referendum_spends_exactly_what_it_says_and_at_most_its_limit() {
    run(|| {
        fill_treasury();
        let payee = Party::new("payee", ASY);
        let (limit, large) = (SpenderLimit::get(), TreasurerLimit::get());
        let refused = Err(Error::<Runtime>::SpendTooLarge.into());
        for (origin, amount, paid, result) in [
            (Origin::Spender, limit, limit, Ok(())),
            (Origin::Spender, limit + 1, 0, refused),
            (Origin::Treasurer, large, large, Ok(())),
            (Origin::Treasurer, large + 1, 0, refused),
            (Origin::WhitelistedCaller, 1, 0, Err(DispatchError::BadOrigin)),
            (Origin::Killer, 1, 0, Err(DispatchError::BadOrigin)),
        ] {
            let before = payee.wealth();
            let done = decide(origin, spend(&payee.account(), amount));
            assert_eq!(done, (paid, result), "{origin:?}, {amount}");
            assert_eq!(payee.wealth() - before, paid);
        }
    });
}

#[test]
fn a_batch_spends_no_more_than_one_call() {
    run(|| {
        fill_treasury();
        let payee = Party::new("payee", ASY).account();
        let half = spend(&payee, SpenderLimit::get() / 2 + 1);
        let batch = pallet_utility::Call::batch { calls: vec![half.clone(); 3] };
        // The first is paid; the second would exceed the limit and interrupts the batch.
        let (paid, _) = decide(Origin::Spender, batch);
        assert_eq!(paid, SpenderLimit::get() / 2 + 1);
        let all = pallet_utility::Call::batch_all { calls: vec![half; 3] };
        let (paid, result) = decide(Origin::Spender, all);
        assert_eq!(paid, 0);
        assert!(result.is_err());
    });
}

#[test]
fn a_payment_that_the_treasury_cannot_make_moves_nothing() {
    run(|| {
        let payee = Party::new("payee", ASY).account();
        let (paid, result) = decide(Origin::Spender, spend(&payee, ASY));
        assert_eq!((paid, result), (0, Err(Error::<Runtime>::TreasuryTooSmall.into())));
    });
}

/// What of an account a transfer may take.
fn transferable(account: &AccountId) -> Balance {
    Balances::reducible_balance(
        account,
        tokens::Preservation::Expendable,
        tokens::Fortitude::Polite,
    )
}

fn transfer(to: &AccountId, value: Balance) -> pallet_balances::Call<Runtime> {
    pallet_balances::Call::transfer_allow_death { dest: to.clone().into(), value }
}

/// The same money votes and stands behind results. Voting takes nothing of the bond, and the lock
/// holds back no slash and no release.
#[test]
fn money_that_votes_can_be_a_bond_and_nothing_is_lost() {
    for votes_first in [true, false] {
        run(|| {
            let (all, bond) = (20_000 * ASY, 15_000 * ASY);
            let party = Party::new("operator", all + 10 * ASY);
            let index = propose(root(), frame_system::Call::remark { remark: vec![7; 9] });
            if votes_first {
                party.submit(vote_call(index, true, all));
                party.register(bond);
            } else {
                party.register(bond);
                party.submit(vote_call(index, true, all));
            }
            // The bond counts among what is locked: 5,000 ASY beside it stay, 10 less fees may go.
            assert_eq!(party.bond(), bond);
            assert_eq!(party.wealth(), held(&party.account()) + free(&party.account()));
            let spare = transferable(&party.account());
            assert!((9 * ASY..10 * ASY).contains(&spare), "{spare}");
            assert_eq!(
                party.include(transfer(&Ferdie.to_account_id(), 11 * ASY)),
                Err(TokenError::Frozen.into())
            );
            assert_eq!(
                party.include(vote_call(index, true, party.wealth() + 1)),
                Err(VoteError::<Runtime>::InsufficientFunds.into())
            );

            // Who withdraws the vote of a referendum that goes on gets all back at once.
            let remove = pallet_conviction_voting::Call::remove_vote { class: None, index };
            party.submit(remove);
            party.submit(unlock(&party));
            let left = party.wealth() - bond;
            assert!(left > 5_000 * ASY);
            assert_eq!(transferable(&party.account()), left - EXISTENTIAL_DEPOSIT);
        });
    }
}

fn unlock(party: &Party) -> pallet_conviction_voting::Call<Runtime> {
    pallet_conviction_voting::Call::unlock { class: tracks::ROOT, target: party.account().into() }
}

/// A slash takes a locked bond as if it were not locked, and only the bond.
#[test]
fn a_locked_bond_can_be_slashed_and_the_rest_is_unlocked_later() {
    run(|| {
        publish_integers(Perbill::zero());
        let (all, bond) = (20_000 * ASY, 15_000 * ASY);
        let party = Party::new("operator", all + 10 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        party.register(bond);
        party.serve(ASY, 4, both());
        let index = propose(root(), frame_system::Call::remark { remark: vec![7; 9] });
        party.submit(vote_call(index, true, all));
        let input = integer_payload(&[2, 3]);
        let id = payer.request(request_call(&input, Assurance::Signed, ASY, 10, 1));
        empty_block();
        let results =
            [5, 6].map(|value| result_statement(id, &party.account(), &integer_payload(&[value])));
        let answer = result(id, &party.account(), &party.worker, &integer_payload(&[5]));
        assert_eq!(include(general(answer)), Ok(()));
        let (before, rich) = (party.wealth(), treasury_without_fees());
        let report = equivocation(id, version(0, 1), &party.worker, results);
        submit(FerdieStash, report);
        assert_eq!(before - party.wealth(), bond, "the whole bond, and nothing else");
        assert_eq!(treasury_without_fees() - rich, bond);

        // 20,000 ASY are locked on an account that has 5,000. So it cannot pay the fee for removing its
        // vote, and nobody else can remove it before the referendum ends. Afterwards anybody can.
        let remove = pallet_conviction_voting::Call::remove_other_vote {
            target: party.account().into(),
            class: tracks::ROOT,
            index,
        };
        assert_eq!(transferable(&party.account()), 0);
        assert!(block(vec![party.signed(unlock(&party))])[0].is_err());
        assert!(include(signed(Ferdie, remove.clone())).is_err());
        go_until(|| matches!(info(index), ReferendumInfo::Rejected(..)), 180);
        submit(Ferdie, remove);
        submit(Ferdie, unlock(&party));
        assert_eq!(transferable(&party.account()), before - bond);
    });
}

/// What is held for a request can go to another account of the payer and vote again.
#[test]
fn money_that_votes_pays_for_no_request() {
    run(|| {
        publish_integers(Perbill::zero());
        let operator = Party::new("operator", 2_000 * ASY);
        operator.register(1_000 * ASY);
        operator.serve(ASY, 4, both());
        let payer = Party::new("payer", 100 * ASY);
        let index = propose(root(), frame_system::Call::remark { remark: vec![7; 9] });
        payer.submit(vote_call(index, true, 60 * ASY));
        let request = |most: Balance, key| {
            request_call(&integer_payload(&[2, 3]), Assurance::Signed, most, 10, key)
        };
        let refused = Err(Error::<Runtime>::EscrowNotCovered.into());
        assert_eq!(payer.include(request(50 * ASY, 1)), refused);
        payer.submit(request(30 * ASY, 2));
        // What is held counts towards the lock no more than what has gone.
        assert_eq!(payer.include(request(20 * ASY, 3)), refused);
    });
}
