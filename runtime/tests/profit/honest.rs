//! The parties that keep to the protocol. They look at the chain before each block, and plan what is
//! due of them. What was not included is planned again.

use assay_dispute::Stage;
use assay_primitives::{
    traits::Models, Assurance, AssuranceClass, Balance, RequestId, RequestInput,
};
use assay_runtime::{constants::HeartbeatInterval, Disputes, ModelRegistry, Runtime, System};
use pallet_inference::Call;

use super::{
    answers::{appeal, appealable, assigned, choices, disputable, due, salt, turns, Due},
    models::{digest_of, honest_trace, input_of, player, prove, Model, ASKED},
    party::{defence, proven, traced},
    world::{Sender, Side, World, HONEST_ASK},
};
use crate::common::*;

/// Everything that a request of an honest payer states besides its model.
pub struct Terms {
    pub assurance: Assurance,
    pub max_price: Balance,
    pub patience: u32,
    pub draw_delay: u32,
}

impl World {
    /// Plans what the honest parties do in the next block.
    pub fn plan_of_honest(&mut self, with_requests: bool) {
        for index in self.honest_operators.clone() {
            self.plan_heartbeat(index, Side::Honest);
            self.plan_honest_answers(index);
            self.plan_honest_defence(index);
        }
        self.plan_honest_appeals();
        self.plan_honest_disputes();
        if with_requests {
            for index in self.honest_payers.clone() {
                if self.rng.chance(12) {
                    self.plan_honest_request(index);
                }
            }
        }
    }

    /// Plans a heartbeat if one is due.
    pub fn plan_heartbeat(&mut self, index: usize, side: Side) {
        let (account, now) = (self.account(index), System::block_number());
        let last = pallet_operators::Operators::<Runtime>::get(&account)
            .filter(|info| info.unbonding_until.is_none())
            .map(|info| info.last_heartbeat);
        if last.is_some_and(|last| last.is_none_or(|at| at + HeartbeatInterval::get() <= now)) {
            let call = heartbeat(&account, &self.parties[index].worker, now);
            self.plan("heartbeat", side, Sender::Worker, call);
        }
    }

    fn plan_honest_answers(&mut self, index: usize) {
        let account = self.account(index);
        let mut signed: Vec<(RequestId, Vec<u8>)> = Vec::new();
        for id in assigned(&account) {
            match due(id, &account) {
                Some(Due::Result) => signed.push((id, self.truth(id))),
                Some(due) => {
                    let call = self.right_answer(index, id, due);
                    self.plan("honest answer", Side::Honest, Sender::Worker, call);
                },
                None => {},
            }
        }
        let party = &self.parties[index];
        let calls: Vec<_> = match &mut signed[..] {
            // A list of long outputs is not awaited by length after one of them has ended.
            [_, _, ..] if self.rng.chance(50) => {
                let version = |result: &(RequestId, Vec<u8>)| record(result.0).version;
                signed.sort_by_key(|result| (version(result), result.0));
                let lists = signed.chunk_by(|one, next| version(one) == version(next));
                let lists = lists.flat_map(|results| results.chunks(16));
                lists
                    .map(|some| results_call(version(&some[0]), &account, &party.worker, some))
                    .collect()
            },
            _ => signed
                .iter()
                .map(|(id, output)| result(*id, &account, &party.worker, output))
                .collect(),
        };
        for call in calls {
            self.plan("honest answer", Side::Honest, Sender::Worker, call);
        }
    }

    /// The right answer of an operator.
    pub fn right_answer(&self, index: usize, id: RequestId, due: Due) -> Call<Runtime> {
        let (_, input) = self.asked(id);
        let (party, truth) = (&self.parties[index], self.truth(id));
        let (account, salt) = (party.account(), salt(id, party));
        match due {
            Due::Result => result(id, &account, &party.worker, &truth),
            Due::Commitment => commit(id, &account, &party.worker, &truth, &salt),
            Due::Reveal => reveal(id, &account, &party.worker, &truth, &salt),
            Due::Trace => {
                let root = player(input, honest_trace(input)).trace_root().into();
                traced(id, party, &truth, root)
            },
            Due::Proof => proven(id, party, &truth, &prove(id, &account, input)),
        }
    }

    fn plan_honest_defence(&mut self, index: usize) {
        for (id, dispute) in turns(&self.account(index)) {
            let (_, input) = self.asked(dispute.request);
            let player = player(input, honest_trace(input));
            let call = defence(id, &dispute, &self.parties[index], &player);
            self.plan("honest move", Side::Honest, Sender::Worker, call);
        }
    }

    /// The first honest member of a quorum whose result is right appeals if there are others.
    fn plan_honest_appeals(&mut self) {
        for id in appealable() {
            let Some(input) = input_of(id) else { continue };
            let truth = Model::Graph.truth(&input);
            let Some(appellant) = self.honest_appellant(id, &truth) else { continue };
            let proof = prove(id, &self.account(appellant), &input);
            let call = appeal(id, &truth, &proof);
            self.plan("honest appeal", Side::Honest, Sender::Party(appellant), call);
        }
    }

