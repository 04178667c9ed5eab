//! Text forms of accounts, models, assurance classes and bytes.

use std::{fmt, str::FromStr};

use assay_primitives::{
    assurance::MAX_COMMITTEE, model::is_model_name, Assurance, AssuranceClass, AssuranceClasses,
    Digest, ModelId, VersionId, WeightsFingerprint,
};
use sp_core::crypto::Ss58Codec;

use crate::{text, AccountId, Error, Result, Signer};

/// Network prefix of SS58 addresses.
pub const SS58_PREFIX: u16 = 42;

/// Parses an account: an SS58 address with prefix [`SS58_PREFIX`], 32 bytes in hex with `0x`, or
/// a development name such as `//Alice`.
///
/// # Errors
///
/// [`Error::Invalid`] for any other text, and for addresses with another prefix.
pub fn parse_account(text: &str) -> Result<AccountId> {
    let text = text.trim();
    if text.starts_with("//") {
        return Signer::from_suri(text).map(|signer| signer.account().clone());
    }
    if text.starts_with("0x") {
        return parse_bytes(text, "an account").map(AccountId::from);
    }
    let (account, format) = AccountId::from_ss58check_with_version(text).map_err(|_| {
        Error::invalid(format!(
            "`{text}` is not an account: expected an SS58 address, 0x and 64 hex digits, or a \
             development name such as //Alice"
        ))
    })?;
    match u16::from(format) {
        SS58_PREFIX => Ok(account),
        other => Err(Error::invalid(format!(
            "`{text}` is an address of another network (prefix {other}); with prefix {SS58_PREFIX}, \
             which this network uses, it is {account}"
        ))),
    }
}

/// Parses 32 bytes in hex, with or without `0x`. `what` names them in the error.
///
/// # Errors
///
/// [`Error::Invalid`] for any other text.
pub fn parse_bytes(text: &str, what: &str) -> Result<[u8; 32]> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| Error::invalid(format!("`{text}` is not {what}: expected 64 hex digits")))?;
    Ok(bytes)
}

/// Parses a digest. See [`parse_bytes`].
///
/// # Errors
///
/// [`Error::Invalid`] if the text is not 32 bytes in hex.
pub fn parse_digest(text: &str) -> Result<Digest> {
    parse_bytes(text, "a digest").map(Digest::from)
}

/// Parses a weights fingerprint: 48 hex digits, with or without `0x`.
///
/// # Errors
///
/// [`Error::Invalid`] for any other text.
pub fn parse_fingerprint(text: &str) -> Result<WeightsFingerprint> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let mut bytes = [[0; 8]; 3];
    hex::decode_to_slice(digits, bytes.as_flattened_mut()).map_err(|_| {
        Error::invalid(format!("`{text}` is not a weights fingerprint: expected 48 hex digits"))
    })?;
    Ok(WeightsFingerprint(bytes.map(u64::from_be_bytes)))
}

/// Writes bytes in hex with `0x`.
pub fn to_hex(bytes: impl AsRef<[u8]>) -> String {
    text::to_hex(bytes)
}

/// Parses bytes in hex, with or without `0x`.
///
/// # Errors
///
/// The position of the first character that is not a hex digit, or that the length is odd.
pub fn from_hex(text: &str) -> Result<Vec<u8>, hex::FromHexError> {
    text::from_hex(text)
}

/// A reference to a model or a version, as users write it.
///
/// ```
/// use assay_client::ModelReference;
///
/// let newest: ModelReference = "//Alice/digits".parse()?;
/// let exact: ModelReference = "//Alice/digits@2".parse()?;
/// assert_ne!(newest, exact);
/// assert_eq!("7@3".parse::<ModelReference>()?.to_string(), "7@3");
/// # Ok::<(), assay_client::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelReference {
    /// `owner/name` or `owner/name@version`. Without a version: the newest one.
    Named {
        /// Owner of the model.
        owner: AccountId,
        /// Name of the model.
        name: String,
        /// Number of the version.
        number: Option<u32>,
    },
    /// `model@version` by numbers.
    Version(VersionId),
}

impl FromStr for ModelReference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let broken = |reason: &str| {
            Error::invalid(format!(
                "`{text}` is not a model: {reason}; expected owner/name, owner/name@version or \
                 model-number@version"
            ))
        };
        let number = |digits: &str| match digits.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(broken("version numbers start at 1")),
        };
        let Some((owner, rest)) = text.rsplit_once('/') else {
            let (model, version) =
                text.split_once('@').ok_or_else(|| broken("it has neither owner nor version"))?;
            let model = model.parse().map_err(|_| broken("it has no owner"))?;
            return Ok(Self::Version(VersionId {
                model: ModelId(model),
                number: number(version)?,
            }));
        };
        let (name, version) = match rest.split_once('@') {
            Some((name, version)) => (name, Some(number(version)?)),
            None => (rest, None),
        };
        if !is_model_name(name.as_bytes()) {
            return Err(broken(
                "names are lower-case letters, digits and inner hyphens, 64 at most",
            ));
        }
        let owner = parse_account(owner)?;
        Ok(Self::Named { owner, name: name.to_owned(), number: version })
    }
}

impl fmt::Display for ModelReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { owner, name, number: None } => write!(f, "{owner}/{name}"),
            Self::Named { owner, name, number: Some(number) } => {
                write!(f, "{owner}/{name}@{number}")
            },
            Self::Version(version) => version.fmt(f),
        }
    }
}

