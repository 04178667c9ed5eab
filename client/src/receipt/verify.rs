//! Verification of a bundle: hashes, a trie proof and sr25519 signatures, nothing else.

use std::collections::BTreeSet;

use assay_primitives::{
    digest, receipt::evidence_digest, Assurance, BlockNumber, Digest, Evidence, ModelDescriptor,
    Outcome, Receipt, SignedEvidence, Statement,
};
use codec::{Decode, DecodeAll, Encode};
use sp_core::Blake2Hasher;
use sp_trie::{read_trie_value, LayoutV1, MemoryDB, StorageProof};

use super::{describe, proof_keys, ReceiptBundle, FORMAT};
use crate::{
    names::{from_hex, to_hex, AssuranceArgument},
    rpc::{header_hash, height, Header},
    AccountId,
};

/// Signing context of worker keys.
const SIGNING_CONTEXT: &[u8] = b"substrate";

/// Why a receipt does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerificationError {
    /// A part of the bundle cannot be read.
    #[error("the {what} cannot be read: {reason}")]
    Malformed {
        /// The part.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The bundle has another form than this client knows.
    #[error("the bundle has the form `{found}`, known is `{FORMAT}`")]
    UnknownFormat {
        /// Its form.
        found: String,
    },
    /// The header is not that of the stated block.
    #[error("the header is that of block {found:?}, stated is {stated:?}")]
    HeaderMismatch {
        /// Hash of the header.
        found: Digest,
        /// Hash that the bundle states.
        stated: Digest,
    },
    /// The header has another height than stated.
    #[error("the header has height {found}, stated is {stated}")]
    HeightMismatch {
        /// Height in the header.
        found: BlockNumber,
        /// Height that the bundle states.
        stated: BlockNumber,
    },
    /// The receipt does not have the stated digest.
    #[error("the receipt has the digest {found:?}, stated is {stated:?}")]
    ReceiptMismatch {
        /// Digest of the receipt.
        found: Digest,
        /// Digest that the bundle states.
        stated: Digest,
    },
    /// The proof is about other entries than those of this receipt.
    #[error("the proof is about other entries of the state than this receipt's")]
    WrongKeys,
    /// The proof does not lead from the header's state root to an entry.
    #[error("the proof does not hold for {what}: {reason}")]
    InvalidProof {
        /// The entry.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The state holds no digest for the request.
    #[error("the state of the block holds no receipt for this request")]
    NotInState,
    /// The state holds another digest for the request.
    #[error("the state of the block holds the receipt {proven:?}, this one is {found:?}")]
    NotTheProvenReceipt {
        /// Digest in the state.
        proven: Digest,
        /// Digest of the receipt.
        found: Digest,
    },
    /// The receipt is younger than the block that is to prove it.
    #[error("the receipt was decided at height {decided_at}, after the block at {number}")]
    FromTheFuture {
        /// Height at which the request was decided.
        decided_at: BlockNumber,
        /// Height of the block.
        number: BlockNumber,
    },
    /// The evidence is not the one that the receipt names.
    #[error("the evidence has the digest {found:?}, the receipt names {named:?}")]
    EvidenceMismatch {
        /// Digest of the evidence.
        found: Digest,
        /// Digest in the receipt.
        named: Digest,
    },
    /// A signature does not hold.
    #[error("the signature of item {index}, by {operator}, does not hold")]
    BadSignature {
        /// Index of the item.
        index: usize,
        /// The operator that the item names.
        operator: AccountId,
    },
    /// A worker key is not that of the operator that the evidence names.
    #[error("the worker key of item {index} is not one of {operator}")]
    WrongOperator {
        /// Index of the item.
        index: usize,
        /// The operator that the item names.
        operator: AccountId,
    },
    /// The outcome and the output of the receipt contradict each other.
    #[error("the receipt contradicts itself: outcome {outcome:?} with output {}", or_none(.output))]
    Contradiction {
        /// The outcome.
        outcome: Outcome,
        /// The output.
        output: Option<Digest>,
    },
    /// The evidence does not give what the assurance class asks for.
    #[error(
        "{} asks for {needed} operators that signed the output{}; {found} did",
        AssuranceArgument(*.assurance),
        if *.assurance == Assurance::Proof { " with a proof" } else { "" }
    )]
    NotAssured {
        /// What was asked for.
        assurance: Assurance,
        /// Operators needed.
        needed: usize,
        /// Operators found.
        found: usize,
    },
    /// This client does not know how to verify the class.
    #[error("this client cannot verify class {}; update assay", AssuranceArgument(*.0))]
    UnknownClass(Assurance),
    /// The descriptor is not that of the version.
    #[error("the descriptor has the digest {found:?}, the receipt names {named:?}")]
    DescriptorMismatch {
        /// Digest of the descriptor.
        found: Digest,
        /// Digest in the receipt.
        named: Digest,
    },
    /// The part for people says something else than the bytes.
    #[error("the decoded part of the bundle does not say what the receipt says")]
    DecodedMismatch,
    /// The output is not the one of the receipt.
    #[error("the output has the digest {found:?}, the receipt names {}", or_none(.named))]
    OutputMismatch {
        /// Digest of the output.
        found: Digest,
        /// Digest in the receipt, if it names an output.
        named: Option<Digest>,
    },
    /// The receipt is of another chain than the node.
    #[error("the receipt is of the chain {receipt:?}, the node is on {node:?}")]
    OtherChain {
        /// Genesis in the receipt.
        receipt: Digest,
        /// Genesis of the node.
        node: Digest,
    },
    /// The node's chain has not finalised the block.
    #[error("the node's chain has not finalised block {number} {hash:?}")]
    NotFinalised {
        /// Height of the block.
        number: BlockNumber,
        /// Hash of the block.
        hash: Digest,
    },
}

