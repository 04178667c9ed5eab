//! Sealed integer graphs, and proofs of what they compute.

use std::sync::OnceLock;

use assay_graph::{
    commit::ElementsOpening, interpret, Architecture, CheckedGraph, Clamp, Commitments, Conv2d,
    Dense, Extent, FormatVersion, Graph, Lookup, MaxPool2d, Multiplier, Operation, Padding,
    Parameters, Plan, Requantize, Scale, Shape, Shift, TensorId, Trace, Weights, Window,
};
use assay_primitives::{
    proof::{account_bytes, PROOF_DOMAIN},
    tensor::graph_dimensions,
    AssuranceClasses, Digest, Dimension, ElementType, Format, ModelDescriptor, ProofCost, Tensor,
    TensorDeclaration, WeightsFingerprint,
};
use assay_proof::{
    seal, Audit, AuditState, Context, LimbWidth, OpeningParameters, ProofParameters, Prover,
};
use codec::Encode;

/// Parameters of higher rates: proofs are larger, and made in less time.
pub const QUICK: ProofParameters = {
    let opening = OpeningParameters { log_inverse_rate: 3, ..ProofParameters::RECOMMENDED.model };
    ProofParameters { model: opening, witness: opening, ..ProofParameters::RECOMMENDED }
};

/// Parameters with many queries in deep trees, where the paths share little.
pub const HASHED: ProofParameters = {
    let opening = OpeningParameters {
        log_inverse_rate: 5,
        first_fold: 3,
        first_shrink: 2,
        fold: 5,
        grinding_bits: 0,
        security_bits: 134,
    };
    ProofParameters {
        model: opening,
        witness: opening,
        limbs: LimbWidth::Bits16,
        ..ProofParameters::RECOMMENDED
    }
};

/// A bound on the cost of proofs that no proof exceeds.
pub const ANY_COST: ProofCost = ProofCost {
    architecture_bytes: u32::MAX,
    products: u32::MAX,
    cells: u32::MAX,
    hashes: u32::MAX,
    openings: u32::MAX,
    proof_bytes: u32::MAX,
};

/// A generator of pseudo-random bytes (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as u8
    }
}

pub(crate) fn list<T, const MAX: usize>(elements: Vec<T>) -> assay_graph::List<T, MAX> {
    elements.try_into().expect("within the bound")
}

/// One operation, on what the one before it defines.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    /// A dense layer of so many rows, with random weights.
    Dense(u32),
    /// A convolution to so many channels, with a kernel of so many rows and columns, one step at a
    /// time, and random weights.
    Conv2d(u32, [u16; 2]),
    /// The maximum of windows of so many rows and columns, one step at a time.
    MaxPool2d([u16; 2]),
    /// Requantisation with a multiplier for each channel, and ReLU.
    Requantize,
    /// A table like no other.
    Lookup,
}

/// A window that keeps rows and columns as many as they are.
fn window([height, width]: [u16; 2]) -> Window {
    Window {
        kernel: Extent { height, width },
        stride: Extent::square(1),
        padding: Padding {
            top: (height - 1) / 2,
            left: (width - 1) / 2,
            bottom: height / 2,
            right: width / 2,
        },
    }
}

/// A graph of these operations, sealed.
pub fn graph(input_shape: Shape, layers: &[Layer], parameters: &ProofParameters) -> Graph {
    seal_graph(unsealed(input_shape, layers), parameters)
}

