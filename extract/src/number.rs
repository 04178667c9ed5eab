//! Decimal numbers in text, as integers.

use core::ops::RangeInclusive;

use crate::{
    bounds::*,
    cursor::Cursor,
    failure::{Failure, InvalidExtract},
};

/// How a number becomes an integer, and which integers are valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberFormat {
    decimals: u8,
    min: i64,
    max: i64,
}

impl NumberFormat {
    /// Integers in units of `10^-decimals` in a range: with 4 decimals, 1.2345 is 12345.
    ///
    /// # Errors
    ///
    /// [`InvalidExtract::Decimals`] and [`InvalidExtract::Range`].
    pub fn new(decimals: u8, range: RangeInclusive<i64>) -> Result<Self, InvalidExtract> {
        let (min, max) = range.into_inner();
        if decimals > MAX_DECIMALS {
            return Err(InvalidExtract::Decimals(decimals));
        }
        if min > max || min < -MAX_MAGNITUDE || max > MAX_MAGNITUDE {
            return Err(InvalidExtract::Range(min, max));
        }
        Ok(Self { decimals, min, max })
    }

    /// Milliseconds since 1970, of a number that is in units of `10^decimals` of them.
    pub(crate) fn milliseconds(decimals: u8) -> Self {
        Self { decimals, min: 0, max: MAX_TIME_MS }
    }

    /// The number of decimals, at most [`MAX_DECIMALS`].
    pub fn decimals(&self) -> u8 {
        self.decimals
    }

    /// The valid integers.
    pub fn range(&self) -> RangeInclusive<i64> {
        self.min..=self.max
    }

    /// The integer of a written number `x`: `floor(x·10^decimals + 1/2)`, which is the nearest, and
    /// of two equally near ones the larger.
    ///
    /// ```
    /// use assay_extract::{Failure, NumberFormat};
    ///
    /// let cents = NumberFormat::new(2, -1000..=1000)?;
    /// assert_eq!(cents.parse("-1.255"), Ok(-125));
    /// assert_eq!(cents.parse("1255e-3"), Ok(126));
    /// assert_eq!(cents.parse("10.005"), Err(Failure::OutOfRange));
    /// assert_eq!(cents.parse("+1"), Err(Failure::NotANumber));
    /// # Ok::<(), assay_extract::InvalidExtract>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Failure::TooLong`], [`Failure::NotANumber`] and [`Failure::OutOfRange`].
    pub fn parse(&self, text: &str) -> Result<i64, Failure> {
        if text.len() > MAX_NUMBER_BYTES {
            return Err(Failure::TooLong);
        }
        let written = Written::read(text).ok_or(Failure::NotANumber)?;
        let value = written.round(self.decimals).ok_or(Failure::OutOfRange)?;
        if self.range().contains(&value) {
            Ok(value)
        } else {
            Err(Failure::OutOfRange)
        }
    }
}

/// The parts of a written number.
struct Written<'a> {
    is_negative: bool,
    /// Digits before the point.
    whole: &'a str,
    /// Digits behind it.
    fraction: &'a str,
    exponent: i32,
}

impl<'a> Written<'a> {
    /// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?`.
    fn read(text: &'a str) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let is_negative = cursor.take(b'-');
        let whole = digits(&mut cursor)?;
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let fraction = if cursor.take(b'.') { digits(&mut cursor)? } else { "" };
        let mut exponent = 0;
        if cursor.take(b'e') || cursor.take(b'E') {
            let is_negative = cursor.take(b'-');
            if !is_negative {
                cursor.take(b'+');
            }
            let magnitude = digits(&mut cursor)?;
            if magnitude.len() > 2 {
                return None;
            }
            exponent = magnitude.parse().ok()?;
            if is_negative {
                exponent = -exponent;
            }
        }
        cursor.peek().is_none().then_some(Self { is_negative, whole, fraction, exponent })
    }

    /// `floor(x·10^decimals + 1/2)`; none if the magnitude exceeds [`MAX_MAGNITUDE`] before it is
    /// rounded.
    fn round(&self, decimals: u8) -> Option<i64> {
        // Of the digits, this many are before the point after the multiplication.
        let point = i32::try_from(self.whole.len()).ok()? + self.exponent + i32::from(decimals);
        let digits = self.whole.bytes().chain(self.fraction.bytes()).map(|digit| digit - b'0');
        let (mut magnitude, mut first, mut is_rest_zero) = (0, 0, true);
        let mut position = 0;
        for digit in digits {
            if position < point {
                magnitude = append(magnitude, digit)?;
            } else if position == point {
                first = digit;
            } else {
                is_rest_zero &= digit == 0;
            }
            position += 1;
        }
        for _ in position..point {
            magnitude = append(magnitude, 0)?;
        }
        // Ties are rounded up: a negative one towards zero.
        let is_away = first > 5 || first == 5 && !(self.is_negative && is_rest_zero);
        magnitude += i64::from(is_away);
        Some(if self.is_negative { -magnitude } else { magnitude })
    }
}

/// One digit or more.
fn digits<'a>(cursor: &mut Cursor<'a>) -> Option<&'a str> {
    let start = cursor.at();
    cursor.take_while(|byte| byte.is_ascii_digit());
    Some(cursor.since(start)).filter(|digits| !digits.is_empty())
}

/// A number with one more digit at its end, unless it exceeds [`MAX_MAGNITUDE`].
fn append(magnitude: i64, digit: u8) -> Option<i64> {
    // Far from overflow: the bound times ten has 57 bits.
    let longer = magnitude * 10 + i64::from(digit);
    (longer <= MAX_MAGNITUDE).then_some(longer)
}
