//! What a model and an inference commit to, so that one step of it can be shown by itself.
//!
//! | root | over | tag |
//! |---|---|---|
//! | of a tensor | its elements, little-endian | [`TENSOR_TAG`] |
//! | of a trace | the roots of all its tensors, the input first | [`TRACE_TAG`] |
//! | of the weights of a model | of each parameter set: the root of its weights, the root of its biases | [`WEIGHTS_TAG`] |
//! | of weights, of biases | the elements, little-endian | [`MATRIX_TAG`], [`BIAS_TAG`] |
//!
//! All are trees of [`merkle`](crate::merkle). A [`TileOpening`] shows what one
//! [tile](crate::tile) reads, against the roots of the tensors and the one of the weights, which
//! the architecture states.

use crate::{
    bounds::MAX_OPERATIONS,
    check::CheckedGraph,
    format::{Digest, ElementType, Parameters, Weights, WEIGHTS_TAG},
    interpret::{RunError, Trace},
    list::List,
    merkle::{root, Content, Opening, OpeningError, Tree},
    plan::{ParameterShape, Plan},
    tensor::Tensor,
    tile::{run_tile, tile_reads, Operands},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeAll, Encode};
use core::ops::Range;

/// Tag of the root of a tensor.
pub const TENSOR_TAG: &[u8] = b"assay/graph-tensor/1";
/// Tag of the root of a trace.
pub const TRACE_TAG: &[u8] = b"assay/graph-trace/1";
/// Tag of the root of a parameter set's weights.
pub const MATRIX_TAG: &[u8] = b"assay/graph-matrix/1";
/// Tag of the root of a parameter set's biases.
pub const BIAS_TAG: &[u8] = b"assay/graph-bias/1";

/// Most tensors of a trace.
pub const MAX_TENSORS: usize = MAX_OPERATIONS + 1;
/// Most bytes of an encoded [`TileOpening`]: a tensor of 2^20 int8 elements, the weights and
/// biases of a tile, the nodes beside them.
pub const MAX_TILE_OPENING_BYTES: usize = (1 << 20) + (1 << 16);

/// Bytes that a parameter set has under the root of the weights.
const SET_BYTES: usize = 64;

impl Tensor {
    /// The elements as the content of a tree.
    pub fn content(&self) -> Content<'_> {
        match self {
            Self::Int8(elements) => Content::Int8(elements),
            Self::Int32(elements) => Content::Int32(elements),
        }
    }
}

/// The root of a tensor.
pub fn tensor_root(tensor: &Tensor) -> Digest {
    root(TENSOR_TAG, tensor.content())
}

/// The root of the tensor with these bytes, as [`Tensor::to_bytes`] gives them.
pub fn tensor_bytes_root(bytes: &[u8]) -> Digest {
    root(TENSOR_TAG, Content::Bytes(bytes))
}

/// The root of a trace whose tensors have these roots.
pub fn trace_root(roots: &[Digest]) -> Digest {
    root(TRACE_TAG, Content::Bytes(roots.as_flattened()))
}

/// Bytes of a tensor.
pub fn tensor_bytes(plan: &Plan, tensor: crate::TensorId) -> Option<usize> {
    let elements = plan.shape(tensor)?.elements()?;
    Some(elements * element_bytes(plan.element_type(tensor)?))
}

/// Bytes of an element.
pub const fn element_bytes(element_type: ElementType) -> usize {
    match element_type {
        ElementType::Int8 => 1,
        ElementType::Int32 => 4,
    }
}

impl Parameters {
    fn set(&self) -> [Digest; 2] {
        [root(MATRIX_TAG, Content::Int8(&self.weights)), root(BIAS_TAG, Content::Int32(&self.bias))]
    }
}

/// The elements of a parameter set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Elements {
    /// Weights, a byte each in two's complement.
    Weights,
    /// Biases, four bytes each, little-endian.
    Bias,
}

impl Elements {
    /// Bytes of all of them in a set of this shape.
    pub const fn bytes(self, shape: ParameterShape) -> usize {
        match self {
            Self::Weights => shape.weights(),
            Self::Bias => 4 * shape.channels,
        }
    }

    /// The same of a set that is there, as the content of a tree.
    pub fn content(self, parameters: &Parameters) -> Content<'_> {
        match self {
            Self::Weights => Content::Int8(&parameters.weights),
            Self::Bias => Content::Int32(&parameters.bias),
        }
    }

    const fn tag(self) -> &'static [u8] {
        match self {
            Self::Weights => MATRIX_TAG,
            Self::Bias => BIAS_TAG,
        }
    }
}

/// Some weights or biases of one set, against the root of all weights.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ElementsOpening {
    /// The set's two roots, under the root of all weights.
    pub set: Opening,
    /// The elements, under the set's root.
    pub elements: Opening,
}

