//! The oracle of requests: who is drawn, who is paid, who is slashed.

use std::{collections::BTreeSet, rc::Rc};

use assay_primitives::{
    Assurance, AssuranceClass, Digest, FailureReason, Outcome, RejectReason, VersionId, WorkerId,
};
use assay_runtime::{constants as parameters, AccountId};
use sp_core::U256;

use super::{
    claims::Claim,
    operators::stake,
    oracle::{share, Oracle, Parts, Purse},
};

/// The submission of a member.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    Silent,
    Failed(FailureReason),
    /// A commitment to an output with a salt.
    Committed(Output, [u8; 32]),
    Revealed(Output),
}

/// An output of the kinds of versions that the fuzzer publishes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Output {
    Integer(i32),
    /// In quarters, which are exact in binary.
    Float(i32),
    /// An output that no version declares.
    Odd,
}

impl Output {
    /// Whether two outputs differ by at most this many millionths.
    fn within(self, other: Self, millionths: u32) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => {
                u64::from(a.abs_diff(b)) * 250_000 <= u64::from(millionths)
            },
            _ => self == other,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Member {
    pub account: AccountId,
    pub ask: u128,
    pub answer: Answer,
}

impl Member {
    /// Whether it has shown a result.
    pub fn has_result(&self) -> bool {
        matches!(self.answer, Answer::Revealed(_))
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum State {
    Pending,
    Assigned,
    Revealing,
    Disputable,
    Final(Outcome),
}

#[derive(Clone, Debug)]
pub struct Request {
    pub payer: AccountId,
    pub key: [u8; 32],
    pub version: VersionId,
    pub assurance: Assurance,
    pub max_price: u128,
    /// The fee for room: until the end the largest one, then the one that was burnt.
    pub fee: u128,
    pub deadline: u32,
    /// Height of the request, and of the earliest draw.
    pub asked_at: u32,
    pub draw_from: u32,
    /// Number of blocks with room before which no member is late.
    pub late_from: u32,
    /// Height of its end.
    pub ended_at: u32,
    pub artifact: Option<Digest>,
    /// The input's elements, if the version is a graph.
    pub elements: Vec<i8>,
    pub royalty_to: AccountId,
    pub royalty: Parts,
    pub tolerance: u32,
    pub state: State,
    pub members: Vec<Member>,
    /// The operator's claim, if the class is Optimistic.
    pub claim: Option<Rc<Claim>>,
    /// Last height at which a dispute about the claim can be opened.
    pub disputable_until: u32,
    pub paid: u128,
    /// Whether a proof can show which results are wrong.
    pub appealable: bool,
    /// Last height at which the outcome can be appealed, if it can.
    pub appeal_until: Option<u32>,
}

impl Request {
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Final(_))
    }

    pub fn is_quorum(&self) -> bool {
        matches!(self.assurance, Assurance::Quorum { .. })
    }

    /// Whether a member still has a run to do. An operator that has submitted an optimistic result
    /// has none.
    pub fn is_drawn_for(&self, who: &AccountId) -> bool {
        self.is_open()
            && self.claim.is_none()
            && self.members.iter().any(|member| member.account == *who)
    }

    /// Number of members, and how many of them must agree.
    pub fn size(&self) -> (usize, usize) {
        match self.assurance {
            Assurance::Quorum { n, k } => (n.into(), k.into()),
            _ => (1, 1),
        }
    }

    /// The most that each member may ask, and the most that an offender owes the payer.
    pub fn budget(&self) -> u128 {
        self.max_price / self.size().0 as u128
    }

    /// Last height at which a member's first submission counts.
    pub fn answer_deadline(&self) -> u32 {
        match self.is_quorum() {
            true => self.deadline - parameters::RevealWindow::get(),
            false => self.deadline,
        }
    }

    /// Whether members must reveal: all have committed, or the commit deadline has passed and
    /// enough have.
    pub fn reveals_due(&self, now: u32) -> bool {
        match self.state {
            State::Revealing => true,
            State::Assigned if self.is_quorum() => {
                now > self.answer_deadline() && self.committed() >= self.size().1
            },
            _ => false,
        }
    }

