//! Commitments to models and inferences, and openings of single steps.
//!
//! | root | content | tag |
//! |---|---|---|
//! | tensor | its elements, little-endian | [`TENSOR_TAG`] |
//! | trace | the roots of all tensors, the input's first | [`TRACE_TAG`] |
//! | weights of a model | for each parameter set, the roots of its weights and of its biases | [`WEIGHTS_TAG`] |
//! | weights or biases of a parameter set | the elements, little-endian | [`MATRIX_TAG`], [`BIAS_TAG`] |
//!
//! All are [`merkle`](crate::merkle) trees. A [`TileOpening`] shows the elements that one
//! [tile](crate::tile) reads, under the roots of the tensors and the root of the weights in the
//! architecture.

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

/// Maximum number of tensors of a trace.
pub const MAX_TENSORS: usize = MAX_OPERATIONS + 1;
/// Maximum length of an encoded [`TileOpening`] in bytes: a tensor of 2^20 int8 elements, the
/// weights and biases of a tile, and all siblings.
pub const MAX_TILE_OPENING_BYTES: usize = (1 << 20) + (1 << 16);

/// Length in bytes of a parameter set's entry under the root of the weights: two roots.
const SET_BYTES: usize = 64;

impl Tensor {
    /// The elements, as the content of a Merkle tree.
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

/// The root of the tensor with these bytes, in the encoding of [`Tensor::to_bytes`].
pub fn tensor_bytes_root(bytes: &[u8]) -> Digest {
    root(TENSOR_TAG, Content::Bytes(bytes))
}

/// The root of a trace from the roots of its tensors.
pub fn trace_root(roots: &[Digest]) -> Digest {
    root(TRACE_TAG, Content::Bytes(roots.as_flattened()))
}

/// Length of a tensor in bytes; `None` if there is no such tensor.
pub fn tensor_bytes(plan: &Plan, tensor: crate::TensorId) -> Option<usize> {
    let elements = plan.shape(tensor)?.elements()?;
    Some(elements * element_bytes(plan.element_type(tensor)?))
}

/// Length of an element in bytes.
pub const fn element_bytes(element_type: ElementType) -> usize {
    match element_type {
        ElementType::Int8 => 1,
        ElementType::Int32 => 4,
    }
}

impl Parameters {
    /// The roots of the weights and of the biases.
    fn set(&self) -> [Digest; 2] {
        [root(MATRIX_TAG, Content::Int8(&self.weights)), root(BIAS_TAG, Content::Int32(&self.bias))]
    }
}

/// The kind of elements of a parameter set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Elements {
    /// Weights, one byte each in two's complement.
    Weights,
    /// Biases, four bytes each, little-endian.
    Bias,
}

impl Elements {
    /// Number of bytes of all these elements in a set of this shape.
    pub const fn bytes(self, shape: ParameterShape) -> usize {
        match self {
            Self::Weights => shape.weights(),
            Self::Bias => 4 * shape.channels,
        }
    }

    /// These elements of a parameter set, as the content of a Merkle tree.
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

/// An opening of weights or biases of one parameter set under the root of all weights.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ElementsOpening {
    /// The set's two roots, under the root of all weights.
    pub set: Opening,
    /// The elements, under the set's root.
    pub elements: Opening,
}

impl ElementsOpening {
    /// Verifies the opening and returns these bytes of a set's elements. Takes one hash per leaf
    /// and node.
    ///
    /// # Errors
    ///
    /// [`OpeningError`] if the set or the bytes do not exist, or the opening does not fit the
    /// architecture's root of the weights.
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
    /// Opens a range of bytes of a set's elements. Takes one hash per leaf of the set.
    ///
    /// # Errors
    ///
    /// [`OpeningError::Ranges`] if the set or the bytes do not exist.
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

