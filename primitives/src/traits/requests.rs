//! The end of requests, and the randomness of their draws.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_weights::Weight;

use crate::{Digest, Outcome, RequestId};

/// A callback at the end of each request.
pub trait OnRequestFinal {
    /// Called exactly once per request, when the request ends. It must not panic. The results of a
    /// list are paid for after all of them have ended.
    fn on_final(request: RequestId, outcome: &Outcome, receipt_digest: &Digest);
    /// Upper bound of the weight of [`OnRequestFinal::on_final`], which the caller charges.
    fn weight() -> Weight;
}

impl OnRequestFinal for () {
    fn on_final(_: RequestId, _: &Outcome, _: &Digest) {}
    fn weight() -> Weight {
        Weight::zero()
    }
}

/// The VRF output of a block.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct BlockVrf {
    /// The block's author, by its public key.
    pub author: [u8; 32],
    /// The output, which nobody but the author knows before the block.
    pub output: [u8; 32],
}

/// Public, unpredictable bytes of blocks.
pub trait BlockRandomness {
    /// VRF output of the current block, from its start on; `None` if the block's slot has none.
    fn current() -> Option<BlockVrf>;
    /// Number of accounts that may author blocks at present.
    fn authors() -> u32;
}
