//! Types that all parts of Assay share: identifiers, digests, tensors, statements, receipts.
//!
//! The crate contains no FRAME code and no chain logic. It builds without `std`, so that the
//! runtime, the offchain worker, the node, the clients and a verifier on another chain use the same
//! definitions.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod artifact;
pub mod assurance;
pub mod dispute;
pub mod engine;
pub mod ids;
pub mod merkle;
pub mod model;
pub mod operator;
pub mod proof;
pub mod receipt;
pub mod request;
pub mod runtime_api;
pub mod statement;
pub mod tensor;
pub mod traits;

pub use artifact::{ArtifactManifest, MAX_ARTIFACT_BYTES, MAX_CHUNKS, MAX_CHUNK_BYTES};
pub use assurance::{Assurance, AssuranceClass, AssuranceClasses};
pub use ids::{digest, Digest, ModelId, RequestId, VersionId};
pub use model::{Format, ModelDescriptor};
pub use operator::{worker_crypto, FailureReason, WorkerId, WorkerSignature, WORKER_KEY_TYPE};
pub use proof::{
    ProofCost, ProofEvidence, ProofRefusal, ProofTerms, WeightsAudit, WeightsFingerprint,
};
pub use receipt::{Draw, Evidence, Outcome, Receipt, RejectReason, SignedEvidence};
pub use request::RequestInput;
pub use statement::{
    commitment, AnsweredRequest, CommitStatement, FailureStatement, HeartbeatStatement, ListPlace,
    ListStatement, Possession, ResultStatement, SignedResult, Statement, MAX_LIST,
};
pub use tensor::{
    decode_payload, validate_payload, Dimension, ElementType, PayloadError, Tensor,
    TensorDeclaration,
};

/// Balance in plancks. One ASY is 10^12 plancks.
pub type Balance = u128;
/// Height of a block, or a number of blocks.
pub type BlockNumber = u32;
/// One ASY in plancks.
pub const ASY: Balance = 1_000_000_000_000;
/// Ticker of the native token.
pub const TOKEN_SYMBOL: &str = "ASY";
/// Decimal places of the native token.
pub const TOKEN_DECIMALS: u8 = 12;

/// Maximum length of a transaction, in bytes. A block has room for an operational one beside as many
/// answers and moves as there can be, and for an ordinary one beside as many answers, so that none
/// stays in the pool unless what keeps it out is paid for.
pub const MAX_TRANSACTION_BYTES: u32 = 3 * 512 * 1024;
