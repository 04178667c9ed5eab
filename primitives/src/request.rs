//! The input of requests.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{digest, ArtifactManifest, Digest};

/// The input of a request: an inline payload or an artifact. On chain the payload is a bounded
/// vector; the encoding is the same.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RequestInput<Payload = Vec<u8>> {
    /// The payload itself.
    #[codec(index = 0)]
    Inline(Payload),
    /// [Identity](crate::artifact) of an artifact whose bytes are the payload. The chain does not
    /// read the artifact; the operators check it against the version's declaration.
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

/// Whether an input digest, as in requests, statements and receipts, names this payload: it is the
/// digest of the payload, which was inline, or the identity of the artifact with these bytes.
///
/// No payload has the digest that is the identity of an artifact: as a payload, the bytes that the
/// identity hashes would announce 7,384 tensors and have room for none.
pub fn names_input(input_digest: &Digest, payload: &[u8]) -> bool {
    *input_digest == digest(payload) || *input_digest == ArtifactManifest::of(payload).identity
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    #[test]
    fn an_input_is_named_as_a_payload_or_as_an_artifact() {
        let payload = b"payload";
        for named in [digest(payload), ArtifactManifest::of(payload).identity] {
            assert!(names_input(&named, payload));
            assert!(!names_input(&named, b"payloae"));
        }
        assert!(!names_input(&Digest::zero(), payload));
    }

    #[test]
    fn what_an_identity_hashes_is_no_payload() {
        let hashed = (b"assay/artifact/1", 7u64, Digest::zero()).encode();
        assert_eq!(codec::Compact::<u32>::decode(&mut &hashed[..]), Ok(codec::Compact(7_384)));
        assert!(Vec::<Tensor>::decode(&mut &hashed[..]).is_err());
    }
}
