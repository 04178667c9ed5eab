//! The published models, what they compute, and wrong results of them.

use std::sync::LazyLock;

use assay_dispute::{Player, MAX_WHOLE_BYTES};
use assay_graph::{fast, CheckedGraph, Graph, Tensor as GraphTensor, Trace};
use assay_pallet_testing::graphs::{
    descriptor, payload, proof_context, recompute, tensor_payload, unsealed_perceptron, Proven,
};
use assay_primitives::{
    AssuranceClass, AssuranceClasses, Digest, ElementType, ModelDescriptor, RequestId, VersionId,
};
use assay_runtime::{constants::AvailableClasses, AccountId, Runtime};
use codec::{Decode, Encode};
use sp_runtime::Perbill;

use super::rng::Rng;
use crate::common::*;

/// Number of integers in the output of [`Model::Long`]: as many as an output can have.
const LONG: usize = 8_000;
/// Number of elements of the input of [`Model::Graph`].
const ELEMENTS: usize = 4;
/// Number of elements of the input of [`Model::Wide`].
const WIDE_ELEMENTS: usize = 5;
/// Number of elements of the output of [`Model::Wide`]: more bytes than a dispute shows at once.
const WIDE: u32 = MAX_WHOLE_BYTES / 4 + 100;

/// A published model. Each has one version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Model {
    /// The sum of two integers, of an honest owner. Nothing shows which result is right.
    Sum,
    /// A small integer graph in every class, of an owner in the coalition.
    Graph,
    /// The sum of two integers as often as fits into an output, of an owner in the coalition.
    Long,
    /// The sum of two integers as a floating-point number, of an owner in the coalition. Results that
    /// differ by at most 0.3 are equal.
    Float,
    /// An integer graph without proofs, of an owner in the coalition. Its output is so long that
    /// disputes name a leaf of it.
    Wide,
}

pub const MODELS: [Model; 5] = [Model::Sum, Model::Graph, Model::Long, Model::Float, Model::Wide];

/// The models that are asked: the one that offers every class as often as all others.
pub const ASKED: [Model; 8] = [
    Model::Sum,
    Model::Graph,
    Model::Long,
    Model::Graph,
    Model::Float,
    Model::Graph,
    Model::Wide,
    Model::Graph,
];

static CHECKED: LazyLock<CheckedGraph> = LazyLock::new(|| {
    CheckedGraph::new(Proven::model().graph.clone()).expect("the graph is complete")
});

static WIDE_GRAPH: LazyLock<Graph> =
    LazyLock::new(|| unsealed_perceptron(&[WIDE_ELEMENTS as u32, WIDE]));

static WIDE_CHECKED: LazyLock<CheckedGraph> =
    LazyLock::new(|| CheckedGraph::new(WIDE_GRAPH.clone()).expect("the graph is complete"));

/// The wrong outputs of [`Model::Float`], as distances from the right one in quarters: one that is
/// equal to the right one, one that is equal only to the first, and one that is equal to neither.
pub const QUARTERS: [u8; 3] = [1, 2, 4];

impl Model {
    /// Its version.
    pub fn version(self) -> VersionId {
        version(self as u32, 1)
    }

    /// The model of a version.
    pub fn of(version: VersionId) -> Self {
        MODELS[version.model.0 as usize]
    }

    /// The classes that it offers.
    pub fn classes(self) -> AssuranceClasses {
        match self {
            Self::Graph => AvailableClasses::get(),
            Self::Wide => classes(&[AssuranceClass::Signed, AssuranceClass::Optimistic]),
            _ => classes(&[AssuranceClass::Signed, AssuranceClass::Quorum]),
        }
    }

    /// Its graph, if it is an integer graph.
    fn graph(self) -> Option<&'static Graph> {
        match self {
            Self::Graph => Some(&Proven::model().graph),
            Self::Wide => Some(&WIDE_GRAPH),
            Self::Sum | Self::Long | Self::Float => None,
        }
    }

    fn file(self) -> Vec<u8> {
        match self.graph() {
            Some(graph) => graph.encode(),
            None => format!("{self:?}").into_bytes(),
        }
    }

    fn descriptor(self) -> ModelDescriptor {
        let file = self.file();
        match self {
            Self::Sum => integers(&file),
            Self::Graph | Self::Wide => {
                descriptor(self.graph().expect("it is a graph"), self.classes())
            },
            Self::Float => floats(&file),
            Self::Long => {
                let outputs = vec![declare("y", ElementType::I32, &[LONG as u32])];
                let outputs = outputs.try_into().expect("within the bound");
                ModelDescriptor { outputs, ..integers(&file) }
            },
        }
    }

    /// Puts the model on chain. The models have to be published in the order of [`MODELS`].
    pub fn publish(self, owner: &party::Party, royalty: Perbill) {
        let (file, descriptor) = (self.file(), self.descriptor());
        owner.submit(announce(&file));
        owner.submit(upload(&file, 0, descriptor.artifact));
        let name = bounded(format!("{self:?}").to_lowercase().as_bytes());
        owner.submit(pallet_model_registry::Call::create { name });
        let architecture = self.graph().map(|graph| graph.architecture.encode());
        let mut call = publish_call(descriptor, royalty, architecture.as_deref());
        if let pallet_model_registry::Call::publish { model, .. } = &mut call {
            *model = self.version().model;
        }
        owner.submit(call);
        if self == Self::Graph {
            owner.submit(audit(self.version(), &Proven::model().graph));
        }
    }

    /// A random input.
    pub fn input(self, rng: &mut Rng) -> Vec<u8> {
        match self {
            Self::Graph => random_bytes(rng, ELEMENTS),
            Self::Wide => random_bytes(rng, WIDE_ELEMENTS),
            _ => integer_payload(&[rng.below(1_000) as i32, rng.below(1_000) as i32]),
        }
    }

    /// The right output.
    pub fn truth(self, input: &[u8]) -> Vec<u8> {
        match self.graph() {
            Some(_) => output_of(&honest_trace(input)),
            None => self.sum(input, 0),
        }
    }

    /// A wrong output. The same for the same input, so that liars agree, but of [`Model::Float`] the
    /// one that is so many quarters from the right one.
    pub fn lie(self, input: &[u8], quarters: u8) -> Vec<u8> {
        match self.graph() {
            Some(_) => output_of(&lying_trace(input, Lie::Output)),
            None => self.sum(input, quarters),
        }
    }

    /// The sum of the inputs and a few quarters, or ones if the output is an integer.
    fn sum(self, input: &[u8], quarters: u8) -> Vec<u8> {
        let sum: i32 = numbers(input).iter().sum();
        match self {
            Self::Float => {
                let sum = sum as f32 + f32::from(quarters) / 4.0;
                payload(ElementType::F32, &sum.to_le_bytes())
            },
            Self::Long => integer_payload(&[sum + i32::from(quarters); LONG]),
            _ => integer_payload(&[sum + i32::from(quarters)]),
        }
    }

    /// Whether two outputs for an input count as equal.
    pub fn are_equal(self, input: &[u8], one: Digest, other: Digest) -> bool {
        if self != Self::Float {
            return one == other;
        }
        let quarters = |digest| {
            let mut known = [0].into_iter().chain(QUARTERS);
            let is_it = |quarters: &u8| digest_of(&self.sum(input, *quarters)) == digest;
            known.find(is_it)
        };
        match (quarters(one), quarters(other)) {
            (Some(one), Some(other)) => one.abs_diff(other) <= 1,
            // The output for another input.
            _ => one == other,
        }
    }
}

