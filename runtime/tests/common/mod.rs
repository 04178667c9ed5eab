//! The whole runtime with the genesis of the local network, and real blocks on it.
// Each test file uses a part of this one.
#![allow(dead_code, unused_imports)]

pub mod blocks;
pub mod money;
pub mod party;
pub mod referenda;
pub mod rng;
pub mod validators;

use assay_graph::{Graph, Shape};
use assay_pallet_testing::graphs::{descriptor, graph, tensor_payload, Layer};
use assay_primitives::{
    commitment,
    dispute::AnswerStatement,
    merkle,
    model::Format,
    operator::{EngineVersion, Roles},
    traits::{OptimisticResult, OptimisticResults},
    worker_crypto, AnsweredRequest, ArtifactManifest, Assurance, AssuranceClass, AssuranceClasses,
    Balance, CommitStatement, Digest, ElementType, FailureReason, FailureStatement,
    HeartbeatStatement, ListStatement, ModelDescriptor, ModelId, Possession, RequestId,
    RequestInput, ResultStatement, SignedResult, Statement, Tensor, VersionId, WorkerId,
    WorkerSignature,
};
use assay_proof::ProofParameters;
use assay_runtime::{
    constants::AvailableClasses, genesis, AccountId, Disputes, Governance, Inference,
    ModelRegistry, Operators, Room, Runtime, RuntimeGenesisConfig, Settlement, Storage, System,
    Validators, Verification,
};
use codec::Encode;
use serde_json::Value;
use sp_application_crypto::Pair as _;
use sp_core::bounded::BoundedVec;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{BuildStorage, Perbill};

/// The largest royalty that the operators of these tests accept.
pub const MAX_ROYALTY: Perbill = Perbill::from_percent(15);
/// Number of validators, each of which has a slot in turn.
pub const AUTHORITIES: u64 = 4;

pub use assay_pallet_testing::graphs::declare;
pub use blocks::*;
pub use money::*;

/// Lays a preset over the default configuration, as chain specifications do.
fn lay_over(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                lay_over(target.entry(key).or_insert(Value::Null), value);
            }
        },
        (target, patch) => *target = patch,
    }
}

/// A genesis preset.
pub fn preset(id: &str) -> Value {
    let preset = genesis::preset(&id.into()).expect("the preset exists");
    serde_json::from_slice(&preset).expect("the preset is JSON")
}

/// Externalities with the genesis of the local network, before any block.
pub fn genesis_externalities() -> sp_io::TestExternalities {
    externalities_of(preset(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET))
}

/// Externalities with the genesis of a preset, before any block.
pub fn externalities_of(preset: Value) -> sp_io::TestExternalities {
    let mut config =
        serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default is JSON");
    lay_over(&mut config, preset);
    let config: RuntimeGenesisConfig =
        serde_json::from_value(config).expect("the preset fits the runtime");
    config.build_storage().expect("the genesis is valid").into()
}

/// Runs a test after the first, empty block, and checks every invariant at its end.
pub fn run<R>(test: impl FnOnce() -> R) -> R {
    run_on(genesis_externalities(), test)
}

/// [`run`] on externalities without any block.
pub fn run_on<R>(mut externalities: sp_io::TestExternalities, test: impl FnOnce() -> R) -> R {
    blocks::forget();
    money::set_fees_to_treasury(0);
    externalities.execute_with(|| {
        empty_block();
        let result = test();
        check_all();
        result
    })
}

/// Checks the invariants of every pallet of Assay, of staking, and of referenda. With the feature
/// `try-runtime`, also those of all pallets of the SDK.
pub fn check_all() {
    check_within_block();
    referenda::check_referenda();
    Validators::do_try_state().expect("validators");
    #[cfg(feature = "try-runtime")]
    <assay_runtime::AllPalletsWithSystem as frame_support::traits::TryState<_>>::try_state(
        System::block_number(),
        frame_support::traits::TryStateSelect::All,
    )
    .expect("every pallet");
}

