//! What the tests publish and ask: a floating-point model, and integer graphs with their provers.

use std::sync::OnceLock;

use assay_graph::Graph;
use assay_primitives::{
    artifact::ArtifactManifest,
    model::{Format, Tolerance},
    Digest, Dimension, ElementType, ModelDescriptor, ModelId, Tensor, TensorDeclaration, VersionId,
};
use assay_proof::Prover;
use assay_pallet_testing::graphs::{opened_weights, perceptron, prover, QUICK};
use codec::Encode;
use frame_support::{assert_ok, BoundedVec};
use sp_runtime::Perbill;

use super::*;

/// The bytes of the model.
pub const MODEL: &[u8] = b"a model";

fn declare(name: &str, element_type: ElementType, shape: &[u32]) -> TensorDeclaration {
    TensorDeclaration {
        name: name.as_bytes().to_vec().try_into().unwrap(),
        element_type,
        shape: BoundedVec::truncate_from(shape.iter().copied().map(Dimension::Fixed).collect()),
    }
}

/// A version with two inputs, one of them Boolean, and two floating-point outputs in one tensor,
/// equal within ten millionths.
pub fn descriptor() -> ModelDescriptor {
    let inputs =
        vec![declare("x", ElementType::F32, &[1, 2]), declare("mask", ElementType::Bool, &[2])];
    ModelDescriptor {
        artifact: assay_primitives::digest(MODEL),
        artifact_size: MODEL.len() as u64,
        format: Format::Onnx,
        inputs: inputs.try_into().unwrap(),
        outputs: vec![declare("y", ElementType::F32, &[2])].try_into().unwrap(),
        assurances: both(),
        tolerance: Some(Tolerance { millionths: 10 }),
        architecture: None,
    }
}

pub fn floats(shape: &[u32], values: &[f32]) -> Tensor {
    Tensor {
        element_type: ElementType::F32,
        shape: shape.to_vec(),
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
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

/// Announces an artifact of one chunk without uploading it.
pub fn announce(owner: u64, bytes: &[u8]) -> Digest {
    let ArtifactManifest { digest, size, chunks } = ArtifactManifest::of(bytes);
    let chunks = chunks.try_into().unwrap();
    assert_ok!(signed_call(owner, pallet_storage::Call::create { digest, size, chunks }));
    digest
}

/// Puts an artifact of one chunk on chain, in a transaction of its own.
pub fn upload(owner: u64, bytes: &[u8]) -> Digest {
    let digest = announce(owner, bytes);
    System::set_extrinsic_index(System::extrinsic_index().map_or(0, |index| index + 1));
    System::note_extrinsic(bytes.to_vec());
    let call = pallet_storage::Call::upload { digest, index: 0, data: bytes.to_vec() };
    assert_ok!(signed_call(owner, call));
    digest
}

/// Publishes the next version of model 0, with a royalty of a tenth.
pub fn publish(descriptor: ModelDescriptor) -> VersionId {
    publish_with(descriptor, None)
}

/// The same, with an architecture.
pub fn publish_with(descriptor: ModelDescriptor, architecture: Option<Vec<u8>>) -> VersionId {
    assert_ok!(signed_call(
        OWNER,
        pallet_model_registry::Call::publish {
            model: ModelId(0),
            descriptor,
            royalty: Perbill::from_percent(10),
            licence: b"MIT".to_vec().try_into().unwrap(),
            metadata: None,
            architecture: architecture.map(|bytes| bytes.try_into().unwrap()),
        }
    ));
    version(pallet_model_registry::Models::<Test>::get(ModelId(0)).unwrap().newest)
}

/// A sealed graph with its prover. Sealing takes time, so it is made once.
pub struct Proven {
    pub graph: Graph,
    pub prover: Prover,
}

impl Proven {
    fn of(widths: &[u32]) -> Self {
        let graph = perceptron(widths, &QUICK);
        Self { prover: prover(&graph), graph }
    }

    /// From four integers to three.
    pub fn model() -> &'static Self {
        static MODEL: OnceLock<Proven> = OnceLock::new();
        MODEL.get_or_init(|| Self::of(&[4, 4, 3]))
    }

    /// Another one of the same input and output.
    pub fn other() -> &'static Self {
        static MODEL: OnceLock<Proven> = OnceLock::new();
        MODEL.get_or_init(|| Self::of(&[4, 5, 3]))
    }

    /// Publishes the graph in every class, and has its weights read. All operators serve it.
    pub fn publish(&self) -> VersionId {
        let version = self.publish_unread();
        self.audit(version);
        version
    }

    /// Has the chain read all weights of a version.
    pub fn audit(&self, version: VersionId) {
        let (bytes, proofs) =
            pallet_model_registry::PieceProof::arguments(opened_weights(&self.graph)).unwrap();
        let call = pallet_model_registry::Call::audit_weights { version, bytes, proofs };
        assert_ok!(signed_call(STRANGER, call));
    }

    /// Publishes the graph in every class. All operators serve it.
    pub fn publish_unread(&self) -> VersionId {
        upload(OWNER, &self.graph.encode());
        let descriptor = assay_pallet_testing::graphs::descriptor(&self.graph, all());
        let version = publish_with(descriptor, Some(self.graph.architecture.encode()));
        for operator in OPERATORS {
            serve(operator, version, ASK, all());
        }
        version
    }
}
