//! The rules: the stages of a dispute, and the moves that lead from one to the next.

use alloc::vec::Vec;
use assay_graph::{
    bounds::{MAX_OPERATIONS, MAX_TENSOR_ELEMENTS},
    commit::{
        element_bytes, tensor_bytes, tensor_bytes_root, trace_root, TileError, TileOpening,
        MAX_TENSORS, MAX_TILE_OPENING_BYTES, TENSOR_TAG,
    },
    merkle::{leaf_digest, leaf_range, leaves, root_of_leaves, LEAF_BYTES},
    tile::tile_range,
    Digest, Plan, RunError, TensorId,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::ops::Range;
use scale_info::TypeInfo;

/// Maximum number of leaves of a tensor.
pub const MAX_LEAVES: u32 = (4 * MAX_TENSOR_ELEMENTS / LEAF_BYTES) as u32;
/// Maximum length in bytes of a tensor that is shown whole, without naming a leaf first.
pub const MAX_WHOLE_BYTES: u32 = 16 * LEAF_BYTES as u32;

/// Maximum number of moves in a dispute.
pub const MAX_MOVES: u32 = 7;

/// The roots of all tensors, starting with the input's.
pub type Roots = BoundedVec<Digest, ConstU32<{ MAX_TENSORS as u32 }>>;
/// The digests of the leaves of a tensor.
pub type LeafDigests = BoundedVec<Digest, ConstU32<MAX_LEAVES>>;
/// Bytes of a tensor, at most [`MAX_WHOLE_BYTES`].
pub type RevealedBytes = BoundedVec<u8, ConstU32<MAX_WHOLE_BYTES>>;

/// The defender's claim.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The model.
    pub plan: &'a Plan,
    /// Root of the defender's trace.
    pub trace_root: Digest,
    /// Elements of the input, one byte each.
    pub input: &'a [u8],
    /// Elements of the output, little-endian: one byte each for int8, four for int32.
    pub output: &'a [u8],
}

/// A party of a dispute.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Party {
    /// The party that made the claim.
    #[codec(index = 0)]
    Defender,
    /// The party that disputes it.
    #[codec(index = 1)]
    Challenger,
}

/// A move of the defender.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Answer {
    /// In [`Stage::Roots`]: the roots of all tensors.
    #[codec(index = 0)]
    Roots(Roots),
    /// In [`Stage::Leaves`]: the digests of the leaves of the operation's output.
    #[codec(index = 1)]
    Leaves(LeafDigests),
    /// In [`Stage::Bytes`]: the requested bytes of the operation's output.
    #[codec(index = 2)]
    Bytes(RevealedBytes),
    /// In [`Stage::Open`]: the encoding of a [`TileOpening`]. Not only the defender may make this
    /// move.
    #[codec(index = 3)]
    Opening(BoundedVec<u8, ConstU32<{ MAX_TILE_OPENING_BYTES as u32 }>>),
}

/// A move of the challenger.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Choice {
    /// In [`Stage::Operation`]: the index of an operation.
    #[codec(index = 0)]
    Operation(u16),
    /// In [`Stage::Leaf`]: the index of a leaf.
    #[codec(index = 1)]
    Leaf(u16),
    /// In [`Stage::Tile`]: the index of a tile.
    #[codec(index = 2)]
    Tile(u32),
}

/// The disputed operation, with the roots that the defender named.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct DisputedOperation {
    /// Index of the operation.
    pub operation: u16,
    /// Roots of its inputs, in the order of [`Operation::inputs`](assay_graph::Operation::inputs).
    pub inputs: BoundedVec<Digest, ConstU32<2>>,
    /// Root of its output.
    pub output: Digest,
}

/// The part of a tensor that the defender must show.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Piece {
    /// The whole tensor.
    #[codec(index = 0)]
    Whole,
    /// A single leaf.
    #[codec(index = 1)]
    Leaf {
        /// Index of the leaf.
        index: u16,
        /// Digest of the leaf.
        digest: Digest,
    },
}

