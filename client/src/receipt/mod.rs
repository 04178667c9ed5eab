//! Receipts that anyone checks without a node.
//!
//! A [`ReceiptBundle`] holds a receipt, the signed results that it rests on, a block header and
//! a proof of what the block's state holds. [`ReceiptBundle::verify`] needs nothing else. What
//! it proves is relative to one trust anchor, the hash of the block: whoever knows that the
//! chain finalised that block, by their own node or by [`crate::Client::check_anchor`], knows
//! that the receipt is genuine.

mod export;
mod verify;

use assay_primitives::{
    runtime_api::ReceiptView, BlockNumber, Digest, Evidence, ModelDescriptor, Receipt,
};
use codec::Encode;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

use crate::{
    names::{to_hex, AssuranceArgument},
    rpc::{header_hash, height, Header},
    storage, AccountId, Error, Result,
};

pub use verify::{VerificationError, VerifiedReceipt};

/// Form of the bundle.
pub const FORMAT: &str = "assay/receipt-bundle/1";

/// Everything that a receipt's verification needs, as JSON. Bytes are hex with `0x`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBundle {
    /// [`FORMAT`].
    pub format: String,
    /// Digest of the receipt.
    pub receipt_digest: Digest,
    /// What the receipt says, for people. Verification compares it with the bytes.
    pub decoded: Value,
    /// SCALE encoding of the receipt.
    pub receipt: String,
    /// SCALE encoding of the evidence.
    pub evidence: String,
    /// SCALE encoding of the version's descriptor, which the receipt names by its digest. It says
    /// whether outputs count as equal within a tolerance.
    pub descriptor: Option<String>,
    /// The block whose state holds the digest of the receipt.
    pub block: AnchorBlock,
    /// The proof that it does.
    pub proof: StateProof,
}

/// The block that a bundle rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorBlock {
    /// Its height.
    pub number: BlockNumber,
    /// Its hash: the trust anchor.
    pub hash: Digest,
    /// SCALE encoding of its header.
    pub header: String,
}

/// A proof of entries of a block's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateProof {
    /// Key of the receipt's digest.
    pub receipt_key: String,
    /// Keys of the operators of the worker keys, in the order of the evidence.
    pub worker_keys: Vec<String>,
    /// The trie nodes.
    pub nodes: Vec<String>,
}

impl ReceiptBundle {
    /// Puts a bundle together. `nodes` prove the entries of [`proof_keys`] in the state of the
    /// block with this header.
    pub fn new(
        view: &ReceiptView<AccountId>,
        descriptor: Option<&ModelDescriptor>,
        header: &Header,
        nodes: &[Vec<u8>],
    ) -> Self {
        let mut keys = proof_keys(&view.receipt, &view.evidence).into_iter().map(to_hex);
        Self {
            format: FORMAT.to_owned(),
            receipt_digest: view.digest,
            decoded: describe(&view.receipt, &view.evidence),
            receipt: to_hex(view.receipt.encode()),
            evidence: to_hex(view.evidence.encode()),
            descriptor: descriptor.map(|descriptor| to_hex(descriptor.encode())),
            block: AnchorBlock {
                number: height(header),
                hash: header_hash(header),
                header: to_hex(header.encode()),
            },
            proof: StateProof {
                receipt_key: keys.next().unwrap_or_default(),
                worker_keys: keys.collect(),
                nodes: nodes.iter().map(to_hex).collect(),
            },
        }
    }

    /// Reads a bundle.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::Verification(VerificationError::Malformed {
                what: "bundle",
                reason: error.to_string(),
            })
        })
    }

    /// Reads a bundle from a file.
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        Self::from_json(&text)
    }

    /// Writes a bundle for people and programs.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Keys of the state entries that prove a receipt: its digest, then the operator of each item of
/// evidence.
pub fn proof_keys(receipt: &Receipt<AccountId>, evidence: &Evidence<AccountId>) -> Vec<Vec<u8>> {
    let receipt_key = storage::receipt_digest_key(receipt.request);
    let worker_keys = evidence.iter().map(|item| storage::worker_key(&item.worker));
    std::iter::once(receipt_key).chain(worker_keys).collect()
}

/// What a receipt and its evidence say, for people. Amounts are strings of plancks.
pub fn describe(receipt: &Receipt<AccountId>, evidence: &Evidence<AccountId>) -> Value {
    let items: Vec<_> = evidence
        .iter()
        .map(|item| {
            let mut described = json!({
                "operator": item.operator.to_string(),
                "worker": to_hex(item.worker.encode()),
                "output_digest": to_hex(item.output_digest),
                "signature": to_hex(item.signature.encode()),
            });
            if let Some(proof) = &item.proof {
                described["proof"] = json!({
                    "digest": to_hex(proof.digest),
                    "bytes": proof.bytes,
                    "security_bits": proof.security_bits,
                });
            }
            described
        })
        .collect();
    json!({
        "genesis": to_hex(receipt.genesis),
        "request": receipt.request.0,
        "payer": receipt.payer.to_string(),
        "version_digest": to_hex(receipt.version_digest),
        "input_digest": to_hex(receipt.input_digest),
        "assurance": AssuranceArgument(receipt.assurance).to_string(),
        "outcome": format!("{:?}", receipt.outcome),
        "output_digest": receipt.output_digest.map(to_hex),
        "draw": receipt.draw.map(|draw| json!({"block": draw.block, "seed": to_hex(draw.seed)})),
        "price_paid": receipt.price_paid.to_string(),
        "evidence_digest": to_hex(receipt.evidence_digest),
        "decided_at": receipt.decided_at,
        "evidence": items,
    })
}
