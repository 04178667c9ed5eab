//! The published models, what they compute, and wrong results of them.

use std::sync::LazyLock;

use assay_dispute::Player;
use assay_graph::{fast, CheckedGraph, Tensor as GraphTensor, Trace};
use assay_pallet_testing::graphs::{
    descriptor, payload, proof_context, recompute, tensor_payload, Proven,
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

/// A published model. Each has one version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Model {
    /// The sum of two integers, of an honest owner. Nothing shows which result is right.
    Sum,
    /// A small integer graph in every class, of an owner in the coalition.
    Graph,
    /// The sum of two integers as often as fits into an output, of an owner in the coalition.
    Long,
}

pub const MODELS: [Model; 3] = [Model::Sum, Model::Graph, Model::Long];

static CHECKED: LazyLock<CheckedGraph> = LazyLock::new(|| {
    CheckedGraph::new(Proven::model().graph.clone()).expect("the graph is complete")
});

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
            _ => classes(&[AssuranceClass::Signed, AssuranceClass::Quorum]),
        }
    }

    fn file(self) -> Vec<u8> {
        match self {
            Self::Graph => Proven::model().graph.encode(),
            _ => format!("{self:?}").into_bytes(),
        }
    }

    fn descriptor(self) -> ModelDescriptor {
        let file = self.file();
        match self {
            Self::Sum => integers(&file),
            Self::Graph => descriptor(&Proven::model().graph, self.classes()),
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
        owner.submit(pallet_model_registry::Call::create { name: bounded(b"model") });
        let architecture = match self {
            Self::Graph => Some(Proven::model().graph.architecture.encode()),
            _ => None,
        };
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
            Self::Graph => payload(
                ElementType::I8,
                &(0..ELEMENTS).map(|_| rng.next() as u8).collect::<Vec<_>>(),
            ),
            _ => integer_payload(&[rng.below(1_000) as i32, rng.below(1_000) as i32]),
        }
    }

    /// The right output.
    pub fn truth(self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Graph => output_of(&honest_trace(input)),
            _ => self.sum(numbers(input).iter().sum()),
        }
    }

    /// A wrong output. The same for the same input, so that liars agree.
    pub fn lie(self, input: &[u8]) -> Vec<u8> {
        match self {
            Self::Graph => output_of(&lying_trace(input, Lie::Output)),
            _ => self.sum(numbers(input).iter().sum::<i32>() + 1),
        }
    }

    fn sum(self, sum: i32) -> Vec<u8> {
        match self {
            Self::Long => integer_payload(&[sum; LONG]),
            _ => integer_payload(&[sum]),
        }
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

/// The trace of [`Model::Graph`].
pub fn honest_trace(input: &[u8]) -> Trace {
    fast::trace(&CHECKED, &elements(input)).expect("the input fits")
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

/// A trace of [`Model::Graph`] with a wrong output.
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
            recompute(&CHECKED, &mut trace, 1);
        },
        Lie::OtherInput => {
            alter(&mut trace.tensors[0]);
            recompute(&CHECKED, &mut trace, 0);
        },
    }
    trace
}

/// A party that can play disputes with this trace.
pub fn player(trace: Trace) -> Player<'static> {
    Player::with_trace(&CHECKED, trace)
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
