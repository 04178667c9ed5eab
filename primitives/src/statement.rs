//! The statements that worker keys sign.
//!
//! The signed bytes are a domain tag and the SCALE encoding of a struct that begins with the
//! genesis hash. A signature therefore counts for one kind of statement on one chain.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_application_crypto::RuntimeAppPublic;

use crate::{
    digest,
    dispute::{AnswerStatement, TraceStatement},
    operator::EngineVersion,
    Assurance, BlockNumber, Digest, FailureReason, RequestId, WorkerId, WorkerSignature,
};

/// Keeps other modules from implementing [`Statement`]: a statement has to be in the list below.
mod sealed {
    pub trait Sealed {}
}

/// A statement that a worker key signs.
pub trait Statement: Encode + sealed::Sealed {
    /// Domain tag: the first bytes of what is signed.
    const TAG: &'static [u8];

    /// The bytes that are signed: the tag without a length, then the SCALE encoding.
    fn signing_bytes(&self) -> Vec<u8> {
        let mut bytes = Self::TAG.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }

    /// Whether `signature` is a signature by `worker` over this statement.
    fn is_signed_by(&self, worker: &WorkerId, signature: &WorkerSignature) -> bool {
        worker.verify(&self.signing_bytes(), &(*signature).into())
    }
}

macro_rules! statements {
    ($($name:ident: $tag:literal,)*) => {
        $(
            impl<AccountId> sealed::Sealed for $name<AccountId> {}

            impl<AccountId: Encode> Statement for $name<AccountId> {
                const TAG: &'static [u8] = $tag;
            }
        )*

        /// The domain tags of all statements.
        pub const STATEMENT_TAGS: &[&[u8]] = &[$($tag),*];
    };
}

// A tag is part of what is signed: changing one invalidates signatures. No tag is a prefix of
// another.
statements! {
    ResultStatement: b"assay/result/1",
    CommitStatement: b"assay/commit/1",
    FailureStatement: b"assay/failure/1",
    HeartbeatStatement: b"assay/heartbeat/1",
    Possession: b"assay/possession/1",
    TraceStatement: b"assay/trace/1",
    AnswerStatement: b"assay/dispute/1",
}

/// States that a version turned an input into an output.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct ResultStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The request that is answered.
    pub request: RequestId,
    /// Digest of the descriptor of the version that ran.
    pub version_digest: Digest,
    /// Digest of the input payload, or the identity of the artifact that the input is.
    pub input_digest: Digest,
    /// Digest of the output payload.
    pub output_digest: Digest,
    /// The assurance that the request asked for.
    pub assurance: Assurance,
    /// The operator that answers.
    pub operator: AccountId,
    /// In class `Proof` the digest of the proof, so that nobody else can submit another proof in
    /// the operator's name; `None` in other classes.
    pub proof: Option<Digest>,
}

/// Commits a quorum member to a result before the result is revealed.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct CommitStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The request.
    pub request: RequestId,
    /// See [`commitment`].
    pub commitment: Digest,
    /// The member.
    pub operator: AccountId,
}

/// States that an operator cannot serve a request.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct FailureStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The request.
    pub request: RequestId,
    /// Why the operator cannot serve it.
    pub reason: FailureReason,
    /// The operator.
    pub operator: AccountId,
}

/// States that an operator's node and engine are running.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct HeartbeatStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The operator.
    pub operator: AccountId,
    /// Height at which the heartbeat was made.
    pub at: BlockNumber,
    /// Version of the operator's engine.
    pub engine: EngineVersion,
    /// Runs in progress.
    pub load: u32,
}

/// Shows that an operator holds the worker key that it registers.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Possession<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The operator that registers the key.
    pub operator: AccountId,
}

/// The commitment of a quorum member to its output.
///
/// The salt, 32 random bytes, keeps others from guessing the output. The operator's account keeps
/// others from copying the commitment.
pub fn commitment<AccountId: Encode>(
    genesis: &Digest,
    request: RequestId,
    operator: &AccountId,
    output_digest: &Digest,
    salt: &[u8; 32],
) -> Digest {
    digest(&(b"assay/commitment/1", genesis, request, operator, output_digest, salt).encode())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker_crypto;
    use sp_application_crypto::Pair;

    fn result() -> ResultStatement<u64> {
        ResultStatement {
            genesis: Digest::repeat_byte(1),
            request: RequestId(2),
            version_digest: Digest::repeat_byte(3),
            input_digest: Digest::repeat_byte(4),
            output_digest: Digest::repeat_byte(5),
            assurance: Assurance::Signed,
            operator: 6,
            proof: None,
        }
    }

    #[test]
    fn a_signature_holds_for_its_statement_only() {
        let pair = worker_crypto::Pair::from_seed(&[9; 32]);
        let signature: WorkerSignature = pair.sign(&result().signing_bytes()).into();
        assert!(result().is_signed_by(&pair.public(), &signature));
        let changes: [fn(&mut ResultStatement<u64>); 8] = [
            |s| s.genesis = Digest::zero(),
            |s| s.request = RequestId(3),
            |s| s.version_digest = Digest::zero(),
            |s| s.input_digest = Digest::zero(),
            |s| s.output_digest = Digest::zero(),
            |s| s.assurance = Assurance::Proof,
            |s| s.operator = 7,
            |s| s.proof = Some(Digest::zero()),
        ];
        for change in changes {
            let mut other = result();
            change(&mut other);
            assert!(!other.is_signed_by(&pair.public(), &signature), "{other:?}");
        }
        let stranger = worker_crypto::Pair::from_seed(&[8; 32]).public();
        assert!(!result().is_signed_by(&stranger, &signature));
    }

    #[test]
    fn no_tag_is_a_prefix_of_another() {
        let mut tags = STATEMENT_TAGS.to_vec();
        tags.push(crate::receipt::RECEIPT_TAG);
        for (i, a) in tags.iter().enumerate() {
            for (j, b) in tags.iter().enumerate() {
                assert!(i == j || !a.starts_with(b));
            }
        }
    }
}
