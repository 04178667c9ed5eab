//! The points at which a prover can deviate from the protocol. An honest prover does not; tests do.

use super::execution::Cell;
use crate::field::EF;
use alloc::vec::Vec;
use p3_field::PrimeCharacteristicRing;

/// A prover's deviations from the protocol. Everything downstream of a lie is computed consistently
/// with it, so that only the intended check can detect the lie.
pub(super) trait Deviation {
    /// The items absorbed at the start of the transcript.
    fn items<'a>(&self, items: Vec<&'a [u8]>) -> Vec<&'a [u8]> {
        items
    }

    /// The input on which the model runs.
    fn input(&self, _input: &mut [i64]) {}

    /// The elements that the windows of a layer read.
    fn window_input(&self, _layer: usize, _elements: &mut [i64]) {}

    /// The accumulators of a layer, by element.
    fn accumulators(&self, _layer: usize, _accumulators: &mut [i32]) {}

    /// A cell of an activation, padding included.
    fn cell(&self, _activation: usize, _row: usize, _cell: &mut Cell) {}

    /// The elements that the windows of a maximum read.
    fn maximum_input(&self, _activation: usize, _elements: &mut [i64]) {}

    /// The maximum of a window. Its differences follow from it.
    fn maximum(&self, _activation: usize, _element: usize, _value: &mut i64) {}

    /// The difference of a maximum from an element of its window.
    fn difference(&self, _activation: usize, _element: usize, _difference: &mut i64) {}

    /// The claimed sum of the products of differences. The verifier requires zero.
    fn zero_claim(&self, _actual: &dyn Fn() -> EF) -> EF {
        EF::ZERO
    }

    /// The multiplicities of each table.
    fn multiplicities(&self, _counts: &mut [Vec<u64>]) {}

    /// The claimed output.
    fn output(&self, _output: &mut [u8]) {}

    /// Whether a fraction is changed so that the sum of the lookups is zero.
    fn forges_lookup_sum(&self) -> bool {
        false
    }

    /// The sum that a requantisation's sumcheck claims. `expected` is what the verifier requires.
    fn scaled_claim(&self, honest: EF, _expected: &dyn Fn() -> EF) -> EF {
        honest
    }
}

/// A prover that follows the protocol.
pub(super) struct Honest;

impl Deviation for Honest {}
