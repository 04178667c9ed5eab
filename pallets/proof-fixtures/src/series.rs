//! The proofs that the benchmarks of verification verify.

use crate::{prover, Layer, Random, STRICT};
use assay_graph::{Graph, Plan, Shape};
use assay_primitives::{proof::PROOF_DOMAIN, ProofCost};
use assay_proof::{Context, ProofParameters};
use codec::Encode;

/// A proof with everything that it is of. `pallet-verification` reads the same.
#[derive(Encode)]
pub struct Fixture {
    /// The encoded architecture.
    pub architecture: Vec<u8>,
    /// The input's data.
    pub input: Vec<u8>,
    /// The output's data.
    pub output: Vec<u8>,
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
    let proven = prover(graph).prove(&CONTEXT, &input).expect("every input can be proven");
    let fixture = Fixture {
        architecture: graph.architecture.encode(),
        input,
        output: proven.output,
        proof: proven.proof,
    };
    (fixture, pallet_model_registry::proof_cost(&plan))
}

/// Name, what it is, shape of the input, operations and parameters of each.
pub type Series = [(&'static str, &'static str, Shape, Vec<Layer>, ProofParameters); 4];

/// A small proof, and what makes one costlier to verify, taken far one by one: operations, of the
/// kind that costs most; what the verifier knows by itself, of the kind that costs most; and
/// parameters that make for long proofs.
pub fn all() -> Series {
    use Layer::{Conv2d, Dense, MaxPool2d, Requantize};
    const RECOMMENDED: ProofParameters = ProofParameters::RECOMMENDED;
    let small = vec![Dense(16), Requantize, Dense(16)];
    let mut deep = vec![Conv2d(4, [3, 3]), Requantize];
    deep.extend([MaxPool2d([4, 4]); 44]);
    let wide = vec![Conv2d(8, [4, 4]), Requantize];
    let vector = Shape::vector(16);
    [
        ("small", "A small proof.", vector, small.clone(), RECOMMENDED),
        ("deep", "Many operations.", Shape::new(4, 4, 4), deep, RECOMMENDED),
        ("wide", "Many steps.", Shape::new(1_024, 4, 4), wide, RECOMMENDED),
        ("long", "A small model with a long proof.", vector, small, STRICT),
    ]
}