/// Checks the invariants that also hold while a block is made, when its fees are not divided yet.
pub fn check_within_block() {
    Settlement::do_try_state().expect("settlement");
    Storage::do_try_state().expect("storage");
    ModelRegistry::do_try_state().expect("model-registry");
    Operators::do_try_state().expect("operators");
    Verification::do_try_state().expect("verification");
    Inference::do_try_state().expect("inference");
    Disputes::do_try_state().expect("disputes");
    Room::do_try_state().expect("room");
    Governance::do_try_state().expect("governance");
    validators::check_staking();
}

/// A set of classes.
pub fn classes(members: &[AssuranceClass]) -> AssuranceClasses {
    members.iter().copied().collect()
}

/// Both classes that are available to every format.
pub fn both() -> AssuranceClasses {
    classes(&[AssuranceClass::Signed, AssuranceClass::Quorum])
}

/// A version that turns two integers into one.
pub fn integers(model_file: &[u8]) -> ModelDescriptor {
    ModelDescriptor {
        artifact: identity(model_file),
        artifact_size: model_file.len() as u64,
        format: Format::Onnx,
        inputs: vec![declare("x", ElementType::I32, &[2])].try_into().expect("within the bound"),
        outputs: vec![declare("y", ElementType::I32, &[1])].try_into().expect("within the bound"),
        assurances: both(),
        tolerance: None,
        architecture: None,
    }
}

/// A version that turns two integers into a floating-point number, equal within 0.3.
pub fn floats(model_file: &[u8]) -> ModelDescriptor {
    ModelDescriptor {
        outputs: vec![declare("y", ElementType::F32, &[1])].try_into().expect("within the bound"),
        tolerance: Some(assay_primitives::model::Tolerance { millionths: 300_000 }),
        ..integers(model_file)
    }
}

/// A payload of one tensor of integers.
pub fn integer_payload(values: &[i32]) -> Vec<u8> {
    vec![Tensor {
        element_type: ElementType::I32,
        shape: vec![values.len() as u32],
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }]
    .encode()
}

/// A payload of one floating-point number.
pub fn float_payload(value: f32) -> Vec<u8> {
    vec![Tensor {
        element_type: ElementType::F32,
        shape: vec![1],
        data: value.to_le_bytes().to_vec(),
    }]
    .encode()
}

/// The identity of an artifact.
pub fn identity(file: &[u8]) -> Digest {
    ArtifactManifest::of(file).identity
}

/// The call that announces an artifact.
pub fn announce(file: &[u8]) -> pallet_storage::Call<Runtime> {
    let ArtifactManifest { size, chunks, .. } = ArtifactManifest::of(file);
    pallet_storage::Call::create { size, chunks: chunks.try_into().expect("few chunks") }
}

/// The call that uploads a chunk of an artifact.
pub fn upload(data: &[u8], index: u32, of: Digest) -> pallet_storage::Call<Runtime> {
    pallet_storage::Call::upload { artifact: of, index, data: data.to_vec() }
}

/// The call that publishes the next version of model 0.
pub fn publish_call(
    descriptor: ModelDescriptor,
    royalty: Perbill,
    architecture: Option<&[u8]>,
) -> pallet_model_registry::Call<Runtime> {
    pallet_model_registry::Call::publish {
        model: version(0, 1).model,
        descriptor,
        royalty,
        licence: bounded(b"Apache-2.0"),
        metadata: None,
        architecture: architecture.map(bounded),
    }
}

/// Puts an artifact of one chunk on chain and publishes it as version 1 of model 0, in
/// transactions.
pub fn publish(
    owner: Sr25519Keyring,
    file: &[u8],
    descriptor: ModelDescriptor,
    royalty: Perbill,
    architecture: Option<&[u8]>,
) {
    submit(owner, announce(file));
    submit(owner, upload(file, 0, descriptor.artifact));
    submit(owner, pallet_model_registry::Call::create { name: bounded(b"model") });
    submit(owner, publish_call(descriptor, royalty, architecture));
}

