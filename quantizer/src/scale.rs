//! Scales, multipliers and shifts.

use assay_graph::{Multiplier, Scale, Shift};

/// The binary32 number that is nearest to `value`, which must be positive. Scales are binary32
/// numbers, so that they can be encoded exactly.
pub(crate) fn rounded(value: f64) -> f64 {
    f64::from((value as f32).clamp(1e-30, 1e30))
}

/// Encodes a scale for an integer model. `scale` must be a result of [`rounded`].
pub(crate) fn encoded(scale: f64) -> Scale {
    let bits = (scale as f32).to_bits();
    // Numbers in the range of `rounded` are normal.
    let (mut mantissa, mut exponent) = ((bits & 0x7f_ffff | 0x80_0000) as i32, (bits >> 23) as i16);
    exponent -= 127 + 23;
    let zeros = mantissa.trailing_zeros();
    mantissa >>= zeros;
    exponent += zeros as i16;
    Scale { mantissa, exponent: exponent.clamp(i8::MIN.into(), i8::MAX.into()) as i8 }
}

/// The real number that a [`Scale`] represents.
pub fn scale_value(scale: Scale) -> f64 {
    f64::from(scale.mantissa) * 2f64.powi(scale.exponent.into())
}

/// Multipliers `M` and a shift `s`, such that `M / 2^s` is the nearest to each of the ratios.
///
/// The shift is 16 if the greatest ratio is 0.499 or more, 48 if it is below 2^-17, and otherwise
/// 32. With shift 32, an accumulator of 2^24 is scaled with an error of less than 2^-9. Ratios must be
/// positive. Ratios outside the range of multipliers get the smallest or the greatest multiplier.
pub fn multipliers(ratios: &[f64]) -> (Vec<Multiplier>, Shift) {
    let greatest = ratios.iter().copied().fold(0.0, f64::max);
    let shift = if greatest >= 0.499 {
        Shift::Bits16
    } else if greatest < 2f64.powi(-17) {
        Shift::Bits48
    } else {
        Shift::Bits32
    };
    let factor = 2f64.powi(shift.bits().into());
    let multiplier = |ratio: &f64| {
        let value = (ratio * factor).round().clamp(1.0, f64::from(Multiplier::MAX.get()));
        Multiplier::new(value as u32).unwrap_or(Multiplier::ONE)
    };
    let mut all: Vec<Multiplier> = ratios.iter().map(multiplier).collect();
    if all.iter().all(|multiplier| *multiplier == all[0]) {
        all.truncate(1);
    }
    (all, shift)
}

/// The int8 value of a real number: rounded to the nearest integer, ties up, and clamped.
pub fn to_int8(value: f64, scale: f64) -> i8 {
    (value / scale + 0.5).floor().clamp(i8::MIN.into(), i8::MAX.into()) as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_encoded_exactly() {
        for value in [1.0, 1.0 / 127.0, 0.003_921, 1e-20, 12345.678, 0.5] {
            let scale = rounded(value);
            assert_eq!(scale_value(encoded(scale)), scale);
            assert!((scale / value - 1.0).abs() < 1e-7);
        }
        assert_eq!(encoded(rounded(0.25)), Scale { mantissa: 1, exponent: -2 });
    }

    #[test]
    fn multipliers_are_nearest_to_their_ratios() {
        for (ratio, shift) in [
            (0.4, Shift::Bits32),
            (0.001, Shift::Bits32),
            (1e-6, Shift::Bits48),
            (0.5, Shift::Bits16),
            (300.0, Shift::Bits16),
        ] {
            let (found, used) = multipliers(&[ratio]);
            assert_eq!(used, shift);
            let value = f64::from(found[0].get()) / 2f64.powi(shift.bits().into());
            assert!((value / ratio - 1.0).abs() < 1e-4, "{value} for {ratio}");
        }
        let (found, _) = multipliers(&[0.3, 1e-12]);
        assert_eq!(found[1], Multiplier::ONE);
        assert_eq!(multipliers(&[0.1, 0.1]).0.len(), 1);
    }

    #[test]
    fn numbers_become_int8_with_ties_up() {
        let half = |value| to_int8(value, 1.0);
        assert_eq!([half(0.5), half(-0.5), half(1.49), half(-1.5)], [1, 0, 1, -1]);
        assert_eq!([half(1e9), half(-1e9), half(127.6)], [127, -128, 127]);
    }
}
