//! The coalition, and how its operators answer.

use std::collections::BTreeMap;

use assay_primitives::{
    commitment,
    traits::{MemberState, Verification as _},
    Assurance, Balance, CommitStatement, Digest, FailureReason, RequestId, ASY, MAX_LIST,
};
use assay_runtime::{AccountId, Runtime, System, Verification};
use pallet_inference::Call;

use super::{
    answers::{assigned, due, salt, turns, Due},
    models::{claimed, honest_trace, lying_trace, player, prove, Lie, Model, QUARTERS},
    party::{defence, proven, traced},
    rng::Rng,
    world::{Sender, Side, World},
};
use crate::common::*;

/// Accounts that can take seats.
const SYBILS: usize = 32;

/// What a member of the coalition does with a request that it was drawn for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    Right,
    /// Submits a wrong result, in a quorum the same as the others of the coalition.
    Lie,
    Silent,
    /// Reports that it cannot answer.
    Fail,
    /// In a quorum: commits, and does not open its commitment.
    Unopened,
    /// In a quorum: commits to a lie, and opens it only if it can win.
    LastRevealer,
    /// In a quorum: copies the commitment of another member.
    Copy,
    /// Answers in the last block in which it counts.
    Late,
}

/// The attackers, by index of their parties.
pub struct Coalition {
    /// Operators with their bonds.
    pub operators: Vec<(usize, Balance)>,
    pub payers: Vec<usize>,
    pub challenger: usize,
    pub owner: usize,
    /// Accounts for seats, of which this many have been used.
    pub sybils: Vec<usize>,
    pub used_sybils: usize,
    /// Accounts that are emptied and come back.
    pub spare: Vec<usize>,
    policies: BTreeMap<(RequestId, usize), Policy>,
    /// The mood of the coalition about a request: all its members lie.
    plots: BTreeMap<RequestId, bool>,
    /// What liars can show of their traces.
    lies: BTreeMap<RequestId, Lie>,
    /// How often each operator lies, in percent.
    dishonesty: u64,
    /// How many moves it makes in a block, in percent.
    pub activity: u64,
}

impl Coalition {
    /// Adds its accounts.
    pub fn new(rng: &mut Rng, mut add: impl FnMut(&str, Balance) -> usize) -> Self {
        let owner = add("coalition's owner", 100 * ASY);
        let operators = (0..rng.between(2, 5))
            .map(|number| {
                let bond = (1_000 + rng.below(4) as Balance * 500) * ASY;
                (add(&format!("liar {number}"), bond + 500 * ASY), bond)
            })
            .collect();
        let payers = vec![add("accomplice 1", 3_000 * ASY), add("accomplice 2", 3_000 * ASY)];
        let challenger = add("sham challenger", 5_000 * ASY);
        let sybils = match rng.chance(25) {
            true => {
                (0..SYBILS).map(|number| add(&format!("sybil {number}"), 1_010 * ASY)).collect()
            },
            false => Vec::new(),
        };
        let spare = (0..3).map(|number| add(&format!("spare {number}"), 20 * ASY)).collect();
        Self {
            operators,
            payers,
            challenger,
            owner,
            sybils,
            used_sybils: 0,
            spare,
            policies: BTreeMap::new(),
            plots: BTreeMap::new(),
            lies: BTreeMap::new(),
            dishonesty: [20, 50, 80][rng.below(3) as usize],
            activity: rng.between(60, 200),
        }
    }

    /// All parties that operate.
    fn all_operators(&self) -> Vec<usize> {
        let operators = self.operators.iter().map(|(index, _)| *index);
        operators.chain(self.sybils[..self.used_sybils].iter().copied()).collect()
    }
}

impl World {
    /// Plans what the coalition does in the next block: its answers and a few moves.
    pub fn plan_of_coalition(&mut self) {
        self.plan_coalitions_answers();
        let mut left = self.coalition.activity;
        while self.rng.below(100) < left.min(100) {
            self.plan_move();
            left = left.saturating_sub(100);
        }
        self.plan_contests();
        self.repeat_some();
    }

    /// When no new requests are made, it still answers and disputes.
    pub fn plan_of_coalition_at_end(&mut self) {
        self.plan_coalitions_answers();
        self.plan_contests();
    }

    /// Plans some calls twice. The second is usually refused.
    fn repeat_some(&mut self) {
        let own: Vec<_> =
            self.planned.iter().filter(|one| one.side == Side::Coalition).cloned().collect();
        for one in own {
            if self.rng.chance(8) {
                self.planned.push(one);
            }
        }
    }