    fn heights(&self) -> Vec<u32> {
        let mut heights = vec![self.deadline + 1];
        if self.is_quorum() {
            heights.push(self.answer_deadline() + 1);
        }
        heights
    }

    fn count(&self, matches: impl Fn(&Answer) -> bool) -> usize {
        self.members.iter().filter(|member| matches(&member.answer)).count()
    }

    fn failed(&self) -> usize {
        self.count(|answer| matches!(answer, Answer::Failed(_)))
    }

    fn committed(&self) -> usize {
        self.count(|answer| matches!(answer, Answer::Committed(..)))
    }

    fn silent(&self) -> usize {
        self.count(|answer| *answer == Answer::Silent)
    }
}

/// An operator that can be drawn.
struct Candidate {
    account: AccountId,
    bond: u128,
    ask: u128,
    response_blocks: u32,
    is_running: bool,
    has_room: bool,
}

/// The arguments of a request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub version: VersionId,
    /// Whether an inline input fits the version.
    pub input: Result<bool, Digest>,
    pub elements: Vec<i8>,
    pub assurance: Assurance,
    pub max_price: u128,
    pub deadline: u32,
    pub draw_delay: u32,
    pub key: [u8; 32],
}

/// The content of a workers' call.
#[derive(Clone, Debug)]
pub enum WorkerCall {
    Result(Output),
    Trace(Output, Rc<Claim>),
    Commitment(Output, [u8; 32]),
    Reveal(Output, [u8; 32]),
    Failure(FailureReason),
}

/// The number of blocks with room that members get, if their time has as many.
const ROOMY_BLOCKS: u32 = 5;

impl Oracle {
    /// Operators that can be drawn, now or when they have free capacity.
    fn candidates(
        &self,
        version: VersionId,
        assurance: Assurance,
        budget: u128,
        (royalty, appealable): (Parts, bool),
    ) -> Vec<Candidate> {
        let servers = self.servers.get(&version).into_iter().flatten();
        servers
            .filter(|server| server.classes.contains(assurance.class()) && server.ask <= budget)
            .filter(|server| server.max_royalty >= royalty)
            .filter(|server| server.concurrency > 0 && self.is_live(&server.account))
            .filter_map(|server| {
                let bond = self.account(&server.account).bond;
                let free = bond - self.at_stake(&server.account);
                let covered = free >= stake(assurance.class(), appealable);
                let runs = self.open_runs(&server.account, Some(version));
                (bond >= parameters::MinBond::get()).then(|| Candidate {
                    account: server.account.clone(),
                    bond,
                    ask: server.ask,
                    response_blocks: server.response_blocks,
                    is_running: runs > 0,
                    has_room: covered && runs < server.concurrency as usize,
                })
            })
            .collect()
    }

