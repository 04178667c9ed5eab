//! The coalition's random moves: bonds, requests, seats, reports, accounts.

use assay_primitives::{
    AnsweredRequest, Assurance, Balance, Possession, RequestId, RequestInput, ResultStatement,
    SignedResult, ASY,
};
use assay_runtime::{constants::MinBond, AccountId, Runtime, RuntimeCall, System};
use pallet_inference::BatchItem;
use sp_runtime::Perbill;

use super::{
    answers::assigned,
    honest::Terms,
    models::{Model, ASKED, MODELS},
    party::Party,
    world::{serve, Sender, Side, World, HONEST_ASK},
};
use crate::common::*;

/// Moves that no rule allows. None of them may ever succeed.
pub const ALWAYS_REFUSED: [&str; 9] = [
    "reveal of a copied commitment",
    "copied appeal",
    "false appeal",
    "report of an honest operator",
    "result in the name of an honest operator",
    "heartbeat of an earlier block",
    "treasury",
    "second registration",
    "bond taken out early",
];

/// Moves that nothing but a lack of money or of room prevents.
pub const NEVER_REFUSED: [&str; 7] = [
    "filled block",
    "royalty",
    "bond taken out",
    "dispute over an own lie",
    "false dispute",
    "lie with an invalid proof",
    "opened lie of a float model",
];

impl World {
    /// Plans a random move of the coalition.
    pub fn plan_move(&mut self) {
        match self.rng.below(100) {
            0..=29 => self.plan_own_request(),
            30..=36 => self.plan_batch(),
            37..=40 => self.plan_cancellation(),
            41..=46 => self.plan_offer(),
            47..=49 => self.plan_withdrawal_of_offer(),
            50..=52 => self.plan_royalty(),
            53..=55 => self.plan_new_worker(),
            56..=58 => self.plan_more_bond(),
            59 => self.plan_unbonding(),
            60..=61 => self.plan_early_withdrawal(),
            62..=63 => self.plan_claim(),
            64..=65 => self.plan_report_of_oneself(),
            66..=67 => self.plan_false_report(),
            68..=70 => self.plan_forged_result(),
            71..=72 => self.plan_second_registration(),
            73..=78 => self.plan_seats(),
            79..=82 => self.plan_filled_block(),
            83..=89 => self.plan_transfer(),
            90..=92 => self.plan_death(),
            93..=94 => self.plan_old_heartbeat(),
            95 => self.plan_treasury(),
            _ => self.plan_dust_request(),
        }
    }

    fn does(&mut self, name: &'static str, index: usize, call: impl Into<RuntimeCall>) {
        self.plan(name, Side::Coalition, Sender::Party(index), call);
    }

    /// An operator of the coalition.
    fn operator(&mut self) -> usize {
        self.rng.pick(&self.coalition.operators).expect("there are operators").0
    }

    fn payer(&mut self) -> usize {
        self.rng.pick(&self.coalition.payers).expect("there are payers")
    }

    /// A request of its own: cheap ones that keep others busy, those with a high price for the
    /// compensation, with the shortest deadlines and the latest draws.
    fn plan_own_request(&mut self) {
        let model = self.rng.pick(&ASKED).expect("there are some");
        let assurance = self.random_assurance(model);
        let size = Balance::from(assurance.committee_size().max(1));
        let price = match self.rng.below(4) {
            0 => 400 * ASY,
            1 => HONEST_ASK / 5,
            _ => 2 * HONEST_ASK,
        };
        let draw_delay = match self.rng.below(12) {
            0 => 17,
            1 => 0,
            2..=4 => self.rng.between(2, 16) as u32,
            _ => 1,
        };
        let shortest = match assurance {
            Assurance::Quorum { .. } => 7,
            _ => 2,
        };
        let patience = shortest + draw_delay + self.rng.below(20) as u32;
        let terms = Terms { assurance, max_price: size * price, patience, draw_delay };
        let call = self.request(model, &terms);
        let payer = self.payer();
        self.does("request", payer, call);
    }

