//! From a rational number to the bytes of an element.

use alloc::vec::Vec;

use super::{
    arithmetic::rounded,
    channel::{Cast, Quant},
    failure::PipelineFailure,
};

impl Quant {
    /// Appends the element of `a/b`: `a·num / (b·den)`, rounded to the nearest integer, ties up, held
    /// to `[lo, hi]` and cast. With `b = 0` the integer is 0 before it is held.
    ///
    /// Fails with [`Negative`](PipelineFailure::Negative) if `b` is negative, and with
    /// [`Overflow`](PipelineFailure::Overflow) if `2·a·num + b·den` has more than 127 bits and a sign.
    pub(super) fn put(&self, a: i128, b: i128, data: &mut Vec<u8>) -> Result<(), PipelineFailure> {
        if b < 0 {
            return Err(PipelineFailure::Negative);
        }
        let integer =
            if b == 0 { 0 } else { self.scaled(a, b).ok_or(PipelineFailure::Overflow)? };
        self.put_integer(integer, data);
        Ok(())
    }

    /// `a·num / (b·den)`, rounded.
    fn scaled(&self, a: i128, b: i128) -> Option<i128> {
        rounded(a.checked_mul(self.num.into())?, b.checked_mul(self.den.into())?)
    }

    /// Appends the smallest element.
    pub(super) fn put_smallest(&self, data: &mut Vec<u8>) {
        self.put_integer(self.lo.into(), data);
    }

    /// Appends an integer, held to `[lo, hi]`. All of these are in the type.
    fn put_integer(&self, integer: i128, data: &mut Vec<u8>) {
        let held = match i32::try_from(integer) {
            Ok(integer) => integer.max(self.lo).min(self.hi),
            Err(_) if integer < 0 => self.lo,
            Err(_) => self.hi,
        };
        let bytes = match self.to {
            Cast::F32 { shift } => f32_bits(held, shift).to_le_bytes(),
            Cast::I8 | Cast::I16 | Cast::I32 => held.to_le_bytes(),
        };
        // Two's complement: the low bytes of an integer are the same integer in a narrower type.
        data.extend_from_slice(&bytes[..self.to.number_type().size()]);
    }
}

/// The bits of the IEEE 754 binary32 that is `integer·2^-shift`, which is exact: the magnitude is at
/// most 2^24, and the shift at most 126, so the number is 0 or normal.
fn f32_bits(integer: i32, shift: u8) -> u32 {
    let magnitude = integer.unsigned_abs();
    // The position of the leading bit, at most 24. It is the one that the format leaves out.
    let Some(position) = magnitude.checked_ilog2() else { return 0 };
    let sign = u32::from(integer < 0) << 31;
    // Of 24 bits that begin with the leading one; if there are 25, the last of them is 0.
    let mantissa = (u64::from(magnitude) << 23 >> position) as u32 & ((1 << 23) - 1);
    // From 1 to 151.
    let exponent = 127 + position - u32::from(shift);
    sign | exponent << 23 | mantissa
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{MAX_F32_MAGNITUDE, MAX_SHIFT};
    use proptest::prelude::*;

    fn is_exact(integer: i32, shift: u8) {
        let number = f32::from_bits(f32_bits(integer, shift));
        assert_eq!(f64::from(number), f64::from(integer) * 0.5f64.powi(shift.into()));
        assert!(number == 0.0 || number.is_normal());
        assert!(number != 0.0 || number.is_sign_positive());
    }

    #[test]
    fn the_ends_of_single_precision_are_exact() {
        for shift in 0..=MAX_SHIFT {
            for integer in [0, 1, 2, 3, 255, (1 << 24) - 1, MAX_F32_MAGNITUDE] {
                is_exact(integer, shift);
                is_exact(-integer, shift);
            }
        }
    }

    proptest! {
        #[test]
        fn every_integer_is_exact_in_single_precision(
            integer in -MAX_F32_MAGNITUDE..=MAX_F32_MAGNITUDE, shift in 0..=MAX_SHIFT,
        ) {
            is_exact(integer, shift);
        }
    }
}
