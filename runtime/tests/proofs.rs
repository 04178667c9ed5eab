//! Class `Proof` in the whole runtime, with a real prover, real blocks and exact balances.

mod common;

use assay_graph::Graph;
use assay_pallet_testing::graphs::{payload, proof_context, prover};
use assay_primitives::{
    digest, runtime_api::Status, traits::Models as _, Assurance, AssuranceClass, Balance,
    ElementType, Outcome, ProofRefusal, RejectReason, RequestId, ASY,
};
use assay_proof::Prover;
use assay_runtime::{
    constants::{TreasuryShare, WrongResultSlash},
    ModelRegistry, Runtime, RuntimeEvent,
};
use codec::Encode;
use common::*;
use frame_support::{assert_ok, dispatch::GetDispatchInfo};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchError, Perbill};

const OWNER: Sr25519Keyring = EveStash;
const PAYER: Sr25519Keyring = Ferdie;
const OPERATOR: Sr25519Keyring = AliceStash;
const BOND: Balance = 10_000 * ASY;
const ASK: Balance = 1_000_000_000_007;
const ROYALTY: Perbill = Perbill::from_percent(10);

fn image() -> Vec<u8> {
    (0..32).map(|index| index * 7).collect()
}

/// Publishes the graph and has the operator serve it, all in transactions.
fn set_up(graph: &Graph) {
    let serve = serve_call(ASK, 4, classes(&[AssuranceClass::Proof]));
    bring_up_image_model(graph, OWNER, ROYALTY, OPERATOR, BOND, serve);
}

fn request_call(key: u8) -> pallet_inference::Call<Runtime> {
    common::request_call(&image_input(&image()), Assurance::Proof, 2 * ASK, 10, key)
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

/// The operator's submission, with a proof that is made for the request and then changed.
fn proof_call(
    prover: &Prover,
    id: RequestId,
    change: impl FnOnce(&mut Vec<u8>),
) -> (pallet_inference::Call<Runtime>, Vec<u8>, Vec<u8>) {
    let operator = OPERATOR.to_account_id();
    let request = id.encode();
    let context = proof_context(GENESIS_HASH, &request, &PAYER.to_account_id(), &operator);
    assert_eq!(context.operator, *AsRef::<[u8; 32]>::as_ref(&operator));
    let mut proven = prover.prove(&context, &image()).unwrap();
    change(&mut proven.proof);
    let output = image_output(&proven.output);
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
    [wealth(OWNER), wealth(PAYER), wealth(OPERATOR), treasury_without_fees()]
}

#[test]
fn a_proven_answer_is_verified_in_its_block_and_everyone_paid_to_the_planck() {
    let graph = image_model();
    let prover = prover(&graph);
    run(|| {
        set_up(&graph);
        let [owner, payer, operator, treasury] = wealths();
        let issuance = issuance_without_fees();
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
            payer - ASK - fee - record(id).fee,
            operator + ASK - shared - royalty,
            treasury + shared,
        ];
        assert_eq!(wealths(), expected);
        assert_eq!(issuance_without_fees(), issuance - fee - record(id).fee);

        let receipt = pallet_inference::Results::<Runtime>::get(id).unwrap().receipt;
        let evidence = pallet_inference::Results::<Runtime>::get(id).unwrap().evidence;
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
    let graph = image_model();
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
        let slashed = WrongResultSlash::get();
        let compensation = (slashed / 10).min(2 * ASK);
        let expected = [
            owner,
            payer - fee - record(id).fee + compensation,
            operator - slashed,
            treasury + slashed - compensation,
        ];
        assert_eq!(wealths(), expected);
        assert_eq!(held(&PAYER.to_account_id()), compensation);
    });
}

#[test]
fn the_class_can_be_switched_off() {
    let graph = image_model();
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
    let graph = image_model();
    run(|| {
        set_up(&graph);
        let view = ModelRegistry::architecture(version(0, 1)).unwrap();
        assert_eq!(view, graph.architecture.encode());
        // A payload with a shape that the version does not declare.
        let wrong = payload(ElementType::I8, &image());
        let call = common::request_call(&wrong, Assurance::Proof, 2 * ASK, 10, 1);
        let refused: DispatchError = pallet_inference::Error::<Runtime>::InputWrongShape.into();
        assert_eq!(include(signed(PAYER, call)), Err(refused));
    });
}
