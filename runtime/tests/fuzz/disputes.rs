//! The oracle of optimistic results and disputes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    rc::Rc,
};

use assay_dispute::Choice;
use assay_primitives::{dispute::DisputeCause, Outcome, RejectReason, WorkerId};
use assay_runtime::{constants as parameters, AccountId};

use super::{
    claims::Claim,
    oracle::{Oracle, Purse},
    requests::{Request, State},
};

/// Maximum number of moves of a dispute.
const MOVES: u32 = 7;

/// The move that a dispute awaits. Byte ranges are those of the operation's output.
#[derive(Clone, PartialEq, Debug)]
pub enum Stage {
    Roots,
    Operation,
    Leaves { operation: usize },
    Leaf { operation: usize },
    Bytes { operation: usize, shown: Range<usize> },
    Tile { operation: usize, shown: Range<usize> },
    Open { operation: usize, tile: Range<usize> },
}

impl Stage {
    /// Its name in the protocol.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Roots => "roots",
            Self::Operation => "operation",
            Self::Leaves { .. } => "leaves",
            Self::Leaf { .. } => "leaf",
            Self::Bytes { .. } => "bytes",
            Self::Tile { .. } => "tile",
            Self::Open { .. } => "open",
        }
    }

    pub fn is_operators(&self) -> bool {
        !matches!(self, Self::Operation | Self::Leaf { .. } | Self::Tile { .. })
    }
}

/// An open dispute.
#[derive(Clone, Debug)]
pub struct Dispute {
    pub request: u64,
    pub challenger: AccountId,
    pub deadline: u32,
    pub response: u32,
    pub stage: Stage,
}

/// How a dispute ended.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Ending {
    Won(DisputeCause),
    Lost(DisputeCause),
    Void,
}

/// Optimistic results and disputes.
#[derive(Default)]
pub struct Disputes {
    pub open: BTreeMap<u64, Dispute>,
    pub next: u64,
    /// The verdicts on results that were decided while further disputes are open: whether they are
    /// right.
    pub verdicts: BTreeMap<u64, bool>,
    /// Requests whose results have been disputed.
    pub disputed: BTreeSet<u64>,
    /// The disputes that ended in this block, in order.
    pub endings: Vec<(u64, Ending)>,
    /// Blocks of the dispute window, and for a move.
    pub window: u32,
    pub response: u32,
}

/// A move of the defender, or a move at the last stage, which any account can send.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Move {
    /// The stage for which it is made.
    pub kind: &'static str,
    /// Whether it follows from the operator's tensors and the model's weights.
    pub is_sound: bool,
}

impl Oracle {
    /// The result of a request that can be disputed or is disputed.
    fn claim(&self, request: u64) -> Option<&Request> {
        let request = self.requests.get(&request)?;
        (request.state == State::Disputable).then_some(request)
    }

    fn claimed(&self, request: u64) -> (Rc<Claim>, AccountId) {
        let record = self.claim(request).expect("disputed");
        (record.claim.clone().expect("claimed"), record.members[0].account.clone())
    }

    /// Open disputes about a result.
    pub fn disputes_over(&self, request: u64) -> usize {
        self.disputes.open.values().filter(|dispute| dispute.request == request).count()
    }

    pub fn set_timing(&mut self, window: u32, response: u32) -> bool {
        let longest = u64::from(window) + u64::from(MOVES) * u64::from(response);
        let may =
            window > 0 && response > 0 && longest <= u64::from(parameters::MaxDisputeBlocks::get());
        if may {
            (self.disputes.window, self.disputes.response) = (window, response);
        }
        may
    }

    /// An operator has submitted an optimistic result. It has free capacity again.
    pub fn note_claim(&mut self, id: u64, claim: Rc<Claim>) {
        let until = self.now + self.disputes.window;
        let request = self.requests.get_mut(&id).expect("assigned");
        request.state = State::Disputable;
        request.claim = Some(claim);
        request.disputable_until = until;
        let version = request.version;
        self.agenda.retain(|(_, other)| *other != id);
        self.agenda.insert((until + 1, id));
        self.call_waiting(version, 1);
    }

    /// A result is final after its window if no dispute is open.
    pub fn pass_window(&mut self, id: u64) {
        let Some(request) = self.claim(id) else { return };
        let (claim, until) = (request.claim.clone().expect("claimed"), request.disputable_until);
        if self.now <= until {
            return;
        }
        if self.disputes_over(id) > 0 {
            self.see("a dispute that outlasts the window");
            return;
        }
        match self.disputes.disputed.contains(&id) {
            true => self.see("a result that survives its disputes"),
            false if claim.output != claim.truth() => self.see("a wrong result without a dispute"),
            false => self.see("a right result without a dispute"),
        }
        self.conclude(id);
    }

