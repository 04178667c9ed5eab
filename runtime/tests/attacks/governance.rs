//! Attacks on the treasury by referenda, and on referenda.

use assay_primitives::{Balance, ASY};
use assay_runtime::{
    configs::governance::SubmissionDeposit,
    governance::{
        origins::{SpenderLimit, TreasurerLimit},
        Origin,
    },
    Runtime, RuntimeCall,
};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::ReferendumInfo;
use sp_keyring::Sr25519Keyring::*;

use crate::{common::*, ledger::Measured, party::*, steps::*};

/// The treasury of these tests.
const TREASURE: Balance = 1_000_000 * ASY;
/// Places in the agenda of a block.
const SLOTS: u32 = 512;

fn fill_treasury() {
    let fill =
        pallet_balances::Call::transfer_keep_alive { dest: treasury().into(), value: TREASURE };
    submit(Alice, fill);
}

fn spend(to: &Party, amount: Balance) -> RuntimeCall {
    pallet_settlement::Call::spend_treasury { to: to.account(), amount }.into()
}

/// A vote with the largest conviction.
fn convinced(index: u32, aye: bool, balance: Balance) -> pallet_conviction_voting::Call<Runtime> {
    let vote =
        AccountVote::Standard { vote: Vote { aye, conviction: Conviction::Locked6x }, balance };
    pallet_conviction_voting::Call::vote { poll_index: index, vote }
}

/// Stores a call and submits a referendum over it, with its deposit. `None` if it is refused.
fn propose(who: &Party, origin: Origin, call: RuntimeCall) -> Option<u32> {
    let index = pallet_referenda::ReferendumCount::<Runtime>::get();
    who.include(submit_call(origin, inline(&call))).ok()?;
    who.include(pallet_referenda::Call::place_decision_deposit { index }).ok()?;
    Some(index)
}

/// Whoever has a tenth of all money locks it for 32 weeks to pay itself from the treasury. A sixth of
/// all money votes against it, locked as long.
pub fn drained_treasury() -> Measured {
    let mut measured = None;
    run(|| {
        fill_treasury();
        let attacker = Party::new("attacker", 12_000_000 * ASY);
        let (before, rich) = (attacker.wealth(), treasury_without_fees());
        let index = propose(&attacker, Origin::Treasurer, spend(&attacker, TreasurerLimit::get()))
            .expect("it can pay for it");
        attacker.submit(convinced(index, true, 11_000_000 * ASY));
        for honest in [Dave, Ferdie] {
            submit(honest, convinced(index, false, VOTE));
        }
        go_until(|| !matches!(info(index), ReferendumInfo::Ongoing(..)), 180);
        for _ in 0..20 {
            empty_block();
        }
        attacker.submit(pallet_referenda::Call::refund_decision_deposit { index });
        // The deposit for the submission stays reserved for good.
        let cost = lost(&[&attacker], before) + SubmissionDeposit::get() as i128;
        measured = Some(Measured {
            attack: "the treasury paid out by a tenth of all money",
            capital: 12_000_000 * ASY,
            cost,
            harm: rich.saturating_sub(treasury_without_fees()),
            what: "money of the treasury",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_minority_does_not_drain_the_treasury() {
    drained_treasury().check_harmless();
}

/// A payment that was voted for as a small one has many small ones in it.
pub fn many_small_payments() -> Measured {
    let mut measured = None;
    run(|| {
        fill_treasury();
        let attacker = Party::new("attacker", 1_000 * ASY);
        let (before, rich) = (attacker.wealth(), treasury_without_fees());
        let payment = spend(&attacker, SpenderLimit::get());
        let batch = pallet_utility::Call::batch { calls: vec![payment; 100] };
        let bytes = codec::Encode::encode(&RuntimeCall::from(batch));
        let (hash, len) = (sp_io::hashing::blake2_256(&bytes).into(), bytes.len() as u32);
        attacker.submit(pallet_preimage::Call::note_preimage { bytes });
        let index = pallet_referenda::ReferendumCount::<Runtime>::get();
        let proposal = frame_support::traits::Bounded::Lookup { hash, len };
        attacker.submit(submit_call(Origin::Spender, proposal));
        attacker.submit(pallet_referenda::Call::place_decision_deposit { index });
        // Others grant it the small one.
        vote(&[Dave, Ferdie, BobStash], index, true, VOTE);
        go_until(|| enacted().is_some(), 60);
        attacker.submit(pallet_referenda::Call::refund_decision_deposit { index });
        let gained = rich - treasury_without_fees();
        let cost = lost(&[&attacker], before) + SpenderLimit::get() as i128;
        measured = Some(Measured {
            attack: "a hundred payments in a batch",
            capital: SubmissionDeposit::get() * 2,
            cost,
            harm: gained.saturating_sub(SpenderLimit::get()),
            what: "money of the treasury above what one payment may be",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_batch_pays_no_more_than_one_payment() {
    many_small_payments().check_harmless();
}

/// Alarms of other referenda fill the agendas of the blocks around the one in which a referendum would be
/// enacted, so that the enactment finds no place.
pub fn crowded_agenda() -> Measured {
    let mut measured = None;
    run(|| {
        let attackers: Vec<_> =
            (0..4).map(|index| Party::new(&format!("attacker {index}"), 500_000 * ASY)).collect();
        let attackers: Vec<&Party> = attackers.iter().collect();
        let before = wealth_of(&attackers);
        let target = crate::steps::propose(root(), frame_system::Call::remark { remark: vec![] });
        let index = propose_by(
            AliceStash,
            Origin::Canceller,
            pallet_referenda::Call::cancel { index: target },
        );
        vote(&[Dave, DaveStash, EveStash, Ferdie], index, true, VOTE);
        let remark: RuntimeCall = frame_system::Call::remark { remark: vec![1] }.into();
        let (mut made, mut blocks) = (0, 0);
        while enacted().is_none() && blocks < 12 {
            // Each fills a quarter of the agenda of the next block.
            let spam = attackers.iter().map(|attacker| {
                let calls = (0..SLOTS / 4).flat_map(|_| {
                    made += 1;
                    let index = pallet_referenda::ReferendumCount::<Runtime>::get();
                    let index = index + (made - 1) % SLOTS;
                    let submit = submit_call(Origin::Spender, inline(&remark));
                    [submit, pallet_referenda::Call::place_decision_deposit { index }]
                });
                let calls = calls.map(RuntimeCall::from).collect();
                attacker.signed(pallet_utility::Call::batch_all { calls })
            });
            for result in block(spam.collect()) {
                assert_eq!(result, Ok(Ok(())));
            }
            blocks += 1;
        }
        let is_cancelled = matches!(info(target), ReferendumInfo::Cancelled(..));
        let deposits = SubmissionDeposit::get() * Balance::from(made);
        println!("{made} referenda in {blocks} blocks");
        measured = Some(Measured {
            attack: "agendas filled before an enactment",
            capital: 2 * deposits,
            // Deposits for submissions are not returned.
            cost: lost(&attackers, before) + deposits as i128,
            harm: if is_cancelled { 0 } else { deposits },
            what: "deposits for a referendum that passed and is not enacted",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_crowded_agenda_keeps_no_referendum_from_being_enacted() {
    crowded_agenda().check_harmless();
}