/// [`Assurance`] as users write it: `signed`, `optimistic`, `proof`, or `quorum:3,2` (three
/// operators are drawn, two must agree). The reserved class `tee` is parsed too; the chain refuses
/// it.
///
/// ```
/// use assay_client::AssuranceArgument;
/// use assay_primitives::Assurance;
///
/// let argument: AssuranceArgument = "quorum:3,2".parse()?;
/// assert_eq!(argument.0, Assurance::Quorum { n: 3, k: 2 });
/// # Ok::<(), assay_client::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssuranceArgument(pub Assurance);

impl FromStr for AssuranceArgument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let broken = || {
            Error::invalid(format!(
                "`{text}` is not an assurance: expected signed, optimistic, proof, or quorum:N,K, \
                 where N operators are drawn (2 to {MAX_COMMITTEE}) and K must agree (more than N/2, \
                 at most N)"
            ))
        };
        let assurance = match text.trim() {
            "signed" => Assurance::Signed,
            "optimistic" => Assurance::Optimistic,
            "proof" => Assurance::Proof,
            "tee" => Assurance::Tee,
            other => {
                let (n, k) = other
                    .strip_prefix("quorum:")
                    .and_then(|numbers| numbers.split_once(','))
                    .ok_or_else(broken)?;
                let number = |digits: &str| digits.trim().parse().map_err(|_| broken());
                Assurance::Quorum { n: number(n)?, k: number(k)? }
            },
        };
        if !assurance.is_well_formed() {
            return Err(broken());
        }
        Ok(Self(assurance))
    }
}

impl fmt::Display for AssuranceArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::assurance(self.0))
    }
}

/// Parses a set of classes: `signed,quorum`.
///
/// # Errors
///
/// [`Error::Invalid`] if a name is not an assurance class.
pub fn parse_classes(text: &str) -> Result<AssuranceClasses> {
    text.split(',')
        .map(|name| {
            AssuranceClass::ALL.into_iter().find(|class| class.name() == name.trim()).ok_or_else(
                || {
                    // The chain refuses class Tee.
                    let known: Vec<_> = AssuranceClass::ALL
                        .into_iter()
                        .filter(|class| *class != AssuranceClass::Tee)
                        .map(AssuranceClass::name)
                        .collect();
                    Error::invalid(format!(
                        "`{}` is not an assurance class: expected {}",
                        name.trim(),
                        known.join(", ")
                    ))
                },
            )
        })
        .collect()
}

/// Formats a set of classes: `signed,quorum`.
pub fn format_classes(classes: AssuranceClasses) -> String {
    classes.iter().map(AssuranceClass::name).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

    #[test]
    fn an_account_is_read_in_each_form() {
        let alice = parse_account(ALICE).unwrap();
        assert_eq!(parse_account("//Alice").unwrap(), alice);
        let bytes: &[u8] = alice.as_ref();
        assert_eq!(parse_account(&to_hex(bytes)).unwrap(), alice);
        // The same key as a Polkadot address.
        let foreign = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5";
        assert!(parse_account(foreign).unwrap_err().to_string().contains("prefix 0"));
        assert!(parse_account("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ").is_err());
        assert!(parse_account("alice").is_err());
        assert!(parse_account("0x12").is_err());
    }

    #[test]
    fn a_model_is_read_in_each_form() {
        let alice = parse_account(ALICE).unwrap();
        let named =
            |number| ModelReference::Named { owner: alice.clone(), name: "digits".into(), number };
        for (text, expected) in [
            ("//Alice/digits", named(None)),
            ("//Alice/digits@2", named(Some(2))),
            (&*format!("{ALICE}/digits@1"), named(Some(1))),
            ("7@3", ModelReference::Version(VersionId { model: ModelId(7), number: 3 })),
        ] {
            let read: ModelReference = text.parse().unwrap();
            assert_eq!(read, expected, "{text}");
            assert_eq!(read.to_string().parse::<ModelReference>().unwrap(), expected);
        }
    }

    #[test]
    fn what_names_no_model_is_refused() {
        for text in [
            "",
            "digits",
            "7",
            "digits@1",
            "//Alice/",
            "//Alice/Digits",
            "//Alice/digits@0",
            "//Alice/digits@x",
            "//Alice/-digits",
            "alice/digits",
            "7@",
            "7@0",
            "4294967296@1",
        ] {
            assert!(text.parse::<ModelReference>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_assurance_is_read_with_its_bounds() {
        let read = |text: &str| text.parse::<AssuranceArgument>().map(|argument| argument.0);
        assert_eq!(read("signed").unwrap(), Assurance::Signed);
        assert_eq!(read("optimistic").unwrap(), Assurance::Optimistic);
        assert_eq!(read("quorum:3,2").unwrap(), Assurance::Quorum { n: 3, k: 2 });
        assert_eq!(read("quorum:15,15").unwrap(), Assurance::Quorum { n: 15, k: 15 });
        for text in [
            "",
            "Signed",
            "quorum",
            "quorum:",
            "quorum:3",
            "quorum:3,1",
            "quorum:1,1",
            "quorum:16,9",
            "quorum:3,4",
            "quorum:3,-2",
            "quorum:300,200",
            "quorum:3,2,1",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(AssuranceArgument(Assurance::Quorum { n: 3, k: 2 }).to_string(), "quorum:3,2");
    }

    #[test]
    fn classes_are_read_and_written() {
        let classes = parse_classes("signed, quorum").unwrap();
        assert_eq!(format_classes(classes), "signed,quorum");
        let error = parse_classes("signed,best").unwrap_err().to_string();
        assert!(error.contains("proof") && !error.contains("tee"), "{error}");
        assert!(parse_classes("").is_err());
    }
}
