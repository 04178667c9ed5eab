//! Random requests, and random submissions of operators.

use assay_dispute::Player;
use assay_primitives::{
    dispute::TraceStatement, worker_crypto, Assurance, Digest, FailureReason, RequestId,
    RequestInput, VersionId, ASY,
};
use assay_runtime::{AccountId, Runtime, EXISTENTIAL_DEPOSIT};
use pallet_inference::{RequestInputOf, TraceSignatures};

use super::{
    claims::{self, Claim},
    driver::Fuzz,
    proofs::prove,
    requests::{Answer, Ask, Item, Output, Request, State, WorkerCall},
};
use crate::common;

pub const REASON: FailureReason = FailureReason::TimeLimit;

/// What is particular to a request, and its input as it is sent.
pub type Sent = (Item, RequestInputOf<Runtime>);

pub fn payload(output: Output) -> Vec<u8> {
    match output {
        Output::Integer(value) => common::integer_payload(&[value]),
        Output::Float(quarters) => common::float_payload(quarters as f32 / 4.0),
        Output::Odd => vec![0xff; 3],
        Output::Long => vec![0xff; 1_000],
    }
}

impl Fuzz {
    pub fn random_request(&mut self) {
        let (payer, version) = (self.payer(), self.version());
        self.ask(payer, version);
    }

    pub fn ask(&mut self, payer: AccountId, version: VersionId) {
        let (ask, item) = (self.terms(version), self.item(version));
        self.send_request(&payer, ask, item);
    }

    /// Random terms of requests.
    pub fn terms(&mut self, version: VersionId) -> Ask {
        let is_graph = self.graph_of(version).is_some();
        let assurance = match self.rng.below(20) {
            _ if self.graph_of(version) == Some(0) && self.rng.chance(20) => Assurance::Proof,
            _ if is_graph && self.rng.chance(60) => Assurance::Optimistic,
            0..=7 => Assurance::Signed,
            8 if self.rng.chance(50) => Assurance::Tee,
            8 if self.rng.chance(50) => Assurance::Proof,
            8 => Assurance::Optimistic,
            9 => Assurance::Quorum { n: self.rng.below(18) as u8, k: self.rng.below(18) as u8 },
            10 => Assurance::Quorum { n: 5, k: 3 },
            11..=13 => Assurance::Quorum { n: 2, k: 2 },
            _ => Assurance::Quorum { n: 3, k: 2 },
        };
        let size = u128::from(assurance.committee_size());
        let max_price = match self.rng.below(10) {
            0 => self.price(),
            1 => u128::from(self.rng.below(100)) * ASY,
            _ => size * (3 * ASY + self.price()) + u128::from(self.rng.below(7)),
        };
        let patience = match self.rng.below(20) {
            0 => self.rng.below(3) as u32,
            1 => 1_799 + self.rng.below(3) as u32,
            _ => self.rng.between(3, 25) as u32 + if size > 1 { 5 } else { 0 },
        };
        let draw_delay = match self.rng.below(20) {
            0 => self.rng.below(20) as u32,
            1..=3 => self.rng.between(2, 6) as u32,
            _ => 1,
        };
        let deadline = self.oracle.now + patience;
        Ask { version, assurance, max_price, deadline, draw_delay }
    }

    /// A random input and a random key, and the input as it is sent.
    pub fn item(&mut self, version: VersionId) -> Sent {
        let key = match self.rng.chance(95) {
            true => [(self.fresh() % 256) as u8; 32].map(|byte| byte ^ (self.serial >> 8) as u8),
            false => [1; 32],
        };
        let artifacts: Vec<_> = self.oracle.artifacts.keys().copied().collect();
        let (elements, payload) = self.input(version);
        let (input, sent) = match self.rng.below(20) {
            0 => (Ok(false), RequestInput::Inline(common::bounded(&[1, 2, 3]))),
            1 | 2 => {
                let identity = self.rng.pick(&artifacts).unwrap_or_default();
                (Err(identity), RequestInput::Artifact(identity))
            },
            _ => (Ok(true), RequestInput::Inline(common::bounded(&payload))),
        };
        (Item { input, elements, key }, sent)
    }

