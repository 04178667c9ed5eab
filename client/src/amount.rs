//! Amounts in decimal ASY, exact to the planck.

use assay_primitives::{Balance, TOKEN_DECIMALS, TOKEN_SYMBOL};

use crate::{text, Error, Result};

/// Parses an amount in ASY: `2`, `0.5`, `1.25 ASY`. Returns plancks.
///
/// Bounds: at most [`TOKEN_DECIMALS`] decimal places, at most `u128::MAX` plancks. Nothing is
/// rounded.
///
/// # Errors
///
/// [`Error::Invalid`] for any other text.
///
/// ```
/// use assay_client::amount;
///
/// assert_eq!(amount::parse("0.5")?, 500_000_000_000);
/// assert_eq!(amount::display(500_000_000_000), "0.5 ASY");
/// # Ok::<(), assay_client::Error>(())
/// ```
pub fn parse(text: &str) -> Result<Balance> {
    let trimmed = text.trim();
    let number = trimmed.strip_suffix(TOKEN_SYMBOL).map_or(trimmed, str::trim_end);
    parse_decimal(number, TOKEN_DECIMALS).map_err(|reason| {
        Error::invalid(format!(
            "`{text}` is not an amount in {TOKEN_SYMBOL}: {reason}; example: 0.5"
        ))
    })
}

/// Formats plancks in ASY without the symbol: `0.5`. [`parse`] is its inverse.
pub fn format(plancks: Balance) -> String {
    text::format_decimal(plancks, TOKEN_DECIMALS)
}

/// [`format()`] with the symbol: `0.5 ASY`.
pub fn display(plancks: Balance) -> String {
    text::amount(plancks)
}

/// Formats a whole number of `10^-decimals` as a decimal number. [`parse_decimal`] is its inverse.
///
/// Bounds: `decimals` is at most 38.
pub fn format_decimal(value: u128, decimals: u8) -> String {
    text::format_decimal(value, decimals)
}

/// Parses a non-negative decimal number with at most `decimals` places, and returns it as a whole
/// number of `10^-decimals`. Used for amounts, shares in percent and tolerances.
///
/// # Errors
///
/// The reason, if the text is not such a number or the result exceeds `u128`.
pub fn parse_decimal(text: &str, decimals: u8) -> Result<u128, &'static str> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err("it is not a plain decimal number");
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(decimals) {
        return Err("it has too many decimal places");
    }
    let digits = format!("{whole}{fraction:0<width$}", width = usize::from(decimals));
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| "it is too large")
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::ASY;

    #[test]
    fn amounts_are_exact_to_the_planck() {
        for (text, plancks) in [
            ("0", 0),
            ("1", ASY),
            ("1.5", ASY + ASY / 2),
            ("1.5 ASY", ASY + ASY / 2),
            (".5", ASY / 2),
            ("2.", 2 * ASY),
            ("007.10", 7 * ASY + ASY / 10),
            ("0.000000000001", 1),
            ("0.0000000000010", 1),
            ("1000000000.000000000001", 1_000_000_000 * ASY + 1),
        ] {
            assert_eq!(parse(text).unwrap(), plancks, "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", ".", "-1", "+1", "1e3", "1,5", "1.2.3", "0.0000000000001", "ASY", "NaN", "٣"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_largest_balance_is_the_bound() {
        assert_eq!(parse("340282366920938463463374607.431768211455").unwrap(), u128::MAX);
        assert!(parse("340282366920938463463374607.431768211456").is_err());
        assert!(parse("9999999999999999999999999999999999999999").is_err());
    }

    #[test]
    fn what_is_written_is_read_back() {
        for plancks in [0, 1, 999_999_999_999, ASY, ASY + 1, 123 * ASY + 450, u128::MAX] {
            assert_eq!(parse(&format(plancks)).unwrap(), plancks);
        }
        assert_eq!(display(ASY / 2), "0.5 ASY");
        assert_eq!(format(10 * ASY), "10");
    }
}