/// A digest for messages, or `none`.
fn or_none(digest: &Option<Digest>) -> String {
    digest.map_or_else(|| "none".to_owned(), |digest| format!("{digest:?}"))
}

impl VerificationError {
    /// The name of the error, for programs.
    pub fn name(&self) -> String {
        let debug = format!("{self:?}");
        debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    }
}

/// A receipt that holds, if the chain finalised the block [`VerifiedReceipt::block_hash`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The receipt.
    pub receipt: Receipt<AccountId>,
    /// Its digest.
    pub digest: Digest,
    /// The signed results. Every signature holds.
    pub evidence: Evidence<AccountId>,
    /// Distinct operators that signed exactly the receipt's output.
    pub agreeing: usize,
    /// Whether the other operators that the class needs signed outputs which the chain counted
    /// as equal within the version's tolerance. The outputs themselves are not in the bundle, so
    /// for those the block is the only witness.
    pub within_tolerance: bool,
    /// What the version declares, if the bundle holds it.
    pub descriptor: Option<ModelDescriptor>,
    /// Whether an output was given, and is the receipt's.
    pub output_checked: bool,
    /// Height of the block.
    pub block_number: BlockNumber,
    /// Hash of the block: the trust anchor.
    pub block_hash: Digest,
}

impl ReceiptBundle {
    /// Checks everything that the bundle claims, without a node. `output` is an output payload
    /// that must be the receipt's.
    pub fn verify(&self, output: Option<&[u8]>) -> Result<VerifiedReceipt, VerificationError> {
        if self.format != FORMAT {
            return Err(VerificationError::UnknownFormat { found: self.format.clone() });
        }
        let state_root = self.verify_header()?;
        let receipt: Receipt<AccountId> = decode("receipt", &self.receipt)?;
        let evidence: Evidence<AccountId> = decode("evidence", &self.evidence)?;

        let found = receipt.digest();
        if found != self.receipt_digest {
            let stated = self.receipt_digest;
            return Err(VerificationError::ReceiptMismatch { found, stated });
        }
        self.verify_keys(&receipt, &evidence)?;
        let state = ProvenState::new(&self.proof.nodes, state_root)?;
        let proven: Option<Digest> =
            state.read("the receipt", &proof_keys(&receipt, &evidence)[0])?;
        let proven = proven.ok_or(VerificationError::NotInState)?;
        if proven != found {
            return Err(VerificationError::NotTheProvenReceipt { proven, found });
        }
        if receipt.decided_at > self.block.number {
            return Err(VerificationError::FromTheFuture {
                decided_at: receipt.decided_at,
                number: self.block.number,
            });
        }
        let (found, named) = (evidence_digest(&evidence), receipt.evidence_digest);
        if found != named {
            return Err(VerificationError::EvidenceMismatch { found, named });
        }
        verify_evidence(&receipt, &evidence, &state)?;
        let descriptor = self.verify_descriptor(&receipt)?;
        let agreement = verify_agreement(&receipt, &evidence, descriptor.as_ref())?;
        if describe(&receipt, &evidence) != self.decoded {
            return Err(VerificationError::DecodedMismatch);
        }
        if let Some(output) = output {
            let (found, named) = (digest(output), receipt.output_digest);
            if named != Some(found) {
                return Err(VerificationError::OutputMismatch { found, named });
            }
        }
        Ok(VerifiedReceipt {
            digest: self.receipt_digest,
            agreeing: agreement.exact,
            within_tolerance: agreement.within_tolerance,
            descriptor,
            output_checked: output.is_some(),
            block_number: self.block.number,
            block_hash: self.block.hash,
            receipt,
            evidence,
        })
    }

