//! The chain with its parties, and blocks of what they plan.

use std::collections::BTreeMap;

use assay_primitives::{worker_crypto, Balance, Digest, RequestId, ASY};
use assay_runtime::{
    configs::system::RuntimeBlockWeights, AccountId, Executive, Runtime, RuntimeCall, System,
};
use codec::Encode;
use frame_support::dispatch::DispatchClass;
use pallet_transaction_payment::NextFeeMultiplier;
use sp_runtime::{transaction_validity::TransactionValidityError, FixedPointNumber, Perbill};

use super::{
    accounts::Books,
    coalition::Coalition,
    facts::Facts,
    models::{Model, MODELS},
    party::Party,
    rng::Rng,
};
use crate::common::*;

/// One of this many slots in a row belongs to the coalition's validator, if it has one.
const VALIDATORS: u32 = 4;
/// Every request and dispute must end within this many blocks without new ones.
const PATIENCE_BLOCKS: u32 = 900;
/// Calls of more bytes are not in the log.
const LONG_CALL: usize = 1_000;
/// What each honest operator asks, at most.
pub const HONEST_ASK: Balance = ASY;
/// Blocks in which an honest operator answers, though one author in four leaves its answers out.
const HONEST_RESPONSE_BLOCKS: u32 = 3;
/// The largest royalty at which honest operators work, in percent.
pub const HONEST_ROYALTY: u32 = 15;
/// The bond of each honest operator.
const HONEST_BOND: Balance = 5_000 * ASY;

/// Whether a party keeps to the protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    Honest,
    Coalition,
}

/// Who sends a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// Nobody: a worker has signed what is in it.
    Worker,
    /// The party with this index.
    Party(usize),
}

/// A call that a party wants in the next block.
#[derive(Clone)]
pub struct Planned {
    /// The name of the move.
    pub name: &'static str,
    pub side: Side,
    pub sender: Sender,
    pub call: RuntimeCall,
}

/// How often each move was made: included with success, and refused.
pub type Tally = BTreeMap<&'static str, (u32, u32)>;

/// A run.
pub struct World {
    pub rng: Rng,
    pub parties: Vec<Party>,
    pub sides: Vec<Side>,
    pub honest_payers: Vec<usize>,
    pub honest_operators: Vec<usize>,
    pub honest_challenger: usize,
    pub honest_owner: usize,
    pub coalition: Coalition,
    /// The input of each request, by its digest.
    pub inputs: BTreeMap<Digest, Vec<u8>>,
    /// The calls for the next block.
    pub planned: Vec<Planned>,
    /// New worker keys of operators, if the chain accepts them.
    pub new_workers: Vec<(usize, worker_crypto::Pair)>,
    pub facts: Facts,
    pub tally: Tally,
    /// What everyone owned at the begin.
    pub before: Vec<Balance>,
    pub issuance: Balance,
    /// The log, for failures.
    log: Vec<String>,
    seed: u64,
    /// Whether one of the validators belongs to the coalition.
    pub has_author: bool,
    /// Counter for client keys.
    serial: u32,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} failed after:", self.seed);
            for line in &self.log {
                eprintln!("  {line}");
            }
            eprintln!("ASSAY_PROFIT_SEED={} repeats it", self.seed);
        }
    }
}

