//! What a proof is bound to, and in which order it is absorbed.

use crate::{
    field::EF,
    pcs::{challenger, Challenger},
};
use alloc::vec::Vec;
use assay_graph::Digest;
use p3_challenger::FieldChallenger;

/// Begins every transcript, and names the version of the protocol.
pub const PROTOCOL: &[u8] = b"assay/proof/1";

/// What an inference is for: where it was asked for and by whom.
///
/// The same inference in another context needs another proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context<'a> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// What on the chain verifies the proof, for instance a pallet and its storage version.
    pub domain: &'a [u8],
    /// The request's identifier in its encoding; unique within the domain.
    pub request: &'a [u8],
    /// The account that asked.
    pub requester: [u8; 32],
    /// The account that answers.
    pub operator: [u8; 32],
}

/// The statement of a proof: this model turns this input into this output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statement<'a> {
    /// Where and for whom.
    pub context: Context<'a>,
    /// The input's elements, one byte each in two's complement.
    pub input: &'a [u8],
    /// The output's elements: one byte each if they are int8, four bytes each, little-endian, if
    /// they are accumulators.
    pub output: &'a [u8],
}

/// Number of items before the roots.
pub(crate) const ITEMS: usize = 9;

impl<'a> Statement<'a> {
    /// The items in the order of their absorption. The model's digest covers its operations,
    /// tables, multipliers, proof parameters and the root of its weights.
    pub(crate) fn items(&'a self, version: &'a Digest) -> [&'a [u8]; ITEMS] {
        [
            PROTOCOL,
            &self.context.genesis,
            self.context.domain,
            version,
            self.context.request,
            &self.context.requester,
            &self.context.operator,
            self.input,
            self.output,
        ]
    }
}

/// The sponge after the items, each with its length before it.
pub(crate) fn absorb_items(items: &[&[u8]]) -> Challenger {
    let length = items.iter().map(|item| 8 + item.len()).sum();
    let mut bytes = Vec::with_capacity(length);
    for item in items {
        bytes.extend_from_slice(&(item.len() as u64).to_le_bytes());
        bytes.extend_from_slice(item);
    }
    challenger(bytes)
}

/// Draws a challenge.
pub(crate) fn draw(challenger: &mut Challenger) -> EF {
    challenger.sample_algebra_element()
}

/// Draws a point.
pub(crate) fn draw_point(vars: usize, challenger: &mut Challenger) -> Vec<EF> {
    (0..vars).map(|_| draw(challenger)).collect()
}