    /// A batch, some of whose items are bad: wrong inputs and client keys that were used.
    fn plan_batch(&mut self) {
        let model = self.rng.pick(&ASKED).expect("there are some");
        let assurance = self.random_assurance(model);
        let size = Balance::from(assurance.committee_size().max(1));
        let only_bad = self.rng.chance(20);
        let mut keys: Vec<[u8; 32]> = Vec::new();
        let mut items = Vec::new();
        for _ in 0..self.rng.between(1, 5) {
            let (input, new) = (self.new_input(model), self.new_key());
            let (input, client_key) = match self.rng.below(4) {
                0 => (vec![1, 2, 3], new),
                _ if only_bad => (vec![1, 2, 3], new),
                1 => (input, keys.last().copied().unwrap_or(new)),
                _ => (input, new),
            };
            keys.push(client_key);
            items.push(BatchItem { input: RequestInput::Inline(bounded(&input)), client_key });
        }
        let call = pallet_inference::Call::<Runtime>::request_batch {
            version: model.version(),
            assurance,
            max_price: size * 2 * HONEST_ASK,
            deadline: System::block_number() + 1 + 10 + self.rng.below(15) as u32,
            draw_delay: 1,
            items: items.try_into().expect("few items"),
        };
        let payer = self.payer();
        self.does("batch", payer, call);
    }

    fn plan_cancellation(&mut self) {
        let next = pallet_inference::NextRequest::<Runtime>::get().0;
        let request = RequestId(next.saturating_sub(self.rng.between(1, 3)));
        let index = pallet_inference::Requests::<Runtime>::get(request)
            .and_then(|record| self.party_of(&record.payer))
            .filter(|index| self.sides[*index] == Side::Coalition)
            .unwrap_or(self.coalition.payers[0]);
        self.does("cancellation", index, pallet_inference::Call::<Runtime>::cancel { request });
    }

    /// A new offer: another price, more or less capacity, or a pause.
    fn plan_offer(&mut self) {
        let model = self.rng.pick(&MODELS).expect("there are five");
        let concurrency = match self.rng.below(10) {
            0 => 0,
            1 => 2_000,
            _ => self.rng.between(1, 64) as u32,
        };
        let (index, ask) = (self.operator(), self.coalitions_ask());
        let response_blocks = self.rng.between(1, 3) as u32;
        self.does("offer", index, serve(model, ask, concurrency, response_blocks));
    }

    fn plan_withdrawal_of_offer(&mut self) {
        let model = self.rng.pick(&MODELS).expect("there are five");
        let index = self.operator();
        let version = model.version();
        self.does("offer withdrawn", index, pallet_operators::Call::withdraw { version });
    }

    /// The coalition's owner raises its royalty, also above what operators accept.
    fn plan_royalty(&mut self) {
        let model = self.rng.pick(&MODELS[1..]).expect("four models are of its owner");
        let royalty = Perbill::from_percent([0, 5, 15, 50][self.rng.below(4) as usize]);
        let call = pallet_model_registry::Call::set_royalty { version: model.version(), royalty };
        self.does("royalty", self.coalition.owner, call);
    }

    fn plan_new_worker(&mut self) {
        let index = self.operator();
        let operator = self.account(index);
        // The party goes on with the old key, so that it is late with what it has not submitted.
        let next = worker(self.rng.below(1 << 20) as u32);
        let possession = sign(&next, &Possession { genesis: GENESIS_HASH, operator });
        let call = pallet_operators::Call::set_worker { worker: public(&next), possession };
        self.new_workers.push((index, next));
        self.does("new worker key", index, call);
    }

    fn plan_more_bond(&mut self) {
        let index = self.operator();
        let amount = self.rng.between(1, 400) as Balance * ASY;
        self.does("more bond", index, pallet_operators::Call::add_bond { amount });
    }

    fn plan_unbonding(&mut self) {
        let index = self.operator();
        self.does("unbonding", index, pallet_operators::Call::unbond {});
    }

    fn plan_early_withdrawal(&mut self) {
        let index = self.operator();
        self.does("bond taken out early", index, pallet_operators::Call::withdraw_bond {});
    }

    fn plan_claim(&mut self) {
        let index = self.payer();
        let due = pallet_settlement::Compensations::<Runtime>::iter_key_prefix(self.account(index));
        let claimable_from = due.min().unwrap_or(1_800);
        let call = pallet_settlement::Call::claim_compensation { claimable_from };
        self.does("compensation", index, call);
    }

    /// Two results of one operator for one request, signed by these keys.
    fn report(&self, id: RequestId, operator: &AccountId, by: &Party) -> RuntimeCall {
        let answered: AnsweredRequest<AccountId> = answered(id);
        let statement = |number: i32| ResultStatement {
            request: answered.hash(),
            output_digest: assay_primitives::digest(&integer_payload(&[number])),
            operator: operator.clone(),
            proof: None,
        };
        let signed = |number| {
            let statement = statement(number);
            SignedResult { signature: sign(&by.worker, &statement), statement, list: None }
        };
        let version = pallet_model_registry::Versions::<Runtime>::get(record(id).version);
        pallet_verification::Call::<Runtime>::report_equivocation {
            worker: public(&by.worker),
            descriptor: Box::new(version.expect("it is in use").descriptor),
            answered: answered.clone(),
            first: signed(1),
            second: signed(2),
            outputs: None,
        }
        .into()
    }