    /// The Merkle root of all weights, as in [`Commitments::weights`](crate::Commitments::weights).
    /// It covers every weight and bias and their number in each set.
    pub fn digest(&self) -> Digest {
        root(WEIGHTS_TAG, Content::Bytes(self.sets().as_flattened().as_flattened()))
    }

    /// The roots of all parameter sets.
    fn sets(&self) -> Vec<[Digest; 2]> {
        self.parameters.iter().map(Parameters::set).collect()
    }
}

/// The Merkle trees over all tensors of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceCommitment {
    /// Trees by [`TensorId`](crate::TensorId).
    pub trees: Vec<Tree>,
    /// Roots of the trees.
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

/// An opening of the weights and biases that a tile reads.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ParameterOpening {
    /// The set's two roots, under the root of all weights.
    pub set: Opening,
    /// The weights.
    pub weights: Opening,
    /// The biases.
    pub bias: Opening,
}

/// An opening of everything that a tile reads.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TileOpening {
    /// Openings of the inputs, in the order of [`Operation::inputs`](crate::Operation::inputs).
    pub inputs: List<Opening, 2>,
    /// Opening of weights and biases, if the operation has them.
    pub parameters: Option<ParameterOpening>,
}

/// Why a tile cannot be computed from an opening.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TileError {
    /// The bytes are not the encoding of an opening.
    Malformed,
    /// The tile does not exist or cannot be computed.
    Run(RunError),
    /// The number of openings or roots is not that of the operation's inputs, or an opening of
    /// parameters is missing or superfluous.
    Count,
    /// The opening of input 0 or 1 does not match its root.
    Input(u8, OpeningError),
    /// The opening of the set's roots does not match the root of the weights.
    Set(OpeningError),
    /// The opening of the weights does not match their root.
    Weights(OpeningError),
    /// The opening of the biases does not match their root.
    Bias(OpeningError),
}

impl core::fmt::Display for TileError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed => write!(f, "not the encoding of an opening"),
            Self::Run(error) => write!(f, "the tile cannot be computed: {error}"),
            Self::Count => write!(f, "the openings are not those that the operation needs"),
            Self::Input(input, error) => write!(f, "input {input}: {error}"),
            Self::Set(error) => write!(f, "parameter set: {error}"),
            Self::Weights(error) => write!(f, "weights: {error}"),
            Self::Bias(error) => write!(f, "biases: {error}"),
        }
    }
}

impl core::error::Error for TileError {}

/// Ranges of bytes from ranges of elements of `bytes` bytes each.
fn scaled(ranges: &[Range<usize>], bytes: usize) -> Vec<Range<usize>> {
    ranges.iter().map(|range| range.start * bytes..range.end * bytes).collect()
}

/// The bytes of a parameter set's entry under the root of the weights.
const fn set_range(index: usize) -> Range<usize> {
    index * SET_BYTES..(index + 1) * SET_BYTES
}

/// Opens everything that a tile of a trace reads.
///
/// # Errors
///
/// [`TileError`] if the tile does not exist or the trace is not one of this graph.
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
    /// Decodes an opening.
    ///
    /// # Errors
    ///
    /// [`TileError::Malformed`] if the bytes are not the canonical encoding of an opening.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, TileError> {
        if bytes.len() > MAX_TILE_OPENING_BYTES {
            return Err(TileError::Malformed);
        }
        Self::decode_all(&mut bytes).map_err(|_| TileError::Malformed)
    }

    /// Verifies the opening and returns what the tile reads. `input_roots` are the roots of the
    /// operation's inputs, in the order of [`Operation::inputs`](crate::Operation::inputs); the
    /// root of the weights is that of the architecture.
    ///
    /// # Errors
    ///
    /// [`TileError`] if the tile does not exist or an opening does not match its root.
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

    /// Verifies the opening and computes the elements of the tile from it.
    ///
    /// # Errors
    ///
    /// [`TileError`] if the tile does not exist, an opening does not match its root, or the tile
    /// cannot be computed.
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
