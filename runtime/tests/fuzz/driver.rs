//! Applies the same actions to the chain and to the model, and compares the two.

use std::collections::{BTreeMap, BTreeSet};

use assay_primitives::{
    digest, dispute::DisputeId, runtime_api::Status, worker_crypto, Assurance, Digest, Outcome,
    ProofEvidence, RejectReason, RequestId, WorkerId,
};
use assay_runtime::{
    constants::{MinBond, Retention, UnbondingPeriod},
    AccountId, AllPalletsWithSystem, Balances, Disputes, Inference, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeOrigin, Settlement, System,
};
use codec::Encode;
use frame_support::{
    pallet_prelude::TransactionSource,
    storage::{storage_prefix, unhashed},
    traits::{fungible::Mutate, Authorize, OnFinalize, OnInitialize, UnfilteredDispatchable},
};
use pallet_settlement::HoldReason;
use sp_application_crypto::Pair as _;
use sp_keyring::Sr25519Keyring::{self, *};

use super::{
    asking::payload,
    disputes::Ending,
    extremes::Filling,
    operators::stake,
    oracle::{root, Oracle},
    proofs::TERMS,
    requests::{Answer, State},
    rng::Rng,
    room::Part,
    seats::evictions,
};
use crate::common;

/// The participants: well-known accounts that are not validators.
const ACTORS: [Sr25519Keyring; 8] =
    [Eve, Ferdie, AliceStash, BobStash, CharlieStash, DaveStash, EveStash, FerdieStash];
/// One seed of so many has this many operators more than others: enough for all seats of a version.
const CROWDED: u64 = 10;
const NEWCOMERS: u8 = 36;
/// Every request must end within this many blocks, even if the sweep lags.
const PATIENCE_BLOCKS: u32 = 4_000;

/// The verdict of a call that succeeded, in [`Fuzz::calls`].
pub const DONE: &str = "done";
/// The pallets' hold reasons, in the order of [`super::oracle::Purse`].
const REASONS: [HoldReason; 5] = [
    HoldReason::Escrow,
    HoldReason::Bond,
    HoldReason::Deposit,
    HoldReason::Dispute,
    HoldReason::Compensation,
];

/// A run.
pub struct Fuzz {
    pub seed: u64,
    pub rng: Rng,
    pub oracle: Oracle,
    pub actors: Vec<AccountId>,
    /// Further operators, of which there are some if seats are contested.
    pub newcomers: Vec<AccountId>,
    /// Right proofs, by request and operator.
    pub proofs: BTreeMap<(u64, AccountId), Vec<u8>>,
    pub keys: BTreeMap<WorkerId, worker_crypto::Pair>,
    /// Counter for unique values: names, client keys, worker keys, artifacts.
    pub serial: u32,
    /// The log of the steps.
    pub steps: Vec<String>,
    /// Number of transactions in the current block.
    extrinsics: u32,
    issuance: u128,
    /// The author of the block; the first one has none.
    author: Option<u32>,
    /// Blocks that others are going to fill, and with what.
    pub filling: Filling,
    /// Requests whose receipts have not been compared yet.
    unchecked: BTreeSet<u64>,
    /// Outcomes of requests, for the check of coverage.
    pub outcomes: BTreeMap<String, u32>,
    pub calls: BTreeMap<(String, String), u32>,
}

impl Drop for Fuzz {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} failed after {} steps:", self.seed, self.steps.len());
            for step in &self.steps {
                eprintln!("  {step}");
            }
            eprintln!("ASSAY_FUZZ_SEED={} repeats it", self.seed);
        }
    }
}

