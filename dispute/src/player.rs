//! A party that has run the model.

use crate::game::{Answer, Choice, DisputedOperation, Shown, Stage};
use assay_graph::{
    commit::{element_bytes, open_tile, TraceCommitment},
    fast,
    tile::tile_range,
    CheckedGraph, Digest, RunError, Tensor, Trace,
};
use codec::Encode;

/// A model, an input and the complete trace: everything required to play either side.
///
/// Holds all tensors in memory. Each move takes a pass over what it shows; opening a tile takes a
/// pass over the weights.
///
/// ```
/// use assay_dispute::{Claim, MoveEffect, Party, Player, Stage};
/// use assay_graph::{random, CheckedGraph};
///
/// let graph = CheckedGraph::new(random::graph(&mut random::Rng::new(1), 4))?;
/// let input = vec![1; graph.plan().shapes()[0].elements().unwrap()];
/// let player = Player::new(&graph, &input)?;
///
/// let (input, output) = (vec![1; input.len()], player.output().unwrap().to_bytes());
/// let trace_root = player.trace_root();
/// let claim = Claim { plan: graph.plan(), trace_root, input: &input, output: &output };
///
/// // The defender shows the roots of all tensors.
/// let roots = player.answer(&Stage::Roots).unwrap();
/// let MoveEffect::Next(stage) = Stage::Roots.answer(&claim, None, &roots)? else { unreachable!() };
/// assert_eq!(stage.turn(), Party::Challenger);
/// // The claim is right, so an honest challenger finds nothing to dispute.
/// assert_eq!(player.choose(&stage, roots.shown().as_ref()), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Player<'a> {
    graph: &'a CheckedGraph,
    trace: Trace,
    commitment: TraceCommitment,
}

impl<'a> Player<'a> {
    /// Runs the model on `input`.
    ///
    /// # Errors
    ///
    /// [`RunError::InputLength`] if the input has the wrong number of elements.
    pub fn new(graph: &'a CheckedGraph, input: &[i8]) -> Result<Self, RunError> {
        Ok(Self::with_trace(graph, fast::trace(graph, input)?))
    }

    /// Uses a given trace. With a trace that the model does not compute, the player defends a wrong
    /// claim.
    pub fn with_trace(graph: &'a CheckedGraph, trace: Trace) -> Self {
        Self { graph, commitment: TraceCommitment::new(&trace), trace }
    }

    /// The output; `None` if the trace is empty.
    pub fn output(&self) -> Option<&Tensor> {
        self.trace.output()
    }

    /// The root of the trace.
    pub fn trace_root(&self) -> Digest {
        self.commitment.root()
    }

    /// The roots of all tensors, starting with the input's.
    pub fn roots(&self) -> &[Digest] {
        &self.commitment.roots
    }

    /// The move of the defender, or in [`Stage::Open`] of anyone. `None` if the challenger is to
    /// move, or the stage is not one of this model.
    pub fn answer(&self, stage: &Stage) -> Option<Answer> {
        Some(match stage {
            Stage::Roots => Answer::Roots(self.commitment.roots.clone().try_into().ok()?),
            Stage::Leaves { step } => {
                let tree = self.commitment.trees.get(step.index() + 1)?;
                Answer::Leaves(tree.leaves().to_vec().try_into().ok()?)
            },
            Stage::Bytes { step, piece } => {
                let bytes = self.trace.tensors.get(step.index() + 1)?.to_bytes();
                let range = piece.range(bytes.len());
                Answer::Bytes(bytes.get(range)?.to_vec().try_into().ok()?)
            },
            Stage::Open { step, tile, .. } => {
                let (index, tile) = (step.index(), *tile as usize);
                let opening =
                    open_tile(self.graph, &self.trace, &self.commitment, index, tile).ok()?;
                Answer::Opening(opening.encode().try_into().ok()?)
            },
            Stage::Operation | Stage::Leaf { .. } | Stage::Tile { .. } => return None,
        })
    }

    /// The move of the challenger: the first position at which the defender's trace differs. `shown`
    /// is what the defender has shown of [`Stage::reads`]. `None` if the defender is to move, it has
    /// not shown that, or nothing differs.
    pub fn choose(&self, stage: &Stage, shown: Option<&Shown>) -> Option<Choice> {
        match (stage, shown?) {
            (Stage::Operation, Shown::Roots(roots)) => {
                let tensor = first_difference(roots, &self.commitment.roots)?;
                // The rules have already checked the input's root.
                Some(Choice::Operation(tensor.checked_sub(1)?.try_into().ok()?))
            },
            (Stage::Leaf { step }, Shown::Leaves(leaves)) => {
                let tree = self.commitment.trees.get(step.index() + 1)?;
                Some(Choice::Leaf(first_difference(leaves, tree.leaves())?.try_into().ok()?))
            },
            (Stage::Tile { step, piece }, Shown::Bytes(bytes)) => {
                let own = self.trace.tensors.get(step.index() + 1)?.to_bytes();
                let first = piece.range(own.len()).start;
                let byte = first_difference(bytes, own.get(first..)?)?;
                self.tile_of(step, first + byte)
            },
            _ => None,
        }
    }

    /// The tile that contains a byte of an operation's output.
    fn tile_of(&self, step: &DisputedOperation, byte: usize) -> Option<Choice> {
        let plan = self.graph.plan();
        let width = element_bytes(plan.operations().get(step.index())?.output_type());
        // All tiles except the last have the same size.
        let size = tile_range(plan, step.index(), 0).ok()?.len();
        Some(Choice::Tile((byte / width / size).try_into().ok()?))
    }
}

fn first_difference<T: PartialEq>(theirs: &[T], own: &[T]) -> Option<usize> {
    theirs.iter().zip(own).position(|(theirs, own)| theirs != own)
}
