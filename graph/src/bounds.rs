//! Bounds of a model. Decoding enforces those on bytes and lists before it allocates;
//! [`Plan`](crate::Plan) and [`CheckedGraph`](crate::CheckedGraph) enforce the others.

/// Maximum number of operations of a graph, and of tensors besides the input.
pub const MAX_OPERATIONS: usize = 256;
/// Maximum number of elements of one tensor.
pub const MAX_TENSOR_ELEMENTS: usize = 1 << 20;
/// Maximum number of elements of all tensors together, including the input and accumulators.
pub const MAX_TOTAL_ELEMENTS: usize = 1 << 24;
/// Maximum number of weights and biases of all operations together.
pub const MAX_PARAMETERS: usize = 1 << 24;
/// Maximum number of output channels of an operation with weights, and of multipliers of a
/// requantisation.
pub const MAX_CHANNELS: usize = 1 << 14;
/// Maximum number of inputs summed by one accumulator.
///
/// A sum of 2^15 products of two int8 values stays within ±2^29, so no partial sum leaves int32.
/// The work per element is bounded.
pub const MAX_FAN_IN: usize = 1 << 15;
/// Maximum magnitude of a bias.
///
/// Together with [`MAX_FAN_IN`] products of two int8 values, the sum reaches exactly the largest
/// int32. An architecture alone therefore bounds its accumulators, for any legal weights and
/// biases.
pub const MAX_BIAS: i32 = i32::MAX - ((MAX_FAN_IN as i32) << 14);
/// Maximum number of elements in the window of a maximum.
///
/// A proof shows that the maximum is one of the elements by a product with one factor per element.
/// Replace a larger window by two successive maxima.
pub const MAX_POOL_WINDOW: usize = 16;
/// Maximum number of elementary steps of an inference: multiplications, comparisons and
/// requantisations of elements.
pub const MAX_TOTAL_WORK: u64 = 1 << 32;

/// Minimum bits of a quotient window: `[-256, 256)` contains every int8 value and extends beyond
/// both ends of every clamp.
pub const MIN_QUOTIENT_BITS: u8 = 9;
/// Maximum bits of a quotient window. The clamp table has one row for each quotient in it.
pub const MAX_QUOTIENT_BITS: u8 = 20;
/// Maximum bits of quotient window and shift together, without the sign. `q·2^s + r` then stays
/// within ±2^62, as does `acc·M + 2^(s-1)`. Two such numbers are equal modulo `2^64 - 2^32 + 1`
/// only if they are equal.
pub const MAX_EQUATION_BITS: u8 = 62;

/// Order of the field of the proof system (Goldilocks), `2^64 - 2^32 + 1`.
///
/// [`Plan`](crate::Plan) refuses an operation if the two sides of one of its equations could differ
/// by as much: an equation in the field would then not imply the equation over the integers.
pub const PROOF_FIELD_ORDER: i128 = (1 << 64) - (1 << 32) + 1;

/// Maximum length of the proof parameters in bytes.
pub const MAX_PROOF_PARAMETER_BYTES: usize = 256;
/// Maximum length of an encoded [`Architecture`](crate::Architecture) in bytes.
pub const MAX_ARCHITECTURE_BYTES: usize = 1 << 18;
/// Maximum length of encoded [`Weights`](crate::Weights) in bytes: 4 per parameter, plus the lists'
/// lengths.
pub const MAX_WEIGHTS_BYTES: usize = 4 * MAX_PARAMETERS + 16 * MAX_OPERATIONS;