/// The call by which an operator serves version 1 of model 0.
pub fn serve_call(
    ask: Balance,
    concurrency: u32,
    classes: AssuranceClasses,
) -> pallet_operators::Call<Runtime> {
    let version = version(0, 1);
    pallet_operators::Call::serve {
        version,
        ask,
        concurrency,
        response_blocks: 1,
        classes,
        max_royalty: MAX_ROYALTY,
    }
}

/// The call that requests version 1 of model 0. It is included in the next block; the deadline is
/// `patience` blocks later.
pub fn request_call(
    input: &[u8],
    assurance: Assurance,
    max_price: Balance,
    patience: u32,
    key: u8,
) -> pallet_inference::Call<Runtime> {
    pallet_inference::Call::request {
        version: version(0, 1),
        input: RequestInput::Inline(bounded(input)),
        assurance,
        max_price,
        deadline: System::block_number() + 1 + patience,
        draw_delay: 1,
        client_key: [key; 32],
    }
}

/// A request that is not pruned.
pub fn record(id: RequestId) -> pallet_inference::Request<AccountId> {
    pallet_inference::Requests::<Runtime>::get(id).expect("the request is not pruned")
}

/// A small graph with an int8 output: a convolution, its requantisation and a pool, sealed with
/// recommended parameters.
pub fn image_model() -> Graph {
    let layers = [Layer::Conv2d(4, [3, 3]), Layer::Requantize, Layer::MaxPool2d([2, 2])];
    graph(Shape::new(2, 4, 4), &layers, &ProofParameters::RECOMMENDED)
}

/// A payload of one input of [`image_model`].
pub fn image_input(data: &[u8]) -> Vec<u8> {
    tensor_payload(ElementType::I8, &[2, 4, 4], data)
}

/// A payload of one output of [`image_model`].
pub fn image_output(data: &[u8]) -> Vec<u8> {
    tensor_payload(ElementType::I8, &[4, 4, 4], data)
}

/// The descriptor of [`image_model`] in every class, and its encoded architecture.
pub fn image_version(graph: &Graph) -> (ModelDescriptor, Vec<u8>) {
    let mut descriptor = descriptor(graph, AvailableClasses::get());
    descriptor.outputs[0].element_type = ElementType::I8;
    (descriptor, graph.architecture.encode())
}

/// Publishes [`image_model`] as version 1 of model 0 in every class, has its weights read, and has
/// an operator serve it in one class, with worker key 0; all in transactions.
pub fn bring_up_image_model(
    graph: &Graph,
    owner: Sr25519Keyring,
    royalty: Perbill,
    operator: Sr25519Keyring,
    bond: Balance,
    serve: pallet_operators::Call<Runtime>,
) {
    let (descriptor, architecture) = image_version(graph);
    publish(owner, &graph.encode(), descriptor, royalty, Some(&architecture));
    submit(owner, audit(version(0, 1), graph));
    let account = operator.to_account_id();
    submit(operator, register(&account, &worker(0), bond));
    submit(operator, serve);
    let heartbeat = heartbeat(&account, &worker(0), System::block_number());
    assert_eq!(include(general(heartbeat)), Ok(()));
}

/// Turns bytes into a bounded list.
pub fn bounded<Max: sp_core::Get<u32>>(bytes: &[u8]) -> BoundedVec<u8, Max> {
    bytes.to_vec().try_into().expect("within the bound")
}

/// Worker key of a number.
pub fn worker(number: u32) -> worker_crypto::Pair {
    let mut seed = [7u8; 32];
    seed[..4].copy_from_slice(&number.to_le_bytes());
    worker_crypto::Pair::from_seed(&seed)
}

