//! Attacks on what the chain proves, carried out through the pallets' calls in blocks that the
//! runtime's own wasm executes.

use assay_graph::{format::GRAPH_TAG, Architecture, Graph, Multiplier, Operation, Weights};
use assay_primitives::{
    artifact::ArtifactManifest, digest, model::Format, runtime_api::Status, traits::Models as _,
    Assurance, AssuranceClass, ElementType, ModelDescriptor, Outcome, RequestId, TensorDeclaration,
    VersionId, ASY,
};
use assay_proof_fixtures::payload;
use assay_runtime::{ModelRegistry, Runtime, System};
use codec::{Decode, Encode};
use pallet_inference::RequestInput;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, Perbill};

#[path = "wasm/chain.rs"]
mod chain;
mod common;
mod wasm;

use chain::Chain;
use common::*;

const OWNER: Sr25519Keyring = EveStash;
const PAYER: Sr25519Keyring = Ferdie;
const OPERATOR: Sr25519Keyring = AliceStash;

/// What publishing came to: the result of the call, or where the runtime trapped.
type Published = Result<Result<(), DispatchError>, String>;

/// A chain with a model that has no version.
fn chain() -> Chain {
    let mut chain = Chain::new();
    chain.submit(OWNER, pallet_model_registry::Call::create { name: bounded(b"attack") });
    chain
}

/// Uploads an architecture as an artifact, and publishes it as a version that offers class `Proof`.
fn publish(
    chain: &mut Chain,
    architecture: &[u8],
    input: TensorDeclaration,
    output: TensorDeclaration,
) -> Published {
    // The chain does not look into artifacts: an audit hands it the weights.
    let file = architecture;
    let ArtifactManifest { digest: artifact, size, chunks } = ArtifactManifest::of(file);
    let chunks = chunks.try_into().unwrap();
    let data = file.to_vec();
    chain.submit(OWNER, pallet_storage::Call::create { digest: artifact, size, chunks });
    chain.submit(OWNER, pallet_storage::Call::upload { digest: artifact, index: 0, data });
    let descriptor = ModelDescriptor {
        format: Format::IntegerGraph,
        inputs: vec![input].try_into().unwrap(),
        outputs: vec![output].try_into().unwrap(),
        assurances: classes(&[AssuranceClass::Proof]),
        architecture: Some(digest(&[GRAPH_TAG, architecture].concat())),
        ..integers(file)
    };
    let call = pallet_model_registry::Call::publish {
        model: version(0, 1).model,
        descriptor,
        royalty: Perbill::zero(),
        licence: bounded(b"Apache-2.0"),
        metadata: None,
        architecture: Some(bounded(architecture)),
    };
    chain.include(|| signed(OWNER, call))
}

/// Whether the version was refused for what its architecture is.
fn is_refused(published: &Published) -> bool {
    use pallet_model_registry::Error;
    let reasons = [Error::<Runtime>::ArchitectureInvalid, Error::NotProvable];
    reasons.into_iter().any(|reason| *published == Ok(Err(reason.into())))
}

/// A proof of a wrong answer. A verifier that knows of field elements only accepts it.
#[derive(Decode)]
struct WrongAnswer {
    architecture: Vec<u8>,
    weights: Vec<u8>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// For request 0, by the accounts above, on the chain of these tests.
    proof: Vec<u8>,
}

impl WrongAnswer {
    fn publish(&self, chain: &mut Chain, architecture: &[u8]) -> Published {
        let input = declare("x", ElementType::I8, &[1]);
        publish(chain, architecture, input, declare("y", ElementType::I32, &[1]))
    }

    /// The same operations with multipliers that keep all sums small.
    fn tamed(&self) -> Architecture {
        let mut architecture = Architecture::from_bytes(&self.architecture).unwrap();
        if let Operation::Add { left_multiplier, right_multiplier, .. } =
            &mut architecture.operations[0]
        {
            (*left_multiplier, *right_multiplier) = (Multiplier::ONE, Multiplier::ONE);
        }
        architecture
    }

