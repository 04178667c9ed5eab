//! The requantisation rule against test vectors that `requantize.py` computes from the definition.

use assay_graph::{requantize, Clamp, Multiplier, Shift};
use proptest::prelude::*;

#[test]
fn the_rule_agrees_with_the_independent_implementation() {
    let mut lines = include_str!("requantize.csv").lines();
    assert_eq!(lines.next(), Some("acc,multiplier,shift,lo,hi,quotient,remainder,output"));
    let (mut count, mut negative_ties, mut clamped) = (0, 0, 0);
    for line in lines {
        let row: Vec<i64> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let [acc, multiplier, bits, lo, hi, quotient, remainder, output] = row[..] else {
            panic!("{line}");
        };
        let shift = Shift::ALL.into_iter().find(|shift| i64::from(shift.bits()) == bits).unwrap();
        let result = requantize(
            acc.try_into().unwrap(),
            Multiplier::new(multiplier.try_into().unwrap()).unwrap(),
            shift,
            Clamp::new(lo.try_into().unwrap(), hi.try_into().unwrap()).unwrap(),
        );
        assert_eq!(result.quotient, quotient, "{line}");
        assert_eq!(result.remainder as i64, remainder, "{line}");
        assert_eq!(i64::from(result.output), output, "{line}");
        count += 1;
        negative_ties += usize::from(acc < 0 && remainder == 0);
        clamped += usize::from(output != quotient);
    }
    assert!(count > 4_000 && negative_ties > 100 && clamped > 1_000);
}

#[test]
fn multipliers_and_clamps_outside_their_bounds_do_not_exist() {
    assert_eq!(Multiplier::new(0), None);
    assert_eq!(Multiplier::new(1 << 31), None);
    assert_eq!(Multiplier::new((1 << 31) - 1), Some(Multiplier::MAX));
    assert_eq!(Clamp::new(1, 5), None);
    assert_eq!(Clamp::new(-5, -1), None);
    assert_eq!(Clamp::new(0, 127), Some(Clamp::RELU));
}

proptest! {
    #[test]
    fn the_equation_holds_and_nothing_overflows(
        acc in any::<i32>(), m in 1u32..1 << 31, shift in 0usize..3, lo in -128i8..=0, hi in 0i8..=127,
    ) {
        let shift = Shift::ALL[shift];
        let (m, clamp) = (Multiplier::new(m).unwrap(), Clamp::new(lo, hi).unwrap());
        let result = requantize(acc, m, shift, clamp);
        let two_to_s = 1i128 << shift.bits();
        prop_assert_eq!(
            i128::from(acc) * i128::from(m.get()) + two_to_s / 2,
            i128::from(result.quotient) * two_to_s + i128::from(result.remainder)
        );
        prop_assert!(i128::from(result.remainder) < two_to_s);
        prop_assert_eq!(i64::from(result.output), result.quotient.clamp(lo.into(), hi.into()));
        prop_assert!(result.quotient.unsigned_abs() < 1 << 46);
    }
}
