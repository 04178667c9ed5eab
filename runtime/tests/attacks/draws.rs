//! Attacks on the draw of committees.

use assay_primitives::{Assurance, Balance, ASY};
use assay_runtime::constants::WrongResultSlash;
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

const ASK: Balance = ASY / 100;

/// The author of two blocks in a row knows the seed of every request in the first of them, and puts
/// other requests before its own until it draws its own operators.
pub fn grinding() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let all: Vec<_> = ["honest 1", "honest 2", "honest 3", "sybil 1", "sybil 2", "sybil 3"]
            .iter()
            .map(|name| Party::new(name, 20_000 * ASY))
            .collect();
        for party in &all {
            party.register(10_000 * ASY);
            party.serve(ASK, 64, both());
        }
        let sybils: Vec<_> = all[3..].iter().map(Party::account).collect();
        let payer = Party::new("payer", 100 * ASY);
        let fillers: Vec<_> =
            (0..64).map(|number| Party::new(&format!("filler {number}"), 10 * ASY)).collect();
        let input = integer_payload(&[2, 3]);
        let attempt = |before: usize| {
            let mut transactions: Vec<_> = fillers[..before]
                .iter()
                .map(|filler| filler.signed(request_call(&input, Assurance::Signed, ASK, 20, 1)))
                .collect();
            let assurance = Assurance::Quorum { n: 3, k: 2 };
            let call = request_call(&input, assurance, 3 * ASK, 20, 1);
            transactions.push(payer.signed(call));
            let id = pallet_inference::NextRequest::<assay_runtime::Runtime>::get();
            block(transactions);
            let cost: Balance = fees().iter().map(|(_, fee)| *fee).sum();
            // The next block has the same author.
            skip_slots(AUTHORITIES - 1);
            empty_block();
            let members = record(assay_primitives::RequestId(id.0 + before as u64)).accounts();
            let own = !members.is_empty() && members.iter().all(|one| sybils.contains(one));
            (own, cost)
        };
        let found = (0..fillers.len()).find_map(|before| {
            let (own, cost) = on_a_fork(|| attempt(before));
            own.then_some(cost)
        });
        let stake = 3 * WrongResultSlash::get();
        measured = Some(Measured {
            attack: "a committee chosen by the author of two blocks",
            capital: 3 * 10_000 * ASY,
            cost: found.unwrap_or_default() as i128,
            harm: found.map_or(0, |_| stake),
            what: "stake of members that were not drawn by chance",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn one_author_cannot_choose_a_committee() {
    grinding().check();
}

/// Cheap requests fill the capacity of all honest operators, and a quorum is drawn among the rest.
pub fn crowding_out() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let all: Vec<_> = ["honest 1", "honest 2", "honest 3", "sybil 1", "sybil 2", "sybil 3"]
            .iter()
            .map(|name| Party::new(name, 20_000 * ASY))
            .collect();
        for (index, party) in all.iter().enumerate() {
            party.register(10_000 * ASY);
            party.serve(ASK, if index < 3 { 1 } else { 64 }, both());
        }
        let sybils: Vec<_> = all[3..].iter().map(Party::account).collect();
        let payer = Party::new("payer", 100 * ASY);
        let before = payer.wealth();
        let input = integer_payload(&[2, 3]);
        let mut busy = std::collections::BTreeSet::new();
        for key in 0..60 {
            if busy.len() == 3 {
                break;
            }
            let id = payer.request(request_call(&input, Assurance::Signed, ASK, 200, key));
            empty_block();
            let member = record(id).members[0].account.clone();
            if !sybils.contains(&member) {
                busy.insert(member);
            }
        }
        assert_eq!(busy.len(), 3, "all honest operators are busy");
        let assurance = Assurance::Quorum { n: 3, k: 2 };
        let id = payer.request(request_call(&input, assurance, 3 * ASK, 20, 100));
        empty_block();
        let members = record(id).accounts();
        let captured = !members.is_empty() && members.iter().all(|one| sybils.contains(one));
        measured = Some(Measured {
            attack: "a committee of those that are not kept busy",
            capital: 3 * 10_000 * ASY,
            cost: lost(&[&payer], before),
            harm: Balance::from(captured) * 3 * WrongResultSlash::get(),
            what: "stake of members that were not drawn by chance",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn busy_operators_still_count_in_a_draw() {
    crowding_out().check();
}

/// The author of the last block of a draw knows the seed. It moves its two operators of eight to other
/// seats and adds to their bonds until both are drawn, which are a majority of three.
pub fn weighing() -> Measured {
    const DRAWS: u128 = 8;
    const STEP: Balance = 900 * ASY;
    let mut measured = None;
    run(|| {
        use assay_runtime::{Runtime, RuntimeCall};
        publish_integers(Perbill::zero());
        let all: Vec<_> =
            (0..8).map(|number| Party::new(&format!("operator {number}"), 20_000 * ASY)).collect();
        for party in &all {
            party.register(10_000 * ASY);
            party.serve(ASK, 64, both());
        }
        let sybils = [&all[1], &all[4]];
        let own: Vec<_> = sybils.iter().map(|party| party.account()).collect();
        let payer = Party::new("payer", 100 * ASY);
        let input = integer_payload(&[2, 3]);
        // The first change with which both are drawn, and its fees. Another author makes the block with
        // the request.
        let choose = |slots: u64| {
            skip_slots(slots);
            let assurance = Assurance::Quorum { n: 3, k: 2 };
            let id = payer.request(request_call(&input, assurance, 3 * ASK, 20, 1));
            let attempt = |(moved, amounts): (usize, [Balance; 2])| {
                let changes =
                    sybils.iter().enumerate().zip(amounts).map(|((at, party), amount)| {
                        let mut calls: Vec<RuntimeCall> = Vec::new();
                        if moved & (1 << at) != 0 {
                            let version = version(0, 1);
                            calls.push(
                                pallet_operators::Call::<Runtime>::withdraw { version }.into(),
                            );
                            calls.push(serve_call(ASK, 64, both()).into());
                        }
                        if amount > 0 {
                            calls.push(
                                pallet_operators::Call::<Runtime>::add_bond { amount }.into(),
                            );
                        }
                        party.signed(pallet_utility::Call::<Runtime>::batch_all { calls })
                    });
                for result in block(changes.collect()) {
                    // Whoever is drawn cannot withdraw its offer.
                    assert!(result.is_ok());
                }
                let cost: Balance = fees().iter().map(|(_, fee)| *fee).sum();
                let members = record(id).accounts();
                assert_eq!(members.len(), 3);
                assert!(record(id).draw.expect("it is drawn").authors >= 2);
                (own.iter().all(|one| members.contains(one)), cost)
            };
            let amounts = (0..121).map(|number| [number % 11 * STEP, number / 11 * STEP]);
            let all = amounts.flat_map(|amounts| (0..4).map(move |moved| (moved, amounts)));
            all.enumerate().find_map(|(index, change)| {
                let (own, cost) = on_a_fork(|| attempt(change));
                own.then_some((index, cost))
            })
        };
        let found: Vec<_> =
            (0..DRAWS as u64).filter_map(|slots| on_a_fork(|| choose(slots))).collect();
        let by_chance = found.iter().filter(|(index, _)| *index == 0).count() as u128;
        let chosen = found.len() as u128;
        let cost = found.iter().map(|(_, fees)| *fees as i128).sum();
        let tries: Vec<_> = found.iter().map(|(index, _)| index + 1).collect();
        println!(
            "{chosen} of {DRAWS} committees, after tries {tries:?}; {by_chance} by chance, 3 of 28 \
             expected"
        );
        measured = Some(Measured {
            attack: "a committee weighed by the author of the last block",
            capital: 2 * 19_000 * ASY,
            cost,
            harm: (chosen - by_chance) * 2 * WrongResultSlash::get(),
            what: "stake of majorities that were not drawn by chance",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn the_last_author_cannot_choose_a_committee() {
    weighing().check();
}
