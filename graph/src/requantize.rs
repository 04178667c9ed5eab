//! Requantisation: from an int32 accumulator to int8, by one exact rule.
//!
//! ```text
//! acc·M + 2^(s-1) = q·2^s + r,   0 <= r < 2^s,   y = clamp(q, lo, hi)
//! ```
//!
//! `q` is `acc·M / 2^s` rounded to the nearest integer, with ties rounded up: -1.5 becomes -1. The
//! types admit only legal `M`, `s`, `lo` and `hi`, so [`requantize`] is total.

use codec::{Decode, Encode, Error, Input};

/// The multiplier `M` of a requantisation or an addition: a positive integer of 31 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode)]
pub struct Multiplier(u32);

impl Multiplier {
    /// 1.
    pub const ONE: Self = Self(1);
    /// 2^31 - 1.
    pub const MAX: Self = Self((1 << 31) - 1);

    /// A multiplier; `None` for zero and for values above 2^31 - 1.
    pub const fn new(value: u32) -> Option<Self> {
        if value == 0 || value > Self::MAX.0 {
            return None;
        }
        Some(Self(value))
    }

    /// The value, in `[1, 2^31)`.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Decode for Multiplier {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Self::new(u32::decode(input)?).ok_or_else(|| "multiplier outside 1..2^31".into())
    }
}

/// The number `s` of bits by which a scaled accumulator is shifted right.
///
/// Three shifts suffice: every ratio from 2^-33 to 2^15 is `M / 2^s` for one of them and an `M` of
/// at least 16 bits. They are multiples of 16 so that the remainder divides into full limbs of 8 or
/// 16 bits.
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
    /// All shifts.
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

/// An interval of int8 values that contains zero. ReLU is `[0, 127]`.
///
/// Zero must be contained because the accumulators of padding are zero in a proof, and must become
/// zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode)]
pub struct Clamp {
    lo: i8,
    hi: i8,
}

impl Clamp {
    /// All int8 values.
    pub const FULL: Self = Self { lo: i8::MIN, hi: i8::MAX };
    /// All int8 values that are not negative.
    pub const RELU: Self = Self { lo: 0, hi: i8::MAX };

    /// The interval `[lo, hi]`; `None` unless `lo <= 0 <= hi`.
    pub const fn new(lo: i8, hi: i8) -> Option<Self> {
        if lo > 0 || hi < 0 {
            return None;
        }
        Some(Self { lo, hi })
    }

    /// The lower bound.
    pub const fn lo(self) -> i8 {
        self.lo
    }

    /// The upper bound.
    pub const fn hi(self) -> i8 {
        self.hi
    }

    /// The value of the interval that is nearest to `quotient`.
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

/// A requantised value, with quotient and remainder for a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requantized {
    /// The quotient `q`, below 2^46 in magnitude.
    pub quotient: i64,
    /// The remainder `r`, in `[0, 2^s)`.
    pub remainder: u64,
    /// The output `y`.
    pub output: i8,
}

/// Requantises an accumulator. The interpreter, the fast path, the checks and the prover all use
/// this function.
///
/// ```
/// use assay_graph::{requantize, Clamp, Multiplier, Shift};
///
/// // A multiplier of 2^14 and a shift of 16 divide by 4: 46 / 4 = 11.5, which is rounded up.
/// let multiplier = Multiplier::new(1 << 14).unwrap();
/// assert_eq!(requantize(46, multiplier, Shift::Bits16, Clamp::FULL).output, 12);
/// assert_eq!(requantize(-46, multiplier, Shift::Bits16, Clamp::FULL).output, -11);
/// assert_eq!(requantize(-46, multiplier, Shift::Bits16, Clamp::RELU).output, 0);
/// ```
pub const fn requantize(
    accumulator: i32,
    multiplier: Multiplier,
    shift: Shift,
    clamp: Clamp,
) -> Requantized {
    let bits = shift.bits();
    // |acc·M| <= 2^31·(2^31 - 1), so the sum stays below 2^62 + 2^47 in magnitude.
    let scaled = accumulator as i64 * multiplier.0 as i64 + (1 << (bits - 1));
    // The arithmetic shift rounds down, as `0 <= r` requires.
    let quotient = scaled >> bits;
    let remainder = (scaled - (quotient << bits)) as u64;
    Requantized { quotient, remainder, output: clamp.apply(quotient) }
}