/// Signature of a worker over a statement.
pub fn sign(worker: &worker_crypto::Pair, statement: &impl Statement) -> WorkerSignature {
    worker.sign(&statement.signing_bytes()).into()
}

/// The call by which an account registers with a worker key that is its own.
pub fn register(
    operator: &AccountId,
    worker: &worker_crypto::Pair,
    bond: Balance,
) -> pallet_operators::Call<Runtime> {
    let statement = Possession { genesis: GENESIS_HASH, operator: operator.clone() };
    pallet_operators::Call::register {
        roles: Roles::INFERENCE,
        worker: worker.public(),
        possession: sign(worker, &statement),
        bond,
    }
}

/// A heartbeat that names a height.
pub fn heartbeat(
    operator: &AccountId,
    worker: &worker_crypto::Pair,
    at: u32,
) -> pallet_operators::Call<Runtime> {
    let statement = HeartbeatStatement {
        genesis: GENESIS_HASH,
        operator: operator.clone(),
        at,
        engine: EngineVersion { major: 1, minor: 2, patch: 3 },
        load: 0,
    };
    let signature = sign(worker, &statement);
    pallet_operators::Call::heartbeat { statement, signature }
}

/// The statement that an operator signs for an output.
pub fn result_statement(
    request: RequestId,
    operator: &AccountId,
    output: &[u8],
) -> ResultStatement<AccountId> {
    ResultStatement {
        request: answered(request).hash(),
        output_digest: assay_primitives::digest(output),
        operator: operator.clone(),
        proof: None,
    }
}

/// What operators answer in a request. The request need not exist.
pub fn answered(request: RequestId) -> AnsweredRequest<AccountId> {
    let record = pallet_inference::Requests::<Runtime>::get(request);
    let of = |digest: fn(&pallet_inference::Request<AccountId>) -> Digest| {
        record.as_ref().map_or(Digest::zero(), digest)
    };
    AnsweredRequest {
        genesis: GENESIS_HASH,
        request,
        version_digest: of(|record| record.version_digest),
        input_digest: of(|record| record.input_digest),
        seed: of(|record| record.draw.map_or(Digest::zero(), |draw| draw.seed)),
        assurance: record.as_ref().map_or(Assurance::Signed, |record| record.assurance),
        payer: record.map_or(AccountId::new([0; 32]), |record| record.payer),
    }
}

/// The report that a worker key signed two results of a request of this version, which has no
/// tolerance.
pub fn equivocation(
    request: RequestId,
    version: VersionId,
    worker: &worker_crypto::Pair,
    [first, second]: [ResultStatement<AccountId>; 2],
) -> pallet_verification::Call<Runtime> {
    let version = pallet_model_registry::Versions::<Runtime>::get(version).expect("it exists");
    pallet_verification::Call::report_equivocation {
        worker: public(worker),
        answered: answered(request),
        descriptor: Box::new(version.descriptor),
        first: signed_result(worker, first),
        second: signed_result(worker, second),
        outputs: None,
    }
}

fn signed_result(
    worker: &worker_crypto::Pair,
    statement: ResultStatement<AccountId>,
) -> SignedResult<AccountId> {
    SignedResult { signature: sign(worker, &statement), statement, list: None }
}

/// A signed result.
pub fn result(
    request: RequestId,
    operator: &AccountId,
    worker: &worker_crypto::Pair,
    output: &[u8],
) -> pallet_inference::Call<Runtime> {
    pallet_inference::Call::submit_result {
        request,
        operator: operator.clone(),
        output: bounded(output),
        signature: sign(worker, &result_statement(request, operator, output)),
    }
}

