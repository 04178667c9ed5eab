//! Bounds of a model. Decoding refuses what exceeds those of bytes and lists, before it
//! allocates; [`Plan`](crate::Plan) and [`CheckedGraph`](crate::CheckedGraph) refuse the rest.

/// Most operations of a graph, and so most tensors beside the input.
pub const MAX_OPERATIONS: usize = 256;
/// Most elements of one tensor.
pub const MAX_TENSOR_ELEMENTS: usize = 1 << 20;
/// Most elements of all tensors together, the input and accumulators included.
pub const MAX_TOTAL_ELEMENTS: usize = 1 << 24;
/// Most weights and biases of all operations together.
pub const MAX_PARAMETERS: usize = 1 << 24;
/// Most output channels of an operation with weights, and most multipliers of a
/// requantisation.
pub const MAX_CHANNELS: usize = 1 << 14;
/// Most inputs that one accumulator sums.
///
/// 2^15 products of two int8 values stay within ±2^29, so that no partial sum leaves int32, and
/// one element is a bounded amount of work.
pub const MAX_FAN_IN: usize = 1 << 15;
/// Greatest magnitude of a bias.
///
/// With [`MAX_FAN_IN`] products of two int8 values the sum reaches the largest int32 and no more. So
/// an architecture alone bounds its accumulators, whatever weights and biases are.
pub const MAX_BIAS: i32 = i32::MAX - ((MAX_FAN_IN as i32) << 14);
/// Most elements in the window of a maximum.
///
/// The proof that the maximum is a member of its window is a product of as many factors. A
/// larger window is two successive maxima.
pub const MAX_POOL_WINDOW: usize = 16;
/// Most elementary steps of a whole inference: products of two elements, elements compared,
/// elements requantised.
pub const MAX_TOTAL_WORK: u64 = 1 << 32;

/// Fewest bits of a quotient window: `[-256, 256)` holds every int8 value and both ends of every
/// clamp with room on either side.
pub const MIN_QUOTIENT_BITS: u8 = 9;
/// Most bits of a quotient window. The clamp table has a row for each quotient in it.
pub const MAX_QUOTIENT_BITS: u8 = 20;
/// Most bits of quotient window and shift together, sign left out: `q·2^s + r` then stays within
/// ±2^62, as `acc·M + 2^(s-1)` does, and two such numbers are equal modulo `2^64 - 2^32 + 1`
/// only if they are equal.
pub const MAX_EQUATION_BITS: u8 = 62;

/// Order of the field that proofs are made in (Goldilocks), `2^64 - 2^32 + 1`.
///
/// [`Plan`](crate::Plan) refuses an operation whose values could differ by as much: an equation of
/// such values in the field is none of integers.
pub const PROOF_FIELD_ORDER: i128 = (1 << 64) - (1 << 32) + 1;

/// Most bytes of the proof parameters.
pub const MAX_PROOF_PARAMETER_BYTES: usize = 256;
/// Most bytes of an encoded [`Architecture`](crate::Architecture).
pub const MAX_ARCHITECTURE_BYTES: usize = 1 << 18;
/// Most bytes of encoded [`Weights`](crate::Weights): each parameter a bias, and the lengths.
pub const MAX_WEIGHTS_BYTES: usize = 4 * MAX_PARAMETERS + 16 * MAX_OPERATIONS;
