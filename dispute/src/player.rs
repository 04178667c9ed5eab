//! A party that has run the model.

use crate::game::{Answer, Choice, DisputedOperation, Piece, Stage};
use assay_graph::{
    commit::{element_bytes, open_tile, TraceCommitment},
    fast,
    merkle::leaf_range,
    tile::tile_range,
    CheckedGraph, Digest, RunError, Tensor, Trace,
};
use codec::Encode;

/// A model, an input and all that the model computes of it: enough to play either side.
///
/// Takes the memory of all tensors. Each move takes a pass over what it shows, and the opening of
/// a tile one over the weights.
#[derive(Clone, Debug)]
pub struct Player<'a> {
    graph: &'a CheckedGraph,
    trace: Trace,
    commitment: TraceCommitment,
}

impl<'a> Player<'a> {
    /// Runs the model.
    pub fn new(graph: &'a CheckedGraph, input: &[i8]) -> Result<Self, RunError> {
        Ok(Self::with_trace(graph, fast::trace(graph, input)?))
    }

    /// Takes a trace as it is. One that the model does not compute makes a player that defends a
    /// lie.
    pub fn with_trace(graph: &'a CheckedGraph, trace: Trace) -> Self {
        Self { graph, commitment: TraceCommitment::new(&trace), trace }
    }

    /// The output.
    pub fn output(&self) -> Option<&Tensor> {
        self.trace.output()
    }

    /// The root of the trace.
    pub fn trace_root(&self) -> Digest {
        self.commitment.root()
    }

    /// Roots of all tensors.
    pub fn roots(&self) -> &[Digest] {
        &self.commitment.roots
    }

    /// What the defender moves, and what anyone may move in [`Stage::Open`]; `None` where it is
    /// the challenger's turn, or the stage is not one of this model.
    pub fn answer(&self, stage: &Stage) -> Option<Answer> {
        Some(match stage {
            Stage::Roots => Answer::Roots(self.commitment.roots.clone().try_into().ok()?),
            Stage::Leaves { step } => {
                let tree = self.commitment.trees.get(step.index() + 1)?;
                Answer::Leaves(tree.leaves().to_vec().try_into().ok()?)
            },
            Stage::Bytes { step, piece } => {
                let bytes = self.trace.tensors.get(step.index() + 1)?.to_bytes();
                let range = match piece {
                    Piece::Whole => 0..bytes.len(),
                    Piece::Leaf { index, .. } => leaf_range(bytes.len(), (*index).into()),
                };
                Answer::Bytes(bytes.get(range)?.to_vec().try_into().ok()?)
            },
            Stage::Open { step, tile, .. } => {
                let (index, tile) = (step.index(), *tile as usize);
                let opening =
                    open_tile(self.graph, &self.trace, &self.commitment, index, tile).ok()?;
                Answer::Opening(opening.encode().try_into().ok()?)
            },
            Stage::Operation { .. } | Stage::Leaf { .. } | Stage::Tile { .. } => return None,
        })
    }

    /// What the challenger moves: the first place where the defender's trace is another. `None`
    /// where it is the defender's turn, or nothing differs.
    pub fn choose(&self, stage: &Stage) -> Option<Choice> {
        match stage {
            Stage::Operation { roots } => {
                let tensor = first_difference(roots, &self.commitment.roots)?;
                // The rules have compared the input's root.
                Some(Choice::Operation(tensor.checked_sub(1)?.try_into().ok()?))
            },
            Stage::Leaf { step, leaves } => {
                let tree = self.commitment.trees.get(step.index() + 1)?;
                Some(Choice::Leaf(first_difference(leaves, tree.leaves())?.try_into().ok()?))
            },
            Stage::Tile { step, first, bytes } => {
                let own = self.trace.tensors.get(step.index() + 1)?.to_bytes();
                let byte = first_difference(bytes, own.get(*first as usize..)?)?;
                self.tile_of(step, *first as usize + byte)
            },
            Stage::Roots | Stage::Leaves { .. } | Stage::Bytes { .. } | Stage::Open { .. } => None,
        }
    }

    /// The tile that has a byte of an operation's output.
    fn tile_of(&self, step: &DisputedOperation, byte: usize) -> Option<Choice> {
        let plan = self.graph.plan();
        let width = element_bytes(plan.operations().get(step.index())?.output_type());
        // All tiles but the last are as large as the first.
        let size = tile_range(plan, step.index(), 0).ok()?.len();
        Some(Choice::Tile((byte / width / size).try_into().ok()?))
    }
}

fn first_difference<T: PartialEq>(theirs: &[T], own: &[T]) -> Option<usize> {
    theirs.iter().zip(own).position(|(theirs, own)| theirs != own)
}
