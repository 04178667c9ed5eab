//! Receipts that are not valid.

use assay_primitives::{receipt::ReceiptRoot, Assurance, BlockNumber, Digest, Outcome};

use crate::{text, AccountId};

/// Why a receipt is not valid.
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
    /// The bundle has a format that this client does not read.
    #[error("the bundle has the format `{found}`; this client reads `{known}`")]
    UnknownFormat {
        /// Format of the bundle.
        found: String,
        /// [`FORMAT`](crate::receipt::FORMAT).
        known: &'static str,
    },
    /// The header does not have the stated hash.
    #[error("the header has the hash {found:?}; the bundle states {stated:?}")]
    HeaderMismatch {
        /// Hash of the header.
        found: Digest,
        /// Hash that the bundle states.
        stated: Digest,
    },
    /// The header does not have the stated height.
    #[error("the header has height {found}; the bundle states {stated}")]
    HeightMismatch {
        /// Height in the header.
        found: BlockNumber,
        /// Height that the bundle states.
        stated: BlockNumber,
    },
    /// The receipt does not have the stated digest.
    #[error("the receipt has the digest {found:?}; the bundle states {stated:?}")]
    ReceiptMismatch {
        /// Digest of the receipt.
        found: Digest,
        /// Digest that the bundle states.
        stated: Digest,
    },
    /// The state proof names other entries than those of this receipt.
    #[error("the state proof is for other entries than those of this receipt")]
    WrongKeys,
    /// The state proof does not connect an entry with the header's state root.
    #[error("the state proof is invalid for {what}: {reason}")]
    InvalidProof {
        /// The entry.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The state of the block has no root of the receipts of the receipt's height.
    #[error("the state of the block has no root of receipts for height {height}")]
    NotInState {
        /// Height at which the receipt says that its request ended.
        height: BlockNumber,
    },
    /// The receipt is not among those of its height.
    #[error(
        "the receipts of height {height} have the root {proven:?}, and the path of this receipt \
         does not lead there"
    )]
    NotTheProvenReceipt {
        /// Height at which the receipt says that its request ended.
        height: BlockNumber,
        /// Root in the state.
        proven: ReceiptRoot,
        /// Root to which the path leads; `None` if it leads nowhere.
        found: Option<ReceiptRoot>,
    },
    /// The request was decided after the block that is to prove the receipt.
    #[error("the receipt was decided at height {decided_at}, after the block at height {number}")]
    FromTheFuture {
        /// Height at which the request was decided.
        decided_at: BlockNumber,
        /// Height of the block.
        number: BlockNumber,
    },
    /// The evidence is not the one that the receipt names.
    #[error("the evidence has the digest {found:?}; the receipt names {named:?}")]
    EvidenceMismatch {
        /// Digest of the evidence.
        found: Digest,
        /// Digest in the receipt.
        named: Digest,
    },
    /// A signature is invalid.
    #[error("the signature of evidence item {index}, by {operator}, is invalid")]
    BadSignature {
        /// Index of the item.
        index: usize,
        /// The operator that the item names.
        operator: AccountId,
    },
    /// A worker key does not belong to the operator that the evidence names.
    #[error("the worker key of evidence item {index} does not belong to {operator}")]
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
    /// The evidence does not meet the requirement of the assurance class.
    #[error(
        "{} requires {needed} operators that signed the output{}; {found} did",
        text::assurance(*.assurance),
        if *.assurance == Assurance::Proof { " with a proof" } else { "" }
    )]
    NotAssured {
        /// The requested class.
        assurance: Assurance,
        /// Number of operators that the class requires.
        needed: usize,
        /// Number of operators that signed the output.
        found: usize,
    },
    /// This client cannot verify the class.
    #[error("this client cannot verify class {}; update assay", text::assurance(*.0))]
    UnknownClass(Assurance),
    /// The descriptor is not that of the version.
    #[error("the descriptor has the digest {found:?}; the receipt names {named:?}")]
    DescriptorMismatch {
        /// Digest of the descriptor.
        found: Digest,
        /// Digest in the receipt.
        named: Digest,
    },
    /// The human-readable part differs from the encoded receipt and evidence.
    #[error("the decoded part of the bundle does not match the receipt")]
    DecodedMismatch,
    /// The given output is not that of the receipt.
    #[error("the output has the digest {found:?}; the receipt names {}", or_none(.named))]
    OutputMismatch {
        /// Digest of the output.
        found: Digest,
        /// Digest in the receipt, if it names an output.
        named: Option<Digest>,
    },
    /// The receipt is from another chain than the node's.
    #[error("the receipt is from the chain {receipt:?}; the node is on {node:?}")]
    OtherChain {
        /// Genesis hash in the receipt.
        receipt: Digest,
        /// Genesis hash of the node's chain.
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
    /// The name of the variant, for programs.
    pub fn name(&self) -> String {
        let debug = format!("{self:?}");
        debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    }
}
