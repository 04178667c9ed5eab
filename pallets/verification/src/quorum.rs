//! Class `Quorum`: enough equal results.

use crate::{ClassVerifier, Judgement, SubmittedResult};
use alloc::vec::Vec;
use assay_math::{elements_within, FloatWidth};
use assay_primitives::{model::Tolerance, ElementType, Tensor};
use codec::DecodeAll;

/// The rule of class `Quorum`: the first result wins that enough results equal.
pub struct QuorumRule {
    /// Number of equal results needed.
    pub threshold: usize,
    /// The largest difference of results that count as equal; `None` for equal bits.
    pub tolerance: Option<Tolerance>,
}

impl ClassVerifier for QuorumRule {
    fn judge(&self, shown: &[SubmittedResult<'_>]) -> Judgement {
        let results: Vec<&[u8]> = shown.iter().map(|result| result.output).collect();
        let Some(first) = winner(&results, self.threshold, self.tolerance) else {
            return Judgement::default();
        };
        // Two honest results may each be within the tolerance of the exact result, but not of each
        // other. So only results beyond twice the tolerance are wrong. Those in between are neither
        // paid nor penalised.
        let doubled = 2 * self.tolerance.map_or(0, |tolerance| u64::from(tolerance.millionths));
        let (mut agreed, mut wrong) = (Vec::new(), Vec::new());
        for (index, result) in results.iter().enumerate() {
            if equal(results[first], result, self.tolerance) {
                agreed.push(index);
            } else if !within(results[first], result, doubled) {
                wrong.push(index);
            }
        }
        Judgement { winner: Some(first), agreed, wrong }
    }
}

/// Index of the first of `results` that at least `threshold` of them equal, itself included; `None`
/// if there is none.
///
/// `threshold` is a majority of the committee, so at most one result can win if equal means equal
/// bits. With a tolerance several could win; the first in the order of the draw does.
///
/// Cost: fewer than `results.len()²` comparisons of different results. Equal bits are cheap.
pub fn winner(results: &[&[u8]], threshold: usize, tolerance: Option<Tolerance>) -> Option<usize> {
    let mut equals = alloc::vec![1; results.len()];
    for candidate in 0..results.len() {
        for other in candidate + 1..results.len() {
            if equal(results[candidate], results[other], tolerance) {
                equals[candidate] += 1;
                equals[other] += 1;
            }
        }
        // Earlier rounds have compared it with the results before it.
        if equals[candidate] >= threshold {
            return Some(candidate);
        }
    }
    None
}

/// Whether two output payloads count as equal.
pub fn equal(a: &[u8], b: &[u8], tolerance: Option<Tolerance>) -> bool {
    within(a, b, tolerance.map_or(0, |tolerance| tolerance.millionths.into()))
}

/// Whether the elements of two output payloads differ by at most this many millionths.
fn within(a: &[u8], b: &[u8], millionths: u64) -> bool {
    if a == b {
        return true;
    }
    if millionths == 0 {
        return false;
    }
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
