//! Receipts, which anyone can verify without a node.
//!
//! A [`ReceiptBundle`] contains a receipt, its evidence, a block header and a proof of entries of the
//! block's state. [`ReceiptBundle::verify`] needs nothing else. The verification is relative to one
//! trust anchor, the hash of the block: if the chain has finalised that block, the receipt is
//! genuine. To check that, use your own node and [`Client::check_anchor`](crate::Client::check_anchor).

mod export;
mod verify;

use assay_primitives::{
    runtime_api::ReceiptView, BlockNumber, Digest, Evidence, ModelDescriptor, Receipt,
};
use codec::Encode;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

use crate::{
    rpc::{header_hash, height, Header},
    storage,
    text::{self, to_hex},
    AccountId, Error, Result,
};

pub use crate::error::VerificationError;
pub use verify::VerifiedReceipt;

/// Format of the bundle.
pub const FORMAT: &str = "assay/receipt-bundle/2";

/// Everything that the verification of a receipt needs. In JSON; bytes are in hex with `0x`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBundle {
    /// [`FORMAT`].
    pub format: String,
    /// Digest of the receipt.
    pub receipt_digest: Digest,
    /// Human-readable form of the receipt and the evidence. The verification compares it with the
    /// encoded ones.
    pub decoded: Value,
    /// SCALE encoding of the receipt.
    pub receipt: String,
    /// SCALE encoding of the evidence.
    pub evidence: String,
    /// SCALE encoding of the version's descriptor, whose digest is in the receipt. It contains the
    /// tolerance. `None` if the version was removed before the export.
    pub descriptor: Option<String>,
    /// The place of the receipt among those of the block in which the request ended.
    pub inclusion: Inclusion,
    /// A block whose state contains the root of these receipts.
    pub block: AnchorBlock,
    /// The proof of that.
    pub proof: StateProof,
}

/// The place of a receipt among those of its block, in the Merkle tree of `assay_primitives::merkle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
    /// Its index, from 0.
    pub index: u32,
    /// Number of receipts.
    pub count: u32,
    /// The siblings on the way to the root, from below.
    pub path: Vec<Digest>,
}

/// The block that anchors a bundle.
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
    /// Key of the page with the root of the receipts.
    pub roots_key: String,
    /// Storage keys of the worker keys' operators, in the order of the evidence.
    pub worker_keys: Vec<String>,
    /// The trie nodes.
    pub nodes: Vec<String>,
}

impl ReceiptBundle {
    /// Assembles a bundle. `nodes` prove the entries of [`proof_keys`] in the state of the block with
    /// this header.
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
            inclusion: Inclusion { index: view.index, count: view.count, path: view.path.clone() },
            block: AnchorBlock {
                number: height(header),
                hash: header_hash(header),
                header: to_hex(header.encode()),
            },
            proof: StateProof {
                roots_key: keys.next().unwrap_or_default(),
                worker_keys: keys.collect(),
                nodes: nodes.iter().map(to_hex).collect(),
            },
        }
    }

    /// Parses a bundle. Does not verify it.
    ///
    /// # Errors
    ///
    /// [`VerificationError::Malformed`] if the text is not a bundle.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            Error::Verification(VerificationError::Malformed {
                what: "bundle",
                reason: error.to_string(),
            })
        })
    }

    /// Reads a bundle from a file. Does not verify it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read, and those of [`Self::from_json`].
    pub fn from_file(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        Self::from_json(&text)
    }

    /// The bundle as indented JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Storage keys of the entries that prove a receipt: the roots of receipts, then the operator of each
/// evidence item's worker key.
pub fn proof_keys(receipt: &Receipt<AccountId>, evidence: &Evidence<AccountId>) -> Vec<Vec<u8>> {
    let roots_key = storage::receipt_roots_key(receipt.decided_at);
    let worker_keys = evidence.iter().map(|item| storage::worker_key(&item.worker));
    std::iter::once(roots_key).chain(worker_keys).collect()
}

/// Human-readable form of a receipt and its evidence. Amounts are strings of plancks.
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
            if let Some(place) = &item.list {
                described["list"] = json!({
                    "index": place.index,
                    "count": place.count,
                    "path": place.path.iter().map(to_hex).collect::<Vec<_>>(),
                });
            }
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
        "assurance": text::assurance(receipt.assurance),
        "outcome": format!("{:?}", receipt.outcome),
        "output_digest": receipt.output_digest.map(to_hex),
        "draw": receipt.draw.map(|draw| json!({
            "from": draw.from,
            "block": draw.block,
            "seed": to_hex(draw.seed),
            "authors": draw.authors,
        })),
        "price_paid": receipt.price_paid.to_string(),
        "bond_at_stake": receipt.bond_at_stake.to_string(),
        "evidence_digest": to_hex(receipt.evidence_digest),
        "decided_at": receipt.decided_at,
        "evidence": items,
    })
}
