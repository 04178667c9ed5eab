//! Merkle trees over bytes, and openings of pieces of them.
//!
//! The bytes are cut into leaves of [`LEAF_BYTES`]; the last one is as long as what is left. With
//! BLAKE2b-256, written `H`:
//!
//! ```text
//! leaf = H(0x00 ++ bytes)
//! node = H(0x01 ++ left ++ right)        an odd node at the end of a level goes up as it is
//! root = H(tag ++ length as u64, little-endian ++ topmost node)
//! ```
//!
//! Tags begin with an ASCII letter, so that no root is a leaf or a node. The root covers the
//! length, so the shape of a tree is never a prover's word, and no two contents have one root.
//! Nothing has one leaf, of no bytes.
//!
//! An [`Opening`] shows ranges of the bytes: the leaves that they touch, each once, and the nodes
//! beside the paths to the root, level by level and left to right. Which those are follows from
//! length and ranges, which the verifier has; so an opening that is accepted is the only one.
//!
//! # Why leaves of 1 KiB
//!
//! Who commits to a tensor may have to show all digests of its leaves: a 32nd of the tensor, and
//! 128 KiB for the largest. Longer leaves would make that less, and openings of the small pieces
//! that a convolution reads of each channel more; shorter ones the other way round.

use crate::{format::Digest, list::List};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use core::ops::Range;
use sp_crypto_hashing::blake2_256;

/// Bytes of a leaf, but for the last.
pub const LEAF_BYTES: usize = 1024;
/// Most bytes of leaves in an opening: those of the largest tensor.
pub const MAX_OPENED_BYTES: usize = 4 * crate::bounds::MAX_TENSOR_ELEMENTS;
/// Most nodes beside the leaves of an opening. A tree over [`MAX_OPENED_BYTES`] has no more
/// leaves.
pub const MAX_SIBLINGS: usize = MAX_OPENED_BYTES / LEAF_BYTES;

const LEAF: u8 = 0;
const NODE: u8 = 1;

/// What a tree is built over.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Int8 elements, a byte each.
    Int8(&'a [i8]),
    /// Int32 elements, four bytes each, little-endian.
    Int32(&'a [i32]),
}

impl Content<'_> {
    /// Number of bytes.
    pub const fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Int8(elements) => elements.len(),
            Self::Int32(elements) => 4 * elements.len(),
        }
    }

    /// Appends leaf `index` to `bytes`; nothing if there is no such leaf.
    pub fn append_leaf(&self, index: usize, bytes: &mut Vec<u8>) {
        let range = leaf_range(self.length(), index);
        match self {
            Self::Bytes(content) => bytes.extend_from_slice(&content[range]),
            Self::Int8(content) => bytes.extend(content[range].iter().map(|x| *x as u8)),
            Self::Int32(content) => {
                // Leaves begin and end with whole elements.
                let elements = &content[range.start / 4..range.end / 4];
                bytes.extend(elements.iter().flat_map(|x| x.to_le_bytes()));
            },
        }
    }
}

/// Number of leaves over `length` bytes.
pub const fn leaves(length: usize) -> usize {
    if length == 0 {
        1
    } else {
        length.div_ceil(LEAF_BYTES)
    }
}

/// The bytes of leaf `index`; empty if there is no such leaf.
pub fn leaf_range(length: usize, index: usize) -> Range<usize> {
    let start = index.saturating_mul(LEAF_BYTES).min(length);
    start..length.min(start.saturating_add(LEAF_BYTES))
}

/// The digest of a leaf.
pub fn leaf_digest(bytes: &[u8]) -> Digest {
    let mut tagged = Vec::with_capacity(1 + bytes.len());
    tagged.push(LEAF);
    tagged.extend_from_slice(bytes);
    blake2_256(&tagged)
}

fn node_digest(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [NODE; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    blake2_256(&bytes)
}

fn root_digest(tag: &[u8], length: usize, top: &Digest) -> Digest {
    blake2_256(&[tag, &(length as u64).to_le_bytes(), top].concat())
}

/// The level above: half as many nodes, rounded up.
fn parents(nodes: &[Digest]) -> Vec<Digest> {
    nodes
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node_digest(left, right),
            odd => odd[0],
        })
        .collect()
}

