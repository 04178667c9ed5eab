//! Proofs: for a true statement only the genuine proof is accepted, for other statements none.
#![no_main]

use std::sync::LazyLock;

use assay_fuzz::{bytes, digits, input, seed};
use assay_proof::{Context, Prover, Statement};
use libfuzzer_sys::fuzz_target;

struct Case {
    prover: Prover,
    input: Vec<u8>,
    output: Vec<u8>,
    proof: Vec<u8>,
}

const CONTEXT: Context<'static> = Context {
    genesis: [1; 32],
    domain: b"assay/fuzz/1",
    request: &[7],
    requester: [2; 32],
    operator: [3; 32],
};

static CASE: LazyLock<Case> = LazyLock::new(|| {
    let graph = digits();
    let prover = Prover::new(&graph).unwrap();
    let input = bytes(&input(&graph));
    let proven = prover.prove(&CONTEXT, &input).unwrap();
    Case { prover, input, output: proven.output, proof: proven.proof }
});

fn seeds() -> Vec<Vec<u8>> {
    (0..5u8).map(|number| [&[number], &*CASE.proof].concat()).collect()
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let Some((number, proof)) = data.split_first() else { return };
    let verifier = CASE.prover.verifier();
    let (mut context, mut input, mut output) = (CONTEXT, CASE.input.clone(), CASE.output.clone());
    let changed = number % 5;
    match changed {
        0 => {},
        1 => input[usize::from(*number) % CASE.input.len()] ^= 1,
        2 => output[usize::from(*number) % CASE.output.len()] ^= 1,
        3 => context.request = &[8],
        _ => context.operator[0] ^= 1,
    }
    let statement = Statement { context, input: &input, output: &output };
    let accepted = verifier.verify(&statement, CASE.prover.fingerprint(), proof).is_ok();
    assert_eq!(accepted, changed == 0 && proof == CASE.proof);
});