/// A graph of these operations, complete but not sealed.
fn unsealed(input_shape: Shape, layers: &[Layer]) -> Graph {
    let mut random = Random(7);
    let (mut operations, mut sets) = (vec![], vec![]);
    let (mut shape, mut fan_in) = (input_shape, 1);
    let mut parameter_set = |channels: u32, fan_in: u32| {
        sets.push(Parameters {
            weights: list((0..channels * fan_in).map(|_| random.byte() as i8).collect()),
            bias: list((0..channels).map(|_| i32::from(random.byte())).collect()),
        });
    };
    for (index, layer) in layers.iter().enumerate() {
        let input = TensorId(index as u16);
        operations.push(match *layer {
            Layer::Dense(rows) => {
                parameter_set(rows, shape.channels);
                (fan_in, shape) = (shape.channels, Shape::vector(rows));
                Operation::Dense(Dense { input, rows })
            },
            Layer::Conv2d(output_channels, kernel) => {
                let window = window(kernel);
                fan_in = shape.channels * window.kernel.area() as u32;
                parameter_set(output_channels, fan_in);
                shape.channels = output_channels;
                Operation::Conv2d(Conv2d { input, output_channels, groups: 1, window })
            },
            Layer::MaxPool2d(kernel) => {
                Operation::MaxPool2d(MaxPool2d { input, window: window(kernel) })
            },
            Layer::Requantize => {
                // Random products add up to about 60 after this.
                let ratio = 60.0 / (74.0 * 74.0 * f64::from(fan_in).sqrt());
                let multiplier = Multiplier::new((ratio * 2f64.powi(32)) as u32).expect("31 bits");
                Operation::Requantize(Requantize {
                    input,
                    multipliers: list(vec![multiplier; shape.channels as usize]),
                    shift: Shift::Bits32,
                    quotient_bits: 9,
                    clamp: Clamp::RELU,
                })
            },
            Layer::Lookup => {
                let mut random = Random(100 + index as u64);
                Operation::Lookup(Lookup {
                    input,
                    table: std::array::from_fn(|_| random.byte() as i8),
                })
            },
        });
    }
    complete(input_shape, operations, sets)
}

/// A graph of these operations and weights, sealed.
pub(crate) fn sealed(
    input_shape: Shape,
    operations: Vec<Operation>,
    sets: Vec<Parameters>,
    parameters: &ProofParameters,
) -> Graph {
    seal_graph(complete(input_shape, operations, sets), parameters)
}

fn seal_graph(mut graph: Graph, parameters: &ProofParameters) -> Graph {
    seal(&mut graph, parameters).expect("the operations can be proven");
    graph
}

/// A graph of these operations and weights, complete but not sealed.
fn complete(input_shape: Shape, operations: Vec<Operation>, sets: Vec<Parameters>) -> Graph {
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape,
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: list(operations),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: list(sets) },
    };
    graph.complete().expect("the quotients fit");
    graph
}

/// Dense layers of these widths, with requantisation and ReLU between them. The output is the
/// accumulators of the last layer.
pub fn perceptron(widths: &[u32], parameters: &ProofParameters) -> Graph {
    seal_graph(unsealed_perceptron(widths), parameters)
}

/// The graph of [`perceptron`] before it is sealed, for callers that choose the parameters by its
/// size.
pub fn unsealed_perceptron(widths: &[u32]) -> Graph {
    let mut layers = vec![];
    for rows in &widths[1..] {
        layers.extend([Layer::Dense(*rows), Layer::Requantize]);
    }
    layers.pop();
    unsealed(Shape::vector(widths[0]), &layers)
}

/// A prover of a sealed graph.
pub fn prover(graph: &Graph) -> Prover {
    let checked = CheckedGraph::new(graph.clone()).expect("the graph is complete");
    Prover::new(&checked).expect("the graph is sealed")
}

/// A sealed graph with its prover. Sealing takes time, so tests share them.
pub struct Proven {
    /// The graph.
    pub graph: Graph,
    /// Its prover.
    pub prover: Prover,
}

impl Proven {
    /// A [`perceptron`] with the parameters [`QUICK`].
    pub fn of(widths: &[u32]) -> Self {
        let graph = perceptron(widths, &QUICK);
        Self { prover: prover(&graph), graph }
    }

    /// From four integers to three, in 24 steps of the prover's circuit.
    pub fn model() -> &'static Self {
        static MODEL: OnceLock<Proven> = OnceLock::new();
        MODEL.get_or_init(|| Self::of(&[4, 4, 3]))
    }

    /// Another one of the same input and output.
    pub fn other() -> &'static Self {
        static MODEL: OnceLock<Proven> = OnceLock::new();
        MODEL.get_or_init(|| Self::of(&[4, 5, 3]))
    }
}

/// What the chain's proofs of an inference are bound to. `request` is its encoded identifier.
pub fn proof_context<'a, AccountId: Encode>(
    genesis: Digest,
    request: &'a [u8],
    requester: &AccountId,
    operator: &AccountId,
) -> Context<'a> {
    Context {
        genesis: genesis.0,
        domain: PROOF_DOMAIN,
        request,
        requester: account_bytes(requester),
        operator: account_bytes(operator),
    }
}

