//! What the tests publish and ask: a floating-point model, and integer graphs with their provers.

use assay_graph::Graph;
use assay_pallet_testing::graphs::{self, declare, opened_weights};
use assay_primitives::{
    model::{Format, Tolerance},
    ElementType, ModelDescriptor, ModelId, Tensor, VersionId,
};
use codec::Encode;
use frame_support::assert_ok;
use sp_runtime::Perbill;

pub use assay_pallet_testing::graphs::{floats, Proven};

use super::*;

/// The bytes of the model.
pub const MODEL: &[u8] = b"a model";

/// A version with two inputs, one of them Boolean, and two floating-point outputs in one tensor,
/// equal within ten millionths.
pub fn descriptor() -> ModelDescriptor {
    let inputs =
        vec![declare("x", ElementType::F32, &[1, 2]), declare("mask", ElementType::Bool, &[2])];
    ModelDescriptor {
        artifact: assay_primitives::ArtifactManifest::of(MODEL).identity,
        artifact_size: MODEL.len() as u64,
        format: Format::Onnx,
        inputs: inputs.try_into().unwrap(),
        outputs: vec![declare("y", ElementType::F32, &[2])].try_into().unwrap(),
        assurances: both(),
        tolerance: Some(Tolerance { millionths: 10 }),
        architecture: None,
    }
}

pub fn mask(values: &[u8]) -> Tensor {
    Tensor { element_type: ElementType::Bool, shape: vec![2], data: values.to_vec() }
}

/// The input that requests of these tests bring along.
pub fn input() -> Vec<u8> {
    vec![floats(&[1, 2], &[1.5, -2.0]), mask(&[1, 0])].encode()
}

pub fn output(values: [f32; 2]) -> Output {
    vec![floats(&[2], &values)].encode().try_into().unwrap()
}

/// The output that is right.
pub const RIGHT: [f32; 2] = [0.25, 0.75];
/// One that is not within the tolerance of it.
pub const WRONG: [f32; 2] = [0.25, 0.7501];

/// Publishes the next version of model 0, with a royalty of a tenth.
pub fn publish(descriptor: ModelDescriptor) -> VersionId {
    publish_with(descriptor, None)
}

/// The same, with an architecture.
pub fn publish_with(descriptor: ModelDescriptor, architecture: Option<Vec<u8>>) -> VersionId {
    publish_in(OWNER, ModelId(0), descriptor, architecture)
}

/// Publishes the next version of a model.
fn publish_in(
    owner: u64,
    model: ModelId,
    descriptor: ModelDescriptor,
    architecture: Option<Vec<u8>>,
) -> VersionId {
    assert_ok!(signed_call(
        owner,
        pallet_model_registry::Call::publish {
            model,
            descriptor,
            royalty: Perbill::from_percent(10),
            licence: b"MIT".to_vec().try_into().unwrap(),
            metadata: None,
            architecture: architecture.map(|bytes| bytes.try_into().unwrap()),
        }
    ));
    let number = pallet_model_registry::Models::<Test>::get(model).unwrap().newest;
    VersionId { model, number }
}

/// Publishes sealed graphs.
pub trait Publish {
    /// Publishes the graph in every class, and has its weights read. All operators serve it.
    fn publish(&self) -> VersionId;
    /// Publishes the graph in every class. All operators serve it.
    fn publish_unread(&self) -> VersionId;
    /// Has the chain read all weights of a version.
    fn audit(&self, version: VersionId);
}

impl Publish for Proven {
    fn publish(&self) -> VersionId {
        let version = self.publish_unread();
        self.audit(version);
        version
    }

    fn publish_unread(&self) -> VersionId {
        let version = publish_graph_in(OWNER, ModelId(0), &self.graph);
        for operator in OPERATORS {
            serve(operator, version, ASK, all());
        }
        version
    }

    fn audit(&self, version: VersionId) {
        let (bytes, proofs) = pallet_model_registry::PieceProof::arguments(opened_weights(
            &self.graph,
            0,
            usize::MAX,
        ))
        .unwrap();
        let call = pallet_model_registry::Call::audit_weights { version, first: 0, bytes, proofs };
        assert_ok!(signed_call(STRANGER, call));
    }
}

/// Publishes a graph in every class, as the next version of a model.
fn publish_graph_in(owner: u64, model: ModelId, graph: &Graph) -> VersionId {
    upload_artifact(OWNER, &graph.encode());
    let descriptor = graphs::descriptor(graph, all());
    publish_in(owner, model, descriptor, Some(graph.architecture.encode()))
}

#[cfg(feature = "runtime-benchmarks")]
impl assay_pallet_testing::benchmarks::Prepare for Test {
    fn publish(owner: u64, _: u32) -> VersionId {
        let vector = |name: &str| {
            let free = assay_primitives::TensorDeclaration {
                shape: vec![assay_primitives::Dimension::Free].try_into().unwrap(),
                ..declare(name, ElementType::F32, &[])
            };
            vec![free].try_into().unwrap()
        };
        let descriptor =
            ModelDescriptor { inputs: vector("x"), outputs: vector("y"), ..descriptor() };
        publish_in(owner, create(owner), descriptor, None)
    }

    fn publish_graph(owner: u64) -> VersionId {
        let version = publish_graph_in(owner, create(owner), &Proven::model().graph);
        Proven::model().audit(version);
        version
    }

    fn payload(bytes: u32) -> Vec<u8> {
        // Beside its elements, a payload of one vector has at most 12 bytes.
        let elements = (bytes.saturating_sub(12) / 4).max(1);
        vec![floats(&[elements], &vec![0.5; elements as usize])].encode()
    }

    fn serve(version: VersionId, count: u32) -> Vec<u64> {
        use assay_primitives::traits::{BenchmarkHelper, Models};
        let classes = Registry::assurances(version).unwrap();
        let operator = |index| {
            let operator = frame_benchmarking::account("operator", index, 0);
            <Test as crate::Config>::BenchmarkHelper::endow(&operator);
            register(operator);
            serve(operator, version, ASK, classes);
            operator
        };
        (0..count).map(operator).collect()
    }
}

/// Creates a model for a benchmark.
#[cfg(feature = "runtime-benchmarks")]
fn create(owner: u64) -> ModelId {
    let model = pallet_model_registry::NextModel::<Test>::get();
    let name = b"benchmarked".to_vec().try_into().unwrap();
    assert_ok!(signed_call(owner, pallet_model_registry::Call::create { name }));
    model
}
