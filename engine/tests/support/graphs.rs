//! Integer graphs and the versions that declare them.

use assay_engine::{Engine, EngineError, RunOutput};
use assay_graph::{
    Architecture, CheckedGraph, Clamp, Commitments, Dense, FormatVersion, Graph, Multiplier,
    Operation, Parameters, Plan, Requantize, Scale, Shape, Shift, TensorId, Weights,
};
use assay_primitives::{
    engine::ProofContext, tensor::graph_dimensions, Digest, ElementType, Format, Tensor,
    TensorDeclaration,
};
use assay_proof::{Context, Statement};
use codec::Encode;

use super::{declared, dimensions, Version};

/// Pseudo-random numbers (xorshift64*).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as u8
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

/// Dense layers with requantisation and ReLU between them, not sealed.
pub fn perceptron(widths: &[usize]) -> Graph {
    let mut numbers = Numbers(7);
    let (mut operations, mut parameters) = (vec![], vec![]);
    for (layer, sizes) in widths.windows(2).enumerate() {
        let input = TensorId(operations.len() as u16);
        if layer > 0 {
            // Scales the sum of random products to about 60.
            let ratio = 60.0 / (74.0 * 74.0 * (widths[layer - 1] as f64).sqrt());
            let multiplier = Multiplier::new((ratio * 2f64.powi(32)) as u32).unwrap();
            operations.push(Operation::Requantize(Requantize {
                input,
                multipliers: vec![multiplier; sizes[0]].try_into().unwrap(),
                shift: Shift::Bits32,
                quotient_bits: 9,
                clamp: Clamp::RELU,
            }));
        }
        let input = TensorId(operations.len() as u16);
        operations.push(Operation::Dense(Dense { input, rows: sizes[1] as u32 }));
        let weights: Vec<i8> =
            numbers.bytes(sizes[0] * sizes[1]).into_iter().map(|byte| byte as i8).collect();
        let bias: Vec<i32> = numbers.bytes(sizes[1]).into_iter().map(i32::from).collect();
        parameters.push(Parameters {
            weights: weights.try_into().unwrap(),
            bias: bias.try_into().unwrap(),
        });
    }
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: Shape::vector(widths[0] as u32),
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: operations.try_into().unwrap(),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: parameters.try_into().unwrap() },
    };
    graph.complete().unwrap();
    graph
}

/// [`perceptron`], sealed.
pub fn sealed(widths: &[usize]) -> Graph {
    let mut graph = perceptron(widths);
    assay_proof::seal(&mut graph, &assay_proof::ProofParameters::RECOMMENDED).unwrap();
    graph
}

/// The declaration of a graph's tensor.
pub fn declaration(name: &str, plan: &Plan, tensor: TensorId) -> TensorDeclaration {
    let shape = plan.shape(tensor).unwrap();
    let element_type = match plan.element_type(tensor).unwrap() {
        assay_graph::ElementType::Int8 => ElementType::I8,
        assay_graph::ElementType::Int32 => ElementType::I32,
    };
    let shape = graph_dimensions([shape.channels, shape.height, shape.width]);
    declared(name, element_type, &dimensions(&shape))
}

/// A version of this graph.
pub fn version(graph: &Graph) -> Version {
    version_of(graph, graph.encode())
}

/// A version with the declarations of `graph`, but another file.
pub fn version_of(graph: &Graph, file: Vec<u8>) -> Version {
    let plan = Plan::new(graph.architecture.clone()).unwrap();
    let inputs = vec![declaration("x", &plan, TensorId::INPUT)];
    let outputs = vec![declaration("y", &plan, plan.output())];
    let mut version = Version::new(file, inputs, outputs);
    version.descriptor.format = Format::IntegerGraph;
    version.descriptor.architecture = Some(Digest::from(graph.digest()));
    version
}

/// A bundled graph, and a version of it.
pub fn bundled(name: &str) -> (Graph, Version) {
    let file = std::fs::read(super::model_path(&format!("{name}/{name}.graph"))).unwrap();
    let graph = Graph::from_bytes(&file).unwrap();
    let version = version_of(&graph, file);
    (graph, version)
}

/// The payload of a graph's input.
pub fn payload(version: &Version, data: &[u8]) -> Vec<u8> {
    let shape = version.descriptor.inputs[0].shape.iter().map(|dimension| match dimension {
        assay_primitives::Dimension::Fixed(size) => *size,
        assay_primitives::Dimension::Free => panic!("graphs have no free dimension"),
    });
    let element_type = ElementType::I8;
    vec![Tensor { element_type, shape: shape.collect(), data: data.to_vec() }].encode()
}

pub fn context() -> ProofContext {
    ProofContext {
        genesis: [1; 32],
        domain: b"test".to_vec(),
        request: vec![7],
        requester: [2; 32],
        operator: [3; 32],
    }
}

/// Whether a separate verifier accepts the proof of this run.
pub fn verifies(graph: &Graph, context: &ProofContext, input: &[u8], run: &RunOutput) -> bool {
    let checked = CheckedGraph::new(graph.clone()).unwrap();
    let verifier = assay_proof::Verifier::new(checked.plan());
    let weights = assay_proof::Audit::new(checked.plan()).unwrap().fingerprint(checked.weights());
    let context = Context {
        genesis: context.genesis,
        domain: &context.domain,
        request: &context.request,
        requester: context.requester,
        operator: context.operator,
    };
    let [output] = &super::decode(&run.payload)[..] else { panic!("not one output") };
    let statement = Statement { context, input, output: &output.data };
    verifier.unwrap().verify(&statement, weights.unwrap(), run.proof.as_ref().unwrap()).is_ok()
}

impl Version {
    /// Runs it and proves the run.
    pub fn prove(&self, engine: &Engine, payload: &[u8]) -> Result<RunOutput, EngineError> {
        let fetch = || Ok::<_, std::convert::Infallible>(self.file.clone());
        engine.prove(&self.descriptor, fetch, payload, &context())
    }
}
