//! Requantisation: from an int32 accumulator back to int8, by one exact rule.
//!
//! ```text
//! acc·M + 2^(s-1) = q·2^s + r,   0 <= r < 2^s,   y = clamp(q, lo, hi)
//! ```
//!
//! `q` is `acc·M / 2^s` rounded to the nearest integer, and ties go up: -1.5 becomes -1. The
//! types admit no other `M`, `s`, `lo` and `hi` than legal ones, so [`requantize`] is total.

use codec::{Decode, Encode, Error, Input};

/// A positive integer of 31 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode)]
pub struct Multiplier(u32);

impl Multiplier {
    /// 1.
    pub const ONE: Self = Self(1);
    /// 2^31 - 1.
    pub const MAX: Self = Self((1 << 31) - 1);

    /// `None` for zero and for what needs more than 31 bits.
    pub const fn new(value: u32) -> Option<Self> {
        if value == 0 || value > Self::MAX.0 {
            return None;
        }
        Some(Self(value))
    }

    /// The number, `1..2^31`.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Decode for Multiplier {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Self::new(u32::decode(input)?).ok_or_else(|| "multiplier outside 1..2^31".into())
    }
}

/// By how many bits an accumulator is shifted after the multiplication.
///
/// Three shifts are enough: every ratio from 2^-33 to 2^15 is `M / 2^s` with one of them and an
/// `M` of 16 bits or more. Multiples of 16 let the remainder be cut into full limbs of 8 or 16
/// bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub enum Shift {
    /// 16 bits.
    #[codec(index = 16)]
    Bits16,
    /// 32 bits.
    #[codec(index = 32)]
    Bits32,
    /// 48 bits.
    #[codec(index = 48)]
    Bits48,
}

impl Shift {
    /// Every shift there is.
    pub const ALL: [Self; 3] = [Self::Bits16, Self::Bits32, Self::Bits48];

    /// The number of bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Bits16 => 16,
            Self::Bits32 => 32,
            Self::Bits48 => 48,
        }
    }
}

/// An interval of int8 values that holds zero. ReLU is `0..=127`.
///
/// Zero is in it so that an accumulator of zero, which padding has in a proof, becomes zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode)]
pub struct Clamp {
    lo: i8,
    hi: i8,
}

impl Clamp {
    /// All int8 values.
    pub const FULL: Self = Self { lo: i8::MIN, hi: i8::MAX };
    /// What is not negative.
    pub const RELU: Self = Self { lo: 0, hi: i8::MAX };

    /// `None` unless `lo <= 0 <= hi`.
    pub const fn new(lo: i8, hi: i8) -> Option<Self> {
        if lo > 0 || hi < 0 {
            return None;
        }
        Some(Self { lo, hi })
    }

    /// The least value.
    pub const fn lo(self) -> i8 {
        self.lo
    }

    /// The greatest value.
    pub const fn hi(self) -> i8 {
        self.hi
    }

    /// The value in the interval next to `quotient`.
    pub const fn apply(self, quotient: i64) -> i8 {
        if quotient < self.lo as i64 {
            self.lo
        } else if quotient > self.hi as i64 {
            self.hi
        } else {
            quotient as i8
        }
    }
}

impl Decode for Clamp {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let (lo, hi) = <(i8, i8)>::decode(input)?;
        Self::new(lo, hi).ok_or_else(|| "clamp interval without zero".into())
    }
}

/// One requantised value, with what a proof needs besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requantized {
    /// `q`, below 2^46 in magnitude.
    pub quotient: i64,
    /// `r`, `0..2^s`.
    pub remainder: u64,
    /// `y`.
    pub output: i8,
}

/// The rule. Interpreter, fast path, checks and prover all call this function.
pub const fn requantize(
    accumulator: i32,
    multiplier: Multiplier,
    shift: Shift,
    clamp: Clamp,
) -> Requantized {
    let bits = shift.bits();
    // |acc·M| <= 2^31·(2^31 - 1), so the sum stays below 2^62 + 2^47 in magnitude.
    let scaled = accumulator as i64 * multiplier.0 as i64 + (1 << (bits - 1));
    // The arithmetic shift rounds towards minus infinity, which is what 0 <= r asks for.
    let quotient = scaled >> bits;
    let remainder = (scaled - (quotient << bits)) as u64;
    Requantized { quotient, remainder, output: clamp.apply(quotient) }
}
