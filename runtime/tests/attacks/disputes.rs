//! Attacks by disputes, and on them.

use assay_dispute::Player;
use assay_graph::{fast, CheckedGraph};
use assay_primitives::{
    dispute::DisputeId, runtime_api::Status, Assurance, AssuranceClass, Balance, RequestId, ASY,
};
use assay_runtime::{
    constants::{DisputeBond, MinBond, WrongResultSlash},
    Runtime, System,
};
use frame_support::assert_ok;
use pallet_disputes::{Dispute, OpenDisputes};

use crate::{
    bonds::{lie, traced},
    common::*,
    ledger::Measured,
    party::*,
};

const ASK: Balance = ASY / 1_000;
/// Openings of the largest size that fit into one block.
const OPENINGS_PER_BLOCK: usize = 3;

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

/// The operator's move in a dispute.
fn answer(
    id: DisputeId,
    dispute: &Dispute<assay_runtime::AccountId>,
    operator: &Party,
    player: &Player<'_>,
) -> pallet_disputes::Call<Runtime> {
    let answer = player.answer(&dispute.stage).expect("the result is right");
    let statement = answer_statement(dispute, &answer);
    let (stage, signature) = (statement.stage, sign(&operator.worker, &statement));
    pallet_disputes::Call::answer { dispute: id, stage, answer, signature }
}

/// More disputes over a right result than the operator's moves fit into the blocks that it has.
pub fn buried() -> Measured {
    let graph = CheckedGraph::new(image_model()).unwrap();
    let trace = fast::trace(&graph, &image()).unwrap();
    let player = Player::with_trace(&graph, trace);
    let mut measured = None;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 20_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        let attacker = Party::new("attacker", 100_000 * ASY);
        operator.register(10_000 * ASY);
        let id = drawn(&operator, &payer);
        assert_ok!(include(general(honest(id, &operator, &player))));
        let (bond, before) = (operator.bond(), attacker.wealth());
        let open = || attacker.signed(pallet_disputes::Call::open { request: id });
        let mut opened = 0;
        while opened < 200 && include(open()).is_ok() {
            opened += 1;
            if opened % 50 == 0 {
                operator.beat();
            }
        }
        let capital = held(&attacker.account());
        // The operator moves as often as moves of the largest size would fit.
        let end = System::block_number() + 40;
        while System::block_number() < end {
            let mut moves: Vec<_> = OpenDisputes::<Runtime>::iter().collect();
            moves.sort_by_key(|(id, dispute)| (dispute.deadline, *id));
            let moves = moves
                .into_iter()
                .filter(|(_, dispute)| dispute.stage.turn() == assay_dispute::Party::Defender)
                .take(OPENINGS_PER_BLOCK)
                .map(|(id, dispute)| general(answer(id, &dispute, &operator, &player)));
            let _ = block(moves.collect());
        }
        measured = Some(Measured {
            attack: "more disputes than an operator can answer",
            capital,
            cost: lost(&[&attacker], before),
            harm: bond.saturating_sub(operator.bond()),
            what: "honest bond taken",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
#[should_panic(expected = "the attack pays")]
fn disputes_cannot_bury_an_operator() {
    buried().check();
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
        accomplice.submit(pallet_disputes::Call::open { request: id });
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

/// An answer that was saved up may not delay a move in a dispute.
#[test]
#[should_panic(expected = "a dispute's move comes after")]
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
        payer.submit(pallet_disputes::Call::open { request: id });
        let dispute = OpenDisputes::<Runtime>::get(DisputeId(0)).unwrap();
        let of_dispute = validate(general(answer(DisputeId(0), &dispute, &operator, &player)));
        let of_answer = validate(general(honest(old, &operator, &player)));
        let (of_dispute, of_answer) = (of_dispute.unwrap().priority, of_answer.unwrap().priority);
        assert!(
            of_dispute > of_answer,
            "a dispute's move comes after an answer: {of_dispute} {of_answer}"
        );
    });
}
