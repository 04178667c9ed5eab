//! The rules.

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

/// Most leaves of a tensor.
pub const MAX_LEAVES: u32 = (4 * MAX_TENSOR_ELEMENTS / LEAF_BYTES) as u32;
/// A tensor of so many bytes or fewer is shown whole, without naming a leaf first.
pub const MAX_WHOLE_BYTES: u32 = 16 * LEAF_BYTES as u32;

/// Most moves of a dispute.
pub const MAX_MOVES: u32 = 7;

/// The roots of all tensors, the input first.
pub type Roots = BoundedVec<Digest, ConstU32<{ MAX_TENSORS as u32 }>>;
/// The digests of the leaves of a tensor.
pub type LeafDigests = BoundedVec<Digest, ConstU32<MAX_LEAVES>>;
/// Bytes of a tensor.
pub type RevealedBytes = BoundedVec<u8, ConstU32<MAX_WHOLE_BYTES>>;

/// What the defender claims.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The model.
    pub plan: &'a Plan,
    /// Root of the trace.
    pub trace_root: Digest,
    /// Elements of the input.
    pub input: &'a [u8],
    /// Elements of the output, little-endian.
    pub output: &'a [u8],
}

/// One of the two sides.
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
    /// Who made the claim.
    #[codec(index = 0)]
    Defender,
    /// Who disputes it.
    #[codec(index = 1)]
    Challenger,
}

/// A move of the defender.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Answer {
    /// In [`Stage::Roots`].
    #[codec(index = 0)]
    Roots(Roots),
    /// In [`Stage::Leaves`].
    #[codec(index = 1)]
    Leaves(LeafDigests),
    /// In [`Stage::Bytes`].
    #[codec(index = 2)]
    Bytes(RevealedBytes),
    /// In [`Stage::Open`]: the encoding of a [`TileOpening`]. Not the defender alone may move
    /// this.
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
    /// In [`Stage::Operation`]: an index of an operation.
    #[codec(index = 0)]
    Operation(u16),
    /// In [`Stage::Leaf`]: an index of a leaf.
    #[codec(index = 1)]
    Leaf(u16),
    /// In [`Stage::Tile`]: an index of a tile.
    #[codec(index = 2)]
    Tile(u32),
}

/// One operation, with the roots that the defender named.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct DisputedOperation {
    /// Its index.
    pub operation: u16,
    /// Roots of its inputs.
    pub inputs: BoundedVec<Digest, ConstU32<2>>,
    /// Root of its output.
    pub output: Digest,
}

/// What of a tensor is to be shown.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Piece {
    /// All of it.
    #[codec(index = 0)]
    Whole,
    /// One leaf.
    #[codec(index = 1)]
    Leaf {
        /// Its index.
        index: u16,
        /// Its digest.
        digest: Digest,
    },
}

/// Where a dispute stands: what is known, and so whose turn it is.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Stage {
    /// The defender is to show the roots of all tensors. Every dispute begins so.
    #[codec(index = 0)]
    Roots,
    /// The challenger is to name an operation.
    #[codec(index = 1)]
    Operation {
        /// Roots of all tensors.
        roots: Roots,
    },
    /// The defender is to show the digests of the leaves of the operation's output.
    #[codec(index = 2)]
    Leaves {
        /// The operation.
        step: DisputedOperation,
    },
    /// The challenger is to name a leaf.
    #[codec(index = 3)]
    Leaf {
        /// The operation.
        step: DisputedOperation,
        /// Digests of the leaves of its output.
        leaves: LeafDigests,
    },
    /// The defender is to show bytes of the operation's output.
    #[codec(index = 4)]
    Bytes {
        /// The operation.
        step: DisputedOperation,
        /// Which bytes.
        piece: Piece,
    },
    /// The challenger is to name a tile.
    #[codec(index = 5)]
    Tile {
        /// The operation.
        step: DisputedOperation,
        /// Place of the first byte in the operation's output.
        first: u32,
        /// The bytes.
        bytes: RevealedBytes,
    },
    /// The defender, or anyone, is to show what the tile reads.
    #[codec(index = 6)]
    Open {
        /// The operation.
        step: DisputedOperation,
        /// Place of the first byte in the operation's output.
        first: u32,
        /// The bytes.
        bytes: RevealedBytes,
        /// The tile.
        tile: u32,
    },
}

/// What a move leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MoveEffect {
    /// The dispute goes on.
    Next(Stage),
    /// The dispute is over.
    Won(Party),
}

