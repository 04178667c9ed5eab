//! The input of requests.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::Digest;

/// The input of a request: an inline payload or an artifact. On chain the payload is a bounded
/// vector; the encoding is the same.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RequestInput<Payload = Vec<u8>> {
    /// The payload itself.
    #[codec(index = 0)]
    Inline(Payload),
    /// Digest of an artifact whose bytes are the payload. The chain does not read the artifact; the
    /// operators check it against the version's declaration.
    #[codec(index = 1)]
    Artifact(Digest),
}

impl<Payload: AsRef<[u8]>> RequestInput<Payload> {
    /// Number of bytes that the chain has to check: the size of an inline payload.
    pub fn inline_bytes(&self) -> u32 {
        match self {
            Self::Inline(payload) => payload.as_ref().len() as u32,
            Self::Artifact(_) => 0,
        }
    }
}
