//! The statements that worker keys sign.
//!
//! The signed bytes are a domain tag and the SCALE encoding of a struct that begins with the
//! genesis hash, or with a hash that covers it: of a request, or of the statements in a list. A
//! signature therefore counts for one kind of statement on one chain.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::{bounded::BoundedVec, ConstU32};

use crate::{
    digest,
    dispute::{AnswerStatement, TraceStatement},
    merkle,
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
    ResultStatement: b"assay/result/2",
    ListStatement: b"assay/results/1",
    CommitStatement: b"assay/commit/2",
    FailureStatement: b"assay/failure/2",
    HeartbeatStatement: b"assay/heartbeat/1",
    Possession: b"assay/possession/1",
    TraceStatement: b"assay/trace/2",
    AnswerStatement: b"assay/dispute/2",
}

/// What an operator answers: a request, and the draw that assigned it.
///
/// All statements about a request contain its [`hash`](Self::hash). After a reorganisation the same
/// identifier can belong to another request, or to the same one with another committee; a statement
/// that was signed on one fork does not count on the other.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct AnsweredRequest<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// Identifier of the request.
    pub request: RequestId,
    /// The account that made the request.
    pub payer: AccountId,
    /// Digest of the descriptor of the version to run.
    pub version_digest: Digest,
    /// Digest of the input payload, or the identity of the artifact that the input is.
    pub input_digest: Digest,
    /// The assurance that the request asks for.
    pub assurance: Assurance,
    /// Seed of the draw that assigned it.
    pub seed: Digest,
}

impl<AccountId: Encode> AnsweredRequest<AccountId> {
    /// BLAKE2b-256 of the bytes `assay/request/1` and the SCALE encoding.
    pub fn hash(&self) -> Digest {
        let mut bytes = b"assay/request/1".to_vec();
        self.encode_to(&mut bytes);
        digest(&bytes)
    }
}

/// States that the requested version turned the input into an output.
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
    /// Hash of the [`AnsweredRequest`].
    pub request: Digest,
    /// Digest of the output payload.
    pub output_digest: Digest,
    /// The operator that answers.
    pub operator: AccountId,
    /// In class `Proof` the digest of the proof, so that nobody else can submit another proof in
    /// the operator's name; `None` in other classes.
    pub proof: Option<Digest>,
}

impl<AccountId: Encode + Clone> ResultStatement<AccountId> {
    /// BLAKE2b-256 of its signing bytes: its leaf in the tree of a [`ListStatement`].
    pub fn digest(&self) -> Digest {
        digest(&self.signing_bytes())
    }

    /// The bytes that the signature is over: its own, or those of the list in which it has this
    /// place. `None` if no list has such a place.
    pub fn signed_bytes(&self, list: Option<&ListPlace>) -> Option<Vec<u8>> {
        let Some(ListPlace { index, count, path }) = list else {
            return Some(self.signing_bytes());
        };
        let results = merkle::root_of(&self.digest(), *index, *count, path)?;
        let list = ListStatement { results, count: *count, operator: self.operator.clone() };
        Some(list.signing_bytes())
    }

    /// Whether `signature` is a signature by `worker` over this statement, or over the list in which
    /// it has this place.
    pub fn holds(
        &self,
        worker: &WorkerId,
        signature: &WorkerSignature,
        list: Option<&ListPlace>,
    ) -> bool {
        self.signed_bytes(list).is_some_and(|bytes| worker.verify(&bytes, &(*signature).into()))
    }
}

/// A result with the signature over it.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SignedResult<AccountId> {
    /// The result.
    pub statement: ResultStatement<AccountId>,
    /// Signature over it, or over the list in which it has [`Self::list`].
    pub signature: WorkerSignature,
    /// Its place in a [`ListStatement`], if that is what was signed.
    pub list: Option<ListPlace>,
}

impl<AccountId: Encode + Clone> SignedResult<AccountId> {
    /// Whether `worker` has signed it.
    pub fn is_by(&self, worker: &WorkerId) -> bool {
        self.statement.holds(worker, &self.signature, self.list.as_ref())
    }
}

/// Maximum number of results that one signature is over.
pub const MAX_LIST: u32 = 64;

/// States several results of one operator at once.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ListStatement<AccountId> {
    /// [`merkle::root`] of the digests of the [`ResultStatement`]s.
    pub results: Digest,
    /// Their number, at most [`MAX_LIST`].
    pub count: u32,
    /// The operator that answers.
    pub operator: AccountId,
}