    pub fn open_dispute(&mut self, who: &AccountId, id: u64) -> bool {
        let Some(request) = self.claim(id) else { return false };
        let operator = request.members[0].account.clone();
        if self.now > request.disputable_until {
            self.see("a dispute that comes too late");
            return false;
        }
        if !self.hold(who, Purse::Dispute, parameters::DisputeBond::get()) {
            self.see("a dispute that its challenger cannot pay");
            return false;
        }
        if self.disputes_over(id) > 0 {
            self.see("more than one dispute over a result");
        }
        if *who == operator {
            self.see("an operator that disputes itself");
        }
        let response = self.disputes.response;
        let dispute = Dispute {
            request: id,
            challenger: who.clone(),
            deadline: self.now + response,
            response,
            stage: Stage::Roots,
        };
        self.disputes.open.insert(self.disputes.next, dispute);
        self.disputes.next += 1;
        self.disputes.disputed.insert(id);
        true
    }

    /// An undecided dispute whose deadline for a move has not passed.
    fn running(&self, id: u64) -> Option<Dispute> {
        let dispute = self.disputes.open.get(&id)?;
        let decided = self.disputes.verdicts.contains_key(&dispute.request);
        (!decided && self.now <= dispute.deadline).then(|| dispute.clone())
    }

    fn advance(&mut self, id: u64, stage: Stage) {
        let dispute = self.disputes.open.get_mut(&id).expect("running");
        dispute.deadline = self.now + dispute.response;
        dispute.stage = stage;
    }

    pub fn choose(&mut self, who: &AccountId, id: u64, choice: Choice) -> bool {
        let Some(dispute) = self.running(id) else { return false };
        if dispute.challenger != *who {
            return false;
        }
        let (claim, _) = self.claimed(dispute.request);
        let next = match (dispute.stage, choice) {
            (Stage::Operation, Choice::Operation(index)) => {
                let operation = usize::from(index);
                if operation >= claim.operations() {
                    return false;
                }
                match claim.is_shown_whole(operation) {
                    true => Stage::Bytes { operation, shown: 0..claim.bytes(operation) },
                    false => Stage::Leaves { operation },
                }
            },
            (Stage::Leaf { operation }, Choice::Leaf(leaf)) => {
                let Some(shown) = claim.leaf(operation, leaf) else { return false };
                self.see("a leaf that a challenger names");
                Stage::Bytes { operation, shown }
            },
            (Stage::Tile { operation, shown }, Choice::Tile(tile)) => {
                let Some(tile) = claim.tile(operation, tile, &shown) else { return false };
                Stage::Open { operation, tile }
            },
            _ => return false,
        };
        self.advance(id, next);
        true
    }

    /// `is_for_it`: whether the signature covers this move at this stage of this dispute.
    pub fn answer(&mut self, id: u64, key: &WorkerId, what: Move, is_for_it: bool) -> bool {
        let Some(dispute) = self.running(id) else { return false };
        let (_, operator) = self.claimed(dispute.request);
        let is_worker = self.operators.get(&operator).is_some_and(|info| info.worker == *key);
        if !(is_worker && is_for_it && dispute.stage.name() == what.kind) {
            return false;
        }
        if !self.follow(id, dispute, what) {
            self.see("a move that does not follow from the claim");
            self.win(id, DisputeCause::Refused);
        }
        true
    }

    /// The last move, which any account can make.
    pub fn open_tile(&mut self, id: u64, what: Move) -> bool {
        let Some(dispute) = self.running(id) else { return false };
        let may =
            what.kind == "open" && dispute.stage.name() == "open" && self.follow(id, dispute, what);
        if may {
            self.see("a last move that is not the operator's");
        }
        may
    }

    /// Applies a move. Returns false if it does not follow from the claim.
    fn follow(&mut self, id: u64, dispute: Dispute, what: Move) -> bool {
        let (claim, _) = self.claimed(dispute.request);
        if !what.is_sound {
            return false;
        }
        match dispute.stage {
            Stage::Roots if !claim.roots_follow() => return false,
            Stage::Roots => self.advance(id, Stage::Operation),
            Stage::Leaves { operation } => self.advance(id, Stage::Leaf { operation }),
            Stage::Bytes { operation, shown } => {
                self.advance(id, Stage::Tile { operation, shown });
            },
            Stage::Open { operation, tile } if claim.is_computed(operation, tile.clone()) => {
                self.see("a tile that is as claimed");
                self.lose(id, DisputeCause::Computed);
            },
            Stage::Open { .. } => {
                match claim.output == claim.truth() {
                    true => self.see("a right output with a wrong trace"),
                    false => self.see("a tile that is not as claimed"),
                }
                self.win(id, DisputeCause::Computed);
            },
            Stage::Operation | Stage::Leaf { .. } | Stage::Tile { .. } => return false,
        }
        true
    }

