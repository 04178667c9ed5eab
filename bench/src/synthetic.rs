//! Models with random weights, for what costs the same whatever the weights are.

use anyhow::{Context, Result};
use assay_graph::{
    Architecture, Clamp, Commitments, FormatVersion, Graph, Multiplier, Operation, Parameters,
    Scale, Shape, Shift, TensorId, Weights,
};

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn byte(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as u8
    }
}

/// Dense layers of these widths, with requantisation and ReLU between them.
pub fn perceptron(widths: &[usize], seed: u64) -> Result<Graph> {
    let mut random = Random::new(seed);
    let (mut operations, mut parameters) = (Vec::new(), Vec::new());
    for (layer, sizes) in widths.windows(2).enumerate() {
        let [inputs, outputs] = [sizes[0], sizes[1]];
        if layer > 0 {
            // Random products add up to about 60 after this.
            let ratio = 60.0 / (74.0 * 74.0 * (widths[layer - 1] as f64).sqrt());
            let multiplier = Multiplier::new((ratio * 2f64.powi(32)) as u32)
                .context("a multiplier out of its bounds")?;
            operations.push(Operation::Requantize {
                input: TensorId(operations.len() as u16),
                multipliers: vec![multiplier; inputs].try_into()?,
                shift: Shift::Bits32,
                quotient_bits: 9,
                clamp: Clamp::RELU,
            });
        }
        let input = TensorId(operations.len() as u16);
        operations.push(Operation::Dense { input, rows: outputs as u32 });
        let weights: Vec<i8> = (0..inputs * outputs).map(|_| random.byte() as i8).collect();
        let bias: Vec<i32> = (0..outputs).map(|_| i32::from(random.byte())).collect();
        parameters.push(Parameters { weights: weights.try_into()?, bias: bias.try_into()? });
    }
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: Shape::vector(widths[0] as u32),
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: operations.try_into()?,
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: parameters.try_into()? },
    };
    graph.complete()?;
    Ok(graph)
}
