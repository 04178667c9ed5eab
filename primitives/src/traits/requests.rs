//! The end of requests, and the randomness of their draws.

use sp_weights::Weight;

use crate::{Digest, Outcome, RequestId};

/// A callback at the end of each request.
pub trait OnRequestFinal {
    /// Called exactly once per request, when the request ends. It must not panic.
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

/// Public, unpredictable bytes of blocks.
pub trait BlockRandomness {
    /// VRF output of the current block's author; `None` before it is known, or if the block's slot
    /// has none.
    fn current() -> Option<[u8; 32]>;
}