/// The fingerprint of weights, as the chain computes it for this architecture.
pub fn fingerprint(architecture: &Architecture, weights: &Weights) -> WeightsFingerprint {
    let audit = audit(architecture);
    WeightsFingerprint(audit.fingerprint(weights).expect("the weights are the graph's").0)
}

/// The audit of the weights of a sealed architecture.
pub fn audit(architecture: &Architecture) -> Audit {
    let plan = Plan::new(architecture.clone()).expect("the graph is legal");
    Audit::new(&plan).expect("the graph is sealed")
}

/// Openings of the weights and biases of a small graph from byte `done` on, of each parameter set two,
/// and at most `most`.
pub fn opened_weights(graph: &Graph, done: u64, most: usize) -> Vec<ElementsOpening> {
    audit(&graph.architecture)
        .open_next(&AuditState { done, ..Default::default() }, &graph.weights, most, usize::MAX)
        .expect("the weights are the graph's")
}

/// What a version of a perceptron's graph declares, with the graph itself as its artifact.
pub fn descriptor(graph: &Graph, assurances: AssuranceClasses) -> ModelDescriptor {
    let artifact = graph.encode();
    let plan = Plan::new(graph.architecture.clone()).expect("the graph is legal");
    let tensor = |name: &str, element_type, shape: Shape| {
        let dimensions = graph_dimensions([shape.channels, shape.height, shape.width]);
        vec![declare(name, element_type, &dimensions)].try_into().expect("one tensor")
    };
    let output = plan.shapes()[plan.output().index()];
    ModelDescriptor {
        artifact: assay_primitives::ArtifactManifest::of(&artifact).identity,
        artifact_size: artifact.len() as u64,
        format: Format::IntegerGraph,
        inputs: tensor("x", ElementType::I8, graph.architecture.input_shape),
        outputs: tensor("y", ElementType::I32, output),
        assurances,
        tolerance: None,
        architecture: Some(graph.digest().into()),
    }
}

/// A descriptor without tensors, of an artifact that nobody has.
pub fn bare_descriptor(format: Format, assurances: AssuranceClasses) -> ModelDescriptor {
    ModelDescriptor {
        artifact: Digest::zero(),
        artifact_size: 1,
        format,
        inputs: Default::default(),
        outputs: Default::default(),
        assurances,
        tolerance: None,
        architecture: None,
    }
}

/// The declaration of a tensor of fixed dimensions.
pub fn declare(name: &str, element_type: ElementType, shape: &[u32]) -> TensorDeclaration {
    let shape: Vec<_> = shape.iter().copied().map(Dimension::Fixed).collect();
    TensorDeclaration {
        name: name.as_bytes().to_vec().try_into().expect("within the bound"),
        element_type,
        shape: shape.try_into().expect("within the bound"),
    }
}

/// A tensor of floating-point numbers.
pub fn floats(shape: &[u32], values: &[f32]) -> Tensor {
    Tensor {
        element_type: ElementType::F32,
        shape: shape.to_vec(),
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// A payload of one tensor.
pub fn tensor_payload(element_type: ElementType, shape: &[u32], data: &[u8]) -> Vec<u8> {
    vec![Tensor { element_type, shape: shape.to_vec(), data: data.to_vec() }].encode()
}

/// A payload of one vector.
pub fn payload(element_type: ElementType, data: &[u8]) -> Vec<u8> {
    let elements = data.len() / element_type.size();
    tensor_payload(element_type, &[elements as u32], data)
}

/// Computes all tensors of a trace after a changed one again.
pub fn recompute(graph: &CheckedGraph, trace: &mut Trace, changed: usize) {
    let plan = graph.plan();
    for (index, operation) in plan.operations().iter().enumerate().skip(changed) {
        let inputs: Vec<_> =
            operation.inputs().map(|input| &trace.tensors[input.index()]).collect();
        trace.tensors[index + 1] =
            interpret::run_operation(plan, index, &inputs, graph.parameters(index))
                .expect("the operation is the graph's");
    }
}