/// What a defender shows in a dispute. It follows from the claim, so it is the same in all disputes
/// over it.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode, MaxEncodedLen, TypeInfo,
)]
pub enum What {
    /// The roots of all tensors.
    #[codec(index = 0)]
    Roots,
    /// The digests of the leaves of an operation's output.
    #[codec(index = 1)]
    Leaves {
        /// Index of the operation.
        operation: u16,
    },
    /// Bytes of an operation's output.
    #[codec(index = 2)]
    Bytes {
        /// Index of the operation.
        operation: u16,
        /// Index of the leaf; `None` for the whole tensor.
        leaf: Option<u16>,
    },
    /// That the computed tile is as the bytes shown say. There is nothing else to show of it.
    #[codec(index = 3)]
    Tile {
        /// Index of the operation.
        operation: u16,
        /// Index of the leaf that was shown; `None` for the whole tensor.
        leaf: Option<u16>,
        /// Index of the tile.
        tile: u32,
    },
}

/// What a defender has shown. A computed tile has no such data.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Shown {
    /// Of [`What::Roots`].
    #[codec(index = 0)]
    Roots(Roots),
    /// Of [`What::Leaves`].
    #[codec(index = 1)]
    Leaves(LeafDigests),
    /// Of [`What::Bytes`].
    #[codec(index = 2)]
    Bytes(RevealedBytes),
}

/// The stage of a dispute: what has been established. It determines the party to move and the kind
/// of move. It does not contain what the defender has shown: [`Stage::reads`] names that.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Stage {
    /// The defender must show the roots of all tensors. Every dispute starts here.
    #[codec(index = 0)]
    Roots,
    /// The challenger must name an operation.
    #[codec(index = 1)]
    Operation,
    /// The defender must show the digests of the leaves of the operation's output.
    #[codec(index = 2)]
    Leaves {
        /// The disputed operation.
        step: DisputedOperation,
    },
    /// The challenger must name a leaf.
    #[codec(index = 3)]
    Leaf {
        /// The disputed operation.
        step: DisputedOperation,
    },
    /// The defender must show bytes of the operation's output.
    #[codec(index = 4)]
    Bytes {
        /// The disputed operation.
        step: DisputedOperation,
        /// The bytes to show.
        piece: Piece,
    },
    /// The challenger must name a tile.
    #[codec(index = 5)]
    Tile {
        /// The disputed operation.
        step: DisputedOperation,
        /// The bytes shown.
        piece: Piece,
    },
    /// Anyone may show what the tile reads; the defender loses if nobody does.
    #[codec(index = 6)]
    Open {
        /// The disputed operation.
        step: DisputedOperation,
        /// The bytes shown.
        piece: Piece,
        /// Index of the tile.
        tile: u32,
    },
}

/// The effect of a move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MoveEffect {
    /// The dispute continues in this stage.
    Next(Stage),
    /// The dispute has ended; this party has won.
    Won(Party),
}

/// Why a move is refused. The stage is unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoveRefusal {
    /// The stage requires another kind of move.
    OutOfTurn,
    /// What the move is about was not passed, because the defender has not shown it.
    NotShown,
    /// The number of roots is not that of the model's tensors.
    RootCount {
        /// Number of the model's tensors.
        expected: usize,
        /// Number of roots shown.
        found: usize,
    },
    /// The roots do not match the trace root.
    TraceRoot,
    /// The first root is not that of the claimed input.
    InputRoot,
    /// The last root is not that of the claimed output.
    OutputRoot,
    /// The model has no operation with this index.
    NoOperation,
    /// The digests of the leaves do not match the tensor's root, or their number is wrong.
    Leaves,
    /// The tensor has no leaf with this index.
    NoLeaf,
    /// The bytes do not match the leaf's digest or the tensor's root.
    Bytes,
    /// The operation has no tile with this index, or the tile contains none of the bytes shown.
    NoTile,
    /// The opening does not show what the tile reads.
    Opening(TileError),
}

