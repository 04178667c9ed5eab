//! What worker keys sign.
//!
//! Each statement starts with a domain tag and holds the genesis hash, so that two kinds of
//! statement can never be confused, nor two chains.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_application_crypto::RuntimeAppPublic;

use crate::{
    digest, operator::EngineVersion, Assurance, BlockNumber, Digest, FailureReason, RequestId,
    WorkerId, WorkerSignature,
};

/// Something that a worker key signs.
pub trait Statement: Encode {
    /// Domain tag, the first bytes of what is signed.
    const TAG: &'static [u8];

    /// The bytes that are signed: the tag as it is, then the SCALE encoding.
    fn signing_bytes(&self) -> Vec<u8> {
        let mut bytes = Self::TAG.to_vec();
        self.encode_to(&mut bytes);
        bytes
    }

    /// Whether `signature` is `worker`'s over this statement.
    fn is_signed_by(&self, worker: &WorkerId, signature: &WorkerSignature) -> bool {
        worker.verify(&self.signing_bytes(), &(*signature).into())
    }
}

/// An operator's word that a version turned an input into an output.
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
    /// The version that ran.
    pub version_digest: Digest,
    /// Digest of the input payload.
    pub input_digest: Digest,
    /// Digest of the output payload.
    pub output_digest: Digest,
    /// What the request asked for.
    pub assurance: Assurance,
    /// The operator that answers.
    pub operator: AccountId,
    /// In class `Proof` the digest of the proof, so that nobody else can hand in another one in
    /// the operator's name; `None` in other classes.
    pub proof: Option<Digest>,
}

impl<AccountId: Encode> Statement for ResultStatement<AccountId> {
    const TAG: &'static [u8] = b"assay/result/1";
}

/// A quorum member's commitment to a result that it does not show yet.
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

impl<AccountId: Encode> Statement for CommitStatement<AccountId> {
    const TAG: &'static [u8] = b"assay/commit/1";
}

/// An operator's word that it cannot serve a request.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct FailureStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The request.
    pub request: RequestId,
    /// Why.
    pub reason: FailureReason,
    /// The operator.
    pub operator: AccountId,
}

impl<AccountId: Encode> Statement for FailureStatement<AccountId> {
    const TAG: &'static [u8] = b"assay/failure/1";
}

/// An operator's sign of life.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct HeartbeatStatement<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The operator.
    pub operator: AccountId,
    /// Height at which the operator made it.
    pub at: BlockNumber,
    /// The engine it runs.
    pub engine: EngineVersion,
    /// Runs under way.
    pub load: u32,
}

impl<AccountId: Encode> Statement for HeartbeatStatement<AccountId> {
    const TAG: &'static [u8] = b"assay/heartbeat/1";
}

/// Proof that an operator holds the worker key that it registers.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Possession<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The operator that registers the key.
    pub operator: AccountId,
}

impl<AccountId: Encode> Statement for Possession<AccountId> {
    const TAG: &'static [u8] = b"assay/possession/1";
}

/// What a quorum member commits to before it shows its output.
///
/// The salt, 32 random bytes, keeps others from guessing the output; the operator's account
/// keeps them from copying the commitment.
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
        let tags = [
            ResultStatement::<u64>::TAG,
            CommitStatement::<u64>::TAG,
            FailureStatement::<u64>::TAG,
            HeartbeatStatement::<u64>::TAG,
            Possession::<u64>::TAG,
            crate::receipt::RECEIPT_TAG,
        ];
        for (i, a) in tags.iter().enumerate() {
            for (j, b) in tags.iter().enumerate() {
                assert!(i == j || !a.starts_with(b));
            }
        }
    }
}
