//! Merkle trees over lists of digests.
//!
//! `H` is BLAKE2b-256, `++` joins bytes:
//!
//! ```text
//! leaf = H(0x00 ++ digest)
//! node = H(0x01 ++ left ++ right)
//! ```
//!
//! The leaves, in order, are the lowest level of the tree. Each higher level joins the nodes of the
//! level below in pairs, from the left. An odd node at the end of a level moves up unchanged. The
//! root is the only node of the highest level; of one digest it is the leaf. The tree has the shape
//! of RFC 6962, section 2.1. A leaf hashes 33 bytes and a node 65, and these begin with different
//! bytes, so none is also the other.

use alloc::vec::Vec;
use codec::Encode;

use crate::{digest, Digest};

pub(crate) const LEAF: u8 = 0;
pub(crate) const NODE: u8 = 1;

fn leaf(item: &Digest) -> Digest {
    digest(&(LEAF, item).encode())
}

fn node(left: &Digest, right: &Digest) -> Digest {
    digest(&(NODE, left, right).encode())
}

/// The level above `level`.
fn parents(level: &[Digest]) -> Vec<Digest> {
    let parent = |pair: &[Digest]| match pair {
        [left, right] => node(left, right),
        odd => odd[0],
    };
    level.chunks(2).map(parent).collect()
}

/// A tree with all its nodes: see the [module](self). Making it takes two hashes for each item.
pub struct Tree {
    /// The levels from the leaves to the root. Each but the last has several nodes.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// The tree over `items`.
    pub fn new(items: &[Digest]) -> Self {
        let mut level: Vec<Digest> = items.iter().map(leaf).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let next = parents(&level);
            levels.push(core::mem::replace(&mut level, next));
        }
        levels.push(level);
        Self { levels }
    }

    /// The root. Of no items it is the digest of no bytes.
    pub fn root(&self) -> Digest {
        let root = self.levels.last().and_then(|level| level.first());
        root.copied().unwrap_or_else(|| digest(b""))
    }

    /// The path of item `index`: the siblings on the way to the root, from below. A node that moves
    /// up unchanged has none. `None` if there is no such item.
    pub fn path(&self, index: usize) -> Option<Vec<Digest>> {
        self.levels.first()?.get(index)?;
        let sibling = |(height, level): (usize, &Vec<Digest>)| {
            level.get((index.checked_shr(height as u32)?) ^ 1).copied()
        };
        // The root has no sibling.
        let below = self.levels.split_last()?.1;
        Some(below.iter().enumerate().filter_map(sibling).collect())
    }
}

/// The root of the tree over `items`: see [`Tree::root`].
pub fn root(items: &[Digest]) -> Digest {
    Tree::new(items).root()
}

/// The path of item `index` in the tree over `items`: see [`Tree::path`].
pub fn path(items: &[Digest], index: usize) -> Option<Vec<Digest>> {
    Tree::new(items).path(index)
}

/// The root of a tree over `count` items in which `item` has this index and this path; `None` if
/// there is no such index, or the path has another length.
///
/// ```
/// use assay_primitives::{digest, merkle};
///
/// let items: Vec<_> = (0..5u8).map(|number| digest(&[number])).collect();
/// let path = merkle::path(&items, 4).unwrap();
/// assert_eq!(path.len(), 1, "the fifth of five has one sibling");
/// assert_eq!(merkle::root_of(&items[4], 4, 5, &path), Some(merkle::root(&items)));
/// ```
pub fn root_of(item: &Digest, index: u32, count: u32, path: &[Digest]) -> Option<Digest> {
    if index >= count {
        return None;
    }
    let (mut position, mut width, mut hash) = (index, count, leaf(item));
    let mut siblings = path.iter();
    while width > 1 {
        if position ^ 1 < width {
            let sibling = siblings.next()?;
            hash = match position % 2 {
                0 => node(&hash, sibling),
                _ => node(sibling, &hash),
            };
        }
        position /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none().then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: u8) -> Vec<Digest> {
        (0..count).map(|number| digest(&[number])).collect()
    }

    #[test]
    fn every_item_has_a_path_to_the_root() {
        for count in 1..40 {
            let items = items(count);
            let root = root(&items);
            for (index, item) in items.iter().enumerate() {
                let path = path(&items, index).unwrap();
                let other = digest(b"another");
                let of = |item: &Digest, index, count| root_of(item, index, count, &path);
                let (index, count) = (index as u32, u32::from(count));
                assert_eq!(of(item, index, count), Some(root), "{index} of {count}");
                // Neither another item nor another place leads to the same root.
                assert_ne!(of(&other, index, count), Some(root));
                for other in (0..count).filter(|other| *other != index) {
                    assert_ne!(of(item, other, count), Some(root), "{other} for {index}");
                }
            }
            assert_eq!(path(&items, items.len()), None);
        }
    }

    #[test]
    fn a_path_of_another_length_leads_nowhere() {
        let items = items(6);
        let good = path(&items, 2).unwrap();
        let longer = [&good[..], &[Digest::zero()]].concat();
        assert_eq!(root_of(&items[2], 2, 6, &good[1..]), None);
        assert_eq!(root_of(&items[2], 2, 6, &longer), None);
        assert_eq!(root_of(&items[2], 6, 6, &good), None);
        assert_eq!(root_of(&items[2], 0, 0, &[]), None);
    }
}