    pub fn request(&mut self, payer: &AccountId, ask: &Ask) -> bool {
        let Some(version) = self.versions.get(&ask.version).cloned() else { return false };
        let (least, size) = match ask.assurance {
            Assurance::Quorum { n, k } => {
                if !(2..=15).contains(&n) || k > n || 2 * u16::from(k) <= u16::from(n) {
                    return false;
                }
                (parameters::MinDeadline::get() + parameters::RevealWindow::get(), n)
            },
            Assurance::Signed | Assurance::Optimistic => (parameters::MinDeadline::get(), 1),
            _ => return false,
        };
        let class = ask.assurance.class();
        let budget = ask.max_price / u128::from(size);
        // A proof needs the input on chain.
        let appealable = matches!(ask.assurance, Assurance::Quorum { .. })
            && ask.input.is_ok()
            && version.is_audited;
        let terms = (version.royalty, appealable);
        let mut candidates = self.candidates(ask.version, ask.assurance, budget, terms);
        let reveal_window = match ask.assurance {
            Assurance::Quorum { .. } => parameters::RevealWindow::get(),
            _ => 0,
        };
        let draw_from = self.now + ask.draw_delay;
        candidates.retain(|candidate| {
            (candidate.has_room || candidate.is_running)
                && draw_from + candidate.response_blocks + reveal_window <= ask.deadline
        });
        let input_fits = match &ask.input {
            Ok(fits) => *fits,
            // The input of class Optimistic must be on chain.
            Err(_) if class == AssuranceClass::Optimistic => false,
            Err(identity) => self.artifacts.get(identity).is_some_and(|artifact| {
                let bytes: usize = artifact.chunks.iter().map(Vec::len).sum();
                bytes <= parameters::MaxArtifactInputBytes::get() as usize
            }),
        };
        let fee = self.largest_fee(ask.version, ask.assurance);
        let may = !self.client_keys.contains(&(payer.clone(), ask.key))
            && (1..=16).contains(&ask.draw_delay)
            && ask.deadline >= self.now + least + ask.draw_delay - 1
            && ask.deadline <= self.now + parameters::MaxDeadline::get()
            && !version.deprecated
            && !self.disabled.contains(class)
            && version.descriptor.assurances.contains(class)
            && candidates.len() >= usize::from(size)
            && input_fits
            && self.hold(payer, Purse::Escrow, ask.max_price + fee);
        if !may {
            return false;
        }
        self.client_keys.insert((payer.clone(), ask.key));
        let key = ask.key;
        self.versions.get_mut(&ask.version).expect("looked up").uses += 1;
        let artifact = ask.input.err();
        if let Some(identity) = &artifact {
            self.artifacts.get_mut(identity).expect("complete").uses += 1;
        }
        let request = Request {
            payer: payer.clone(),
            key,
            version: ask.version,
            assurance: ask.assurance,
            max_price: ask.max_price,
            fee,
            deadline: ask.deadline,
            draw_from,
            asked_at: self.now,
            late_from: 0,
            ended_at: 0,
            artifact,
            elements: ask.elements.clone(),
            royalty_to: self.models[&ask.version.model.0].owner.clone(),
            royalty: version.royalty,
            tolerance: version.descriptor.tolerance.map_or(0, |tolerance| tolerance.millionths),
            state: State::Pending,
            members: Vec::new(),
            claim: None,
            disputable_until: 0,
            paid: 0,
            appealable,
            appeal_until: None,
        };
        let id = self.requests.len() as u64;
        self.agenda.extend(request.heights().into_iter().map(|height| (height, id)));
        if ask.draw_delay == 1 {
            self.queue.push_back((id, self.now));
        } else {
            self.agenda.insert((draw_from, id));
            self.see("a later draw");
        }
        self.requests.insert(id, request);
        true
    }

    /// The chain has pruned a request. Its key can be used again.
    pub fn note_pruned(&mut self, id: u64) {
        let request = &self.requests[&id];
        assert!(!request.is_open(), "an open request is pruned");
        assert!(
            self.now > request.ended_at + parameters::Retention::get(),
            "a request is pruned too early"
        );
        assert!(self.client_keys.remove(&(request.payer.clone(), request.key)), "pruned once");
    }

    pub fn cancel(&mut self, payer: &AccountId, id: u64) -> bool {
        let may = self
            .requests
            .get(&id)
            .is_some_and(|request| request.payer == *payer && request.state == State::Pending);
        if may {
            self.refund(id, Outcome::Cancelled);
        }
        may
    }

