//! Attacks by disputes, and on them.

use std::collections::BTreeSet;

use assay_dispute::{worst, Choice, Player};
use assay_graph::{fast, CheckedGraph};
use assay_pallet_testing::graphs::{descriptor, tensor_payload};
use assay_primitives::{
    dispute::DisputeId, runtime_api::Status, Assurance, AssuranceClass, Balance, ElementType,
    Outcome, RequestId, ASY,
};
use assay_runtime::{
    configs::fees::TransactionByteFee,
    constants::{DefaultDisputeTiming, DisputeBond, LostDisputeSlash, MinBond, WrongResultSlash},
    Disputes, Runtime, System, UncheckedExtrinsic,
};
use codec::Encode;
use frame_support::assert_ok;
use pallet_disputes::{OpenDisputes, Timing, Verdicts};
use sp_keyring::Sr25519Keyring::EveStash;
use sp_runtime::Perbill;

use crate::{bonds::lie, common::*, ledger::Measured, party::*};

const ASK: Balance = ASY / 1_000;
/// Openings of the largest size that would fit into a block of nothing else.
const OPENINGS_PER_BLOCK: usize = 4;

fn image() -> Vec<i8> {
    (0..32).map(|index| index * 3 - 40).collect()
}

fn input() -> Vec<u8> {
    image_input(&image().iter().map(|x| *x as u8).collect::<Vec<u8>>())
}

/// Has an operator serve the version, and a request drawn.
fn drawn(operator: &Party, payer: &Party) -> RequestId {
    operator.serve(ASK, 64, classes(&[AssuranceClass::Optimistic]));
    let id = payer.request(request_call(&input(), Assurance::Optimistic, ASK, 40, 1));
    empty_block();
    assert_eq!(record(id).status, Status::Assigned);
    id
}

/// The honest result of a request.
fn honest(id: RequestId, operator: &Party, player: &Player<'_>) -> pallet_inference::Call<Runtime> {
    let output = image_output(&player.output().expect("the trace has an output").to_bytes());
    traced(id, operator, &output, player.trace_root().into())
}

/// A model with a tile for each of 56 outputs, each of which reads a few bytes of every leaf of a
/// tensor of 1 MiB. No opening is larger.
fn wide() -> CheckedGraph {
    worst::wide(1_024, 1_024)
}

/// The operation of [`wide`] with the largest openings, and its number of tiles.
const WIDEST: (u16, u32) = (2, 56);

/// A flood of disputes.
struct Flood {
    attack: &'static str,
    /// Number of results of one operator that are disputed.
    results: u8,
    /// Number of disputes over each.
    disputes: u32,
}

/// A flood, when all challengers have named what takes the operator's largest move to refute.
struct Flooded {
    operator: Party,
    payer: Party,
    attacker: Party,
    /// What attacker and payer had.
    before: Balance,
    capital: Balance,
}

