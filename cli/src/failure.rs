//! Failures and exit codes.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | success |
//! | 1 | another failure |
//! | 2 | wrong usage, or an invalid or unreadable input |
//! | 3 | the node cannot be reached |
//! | 4 | the chain refused, the call is closed for now, or the price is above the limit |
//! | 5 | the request ended without a verified result |
//! | 6 | verification failed |
//! | 7 | the dispute was lost |

use std::path::PathBuf;

use assay_client::{Error, VerificationError};
use serde_json::{json, Value};

/// Exit code of a wrong command line.
pub const USAGE: u8 = 2;

/// The table of exit codes, for the help.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  another failure
  2  wrong usage, or an invalid or unreadable input
  3  the node cannot be reached
  4  the chain refused, the call is closed for now, or the price is above the limit; the reason is
     printed
  5  the request ended without a verified result
  6  verification failed
  7  the dispute was lost";

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// An error of the client.
    Client(Error),
    /// An error of one of several inputs.
    Input {
        /// Which one: `input 2 (b.json)`.
        name: String,
        /// The error.
        error: Error,
    },
    /// Invalid arguments.
    Usage(String),
    /// A file that cannot be written.
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The request ended without a verified result. The result was printed.
    NotVerified,
    /// The dispute was lost, and the bond with it. The end was printed.
    DisputeLost,
    /// A check of `doctor` failed. The checks were printed.
    ChecksFailed,
    /// `doctor` could not reach the node. The checks were printed.
    NodeUnreachable,
    /// Interrupted by the user.
    Interrupted,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<VerificationError> for Failure {
    fn from(error: VerificationError) -> Self {
        Self::Client(error.into())
    }
}

