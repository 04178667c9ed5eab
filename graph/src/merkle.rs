//! Merkle trees over bytes, and openings of parts of them.
//!
//! The bytes are divided into leaves of [`LEAF_BYTES`]; the last leaf may be shorter. `H` is
//! BLAKE2b-256:
//!
//! ```text
//! leaf = H(0x00 ++ bytes)
//! node = H(0x01 ++ left ++ right)        an odd node at the end of a level moves up unchanged
//! root = H(tag ++ length as u64, little-endian ++ topmost node)
//! ```
//!
//! Tags begin with an ASCII letter, so no root is also a leaf or a node. The root covers the
//! length. A prover therefore cannot choose the shape of a tree, and no two contents have the same
//! root. Empty content has one empty leaf.
//!
//! An [`Opening`] shows ranges of the bytes: the leaves that the ranges touch, each once, and the
//! siblings of the paths to the root, level by level and left to right. The length and the ranges,
//! which the verifier knows, determine which these are. Exactly one opening is therefore accepted.
//!
//! # Why leaves of 1 KiB
//!
//! A party that commits to a tensor may have to show the digests of all its leaves: 1/32 of the
//! tensor, at most 128 KiB. Longer leaves would make this smaller, but the openings of the small
//! pieces that a convolution reads of each channel larger. Shorter leaves would have the opposite
//! effect.

use crate::{format::Digest, list::List};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use core::ops::Range;
use sp_crypto_hashing::blake2_256;

/// Length of a leaf in bytes, except the last.
pub const LEAF_BYTES: usize = 1024;
/// Maximum bytes of leaves in an opening: those of the largest tensor.
pub const MAX_OPENED_BYTES: usize = 4 * crate::bounds::MAX_TENSOR_ELEMENTS;
/// Maximum number of siblings in an opening: the number of leaves of a tree over
/// [`MAX_OPENED_BYTES`].
pub const MAX_SIBLINGS: usize = MAX_OPENED_BYTES / LEAF_BYTES;

const LEAF: u8 = 0;
const NODE: u8 = 1;

/// The content of a tree.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// Int8 elements, one byte each.
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

/// Number of leaves of a tree over `length` bytes.
pub const fn leaves(length: usize) -> usize {
    if length == 0 {
        1
    } else {
        length.div_ceil(LEAF_BYTES)
    }
}

/// The range of bytes of leaf `index`; empty if there is no such leaf.
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

/// The next level: half as many nodes, rounded up.
fn parents(nodes: &[Digest]) -> Vec<Digest> {
    nodes
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node_digest(left, right),
            odd => odd[0],
        })
        .collect()
}

/// The root over `length` bytes from the digests of the leaves; `None` if their number does not fit
/// the length.
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

/// The root over `content`.
pub fn root(tag: &[u8], content: Content<'_>) -> Digest {
    Tree::new(content).root(tag)
}

/// All nodes of a tree.
///
/// ```
/// use assay_graph::merkle::{Content, Tree};
///
/// let content = Content::Bytes(b"some bytes");
/// let tree = Tree::new(content);
/// let root = tree.root(b"example");
/// let opening = tree.open(content, &[5..10])?;
/// assert_eq!(opening.verify(b"example", &root, content.length(), &[5..10])?, b"bytes");
/// # Ok::<(), assay_graph::merkle::OpeningError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    length: usize,
    /// Levels from the leaves to the topmost node.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// Builds the tree over `content`.
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

    /// The root. The tag states the meaning of the bytes.
    pub fn root(&self, tag: &[u8]) -> Digest {
        root_digest(tag, self.length, &self.levels[self.levels.len() - 1][0])
    }

    /// Digests of the leaves.
    pub fn leaves(&self) -> &[Digest] {
        &self.levels[0]
    }

    /// Opens ranges of the bytes. `content` must be the content that the tree was built over.
    ///
    /// # Errors
    ///
    /// [`OpeningError::Ranges`] if the ranges are not ascending, disjoint, nonempty and within the
    /// content.
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
        let mut indices = opened;
        for level in &self.levels {
            let mut above = Vec::with_capacity(indices.len());
            let mut at = 0;
            while let Some(&index) = indices.get(at) {
                let pair = pairing(index, indices.get(at + 1).copied(), level.len());
                match pair {
                    Pair::Sibling(sibling) => siblings.push(level[sibling]),
                    Pair::Opened => at += 1,
                    Pair::None => {},
                }
                at += 1;
                above.push(index / 2);
            }
            indices = above;
        }
        Ok(Opening {
            leaves: List::try_from(bytes).map_err(|_| OpeningError::Ranges)?,
            siblings: List::try_from(siblings).map_err(|_| OpeningError::Ranges)?,
        })
    }
}

