//! The proofs that the benchmarks of verification verify.

use crate::graphs::{list, prover, sealed, Layer, Random, HASHED};
use assay_graph::{
    Add, Clamp, Conv2d, Extent, Graph, Multiplier, Operation, Padding, Parameters, Plan,
    Requantize, Shape, Shift, TensorId, Window,
};
use assay_primitives::{proof::PROOF_DOMAIN, ProofCost, WeightsFingerprint};
use assay_proof::{Context, ProofParameters};
use codec::{Decode, Encode};

/// A proof with its statement, in the encoding of the files in `pallets/verification/fixtures`.
#[derive(Encode, Decode)]
pub struct Fixture {
    /// The encoded architecture.
    pub architecture: Vec<u8>,
    /// The input's data.
    pub input: Vec<u8>,
    /// The output's data.
    pub output: Vec<u8>,
    /// The fingerprint of the weights.
    pub weights: WeightsFingerprint,
    /// The proof.
    pub proof: Vec<u8>,
}

/// The context of all of them.
pub const CONTEXT: Context<'static> = Context {
    genesis: [1; 32],
    domain: PROOF_DOMAIN,
    request: &[2; 8],
    requester: [3; 32],
    operator: [4; 32],
};

/// Makes a proof of a random inference.
pub fn fixture(graph: &Graph) -> (Fixture, ProofCost) {
    let plan = Plan::new(graph.architecture.clone()).expect("the graph is legal");
    let mut random = Random(11);
    let inputs = plan.shapes()[0].elements().expect("the shapes are checked");
    let input: Vec<u8> = (0..inputs).map(|_| random.byte()).collect();
    let prover = prover(graph);
    let proven = prover.prove(&CONTEXT, &input).expect("every input can be proven");
    let fixture = Fixture {
        architecture: graph.architecture.encode(),
        input,
        output: proven.output,
        weights: WeightsFingerprint(prover.fingerprint().0),
        proof: proven.proof,
    };
    (fixture, pallet_model_registry::proof_cost(&plan, prover.verifier()))
}

/// A graph of which so many convolutions read the input, each one element of it.
fn readers(input: Shape, count: u16) -> Graph {
    let stride = Extent { height: input.height as u16, width: input.width as u16 };
    let window = Window { kernel: Extent::square(1), stride, padding: Padding::default() };
    let mut operations = Vec::new();
    let requantized = |operations: &mut Vec<Operation>| {
        operations.push(Operation::Requantize(Requantize {
            input: TensorId(operations.len() as u16),
            multipliers: list(vec![Multiplier::new(1 << 24).expect("31 bits")]),
            shift: Shift::Bits32,
            quotient_bits: 9,
            clamp: Clamp::FULL,
        }));
        TensorId(operations.len() as u16)
    };
    let mut last = None;
    for _ in 0..count {
        let input = TensorId::INPUT;
        operations.push(Operation::Conv2d(Conv2d { input, output_channels: 1, groups: 1, window }));
        let read = requantized(&mut operations);
        last = Some(match last {
            None => read,
            Some(left) => {
                let one = Multiplier::ONE;
                let (left_multiplier, right_multiplier) = (one, one);
                let right = read;
                let add = Add { left, right, left_multiplier, right_multiplier };
                operations.push(Operation::Add(add));
                requantized(&mut operations)
            },
        });
    }
    let channels = input.channels as usize;
    let set = Parameters { weights: list(vec![1; channels]), bias: list(vec![0]) };
    sealed(input, operations, vec![set; count.into()], &ProofParameters::RECOMMENDED)
}

/// Name, what it is, and the graph of each.
pub type Series = [(&'static str, &'static str, Graph); 7];

/// A small proof, and what makes one costlier to verify, taken far one by one, of the kind that costs
/// most.
pub fn all() -> Series {
    use crate::graphs::graph;
    use Layer::{Conv2d, Dense, MaxPool2d, Requantize};
    const RECOMMENDED: &ProofParameters = &ProofParameters::RECOMMENDED;
    let small = [Dense(16), Requantize, Dense(16)];
    let deep = [Dense(7), Requantize].repeat(60);
    let mut values = vec![Conv2d(4, [3, 3]), Requantize];
    values.extend([MaxPool2d([4, 4]); 44]);
    let wide = [Conv2d(8, [4, 4]), Requantize];
    let tall = [Dense(1 << 14), Requantize, Dense(1)];
    let vector = Shape::vector(16);
    [
        ("small", "A small proof.", graph(vector, &small, RECOMMENDED)),
        ("wide", "Many products.", graph(Shape::new(1_024, 4, 4), &wide, RECOMMENDED)),
        ("read", "Many readers of a large input.", readers(Shape::new(1, 255, 256), 12)),
        ("hashed", "Many hashes.", graph(vector, &small, &HASHED)),
        ("deep", "Many openings.", graph(Shape::vector(7), &deep, RECOMMENDED)),
        ("values", "Many values.", graph(Shape::new(4, 4, 4), &values, RECOMMENDED)),
        ("tall", "A long architecture.", graph(Shape::vector(1), &tall, RECOMMENDED)),
    ]
}
