//! What can go wrong, and what to do about it.

use assay_primitives::{Balance, RequestId};

use crate::{payload::InputError, receipt::VerificationError};

/// What the functions of this crate return.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing answers at the address. Start a node, or give the address of one.
    #[error("no node answers at {url}: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// What the connection attempt said.
        reason: String,
    },
    /// The connection broke. Whether a transaction under way was included is not known.
    #[error("the connection to the node broke: {0}")]
    Connection(String),
    /// The node answered a call with an error.
    #[error("the node answers {method} with an error: {message} (code {code})")]
    Rpc {
        /// The method.
        method: String,
        /// Its JSON-RPC error code.
        code: i32,
        /// Its message and data.
        message: String,
    },
    /// The node answered something that cannot be read.
    #[error("the answer of the node to {method} cannot be read: {reason}")]
    Answer {
        /// The method.
        method: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Runtime and client do not fit each other.
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
    /// A transaction left the pool and is in no block. It can be sent again.
    #[error("{call} left the transaction pool without being included: {reason}")]
    Dropped {
        /// Pallet and call.
        call: String,
        /// What the pool said.
        reason: String,
    },
    /// Other senders of the same account were faster each time.
    #[error(
        "no free nonce after {attempts} attempts: something else sends transactions from this \
         account; wait for it, or use another account"
    )]
    NonceClash {
        /// Attempts made.
        attempts: u32,
    },
    /// The account made a request with this client key before.
    #[error("request {request} was made with this client key already; `request show {request}` shows it")]
    DuplicateKey {
        /// That request.
        request: RequestId,
    },
    /// The account made a request with this client key before, and asked for something else.
    #[error(
        "request {request} was made with this client key already, and asked for {other}; use \
         another key, or ask for the same again"
    )]
    KeyOfAnother {
        /// That request.
        request: RequestId,
        /// What it asked for instead.
        other: String,
    },
    /// The quote is above the caller's limit. Nothing was sent.
    #[error(
        "the price is {} now, above your limit of {}; nothing was sent",
        crate::amount::display(*.price),
        crate::amount::display(*.limit)
    )]
    PriceAboveLimit {
        /// The quote, in plancks.
        price: Balance,
        /// The limit, in plancks.
        limit: Balance,
    },
    /// An argument that cannot be right.
    #[error("{0}")]
    Invalid(String),
    /// Something that is not there.
    #[error("{0}")]
    NotFound(String),
    /// The chain stands still, or a request does.
    #[error("{0}")]
    Stalled(String),
    /// A file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// An input does not fit the model.
    #[error("the input does not fit the model: {0}")]
    Input(#[from] InputError),
    /// An output that was given for comparison is not one that the model gives.
    #[error("the output does not fit the model: {0}")]
    Output(InputError),
    /// A proof does not prove what it is to prove. The text says why.
    #[error("the proof does not hold: {0}")]
    ProofRefused(String),
    /// A receipt does not hold.
    #[error("the receipt does not hold: {0}")]
    Verification(#[from] VerificationError),
}

impl Error {
    /// Shorthand for [`Error::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
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
    /// The pallet whose error it is; `None` for errors of the system and the pool.
    pub pallet: Option<String>,
    /// Name of the error.
    pub name: String,
    /// What the chain's metadata says of it: the cause and the remedy.
    pub docs: String,
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
