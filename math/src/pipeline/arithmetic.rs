//! Exact integer arithmetic that the operations are made of.

/// `floor(a/b + 1/2) = floor((2a + b) / 2b)`: the nearest integer, ties up. `None` if `b` is not
/// positive, or if `2a + b` or `2b` exceeds 127 bits and a sign.
pub(super) fn rounded(a: i128, b: i128) -> Option<i128> {
    if b <= 0 {
        return None;
    }
    a.checked_mul(2)?.checked_add(b)?.checked_div_euclid(b.checked_mul(2)?)
}

/// `log2 a` in units of 2^-16, rounded down in 62 bits; 0 for 0. `a` is below 2^70.
///
/// With `e = floor(log2 a)`, the integer part is `e`, and the other bits come from squaring
/// `m = floor(a·2^(62-e))`, a mantissa in `[2^62, 2^63)`: where the square is 2 or more, the next bit
/// is 1 and the square is halved. Each step rounds down. The result is that of exact arithmetic, or
/// one less where `a` is within about 2^-45 of the next step.
///
/// No overflow: `m² < 2^126`. The result is below 70·2^16.
pub(super) fn log2_q16(a: u128) -> i128 {
    let Some(e) = a.checked_ilog2() else { return 0 };
    let mut m = if e <= 62 { a << (62 - e) } else { a >> (e - 62) };
    let mut bits = i128::from(e);
    for _ in 0..16 {
        m = (m * m) >> 62;
        bits <<= 1;
        if m >= 1 << 63 {
            bits |= 1;
            m >>= 1;
        }
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ties_are_rounded_up() {
        let halves = [(-5, -2), (-3, -1), (-1, 0), (1, 1), (3, 2), (5, 3)];
        for (a, expected) in halves {
            assert_eq!(rounded(a, 2), Some(expected), "{a}/2");
        }
        assert_eq!(rounded(-149, 100), Some(-1));
        assert_eq!(rounded(-151, 100), Some(-2));
    }

    #[test]
    fn what_has_no_room_has_no_quotient() {
        assert_eq!(rounded(i128::MAX / 2, 1), Some(i128::MAX / 2));
        assert_eq!(rounded(i128::MAX / 2 + 1, 1), None);
        assert_eq!(rounded(i128::MIN / 2, 1), Some(i128::MIN / 2));
        assert_eq!(rounded(i128::MIN / 2 - 1, 1), None);
        assert_eq!(rounded(0, i128::MAX), None);
        assert_eq!(rounded(1, 0), None);
        assert_eq!(rounded(1, -1), None);
    }

    #[test]
    fn logarithms_of_powers_of_two_are_exact() {
        assert_eq!(log2_q16(0), 0);
        for e in 0..70 {
            assert_eq!(log2_q16(1 << e), i128::from(e) << 16);
            assert_eq!(log2_q16((1 << e) - 1) >> 16, i128::from(e) - 1 + i128::from(e == 0));
        }
        // log2 3 = 1.58496250072..., and 0.58496250072·65536 = 38336.1...
        assert_eq!(log2_q16(3), (1 << 16) + 38336);
    }

    proptest! {
        #[test]
        fn a_quotient_is_at_most_half_away(a in any::<i64>(), b in 1i64..) {
            let (a, b) = (i128::from(a), i128::from(b));
            let distance = 2 * (rounded(a, b).unwrap() * b - a);
            prop_assert!(-b < distance && distance <= b);
        }

        #[test]
        fn logarithms_are_those_of_floating_point(a in 1u128..1 << 70) {
            let exact = (a as f64).log2() * 65536.0;
            let found = log2_q16(a) as f64;
            prop_assert!(exact - 1.0 - 1e-6 < found && found < exact + 1e-6);
        }

        #[test]
        fn logarithms_do_not_fall(a in 1u128..(1 << 70) - 1, more in 0u128..1 << 20) {
            let b = (a + more).min((1 << 70) - 1);
            prop_assert!(log2_q16(a) <= log2_q16(b));
        }
    }
}
