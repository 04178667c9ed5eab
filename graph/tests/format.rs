//! Each model has one encoding, and each encoding is one model.

use assay_graph::{
    bounds::*,
    format::{GRAPH_TAG, WEIGHTS_TAG},
    random::{self, Rng},
    *,
};
use codec::{Compact, Decode, Encode, Input};
use proptest::prelude::*;

fn graph(seed: u64, length: usize) -> Graph {
    random::graph(&mut Rng::new(seed), length)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn decoding_undoes_encoding(seed in any::<u64>(), length in 1usize..12) {
        let graph = graph(seed, length);
        prop_assert_eq!(&Graph::from_bytes(&graph.encode()).unwrap(), &graph);
        let (architecture, weights) = (graph.architecture, graph.weights);
        prop_assert_eq!(&Architecture::from_bytes(&architecture.encode()).unwrap(), &architecture);
        prop_assert_eq!(&Weights::from_bytes(&weights.encode()).unwrap(), &weights);
    }

    #[test]
    fn bytes_that_decode_are_canonical(
        seed in any::<u64>(), length in 1usize..6,
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = graph(seed, length).architecture.encode();
        for (position, value) in changes {
            let position = position % bytes.len();
            bytes[position] = value;
        }
        if let Ok(architecture) = Architecture::from_bytes(&bytes) {
            prop_assert_eq!(architecture.encode(), bytes);
            let _ = assay_graph::Plan::new(architecture);
        }
    }

    #[test]
    fn changed_models_are_refused_or_checked_but_never_panic(
        seed in any::<u64>(), length in 1usize..6, position in any::<usize>(), value in any::<u8>(),
    ) {
        let mut bytes = graph(seed, length).encode();
        let position = position % bytes.len();
        bytes[position] = value;
        if let Ok(graph) = Graph::from_bytes(&bytes) {
            prop_assert_eq!(graph.encode(), bytes);
            if let Ok(graph) = CheckedGraph::new(graph) {
                let shape = graph.plan().shapes()[0];
                let input = vec![i8::MIN; shape.elements().unwrap()];
                prop_assert!(assay_graph::interpret::run(&graph, &input).is_ok());
            }
        }
    }

    #[test]
    fn any_bytes_decode_canonically_or_not_at_all(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(weights) = Weights::from_bytes(&bytes) {
            prop_assert_eq!(weights.encode(), &bytes[..]);
        }
        if let Ok(architecture) = Architecture::from_bytes(&bytes) {
            prop_assert_eq!(architecture.encode(), bytes);
        }
    }

    #[test]
    fn trailing_and_missing_bytes_are_refused(seed in any::<u64>(), extra in any::<u8>()) {
        let mut bytes = graph(seed, 4).encode();
        bytes.push(extra);
        prop_assert!(matches!(Graph::from_bytes(&bytes), Err(DecodeError::Malformed(_))));
        bytes.truncate(bytes.len() - 2);
        prop_assert!(matches!(Graph::from_bytes(&bytes), Err(DecodeError::Malformed(_))));
    }

    #[test]
    fn the_digest_covers_architecture_weights_and_commitments(
        seed in any::<u64>(), position in any::<usize>(),
    ) {
        let graph = graph(seed, 4);
        let digest = graph.digest();
        let mut bytes = graph.architecture.encode();
        let position = position % bytes.len();
        bytes[position] ^= 1;
        if let Ok(changed) = Architecture::from_bytes(&bytes) {
            prop_assert_ne!(changed.digest(), digest);
        }
        // Other weights have another root, which the architecture must state.
        let mut parameters: Vec<_> = graph.weights.parameters.to_vec();
        let Some(first) = parameters.first_mut() else { return Ok(()) };
        first.bias[0] ^= 1;
        let changed = Graph {
            architecture: graph.architecture,
            weights: Weights { parameters: parameters.try_into().unwrap() },
        };
        prop_assert_ne!(changed.weights.digest(), changed.architecture.commitments.weights);
        prop_assert!(CheckedGraph::new(changed).is_err());
    }
}

#[test]
fn a_length_beyond_its_bound_is_refused_before_anything_is_allocated() {
    // A length above the bound, and one within it for which bytes are missing.
    let bomb = Compact(u32::MAX).encode();
    assert!(List::<i8, MAX_PARAMETERS>::decode(&mut &bomb[..]).is_err());
    let bomb = Compact(MAX_PARAMETERS as u32).encode();
    assert!(List::<i8, MAX_PARAMETERS>::decode(&mut &bomb[..]).is_err());
    let three = vec![1i8, 2, 3].encode();
    assert!(List::<i8, 2>::decode(&mut &three[..]).is_err());
    assert_eq!(&*List::<i8, 3>::decode(&mut &three[..]).unwrap(), [1, 2, 3]);
    assert!(List::<i8, 2>::try_from(vec![1, 2, 3]).is_err());
    let long = vec![0; MAX_ARCHITECTURE_BYTES + 1];
    assert_eq!(Architecture::from_bytes(&long), Err(DecodeError::TooLong));
}

