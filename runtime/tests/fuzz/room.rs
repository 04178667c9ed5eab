//! The oracle of room in blocks: what answers take of it, its clocks, and what requests pay for it.
//! It knows the weights, and has its own sums.

use assay_primitives::{traits::Verification as _, Assurance, ProofCost, VersionId};
use assay_runtime::{
    configs::system::RuntimeBlockWeights, constants as parameters,
    transactions::authorized_extension, Runtime, UncheckedExtrinsic, Verification,
};
use frame_support::{
    dispatch::{DispatchClass, GetDispatchInfo},
    weights::Weight,
};
use pallet_inference::WeightInfo as _;
use pallet_operators::WeightInfo as _;
use sp_runtime::FixedPointNumber;

use super::{
    asking::payload,
    oracle::{Oracle, Purse},
    proofs::TERMS,
    requests::{Answer, Output, Request, WorkerCall},
};

type Weights = <Runtime as pallet_inference::Config>::WeightInfo;

/// The number of blocks with room that members get, if their time has as many.
pub const ROOMY_BLOCKS: u32 = 5;
/// Bytes of a call besides its output.
const CALL: u64 = 320;
/// Bytes of a listed result besides its output.
const LISTED: u64 = 48;
/// The most members of a quorum.
const COMMITTEE: u32 = 15;
/// What answers may fill of a block: half of three quarters.
pub const ANSWERS: Part = Part { time: 375_000_000_000, bytes: 5 * 1024 * 1024 * 3 / 4 / 2 };
/// The time that only moves in disputes may fill: a quarter.
pub const MOVES: u64 = 250_000_000_000;
/// What operators' moves may fill of a block: a quarter.
pub const MOVES_PART: Part = Part { time: MOVES, bytes: 5 * 1024 * 1024 / 4 };

/// A part of a block: picoseconds, and bytes.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct Part {
    pub time: u64,
    pub bytes: u64,
}

impl Part {
    pub fn plus(self, other: Self) -> Self {
        Self { time: self.time + other.time, bytes: self.bytes + other.bytes }
    }

    pub fn fits(self, whole: Self) -> bool {
        self.time <= whole.time && self.bytes <= whole.bytes
    }

    /// At least the largest answer.
    pub fn largest_answer() -> Self {
        let largest = parameters::LargestAnswer::get();
        Self { time: largest.weight.ref_time(), bytes: largest.bytes.into() }
    }
}

/// Length of an output in bytes.
pub fn length(output: Output) -> u64 {
    payload(output).len() as u64
}

/// Number of different ones among some outputs.
fn different(outputs: &[Output]) -> u64 {
    let first = |(index, output): &(usize, &Output)| !outputs[..*index].contains(output);
    outputs.iter().enumerate().filter(first).count() as u64
}

/// Time of the end of a quorum of this size with as many different outputs of this length.
fn conclusion(size: u32, different: u64, each: u32, late: u32) -> u64 {
    Weights::conclude(size, each).ref_time()
        + Weights::penalties(late).ref_time()
        + different * different.saturating_sub(1) / 2 * Weights::compare(each).ref_time()
}

/// Weight of a result with a proof of these lengths, and of authorising it.
fn proven(output: u32, proof: u32, cost: ProofCost) -> (Weight, Weight) {
    let paid = Weights::submit_result(output) + Weights::call_waiting();
    let weight = paid.max(Weights::refuse_proof(output)) + Verification::proof_weight(cost);
    (weight, Weights::authorize_result(output) + Weights::authorize_proof(proof))
}

/// A list of results.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct List {
    /// Number of its results.
    pub count: u64,
    /// Number of those that end requests, and of the payers of these.
    pub awaited: u64,
    pub payers: u64,
}

/// Time of outputs of this length, with that of authorising them.
fn outputs(bytes: u64) -> u64 {
    let linear = |of: fn(u32) -> Weight| of(bytes as u32).ref_time() - of(0).ref_time();
    linear(Weights::submit_result) + linear(Weights::authorize_result)
}

impl List {
    /// Its time without outputs.
    fn time(self) -> u64 {
        let [count, payers] = [self.count, self.payers].map(|number| number as u32);
        Weights::submit_results(count)
            .saturating_add(
                Weights::submit_results_apart(payers)
                    .saturating_sub(Weights::submit_results(payers)),
            )
            .saturating_add(Weights::authorize_results(count))
            .ref_time()
    }

