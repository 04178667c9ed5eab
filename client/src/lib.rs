//! Rust SDK of Assay: publish models, request inference, verify receipts.
//!
//! ```no_run
//! # async fn example() -> assay_client::Result<()> {
//! use assay_client::{Client, InferenceRequest, Input, ModelReference, Signer};
//! use assay_primitives::Assurance;
//!
//! let client = Client::connect("ws://127.0.0.1:9944").await?;
//! let signer = Signer::from_suri("//Alice")?;
//! let model: ModelReference = "//Alice/digits@1".parse()?;
//! let version = client.resolve(&model).await?;
//! let input = Input::read("sample.json", &version.descriptor.inputs)?;
//! let terms = InferenceRequest::new(version, input.payload(), Assurance::Signed);
//! let result = client.infer(&terms, &signer, &|_| ()).await?;
//! println!("{}", result.output.unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! | module | contents |
//! |---|---|
//! | [`client`] | the connection; most operations are methods of [`Client`] |
//! | [`call`], [`calls`] | transactions, checked against the chain's metadata before they are signed |
//! | [`queries`] | the chain's state |
//! | [`payload`] | conversion of JSON, `.npy`, `.npz` and CSV to tensors, and of tensors to JSON |
//! | [`declaration`] | declarations of model files |
//! | [`publish`], [`artifact`] | publication of versions, upload and download of artifacts |
//! | [`audit`] | the weights audit of versions that offer proofs |
//! | [`inference`] | requests: price, submission, waiting, result |
//! | [`graph`] | integer graphs: checks before publication, scales |
//! | [`dispute`] | disputes over optimistic results: re-execution, opening, moves |
//! | [`proof`] | validity proofs: download, verification without a node |
//! | [`receipt`] | receipts: export, verification without a node |
//! | [`validators`] | stakes, session keys and rewards of validators and nominators |
//! | [`limits`] | checks against the chain's bounds |
//! | [`pauses`] | calls that are closed for now |
//! | [`amount`], [`names`], [`keys`] | text forms of amounts, accounts and models; secret keys |
//! | [`rpc`], [`storage`] | the node's RPC methods, keys of storage items |
//! | [`error`] | errors |
//!
//! The client does not trust the node for receipts and proofs: a receipt is verified against a block
//! hash alone, a proof against the model's architecture and the fingerprint of its weights.

pub mod amount;
mod appeal;
pub mod artifact;
pub mod audit;
pub mod call;
pub mod calls;
pub mod client;
pub mod declaration;
pub mod dispute;
pub mod error;
pub mod graph;
pub mod inference;
pub mod keys;
pub mod limits;
pub mod names;
mod nonce;
pub mod pauses;
pub mod payload;
pub mod proof;
pub mod publish;
pub mod queries;
pub mod receipt;
pub mod rpc;
pub mod storage;
mod text;
mod transaction;
pub mod validators;

pub use audit::{AuditPlan, AuditProgress};
pub use call::Call;
pub use client::Client;
pub use declaration::Declaration;
pub use dispute::{
    DisputeCause, DisputeEnd, DisputeProgress, DisputeStatus, Ending, Reexecution, Strategy,
};
pub use error::{Closure, Error, InputError, Refusal, Result, VerificationError};
pub use graph::{GraphFile, Scales};
pub use inference::{
    InferenceAnswer, InferenceRequest, InferenceResult, Progress, ProvisionalResult, Until,
};
pub use keys::Signer;
pub use names::{AssuranceArgument, ModelReference};
pub use payload::{GraphInput, Input, Numbers};
pub use proof::{DownloadedProof, ProofStatement, ProofVerifier};
pub use publish::{Difference, PublishProgress, PublishedVersion};
pub use receipt::{ReceiptBundle, VerifiedReceipt};
pub use transaction::Inclusion;

/// An account: 32 bytes, written in SS58 with prefix [`names::SS58_PREFIX`].
pub type AccountId = sp_core::crypto::AccountId32;
