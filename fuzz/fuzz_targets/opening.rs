//! Openings of bytes and of tiles: only the genuine opening matches the root.
#![no_main]

use std::sync::LazyLock;

use assay_fuzz::{digits, input, seed};
use assay_graph::{
    commit::{open_tile, TileOpening, TraceCommitment, TENSOR_TAG},
    interpret,
    merkle::{Content, Opening, Tree},
    tile::tiles,
    CheckedGraph, Digest, Trace,
};
use codec::{DecodeAll, Encode};
use libfuzzer_sys::fuzz_target;

struct Run {
    graph: CheckedGraph,
    trace: Trace,
    roots: Vec<Digest>,
    /// Operation, tile and the encoding of its opening.
    tiles: Vec<(usize, usize, Vec<u8>)>,
}

static RUN: LazyLock<Run> = LazyLock::new(|| {
    let graph = digits();
    let trace = interpret::trace(&graph, &input(&graph)).unwrap();
    let commitment = TraceCommitment::new(&trace);
    let mut all = Vec::new();
    for index in 0..graph.plan().operations().len() {
        let last = tiles(graph.plan(), index).unwrap() - 1;
        for tile in [0, last] {
            let opening = open_tile(&graph, &trace, &commitment, index, tile).unwrap();
            all.push((index, tile, opening.encode()));
        }
    }
    Run { roots: commitment.roots.clone(), graph, trace, tiles: all }
});

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| (0..9_000u32).map(|i| (i * i) as u8).collect());

/// Two ranges of the bytes, determined by a number.
fn ranges(number: u8) -> [core::ops::Range<usize>; 2] {
    let first = usize::from(number) * 31;
    [first..first + 700, first + 800..first + 801]
}

fn open(number: u8) -> Opening {
    let content = Content::Bytes(&BYTES);
    Tree::new(content).open(content, &ranges(number)).unwrap()
}

fn seeds() -> Vec<Vec<u8>> {
    let openings = (0..=u8::MAX).step_by(15);
    let openings = openings.map(|number| (u8::MAX, number, open(number)).encode());
    let tiles = RUN.tiles.iter().enumerate();
    tiles.map(|(i, tile)| [&[i as u8], &*tile.2].concat()).chain(openings).collect()
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let Some((number, data)) = data.split_first() else { return };
    if let Some((index, tile, genuine)) = RUN.tiles.get(usize::from(*number)) {
        let Ok(opening) = TileOpening::from_bytes(data) else { return };
        assert_eq!(opening.encode(), data);
        let plan = RUN.graph.plan();
        let inputs = plan.operations()[*index].inputs();
        let inputs: Vec<Digest> = inputs.map(|input| RUN.roots[input.index()]).collect();
        let result = opening.run(plan, *index, *tile, &inputs);
        assert_eq!(result.is_ok(), data == genuine);
        if let Ok(values) = result {
            let all = RUN.trace.tensors[index + 1].to_bytes();
            let values = values.to_bytes();
            assert!(all.windows(values.len()).any(|part| part == values));
        }
        return;
    }
    let Some((number, data)) = data.split_first() else { return };
    let Ok(opening) = Opening::decode_all(&mut &*data) else { return };
    assert_eq!(opening.encode(), data);
    let root = Tree::new(Content::Bytes(&BYTES)).root(TENSOR_TAG);
    let result = opening.verify(TENSOR_TAG, &root, BYTES.len(), &ranges(*number));
    assert_eq!(result.is_ok(), opening == open(*number));
    if let Ok(bytes) = result {
        let [first, second] = ranges(*number).map(|range| &BYTES[range]);
        assert_eq!(bytes, [first, second].concat());
    }
});
