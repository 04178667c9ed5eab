//! Integer graphs, and operators' claims about their outputs.

use std::{ops::Range, rc::Rc, sync::LazyLock};

use assay_graph::{interpret, tile::tile_range, CheckedGraph, Tensor, Trace};
use assay_pallet_testing::graphs::{payload, perceptron, QUICK};
use assay_primitives::{AssuranceClass, AssuranceClasses, Digest, ElementType, ModelDescriptor};
use assay_proof::Prover;

use codec::Encode;

use super::rng::Rng;

/// Number of elements of the input of each graph.
pub const INPUTS: usize = 2;
/// Size of a leaf of a tensor in bytes.
const LEAF_BYTES: usize = 1024;
/// Tensors of up to this many bytes are shown whole in a dispute.
const WHOLE_BYTES: usize = 16 * 1024;

/// The published graphs. Both map two elements to one. The tensors of the first are shown whole in
/// a dispute. The inner accumulators of the second exceed the bound for this by one element.
pub static GRAPHS: LazyLock<[CheckedGraph; 2]> = LazyLock::new(|| {
    [&[2, 3, 1], &[2, 4_097, 1]]
        .map(|widths| CheckedGraph::new(perceptron(widths, &QUICK)).expect("the graph is complete"))
});

/// Proves runs of the first graph, the only one that offers class `Proof`.
pub static PROVER: LazyLock<Prover> =
    LazyLock::new(|| Prover::new(&GRAPHS[0]).expect("the graph is sealed"));

/// The classes that a version of a graph offers.
fn offered(graph: usize) -> AssuranceClasses {
    let classes = AssuranceClasses::NONE
        .with(AssuranceClass::Signed)
        .with(AssuranceClass::Quorum)
        .with(AssuranceClass::Optimistic);
    match graph {
        0 => classes.with(AssuranceClass::Proof),
        _ => classes,
    }
}

/// The file of a graph.
pub fn file(graph: usize) -> Vec<u8> {
    GRAPHS[graph].clone().into_graph().encode()
}

/// The declarations of a version of a graph.
pub fn descriptor(graph: usize) -> ModelDescriptor {
    assay_pallet_testing::graphs::descriptor(&GRAPHS[graph].clone().into_graph(), offered(graph))
}

/// The graph whose architecture has this digest.
pub fn graph_of(architecture: Digest) -> Option<usize> {
    let digest = |graph: &CheckedGraph| Digest::from(graph.plan().architecture().digest());
    GRAPHS.iter().position(|graph| digest(graph) == architecture)
}

/// What a graph computes for an input.
pub fn truth(graph: usize, input: &[i8]) -> i32 {
    last(&honest(&GRAPHS[graph], input))
}

/// The payload of an input.
pub fn input_payload(elements: &[i8]) -> Vec<u8> {
    payload(ElementType::I8, &elements.iter().map(|x| *x as u8).collect::<Vec<_>>())
}

/// An operator's claim about a request.
#[derive(Clone, Debug)]
pub struct Claim {
    pub graph: usize,
    /// The request's input.
    pub input: Vec<i8>,
    /// The trace that the operator can show.
    pub tensors: Vec<Tensor>,
    pub output: i32,
    /// Whether the submitted root is that of the tensors.
    pub is_root: bool,
}

/// The kind of a claim, for the log.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    Right,
    /// Only the output is wrong.
    WrongOutput,
    /// A tensor is wrong, and later tensors are computed from it.
    WrongTensor,
    /// A tensor is wrong, but later tensors are right.
    WrongTrace,
    /// The trace is right, but of another input.
    OtherInput,
    /// The output is not the last tensor.
    OtherOutput,
    /// The root is not that of any tensors.
    NoTrace,
}

fn honest(graph: &CheckedGraph, input: &[i8]) -> Vec<Tensor> {
    interpret::trace(graph, input).expect("the input fits").tensors
}

fn alter(tensor: &mut Tensor, index: u64, by: i8) {
    match tensor {
        Tensor::Int8(elements) => {
            let index = index as usize % elements.len();
            elements[index] = elements[index].wrapping_add(by);
        },
        Tensor::Int32(elements) => {
            let index = index as usize % elements.len();
            elements[index] = elements[index].wrapping_add(by.into());
        },
    }
}

fn last(tensors: &[Tensor]) -> i32 {
    tensors.last().and_then(Tensor::as_int32).expect("the output is int32")[0]
}

