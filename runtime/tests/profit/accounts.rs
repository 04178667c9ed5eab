//! What everyone has at the end, and what each may have at most or must have at least.
//!
//! The sums follow from what was submitted and from the amounts that the documents state. They use
//! nothing that the chain has computed about money, but prices that operators asked and fees.

use std::collections::BTreeMap;

use assay_primitives::{
    runtime_api::Status, Assurance, Balance, Outcome, RejectReason, RequestId, SignedEvidence, ASY,
};
use assay_runtime::{AccountId, Balances, Runtime, System};
use pallet_inference::{FinishedRequest, Request};
use pallet_settlement::HoldReason;

use super::{
    facts::Ending,
    models::digest_of,
    world::{Sender, Side, World, HONEST_ROYALTY},
};
use crate::common::*;

/// For a wrong result that a dispute, an appeal or an invalid proof shows.
const WRONG_RESULT: Balance = 300 * ASY;
/// For no answer in time.
const NO_ANSWER: Balance = 10 * ASY;
/// On top, for a lost dispute or appeal. The challenger or the appellant gets it.
const REWARD: Balance = 30 * ASY;
/// The payer gets at most one part in so many of a penalty.
const COMPENSATION_PARTS: Balance = 10;
/// The treasury gets one part in so many of each price.
const TREASURY_PARTS: Balance = 20;
/// Blocks until a bond and compensations can be taken out.
const UNBONDING_BLOCKS: u32 = 43_200 + 1_800;
/// The measured price of room may exceed what was paid by one part in so many: the fee multiplier
/// moves between an answer and the end of its request, and transactions have extensions.
const ROOM_PARTS: Balance = 10;
/// Enough for the fees of a few transactions.
const FEES: Balance = ASY;
/// Everyone must have taken out bonds and compensations within this many blocks.
const MOST_REPETITIONS: u32 = 10;
/// Why money of an account can be held at the end.
const REASONS: [HoldReason; 4] =
    [HoldReason::Escrow, HoldReason::Bond, HoldReason::Dispute, HoldReason::Compensation];

type Finished = FinishedRequest<AccountId, <Runtime as pallet_inference::Config>::MaxOutputBytes>;

/// The sums over a run.
#[derive(Default)]
pub struct Books {
    /// What each account has gained at the end, fees of transactions not counted.
    gains: BTreeMap<AccountId, i128>,
    /// Penalties of each operator.
    penalties: BTreeMap<AccountId, Balance>,
    /// What honest payers paid to the coalition for right results, in plancks.
    pub earned: Balance,
    /// The same for wrong results, in classes in which nothing can show them to be wrong.
    pub taken: Balance,
    /// Penalties of the coalition.
    pub lost: Balance,
    /// What requests paid for the room of their answers.
    room: Balance,
}

impl Books {
    fn add(&mut self, account: &AccountId, amount: Balance) {
        *self.gains.entry(account.clone()).or_default() += amount as i128;
    }

    fn take(&mut self, account: &AccountId, amount: Balance) {
        *self.gains.entry(account.clone()).or_default() -= amount as i128;
    }

    fn penalise(&mut self, operator: &AccountId, amount: Balance) {
        *self.penalties.entry(operator.clone()).or_default() += amount;
    }
}

/// The penalty of a member of a committee.
struct Penalty {
    operator: AccountId,
    amount: Balance,
    /// Whether a part of it compensates the payer.
    compensates: bool,
}

impl World {
    /// Takes out bonds and compensations, when everything has ended.
    pub fn take_everything_out(&mut self) {
        self.has_author = false;
        self.repeat_until_done(|world, index| {
            let info = pallet_operators::Operators::<Runtime>::get(world.account(index));
            if info.is_some_and(|info| info.unbonding_until.is_none()) {
                let call = pallet_operators::Call::unbond {};
                world.plan("unbonding", world.sides[index], Sender::Party(index), call);
            }
        });
        // Nothing happens until then, so the heights need not be passed one by one.
        System::set_block_number(System::block_number() + UNBONDING_BLOCKS);
        self.repeat_until_done(|world, index| {
            let (account, side) = (world.account(index), world.sides[index]);
            if pallet_operators::Operators::<Runtime>::contains_key(&account) {
                let call = pallet_operators::Call::withdraw_bond {};
                world.plan("bond taken out", side, Sender::Party(index), call);
            }
            let due = pallet_settlement::Compensations::<Runtime>::iter_key_prefix(&account);
            let due: Vec<_> = due.collect();
            if !due.is_empty() && free(&account) < FEES {
                world.plan_fees(index);
            }
            for claimable_from in due {
                let call = pallet_settlement::Call::claim_compensation { claimable_from };
                world.plan("compensation", side, Sender::Party(index), call);
            }
        });
    }

