//! Proofs that must be accepted, and proofs and bytes that must be refused.

mod audits;
mod cost;
mod honest;
mod kinds;
mod lies;
mod mutations;
mod sizes;
mod statements;
mod windows;

use super::*;
use crate::{
    error::{DecodeError, Reject},
    field::EF,
};
use assay_graph::{
    interpret, Add, Architecture, Clamp, Commitments, Conv2d, Dense, FormatVersion, Lookup,
    MaxPool2d, Multiplier, Operation, Requantize, Reshape, Scale, Shape, Shift, SumPool2d, Tensor,
    TensorId, Window,
};

/// A deterministic pseudorandom generator (xorshift64*).
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

/// A graph under construction. Each operation reads the tensor defined by the one before.
pub(super) struct Builder {
    input: Shape,
    /// Shape of the last tensor.
    shape: Shape,
    /// Number of products in one accumulator of the last tensor.
    fan_in: usize,
    operations: Vec<Operation>,
    parameters: Vec<Parameters>,
    random: Random,
}

impl Builder {
    pub fn new(input: Shape, seed: u64) -> Self {
        Self {
            input,
            shape: input,
            fan_in: 1,
            operations: vec![],
            parameters: vec![],
            random: Random::new(seed),
        }
    }

    pub fn last(&self) -> TensorId {
        TensorId(self.operations.len() as u16)
    }

    fn parameters(&mut self, rows: usize, columns: usize) {
        let weights = self.random.bytes(rows * columns).into_iter().map(|w| w as i8);
        let bias = (0..rows).map(|_| i32::from(self.random.next() as i16));
        self.parameters.push(Parameters {
            weights: weights.collect::<Vec<_>>().try_into().unwrap(),
            bias: bias.collect::<Vec<_>>().try_into().unwrap(),
        });
        self.fan_in = columns;
    }

    pub fn dense(mut self, rows: usize) -> Self {
        let columns = self.shape.elements().unwrap();
        let operation = Operation::Dense(Dense { input: self.last(), rows: rows as u32 });
        self.parameters(rows, columns);
        self.operation(operation, Shape::vector(rows as u32))
    }

    pub fn convolution(mut self, channels: usize, groups: usize, window: Window) -> Self {
        let operation = Operation::Conv2d(Conv2d {
            input: self.last(),
            output_channels: channels as u32,
            groups: groups as u32,
            window,
        });
        self.parameters(channels, self.shape.channels as usize / groups * window.kernel.area());
        self.windowed(operation, window, channels as u32)
    }

    pub fn sum_pool(mut self, window: Window) -> Self {
        // Scaled like a single product.
        self.fan_in = 1;
        let operation = Operation::SumPool2d(SumPool2d { input: self.last(), window });
        let channels = self.shape.channels;
        self.windowed(operation, window, channels)
    }

    pub fn max_pool(self, window: Window) -> Self {
        let operation = Operation::MaxPool2d(MaxPool2d { input: self.last(), window });
        let channels = self.shape.channels;
        self.windowed(operation, window, channels)
    }

    fn windowed(self, operation: Operation, window: Window, channels: u32) -> Self {
        let size = |size: u32, padding: u16, kernel: u16, stride: u16| {
            (size + u32::from(padding) - u32::from(kernel)) / u32::from(stride) + 1
        };
        let Window { kernel, stride, padding } = window;
        let height =
            size(self.shape.height, padding.top + padding.bottom, kernel.height, stride.height);
        let width =
            size(self.shape.width, padding.left + padding.right, kernel.width, stride.width);
        self.operation(operation, Shape::new(channels, height, width))
    }

    /// The sum of two tensors of the last one's shape.
    pub fn add(mut self, left: TensorId, right: TensorId) -> Self {
        // Scaled like a single product with a weight of this size, for the requantisation that
        // follows.
        self.fan_in = 1;
        let multiplier = |weight| Multiplier::new(weight).unwrap();
        let operation = Operation::Add(Add {
            left,
            right,
            left_multiplier: multiplier(50),
            right_multiplier: multiplier(37),
        });
        let shape = self.shape;
        self.operation(operation, shape)
    }

