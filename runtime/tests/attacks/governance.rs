//! Attacks on the treasury by referenda, and on referenda.

use assay_primitives::{Assurance, Balance, RequestId, ASY};
use assay_runtime::{
    configs::governance::SubmissionDeposit,
    constants::MinBond,
    governance::{
        origins::{SpenderLimit, TreasurerLimit},
        tracks,
    },
    OriginCaller, Runtime, RuntimeCall, System,
};
use frame_support::{
    assert_ok,
    traits::{schedule::DispatchTime, Get},
};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::{ReferendumCount, ReferendumInfo, TracksInfo};
use sp_keyring::Sr25519Keyring::*;
use sp_runtime::Perbill;

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

/// A short call that does nothing.
fn remark() -> RuntimeCall {
    frame_system::Call::remark { remark: vec![1] }.into()
}

/// All of these calls, or none.
fn batch_all(
    calls: impl IntoIterator<Item = impl Into<RuntimeCall>>,
) -> pallet_utility::Call<Runtime> {
    let calls = calls.into_iter().map(Into::into).collect();
    pallet_utility::Call::batch_all { calls }
}

/// Submits so many referenda at once, and pays for their decisions. `None` if they are refused.
fn propose_many(who: &Party, origin: &OriginCaller, count: u32) -> Option<Vec<u32>> {
    let first = ReferendumCount::<Runtime>::get();
    let indices = first..first + count;
    let calls = indices.clone().flat_map(|index| {
        let submit = submit_call(origin.clone(), inline(&remark()));
        [submit, pallet_referenda::Call::place_decision_deposit { index }]
    });
    who.include(batch_all(calls)).ok()?;
    Some(indices.collect())
}

