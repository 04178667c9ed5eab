//! The oracle of optimistic results and disputes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    rc::Rc,
};

use assay_dispute::{Choice, What};
use assay_primitives::{dispute::DisputeCause, Outcome, RejectReason, WorkerId};
use assay_runtime::{constants as parameters, AccountId};

use super::{
    claims::Claim,
    oracle::{Oracle, Purse},
    requests::{Request, State},
    room::{Part, MOVES_PART},
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
    Bytes { operation: usize, leaf: Option<u16>, shown: Range<usize> },
    Tile { operation: usize, leaf: Option<u16>, shown: Range<usize> },
    Open { operation: usize, leaf: Option<u16>, index: u32, tile: Range<usize> },
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

    /// What the operator has to show.
    fn awaited(&self) -> Option<What> {
        let index = |operation: &usize| *operation as u16;
        Some(match self {
            Self::Roots => What::Roots,
            Self::Leaves { operation } => What::Leaves { operation: index(operation) },
            Self::Bytes { operation, leaf, .. } => {
                What::Bytes { operation: index(operation), leaf: *leaf }
            },
            Self::Open { operation, leaf, index: tile, .. } => {
                What::Tile { operation: index(operation), leaf: *leaf, tile: *tile }
            },
            Self::Operation | Self::Leaf { .. } | Self::Tile { .. } => return None,
        })
    }

    /// The stage after the operator has shown that.
    fn answered(&self) -> Self {
        match self.clone() {
            Self::Roots => Self::Operation,
            Self::Leaves { operation } => Self::Leaf { operation },
            Self::Bytes { operation, leaf, shown } => Self::Tile { operation, leaf, shown },
            other => other,
        }
    }

    pub fn is_operators(&self) -> bool {
        self.awaited().is_some()
    }
}

