//! BLAKE3 for the transcript and for the Merkle trees of commitments: one call per leaf, one per
//! pair of nodes.
//!
//! Each use has its own key, so that a hash from one use is never valid in another.

use crate::field::F;
use assay_graph::Digest;
use p3_field::PrimeField64;
use p3_symmetric::{CryptographicHasher, PseudoCompressionFunction};

/// Size of the buffer in bytes. A leaf of sixteen extension field elements fills it exactly, so
/// most messages need neither an allocation, which is expensive in the runtime, nor an incremental
/// hasher.
const BUFFER_BYTES: usize = 384;

/// The BLAKE3 key of a use. The keys are public; they only separate the uses.
type Key = [u8; 32];
/// For the transcript.
const TRANSCRIPT: Key = *b"assay/proof/1 transcript        ";
/// For the leaves of commitments.
const LEAF: Key = *b"assay/proof/1 leaf of commitment";
/// For the inner nodes of commitments.
const NODE: Key = *b"assay/proof/1 node of commitment";

/// Keyed hash of the concatenation of items of `N` bytes each.
fn hash<const N: usize>(key: &Key, items: impl IntoIterator<Item = [u8; N]>) -> Digest {
    const { assert!(BUFFER_BYTES.is_multiple_of(N), "items must not straddle the buffer's end") };
    let mut hasher: Option<blake3::Hasher> = None;
    let (mut bytes, mut length) = ([0; BUFFER_BYTES], 0);
    #[cfg(test)]
    let mut full = 0;
    for item in items {
        if length == BUFFER_BYTES {
            #[cfg(test)]
            {
                full += length;
            }
            hasher.get_or_insert_with(|| blake3::Hasher::new_keyed(key)).update(&bytes);
            length = 0;
        }
        bytes[length..length + N].copy_from_slice(&item);
        length += N;
    }
    let rest = &bytes[..length];
    #[cfg(test)]
    count(full + length);
    match hasher {
        None => *blake3::keyed_hash(key, rest).as_bytes(),
        Some(mut hasher) => *hasher.update(rest).finalize().as_bytes(),
    }
}

#[cfg(test)]
std::thread_local! {
    /// Number of compressions on this thread.
    pub(crate) static COMPRESSIONS: core::cell::Cell<u64> = const { core::cell::Cell::new(0) };
}

/// Counts the compressions of a message of `bytes` bytes.
#[cfg(test)]
fn count(bytes: usize) {
    COMPRESSIONS.set(COMPRESSIONS.get() + (bytes as u64).div_ceil(64).max(1));
}

/// Hash of a leaf: the keyed hash of its elements, eight bytes each, canonical and little-endian.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafHash;

/// Hash of a pair of nodes: the keyed hash of their concatenation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeHash;

impl CryptographicHasher<F, Digest> for LeafHash {
    fn hash_iter<I: IntoIterator<Item = F>>(&self, input: I) -> Digest {
        hash(&LEAF, input.into_iter().map(|element| element.as_canonical_u64().to_le_bytes()))
    }
}

/// Hash of the transcript's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TranscriptHash;

impl CryptographicHasher<u8, Digest> for TranscriptHash {
    fn hash_iter<I: IntoIterator<Item = u8>>(&self, input: I) -> Digest {
        hash(&TRANSCRIPT, input.into_iter().map(|byte| [byte]))
    }
}

impl PseudoCompressionFunction<Digest, 2> for NodeHash {
    fn compress(&self, input: [Digest; 2]) -> Digest {
        #[cfg(test)]
        count(64);
        *blake3::keyed_hash(&NODE, input.as_flattened()).as_bytes()
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
            let expected = |key| *blake3::keyed_hash(key, &bytes).as_bytes();
            assert_eq!(LeafHash.hash_iter(elements.iter().copied()), expected(&LEAF), "{length}");
            assert_eq!(TranscriptHash.hash_iter(bytes.clone()), expected(&TRANSCRIPT), "{length}");
        }
    }

    #[test]
    fn a_message_has_a_different_hash_in_each_use() {
        let elements = [3, 5, 7, 9, 11, 13, 15, 17].map(F::from_u64);
        let bytes: alloc::vec::Vec<u8> =
            elements.iter().flat_map(|x| x.as_canonical_u64().to_le_bytes()).collect();
        let nodes = core::array::from_fn(|i| core::array::from_fn(|j| bytes[32 * i + j]));
        let leaf = LeafHash.hash_iter(elements);
        let (node, transcript) = (NodeHash.compress(nodes), TranscriptHash.hash_iter(bytes));
        assert!(leaf != node && node != transcript && leaf != transcript);
    }
}