    /// Somebody on its side pays the fees of an account that has nothing else than a compensation.
    fn plan_fees(&mut self, index: usize) {
        let side = self.sides[index];
        let others = (0..self.parties.len()).filter(|other| self.sides[*other] == side);
        let richest =
            others.max_by_key(|other| free(&self.account(*other))).expect("it has a side");
        let dest = self.account(index).into();
        let call = pallet_balances::Call::<Runtime>::transfer_allow_death { dest, value: FEES };
        self.plan("transfer", side, Sender::Party(richest), call);
    }

    /// Makes blocks until no party plans anything. A block that starts an epoch has no room for
    /// transactions.
    fn repeat_until_done(&mut self, plan: impl Fn(&mut Self, usize)) {
        for _ in 0..MOST_REPETITIONS {
            (0..self.parties.len()).for_each(|index| plan(self, index));
            if self.planned.is_empty() {
                return;
            }
            self.make_block();
        }
        panic!("somebody cannot take out what is theirs");
    }

    /// Checks every request and every dispute, and counts what they brought to whom.
    pub fn count(&self) -> Books {
        let mut books = Books::default();
        let next = pallet_inference::NextRequest::<Runtime>::get().0;
        for id in (0..next).map(RequestId) {
            self.count_request(id, &mut books);
        }
        self.count_contests(&mut books);
        self.count_appeals(&mut books);
        self.count_penalties(&mut books);
        books
    }

    /// Compares what everyone has with the books.
    pub fn compare(&self, books: &Books) {
        self.check_conservation(books);
        for index in 0..self.parties.len() {
            self.check_held(index);
            if self.sides[index] == Side::Honest {
                self.check_honest(index, books);
            }
        }
        self.check_seats();
        self.check_coalition(books);
    }

    /// One request: who paid what to whom, and who was penalised.
    fn count_request(&self, id: RequestId, books: &mut Books) {
        let request = record(id);
        let kept = pallet_inference::Results::<Runtime>::get(id).expect("it has ended");
        let Status::Final(outcome) = request.status else { panic!("{id} has not ended") };
        self.check_room(id, request.fee);
        books.take(&request.payer, request.fee);
        books.room += request.fee;
        if outcome == Outcome::Verified {
            self.check_verdict(id, &request, &kept);
            self.count_payment(id, &request, &kept, books);
        }
        for penalty in self.penalties(id, &request, &kept, outcome) {
            self.count_penalty(&request, &penalty, books);
        }
    }

    /// Answers pay for the room that they take in blocks, those of a list for their share of it.
    fn check_room(&self, id: RequestId, fee: Balance) {
        let room = self.facts.room.get(&id).copied().unwrap_or_default();
        assert!(
            fee + fee / ROOM_PARTS >= room,
            "the answers of {id} took room for {room} and paid {fee}"
        );
    }

    /// A wrong result is verified only in class `Signed`, and in a quorum of which the coalition has
    /// enough members. If an honest member can prove it wrong, it does.
    fn check_verdict(&self, id: RequestId, request: &Request<AccountId>, kept: &Finished) {
        let right = digest_of(&self.truth(id));
        if self.is_right(id, kept) {
            return;
        }
        match request.assurance {
            Assurance::Signed => {},
            Assurance::Quorum { k, .. } => {
                let members = request.accounts();
                let ours = members.iter().filter(|member| self.is_coalitions(member)).count();
                assert!(ours >= usize::from(k), "{id}: a lie won with {ours} liars");
                let has_witness = kept
                    .evidence
                    .iter()
                    .any(|item| item.output_digest == right && !self.is_coalitions(&item.operator));
                assert!(
                    !(request.appealable && has_witness) || self.facts.appeals.contains_key(&id),
                    "{id}: nobody was penalised for a lie that was proven"
                );
            },
            class => panic!("{id}: a lie was verified in class {class:?}"),
        }
    }

    /// Whether the result of a request counts as equal to the right one.
    fn is_right(&self, id: RequestId, kept: &Finished) -> bool {
        let (model, input) = self.asked(id);
        let right = digest_of(&self.truth(id));
        kept.receipt.output_digest.is_some_and(|winner| model.are_equal(input, winner, right))
    }