    /// What it takes with outputs of this length, if it calls no request that waits.
    pub fn part(self, bytes: u64) -> Part {
        let time = overhead() + self.time() + outputs(bytes);
        Part { time, bytes: CALL + LISTED * self.count + bytes }
    }
}

/// What a heartbeat takes.
pub fn heartbeat() -> Part {
    type Weights = <Runtime as pallet_operators::Config>::WeightInfo;
    let weight = Weights::heartbeat().saturating_add(Weights::authorize_heartbeat());
    Part { time: overhead() + weight.ref_time(), bytes: CALL }
}

/// Time of each call besides itself.
pub fn overhead() -> u64 {
    let remark = frame_system::Call::remark { remark: Vec::new() };
    let transaction = UncheckedExtrinsic::new_transaction(remark.into(), authorized_extension());
    let class = RuntimeBlockWeights::get().get(DispatchClass::Normal).clone();
    let extensions = transaction.get_dispatch_info().extension_weight;
    (class.base_extrinsic + extensions).ref_time()
}

/// Time of calling requests that wait for capacity.
pub fn calling(count: usize) -> Part {
    Part { time: Weights::call_waiting().ref_time() * count as u64, bytes: 0 }
}

impl WorkerCall {
    /// What an answer of one of so many members takes at least; a reveal without the end of its request.
    pub fn least(&self, members: u32) -> Part {
        let bytes = match self {
            Self::Result(output) | Self::Trace(output, _) | Self::Reveal(output, _) => {
                length(*output)
            },
            Self::Proof(output, proof) => length(*output) + proof.bytes.len() as u64,
            Self::Commitment(..) | Self::Failure(_) => 0,
        };
        let length = bytes as u32;
        let result = Weights::authorize_result(length);
        let (weight, authorize) = match self {
            Self::Result(_) => (Weights::submit_result(length), result),
            Self::Trace(..) => (Weights::submit_trace(length), result + Weights::authorize_trace()),
            Self::Proof(output, proof) => {
                proven(self::length(*output) as u32, proof.bytes.len() as u32, proof.cost)
            },
            Self::Reveal(..) => (Weights::submit_reveal(length), Weights::authorize_reveal(length)),
            Self::Commitment(..) => (Weights::submit_commitment(), Weights::authorize_commitment()),
            Self::Failure(_) => (Weights::report_failure(members), Weights::authorize_commitment()),
        };
        Part { time: overhead() + (weight + authorize).ref_time(), bytes: CALL + bytes }
    }

    /// What it may take, for which a block must have room.
    pub fn most(&self) -> Part {
        let least = self.least(COMMITTEE);
        match self {
            Self::Reveal(output, _) => {
                let time =
                    conclusion(COMMITTEE, COMMITTEE.into(), length(*output) as u32, COMMITTEE / 2);
                least.plus(Part { time, bytes: 0 })
            },
            _ => least,
        }
    }
}

/// What has been sent for a request, or may be sent at most.
#[derive(Clone, Copy, Default)]
struct Sent {
    commitments: u64,
    failures: u64,
    results: u64,
    different: u64,
    /// Of all outputs.
    bytes: u64,
    /// Of the proof, if there is one.
    proof: u64,
    /// The list that the result was in, if it was in one.
    listed: Option<List>,
    /// Draws in vain.
    vain: u64,
}

impl Oracle {
    /// Whether a block has room for an answer that takes this.
    pub fn has_room(&mut self, part: Part) -> bool {
        let fits = self.filled.plus(part).fits(ANSWERS);
        if !fits {
            self.see("an answer for which a block has no room");
        }
        fits
    }

    /// Answers take this of the block.
    pub fn fill(&mut self, part: Part) {
        self.filled = self.filled.plus(part);
    }

