//! Random disputes and moves.

use assay_dispute::{Answer, Choice, Player};
use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    RequestId, WorkerId,
};
use assay_runtime::{
    constants::{DisputeBond, MaxDisputeBlocks},
    AccountId, Disputes, Runtime, RuntimeOrigin,
};
use codec::Encode;
use pallet_disputes::WeightInfo as _;
use sp_application_crypto::Pair as _;

use super::{
    claims::Claim,
    disputes::{Dispute, Move},
    driver::Fuzz,
    proofs::prove,
    requests::State,
    room::{overhead, Part},
};
use crate::common;

/// The name of a stage, and an empty answer for it.
type NamedAnswer = (&'static str, fn() -> Answer);

/// The stages that the operator answers.
const ANSWERS: [NamedAnswer; 4] = [
    ("roots", || Answer::Roots(Default::default())),
    ("leaves", || Answer::Leaves(Default::default())),
    ("bytes", || Answer::Bytes(Default::default())),
    ("open", || Answer::Opening(Default::default())),
];

impl Fuzz {
    pub fn random_dispute(&mut self) {
        match self.rng.below(20) {
            0 if self.rng.chance(30) => self.crowd_of_disputes(),
            1 if self.rng.chance(40) => self.twin_disputes(),
            0..=6 => self.random_opening(),
            7..=15 => self.random_moves(),
            16 => self.random_close(),
            17 | 18 => self.random_proof(),
            _ if self.rng.chance(40) => self.random_timing(),
            _ => self.random_interference(),
        }
    }

    /// Open disputes whose result is decided, or those whose result is not.
    fn disputes(&self, decided: bool) -> Vec<u64> {
        let disputes = &self.oracle.disputes;
        let open = disputes.open.iter();
        open.filter(|(_, one)| disputes.verdicts.contains_key(&one.request) == decided)
            .map(|(id, _)| *id)
            .collect()
    }

    /// A dispute, preferably an undecided one.
    fn dispute(&mut self) -> u64 {
        let mut open = self.disputes(false);
        if self.rng.chance(10) {
            open.extend(self.disputes(true));
        }
        match self.rng.pick(&open) {
            Some(id) if self.rng.chance(97) => id,
            _ => self.rng.below(self.oracle.disputes.next + 2),
        }
    }

    /// Requests with a result that can be disputed or is disputed.
    fn claimed(&self) -> Vec<u64> {
        let requests = self.oracle.requests.iter();
        requests.filter(|(_, one)| one.state == State::Disputable).map(|(id, _)| *id).collect()
    }

    fn random_opening(&mut self) {
        let all: Vec<u64> = self.oracle.requests.keys().copied().collect();
        let open = self.claimed();
        let from = if self.rng.chance(95) { &open } else { &all };
        let Some(id) = self.rng.pick(from) else { return };
        for _ in 0..if self.rng.chance(30) { 3 } else { 1 } {
            let who = match self.rng.chance(70) {
                true => self.anyone(),
                false => self.payer(),
            };
            self.open_dispute(&who, id);
        }
    }

    /// More disputes about a result in one block than a sweep can process. In some of them it
    /// becomes the challenger's turn.
    fn crowd_of_disputes(&mut self) {
        let mut open = self.claimed();
        open.retain(|id| self.oracle.now <= self.oracle.requests[id].disputable_until);
        let Some(request) = self.rng.pick(&open) else { return };
        let (rich, first) = (self.actors[0].clone(), self.oracle.disputes.next);
        for _ in 0..Disputes::sweeps_per_block() + 5 {
            self.open_dispute_for(&rich, request, u128::MAX);
        }
        let (answers, response) = (self.rng.below(6), self.oracle.disputes.response);
        for id in first..first + answers {
            if let Some(dispute) = self.oracle.disputes.open.get(&id).cloned() {
                self.operators_move(id, &dispute);
            }
        }
        for _ in 0..=response {
            self.next_block();
        }
        self.random_moves();
        self.random_close();
        for _ in 0..3 {
            self.next_block();
        }
    }

    /// Two disputes about a result whose challengers make the same choices, to the last stage.
    pub fn twin_disputes(&mut self) {
        let mut open = self.claimed();
        open.retain(|id| self.oracle.now <= self.oracle.requests[id].disputable_until);
        let Some(request) = self.rng.pick(&open) else { return };
        let (rich, first) = (self.actors[0].clone(), self.oracle.disputes.next);
        let twins = [first, first + 1];
        for _ in twins {
            self.open_dispute_for(&rich, request, u128::MAX);
        }
        for _ in 0..20 {
            let of = |id| self.oracle.disputes.open.get(id).cloned();
            let (Some(one), Some(other)) = (of(&twins[0]), of(&twins[1])) else { break };
            if one.stage.is_operators() {
                self.operators_move(first, &one);
                continue;
            }
            let choice = match one.stage.name() {
                "operation" => Choice::Operation(self.rng.below(3) as u16),
                "leaf" => Choice::Leaf(self.rng.below(16) as u16),
                _ => Choice::Tile(self.rng.below(3) as u32),
            };
            for (id, dispute) in [(twins[0], one), (twins[1], other)] {
                self.choose(&dispute.challenger, id, choice);
            }
        }
        if self.rng.chance(50) {
            let who = self.anyone();
            self.close(&who, twins[1]);
        }
    }

    fn open_dispute(&mut self, who: &AccountId, id: u64) {
        let max_bond = DisputeBond::get() * u128::from(self.rng.between(1, 6));
        self.open_dispute_for(who, id, max_bond);
    }

    fn open_dispute_for(&mut self, who: &AccountId, id: u64, max_bond: u128) {
        self.note(format!("{} disputes the result of {id} for {max_bond}", self.name(who)));
        let ok = self.oracle.open_dispute(who, id, max_bond);
        self.call(who, pallet_disputes::Call::open { request: RequestId(id), max_bond }, ok);
    }

    /// One move, or as many as a dispute needs to end.
    fn random_moves(&mut self) {
        if self.oracle.disputes.open.is_empty() && self.rng.chance(90) {
            return self.random_opening();
        }
        let id = self.dispute();
        for _ in 0..if self.rng.chance(55) { 8 } else { 1 } {
            let Some(dispute) = self.oracle.disputes.open.get(&id).cloned() else {
                let who = self.anyone();
                return self.choose(&who, id, Choice::Operation(0));
            };
            if dispute.stage.is_operators() {
                self.operators_move(id, &dispute);
            } else {
                self.challengers_move(id, &dispute);
            }
            if self.rng.chance(10) {
                self.next_block();
            }
        }
    }

    fn claim_of(&self, dispute: &Dispute) -> std::rc::Rc<Claim> {
        self.oracle.requests[&dispute.request].claim.clone().expect("disputed")
    }

    fn challengers_move(&mut self, id: u64, dispute: &Dispute) {
        let claim = self.claim_of(dispute);
        let stage = Disputes::current(DisputeId(id)).expect("compared").stage;
        let shown = Disputes::shown(RequestId(dispute.request), &stage);
        let witness = Player::new(claim.checked(), &claim.input).expect("the input fits");
        let random = match self.rng.below(10) {
            0 => Choice::Operation(self.rng.below(4) as u16),
            1 => Choice::Leaf(self.rng.below(18) as u16),
            2 => Choice::Tile(self.rng.below(6) as u32),
            _ => match dispute.stage.name() {
                "operation" => Choice::Operation(self.rng.below(4) as u16),
                "leaf" => Choice::Leaf(self.rng.below(18) as u16),
                _ => Choice::Tile(self.rng.below(6) as u32),
            },
        };
        let choice = match witness.choose(&stage, shown.as_ref()) {
            Some(choice) if self.rng.chance(75) => choice,
            _ => random,
        };
        let who = match self.rng.chance(96) {
            true => dispute.challenger.clone(),
            false => self.anyone(),
        };
        self.choose(&who, id, choice);
    }

    fn choose(&mut self, who: &AccountId, id: u64, choice: Choice) {
        self.note(format!("{} chooses {choice:?} in dispute {id}", self.name(who)));
        let ok = self.oracle.choose(who, id, choice);
        self.call(who, pallet_disputes::Call::choose { dispute: DisputeId(id), choice }, ok);
    }

    /// The operator's answer at this stage, or an invalid one.
    fn answer_to(&mut self, id: u64, dispute: &Dispute) -> (Answer, Move) {
        let claim = self.claim_of(dispute);
        let kind = dispute.stage.name();
        let stage = Disputes::current(DisputeId(id)).expect("compared").stage;
        let player = Player::with_trace(claim.checked(), claim.trace());
        let answer = player.answer(&stage);
        match (answer, self.rng.below(100)) {
            (Some(answer), 0..=87) => (answer, Move { kind, is_sound: true }),
            (Some(answer), 88..=93) => (self.spoil(answer), Move { kind, is_sound: false }),
            _ => {
                let (kind, empty) = self.rng.pick(&ANSWERS).expect("there are four");
                (empty(), Move { kind, is_sound: false })
            },
        }
    }

    /// Makes a small change to a move.
    fn spoil(&mut self, answer: Answer) -> Answer {
        let (place, bit) = (self.rng.next() as usize, 1 << self.rng.below(8));
        let longer = self.rng.chance(20);
        match answer {
            Answer::Roots(mut roots) => {
                let index = place % roots.len();
                roots[index][place % 32] ^= bit;
                Answer::Roots(roots)
            },
            Answer::Leaves(mut leaves) if longer => {
                leaves.pop();
                Answer::Leaves(leaves)
            },
            Answer::Leaves(mut leaves) => {
                let index = place % leaves.len();
                leaves[index][place % 32] ^= bit;
                Answer::Leaves(leaves)
            },
            Answer::Bytes(bytes) => {
                Answer::Bytes(spoiled(bytes.into_inner(), place, bit, longer).try_into().unwrap())
            },
            Answer::Opening(bytes) => {
                let bytes = spoiled(bytes.into_inner(), place, bit, longer);
                Answer::Opening(bytes.try_into().unwrap())
            },
        }
    }

    fn operators_move(&mut self, id: u64, dispute: &Dispute) {
        let (answer, what) = self.answer_to(id, dispute);
        if self.rng.chance(15) {
            let who = self.anyone();
            return self.show(&who, id, answer, what);
        }
        let operator = self.oracle.requests[&dispute.request].members[0].account.clone();
        let own = self.oracle.operators.get(&operator).map(|info| info.worker.clone());
        let keys: Vec<WorkerId> = self.keys.keys().cloned().collect();
        let key = match own {
            Some(key) if self.rng.chance(96) => key,
            _ => self.rng.pick(&keys).expect("operators have keys"),
        };
        if self.oracle.disputes.verdicts.contains_key(&dispute.request) {
            // There is no result any more that a statement could be about.
            return self.answer_without_statement(id, &key, answer, what);
        }
        let flaw = self.rng.below(40);
        let text = if what.is_sound { "as claimed" } else { "not as claimed" };
        self.note(format!(
            "{} answers in dispute {id}: {}, {text}, flaw {flaw}",
            self.name(&operator),
            what.kind
        ));
        let (price, part) = (Disputes::price(&answer), answer_part(&answer));
        let ok = self.oracle.answer(id, &key, what, flaw > 2, price, part);
        let record = Disputes::current(DisputeId(id)).expect("compared");
        let mut statement = common::answer_statement(&record, &answer);
        match flaw {
            0 => statement.request = Default::default(),
            1 => statement.answer = Default::default(),
            2 => statement.stage = Default::default(),
            _ => {},
        }
        let signature = common::sign(&self.keys[&key], &statement);
        let (dispute, stage) = (DisputeId(id), statement.stage);
        self.feeless(pallet_disputes::Call::answer { dispute, stage, answer, signature }, ok);
    }

    fn show(&mut self, who: &AccountId, id: u64, opening: Answer, what: Move) {
        self.note(format!("{} shows {what:?} in dispute {id}", self.name(who)));
        let ok = self.oracle.open_tile(id, what);
        self.call(who, pallet_disputes::Call::step { dispute: DisputeId(id), opening }, ok);
    }

    fn random_close(&mut self) {
        let decided = self.disputes(true);
        let id = match self.rng.pick(&decided) {
            Some(id) if self.rng.chance(90) => id,
            _ => self.dispute(),
        };
        let who = self.anyone();
        self.close(&who, id);
    }

    fn close(&mut self, who: &AccountId, id: u64) {
        self.note(format!("{} closes dispute {id}", self.name(who)));
        let ok = self.oracle.close_dispute(id);
        self.call(who, pallet_disputes::Call::close { dispute: DisputeId(id) }, ok);
    }

    fn random_timing(&mut self) {
        let (window, response) = match self.rng.below(8) {
            0 => (0, 1),
            1 => (1, 0),
            2 => (MaxDisputeBlocks::get(), 1),
            3 => (u32::MAX, u32::MAX),
            _ => (self.rng.between(1, 20) as u32, self.rng.between(1, 10) as u32),
        };
        let root = self.rng.chance(80);
        let origin = match root {
            true => RuntimeOrigin::root(),
            false => RuntimeOrigin::signed(self.anyone()),
        };
        self.note(format!("windows of {window}, {response} for a move, root {root}"));
        let ok = root && self.oracle.set_timing(window, response);
        let timing = DisputeTiming { window, response };
        self.admin(origin, pallet_disputes::Call::set_timing { timing }.into(), ok);
    }

    /// Undecided disputes that a proof can decide.
    fn provable(&self) -> Vec<u64> {
        let mut open = self.disputes(false);
        open.retain(|id| self.claim_of(&self.oracle.disputes.open[id]).graph == 0);
        open
    }

    /// A proof in a dispute; mostly a valid one if the graph is the first.
    fn random_proof(&mut self) {
        if self.provable().is_empty() {
            let mut claimed = self.claimed();
            claimed.retain(|id| {
                let request = &self.oracle.requests[id];
                let claim = request.claim.as_ref().expect("claimed");
                claim.graph == 0 && self.oracle.now <= request.disputable_until
            });
            if let Some(request) = self.rng.pick(&claimed) {
                let who = self.anyone();
                self.open_dispute(&who, request);
            }
        }
        let provable = self.provable();
        let id = match self.rng.pick(&provable) {
            Some(id) if self.rng.chance(85) => id,
            _ => self.dispute(),
        };
        let Some(dispute) = self.oracle.disputes.open.get(&id).cloned() else { return };
        let (request, claim) =
            (self.oracle.requests[&dispute.request].clone(), self.claim_of(&dispute));
        let is_audited =
            self.oracle.versions.get(&request.version).is_some_and(|record| record.is_audited);
        let flaw = self.rng.below(12);
        let who = self.anyone();
        let output = claim.truth() + i32::from(flaw == 0);
        let named = if flaw == 1 { dispute.request + 1 } else { dispute.request };
        let proof = match claim.graph {
            0 => prove(named, &request.payer, &request.members[0].account, &claim.input),
            _ => vec![7; 100],
        };
        self.note(format!("{} proves {output} in dispute {id}, flaw {flaw}", self.name(&who)));
        let is_proof = claim.graph == 0 && is_audited && flaw > 1;
        let ok = self.oracle.prove(id, output, is_proof);
        let output = common::bounded(&output.to_le_bytes());
        let proof = common::bounded(&proof);
        self.call(&who, pallet_disputes::Call::prove { dispute: DisputeId(id), output, proof }, ok);
    }

    /// A move for the wrong dispute or out of turn.
    fn random_interference(&mut self) {
        let (id, who) = (self.dispute(), self.anyone());
        match self.rng.below(3) {
            0 => self.choose(&who, id, Choice::Tile(0)),
            1 => {
                let (kind, empty) = self.rng.pick(&ANSWERS).expect("there are four");
                self.show(&who, id, empty(), Move { kind, is_sound: false });
            },
            _ => {
                let keys: Vec<WorkerId> = self.keys.keys().cloned().collect();
                let key = self.rng.pick(&keys).expect("operators have keys");
                let (kind, empty) = self.rng.pick(&ANSWERS).expect("there are four");
                let what = Move { kind, is_sound: false };
                self.answer_without_statement(id, &key, empty(), what);
            },
        }
    }

    /// An answer with a signature over something else.
    fn answer_without_statement(&mut self, id: u64, key: &WorkerId, answer: Answer, what: Move) {
        self.note(format!("an answer in dispute {id} without a statement"));
        let signature = self.keys[key].sign(b"nothing").into();
        let ok = self.oracle.answer(id, key, what, false, 0, answer_part(&answer));
        let (dispute, stage) = (DisputeId(id), Default::default());
        self.feeless(pallet_disputes::Call::answer { dispute, stage, answer, signature }, ok);
    }
}

/// What a move of an operator takes of a block.
fn answer_part(answer: &Answer) -> Part {
    type Weights = <Runtime as pallet_disputes::Config>::WeightInfo;
    let bytes = answer.encoded_size();
    let weight = pallet_disputes::answer_weight::<Runtime>(answer)
        + Weights::authorize_answer(bytes.div_ceil(1024) as u32);
    Part { time: overhead() + weight.ref_time(), bytes: bytes as u64 + 320 }
}

fn spoiled(mut bytes: Vec<u8>, place: usize, bit: u8, longer: bool) -> Vec<u8> {
    if longer || bytes.is_empty() {
        bytes.push(bit);
    } else {
        let index = place % bytes.len();
        bytes[index] ^= bit;
    }
    bytes
}