/// Why a move is refused. Nothing has changed then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoveRefusal {
    /// The stage asks for another move.
    OutOfTurn,
    /// More or fewer roots than the model has tensors.
    RootCount {
        /// Tensors of the model.
        expected: usize,
        /// Roots shown.
        found: usize,
    },
    /// The roots are not those under the trace root.
    TraceRoot,
    /// The first root is not that of the request's input.
    InputRoot,
    /// The last root is not that of the claimed output.
    OutputRoot,
    /// The model has no operation of this index.
    NoOperation,
    /// The digests of the leaves are not under the tensor's root, or are too many or too few.
    Leaves,
    /// The tensor has no leaf of this index.
    NoLeaf,
    /// The bytes are not those under the leaf's digest or the tensor's root.
    Bytes,
    /// There is no such tile, or it has no element among the bytes shown.
    NoTile,
    /// The opening does not show what the tile reads.
    Opening(TileError),
}

impl core::fmt::Display for MoveRefusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OutOfTurn => write!(f, "the dispute awaits another move"),
            Self::RootCount { expected, found } => {
                write!(f, "{found} roots for {expected} tensors")
            },
            Self::TraceRoot => write!(f, "the roots are not those under the trace root"),
            Self::InputRoot => write!(f, "the first root is not that of the input"),
            Self::OutputRoot => write!(f, "the last root is not that of the claimed output"),
            Self::NoOperation => write!(f, "there is no such operation"),
            Self::Leaves => write!(f, "the digests of the leaves are not under the tensor's root"),
            Self::NoLeaf => write!(f, "there is no such leaf"),
            Self::Bytes => write!(f, "the bytes are not those that the claim commits to"),
            Self::NoTile => write!(f, "there is no such tile, or it has nothing of what is shown"),
            Self::Opening(error) => write!(f, "the opening does not hold: {error}"),
        }
    }
}

impl core::error::Error for MoveRefusal {}

impl Party {
    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Defender => Self::Challenger,
            Self::Challenger => Self::Defender,
        }
    }
}

impl Stage {
    /// Who is to move, and loses if no move comes.
    pub const fn turn(&self) -> Party {
        match self {
            Self::Roots | Self::Leaves { .. } | Self::Bytes { .. } | Self::Open { .. } => {
                Party::Defender
            },
            Self::Operation { .. } | Self::Leaf { .. } | Self::Tile { .. } => Party::Challenger,
        }
    }

    /// Its name in lower case: `roots`, `operation`, `leaves`, `leaf`, `bytes`, `tile` or `open`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Roots => "roots",
            Self::Operation { .. } => "operation",
            Self::Leaves { .. } => "leaves",
            Self::Leaf { .. } => "leaf",
            Self::Bytes { .. } => "bytes",
            Self::Tile { .. } => "tile",
            Self::Open { .. } => "open",
        }
    }

    /// Whether the stage asks for a move of this kind.
    pub const fn takes(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::Roots, Answer::Roots(_))
                | (Self::Leaves { .. }, Answer::Leaves(_))
                | (Self::Bytes { .. }, Answer::Bytes(_))
                | (Self::Open { .. }, Answer::Opening(_))
        )
    }

    /// BLAKE2b-256 of the encoding: what a move is an answer to.
    pub fn digest(&self) -> Digest {
        sp_crypto_hashing::blake2_256(&self.encode())
    }

    /// A move of the challenger.
    pub fn choose(self, plan: &Plan, choice: Choice) -> Result<Self, MoveRefusal> {
        match (self, choice) {
            (Self::Operation { roots }, Choice::Operation(index)) => {
                let step =
                    DisputedOperation::new(plan, &roots, index).ok_or(MoveRefusal::NoOperation)?;
                Ok(if step.output_bytes(plan)? <= MAX_WHOLE_BYTES as usize {
                    Self::Bytes { step, piece: Piece::Whole }
                } else {
                    Self::Leaves { step }
                })
            },
            (Self::Leaf { step, leaves }, Choice::Leaf(index)) => {
                let digest = *leaves.get(usize::from(index)).ok_or(MoveRefusal::NoLeaf)?;
                Ok(Self::Bytes { step, piece: Piece::Leaf { index, digest } })
            },
            (Self::Tile { step, first, bytes }, Choice::Tile(tile)) => {
                let range = step.tile_bytes(plan, tile)?;
                if overlap(&range, first, &bytes).is_empty() {
                    return Err(MoveRefusal::NoTile);
                }
                Ok(Self::Open { step, first, bytes, tile })
            },
            _ => Err(MoveRefusal::OutOfTurn),
        }
    }

    /// A move of the defender, or the last one, of anyone.
    pub fn answer(self, claim: &Claim<'_>, answer: &Answer) -> Result<MoveEffect, MoveRefusal> {
        let plan = claim.plan;
        match (self, answer) {
            (Self::Roots, Answer::Roots(roots)) => {
                check_roots(claim, roots)?;
                Ok(MoveEffect::Next(Self::Operation { roots: roots.clone() }))
            },
            (Self::Leaves { step }, Answer::Leaves(leaves)) => {
                let length = step.output_bytes(plan)?;
                if root_of_leaves(TENSOR_TAG, length, leaves) != Some(step.output) {
                    return Err(MoveRefusal::Leaves);
                }
                Ok(MoveEffect::Next(Self::Leaf { step, leaves: leaves.clone() }))
            },
            (Self::Bytes { step, piece }, Answer::Bytes(bytes)) => {
                let length = step.output_bytes(plan)?;
                let (range, holds) = match piece {
                    Piece::Whole => (0..length, tensor_bytes_root(bytes) == step.output),
                    Piece::Leaf { index, digest } => {
                        (leaf_range(length, index.into()), leaf_digest(bytes) == digest)
                    },
                };
                if range.len() != bytes.len() || !holds {
                    return Err(MoveRefusal::Bytes);
                }
                let first = range.start as u32;
                Ok(MoveEffect::Next(Self::Tile { step, first, bytes: bytes.clone() }))
            },
            (Self::Open { step, first, bytes, tile }, Answer::Opening(opening)) => {
                step.open(plan, first, &bytes, tile, opening).map(MoveEffect::Won)
            },
            _ => Err(MoveRefusal::OutOfTurn),
        }
    }
}

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

