//! The oracle of draws: who can be drawn, the queue, and the seeds.

use std::collections::BTreeSet;

use assay_primitives::{Assurance, Outcome, RejectReason, VersionId};
use assay_runtime::{constants as parameters, AccountId};
use sp_core::U256;

use super::{
    operators::stake,
    oracle::{share, Oracle, Parts},
    requests::{Answer, Member, State},
    room::ROOMY_BLOCKS,
};

/// Number of latest VRF outputs that a seed can have.
const RECENT: usize = 32;

/// Requests with successive identifiers that wait for their draws together.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Queued {
    pub first: u64,
    pub count: usize,
    /// The first height whose output is in the seeds.
    pub from: u32,
    /// How many others may be called one after the other if the draw is in vain.
    pub calls: usize,
}

/// An operator that can be drawn.
pub struct Candidate {
    pub account: AccountId,
    pub bond: u128,
    pub ask: u128,
    pub response_blocks: u32,
    /// Height of its offer.
    pub offered_at: u32,
    pub is_running: bool,
    pub has_room: bool,
}

impl Oracle {
    /// Operators that can be drawn, now or when they have free capacity.
    pub fn candidates(
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
            .filter(|server| {
                assurance != Assurance::Optimistic
                    || server.response_blocks <= self.disputes.response
            })
            .filter(|server| server.concurrency > 0 && self.is_live(&server.account))
            .filter_map(|server| {
                let bond = self.account(&server.account).bond;
                let free = bond - self.at_stake(&server.account);
                let covered = free >= stake(assurance.class(), appealable);
                let runs = self.runs_of(server, version);
                (bond >= parameters::MinBond::get()).then(|| Candidate {
                    account: server.account.clone(),
                    bond,
                    ask: server.ask,
                    response_blocks: server.response_blocks,
                    offered_at: server.since,
                    is_running: runs > 0,
                    has_room: covered && runs < server.concurrency as usize,
                })
            })
            .collect()
    }

    /// Puts requests into the queue, together.
    pub fn enqueue(&mut self, first: u64, count: usize, from: u32) {
        self.queue.push_back(Queued { first, count, from, calls: 0 });
    }

    /// Number of requests at the front of the queue, if `entries` have left it and the next has `left`.
    pub fn passed(&self, entries: usize, left: usize) -> usize {
        let counts: Vec<_> = self.queue.iter().map(|entry| entry.count).collect();
        let whole: usize = counts[..entries].iter().sum();
        whole + counts.get(entries).map_or(0, |count| count - left)
    }

    /// Number of requests in the queue.
    pub fn queued(&self) -> usize {
        self.queue.iter().map(|entry| entry.count).sum()
    }

    /// Moves the oldest waiting requests of a version back to the queue. Returns their number.
    pub fn call_waiting(&mut self, version: VersionId, most: usize) -> usize {
        self.call(version, most, 3)
    }

    /// `calls`: how many others may be called one after the other if the draws are in vain.
    fn call(&mut self, version: VersionId, most: usize, calls: usize) -> usize {
        let called: Vec<_> =
            self.waiting.iter().filter(|entry| entry.0 == version).take(most).copied().collect();
        for entry in &called {
            self.waiting.remove(entry);
            self.queue.push_back(Queued { first: entry.2, count: 1, from: self.now, calls });
        }
        called.len()
    }

    /// The draws at the start of a block with this author and its VRF output. So many requests of the
    /// queue had their turn, which must be at least `at_least` if that many were due.
    pub fn draw_queued(
        &mut self,
        author: [u8; 32],
        randomness: Option<[u8; 32]>,
        turns: usize,
        at_least: usize,
    ) {
        let due = self.queued();
        let Some(current) = randomness else {
            assert_eq!(turns, 0, "a draw without randomness");
            if due > 0 {
                self.see("a draw that waits for randomness");
            }
            return;
        };
        self.vrfs.push((self.now, author, current));
        if self.vrfs.len() > RECENT {
            self.vrfs.remove(0);
        }
        assert!((due.min(at_least)..=due).contains(&turns), "{turns} turns, {due} due");
        if turns < due {
            self.see("draws that exceed the weight of a block");
        }
        let (mut left, mut one_waits) = (turns, false);
        let mut drawn = BTreeSet::new();
        while left > 0 {
            let entry = self.queue.pop_front().expect("due");
            if !self.is_ready(&entry) {
                self.see("a draw that waits for another author");
                if entry.count > 1 {
                    self.see("a batch that waits for another author");
                }
                assert!(entry.count <= left, "a batch is queued again as a whole");
                left -= entry.count;
                self.queue.push_back(entry);
                one_waits = true;
                continue;
            }
            if one_waits {
                self.see("a draw that passes one that waits for another author");
            }
            if entry.count > 1 {
                let rest = Queued { first: entry.first + 1, count: entry.count - 1, ..entry };
                self.queue.push_front(rest);
            }
            left -= 1;
            self.take_turn(&entry, &mut drawn);
        }
    }