    /// Requantises such that most accumulators of the previous operation fall into the clamp's
    /// interval.
    pub fn requantize(mut self, shift: Shift, clamp: Clamp, per_channel: bool) -> Self {
        let ratio = 60.0 / (74.0 * 60.0 * (self.fan_in as f64).sqrt());
        let count = if per_channel { self.shape.channels } else { 1 };
        let multipliers: Vec<_> = (0..count)
            .map(|_| {
                let vary = 0.75 + self.random.below(512) as f64 / 1024.0;
                let multiplier = ratio * vary * 2f64.powi(i32::from(shift.bits()));
                Multiplier::new(multiplier.clamp(1.0, 2147483647.0) as u32).unwrap()
            })
            .collect();
        let operation = Operation::Requantize(Requantize {
            input: self.last(),
            multipliers: multipliers.try_into().unwrap(),
            shift,
            quotient_bits: 9,
            clamp,
        });
        let shape = self.shape;
        self.operation(operation, shape)
    }

    pub fn lookup(self, table: impl Fn(i8) -> i8) -> Self {
        let table = core::array::from_fn(|i| table((i as i16 - 128) as i8));
        let (operation, shape) =
            (Operation::Lookup(Lookup { input: self.last(), table }), self.shape);
        self.operation(operation, shape)
    }

    pub fn reshape(self, shape: Shape) -> Self {
        let operation = Operation::Reshape(Reshape { input: self.last(), shape });
        self.operation(operation, shape)
    }

    fn operation(mut self, operation: Operation, shape: Shape) -> Self {
        self.operations.push(operation);
        self.shape = shape;
        self
    }

    pub fn unsealed(self) -> Graph {
        let mut graph = Graph {
            architecture: Architecture {
                format_version: FormatVersion::V1,
                input_shape: self.input,
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

    /// The reference interpreter's output, in the encoding of a statement.
    pub fn reference(&self, input: &[u8]) -> Vec<u8> {
        let input: Vec<i8> = input.iter().map(|byte| *byte as i8).collect();
        match interpret::run(&self.graph, &input).unwrap() {
            Tensor::Int8(values) => values.iter().map(|v| *v as u8).collect(),
            Tensor::Int32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        }
    }

    /// Proves and verifies an inference, and compares its output with the reference.
    pub fn accepts(&self, input: &[u8]) -> Proven {
        let proven = self.prover.prove(&CONTEXT, input).unwrap();
        assert_eq!(proven.output, self.reference(input));
        assert_eq!(self.verify(input, &proven.output, &proven.proof), Ok(()));
        proven
    }

    pub fn verify(&self, input: &[u8], output: &[u8], proof: &[u8]) -> Result<(), Reject> {
        // The verifier is derived from public data alone.
        let verifier = Verifier::new(self.graph.plan()).unwrap();
        let statement = Statement { context: CONTEXT, input, output };
        verifier.verify(&statement, self.prover.fingerprint(), proof)
    }
}

/// Parameters for tests.
pub(super) const QUICK: ProofParameters = {
    let mut parameters = ProofParameters::RECOMMENDED;
    // Some proof of work, to test it, with as many queries as without it.
    parameters.model.grinding_bits = 8;
    parameters.model.security_bits += 8;
    parameters.witness.grinding_bits = 8;
    parameters.witness.security_bits += 8;
    parameters
};

/// [`QUICK`] with a higher rate for witnesses, which takes a sixteenth of the time and memory. For
/// models with large tables, whose vectors would be too long on a 32-bit target.
pub(super) const HIGH_RATE: ProofParameters = {
    let mut parameters = QUICK;
    parameters.witness.log_inverse_rate = 3;
    parameters
};

pub(super) const CONTEXT: Context<'static> = Context {
    genesis: [1; 32],
    domain: b"verification/1",
    request: &[7, 0, 0, 0, 0, 0, 0, 0],
    requester: [2; 32],
    operator: [3; 32],
};

/// Two hidden layers whose widths are not powers of two; the output consists of accumulators.
pub(super) fn perceptron(seed: u64) -> Builder {
    Builder::new(Shape::vector(30), seed)
        .dense(50)
        .requantize(Shift::Bits32, Clamp::RELU, true)
        .dense(20)
        .requantize(Shift::Bits32, Clamp::RELU, true)
        .dense(10)
}