impl ElementsOpening {
    /// These bytes of the elements of a set, if they are what the architecture's root commits to.
    /// Takes a hash for each leaf and node.
    pub fn verify(
        &self,
        plan: &Plan,
        set: usize,
        elements: Elements,
        bytes: Range<usize>,
    ) -> Result<Vec<u8>, OpeningError> {
        let shape = plan.all_parameters().nth(set).ok_or(OpeningError::Ranges)?;
        let sets = plan.all_parameters().count() * SET_BYTES;
        let all = &plan.architecture().commitments.weights;
        let roots = self.set.verify(WEIGHTS_TAG, all, sets, &[set_range(set)])?;
        let (roots, _) = roots.as_chunks::<32>();
        let index = match elements {
            Elements::Weights => 0,
            Elements::Bias => 1,
        };
        let root = roots.get(index).ok_or(OpeningError::Root)?;
        self.elements.verify(elements.tag(), root, elements.bytes(shape), &[bytes])
    }
}

impl Weights {
    /// Opens bytes of the elements of a set. Takes a hash for each leaf of the set.
    pub fn open(
        &self,
        set: usize,
        elements: Elements,
        bytes: Range<usize>,
    ) -> Result<ElementsOpening, OpeningError> {
        let sets = self.sets();
        let roots = Content::Bytes(sets.as_flattened().as_flattened());
        let parameters = self.parameters.get(set).ok_or(OpeningError::Ranges)?;
        let content = elements.content(parameters);
        Ok(ElementsOpening {
            set: Tree::new(roots).open(roots, &[set_range(set)])?,
            elements: Tree::new(content).open(content, &[bytes])?,
        })
    }

    /// The root that [`Commitments::weights`](crate::Commitments::weights) states. It covers
    /// every weight and bias, and how many of them each set has.
    pub fn digest(&self) -> Digest {
        root(WEIGHTS_TAG, Content::Bytes(self.sets().as_flattened().as_flattened()))
    }

    fn sets(&self) -> Vec<[Digest; 2]> {
        self.parameters.iter().map(Parameters::set).collect()
    }
}

/// The trees over all tensors of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceCommitment {
    /// By [`TensorId`](crate::TensorId).
    pub trees: Vec<Tree>,
    /// Their roots.
    pub roots: Vec<Digest>,
}

impl TraceCommitment {
    /// Commits to a trace.
    pub fn new(trace: &Trace) -> Self {
        let trees: Vec<Tree> =
            trace.tensors.iter().map(|tensor| Tree::new(tensor.content())).collect();
        let roots = trees.iter().map(|tree| tree.root(TENSOR_TAG)).collect();
        Self { trees, roots }
    }

    /// The root of the trace.
    pub fn root(&self) -> Digest {
        trace_root(&self.roots)
    }
}

/// What a tile reads of weights and biases.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ParameterOpening {
    /// The set's two roots, under the root of all weights.
    pub set: Opening,
    /// The weights.
    pub weights: Opening,
    /// The biases.
    pub bias: Opening,
}

/// What a tile reads, against roots.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TileOpening {
    /// Of each input, in the order of [`Operation::inputs`](crate::Operation::inputs).
    pub inputs: List<Opening, 2>,
    /// Weights and biases, if the operation has any.
    pub parameters: Option<ParameterOpening>,
}

/// Why a tile could not be computed from an opening.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TileError {
    /// The bytes are no encoding of an opening.
    Malformed,
    /// There is no such tile, or it could not be computed.
    Run(RunError),
    /// There are openings or roots of more or fewer inputs than the operation has, or of
    /// parameters where it has none, or none where it has them.
    Count,
    /// What is shown of input 0 or 1 is not under its root.
    Input(u8, OpeningError),
    /// The roots of the parameter set are not under the root of the weights.
    Set(OpeningError),
    /// The weights are not under their root.
    Weights(OpeningError),
    /// The biases are not under their root.
    Bias(OpeningError),
}

impl core::fmt::Display for TileError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed => write!(f, "not the encoding of an opening"),
            Self::Run(error) => write!(f, "the tile cannot be computed: {error}"),
            Self::Count => write!(f, "not the openings that the operation needs"),
            Self::Input(input, error) => write!(f, "input {input}: {error}"),
            Self::Set(error) => write!(f, "parameter set: {error}"),
            Self::Weights(error) => write!(f, "weights: {error}"),
            Self::Bias(error) => write!(f, "biases: {error}"),
        }
    }
}

impl core::error::Error for TileError {}

fn scaled(ranges: &[Range<usize>], bytes: usize) -> Vec<Range<usize>> {
    ranges.iter().map(|range| range.start * bytes..range.end * bytes).collect()
}

const fn set_range(index: usize) -> Range<usize> {
    index * SET_BYTES..(index + 1) * SET_BYTES
}