/// The place of a result in the list that its operator has signed.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ListPlace {
    /// Its index.
    pub index: u32,
    /// The number of results in the list.
    pub count: u32,
    /// The digests that lead from its digest to the root; see [`merkle::path`].
    pub path: BoundedVec<Digest, ConstU32<{ MAX_LIST.ilog2() }>>,
}

/// Commits a quorum member to a result before the result is revealed.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct CommitStatement<AccountId> {
    /// Hash of the [`AnsweredRequest`].
    pub request: Digest,
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
    /// Hash of the [`AnsweredRequest`].
    pub request: Digest,
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
///
/// `request` is the hash of the [`AnsweredRequest`].
pub fn commitment<AccountId: Encode>(
    request: &Digest,
    operator: &AccountId,
    output_digest: &Digest,
    salt: &[u8; 32],
) -> Digest {
    digest(&(b"assay/commitment/2", request, operator, output_digest, salt).encode())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker_crypto;
    use sp_application_crypto::Pair;

    fn result() -> ResultStatement<u64> {
        ResultStatement {
            request: Digest::repeat_byte(1),
            output_digest: Digest::repeat_byte(5),
            operator: 6,
            proof: None,
        }
    }

    fn answered() -> AnsweredRequest<u64> {
        AnsweredRequest {
            genesis: Digest::repeat_byte(1),
            request: RequestId(2),
            payer: 7,
            version_digest: Digest::repeat_byte(3),
            input_digest: Digest::repeat_byte(4),
            assurance: Assurance::Signed,
            seed: Digest::repeat_byte(6),
        }
    }

    #[test]
    fn the_hash_of_a_request_covers_all_of_it() {
        let changes: [fn(&mut AnsweredRequest<u64>); 7] = [
            |a| a.genesis = Digest::zero(),
            |a| a.request = RequestId(3),
            |a| a.payer = 8,
            |a| a.version_digest = Digest::zero(),
            |a| a.input_digest = Digest::zero(),
            |a| a.assurance = Assurance::Proof,
            |a| a.seed = Digest::zero(),
        ];
        for change in changes {
            let mut other = answered();
            change(&mut other);
            assert_ne!(other.hash(), answered().hash(), "{other:?}");
        }
    }

    #[test]
    fn a_signature_holds_for_its_statement_only() {
        let pair = worker_crypto::Pair::from_seed(&[9; 32]);
        let signature: WorkerSignature = pair.sign(&result().signing_bytes()).into();
        assert!(result().is_signed_by(&pair.public(), &signature));
        let changes: [fn(&mut ResultStatement<u64>); 4] = [
            |s| s.request = Digest::zero(),
            |s| s.output_digest = Digest::zero(),
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
    fn a_signature_over_a_list_holds_for_each_result_in_its_place() {
        let pair = worker_crypto::Pair::from_seed(&[9; 32]);
        for count in [1, 2, 33, MAX_LIST] {
            let statements: Vec<_> = (0..count)
                .map(|number| ResultStatement {
                    request: Digest::from_low_u64_be(number.into()),
                    ..result()
                })
                .collect();
            let leaves: Vec<_> = statements.iter().map(ResultStatement::digest).collect();
            let list = ListStatement { results: merkle::root(&leaves), count, operator: 6u64 };
            let signature: WorkerSignature = pair.sign(&list.signing_bytes()).into();
            let place = |index: u32| {
                let path = merkle::path(&leaves, index as usize).unwrap();
                ListPlace { index, count, path: path.try_into().expect("as short as stated") }
            };
            for (index, statement) in (0..).zip(&statements) {
                let holds = |statement: &ResultStatement<u64>, place: Option<&ListPlace>| {
                    statement.holds(&pair.public(), &signature, place)
                };
                let right = place(index);
                assert!(holds(statement, Some(&right)), "{index} of {count}");
                assert!(!holds(statement, None));
                let other = ResultStatement { output_digest: Digest::zero(), ..statement.clone() };
                assert!(!holds(&other, Some(&right)));
                let other = ResultStatement { operator: 7, ..statement.clone() };
                assert!(!holds(&other, Some(&right)));
                let longer = ListPlace { count: count + 1, ..right.clone() };
                assert!(!holds(statement, Some(&longer)));
                if count > 1 {
                    let moved = ListPlace { index: index ^ 1, ..right };
                    assert!(!holds(statement, Some(&moved)));
                }
            }
        }
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
