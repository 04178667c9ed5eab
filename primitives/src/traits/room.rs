//! Room in blocks for the feeless calls of operators and for moves in disputes.

use sp_weights::Weight;

use crate::{Balance, BlockNumber};

/// Upper bound of the length of an operator's call in bytes, without output and proof.
pub const WORKER_CALL_BYTES: u32 = 320;

/// Room in blocks, and its price. Implemented by `room`.
///
/// Time that a party has for an answer or a move counts only blocks that had room for it.
/// Otherwise whoever fills blocks makes others late.
pub trait BlockRoom {
    /// Number of blocks until now that had room for one more answer of an operator.
    fn answer_blocks() -> BlockNumber;
    /// Number of blocks before this one that had room for one more move in a dispute.
    fn move_blocks() -> BlockNumber;
    /// Whether an answer of this weight and this length in bytes fits into the operators' share of
    /// this block. The weight is that of the call and of its authorisation; what every transaction
    /// takes comes besides.
    fn fits_answer(weight: Weight, bytes: u32) -> bool;
    /// Notes that this block contains an answer of this weight and this length in bytes, in the same
    /// way.
    fn note_answer(weight: Weight, bytes: u32);
    /// Whether an operator's move in a dispute of this weight and this length in bytes fits into what
    /// this block has for operational calls alone.
    fn fits_move(weight: Weight, bytes: u32) -> bool;
    /// Notes that this block contains an operator's move in a dispute of this weight and this length
    /// in bytes.
    fn note_move(weight: Weight, bytes: u32);
    /// The price of this weight and these bytes of a block, in plancks: what a signed transaction
    /// of the same weight and length pays now, without its base fee.
    fn price(weight: Weight, bytes: u32) -> Balance;
}

/// Blocks with room for everything, free of charge.
impl BlockRoom for () {
    fn answer_blocks() -> BlockNumber {
        BlockNumber::MAX
    }
    fn move_blocks() -> BlockNumber {
        BlockNumber::MAX
    }
    fn fits_answer(_: Weight, _: u32) -> bool {
        true
    }
    fn note_answer(_: Weight, _: u32) {}
    fn fits_move(_: Weight, _: u32) -> bool {
        true
    }
    fn note_move(_: Weight, _: u32) {}
    fn price(_: Weight, _: u32) -> Balance {
        0
    }
}