    /// The members whose results won share the price with the owner and the treasury.
    fn count_payment(
        &self,
        id: RequestId,
        request: &Request<AccountId>,
        kept: &Finished,
        books: &mut Books,
    ) {
        let (model, input) = self.asked(id);
        let winner = kept.receipt.output_digest.expect("it is verified");
        let is_right = self.is_right(id, kept);
        let from_honest = !self.is_coalitions(&request.payer);
        let mut price = 0;
        for member in &request.members {
            let agrees = |item: &SignedEvidence<_>| {
                item.operator == member.account
                    && model.are_equal(input, item.output_digest, winner)
            };
            if !kept.evidence.iter().any(agrees) {
                continue;
            }
            price += member.ask;
            let treasury = member.ask / TREASURY_PARTS;
            let royalty = request.royalty.mul_floor(member.ask);
            let royalty = royalty.min(member.ask - treasury);
            let own = member.ask - treasury - royalty;
            for (to, amount) in [(&member.account, own), (&request.royalty_to, royalty)] {
                books.add(to, amount);
                if from_honest && self.is_coalitions(to) {
                    *if is_right { &mut books.earned } else { &mut books.taken } += amount;
                }
            }
            if !self.is_coalitions(&member.account) {
                let most = HONEST_ROYALTY as Balance * member.ask / 100;
                assert!(royalty <= most, "{id}: an honest operator paid a royalty of {royalty}");
            }
        }
        assert!(price <= request.max_price, "{id} cost {price}");
        books.take(&request.payer, price);
    }

    /// The penalties that the documents state for what the members did.
    fn penalties(
        &self,
        id: RequestId,
        request: &Request<AccountId>,
        kept: &Finished,
        outcome: Outcome,
    ) -> Vec<Penalty> {
        let of = |operator: &AccountId, amount, compensates| Penalty {
            operator: operator.clone(),
            amount,
            compensates,
        };
        let members = request.accounts();
        match (request.assurance, outcome) {
            (_, Outcome::Rejected(RejectReason::Disputed | RejectReason::InvalidProof)) => {
                vec![of(&members[0], WRONG_RESULT, true)]
            },
            (
                Assurance::Quorum { k, .. },
                Outcome::Verified
                | Outcome::TimedOut
                | Outcome::Rejected(RejectReason::NoAgreement),
            ) => {
                let committed =
                    |member: &AccountId| self.facts.commitments.contains(&(id, member.clone()));
                let were_due =
                    members.iter().filter(|one| committed(one)).count() >= usize::from(k);
                let silent = members.iter().filter(|member| {
                    let answered = kept.evidence.iter().any(|item| item.operator == **member);
                    let failed = self.facts.failures.contains(&(id, (*member).clone()));
                    !answered && !failed
                });
                silent
                    .filter_map(|member| match committed(member) {
                        false => Some(of(member, NO_ANSWER, true)),
                        true if !were_due => None,
                        true if request.appealable => Some(of(member, WRONG_RESULT, false)),
                        true => Some(of(member, NO_ANSWER, true)),
                    })
                    .collect()
            },
            (_, Outcome::TimedOut) => {
                members.iter().map(|member| of(member, NO_ANSWER, true)).collect()
            },
            _ => Vec::new(),
        }
    }

    /// A penalty, and the compensation of the payer.
    fn count_penalty(&self, request: &Request<AccountId>, penalty: &Penalty, books: &mut Books) {
        let Penalty { operator, amount, compensates } = penalty;
        books.penalise(operator, *amount);
        let size = Balance::from(request.assurance.committee_size().max(1));
        let most = (amount / COMPENSATION_PARTS).min(request.max_price / size);
        if *compensates && request.payer != *operator {
            books.add(&request.payer, most);
        }
    }

    /// The bonds of challengers, and their rewards.
    fn count_contests(&self, books: &mut Books) {
        for (id, contest) in &self.facts.contests {
            let (challenger, operator) = (&contest.challenger, &contest.operator);
            match contest.ending.unwrap_or_else(|| panic!("dispute {id:?} has not ended")) {
                Ending::Won => {
                    books.penalise(operator, REWARD);
                    if challenger != operator {
                        books.add(challenger, REWARD);
                    }
                },
                Ending::Lost => {
                    books.take(challenger, contest.bond);
                    books.add(operator, contest.bond / 2);
                },
                Ending::Void(spent) => {
                    let room = contest.moves.min(contest.bond);
                    assert!(
                        spent + spent / ROOM_PARTS >= room,
                        "dispute {id:?} took room for {room} and paid {spent}"
                    );
                    books.take(challenger, spent);
                },
            }
        }
    }