/// An open dispute.
#[derive(Clone, Debug)]
pub struct Dispute {
    pub request: u64,
    pub challenger: AccountId,
    pub bond: u128,
    /// The price of the operator's moves in it.
    pub spent: u128,
    pub deadline: u32,
    /// Number of blocks with room for a move when the time for the move began. It counts from the next
    /// block on.
    pub clock: u32,
    /// When the chain looks after it: after the deadline of its last own move. If its time is longer
    /// by what was shown in another dispute, the chain looks again.
    pub due: u32,
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
    /// What operators have shown, by request.
    pub shown: BTreeSet<(u64, What)>,
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
        let final_from = self.room.1 + self.disputes.window + 1;
        let request = self.requests.get_mut(&id).expect("assigned");
        request.state = State::Disputable;
        request.claim = Some(claim);
        request.disputable_until = until;
        request.final_from = final_from;
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
        let missing = request.final_from.saturating_sub(self.room.1);
        if missing > 0 {
            self.see("a window that blocks without room make longer");
            let last = self.now + missing - 1;
            self.requests.get_mut(&id).expect("claimed").disputable_until = last;
            self.agenda.retain(|(_, other)| *other != id);
            self.agenda.insert((last + 1, id));
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

    pub fn open_dispute(&mut self, who: &AccountId, id: u64, max_bond: u128) -> bool {
        let Some(request) = self.claim(id) else { return false };
        let operator = request.members[0].account.clone();
        if self.now > request.disputable_until && self.room.1 >= request.final_from {
            self.see("a dispute that comes too late");
            return false;
        }
        let bond = parameters::DisputeBond::get() * (1 + self.disputes_over(id) as u128);
        if bond > max_bond {
            self.see("a dispute whose bond is above its challenger's limit");
            return false;
        }
        if !self.hold(who, Purse::Dispute, bond) {
            self.see("a dispute that its challenger cannot pay");
            return false;
        }
        if self.disputes_over(id) > 0 {
            self.see("more than one dispute over a result");
        }
        if bond >= 3 * parameters::DisputeBond::get() {
            self.see("a bond that other disputes have raised to three times its amount");
        }
        if *who == operator {
            self.see("an operator that disputes itself");
        }
        let response = self.disputes.response;
        let dispute = Dispute {
            request: id,
            challenger: who.clone(),
            bond,
            spent: 0,
            deadline: self.now + response,
            clock: self.room.1 + 1,
            due: self.now + response + 1,
            response,
            stage: match self.disputes.shown.contains(&(id, What::Roots)) {
                true => {
                    self.see("a dispute that starts after the roots");
                    Stage::Operation
                },
                false => Stage::Roots,
            },
        };
        self.disputes.open.insert(self.disputes.next, dispute);
        self.disputes.next += 1;
        self.disputes.disputed.insert(id);
        true
    }

    /// An undecided dispute whose deadline for a move has not passed.
    fn running(&self, id: u64) -> Option<Dispute> {
        let dispute = self.disputes.open.get(&id)?;
        let decided =
            self.disputes.verdicts.contains_key(&dispute.request) || self.is_computed(dispute);
        (!decided && !self.is_late(dispute)).then(|| dispute.clone())
    }

    /// Number of blocks with room that the party still gets, this one included, if the deadline has
    /// passed.
    fn missing(&self, dispute: &Dispute) -> u32 {
        (dispute.clock + dispute.response).saturating_sub(self.room.1)
    }

    fn is_late(&self, dispute: &Dispute) -> bool {
        self.now > dispute.deadline && self.missing(dispute) == 0
    }

    /// Whether the operator has shown what a stage awaits.
    fn is_shown(&self, request: u64, stage: &Stage) -> bool {
        stage.awaited().is_some_and(|what| self.disputes.shown.contains(&(request, what)))
    }

    /// Whether the tile of a dispute was computed in another one, and is as claimed.
    fn is_computed(&self, dispute: &Dispute) -> bool {
        matches!(dispute.stage, Stage::Open { .. })
            && self.is_shown(dispute.request, &dispute.stage)
    }

    /// The operator shows in a dispute what a stage awaits: all disputes over the result that are in it
    /// go on.
    fn show(&mut self, id: u64, request: u64, stage: &Stage) {
        let what = stage.awaited().expect("the operator's turn");
        self.disputes.shown.insert((request, what));
        let (now, clock) = (self.now, self.room.1 + 1);
        let mut count = 0;
        for dispute in self.disputes.open.values_mut() {
            if dispute.request == request && dispute.stage == *stage {
                count += 1;
                if !matches!(stage, Stage::Open { .. }) {
                    dispute.stage = stage.answered();
                    dispute.deadline = now + dispute.response;
                    dispute.clock = clock;
                }
            }
        }
        if !matches!(stage, Stage::Open { .. }) {
            self.advance(id, stage.answered());
        }
        if count > 1 {
            self.see(match stage {
                Stage::Open { .. } => "a tile that decides several disputes",
                _ => "an answer in several disputes",
            });
        }
    }

    fn advance(&mut self, id: u64, stage: Stage) {
        let clock = self.room.1 + 1;
        let dispute = self.disputes.open.get_mut(&id).expect("running");
        dispute.clock = clock;
        dispute.deadline = self.now + dispute.response;
        dispute.due = dispute.deadline + 1;
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
                    true => {
                        let shown = 0..claim.bytes(operation);
                        Stage::Bytes { operation, leaf: None, shown }
                    },
                    false => Stage::Leaves { operation },
                }
            },
            (Stage::Leaf { operation }, Choice::Leaf(leaf)) => {
                let Some(shown) = claim.leaf(operation, leaf) else { return false };
                self.see("a leaf that a challenger names");
                Stage::Bytes { operation, leaf: Some(leaf), shown }
            },
            (Stage::Tile { operation, leaf, shown }, Choice::Tile(index)) => {
                let Some(tile) = claim.tile(operation, index, &shown) else { return false };
                Stage::Open { operation, leaf, index, tile }
            },
            _ => return false,
        };
        let is_shown = self.is_shown(dispute.request, &next);
        if is_shown && matches!(next, Stage::Open { .. }) {
            self.see("a tile that was computed before");
            return false;
        }
        if is_shown {
            self.see("a choice that was answered before");
        }
        self.advance(id, if is_shown { next.answered() } else { next });
        true
    }

    /// `is_for_it`: whether the signature covers this move at this stage. `price`: of the room that it
    /// takes.
    pub fn answer(
        &mut self,
        id: u64,
        key: &WorkerId,
        what: Move,
        is_for_it: bool,
        price: u128,
        part: Part,
    ) -> bool {
        if !self.filled_by_operators.plus(part).fits(MOVES_PART) {
            self.see("a move for which a block has no room");
            return false;
        }
        let Some(dispute) = self.running(id) else { return false };
        let (_, operator) = self.claimed(dispute.request);
        let is_worker = self.operators.get(&operator).is_some_and(|info| info.worker == *key);
        if !(is_worker && is_for_it && dispute.stage.name() == what.kind) {
            return false;
        }
        let spent = (dispute.spent + price).min(dispute.bond);
        if dispute.bond > parameters::DisputeBond::get() {
            self.see("an answer in a dispute with a raised bond");
        }
        if spent == dispute.bond {
            self.see("answers that cost a whole bond");
        }
        self.disputes.open.get_mut(&id).expect("running").spent = spent;
        self.filled_by_operators = self.filled_by_operators.plus(part);
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
            Stage::Roots | Stage::Leaves { .. } | Stage::Bytes { .. } => {
                self.show(id, dispute.request, &dispute.stage);
            },
            Stage::Open { operation, ref tile, .. }
                if claim.is_computed(operation, tile.clone()) =>
            {
                self.see("a tile that is as claimed");
                self.show(id, dispute.request, &dispute.stage);
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

    /// Ends a dispute about a result that is decided, or whose tile was computed in another one.
    pub fn close_dispute(&mut self, id: u64) -> bool {
        let Some(dispute) = self.disputes.open.get(&id).cloned() else { return false };
        let Some(is_right) = self.disputes.verdicts.get(&dispute.request).copied() else {
            let is_computed = self.is_computed(&dispute);
            if is_computed {
                self.see("a dispute that another one's tile decides");
                self.lose(id, DisputeCause::Computed);
            }
            return is_computed;
        };
        self.take_off(id, is_right);
        match is_right {
            true => self.forfeit(id, &dispute, DisputeCause::Proof),
            false => {
                self.see("a dispute that another one decides");
                let Dispute { challenger, bond, spent, .. } = dispute;
                let treasury = self.treasury.clone();
                if spent > 0 {
                    self.see("a bond that pays for answers in a void dispute");
                }
                let paid = self.pay(&challenger, Purse::Dispute, &treasury, spent);
                self.give_back(&challenger, Purse::Dispute, bond - paid);
                self.disputes.endings.push((id, Ending::Void));
            },
        }
        true
    }

    /// Whether a dispute ends when the chain looks after it.
    fn is_over(&self, id: u64) -> bool {
        let dispute = &self.disputes.open[&id];
        self.is_late(dispute)
            || self.disputes.verdicts.contains_key(&dispute.request)
            || self.is_computed(dispute)
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
        let Dispute { request, challenger, bond, .. } = self.disputes.open[&id].clone();
        let (_, operator) = self.claimed(request);
        self.take_off(id, false);
        self.disputes.endings.push((id, Ending::Won(cause)));
        self.give_back(&challenger, Purse::Dispute, bond);
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
        let bond = dispute.bond;
        let operator = self.requests[&dispute.request].members[0].account.clone();
        let treasury = self.treasury.clone();
        let paid = self.pay(&dispute.challenger, Purse::Dispute, &operator, bond / 2);
        self.pay(&dispute.challenger, Purse::Dispute, &treasury, bond - paid);
        self.disputes.endings.push((id, Ending::Lost(cause)));
    }

    /// The start of a block, after that of requests. `ended` are the disputes that it ended, in its
    /// order (which the protocol does not define), `postponed` those that exceeded its budget.
    /// `kept` is what the chain has not removed yet of what was shown about results that are not
    /// disputed any more.
    pub fn begin_disputes(
        &mut self,
        ended: &[u64],
        postponed: &BTreeSet<u64>,
        kept: &BTreeSet<(u64, What)>,
    ) {
        if !postponed.is_empty() {
            self.see("a sweep of disputes that lags");
        }
        let mut due: BTreeSet<u64> = BTreeSet::new();
        for (id, dispute) in &self.disputes.open {
            if self.now >= dispute.due && !postponed.contains(id) {
                due.insert(*id);
            }
        }
        let must_end: Vec<u64> = due.iter().copied().filter(|id| self.is_over(*id)).collect();
        assert!(must_end.iter().all(|id| ended.contains(id)), "{must_end:?} end, not {ended:?}");
        for id in ended {
            assert!(due.remove(id) && self.is_over(*id), "dispute {id} ends too early");
            self.expire(*id);
        }
        for id in due {
            let (now, missing) = (self.now, self.missing(&self.disputes.open[&id]));
            let dispute = self.disputes.open.get_mut(&id).expect("open");
            let is_full = now > dispute.deadline;
            if is_full {
                dispute.deadline = now + missing - 1;
            }
            dispute.due = dispute.deadline + 1;
            self.see(match is_full {
                true => "a move that gets more time because blocks were full",
                false => "a deadline that another dispute's answer extends",
            });
        }
        let disputed: BTreeSet<u64> = self.disputes.open.values().map(|one| one.request).collect();
        self.disputes.shown.retain(|one| disputed.contains(&one.0) || kept.contains(one));
        let shown = &self.disputes.shown;
        assert!(kept.iter().all(|one| shown.contains(one)), "what nobody has shown");
    }
}