impl World {
    /// Publishes the models, registers the operators, and counts what everyone has.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut parties = Vec::new();
        let mut sides = Vec::new();
        let mut add = |side: Side, name: &str, balance: Balance| {
            parties.push(Party::new(name, balance));
            sides.push(side);
            parties.len() - 1
        };
        let honest_owner = add(Side::Honest, "honest owner", 100 * ASY);
        let mut honest = |name: &str, balance| add(Side::Honest, name, balance);
        let honest_payers = vec![honest("payer 1", 2_000 * ASY), honest("payer 2", 2_000 * ASY)];
        let honest_operators: Vec<_> = ["honest 1", "honest 2", "honest 3"]
            .map(|name| honest(name, HONEST_BOND + 1_000 * ASY))
            .to_vec();
        let honest_challenger = honest("challenger", 10_000 * ASY);
        let coalition =
            Coalition::new(&mut rng, |name, balance| add(Side::Coalition, name, balance));
        let has_author = rng.chance(50);
        let mut world = Self {
            rng,
            parties,
            sides,
            honest_payers,
            honest_operators,
            honest_challenger,
            honest_owner,
            coalition,
            inputs: BTreeMap::new(),
            planned: Vec::new(),
            new_workers: Vec::new(),
            facts: Facts::default(),
            tally: Tally::new(),
            before: Vec::new(),
            issuance: 0,
            log: Vec::new(),
            seed,
            has_author,
            serial: 0,
        };
        world.prepare();
        world
    }

    fn prepare(&mut self) {
        for model in MODELS {
            let (owner, royalty) = match model {
                Model::Sum => (self.honest_owner, 10),
                _ => (self.coalition.owner, 5),
            };
            model.publish(&self.parties[owner], Perbill::from_percent(royalty));
        }
        for index in self.honest_operators.clone() {
            let ask = HONEST_ASK - self.rng.below(10) as Balance * ASY / 20;
            self.parties[index].register(HONEST_BOND);
            for model in MODELS {
                self.parties[index].submit(serve(model, ask, 64, HONEST_RESPONSE_BLOCKS));
            }
        }
        for (index, bond) in self.coalition.operators.clone() {
            self.parties[index].register(bond);
            for model in MODELS {
                let ask = self.coalitions_ask();
                self.parties[index].submit(serve(model, ask, 64, 1));
            }
        }
        self.before = self.parties.iter().map(Party::wealth).collect();
        self.issuance = issuance_without_fees();
        for (party, account) in self.parties.iter().map(|party| (party, party.account())) {
            self.facts.bonded.insert(account, party.bond());
        }
        // The fees of the last block were paid before.
        self.facts.multiplier = NextFeeMultiplier::<Runtime>::get();
    }

    /// What a coalition's operator asks: about as much as honest ones.
    pub fn coalitions_ask(&mut self) -> Balance {
        HONEST_ASK / 10 + self.rng.below(20) as Balance * ASY / 20
    }

    /// The account of a party.
    pub fn account(&self, index: usize) -> AccountId {
        self.parties[index].account()
    }

    /// The party of an account.
    pub fn party_of(&self, account: &AccountId) -> Option<usize> {
        self.parties.iter().position(|party| party.account() == *account)
    }

    /// Whether an account belongs to the coalition.
    pub fn is_coalitions(&self, account: &AccountId) -> bool {
        self.party_of(account).is_some_and(|index| self.sides[index] == Side::Coalition)
    }

    /// The model and the input of a request.
    pub fn asked(&self, id: RequestId) -> (Model, &[u8]) {
        let record = record(id);
        (Model::of(record.version), &self.inputs[&record.input_digest][..])
    }

    /// The right output of a request.
    pub fn truth(&self, id: RequestId) -> Vec<u8> {
        let (model, input) = self.asked(id);
        model.truth(input)
    }

    /// A new input of a model.
    pub fn new_input(&mut self, model: Model) -> Vec<u8> {
        let input = model.input(&mut self.rng);
        self.inputs.insert(assay_primitives::digest(&input), input.clone());
        input
    }

    /// A client key that nobody has used.
    pub fn new_key(&mut self) -> [u8; 32] {
        self.serial += 1;
        sp_io::hashing::blake2_256(&self.serial.encode())
    }

    /// Plans a call for the next block.
    pub fn plan(
        &mut self,
        name: &'static str,
        side: Side,
        sender: Sender,
        call: impl Into<RuntimeCall>,
    ) {
        self.planned.push(Planned { name, side, sender, call: call.into() });
    }

    /// Whether the coalition makes the next block.
    fn coalition_is_author(&self) -> bool {
        self.has_author && (System::block_number() + 1).is_multiple_of(VALIDATORS)
    }

    /// The order of the planned calls. Honest authors take workers' calls first, as the pool does. An
    /// author of the coalition takes its own calls first, and may leave the others out.
    fn order(&mut self) -> Vec<Planned> {
        let mut planned = std::mem::take(&mut self.planned);
        if self.coalition_is_author() {
            let leaves_out = self.rng.chance(50);
            planned.retain(|one| one.side == Side::Coalition || !leaves_out);
            planned.sort_by_key(|one| one.side == Side::Honest);
            return planned;
        }
        let coalition_is_faster = self.rng.chance(50);
        planned.sort_by_key(|one| {
            let is_slow = (one.side == Side::Honest) == coalition_is_faster;
            (one.sender != Sender::Worker, is_slow)
        });
        planned
    }

    /// Makes the next block of everything that is planned.
    pub fn make_block(&mut self) {
        let planned = self.order();
        open_block();
        for one in planned {
            self.include(one);
        }
        close_block();
        self.facts.read_events();
        for (index, worker) in std::mem::take(&mut self.new_workers) {
            let info = pallet_operators::Operators::<Runtime>::get(self.account(index));
            if info.is_some_and(|info| info.worker == public(&worker)) {
                self.parties[index].worker = worker;
            }
        }
    }

    /// Includes a call in the open block, and notes what it was.
    fn include(&mut self, Planned { name, sender, call, .. }: Planned) {
        let transaction = match sender {
            Sender::Worker => general(call.clone()),
            Sender::Party(index) => self.parties[index].signed(call.clone()),
        };
        let sender = match sender {
            Sender::Worker => None,
            Sender::Party(index) => Some(self.account(index)),
        };
        let awaited = Facts::awaited(&call);
        let (bytes, filled) = (transaction.encoded_size(), used());
        let result = Executive::apply_extrinsic(transaction);
        let (done, refused) = self.tally.entry(name).or_default();
        if result == Ok(Ok(())) {
            *done += 1;
            let base = RuntimeBlockWeights::get().get(DispatchClass::Normal).base_extrinsic;
            let time = (used() - filled).saturating_sub(base.ref_time());
            self.facts.note(sender, &call, &awaited, time, bytes);
        } else {
            *refused += 1;
        }
        let verdict = match result {
            Ok(Ok(())) => "done".into(),
            Ok(Err(refused)) => format!("{refused:?}"),
            Err(TransactionValidityError::Invalid(invalid)) => format!("{invalid:?}"),
            Err(unknown) => format!("{unknown:?}"),
        };
        let now = System::block_number();
        self.log.push(format!("[{now}] {name}: {verdict} {}", brief(&call)));
    }

    /// A block in which everyone does what it wants.
    pub fn step(&mut self) {
        self.plan_of_honest(true);
        self.plan_of_coalition();
        self.make_block();
    }

    /// Nobody makes new requests. Those that are open end, everyone takes out what it can, and the
    /// accounts are compared.
    pub fn finish(&mut self) -> Books {
        let began = System::block_number();
        while !is_at_rest() {
            self.plan_of_honest(false);
            self.plan_of_coalition_at_end();
            self.make_block();
            let waited = System::block_number() - began;
            assert!(waited < PATIENCE_BLOCKS, "a request or a dispute never ends");
        }
        let books = self.count();
        self.take_everything_out();
        self.compare(&books);
        books
    }
}