    /// An input that fits, with a key of its own.
    pub fn good_item(&mut self, version: VersionId) -> Sent {
        let mut key = [0xcc; 32];
        key[..4].copy_from_slice(&self.fresh().to_le_bytes());
        let (elements, payload) = self.input(version);
        let sent = RequestInput::Inline(common::bounded(&payload));
        (Item { input: Ok(true), elements, key }, sent)
    }

    /// An input that fits a version, and its payload.
    fn input(&mut self, version: VersionId) -> (Vec<i8>, Vec<u8>) {
        let elements: Vec<i8> =
            (0..claims::INPUTS).map(|_| self.rng.below(256) as u8 as i8).collect();
        let payload = match self.graph_of(version) {
            Some(_) => claims::input_payload(&elements),
            None => common::integer_payload(&[self.oracle.now as i32, 2]),
        };
        (elements, payload)
    }

    pub fn send_request(&mut self, payer: &AccountId, ask: Ask, (item, input): Sent) {
        let Ask { version, assurance, max_price, deadline, draw_delay } = ask;
        let name = self.name(payer);
        self.note(format!("{name}: {ask:?}, {:?}", item.input));
        let ok = self.oracle.request(payer, &ask, std::slice::from_ref(&item)).is_some();
        let call = pallet_inference::Call::request {
            version,
            input,
            assurance,
            max_price,
            deadline,
            draw_delay,
            client_key: item.key,
        };
        self.call(payer, call, ok);
    }

    /// Many quorums with one deadline, whose members stop answering.
    pub fn crowd(&mut self) {
        let version = self.version();
        self.serve_alike(version, 20);
        let (deadline, first) = (self.oracle.now + 10, self.oracle.requests.len() as u64);
        for _ in 0..20 {
            self.ask_until(version, Assurance::Quorum { n: 2, k: 2 }, deadline);
        }
        self.next_block();
        self.next_block();
        for id in first..self.oracle.requests.len() as u64 {
            for position in 0..self.oracle.requests[&id].members.len() {
                if self.rng.chance(60) {
                    self.answer(id, Some(position));
                }
            }
        }
        while self.oracle.now < deadline {
            self.next_block();
        }
    }

    /// More requests with one deadline than a sweep can process. No member answers in time.
    pub fn overdue(&mut self) {
        let version = self.provable_version();
        self.serve_alike(version, 64);
        let (deadline, first) = (self.oracle.now + 16, self.oracle.requests.len() as u64);
        for _ in 0..3 {
            self.ask_until(version, Assurance::Proof, deadline);
        }
        let (payer, assurance) = (self.actors[0].clone(), Assurance::Signed);
        let ask = Ask { version, assurance, max_price: ASY, deadline, draw_delay: 1 };
        for _ in 0..6 {
            let items = (0..64).map(|_| self.good_item(version)).collect();
            self.send_batch(&payer, ask, items);
        }
        for _ in 0..24 {
            self.next_block();
            // Those that the sweep has left.
            let is_late = |one: &Request| {
                one.state == State::Assigned && one.silent() > 0 && one.deadline < self.oracle.now
            };
            let late = self.oracle.requests.range(first..).filter(|(_, one)| is_late(one));
            let late: Vec<u64> = late.map(|(id, _)| *id).take(5).collect();
            for id in late {
                self.answer(id, Some(0));
            }
        }
    }