    /// Has a request answered wrongly by the operator of a published version. Returns how the
    /// request ends.
    fn answer(&self, chain: &mut Chain, version: VersionId) -> Status {
        let graph = Graph {
            architecture: Architecture::from_bytes(&self.architecture).unwrap(),
            weights: Weights::decode(&mut &self.weights[..]).unwrap(),
        };
        chain.submit(OWNER, audit(version, &graph));
        let (ask, operator) = (ASY, OPERATOR.to_account_id());
        chain.submit(OPERATOR, register(&operator, &worker(0), 10_000 * ASY));
        let serve = pallet_operators::Call::serve {
            version,
            ask,
            concurrency: 1,
            response_blocks: 1,
            classes: classes(&[AssuranceClass::Proof]),
        };
        chain.submit(OPERATOR, serve);
        let beat = || general(heartbeat(&operator, &worker(0), System::block_number()));
        assert_eq!(chain.include(beat), Ok(Ok(())));
        let request = pallet_inference::Call::request {
            version,
            input: RequestInput::Inline(bounded(&payload(ElementType::I8, &self.input))),
            assurance: Assurance::Proof,
            max_price: ask,
            deadline: chain.read(System::block_number) + 11,
            client_key: [1; 32],
        };
        chain.submit(PAYER, request);
        chain.empty_block();
        let id = RequestId(0);
        let status =
            || pallet_inference::Requests::<Runtime>::get(id).expect("the first request").status;
        assert_eq!(chain.read(status), Status::Assigned);
        let output = payload(ElementType::I32, &self.output);
        let submit = || {
            let mut statement = result_statement(id, &operator, &output);
            statement.proof = Some(digest(&self.proof));
            general(pallet_inference::Call::submit_proof {
                request: id,
                operator: operator.clone(),
                cost: ModelRegistry::proof_terms(version).unwrap().cost,
                output: bounded(&output),
                proof: bounded(&self.proof),
                signature: sign(&worker(0), &statement),
            })
        };
        assert_eq!(chain.include(submit), Ok(Ok(())));
        chain.read(status)
    }
}

#[test]
fn a_wrong_answer_is_not_accepted_as_proven() {
    // The accumulator of 96 is 96·2^27, outside int32. Times the multiplier of the requantisation
    // it is one less than the order of the field, and so -1 to a verifier: the quotient is 0, where
    // that of the integers is 2^16, which the clamp makes 127.
    let attack = WrongAnswer::decode(&mut &include_bytes!("vectors/over.scale")[..]).unwrap();
    let mut chain = chain();
    let tamed = attack.tamed().encode();
    assert_eq!(attack.publish(&mut chain, &tamed), Ok(Ok(())), "the other operations are legal");
    let published = attack.publish(&mut chain, &attack.architecture);
    if published == Ok(Ok(())) {
        let status = attack.answer(&mut chain, version(0, 2));
        let verdict = match status {
            Status::Final(Outcome::Verified) => "the attack succeeded",
            _ => "the attack was let in",
        };
        panic!(
            "{verdict}: a version was published whose accumulators leave int32, and the request \
             with the input {:?} and the wrong output {:?} ended as {status:?}",
            attack.input, attack.output,
        );
    }
    assert!(is_refused(&published), "{published:?}");
    chain.check_all();
}

#[test]
fn an_architecture_that_overflows_32_bits_is_refused_and_does_not_trap() {
    let mut chain = chain();
    // The lookups of the first fit into 2^31 rows, those of the second do not.
    let architectures: [&[u8]; 2] =
        [include_bytes!("vectors/layout_below.arch"), include_bytes!("vectors/layout.arch")];
    for architecture in architectures {
        let input = declare("x", ElementType::I8, &[65, 3, 257]);
        let output = declare("y", ElementType::I8, &[1]);
        let published = publish(&mut chain, architecture, input, output);
        assert!(is_refused(&published), "{} bytes: {published:?}", architecture.len());
    }
    // The chain goes on.
    chain.submit(OWNER, frame_system::Call::remark { remark: Vec::new() });
    chain.check_all();
}
