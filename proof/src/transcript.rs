//! The statement to which a proof is bound, and the order in which it is absorbed.

use crate::{
    field::EF,
    pcs::{challenger, Challenger},
};
use alloc::vec::Vec;
use assay_graph::Digest;
use p3_challenger::FieldChallenger;

/// Domain tag of every proof transcript; names the version of the protocol.
pub const PROTOCOL: &[u8] = b"assay/proof/1";

/// The context of an inference: the request that it serves.
///
/// A proof is valid in one context only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context<'a> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// What verifies the proof on the chain, for instance a pallet and its storage version.
    pub domain: &'a [u8],
    /// The encoded identifier of the request, unique within the domain.
    pub request: &'a [u8],
    /// The account that made the request.
    pub requester: [u8; 32],
    /// The account that serves the request.
    pub operator: [u8; 32],
}

/// The statement that a proof proves: the model maps this input to this output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Statement<'a> {
    /// The request that the inference serves.
    pub context: Context<'a>,
    /// The input's elements in order, one byte each in two's complement.
    pub input: &'a [u8],
    /// The output's elements in order: one byte each for int8, four bytes each, little-endian, for
    /// int32.
    pub output: &'a [u8],
}

/// Number of items absorbed before the roots.
pub(crate) const ITEMS: usize = 9;

impl<'a> Statement<'a> {
    /// The items in the order in which they are absorbed. The model's digest covers its operations,
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

/// A transcript that has absorbed the items, each preceded by its length in 8 bytes, little-endian.
pub(crate) fn absorb_items(items: &[&[u8]]) -> Challenger {
    let length = items.iter().map(|item| 8 + item.len()).sum();
    let mut bytes = Vec::with_capacity(length);
    for item in items {
        bytes.extend_from_slice(&(item.len() as u64).to_le_bytes());
        bytes.extend_from_slice(item);
    }
    challenger(bytes)
}

/// Draws a challenge from the extension field.
pub(crate) fn draw(challenger: &mut Challenger) -> EF {
    challenger.sample_algebra_element()
}

/// Draws a point with `vars` coordinates.
pub(crate) fn draw_point(vars: usize, challenger: &mut Challenger) -> Vec<EF> {
    (0..vars).map(|_| draw(challenger)).collect()
}
