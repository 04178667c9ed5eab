//! Errors of this crate. Messages state the cause and, where there is one, the remedy.

mod closure;
mod input;
mod verification;

use assay_primitives::{Balance, RequestId};

use crate::text;

pub use closure::Closure;
pub use input::InputError;
pub use verification::VerificationError;

/// The result type of this crate.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No node answers at the address. Start a node, or use the address of another one.
    #[error("no node answers at {url}: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// The reason that the connection attempt failed.
        reason: String,
    },
    /// The connection was lost. A transaction that was being submitted may or may not be included.
    #[error("the connection to the node was lost: {0}")]
    Connection(String),
    /// The node returned an error.
    #[error("the node returned an error for {method}: {message} (code {code})")]
    Rpc {
        /// The method.
        method: String,
        /// Its JSON-RPC error code.
        code: i32,
        /// Its message and data.
        message: String,
    },
    /// The node's answer cannot be decoded, or contradicts other data.
    #[error("the node's answer to {method} is invalid: {reason}")]
    Answer {
        /// The method.
        method: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The runtime lacks something that this client needs. The text names it.
    #[error("the node's runtime does not have {0}; update assay")]
    Outdated(String),
    /// The chain refused a transaction.
    #[error("the chain refused {call}: {refusal}")]
    Refused {
        /// Pallet and call.
        call: String,
        /// The reason.
        refusal: Refusal,
    },
    /// The call is closed for now. Nothing was sent.
    #[error("{call} is closed: {closure}; nothing was sent")]
    Closed {
        /// Pallet and call.
        call: String,
        /// The pauses that close it.
        closure: Closure,
    },
    /// A transaction left the pool without being included. It can be sent again.
    #[error("{call} left the transaction pool without being included: {reason}")]
    Dropped {
        /// Pallet and call.
        call: String,
        /// The reason.
        reason: String,
    },
    /// Another sender used the account's next nonce on each attempt.
    #[error(
        "no free nonce after {attempts} attempts: another process sends transactions from this \
         account; wait for it to finish, or use another account"
    )]
    NonceClash {
        /// Number of attempts.
        attempts: u32,
    },
    /// The account has already made a request with this client key.
    #[error(
        "request {request} was already made with this client key; `request show {request}` shows it"
    )]
    DuplicateKey {
        /// That request.
        request: RequestId,
    },
    /// The account has already made a different request with this client key.
    #[error(
        "request {request} was already made with this client key, for {other}; use another key, or \
         repeat the same request"
    )]
    KeyOfAnother {
        /// That request.
        request: RequestId,
        /// The term in which it differs.
        other: String,
    },
    /// The quote is above the caller's limit. Nothing was sent.
    #[error(
        "the price is {} now, above your limit of {}; nothing was sent",
        text::amount(*.price),
        text::amount(*.limit)
    )]
    PriceAboveLimit {
        /// The quote, in plancks.
        price: Balance,
        /// The limit, in plancks.
        limit: Balance,
    },
    /// An error of one request of a batch. The message counts from 1.
    #[error("item {} of the batch: {error}", .index.saturating_add(1))]
    Item {
        /// Its place in the batch, from 0.
        index: usize,
        /// Its error.
        #[source]
        error: Box<Error>,
    },
    /// An argument is invalid.
    #[error("{0}")]
    Invalid(String),
    /// Something does not exist, or no longer.
    #[error("{0}")]
    NotFound(String),
    /// The chain, or a request on it, makes no progress.
    #[error("{0}")]
    Stalled(String),
    /// A file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
    /// An input does not fit the model.
    #[error("the input does not fit the model: {0}")]
    Input(#[from] InputError),
    /// An output to compare with does not fit the model.
    #[error("the output does not fit the model: {0}")]
    Output(InputError),
    /// A validity proof does not prove its statement. The text names the failed check.
    #[error("the proof is invalid: {0}")]
    ProofRefused(String),
    /// A receipt is not valid.
    #[error("the receipt is invalid: {0}")]
    Verification(#[from] VerificationError),
}

impl Error {
    /// Shorthand for [`Error::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// Shorthand for [`Error::Item`].
    pub fn item(index: usize, error: impl Into<Self>) -> Self {
        Self::Item { index, error: Box::new(error.into()) }
    }

    /// Shorthand for [`Error::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(message.into())
    }

    /// Shorthand for [`Error::File`].
    pub fn file(path: impl AsRef<std::path::Path>, reason: impl std::fmt::Display) -> Self {
        Self::File { path: path.as_ref().display().to_string(), reason: reason.to_string() }
    }
}

/// Why the chain refused a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The pallet of the error; `None` for errors of the system and the pool.
    pub pallet: Option<String>,
    /// Name of the error.
    pub name: String,
    /// Its documentation in the chain's metadata: the cause and the remedy.
    pub docs: String,
}

impl Refusal {
    /// Whether the runtime did not take the call at all, because a pause or the runtime itself closes it.
    pub(crate) fn is_filter(&self) -> bool {
        self.pallet.as_deref() == Some("System") && self.name == "CallFiltered"
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(pallet) = &self.pallet {
            write!(f, "{pallet}.")?;
        }
        f.write_str(&self.name)?;
        if !self.docs.is_empty() {
            write!(f, ": {}", self.docs)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_ones_own_is_not_called_a_refusal_of_the_chain() {
        let limit = assay_primitives::ASY / 2;
        let error = Error::PriceAboveLimit { price: 2 * limit, limit };
        assert_eq!(
            error.to_string(),
            "the price is 1 ASY now, above your limit of 0.5 ASY; nothing was sent"
        );
    }

    #[test]
    fn a_refusal_names_the_pallet_the_error_and_its_docs() {
        let refusal = Refusal {
            pallet: Some("Inference".into()),
            name: "PriceUnderAsk".into(),
            docs: "Raise `max_price`.".into(),
        };
        assert_eq!(refusal.to_string(), "Inference.PriceUnderAsk: Raise `max_price`.");
        let bare = Refusal { pallet: None, name: "Bad origin.".into(), docs: String::new() };
        assert_eq!(bare.to_string(), "Bad origin.");
    }
}