/// Fills the agenda of the block in which the referenda of a batch time out. Returns that block.
fn fill_agenda(who: &Party) -> u32 {
    who.submit(batch_all((0..SLOTS).map(|_| submit_call(Origin::Spender, inline(&remark())))));
    let timeout: u32 = <Runtime as pallet_referenda::Config>::UndecidingTimeout::get();
    System::block_number() + timeout
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
        let (mut made, mut blocks) = (0, 0);
        while enacted().is_none() && blocks < 12 {
            // Each fills a quarter of the agenda of the next block.
            let spam = attackers.iter().map(|attacker| {
                let calls = (0..SLOTS / 4).flat_map(|_| {
                    made += 1;
                    let index = pallet_referenda::ReferendumCount::<Runtime>::get();
                    let index = index + (made - 1) % SLOTS;
                    let submit = submit_call(Origin::Spender, inline(&remark()));
                    [submit, pallet_referenda::Call::place_decision_deposit { index }]
                });
                attacker.signed(batch_all(calls))
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

/// Alarms of other referenda fill the agenda of the block in which a track would learn that its
/// decisions have ended.
pub fn closed_tracks() -> Measured {
    let mut measured = None;
    run(|| {
        fill_treasury();
        let attacker = Party::new("attacker", 200_000 * ASY);
        let before = attacker.wealth();
        let full = fill_agenda(&attacker);
        // Without a vote a decision takes as long as it may, so its end is known to the block.
        let track = Tracks::info(tracks::ROOT).expect("there is such a track");
        go_to(full - 2 - track.decision_period - track.prepare_period);
        let own =
            propose_many(&attacker, &root(), track.max_deciding).expect("it can pay for them");
        let capital = held(&attacker.account());
        go_to(full - 1);
        for index in &own {
            assert!(matches!(info(*index), ReferendumInfo::Rejected(..)), "they end too late");
        }
        // More alarms than a block has time for.
        go_to(full + 10);
        for index in &own {
            attacker.submit(pallet_referenda::Call::refund_decision_deposit { index: *index });
        }
        // Deposits for submissions are not returned.
        let submitted = SLOTS + track.max_deciding;
        let cost = lost(&[&attacker], before)
            + (Balance::from(submitted) * SubmissionDeposit::get()) as i128;

        let honest = Party::new("honest", ASY);
        let index = crate::steps::propose(root(), spend(&honest, TREASURE));
        go_to(System::block_number() + 2);
        let is_decided =
            matches!(info(index), ReferendumInfo::Ongoing(status) if status.deciding.is_some());
        measured = Some(Measured {
            attack: "an agenda filled at the end of decisions",
            capital,
            cost,
            harm: if is_decided { 0 } else { TREASURE },
            what: "treasury of which root can spend nothing any more",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_crowded_agenda_closes_no_track() {
    closed_tracks().check_harmless();
}

/// The block of an enactment is known from the submission on if the referendum names it.
#[test]
fn a_crowded_agenda_keeps_no_enactment_out_of_a_block_that_is_known() {
    run(|| {
        fill_treasury();
        let attacker = Party::new("attacker", 200_000 * ASY);
        let payee = Party::new("payee", ASY);
        let full = fill_agenda(&attacker);
        let index = ReferendumCount::<Runtime>::get();
        let submission = pallet_referenda::Call::submit {
            proposal_origin: Box::new(Origin::Spender.into()),
            proposal: inline(&spend(&payee, ASY)),
            enactment_moment: DispatchTime::At(full),
        };
        submit(PROPOSER, submission);
        submit(PROPOSER, pallet_referenda::Call::place_decision_deposit { index });
        vote(&[Dave, DaveStash, EveStash, Ferdie], index, true, VOTE);
        go_until(|| matches!(info(index), ReferendumInfo::Approved(..)), 20);
        go_to(full);
        assert_eq!(enacted(), Some(Ok(())));
        assert_eq!(payee.wealth(), 2 * ASY);
    });
}

/// All tracks on which a referendum can pass within a day are occupied, so that nothing repairs a flaw
/// that becomes known now.
pub fn crowded_fast_tracks() -> Measured {
    /// Referenda of the attacker on each of these tracks.
    const EACH: u32 = 10;
    /// Blocks in which a whitelisted call has to pass, and a canceller.
    const HOURS: u32 = 10;
    let mut measured = None;
    run(|| {
        let attacker = Party::new("attacker", 200_000 * ASY);
        let before = attacker.wealth();
        let mut made = vec![];
        for (origin, count) in [
            (root(), 2),
            (Origin::WhitelistedCaller.into(), EACH),
            (Origin::Canceller.into(), EACH),
            (Origin::Killer.into(), EACH),
        ] {
            made.extend(propose_many(&attacker, &origin, count).unwrap_or_default());
        }
        let capital = held(&attacker.account());
        // Their decisions begin.
        go_to(System::block_number() + 2);

        let call = remark();
        move_by(&[Alice, Bob], pallet_whitelist::Call::whitelist_call { call_hash: hash(&call) });
        let call = Box::new(call);
        let repairs = [
            crate::steps::propose(
                Origin::WhitelistedCaller,
                pallet_whitelist::Call::dispatch_whitelisted_call_with_preimage { call },
            ),
            crate::steps::propose(
                Origin::Canceller,
                pallet_referenda::Call::cancel { index: made[0] },
            ),
        ];
        for index in repairs {
            vote(&[Dave, DaveStash, EveStash, Ferdie], index, true, VOTE);
        }
        go_to(System::block_number() + HOURS);
        let is_approved = |index| matches!(info(index), ReferendumInfo::Approved(..));
        measured = Some(Measured {
            attack: "all fast tracks occupied",
            capital,
            // The deposits for decisions come back.
            cost: lost(&[&attacker], before)
                + (made.len() as Balance * SubmissionDeposit::get()) as i128,
            harm: if repairs.into_iter().all(is_approved) { 0 } else { TREASURE },
            what: "a flaw that nothing repairs within ten hours, set at 1,000,000 ASY",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn fast_tracks_stay_open() {
    crowded_fast_tracks().check_harmless();
}

/// What a voter does with the money that votes.
#[derive(Clone, Copy)]
enum Step {
    /// Votes with all of it.
    Vote,
    /// Has the account to which it is paid vote with it.
    Delegate,
    /// Offers it for an answer of the voter's own operator.
    Request,
}

/// Money that votes is paid to the voter's own operator, and votes again on another account.
fn voting_twice(attack: &'static str, steps: [Step; 2]) -> Measured {
    const ALL: Balance = 6_000_000 * ASY;
    const PRICE: Balance = 5_900_000 * ASY;
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let operator = Party::new("operator", 2 * MinBond::get());
        operator.register(MinBond::get());
        operator.serve(PRICE, 4, both());
        let [first, second] =
            [("first", ALL), ("second", ASY)].map(|(name, balance)| Party::new(name, balance));
        let all = [&operator, &first, &second];
        let before = wealth_of(&all);
        let index = crate::steps::propose(root(), remark());
        let request = RequestId(0);
        for step in steps {
            // Both may be refused.
            let _ = match step {
                // The rest pays fees.
                Step::Vote => first.include(convinced(index, true, ALL - 10_000 * ASY)),
                Step::Delegate => first.include(pallet_conviction_voting::Call::delegate {
                    class: tracks::ROOT,
                    to: second.account().into(),
                    conviction: Conviction::Locked6x,
                    balance: ALL - 10_000 * ASY,
                }),
                Step::Request => {
                    let input = integer_payload(&[2, 3]);
                    first.include(request_call(&input, Assurance::Signed, PRICE, 20, 1))
                },
            };
        }
        empty_block();
        if pallet_inference::Requests::<Runtime>::contains_key(request) {
            let answer =
                result(request, &operator.account(), &operator.worker, &integer_payload(&[5]));
            assert_ok!(include(general(answer)));
        }
        let value = free(&operator.account()) - 10 * ASY;
        operator.submit(pallet_balances::Call::transfer_keep_alive {
            dest: second.account().into(),
            value,
        });
        second.submit(convinced(index, true, value));
        let ReferendumInfo::Ongoing(status) = info(index) else { panic!("it is decided") };
        assert!(status.tally.support > 0, "nobody has voted");
        measured = Some(Measured {
            attack,
            capital: ALL,
            cost: lost(&all, before),
            harm: status.tally.support.saturating_sub(wealth_of(&all)),
            what: "ayes beyond what the voter has",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

/// The voter votes, and then pays.
pub fn votes_paid_to_oneself() -> Measured {
    voting_twice("votes paid to oneself", [Step::Vote, Step::Request])
}

/// The voter offers the money for an answer, votes with what is held for it, and then answers.
pub fn escrows_that_vote() -> Measured {
    voting_twice("votes of money that is held for a request", [Step::Request, Step::Vote])
}

#[test]
fn money_votes_once() {
    votes_paid_to_oneself().check_harmless();
}

#[test]
fn money_that_is_held_for_a_request_votes_once() {
    escrows_that_vote().check_harmless();
}

#[test]
fn delegated_money_votes_once() {
    for steps in [[Step::Delegate, Step::Request], [Step::Request, Step::Delegate]] {
        voting_twice("delegated votes paid to oneself", steps).check_harmless();
    }
}
