//! Whose transactions a share holds, by nonce.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use assay_runtime::{AccountId, Nonce};
use tokio::sync::Notify;

/// The sender and the nonce of a signed transaction.
pub type Signed = (AccountId, Nonce);

/// How many that are validated or wait are looked at. Whoever sends a longer row at once sends its end
/// again.
const MAX_UNDECIDED: usize = 1_024;
/// How many with the same nonce wait. An honest sender has one, and perhaps one that replaces it.
const MAX_WAITING: usize = 2;

/// Where a transaction is among those of its sender.
#[derive(Clone, Debug)]
pub enum Order {
    /// It can be in the next block.
    Next,
    /// All between it and the next one are accepted.
    Follows,
    /// They are, if those that are validated or wait will be. This notifies of an end of the last of these.
    Undecided(Arc<Notify>),
    /// One is missing.
    Apart,
}

/// The transactions of all senders.
#[derive(Default)]
pub struct Senders(HashMap<AccountId, Row>);

/// The transactions of a sender.
#[derive(Default)]
struct Row {
    with_nonce: BTreeMap<Nonce, Count>,
    /// All from `next` to before `end` are accepted.
    next: Nonce,
    end: Nonce,
}

/// How many transactions have the same nonce.
#[derive(Default)]
struct Count {
    accepted: usize,
    validated: usize,
    /// How many wait for the one before.
    waiting: usize,
    /// Of the end of each validation and wait.
    ended: Arc<Notify>,
}

impl Count {
    fn is_empty(&self) -> bool {
        self.accepted == 0 && self.validated == 0 && self.waiting == 0
    }
}

impl Senders {
    /// Counts the begin of a validation.
    pub fn begin(&mut self, (sender, nonce): &Signed) {
        let row = self.0.entry(sender.clone()).or_default();
        row.with_nonce.entry(*nonce).or_default().validated += 1;
    }

    /// Counts the end of a validation.
    pub fn end(&mut self, signed: &Signed) {
        self.change(signed, |count| count.validated = count.validated.saturating_sub(1));
    }

    /// Counts the begin of a wait for the one before, unless enough with this nonce wait already.
    pub fn begin_wait(&mut self, (sender, nonce): &Signed) -> bool {
        let row = self.0.entry(sender.clone()).or_default();
        let waiting = &mut row.with_nonce.entry(*nonce).or_default().waiting;
        let has_room = *waiting < MAX_WAITING;
        *waiting += usize::from(has_room);
        has_room
    }

    /// Counts the end of a wait.
    pub fn end_wait(&mut self, signed: &Signed) {
        self.change(signed, |count| count.waiting = count.waiting.saturating_sub(1));
    }

    /// Counts one that the pool has accepted.
    pub fn accept(&mut self, (sender, nonce): &Signed) {
        let row = self.0.entry(sender.clone()).or_default();
        row.with_nonce.entry(*nonce).or_default().accepted += 1;
    }

    /// Counts one that the pool no longer has.
    pub fn forget(&mut self, signed: &Signed) {
        self.change(signed, |count| count.accepted = count.accepted.saturating_sub(1));
    }

    fn change(&mut self, (sender, nonce): &Signed, change: impl FnOnce(&mut Count)) {
        let Some(row) = self.0.get_mut(sender) else { return };
        let Some(count) = row.with_nonce.get_mut(nonce) else { return };
        change(count);
        count.ended.notify_waiters();
        if count.accepted == 0 && *nonce >= row.next {
            row.end = row.end.min(*nonce);
        }
        if count.is_empty() {
            row.with_nonce.remove(nonce);
        }
        if row.with_nonce.is_empty() {
            self.0.remove(sender);
        }
    }

    /// Where a transaction is among those of its sender, whose next nonce is `next`, `None` if that is
    /// not known. What is not signed depends on nothing.
    pub fn order(&mut self, signed: Option<&Signed>, next: Option<Nonce>) -> Order {
        let Some((sender, nonce)) = signed else { return Order::Next };
        let Some(next) = next.filter(|next| next <= nonce) else { return Order::Apart };
        if next == *nonce {
            return Order::Next;
        }
        match self.0.get_mut(sender) {
            Some(row) => row.order(*nonce, next),
            None => Order::Apart,
        }
    }
}