impl Fuzz {
    /// Starts a run at block 1 of the local network.
    pub fn new(seed: u64) -> Self {
        frame_system::BlockHash::<Runtime>::insert(0, common::GENESIS_HASH);
        System::set_block_number(1);
        AllPalletsWithSystem::on_initialize(1);
        let actors: Vec<AccountId> = ACTORS.iter().map(|who| who.to_account_id()).collect();
        let treasury = common::treasury();
        let newcomers: Vec<AccountId> = match seed % CROWDED {
            0 => (0..NEWCOMERS).map(|number| AccountId::new([0x80 + number; 32])).collect(),
            _ => Vec::new(),
        };
        for who in &newcomers {
            Balances::mint_into(who, 5 * MinBond::get()).expect("the account is new");
        }
        let all = actors.iter().chain(&newcomers).chain([&treasury]);
        let balances: Vec<_> = all.map(|who| (who.clone(), common::free(who))).collect();
        let mut oracle = Oracle::new(1, treasury, &balances);
        let timing = pallet_disputes::Timing::<Runtime>::get();
        assert!(oracle.set_timing(timing.window, timing.response));
        Self {
            seed,
            rng: Rng::new(seed),
            oracle,
            actors,
            newcomers,
            proofs: BTreeMap::new(),
            keys: BTreeMap::new(),
            serial: 0,
            steps: Vec::new(),
            extrinsics: 0,
            issuance: Balances::total_issuance(),
            author: None,
            filling: Filling::default(),
            unchecked: BTreeSet::new(),
            outcomes: BTreeMap::new(),
            calls: BTreeMap::new(),
        }
    }

    /// Logs the next action.
    pub fn note(&mut self, step: String) {
        self.steps.push(format!("[{}] {step}", self.oracle.now));
    }

    /// The name of an account in the log.
    pub fn name(&self, who: &AccountId) -> String {
        let place = |of: &[AccountId]| of.iter().position(|one| one == who);
        match place(&self.actors) {
            Some(index) => format!("actor{index}"),
            None if self.newcomers.contains(who) => {
                format!("newcomer{}", place(&self.newcomers).expect("it is one"))
            },
            None if *who == self.oracle.treasury => "treasury".into(),
            None => who.to_string(),
        }
    }

    /// A unique number.
    pub fn fresh(&mut self) -> u32 {
        self.serial += 1;
        self.serial
    }

    /// A new worker key.
    pub fn fresh_key(&mut self) -> WorkerId {
        let pair = common::worker(self.fresh());
        let public = pair.public();
        self.keys.insert(public.clone(), pair);
        public
    }

    fn count(&mut self, call: &RuntimeCall, verdict: String) {
        use frame_support::traits::GetCallMetadata;
        let metadata = call.get_call_metadata();
        let name = format!("{}.{}", metadata.pallet_name, metadata.function_name);
        *self.calls.entry((name, verdict)).or_default() += 1;
    }

    /// Starts a transaction that ends with these bytes.
    pub fn begin_extrinsic(&mut self, bytes: Vec<u8>) {
        System::set_extrinsic_index(self.extrinsics);
        System::note_extrinsic(bytes);
        self.extrinsics += 1;
    }

    /// Dispatches a call in the current transaction, and compares the chain with the model, which
    /// has applied the call already.
    pub fn dispatch(&mut self, origin: RuntimeOrigin, call: RuntimeCall, expected: bool) {
        let outcome = call.clone().dispatch_bypass_filter(origin);
        assert_eq!(outcome.is_ok(), expected, "the model disagrees with {outcome:?}");
        let verdict = match outcome {
            Ok(_) => DONE.into(),
            Err(refused) => <&str>::from(refused.error).into(),
        };
        self.count(&call, verdict);
        self.compare();
    }

    /// Dispatches a call of an account in a new transaction.
    pub fn call(&mut self, who: &AccountId, call: impl Into<RuntimeCall>, expected: bool) {
        let call = call.into();
        self.begin_extrinsic(call.encode());
        self.dispatch(RuntimeOrigin::signed(who.clone()), call, expected);
    }

