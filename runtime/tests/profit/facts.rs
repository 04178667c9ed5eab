//! What has happened in a run, from the calls that were included and the events of the disputes.

use std::collections::{BTreeMap, BTreeSet};

use assay_primitives::{
    dispute::DisputeId, runtime_api::Status, Balance, Digest, RequestId, VersionId,
};
use assay_runtime::{AccountId, Runtime, RuntimeCall, RuntimeEvent};
use pallet_inference::Call as Inference;
use pallet_transaction_payment::NextFeeMultiplier;
use sp_runtime::FixedU128;

use super::world::price;
use crate::common::*;

/// How a dispute has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    Won,
    Lost,
    /// Another one was won. The price of the operator's moves was taken from the bond.
    Void(Balance),
}

/// A dispute.
#[derive(Clone, Debug)]
pub struct Contest {
    pub request: RequestId,
    pub operator: AccountId,
    pub challenger: AccountId,
    pub bond: Balance,
    /// The price of the operator's moves, as measured.
    pub moves: Balance,
    pub ending: Option<Ending>,
}

/// What has happened.
#[derive(Default)]
pub struct Facts {
    pub commitments: BTreeSet<(RequestId, AccountId)>,
    pub failures: BTreeSet<(RequestId, AccountId)>,
    pub contests: BTreeMap<DisputeId, Contest>,
    /// Who has appealed, and the right output.
    pub appeals: BTreeMap<RequestId, (AccountId, Digest)>,
    /// All that operators have ever bonded.
    pub bonded: BTreeMap<AccountId, Balance>,
    /// Operators that were shown to have signed two results, and what they had bonded until then.
    pub equivocations: BTreeMap<AccountId, Balance>,
    /// The price of the room that the counted answers of a request took.
    pub room: BTreeMap<RequestId, Balance>,
    /// Fees of transactions, by payer.
    pub fees: BTreeMap<AccountId, Balance>,
    /// Balances of dead accounts, which were burnt.
    pub dust: Balance,
    /// Operators that have lost a seat to others.
    pub evicted: BTreeSet<(AccountId, VersionId)>,
    /// The fee multiplier of the next block.
    pub multiplier: FixedU128,
}

impl Facts {
    /// The requests that wait for the answers in a call.
    pub fn awaited(call: &RuntimeCall) -> Vec<RequestId> {
        let RuntimeCall::Inference(Inference::submit_results { operator, results, .. }) = call
        else {
            return Vec::new();
        };
        let awaits = |id: &RequestId| {
            pallet_inference::Requests::<Runtime>::get(id).is_some_and(|request| {
                request.status == Status::Assigned && request.accounts().contains(operator)
            })
        };
        results.iter().map(|result| result.request).filter(awaits).collect()
    }

    /// Notes a call that was included. It took this much time and this many bytes.
    pub fn note(
        &mut self,
        sender: Option<AccountId>,
        call: &RuntimeCall,
        awaited: &[RequestId],
        time: u64,
        bytes: usize,
    ) {
        let cost = price(self.multiplier, time, bytes);
        match call {
            RuntimeCall::Inference(call) => self.note_answer(sender, call, awaited, cost),
            RuntimeCall::Operators(pallet_operators::Call::add_bond { amount }) => {
                *self.bonded.entry(sender.expect("signed")).or_default() += amount;
            },
            RuntimeCall::Operators(pallet_operators::Call::register { bond, .. }) => {
                *self.bonded.entry(sender.expect("signed")).or_default() += bond;
            },
            RuntimeCall::Disputes(pallet_disputes::Call::answer { dispute, .. }) => {
                if let Some(contest) = self.contests.get_mut(dispute) {
                    contest.moves += cost;
                }
            },
            RuntimeCall::Verification(pallet_verification::Call::report_equivocation {
                first,
                ..
            }) => {
                let operator = first.statement.operator.clone();
                let bonded = self.bonded.get(&operator).copied().unwrap_or_default();
                self.equivocations.insert(operator, bonded);
            },
            _ => {},
        }
    }

    fn note_answer(
        &mut self,
        sender: Option<AccountId>,
        call: &Inference<Runtime>,
        awaited: &[RequestId],
        cost: Balance,
    ) {
        match call {
            Inference::submit_results { results, .. } => {
                let share = cost / results.len() as Balance;
                for id in awaited {
                    *self.room.entry(*id).or_default() += share;
                }
            },
            Inference::submit_commitment { request, operator, .. } => {
                self.commitments.insert((*request, operator.clone()));
                *self.room.entry(*request).or_default() += cost;
            },
            Inference::report_failure { request, operator, .. } => {
                self.failures.insert((*request, operator.clone()));
                *self.room.entry(*request).or_default() += cost;
            },
            Inference::submit_result { request, .. }
            | Inference::submit_reveal { request, .. }
            | Inference::submit_proof { request, .. }
            | Inference::submit_trace { request, .. } => {
                *self.room.entry(*request).or_default() += cost;
            },
            Inference::appeal { request, output, .. } => {
                let appeal = (sender.expect("signed"), assay_primitives::digest(output));
                self.appeals.insert(*request, appeal);
            },
            _ => {},
        }
    }

    /// Reads the events of the last block.
    pub fn read_events(&mut self) {
        self.multiplier = NextFeeMultiplier::<Runtime>::get();
        for event in events() {
            match event {
                RuntimeEvent::TransactionPayment(
                    pallet_transaction_payment::Event::TransactionFeePaid {
                        who, actual_fee, ..
                    },
                ) => *self.fees.entry(who).or_default() += actual_fee,
                RuntimeEvent::Balances(pallet_balances::Event::DustLost { amount, .. }) => {
                    self.dust += amount;
                },
                RuntimeEvent::Operators(pallet_operators::Event::Evicted {
                    operator,
                    version,
                    ..
                }) => {
                    self.evicted.insert((operator, version));
                },
                RuntimeEvent::Disputes(event) => self.read_dispute(event),
                _ => {},
            }
        }
    }

    fn read_dispute(&mut self, event: pallet_disputes::Event<Runtime>) {
        use pallet_disputes::Event::{Lost, Opened, Void, Won};
        let (dispute, ending) = match event {
            Opened { dispute, request, operator, challenger, bond, .. } => {
                let contest =
                    Contest { request, operator, challenger, bond, moves: 0, ending: None };
                self.contests.insert(dispute, contest);
                return;
            },
            Won { dispute, .. } => (dispute, Ending::Won),
            Lost { dispute, .. } => (dispute, Ending::Lost),
            Void { dispute, spent } => (dispute, Ending::Void(spent)),
            _ => return,
        };
        self.contests.get_mut(&dispute).expect("it was opened").ending = Some(ending);
    }
}
