//! The coalition's disputes and appeals.

use assay_dispute::{Choice, Stage};
use assay_primitives::{dispute::DisputeId, Balance, RequestId};
use assay_runtime::{Disputes, Runtime, RuntimeCall, System};
use pallet_disputes::{Call, OpenDisputes};

use super::{
    answers::{appeal, appealable, choices, disputable, first_with},
    models::{claimed, honest_trace, input_of, lying_trace, player, prove, Lie, Model},
    world::{Planned, Sender, Side, World},
};
use crate::common::*;

/// Disputes of the coalition that may be open at once, so that it does not run out of money at once.
const MOST_OPEN: usize = 16;

impl World {
    /// Plans what the coalition does about results that can be contested.
    pub fn plan_contests(&mut self) {
        self.plan_openings();
        for index in self.disputing() {
            self.plan_choices(index);
        }
        match self.rng.below(10) {
            0 => self.plan_dispute_proof(),
            1 => self.plan_close(),
            2 => self.plan_step(),
            _ => {},
        }
        self.copy_moves();
        self.plan_appeals();
    }

    /// The coalition's accounts that dispute.
    fn disputing(&self) -> Vec<usize> {
        let coalition = &self.coalition;
        let operators = coalition.operators.iter().map(|(index, _)| *index);
        [coalition.challenger, coalition.payers[0]].into_iter().chain(operators).collect()
    }

    fn by(&mut self, name: &'static str, index: usize, call: impl Into<RuntimeCall>) {
        self.plan(name, Side::Coalition, Sender::Party(index), call);
    }

    /// Sham disputes over own results, false ones over honest results, disputes over own lies, and
    /// all of these in the last block of a window.
    fn plan_openings(&mut self) {
        let next = System::block_number() + 1;
        let ours = OpenDisputes::<Runtime>::iter_values()
            .filter(|dispute| self.is_coalitions(&dispute.challenger))
            .count();
        if ours >= MOST_OPEN {
            return;
        }
        for id in disputable() {
            let request = record(id);
            let operator = request.members[0].account.clone();
            let claim = pallet_inference::Claims::<Runtime>::get(id).expect("it is disputable");
            let is_ours = self.is_coalitions(&operator);
            let is_lie = claim.output_digest != assay_primitives::digest(&self.truth(id));
            let is_last = claim.disputable_until == next;
            let (name, percent, most) = match (is_ours, is_lie) {
                _ if is_last => ("dispute at the end of the window", 15, 1),
                (true, true) => ("dispute over an own lie", 15, 2),
                (true, false) => ("sham dispute", 6, 5),
                (false, _) => ("false dispute", 8, 3),
            };
            if !self.rng.chance(percent) {
                continue;
            }
            let who = match self.rng.chance(80) {
                true => self.coalition.challenger,
                // An operator that disputes itself.
                false => {
                    self.party_of(&operator).filter(|_| is_ours).unwrap_or(self.coalition.payers[0])
                },
            };
            for _ in 0..self.rng.between(1, most) {
                self.by(name, who, Call::open { request: id, max_bond: Balance::MAX });
            }
        }
        let late = pallet_inference::Claims::<Runtime>::iter()
            .filter(|(_, claim)| claim.disputable_until + 1 == next)
            .map(|(id, _)| id);
        for id in late.collect::<Vec<_>>() {
            let name = "dispute at the end of the window";
            self.by(
                name,
                self.coalition.challenger,
                Call::open { request: id, max_bond: Balance::MAX },
            );
        }
        // Of a request that has no result.
        if self.rng.chance(3) {
            let next = pallet_inference::NextRequest::<Runtime>::get().0;
            let id = RequestId(self.rng.below(next + 1));
            self.by(
                "sham dispute",
                self.coalition.challenger,
                Call::open { request: id, max_bond: Balance::MAX },
            );
        }
    }

    fn plan_choices(&mut self, index: usize) {
        for (id, dispute) in choices(&self.account(index)) {
            if self.rng.chance(40) {
                continue;
            }
            let (_, input) = self.asked(dispute.request);
            let own = player(input, honest_trace(input));
            let shown = Disputes::shown(dispute.request, &dispute.stage);
            let choice = match own.choose(&dispute.stage, shown.as_ref()) {
                Some(choice) if self.rng.chance(60) => choice,
                _ => match dispute.stage {
                    Stage::Operation => Choice::Operation(self.rng.below(4) as u16),
                    Stage::Leaf { .. } => Choice::Leaf(self.rng.below(30) as u16),
                    _ => Choice::Tile(self.rng.below(2) as u32),
                },
            };
            let name = match choice {
                Choice::Leaf(_) => "choice of a leaf",
                _ => "choice in a dispute",
            };
            self.by(name, index, Call::choose { dispute: id, choice });
        }
    }

    /// A dispute that is open, or the next one.
    fn some_dispute(&mut self) -> DisputeId {
        let mut open: Vec<_> = OpenDisputes::<Runtime>::iter_keys().collect();
        open.sort_unstable();
        let next = pallet_disputes::NextDispute::<Runtime>::get();
        self.rng.pick(&open).unwrap_or(next)
    }