impl Failure {
    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::NotVerified => 5,
            Self::DisputeLost => 7,
            Self::ChecksFailed | Self::Interrupted | Self::Unwritable { .. } => 1,
            Self::NodeUnreachable => 3,
            Self::Client(error) | Self::Input { error, .. } => match error {
                Error::Invalid(_)
                | Error::Input(_)
                | Error::Output(_)
                | Error::File { .. }
                | Error::KeyOfAnother { .. } => USAGE,
                Error::Unreachable { .. } | Error::Connection(_) => 3,
                Error::Refused { .. }
                | Error::Closed { .. }
                | Error::DuplicateKey { .. }
                | Error::PriceAboveLimit { .. } => 4,
                Error::Verification(_) | Error::ProofRefused(_) => 6,
                _ => 1,
            },
        }
    }

    /// Whether the command has already printed the cause.
    pub fn is_printed(&self) -> bool {
        matches!(
            self,
            Self::NotVerified | Self::DisputeLost | Self::ChecksFailed | Self::NodeUnreachable
        )
    }

    /// The message.
    pub fn message(&self) -> String {
        match self {
            Self::Client(error) => error.to_string(),
            Self::Input { name, error } => format!("{name}: {error}"),
            Self::Usage(message) => message.clone(),
            Self::Unwritable { path, reason } => format!("{}: {reason}", path.display()),
            Self::NotVerified => "the request ended without a verified result".to_owned(),
            Self::DisputeLost => "the dispute was lost, and the bond with it".to_owned(),
            Self::ChecksFailed => "some checks failed; see above".to_owned(),
            Self::NodeUnreachable => "the node cannot be reached; see above".to_owned(),
            Self::Interrupted => "interrupted".to_owned(),
        }
    }

    /// The failure as JSON.
    pub fn to_json(&self) -> Value {
        let mut error = json!({
            "name": self.name(),
            "message": self.message(),
            "exit_code": self.exit_code(),
        });
        let (Self::Client(cause) | Self::Input { error: cause, .. }) = self else {
            return json!({ "error": error });
        };
        match cause {
            Error::Refused { call, refusal } => {
                error["call"] = json!(call);
                error["pallet"] = json!(refusal.pallet);
                error["refusal"] = json!(refusal.name);
                error["docs"] = json!(refusal.docs);
            },
            Error::Closed { call, closure } => {
                error["call"] = json!(call);
                error["safe_mode_until"] = json!(closure.safe_mode_until);
                error["is_paused"] = json!(closure.is_paused);
            },
            Error::DuplicateKey { request } | Error::KeyOfAnother { request, .. } => {
                error["request"] = json!(request);
            },
            Error::PriceAboveLimit { price, limit } => {
                error["price"] = json!(price.to_string());
                error["limit"] = json!(limit.to_string());
            },
            _ => {},
        }
        json!({ "error": error })
    }

    fn name(&self) -> String {
        let debug = match self {
            Self::Client(Error::Verification(error)) => return error.name(),
            Self::Client(error) | Self::Input { error, .. } => format!("{error:?}"),
            other => format!("{other:?}"),
        };
        debug.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::{Closure, Refusal};
    use assay_primitives::RequestId;

    #[test]
    fn each_kind_has_its_code() {
        let refusal = Refusal { pallet: Some("P".into()), name: "E".into(), docs: "d".into() };
        let unreachable = Error::Unreachable { url: "ws://x".into(), reason: "r".into() };
        let closure = Closure { safe_mode_until: Some(7), is_paused: false };
        for (failure, code) in [
            (Failure::Client(Error::not_found("x")), 1),
            (Failure::Client(Error::invalid("x")), 2),
            (Failure::Usage("x".into()), 2),
            (Failure::Client(Error::file("x", "r")), 2),
            (Failure::Unwritable { path: "x".into(), reason: "r".into() }, 1),
            (Failure::Client(unreachable), 3),
            (Failure::Client(Error::Connection("x".into())), 3),
            (Failure::Client(Error::Refused { call: "P.c".into(), refusal }), 4),
            (Failure::Client(Error::Closed { call: "P.c".into(), closure }), 4),
            (Failure::Client(Error::DuplicateKey { request: RequestId(1) }), 4),
            (Failure::Client(Error::PriceAboveLimit { price: 2, limit: 1 }), 4),
            (Failure::Input { name: "input 2".into(), error: Error::invalid("x") }, 2),
            (
                Failure::Input {
                    name: "input 2".into(),
                    error: Error::DuplicateKey { request: RequestId(1) },
                },
                4,
            ),
            (Failure::NodeUnreachable, 3),
            (Failure::NotVerified, 5),
            (Failure::DisputeLost, 7),
            (Failure::Client(VerificationError::WrongKeys.into()), 6),
            (Failure::Client(Error::ProofRefused("x".into())), 6),
        ] {
            assert_eq!(failure.exit_code(), code, "{failure:?}");
            assert_eq!(failure.to_json()["error"]["exit_code"], code);
            assert!(EXIT_CODES.contains(&format!("\n  {code}  ")));
        }
    }

    #[test]
    fn json_contains_the_name_of_the_chains_error() {
        let refusal =
            Refusal { pallet: Some("Inference".into()), name: "Late".into(), docs: "Why.".into() };
        let failure = Failure::Client(Error::Refused { call: "Inference.request".into(), refusal });
        let error = failure.to_json()["error"].clone();
        assert_eq!(error["name"], "Refused");
        assert_eq!(error["pallet"], "Inference");
        assert_eq!(error["refusal"], "Late");
        assert_eq!(error["docs"], "Why.");
        let closure = Closure { safe_mode_until: Some(7), is_paused: false };
        let closed = Failure::Client(Error::Closed { call: "Inference.request".into(), closure });
        let error = closed.to_json()["error"].clone();
        assert_eq!((&error["name"], &error["safe_mode_until"]), (&json!("Closed"), &json!(7)));
        let verification = Failure::Client(VerificationError::NotInState { height: 1 }.into());
        assert_eq!(verification.to_json()["error"]["name"], "NotInState");
    }
}
