//! Attacks on the room in blocks.

use assay_primitives::{
    runtime_api::Status, Assurance, AssuranceClass, Balance, FailureReason, ModelDescriptor,
    RequestId, RequestInput, ASY,
};
use assay_runtime::{
    configs::{fees::TransactionByteFee, system::RuntimeBlockWeights},
    constants::MinBond,
    Runtime, System, UncheckedExtrinsic,
};
use codec::Encode;
use frame_support::{assert_ok, dispatch::DispatchClass};
use pallet_inference::{BatchItem, NextRequest};
use sp_keyring::Sr25519Keyring::EveStash;
use sp_runtime::{ApplyExtrinsicResult, Perbill};

use crate::{bonds::lie, common::*, ledger::Measured, party::*};

const SALT: [u8; 32] = [3; 32];
/// The largest payload of 32-bit integers that fits into an output.
const NUMBERS: u32 = 8_000;

/// Computation that transactions have taken in the last block.
fn used() -> u64 {
    System::block_weight().get(DispatchClass::Normal).ref_time()
}

/// What a paying account would have paid for the room of these transactions in a block that they
/// make up: a planck for each picosecond, and the fee for their bytes.
pub fn price_of_room(transactions: Vec<UncheckedExtrinsic>) -> Balance {
    let (price, results) = room_of(transactions);
    for result in results {
        assert_eq!(result, Ok(Ok(())));
    }
    price
}

/// [`price_of_room`] of transactions whose calls may fail, and their results.
pub fn room_of(transactions: Vec<UncheckedExtrinsic>) -> (Balance, Vec<ApplyExtrinsicResult>) {
    let bytes: usize = transactions.iter().map(Encode::encoded_size).sum();
    empty_block();
    let idle = used();
    let results = block(transactions);
    let price = Balance::from(used() - idle) + bytes as Balance * TransactionByteFee::get();
    (price, results)
}

/// A version whose output is as long as an output may be.
fn long_output(file: &[u8]) -> ModelDescriptor {
    use assay_primitives::ElementType;
    let outputs = vec![declare("y", ElementType::I32, &[NUMBERS])];
    ModelDescriptor { outputs: outputs.try_into().expect("within the bound"), ..integers(file) }
}

/// Fifteen operators of one owner that serve the version with the longest output.
fn operators() -> Vec<Party> {
    let file = b"a model";
    publish(EveStash, file, long_output(file), Perbill::zero(), None);
    let all: Vec<_> =
        (0..15).map(|number| Party::new(&format!("sybil {number}"), 2 * MinBond::get())).collect();
    for party in &all {
        party.register(MinBond::get());
        party.serve(1, 64, both());
    }
    beat(&all);
    all
}

/// A heartbeat of each operator whose last one is old enough.
fn beat(all: &[Party]) {
    let now = System::block_number();
    block(all.iter().map(|one| general(heartbeat(&one.account(), &one.worker, now))).collect());
}

fn drawn(payer: &Party, key: u8) -> RequestId {
    let assurance = Assurance::Quorum { n: 15, k: 8 };
    let id = payer.request(request_call(&integer_payload(&[2, 3]), assurance, 15, 100, key));
    empty_block();
    assert_eq!(record(id).status, Status::Assigned);
    id
}

fn commit_all(id: RequestId, all: &[Party], output: &[u8]) {
    let calls = all.iter().map(|party| commit(id, &party.account(), &party.worker, output, &SALT));
    for result in block(calls.map(general).collect()) {
        assert_eq!(result, Ok(Ok(())));
    }
}

fn reveals(id: RequestId, all: &[Party], output: &[u8]) -> Vec<UncheckedExtrinsic> {
    all.iter()
        .map(|party| general(reveal(id, &party.account(), &party.worker, output, &SALT)))
        .collect()
}