    /// `intact`: whether the signature covers the right statement.
    pub fn submit(
        &mut self,
        id: u64,
        operator: &AccountId,
        key: &WorkerId,
        what: &WorkerCall,
        intact: bool,
    ) -> bool {
        let is_worker = self.operators.get(operator).is_some_and(|info| info.worker == *key);
        let now = self.now;
        let Some(request) = self.requests.get_mut(&id) else { return false };
        let (quorum, state) = (request.is_quorum(), request.state);
        let assurance = request.assurance;
        let (answer_deadline, deadline) = (request.answer_deadline(), request.deadline);
        let reveals_due = request.reveals_due(now);
        let is_declared = |output: &Output| match output {
            Output::Integer(_) => request.tolerance == 0,
            Output::Float(_) => request.tolerance > 0,
            Output::Odd => false,
        };
        let declared = match what {
            WorkerCall::Result(output)
            | WorkerCall::Reveal(output, _)
            | WorkerCall::Trace(output, _) => is_declared(output),
            _ => true,
        };
        let Some(member) = request.members.iter_mut().find(|member| member.account == *operator)
        else {
            return false;
        };
        let silent = member.answer == Answer::Silent;
        let in_time = match what {
            WorkerCall::Result(_) => {
                assurance == Assurance::Signed
                    && state == State::Assigned
                    && silent
                    && now <= deadline
            },
            WorkerCall::Trace(..) => {
                assurance == Assurance::Optimistic
                    && state == State::Assigned
                    && silent
                    && now <= deadline
            },
            WorkerCall::Commitment(..) => {
                quorum && state == State::Assigned && silent && now <= answer_deadline
            },
            WorkerCall::Failure(_) => state == State::Assigned && silent && now <= answer_deadline,
            WorkerCall::Reveal(output, salt) => {
                reveals_due && now <= deadline && member.answer == Answer::Committed(*output, *salt)
            },
        };
        if !(in_time && is_worker && intact && declared) {
            return false;
        }
        member.answer = match what {
            WorkerCall::Result(output)
            | WorkerCall::Reveal(output, _)
            | WorkerCall::Trace(output, _) => Answer::Revealed(*output),
            WorkerCall::Commitment(output, salt) => Answer::Committed(*output, *salt),
            WorkerCall::Failure(reason) => Answer::Failed(*reason),
        };
        let version = request.version;
        if matches!(what, WorkerCall::Reveal(..)) && state == State::Assigned {
            request.state = State::Revealing;
            request.late_from = self.room.0 + ROOMY_BLOCKS;
        }
        let (n, k) = request.size();
        match what {
            WorkerCall::Failure(reason) if *reason != FailureReason::InvalidInput => {
                self.note_failure(operator, version);
            },
            WorkerCall::Trace(..) => self.note_served(operator, version),
            _ => {},
        }
        let request = &self.requests[&id];
        match what {
            WorkerCall::Result(_) => self.conclude(id),
            WorkerCall::Trace(_, claim) => self.note_claim(id, claim.clone()),
            WorkerCall::Reveal(..) if request.committed() == 0 => self.conclude(id),
            WorkerCall::Reveal(..) => {},
            _ if n - request.failed() < k => self.conclude(id),
            _ if request.silent() == 0 => self.close_commitments(id),
            _ => {},
        }
        true
    }

    fn close_commitments(&mut self, id: u64) {
        let request = self.requests.get_mut(&id).expect("open");
        if request.committed() < request.size().1 {
            self.conclude(id);
        } else {
            request.state = State::Revealing;
            request.late_from = self.room.0 + ROOMY_BLOCKS;
        }
    }

