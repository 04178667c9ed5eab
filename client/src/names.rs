//! Accounts, models and assurance classes as people write them.

use std::{fmt, str::FromStr};

use assay_primitives::{
    assurance::MAX_COMMITTEE, model::is_model_name, Assurance, AssuranceClass, AssuranceClasses,
    Digest, ModelId, VersionId, WeightsFingerprint,
};
use sp_core::crypto::Ss58Codec;

use crate::{AccountId, Error, Result, Signer};

/// Network prefix of SS58 addresses.
pub const SS58_PREFIX: u16 = 42;

/// Reads an account: an SS58 address with prefix [`SS58_PREFIX`], 32 bytes in hex with `0x`, or
/// a development name such as `//Alice`.
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
            "`{text}` is an address of another network (prefix {other}); here it is {SS58_PREFIX}: \
             {account}"
        ))),
    }
}

/// Reads 32 bytes in hex, with or without `0x`. `what` names them in the error.
pub fn parse_bytes(text: &str, what: &str) -> Result<[u8; 32]> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| Error::invalid(format!("`{text}` is not {what}: expected 64 hex digits")))?;
    Ok(bytes)
}

/// Reads a digest. See [`parse_bytes`].
pub fn parse_digest(text: &str) -> Result<Digest> {
    parse_bytes(text, "a digest").map(Digest::from)
}

/// Reads a fingerprint of weights: 48 hex digits, with or without `0x`.
pub fn parse_fingerprint(text: &str) -> Result<WeightsFingerprint> {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let mut bytes = [[0; 8]; 3];
    hex::decode_to_slice(digits, bytes.as_flattened_mut()).map_err(|_| {
        Error::invalid(format!("`{text}` is not a fingerprint of weights: expected 48 hex digits"))
    })?;
    Ok(WeightsFingerprint(bytes.map(u64::from_be_bytes)))
}

/// Writes bytes in hex with `0x`.
pub fn to_hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Reads bytes in hex, with or without `0x`.
pub fn from_hex(text: &str) -> Result<Vec<u8>, hex::FromHexError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
}

/// A model or a version, as people name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelReference {
    /// `owner/name` or `owner/name@version`; the newest version where none is given.
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
                "`{text}` is not a model: {reason}; write owner/name, owner/name@version or \
                 model-number@version"
            ))
        };
        let number = |digits: &str| match digits.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(broken("versions are numbers counted from 1")),
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

/// [`Assurance`] as people write it: `signed`, `proof`, `quorum:3,2` (three drawn, two must
/// agree).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssuranceArgument(pub Assurance);

impl FromStr for AssuranceArgument {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let broken = || {
            Error::invalid(format!(
                "`{text}` is not an assurance: write signed, proof, or quorum:N,K where 2 <= N <= \
                 {MAX_COMMITTEE} operators are drawn and more than half of them, K <= N, must agree"
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
        match self.0 {
            Assurance::Quorum { n, k } => write!(f, "quorum:{n},{k}"),
            other => f.write_str(other.class().name()),
        }
    }
}

/// Reads a set of classes: `signed,quorum`.
pub fn parse_classes(text: &str) -> Result<AssuranceClasses> {
    text.split(',')
        .map(|name| {
            AssuranceClass::ALL.into_iter().find(|class| class.name() == name.trim()).ok_or_else(
                || {
                    let known: Vec<_> =
                        AssuranceClass::ALL.into_iter().map(AssuranceClass::name).collect();
                    Error::invalid(format!(
                        "`{}` is not an assurance class: known are {}",
                        name.trim(),
                        known.join(", ")
                    ))
                },
            )
        })
        .collect()
}

/// Writes a set of classes: `signed,quorum`.
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
        assert!(parse_classes("signed,best").is_err());
        assert!(parse_classes("").is_err());
    }
}