/// What has been computed for transactions in this block.
fn used() -> u64 {
    let weight = System::block_weight();
    weight.get(DispatchClass::Normal).ref_time() + weight.get(DispatchClass::Operational).ref_time()
}

/// The price of weight and bytes for a signed transaction.
pub fn price(multiplier: sp_runtime::FixedU128, time: u64, bytes: usize) -> Balance {
    multiplier.saturating_mul_int(Balance::from(time) + bytes as Balance * ASY / 1_000_000)
}

/// Whether every request and every dispute has ended, and nothing can be appealed.
fn is_at_rest() -> bool {
    pallet_disputes::OpenDisputes::<Runtime>::iter_keys().next().is_none()
        && pallet_inference::Appealable::<Runtime>::iter_keys().next().is_none()
        && pallet_inference::Requests::<Runtime>::iter_values().all(|request| request.is_final())
}

/// A call in the log, without long arguments.
fn brief(call: &RuntimeCall) -> String {
    if call.encoded_size() > LONG_CALL {
        return String::new();
    }
    format!("{call:?}").chars().take(180).collect()
}

/// An offer of a model in all its classes.
pub fn serve(
    model: Model,
    ask: Balance,
    concurrency: u32,
    response_blocks: u32,
) -> pallet_operators::Call<Runtime> {
    pallet_operators::Call::serve {
        version: model.version(),
        ask,
        concurrency,
        response_blocks,
        classes: model.classes(),
        max_royalty: Perbill::from_percent(HONEST_ROYALTY),
    }
}