    /// More requests than there is capacity. Each end of a run calls the next one, among them quorums
    /// that need more than one operator.
    pub fn line_up(&mut self) {
        let version = self.version();
        let servers = self.serve_alike(version, 20);
        let (deadline, first) = (self.oracle.now + 60, self.oracle.requests.len() as u64);
        for _ in 0..servers {
            self.ask_until(version, Assurance::Signed, deadline);
        }
        self.next_block();
        self.next_block();
        for assurance in [Assurance::Quorum { n: 3, k: 2 }, Assurance::Signed].repeat(2) {
            self.ask_until(version, assurance, deadline);
        }
        for id in first..self.oracle.requests.len() as u64 {
            for _ in 0..self.rng.between(1, 5) {
                self.next_block();
            }
            if !self.oracle.requests[&id].members.is_empty() {
                self.members_answer(id, true);
            }
        }
        for _ in 0..self.rng.below(20) {
            self.next_block();
        }
    }

    /// Has all operators of a version serve it in the same way. Returns their number.
    fn serve_alike(&mut self, version: VersionId, concurrency: u32) -> usize {
        let servers = self.oracle.servers.get(&version).cloned().unwrap_or_default();
        for server in &servers {
            let ask = u128::from(self.rng.below(100)) * EXISTENTIAL_DEPOSIT;
            let classes = self.offered(version);
            self.serve(&server.account, version, ask, concurrency, 1, classes);
        }
        self.beat_all();
        servers.len()
    }

    /// Asks, for a price that suffices.
    fn ask_until(&mut self, version: VersionId, assurance: Assurance, deadline: u32) {
        let payer = self.actors[0].clone();
        let item = self.good_item(version);
        let ask = Ask { version, assurance, max_price: ASY, deadline, draw_delay: 1 };
        self.send_request(&payer, ask, item);
    }

    pub fn random_cancel(&mut self) {
        let pending = |id: &u64| self.oracle.requests[id].state == State::Pending;
        let all: Vec<u64> = self.oracle.requests.keys().copied().collect();
        let open: Vec<u64> = all.iter().copied().filter(pending).collect();
        let from = if self.rng.chance(80) { &open } else { &all };
        let Some(id) = self.rng.pick(from) else { return };
        let payer = match self.rng.chance(90) {
            true => self.oracle.requests[&id].payer.clone(),
            false => self.anyone(),
        };
        self.note(format!("{} cancels {id}", self.name(&payer)));
        let ok = self.oracle.cancel(&payer, id);
        self.call(&payer, pallet_inference::Call::cancel { request: RequestId(id) }, ok);
    }

    /// A proof of the right output of a quorum whose members disagree; mostly a valid one.
    pub fn random_appeal(&mut self) {
        let all = self.oracle.requests.iter();
        let open: Vec<u64> =
            all.filter(|(_, one)| one.appeal_until.is_some()).map(|(id, _)| *id).collect();
        let any = self.rng.below(self.oracle.requests.len() as u64 + 1);
        let id = match self.rng.chance(90) {
            true => self.rng.pick(&open).unwrap_or(any),
            false => any,
        };
        let Some(request) = self.oracle.requests.get(&id).cloned() else { return };
        let (flaw, who) = (self.rng.below(10), self.anyone());
        let truth = claims::truth(0, &request.elements);
        let output = truth + i32::from(flaw == 0);
        let named = if flaw == 1 { id + 1 } else { id };
        // Proofs that nobody looks at are mostly not made.
        let proof = match request.appeal_until.is_some() || self.rng.chance(20) {
            true => prove(named, &request.payer, &who, &request.elements),
            false => vec![7; 100],
        };
        self.note(format!("{} appeals against {id}, flaw {flaw}", self.name(&who)));
        let ok = self.oracle.appeal(&who, id, output, flaw > 1);
        let call = pallet_inference::Call::appeal {
            request: RequestId(id),
            output: common::bounded(&common::integer_payload(&[output])),
            proof: common::bounded(&proof),
        };
        self.call(&who, call, ok);
    }

