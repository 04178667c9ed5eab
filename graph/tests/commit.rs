//! Merkle trees, openings, and tiles computed from openings.

use assay_graph::{
    commit::*,
    interpret::trace,
    merkle::*,
    random::{self, Rng},
    tile::{tile_range, tiles},
    *,
};
use codec::Encode;
use proptest::prelude::*;
use std::ops::Range;

const TAG: &[u8] = b"test";

fn bytes(length: usize) -> Vec<u8> {
    let mut rng = Rng::new(length as u64);
    (0..length).map(|_| rng.bits() as u8).collect()
}

/// Ascending, disjoint ranges of `0..length`, some adjacent.
fn ranges(rng: &mut Rng, length: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < length {
        let left = (length - at) as u32;
        let start = if rng.one_in(4) { at } else { at + rng.between(0, left - 1) as usize };
        let longest = (length - start).min(if rng.one_in(2) { 3 } else { 4000 }) as u32;
        let end = start + rng.between(1, longest) as usize;
        ranges.push(start..end);
        at = end;
    }
    if ranges.len() > 1 && rng.one_in(2) {
        ranges.remove(rng.between(0, ranges.len() as u32 - 1) as usize);
    }
    ranges
}

/// The root, by a recursive second implementation: the left subtree has the largest power of two of
/// leaves.
fn root_by_recursion(tag: &[u8], bytes: &[u8]) -> Digest {
    let hash = |parts: &[&[u8]]| sp_crypto_hashing::blake2_256(&parts.concat());
    fn node(leaves: &[Digest], hash: &dyn Fn(&[&[u8]]) -> Digest) -> Digest {
        if let [leaf] = leaves {
            return *leaf;
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        hash(&[&[1], &node(left, hash), &node(right, hash)])
    }
    let mut leaves: Vec<_> = bytes.chunks(1024).map(|leaf| hash(&[&[0], leaf])).collect();
    if leaves.is_empty() {
        leaves.push(hash(&[&[0]]));
    }
    hash(&[tag, &(bytes.len() as u64).to_le_bytes(), &node(&leaves, &hash)])
}

#[test]
fn roots_are_those_of_a_second_implementation_and_cover_tag_and_length() {
    let mut roots = Vec::new();
    for length in [0, 1, 1023, 1024, 1025, 2048, 3000, 5 * 1024, 17 * 1024 + 4, 64 * 1024] {
        let bytes = bytes(length);
        let found = root(TAG, Content::Bytes(&bytes));
        assert_eq!(found, root_by_recursion(TAG, &bytes), "{length}");
        let tree = Tree::new(Content::Bytes(&bytes));
        assert_eq!(root_of_leaves(TAG, length, tree.leaves()), Some(found));
        assert_eq!(root_of_leaves(TAG, length + 1025, tree.leaves()), None);
        roots.extend([found, root(b"other", Content::Bytes(&bytes))]);
        // The same leaves over another length have another root.
        roots.extend(root_of_leaves(TAG, length + 1, tree.leaves()));
    }
    let count = roots.len();
    roots.sort();
    roots.dedup();
    assert_eq!(roots.len(), count);
}

#[test]
fn elements_have_the_root_of_their_bytes() {
    let mut rng = Rng::new(5);
    for tensor in [
        Tensor::Int8(rng.int8(3000)),
        Tensor::Int32((0..1500).map(|_| rng.bits() as i32).collect()),
        Tensor::Int32(vec![i32::MIN]),
    ] {
        assert_eq!(tensor_root(&tensor), tensor_bytes_root(&tensor.to_bytes()));
    }
}

#[test]
#[expect(clippy::single_range_in_vec_init, clippy::reversed_empty_ranges)]
fn ranges_that_cannot_be_opened_are_refused() {
    let bytes = bytes(3000);
    let content = Content::Bytes(&bytes);
    let tree = Tree::new(content);
    let opening = tree.open(content, &[0..3000]).unwrap();
    for ranges in [
        vec![],
        vec![0..0],
        vec![5..4],
        vec![0..3001],
        vec![3000..3001],
        vec![0..5, 4..6],
        vec![7..9, 0..3],
        vec![0..usize::MAX],
        vec![usize::MAX - 1..usize::MAX],
    ] {
        assert_eq!(tree.open(content, &ranges), Err(OpeningError::Ranges));
        let found = opening.verify(TAG, &tree.root(TAG), 3000, &ranges);
        assert_eq!(found, Err(OpeningError::Ranges));
    }
}

proptest! {
    #[test]
    fn an_opening_shows_its_ranges_and_nothing_else(
        length in 1usize..40_000, seed in any::<u64>(),
    ) {
        let mut rng = Rng::new(seed);
        let bytes = bytes(length);
        let content = Content::Bytes(&bytes);
        let tree = Tree::new(content);
        let root = tree.root(TAG);
        let ranges = ranges(&mut rng, length);
        let opening = tree.open(content, &ranges).unwrap();
        let expected = ranges.iter().flat_map(|range| &bytes[range.clone()]);
        let expected: Vec<u8> = expected.copied().collect();
        let verify = |opening: &Opening| opening.verify(TAG, &root, length, &ranges);
        prop_assert_eq!(verify(&opening), Ok(expected));

        // One bit changed, an item added or an item removed.
        let (leaves, siblings) = (opening.leaves.to_vec(), opening.siblings.to_vec());
        let made = |leaves: &[u8], siblings: &[Digest]| Opening {
            leaves: leaves.to_vec().try_into().unwrap(),
            siblings: siblings.to_vec().try_into().unwrap(),
        };
        let mut changed = leaves.clone();
        changed[rng.bits() as usize % leaves.len()] ^= 1 << (rng.bits() % 8);
        prop_assert_eq!(verify(&made(&changed, &siblings)), Err(OpeningError::Root));
        let fewer = verify(&made(&leaves[1..], &siblings));
        prop_assert!(matches!(fewer, Err(OpeningError::LeafBytes { .. })), "{:?}", fewer);
        let more = verify(&made(&[&leaves[..], &[0]].concat(), &siblings));
        prop_assert!(matches!(more, Err(OpeningError::LeafBytes { .. })), "{:?}", more);
        let extra = [&siblings[..], &[[0; 32]]].concat();
        prop_assert_eq!(verify(&made(&leaves, &extra)), Err(OpeningError::Siblings));
        if !siblings.is_empty() {
            prop_assert_eq!(verify(&made(&leaves, &siblings[1..])), Err(OpeningError::Siblings));
            let mut changed = siblings.clone();
            changed[rng.bits() as usize % siblings.len()][7] ^= 1;
            prop_assert_eq!(verify(&made(&leaves, &changed)), Err(OpeningError::Root));
        }
        // Another tag, length or root.
        prop_assert!(opening.verify(b"other", &root, length, &ranges).is_err());
        prop_assert!(opening.verify(TAG, &root, length + 1, &ranges).is_err());
        prop_assert!(opening.verify(TAG, &[0; 32], length, &ranges).is_err());
    }

    #[test]
    fn any_bytes_are_an_opening_or_an_error(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        if let Ok(opening) = TileOpening::from_bytes(&bytes) {
            prop_assert_eq!(opening.encode(), bytes);
        }
    }

    #[test]
    fn any_opening_is_checked_without_a_panic(
        leaves in proptest::collection::vec(any::<u8>(), 0..3000),
        siblings in proptest::collection::vec(any::<[u8; 32]>(), 0..6),
        length in 0usize..5000,
        ranges in proptest::collection::vec(any::<(u16, u16)>(), 0..5),
    ) {
        let opening =
            Opening { leaves: leaves.try_into().unwrap(), siblings: siblings.try_into().unwrap() };
        let ranges: Vec<_> =
            ranges.iter().map(|(a, b)| usize::from(a % 5100)..usize::from(b % 5100)).collect();
        prop_assert!(opening.verify(TAG, &[0; 32], length, &ranges).is_err());
    }

    #[test]
    fn every_tile_follows_from_its_opening(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let graph = random::graph(&mut rng, 4);
        let graph = CheckedGraph::new(graph).unwrap();
        let plan = graph.plan();
        let input = rng.int8(plan.shapes()[0].elements().unwrap());
        let trace = trace(&graph, &input).unwrap();
        let commitment = TraceCommitment::new(&trace);
        prop_assert_eq!(commitment.root(), trace_root(&commitment.roots));
        for (index, operation) in plan.operations().iter().enumerate() {
            let roots: Vec<_> =
                operation.inputs().map(|input| commitment.roots[input.index()]).collect();
            let output = trace.tensors[index + 1].to_bytes();
            let width = element_bytes(operation.output_type());
            for tile in 0..tiles(plan, index).unwrap() {
                let opening = open_tile(&graph, &trace, &commitment, index, tile).unwrap();
                let encoded = opening.encode();
                prop_assert!(encoded.len() <= MAX_TILE_OPENING_BYTES);
                let opening = TileOpening::from_bytes(&encoded).unwrap();
                let range = tile_range(plan, index, tile).unwrap();
                let found = opening.run(plan, index, tile, &roots).unwrap().to_bytes();
                prop_assert_eq!(&found[..], &output[range.start * width..range.end * width]);
                // A changed root, one root too few, one too many.
                let mut others = roots.clone();
                others[0][0] ^= 1;
                prop_assert_eq!(
                    opening.run(plan, index, tile, &others),
                    Err(TileError::Input(0, OpeningError::Root))
                );
                prop_assert_eq!(opening.run(plan, index, tile, &roots[1..]), Err(TileError::Count));
                others.push(others[0]);
                prop_assert_eq!(opening.run(plan, index, tile, &others), Err(TileError::Count));
            }
        }
    }

    #[test]
    fn weights_other_than_the_models_are_refused(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let mut graph = random::graph(&mut rng, 3);
        if graph.weights.parameters.is_empty() {
            return Ok(());
        }
        let honest = CheckedGraph::new(graph.clone()).unwrap();
        let operation =
            graph.architecture.operations.iter().position(Operation::has_parameters).unwrap();
        let input = rng.int8(honest.plan().shapes()[0].elements().unwrap());
        let trace = trace(&honest, &input).unwrap();
        let commitment = TraceCommitment::new(&trace);
        // The same model with one bias changed and a consistent root.
        let bias = &mut graph.weights.parameters[0].bias[0];
        *bias = if *bias > 0 { *bias - 1 } else { *bias + 1 };
        graph.complete().unwrap();
        let liar = CheckedGraph::new(graph).unwrap();
        let opening = open_tile(&liar, &trace, &commitment, operation, 0).unwrap();
        let roots: Vec<_> = honest.plan().operations()[operation]
            .inputs()
            .map(|input| commitment.roots[input.index()])
            .collect();
        prop_assert_eq!(
            opening.run(honest.plan(), operation, 0, &roots),
            Err(TileError::Set(OpeningError::Root))
        );
        // The right roots of the set, with an opening of the wrong bias.
        let right = open_tile(&honest, &trace, &commitment, operation, 0).unwrap();
        let mixed = TileOpening {
            inputs: right.inputs.clone(),
            parameters: Some(ParameterOpening {
                bias: opening.parameters.unwrap().bias,
                ..right.parameters.clone().unwrap()
            }),
        };
        prop_assert_eq!(
            mixed.run(honest.plan(), operation, 0, &roots),
            Err(TileError::Bias(OpeningError::Root))
        );
        let without = TileOpening { inputs: right.inputs, parameters: None };
        prop_assert_eq!(without.run(honest.plan(), operation, 0, &roots), Err(TileError::Count));
    }
}
