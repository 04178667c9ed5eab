//! Random models, for tests of code that runs, proves or checks models.
//!
//! The models are small and as irregular as the checks allow: every operation, windows of any
//! shape, groups, branches, extreme weights and multipliers. A seed always yields the same model.

pub mod constraints;
pub mod edges;

pub use edges::{edge_cases, EdgeCase};

use crate::{
    bounds::*,
    format::*,
    kind::*,
    list::List,
    requantize::{Clamp, Multiplier, Shift},
};
use alloc::{vec, vec::Vec};

/// A pseudorandom number generator (SplitMix64). Not for secrets.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator with a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `lo..=hi`.
    pub fn between(&mut self, lo: u32, hi: u32) -> u32 {
        lo + (self.bits() % (u64::from(hi - lo) + 1)) as u32
    }

    /// True with probability `1/n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.bits().is_multiple_of(n)
    }

    /// `length` int8 values: uniform, extreme or mostly zero.
    pub fn int8(&mut self, length: usize) -> Vec<i8> {
        let kind = self.bits() % 8;
        (0..length)
            .map(|_| {
                let bits = self.bits();
                match kind {
                    0 => i8::MIN,
                    1 => i8::MAX,
                    2 if bits & 256 == 0 => i8::MIN,
                    2 => i8::MAX,
                    3 if bits & 0x700 != 0 => 0,
                    _ => bits as i8,
                }
            })
            .collect()
    }
}

/// A model that passes [`CheckedGraph::new`](crate::CheckedGraph::new), with at most about `2 ·
/// length` operations.
pub fn graph(rng: &mut Rng, length: usize) -> Graph {
    let input_shape = if rng.one_in(3) {
        Shape::vector(rng.between(1, 96))
    } else {
        Shape::new(rng.between(1, 9), rng.between(1, 13), rng.between(1, 13))
    };
    let mut model = RandomModel {
        tensors: vec![(input_shape, ElementType::Int8)],
        operations: Vec::new(),
        parameters: Vec::new(),
    };
    for _ in 0..length {
        model.extend(rng);
    }
    if model.operations.is_empty() {
        model.lookup(rng);
    }
    // About half of the models that can end in accumulators do.
    let last = model.operations.len() - 1;
    if rng.one_in(2) && matches!(model.operations[last], Operation::Requantize(_)) && last > 0 {
        model.operations.pop();
    }
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape,
            input_scale: Scale { mantissa: 1, exponent: -7 },
            output_scale: Scale::ONE,
            operations: list(model.operations),
            commitments: Commitments {
                source: [rng.bits() as u8; 32],
                proof_parameters: list(vec![rng.bits() as u8; rng.between(0, 9) as usize]),
                ..Default::default()
            },
        },
        weights: Weights { parameters: list(model.parameters) },
    };
    graph.complete().expect("multipliers and biases are chosen so that all checks pass");
    graph
}

/// An input for a model.
pub fn input(rng: &mut Rng, architecture: &Architecture) -> Vec<i8> {
    rng.int8(architecture.input_shape.elements().unwrap_or(0))
}

fn list<T, const MAX: usize>(elements: Vec<T>) -> List<T, MAX> {
    elements.try_into().unwrap_or_default()
}

struct RandomModel {
    tensors: Vec<(Shape, ElementType)>,
    operations: Vec<Operation>,
    parameters: Vec<Parameters>,
}

impl RandomModel {
    fn push(&mut self, operation: Operation, shape: Shape) {
        self.tensors.push((shape, operation.output_type()));
        self.operations.push(operation);
    }

    /// The last tensor, which is int8, and its shape.
    fn last(&self) -> (TensorId, Shape) {
        let last = self.tensors.len() - 1;
        (TensorId(last as u16), self.tensors[last].0)
    }

    fn extend(&mut self, rng: &mut Rng) {
        let (input, shape) = self.last();
        match rng.between(0, 9) {
            0 if shape.plane() == 1 => self.dense(rng, input, shape),
            0 | 1 => {
                let shape = if rng.one_in(3) {
                    Shape::new(shape.width, shape.channels, shape.height)
                } else {
                    Shape::vector(shape.elements().unwrap_or(1) as u32)
                };
                self.push(Operation::Reshape(Reshape { input, shape }), shape);
                if shape.plane() == 1 && shape.channels <= 1024 {
                    let (input, shape) = self.last();
                    self.dense(rng, input, shape);
                }
            },
            2..=4 => self.convolution(rng, input, shape),
            5 => {
                let window = window(rng, shape, 4);
                let output = window_output(shape, &window, shape.channels);
                self.push(Operation::MaxPool2d(MaxPool2d { input, window }), output);
            },
            6 => {
                let mut window = window(rng, shape, 5);
                if rng.one_in(2) && shape.height < 64 && shape.width < 64 {
                    window = Window {
                        kernel: Extent { height: shape.height as u16, width: shape.width as u16 },
                        stride: Extent::square(1),
                        padding: Padding::default(),
                    };
                }
                let output = window_output(shape, &window, shape.channels);
                self.push(Operation::SumPool2d(SumPool2d { input, window }), output);
                self.requantize(rng, window.kernel.area() as u64 * 128);
            },
            7 | 8 => {
                let same: Vec<usize> = (0..self.tensors.len())
                    .filter(|index| self.tensors[*index] == (shape, ElementType::Int8))
                    .collect();
                let left = TensorId(same[rng.bits() as usize % same.len()] as u16);
                let bits = rng.between(1, 22);
                let (a, b) = (rng.between(1, 1 << 23), rng.between(1, 1 << bits));
                let (left, right) = if rng.one_in(2) { (left, input) } else { (input, left) };
                let operation = Operation::Add(Add {
                    left,
                    right,
                    left_multiplier: multiplier(a.into()),
                    right_multiplier: multiplier(b.into()),
                });
                self.push(operation, shape);
                self.requantize(rng, u64::from(a + b) * 128);
            },
            _ => self.lookup(rng),
        }
    }

