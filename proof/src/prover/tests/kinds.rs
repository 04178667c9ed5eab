//! Proofs of every kind of operation at its edge cases: the cases on which `assay-graph` tests the
//! interpreter, tiles and constraints.

use super::*;
use assay_graph::random::edge_cases;
use std::collections::BTreeSet;

#[test]
fn the_interpreters_output_at_the_edge_cases_of_each_kind_is_proven_and_no_other() {
    let mut kinds = BTreeSet::new();
    for case in edge_cases() {
        let mut graph = case.graph;
        seal(&mut graph, &HIGH_RATE).unwrap();
        let graph = CheckedGraph::new(graph).unwrap();
        let model = Model { prover: Prover::new(&graph).unwrap(), graph };
        kinds.insert(case.kind);
        // A proof of a large model takes a second, so this proves one input of large models and two
        // of small ones. The tests of the constraints cover the other inputs.
        let elements = model.prover.verifier.input_bytes();
        let inputs = case.inputs.len().min(if elements > 1_000 { 1 } else { 2 });
        let first = case.inputs.len() - inputs;
        for input in &case.inputs[first..] {
            let input: Vec<u8> = input.iter().map(|x| *x as u8).collect();
            let Proven { output, proof } = model.accepts(&input);
            for index in [0, output.len() - 1] {
                let mut other = output.clone();
                other[index] ^= 1;
                assert!(model.verify(&input, &other, &proof).is_err(), "{}", case.kind);
            }
        }
    }
    assert_eq!(kinds.len(), 8);
}
