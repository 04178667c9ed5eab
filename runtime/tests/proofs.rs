//! Class `Proof` in the whole runtime, with a real prover, real blocks and exact balances.

mod common;

use assay_graph::Graph;
use assay_pallet_testing::graphs::{descriptor, graph, payload, prover, Layer};
use assay_primitives::{
    artifact::ArtifactManifest,
    digest,
    proof::{account_bytes, PROOF_DOMAIN},
    runtime_api::Status,
    traits::Models as _,
    Assurance, AssuranceClass, AssuranceClasses, Balance, ElementType, Outcome, ProofRefusal,
    RejectReason, RequestId, RequestInput, ASY,
};
use assay_proof::{Context, ProofParameters, Prover};
use assay_runtime::{
    constants::{AvailableClasses, TreasuryShare, WrongResultSlash},
    AccountId, Balances, ModelRegistry, Runtime, RuntimeEvent, System,
};
use codec::Encode;
use common::*;
use frame_support::{assert_ok, dispatch::GetDispatchInfo, traits::Currency};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, Perbill};

const OWNER: Sr25519Keyring = EveStash;
const PAYER: Sr25519Keyring = Ferdie;
const OPERATOR: Sr25519Keyring = AliceStash;
const BOND: Balance = 10_000 * ASY;
const ASK: Balance = 1_000_000_000_007;
const ROYALTY: Perbill = Perbill::from_percent(10);

/// A small network of a convolution, a pool and a dense layer, sealed with recommended parameters.
fn model() -> Graph {
    use assay_graph::Shape;
    let layers = [Layer::Conv2d(4, [3, 3]), Layer::Requantize, Layer::MaxPool2d([2, 2])];
    graph(Shape::new(2, 4, 4), &layers, &ProofParameters::RECOMMENDED)
}

fn image() -> Vec<u8> {
    (0..32).map(|index| index * 7).collect()
}

/// Publishes the graph and has the operator serve it, all in transactions.
fn set_up(graph: &Graph) {
    let file = graph.encode();
    let ArtifactManifest { digest, size, chunks } = ArtifactManifest::of(&file);
    let chunks = chunks.try_into().unwrap();
    submit(OWNER, pallet_storage::Call::create { digest, size, chunks });
    submit(OWNER, pallet_storage::Call::upload { digest, index: 0, data: file });
    submit(OWNER, pallet_model_registry::Call::create { name: bounded(b"image") });
    let mut descriptor = descriptor(graph, AvailableClasses::get());
    descriptor.outputs[0].element_type = ElementType::I8;
    let publish = pallet_model_registry::Call::publish {
        model: version(0, 1).model,
        descriptor,
        royalty: ROYALTY,
        licence: bounded(b"Apache-2.0"),
        metadata: None,
        architecture: Some(bounded(&graph.architecture.encode())),
    };
    submit(OWNER, publish);
    submit(PAYER, audit(version(0, 1), graph));
    submit(OPERATOR, register(&OPERATOR.to_account_id(), &worker(0), BOND));
    let serve = pallet_operators::Call::serve {
        version: version(0, 1),
        ask: ASK,
        concurrency: 4,
        response_blocks: 1,
        classes: AssuranceClasses::NONE.with(AssuranceClass::Proof),
    };
    submit(OPERATOR, serve);
    let call = heartbeat(&OPERATOR.to_account_id(), &worker(0), System::block_number());
    assert_ok!(include(general(call)));
}

fn tensor(data: &[u8], shape: [u32; 3]) -> Vec<u8> {
    vec![assay_primitives::Tensor {
        element_type: ElementType::I8,
        shape: shape.to_vec(),
        data: data.to_vec(),
    }]
    .encode()
}

fn request_call(key: u8) -> pallet_inference::Call<Runtime> {
    pallet_inference::Call::request {
        version: version(0, 1),
        input: RequestInput::Inline(bounded(&tensor(&image(), [2, 4, 4]))),
        assurance: Assurance::Proof,
        max_price: 2 * ASK,
        deadline: System::block_number() + 11,
        client_key: [key; 32],
    }
}

/// Makes a request and has it drawn. Returns its id and the fee.
fn drawn(key: u8) -> (RequestId, Balance) {
    submit(PAYER, request_call(key));
    let fee = fees()[0].1;
    let id = pallet_inference::ClientKeys::<Runtime>::get(PAYER.to_account_id(), [key; 32]);
    empty_block();
    let id = id.unwrap();
    assert_eq!(record(id).status, Status::Assigned);
    (id, fee)
}

fn record(id: RequestId) -> pallet_inference::Request<AccountId> {
    pallet_inference::Requests::<Runtime>::get(id).unwrap()
}

/// The operator's submission, with a proof that is made for the request and then changed.
fn proof_call(
    prover: &Prover,
    id: RequestId,
    change: impl FnOnce(&mut Vec<u8>),
) -> (pallet_inference::Call<Runtime>, Vec<u8>, Vec<u8>) {
    let operator = OPERATOR.to_account_id();
    let context = Context {
        genesis: GENESIS_HASH.0,
        domain: PROOF_DOMAIN,
        request: &id.encode(),
        requester: account_bytes(&PAYER.to_account_id()),
        operator: account_bytes(&operator),
    };
    assert_eq!(context.operator, *AsRef::<[u8; 32]>::as_ref(&operator));
    let mut proven = prover.prove(&context, &image()).unwrap();
    change(&mut proven.proof);
    let output = tensor(&proven.output, [4, 4, 4]);
    let mut statement = result_statement(id, &operator, &output);
    statement.proof = Some(digest(&proven.proof));
    let call = pallet_inference::Call::submit_proof {
        request: id,
        operator,
        cost: ModelRegistry::proof_terms(version(0, 1)).unwrap().cost,
        output: bounded(&output),
        proof: bounded(&proven.proof),
        signature: sign(&worker(0), &statement),
    };
    (call, output, proven.proof)
}