    /// Whether outputs of two authors are there, and the last two are of different ones.
    fn is_ready(&self, entry: &Queued) -> bool {
        let mut authors = self.vrfs.iter().rev().filter(|vrf| vrf.0 >= entry.from).map(|vrf| vrf.1);
        match (authors.next(), authors.next()) {
            (Some(last), Some(before)) => last != before,
            _ => false,
        }
    }

    /// `drawn`: the versions for which operators were drawn in this block.
    fn take_turn(&mut self, entry: &Queued, drawn: &mut BTreeSet<VersionId>) {
        let (id, calls) = (entry.first, entry.calls);
        self.forget_next_draw(id);
        let (version, was_called) =
            (self.requests[&id].version, self.requests[&id].waits_since > 0);
        if self.requests[&id].state != State::Pending {
            self.call(version, was_called.into(), calls);
        } else if self.draw(id, entry.from) {
            self.put_back(id, drawn.contains(&version), calls);
        } else if self.requests[&id].is_open() {
            drawn.insert(version);
        } else {
            self.call(version, was_called.into(), calls);
        }
    }

    /// What is drawn because it was called is not drawn again for another reason.
    fn forget_next_draw(&mut self, id: u64) {
        let request = self.requests.get_mut(&id).expect("queued");
        if let Some(at) = request.again_at.take() {
            if request.state == State::Pending && !request.heights().contains(&at) {
                self.agenda.remove(&(at, id));
            }
        }
    }

    /// Has a request wait, for the first time or because others have taken the capacity. Otherwise it
    /// was called in vain: it rests, and the next one is called.
    fn put_back(&mut self, id: u64, taken: bool, calls: usize) {
        self.see("a request that waits for capacity");
        let now = self.now;
        let request = self.requests.get_mut(&id).expect("pending");
        let version = request.version;
        if request.waits_since > 0 && !taken {
            // 15 blocks, 30, 60, …
            let until = now + 15 * 2_u32.pow(request.vain_draws as u32);
            request.vain_draws += 1;
            (request.again_at, request.waits_since) = (Some(until), 0);
            let (often, ends) = (request.vain_draws > 1, until > request.deadline);
            if often {
                self.see("a request that is called in vain again");
            }
            match ends {
                true => self.see("a request that rests until its deadline"),
                false => drop(self.agenda.insert((until, id))),
            }
            if calls == 0 {
                self.see("a draw in vain that calls nobody");
            } else if self.call(version, 1, calls - 1) > 0 {
                self.see("a request that is called because another one waits in vain");
            }
            return;
        }
        let again = request.waits_since > 0;
        request.waits_since = now;
        let until = now + 60 * 2_u32.pow(request.vain_draws as u32);
        request.again_at = Some(until);
        if until <= request.deadline {
            self.agenda.insert((until, id));
        }
        if again {
            self.see("a request that is called after others took the capacity");
        }
        self.waiting.insert((version, now, id));
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
        let (mut members, mut response) = (Vec::new(), 0);
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
            let Candidate { account, ask, response_blocks, offered_at, .. } = left.remove(index);
            response = response_blocks.max(response);
            members.push(Member { account, ask, answer: Answer::Silent, offered_at });
        }
        let request = self.requests.get_mut(&id).expect("looked up");
        request.members = members;
        request.state = State::Assigned;
        // The block of the draw, which begins with it, is counted later.
        request.late_from = self.room.0 + 1 + response + ROOMY_BLOCKS;
        false
    }
}