impl core::fmt::Display for MoveRefusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfTurn => write!(f, "this stage of the dispute requires another move"),
            Self::NotShown => write!(f, "the defender has not shown what the move is about"),
            Self::RootCount { expected, found } => {
                write!(f, "there are {found} roots for {expected} tensors")
            },
            Self::TraceRoot => write!(f, "the roots do not match the trace root"),
            Self::InputRoot => write!(f, "the first root is not that of the input"),
            Self::OutputRoot => write!(f, "the last root is not that of the claimed output"),
            Self::NoOperation => write!(f, "there is no such operation"),
            Self::Leaves => write!(f, "the digests of the leaves do not match the tensor's root"),
            Self::NoLeaf => write!(f, "there is no such leaf"),
            Self::Bytes => write!(f, "the bytes do not match the digest that the claim commits to"),
            Self::NoTile => {
                write!(f, "there is no such tile, or it contains none of the bytes shown")
            },
            Self::Opening(error) => write!(f, "the opening is invalid: {error}"),
        }
    }
}

impl core::error::Error for MoveRefusal {}

impl Party {
    /// The other party.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Defender => Self::Challenger,
            Self::Challenger => Self::Defender,
        }
    }
}

impl Piece {
    /// Index of the leaf; `None` for the whole tensor.
    pub const fn leaf(&self) -> Option<u16> {
        match self {
            Self::Whole => None,
            Self::Leaf { index, .. } => Some(*index),
        }
    }

    /// The range of bytes in a tensor of `length` bytes.
    pub(crate) fn range(&self, length: usize) -> Range<usize> {
        match self {
            Self::Whole => 0..length,
            Self::Leaf { index, .. } => leaf_range(length, (*index).into()),
        }
    }
}

impl Answer {
    /// What the answer shows to all disputes over the claim; `None` for an opening, whose effect is
    /// known only after the tile is computed.
    pub fn shown(&self) -> Option<Shown> {
        match self {
            Self::Roots(roots) => Some(Shown::Roots(roots.clone())),
            Self::Leaves(leaves) => Some(Shown::Leaves(leaves.clone())),
            Self::Bytes(bytes) => Some(Shown::Bytes(bytes.clone())),
            Self::Opening(_) => None,
        }
    }
}

impl Stage {
    /// What the defender must show in this stage; `None` if the challenger is to move.
    pub fn awaits(&self) -> Option<What> {
        Some(match self {
            Self::Roots => What::Roots,
            Self::Leaves { step } => What::Leaves { operation: step.operation },
            Self::Bytes { step, piece } => {
                What::Bytes { operation: step.operation, leaf: piece.leaf() }
            },
            Self::Open { step, piece, tile } => {
                What::Tile { operation: step.operation, leaf: piece.leaf(), tile: *tile }
            },
            Self::Operation | Self::Leaf { .. } | Self::Tile { .. } => return None,
        })
    }

    /// What the next move is about, which the defender has shown; `None` if it is about nothing
    /// that was shown.
    pub fn reads(&self) -> Option<What> {
        Some(match self {
            Self::Operation => What::Roots,
            Self::Leaf { step } => What::Leaves { operation: step.operation },
            Self::Tile { step, piece } | Self::Open { step, piece, .. } => {
                What::Bytes { operation: step.operation, leaf: piece.leaf() }
            },
            Self::Roots | Self::Leaves { .. } | Self::Bytes { .. } => return None,
        })
    }

    /// The effect of what [`Stage::awaits`] names having been shown, here or in another dispute over
    /// the same claim; `None` if the challenger is to move.
    pub fn after_shown(&self) -> Option<MoveEffect> {
        Some(match self.clone() {
            Self::Roots => MoveEffect::Next(Self::Operation),
            Self::Leaves { step } => MoveEffect::Next(Self::Leaf { step }),
            Self::Bytes { step, piece } => MoveEffect::Next(Self::Tile { step, piece }),
            Self::Open { .. } => MoveEffect::Won(Party::Defender),
            Self::Operation | Self::Leaf { .. } | Self::Tile { .. } => return None,
        })
    }

    /// The party to move, which loses if no move is made in time.
    pub const fn turn(&self) -> Party {
        match self {
            Self::Roots | Self::Leaves { .. } | Self::Bytes { .. } | Self::Open { .. } => {
                Party::Defender
            },
            Self::Operation | Self::Leaf { .. } | Self::Tile { .. } => Party::Challenger,
        }
    }