/// What of `range`, in bytes of a tensor, is among the bytes shown; as a range of the tensor.
fn overlap(range: &Range<usize>, first: u32, bytes: &[u8]) -> Range<usize> {
    let first = first as usize;
    range.start.max(first)..range.end.min(first + bytes.len())
}

impl DisputedOperation {
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

    /// The index of the operation.
    pub fn index(&self) -> usize {
        self.operation.into()
    }

    /// Bytes of the operation's output.
    pub fn output_bytes(&self, plan: &Plan) -> Result<usize, MoveRefusal> {
        tensor_bytes(plan, TensorId(self.operation.saturating_add(1)))
            .ok_or(MoveRefusal::NoOperation)
    }

    /// The bytes of a tile, in the operation's output.
    fn tile_bytes(&self, plan: &Plan, tile: u32) -> Result<Range<usize>, MoveRefusal> {
        let operation = plan.operations().get(self.index()).ok_or(MoveRefusal::NoOperation)?;
        let range =
            tile_range(plan, self.index(), tile as usize).map_err(|_| MoveRefusal::NoTile)?;
        let width = element_bytes(operation.output_type());
        Ok(range.start * width..range.end * width)
    }

    /// Computes the tile, and says who is right.
    fn open(
        &self,
        plan: &Plan,
        first: u32,
        bytes: &[u8],
        tile: u32,
        opening: &[u8],
    ) -> Result<Party, MoveRefusal> {
        let range = self.tile_bytes(plan, tile)?;
        let shared = overlap(&range, first, bytes);
        let opening = TileOpening::from_bytes(opening).map_err(MoveRefusal::Opening)?;
        let computed = match opening.run(plan, self.index(), tile as usize, &self.inputs) {
            Ok(tensor) => tensor.to_bytes(),
            // What leaves int32 is nothing that the model computes. Only a model that fails the
            // checks of publication comes to this.
            Err(TileError::Run(RunError::Overflow)) => return Ok(Party::Challenger),
            Err(error) => return Err(MoveRefusal::Opening(error)),
        };
        let computed = computed.get(shared.start - range.start..shared.end - range.start);
        let first = first as usize;
        let claimed = bytes.get(shared.start - first..shared.end - first);
        Ok(if computed == claimed { Party::Defender } else { Party::Challenger })
    }
}

// An operation's index and a leaf's fit into 16 bits, and a tensor's bytes into 32.
const _: () = assert!(MAX_OPERATIONS <= 1 << 16 && MAX_LEAVES <= 1 << 16);
const _: () = assert!(leaves(MAX_WHOLE_BYTES as usize) == 16);
