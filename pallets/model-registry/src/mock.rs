//! A runtime of balances, settlement (for deposits), storage (for artifacts) and this pallet.

use std::sync::OnceLock;

use assay_graph::{commit::ElementsOpening, Graph};
use assay_pallet_testing::{
    graphs::{self, perceptron, Proven, QUICK},
    EXISTENTIAL_DEPOSIT,
};
use assay_primitives::{
    model::{Licence, ModelName, Tolerance},
    traits::Artifacts as _,
    AssuranceClasses, Balance, Digest, Dimension, ElementType, Format, ModelDescriptor, ModelId,
    ProofCost, TensorDeclaration, VersionId, WeightsFingerprint,
};
use assay_proof::AuditState;
use codec::Encode;
use frame_support::{assert_ok, parameter_types};
use sp_runtime::{DispatchResult, Perbill};

pub use assay_pallet_testing::{graphs::ANY_COST, BASE_DEPOSIT as BASE, BYTE_DEPOSIT as BYTE};

/// Owns models.
pub const OWNER: u64 = 1;
/// Owns no model at genesis.
pub const OTHER: u64 = 2;
/// Has the existential deposit and no more.
pub const POOR: u64 = 3;
/// Uploads the artifacts, so that their deposits do not affect the owners.
pub const UPLOADER: u64 = 4;
/// The balance of the others at genesis.
pub const ENDOWMENT: Balance = 1_000_000_000;

/// The first model that is created.
pub const MODEL: ModelId = ModelId(0);
/// Its first version.
pub const VERSION: VersionId = VersionId { model: MODEL, number: 1 };

assay_pallet_testing::mock! {
    Registry = crate,
    beside { 3: Settlement = pallet_settlement, 4: Storage = pallet_storage },
    check: check_deposits,
}
assay_pallet_testing::settlement!(pallet_settlement);
assay_pallet_testing::storage!(pallet_storage);

parameter_types! {
    /// Signed, quorum and proof.
    pub const AvailableClasses: AssuranceClasses = AssuranceClasses(0b1011);
    /// Exactly what [`graph`] needs.
    pub static MaxProofCost: ProofCost = ANY_COST;
    pub static MaxInputBytes: u32 = 12;
    pub static MaxOutputBytes: u32 = 20;
    pub const MaxRoyalty: Perbill = Perbill::from_percent(30);
}

assay_pallet_testing::model_registry!(crate, artifacts: Storage);

#[cfg(feature = "runtime-benchmarks")]
impl assay_pallet_testing::benchmarks::Prepare for Test {
    fn publish(owner: u64, _: u32) -> VersionId {
        MaxInputBytes::set(u32::MAX);
        MaxOutputBytes::set(u32::MAX);
        let model = crate::NextModel::<Test>::get();
        assert_ok!(Registry::create(RuntimeOrigin::signed(owner), name("benchmarked")));
        if Storage::complete(&descriptor().artifact).is_none() {
            upload_artifact(owner, MODEL_FILE);
        }
        assert_ok!(publish_as(owner, model, descriptor(), None));
        VersionId { model, number: 1 }
    }
}

/// Externalities with endowed accounts and no model.
pub fn new_test_ext() -> sp_io::TestExternalities {
    MaxProofCost::set(ANY_COST);
    MaxInputBytes::set(12);
    MaxOutputBytes::set(20);
    let endowed = [OWNER, OTHER, UPLOADER].map(|account| (account, ENDOWMENT));
    externalities_with(endowed.into_iter().chain([(POOR, EXISTENTIAL_DEPOSIT)]))
}

/// Checks that the deposits held are those of the models.
fn check_deposits() {
    for account in [OWNER, OTHER, POOR] {
        let owed: Balance = crate::Models::<Test>::iter_values()
            .filter(|model| model.owner == account)
            .map(|model| model.deposit)
            .sum();
        assert_eq!(deposit(account), owed);
    }
}

/// The deposit of an account.
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
    upload_artifact(UPLOADER, bytes)
}

/// The model file of [`descriptor`].
pub const MODEL_FILE: &[u8] = b"the model";

/// A descriptor of a model of nine bytes, whether its artifact is on chain or not.
pub fn descriptor() -> ModelDescriptor {
    ModelDescriptor {
        artifact: assay_primitives::ArtifactManifest::of(MODEL_FILE).identity,
        artifact_size: MODEL_FILE.len() as u64,
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
/// one row and column each.
pub fn graph() -> Graph {
    Proven::model().graph.clone()
}

/// Puts a graph on chain, unless it is there.
pub fn store(graph: &Graph) {
    let bytes = graph.encode();
    if Storage::complete(&assay_primitives::ArtifactManifest::of(&bytes).identity).is_none() {
        artifact(&bytes);
    }
}

/// Puts a graph on chain and publishes it as the owner.
pub fn publish_graph(graph: &Graph, change: impl FnOnce(&mut ModelDescriptor)) -> DispatchResult {
    store(graph);
    let mut descriptor = graphs::descriptor(graph, CLASSES);
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
    let state = AuditState { done, ..Default::default() };
    graphs::audit(&graph.architecture).open_next(&state, &graph.weights, pieces, bytes).unwrap()
}

/// The fingerprint of a graph's weights.
pub fn fingerprint(graph: &Graph) -> WeightsFingerprint {
    graphs::fingerprint(&graph.architecture, &graph.weights)
}

/// Audits these openings, as those that come next.
pub fn audit(version: VersionId, openings: Vec<ElementsOpening>) -> DispatchResult {
    audit_from(crate::Audits::<Test>::get(version).map_or(0, |audit| audit.done), version, openings)
}

/// Audits these openings from this byte on.
pub fn audit_from(
    first: u64,
    version: VersionId,
    openings: Vec<ElementsOpening>,
) -> DispatchResult {
    let (bytes, proofs) = crate::PieceProof::arguments(openings).unwrap();
    Registry::audit_weights(RuntimeOrigin::signed(OTHER), version, first, bytes, proofs)
        .map(drop)
        .map_err(|error| error.error)
}

/// Audits all weights of a small graph.
pub fn audit_all(version: VersionId, graph: &Graph) {
    assert_ok!(audit(version, openings(graph, 0, usize::MAX, usize::MAX)));
}

/// Publishes as the owner with a royalty of 10 %.
pub fn publish(descriptor: ModelDescriptor) -> DispatchResult {
    publish_with(descriptor, None)
}

/// The same, with an architecture.
pub fn publish_with(descriptor: ModelDescriptor, architecture: Option<Vec<u8>>) -> DispatchResult {
    publish_as(OWNER, MODEL, descriptor, architecture)
}

fn publish_as(
    owner: u64,
    model: ModelId,
    descriptor: ModelDescriptor,
    architecture: Option<Vec<u8>>,
) -> DispatchResult {
    Registry::publish(
        RuntimeOrigin::signed(owner),
        model,
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
    artifact(MODEL_FILE);
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
