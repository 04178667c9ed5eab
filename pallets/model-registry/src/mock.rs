//! A runtime of balances, settlement (for deposits), storage (for artifacts) and this pallet.

use std::sync::OnceLock;

use assay_graph::{commit::ElementsOpening, Graph, Plan};
use assay_primitives::{
    model::{Licence, ModelName, Tolerance},
    traits::Artifacts as _,
    ArtifactManifest, AssuranceClasses, Balance, Digest, Dimension, ElementType, Format,
    ModelDescriptor, ModelId, ProofCost, TensorDeclaration, VersionId, WeightsFingerprint,
};
use assay_proof::{Audit, AuditState, Fingerprint};
use assay_proof_fixtures::{perceptron, QUICK};
use codec::Encode;
use frame_support::{assert_ok, derive_impl, parameter_types, traits::fungible::Inspect};
use sp_runtime::{BuildStorage, DispatchResult, Perbill};

/// Owns models.
pub const OWNER: u64 = 1;
/// Owns none at first.
pub const OTHER: u64 = 2;
/// Has the existential deposit, no more.
pub const POOR: u64 = 3;
/// Uploads the artifacts, so that their deposits do not get in the way.
pub const UPLOADER: u64 = 4;
/// What the others start with.
pub const ENDOWMENT: Balance = 1_000_000_000;
/// Deposit per model and per version.
pub const BASE: Balance = 1_000;
/// Deposit per byte of a version.
pub const BYTE: Balance = 10;

/// The first model that is created.
pub const MODEL: ModelId = ModelId(0);
/// Its first version.
pub const VERSION: VersionId = VersionId { model: MODEL, number: 1 };

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeTask,
        RuntimeHoldReason,
        RuntimeFreezeReason
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Settlement = pallet_settlement;
    #[runtime::pallet_index(3)]
    pub type Storage = pallet_storage;
    #[runtime::pallet_index(4)]
    pub type Registry = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

/// No bound.
pub const ANY_COST: ProofCost = ProofCost {
    architecture_bytes: u32::MAX,
    products: u32::MAX,
    cells: u32::MAX,
    hashes: u32::MAX,
    openings: u32::MAX,
    proof_bytes: u32::MAX,
};

parameter_types! {
    pub const ExistentialDeposit: Balance = 100;
    pub const TreasuryAccount: u64 = 99;
    pub const TreasuryShare: Perbill = Perbill::from_percent(5);
    pub const BaseDeposit: Balance = BASE;
    pub const ByteDeposit: Balance = BYTE;
    /// Signed, quorum and proof.
    pub const AvailableClasses: AssuranceClasses = AssuranceClasses(0b1011);
    /// As much as [`graph`] needs, and not one more.
    pub static MaxProofCost: ProofCost = ANY_COST;
    pub static MaxInputBytes: u32 = 12;
    pub static MaxOutputBytes: u32 = 20;
    pub const MaxRoyalty: Perbill = Perbill::from_percent(30);
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
}

impl pallet_settlement::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type TreasuryAccount = TreasuryAccount;
    type TreasuryShare = TreasuryShare;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type WeightInfo = ();
}

impl pallet_storage::Config for Test {
    type Deposits = Settlement;
    type BaseDeposit = BaseDeposit;
    type ByteDeposit = ByteDeposit;
    type WeightInfo = ();
}

impl crate::Config for Test {
    type Artifacts = Storage;
    type Deposits = Settlement;
    type AvailableClasses = AvailableClasses;
    type MaxProofCost = MaxProofCost;
    type MaxInputBytes = MaxInputBytes;
    type MaxOutputBytes = MaxOutputBytes;
    type MaxRoyalty = MaxRoyalty;
    type BaseDeposit = BaseDeposit;
    type ByteDeposit = ByteDeposit;
    type WeightInfo = ();
}

/// The start: endowed accounts and no model.
pub fn new_test_ext() -> sp_io::TestExternalities {
    MaxProofCost::set(ANY_COST);
    MaxInputBytes::set(12);
    MaxOutputBytes::set(20);
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let endowed = [OWNER, OTHER, UPLOADER].map(|account| (account, ENDOWMENT));
    pallet_balances::GenesisConfig::<Test> {
        balances: endowed.into_iter().chain([(POOR, 100), (99, 100)]).collect(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::new(storage);
    // Events are not kept at height 0.
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test from the start; afterwards the invariants hold, and what is held as a deposit is
/// what the models and artifacts say.
pub fn test(run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        run();
        assert_ok!(Registry::do_try_state());
        assert_ok!(Storage::do_try_state());
        assert_ok!(Settlement::do_try_state());
        for account in [OWNER, OTHER, POOR] {
            let owed: Balance = crate::Models::<Test>::iter_values()
                .filter(|model| model.owner == account)
                .map(|model| model.deposit)
                .sum();
            assert_eq!(deposit(account), owed);
        }
    });
}

/// Publishes a version, breaks the state, and expects `try_state` to say so.
pub fn breaks(message: &'static str, run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        create_and_publish();
        assert_ok!(Registry::do_try_state());
        run();
        assert_eq!(Registry::do_try_state(), Err(message.into()));
    });
}

/// The free balance.
pub fn free(account: u64) -> Balance {
    Balances::balance(&account)
}

/// What is deposited.
pub fn deposit(account: u64) -> Balance {
    pallet_settlement::DepositTotals::<Test>::get(account)
}

/// A name.
pub fn name(text: &str) -> ModelName {
    text.as_bytes().to_vec().try_into().unwrap()
}

/// A licence.
pub fn licence(text: &str) -> Licence {
    text.as_bytes().to_vec().try_into().unwrap()
}

