//! The oracle of passed deadlines.

use std::collections::BTreeSet;

use assay_primitives::Outcome;

use super::{
    oracle::Oracle,
    requests::{Request, State},
};

impl Oracle {
    /// The start of a block. `order` is the order in which the chain goes through what is due, which
    /// the protocol does not define; `postponed` are the heights and requests that exceeded its
    /// budget.
    pub fn begin_block(&mut self, order: &[(u32, u64)], postponed: &BTreeSet<(u32, u64)>) {
        let now = self.now;
        if !postponed.is_empty() {
            self.see("a sweep that lags");
        }
        let due = |entry: &(u32, u64)| entry.0 <= now && !postponed.contains(entry);
        let mut handled: Vec<(u32, u64)> = self.agenda.iter().copied().filter(due).collect();
        let place = |entry: &(u32, u64)| order.iter().position(|one| one == entry);
        for entry in &handled {
            assert!(place(entry).is_some(), "nothing is due at {} for {}", entry.0, entry.1);
        }
        handled.sort_by_key(place);
        for (height, id) in handled {
            // What ended a request before also removed its later heights.
            if self.agenda.remove(&(height, id)) {
                self.pass_deadline(height, id);
            }
        }
    }

    fn pass_deadline(&mut self, height: u32, id: u64) {
        let (now, request) = (self.now, &self.requests[&id]);
        match request.state {
            State::Final(_) => self.pass_appeals(id),
            State::Pending if height == request.draw_from => {
                let from = request.asked_at;
                self.enqueue(id, 1, from);
            },
            State::Pending if now > request.deadline => self.refund(id, Outcome::TimedOut),
            State::Pending if Some(height) == request.again_at => {
                let place = (request.version, request.waits_since, id);
                let (waited, in_line) = (place.1 > 0, self.waiting.remove(&place));
                if waited && !in_line {
                    self.see("a request that has waited long and is called");
                    return;
                }
                self.see(match waited {
                    true => "a request that is drawn after it has waited long",
                    false => "a request that is drawn after it has rested",
                });
                let request = self.requests.get_mut(&id).expect("pending");
                (request.again_at, request.waits_since) = (None, 0);
                request.vain_draws += u64::from(waited);
                self.enqueue(id, 1, now);
            },
            State::Disputable => self.pass_window(id),
            State::Assigned | State::Revealing if now > request.due() => {
                let unopened = request.state == State::Assigned
                    && request.is_quorum()
                    && request.committed() >= request.size().1;
                match request.late_from.saturating_sub(self.room.0) {
                    0 if now > request.deadline && unopened => {
                        self.see("a sweep that comes too late to open the reveals");
                        self.prolong(id, 1);
                    },
                    0 if now > request.deadline => {
                        self.conclude(id);
                    },
                    0 => self.close_commitments(id),
                    missing => self.prolong(id, missing),
                }
            },
            _ => {},
        }
    }

    /// Too few blocks had room: the deadline moves, so that the missing number of blocks, of which
    /// this is the first, comes before it is over.
    fn prolong(&mut self, id: u64, missing: u32) {
        self.see("a deadline that moves because blocks were full");
        let due = self.now + missing - 1;
        let request = self.requests.get_mut(&id).expect("open");
        request.deadline += due - request.due();
        let (now, heights) = (self.now, request.heights());
        self.agenda.retain(|(_, other)| *other != id);
        let later = heights.into_iter().filter(|height| *height > now);
        self.agenda.extend(later.map(|height| (height, id)));
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

    /// Requests of which some have not ended, or can be appealed.
    pub fn recent(&self) -> impl Iterator<Item = &Request> {
        self.requests.range(self.settled..).map(|(_, request)| request)
    }

    /// Passes over the oldest requests that are settled.
    pub fn pass_settled(&mut self) {
        let is_settled = |one: &Request| !one.is_open() && one.appeal_until.is_none();
        while self.requests.get(&self.settled).is_some_and(is_settled) {
            self.settled += 1;
        }
    }

    /// Requests that have not ended.
    pub fn open_requests(&self) -> Vec<u64> {
        let open = self.requests.range(self.settled..).filter(|(_, request)| request.is_open());
        open.map(|(id, _)| *id).collect()
    }
}
