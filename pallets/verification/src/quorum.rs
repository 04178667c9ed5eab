//! Class `Quorum`: which of several results wins.

use crate::{ClassVerifier, Judgement, SubmittedResult};
use alloc::vec::Vec;
use assay_math::{elements_within, FloatWidth};
use assay_primitives::{model::Tolerance, ElementType, Tensor};
use codec::DecodeAll;

/// Enough equal results.
pub struct QuorumRule {
    /// Equal results needed.
    pub threshold: usize,
    /// When two results count as equal.
    pub tolerance: Option<Tolerance>,
}

impl ClassVerifier for QuorumRule {
    fn judge(&self, shown: &[SubmittedResult<'_>]) -> Judgement {
        let results: Vec<&[u8]> = shown.iter().map(|result| result.output).collect();
        let Some(first) = winner(&results, self.threshold, self.tolerance) else {
            return Judgement::default();
        };
        // Two honest results may each be within the tolerance of the truth and not of each other.
        // Only what is further away than that is wrong; what is between is just not paid.
        let doubled = self
            .tolerance
            .map(|Tolerance { millionths }| Tolerance { millionths: millionths.saturating_mul(2) });
        let (mut agreed, mut wrong) = (Vec::new(), Vec::new());
        for (index, result) in results.iter().enumerate() {
            if equal(results[first], result, self.tolerance) {
                agreed.push(index);
            } else if !equal(results[first], result, doubled) {
                wrong.push(index);
            }
        }
        Judgement { winner: Some(first), agreed, wrong }
    }
}

/// Index of the first of `results` that at least `threshold` of them equal, itself included.
///
/// `threshold` is a majority of the committee, so with bit-equality at most one result can win.
/// With a tolerance several may; the first in the order of the draw does.
///
/// Cost: fewer than `results.len()²` comparisons of different results; bit-equal ones cost next
/// to nothing.
pub fn winner(results: &[&[u8]], threshold: usize, tolerance: Option<Tolerance>) -> Option<usize> {
    let mut equals = alloc::vec![1; results.len()];
    for candidate in 0..results.len() {
        for other in candidate + 1..results.len() {
            if equal(results[candidate], results[other], tolerance) {
                equals[candidate] += 1;
                equals[other] += 1;
            }
        }
        // Compared with all by now: with those before it in their turns.
        if equals[candidate] >= threshold {
            return Some(candidate);
        }
    }
    None
}

/// Whether two output payloads count as equal.
pub fn equal(a: &[u8], b: &[u8], tolerance: Option<Tolerance>) -> bool {
    if a == b {
        return true;
    }
    let Some(Tolerance { millionths }) = tolerance.filter(|t| t.millionths > 0) else {
        return false;
    };
    let decode = |mut bytes: &[u8]| Vec::<Tensor>::decode_all(&mut bytes);
    let (Ok(a), Ok(b)) = (decode(a), decode(b)) else { return false };
    a.len() == b.len()
        && a.iter().zip(&b).all(|(a, b)| {
            a.element_type == b.element_type
                && a.shape == b.shape
                && match a.element_type {
                    ElementType::F32 => {
                        elements_within(FloatWidth::Single, &a.data, &b.data, millionths)
                    },
                    ElementType::F64 => {
                        elements_within(FloatWidth::Double, &a.data, &b.data, millionths)
                    },
                    _ => a.data == b.data,
                }
        })
}
