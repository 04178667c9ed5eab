//! Times in text, as milliseconds.

#[cfg(doc)]
use crate::bounds::MAX_TIME_MS;
use crate::{failure::Failure, number::NumberFormat};

/// How a source writes times. All of them are UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeFormat {
    /// Seconds since 1970, as a number, rounded to milliseconds: `1414800000` or `1414800000.25`.
    UnixSeconds,
    /// Milliseconds since 1970, as a number, rounded to whole ones: `1414800000000`.
    UnixMilliseconds,
    /// A day, `2014-11-01`: its first millisecond.
    Date,
    /// A second, `2014-11-01T00:00:00Z`, with capital letters, no fraction and no other offset.
    DateTime,
}

impl TimeFormat {
    /// The time that a text states, in milliseconds since 1970-01-01T00:00:00Z without leap seconds,
    /// at most [`MAX_TIME_MS`].
    ///
    /// ```
    /// use assay_extract::{Failure, TimeFormat};
    ///
    /// assert_eq!(TimeFormat::Date.parse("2000-02-29"), Ok(951_782_400_000));
    /// assert_eq!(TimeFormat::DateTime.parse("2000-02-29T00:00:01Z"), Ok(951_782_401_000));
    /// assert_eq!(TimeFormat::Date.parse("2001-02-29"), Err(Failure::NotATime));
    /// assert_eq!(TimeFormat::UnixSeconds.parse("951782401000"), Err(Failure::OutOfRange));
    /// ```
    ///
    /// # Errors
    ///
    /// [`Failure::NotATime`] and [`Failure::OutOfRange`]; for the first two formats also
    /// [`Failure::TooLong`] and [`Failure::NotANumber`].
    pub fn parse(self, text: &str) -> Result<u64, Failure> {
        let value = match self {
            Self::UnixSeconds => NumberFormat::milliseconds(3).parse(text)?,
            Self::UnixMilliseconds => NumberFormat::milliseconds(0).parse(text)?,
            Self::Date => instant(text, "0000-00-00")?,
            Self::DateTime => instant(text, "0000-00-00T00:00:00Z")?,
        };
        u64::try_from(value).or(Err(Failure::OutOfRange))
    }
}

/// The milliseconds since 1970 of a text that has the form of a pattern, whose zeros stand for
/// digits.
fn instant(text: &str, pattern: &str) -> Result<i64, Failure> {
    let fits = |(byte, expected): (u8, u8)| match expected {
        b'0' => byte.is_ascii_digit(),
        _ => byte == expected,
    };
    if text.len() != pattern.len() || !text.bytes().zip(pattern.bytes()).all(fits) {
        return Err(Failure::NotATime);
    }
    // A day has no digits for hours, minutes and seconds: they are zero.
    let digits = |from, to| text.get(from..to).map_or(Ok(0), str::parse::<i64>);
    let fields = [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)];
    let [Ok(year), Ok(month), Ok(day), Ok(hour), Ok(minute), Ok(second)] =
        fields.map(|(from, to)| digits(from, to))
    else {
        return Err(Failure::NotATime);
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let months = [31, 28 + i64::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_before = |month| months.iter().take(month).sum::<i64>();
    let before = usize::try_from(month - 1).or(Err(Failure::NotATime))?;
    let length = *months.get(before).ok_or(Failure::NotATime)?;
    if !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(Failure::NotATime);
    }
    if year < 1970 {
        return Err(Failure::OutOfRange);
    }
    let days = 365 * (year - 1970) + leap_days(year) - leap_days(1970) + days_before(before) + day;
    Ok((((days - 1) * 24 + hour) * 60 + minute) * 60_000 + second * 1_000)
}

/// The number of leap days before a year, counted from the year 1 of this calendar.
fn leap_days(year: i64) -> i64 {
    let last = year - 1;
    last / 4 - last / 100 + last / 400
}
