//! Parties of a test: accounts with keys of their own, and their balances.

use assay_dispute::Player;
use assay_graph::Graph;
use assay_primitives::{
    digest,
    dispute::{DisputeId, TraceStatement},
    traits::Models,
    worker_crypto, AssuranceClasses, Balance, Digest, RequestId,
};
use assay_runtime::{AccountId, Balances, Runtime, RuntimeCall, System, UncheckedExtrinsic};
use codec::Encode;
use frame_support::{
    assert_ok,
    traits::{fungible::Mutate, Currency},
};
use pallet_disputes::Dispute;
use pallet_inference::TraceSignatures;
use sp_application_crypto::Pair as _;
use sp_core::sr25519;
use sp_keyring::Sr25519Keyring::EveStash;
use sp_runtime::{traits::IdentifyAccount, DispatchError, MultiSigner, Perbill};

use super::*;

/// An account with its worker key.
pub struct Party {
    pair: sr25519::Pair,
    /// Its worker key as an operator.
    pub worker: worker_crypto::Pair,
}

impl Party {
    /// A party with this balance.
    pub fn new(name: &str, balance: Balance) -> Self {
        let pair = sr25519::Pair::from_string(&format!("//{name}"), None).expect("a valid path");
        let seed = sp_io::hashing::blake2_256(name.as_bytes());
        let party = Self { pair, worker: worker_crypto::Pair::from_seed(&seed) };
        assert_ok!(Balances::mint_into(&party.account(), balance));
        party
    }

    /// Its account.
    pub fn account(&self) -> AccountId {
        MultiSigner::from(self.pair.public()).into_account()
    }

    /// Everything that it owns, free and held.
    pub fn wealth(&self) -> Balance {
        Balances::total_balance(&self.account())
    }

    /// A transaction of this party.
    pub fn signed(&self, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
        signed_by(&self.pair, call)
    }

    /// Includes a transaction of this party in a block of its own.
    pub fn include(&self, call: impl Into<RuntimeCall>) -> Result<(), DispatchError> {
        include(self.signed(call))
    }

    /// Includes a transaction that must succeed.
    pub fn submit(&self, call: impl Into<RuntimeCall>) {
        assert_ok!(self.include(call));
    }

    /// Registers as an operator and becomes live.
    pub fn register(&self, bond: Balance) {
        self.submit(register(&self.account(), &self.worker, bond));
        self.beat();
    }

    /// Sends a heartbeat.
    pub fn beat(&self) {
        let beat = heartbeat(&self.account(), &self.worker, System::block_number());
        assert_ok!(include(general(beat)));
    }

    /// Serves version 1 of model 0.
    pub fn serve(&self, ask: Balance, concurrency: u32, classes: AssuranceClasses) {
        self.submit(serve_call(ask, concurrency, classes));
    }

    /// Makes a request that must succeed. Returns its identifier.
    pub fn request(&self, call: pallet_inference::Call<Runtime>) -> RequestId {
        let id = pallet_inference::NextRequest::<Runtime>::get();
        self.submit(call);
        id
    }

    /// Its bond.
    pub fn bond(&self) -> Balance {
        pallet_settlement::BondTotals::<Runtime>::get(self.account())
    }
}

/// What all parties together own.
pub fn wealth_of(parties: &[&Party]) -> Balance {
    parties.iter().map(|party| party.wealth()).sum()
}

/// What parties that had `before` have lost since; negative if they gained.
pub fn lost(parties: &[&Party], before: Balance) -> i128 {
    before as i128 - wealth_of(parties) as i128
}

/// A file that stands for a model in tests without an engine.
const MODEL_FILE: &[u8] = b"a model";

/// Has an honest owner publish a version that turns two integers into one.
pub fn publish_integers(royalty: Perbill) {
    publish(EveStash, MODEL_FILE, integers(MODEL_FILE), royalty, None);
}

/// Has an honest owner publish an integer graph in every class, and show its weights.
pub fn publish_image() -> Graph {
    let graph = image_model();
    let (descriptor, architecture) = image_version(&graph);
    publish(EveStash, &graph.encode(), descriptor, Perbill::zero(), Some(&architecture));
    submit(EveStash, audit(version(0, 1), &graph));
    graph
}

/// An optimistic result with this output and this root of its trace.
pub fn traced(
    id: RequestId,
    operator: &Party,
    output: &[u8],
    trace_root: Digest,
) -> pallet_inference::Call<Runtime> {
    let trace = TraceStatement {
        request: answered(id).hash(),
        output_digest: digest(output),
        trace_root,
        operator: operator.account(),
    };
    let statement = result_statement(id, &operator.account(), output);
    pallet_inference::Call::submit_trace {
        request: id,
        operator: operator.account(),
        output: bounded(output),
        trace_root,
        signatures: TraceSignatures {
            result: sign(&operator.worker, &statement),
            trace: sign(&operator.worker, &trace),
        },
    }
}

/// A result of class `Proof`.
pub fn proven(
    id: RequestId,
    operator: &Party,
    output: &[u8],
    proof: &[u8],
) -> pallet_inference::Call<Runtime> {
    let mut statement = result_statement(id, &operator.account(), output);
    statement.proof = Some(digest(proof));
    let terms = ModelRegistry::proof_terms(record(id).version);
    pallet_inference::Call::submit_proof {
        request: id,
        operator: operator.account(),
        cost: terms.expect("the version offers proofs").cost,
        output: bounded(output),
        proof: bounded(proof),
        signature: sign(&operator.worker, &statement),
    }
}

/// The operator's move in a dispute. It has to be the operator's turn.
pub fn defence(
    id: DisputeId,
    dispute: &Dispute<AccountId>,
    operator: &Party,
    player: &Player<'_>,
) -> pallet_disputes::Call<Runtime> {
    let answer = player.answer(&dispute.stage).expect("it is the operator's turn");
    let statement = answer_statement(dispute, &answer);
    let (stage, signature) = (statement.stage, sign(&operator.worker, &statement));
    pallet_disputes::Call::answer { dispute: id, stage, answer, signature }
}
