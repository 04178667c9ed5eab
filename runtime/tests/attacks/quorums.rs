//! Attacks on quorums by their members.

use assay_pallet_testing::graphs::{proof_context, prover};
use assay_primitives::{runtime_api::Status, Assurance, Balance, RequestId, ASY};
use assay_runtime::{constants::WrongResultSlash, Runtime, System};
use codec::Encode;
use frame_support::assert_ok;
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

const ASK: Balance = ASY / 100;
const BOND: Balance = 10_000 * ASY;
const SALT: [u8; 32] = [3; 32];

/// A network with these operators, each with the same bond.
fn operators(names: &[&str]) -> Vec<Party> {
    publish_integers(Perbill::zero());
    let parties: Vec<_> = names.iter().map(|name| Party::new(name, 2 * BOND)).collect();
    for party in &parties {
        party.register(BOND);
        party.serve(ASK, 4, both());
    }
    parties
}

/// Has `n` operators drawn for a request, of whom `k` have to agree.
fn drawn(payer: &Party, n: u8, k: u8) -> RequestId {
    let assurance = Assurance::Quorum { n, k };
    let price = ASK * Balance::from(n);
    let call = request_call(&integer_payload(&[2, 3]), assurance, price, 20, 1);
    let id = payer.request(call);
    empty_block();
    assert_eq!(record(id).status, Status::Assigned);
    id
}

fn commit_to(id: RequestId, party: &Party, output: &[u8]) {
    let call = commit(id, &party.account(), &party.worker, output, &SALT);
    assert_ok!(include(general(call)));
}

fn open(id: RequestId, party: &Party, output: &[u8]) {
    let call = reveal(id, &party.account(), &party.worker, output, &SALT);
    assert_ok!(include(general(call)));
}

