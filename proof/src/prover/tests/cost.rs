//! The work counted before a proof exists bounds the actual work of its verification.

use super::*;
use crate::hash::COMPRESSIONS;

/// Models with few and with many operations, of several kinds.
fn models() -> Vec<(&'static str, Model)> {
    let mut deep = Builder::new(Shape::vector(7), 3);
    for _ in 0..24 {
        deep = deep.dense(7).requantize(Shift::Bits16, Clamp::FULL, false);
    }
    let mut maxima = Builder::new(Shape::new(2, 5, 6), 4);
    for _ in 0..8 {
        maxima = maxima.max_pool(windows::window(3, 1, 1));
    }
    vec![
        ("perceptron", perceptron(91).model()),
        ("network", windows::network(Shape::new(2, 9, 11)).model()),
        ("deep", deep.dense(3).model()),
        ("maxima", windows::flatten(maxima).dense(3).model()),
    ]
}

#[test]
fn counted_hashes_and_bytes_are_tight_upper_bounds() {
    for (name, model) in models() {
        let work = model.prover.verifier.work();
        let input = model.input(1);
        let proven = model.prover.prove(&CONTEXT, &input).unwrap();
        let verifier = model.prover.verifier();
        let statement = Statement { context: CONTEXT, input: &input, output: &proven.output };
        COMPRESSIONS.set(0);
        verifier.verify(&statement, model.prover.fingerprint(), &proven.proof).unwrap();
        let (hashes, bytes) = (COMPRESSIONS.get(), proven.proof.len() as u64);
        println!(
            "{name}: {hashes} of {} hashes, {bytes} of {} bytes",
            work.hashes, work.proof_bytes
        );
        assert!(hashes <= work.hashes && work.hashes <= hashes * 5 / 4, "{name}");
        assert!(bytes <= work.proof_bytes && work.proof_bytes <= bytes * 6 / 5, "{name}");
    }
}
