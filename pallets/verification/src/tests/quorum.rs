use assay_primitives::{model::Tolerance, ElementType, Tensor};
use codec::Encode;
use proptest::{collection::vec, prelude::*, sample::subsequence};

use crate::{
    mock::{payload, singles, tolerance},
    quorum::{equal, winner, QuorumRule},
    ClassVerifier, SubmittedResult,
};

fn doubles(values: &[f64]) -> Tensor {
    Tensor {
        element_type: ElementType::F64,
        shape: vec![values.len() as u32],
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

fn integers(values: &[i32]) -> Tensor {
    Tensor {
        element_type: ElementType::I32,
        shape: vec![values.len() as u32],
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

fn equal_tensors(a: &[Tensor], b: &[Tensor], millionths: u32) -> bool {
    let (a, b) = (a.encode(), b.encode());
    let result = equal(&a, &b, tolerance(millionths));
    assert_eq!(equal(&b, &a, tolerance(millionths)), result, "symmetric");
    result
}

fn slices(results: &[Vec<u8>]) -> Vec<&[u8]> {
    results.iter().map(Vec::as_slice).collect()
}

#[test]
fn nobody_wins_without_results() {
    assert_eq!(winner(&[], 1, None), None);
    assert_eq!(winner(&[], 1, tolerance(1)), None);
}

#[test]
fn the_same_bytes_are_equal_whatever_they_are() {
    for tolerance in [None, tolerance(0), tolerance(u32::MAX)] {
        assert!(equal(b"no payload", b"no payload", tolerance));
        assert!(equal(b"", b"", tolerance));
        assert!(!equal(b"no payload", b"nor this", tolerance));
        assert!(!equal(b"no payload", &payload(&[1.0]), tolerance));
    }
}

#[test]
fn without_a_tolerance_bits_decide() {
    let (positive, negative) = (payload(&[0.0]), payload(&[-0.0]));
    assert!(!equal(&positive, &negative, None));
    assert!(!equal(&positive, &negative, tolerance(0)));
    assert!(equal(&positive, &negative, tolerance(1)));
}

#[test]
fn both_ends_of_the_tolerance_of_single_precision() {
    let next = f32::from_bits(1.5f32.to_bits() + 1);
    let cases = [(1.0, 1.5, true), (1.0, next, false), (-1.5, -1.0, true), (-next, -1.0, false)];
    for (a, b, within) in cases {
        assert_eq!(equal_tensors(&[singles(&[a])], &[singles(&[b])], 500_000), within, "{a} {b}");
    }
    assert!(!equal_tensors(&[singles(&[1.0])], &[singles(&[1.5])], 499_999));
}

#[test]
fn both_ends_of_the_tolerance_of_double_precision() {
    // The comparison reads 40 fractional bits.
    let past = 1.5 + 2f64.powi(-40);
    for (a, b, within) in [(1.0, 1.5, true), (1.0, past, false), (-past, -1.0, false)] {
        assert_eq!(equal_tensors(&[doubles(&[a])], &[doubles(&[b])], 500_000), within, "{a} {b}");
    }
    assert!(!equal_tensors(&[doubles(&[1.0])], &[doubles(&[1.5])], 499_999));
}

#[test]
fn one_element_out_of_tolerance_is_enough() {
    let mut far = [1.0f32; 9];
    far[8] = 2.0;
    assert!(!equal_tensors(&[singles(&[1.0; 9])], &[singles(&far)], 999_999));
    assert!(equal_tensors(&[singles(&[1.0; 9])], &[singles(&far)], 1_000_000));
    let (near, same) = (singles(&[1.0]), singles(&[5.0]));
    assert!(!equal_tensors(&[near.clone(), same.clone()], &[near, singles(&[7.0])], 1_000_000));
}

#[test]
fn whole_numbers_are_equal_or_not() {
    let widest = u32::MAX;
    assert!(!equal_tensors(&[integers(&[1, 2])], &[integers(&[1, 3])], widest));
    let (a, b) = (singles(&[1.0]), singles(&[1.5]));
    assert!(equal_tensors(&[integers(&[1]), a.clone()], &[integers(&[1]), b.clone()], widest));
    assert!(!equal_tensors(&[integers(&[1]), a], &[integers(&[2]), b], widest));
}

#[test]
fn type_shape_and_count_must_agree() {
    let widest = u32::MAX;
    let flat = singles(&[1.0, 2.0]);
    let standing = Tensor { shape: vec![2, 1], ..flat.clone() };
    let other_type = Tensor { element_type: ElementType::I32, ..flat.clone() };
    assert!(!equal_tensors(std::slice::from_ref(&flat), &[standing], widest));
    assert!(!equal_tensors(std::slice::from_ref(&flat), &[other_type], widest));
    assert!(!equal_tensors(std::slice::from_ref(&flat), &[singles(&[1.0])], widest));
    assert!(!equal_tensors(std::slice::from_ref(&flat), &[flat.clone(), flat.clone()], widest));
    assert!(!equal_tensors(&[flat], &[], widest));
}

#[test]
fn bytes_behind_a_payload_make_it_another_one() {
    let good = payload(&[1.0]);
    let mut trailing = payload(&[1.0]);
    trailing.push(0);
    assert!(!equal(&good, &trailing, tolerance(u32::MAX)));
}

/// Few different results, so that there are majorities.
fn few() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(0u8..2, 0..2), 0..16)
}

/// Values on a grid of an eighth, so that neighbours are within a tolerance of an eighth.
fn near() -> impl Strategy<Value = Vec<i32>> {
    vec(0..6i32, 0..12)
}

fn on_grid(values: &[i32]) -> Vec<Vec<u8>> {
    values.iter().map(|value| payload(&[*value as f32 / 8.0])).collect()
}

proptest! {
    #[test]
    fn the_winner_is_the_first_that_enough_equal(results in few(), threshold in 1usize..16) {
        let support = |index: usize| results.iter().filter(|r| **r == results[index]).count();
        let expected = (0..results.len()).find(|index| support(*index) >= threshold);
        prop_assert_eq!(winner(&slices(&results), threshold, None), expected);
    }

    #[test]
    fn with_a_majority_the_order_does_not_matter(
        (results, shuffled) in few().prop_flat_map(|results| {
            (Just(results.clone()), Just(results).prop_shuffle())
        }),
        more in 0usize..4,
    ) {
        let threshold = results.len() / 2 + 1 + more;
        let of = |results: &[Vec<u8>]| {
            winner(&slices(results), threshold, None).map(|index| results[index].clone())
        };
        prop_assert_eq!(of(&results), of(&shuffled));
    }

    #[test]
    fn a_majority_of_equal_bits_is_unique(results in few()) {
        let threshold = results.len() / 2 + 1;
        if let Some(first) = winner(&slices(&results), threshold, None) {
            let rest: Vec<_> =
                results.iter().filter(|other| **other != results[first]).cloned().collect();
            prop_assert_eq!(winner(&slices(&rest), threshold, None), None);
        }
    }

    #[test]
    fn equal_results_can_change_places(
        results in few(),
        threshold in 1usize..16,
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!results.is_empty());
        let (one, other) = (one.index(results.len()), other.index(results.len()));
        prop_assume!(results[one] == results[other]);
        let mut swapped = results.clone();
        swapped.swap(one, other);
        prop_assert_eq!(
            winner(&slices(&results), threshold, None),
            winner(&slices(&swapped), threshold, None)
        );
    }

    #[test]
    fn with_a_tolerance_neighbours_count(values in near(), threshold in 1usize..8) {
        let support = |value: i32| values.iter().filter(|v| (**v - value).abs() <= 1).count();
        let expected = values.iter().position(|value| support(*value) >= threshold);
        let results = on_grid(&values);
        prop_assert_eq!(winner(&slices(&results), threshold, tolerance(125_000)), expected);
    }

    #[test]
    fn just_below_the_distance_only_equal_values_count(values in near(), threshold in 1usize..8) {
        let results = on_grid(&values);
        prop_assert_eq!(
            winner(&slices(&results), threshold, tolerance(124_999)),
            winner(&slices(&results), threshold, None)
        );
    }

    #[test]
    fn whether_somebody_wins_does_not_depend_on_the_order(
        (values, shuffled) in near().prop_flat_map(|values| {
            (Just(values.clone()), Just(values).prop_shuffle())
        }),
        threshold in 1usize..8,
    ) {
        let wins = |values: &[i32]| {
            winner(&slices(&on_grid(values)), threshold, tolerance(125_000)).is_some()
        };
        prop_assert_eq!(wins(&values), wins(&shuffled));
    }

    #[test]
    fn fewer_results_never_make_a_winner(
        (results, fewer) in few().prop_flat_map(|results| {
            let count = results.len();
            (Just(results.clone()), subsequence(results, 0..=count))
        }),
        threshold in 1usize..16,
    ) {
        if winner(&slices(&results), threshold, None).is_none() {
            prop_assert_eq!(winner(&slices(&fewer), threshold, None), None);
        }
    }

    #[test]
    fn no_bytes_make_the_comparison_panic(
        a in vec(any::<u8>(), 0..200),
        b in vec(any::<u8>(), 0..200),
        millionths in any::<u32>(),
    ) {
        prop_assert_eq!(
            equal(&a, &b, tolerance(millionths)),
            equal(&b, &a, tolerance(millionths))
        );
    }
}

#[test]
fn twice_the_largest_tolerance_is_not_cut_off() {
    // 4,294.967295, doubled 8,589.93459.
    let tolerance = Some(Tolerance { millionths: u32::MAX });
    let outputs = [0.0f32, 0.0, 8_000.0, 9_000.0].map(|value| payload(&[value]));
    let shown: Vec<_> = outputs
        .iter()
        .map(|output| SubmittedResult { output: output.as_slice(), proof_holds: None })
        .collect();
    let judgement = QuorumRule { threshold: 2, tolerance }.judge(&shown);
    assert_eq!((judgement.agreed, judgement.wrong), (vec![0, 1], vec![3]));
}
