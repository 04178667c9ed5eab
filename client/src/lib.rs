//! Rust SDK of Assay: publish models, ask for inference, check receipts.
//!
//! ```no_run
//! # async fn example() -> assay_client::Result<()> {
//! use assay_client::{InferenceRequest, Client, Input, ModelReference, Signer};
//!
//! let client = Client::connect("ws://127.0.0.1:9944").await?;
//! let signer = Signer::from_suri("//Alice")?;
//! let model: ModelReference = "//Alice/digits@1".parse()?;
//! let version = client.resolve(&model).await?;
//! let input = Input::read("sample.json", &version.descriptor.inputs)?;
//! let ask = InferenceRequest::new(version, input.payload(), assay_primitives::Assurance::Signed);
//! let result = client.infer(&ask, &signer, &|_| ()).await?;
//! println!("{}", result.output.unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! | module | for |
//! |---|---|
//! | [`client`] | the connection; everything else hangs off [`Client`] |
//! | [`calls`] | every transaction, checked against the chain's metadata before it is signed |
//! | [`queries`] | what the chain says without a transaction |
//! | [`payload`] | JSON, `.npy`, `.npz`, CSV to tensors and back |
//! | [`publish`], [`artifact`] | model versions, and artifacts to the chain and from it |
//! | [`audit`] | the weights of versions that offer proofs, for the chain to read |
//! | [`inference`] | a request from its quote to its result |
//! | [`graph`] | integer graphs: checks before publication, scales |
//! | [`dispute`] | disputes over optimistic results: run again, open, move until the end |
//! | [`proof`] | validity proofs, from the chain and verified without it |
//! | [`limits`] | what the chain's constants allow |
//! | [`receipt`] | receipts that anyone checks without a node |
//! | [`amount`], [`names`], [`keys`] | what people type |
//!
//! What the client checks, it checks itself: a receipt is verified against a block hash alone,
//! and a proof against nothing but the model's architecture, with no word of any node taken for
//! it.

pub mod amount;
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
pub mod payload;
pub mod proof;
pub mod publish;
pub mod queries;
pub mod receipt;
pub mod rpc;
pub mod storage;
mod transaction;

pub use audit::{AuditPlan, AuditProgress};
pub use call::Call;
pub use client::Client;
pub use declaration::Declaration;
pub use dispute::{
    DisputeCause, DisputeEnd, DisputeProgress, DisputeStatus, Ending, Reexecution, Strategy,
};
pub use error::{Error, Refusal, Result};
pub use graph::{GraphFile, Scales};
pub use inference::{
    InferenceAnswer, InferenceRequest, InferenceResult, Progress, ProvisionalResult, Until,
};
pub use keys::Signer;
pub use names::{AssuranceArgument, ModelReference};
pub use payload::{GraphInput, Input, InputError, Numbers};
pub use proof::{DownloadedProof, ProofStatement, ProofVerifier};
pub use publish::{Difference, PublishProgress, PublishedVersion};
pub use receipt::{ReceiptBundle, VerificationError, VerifiedReceipt};
pub use transaction::Inclusion;

/// Accounts are 32 bytes, written as SS58 with prefix [`names::SS58_PREFIX`].
pub type AccountId = sp_core::crypto::AccountId32;