    fn plan_coalitions_answers(&mut self) {
        for index in self.coalition.all_operators() {
            let account = self.account(index);
            if self.rng.chance(90) {
                self.plan_heartbeat(index, Side::Coalition);
            }
            let mut listed = Vec::new();
            for id in assigned(&account) {
                if let Some(due) = due(id, &account) {
                    self.plan_coalitions_answer(index, id, due, &mut listed);
                }
            }
            self.plan_list(index, listed);
            self.plan_coalitions_defence(index);
        }
    }

    /// What this member does with the request. It is decided once.
    fn policy(&mut self, index: usize, id: RequestId) -> Policy {
        if let Some(policy) = self.coalition.policies.get(&(id, index)) {
            return *policy;
        }
        let dishonesty = self.coalition.dishonesty;
        let is_quorum = matches!(record(id).assurance, Assurance::Quorum { .. });
        let all_lie = match self.coalition.plots.get(&id) {
            Some(all_lie) => *all_lie,
            None => {
                let all_lie = self.rng.chance(dishonesty);
                self.coalition.plots.insert(id, all_lie);
                all_lie
            },
        };
        let policy = match self.rng.below(100) {
            0..=5 => Policy::Silent,
            6..=11 => Policy::Fail,
            12..=17 => Policy::Late,
            18..=24 if is_quorum => Policy::Unopened,
            25..=31 if is_quorum => Policy::LastRevealer,
            32..=38 if is_quorum => Policy::Copy,
            _ if all_lie => Policy::Lie,
            _ => Policy::Right,
        };
        self.coalition.policies.insert((id, index), policy);
        policy
    }

    fn plan_coalitions_answer(
        &mut self,
        index: usize,
        id: RequestId,
        due: Due,
        listed: &mut Vec<(RequestId, Vec<u8>)>,
    ) {
        let policy = self.policy(index, id);
        if policy == Policy::Silent || self.rng.chance(10) {
            return;
        }
        if policy == Policy::Late && !self.is_last_block(id, due) {
            return;
        }
        if policy == Policy::Fail && due != Due::Reveal {
            let party = &self.parties[index];
            let reason = FailureReason::EngineError;
            let call = failure(id, &party.account(), &party.worker, reason);
            return self.plan_workers("failure report", call);
        }
        let lies = matches!(policy, Policy::Lie | Policy::Unopened | Policy::LastRevealer)
            || policy == Policy::Late && self.coalition.plots[&id];
        match (due, policy) {
            (Due::Reveal, Policy::Unopened) => {},
            (Due::Reveal, Policy::LastRevealer) if !self.lie_can_win(id) => {},
            (Due::Reveal, Policy::Copy) => {
                let party = &self.parties[index];
                let (account, truth) = (party.account(), self.truth(id));
                let salt = salt(id, party);
                let call = reveal(id, &account, &party.worker, &truth, &salt);
                self.plan_workers("reveal of a copied commitment", call);
            },
            (Due::Commitment, Policy::Copy) => self.plan_copied_commitment(index, id),
            (Due::Result, _) if self.rng.chance(50) => {
                let output = if lies { self.lie(index, id) } else { self.truth(id) };
                listed.push((id, output));
            },
            _ if lies => self.plan_lie(index, id, due),
            _ => {
                let call = self.right_answer(index, id, due);
                self.plan_workers("right answer", call);
            },
        }
    }

    /// The wrong output of a member. The coalition agrees on it, or its members differ within the
    /// tolerance.
    pub fn lie(&self, index: usize, id: RequestId) -> Vec<u8> {
        let (model, input) = self.asked(id);
        let [near, between, far] = QUARTERS;
        let is_near = model == Model::Float && !id.0.is_multiple_of(2);
        model.lie(input, if is_near { [near, between][index % 2] } else { far })
    }

    fn plan_workers(&mut self, name: &'static str, call: impl Into<assay_runtime::RuntimeCall>) {
        self.plan(name, Side::Coalition, Sender::Worker, call);
    }

    /// Whether an answer counts for the last time in the next block.
    fn is_last_block(&self, id: RequestId, due: Due) -> bool {
        let (request, next) = (record(id), System::block_number() + 1);
        let window = assay_runtime::constants::RevealWindow::get();
        match due {
            Due::Commitment => next >= request.commit_deadline(window),
            _ => next >= request.deadline,
        }
    }

    /// Whether enough members of the coalition have committed for a lie to win.
    fn lie_can_win(&self, id: RequestId) -> bool {
        let request = record(id);
        let Assurance::Quorum { k, .. } = request.assurance else { return true };
        let ours = request.accounts().into_iter().filter(|member| self.is_coalitions(member));
        let answered = |member: &AccountId| {
            matches!(
                Verification::member_state(id, member),
                MemberState::Committed(_) | MemberState::Revealed
            )
        };
        ours.filter(answered).count() >= usize::from(k)
    }