    /// Ends a request that was drawn: pays members with the right result, slashes those with a
    /// wrong or late one.
    pub fn conclude(&mut self, id: u64) {
        let request = self.requests[&id].clone();
        let (n, k) = request.size();
        let revealed: Vec<(&Member, Output)> = request
            .members
            .iter()
            .filter_map(|member| match member.answer {
                Answer::Revealed(output) => Some((member, output)),
                _ => None,
            })
            .collect();
        // The first result, in the order of the draw, to which enough results are equal.
        let winner = revealed.iter().map(|(_, output)| *output).find(|output| {
            let equal = revealed.iter().filter(|(_, o)| o.within(*output, request.tolerance));
            equal.count() >= k
        });
        // Members that missed a deadline that they knew.
        let had_room = self.room.0 >= request.late_from;
        let was_asked_to_reveal = request.reveals_due(self.now);
        if !was_asked_to_reveal && self.now > request.deadline && request.committed() > 0 {
            self.see("a member that did not have to reveal");
        }
        let late: Vec<&Member> = request
            .members
            .iter()
            .filter(|member| match member.answer {
                Answer::Silent => {
                    request.state == State::Revealing
                        || (had_room && self.now > request.answer_deadline())
                },
                Answer::Committed(..) => {
                    was_asked_to_reveal && had_room && self.now > request.deadline
                },
                _ => false,
            })
            .collect();
        let failure = request.members.iter().find_map(|member| match member.answer {
            Answer::Failed(reason) => Some(reason),
            _ => None,
        });
        let outcome = match (winner, failure) {
            (Some(_), _) => Outcome::Verified,
            _ if !late.is_empty() => Outcome::TimedOut,
            (_, Some(reason)) if n - request.failed() < k => {
                Outcome::Rejected(RejectReason::Failed(reason))
            },
            _ => Outcome::Rejected(RejectReason::NoAgreement),
        };
        let mut paid = 0;
        if let Some(winner) = winner {
            for (member, output) in &revealed {
                if output.within(winner, request.tolerance) {
                    if request.claim.is_none() {
                        self.note_served(&member.account, request.version);
                    }
                    paid += self.pay_price(&request, member);
                    if *output != winner {
                        self.see("a result within the tolerance");
                    }
                } else if output.within(winner, 2 * request.tolerance) {
                    self.see("a result within twice the tolerance");
                }
            }
        }
        let fee = self.fee(&request);
        self.burn_fee(id, fee);
        self.give_back(&request.payer, Purse::Escrow, request.max_price + request.fee - fee - paid);
        let outvoted = winner.is_some_and(|winner| {
            revealed.iter().any(|(_, output)| !output.within(winner, 2 * request.tolerance))
        });
        for member in late {
            // Who has committed may have seen that its result is wrong. Nobody earns by that.
            let (penalty, limit) = match member.answer {
                Answer::Committed(..) if request.appealable => {
                    self.see("a commitment that could be wrong and is not opened");
                    (parameters::WrongResultSlash::get(), 0)
                },
                _ => (parameters::NoAnswerSlash::get(), request.budget()),
            };
            self.penalise(&member.account, penalty, &request.payer, limit);
        }
        // An operator with an optimistic result had free capacity before.
        if request.claim.is_none() {
            self.call_waiting(request.version, n);
        }
        // Agreement alone takes nobody's bond.
        if outvoted {
            self.see("an operator with another result");
        }
        let differ = revealed.iter().any(|(_, output)| *output != revealed[0].1);
        self.close_with(id, outcome, paid, differ && request.appealable);
    }

    /// A proof of the right output of a quorum. `is_proof`: whether it holds for the output.
    pub fn appeal(&mut self, who: &AccountId, id: u64, output: i32, is_proof: bool) -> bool {
        let Some(request) = self.requests.get(&id).cloned() else { return false };
        if request.appeal_until.is_none_or(|until| self.now > until) || !is_proof {
            return false;
        }
        for member in &request.members {
            if member.has_result() && member.answer != Answer::Revealed(Output::Integer(output)) {
                self.see("a member that a proof shows to be wrong");
                let penalty = parameters::WrongResultSlash::get();
                self.penalise(&member.account, penalty, &request.payer, request.budget());
                self.reward(&member.account, parameters::LostDisputeSlash::get(), who);
            }
        }
        self.end_appeals(id);
        true
    }

    fn end_appeals(&mut self, id: u64) {
        let request = self.requests.get_mut(&id).expect("it can be appealed");
        request.appeal_until = None;
        self.versions.get_mut(&request.version).expect("in use").uses -= 1;
        self.agenda.retain(|(_, other)| *other != id);
        for member in self.requests[&id].members.clone() {
            self.collect_debt(&member.account);
        }
    }

    /// Divides a member's price. Returns the amount that leaves the escrow.
    fn pay_price(&mut self, request: &Request, member: &Member) -> u128 {
        let treasury = self.treasury.clone();
        let price = member.ask;
        let common = share(price, parameters::TreasuryShare::get().deconstruct());
        let royalty = share(price, request.royalty).min(price - common);
        let own = price - common - royalty;
        let payer = &request.payer;
        let mut gone = self.pay(payer, Purse::Escrow, &member.account, own);
        gone += self.pay(payer, Purse::Escrow, &request.royalty_to, royalty);
        // The treasury also gets the shares that the others cannot receive.
        gone += self.pay(payer, Purse::Escrow, &treasury, price - gone);
        gone
    }

    /// Ends a request that was not drawn.
    fn refund(&mut self, id: u64, outcome: Outcome) {
        let request = self.requests[&id].clone();
        let fee = self.undrawn_fee(&request);
        self.burn_fee(id, fee);
        self.give_back(&request.payer, Purse::Escrow, request.max_price + request.fee - fee);
        self.waiting.retain(|(_, waiting)| *waiting != id);
        self.close(id, outcome, 0);
    }

