//! Attacks on the verification of proofs, through calls of the pallets in blocks that are executed
//! by the runtime's wasm.

use assay_graph::{format::GRAPH_TAG, Add, Architecture, Multiplier, Operation};
use assay_primitives::{
    digest, engine::ProofContext, model::Format, AssuranceClass, ElementType, ModelDescriptor,
    TensorDeclaration, WeightsFingerprint,
};
use assay_proof::ProofParameters;
use assay_runtime::Runtime;
use codec::{Decode, Encode};
use pallet_model_registry::Error;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, Perbill};

#[path = "wasm/chain.rs"]
mod chain;
mod common;
mod wasm;

use chain::Chain;
use common::*;

const OWNER: Sr25519Keyring = EveStash;

/// The result of the call that publishes, or the function in which the runtime trapped.
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
    // The chain does not read artifacts. An audit shows it the weights.
    let file = architecture;
    chain.submit(OWNER, announce(file));
    chain.submit(OWNER, upload(file, 0, identity(file)));
    let descriptor = ModelDescriptor {
        format: Format::IntegerGraph,
        inputs: vec![input].try_into().unwrap(),
        outputs: vec![output].try_into().unwrap(),
        assurances: classes(&[AssuranceClass::Proof]),
        architecture: Some(digest(&[GRAPH_TAG, architecture].concat())),
        ..integers(file)
    };
    let call = publish_call(descriptor, Perbill::zero(), Some(architecture));
    chain.include(|| signed(OWNER, call))
}

/// An architecture from a file, with the current proof parameters.
fn architecture(mut bytes: &[u8]) -> Architecture {
    let mut architecture = Architecture::decode(&mut bytes).unwrap();
    architecture.commitments.proof_parameters = ProofParameters::RECOMMENDED.to_list();
    architecture
}

#[test]
fn an_architecture_whose_equations_hold_only_in_the_field_is_refused() {
    // For the input 96, the accumulator is 96·2^27, outside int32. Its product with the multiplier
    // of the requantisation is the order of the field minus 1, so it is -1 to a verifier, and the
    // quotient is 0. In integers the quotient is 2^16, and the clamp makes it 127. Without the
    // check, the chain would accept a proof that the input 96 leads to 0.
    let attack = architecture(include_bytes!("vectors/over.arch"));
    // The same operations with multipliers that keep all sums small.
    let mut tamed = attack.clone();
    if let Operation::Add(Add { left_multiplier, right_multiplier, .. }) = &mut tamed.operations[0]
    {
        (*left_multiplier, *right_multiplier) = (Multiplier::ONE, Multiplier::ONE);
    }
    let mut chain = chain();
    let publish = |chain: &mut Chain, architecture: &Architecture| {
        let input = declare("x", ElementType::I8, &[1]);
        publish(chain, &architecture.encode(), input, declare("y", ElementType::I32, &[1]))
    };
    assert_eq!(publish(&mut chain, &tamed), Ok(Ok(())), "the other operations are legal");
    let published = publish(&mut chain, &attack);
    assert_eq!(published, Ok(Err(Error::<Runtime>::ArchitectureInvalid.into())));
    // Without the check at publication, the verifier cannot be made either.
    let context = ProofContext {
        genesis: [0; 32],
        domain: Vec::new(),
        request: Vec::new(),
        requester: [0; 32],
        operator: [0; 32],
    };
    let proof = pallet_verification::proof::check(
        &attack.encode(),
        &context,
        &[96],
        &[0; 4],
        WeightsFingerprint::default(),
        &[],
    );
    assert!(proof.is_err_and(|refused| refused.contains("leaves int32")));
    chain.check_all();
}

#[test]
fn an_architecture_that_overflows_32_bits_is_refused_and_does_not_trap() {
    let mut chain = chain();
    // The lookups of the first architecture fit into 2^31 rows, those of the second do not.
    let files: [&[u8]; 2] =
        [include_bytes!("vectors/layout_below.arch"), include_bytes!("vectors/layout.arch")];
    for file in files {
        let architecture = architecture(file).encode();
        let input = declare("x", ElementType::I8, &[65, 3, 257]);
        let output = declare("y", ElementType::I8, &[1]);
        let published = publish(&mut chain, &architecture, input, output);
        assert_eq!(published, Ok(Err(Error::<Runtime>::NotProvable.into())));
    }
    // The chain continues.
    chain.submit(OWNER, frame_system::Call::remark { remark: Vec::new() });
    chain.check_all();
}