    /// A proof of the right output, or of another one.
    fn plan_dispute_proof(&mut self) {
        let id = self.some_dispute();
        let Some(dispute) = Disputes::current(id) else { return };
        let is_right = self.rng.chance(70);
        let (model, input) = self.asked(dispute.request);
        let trace = match is_right {
            true => honest_trace(input),
            false => lying_trace(input, Lie::Output),
        };
        let output = bounded(&trace.output().expect("it has run").to_bytes());
        // There are no proofs of the wide model, so anything is as good.
        let proof = match model {
            Model::Graph => prove(dispute.request, &dispute.operator, input),
            _ => vec![7; 64],
        };
        let proof = bounded(&proof);
        let call = Call::<Runtime>::prove { dispute: id, output, proof };
        self.by("proof in a dispute", self.coalition.challenger, call);
    }

    fn plan_close(&mut self) {
        let id = self.some_dispute();
        self.by("end of a decided dispute", self.coalition.challenger, Call::close { dispute: id });
    }

    fn plan_step(&mut self) {
        let mut due: Vec<_> = OpenDisputes::<Runtime>::iter_keys()
            .filter(|id| {
                Disputes::current(*id).is_some_and(|one| matches!(one.stage, Stage::Open { .. }))
            })
            .collect();
        due.sort_unstable();
        let id = self.rng.pick(&due).unwrap_or_else(|| self.some_dispute());
        let Some(dispute) = Disputes::current(id) else { return };
        let (_, input) = self.asked(dispute.request);
        let own = player(input, honest_trace(input));
        let opening = own.answer(&dispute.stage);
        let opening = opening.unwrap_or(assay_dispute::Answer::Opening(Default::default()));
        let call = Call::step { dispute: id, opening };
        self.by("opening for an operator", self.coalition.challenger, call);
    }

    /// The coalition sees what honest parties send, and submits it first: an operator's move for
    /// another dispute in the same stage, and an appeal in its own name.
    fn copy_moves(&mut self) {
        let honest: Vec<Planned> =
            self.planned.iter().filter(|one| one.side == Side::Honest).cloned().collect();
        for one in honest {
            match one.call {
                RuntimeCall::Disputes(Call::answer { dispute, stage, answer, signature })
                    if self.rng.chance(50) =>
                {
                    let request = OpenDisputes::<Runtime>::get(dispute).map(|one| one.request);
                    let mut others: Vec<_> = OpenDisputes::<Runtime>::iter()
                        .filter(|(id, other)| Some(other.request) == request && *id != dispute)
                        .map(|(id, _)| id)
                        .collect();
                    others.sort_unstable();
                    let Some(dispute) = self.rng.pick(&others) else { continue };
                    let call = Call::answer { dispute, stage, answer, signature };
                    self.plan("copied move", Side::Coalition, Sender::Worker, call);
                },
                RuntimeCall::Inference(call @ pallet_inference::Call::appeal { .. })
                    if self.rng.chance(50) =>
                {
                    self.by("copied appeal", self.coalition.challenger, call);
                },
                _ => {},
            }
        }
    }

    fn plan_appeals(&mut self) {
        for id in appealable() {
            let Some(input) = input_of(id) else { continue };
            let who = self.coalition.challenger;
            let (truth, lie) = (Model::Graph.truth(&input), claimed_lie(&input));
            match self.rng.below(100) {
                // The truth, also against its own members.
                0..=11 => {
                    let proof = prove(id, &self.account(who), &input);
                    self.by("appeal", who, appeal(id, &truth, &proof));
                },
                12..=23 => {
                    let proof = prove(id, &self.account(who), &input);
                    self.by("false appeal", who, appeal(id, &lie, &proof));
                },
                // A proof that names somebody else.
                24..=33 => {
                    let named = first_with(id, &truth).unwrap_or(self.account(self.honest_owner));
                    if named != self.account(who) {
                        let proof = prove(id, &named, &input);
                        self.by("copied appeal", who, appeal(id, &truth, &proof));
                    }
                },
                _ => {},
            }
        }
        if self.rng.chance(2) {
            self.plan_late_appeal();
        }
    }

    /// An appeal against a request that cannot be appealed, or not any more.
    fn plan_late_appeal(&mut self) {
        let next = pallet_inference::NextRequest::<Runtime>::get().0;
        let id = RequestId(self.rng.below(next.max(1)));
        let who = self.coalition.challenger;
        if next > 0 && Model::of(record(id).version) == Model::Graph {
            let (_, input) = self.asked(id);
            let (truth, proof) = (Model::Graph.truth(input), prove(id, &self.account(who), input));
            self.by("appeal", who, appeal(id, &truth, &proof));
        }
    }
}

/// The output on which the coalition agrees.
fn claimed_lie(input: &[u8]) -> Vec<u8> {
    claimed(&player(input, lying_trace(input, Lie::Output)))
}