    /// The correct output of a request, or a wrong one.
    pub fn output(&mut self, id: u64, version: VersionId) -> Output {
        let is_float = self
            .oracle
            .versions
            .get(&version)
            .is_some_and(|record| record.descriptor.tolerance.is_some());
        let elements = &self.oracle.requests[&id].elements;
        let right = match self.graph_of(version) {
            Some(graph) => claims::truth(graph, elements),
            None => id as i32 * 40,
        };
        match (self.rng.below(100), is_float) {
            (0..=1, _) => Output::Odd,
            (2..=19, false) => Output::Integer(right + 1 + self.rng.below(2) as i32),
            (_, false) => Output::Integer(right),
            (2..=16, true) => Output::Float(right + 20),
            // Within the tolerance, within twice the tolerance, or just above that.
            (17..=60, true) => Output::Float(right + self.rng.between(1, 3) as i32),
            (_, true) => Output::Float(right),
        }
    }

    pub fn random_answers(&mut self) {
        let all: Vec<u64> = self.oracle.requests.keys().copied().collect();
        let awaited = |id: &u64| {
            let request = &self.oracle.requests[id];
            request.is_open() && !request.members.is_empty() && request.claim.is_none()
        };
        let open: Vec<u64> = all.iter().copied().filter(awaited).collect();
        let from = if self.rng.chance(98) { &open } else { &all };
        let Some(id) = self.rng.pick(from) else { return };
        if self.oracle.requests[&id].members.is_empty() {
            return self.answer(id, None);
        }
        // One or all members in one step. After the commitments, mostly reveals.
        let all = self.rng.chance(60);
        self.members_answer(id, all);
        if self.oracle.reveals_due(&self.oracle.requests[&id]) && self.rng.chance(60) {
            self.members_answer(id, all);
        }
        if self.rng.chance(5) {
            self.answer(id, None);
        }
    }

    pub fn members_answer(&mut self, id: u64, all: bool) {
        let members = self.oracle.requests[&id].members.len() as u64;
        let count = if all { members } else { 1 };
        let first = self.rng.below(members);
        for offset in 0..count {
            let position = ((first + offset) % members) as usize;
            let request = &self.oracle.requests[&id];
            let is_awaited = match request.members[position].answer {
                Answer::Silent => request.state == State::Assigned,
                Answer::Committed(..) => self.oracle.reveals_due(request),
                _ => false,
            };
            if self.rng.chance(if is_awaited { 92 } else { 10 }) {
                self.answer(id, Some(position));
            }
        }
    }