    /// `output` is the output of the proof's statement, `is_proof` whether the proof is valid.
    pub fn prove(&mut self, id: u64, output: i32, is_proof: bool) -> bool {
        let Some(dispute) = self.disputes.open.get(&id).cloned() else { return false };
        if self.disputes.verdicts.contains_key(&dispute.request) || !is_proof {
            return false;
        }
        let (claim, _) = self.claimed(dispute.request);
        if claim.output != output {
            self.see("a proof against a result");
            self.win(id, DisputeCause::Proof);
        } else {
            self.see("a proof of a result");
            if self.take_off(id, true) {
                self.see("disputes that a proof decides at once");
            }
            self.forfeit(id, &dispute, DisputeCause::Proof);
            self.conclude(dispute.request);
        }
        true
    }

    /// Ends a dispute about a result that is decided.
    pub fn close_dispute(&mut self, id: u64) -> bool {
        let Some(dispute) = self.disputes.open.get(&id).cloned() else { return false };
        let Some(is_right) = self.disputes.verdicts.get(&dispute.request).copied() else {
            return false;
        };
        self.take_off(id, is_right);
        match is_right {
            true => self.forfeit(id, &dispute, DisputeCause::Proof),
            false => {
                self.see("a dispute that another one decides");
                self.give_back(&dispute.challenger, Purse::Dispute, parameters::DisputeBond::get());
                self.disputes.endings.push((id, Ending::Void));
            },
        }
        true
    }

    /// The deadline for a move has passed.
    fn expire(&mut self, id: u64) {
        if self.close_dispute(id) {
            return;
        }
        if self.disputes.open[&id].stage.is_operators() {
            self.see("an operator that is silent in a dispute");
            self.win(id, DisputeCause::Silence);
        } else {
            self.see("a challenger that falls silent");
            self.lose(id, DisputeCause::Silence);
        }
    }

    /// Removes a dispute, and the verdict on a result with its last dispute. Returns whether other
    /// disputes about the result are left, to which the verdict then applies.
    fn take_off(&mut self, id: u64, is_right: bool) -> bool {
        let request = self.disputes.open.remove(&id).expect("open").request;
        let are_left = self.disputes_over(request) > 0;
        match are_left {
            true => drop(self.disputes.verdicts.insert(request, is_right)),
            false => drop(self.disputes.verdicts.remove(&request)),
        }
        are_left
    }

    /// The operator loses: the request ends, the payer is refunded and compensated, and the
    /// challenger gets its bond back and a reward.
    fn win(&mut self, id: u64, cause: DisputeCause) {
        let Dispute { request, challenger, .. } = self.disputes.open[&id].clone();
        let (_, operator) = self.claimed(request);
        self.take_off(id, false);
        self.disputes.endings.push((id, Ending::Won(cause)));
        self.give_back(&challenger, Purse::Dispute, parameters::DisputeBond::get());
        let record = self.requests[&request].clone();
        let fee = self.fee(&record);
        self.burn_fee(request, fee);
        let Request { payer, max_price, fee: held, .. } = record;
        self.give_back(&payer, Purse::Escrow, max_price + held - fee);
        self.penalise(&operator, parameters::WrongResultSlash::get(), &payer, max_price);
        self.reward(&operator, parameters::LostDisputeSlash::get(), &challenger);
        self.close(request, Outcome::Rejected(RejectReason::Disputed), 0);
    }

    /// The challenger loses its bond. The result may become final if no dispute is left.
    fn lose(&mut self, id: u64, cause: DisputeCause) {
        let dispute = self.disputes.open.remove(&id).expect("open");
        self.forfeit(id, &dispute, cause);
        if self.disputes_over(dispute.request) == 0 {
            self.pass_window(dispute.request);
        }
    }

    /// The operator gets half of a lost bond, the treasury the rest.
    fn forfeit(&mut self, id: u64, dispute: &Dispute, cause: DisputeCause) {
        let bond = parameters::DisputeBond::get();
        let operator = self.requests[&dispute.request].members[0].account.clone();
        let treasury = self.treasury.clone();
        let paid = self.pay(&dispute.challenger, Purse::Dispute, &operator, bond / 2);
        self.pay(&dispute.challenger, Purse::Dispute, &treasury, bond - paid);
        self.disputes.endings.push((id, Ending::Lost(cause)));
    }

    /// The start of a block, after that of requests. `ended` are the disputes that it ended, in its
    /// order (which the protocol does not define), `postponed` those that exceeded its budget.
    pub fn begin_disputes(&mut self, ended: &[u64], postponed: &BTreeSet<u64>) {
        if !postponed.is_empty() {
            self.see("a sweep of disputes that lags");
        }
        let due = self.disputes.open.iter();
        let due =
            due.filter(|(id, dispute)| self.now > dispute.deadline && !postponed.contains(id));
        let mut due: Vec<u64> = due.map(|(id, _)| *id).collect();
        due.sort_by_key(|id| ended.iter().position(|one| one == id));
        assert_eq!(due, ended, "the disputes that end");
        for id in due {
            self.expire(id);
        }
    }
}
