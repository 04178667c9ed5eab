//! Where a prover can lie. An honest one does nothing at each of these places; tests do.

use super::execution::Cell;
use crate::field::EF;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// A prover's departures from the protocol. What follows from a lie is computed as if it were the
/// truth, so that the check which the lie is meant for has to find it.
pub(super) trait Deviation {
    /// The items that the transcript begins with.
    fn items<'a>(&self, items: Vec<&'a [u8]>) -> Vec<&'a [u8]> {
        items
    }

    /// The input that the model is run on.
    fn input(&self, _input: &mut [i64]) {}

    /// What the windows of a layer see of the tensor that they lie on, element by element.
    fn seen(&self, _layer: usize, _elements: &mut [i64]) {}

    /// Accumulators of a layer, element by element.
    fn accumulators(&self, _layer: usize, _accumulators: &mut [i32]) {}

    /// A cell of an activation, the padding included.
    fn cell(&self, _activation: usize, _row: usize, _cell: &mut Cell) {}

    /// What the windows of a maximum see of the tensor that they lie on, element by element.
    fn maximum_seen(&self, _activation: usize, _elements: &mut [i64]) {}

    /// An element that is the maximum of a window. Its differences follow from it.
    fn maximum(&self, _activation: usize, _element: usize, _value: &mut i64) {}

    /// A difference of a maximum to an element of its window.
    fn difference(&self, _activation: usize, _element: usize, _difference: &mut i64) {}

    /// The sum of the products of differences, which has to be zero.
    fn zero_claim(&self, _actual: &dyn Fn() -> EF) -> EF {
        EF::ZERO
    }

    /// Multiplicities of each table.
    fn multiplicities(&self, _counts: &mut [Vec<u64>]) {}

    /// The output that is claimed.
    fn output(&self, _output: &mut [u8]) {}

    /// Whether the sum of the lookups is bent to zero.
    fn bends_lookups(&self) -> bool {
        false
    }

    /// The sum that a requantisation's sumcheck starts from; `expected` is the verifier's.
    fn scaled_claim(&self, honest: EF, _expected: &dyn Fn() -> EF) -> EF {
        honest
    }
}

/// No departure.
pub(super) struct Honest;

impl Deviation for Honest {}
