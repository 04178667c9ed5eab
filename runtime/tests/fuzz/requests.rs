//! The oracle of requests: who is paid, who is slashed.

use std::{collections::BTreeSet, rc::Rc};

use assay_primitives::{
    Assurance, Digest, FailureReason, Outcome, RejectReason, VersionId, WorkerId,
};
use assay_runtime::{constants as parameters, AccountId};

use super::{
    claims::Claim,
    oracle::{share, Oracle, Parts, Purse},
    proofs::{Proof, TERMS},
    room::{calling, List, ROOMY_BLOCKS},
    shares::Shares,
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
    /// A long one that no version declares.
    Long,
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
    /// Height of the offer under which it was drawn.
    pub offered_at: u32,
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
    /// The operator's proof, if the class is Proof.
    pub proof: Option<Rc<Proof>>,
    /// Last height at which a dispute about the claim can be opened.
    pub disputable_until: u32,
    /// Number of blocks with room for a move before which the claim is not final.
    pub final_from: u32,
    /// The list that its result was in; `None` if it came alone.
    pub listed: Option<List>,
    pub paid: u128,
    /// Whether a proof can show which results are wrong.
    pub appealable: bool,
    /// Last height at which the outcome can be appealed, if it can.
    pub appeal_until: Option<u32>,
    /// The height since which it waits for capacity, how many draws it pays for besides, and when it is
    /// drawn again if nobody calls it.
    pub waits_since: u32,
    pub vain_draws: u64,
    pub again_at: Option<u32>,
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

    /// Last height at which the next answer counts.
    pub fn due(&self) -> u32 {
        match self.state {
            State::Revealing => self.deadline,
            _ => self.answer_deadline(),
        }
    }

    /// Whether an output is of the kind that the version declares.
    pub fn declares(&self, output: Output) -> bool {
        match output {
            Output::Integer(_) => self.tolerance == 0,
            Output::Float(_) => self.tolerance > 0,
            Output::Odd | Output::Long => false,
        }
    }

    /// The results, in the order of the members.
    pub fn outputs(&self) -> Vec<Output> {
        let result = |member: &Member| match member.answer {
            Answer::Revealed(output) => Some(output),
            _ => None,
        };
        self.members.iter().filter_map(result).collect()
    }

    /// The heights at which it is looked after, but for a later draw.
    pub fn heights(&self) -> Vec<u32> {
        let mut heights = vec![self.deadline + 1];
        if self.is_quorum() && self.state != State::Revealing {
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

    pub fn committed(&self) -> usize {
        self.count(|answer| matches!(answer, Answer::Committed(..)))
    }

    pub fn silent(&self) -> usize {
        self.count(|answer| *answer == Answer::Silent)
    }
}

/// The arguments of a request, or of all requests of a batch, but for what is in [`Item`].
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub version: VersionId,
    pub assurance: Assurance,
    pub max_price: u128,
    pub deadline: u32,
    pub draw_delay: u32,
}

/// What requests of a batch do not have in common.
#[derive(Clone, Debug)]
pub struct Item {
    /// Whether an inline input fits the version, or the identity of an artifact.
    pub input: Result<bool, Digest>,
    pub elements: Vec<i8>,
    pub key: [u8; 32],
}

/// The content of a workers' call.
#[derive(Clone, Debug)]
pub enum WorkerCall {
    Result(Output),
    Trace(Output, Rc<Claim>),
    Proof(Output, Rc<Proof>),
    Commitment(Output, [u8; 32]),
    Reveal(Output, [u8; 32]),
    Failure(FailureReason),
}

impl Oracle {
    /// Whether enough operators can serve such a request, and all but its input is right. `inline`:
    /// whether a proof could be about the input.
    fn can_ask(&self, ask: &Ask, inline: bool) -> bool {
        let Some(version) = self.versions.get(&ask.version) else { return false };
        let (reveal_window, size) = match ask.assurance {
            Assurance::Quorum { n, k } => {
                if !(2..=15).contains(&n) || k > n || 2 * u16::from(k) <= u16::from(n) {
                    return false;
                }
                (parameters::RevealWindow::get(), n)
            },
            Assurance::Proof if !version.is_audited => return false,
            Assurance::Signed | Assurance::Optimistic | Assurance::Proof => (0, 1),
            Assurance::Tee => return false,
        };
        let class = ask.assurance.class();
        let budget = ask.max_price / u128::from(size);
        let terms = (version.royalty, self.is_appealable(ask, inline));
        let mut candidates = self.candidates(ask.version, ask.assurance, budget, terms);
        let draw_from = self.now + ask.draw_delay;
        candidates.retain(|candidate| {
            (candidate.has_room || candidate.is_running)
                && draw_from + candidate.response_blocks + reveal_window <= ask.deadline
        });
        let least = parameters::MinDeadline::get() + reveal_window;
        (1..=16).contains(&ask.draw_delay)
            && ask.deadline >= self.now + least + ask.draw_delay - 1
            && ask.deadline <= self.now + parameters::MaxDeadline::get()
            && !version.deprecated
            && !self.disabled.contains(class)
            && version.descriptor.assurances.contains(class)
            && candidates.len() >= usize::from(size)
    }

    /// Whether a proof can show which results are wrong. It needs the input on chain.
    fn is_appealable(&self, ask: &Ask, inline: bool) -> bool {
        let is_quorum = matches!(ask.assurance, Assurance::Quorum { .. });
        is_quorum && inline && self.versions[&ask.version].is_audited
    }

    /// Whether an input fits, and its key is unused.
    fn fits(&self, payer: &AccountId, ask: &Ask, item: &Item) -> bool {
        let input_fits = match &item.input {
            Ok(fits) => *fits,
            // The inputs of classes Optimistic and Proof must be on chain.
            Err(_) if matches!(ask.assurance, Assurance::Optimistic | Assurance::Proof) => false,
            Err(identity) => self.artifacts.get(identity).is_some_and(|artifact| {
                let bytes: usize = artifact.chunks.iter().map(Vec::len).sum();
                bytes <= parameters::MaxArtifactInputBytes::get() as usize
            }),
        };
        input_fits && !self.client_keys.contains(&(payer.clone(), item.key))
    }

    /// Makes one request or a batch. Returns the indices of the items that are skipped; `None` if
    /// the call fails, as it does if all would be.
    pub fn request(&mut self, payer: &AccountId, ask: &Ask, items: &[Item]) -> Option<Vec<u32>> {
        let inline = items.iter().any(|item| item.input.is_ok());
        if items.is_empty() || !self.can_ask(ask, inline) {
            return None;
        }
        let mut keys = BTreeSet::new();
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            // A key that an item has named is used, even if that item is skipped.
            match keys.insert(item.key) && self.fits(payer, ask, item) {
                true => good.push(item),
                false => refused.push(index as u32),
            }
        }
        let fee = self.largest_fee(ask.version, ask.assurance);
        let held = (ask.max_price + fee) * good.len() as u128;
        if good.is_empty() || !self.hold(payer, Purse::Escrow, held) {
            return None;
        }
        let first = self.requests.len() as u64;
        let count = good.len();
        for item in good {
            self.make(payer, ask, item, fee);
        }
        if ask.draw_delay == 1 {
            self.enqueue(first, count, self.now);
        } else {
            self.see("a later draw");
        }
        Some(refused)
    }

    fn make(&mut self, payer: &AccountId, ask: &Ask, item: &Item, fee: u128) {
        let appealable = self.is_appealable(ask, item.input.is_ok());
        self.client_keys.insert((payer.clone(), item.key));
        let version = self.versions.get_mut(&ask.version).expect("looked up");
        version.uses += 1;
        let artifact = item.input.err();
        if let Some(identity) = &artifact {
            self.artifacts.get_mut(identity).expect("complete").uses += 1;
        }
        let request = Request {
            payer: payer.clone(),
            key: item.key,
            version: ask.version,
            assurance: ask.assurance,
            max_price: ask.max_price,
            fee,
            deadline: ask.deadline,
            draw_from: self.now + ask.draw_delay,
            asked_at: self.now,
            late_from: 0,
            ended_at: 0,
            artifact,
            elements: item.elements.clone(),
            royalty_to: self.models[&ask.version.model.0].owner.clone(),
            royalty: version.royalty,
            tolerance: version.descriptor.tolerance.map_or(0, |tolerance| tolerance.millionths),
            state: State::Pending,
            members: Vec::new(),
            claim: None,
            proof: None,
            disputable_until: 0,
            final_from: 0,
            listed: None,
            paid: 0,
            appealable,
            appeal_until: None,
            waits_since: 0,
            vain_draws: 0,
            again_at: None,
        };
        let id = self.requests.len() as u64;
        self.agenda.extend(request.heights().into_iter().map(|height| (height, id)));
        if ask.draw_delay > 1 {
            self.agenda.insert((request.draw_from, id));
        }
        self.requests.insert(id, request);
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

    /// Whether members must reveal: all have committed, or the commit deadline has passed and
    /// enough have.
    pub fn reveals_due(&self, request: &Request) -> bool {
        match request.state {
            State::Revealing => true,
            State::Assigned if request.is_quorum() => {
                self.now > request.answer_deadline()
                    && self.room.0 >= request.late_from
                    && request.committed() >= request.size().1
            },
            _ => false,
        }
    }

    /// Whether an answer that counts until height `last` counts now.
    pub fn counts(&self, request: &Request, last: u32) -> bool {
        self.now <= last || self.room.0 < request.late_from
    }

    /// Whether a request waits for this answer of a member.
    fn expects(&self, request: &Request, member: &Member, what: &WorkerCall) -> bool {
        let assurance = request.assurance;
        let is_first = request.state == State::Assigned && member.answer == Answer::Silent;
        match what {
            WorkerCall::Result(output) => {
                assurance == Assurance::Signed
                    && is_first
                    && self.counts(request, request.deadline)
                    && request.declares(*output)
            },
            WorkerCall::Trace(output, _) => {
                assurance == Assurance::Optimistic
                    && is_first
                    && self.counts(request, request.deadline)
                    && request.declares(*output)
            },
            WorkerCall::Proof(output, proof) => {
                assurance == Assurance::Proof
                    && is_first
                    && self.counts(request, request.deadline)
                    && request.declares(*output)
                    && proof.cost == TERMS.cost
            },
            WorkerCall::Commitment(..) => {
                request.is_quorum() && is_first && self.counts(request, request.answer_deadline())
            },
            WorkerCall::Failure(_) => is_first && self.counts(request, request.answer_deadline()),
            WorkerCall::Reveal(output, salt) => {
                self.reveals_due(request)
                    && self.counts(request, request.deadline)
                    && member.answer == Answer::Committed(*output, *salt)
                    && request.declares(*output)
            },
        }
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
        if !self.has_room(what.most()) {
            return false;
        }
        let Some(request) = self.requests.get(&id) else { return false };
        let place = request.members.iter().position(|member| member.account == *operator);
        let Some(place) = place else { return false };
        if !(is_worker && intact && self.expects(request, &request.members[place], what)) {
            return false;
        }
        let version = request.version;
        let request = self.requests.get_mut(&id).expect("looked up");
        request.members[place].answer = match what {
            WorkerCall::Result(output)
            | WorkerCall::Reveal(output, _)
            | WorkerCall::Trace(output, _)
            | WorkerCall::Proof(output, _) => Answer::Revealed(*output),
            WorkerCall::Commitment(output, salt) => Answer::Committed(*output, *salt),
            WorkerCall::Failure(reason) => Answer::Failed(*reason),
        };
        if matches!(what, WorkerCall::Reveal(..)) && request.state == State::Assigned {
            self.open_reveals(id);
        }
        match what {
            WorkerCall::Failure(reason) if *reason != FailureReason::InvalidInput => {
                self.note_failure(operator, version);
            },
            WorkerCall::Trace(..) => self.note_served(operator, version),
            _ => {},
        }
        let request = &self.requests[&id];
        let (n, k) = request.size();
        self.fill(what.least(n as u32));
        let request = &self.requests[&id];
        match what {
            WorkerCall::Result(_) => {
                let called = self.conclude(id);
                self.fill(calling(called));
            },
            WorkerCall::Trace(_, claim) => self.note_claim(id, claim.clone()),
            WorkerCall::Proof(_, proof) => self.note_proof(id, proof.clone()),
            WorkerCall::Reveal(..) if request.committed() == 0 => {
                let end = Self::end_part(request);
                self.conclude(id);
                self.fill(end);
            },
            WorkerCall::Reveal(..) => {},
            _ if n - request.failed() < k => {
                self.conclude(id);
            },
            _ if request.silent() == 0 => self.close_commitments(id),
            _ => {},
        }
        true
    }

    pub fn close_commitments(&mut self, id: u64) {
        let request = self.requests.get_mut(&id).expect("open");
        if request.committed() < request.size().1 {
            self.conclude(id);
        } else {
            self.open_reveals(id);
        }
    }

    /// Members have as much time for their reveals as if all had committed at the last height.
    fn open_reveals(&mut self, id: u64) {
        let last = self.now + parameters::RevealWindow::get();
        let request = self.requests.get_mut(&id).expect("open");
        request.state = State::Revealing;
        if last < request.deadline {
            request.deadline = last;
            *self.sights.entry("reveals that leave less time than the deadline").or_default() += 1;
        }
        request.late_from = self.room.0 + 1 + ROOMY_BLOCKS;
        let deadline = request.deadline;
        self.agenda.retain(|(_, other)| *other != id);
        self.agenda.insert((deadline + 1, id));
    }

    /// Ends a request that was drawn: pays members with the right result, slashes those with a
    /// wrong or late one. Returns the number of waiting requests that it calls.
    pub fn conclude(&mut self, id: u64) -> usize {
        self.conclude_listed(id, None)
    }

    /// The same. What a request of a list costs is added to `listed`.
    pub fn conclude_listed(&mut self, id: u64, listed: Option<&mut Shares>) -> usize {
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
        let is_refused = request.proof.as_ref().is_some_and(|proof| !proof.holds);
        let winner = revealed.iter().map(|(_, output)| *output).find(|output| {
            let equal = revealed.iter().filter(|(_, o)| o.within(*output, request.tolerance));
            equal.count() >= k && !is_refused
        });
        // Members that missed a deadline that they knew.
        let had_room = self.room.0 >= request.late_from;
        let was_asked_to_reveal = self.reveals_due(&request);
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
            _ if is_refused => Outcome::Rejected(RejectReason::InvalidProof),
            _ if !late.is_empty() => Outcome::TimedOut,
            (_, Some(reason)) if n - request.failed() < k => {
                Outcome::Rejected(RejectReason::Failed(reason))
            },
            _ => Outcome::Rejected(RejectReason::NoAgreement),
        };
        let (mut paid, mut shares) = (0, Shares::default());
        if let Some(winner) = winner {
            for (member, output) in &revealed {
                if output.within(winner, request.tolerance) {
                    if request.claim.is_none() {
                        self.note_served(&member.account, request.version);
                    }
                    paid += self.pay_price(&request, member, &mut shares);
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
        match listed {
            Some(listed) => listed.add(shares),
            None => self.pay_shares(shares),
        }
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
        if is_refused {
            self.see("a proof that is refused");
            let penalty = parameters::WrongResultSlash::get();
            let operator = &request.members[0].account;
            self.penalise(operator, penalty, &request.payer, request.budget());
        }
        // An operator with an optimistic result had free capacity before.
        let called = match request.claim {
            Some(_) => 0,
            None => self.call_waiting(request.version, n),
        };
        // Agreement alone takes nobody's bond.
        if outvoted {
            self.see("an operator with another result");
        }
        let differ = revealed.iter().any(|(_, output)| *output != revealed[0].1);
        self.close_with(id, outcome, paid, differ && request.appealable);
        called
    }

    /// The chain verifies a proof at once.
    fn note_proof(&mut self, id: u64, proof: Rc<Proof>) {
        self.see(proof.sight.expect("the pool has not refused it"));
        self.requests.get_mut(&id).expect("assigned").proof = Some(proof);
        self.conclude(id);
    }

    /// A proof of the right output of a quorum. `is_proof`: whether it holds for the output.
    pub fn appeal(&mut self, who: &AccountId, id: u64, output: i32, is_proof: bool) -> bool {
        let Some(request) = self.requests.get(&id).cloned() else { return false };
        let Some(until) = request.appeal_until else { return false };
        if !is_proof || (self.now > until && self.room.1 >= request.final_from) {
            return false;
        }
        if self.now > until {
            self.see("an appeal in the time that full blocks have added");
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

    /// The time for appeals has passed, if enough blocks have had room for one.
    pub fn pass_appeals(&mut self, id: u64) {
        let request = self.requests.get_mut(&id).expect("it can be appealed");
        let missing = request.final_from.saturating_sub(self.room.1);
        if missing == 0 {
            return self.end_appeals(id);
        }
        let until = self.now + missing - 1;
        request.appeal_until = Some(until);
        self.agenda.insert((until + 1, id));
        self.see("a time for appeals that moves because blocks were full");
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

    /// Takes a member's price out of the escrow, and divides it. Returns the price.
    fn pay_price(&mut self, request: &Request, member: &Member, shares: &mut Shares) -> u128 {
        let price = member.ask;
        let common = share(price, parameters::TreasuryShare::get().deconstruct());
        let royalty = share(price, request.royalty).min(price - common);
        let payer = &request.payer;
        if [&member.account, &request.royalty_to].contains(&payer) {
            self.see("paid to oneself");
        }
        self.burn(payer, Purse::Escrow, price);
        *shares.due.entry(member.account.clone()).or_default() += price - common - royalty;
        *shares.due.entry(request.royalty_to.clone()).or_default() += royalty;
        shares.common += common;
        price
    }

    /// Ends a request that was not drawn.
    pub fn refund(&mut self, id: u64, outcome: Outcome) {
        let request = self.requests[&id].clone();
        let fee = self.undrawn_fee(&request);
        self.burn_fee(id, fee);
        self.give_back(&request.payer, Purse::Escrow, request.max_price + request.fee - fee);
        self.waiting.retain(|(_, _, waiting)| *waiting != id);
        self.close(id, outcome, 0);
    }

    pub fn close(&mut self, id: u64, outcome: Outcome, paid: u128) {
        self.close_with(id, outcome, paid, false);
    }

    /// Ends a request. If its outcome can be appealed, the version stays in use.
    fn close_with(&mut self, id: u64, outcome: Outcome, paid: u128, appealable: bool) {
        let now = self.now;
        let ended = self.requests[&id].clone();
        assert!(ended.is_open(), "a request ends once");
        self.note_end(&ended);
        let request = self.requests.get_mut(&id).expect("open");
        request.state = State::Final(outcome);
        request.ended_at = now;
        request.paid = paid;
        self.agenda.retain(|(_, other)| *other != id);
        if appealable {
            let until = now + parameters::AppealWindow::get();
            request.appeal_until = Some(until);
            request.final_from = self.room.1 + parameters::AppealWindow::get() + 1;
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
}
