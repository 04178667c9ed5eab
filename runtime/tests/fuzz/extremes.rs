//! Actions that bring about what rarely happens by itself: full blocks, high fees, operators that
//! always fail, quorums that disagree.

use assay_primitives::{traits::BlockRoom, Assurance, AssuranceClass, RequestId, ASY};
use assay_runtime::{Room, Runtime, System};
use frame_support::{dispatch::DispatchClass, weights::Weight};
use sp_runtime::FixedU128;

use super::{
    asking::REASON,
    driver::Fuzz,
    requests::{Answer, Ask, State, WorkerCall},
    room::{overhead, Part, ANSWERS, MOVES},
};
use crate::common;

/// Blocks that others are going to fill, and what they take of each.
#[derive(Clone, Copy, Default, Debug)]
pub struct Filling {
    pub blocks: u32,
    pub answers: Part,
    pub moves: u64,
}

impl Fuzz {
    /// Fills the next blocks with answers, with moves in disputes, or with both: so that no largest
    /// one fits any more, or none at all.
    pub fn random_filling(&mut self) {
        let largest = Part::largest_answer();
        let nothing = Part::default();
        let answers = match self.rng.below(6) {
            0 => nothing,
            // Room for the largest answer and no more.
            1 => Part { time: ANSWERS.time - largest.time, bytes: 0 },
            2 => Part { time: ANSWERS.time - largest.time + 1, bytes: 0 },
            3 => Part { time: 0, bytes: ANSWERS.bytes - largest.bytes + 1 },
            4 => Part { time: 0, bytes: ANSWERS.bytes },
            _ => Part { time: ANSWERS.time, bytes: 0 },
        };
        let moves = match self.rng.below(3) {
            0 => 0,
            1 => MOVES / 2,
            _ => MOVES,
        };
        self.filling = Filling { blocks: self.rng.between(1, 14) as u32, answers, moves };
        self.note(format!("{:?}", self.filling));
    }

    /// Fills this block, if it is to be filled.
    pub fn fill_block(&mut self) {
        if self.filling.blocks == 0 {
            return;
        }
        self.filling.blocks -= 1;
        let Filling { answers, moves, .. } = self.filling;
        Room::note_answer(Weight::from_parts(answers.time, 0), answers.bytes as u32);
        self.oracle.fill(Part { time: answers.time + overhead(), ..answers });
        let weight = Weight::from_parts(moves, 0);
        System::register_extra_weight_unchecked(weight, DispatchClass::Operational);
        self.oracle.filled_by_moves += moves;
        if moves > 0 && self.filling.blocks.is_multiple_of(2) {
            Room::note_move(weight, 0);
            let part = Part { time: moves + overhead(), bytes: 0 };
            self.oracle.filled_by_operators = self.oracle.filled_by_operators.plus(part);
        }
    }

    /// Sets the fee multiplier, mostly to one.
    pub fn random_multiplier(&mut self) {
        let multiplier = match self.rng.below(8) {
            0 => FixedU128::from_rational(1, 10),
            1 => FixedU128::from_rational(self.rng.between(1, 1_000_000).into(), 99_991),
            2 | 3 => FixedU128::from_u32(self.rng.between(20, 5_000) as u32),
            _ => FixedU128::from_u32(1),
        };
        self.note(format!("the fee multiplier becomes {multiplier:?}"));
        pallet_transaction_payment::NextFeeMultiplier::<Runtime>::put(multiplier);
        self.oracle.multiplier = multiplier;
        if multiplier > FixedU128::from_u32(20) {
            // Answers that cost as much as a bond.
            self.twin_disputes();
        }
    }

    /// A quorum about a version whose runs can be proven, whose members often disagree, and appeals.
    pub fn contested_quorum(&mut self) {
        let version = self.provable_version();
        let ask = Ask {
            version,
            assurance: Assurance::Quorum { n: 3, k: 2 },
            max_price: 15 * ASY,
            deadline: self.oracle.now + 12,
            draw_delay: 1,
        };
        let (payer, id) = (self.actors[0].clone(), self.oracle.requests.len() as u64);
        let item = self.good_item(version);
        self.send_request(&payer, ask, item);
        for _ in 0..3 {
            self.next_block();
        }
        // Commitments, then results.
        for _ in 0..2 {
            let drawn = self.oracle.requests.get(&id).is_some_and(|one| !one.members.is_empty());
            if drawn {
                self.members_answer(id, true);
            }
        }
        self.random_appeal();
    }

    /// More requests than an operator may fail in a row, all of which it fails.
    pub fn failing_operator(&mut self) {
        let version = self.version();
        let servers = self.oracle.servers.get(&version).cloned().unwrap_or_default();
        let live = servers.into_iter().filter(|server| self.oracle.is_live(&server.account));
        let Some(server) = self.rng.pick(&live.collect::<Vec<_>>()) else { return };
        let classes = server.classes.with(AssuranceClass::Signed);
        self.serve(&server.account, version, 0, 64, 1, classes);
        // The others ask for more.
        let ask = Ask {
            version,
            assurance: Assurance::Signed,
            max_price: 0,
            deadline: self.oracle.now + 10,
            draw_delay: 1,
        };
        let first = self.oracle.requests.len() as u64;
        let items = (0..self.rng.between(33, 50)).map(|_| self.good_item(version)).collect();
        let payer = self.actors[0].clone();
        self.send_batch(&payer, ask, items);
        for _ in 0..3 {
            self.next_block();
        }
        for id in first..self.oracle.requests.len() as u64 {
            let request = &self.oracle.requests[&id];
            if request.state != State::Assigned || request.members[0].answer != Answer::Silent {
                continue;
            }
            let operator = request.members[0].account.clone();
            let key = self.oracle.operators[&operator].worker.clone();
            self.note(format!("{} fails {id}", self.name(&operator)));
            let ok = self.oracle.submit(id, &operator, &key, &WorkerCall::Failure(REASON), true);
            let pair = self.keys[&key].clone();
            self.feeless(common::failure(RequestId(id), &operator, &pair, REASON), ok);
        }
    }
}