    /// The stage's name in lower case: `roots`, `operation`, `leaves`, `leaf`, `bytes`, `tile` or
    /// `open`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Roots => "roots",
            Self::Operation => "operation",
            Self::Leaves { .. } => "leaves",
            Self::Leaf { .. } => "leaf",
            Self::Bytes { .. } => "bytes",
            Self::Tile { .. } => "tile",
            Self::Open { .. } => "open",
        }
    }

    /// Whether the stage requires an answer of this kind.
    pub const fn takes(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::Roots, Answer::Roots(_))
                | (Self::Leaves { .. }, Answer::Leaves(_))
                | (Self::Bytes { .. }, Answer::Bytes(_))
                | (Self::Open { .. }, Answer::Opening(_))
        )
    }

    /// BLAKE2b-256 of the encoded stage, which binds a signed move to it.
    pub fn digest(&self) -> Digest {
        sp_crypto_hashing::blake2_256(&self.encode())
    }

    /// Applies a move of the challenger and returns the next stage. `shown` is what the defender has
    /// shown of [`Stage::reads`].
    ///
    /// # Errors
    ///
    /// [`MoveRefusal::OutOfTurn`], [`MoveRefusal::NotShown`], [`MoveRefusal::NoOperation`],
    /// [`MoveRefusal::NoLeaf`] or [`MoveRefusal::NoTile`].
    pub fn choose(
        self,
        plan: &Plan,
        shown: Option<&Shown>,
        choice: Choice,
    ) -> Result<Self, MoveRefusal> {
        match (self, choice) {
            (Self::Operation, Choice::Operation(index)) => {
                let Some(Shown::Roots(roots)) = shown else { return Err(MoveRefusal::NotShown) };
                let step =
                    DisputedOperation::new(plan, roots, index).ok_or(MoveRefusal::NoOperation)?;
                Ok(if step.output_bytes(plan)? <= MAX_WHOLE_BYTES as usize {
                    Self::Bytes { step, piece: Piece::Whole }
                } else {
                    Self::Leaves { step }
                })
            },
            (Self::Leaf { step }, Choice::Leaf(index)) => {
                let Some(Shown::Leaves(leaves)) = shown else { return Err(MoveRefusal::NotShown) };
                let digest = *leaves.get(usize::from(index)).ok_or(MoveRefusal::NoLeaf)?;
                Ok(Self::Bytes { step, piece: Piece::Leaf { index, digest } })
            },
            (Self::Tile { step, piece }, Choice::Tile(tile)) => {
                let range = step.tile_bytes(plan, tile)?;
                if overlap(&range, &piece.range(step.output_bytes(plan)?)).is_empty() {
                    return Err(MoveRefusal::NoTile);
                }
                Ok(Self::Open { step, piece, tile })
            },
            _ => Err(MoveRefusal::OutOfTurn),
        }
    }

    /// Applies a move of the defender, or in [`Stage::Open`] of anyone. `shown` is what the defender
    /// has shown of [`Stage::reads`].
    ///
    /// # Errors
    ///
    /// [`MoveRefusal`] if the stage requires another move, or the answer does not follow from the
    /// claim.
    pub fn answer(
        self,
        claim: &Claim<'_>,
        shown: Option<&Shown>,
        answer: &Answer,
    ) -> Result<MoveEffect, MoveRefusal> {
        let plan = claim.plan;
        match (self, answer) {
            (Self::Roots, Answer::Roots(roots)) => {
                check_roots(claim, roots)?;
                Ok(MoveEffect::Next(Self::Operation))
            },
            (Self::Leaves { step }, Answer::Leaves(leaves)) => {
                let length = step.output_bytes(plan)?;
                if root_of_leaves(TENSOR_TAG, length, leaves) != Some(step.output) {
                    return Err(MoveRefusal::Leaves);
                }
                Ok(MoveEffect::Next(Self::Leaf { step }))
            },
            (Self::Bytes { step, piece }, Answer::Bytes(bytes)) => {
                let range = piece.range(step.output_bytes(plan)?);
                let holds = match piece {
                    Piece::Whole => tensor_bytes_root(bytes) == step.output,
                    Piece::Leaf { digest, .. } => leaf_digest(bytes) == digest,
                };
                if range.len() != bytes.len() || !holds {
                    return Err(MoveRefusal::Bytes);
                }
                Ok(MoveEffect::Next(Self::Tile { step, piece }))
            },
            (Self::Open { step, piece, tile }, Answer::Opening(opening)) => {
                let Some(Shown::Bytes(bytes)) = shown else { return Err(MoveRefusal::NotShown) };
                step.open(plan, &piece, bytes, tile, opening).map(MoveEffect::Won)
            },
            _ => Err(MoveRefusal::OutOfTurn),
        }
    }
}