    /// Dispatches a feeless call. If it is authorized, it must succeed.
    pub fn feeless(&mut self, call: impl Into<RuntimeCall>, expected: bool) {
        let call = call.into();
        self.begin_extrinsic(call.encode());
        let source = match self.rng.chance(50) {
            true => TransactionSource::External,
            false => TransactionSource::InBlock,
        };
        let verdict = call.authorize(source).expect("the call has an authorization");
        assert_eq!(verdict.is_ok(), expected, "the model disagrees with {verdict:?}");
        let text = match &verdict {
            Ok(_) => DONE.into(),
            Err(refused) => format!("{refused:?}"),
        };
        self.count(&call, text);
        if let Ok((validity, _)) = verdict {
            assert!(!validity.provides.is_empty(), "the pool must be able to identify it");
            let origin = frame_system::RawOrigin::Authorized.into();
            let outcome = call.dispatch_bypass_filter(origin);
            assert!(outcome.is_ok(), "authorized, and then {outcome:?}");
        }
        self.compare();
    }

    /// Ends the block and begins the next one.
    pub fn next_block(&mut self) {
        self.end_block();
        self.begin(self.oracle.now + 1);
    }

    fn end_block(&mut self) {
        // Pretend that the block has its timestamp.
        unhashed::put(&storage_prefix(b"Timestamp", b"DidUpdate"), &true);
        AllPalletsWithSystem::on_finalize(self.oracle.now);
        let multiplier = pallet_transaction_payment::NextFeeMultiplier::<Runtime>::get();
        self.oracle.multiplier = multiplier;
        self.oracle.divide_fees();
        let of_validators = pallet_validators::EraFees::<Runtime>::get();
        assert_eq!(of_validators, self.oracle.of_validators, "fees for the validators");
        assay_runtime::Validators::do_try_state().expect("validators");
        self.oracle.count_room(self.author);
        let pallet_room::RoomClocks { answers, moves } = pallet_room::Clocks::<Runtime>::get();
        assert_eq!(
            (answers, moves),
            self.oracle.room,
            "blocks with room: the chain, then the model"
        );
        self.compare();
        self.compare_operators();
        self.compare_root();
        self.oracle.pass_settled();
    }

    fn begin(&mut self, height: u32) {
        System::reset_events();
        System::set_block_number(height);
        frame_system::BlockWeight::<Runtime>::kill();
        self.extrinsics = 0;
        self.oracle.now = height;
        let in_agenda = || -> BTreeSet<u64> {
            pallet_disputes::Agenda::<Runtime>::iter_keys()
                .filter(|(at, _)| *at <= height)
                .map(|(_, id)| id.0)
                .collect()
        };
        let (before, order) = (in_agenda(), agenda(height));
        // Some blocks have no VRF output, and some authors make several blocks in a row.
        let seed = self.rng.chance(95).then(|| [self.rng.below(50) as u8; 32]);
        let author = match self.author {
            Some(author) if self.rng.chance(30) => author,
            _ => self.rng.below(3) as u32,
        };
        self.author = Some(author);
        let output = common::set_author(author, seed);
        let first = queued().0;
        AllPalletsWithSystem::on_initialize(height);
        let finished: Vec<u64> = System::read_events_no_consensus()
            .filter_map(|record| match record.event {
                RuntimeEvent::Inference(pallet_inference::Event::RequestFinished {
                    request,
                    ..
                }) => Some(request.0),
                _ => None,
            })
            .collect();
        for record in System::read_events_no_consensus() {
            if let RuntimeEvent::Inference(pallet_inference::Event::RequestPruned { request }) =
                record.event
            {
                self.oracle.note_pruned(request.0);
            }
        }
        // What moved to a later height is not among those that were due.
        let mut postponed: BTreeSet<(u32, u64)> = agenda(height).into_iter().collect();
        postponed.retain(|entry| order.contains(entry));
        assert!(
            postponed.is_empty() || order.len() >= Inference::sweeps_per_block() as usize,
            "a sweep was postponed within the budget"
        );
        let late = in_agenda();
        let ended: Vec<u64> = dispute_endings().iter().map(|(id, _)| *id).collect();
        assert!(
            late.is_empty() || before.len() - late.len() == Disputes::sweeps_per_block() as usize,
            "a dispute was postponed within the budget"
        );
        let open = self.oracle.open_requests();
        self.oracle.disputes.endings.clear();
        self.oracle.evictions.clear();
        self.oracle.begin_block(&order, &postponed);
        let (next, left) = queued();
        self.oracle.draw_queued(
            common::authority(author),
            output,
            self.oracle.passed((next - first) as usize, left),
            Inference::draws_per_block() as usize,
        );
        let kept = pallet_disputes::ShownAt::<Runtime>::iter_keys()
            .filter(|(request, _)| pallet_disputes::Obsolete::<Runtime>::contains_key(request))
            .map(|(request, what)| (request.0, what))
            .collect();
        self.oracle.begin_disputes(&ended, &late, &kept);
        self.oracle.check_ended(&finished, &open);
        self.compare();
        self.fill_block();
    }

