//! Verification of bundles: hashes, a trie proof and sr25519 signatures.

use std::collections::BTreeSet;

use assay_primitives::{
    digest, merkle,
    receipt::{evidence_digest, RootPage, ROOTS_PER_PAGE},
    Assurance, BlockNumber, Digest, Evidence, ModelDescriptor, Outcome, Receipt, SignedEvidence,
};
use codec::{Decode, DecodeAll, Encode};
use sp_core::Blake2Hasher;
use sp_trie::{read_trie_value, LayoutV1, MemoryDB, StorageProof};

use super::{describe, proof_keys, Inclusion, ReceiptBundle, FORMAT};
use crate::{
    error::VerificationError,
    rpc::{header_hash, height, Header},
    storage::{receipt_roots_key, worker_key},
    text::{from_hex, to_hex},
    AccountId,
};

/// Schnorrkel signing context of worker keys.
const SIGNING_CONTEXT: &[u8] = b"substrate";

/// A receipt that is valid if the chain has finalised the block [`VerifiedReceipt::block_hash`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The receipt.
    pub receipt: Receipt<AccountId>,
    /// Its digest.
    pub digest: Digest,
    /// The signed results. Every signature is valid.
    pub evidence: Evidence<AccountId>,
    /// Number of distinct operators that signed exactly the receipt's output.
    pub agreeing: usize,
    /// Whether the class needs further operators, whose outputs the chain counted as equal within the
    /// version's tolerance. The bundle does not contain these outputs, so only the block attests to
    /// their equality.
    pub within_tolerance: bool,
    /// The version's descriptor, if the bundle contains it.
    pub descriptor: Option<ModelDescriptor>,
    /// Whether an output was given and matches the receipt.
    pub output_checked: bool,
    /// Height of the block.
    pub block_number: BlockNumber,
    /// Hash of the block: the trust anchor.
    pub block_hash: Digest,
}

impl ReceiptBundle {
    /// Verifies the bundle, without a node. If `output` is given, it must be the output payload of the
    /// receipt.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub fn verify(&self, output: Option<&[u8]>) -> Result<VerifiedReceipt, VerificationError> {
        if self.format != FORMAT {
            return Err(VerificationError::UnknownFormat {
                found: self.format.clone(),
                known: FORMAT,
            });
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
        self.verify_inclusion(&receipt, &state)?;
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

    /// Checks that the receipt is among those whose root the state has for its height.
    fn verify_inclusion(
        &self,
        receipt: &Receipt<AccountId>,
        state: &ProvenState,
    ) -> Result<(), VerificationError> {
        let height = receipt.decided_at;
        let key = receipt_roots_key(height);
        let page: Option<RootPage> = state.read("the roots of receipts", &key)?;
        let proven = page
            .and_then(|page| page.get(height % ROOTS_PER_PAGE))
            .ok_or(VerificationError::NotInState { height })?;
        let Inclusion { index, count, path } = &self.inclusion;
        let found = merkle::root_of(&receipt.digest(), *index, *count, path).map(Into::into);
        match found == Some(proven) {
            true => Ok(()),
            false => Err(VerificationError::NotTheProvenReceipt { height, proven, found }),
        }
    }

    /// Checks that the header has the stated hash and height. Returns its state root.
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
        let stated = std::iter::once(&self.proof.roots_key).chain(&self.proof.worker_keys);
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

/// A part of a state, with the trie nodes that connect it with the root.
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
        if !is_signature_valid(receipt, item) {
            return Err(VerificationError::BadSignature { index, operator });
        }
        let what = format!("the worker key of evidence item {index}");
        let owner: Option<AccountId> = state.read(&what, &worker_key(&item.worker))?;
        if owner != Some(operator.clone()) {
            return Err(VerificationError::WrongOperator { index, operator });
        }
    }
    Ok(())
}

fn is_signature_valid(receipt: &Receipt<AccountId>, item: &SignedEvidence<AccountId>) -> bool {
    let key = schnorrkel::PublicKey::from_bytes(&item.worker.encode());
    let signature = schnorrkel::Signature::from_bytes(&item.signature.encode());
    let (Ok(key), Ok(signature)) = (key, signature) else { return false };
    let Some(message) = receipt.statement(item).signed_bytes(item.list.as_ref()) else {
        return false;
    };
    key.verify_simple(SIGNING_CONTEXT, &message, &signature).is_ok()
}

struct Agreement {
    /// Number of distinct operators that signed exactly the receipt's output.
    exact: usize,
    within_tolerance: bool,
}

/// Checks that the evidence meets the requirement of the class. A receipt without a result has none.
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
        // That the window of an optimistic result has passed, the block attests.
        Assurance::Signed | Assurance::Optimistic if exact == 1 && evidence.len() == 1 => {
            Ok(agreement)
        },
        Assurance::Signed | Assurance::Optimistic => refused(1),
        // The chain has verified the proof; the evidence names it.
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
