//! The whole runtime with the genesis of the local network, and real blocks on it.
// Each test file uses a part of this one.
#![allow(dead_code)]

pub mod money;
pub mod party;
pub mod referenda;
pub mod rng;
pub mod validators;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

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
    constants::AvailableClasses,
    genesis,
    transactions::{authorized_extension, ChargeWithinClass},
    AccountId, Babe, Disputes, Executive, Governance, Hash, Header, Inference, ModelRegistry,
    Operators, Room, Runtime, RuntimeCall, RuntimeEvent, RuntimeGenesisConfig, Session, Settlement,
    Storage, System, UncheckedExtrinsic, Validators, Verification, SLOT_DURATION_MS,
};
use codec::Encode;
use frame_support::storage::{storage_prefix, unhashed, with_transaction};
use serde_json::Value;
use sp_application_crypto::Pair as _;
use sp_consensus_babe::{
    digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest, SecondaryVRFPreDigest},
    make_vrf_sign_data, make_vrf_transcript, Slot, RANDOMNESS_VRF_CONTEXT,
};
use sp_core::{bounded::BoundedVec, crypto::VrfSecret, sr25519};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
    generic::SignedPayload,
    traits::{Header as _, IdentifyAccount},
    transaction_validity::{TransactionSource, TransactionValidity},
    ApplyExtrinsicResult, BuildStorage, Digest as HeaderDigest, DigestItem, DispatchError,
    MultiSignature, MultiSigner, Perbill, TransactionOutcome,
};

/// Hash of the genesis block of these tests.
pub const GENESIS_HASH: Hash = Hash::repeat_byte(0x5a);
/// The largest royalty that the operators of these tests accept.
pub const MAX_ROYALTY: Perbill = Perbill::from_percent(15);
/// Number of validators, each of which has a slot in turn.
pub const AUTHORITIES: u64 = 4;
/// Slot of block 0.
const FIRST_SLOT: u64 = 1_000_000;

pub use assay_pallet_testing::graphs::declare;
pub use money::*;

thread_local! {
    static PARENT: Cell<Hash> = const { Cell::new(GENESIS_HASH) };
    static SKIPPED_SLOTS: Cell<u64> = const { Cell::new(0) };
}

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
    PARENT.set(GENESIS_HASH);
    SKIPPED_SLOTS.set(0);
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

/// The key of an authority.
pub fn authority(index: u32) -> [u8; 32] {
    let authorities = Babe::authorities();
    let key: &[u8] = authorities[index as usize].0.as_ref();
    key.try_into().expect("a key has 32 bytes")
}

/// The claim and the VRF output of an authority for the randomness of an epoch.
type Claims = BTreeMap<(u32, [u8; 32]), (PreDigest, [u8; 32])>;

thread_local! {
    /// What [`set_author`] has made: signatures take long.
    static CLAIMS: RefCell<Claims> = RefCell::default();
}

/// Pretends that this authority is the author of the block, and has a VRF output for this randomness of
/// the epoch. Returns the output. Without randomness the block has none.
pub fn set_author(authority_index: u32, randomness: Option<[u8; 32]>) -> Option<[u8; 32]> {
    let slot = Slot::from(1);
    let (claim, output) = match randomness {
        Some(randomness) => {
            pallet_babe::Randomness::<Runtime>::put(randomness);
            let (claim, output) = CLAIMS.with_borrow_mut(|claims| {
                let made = claims.entry((authority_index, randomness)).or_insert_with(|| {
                    let epoch = Babe::epoch_index();
                    let transcript = make_vrf_transcript(&randomness, slot, epoch);
                    let pair = validator(authority_index).pair();
                    let output = pair.make_bytes(RANDOMNESS_VRF_CONTEXT, &transcript);
                    (claim(slot, authority_index, &randomness, epoch), output)
                });
                made.clone()
            });
            (claim, Some(output))
        },
        None => {
            (PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index, slot }), None)
        },
    };
    let logs = vec![DigestItem::babe_pre_digest(claim)];
    unhashed::put(&storage_prefix(b"System", b"Digest"), &HeaderDigest { logs });
    output
}

/// The well-known key of an authority.
fn validator(index: u32) -> Sr25519Keyring {
    let public = Babe::authorities()[index as usize].0.clone().into_inner();
    Sr25519Keyring::from_public(&public).expect("validators are well-known")
}

/// The claim of a slot, with a real VRF signature.
fn claim(slot: Slot, authority_index: u32, randomness: &[u8; 32], epoch: u64) -> PreDigest {
    let data = make_vrf_sign_data(randomness, slot, epoch);
    let vrf_signature = validator(authority_index).pair().vrf_sign(&data);
    PreDigest::SecondaryVRF(SecondaryVRFPreDigest { authority_index, slot, vrf_signature })
}

/// What the author of a slot puts into the header.
fn pre_digest(slot: Slot) -> DigestItem {
    let current = Babe::current_epoch();
    // The first block starts the first epoch, whichever slot it is in.
    let is_over = *current.start_slot > 0 && *slot >= *current.start_slot + current.duration;
    let epoch = if is_over { Babe::next_epoch() } else { current };
    let author = author_of(slot);
    DigestItem::babe_pre_digest(claim(slot, author, &epoch.randomness, epoch.epoch_index))
}

