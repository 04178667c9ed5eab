//! Receipts, which relying parties check, and the evidence that supports them.

use alloc::vec::Vec;
use core::fmt;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32};

use crate::{
    assurance::MAX_COMMITTEE, digest, AnsweredRequest, Assurance, Digest, FailureReason, ListPlace,
    ProofEvidence, RequestId, ResultStatement, WorkerId, WorkerSignature,
};

/// Domain tag of receipts.
pub const RECEIPT_TAG: &[u8] = b"assay/receipt/2";

/// Why a request ended without a verified result although no operator was late.
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
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// At the draw, fewer operators than needed could serve the request at its price.
    #[codec(index = 0)]
    NoOperator,
    /// Too many operators reported that they cannot serve the request. The reason is that of the
    /// first of them in the order of the draw.
    #[codec(index = 1)]
    Failed(FailureReason),
    /// Fewer members submitted equal results than the quorum needs.
    #[codec(index = 2)]
    NoAgreement,
    /// The operator's proof does not prove its result.
    #[codec(index = 3)]
    InvalidProof,
    /// The operator lost a dispute over its result.
    #[codec(index = 4)]
    Disputed,
}

/// How a request ended.
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
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The evidence satisfies the rule of the class.
    #[codec(index = 0)]
    Verified,
    /// There is no result. The payer was refunded, less the fee for room.
    #[codec(index = 1)]
    Rejected(RejectReason),
    /// The deadline passed. The payer was refunded, less the fee for room.
    #[codec(index = 2)]
    TimedOut,
    /// The payer cancelled the request before operators were drawn.
    #[codec(index = 3)]
    Cancelled,
}

/// The block and the seed of a draw. With them a relying party can repeat the draw.
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
    Serialize,
    Deserialize,
)]
pub struct Draw {
    /// Height of the first block whose VRF output is in the seed.
    pub from: u32,
    /// Height of the block that made the draw.
    pub block: u32,
    /// Seed of the draw: BLAKE2b-256 of the bytes `assay/draw/2`, the VRF outputs of the blocks
    /// [`Self::from`] to [`Self::block`] that have one, in order, and the SCALE encoding of the
    /// request's identifier.
    pub seed: Digest,
    /// Number of different authors of these blocks. Only all of them together could have chosen the
    /// seed.
    pub authors: u8,
}

/// One operator's signed result.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SignedEvidence<AccountId> {
    /// The operator.
    pub operator: AccountId,
    /// The worker key that signed.
    pub worker: WorkerId,
    /// Digest of the output payload.
    pub output_digest: Digest,
    /// Signature over the [`ResultStatement`], or over the list in which it has [`Self::list`].
    pub signature: WorkerSignature,
    /// Its place in a [`ListStatement`](crate::ListStatement), if the operator has signed one.
    pub list: Option<ListPlace>,
    /// In class `Proof` the digest of the proof, its size and its soundness; `None` in other
    /// classes. The receipt's outcome says whether the proof holds.
    pub proof: Option<ProofEvidence>,
}

/// The signed results that support the outcome, in the order of the draw, including results that
/// did not win.
pub type Evidence<AccountId> =
    BoundedVec<SignedEvidence<AccountId>, ConstU32<{ MAX_COMMITTEE as u32 }>>;

/// The chain's record of a finished request. The chain keeps the root of all receipts of a block
/// forever.
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
pub struct Receipt<AccountId> {
    /// Hash of the chain's genesis block.
    pub genesis: Digest,
    /// The request.
    pub request: RequestId,
    /// The account that made the request and paid for it.
    pub payer: AccountId,
    /// Digest of the requested version's descriptor.
    pub version_digest: Digest,
    /// Digest of the input payload, or the identity of the artifact that the input is.
    pub input_digest: Digest,
    /// The assurance that the request asked for.
    pub assurance: Assurance,
    /// How the request ended.
    pub outcome: Outcome,
    /// Digest of the output payload; `Some` if and only if the outcome is `Verified`.
    pub output_digest: Option<Digest>,
    /// The draw that assigned the request or ended it; `None` if it ended without one.
    pub draw: Option<Draw>,
    /// The amount that the payer paid, in plancks.
    pub price_paid: u128,
    /// What the committee had at stake, all members together, in plancks: the largest penalties for
    /// their results, other than for equivocations.
    pub bond_at_stake: u128,
    /// Digest of the SCALE encoding of the [`Evidence`].
    pub evidence_digest: Digest,
    /// Height of the block in which the request ended.
    pub decided_at: u32,
}