    fn answer(&mut self, id: u64, position: Option<usize>) {
        let request = self.oracle.requests[&id].clone();
        let (operator, answer) = match position {
            Some(position) => {
                let member = &request.members[position];
                (member.account.clone(), member.answer.clone())
            },
            None => (self.operator(), Answer::Silent),
        };
        let output = self.output(id, request.version);
        let salt = [(id % 251) as u8; 32];
        let as_it_should_be = match (&answer, request.is_quorum()) {
            _ if self.rng.chance(8) => WorkerCall::Failure(REASON),
            (Answer::Committed(output, salt), true) if self.oracle.reveals_due(&request) => {
                WorkerCall::Reveal(*output, *salt)
            },
            (_, true) => WorkerCall::Commitment(output, salt),
            _ if request.assurance == Assurance::Optimistic => self.claim(&request),
            _ if request.assurance == Assurance::Proof => self.proof(id, &request, &operator),
            (_, false) => WorkerCall::Result(output),
        };
        let what = match self.rng.below(40) {
            0 => WorkerCall::Result(output),
            1 => WorkerCall::Commitment(output, salt),
            2 => WorkerCall::Reveal(output, salt),
            3 => WorkerCall::Reveal(output, [0xee; 32]),
            4 => self.claim(&request),
            5 => self.proof(id, &request, &operator),
            _ => as_it_should_be,
        };
        let intact = self.rng.chance(97);
        let keys: Vec<_> = self.keys.keys().cloned().collect();
        let own = self.oracle.operators.get(&operator).map(|info| info.worker.clone());
        let key = match own {
            Some(key) if self.rng.chance(97) => key,
            _ => self.rng.pick(&keys).expect("operators have keys"),
        };
        let text = match &what {
            WorkerCall::Result(output) => format!("result {output:?}"),
            WorkerCall::Trace(output, claim) => {
                let truth = claim.truth();
                format!("trace {output:?}, truth {truth}, graph {}", claim.graph)
            },
            WorkerCall::Proof(output, proof) => {
                format!("proof of {output:?}, holds {}", proof.holds)
            },
            WorkerCall::Commitment(output, salt) => {
                format!("commitment {output:?}, salt {}", salt[0])
            },
            WorkerCall::Reveal(output, salt) => format!("reveal {output:?}, salt {}", salt[0]),
            WorkerCall::Failure(reason) => format!("failure {reason:?}"),
        };
        self.note(format!("{} submits for {id}: {text}, intact {intact}", self.name(&operator)));
        let ok = self.oracle.submit(id, &operator, &key, &what, intact);
        // If not intact, it is signed for another request.
        let pair = self.keys[&key].clone();
        let named = RequestId(if intact { id } else { id + 1 });
        let request_id = RequestId(id);
        let mut call = match what {
            WorkerCall::Result(output) => common::result(named, &operator, &pair, &payload(output)),
            WorkerCall::Trace(output, claim) => {
                // One or both signatures are for another request.
                let requests = match self.rng.below(3) {
                    0 => [named, named],
                    1 => [named, request_id],
                    _ => [request_id, named],
                };
                self.trace(requests, &operator, &pair, &payload(output), &claim)
            },
            WorkerCall::Proof(output, proof) => {
                let requests = [request_id, named];
                self.proven(requests, &operator, &pair, &payload(output), (&proof, intact))
            },
            WorkerCall::Commitment(output, salt) => {
                common::commit(named, &operator, &pair, &payload(output), &salt)
            },
            WorkerCall::Reveal(output, salt) => {
                common::reveal(named, &operator, &pair, &payload(output), &salt)
            },
            WorkerCall::Failure(reason) => common::failure(named, &operator, &pair, reason),
        };
        match &mut call {
            pallet_inference::Call::submit_result { request, .. }
            | pallet_inference::Call::submit_trace { request, .. }
            | pallet_inference::Call::submit_commitment { request, .. }
            | pallet_inference::Call::submit_reveal { request, .. }
            | pallet_inference::Call::report_failure { request, .. } => *request = request_id,
            _ => {},
        }
        self.feeless(call, ok);
    }

    /// An optimistic result.
    fn claim(&mut self, request: &Request) -> WorkerCall {
        let graph = self.graph_of(request.version).unwrap_or(0);
        let (claim, kind) = Claim::random(&mut self.rng, graph, &request.elements);
        self.note(format!("a claim, {kind:?}"));
        let output = match self.rng.chance(98) {
            true => Output::Integer(claim.output),
            false => Output::Odd,
        };
        WorkerCall::Trace(output, claim)
    }

    /// An optimistic result, with signatures of result and trace for these requests.
    fn trace(
        &self,
        [result, trace]: [RequestId; 2],
        operator: &AccountId,
        pair: &worker_crypto::Pair,
        output: &[u8],
        claim: &Claim,
    ) -> pallet_inference::Call<Runtime> {
        let checked = claim.checked();
        let trace_root = match claim.is_root {
            true => Player::with_trace(checked, claim.trace()).trace_root().into(),
            false => Digest::repeat_byte(0xdd),
        };
        let statement = TraceStatement {
            request: common::answered(trace).hash(),
            output_digest: assay_primitives::digest(output),
            trace_root,
            operator: operator.clone(),
        };
        let signatures = TraceSignatures {
            result: common::sign(pair, &common::result_statement(result, operator, output)),
            trace: common::sign(pair, &statement),
        };
        pallet_inference::Call::submit_trace {
            request: result,
            operator: operator.clone(),
            output: common::bounded(output),
            trace_root,
            signatures,
        }
    }
}