    fn lookup(&mut self, rng: &mut Rng) {
        let (input, shape) = self.last();
        let mut table = [0; 256];
        table.copy_from_slice(&rng.int8(256));
        self.push(Operation::Lookup(Lookup { input, table }), shape);
    }

    fn dense(&mut self, rng: &mut Rng, input: TensorId, shape: Shape) {
        let rows = rng.between(1, 40);
        self.push(Operation::Dense(Dense { input, rows }), Shape::vector(rows));
        self.parameters(rng, rows, shape.channels);
    }

    fn convolution(&mut self, rng: &mut Rng, input: TensorId, shape: Shape) {
        if shape.channels > 64 {
            return self.lookup(rng);
        }
        let divisors: Vec<u32> =
            (1..=shape.channels).filter(|groups| shape.channels.is_multiple_of(*groups)).collect();
        let groups = divisors[rng.bits() as usize % divisors.len()];
        let output_channels = groups * rng.between(1, (12 / groups).max(1));
        let window = window(rng, shape, 4);
        let output = window_output(shape, &window, output_channels);
        self.push(Operation::Conv2d(Conv2d { input, output_channels, groups, window }), output);
        let fan_in = shape.channels / groups * window.kernel.area() as u32;
        self.parameters(rng, output_channels, fan_in);
    }

    /// Adds weights and biases for the last operation, and a requantisation after it.
    fn parameters(&mut self, rng: &mut Rng, channels: u32, fan_in: u32) {
        let bias_bits = rng.between(0, 28);
        let bias = (0..channels)
            .map(|_| rng.between(0, 2 << bias_bits) as i32 - (1 << bias_bits))
            .collect();
        self.parameters.push(Parameters {
            weights: list(rng.int8((channels * fan_in) as usize)),
            bias: list(bias),
        });
        self.requantize(rng, u64::from(fan_in) * (1 << 14) + (1 << bias_bits));
    }

    /// Requantises the last tensor, whose elements are at most `bound` in magnitude.
    fn requantize(&mut self, rng: &mut Rng, bound: u64) {
        let (input, shape) = self.last();
        let shift = Shift::ALL[rng.between(0, 2) as usize];
        // Maximum number of bits of the greatest quotient. With small bounds the multiplier limits
        // it further.
        let target = rng.between(4, u32::from(MAX_QUOTIENT_BITS) - 2);
        let largest = (1u128 << (target + u32::from(shift.bits()))) / u128::from(bound);
        let largest = largest.clamp(1, u128::from(Multiplier::MAX.get())) as u64;
        let count = if rng.one_in(3) { 1 } else { shape.channels };
        let (shift, multipliers) = if count > 4096 || rng.one_in(8) {
            (Shift::Bits48, vec![Multiplier::MAX])
        } else {
            let each = (0..count).map(|_| multiplier(largest - rng.bits() % largest.div_ceil(2)));
            (shift, each.collect())
        };
        let clamp = match rng.between(0, 3) {
            0 => Clamp::RELU,
            1 => Clamp::new(-(rng.between(0, 127) as i8), rng.between(0, 127) as i8)
                .unwrap_or(Clamp::FULL),
            _ => Clamp::FULL,
        };
        let operation = Operation::Requantize(Requantize {
            input,
            multipliers: list(multipliers),
            shift,
            quotient_bits: MIN_QUOTIENT_BITS,
            clamp,
        });
        self.push(operation, shape);
    }
}

fn multiplier(value: u64) -> Multiplier {
    u32::try_from(value).ok().and_then(Multiplier::new).unwrap_or(Multiplier::ONE)
}

/// A window that fits the shape, with sides of at most `most`.
fn window(rng: &mut Rng, shape: Shape, most: u32) -> Window {
    let mut side = |size: u32| {
        let kernel = rng.between(1, most);
        let (before, after) = (rng.between(0, kernel - 1), rng.between(0, kernel - 1));
        let (before, after) = if rng.one_in(2) { (0, 0) } else { (before, after) };
        // Both paddings are below the kernel, because each is at most size + before + after - 1.
        let kernel = kernel.min(size + before + after);
        [kernel, before, after, rng.between(1, 3)].map(|x| x as u16)
    };
    let [height, top, bottom, down] = side(shape.height);
    let [width, left, right, across] = side(shape.width);
    Window {
        kernel: Extent { height, width },
        stride: Extent { height: down, width: across },
        padding: Padding { top, left, bottom, right },
    }
}

fn window_output(shape: Shape, window: &Window, channels: u32) -> Shape {
    crate::window::output_shape(shape, window, channels).expect("the window is chosen to fit")
}