/// The results of several requests of a version, with one signature.
pub fn results_call(
    version: VersionId,
    operator: &AccountId,
    worker: &worker_crypto::Pair,
    results: &[(RequestId, Vec<u8>)],
) -> pallet_inference::Call<Runtime> {
    let digests: Vec<_> = results
        .iter()
        .map(|(id, output)| result_statement(*id, operator, output).digest())
        .collect();
    let statement = ListStatement {
        results: merkle::root(&digests),
        count: digests.len() as u32,
        operator: operator.clone(),
    };
    let listed = |(id, output): &(RequestId, Vec<u8>)| pallet_inference::ListedResult {
        request: *id,
        answered: answered(*id).hash(),
        output: bounded(output),
    };
    pallet_inference::Call::submit_results {
        operator: operator.clone(),
        version,
        results: results.iter().map(listed).collect::<Vec<_>>().try_into().expect("few results"),
        signature: sign(worker, &statement),
    }
}

/// A commitment to a result.
pub fn commit(
    request: RequestId,
    operator: &AccountId,
    worker: &worker_crypto::Pair,
    output: &[u8],
    salt: &[u8; 32],
) -> pallet_inference::Call<Runtime> {
    let answered = answered(request).hash();
    let statement = CommitStatement {
        request: answered,
        commitment: commitment(&answered, operator, &assay_primitives::digest(output), salt),
        operator: operator.clone(),
    };
    pallet_inference::Call::submit_commitment {
        request,
        operator: operator.clone(),
        commitment: statement.commitment,
        signature: sign(worker, &statement),
    }
}

/// A result that opens a commitment.
pub fn reveal(
    request: RequestId,
    operator: &AccountId,
    worker: &worker_crypto::Pair,
    output: &[u8],
    salt: &[u8; 32],
) -> pallet_inference::Call<Runtime> {
    pallet_inference::Call::submit_reveal {
        request,
        operator: operator.clone(),
        output: bounded(output),
        salt: *salt,
        signature: sign(worker, &result_statement(request, operator, output)),
    }
}

/// A worker's report that it cannot serve a request.
pub fn failure(
    request: RequestId,
    operator: &AccountId,
    worker: &worker_crypto::Pair,
    reason: FailureReason,
) -> pallet_inference::Call<Runtime> {
    let statement =
        FailureStatement { request: answered(request).hash(), reason, operator: operator.clone() };
    pallet_inference::Call::report_failure {
        request,
        operator: operator.clone(),
        reason,
        signature: sign(worker, &statement),
    }
}

/// The statement that the operator of a disputed result signs to make a move.
pub fn answer_statement(
    dispute: &pallet_disputes::Dispute<AccountId>,
    answer: &assay_dispute::Answer,
) -> AnswerStatement<AccountId> {
    let result = Inference::result(dispute.request).unwrap_or_else(|| {
        // The request has ended.
        let operator = dispute.operator.clone();
        let zero = Digest::zero();
        OptimisticResult {
            operator,
            worker: None,
            answered: zero,
            output_digest: zero,
            trace_root: zero,
            disputable_until: 0,
        }
    });
    Disputes::answer_statement(dispute, &result, answer)
}

/// The call that shows all weights of a small graph.
pub fn audit(
    version: VersionId,
    graph: &assay_graph::Graph,
) -> pallet_model_registry::Call<Runtime> {
    audit_from(version, graph, 0, usize::MAX)
}

/// The call that shows the weights of a graph from byte `first` on, at most so many pieces.
pub fn audit_from(
    version: VersionId,
    graph: &assay_graph::Graph,
    first: u64,
    pieces: usize,
) -> pallet_model_registry::Call<Runtime> {
    let openings = assay_pallet_testing::graphs::opened_weights(graph, first, pieces);
    let (bytes, proofs) = pallet_model_registry::PieceProof::arguments(openings).unwrap();
    pallet_model_registry::Call::audit_weights { version, first, bytes, proofs }
}

/// Version `number` of model `model`.
pub fn version(model: u32, number: u32) -> VersionId {
    VersionId { model: ModelId(model), number }
}

/// The public half of a worker key.
pub fn public(worker: &worker_crypto::Pair) -> WorkerId {
    worker.public()
}
