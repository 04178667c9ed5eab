//! All bounds of bodies, paths and values.

/// Maximum length of a body in bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Maximum depth of nested arrays and objects of JSON.
pub const MAX_DEPTH: u32 = 64;

/// Maximum number of steps of a path.
pub const MAX_STEPS: usize = 8;

/// Maximum length of a name in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 128;

/// Maximum length of a written number in bytes.
pub const MAX_NUMBER_BYTES: usize = 64;

/// Maximum number of decimals of an integer.
pub const MAX_DECIMALS: u8 = 12;

/// Maximum magnitude of an integer, 2^53 - 1: all of them are exact in JavaScript.
pub const MAX_MAGNITUDE: i64 = (1 << 53) - 1;

/// The last millisecond of the year 9999, in milliseconds since 1970. A present time in milliseconds
/// that is taken for seconds is beyond it.
pub const MAX_TIME_MS: i64 = 253_402_300_799_999;
