//! BLAKE3, for the transcript and for the trees that commitments are: one call of it for a leaf,
//! one for two nodes.
//!
//! A tree's depth and the length of its leaves follow from the model, so a leaf cannot be taken
//! for a node.

use crate::field::F;
use alloc::vec::Vec;
use assay_graph::Digest;
use p3_field::PrimeField64;
use p3_symmetric::{CryptographicHasher, PseudoCompressionFunction};

/// Field elements that a leaf of usual size has at most.
const USUAL_LEAF: usize = 64;

/// The hash of a leaf: of its elements, eight bytes each, canonical and little-endian.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafHash;

/// The hash of two nodes: of one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeHash;

impl CryptographicHasher<F, Digest> for LeafHash {
    fn hash_iter<I: IntoIterator<Item = F>>(&self, input: I) -> Digest {
        let mut bytes = Vec::with_capacity(USUAL_LEAF * 8);
        for element in input {
            bytes.extend_from_slice(&element.as_canonical_u64().to_le_bytes());
        }
        *blake3::hash(&bytes).as_bytes()
    }
}

/// The hash of the transcript's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TranscriptHash;

impl CryptographicHasher<u8, Digest> for TranscriptHash {
    fn hash_iter<I: IntoIterator<Item = u8>>(&self, input: I) -> Digest {
        let bytes: Vec<u8> = input.into_iter().collect();
        *blake3::hash(&bytes).as_bytes()
    }
}

impl PseudoCompressionFunction<Digest, 2> for NodeHash {
    fn compress(&self, input: [Digest; 2]) -> Digest {
        *blake3::hash(input.as_flattened()).as_bytes()
    }
}
