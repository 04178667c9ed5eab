//! The interpreter in the runtime's wasm agrees with the native ones on every tile of every
//! operation of random graphs, for random and extreme inputs.

use assay_graph::{
    commit::{element_bytes, open_tile, TraceCommitment},
    fast, interpret,
    random::{self, Rng},
    tile::{tile_range, tiles},
    CheckedGraph, Operation,
};
use assay_primitives::Digest;
use codec::Encode;

mod wasm;
use wasm::WasmRuntime;

/// Number of graphs, unless `ASSAY_WASM_GRAPHS` is set.
const GRAPHS: u64 = 60;

/// Number of tiles that were computed, and the kinds of their operations.
#[derive(Default)]
struct Seen {
    tiles: usize,
    operations: Vec<core::mem::Discriminant<Operation>>,
}

fn compare(runtime: &WasmRuntime, graph: &CheckedGraph, input: &[i8], seen: &mut Seen) {
    let plan = graph.plan();
    let trace = interpret::trace(graph, input).unwrap();
    assert_eq!(fast::trace(graph, input).unwrap(), trace);
    let commitment = TraceCommitment::new(&trace);
    let architecture = plan.architecture().encode();
    for (index, operation) in plan.operations().iter().enumerate() {
        let roots: Vec<Digest> =
            operation.inputs().map(|input| commitment.roots[input.index()].into()).collect();
        let output = trace.tensors[index + 1].to_bytes();
        let width = element_bytes(operation.output_type());
        for tile in 0..tiles(plan, index).unwrap() {
            let opening = open_tile(graph, &trace, &commitment, index, tile).unwrap().encode();
            let call = |roots: &[Digest]| -> Result<Vec<u8>, String> {
                let arguments = (&architecture, index as u32, tile as u32, roots, &opening);
                runtime.call("AssayApi_run_tile", &arguments)
            };
            let range = tile_range(plan, index, tile).unwrap();
            let expected = &output[range.start * width..range.end * width];
            assert_eq!(call(&roots).as_deref(), Ok(expected), "tile {tile} of {operation:?}");
            seen.tiles += 1;
        }
        let kind = core::mem::discriminant(operation);
        if !seen.operations.contains(&kind) {
            seen.operations.push(kind);
        }
    }
}

#[test]
fn wasm_computes_every_tile_as_the_native_interpreters_do() {
    let graphs = std::env::var("ASSAY_WASM_GRAPHS").ok().and_then(|count| count.parse().ok());
    let runtime = WasmRuntime::new();
    let mut seen = Seen::default();
    for seed in 0..graphs.unwrap_or(GRAPHS) {
        let mut rng = Rng::new(seed);
        let graph = CheckedGraph::new(random::graph(&mut rng, 8)).unwrap();
        let length = graph.plan().shapes()[0].elements().unwrap();
        let random = random::input(&mut rng, graph.plan().architecture());
        for input in [random, vec![i8::MIN; length], vec![i8::MAX; length]] {
            compare(&runtime, &graph, &input, &mut seen);
        }
    }
    println!("{} tiles of {} kinds of operations", seen.tiles, seen.operations.len());
    // All kinds of operations.
    assert_eq!(seen.operations.len(), 8);
}

#[test]
fn invalid_arguments_are_refused_in_wasm_and_never_trap() {
    let runtime = WasmRuntime::new();
    let mut rng = Rng::new(1);
    let graph = CheckedGraph::new(random::graph(&mut rng, 4)).unwrap();
    let length = graph.plan().shapes()[0].elements().unwrap();
    let trace = interpret::trace(&graph, &rng.int8(length)).unwrap();
    let commitment = TraceCommitment::new(&trace);
    let opening = open_tile(&graph, &trace, &commitment, 0, 0).unwrap().encode();
    let architecture = graph.plan().architecture().encode();
    let roots: Vec<Digest> = graph.plan().operations()[0]
        .inputs()
        .map(|input| commitment.roots[input.index()].into())
        .collect();
    let call =
        |architecture: &[u8], operation: u32, tile: u32, roots: &[Digest], opening: &[u8]| {
            let arguments = (architecture, operation, tile, roots, opening);
            runtime.call::<Result<Vec<u8>, String>>("AssayApi_run_tile", &arguments)
        };
    assert!(call(&architecture, 0, 0, &roots, &opening).is_ok());
    assert!(call(&architecture[1..], 0, 0, &roots, &opening).is_err());
    assert!(call(&architecture, u32::MAX, 0, &roots, &opening).is_err());
    assert!(call(&architecture, 0, u32::MAX, &roots, &opening).is_err());
    assert!(call(&architecture, 0, 0, &[], &opening).is_err());
    assert!(call(&architecture, 0, 0, &[Digest::zero()], &opening).is_err());
    for at in 0..opening.len().min(200) {
        assert!(call(&architecture, 0, 0, &roots, &opening[..at]).is_err());
        let mut changed = opening.clone();
        changed[at] ^= 1;
        assert!(call(&architecture, 0, 0, &roots, &changed).is_err(), "changed at {at}");
    }
}