    /// Appeals cost every member with another result.
    fn count_appeals(&self, books: &mut Books) {
        for (id, (appellant, right)) in &self.facts.appeals {
            assert_eq!(*right, digest_of(&self.truth(*id)), "{id}: a wrong output was proven");
            let kept = pallet_inference::Results::<Runtime>::get(id).expect("it is kept");
            for item in kept.evidence.iter().filter(|item| item.output_digest != *right) {
                let penalty = Penalty {
                    operator: item.operator.clone(),
                    amount: WRONG_RESULT,
                    compensates: true,
                };
                self.count_penalty(&record(*id), &penalty, books);
                books.penalise(&item.operator, REWARD);
                if *appellant != item.operator {
                    books.add(appellant, REWARD);
                }
            }
        }
    }

    /// Takes the penalties from the operators. Each result has a part of the bond that nothing else
    /// can take, so all are paid. Who has signed two results loses all that it had bonded until then.
    fn count_penalties(&self, books: &mut Books) {
        for (operator, bonded) in &self.facts.bonded {
            let penalties = books.penalties.get(operator).copied().unwrap_or_default();
            let loss = match self.facts.equivocations.get(operator) {
                Some(before) => penalties.min(*bonded).max(*before),
                None => penalties,
            };
            books.take(operator, loss);
            if self.is_coalitions(operator) {
                books.lost += loss;
            }
        }
    }

    fn fees(&self, account: &AccountId) -> i128 {
        self.facts.fees.get(account).copied().unwrap_or_default() as i128
    }

    /// What an account has gained.
    fn gain(&self, index: usize) -> i128 {
        self.parties[index].wealth() as i128 - self.before[index] as i128
    }

    /// What an account has gained by the books.
    fn booked(&self, index: usize, books: &Books) -> i128 {
        let account = self.account(index);
        books.gains.get(&account).copied().unwrap_or_default() - self.fees(&account)
    }

    /// Besides the treasury's part of fees, which `close_block` checks, money is burnt as fees and with
    /// accounts that die, and neither made nor lost otherwise.
    fn check_conservation(&self, books: &Books) {
        let fees: Balance = self.facts.fees.values().sum();
        let burnt = self.issuance - issuance_without_fees();
        assert_eq!(burnt, fees + books.room + self.facts.dust, "money was made or lost");
        let everyone: Balance = frame_system::Account::<Runtime>::iter_values()
            .map(|info| info.data.free + info.data.reserved)
            .sum();
        assert_eq!(everyone, Balances::total_issuance(), "the balances do not add up");
    }

    /// Nothing but deposits is held at the end.
    fn check_held(&self, index: usize) {
        for reason in REASONS {
            let held = pallet_settlement::Pallet::<Runtime>::held(reason, &self.account(index));
            assert_eq!(held, 0, "party {index} cannot take out what is held for {reason:?}");
        }
    }

    /// An honest party has what it earned, and has lost nothing but its fees, the prices of verified
    /// results and, as a challenger whose dispute another one has decided, the room of the moves.
    fn check_honest(&self, index: usize, books: &Books) {
        let (gain, booked) = (self.gain(index), self.booked(index, books));
        assert_eq!(gain, booked, "honest party {index}");
        let penalties = books.penalties.get(&self.account(index));
        assert_eq!(penalties, None, "honest party {index} did something wrong");
    }

    /// Honest operators have more at stake than each account that took a seat.
    fn check_seats(&self) {
        for index in &self.honest_operators {
            let account = self.account(*index);
            let lost = self.facts.evicted.iter().find(|(operator, _)| *operator == account);
            assert_eq!(lost, None, "honest operator {index} lost its seat");
        }
    }

    /// The coalition has no more than it had, and what honest payers paid it for verified results,
    /// less its fees, its payments to others, and all its penalties.
    fn check_coalition(&self, books: &Books) {
        let ours = (0..self.parties.len()).filter(|index| self.sides[*index] == Side::Coalition);
        let (mut gain, mut most) = (0, 0);
        for index in ours {
            gain += self.gain(index);
            most += self.booked(index, books);
        }
        assert!(gain <= most, "the coalition gained {gain}, by the books {most}");
        let paid = (books.earned + books.taken) as i128;
        assert!(gain <= paid, "the coalition gained {gain}, honest payers paid it {paid}");
    }

    /// How far accounts are from the books, for the log: of honest parties, and of the coalition.
    pub fn slack(&self, books: &Books) -> [i128; 2] {
        [Side::Honest, Side::Coalition].map(|side| {
            let parties = (0..self.parties.len()).filter(|index| self.sides[*index] == side);
            parties.map(|index| self.gain(index) - self.booked(index, books)).sum()
        })
    }
}