    /// The honest member of a quorum that appeals.
    fn honest_appellant(&self, id: RequestId, truth: &[u8]) -> Option<usize> {
        let kept = pallet_inference::Results::<Runtime>::get(id)?;
        let right = digest_of(truth);
        let members = kept.evidence.iter().filter(|item| item.output_digest == right);
        let mut indices = members.filter_map(|item| self.party_of(&item.operator));
        indices.find(|index| self.sides[*index] == Side::Honest)
    }

    /// The honest challenger runs the model of every optimistic result again, and disputes those that
    /// differ. It plays some disputes to the end, and proves the right output in others.
    fn plan_honest_disputes(&mut self) {
        let (index, account) = (self.honest_challenger, self.account(self.honest_challenger));
        let side = (Side::Honest, Sender::Party(index));
        let disputed: Vec<RequestId> = pallet_disputes::OpenDisputes::<Runtime>::iter_values()
            .filter(|dispute| dispute.challenger == account)
            .map(|dispute| dispute.request)
            .collect();
        for id in disputable() {
            let claim = pallet_inference::Claims::<Runtime>::get(id).expect("it is disputable");
            if claim.output_digest != digest_of(&self.truth(id)) && !disputed.contains(&id) {
                let call = pallet_disputes::Call::open { request: id, max_bond: Balance::MAX };
                self.plan("honest dispute", side.0, side.1, call);
            }
        }
        for (id, dispute) in choices(&account) {
            let (model, input) = self.asked(dispute.request);
            let own = player(input, honest_trace(input));
            let call = if model == Model::Graph && dispute.request.0.is_multiple_of(3) {
                let operator = &dispute.operator;
                let proof = bounded(&prove(dispute.request, operator, input));
                let output = bounded(&own.output().expect("it has run").to_bytes());
                pallet_disputes::Call::<Runtime>::prove { dispute: id, output, proof }
            } else {
                let shown = Disputes::shown(dispute.request, &dispute.stage);
                let Some(choice) = own.choose(&dispute.stage, shown.as_ref()) else { continue };
                pallet_disputes::Call::choose { dispute: id, choice }
            };
            self.plan("honest move", side.0, side.1, call);
        }
        self.plan_honest_openings(index);
    }

    /// Anyone can open the tile for an operator that is silent.
    fn plan_honest_openings(&mut self, index: usize) {
        let account = self.account(index);
        let open: Vec<_> = pallet_disputes::OpenDisputes::<Runtime>::iter()
            .filter(|(_, dispute)| dispute.challenger == account)
            .filter_map(|(id, _)| Some((id, Disputes::current(id)?)))
            .filter(|(_, dispute)| matches!(dispute.stage, Stage::Open { .. }))
            .collect();
        for (id, dispute) in open {
            let (_, input) = self.asked(dispute.request);
            // The opening is against the roots that the operator has shown, so it fits only if what
            // the tile reads is right.
            let Some(opening) = player(input, honest_trace(input)).answer(&dispute.stage) else {
                continue;
            };
            let call = pallet_disputes::Call::step { dispute: id, opening };
            self.plan("honest step", Side::Honest, Sender::Party(index), call);
        }
    }

    fn plan_honest_request(&mut self, index: usize) {
        let model = self.rng.pick(&ASKED).expect("there are some");
        let assurance = self.random_assurance(model);
        if assurance.class() == AssuranceClass::Proof
            && ModelRegistry::proof_terms(model.version()).is_none()
        {
            return;
        }
        let size = Balance::from(assurance.committee_size().max(1));
        let terms = Terms {
            assurance,
            max_price: size * (HONEST_ASK + self.rng.below(10) as Balance * HONEST_ASK / 10),
            patience: 12 + self.rng.below(20) as u32,
            draw_delay: 1 + self.rng.below(3) as u32,
        };
        let call = self.request(model, &terms);
        self.plan("honest request", Side::Honest, Sender::Party(index), call);
    }

    /// A class that a model offers.
    pub fn random_assurance(&mut self, model: Model) -> Assurance {
        let (n, k) = self.rng.pick(&[(2, 2), (3, 2), (3, 2), (4, 3), (5, 3)]).expect("there are");
        match (model, self.rng.below(6)) {
            (_, 0) => Assurance::Signed,
            (Model::Graph, 1..=2) | (Model::Wide, _) => Assurance::Optimistic,
            (Model::Graph, 3) => Assurance::Proof,
            _ => Assurance::Quorum { n, k },
        }
    }

    /// A request for a new input.
    pub fn request(&mut self, model: Model, terms: &Terms) -> Call<Runtime> {
        let (input, client_key) = (self.new_input(model), self.new_key());
        Call::request {
            version: model.version(),
            input: RequestInput::Inline(bounded(&input)),
            assurance: terms.assurance,
            max_price: terms.max_price,
            deadline: System::block_number() + 1 + terms.patience,
            draw_delay: terms.draw_delay,
            client_key,
        }
    }
}
