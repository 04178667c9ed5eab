//! The random choice of a committee.

use alloc::vec::Vec;
use sp_crypto_hashing::blake2_256;

/// Draws `count` distinct indices into `weights`. In each round, the probability of an index is its
/// weight divided by the sum of the weights that are left.
///
/// The result depends on the arguments alone: a relying party that knows the candidates' weights
/// and the seed in a receipt computes the same committee in the same order. Candidates with weight
/// zero are never drawn. Returns `None` if fewer than `count` candidates have a positive weight, or
/// if the sum of all weights exceeds 128 bits.
///
/// Cost: `count` hashes and at most `count · weights.len()` subtractions.
///
/// ```
/// use assay_math::draw;
///
/// let seed = [7; 32];
/// let committee = draw(&seed, &[10, 0, 20], 2).unwrap();
/// assert_eq!(committee.len(), 2);
/// assert!(!committee.contains(&1));
/// // Only two candidates have a positive weight.
/// assert_eq!(draw(&seed, &[10, 0, 20], 3), None);
/// ```
pub fn draw(seed: &[u8; 32], weights: &[u128], count: usize) -> Option<Vec<usize>> {
    let mut total = weights.iter().try_fold(0u128, |sum, weight| sum.checked_add(*weight))?;
    let mut left: Vec<u128> = weights.to_vec();
    let mut drawn = Vec::with_capacity(count);
    for round in 0..count {
        if total == 0 {
            return None;
        }
        let mut ticket = ticket(seed, round as u32, total);
        let index = left.iter().position(|weight| {
            if ticket < *weight {
                return true;
            }
            ticket -= *weight;
            false
        })?;
        total -= left[index];
        left[index] = 0;
        drawn.push(index);
    }
    Some(drawn)
}

/// A number below `total`, from the first 128 bits of a hash of seed and round. The multiplication
/// maps them to `0..total` such that the probability of each candidate is exact up to `2^-128`.
fn ticket(seed: &[u8; 32], round: u32, total: u128) -> u128 {
    let mut input = [0u8; 36];
    input[..32].copy_from_slice(seed);
    input[32..].copy_from_slice(&round.to_le_bytes());
    let hash = blake2_256(&input);
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    multiply_high(u128::from_le_bytes(bytes), total)
}

/// The upper 128 bits of the 256-bit product.
fn multiply_high(a: u128, b: u128) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let middle = a1 * b0 + ((a0 * b0) >> 64);
    let other = a0 * b1 + (middle & LOW);
    a1 * b1 + (middle >> 64) + (other >> 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_draw_equals_that_of_another_implementation() {
        // Computed with Python's integers and `hashlib.blake2b`. A client repeats the draw of a
        // receipt, so these must never change.
        let few = [10, 0, 20, 30, 40];
        assert_eq!(draw(&[7; 32], &few, 4), Some(vec![2, 3, 0, 4]));
        assert_eq!(draw(&[8; 32], &few, 4), Some(vec![4, 3, 2, 0]));
        let bonds = [
            10u128.pow(15),
            25 * 10u128.pow(14),
            10u128.pow(33),
            3 * 10u128.pow(15),
            1,
            7 * 10u128.pow(20),
        ];
        assert_eq!(draw(&[0; 32], &bonds, 6), Some(vec![2, 5, 1, 3, 0, 4]));
        assert_eq!(draw(&[255; 32], &bonds, 3), Some(vec![2, 5, 0]));
    }

    #[test]
    fn too_few_candidates_give_no_committee() {
        assert_eq!(draw(&[1; 32], &[5, 0, 5], 3), None);
        assert_eq!(draw(&[1; 32], &[], 1), None);
        assert_eq!(draw(&[1; 32], &[u128::MAX, 1], 1), None);
        assert_eq!(draw(&[1; 32], &[5], 0), Some(Vec::new()));
    }

    #[test]
    fn weight_decides_how_often_a_candidate_is_drawn() {
        let weights = [1u128, 2, 7];
        let mut counts = [0u32; 3];
        for round in 0u32..10_000 {
            let seed = blake2_256(&round.to_le_bytes());
            counts[draw(&seed, &weights, 1).unwrap()[0]] += 1;
        }
        // Expected are 1,000, 2,000 and 7,000. The bounds are six standard deviations away. The
        // seeds are fixed, so the counts are always the same.
        assert!((820..1180).contains(&counts[0]), "{counts:?}");
        assert!((1760..2240).contains(&counts[1]), "{counts:?}");
        assert!((6725..7275).contains(&counts[2]), "{counts:?}");
    }

    proptest! {
        #[test]
        fn a_committee_has_no_member_twice(
            seed in any::<[u8; 32]>(),
            weights in proptest::collection::vec(0u128..1 << 100, 0..64),
            count in 0usize..16,
        ) {
            let possible = weights.iter().filter(|weight| **weight > 0).count();
            match draw(&seed, &weights, count) {
                None => prop_assert!(possible < count),
                Some(drawn) => {
                    let mut sorted = drawn.clone();
                    sorted.sort_unstable();
                    sorted.dedup();
                    prop_assert_eq!(sorted.len(), count);
                    prop_assert!(drawn.iter().all(|index| weights[*index] > 0));
                },
            }
        }

        #[test]
        fn the_upper_half_of_a_product_is_below_either_factor(a in any::<u128>(), b in 1u128..) {
            prop_assert!(multiply_high(a, b) < b);
            // Compared with the product of the upper halves, which fits into 128 bits.
            let (small_a, small_b) = (a >> 64, b >> 64);
            prop_assert_eq!(multiply_high(small_a << 64, small_b << 64), small_a * small_b);
        }
    }
}