/// Checks the roots of all tensors against the claim.
fn check_roots(claim: &Claim<'_>, roots: &[Digest]) -> Result<(), MoveRefusal> {
    let (expected, found) = (claim.plan.shapes().len(), roots.len());
    if expected != found {
        return Err(MoveRefusal::RootCount { expected, found });
    }
    if trace_root(roots) != claim.trace_root {
        return Err(MoveRefusal::TraceRoot);
    }
    if roots.first() != Some(&tensor_bytes_root(claim.input)) {
        return Err(MoveRefusal::InputRoot);
    }
    if roots.last() != Some(&tensor_bytes_root(claim.output)) {
        return Err(MoveRefusal::OutputRoot);
    }
    Ok(())
}

/// The bytes of a tensor that are in both ranges.
fn overlap(one: &Range<usize>, other: &Range<usize>) -> Range<usize> {
    one.start.max(other.start)..one.end.min(other.end)
}

impl DisputedOperation {
    /// The operation with the roots of its inputs and its output; `None` if there is no such
    /// operation.
    fn new(plan: &Plan, roots: &[Digest], index: u16) -> Option<Self> {
        let operation = plan.operations().get(usize::from(index))?;
        let inputs: Vec<Digest> = operation
            .inputs()
            .map(|input| roots.get(input.index()).copied())
            .collect::<Option<_>>()?;
        Some(Self {
            operation: index,
            inputs: inputs.try_into().ok()?,
            output: *roots.get(usize::from(index) + 1)?,
        })
    }

    /// Index of the operation.
    pub fn index(&self) -> usize {
        self.operation.into()
    }

    /// Length of the operation's output in bytes.
    ///
    /// # Errors
    ///
    /// [`MoveRefusal::NoOperation`] if the plan has no such operation.
    pub fn output_bytes(&self, plan: &Plan) -> Result<usize, MoveRefusal> {
        tensor_bytes(plan, TensorId(self.operation.saturating_add(1)))
            .ok_or(MoveRefusal::NoOperation)
    }

    /// The range of bytes that a tile covers in the operation's output.
    fn tile_bytes(&self, plan: &Plan, tile: u32) -> Result<Range<usize>, MoveRefusal> {
        let operation = plan.operations().get(self.index()).ok_or(MoveRefusal::NoOperation)?;
        let range =
            tile_range(plan, self.index(), tile as usize).map_err(|_| MoveRefusal::NoTile)?;
        let width = element_bytes(operation.output_type());
        Ok(range.start * width..range.end * width)
    }

    /// Computes the tile and returns the party that is right.
    fn open(
        &self,
        plan: &Plan,
        piece: &Piece,
        bytes: &[u8],
        tile: u32,
        opening: &[u8],
    ) -> Result<Party, MoveRefusal> {
        let range = self.tile_bytes(plan, tile)?;
        let first = piece.range(self.output_bytes(plan)?).start;
        let shared = overlap(&range, &(first..first + bytes.len()));
        let opening = TileOpening::from_bytes(opening).map_err(MoveRefusal::Opening)?;
        let computed = match opening.run(plan, self.index(), tile as usize, &self.inputs) {
            Ok(tensor) => tensor.to_bytes(),
            // A claim that leaves int32 is wrong. Only a model that was not checked for publication
            // gets here.
            Err(TileError::Run(RunError::Overflow)) => return Ok(Party::Challenger),
            Err(error) => return Err(MoveRefusal::Opening(error)),
        };
        let computed = computed.get(shared.start - range.start..shared.end - range.start);
        let claimed = bytes.get(shared.start - first..shared.end - first);
        Ok(if computed == claimed { Party::Defender } else { Party::Challenger })
    }
}

// Indices of operations and leaves fit into 16 bits, offsets in a tensor into 32.
const _: () = assert!(MAX_OPERATIONS <= 1 << 16 && MAX_LEAVES <= 1 << 16);
const _: () = assert!(leaves(MAX_WHOLE_BYTES as usize) == 16);
