//! The verifier in the runtime's wasm agrees with the native one on valid proofs, false statements
//! and mutated proofs, and never traps.

use assay_graph::{Graph, Plan, Shape};
use assay_pallet_testing::graphs::{graph, perceptron, prover, Layer, Random, QUICK};
use assay_primitives::{engine::ProofContext, WeightsFingerprint};
use assay_proof::{Context, Fingerprint, Statement, Verifier};
use codec::Encode;

mod wasm;
use wasm::WasmRuntime;

/// Number of mutations of each proof, unless `ASSAY_PROOF_MUTATIONS` is set.
const MUTATIONS: usize = 150;

/// The verdict of the runtime's verifier.
fn verify_in(
    runtime: &WasmRuntime,
    case: &Case,
    output: &[u8],
    proof: &[u8],
) -> Result<(), String> {
    let architecture = case.graph.architecture.encode();
    let weights = WeightsFingerprint(case.weights.0);
    let arguments = (architecture, &case.context, &case.input, output, weights, proof);
    runtime.call("AssayApi_verify_proof", &arguments)
}

/// One inference with its proof.
struct Case {
    graph: Graph,
    context: ProofContext,
    input: Vec<u8>,
    output: Vec<u8>,
    proof: Vec<u8>,
    weights: Fingerprint,
    verifier: Verifier,
}

fn borrowed(context: &ProofContext) -> Context<'_> {
    Context {
        genesis: context.genesis,
        domain: &context.domain,
        request: &context.request,
        requester: context.requester,
        operator: context.operator,
    }
}

impl Case {
    fn new(graph: Graph) -> Self {
        let verifier = Verifier::new(&Plan::new(graph.architecture.clone()).unwrap()).unwrap();
        let context = ProofContext {
            genesis: [1; 32],
            domain: b"test".to_vec(),
            request: vec![7; 8],
            requester: [2; 32],
            operator: [3; 32],
        };
        let mut random = Random(5);
        let input: Vec<u8> = (0..verifier.input_bytes()).map(|_| random.byte()).collect();
        let prover = prover(&graph);
        let proven = prover.prove(&borrowed(&context), &input).unwrap();
        let weights = prover.fingerprint();
        Self {
            graph,
            context,
            input,
            output: proven.output,
            proof: proven.proof,
            weights,
            verifier,
        }
    }

    /// The verdict of both verifiers, which must return identical messages.
    fn verify(&self, runtime: &WasmRuntime, output: &[u8], proof: &[u8]) -> Result<(), String> {
        let statement = Statement { context: borrowed(&self.context), input: &self.input, output };
        let native =
            self.verifier.verify(&statement, self.weights, proof).map_err(|e| e.to_string());
        assert_eq!(verify_in(runtime, self, output, proof), native);
        native
    }
}

fn cases() -> [Case; 2] {
    let layers = [
        Layer::Conv2d(5, [3, 3]),
        Layer::Requantize,
        Layer::MaxPool2d([2, 2]),
        Layer::Lookup,
        Layer::Conv2d(3, [1, 1]),
    ];
    [perceptron(&[30, 20, 10], &QUICK), graph(Shape::new(2, 5, 6), &layers, &QUICK)].map(Case::new)
}

#[test]
fn wasm_and_native_agree_on_proofs_and_on_false_statements() {
    let runtime = WasmRuntime::new();
    for case in cases() {
        assert_eq!(case.verify(&runtime, &case.output, &case.proof), Ok(()));
        let mut other = case.output.clone();
        other[0] ^= 1;
        assert!(case.verify(&runtime, &other, &case.proof).is_err());
        assert!(case.verify(&runtime, &other[1..], &case.proof).is_err());
    }
}

#[test]
fn no_mutation_is_accepted_in_wasm_and_none_traps() {
    let count = std::env::var("ASSAY_PROOF_MUTATIONS").ok().and_then(|count| count.parse().ok());
    let runtime = WasmRuntime::new();
    for case in cases() {
        let mut random = Random(9);
        let mut below = |bound: usize| {
            (0..3).fold(0, |number, _| number << 8 | usize::from(random.byte())) % bound
        };
        for _ in 0..count.unwrap_or(MUTATIONS) {
            let mut bytes = case.proof.clone();
            let at = below(bytes.len());
            match below(5) {
                0 | 1 => bytes[at] ^= 1 << below(8),
                2 => bytes.truncate(at),
                3 => bytes.insert(at, below(256) as u8),
                _ => drop(bytes.remove(at)),
            }
            assert!(case.verify(&runtime, &case.output, &bytes).is_err(), "changed at {at}");
        }
    }
}