    pub fn close(&mut self, id: u64, outcome: Outcome, paid: u128) {
        self.close_with(id, outcome, paid, false);
    }

    /// Ends a request. If its outcome can be appealed, the version stays in use.
    fn close_with(&mut self, id: u64, outcome: Outcome, paid: u128, appealable: bool) {
        let now = self.now;
        let request = self.requests.get_mut(&id).expect("open");
        assert!(request.is_open(), "a request ends once");
        request.state = State::Final(outcome);
        request.ended_at = now;
        request.paid = paid;
        self.agenda.retain(|(_, other)| *other != id);
        if appealable {
            let until = now + parameters::AppealWindow::get();
            request.appeal_until = Some(until);
            self.agenda.insert((until + 1, id));
        } else {
            self.versions.get_mut(&request.version).expect("in use").uses -= 1;
        }
        if let Some(identity) = &request.artifact {
            self.artifacts.get_mut(identity).expect("in use").uses -= 1;
        }
        for member in self.requests[&id].members.clone() {
            self.collect_debt(&member.account);
        }
    }

    /// The start of a block. `finished` are the requests that it ended, in its order (which the
    /// protocol does not define), `postponed` the heights and requests that exceeded its budget.
    pub fn begin_block(&mut self, finished: &[u64], postponed: &BTreeSet<(u32, u64)>) {
        let now = self.now;
        if !postponed.is_empty() {
            self.see("a sweep that lags");
        }
        let handled: Vec<(u32, u64)> = self
            .agenda
            .iter()
            .filter(|entry| entry.0 <= now && !postponed.contains(entry))
            .copied()
            .collect();
        let mut ids: Vec<u64> = handled.iter().map(|(_, id)| *id).collect();
        let order = |id: &u64| finished.iter().position(|one| one == id).unwrap_or(usize::MAX);
        ids.sort_by_key(|id| (order(id), *id));
        ids.dedup();
        for entry in &handled {
            self.agenda.remove(entry);
        }
        for id in ids {
            let request = &self.requests[&id];
            let is_over = now > request.deadline;
            match request.state {
                State::Final(_) if request.appeal_until.is_some() => self.end_appeals(id),
                State::Pending if handled.contains(&(request.draw_from, id)) => {
                    self.queue.push_back((id, request.asked_at));
                },
                State::Pending if is_over => self.refund(id, Outcome::TimedOut),
                State::Disputable => self.pass_window(id),
                State::Assigned | State::Revealing if is_over => self.conclude(id),
                State::Assigned if request.is_quorum() => self.close_commitments(id),
                _ => {},
            }
        }
        self.draws_due = self.queue.len();
    }

    /// Checks, after the start of a block, which requests ended in it.
    pub fn check_ended(&self, finished: &[u64], open_before: &[u64]) {
        for id in finished {
            assert!(!self.requests[id].is_open(), "request {id} must not have ended");
        }
        for id in open_before {
            let ended = !self.requests[id].is_open();
            assert_eq!(ended, finished.contains(id), "the end of request {id}");
        }
    }

    /// Whether no request or dispute is left that will end by itself.
    pub fn is_at_rest(&self) -> bool {
        self.agenda.is_empty() && self.queue.is_empty() && self.disputes.open.is_empty()
    }

    /// Requests that have not ended.
    pub fn open_requests(&self) -> Vec<u64> {
        let open = self.requests.iter().filter(|(_, request)| request.is_open());
        open.map(|(id, _)| *id).collect()
    }

