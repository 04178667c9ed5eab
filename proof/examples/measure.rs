//! Prints what proofs of two perceptrons with random weights cost.
//!
//! `cargo run --release -p assay-proof --example measure [-- RATE FIRST_FOLD FIRST_SHRINK FOLD GRINDING]`: without
//! arguments for the recommended parameters, else for others, for instance `4 4 2 3 16`.

use assay_graph::{
    Architecture, CheckedGraph, Clamp, Commitments, FormatVersion, Graph, Multiplier, Operation,
    Parameters, Scale, Shape, Shift, TensorId, Weights,
};
use assay_proof::{seal, Context, OpeningParameters, ProofParameters, Prover, Statement, Verifier};
use std::{
    error::Error,
    time::{Duration, Instant},
};

const CONTEXT: Context<'static> = Context {
    genesis: [1; 32],
    domain: b"measure",
    request: &[1],
    requester: [2; 32],
    operator: [3; 32],
};

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u8 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as u8
    }
}

/// Dense layers with requantisation and ReLU between them.
fn perceptron(widths: &[usize], random: &mut Random) -> Result<Graph, Box<dyn Error>> {
    let (mut operations, mut parameters) = (vec![], vec![]);
    for (layer, sizes) in widths.windows(2).enumerate() {
        let [inputs, outputs] = [sizes[0], sizes[1]];
        if layer > 0 {
            // Random products add up to about 60 after this.
            let ratio = 60.0 / (74.0 * 74.0 * (inputs as f64).sqrt());
            let multiplier = Multiplier::new((ratio * 2f64.powi(32)) as u32).ok_or("multiplier")?;
            operations.push(Operation::Requantize {
                input: TensorId(operations.len() as u16),
                multipliers: vec![multiplier; inputs].try_into()?,
                shift: Shift::Bits32,
                quotient_bits: 9,
                clamp: Clamp::RELU,
            });
        }
        operations.push(Operation::Dense {
            input: TensorId(operations.len() as u16),
            rows: outputs as u32,
        });
        parameters.push(Parameters {
            weights: (0..inputs * outputs)
                .map(|_| random.next() as i8)
                .collect::<Vec<_>>()
                .try_into()?,
            bias: (0..outputs).map(|_| i32::from(random.next())).collect::<Vec<_>>().try_into()?,
        });
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

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (first, last) = (times[0], times[times.len() - 1]);
    format!("{:9.2} ms ({:.2} to {:.2})", ms(times[times.len() / 2]), ms(first), ms(last))
}

fn measure(widths: &[usize], parameters: &ProofParameters) -> Result<(), Box<dyn Error>> {
    let mut random = Random(7);
    let mut graph = perceptron(widths, &mut random)?;
    let (time, result) = timed(|| seal(&mut graph, parameters));
    result?;
    println!("{widths:?}");
    println!("  commit to the model, once  {}", spread(vec![time]));
    let graph = CheckedGraph::new(graph)?;
    let prover = Prover::new(&graph)?;
    let (time, verifier) = timed(|| Verifier::new(graph.plan()));
    let verifier = verifier?;
    println!("  make a verifier            {}", spread(vec![time]));
    let (mut proving, mut verifying, mut sizes) = (vec![], vec![], vec![]);
    for _ in 0..15 {
        let input: Vec<u8> = (0..widths[0]).map(|_| random.next()).collect();
        let (time, proven) = timed(|| prover.prove(&CONTEXT, &input));
        proving.push(time);
        let proven = proven?;
        let statement = Statement { context: CONTEXT, input: &input, output: &proven.output };
        for _ in 0..5 {
            let (time, verdict) = timed(|| verifier.verify(&statement, &proven.proof));
            verdict?;
            verifying.push(time);
        }
        sizes.push(proven.proof.len());
    }
    sizes.sort();
    println!("  prove                      {}", spread(proving));
    println!("  verify                     {}", spread(verifying));
    println!("  proof                      {} B (at most {})", sizes[7], sizes[14]);
    println!("  soundness                  {:9.1} bits", verifier.security_bits());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u8> =
        std::env::args().skip(1).map(|argument| argument.parse()).collect::<Result<_, _>>()?;
    let mut parameters = ProofParameters::RECOMMENDED;
    if let [log_inverse_rate, first_fold, first_shrink, fold, grinding_bits] = arguments[..] {
        let opening = OpeningParameters {
            log_inverse_rate,
            first_fold,
            first_shrink,
            fold,
            grinding_bits,
            ..parameters.model
        };
        parameters = ProofParameters { model: opening, witness: opening, ..parameters };
    }
    println!("{parameters:?}");
    measure(&[64, 128, 64, 10], &parameters)?;
    measure(&[784, 256, 128, 10], &parameters)
}
