//! Equality of floating-point outputs within a tolerance.
//!
//! The comparison runs in consensus and therefore uses integers only. A finite number is converted
//! to fixed point with 40 fractional bits, truncated towards zero and saturated at ±2^86. The error
//! of the conversion is below 10^-12, a millionth of the unit in which tolerances are stated.

/// Number of fractional bits of the fixed-point numbers.
const FRACTION_BITS: i32 = 40;
/// Numbers saturate at ±2^86: 86 + 40 bits and a sign fit into an `i128`.
const INTEGER_BITS: i32 = 86;

/// Width of a floating-point element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatWidth {
    /// IEEE 754 binary32.
    Single,
    /// IEEE 754 binary64.
    Double,
}

impl FloatWidth {
    /// Width in bytes.
    const fn bytes(self) -> usize {
        match self {
            Self::Single => 4,
            Self::Double => 8,
        }
    }

    /// Number of mantissa bits, and exponent bias.
    const fn layout(self) -> (u32, i32) {
        match self {
            Self::Single => (23, 127),
            Self::Double => (52, 1023),
        }
    }
}

/// Whether each element of `a` differs from that of `b` by at most `millionths` · 10^-6.
///
/// Both slices hold little-endian elements. The result is false if their lengths differ or are not
/// a multiple of the element's width. NaN and infinities are equal only to the same bits; payloads
/// with such elements are refused elsewhere.
///
/// ```
/// use assay_math::{elements_within, FloatWidth};
///
/// let (a, b) = (0.5f32.to_le_bytes(), 0.5000009f32.to_le_bytes());
/// assert!(elements_within(FloatWidth::Single, &a, &b, 1));
/// assert!(!elements_within(FloatWidth::Single, &a, &b, 0));
/// ```
pub fn elements_within(width: FloatWidth, a: &[u8], b: &[u8], millionths: u64) -> bool {
    if a.len() != b.len() || !a.len().is_multiple_of(width.bytes()) {
        return false;
    }
    let limit = (i128::from(millionths) << FRACTION_BITS) / 1_000_000;
    a.chunks_exact(width.bytes()).zip(b.chunks_exact(width.bytes())).all(|(a, b)| {
        a == b
            || match (fixed_point(width, a), fixed_point(width, b)) {
                (Some(a), Some(b)) => a.abs_diff(b) <= limit.unsigned_abs(),
                _ => false,
            }
    })
}

/// The element in fixed point; `None` for NaN and infinities.
fn fixed_point(width: FloatWidth, bytes: &[u8]) -> Option<i128> {
    let bits = bytes.iter().rev().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    let (mantissa_bits, bias) = width.layout();
    let exponent_bits = bytes.len() as u32 * 8 - 1 - mantissa_bits;
    let exponent_field = (bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
    if exponent_field == (1 << exponent_bits) - 1 {
        return None;
    }
    let fraction = i128::from(bits & ((1 << mantissa_bits) - 1));
    let (significand, exponent) = match exponent_field {
        0 => (fraction, 1 - bias),
        field => (fraction | 1 << mantissa_bits, field as i32 - bias),
    };
    // value = significand · 2^(exponent - mantissa_bits)
    let magnitude = if exponent >= INTEGER_BITS {
        1 << (INTEGER_BITS + FRACTION_BITS)
    } else {
        match exponent - mantissa_bits as i32 + FRACTION_BITS {
            shift @ 0.. => significand << shift,
            shift @ -127..=-1 => significand >> -shift,
            _ => 0,
        }
    };
    let negative = bits >> (bytes.len() as u32 * 8 - 1) == 1;
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn within(a: f32, b: f32, millionths: u64) -> bool {
        elements_within(FloatWidth::Single, &a.to_le_bytes(), &b.to_le_bytes(), millionths)
    }

    #[test]
    fn the_tolerance_is_inclusive() {
        assert!(within(1.0, 1.0, 0));
        assert!(within(0.0, -0.0, 0));
        assert!(!within(1.0, 1.000001, 0));
        assert!(within(0.25, 0.2500005, 1));
        assert!(!within(0.25, 0.25001, 1));
        assert!(within(0.5, -0.5, 1_000_000));
        assert!(!within(0.5, -0.5, 999_999));
    }

    #[test]
    fn nan_and_infinities_are_within_of_themselves_only() {
        assert!(within(f32::NAN, f32::NAN, 0));
        assert!(!within(f32::NAN, 0.0, u64::from(u32::MAX)));
        assert!(!within(f32::INFINITY, f32::MAX, u64::from(u32::MAX)));
    }

    #[test]
    fn lengths_must_agree() {
        let one = 1.0f32.to_le_bytes();
        let two: Vec<u8> = [one, one].concat();
        assert!(!elements_within(FloatWidth::Single, &one, &two, u64::from(u32::MAX)));
        assert!(!elements_within(FloatWidth::Single, &one[..3], &one[..3], u64::from(u32::MAX)));
        assert!(!elements_within(FloatWidth::Double, &one, &one, u64::from(u32::MAX)));
    }

    proptest! {
        #[test]
        fn agrees_with_floating_point_away_from_the_edge(
            a in -1e6f64..1e6, distance in -10.0f64..10.0, millionths in 0u64..20_000_000,
        ) {
            let b = a + distance;
            let exact = (b - a).abs() * 1e6;
            prop_assume!((exact - millionths as f64).abs() > 0.01);
            prop_assert_eq!(
                elements_within(FloatWidth::Double, &a.to_le_bytes(), &b.to_le_bytes(), millionths),
                exact < millionths as f64
            );
        }

        #[test]
        fn is_symmetric_for_any_bits(
            a in any::<u32>(), b in any::<u32>(), millionths in any::<u64>(),
        ) {

            let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
            prop_assert_eq!(
                elements_within(FloatWidth::Single, &a, &b, millionths),
                elements_within(FloatWidth::Single, &b, &a, millionths)
            );
        }
    }
}