/// Opens what a tile of a trace reads.
pub fn open_tile(
    graph: &CheckedGraph,
    trace: &Trace,
    commitment: &TraceCommitment,
    index: usize,
    tile: usize,
) -> Result<TileOpening, TileError> {
    let plan = graph.plan();
    let reads = tile_reads(plan, index, tile).map_err(TileError::Run)?;
    let operation = &plan.operations()[index];
    let width = element_bytes(operation.input_type());
    let mut inputs = Vec::with_capacity(2);
    for (slot, (id, ranges)) in operation.inputs().zip(&reads.inputs).enumerate() {
        let tensor = trace.tensors.get(id.index()).ok_or(TileError::Count)?;
        let tree = commitment.trees.get(id.index()).ok_or(TileError::Count)?;
        let opening = tree.open(tensor.content(), &scaled(ranges, width));
        inputs.push(opening.map_err(|error| TileError::Input(slot as u8, error))?);
    }
    let parameters = match plan.parameters(index).zip(graph.parameters(index)) {
        Some((shape, parameters)) => {
            let open = |content, range| Tree::new(content).open(content, &[range]);
            let sets = graph.weights().sets();
            let sets = Content::Bytes(sets.as_flattened().as_flattened());
            let bias = reads.bias.start * 4..reads.bias.end * 4;
            Some(ParameterOpening {
                set: open(sets, set_range(shape.index)).map_err(TileError::Set)?,
                weights: open(Content::Int8(&parameters.weights), reads.weights)
                    .map_err(TileError::Weights)?,
                bias: open(Content::Int32(&parameters.bias), bias).map_err(TileError::Bias)?,
            })
        },
        None => None,
    };
    let inputs = List::try_from(inputs).map_err(|_| TileError::Count)?;
    Ok(TileOpening { inputs, parameters })
}

impl TileOpening {
    /// Reads the one encoding of an opening.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, TileError> {
        if bytes.len() > MAX_TILE_OPENING_BYTES {
            return Err(TileError::Malformed);
        }
        Self::decode_all(&mut bytes).map_err(|_| TileError::Malformed)
    }

    /// What the tile reads, if it is what the roots commit to: of the inputs, in the order of
    /// [`Operation::inputs`](crate::Operation::inputs), `input_roots`; of weights and biases the
    /// one that the architecture states.
    pub fn operands(
        &self,
        plan: &Plan,
        index: usize,
        tile: usize,
        input_roots: &[Digest],
    ) -> Result<Operands, TileError> {
        let reads = tile_reads(plan, index, tile).map_err(TileError::Run)?;
        let operation = &plan.operations()[index];
        let counts = [self.inputs.len(), input_roots.len()];
        let shape = plan.parameters(index);
        if counts.iter().any(|count| *count != reads.inputs.len())
            || shape.is_some() != self.parameters.is_some()
        {
            return Err(TileError::Count);
        }
        let width = element_bytes(operation.input_type());
        let mut inputs = Vec::with_capacity(2);
        let openings = self.inputs.iter().zip(input_roots).zip(&reads.inputs);
        for (slot, ((opening, root), ranges)) in openings.enumerate() {
            let id = operation.inputs().nth(slot).ok_or(TileError::Count)?;
            let length = tensor_bytes(plan, id).ok_or(TileError::Count)?;
            let bytes = opening
                .verify(TENSOR_TAG, root, length, &scaled(ranges, width))
                .map_err(|error| TileError::Input(slot as u8, error))?;
            let tensor = Tensor::from_bytes(operation.input_type(), &bytes);
            inputs.push(tensor.ok_or(TileError::Count)?);
        }
        let (weights, bias) = match shape.zip(self.parameters.as_ref()) {
            Some((shape, opening)) => {
                let sets = plan.all_parameters().count() * SET_BYTES;
                let all = &plan.architecture().commitments.weights;
                let set = opening
                    .set
                    .verify(WEIGHTS_TAG, all, sets, &[set_range(shape.index)])
                    .map_err(TileError::Set)?;
                let (roots, _) = set.as_chunks::<32>();
                let [matrix_root, bias_root] = roots else { return Err(TileError::Count) };
                let weights = opening
                    .weights
                    .verify(MATRIX_TAG, matrix_root, shape.weights(), &[reads.weights])
                    .map_err(TileError::Weights)?;
                let bytes = reads.bias.start * 4..reads.bias.end * 4;
                let bias = opening
                    .bias
                    .verify(BIAS_TAG, bias_root, 4 * shape.channels, &[bytes])
                    .map_err(TileError::Bias)?;
                let bias = bias.as_chunks::<4>().0.iter().map(|x| i32::from_le_bytes(*x));
                (weights.into_iter().map(|x| x as i8).collect(), bias.collect())
            },
            None => Default::default(),
        };
        Ok(Operands { inputs, weights, bias })
    }

    /// The elements of the tile, computed from what the opening shows.
    pub fn run(
        &self,
        plan: &Plan,
        index: usize,
        tile: usize,
        input_roots: &[Digest],
    ) -> Result<Tensor, TileError> {
        let operands = self.operands(plan, index, tile, input_roots)?;
        run_tile(plan, index, tile, &operands).map_err(TileError::Run)
    }
}
