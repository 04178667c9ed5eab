//! The oracle of what requests pay for room in blocks. It knows the weights, and has its own sums.

use assay_primitives::{Assurance, VersionId};
use assay_runtime::Runtime;
use pallet_inference::WeightInfo as _;
use sp_runtime::FixedPointNumber;

use super::{
    oracle::{Oracle, Purse},
    requests::{Answer, Output, Request},
};
use crate::common;

type Weights = <Runtime as pallet_inference::Config>::WeightInfo;

/// Bytes of a call besides its output.
const CALL: u64 = 320;

/// Length of an output in bytes.
fn length(output: Output) -> u64 {
    let payload = match output {
        Output::Integer(value) => common::integer_payload(&[value]),
        Output::Float(quarters) => common::float_payload(quarters as f32),
        Output::Odd => Vec::new(),
    };
    payload.len() as u64
}

impl Oracle {
    fn price(&self, time: u64, bytes: u64) -> u128 {
        self.multiplier.saturating_mul_int(u128::from(time))
            + self.multiplier.saturating_mul_int(u128::from(bytes) * 1_000_000)
    }

    /// Time of the draw and of pruning.
    fn handling(&self, version: VersionId, size: u32) -> u64 {
        let servers = self.servers.get(&version).map_or(0, Vec::len) as u32;
        Weights::draw(servers, size).ref_time() + Weights::prune().ref_time()
    }

    /// Time of a quorum of this size with these outputs: results, different ones, all their bytes.
    fn reveals(size: u32, results: u64, different: u64, bytes: u64) -> u64 {
        if results == 0 {
            return Weights::conclude(size, 0).ref_time();
        }
        let each = (bytes / results) as u32;
        let one = |bytes| {
            Weights::submit_reveal(bytes).ref_time() + Weights::authorize_result(bytes).ref_time()
        };
        one(bytes as u32)
            + (results - 1) * one(0)
            + Weights::conclude(size, each).ref_time()
            + different * different.saturating_sub(1) / 2 * Weights::compare(each).ref_time()
    }

    fn single(assurance: Assurance, results: u64, bytes: u64) -> u64 {
        let bytes = bytes as u32;
        let authorize = Weights::authorize_result(bytes).ref_time();
        match assurance {
            _ if results == 0 => Weights::deadline_single().ref_time(),
            Assurance::Optimistic => {
                Weights::submit_trace(bytes).ref_time()
                    + Weights::pass_window().ref_time()
                    + authorize
                    + Weights::authorize_trace().ref_time()
            },
            _ => Weights::submit_result(bytes).ref_time() + authorize,
        }
    }

    fn total(
        &self,
        version: VersionId,
        assurance: Assurance,
        [commitments, failures, results, different, bytes]: [u64; 5],
    ) -> u128 {
        let (size, is_quorum) = match assurance {
            Assurance::Quorum { n, .. } => (u32::from(n), true),
            _ => (1, false),
        };
        let authorize = Weights::authorize_commitment().ref_time();
        let answers = match is_quorum {
            true => Self::reveals(size, results, different, bytes),
            false => Self::single(assurance, results, bytes),
        };
        let time = self.handling(version, size)
            + answers
            + commitments * (Weights::submit_commitment().ref_time() + authorize)
            + failures * (Weights::report_failure().ref_time() + authorize);
        let kept = bytes.checked_div(results).unwrap_or(0);
        self.price(time, CALL * (commitments + failures + results) + bytes + kept)
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
        let commitments = if is_quorum { size } else { 0 };
        let answered = [commitments, 0, size, size, size * output];
        self.total(version, assurance, answered).max(self.total(
            version,
            assurance,
            [0, size, 0, 0, 0],
        ))
    }

    /// The fee for what the members have done.
    pub fn fee(&self, request: &Request) -> u128 {
        let mut outputs = Vec::new();
        let (mut unopened, mut failures) = (0, 0);
        for member in &request.members {
            match member.answer {
                Answer::Revealed(output) => outputs.push(output),
                Answer::Committed(..) => unopened += 1,
                Answer::Failed(_) => failures += 1,
                Answer::Silent => {},
            }
        }
        let results = outputs.len() as u64;
        let bytes = outputs.iter().map(|output| length(*output)).sum();
        let mut different: Vec<Output> = Vec::new();
        for output in outputs {
            if !different.contains(&output) {
                different.push(output);
            }
        }
        let commitments = if request.is_quorum() { results + unopened } else { 0 };
        let sent = [commitments, failures, results, different.len() as u64, bytes];
        self.total(request.version, request.assurance, sent).min(request.fee)
    }

    /// The fee of a request that was not drawn.
    pub fn undrawn_fee(&self, request: &Request) -> u128 {
        let time = self.handling(request.version, 1) + Weights::cancel().ref_time();
        self.price(time, 0).min(request.fee)
    }

    /// Burns the fee of a request that ends.
    pub fn burn_fee(&mut self, id: u64, fee: u128) {
        let request = self.requests.get_mut(&id).expect("it ends");
        request.fee = fee;
        let payer = request.payer.clone();
        self.burnt += fee;
        self.burn(&payer, Purse::Escrow, fee);
    }
}
