//! Proofs that have to be accepted, and everything that must not be.

mod honest;
mod lies;
mod mutations;
mod statements;

use super::*;
use crate::error::{DecodeError, Reject};
use assay_graph::{
    interpret, Architecture, Clamp, Commitments, FormatVersion, Multiplier, Operation, Scale,
    Shape, Shift, Tensor, TensorId,
};

/// Numbers that look random and are the same each time (xorshift64*).
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}

/// A graph under construction, each operation reading what the one before defines.
pub(super) struct Builder {
    shape: Shape,
    length: usize,
    operations: Vec<Operation>,
    parameters: Vec<Parameters>,
    random: Random,
}

impl Builder {
    pub fn new(input: Shape, seed: u64) -> Self {
        Self {
            shape: input,
            length: input.elements().unwrap(),
            operations: vec![],
            parameters: vec![],
            random: Random::new(seed),
        }
    }

    fn input(&self) -> TensorId {
        TensorId(self.operations.len() as u16)
    }

    pub fn dense(mut self, rows: usize) -> Self {
        self.operations.push(Operation::Dense { input: self.input(), rows: rows as u32 });
        let weights = self.random.bytes(rows * self.length).into_iter().map(|w| w as i8);
        let bias = (0..rows).map(|_| i32::from(self.random.next() as i16));
        self.parameters.push(Parameters {
            weights: weights.collect::<Vec<_>>().try_into().unwrap(),
            bias: bias.collect::<Vec<_>>().try_into().unwrap(),
        });
        self.length = rows;
        self
    }

    /// Brings most accumulators of the dense layer before into the clamp's interval.
    pub fn requantize(mut self, shift: Shift, clamp: Clamp, per_channel: bool) -> Self {
        let inputs = self.parameters.last().unwrap().weights.len() / self.length;
        let ratio = 60.0 / (74.0 * 60.0 * (inputs as f64).sqrt());
        let count = if per_channel { self.length } else { 1 };
        let multipliers: Vec<_> = (0..count)
            .map(|_| {
                let vary = 0.75 + self.random.below(512) as f64 / 1024.0;
                let multiplier = ratio * vary * 2f64.powi(i32::from(shift.bits()));
                Multiplier::new(multiplier.clamp(1.0, 2147483647.0) as u32).unwrap()
            })
            .collect();
        self.operations.push(Operation::Requantize {
            input: self.input(),
            multipliers: multipliers.try_into().unwrap(),
            shift,
            quotient_bits: 9,
            clamp,
        });
        self
    }

    pub fn lookup(mut self, table: impl Fn(i8) -> i8) -> Self {
        let table = core::array::from_fn(|i| table((i as i16 - 128) as i8));
        self.operations.push(Operation::Lookup { input: self.input(), table });
        self
    }

    pub fn reshape(mut self, shape: Shape) -> Self {
        self.operations.push(Operation::Reshape { input: self.input(), shape });
        self
    }

    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    pub fn unsealed(self) -> Graph {
        let mut graph = Graph {
            architecture: Architecture {
                format_version: FormatVersion::V1,
                input_shape: self.shape,
                input_scale: Scale::ONE,
                output_scale: Scale::ONE,
                operations: self.operations.try_into().unwrap(),
                commitments: Commitments::default(),
            },
            weights: Weights { parameters: self.parameters.try_into().unwrap() },
        };
        graph.complete().unwrap();
        graph
    }

    pub fn model_with(self, parameters: &ProofParameters) -> Model {
        let mut graph = self.unsealed();
        seal(&mut graph, parameters).unwrap();
        let graph = CheckedGraph::new(graph).unwrap();
        Model { prover: Prover::new(&graph).unwrap(), graph }
    }

    pub fn model(self) -> Model {
        self.model_with(&QUICK)
    }
}

/// A published model.
pub(super) struct Model {
    pub graph: CheckedGraph,
    pub prover: Prover,
}

impl Model {
    pub fn input(&self, seed: u64) -> Vec<u8> {
        Random::new(seed).bytes(self.prover.verifier.input_bytes())
    }

    /// What the reference interpreter says, in the encoding of a statement.
    pub fn reference(&self, input: &[u8]) -> Vec<u8> {
        let input: Vec<i8> = input.iter().map(|byte| *byte as i8).collect();
        match interpret::run(&self.graph, &input).unwrap() {
            Tensor::Int8(values) => values.iter().map(|v| *v as u8).collect(),
            Tensor::Int32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// Proves and verifies an inference, and compares it with the reference.
    pub fn accepts(&self, input: &[u8]) -> Proven {
        let proven = self.prover.prove(&CONTEXT, input).unwrap();
        assert_eq!(proven.output, self.reference(input));
        assert_eq!(self.verify(input, &proven.output, &proven.proof), Ok(()));
        proven
    }

    pub fn verify(&self, input: &[u8], output: &[u8], proof: &[u8]) -> Result<(), Reject> {
        // From public data alone.
        let verifier = Verifier::new(self.graph.plan()).unwrap();
        verifier.verify(&Statement { context: CONTEXT, input, output }, proof)
    }
}

/// With little grinding, so that tests take their time for something else.
pub(super) const QUICK: ProofParameters = {
    let mut parameters = ProofParameters::RECOMMENDED;
    parameters.model.grinding_bits = 8;
    parameters.witness.grinding_bits = 8;
    parameters
};

pub(super) const CONTEXT: Context<'static> = Context {
    genesis: [1; 32],
    domain: b"verification/1",
    request: &[7, 0, 0, 0, 0, 0, 0, 0],
    requester: [2; 32],
    operator: [3; 32],
};

/// Two hidden layers with widths that are no powers of two, and accumulators as the output.
pub(super) fn perceptron(seed: u64) -> Builder {
    Builder::new(Shape::vector(30), seed)
        .dense(50)
        .requantize(Shift::Bits32, Clamp::RELU, true)
        .dense(20)
        .requantize(Shift::Bits32, Clamp::RELU, true)
        .dense(10)
}