/// Answers as long and as many as allowed, for the price of a request.
pub fn long_answers() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators();
        let payer = Party::new("payer", 100 * ASY);
        let attackers: Vec<&Party> = all.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let output = integer_payload(&[5; NUMBERS as usize]);
        let id = drawn(&payer, 1);
        commit_all(id, &all, &output);
        let mut harm = 0;
        for some in reveals(id, &all, &output).chunks(8) {
            harm += price_of_room(some.to_vec());
        }
        assert!(matches!(record(id).status, Status::Final(_)));
        measured = Some(Measured {
            attack: "the longest answers of the largest quorum",
            capital: 15 * MinBond::get(),
            cost: lost(&attackers, before),
            harm,
            what: "price of the blocks' room",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn answers_are_paid_for() {
    long_answers().check();
}

/// Answers of many requests, saved up for one block.
pub fn hoarded_answers() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators();
        let payer = Party::new("payer", 100 * ASY);
        let output = integer_payload(&[5; NUMBERS as usize]);
        let hoard = hoard(&all, &payer, &output);
        empty_block();
        let idle = used();
        block(hoard);
        let normal = RuntimeBlockWeights::get().get(DispatchClass::Normal).max_total.unwrap();
        let half = normal.ref_time() / 2;
        measured = Some(Measured {
            attack: "answers saved up for one block",
            capital: 15 * MinBond::get(),
            cost: 0,
            harm: Balance::from((used() - idle).saturating_sub(half)),
            what: "price of room beyond half of a block's transactions",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn answers_leave_half_of_a_block_to_others() {
    hoarded_answers().check();
}

/// An operator that reports a failure for every request of its own.
pub fn failure_reports() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators();
        let payer = Party::new("payer", 100 * ASY);
        let attackers: Vec<&Party> = all.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let mut harm = 0;
        for key in 0..5 {
            let call = request_call(&integer_payload(&[2, 3]), Assurance::Signed, 1, 100, key);
            let id = payer.request(call);
            empty_block();
            let member = &record(id).members[0].account;
            let party = all.iter().find(|party| party.account() == *member).unwrap();
            let call = failure(id, &party.account(), &party.worker, FailureReason::InvalidModel);
            harm += price_of_room(vec![general(call)]);
        }
        measured = Some(Measured {
            attack: "failure reports without end",
            capital: 15 * MinBond::get(),
            cost: lost(&attackers, before),
            harm,
            what: "price of the blocks' room",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn failure_reports_are_paid_for() {
    failure_reports().check();
}

/// The cheapest call that an account can repeat: it pays for its room.
pub fn cheapest_calls() -> Measured {
    let mut measured = None;
    run(|| {
        let attacker = Party::new("attacker", 100 * ASY);
        let before = attacker.wealth();
        let mut harm = 0;
        for _ in 0..5 {
            let call = frame_system::Call::<assay_runtime::Runtime>::remark { remark: Vec::new() };
            harm += price_of_room(vec![attacker.signed(call)]);
        }
        measured = Some(Measured {
            attack: "the cheapest call without end",
            capital: 0,
            cost: lost(&[&attacker], before),
            harm,
            what: "price of the blocks' room",
            least_percent: 99,
        });
    });
    measured.unwrap()
}

#[test]
fn the_cheapest_call_is_paid_for() {
    cheapest_calls().check();
}

/// An operator that registers and answers nothing is not rewarded for heartbeats.
#[test]
fn heartbeats_cannot_be_repeated_at_will() {
    run(|| {
        let party = Party::new("operator", 2 * MinBond::get());
        party.register(MinBond::get());
        let again = heartbeat(&party.account(), &party.worker, System::block_number());
        assert!(validate(general(again)).is_err());
        for _ in 0..20 {
            empty_block();
        }
        let late = heartbeat(&party.account(), &party.worker, System::block_number());
        assert_ok!(validate(general(late)).map(drop));
    });
}

/// More windows end at one height than a sweep can take. None is lost, though each costs less than
/// the deadlines for which the sweep has room.
#[test]
fn every_window_of_a_crowded_height_passes() {
    const COUNT: usize = 70;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 100_000 * ASY);
        operator.register(50_000 * ASY);
        operator.serve(1, 200, classes(&[AssuranceClass::Optimistic]));
        let payers: Vec<_> =
            (0..COUNT).map(|number| Party::new(&format!("payer {number}"), 10 * ASY)).collect();
        let call = request_call(&image_input(&[1; 32]), Assurance::Optimistic, 1, 40, 1);
        block(payers.iter().map(|payer| payer.signed(call.clone())).collect());
        empty_block();
        let ids: Vec<_> = (0..COUNT as u64).map(RequestId).collect();
        let results: Vec<_> = ids.iter().map(|id| general(lie(*id, &operator))).collect();
        for result in block(results) {
            assert_eq!(result, Ok(Ok(())));
        }
        go_to(System::block_number() + 30);
        for id in ids {
            assert!(matches!(record(id).status, Status::Final(_)), "{id} is lost");
        }
    });
}

/// Answers of the largest size that fit into the operators' share of one block, by their bytes.
const PER_BLOCK: usize = 60;

/// Answers to requests of their own that fill five blocks. The operators then serve nothing any more.
fn hoard(sybils: &[Party], payer: &Party, output: &[u8]) -> Vec<UncheckedExtrinsic> {
    let first = NextRequest::<Runtime>::get();
    for batch in 0..5 {
        beat(sybils);
        let input = RequestInput::Inline(bounded(&integer_payload(&[2, 3])));
        let item = |number| BatchItem {
            input: input.clone(),
            client_key: [[batch, number]; 16].concat().try_into().expect("32 bytes"),
        };
        let items: Vec<_> = (0..PER_BLOCK as u8).map(item).collect();
        payer.submit(pallet_inference::Call::request_batch {
            version: version(0, 1),
            assurance: Assurance::Signed,
            max_price: 1,
            deadline: System::block_number() + 200,
            draw_delay: 1,
            items: items.try_into().expect("within the bound"),
        });
        empty_block();
    }
    let ids = (first.0..NextRequest::<Runtime>::get().0).map(RequestId);
    let answer = |id| {
        let drawn = record(id).accounts().pop().expect("an operator");
        let sybil = sybils.iter().find(|one| one.account() == drawn).expect("only these serve it");
        general(result(id, &drawn, &sybil.worker, output))
    };
    let hoard: Vec<_> = ids.map(answer).collect();
    let pauses = sybils.iter().map(|sybil| sybil.signed(serve_call(1, 0, both())));
    block(pauses.collect());
    hoard
}

/// Until the request is final, a block in which the hoard comes before the others' calls.
fn crowd(
    id: RequestId,
    mut hoard: Vec<UncheckedExtrinsic>,
    calls: impl Fn() -> Vec<UncheckedExtrinsic>,
) {
    while !matches!(record(id).status, Status::Final(_)) {
        let first: Vec<_> = hoard.drain(..hoard.len().min(PER_BLOCK)).collect();
        block(first.into_iter().chain(calls()).collect());
    }
}

/// Honest operators of the version, each of which needs `response_blocks` for an answer.
fn honest(count: usize, response_blocks: u32) -> Vec<Party> {
    let honest: Vec<_> =
        (0..count).map(|number| Party::new(&format!("honest {number}"), 2_000 * ASY)).collect();
    for party in &honest {
        party.register(MinBond::get());
        party.submit(pallet_operators::Call::serve {
            version: version(0, 1),
            ask: 1,
            concurrency: 64,
            response_blocks,
            classes: both(),
            max_royalty: MAX_ROYALTY,
        });
    }
    honest
}

/// Answers fill all blocks in which the members of a quorum have to show their results, so that they
/// are late.
pub fn crowded_reveals() -> Measured {
    let mut measured = None;
    run(|| {
        let sybils = operators();
        let payer = Party::new("payer", 1_000 * ASY);
        let attackers: Vec<&Party> = sybils.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let output = integer_payload(&[5; NUMBERS as usize]);
        let hoard = hoard(&sybils, &payer, &output);
        let honest = honest(3, 1);
        let asker = Party::new("asker", 100 * ASY);
        let assurance = Assurance::Quorum { n: 3, k: 2 };
        let id = asker.request(request_call(&integer_payload(&[2, 3]), assurance, 15, 8, 100));
        empty_block();
        commit_all(id, &honest, &output);
        assert_eq!(record(id).status, Status::Revealing);
        // The honest members try in each block, after the answers that came first.
        crowd(id, hoard, || reveals(id, &honest, &output));
        measured = Some(Measured {
            attack: "blocks filled while a quorum has to show its results",
            capital: 15 * MinBond::get(),
            cost: lost(&attackers, before),
            harm: honest.iter().map(|party| MinBond::get() - party.bond()).sum(),
            what: "honest bond taken",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

/// Answers fill the last blocks before the deadline of an operator that computes until then, after
/// blocks with room that were of no use to it.
pub fn crowded_deadline() -> Measured {
    const RESPONSE: u32 = 10;
    let mut measured = None;
    run(|| {
        let sybils = operators();
        let payer = Party::new("payer", 1_000 * ASY);
        let attackers: Vec<&Party> = sybils.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let output = integer_payload(&[5; NUMBERS as usize]);
        let hoard = hoard(&sybils, &payer, &output);
        let honest = honest(1, RESPONSE);
        let call =
            request_call(&integer_payload(&[2, 3]), Assurance::Signed, 15, RESPONSE + 5, 100);
        let id = payer.request(call);
        go_to(System::block_number() + RESPONSE);
        crowd(id, hoard, || {
            vec![general(result(id, &honest[0].account(), &honest[0].worker, &output))]
        });
        measured = Some(Measured {
            attack: "blocks filled before the deadline of a slow answer",
            capital: 15 * MinBond::get(),
            cost: lost(&attackers, before),
            harm: MinBond::get() - honest[0].bond(),
            what: "honest bond taken",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn full_blocks_make_nobody_late() {
    crowded_reveals().check_harmless();
}

#[test]
fn full_blocks_at_the_end_make_nobody_late() {
    crowded_deadline().check_harmless();
}

/// The shortest answers of the largest quorum: most of each is what a block takes for any transaction.
pub fn short_answers() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let all: Vec<_> = (0..15)
            .map(|number| Party::new(&format!("sybil {number}"), 2 * MinBond::get()))
            .collect();
        for party in &all {
            party.register(MinBond::get());
            party.serve(1, 64, both());
        }
        beat(&all);
        let payer = Party::new("payer", 100 * ASY);
        let attackers: Vec<&Party> = all.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let output = integer_payload(&[5]);
        let id = drawn(&payer, 1);
        let commits = all
            .iter()
            .map(|party| general(commit(id, &party.account(), &party.worker, &output, &SALT)));
        let harm = price_of_room(commits.collect()) + price_of_room(reveals(id, &all, &output));
        assert!(matches!(record(id).status, Status::Final(_)));
        measured = Some(Measured {
            attack: "the shortest answers of the largest quorum",
            capital: 15 * MinBond::get(),
            cost: lost(&attackers, before),
            harm,
            what: "price of the blocks' room",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn short_answers_are_paid_for() {
    short_answers().check();
}