/// An input of so many random bytes.
fn random_bytes(rng: &mut Rng, count: usize) -> Vec<u8> {
    payload(ElementType::I8, &(0..count).map(|_| rng.next() as u8).collect::<Vec<_>>())
}

/// The graph of an input. The inputs of both graphs differ in length.
fn graph_of(input: &[u8]) -> &'static CheckedGraph {
    if data(input).len() == WIDE_ELEMENTS {
        &WIDE_CHECKED
    } else {
        &CHECKED
    }
}

/// The data of the only tensor of a payload.
fn data(payload: &[u8]) -> Vec<u8> {
    let tensors = Vec::<assay_primitives::Tensor>::decode(&mut &payload[..]);
    tensors.expect("the payload is well-formed").remove(0).data
}

fn numbers(payload: &[u8]) -> Vec<i32> {
    let number = |bytes: &[u8]| i32::from_le_bytes(bytes.try_into().expect("four bytes"));
    data(payload).chunks_exact(4).map(number).collect()
}

fn elements(payload: &[u8]) -> Vec<i8> {
    data(payload).into_iter().map(|byte| byte as i8).collect()
}

fn output_of(trace: &Trace) -> Vec<u8> {
    let bytes = trace.output().expect("the trace has an output").to_bytes();
    tensor_payload(ElementType::I32, &[bytes.len() as u32 / 4], &bytes)
}

/// The trace of an integer graph.
pub fn honest_trace(input: &[u8]) -> Trace {
    fast::trace(graph_of(input), &elements(input)).expect("the input fits")
}

/// Where a lying trace is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// In its output alone.
    Output,
    /// In its first operation, from which the rest follows.
    FirstOperation,
    /// It belongs to another input.
    OtherInput,
}

/// A trace of an integer graph with a wrong output.
pub fn lying_trace(input: &[u8], lie: Lie) -> Trace {
    let mut trace = honest_trace(input);
    let alter = |tensor: &mut GraphTensor| match tensor {
        GraphTensor::Int8(elements) => elements[0] = elements[0].wrapping_add(1),
        GraphTensor::Int32(elements) => elements[0] = elements[0].wrapping_add(1_000),
    };
    match lie {
        Lie::Output => alter(trace.tensors.last_mut().expect("there is an output")),
        Lie::FirstOperation => {
            alter(&mut trace.tensors[1]);
            recompute(graph_of(input), &mut trace, 1);
        },
        Lie::OtherInput => {
            alter(&mut trace.tensors[0]);
            recompute(graph_of(input), &mut trace, 0);
        },
    }
    trace
}

/// A party that can play disputes over an input with this trace.
pub fn player(input: &[u8], trace: Trace) -> Player<'static> {
    Player::with_trace(graph_of(input), trace)
}

/// The output of a player's trace.
pub fn claimed(player: &Player<'_>) -> Vec<u8> {
    let bytes = player.output().expect("the trace has an output").to_bytes();
    tensor_payload(ElementType::I32, &[bytes.len() as u32 / 4], &bytes)
}

/// A proof of the right output of [`Model::Graph`], in the context of a request, that names this
/// account as the operator.
pub fn prove(id: RequestId, operator: &AccountId, input: &[u8]) -> Vec<u8> {
    let (request, payer) = (id.encode(), record(id).payer);
    let context = proof_context(GENESIS_HASH, &request, &payer, operator);
    let bytes: Vec<u8> = data(input);
    Proven::model().prover.prove(&context, &bytes).expect("the input fits").proof
}

/// The input of a request, while it is open or can be appealed.
pub fn input_of(id: RequestId) -> Option<Vec<u8>> {
    pallet_inference::Inputs::<Runtime>::get(id).map(|input| input.into_inner())
}

/// The digest of a payload.
pub fn digest_of(payload: &[u8]) -> Digest {
    assay_primitives::digest(payload)
}