    /// Waits until all requests and disputes have ended, then skips this many empty blocks.
    pub fn sleep(&mut self, blocks: u32) {
        let began = self.oracle.now;
        while !self.oracle.is_at_rest() {
            self.next_block();
            assert!(self.oracle.now - began < PATIENCE_BLOCKS, "a request never ends");
        }
        self.filling = Filling::default();
        // Heights without entries can be skipped: the cursor would only pass them.
        let height = self.oracle.now + blocks;
        assert_eq!(pallet_inference::Agenda::<Runtime>::iter_keys().count(), 0);
        assert_eq!(pallet_disputes::OpenDisputes::<Runtime>::iter_keys().count(), 0);
        pallet_inference::AgendaCursor::<Runtime>::put(height);
        pallet_disputes::AgendaCursor::<Runtime>::put(height);
        self.end_block();
        self.begin(height);
        // Heights at which nothing ended need not be passed one by one.
        let oldest = || pallet_inference::Ended::<Runtime>::iter_keys().min();
        while let Some(oldest) = oldest().filter(|at| at + Retention::get() < self.oracle.now) {
            pallet_inference::PruneCursor::<Runtime>::put(oldest);
            self.next_block();
        }
        for _ in 0..4 {
            self.next_block();
        }
        if blocks > Retention::get().max(UnbondingPeriod::get()) {
            assert_eq!(pallet_inference::Requests::<Runtime>::iter_keys().count(), 0);
            for id in self.oracle.requests.keys() {
                assert!(Inference::receipt_root(self.oracle.requests[id].ended_at).is_some());
            }
        }
    }

    /// Compares the money of everyone, and every request that can have changed.
    fn compare(&mut self) {
        let mut total = self.oracle.dust + self.oracle.burnt;
        for (who, account) in &self.oracle.accounts {
            let held = REASONS.map(|reason| Settlement::held(reason, who));
            let actual = (common::free(who), held, common::held(who));
            let expected = (
                account.free,
                [
                    account.escrow,
                    account.bond,
                    account.deposit,
                    account.dispute,
                    account.compensation,
                ],
                account.held(),
            );
            assert_eq!(actual, expected, "{}: the chain, then the model", self.name(who));
            total += account.free + account.held();
        }
        let others = self.issuance - total_of_strangers();
        assert_eq!(total, others, "money was made or lost");
        let gone = self.oracle.dust + self.oracle.burnt;
        assert_eq!(Balances::total_issuance(), self.issuance - gone);

        let filled = pallet_room::Filled::<Runtime>::get();
        let filled = Part { time: filled.weight.ref_time(), bytes: filled.bytes.into() };
        assert_eq!(filled, self.oracle.filled, "what answers fill: the chain, then the model");
        let filled = pallet_room::FilledByMoves::<Runtime>::get();
        let filled = Part { time: filled.weight.ref_time(), bytes: filled.bytes.into() };
        assert_eq!(filled, self.oracle.filled_by_operators, "moves: the chain, then the model");
        let (_, _, queued) = pallet_inference::QueueBounds::<Runtime>::get();
        assert_eq!(queued as usize, self.oracle.queued(), "requests in the queue");
        self.unchecked.extend(self.oracle.open_requests());
        for id in self.unchecked.clone() {
            self.compare_request(id);
        }
        self.compare_disputes();
        if !self.is_crowded() {
            return;
        }
        assert_eq!(evictions(), self.oracle.evictions, "lost seats: the chain, then the model");
    }

