//! Models: each has a canonical encoding. A model that passes the checks runs, with equal results
//! in both implementations.
#![no_main]

use assay_fuzz::{input, seed, GRAPHS};
use assay_graph::{
    fast, interpret,
    random::{self, Rng},
    tile::{tile_range, tile_reads, tiles},
    Architecture, CheckedGraph, Graph, Plan, Weights,
};
use codec::Encode;
use libfuzzer_sys::fuzz_target;

/// Maximum number of elementary steps of a model that is run.
const MAX_WORK: usize = 1 << 17;

fn work(plan: &Plan) -> usize {
    (0..plan.operations().len())
        .map(|index| {
            let elements = plan.shapes()[index + 1].elements().unwrap_or(usize::MAX);
            elements.saturating_mul(plan.fan_in(index).unwrap_or(usize::MAX))
        })
        .fold(0, usize::saturating_add)
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = GRAPHS.iter().map(|bytes| bytes.to_vec()).collect();
    for number in 0..60 {
        let graph = random::graph(&mut Rng::new(number), number as usize % 9 + 1);
        seeds.push(graph.encode());
        if number % 4 == 0 {
            seeds.extend([graph.architecture.encode(), graph.weights.encode()]);
        }
    }
    seeds
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    if let Ok(architecture) = Architecture::from_bytes(data) {
        assert_eq!(architecture.encode(), data);
        if let Ok(plan) = Plan::new(architecture) {
            for index in 0..plan.operations().len() {
                let last = tiles(&plan, index).unwrap() - 1;
                let elements = plan.shapes()[index + 1].elements().unwrap();
                assert_eq!(tile_range(&plan, index, last).unwrap().end, elements);
                tile_reads(&plan, index, last).unwrap();
            }
        }
    }
    if let Ok(weights) = Weights::from_bytes(data) {
        assert_eq!(weights.encode(), data);
    }
    let Ok(mut graph) = Graph::from_bytes(data) else { return };
    assert_eq!(graph.encode(), data);
    let digest = graph.architecture.commitments.weights;
    let published = CheckedGraph::new(graph.clone());
    if published.is_ok() {
        assert_eq!(graph.weights.digest(), digest);
    }
    // The digest of changed weights differs from the one in the architecture: complete the graph.
    if graph.complete().is_err() {
        assert!(published.is_err());
        return;
    }
    let graph = CheckedGraph::new(graph).unwrap();
    if work(graph.plan()) <= MAX_WORK {
        let input = input(&graph);
        assert_eq!(fast::trace(&graph, &input).unwrap(), interpret::trace(&graph, &input).unwrap());
    }
});