#[test]
fn a_list_for_which_bytes_are_missing_is_refused_without_reading_on() {
    /// A reader that counts the bytes requested from it.
    struct Counting<'a>(&'a [u8], usize);
    impl Input for Counting<'_> {
        fn remaining_len(&mut self) -> Result<Option<usize>, codec::Error> {
            Ok(Some(self.0.len()))
        }
        fn read(&mut self, into: &mut [u8]) -> Result<(), codec::Error> {
            self.1 += into.len();
            self.0.read(into)
        }
    }
    let encoding = vec![Multiplier::MAX; 5].encode();
    let mut short = Counting(&encoding[..5], 0);
    assert!(List::<Multiplier, 9>::decode(&mut short).is_err());
    assert_eq!(short.1, 1);
    assert!(List::<Multiplier, 9>::decode(&mut Counting(&encoding, 0)).is_ok());
}

#[test]
fn values_that_the_types_exclude_do_not_decode() {
    let graph = (0..)
        .map(|seed| graph(seed, 4))
        .find(|graph| matches!(graph.architecture.operations[..], [.., Operation::Requantize(_)]));
    let architecture = graph.unwrap().architecture;
    let operation = architecture.operations.last().unwrap().encode();
    assert_eq!(Operation::decode(&mut &operation[..]).unwrap().encode(), operation);
    // The encoding ends with shift, quotient bits, lo and hi, preceded by a multiplier.
    let end = operation.len();
    for (position, value) in [(end - 4, 17u8), (end - 2, 1), (end - 1, 0xff), (end - 5, 0x80)] {
        let mut changed = operation.clone();
        changed[position] = value;
        assert!(Operation::decode(&mut &changed[..]).is_err(), "{position}");
    }
    let mut zero = operation.clone();
    zero[end - 8..end - 4].fill(0);
    assert!(Operation::decode(&mut &zero[..]).is_err());
    let mut version = architecture.encode();
    version[0] = 2;
    assert!(Architecture::from_bytes(&version).is_err());
}

/// The root of small weights, computed from its definition.
fn weights_root(weights: &Weights) -> [u8; 32] {
    let hash = |parts: &[&[u8]]| sp_crypto_hashing::blake2_256(&parts.concat());
    // Each has a single leaf.
    let root = |tag: &[u8], bytes: &[u8]| {
        hash(&[tag, &(bytes.len() as u64).to_le_bytes(), &hash(&[&[0], bytes])])
    };
    let sets: Vec<u8> = weights
        .parameters
        .iter()
        .flat_map(|set| {
            let weights: Vec<u8> = set.weights.iter().map(|x| *x as u8).collect();
            let bias: Vec<u8> = set.bias.iter().flat_map(|x| x.to_le_bytes()).collect();
            [root(b"assay/graph-matrix/1", &weights), root(b"assay/graph-bias/1", &bias)].concat()
        })
        .collect();
    root(WEIGHTS_TAG, &sets)
}

#[test]
fn the_encoding_of_a_model_is_stable() {
    // A change of these bytes changes the format and requires a new version.
    let operations = vec![
        Operation::Conv2d(Conv2d {
            input: TensorId::INPUT,
            output_channels: 1,
            groups: 1,
            window: Window {
                kernel: Extent { height: 1, width: 2 },
                stride: Extent { height: 3, width: 4 },
                padding: Padding { top: 0, left: 1, bottom: 0, right: 1 },
            },
        }),
        Operation::Requantize(Requantize {
            input: TensorId(1),
            multipliers: vec![Multiplier::MAX].try_into().unwrap(),
            shift: Shift::Bits32,
            quotient_bits: 9,
            clamp: Clamp::RELU,
        }),
        Operation::Add(Add {
            left: TensorId(2),
            right: TensorId(2),
            left_multiplier: Multiplier::ONE,
            right_multiplier: Multiplier::new(0x0102).unwrap(),
        }),
    ];
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: Shape::new(1, 1, 2),
            input_scale: Scale { mantissa: 3, exponent: -7 },
            output_scale: Scale::ONE,
            operations: operations.try_into().unwrap(),
            commitments: Commitments {
                source: [0xaa; 32],
                weights: [0; 32],
                weights_root: [0xbb; 32],
                proof_parameters: vec![7, 8].try_into().unwrap(),
            },
        },
        weights: Weights {
            parameters: vec![Parameters {
                weights: vec![-1, 127].try_into().unwrap(),
                bias: vec![-2].try_into().unwrap(),
            }]
            .try_into()
            .unwrap(),
        },
    };
    graph.complete().unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let weights = "04".to_owned() + "08ff7f" + "04feffffff";
    assert_eq!(hex(&graph.weights.encode()), weights);
    let architecture = [
        "01",
        "010000000100000002000000",
        "03000000f9",
        "0100000000",
        "0c",
        "01000001000000010000000100020003000400",
        "0000010000000100",
        "05010004ffffff7f200e007f",
        "02020002000100000002010000",
        &"aa".repeat(32),
        &hex(&weights_root(&graph.weights)),
        &"bb".repeat(32),
        "080708",
    ]
    .concat();
    assert_eq!(hex(&graph.architecture.encode()), architecture);
    assert_eq!(hex(&graph.encode()), architecture + &weights);
    let tagged = [GRAPH_TAG, &graph.architecture.encode()].concat();
    assert_eq!(graph.digest(), sp_crypto_hashing::blake2_256(&tagged));
    assert_eq!((GRAPH_TAG, WEIGHTS_TAG), (&b"assay/graph/1"[..], &b"assay/graph-weights/1"[..]));
}