    /// Compares the root of the receipts of this block, which ends.
    fn compare_root(&self) {
        let now = self.oracle.now;
        let ended: Vec<RequestId> = System::read_events_no_consensus()
            .filter_map(|record| match record.event {
                RuntimeEvent::Inference(pallet_inference::Event::RequestFinished {
                    request,
                    receipt,
                    ..
                }) => {
                    let kept = pallet_inference::Results::<Runtime>::get(request);
                    assert_eq!(Some(receipt), kept.map(|kept| kept.receipt));
                    Some(request)
                },
                _ => None,
            })
            .collect();
        let requests = self.oracle.requests.range(self.oracle.settled..);
        let ends: BTreeSet<u64> = requests
            .filter(|(_, request)| !request.is_open() && request.ended_at == now)
            .map(|(id, _)| *id)
            .collect();
        assert_eq!(ended.iter().map(|id| id.0).collect::<BTreeSet<_>>(), ends, "all that ended");
        let digests: Vec<_> = ended
            .iter()
            .map(|id| Inference::receipt_view(*id).expect("it ended").receipt.digest())
            .collect();
        let expected = (!digests.is_empty()).then(|| Digest::from(root(&digests)).into());
        assert_eq!(Inference::receipt_root(now), expected, "the root of the receipts");
    }

    fn compare_disputes(&self) {
        let count = pallet_disputes::OpenDisputes::<Runtime>::iter_keys().count();
        assert_eq!(count, self.oracle.disputes.open.len(), "open disputes");
        for (id, dispute) in &self.oracle.disputes.open {
            let record =
                Disputes::current(DisputeId(*id)).unwrap_or_else(|| panic!("dispute {id} is gone"));
            let actual = (
                (record.request.0, &record.challenger),
                (record.bond, record.spent),
                (record.deadline, record.stage.name()),
            );
            let expected = (
                (dispute.request, &dispute.challenger),
                (dispute.bond, dispute.spent),
                (dispute.deadline, dispute.stage.name()),
            );
            assert_eq!(actual, expected, "dispute {id}: the chain, then the model");
        }
        let shown: BTreeSet<_> = pallet_disputes::ShownAt::<Runtime>::iter_keys()
            .map(|(request, what)| (request.0, what))
            .collect();
        assert_eq!(shown, self.oracle.disputes.shown, "what operators have shown");
        assert_eq!(dispute_endings(), self.oracle.disputes.endings, "how disputes end");
    }