/// The output of an operation for the tensors that it reads.
fn run(graph: &CheckedGraph, operation: usize, tensors: &[Tensor]) -> Tensor {
    let inputs: Vec<&Tensor> =
        graph.plan().operations()[operation].inputs().map(|id| &tensors[id.index()]).collect();
    interpret::run_operation(graph.plan(), operation, &inputs, graph.parameters(operation))
        .expect("a small change causes no overflow")
}

impl Claim {
    /// A random claim about an input, and its kind.
    pub fn random(rng: &mut Rng, graph: usize, input: &[i8]) -> (Rc<Self>, Kind) {
        let kind = match rng.below(100) {
            0..=44 => Kind::Right,
            45..=59 => Kind::WrongOutput,
            60..=74 => Kind::WrongTensor,
            75..=84 => Kind::WrongTrace,
            85..=89 => Kind::OtherInput,
            90..=94 => Kind::OtherOutput,
            _ => Kind::NoTrace,
        };
        let checked = &GRAPHS[graph];
        let mut tensors = honest(checked, input);
        let operations = checked.plan().operations().len();
        let (index, by) = (rng.below(1 << 40), rng.between(1, 100) as i8);
        // An inner tensor: neither the input nor the output.
        let middle = rng.between(1, operations as u64 - 1) as usize;
        match kind {
            Kind::WrongOutput => alter(&mut tensors[operations], index, by),
            Kind::WrongTensor => {
                alter(&mut tensors[middle], index, by);
                for operation in middle..operations {
                    tensors[operation + 1] = run(checked, operation, &tensors);
                }
            },
            Kind::WrongTrace => alter(&mut tensors[middle], index, by),
            Kind::OtherInput => {
                let mut other = input.to_vec();
                other[0] = other[0].wrapping_add(by);
                tensors = honest(checked, &other);
            },
            Kind::Right | Kind::OtherOutput | Kind::NoTrace => {},
        }
        let output = last(&tensors) + i32::from(kind == Kind::OtherOutput);
        let is_root = kind != Kind::NoTrace;
        (Rc::new(Self { graph, input: input.to_vec(), tensors, output, is_root }), kind)
    }

    /// The graph.
    pub fn checked(&self) -> &'static CheckedGraph {
        &GRAPHS[self.graph]
    }

    /// The trace that the operator can show.
    pub fn trace(&self) -> Trace {
        Trace { tensors: self.tensors.clone() }
    }

    /// The correct output.
    pub fn truth(&self) -> i32 {
        truth(self.graph, &self.input)
    }

    /// Whether the submitted root commits to the roots of the tensors, the first being that of the
    /// input and the last that of the output.
    pub fn roots_follow(&self) -> bool {
        self.is_root
            && self.tensors[0] == Tensor::Int8(self.input.clone())
            && self.tensors.last() == Some(&Tensor::Int32(vec![self.output]))
    }

    /// Number of operations of the graph.
    pub fn operations(&self) -> usize {
        self.tensors.len() - 1
    }

    /// Size of an operation's output in bytes.
    pub fn bytes(&self, operation: usize) -> usize {
        let tensor = &self.tensors[operation + 1];
        tensor.len() * width(tensor)
    }

    /// Whether an operation's output is shown whole, without a choice of a leaf.
    pub fn is_shown_whole(&self, operation: usize) -> bool {
        self.bytes(operation) <= WHOLE_BYTES
    }

    /// The range of a leaf in an operation's output; `None` if there is no such leaf.
    pub fn leaf(&self, operation: usize, leaf: u16) -> Option<Range<usize>> {
        let (first, length) = (usize::from(leaf) * LEAF_BYTES, self.bytes(operation));
        (first < length).then(|| first..length.min(first + LEAF_BYTES))
    }

    /// The part of a tile that is among the bytes shown; `None` if there is none.
    pub fn tile(&self, operation: usize, tile: u32, shown: &Range<usize>) -> Option<Range<usize>> {
        let elements = tile_range(self.checked().plan(), operation, tile as usize).ok()?;
        let width = width(&self.tensors[operation + 1]);
        let range =
            (elements.start * width).max(shown.start)..(elements.end * width).min(shown.end);
        (!range.is_empty()).then_some(range)
    }

    /// Whether these bytes are what the operation computes from the tensors that it reads.
    pub fn is_computed(&self, operation: usize, bytes: Range<usize>) -> bool {
        let computed = run(self.checked(), operation, &self.tensors).to_bytes();
        computed[bytes.clone()] == self.tensors[operation + 1].to_bytes()[bytes]
    }
}

fn width(tensor: &Tensor) -> usize {
    match tensor {
        Tensor::Int8(_) => 1,
        Tensor::Int32(_) => 4,
    }
}