impl Row {
    fn order(&mut self, nonce: Nonce, next: Nonce) -> Order {
        if next < self.next {
            // Another block has replaced the one that had those between.
            self.end = next;
        }
        self.next = next;
        // Each step is made once for each time that one before it is forgotten.
        self.end = self.end.max(next);
        while self.with_nonce.get(&self.end).is_some_and(|count| count.accepted > 0) {
            let Some(end) = self.end.checked_add(1) else { break };
            self.end = end;
        }
        if self.end >= nonce {
            return Order::Follows;
        }
        let missing = nonce.saturating_sub(self.end) as usize;
        if missing > MAX_UNDECIDED || self.with_nonce.range(self.end..nonce).count() < missing {
            return Order::Apart;
        }
        // What is accepted has no end.
        let mut open = self.with_nonce.range(self.end..nonce).rev().map(|(_, count)| count);
        match open.find(|count| count.accepted == 0) {
            Some(last) => Order::Undecided(last.ended.clone()),
            None => Order::Apart,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(nonce: Nonce) -> Signed {
        (AccountId::new([1; 32]), nonce)
    }

    fn accepted(nonces: impl IntoIterator<Item = Nonce>) -> Senders {
        let mut senders = Senders::default();
        nonces.into_iter().for_each(|nonce| senders.accept(&signed(nonce)));
        senders
    }

    fn order(senders: &mut Senders, nonce: Nonce, next: Nonce) -> &'static str {
        match senders.order(Some(&signed(nonce)), Some(next)) {
            Order::Next => "next",
            Order::Follows => "follows",
            Order::Undecided(_) => "undecided",
            Order::Apart => "apart",
        }
    }

    #[test]
    fn a_row_without_gaps_follows_the_next_one() {
        let mut senders = accepted([5, 6, 8]);
        assert_eq!(order(&mut senders, 5, 5), "next");
        assert_eq!(order(&mut senders, 7, 5), "follows");
        assert_eq!(order(&mut senders, 8, 5), "apart");
        assert_eq!(order(&mut senders, 4, 5), "apart", "a nonce that was used");
        senders.accept(&signed(7));
        assert_eq!(order(&mut senders, 9, 5), "follows");
        assert!(matches!(senders.order(Some(&signed(9)), None), Order::Apart));
        assert!(matches!(senders.order(None, None), Order::Next));
    }

    #[test]
    fn what_is_forgotten_leaves_a_gap_unless_a_block_has_it() {
        let mut senders = accepted(5..9);
        assert_eq!(order(&mut senders, 9, 5), "follows");
        senders.forget(&signed(5));
        assert_eq!(order(&mut senders, 9, 6), "follows", "a block had it");
        assert_eq!(order(&mut senders, 9, 5), "apart", "until the block was replaced");
        senders.forget(&signed(7));
        assert_eq!(order(&mut senders, 9, 6), "apart", "the pool dropped it");
        assert_eq!(order(&mut senders, 7, 6), "follows");
        senders.forget(&signed(6));
        senders.forget(&signed(8));
        assert!(senders.0.is_empty());
    }

    #[test]
    fn the_end_of_one_that_was_used_changes_no_row() {
        let mut senders = accepted(5..9);
        assert_eq!(order(&mut senders, 9, 5), "follows");
        senders.begin(&signed(3));
        senders.end(&signed(3));
        assert_eq!(senders.0[&signed(0).0].end, 9);
    }

    #[test]
    fn what_follows_validations_is_undecided() {
        let mut senders = accepted([5]);
        senders.begin(&signed(6));
        assert_eq!(order(&mut senders, 7, 5), "undecided");
        assert_eq!(order(&mut senders, 8, 5), "apart");
        // The same nonce twice, of which one is refused.
        senders.begin(&signed(6));
        senders.end(&signed(6));
        assert_eq!(order(&mut senders, 7, 5), "undecided");
        senders.end(&signed(6));
        assert_eq!(order(&mut senders, 7, 5), "apart");
    }

    #[test]
    fn what_follows_one_that_waits_is_undecided() {
        let mut senders = Senders::default();
        senders.begin(&signed(5));
        senders.begin_wait(&signed(6));
        assert_eq!(order(&mut senders, 7, 5), "undecided");
        // Another one with the same nonce.
        senders.begin(&signed(6));
        senders.end(&signed(6));
        assert_eq!(order(&mut senders, 7, 5), "undecided");
        senders.end_wait(&signed(6));
        assert_eq!(order(&mut senders, 7, 5), "apart");
    }

    #[test]
    fn of_a_long_row_of_validations_nothing_is_looked_at() {
        let mut senders = Senders::default();
        (5..5 + MAX_UNDECIDED as Nonce).for_each(|nonce| senders.begin(&signed(nonce)));
        let end = 5 + MAX_UNDECIDED as Nonce;
        assert_eq!(order(&mut senders, end, 5), "undecided");
        senders.begin(&signed(end));
        assert_eq!(order(&mut senders, end + 1, 5), "apart");
    }
}
