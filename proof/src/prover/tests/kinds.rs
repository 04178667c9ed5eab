//! Every kind of operation at its edges, proven: what `assay-graph` tests of the interpreter, of tiles
//! and of the constraints holds of proofs.

use super::*;
use assay_graph::random::edge_cases;
use std::collections::BTreeSet;

#[test]
fn what_the_interpreter_says_at_the_edges_of_each_kind_is_proven_and_nothing_else() {
    let mut kinds = BTreeSet::new();
    for case in edge_cases() {
        let mut graph = case.graph;
        seal(&mut graph, &HIGH_RATE).unwrap();
        let graph = CheckedGraph::new(graph).unwrap();
        let model = Model { prover: Prover::new(&graph).unwrap(), graph };
        kinds.insert(case.kind);
        // A proof of a large model takes a second: one of them, and two of small ones, with the rest
        // of the inputs in the tests of the constraints.
        let elements = model.prover.verifier.input_bytes();
        let inputs = case.inputs.len().min(if elements > 1_000 { 1 } else { 2 });
        let first = case.inputs.len() - inputs;
        for input in &case.inputs[first..] {
            let input: Vec<u8> = input.iter().map(|x| *x as u8).collect();
            let Proven { output, proof } = model.accepts(&input);
            for place in [0, output.len() - 1] {
                let mut other = output.clone();
                other[place] ^= 1;
                assert!(model.verify(&input, &other, &proof).is_err(), "{}", case.kind);
            }
        }
    }
    assert_eq!(kinds.len(), 8);
}