impl<AccountId: Encode + Clone> Receipt<AccountId> {
    /// BLAKE2b-256 of [`RECEIPT_TAG`] and the SCALE encoding of the receipt.
    pub fn digest(&self) -> Digest {
        let mut bytes = RECEIPT_TAG.to_vec();
        self.encode_to(&mut bytes);
        digest(&bytes)
    }

    /// The request that was answered. A request that ended without a draw was not answered, and its
    /// seed is zero here.
    pub fn answered(&self) -> AnsweredRequest<AccountId> {
        AnsweredRequest {
            genesis: self.genesis,
            request: self.request,
            payer: self.payer.clone(),
            version_digest: self.version_digest,
            input_digest: self.input_digest,
            assurance: self.assurance,
            seed: self.draw.map(|draw| draw.seed).unwrap_or_default(),
        }
    }

    /// The statement that the signature of `item` is over.
    pub fn statement(&self, item: &SignedEvidence<AccountId>) -> ResultStatement<AccountId> {
        ResultStatement {
            request: self.answered().hash(),
            output_digest: item.output_digest,
            operator: item.operator.clone(),
            proof: item.proof.map(|proof| proof.digest),
        }
    }

    /// The indices of the items of `evidence` whose signature does not hold.
    pub fn bad_signatures(&self, evidence: &[SignedEvidence<AccountId>]) -> Vec<usize> {
        let holds = |item: &SignedEvidence<AccountId>| {
            self.statement(item).holds(&item.worker, &item.signature, item.list.as_ref())
        };
        (0..evidence.len()).filter(|index| !holds(&evidence[*index])).collect()
    }
}

/// The digest of `evidence` that a receipt contains.
pub fn evidence_digest<AccountId: Encode>(evidence: &[SignedEvidence<AccountId>]) -> Digest {
    digest(&evidence.encode())
}

/// Number of blocks whose receipts' roots are in one page.
pub const ROOTS_PER_PAGE: u32 = 64;

/// The root of the receipts of a block as it stays in the state: its first 31 bytes.
///
/// Two lists of receipts with the same 248 bits take 2^124 hashes to find.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct ReceiptRoot([u8; 31]);

impl From<Digest> for ReceiptRoot {
    fn from(root: Digest) -> Self {
        let mut short = [0; 31];
        short.copy_from_slice(&root[..31]);
        Self(short)
    }
}

impl fmt::Debug for ReceiptRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The roots of the receipts of 64 consecutive blocks.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct RootPage {
    /// The blocks that have a root, one bit each. The first block is the lowest bit.
    pub blocks: u64,
    /// Their roots, in order.
    pub roots: BoundedVec<ReceiptRoot, ConstU32<ROOTS_PER_PAGE>>,
}

impl RootPage {
    /// The root of the block in this place of the page; `None` if it has none.
    pub fn get(&self, place: u32) -> Option<ReceiptRoot> {
        let bit = 1u64.checked_shl(place)?;
        let before = (self.blocks & (bit - 1)).count_ones() as usize;
        (self.blocks & bit != 0).then(|| self.roots.get(before).copied()).flatten()
    }

    /// Adds the root of a block after all that the page has.
    ///
    /// # Errors
    ///
    /// The page has no such place, or one that is not before it.
    pub fn push(&mut self, place: u32, root: Digest) -> Result<(), Digest> {
        let bit = 1u64.checked_shl(place).filter(|bit| self.blocks < *bit).ok_or(root)?;
        self.roots.try_push(root.into()).map_err(|_| root)?;
        self.blocks |= bit;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_root_stays_as_its_first_31_bytes() {
        let mut bytes: [u8; 32] = core::array::from_fn(|index| index as u8 + 1);
        let kept = ReceiptRoot::from(Digest::from(bytes));
        assert_eq!(kept.encode(), bytes[..31]);
        assert_eq!(
            format!("{kept:?}"),
            "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        );
        bytes[30] ^= 1;
        assert_ne!(ReceiptRoot::from(Digest::from(bytes)), kept);
    }

    #[test]
    fn a_page_returns_the_roots_of_its_blocks() {
        let mut page = RootPage::default();
        let root = |place: u32| Digest::repeat_byte(place as u8 + 1);
        for place in [0, 3, 4, 63] {
            assert_eq!(page.push(place, root(place)), Ok(()));
        }
        for place in 0..70 {
            let expected = [0, 3, 4, 63].contains(&place).then(|| root(place).into());
            assert_eq!(page.get(place), expected, "{place}");
        }
        for place in [0, 5, 63, 64, 200] {
            assert_eq!(page.push(place, root(place)), Err(root(place)), "{place}");
        }
    }
}