    /// Checks that the header is the stated block's. Returns its state root.
    fn verify_header(&self) -> Result<Digest, VerificationError> {
        let header: Header = decode("header", &self.block.header)?;
        let (found, stated) = (header_hash(&header), self.block.hash);
        if found != stated {
            return Err(VerificationError::HeaderMismatch { found, stated });
        }
        let (found, stated) = (height(&header), self.block.number);
        if found != stated {
            return Err(VerificationError::HeightMismatch { found, stated });
        }
        Ok(header.state_root)
    }

    fn verify_keys(
        &self,
        receipt: &Receipt<AccountId>,
        evidence: &Evidence<AccountId>,
    ) -> Result<(), VerificationError> {
        let expected = proof_keys(receipt, evidence).into_iter().map(to_hex);
        let stated = std::iter::once(&self.proof.receipt_key).chain(&self.proof.worker_keys);
        match expected.eq(stated.cloned()) {
            true => Ok(()),
            false => Err(VerificationError::WrongKeys),
        }
    }

    fn verify_descriptor(
        &self,
        receipt: &Receipt<AccountId>,
    ) -> Result<Option<ModelDescriptor>, VerificationError> {
        let Some(descriptor) = &self.descriptor else { return Ok(None) };
        let descriptor: ModelDescriptor = decode("descriptor", descriptor)?;
        let (found, named) = (descriptor.digest(), receipt.version_digest);
        if found != named {
            return Err(VerificationError::DescriptorMismatch { found, named });
        }
        Ok(Some(descriptor))
    }
}

/// Entries of a state, reachable from its root.
struct ProvenState {
    nodes: MemoryDB<Blake2Hasher>,
    root: Digest,
}

impl ProvenState {
    fn new(nodes: &[String], root: Digest) -> Result<Self, VerificationError> {
        let nodes: Vec<Vec<u8>> =
            nodes.iter().map(|node| bytes("proof", node)).collect::<Result<_, _>>()?;
        Ok(Self { nodes: StorageProof::new(nodes).into_memory_db(), root })
    }

    fn read<T: Decode>(&self, what: &str, key: &[u8]) -> Result<Option<T>, VerificationError> {
        let invalid =
            |reason: String| VerificationError::InvalidProof { what: what.into(), reason };
        let value =
            read_trie_value::<LayoutV1<Blake2Hasher>, _>(&self.nodes, &self.root, key, None, None);
        let value = value.map_err(|error| invalid(error.to_string()))?;
        value
            .map(|value| T::decode_all(&mut &value[..]).map_err(|error| invalid(error.to_string())))
            .transpose()
    }
}