    /// The end of a block of this author. Its room counts if one more answer or move would have fitted,
    /// and the last block that counted is of another author: one of four may be faulty.
    pub fn count_room(&mut self, author: Option<u32>) {
        let answers = std::mem::take(&mut self.filled).plus(Part::largest_answer()).fits(ANSWERS);
        let largest = parameters::LargestMove::get();
        let largest = Part { time: largest.weight.ref_time(), bytes: largest.bytes.into() };
        let operators = std::mem::take(&mut self.filled_by_operators);
        let moves = std::mem::take(&mut self.filled_by_moves) + largest.time <= MOVES
            && operators.plus(largest).fits(MOVES_PART);
        let clocks = [(answers, &mut self.room.0), (moves, &mut self.room.1)];
        let mut repeated = false;
        for ((has_room, clock), last) in clocks.into_iter().zip(&mut self.counted_of) {
            let same = author.is_some() && *last == author;
            repeated |= has_room && same;
            if has_room && !same {
                *clock += 1;
                *last = author.or(*last);
            }
        }
        if repeated {
            self.see("a block with room of the same author");
        }
        if !answers {
            self.see("a block without room for answers");
        }
        if !moves {
            self.see("a block without room for moves");
        }
    }

    fn price(&self, time: u64, bytes: u64) -> u128 {
        self.multiplier.saturating_mul_int(u128::from(time))
            + self.multiplier.saturating_mul_int(u128::from(bytes) * 1_000_000)
    }

    /// Time of the draw and of pruning.
    fn handling(&self, version: VersionId, size: u32) -> u64 {
        let servers = self.servers.get(&version).map_or(0, Vec::len) as u32;
        Weights::draw_of(servers, size).ref_time() + Weights::prune().ref_time()
    }

    /// Time of draws in vain, of what follows them, and of the draws after the rests.
    fn vain(&self, version: VersionId, draws: u64) -> u64 {
        let servers = self.servers.get(&version).map_or(0, Vec::len) as u32;
        let rest = Weights::note_heights(1) + Weights::call_waiting() + Weights::prolong();
        draws * (Weights::draw_of(servers, 1).ref_time() * 2 + rest.ref_time())
    }

    /// Time of the results of a quorum of this size, and of its end.
    fn reveals(size: u32, sent: Sent) -> u64 {
        let Sent { results, different, bytes, .. } = sent;
        if results == 0 {
            return conclusion(size, 0, 0, 0);
        }
        let one = |bytes| {
            Weights::submit_reveal(bytes).ref_time() + Weights::authorize_reveal(bytes).ref_time()
        };
        one(bytes as u32)
            + (results - 1) * one(0)
            + conclusion(size, different, (bytes / results) as u32, 0)
    }

    fn single(assurance: Assurance, sent: Sent) -> u64 {
        let bytes = sent.bytes as u32;
        let authorize = Weights::authorize_result(bytes).ref_time();
        match assurance {
            _ if sent.results == 0 && sent.failures > 0 => 0,
            _ if sent.results == 0 => Weights::deadline_single().ref_time(),
            Assurance::Optimistic => {
                Weights::submit_trace(bytes).ref_time()
                    + Weights::pass_window().ref_time()
                    + authorize
                    + Weights::authorize_trace().ref_time()
            },
            Assurance::Proof => {
                let (weight, authorize) = proven(bytes, sent.proof as u32, TERMS.cost);
                (weight + authorize).ref_time()
            },
            // Those that end requests share the list.
            _ => match sent.listed {
                Some(list) => list.time() / list.awaited + outputs(sent.bytes),
                None => Weights::submit_result(bytes).ref_time() + authorize,
            },
        }
    }

    fn total(&self, version: VersionId, assurance: Assurance, sent: Sent) -> u128 {
        let (size, is_quorum) = match assurance {
            Assurance::Quorum { n, .. } => (u32::from(n), true),
            _ => (1, false),
        };
        let authorize = Weights::authorize_commitment().ref_time();
        let answers = match is_quorum {
            true => Self::reveals(size, sent),
            false => Self::single(assurance, sent),
        };
        let Sent { commitments, failures, results, bytes, proof, .. } = sent;
        let time = self.handling(version, size)
            + self.vain(version, sent.vain)
            + answers
            + commitments * (Weights::submit_commitment().ref_time() + authorize)
            + failures * (Weights::report_failure(size).ref_time() + authorize);
        let kept = bytes.checked_div(results).unwrap_or(0);
        self.price(time, CALL * (commitments + failures + results) + bytes + proof + kept)
    }