/// A majority of one attacker's accounts agrees on garbage, against honest operators.
pub fn majority() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators(&["honest 1", "honest 2", "sybil 1", "sybil 2", "sybil 3"]);
        let (honest, sybils) = all.split_at(2);
        let payer = Party::new("payer", 100 * ASY);
        let attackers: Vec<&Party> = sybils.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let id = drawn(&payer, 5, 3);
        let bonds: Balance = honest.iter().map(Party::bond).sum();
        let (right, wrong) = (integer_payload(&[5]), integer_payload(&[6]));
        for party in honest {
            commit_to(id, party, &right);
        }
        for party in sybils {
            commit_to(id, party, &wrong);
        }
        for party in honest {
            open(id, party, &right);
        }
        for party in sybils {
            open(id, party, &wrong);
        }
        measured = Some(Measured {
            attack: "a majority against honest members",
            capital: 3 * BOND + 5 * ASK,
            cost: lost(&attackers, before),
            harm: bonds - honest.iter().map(Party::bond).sum::<Balance>(),
            what: "honest bond taken",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_majority_cannot_take_honest_bonds() {
    majority().check_harmless();
}

/// A majority of one attacker's accounts agrees on garbage, over a model whose runs can be proven. An
/// honest member proves the right output.
pub fn majority_over_a_provable_model() -> Measured {
    let graph = image_model();
    let prover = prover(&graph);
    let data: Vec<u8> = (0..32).map(|index| index * 7).collect();
    let mut measured = None;
    run(|| {
        publish_image();
        let names = ["honest 1", "honest 2", "sybil 1", "sybil 2", "sybil 3"];
        let all: Vec<_> = names.iter().map(|name| Party::new(name, 2 * BOND)).collect();
        for party in &all {
            party.register(BOND);
            party.serve(ASK, 4, both());
        }
        let (honest, sybils) = all.split_at(2);
        let payer = Party::new("payer", 100 * ASY);
        let attackers: Vec<&Party> = sybils.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let assurance = Assurance::Quorum { n: 5, k: 3 };
        let call = request_call(&image_input(&data), assurance, 5 * ASK, 20, 1);
        let id = payer.request(call);
        empty_block();
        let (request, prover_account) = (id.encode(), honest[0].account());
        let context = proof_context(GENESIS_HASH, &request, &payer.account(), &prover_account);
        let proven = prover.prove(&context, &data).unwrap();
        let (right, wrong) = (image_output(&proven.output), image_output(&[1; 64]));
        let answers = all.iter().enumerate().map(|(index, party)| match index {
            0 | 1 => (party, &right),
            _ => (party, &wrong),
        });
        for (party, output) in answers.clone() {
            commit_to(id, party, output);
        }
        for (party, output) in answers {
            open(id, party, output);
        }
        honest[0].submit(pallet_inference::Call::<Runtime>::appeal {
            request: id,
            output: bounded(&right),
            proof: bounded(&proven.proof),
        });
        assert_eq!(honest.iter().map(Party::bond).sum::<Balance>(), 2 * BOND);
        measured = Some(Measured {
            attack: "a lying majority over a provable model",
            capital: 3 * BOND + 5 * ASK,
            cost: lost(&attackers, before),
            harm: 3 * WrongResultSlash::get(),
            what: "price of three lies",
            least_percent: 90,
        });
    });
    measured.unwrap()
}

#[test]
fn a_majority_that_lies_about_a_provable_model_pays() {
    majority_over_a_provable_model().check();
}

/// An honest operator's processor rounds a near tie the other way.
pub fn near_tie() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators(&["one", "two", "other processor"]);
        let payer = Party::new("payer", 100 * ASY);
        let before = wealth_of(&[&payer]);
        let id = drawn(&payer, 3, 2);
        let classes = [integer_payload(&[5]), integer_payload(&[5]), integer_payload(&[6])];
        for (party, class) in all.iter().zip(&classes) {
            commit_to(id, party, class);
        }
        for (party, class) in all.iter().zip(&classes) {
            open(id, party, class);
        }
        measured = Some(Measured {
            attack: "an input at a near tie, other processors",
            capital: 3 * ASK,
            cost: lost(&[&payer], before),
            harm: BOND - all[2].bond(),
            what: "honest bond taken",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_near_tie_takes_no_honest_bond() {
    near_tie().check_harmless();
}

/// What a member of a quorum loses that submits a wrong result, or does not open its commitment to
/// one.
fn cost_of_a_wrong_commitment(reveals: bool) -> i128 {
    let mut cost = None;
    run(|| {
        let all = operators(&["one", "two", "liar"]);
        let payer = Party::new("payer", 100 * ASY);
        let id = drawn(&payer, 3, 2);
        let (right, wrong) = (integer_payload(&[5]), integer_payload(&[6]));
        let before = all[2].wealth();
        commit_to(id, &all[0], &right);
        commit_to(id, &all[1], &right);
        commit_to(id, &all[2], &wrong);
        open(id, &all[0], &right);
        open(id, &all[1], &right);
        if reveals {
            open(id, &all[2], &wrong);
        }
        go_to(System::block_number() + 22);
        assert!(matches!(record(id).status, Status::Final(_)));
        cost = Some(lost(&[&all[2]], before));
    });
    cost.unwrap()
}

/// The last member to reveal sees that it is wrong, and is silent.
pub fn silence() -> Measured {
    let wrong = cost_of_a_wrong_commitment(true);
    Measured {
        attack: "silence instead of a wrong result",
        capital: BOND,
        cost: cost_of_a_wrong_commitment(false),
        harm: wrong.unsigned_abs(),
        what: "cost of the wrong result",
        least_percent: 100,
    }
}

#[test]
fn silence_costs_as_much_as_a_wrong_result() {
    silence().check();
}

/// A member copies the commitment of another, in order to be paid for its work.
pub fn copied_commitment() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators(&["one", "two", "copier"]);
        let payer = Party::new("payer", 100 * ASY);
        let id = drawn(&payer, 3, 2);
        let right = integer_payload(&[5]);
        let before = all[2].wealth();
        commit_to(id, &all[0], &right);
        commit_to(id, &all[1], &right);
        let copied = {
            use assay_primitives::{commitment, digest, CommitStatement};
            let first = all[0].account();
            let commitment = commitment(&answered(id).hash(), &first, &digest(&right), &SALT);
            let operator = all[2].account();
            let request = answered(id).hash();
            let statement = CommitStatement { request, commitment, operator };
            pallet_inference::Call::<Runtime>::submit_commitment {
                request: id,
                operator: all[2].account(),
                commitment,
                signature: sign(&all[2].worker, &statement),
            }
        };
        assert_ok!(include(general(copied)));
        open(id, &all[0], &right);
        open(id, &all[1], &right);
        let call = reveal(id, &all[2].account(), &all[2].worker, &right, &SALT);
        assert!(validate(general(call)).is_err());
        go_to(System::block_number() + 22);
        measured = Some(Measured {
            attack: "a copied commitment",
            capital: BOND,
            cost: lost(&[&all[2]], before),
            harm: ASK,
            what: "price of a run that was not made",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_copied_commitment_cannot_be_opened() {
    copied_commitment().check();
}

/// An operator replaces its worker key between commitment and result, so that the signature over
/// its wrong result cannot be held against it.
pub fn rotation() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators(&["one", "two", "rotating"]);
        let payer = Party::new("payer", 100 * ASY);
        let id = drawn(&payer, 3, 2);
        let right = integer_payload(&[5]);
        for party in &all {
            commit_to(id, party, &right);
        }
        let before = all[2].wealth();
        let next = worker(77);
        let possession = sign(
            &next,
            &assay_primitives::Possession { genesis: GENESIS_HASH, operator: all[2].account() },
        );
        all[2].submit(pallet_operators::Call::set_worker { worker: public(&next), possession });
        // Two results that contradict each other, signed with both keys.
        let (old, new) = (integer_payload(&[5]), integer_payload(&[6]));
        let first = result_statement(id, &all[2].account(), &old);
        let second = result_statement(id, &all[2].account(), &new);
        let report = equivocation(id, record(id).version, &all[2].worker, [first, second]);
        payer.submit(report);
        for party in &all[..2] {
            open(id, party, &right);
        }
        go_to(System::block_number() + 22);
        measured = Some(Measured {
            attack: "a new worker key before the result",
            capital: BOND,
            cost: lost(&[&all[2]], before),
            harm: BOND,
            what: "bond behind two contradictory results",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_new_worker_key_does_not_hide_an_equivocation() {
    rotation().check();
}

/// The last commitment opens the reveals in the middle of a block, whose room nobody can use for them.
#[test]
fn members_have_as_many_blocks_with_room_for_reveals_as_promised() {
    run(|| {
        let all = operators(&["one", "two", "three"]);
        let payer = Party::new("payer", 100 * ASY);
        let id = drawn(&payer, 3, 2);
        for party in &all {
            commit_to(id, party, &integer_payload(&[5]));
        }
        assert_eq!(record(id).status, Status::Revealing);
        let clock = pallet_room::Clocks::<Runtime>::get().answers;
        let promised = assay_runtime::constants::RoomyBlocks::get();
        assert_eq!(record(id).late_from - clock, promised);
    });
}

/// A majority lies about a model whose runs can be proven, and fills the blocks in which an honest member
/// could appeal with appeals that nobody accepts, which weigh as much.
pub fn buried_appeal() -> Measured {
    use assay_runtime::constants::LostDisputeSlash;
    let graph = image_model();
    let prover = prover(&graph);
    let data: Vec<u8> = (0..32).map(|index| index * 7).collect();
    let mut measured = None;
    run(|| {
        publish_image();
        let names = ["honest 1", "honest 2", "sybil 1", "sybil 2", "sybil 3"];
        let all: Vec<_> = names.iter().map(|name| Party::new(name, 2 * BOND)).collect();
        for party in &all {
            party.register(BOND);
            party.serve(ASK, 4, both());
        }
        let (honest, sybils) = all.split_at(2);
        let payer = Party::new("payer", 100 * ASY);
        let fillers: Vec<_> =
            (0..16).map(|number| Party::new(&format!("filler {number}"), 20 * ASY)).collect();
        let attackers: Vec<&Party> = sybils.iter().chain([&payer]).chain(&fillers).collect();
        let before = wealth_of(&attackers);
        let assurance = Assurance::Quorum { n: 5, k: 3 };
        let id = payer.request(request_call(&image_input(&data), assurance, 5 * ASK, 20, 1));
        empty_block();
        let (request, prover_account) = (id.encode(), honest[0].account());
        let context = proof_context(GENESIS_HASH, &request, &payer.account(), &prover_account);
        let proven = prover.prove(&context, &data).unwrap();
        let (right, wrong) = (image_output(&proven.output), image_output(&[1; 64]));
        let answers = all.iter().enumerate().map(|(index, party)| match index {
            0 | 1 => (party, &right),
            _ => (party, &wrong),
        });
        for (party, output) in answers.clone() {
            commit_to(id, party, output);
        }
        for (party, output) in answers {
            open(id, party, output);
        }
        let bonds: Balance = sybils.iter().map(Party::bond).sum();
        let appeal = pallet_inference::Call::<Runtime>::appeal {
            request: id,
            output: bounded(&right),
            proof: bounded(&proven.proof),
        };
        let refused = pallet_inference::Call::<Runtime>::appeal {
            request: RequestId(u64::MAX),
            output: Default::default(),
            proof: Default::default(),
        };
        // Until the fillers have no money left, or the time for appeals is over.
        while pallet_inference::Appealable::<Runtime>::contains_key(id) {
            let first = fillers.iter().map(|filler| filler.signed(refused.clone()));
            let mut results = block(first.chain([honest[0].signed(appeal.clone())]).collect());
            if results.pop().expect("the appeal").is_ok() {
                break;
            }
        }
        let penalised = bonds > sybils.iter().map(Party::bond).sum::<Balance>();
        measured = Some(Measured {
            attack: "blocks filled while a lie can be appealed",
            capital: 3 * BOND + 5 * ASK,
            cost: lost(&attackers, before),
            harm: Balance::from(!penalised)
                * 3
                * (WrongResultSlash::get() + LostDisputeSlash::get()),
            what: "penalty that the liars avoid",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn an_appeal_cannot_be_kept_out_of_blocks() {
    buried_appeal().check_harmless();
}

/// A member commits last, and its validator makes the next blocks. They have room, and leave out the
/// reveals of the others.
pub fn silent_author() -> Measured {
    let mut measured = None;
    run(|| {
        let all = operators(&["own", "honest 1", "honest 2", "honest 3", "honest 4"]);
        let (own, honest) = (&all[0], &all[1..]);
        let payer = Party::new("payer", 100 * ASY);
        let before = wealth_of(&[own, &payer]);
        let bonds: Balance = honest.iter().map(Party::bond).sum();
        let id = drawn(&payer, 5, 3);
        let right = integer_payload(&[5]);
        for party in honest.iter().chain([own]) {
            commit_to(id, party, &right);
        }
        // Each validator has one slot in four.
        for _ in 0..2 * assay_runtime::constants::RoomyBlocks::get() {
            skip_slots(3);
            empty_block();
        }
        let reveal_of = |party: &Party| reveal(id, &party.account(), &party.worker, &right, &SALT);
        block(honest.iter().map(|party| general(reveal_of(party))).collect());
        go_to(System::block_number() + 22);
        let taken = bonds - honest.iter().map(Party::bond).sum::<Balance>();
        measured = Some(Measured {
            attack: "reveals left out by an author of many blocks",
            capital: BOND + 5 * ASK,
            cost: lost(&[own, &payer], before),
            harm: taken,
            what: "bonds of members that could not reveal",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn an_author_that_leaves_out_reveals_makes_nobody_late() {
    silent_author().check_harmless();
}