impl Flood {
    /// All challengers name what takes the operator's largest move to refute: as many different tiles
    /// as there are, so that no opening serves two disputes.
    fn prepare(&self, graph: &CheckedGraph, player: &Player<'_>) -> Flooded {
        let (operations, outputs) = (graph.plan().operations().len(), graph.plan().shapes());
        let shape = outputs[operations];
        let file = graph.clone().into_graph();
        let offered = classes(&[AssuranceClass::Optimistic, AssuranceClass::Signed]);
        let mut descriptor = descriptor(&file, offered);
        descriptor.outputs[0].element_type = ElementType::I8;
        let architecture = file.architecture.encode();
        publish(EveStash, &file.encode(), descriptor, Perbill::zero(), Some(&architecture));
        Timing::<Runtime>::put(DefaultDisputeTiming::get());
        let operator = Party::new("operator", 20_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        let attacker = Party::new("attacker", 1_000_000 * ASY);
        operator.register(15_000 * ASY);
        operator.serve(ASK, 64, classes(&[AssuranceClass::Optimistic]));
        let before = wealth_of(&[&attacker, &payer]);
        let ids: Vec<RequestId> = (0..self.results)
            .map(|key| {
                payer.request(request_call(&wide_input(), Assurance::Optimistic, ASK, 60, key))
            })
            .collect();
        empty_block();
        let output = player.output().expect("the trace has an output").to_bytes();
        let shape = [shape.channels, shape.height, shape.width];
        let output = tensor_payload(ElementType::I8, &shape, &output);
        for id in &ids {
            let result = traced(*id, &operator, &output, player.trace_root().into());
            assert_ok!(include(general(result)));
        }
        let all = |call: &dyn Fn(u64) -> pallet_disputes::Call<Runtime>| {
            let count = u64::from(self.results) * u64::from(self.disputes);
            for some in (0..count).collect::<Vec<_>>().chunks(100) {
                let calls = some.iter().map(|number| call(*number).into()).collect();
                attacker.submit(pallet_utility::Call::batch_all { calls });
            }
        };
        let request = |number: u64| ids[number as usize % ids.len()];
        all(&|number| pallet_disputes::Call::open {
            request: request(number),
            max_bond: Balance::MAX,
        });
        let capital = held(&attacker.account());
        defend(&operator, player);
        let choose = |number, choice| {
            let dispute = DisputeId(number);
            pallet_disputes::Call::choose { dispute, choice }
        };
        all(&|number| choose(number, Choice::Operation(WIDEST.0)));
        defend(&operator, player);
        all(&|number| {
            let tile = (number / u64::from(self.results)) as u32 % WIDEST.1;
            choose(number, Choice::Tile(tile))
        });
        Flooded { operator, payer, attacker, before, capital }
    }

    /// The operator's moves are included as far as blocks have room for them.
    fn measure(&self) -> Measured {
        let graph = wide();
        let player = Player::new(&graph, &[1; 64]).unwrap();
        let mut measured = None;
        run(|| {
            let Flooded { operator, payer, attacker, before, capital } =
                self.prepare(&graph, &player);
            let bond = operator.bond();
            defend(&operator, &player);
            go_to(System::block_number() + 80);
            assert_eq!(OpenDisputes::<Runtime>::iter().count(), 0);
            measured = Some(Measured {
                attack: self.attack,
                capital,
                cost: lost(&[&attacker, &payer], before),
                harm: bond.saturating_sub(operator.bond()),
                what: "honest bond taken",
                least_percent: 100,
            });
        });
        measured.unwrap()
    }
}

/// An input of [`wide`].
fn wide_input() -> Vec<u8> {
    tensor_payload(ElementType::I8, &[1, 8, 8], &[1; 64])
}

/// An operator keeps the largest moves in disputes over results of its own, and releases them in the
/// blocks in which an honest operator has to answer.
pub fn crowded_by_moves() -> Measured {
    let graph = wide();
    let player = Player::new(&graph, &[1; 64]).unwrap();
    let flood = Flood { attack: "", results: 30, disputes: 1 };
    let mut measured = None;
    run(|| {
        let Flooded { operator, payer, attacker, capital, .. } = flood.prepare(&graph, &player);
        let attackers = [&operator, &payer, &attacker];
        let honest = Party::new("honest", 2_000 * ASY);
        honest.register(MinBond::get());
        honest.serve(ASK, 64, classes(&[AssuranceClass::Signed]));
        let before = wealth_of(&attackers);
        let id = payer.request(request_call(&wide_input(), Assurance::Signed, ASK, 8, 100));
        empty_block();
        let output = {
            let shapes = graph.plan().shapes();
            let shape = shapes[graph.plan().operations().len()];
            let output = player.output().expect("the trace has an output").to_bytes();
            tensor_payload(ElementType::I8, &[shape.channels, shape.height, shape.width], &output)
        };
        while !matches!(record(id).status, Status::Final(_)) {
            let answer = general(result(id, &honest.account(), &honest.worker, &output));
            let moves = urgent(&operator, &player).into_iter().chain([answer]);
            block(moves.collect());
        }
        measured = Some(Measured {
            attack: "moves in own disputes instead of others' answers",
            capital: capital + operator.bond(),
            cost: lost(&attackers, before),
            harm: MinBond::get() - honest.bond(),
            what: "honest bond taken",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn moves_in_disputes_keep_no_answers_out() {
    crowded_by_moves().check_harmless();
}

/// The operator's most urgent moves: at least as many as fit into a block.
fn urgent(operator: &Party, player: &Player<'_>) -> Vec<UncheckedExtrinsic> {
    let mut open: Vec<_> = OpenDisputes::<Runtime>::iter_keys()
        .filter_map(|id| Some((id, Disputes::current(id)?)))
        .filter(|(_, dispute)| {
            dispute.stage.turn() == assay_dispute::Party::Defender
                && !Disputes::is_computed(dispute)
                && !Verdicts::<Runtime>::contains_key(dispute.request)
        })
        .collect();
    open.sort_by_key(|(id, dispute)| (dispute.deadline, *id));
    // One move serves all disputes in a stage.
    let mut stages = BTreeSet::new();
    open.retain(|(_, dispute)| stages.insert((dispute.request, dispute.stage.digest())));
    let first = open.iter().take(OPENINGS_PER_BLOCK + 2);
    first.map(|(id, dispute)| general(defence(*id, dispute, operator, player))).collect()
}

/// Makes the operator's moves, until there are none.
fn defend(operator: &Party, player: &Player<'_>) {
    loop {
        let moves = urgent(operator, player);
        if moves.is_empty() {
            return;
        }
        let results = block(moves);
        // Those for which there is no room wait for the next block. Those that come too late lose.
        assert!(!results.iter().any(|result| matches!(result, Ok(Err(_)))));
    }
}

/// The largest moves in as many disputes over one result as an attacker can pay for.
pub fn buried() -> Measured {
    Flood { attack: "more disputes than an operator can answer", results: 1, disputes: 140 }
        .measure()
}

#[test]
fn disputes_cannot_bury_an_operator() {
    buried().check_harmless();
}

/// The same over many results at once, each with a few disputes whose bonds are low. It is prevented by
/// the time for moves, if this counts only blocks with room (`pallet_disputes::Config::Room`).
pub fn buried_results() -> Measured {
    let attack = "more disputes over many results than blocks have room for";
    Flood { attack, results: 40, disputes: 12 }.measure()
}

#[test]
fn disputes_over_many_results_cannot_bury_an_operator() {
    buried_results().check_harmless();
}

/// A liar has its accomplice open so many disputes that honest challengers cannot pay the bond of
/// another one, until the window is over.
pub fn raised_bond() -> Measured {
    let graph = CheckedGraph::new(image_model()).unwrap();
    let trace = fast::trace(&graph, &image()).unwrap();
    let player = Player::with_trace(&graph, trace);
    let mut measured = None;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        let accomplice = Party::new("accomplice", 100_000 * ASY);
        // An honest watcher that can pay a hundred times the smallest bond.
        let watcher = Party::new("watcher", 1_000 * ASY);
        operator.register(MinBond::get());
        let id = drawn(&operator, &payer);
        let liars = [&operator, &accomplice, &payer];
        let before = wealth_of(&liars);
        // That it is right makes no difference to the attack, and it can show what it has to.
        assert_ok!(include(general(honest(id, &operator, &player))));
        let until = System::block_number() + Timing::<Runtime>::get().window;
        let open = pallet_disputes::Call::open { request: id, max_bond: Balance::MAX };
        let calls = (0..100).map(|_| open.clone().into()).collect();
        accomplice.submit(pallet_utility::Call::batch_all { calls });
        let capital = MinBond::get() + held(&accomplice.account());
        // It answers at the last moment, and its challengers do not move.
        let deadline = Disputes::current(DisputeId(0)).unwrap().deadline;
        while System::block_number() < until {
            match watcher.include(open.clone()) {
                Ok(()) => break,
                Err(refused) => assert_eq!(
                    refused,
                    pallet_settlement::Error::<Runtime>::DisputeBondNotCovered.into()
                ),
            }
            if System::block_number() == deadline - 1 {
                defend(&operator, &player);
            }
        }
        assert_eq!(System::block_number(), until, "the watcher was kept out");
        go_to(until + 20);
        assert!(matches!(record(id).status, Status::Final(_)));
        measured = Some(Measured {
            attack: "a bond too high for honest challengers",
            capital,
            cost: lost(&liars, before),
            harm: WrongResultSlash::get(),
            what: "penalty that a lie avoids",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_liar_cannot_raise_the_bond_for_free() {
    raised_bond().check();
}

/// Bytes in the state that belong to the pallet of disputes.
fn bytes_of_disputes() -> u64 {
    let prefix = sp_io::hashing::twox_128(b"Disputes");
    let mut key = prefix.to_vec();
    let mut bytes = 0;
    while let Some(next) = sp_io::storage::next_key(&key).filter(|key| key.starts_with(&prefix)) {
        let value = sp_io::storage::get(&next).map_or(0, |value| value.len());
        bytes += (next.len() + value) as u64;
        key = next;
    }
    bytes
}

/// An operator and its accomplices fill the state of every node with disputes that are shams.
pub fn sham_disputes() -> Measured {
    let graph = wide();
    let player = Player::new(&graph, &[1; 64]).unwrap();
    let outputs = graph.plan().shapes();
    let shape = outputs[graph.plan().operations().len()];
    let mut measured = None;
    run(|| {
        let file = graph.clone().into_graph();
        let mut descriptor = descriptor(&file, classes(&[AssuranceClass::Optimistic]));
        descriptor.outputs[0].element_type = ElementType::I8;
        let architecture = file.architecture.encode();
        publish(EveStash, &file.encode(), descriptor, Perbill::zero(), Some(&architecture));
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        let accomplice = Party::new("accomplice", 100_000 * ASY);
        operator.register(MinBond::get());
        operator.serve(ASK, 64, classes(&[AssuranceClass::Optimistic]));
        let attackers = [&operator, &accomplice, &payer];
        let before = wealth_of(&attackers);
        let input = tensor_payload(ElementType::I8, &[1, 8, 8], &[1; 64]);
        let id = payer.request(request_call(&input, Assurance::Optimistic, ASK, 60, 1));
        empty_block();
        let output = player.output().expect("the trace has an output").to_bytes();
        let shape = [shape.channels, shape.height, shape.width];
        let output = tensor_payload(ElementType::I8, &shape, &output);
        let result = traced(id, &operator, &output, player.trace_root().into());
        assert_ok!(include(general(result)));
        let empty = bytes_of_disputes();
        // The digests of the leaves of the largest tensors: of 4 MiB and of 1 MiB.
        let number = 20;
        let call = pallet_disputes::Call::open { request: id, max_bond: Balance::MAX };
        let calls = (0..number).map(|_| call.clone().into()).collect();
        accomplice.submit(pallet_utility::Call::batch_all { calls });
        let capital = MinBond::get() + held(&accomplice.account());
        defend(&operator, &player);
        let calls = (0..number)
            .map(|number| {
                let choice = Choice::Operation((number % 2) as u16);
                pallet_disputes::Call::choose { dispute: DisputeId(number), choice }.into()
            })
            .collect();
        accomplice.submit(pallet_utility::Call::batch_all { calls });
        defend(&operator, &player);
        let bytes = bytes_of_disputes() - empty;
        println!("{number} sham disputes take {bytes} bytes of state");
        go_to(System::block_number() + 30);
        // What is left is the next identifier.
        assert!(bytes_of_disputes() < empty + 100, "{} bytes are left", bytes_of_disputes());
        measured = Some(Measured {
            attack: "sham disputes in the state of every node",
            capital,
            cost: lost(&attackers, before),
            harm: Balance::from(bytes) * TransactionByteFee::get(),
            what: "price of the bytes in the state",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn sham_disputes_pay_for_the_state() {
    sham_disputes().check();
}

/// A liar disputes itself before the others do, to keep the reward.
pub fn own_challenger() -> Measured {
    let mut measured = None;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        let accomplice = Party::new("accomplice", 100 * ASY);
        operator.register(MinBond::get());
        let id = drawn(&operator, &payer);
        let before = wealth_of(&[&operator, &accomplice]);
        assert_ok!(include(general(lie(id, &operator))));
        accomplice.submit(pallet_disputes::Call::open { request: id, max_bond: Balance::MAX });
        go_to(System::block_number() + 20);
        measured = Some(Measured {
            attack: "a liar that disputes itself",
            capital: MinBond::get() + DisputeBond::get(),
            cost: lost(&[&operator, &accomplice], before),
            harm: WrongResultSlash::get(),
            what: "price of the lie",
            least_percent: 50,
        });
    });
    measured.unwrap()
}

#[test]
fn a_liar_that_disputes_itself_still_pays() {
    own_challenger().check();
}

/// A liar fills the last blocks of the window of its result with calls that nobody accepts, which come
/// before the dispute of a challenger that has waited until then.
pub fn race_at_the_end() -> Measured {
    let mut measured = None;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        let watcher = Party::new("watcher", 100 * ASY);
        let fillers: Vec<_> =
            (0..16).map(|number| Party::new(&format!("filler {number}"), 5 * ASY)).collect();
        let smaller: Vec<_> =
            (0..9).map(|number| Party::new(&format!("smaller {number}"), 5 * ASY)).collect();
        let liars: Vec<&Party> =
            fillers.iter().chain(&smaller).chain([&operator, &payer]).collect();
        operator.register(MinBond::get());
        let id = drawn(&operator, &payer);
        let before = wealth_of(&liars);
        assert_ok!(include(general(lie(id, &operator))));
        go_to(System::block_number() + Timing::<Runtime>::get().window - 4);
        let refused = pallet_inference::Call::<Runtime>::appeal {
            request: RequestId(u64::MAX),
            output: Default::default(),
            proof: Default::default(),
        };
        let open = |request| pallet_disputes::Call::open { request, max_bond: Balance::MAX };
        // What they leave is filled by ever less.
        let small = |count| pallet_utility::Call::force_batch {
            calls: vec![open(RequestId(u64::MAX)).into(); count],
        };
        let rest = (0..9).rev().map(|power| small(1 << power));
        let mut blocks = 0;
        while record(id).status == Status::Disputable {
            let large = fillers.iter().map(|filler| filler.signed(refused.clone()));
            let small = smaller.iter().zip(rest.clone()).map(|(filler, call)| filler.signed(call));
            let mut results = block(large.chain(small).chain([watcher.signed(open(id))]).collect());
            if results.pop().expect("the dispute").is_ok() {
                break;
            }
            blocks += 1;
        }
        assert!(blocks > 10, "{blocks} blocks were full");
        go_to(System::block_number() + 40);
        let is_rejected = matches!(record(id).status, Status::Final(Outcome::Rejected(_)));
        measured = Some(Measured {
            attack: "blocks filled at the end of the window of a lie",
            capital: MinBond::get(),
            cost: lost(&liars, before),
            harm: Balance::from(!is_rejected) * (WrongResultSlash::get() + LostDisputeSlash::get()),
            what: "penalty that the liar avoids",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_challenger_cannot_be_kept_out_at_the_end_of_the_window() {
    race_at_the_end().check_harmless();
}

/// An answer that was saved up may not delay a move in a dispute.
#[test]
fn no_answer_comes_before_a_move_in_a_dispute() {
    let graph = CheckedGraph::new(image_model()).unwrap();
    let trace = fast::trace(&graph, &image()).unwrap();
    let player = Player::with_trace(&graph, trace);
    run(|| {
        publish_image();
        let operator = Party::new("operator", 20_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        operator.register(10_000 * ASY);
        let id = drawn(&operator, &payer);
        let old = payer.request(request_call(&input(), Assurance::Optimistic, ASK, 400, 2));
        empty_block();
        assert_ok!(include(general(honest(id, &operator, &player))));
        payer.submit(pallet_disputes::Call::open { request: id, max_bond: Balance::MAX });
        let dispute = OpenDisputes::<Runtime>::get(DisputeId(0)).unwrap();
        let of_dispute = validate(general(defence(DisputeId(0), &dispute, &operator, &player)));
        let of_answer = validate(general(honest(old, &operator, &player)));
        let (of_dispute, of_answer) = (of_dispute.unwrap().priority, of_answer.unwrap().priority);
        assert!(
            of_dispute > of_answer,
            "a dispute's move comes after an answer: {of_dispute} {of_answer}"
        );
    });
}
