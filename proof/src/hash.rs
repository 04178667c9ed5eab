//! BLAKE3, for the transcript and for the trees that commitments are: one call of it for a leaf,
//! one for two nodes.
//!
//! A tree's depth and the length of its leaves follow from the model, so a leaf cannot be taken
//! for a node.

use crate::field::F;
use assay_graph::Digest;
use p3_field::PrimeField64;
use p3_symmetric::{CryptographicHasher, PseudoCompressionFunction};

/// Bytes that are gathered before they are hashed. A leaf of sixteen elements of the extension has
/// as many, so that most messages need neither a heap, which is dear in a runtime, nor the state
/// of an unfinished hash.
const GATHERED: usize = 384;

/// The hash of items of `N` bytes each, one after the other.
fn hash<const N: usize>(items: impl IntoIterator<Item = [u8; N]>) -> Digest {
    const { assert!(GATHERED.is_multiple_of(N), "no item straddles the end") };
    let mut hasher: Option<blake3::Hasher> = None;
    let (mut bytes, mut length) = ([0; GATHERED], 0);
    for item in items {
        if length == GATHERED {
            hasher.get_or_insert_with(blake3::Hasher::new).update(&bytes);
            length = 0;
        }
        bytes[length..length + N].copy_from_slice(&item);
        length += N;
    }
    let rest = &bytes[..length];
    match hasher {
        None => *blake3::hash(rest).as_bytes(),
        Some(mut hasher) => *hasher.update(rest).finalize().as_bytes(),
    }
}

/// The hash of a leaf: of its elements, eight bytes each, canonical and little-endian.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafHash;

/// The hash of two nodes: of one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeHash;

impl CryptographicHasher<F, Digest> for LeafHash {
    fn hash_iter<I: IntoIterator<Item = F>>(&self, input: I) -> Digest {
        hash(input.into_iter().map(|element| element.as_canonical_u64().to_le_bytes()))
    }
}

/// The hash of the transcript's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TranscriptHash;

impl CryptographicHasher<u8, Digest> for TranscriptHash {
    fn hash_iter<I: IntoIterator<Item = u8>>(&self, input: I) -> Digest {
        hash(input.into_iter().map(|byte| [byte]))
    }
}

impl PseudoCompressionFunction<Digest, 2> for NodeHash {
    fn compress(&self, input: [Digest; 2]) -> Digest {
        *blake3::hash(input.as_flattened()).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p3_field::PrimeCharacteristicRing;

    #[test]
    fn messages_of_any_length_are_hashed_as_their_bytes() {
        let elements: alloc::vec::Vec<F> =
            (0..200).map(|i| F::from_u64(u64::MAX / 3 + i)).collect();
        for length in [0, 1, 16, 47, 48, 49, 96, 97, 200] {
            let elements = &elements[..length];
            let bytes: alloc::vec::Vec<u8> =
                elements.iter().flat_map(|x| x.as_canonical_u64().to_le_bytes()).collect();
            let expected = *blake3::hash(&bytes).as_bytes();
            assert_eq!(LeafHash.hash_iter(elements.iter().copied()), expected, "{length}");
            assert_eq!(TranscriptHash.hash_iter(bytes), expected, "{length}");
        }
    }
}