/// Total balances of owner, payer, operator and treasury.
fn wealths() -> [Balance; 4] {
    let wealth = |who: Sr25519Keyring| Balances::total_balance(&who.to_account_id());
    [wealth(OWNER), wealth(PAYER), wealth(OPERATOR), free(&treasury())]
}

#[test]
fn a_proven_answer_is_verified_in_its_block_and_everyone_paid_to_the_planck() {
    let graph = model();
    let prover = prover(&graph);
    run(|| {
        set_up(&graph);
        let [owner, payer, operator, treasury] = wealths();
        let issuance = Balances::total_issuance();
        let (id, fee) = drawn(1);
        let (call, output, proof) = proof_call(&prover, id, |_| ());
        let weight = call.get_dispatch_info().call_weight;
        assert!(weight.ref_time() > 0);
        assert_ok!(include(general(call.clone())));
        assert_eq!(fees(), Vec::new(), "a workers' call is feeless");
        assert_eq!(record(id).status, Status::Final(Outcome::Verified));

        let shared = TreasuryShare::get().mul_floor(ASK);
        let royalty = ROYALTY.mul_floor(ASK);
        let expected = [
            owner + royalty,
            payer - ASK - fee,
            operator + ASK - shared - royalty,
            treasury + shared,
        ];
        assert_eq!(wealths(), expected);
        assert_eq!(Balances::total_issuance(), issuance - fee);

        let receipt = pallet_inference::Receipts::<Runtime>::get(id).unwrap();
        let evidence = pallet_inference::EvidenceOf::<Runtime>::get(id).unwrap();
        assert_eq!(receipt.output_digest, Some(digest(&output)));
        let kept = evidence[0].proof.unwrap();
        assert_eq!((kept.digest, kept.bytes as usize), (digest(&proof), proof.len()));
        let terms = ModelRegistry::proof_terms(version(0, 1)).unwrap();
        assert_eq!(kept.security_bits, terms.security_bits);
        assert!(receipt.bad_signatures(&evidence).is_empty());
        // A second proof is refused, because the request has ended.
        assert!(validate(general(call)).is_err());
    });
}

#[test]
fn an_invalid_proof_costs_the_operator_and_refunds_the_payer() {
    let graph = model();
    let prover = prover(&graph);
    run(|| {
        set_up(&graph);
        let [owner, payer, operator, treasury] = wealths();
        let (id, fee) = drawn(1);
        let (call, _, _) = proof_call(&prover, id, |proof| proof[0] ^= 1);
        // The pool does not verify proofs.
        assert_ok!(validate(general(call.clone())).map(drop));
        assert_ok!(include(general(call)));
        let outcome = Outcome::Rejected(RejectReason::InvalidProof);
        assert_eq!(record(id).status, Status::Final(outcome));
        assert!(events().contains(&RuntimeEvent::Inference(
            pallet_inference::Event::ProofRefused {
                request: id,
                operator: OPERATOR.to_account_id(),
                reason: ProofRefusal::Statement,
            }
        )));
        let slashed = WrongResultSlash::get() * BOND;
        let compensation = slashed.min(2 * ASK);
        let expected = [
            owner,
            payer - fee + compensation,
            operator - slashed,
            treasury + slashed - compensation,
        ];
        assert_eq!(wealths(), expected);
        assert_eq!(held(&PAYER.to_account_id()), 0);
    });
}

#[test]
fn the_class_can_be_switched_off() {
    let graph = model();
    run(|| {
        set_up(&graph);
        let switch = |enabled| {
            pallet_verification::Pallet::<Runtime>::set_class_enabled(
                assay_runtime::RuntimeOrigin::root(),
                AssuranceClass::Proof,
                enabled,
            )
        };
        assert_ok!(switch(false));
        let refused: DispatchError = pallet_verification::Error::<Runtime>::ClassDisabled.into();
        assert_eq!(include(signed(PAYER, request_call(1))), Err(refused));
        assert_ok!(switch(true));
        drawn(1);
    });
}

#[test]
fn the_architecture_is_stored_and_inputs_must_have_the_declared_shape() {
    let graph = model();
    run(|| {
        set_up(&graph);
        let view = ModelRegistry::architecture(version(0, 1)).unwrap();
        assert_eq!(view, graph.architecture.encode());
        // A payload with a shape that the version does not declare.
        let wrong = payload(ElementType::I8, &image());
        let call = pallet_inference::Call::request {
            version: version(0, 1),
            input: RequestInput::Inline(bounded(&wrong)),
            assurance: Assurance::Proof,
            max_price: 2 * ASK,
            deadline: System::block_number() + 11,
            client_key: [1; 32],
        };
        let refused: DispatchError = pallet_inference::Error::<Runtime>::InputWrongShape.into();
        assert_eq!(include(signed(PAYER, call)), Err(refused));
    });
}
