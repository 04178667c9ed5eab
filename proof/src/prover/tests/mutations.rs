//! Bytes that are not a proof are refused with the right error, without a panic and without large
//! allocations.

use super::*;
use crate::sumcheck::Sumcheck;

fn proven(seed: u64) -> (Model, Vec<u8>, Proven) {
    let model = perceptron(seed).model();
    let input = model.input(1);
    let proven = model.accepts(&input);
    (model, input, proven)
}

#[test]
fn a_proof_has_one_encoding() {
    let (model, _, proven) = proven(41);
    let verifier = model.prover.verifier();
    let proof = Proof::decode(&verifier.key, &proven.proof).unwrap();
    assert_eq!(proof.encode(), proven.proof);

    let error = |bytes: &[u8]| Proof::decode(&verifier.key, bytes).err();
    let extended = [&proven.proof[..], &[0]].concat();
    assert_eq!(error(&extended), Some(DecodeError::TrailingBytes));
    for length in [0, 1, 31, 32, 100, proven.proof.len() / 2, proven.proof.len() - 1] {
        assert_eq!(error(&proven.proof[..length]), Some(DecodeError::TooShort), "{length}");
    }
    // The first number is a coefficient of the sum's denominator. Adding the order of the field
    // would encode the same number again.
    let mut bytes = proven.proof.clone();
    let value = u64::from_le_bytes(bytes[32..40].try_into().unwrap());
    let order = 0xffff_ffff_0000_0001u64;
    bytes[32..40].copy_from_slice(&value.checked_add(order).unwrap_or(order).to_le_bytes());
    assert_eq!(error(&bytes), Some(DecodeError::NotAFieldElement));
}

#[test]
fn a_length_beyond_what_the_model_allows_is_refused_before_it_is_allocated() {
    let (model, _, proven) = proven(42);
    let verifier = model.prover.verifier();
    let proof = Proof::decode(&verifier.key, &proven.proof).unwrap();
    // The last 32-bit number is the length of a Merkle proof. An encoding with one more node
    // differs first at its position.
    let mut longer = proof.clone();
    let nodes = |proof: &mut Proof, change: &dyn Fn(&mut Vec<[u8; 32]>)| match &mut proof
        .witness
        .whir
        .final_openings
    {
        p3_whir::QueryOpenings::Base(opening) => change(&mut opening.proof.sibling_hashes),
        p3_whir::QueryOpenings::Extension(opening) => {
            change(&mut opening.proof.sibling_hashes);
        },
    };
    nodes(&mut longer, &|nodes| nodes.push([0; 32]));
    let position = longer.encode().iter().zip(&proven.proof).position(|(a, b)| a != b).unwrap();
    let mut bomb = proven.proof.clone();
    bomb[position + 1] = 0xff;
    bomb[position + 3] = 0xff;
    assert_eq!(Proof::decode(&verifier.key, &bomb).err(), Some(DecodeError::MerkleProofTooLong));
    // A length within the bound for which too few bytes remain.
    let mut bomb = proven.proof[..position + 40].to_vec();
    bomb[position] = 100;
    bomb[position + 1] = 0;
    assert_eq!(Proof::decode(&verifier.key, &bomb).err(), Some(DecodeError::TooShort));
}