    /// What is held for the room of the largest answers.
    pub fn largest_fee(&self, version: VersionId, assurance: Assurance) -> u128 {
        let Some(record) = self.versions.get(&version) else { return 0 };
        let declared = &record.descriptor.outputs;
        // Each tensor has a type, a list of dimensions and the length of its data; lists have at
        // most five bytes for their length.
        let output = declared.iter().fold(5, |sum, tensor| {
            let elements: u64 = tensor
                .shape
                .iter()
                .map(|dimension| match dimension {
                    assay_primitives::Dimension::Fixed(size) => u64::from(*size),
                    assay_primitives::Dimension::Free => panic!("the fuzzer declares none"),
                })
                .product();
            let data = elements * tensor.element_type.size() as u64;
            sum + 11 + 4 * tensor.shape.len() as u64 + data
        });
        let (size, is_quorum) = match assurance {
            Assurance::Quorum { n, .. } => (u64::from(n), true),
            _ => (1, false),
        };
        let answered = Sent {
            commitments: if is_quorum { size } else { 0 },
            results: size,
            different: size,
            bytes: size * output,
            proof: if assurance == Assurance::Proof { TERMS.cost.proof_bytes.into() } else { 0 },
            vain: 7,
            ..Sent::default()
        };
        let failed = Sent { failures: size, vain: 7, ..Sent::default() };
        self.total(version, assurance, answered).max(self.total(version, assurance, failed))
    }

    /// The fee for what the members have done.
    pub fn fee(&mut self, request: &Request) -> u128 {
        let outputs = request.outputs();
        let results = outputs.len() as u64;
        let count = |matches: fn(&Answer) -> bool| {
            request.members.iter().filter(|member| matches(&member.answer)).count() as u64
        };
        let unopened = count(|answer| matches!(answer, Answer::Committed(..)));
        let sent = Sent {
            commitments: if request.is_quorum() { results + unopened } else { 0 },
            failures: count(|answer| matches!(answer, Answer::Failed(_))),
            results,
            different: different(&outputs),
            bytes: outputs.iter().map(|output| length(*output)).sum(),
            proof: request.proof.as_ref().map_or(0, |proof| proof.bytes.len() as u64),
            listed: request.listed,
            vain: request.vain_draws,
        };
        self.charged(request, self.total(request.version, request.assurance, sent))
    }

    /// The fee of a request that was not drawn.
    pub fn undrawn_fee(&mut self, request: &Request) -> u128 {
        let time = self.handling(request.version, 1)
            + self.vain(request.version, request.vain_draws)
            + Weights::cancel().ref_time();
        self.charged(request, self.price(time, 0))
    }

    /// A fee, at most what is held for it.
    fn charged(&mut self, request: &Request, due: u128) -> u128 {
        if due > request.fee {
            self.see("a fee of all that was held for it");
        }
        due.min(request.fee)
    }

    /// Divides the fees of the block: three tenths wait for the validators, half is burnt, and the
    /// treasury receives the rest.
    pub fn divide_fees(&mut self) {
        let fees = std::mem::take(&mut self.block_fees);
        let validators = fees / 10 * 3 + fees % 10 * 3 / 10;
        let treasurys = fees - validators - fees / 2;
        self.of_validators += validators;
        self.burnt -= treasurys;
        let treasury = self.treasury.clone();
        self.account_mut(&treasury).free += treasurys;
    }

    /// Burns the fee of a request that ends.
    pub fn burn_fee(&mut self, id: u64, fee: u128) {
        let request = self.requests.get_mut(&id).expect("it ends");
        request.fee = fee;
        let payer = request.payer.clone();
        self.burnt += fee;
        self.block_fees += fee;
        self.burn(&payer, Purse::Escrow, fee);
    }

    /// What the last reveal of a quorum takes for its end.
    pub fn end_part(request: &Request) -> Part {
        let outputs = request.outputs();
        let bytes: u64 = outputs.iter().map(|output| length(*output)).sum();
        let each = bytes / outputs.len() as u64;
        let size = request.members.len() as u32;
        let late = request.silent() as u32;
        Part { time: conclusion(size, different(&outputs), each as u32, late), bytes: 0 }
    }
}