    /// An accomplice reports an operator of the coalition, to bring its bond out of reach of others.
    fn plan_report_of_oneself(&mut self) {
        let (index, reporter) = (self.operator(), self.payer());
        let account = self.account(index);
        let Some(id) = self.rng.pick(&assigned(&account)) else { return };
        let call = self.report(id, &account, &self.parties[index]);
        self.does("report of oneself", reporter, call);
    }

    fn plan_false_report(&mut self) {
        let (forger, reporter) = (self.operator(), self.payer());
        let honest = self.rng.pick(&self.honest_operators).expect("there are three");
        let account = self.account(honest);
        let Some(id) = self.rng.pick(&assigned(&account)) else { return };
        let call = self.report(id, &account, &self.parties[forger]);
        self.does("report of an honest operator", reporter, call);
    }

    fn plan_forged_result(&mut self) {
        let forger = self.operator();
        let honest = self.rng.pick(&self.honest_operators).expect("there are three");
        let account = self.account(honest);
        let Some(id) = self.rng.pick(&assigned(&account)) else { return };
        let call = result(id, &account, &self.parties[forger].worker, &self.lie(forger, id));
        let name = "result in the name of an honest operator";
        self.plan(name, Side::Coalition, Sender::Worker, call);
    }

    fn plan_second_registration(&mut self) {
        let index = self.operator();
        let new = worker(self.rng.below(1 << 20) as u32);
        let call = register(&self.account(index), &new, MinBond::get());
        self.does("second registration", index, call);
    }

    /// Accounts with the smallest bond take the seats of a model.
    fn plan_seats(&mut self) {
        let ask = self.coalitions_ask();
        for _ in 0..8 {
            let used = self.coalition.used_sybils;
            let Some(index) = self.coalition.sybils.get(used).copied() else { break };
            self.coalition.used_sybils += 1;
            let party = &self.parties[index];
            let call = register(&party.account(), &party.worker, MinBond::get());
            self.does("registration", index, call);
            self.does("seat", index, serve(Model::Sum, ask, 1, 1));
        }
        // Those that found no seat try again.
        if let Some(index) = self.rng.pick(&self.coalition.sybils) {
            self.does("seat", index, serve(Model::Sum, ask, 1, 1));
        }
    }

    /// Bytes that fill the block.
    fn plan_filled_block(&mut self) {
        let index = self.payer();
        for _ in 0..3 {
            let remark = vec![0; 1_200 * 1_024];
            self.does("filled block", index, frame_system::Call::<Runtime>::remark { remark });
        }
    }

    /// Sends money between accounts, also less than an account can have.
    fn plan_transfer(&mut self) {
        let (from, to) = (self.payer(), self.spare());
        let value = match self.rng.below(4) {
            0 => ASY / 10_000,
            1 => 1,
            _ => ASY / 100 * self.rng.between(1, 100) as Balance,
        };
        let dest = self.account(to).into();
        let call = pallet_balances::Call::<Runtime>::transfer_allow_death { dest, value };
        self.does("transfer", from, call);
    }

    fn spare(&mut self) -> usize {
        self.rng.pick(&self.coalition.spare).expect("there are some")
    }

    /// An account sends everything away that is not held, and may die.
    fn plan_death(&mut self) {
        let from = self.spare();
        let dest = self.account(self.coalition.payers[0]).into();
        let call = pallet_balances::Call::<Runtime>::transfer_all { dest, keep_alive: false };
        self.does("account emptied", from, call);
    }

    fn plan_old_heartbeat(&mut self) {
        let index = self.operator();
        let at = System::block_number().saturating_sub(20);
        let call = heartbeat(&self.account(index), &self.parties[index].worker, at);
        self.plan("heartbeat of an earlier block", Side::Coalition, Sender::Worker, call);
    }

    fn plan_treasury(&mut self) {
        let index = self.payer();
        let to = self.account(index);
        let call = pallet_settlement::Call::<Runtime>::spend_treasury { to, amount: ASY };
        self.does("treasury", index, call);
    }

    /// A request of an account that has little else, at a price below the existential deposit.
    fn plan_dust_request(&mut self) {
        let payer = self.spare();
        let terms =
            Terms { assurance: Assurance::Signed, max_price: 1, patience: 10, draw_delay: 1 };
        if self.rng.chance(50) {
            let index = self.operator();
            return self.does("offer", index, serve(Model::Sum, 1, 64, 1));
        }
        let call = self.request(Model::Sum, &terms);
        self.does("request of one planck", payer, call);
    }
}