    /// The end of a block with this author and its VRF output. It took `turns` requests from the
    /// queue, which must be at least `at_least` if that many waited and have outputs of two authors.
    pub fn end_block(
        &mut self,
        author: [u8; 32],
        randomness: Option<[u8; 32]>,
        turns: usize,
        at_least: usize,
    ) {
        if let Some(current) = randomness {
            self.vrfs.push((self.now, author, current));
            if self.vrfs.len() > 32 {
                self.vrfs.remove(0);
            }
            let ready = |entry: &&(u64, u32)| {
                let authors = self.vrfs.iter().filter(|vrf| vrf.0 >= entry.1).map(|vrf| vrf.1);
                authors.collect::<BTreeSet<_>>().len() >= 2
            };
            let ready = self.queue.iter().take(self.draws_due).take_while(ready).count();
            if ready < self.draws_due {
                self.see("a draw that waits for another author");
            }
            assert!((ready.min(at_least)..=ready).contains(&turns), "turns");
            for _ in 0..turns {
                let (id, from) = self.queue.pop_front().expect("counted");
                let version = self.requests[&id].version;
                if self.requests[&id].state != State::Pending {
                    self.call_waiting(version, 1);
                } else if self.draw(id, from) {
                    self.waiting.insert((version, id));
                    self.see("a request that waits for capacity");
                } else if !self.requests[&id].is_open() {
                    self.call_waiting(version, 1);
                }
            }
        } else {
            assert_eq!(turns, 0, "a draw without randomness");
        }
        if self.draws_due > 0 && randomness.is_none() {
            self.see("a draw that waits for randomness");
        }
        self.draws_due = 0;
    }

    /// Moves the oldest waiting requests of a version back to the queue.
    pub fn call_waiting(&mut self, version: VersionId, most: usize) {
        let called: Vec<_> =
            self.waiting.iter().filter(|(at, _)| *at == version).take(most).copied().collect();
        for entry in called {
            self.waiting.remove(&entry);
            self.queue.push_back((entry.1, self.now));
        }
    }

    /// Whether the request waits for free capacity.
    fn draw(&mut self, id: u64, from: u32) -> bool {
        let request = &self.requests[&id];
        let mut seed = b"assay/draw/2".to_vec();
        for (height, _, output) in &self.vrfs {
            if *height >= from {
                seed.extend_from_slice(output);
            }
        }
        seed.extend_from_slice(&id.to_le_bytes());
        let seed = sp_io::hashing::blake2_256(&seed);

        let terms = (request.royalty, request.appealable);
        let mut left = self.candidates(request.version, request.assurance, request.budget(), terms);
        let (size, now) = (request.size().0, self.now);
        if left.len() < size {
            self.refund(id, Outcome::Rejected(RejectReason::NoOperator));
            return false;
        }
        let latest = request.answer_deadline();
        left.retain(|candidate| now + candidate.response_blocks <= latest);
        if left.len() < size {
            self.see("a draw that comes too late");
            self.refund(id, Outcome::TimedOut);
            return false;
        }
        let running = left.iter().any(|candidate| candidate.is_running);
        let all: u128 = left.iter().map(|candidate| candidate.bond).sum();
        left.retain(|candidate| candidate.has_room);
        let with_room: u128 = left.iter().map(|candidate| candidate.bond).sum();
        let is_represented = !request.is_quorum() || with_room >= share(all, 666_666_667);
        if left.len() < size || !is_represented {
            if !is_represented {
                self.see("too little bond with room for a quorum");
            }
            if !running {
                self.see("bonds that are all at stake elsewhere");
                self.refund(id, Outcome::Rejected(RejectReason::NoOperator));
            }
            return running;
        }
        let mut members = Vec::new();
        for round in 0..size as u32 {
            let hash = sp_io::hashing::blake2_256(&[&seed[..], &round.to_le_bytes()].concat());
            let total: U256 =
                left.iter().map(|one| U256::from(one.bond)).fold(0.into(), |a, b| a + b);
            let number = U256::from_little_endian(&hash[..16]);
            let mut ticket = (number * total) >> 128;
            let index = left
                .iter()
                .position(|one| match ticket.checked_sub(one.bond.into()) {
                    Some(rest) => {
                        ticket = rest;
                        false
                    },
                    None => true,
                })
                .expect("the ticket is below the total");
            let Candidate { account, ask, .. } = left.remove(index);
            members.push(Member { account, ask, answer: Answer::Silent });
        }
        let request = self.requests.get_mut(&id).expect("looked up");
        request.members = members;
        request.state = State::Assigned;
        request.late_from = self.room.0 + (latest - now).min(ROOMY_BLOCKS);
        false
    }
}