/// The node that a node is hashed with.
enum Pair {
    /// A sibling that the opening supplies.
    Sibling(usize),
    /// The next of the known nodes.
    Opened,
    /// None: the node is the odd one at the end of its level.
    None,
}

fn pairing(index: usize, next: Option<usize>, nodes: usize) -> Pair {
    if !index.is_multiple_of(2) {
        Pair::Sibling(index - 1)
    } else if index + 1 >= nodes {
        Pair::None
    } else if next == Some(index + 1) {
        Pair::Opened
    } else {
        Pair::Sibling(index + 1)
    }
}

/// The indices of the leaves that the ranges touch, ascending.
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

/// Parts of the bytes under a root, with their Merkle paths.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode)]
pub struct Opening {
    /// The leaves that the ranges touch, concatenated.
    pub leaves: List<u8, MAX_OPENED_BYTES>,
    /// The siblings of the paths to the root: from the leaves up, each level left to right.
    pub siblings: List<Digest, MAX_SIBLINGS>,
}

/// Why an opening is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpeningError {
    /// There are no ranges, or they are empty, not ascending or beyond the bytes.
    Ranges,
    /// The number of bytes is not that of the leaves that the ranges touch.
    LeafBytes {
        /// Bytes of these leaves.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// The number of siblings is not that of the paths.
    Siblings,
    /// The leaves do not lead to the root.
    Root,
}

impl core::fmt::Display for OpeningError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Ranges => {
                write!(f, "the ranges to open are empty, not ascending or out of bounds")
            },
            Self::LeafBytes { expected, found } => {
                write!(f, "the opening has {found} bytes of leaves, expected {expected}")
            },
            Self::Siblings => write!(f, "the opening has the wrong number of sibling nodes"),
            Self::Root => write!(f, "the opened bytes do not match the root"),
        }
    }
}

impl core::error::Error for OpeningError {}

impl Opening {
    /// Verifies the opening and returns the bytes of the ranges, concatenated.
    ///
    /// `length` is the number of all bytes under the root. Takes one hash per leaf and node.
    /// Lengths are compared before anything is hashed.
    ///
    /// # Errors
    ///
    /// [`OpeningError::Ranges`] if the ranges are not ascending, disjoint, nonempty and within
    /// `length`; the other variants if the opening does not fit them or the root.
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
        // Index, among the opened leaves, of the leaf in which the range begins.
        let mut leaf = 0;
        for range in ranges {
            while opened[leaf] < range.start / LEAF_BYTES {
                leaf += 1;
            }
            let start = leaf * LEAF_BYTES + range.start % LEAF_BYTES;
            bytes.extend_from_slice(&self.leaves[start..start + range.len()]);
        }
        Ok(bytes)
    }

    /// The topmost node above the opened leaves, for a tree with `nodes` leaves.
    fn top(
        &self,
        mut level: Vec<(usize, Digest)>,
        mut nodes: usize,
    ) -> Result<Digest, OpeningError> {
        let mut siblings = self.siblings.iter();
        while nodes > 1 {
            let mut above = Vec::with_capacity(level.len());
            let mut at = 0;
            while let Some((index, digest)) = level.get(at) {
                let next = level.get(at + 1);
                let parent = match pairing(*index, next.map(|(next, _)| *next), nodes) {
                    Pair::None => *digest,
                    Pair::Opened => {
                        at += 1;
                        node_digest(digest, next.map_or(digest, |(_, next)| next))
                    },
                    Pair::Sibling(sibling) => {
                        let other = siblings.next().ok_or(OpeningError::Siblings)?;
                        if sibling < *index {
                            node_digest(other, digest)
                        } else {
                            node_digest(digest, other)
                        }
                    },
                };
                at += 1;
                above.push((index / 2, parent));
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