    fn compare_request(&mut self, id: u64) {
        let request = &self.oracle.requests[&id];
        let record = pallet_inference::Requests::<Runtime>::get(RequestId(id));
        let record = record.unwrap_or_else(|| panic!("request {id} is gone"));
        let expected = match request.state {
            State::Pending => Status::Pending,
            State::Assigned => Status::Assigned,
            State::Revealing => Status::Revealing,
            State::Disputable => Status::Disputable,
            State::Final(outcome) => Status::Final(outcome),
        };
        assert_eq!(record.status, expected, "request {id}: the chain, then the model");
        let drawn: Vec<_> =
            record.members.iter().map(|member| (member.account.clone(), member.ask)).collect();
        let members: Vec<_> =
            request.members.iter().map(|member| (member.account.clone(), member.ask)).collect();
        assert_eq!(drawn, members, "request {id}: the committee");
        assert_eq!(record.fee, request.fee, "request {id}: the fee");
        assert_eq!(record.deadline, request.deadline, "request {id}: the deadline");
        let claim = pallet_inference::Claims::<Runtime>::get(RequestId(id));
        let until = request.claim.as_ref().filter(|_| request.is_open());
        let until = until.map(|_| request.disputable_until);
        assert_eq!(claim.map(|claim| claim.disputable_until), until, "request {id}: the window");
        let State::Final(outcome) = request.state else { return };
        let pallet_inference::FinishedRequest { receipt, evidence, .. } =
            pallet_inference::Results::<Runtime>::get(RequestId(id))
                .unwrap_or_else(|| panic!("request {id} has no receipt"));
        assert_eq!(receipt.decided_at, request.ended_at, "request {id}: the height of its end");
        assert_eq!(receipt.price_paid, request.paid, "request {id}: the receipt's price");
        assert_eq!(receipt.outcome, outcome, "request {id}: the receipt's outcome");
        let revealed: Vec<_> = request
            .members
            .iter()
            .filter(|member| matches!(member.answer, Answer::Revealed(_)))
            .map(|member| member.account.clone())
            .collect();
        let shown: Vec<_> = evidence.iter().map(|item| item.operator.clone()).collect();
        assert_eq!(shown, revealed, "request {id}: the evidence");
        let stakes = stake(request.assurance.class(), request.appealable);
        let stakes = stakes * request.members.len() as u128;
        assert_eq!(receipt.bond_at_stake, stakes, "request {id}: the bond at stake");
        if request.assurance == Assurance::Proof {
            let proofs: Vec<_> = evidence.iter().map(|item| item.proof).collect();
            let expected = request.proof.as_ref().map(|proof| {
                Some(ProofEvidence {
                    digest: digest(&proof.bytes),
                    bytes: proof.bytes.len() as u32,
                    security_bits: TERMS.security_bits,
                })
            });
            assert_eq!(proofs, expected.into_iter().collect::<Vec<_>>(), "request {id}: the proof");
            let output = request.outputs().first().map(|output| digest(&payload(*output)));
            let output = output.filter(|_| outcome == Outcome::Verified);
            assert_eq!(receipt.output_digest, output, "request {id}: the output");
        }
        let listed = evidence.first().and_then(|item| item.list.as_ref());
        let listed = listed.map(|place| u64::from(place.count));
        let expected = request.listed.map(|list| list.count);
        assert_eq!(listed, expected, "request {id}: the list of its result");
        assert!(receipt.bad_signatures(&evidence).is_empty(), "request {id}: the signatures");
        self.unchecked.remove(&id);
        let class = request.assurance.class().name();
        let kind = match outcome {
            Outcome::Rejected(RejectReason::Failed(_)) => format!("{class} Failed"),
            outcome => format!("{class} {outcome:?}"),
        };
        *self.outcomes.entry(kind).or_default() += 1;
    }
}

/// The place of the first entry of the queue, and the number of its requests.
fn queued() -> (u64, usize) {
    let (first, _, _) = pallet_inference::QueueBounds::<Runtime>::get();
    let count = pallet_inference::Queue::<Runtime>::get(first).map_or(0, |entry| entry.count);
    (first, count as usize)
}

/// What is due until this height, in the order of the chain.
fn agenda(until: u32) -> Vec<(u32, u64)> {
    let heights = pallet_inference::Agenda::<Runtime>::iter_keys().map(|(at, _)| at);
    let heights: BTreeSet<u32> = heights.filter(|at| *at <= until).collect();
    let entries = |at: u32| {
        pallet_inference::Agenda::<Runtime>::iter_key_prefix(at).map(move |id| (at, id.0))
    };
    heights.into_iter().flat_map(entries).collect()
}

/// The disputes that ended in this block, in order.
pub fn dispute_endings() -> Vec<(u64, Ending)> {
    use pallet_disputes::Event::{Lost, Void, Won};
    System::read_events_no_consensus()
        .filter_map(|record| match record.event {
            RuntimeEvent::Disputes(Won { dispute, cause, .. }) => {
                Some((dispute.0, Ending::Won(cause)))
            },
            RuntimeEvent::Disputes(Lost { dispute, cause, .. }) => {
                Some((dispute.0, Ending::Lost(cause)))
            },
            RuntimeEvent::Disputes(Void { dispute, .. }) => Some((dispute.0, Ending::Void)),
            _ => None,
        })
        .collect()
}

/// Total balance of the accounts that do not participate.
fn total_of_strangers() -> u128 {
    [Alice, Bob, Charlie, Dave].iter().map(|who| common::wealth(*who)).sum()
}