type Change = (&'static str, fn(&mut Proof));

/// The product sumcheck of the first layer.
fn product(proof: &mut Proof) -> &mut Sumcheck {
    proof.layers[0].product.as_mut().unwrap()
}

/// Proofs with missing, exchanged or additional parts.
const RESHAPED: [Change; 10] = [
    ("scale missing", |proof| proof.layers[0].scale = None),
    ("scale too many", |proof| proof.layers[2].scale = proof.layers[0].scale.clone()),
    ("layers exchanged", |proof| proof.layers.swap(0, 1)),
    ("layer repeated", |proof| proof.layers.push(proof.layers[0].clone())),
    ("round too wide", |proof| product(proof).round_polys[0].push(EF::ZERO)),
    ("round missing", |proof| drop(product(proof).round_polys.pop())),
    ("stray wiring", |proof| proof.layers[0].wiring = proof.layers[0].product.clone()),
    ("lookup layer missing", |proof| drop(proof.lookups.layers.pop())),
    ("lookup round missing", |proof| proof.lookups.layers[3].round_polys.truncate(2)),
    ("openings exchanged", |proof| core::mem::swap(&mut proof.model, &mut proof.witness)),
];

#[test]
fn proofs_of_the_wrong_shape_are_refused() {
    let (model, input, proven) = proven(43);
    for (name, change) in RESHAPED {
        let mut proof = Proof::decode(&model.prover.verifier().key, &proven.proof).unwrap();
        change(&mut proof);
        let verdict = model.verify(&input, &proven.output, &proof.encode());
        assert!(verdict.is_err(), "{name}");
    }
}

#[test]
fn parts_of_two_proofs_do_not_make_one() {
    let (model, input, first) = proven(44);
    let second = model.accepts(&model.input(2));
    let verifier = model.prover.verifier();
    let changes: [fn(&mut Proof, Proof); 6] = [
        |proof, other| proof.witness_root = other.witness_root,
        |proof, other| proof.lookups = other.lookups,
        |proof, other| proof.layers[0].scale = other.layers[0].scale.clone(),
        |proof, other| proof.layers[1].product = other.layers[1].product.clone(),
        |proof, other| proof.model = other.model,
        |proof, other| proof.witness = other.witness,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut proof = Proof::decode(&verifier.key, &first.proof).unwrap();
        change(&mut proof, Proof::decode(&verifier.key, &second.proof).unwrap());
        let verdict = model.verify(&input, &first.output, &proof.encode());
        assert!(verdict.is_err(), "{number}");
    }
}

#[test]
fn meaningless_bytes_are_refused() {
    let (model, input, proven) = proven(45);
    let mut random = Random::new(45);
    for bytes in [
        vec![],
        vec![0; proven.proof.len()],
        vec![0xff; proven.proof.len()],
        vec![0; 1 << 20],
        random.bytes(proven.proof.len()),
        random.bytes(10),
    ] {
        assert!(model.verify(&input, &proven.output, &bytes).is_err());
    }
}

/// Makes one random change, which may leave the bytes unchanged.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.len() <= 32 {
        return;
    }
    let at = random.below(bytes.len());
    match random.below(8) {
        0..=2 => bytes[at] ^= 1 << random.below(8),
        3 => bytes[at] = random.next() as u8,
        4 => bytes.truncate(at),
        5 => bytes.insert(at, random.next() as u8),
        6 => {
            let other = random.below(bytes.len());
            bytes.swap(at, other);
        },
        _ => {
            // Replaces a number of 8 bytes, or a node of 32 bytes, by a copy of other bytes.
            let length = if random.below(2) == 0 { 8 } else { 32 };
            let other = random.below(bytes.len() - length);
            let at = at.min(bytes.len() - length);
            let piece = bytes[other..other + length].to_vec();
            bytes[at..at + length].copy_from_slice(&piece);
        },
    }
}

/// Tries `ASSAY_PROOF_MUTATIONS` mutations, 1,000 by default.
fn assert_no_mutation_is_accepted(model: &Model, seed: u64) {
    let count = std::env::var("ASSAY_PROOF_MUTATIONS").ok().and_then(|count| count.parse().ok());
    let input = model.input(1);
    let proven = model.accepts(&input);
    let verifier = model.prover.verifier();
    let statement = Statement { context: CONTEXT, input: &input, output: &proven.output };
    let mut random = Random::new(seed);
    for _ in 0..count.unwrap_or(1_000) {
        let mut bytes = proven.proof.clone();
        for _ in 0..=random.below(2) {
            mutate(&mut bytes, &mut random);
        }
        if bytes == proven.proof {
            continue;
        }
        if let Ok(proof) = Proof::decode(&verifier.key, &bytes) {
            assert_eq!(proof.encode(), bytes);
        }
        let at = bytes.iter().zip(&proven.proof).position(|(a, b)| a != b);
        assert!(
            verifier.verify(&statement, model.prover.fingerprint(), &bytes).is_err(),
            "changed at {at:?}"
        );
    }
}

#[test]
fn no_mutation_is_accepted_and_none_makes_the_verifier_panic() {
    assert_no_mutation_is_accepted(&perceptron(46).model(), 46);
}

#[test]
fn no_mutation_of_a_convolutional_networks_proof_is_accepted() {
    assert_no_mutation_is_accepted(&windows::network(Shape::new(2, 9, 11)).model(), 47);
}