/// The authorities take turns.
fn author_of(slot: Slot) -> u32 {
    (*slot % Babe::authorities().len() as u64) as u32
}

/// The slot of the next block. Those of disabled authorities have none.
pub fn next_slot() -> Slot {
    loop {
        let number = u64::from(System::block_number());
        let slot = Slot::from(FIRST_SLOT + number + 1 + SKIPPED_SLOTS.get());
        if !Session::disabled_validators().contains(&author_of(slot)) {
            return slot;
        }
        skip_slots(1);
    }
}

/// The start of the next block: its header with the consensus digest, and its timestamp.
pub fn begin(parent: Hash) -> (Header, UncheckedExtrinsic) {
    let number = System::block_number() + 1;
    let slot = next_slot();
    let digest = HeaderDigest { logs: vec![pre_digest(slot)] };
    let header = Header::new(number, Hash::default(), Hash::default(), parent, digest);
    let timestamp = pallet_timestamp::Call::set { now: *slot * SLOT_DURATION_MS };
    (header, UncheckedExtrinsic::new_bare(timestamp.into()))
}

/// Starts the next block, with its consensus digest and its timestamp.
pub fn open_block() {
    let (header, timestamp) = begin(PARENT.get());
    Executive::initialize_block(&header);
    Executive::apply_extrinsic(timestamp)
        .expect("the timestamp may enter")
        .expect("the timestamp fits the slot");
}

/// Ends the block. Its events can be read until the next block.
pub fn close_block() {
    PARENT.set(Executive::finalize_block().hash());
    money::count_fees();
}

/// Makes the next block of these transactions. Its events can be read until the next block.
pub fn block(transactions: Vec<UncheckedExtrinsic>) -> Vec<ApplyExtrinsicResult> {
    open_block();
    let results = transactions.into_iter().map(Executive::apply_extrinsic).collect();
    close_block();
    results
}

/// Leaves slots without a block. The validators take turns.
pub fn skip_slots(count: u64) {
    SKIPPED_SLOTS.set(SKIPPED_SLOTS.get() + count);
}

/// Builds blocks on a fork that is abandoned afterwards.
pub fn on_a_fork<R>(build: impl FnOnce() -> R) -> R {
    let (parent, skipped) = (PARENT.get(), SKIPPED_SLOTS.get());
    let fees = fees_to_treasury();
    let result = with_transaction(|| TransactionOutcome::Rollback(Ok::<_, DispatchError>(build())))
        .expect("the closure does not fail");
    PARENT.set(parent);
    SKIPPED_SLOTS.set(skipped);
    money::set_fees_to_treasury(fees);
    result
}

/// A block without transactions.
pub fn empty_block() {
    block(Vec::new());
}

/// Makes empty blocks until the height is reached.
pub fn go_to(height: u32) {
    while System::block_number() < height {
        empty_block();
    }
}

/// A transaction of a well-known account, with its next nonce.
pub fn signed(who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
    signed_by(&who.pair(), call)
}

/// A transaction of the account of a key, with its next nonce.
pub fn signed_by(pair: &sr25519::Pair, call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
    tipped_by(pair, call, 0)
}

/// A transaction of a well-known account with a tip.
pub fn with_tip(
    who: Sr25519Keyring,
    call: impl Into<RuntimeCall>,
    tip: Balance,
) -> UncheckedExtrinsic {
    tipped_by(&who.pair(), call, tip)
}

/// [`signed_by`] with a tip in plancks.
pub fn tipped_by(
    pair: &sr25519::Pair,
    call: impl Into<RuntimeCall>,
    tip: Balance,
) -> UncheckedExtrinsic {
    let account = MultiSigner::from(pair.public()).into_account();
    let mut extension = authorized_extension();
    extension.6 = frame_system::CheckNonce::from(System::account_nonce(&account));
    extension.8 = ChargeWithinClass::from(tip);
    let payload = SignedPayload::new(call.into(), extension).expect("the extensions are valid");
    let signature = payload.using_encoded(|bytes| pair.sign(bytes));
    let (call, extension, _) = payload.deconstruct();
    UncheckedExtrinsic::new_signed(
        call,
        account.into(),
        MultiSignature::Sr25519(signature),
        extension,
    )
}

/// A transaction without a sender, as workers' nodes make them.
pub fn general(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
    UncheckedExtrinsic::new_transaction(call.into(), authorized_extension())
}

/// Makes a block of one valid transaction. Returns the result of its call.
pub fn include(transaction: UncheckedExtrinsic) -> Result<(), DispatchError> {
    block(vec![transaction]).pop().expect("one transaction").expect("it is valid")
}

/// Makes a block of one transaction of an account that must succeed.
pub fn submit(who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
    assert_eq!(include(signed(who, call)), Ok(()));
}

/// The pool's verdict on a transaction at this block.
pub fn validate(transaction: UncheckedExtrinsic) -> TransactionValidity {
    with_transaction(|| {
        let validity =
            Executive::validate_transaction(TransactionSource::External, transaction, PARENT.get());
        TransactionOutcome::Rollback(Ok::<_, DispatchError>(validity))
    })
    .expect("the closure does not fail")
}

/// The events of the last block.
pub fn events() -> Vec<RuntimeEvent> {
    System::read_events_no_consensus().map(|record| record.event).collect()
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