fn verify_evidence(
    receipt: &Receipt<AccountId>,
    evidence: &Evidence<AccountId>,
    state: &ProvenState,
) -> Result<(), VerificationError> {
    for (index, item) in evidence.iter().enumerate() {
        let operator = item.operator.clone();
        if !signature_holds(receipt, item) {
            return Err(VerificationError::BadSignature { index, operator });
        }
        let what = format!("the worker key of item {index}");
        let owner: Option<AccountId> =
            state.read(&what, &crate::storage::worker_key(&item.worker))?;
        if owner != Some(operator.clone()) {
            return Err(VerificationError::WrongOperator { index, operator });
        }
    }
    Ok(())
}

fn signature_holds(receipt: &Receipt<AccountId>, item: &SignedEvidence<AccountId>) -> bool {
    let key = schnorrkel::PublicKey::from_bytes(&item.worker.encode());
    let signature = schnorrkel::Signature::from_bytes(&item.signature.encode());
    let (Ok(key), Ok(signature)) = (key, signature) else { return false };
    let message = receipt.statement(item).signing_bytes();
    key.verify_simple(SIGNING_CONTEXT, &message, &signature).is_ok()
}

struct Agreement {
    /// Distinct operators that signed exactly the receipt's output.
    exact: usize,
    within_tolerance: bool,
}

/// Whether the evidence gives what the class asks for. A receipt without a result needs none.
fn verify_agreement(
    receipt: &Receipt<AccountId>,
    evidence: &Evidence<AccountId>,
    descriptor: Option<&ModelDescriptor>,
) -> Result<Agreement, VerificationError> {
    let (outcome, output) = (receipt.outcome, receipt.output_digest);
    if (outcome == Outcome::Verified) != output.is_some() {
        return Err(VerificationError::Contradiction { outcome, output });
    }
    let operators = |of: &dyn Fn(&SignedEvidence<AccountId>) -> bool| {
        let of = evidence.iter().filter(|item| of(item)).map(|item| &item.operator);
        of.collect::<BTreeSet<_>>().len()
    };
    let exact = operators(&|item| Some(item.output_digest) == output);
    let agreement = Agreement { exact, within_tolerance: false };
    if outcome != Outcome::Verified {
        return Ok(agreement);
    }
    let assurance = receipt.assurance;
    let refused = |needed| Err(VerificationError::NotAssured { assurance, needed, found: exact });
    match assurance {
        // An optimistic result is final after its window: the block is the witness of that.
        Assurance::Signed | Assurance::Optimistic if exact == 1 && evidence.len() == 1 => {
            Ok(agreement)
        },
        Assurance::Signed | Assurance::Optimistic => refused(1),
        // The chain has verified the proof, and names it in the evidence.
        Assurance::Proof => match &evidence[..] {
            [item] if exact == 1 && item.proof.is_some() => Ok(agreement),
            _ => refused(1),
        },
        Assurance::Quorum { k, .. } if exact >= usize::from(k) => Ok(agreement),
        Assurance::Quorum { k, .. } => {
            let tolerance = descriptor.and_then(|descriptor| descriptor.tolerance);
            let is_tolerant = tolerance.is_some_and(|tolerance| tolerance.millionths > 0);
            match is_tolerant && exact > 0 && operators(&|_| true) >= usize::from(k) {
                true => Ok(Agreement { exact, within_tolerance: true }),
                false => refused(usize::from(k)),
            }
        },
        other => Err(VerificationError::UnknownClass(other)),
    }
}

fn bytes(what: &'static str, text: &str) -> Result<Vec<u8>, VerificationError> {
    from_hex(text).map_err(|error| VerificationError::Malformed { what, reason: error.to_string() })
}

fn decode<T: Decode>(what: &'static str, text: &str) -> Result<T, VerificationError> {
    T::decode_all(&mut &bytes(what, text)?[..])
        .map_err(|error| VerificationError::Malformed { what, reason: error.to_string() })
}

#[cfg(test)]
mod tests;
