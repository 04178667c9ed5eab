//! Text forms of amounts, assurances and bytes. Depends on no other module, so that error messages
//! can use it.

use assay_primitives::{Assurance, Balance, TOKEN_DECIMALS, TOKEN_SYMBOL};

/// An amount in ASY with its symbol: `0.5 ASY`.
pub(crate) fn amount(plancks: Balance) -> String {
    format!("{} {TOKEN_SYMBOL}", format_decimal(plancks, TOKEN_DECIMALS))
}

/// An assurance as users write it: `signed`, `quorum:3,2`.
pub(crate) fn assurance(assurance: Assurance) -> String {
    match assurance {
        Assurance::Quorum { n, k } => format!("quorum:{n},{k}"),
        other => other.class().name().to_owned(),
    }
}

/// Writes a whole number of `10^-decimals` as a decimal number.
///
/// Bounds: `decimals` is at most 38.
pub(crate) fn format_decimal(value: u128, decimals: u8) -> String {
    let unit = 10u128.pow(u32::from(decimals));
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let places = format!("{rest:0width$}", width = usize::from(decimals));
    format!("{whole}.{}", places.trim_end_matches('0'))
}

/// Writes bytes in hex with `0x`.
pub(crate) fn to_hex(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Reads bytes in hex, with or without `0x`.
pub(crate) fn from_hex(text: &str) -> Result<Vec<u8>, hex::FromHexError> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
}
