//! Proofs of runs of the first graph: how they are made, and what is wrong with them.

use std::sync::LazyLock;

use assay_pallet_testing::graphs::proof_context;
use assay_primitives::{
    digest, proof::MAX_PROOF_BYTES, worker_crypto, Assurance, Digest, ProofCost, ProofTerms,
    RequestId, VersionId, ASY,
};
use assay_proof::{Verifier, Work};
use assay_runtime::{AccountId, Runtime};
use codec::Encode;

use super::{
    claims::{self, GRAPHS, PROVER},
    driver::Fuzz,
    requests::{Ask, Output, Request, State, WorkerCall},
};
use crate::common;

/// A proof that an operator submits with its result.
#[derive(Clone, Debug)]
pub struct Proof {
    pub bytes: Vec<u8>,
    /// Whether it proves the result in the context of the request.
    pub holds: bool,
    /// What its verification is said to cost.
    pub cost: ProofCost,
    /// What has been seen if the chain verifies it.
    pub sight: Option<&'static str>,
}

/// The terms of proofs of the first graph.
pub static TERMS: LazyLock<ProofTerms> = LazyLock::new(|| {
    let plan = GRAPHS[0].plan();
    let verifier = Verifier::new(plan).expect("the graph is sealed");
    let Work { products, cells, hashes, openings, proof_bytes } = verifier.work();
    let [products, cells, hashes, openings, proof_bytes] =
        [products, cells, hashes, openings, proof_bytes].map(|count| count as u32);
    let architecture_bytes = plan.architecture().encode().len() as u32;
    let cost = ProofCost { architecture_bytes, products, cells, hashes, openings, proof_bytes };
    ProofTerms { security_bits: verifier.security_bits() as u8, cost }
});

/// What an operator does, for the log. All but the first are wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Right,
    ChangedBit,
    ShorterProof,
    NoProof,
    LongestProof,
    OtherRequest,
    OtherPayer,
    OtherOperator,
    OtherOutput,
    OddOutput,
    OtherCost,
}

impl Kind {
    /// What has been seen if the chain takes it; `None` if the pool refuses it.
    fn sight(self) -> Option<&'static str> {
        Some(match self {
            Self::Right => "a right proof",
            Self::ChangedBit => "a proof with a changed bit",
            Self::ShorterProof => "a proof without its last byte",
            Self::NoProof => "an empty proof",
            Self::LongestProof => "a proof of the largest size",
            Self::OtherRequest => "a proof of another request",
            Self::OtherPayer => "a proof for another payer",
            Self::OtherOperator => "a proof of another operator",
            Self::OtherOutput => "a proof of another output",
            Self::OddOutput | Self::OtherCost => return None,
        })
    }
}

/// Proves a run of the first graph.
pub fn prove(request: u64, payer: &AccountId, operator: &AccountId, elements: &[i8]) -> Vec<u8> {
    let encoded = RequestId(request).encode();
    let context = proof_context(common::GENESIS_HASH, &encoded, payer, operator);
    let input: Vec<u8> = elements.iter().map(|element| *element as u8).collect();
    PROVER.prove(&context, &input).expect("the input fits").proof
}

impl Fuzz {
    /// The proof of a request, made once.
    fn right_proof(&mut self, id: u64, request: &Request, operator: &AccountId) -> Vec<u8> {
        let place = (id, operator.clone());
        if let Some(proof) = self.proofs.get(&place) {
            return proof.clone();
        }
        let proof = prove(id, &request.payer, operator, &request.elements);
        self.proofs.insert(place, proof.clone());
        proof
    }