    fn plan_copied_commitment(&mut self, index: usize, id: RequestId) {
        let party = &self.parties[index];
        let operator = party.account();
        let others = record(id).accounts().into_iter().filter(|one| *one != operator);
        let copied =
            others.into_iter().find_map(|one| match Verification::member_state(id, &one) {
                MemberState::Committed(commitment) => Some(commitment),
                _ => None,
            });
        let request = answered(id).hash();
        let own = || {
            let nothing = assay_primitives::digest(b"nothing");
            commitment(&request, &operator, &nothing, &[0; 32])
        };
        let commitment = copied.unwrap_or_else(own);
        let statement = CommitStatement { request, commitment, operator: operator.clone() };
        let signature = sign(&party.worker, &statement);
        let call = Call::submit_commitment { request: id, operator, commitment, signature };
        self.plan_workers("copied commitment", call);
    }

    fn plan_lie(&mut self, index: usize, id: RequestId, due: Due) {
        let party = &self.parties[index];
        let (account, lie) = (party.account(), self.lie(index, id));
        let salt = salt(id, party);
        match due {
            Due::Result => {
                let call = result(id, &account, &party.worker, &lie);
                self.plan_workers("signed lie", call);
            },
            Due::Commitment => {
                let call = commit(id, &account, &party.worker, &lie, &salt);
                let name = match self.asked(id).0 {
                    Model::Float => "commitment to a lie of a float model",
                    _ => "commitment to a lie",
                };
                self.plan_workers(name, call);
            },
            Due::Reveal => {
                let call = reveal(id, &account, &party.worker, &lie, &salt);
                let name = match self.asked(id).0 {
                    Model::Float => "opened lie of a float model",
                    _ => "opened lie",
                };
                self.plan_workers(name, call);
            },
            Due::Trace => self.plan_optimistic_lie(index, id),
            Due::Proof => {
                let (_, input) = self.asked(id);
                // A true proof of the right output does not prove another one.
                let proof = match id.0.is_multiple_of(2) {
                    true => prove(id, &account, input),
                    false => vec![7; 64],
                };
                let call = proven(id, party, &lie, &proof);
                self.plan_workers("lie with an invalid proof", call);
            },
        }
    }

    fn plan_optimistic_lie(&mut self, index: usize, id: RequestId) {
        let kinds = [Lie::Output, Lie::FirstOperation, Lie::OtherInput];
        let kind = self.rng.pick(&kinds).expect("there are three");
        let has_trace = self.rng.chance(80);
        let (_, input) = self.asked(id);
        let own = player(input, lying_trace(input, kind));
        let root = if has_trace { own.trace_root().into() } else { Digest::repeat_byte(7) };
        let call = traced(id, &self.parties[index], &claimed(&own), root);
        self.coalition.lies.insert(id, kind);
        self.plan_workers("optimistic lie", call);
    }

    /// A list of results, sometimes with some that nothing waits for.
    fn plan_list(&mut self, index: usize, mut results: Vec<(RequestId, Vec<u8>)>) {
        let Some((first, output)) = results.first().cloned() else { return };
        let version = record(first).version;
        let next = pallet_inference::NextRequest::<Runtime>::get().0;
        let others: Vec<RequestId> = (0..next)
            .map(RequestId)
            .filter(|id| !results.iter().any(|(listed, _)| listed == id))
            .filter(|id| pallet_inference::Requests::<Runtime>::contains_key(id))
            .collect();
        let most = results.len() as u64 * 2;
        for _ in 0..self.rng.below(most + 1) {
            let Some(id) = self.rng.pick(&others) else { break };
            if !results.iter().any(|(listed, _)| *listed == id) {
                results.push((id, output.clone()));
            }
        }
        results.truncate(MAX_LIST as usize);
        results.sort_by_key(|(id, _)| *id);
        let party = &self.parties[index];
        let call = results_call(version, &party.account(), &party.worker, &results);
        self.plan_workers("list of results", call);
    }

    fn plan_coalitions_defence(&mut self, index: usize) {
        for (id, dispute) in turns(&self.account(index)) {
            if self.rng.chance(20) {
                continue;
            }
            let (_, input) = self.asked(dispute.request);
            let trace = match self.coalition.lies.get(&dispute.request) {
                Some(lie) => lying_trace(input, *lie),
                None => honest_trace(input),
            };
            let own = player(input, trace);
            if own.answer(&dispute.stage).is_some() {
                let call = defence(id, &dispute, &self.parties[index], &own);
                self.plan_workers("move for a result", call);
            }
        }
    }
}