/// A declaration.
pub fn declaration(
    name: &str,
    element_type: ElementType,
    shape: &[Dimension],
) -> TensorDeclaration {
    TensorDeclaration {
        name: name.as_bytes().to_vec().try_into().unwrap(),
        element_type,
        shape: shape.to_vec().try_into().unwrap(),
    }
}

/// Puts an artifact of one chunk on chain.
pub fn artifact(bytes: &[u8]) -> Digest {
    let ArtifactManifest { digest, size, chunks } = ArtifactManifest::of(bytes);
    let origin = || RuntimeOrigin::signed(UPLOADER);
    assert_ok!(Storage::create(origin(), digest, size, chunks.try_into().unwrap()));
    System::set_extrinsic_index(System::extrinsic_index().map_or(0, |index| index + 1));
    System::note_extrinsic(bytes.to_vec());
    assert_ok!(Storage::upload(origin(), digest, 0, bytes.to_vec()));
    digest
}

/// A descriptor of a model of nine bytes, whether its artifact is on chain or not.
pub fn descriptor() -> ModelDescriptor {
    let bytes = b"the model";
    ModelDescriptor {
        artifact: assay_primitives::digest(bytes),
        artifact_size: bytes.len() as u64,
        format: Format::Onnx,
        inputs: vec![declaration("x", ElementType::F32, &[Dimension::Free, Dimension::Fixed(4)])]
            .try_into()
            .unwrap(),
        outputs: vec![declaration("y", ElementType::F32, &[Dimension::Free])].try_into().unwrap(),
        assurances: AssuranceClasses(0b11),
        tolerance: Some(Tolerance { millionths: 10 }),
        architecture: None,
    }
}

/// Every class that is available.
pub const CLASSES: AssuranceClasses = AssuranceClasses(0b1011);

/// A graph of 24 steps: for 4 inputs and 3 outputs, and for shapes of 4, 4 and 3 channels, with
/// one row and column each. Sealing it takes time, so it is made once.
pub fn graph() -> Graph {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(|| perceptron(&[4, 4, 3], &QUICK)).clone()
}

/// Puts a graph on chain, unless it is there.
pub fn store(graph: &Graph) {
    let bytes = graph.encode();
    if Storage::complete(&assay_primitives::digest(&bytes)).is_none() {
        artifact(&bytes);
    }
}

/// Puts a graph on chain and publishes it as the owner.
pub fn publish_graph(graph: &Graph, change: impl FnOnce(&mut ModelDescriptor)) -> DispatchResult {
    store(graph);
    let mut descriptor = assay_proof_fixtures::descriptor(graph, CLASSES);
    change(&mut descriptor);
    publish_with(descriptor, Some(graph.architecture.encode()))
}

/// A graph whose weights take several leaves, and whose biases do.
pub fn large_graph() -> Graph {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(|| perceptron(&[4, 300, 9], &QUICK)).clone()
}

/// Openings of a graph's weights from this byte on, in at most so many pieces and bytes.
pub fn openings(graph: &Graph, done: u64, pieces: usize, bytes: usize) -> Vec<ElementsOpening> {
    let audit = Audit::new(&Plan::new(graph.architecture.clone()).unwrap()).unwrap();
    let state = AuditState { done, ..Default::default() };
    audit.open_next(&state, &graph.weights, pieces, bytes).unwrap()
}

/// What a graph's weights come to.
pub fn fingerprint(graph: &Graph) -> WeightsFingerprint {
    let audit = Audit::new(&Plan::new(graph.architecture.clone()).unwrap()).unwrap();
    let Fingerprint(numbers) = audit.fingerprint(&graph.weights).unwrap();
    WeightsFingerprint(numbers)
}

/// Has the chain read what these openings show.
pub fn audit(version: VersionId, openings: Vec<ElementsOpening>) -> DispatchResult {
    let (bytes, proofs) = crate::PieceProof::arguments(openings).unwrap();
    Registry::audit_weights(RuntimeOrigin::signed(OTHER), version, bytes, proofs)
        .map(drop)
        .map_err(|error| error.error)
}

/// Has the chain read all weights of a small graph.
pub fn audit_all(version: VersionId, graph: &Graph) {
    assert_ok!(audit(version, openings(graph, 0, usize::MAX, usize::MAX)));
}

/// Publishes as the owner with a royalty of 10 %.
pub fn publish(descriptor: ModelDescriptor) -> DispatchResult {
    publish_with(descriptor, None)
}

/// The same, with an architecture.
pub fn publish_with(descriptor: ModelDescriptor, architecture: Option<Vec<u8>>) -> DispatchResult {
    Registry::publish(
        RuntimeOrigin::signed(OWNER),
        MODEL,
        descriptor,
        Perbill::from_percent(10),
        licence("MIT"),
        None,
        architecture.map(|bytes| bytes.try_into().unwrap()),
    )
}

/// Creates the first model, of the name `digits`.
pub fn create() {
    assert_ok!(Registry::create(RuntimeOrigin::signed(OWNER), name("digits")));
}

/// Creates the first model and publishes its first version.
pub fn create_and_publish() {
    create();
    artifact(b"the model");
    assert_ok!(publish(descriptor()));
}

/// Offers the first model.
pub fn offer(from: u64, to: u64) -> DispatchResult {
    Registry::transfer(RuntimeOrigin::signed(from), MODEL, to)
}

/// Takes the first model over.
pub fn accept(to: u64) -> DispatchResult {
    Registry::accept(RuntimeOrigin::signed(to), MODEL)
}

/// The last event of this pallet.
pub fn last_event() -> Option<crate::Event<Test>> {
    System::events().into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::Registry(event) => Some(event),
        _ => None,
    })
}