    /// A result with a proof; mostly a right one.
    pub fn proof(&mut self, id: u64, request: &Request, operator: &AccountId) -> WorkerCall {
        let kind = match self.rng.below(100) {
            0..=42 => Kind::Right,
            43..=52 => Kind::ChangedBit,
            53..=55 => Kind::ShorterProof,
            56..=58 => Kind::NoProof,
            59..=62 => Kind::LongestProof,
            63..=72 => Kind::OtherRequest,
            73..=75 => Kind::OtherPayer,
            76..=78 => Kind::OtherOperator,
            79..=88 => Kind::OtherOutput,
            89..=92 => Kind::OddOutput,
            _ => Kind::OtherCost,
        };
        let is_awaited = request.assurance == Assurance::Proof
            && request.state == State::Assigned
            && request.members[0].account == *operator;
        let mut output = Output::Integer(claims::truth(0, &request.elements));
        let mut cost = TERMS.cost;
        let bytes = match kind {
            Kind::NoProof => Vec::new(),
            Kind::LongestProof => vec![7; MAX_PROOF_BYTES as usize],
            // Nobody verifies it.
            _ if !is_awaited => vec![7; 100],
            Kind::OtherRequest => {
                let others = self.proofs.iter().filter(|((other, _), _)| *other != id);
                match others.map(|(_, proof)| proof.clone()).next_back() {
                    Some(proof) => proof,
                    None => prove(id + 1, &request.payer, operator, &request.elements),
                }
            },
            Kind::OtherPayer => prove(id, &self.oracle.treasury, operator, &request.elements),
            Kind::OtherOperator => {
                prove(id, &request.payer, &self.oracle.treasury, &request.elements)
            },
            Kind::ChangedBit => {
                let mut proof = self.right_proof(id, request, operator);
                let place = self.rng.below(proof.len() as u64) as usize;
                proof[place] ^= 1 << self.rng.below(8);
                proof
            },
            Kind::ShorterProof => {
                let mut proof = self.right_proof(id, request, operator);
                proof.pop();
                proof
            },
            Kind::Right | Kind::OtherOutput | Kind::OddOutput | Kind::OtherCost => {
                self.right_proof(id, request, operator)
            },
        };
        match (kind, &mut output) {
            (Kind::OtherOutput, Output::Integer(value)) => *value += 1,
            (Kind::OddOutput, output) => *output = Output::Odd,
            _ => {},
        }
        if kind == Kind::OtherCost {
            match self.rng.below(4) {
                0 => cost = ProofCost::default(),
                1 => cost.products += 1,
                2 => cost.proof_bytes -= 1,
                _ => cost.architecture_bytes += 1,
            }
        }
        self.note(format!("a proof, {kind:?}, {} bytes", bytes.len()));
        let holds = kind == Kind::Right || kind == Kind::OtherCost;
        WorkerCall::Proof(output, Proof { bytes, holds, cost, sight: kind.sight() }.into())
    }

    /// The call that submits a result with a proof. If it is not `intact`, its signature is over the
    /// result alone, over another proof, or for the other request.
    pub fn proven(
        &mut self,
        [request, other]: [RequestId; 2],
        operator: &AccountId,
        pair: &worker_crypto::Pair,
        output: &[u8],
        (proof, intact): (&Proof, bool),
    ) -> pallet_inference::Call<Runtime> {
        let digest = Some(digest(&proof.bytes));
        let (named, named_proof) = match self.rng.below(3) {
            _ if intact => (request, digest),
            0 => (request, None),
            1 => (request, Some(Digest::zero())),
            _ => (other, digest),
        };
        let mut statement = common::result_statement(named, operator, output);
        statement.proof = named_proof;
        pallet_inference::Call::submit_proof {
            request,
            operator: operator.clone(),
            cost: proof.cost,
            output: common::bounded(output),
            proof: common::bounded(&proof.bytes),
            signature: common::sign(pair, &statement),
        }
    }

    /// A version whose runs can be proven, if there is one.
    pub fn provable_version(&mut self) -> VersionId {
        let versions = self.oracle.versions.iter();
        let audited = versions.filter(|(_, one)| one.is_audited).map(|(id, _)| *id);
        let audited: Vec<_> = audited.collect();
        self.rng.pick(&audited).unwrap_or_else(|| self.version())
    }

    /// Requests in class `Proof` for a version whose weights were mostly read, and their answers.
    pub fn proven_requests(&mut self) {
        let version = match self.rng.chance(95) {
            true => self.provable_version(),
            false => self.version(),
        };
        let servers = self.oracle.servers.get(&version).cloned().unwrap_or_default();
        if let Some(server) = self.rng.pick(&servers) {
            let classes = self.offered(version);
            self.serve(&server.account, version, server.ask, 3, 1, classes);
        }
        let ask = Ask {
            version,
            assurance: Assurance::Proof,
            max_price: 8 * ASY,
            deadline: self.oracle.now + self.rng.between(3, 12) as u32,
            draw_delay: 1,
        };
        let (payer, first) = (self.payer(), self.oracle.requests.len() as u64);
        let items = match self.rng.below(4) {
            0 => vec![self.item(version)],
            1 => vec![self.good_item(version), self.good_item(version)],
            _ => vec![self.good_item(version)],
        };
        self.send_batch(&payer, ask, items);
        for id in first..self.oracle.requests.len() as u64 {
            let waits = |one: &Request| one.is_open() && one.members.is_empty();
            for _ in 0..3 {
                if waits(&self.oracle.requests[&id]) {
                    self.next_block();
                }
            }
            if !self.oracle.requests[&id].members.is_empty() {
                self.members_answer(id, true);
                self.members_answer(id, true);
            }
        }
    }
}