/// The root over `length` bytes whose leaves have these digests; `None` if there are more or
/// fewer than the length asks for.
pub fn root_of_leaves(tag: &[u8], length: usize, digests: &[Digest]) -> Option<Digest> {
    if digests.len() != leaves(length) {
        return None;
    }
    let mut level = parents(digests);
    while level.len() > 1 {
        level = parents(&level);
    }
    level.first().map(|top| root_digest(tag, length, top))
}

/// The root over some content.
pub fn root(tag: &[u8], content: Content<'_>) -> Digest {
    Tree::new(content).root(tag)
}

/// All nodes of a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    length: usize,
    /// Leaves first; the last level has one node.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// The tree over some content.
    pub fn new(content: Content<'_>) -> Self {
        let length = content.length();
        let mut bytes = Vec::with_capacity(LEAF_BYTES);
        let digests = (0..leaves(length))
            .map(|index| {
                bytes.clear();
                content.append_leaf(index, &mut bytes);
                leaf_digest(&bytes)
            })
            .collect();
        let mut tree = Self { length, levels: Vec::from([digests]) };
        while let Some(level) = tree.levels.last().filter(|level| level.len() > 1) {
            let above = parents(level);
            tree.levels.push(above);
        }
        tree
    }

    /// The root. The tag says what the bytes mean.
    pub fn root(&self, tag: &[u8]) -> Digest {
        root_digest(tag, self.length, &self.levels[self.levels.len() - 1][0])
    }

    /// Digests of the leaves.
    pub fn leaves(&self) -> &[Digest] {
        &self.levels[0]
    }

    /// Opens ranges of the bytes, which are those that the tree was built over. Fails where
    /// [`Opening::verify`] would fail on the ranges.
    pub fn open(
        &self,
        content: Content<'_>,
        ranges: &[Range<usize>],
    ) -> Result<Opening, OpeningError> {
        let opened = opened_leaves(self.length, ranges)?;
        let mut bytes = Vec::new();
        for index in &opened {
            content.append_leaf(*index, &mut bytes);
        }
        let mut siblings = Vec::new();
        let mut places = opened;
        for level in &self.levels {
            let mut above = Vec::with_capacity(places.len());
            let mut at = 0;
            while let Some(&place) = places.get(at) {
                let pair = pairing(place, places.get(at + 1).copied(), level.len());
                match pair {
                    Pair::Sibling(sibling) => siblings.push(level[sibling]),
                    Pair::Opened => at += 1,
                    Pair::None => {},
                }
                at += 1;
                above.push(place / 2);
            }
            places = above;
        }
        Ok(Opening {
            leaves: List::try_from(bytes).map_err(|_| OpeningError::Ranges)?,
            siblings: List::try_from(siblings).map_err(|_| OpeningError::Ranges)?,
        })
    }
}

/// What a node is hashed with.
enum Pair {
    /// A node that the opening supplies.
    Sibling(usize),
    /// The next node that is known already.
    Opened,
    /// Nothing: it is the odd one at the end of the level.
    None,
}

fn pairing(place: usize, next: Option<usize>, nodes: usize) -> Pair {
    if !place.is_multiple_of(2) {
        Pair::Sibling(place - 1)
    } else if place + 1 >= nodes {
        Pair::None
    } else if next == Some(place + 1) {
        Pair::Opened
    } else {
        Pair::Sibling(place + 1)
    }
}

/// The leaves that the ranges touch, ascending.
fn opened_leaves(length: usize, ranges: &[Range<usize>]) -> Result<Vec<usize>, OpeningError> {
    let mut opened: Vec<usize> = Vec::new();
    let mut end = 0;
    for range in ranges {
        if range.start < end || range.is_empty() || range.end > length {
            return Err(OpeningError::Ranges);
        }
        end = range.end;
        let first = range.start / LEAF_BYTES;
        let first = opened.last().map_or(first, |last| first.max(last + 1));
        opened.extend(first..leaves(range.end));
    }
    if opened.is_empty() {
        return Err(OpeningError::Ranges);
    }
    Ok(opened)
}

/// Pieces of the bytes under a root.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Opening {
    /// The bytes of the leaves that the ranges touch, one after the other.
    pub leaves: List<u8, MAX_OPENED_BYTES>,
    /// The nodes beside the paths to the root, from the leaves up, each level left to right.
    pub siblings: List<Digest, MAX_SIBLINGS>,
}

/// Why an opening shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpeningError {
    /// The ranges to open are none, empty, not ascending, or end beyond the bytes.
    Ranges,
    /// More or fewer bytes than the leaves have that the ranges touch.
    LeafBytes {
        /// As many as they have.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
    /// More or fewer nodes than there are beside the paths.
    Siblings,
    /// The bytes do not lead to the root.
    Root,
}

impl core::fmt::Display for OpeningError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Ranges => write!(f, "no ranges, or ranges that cannot be opened"),
            Self::LeafBytes { expected, found } => {
                write!(f, "{found} bytes of leaves, not {expected}")
            },
            Self::Siblings => write!(f, "too many or too few nodes beside the leaves"),
            Self::Root => write!(f, "the opened bytes are not those under the root"),
        }
    }
}

impl core::error::Error for OpeningError {}

impl Opening {
    /// The bytes of the ranges, one after the other, if they are those under the root.
    ///
    /// `length` is that of all bytes under the root. The ranges are ascending, disjoint and not
    /// empty. Takes a hash for each leaf and node; lengths are compared before anything is hashed.
    pub fn verify(
        &self,
        tag: &[u8],
        root: &Digest,
        length: usize,
        ranges: &[Range<usize>],
    ) -> Result<Vec<u8>, OpeningError> {
        let opened = opened_leaves(length, ranges)?;
        let expected = opened.iter().map(|index| leaf_range(length, *index).len()).sum();
        let found = self.leaves.len();
        if expected != found {
            return Err(OpeningError::LeafBytes { expected, found });
        }
        // Only the last leaf can be shorter than the others.
        let digests = self.leaves.chunks(LEAF_BYTES).map(leaf_digest);
        let level: Vec<(usize, Digest)> = opened.iter().copied().zip(digests).collect();
        let top = self.top(level, leaves(length))?;
        if root_digest(tag, length, &top) != *root {
            return Err(OpeningError::Root);
        }
        let mut bytes = Vec::with_capacity(ranges.iter().map(ExactSizeIterator::len).sum());
        // Where the leaf that a range begins in is held.
        let mut held = 0;
        for range in ranges {
            while opened[held] < range.start / LEAF_BYTES {
                held += 1;
            }
            let start = held * LEAF_BYTES + range.start % LEAF_BYTES;
            bytes.extend_from_slice(&self.leaves[start..start + range.len()]);
        }
        Ok(bytes)
    }

    /// The topmost node over the opened leaves, for a tree of so many leaves.
    fn top(
        &self,
        mut level: Vec<(usize, Digest)>,
        mut nodes: usize,
    ) -> Result<Digest, OpeningError> {
        let mut siblings = self.siblings.iter();
        while nodes > 1 {
            let mut above = Vec::with_capacity(level.len());
            let mut at = 0;
            while let Some((place, digest)) = level.get(at) {
                let next = level.get(at + 1);
                let parent = match pairing(*place, next.map(|(place, _)| *place), nodes) {
                    Pair::None => *digest,
                    Pair::Opened => {
                        at += 1;
                        node_digest(digest, next.map_or(digest, |(_, next)| next))
                    },
                    Pair::Sibling(sibling) => {
                        let other = siblings.next().ok_or(OpeningError::Siblings)?;
                        if sibling < *place {
                            node_digest(other, digest)
                        } else {
                            node_digest(digest, other)
                        }
                    },
                };
                at += 1;
                above.push((place / 2, parent));
            }
            level = above;
            nodes = nodes.div_ceil(2);
        }
        if siblings.next().is_some() {
            return Err(OpeningError::Siblings);
        }
        level.first().map(|(_, top)| *top).ok_or(OpeningError::Ranges)
    }
}
