//! Which part of a body is the value.

use alloc::borrow::Cow;

use crate::{
    bounds::MAX_BODY_BYTES,
    csv::{self, Csv},
    failure::Failure,
    json,
    number::NumberFormat,
    path::Path,
    time::TimeFormat,
};

/// Where the value is in a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extract {
    /// At the end of a path through JSON: a number, or the content of a string.
    Json(Path),
    /// In a column and a row of CSV.
    Csv(Csv),
    /// The whole body is the value; a line end behind it is left out.
    Text,
}

impl Extract {
    /// The text of the value: of a string without quotes and escapes.
    ///
    /// The whole body is checked, so that a part of one is never taken for all of it. Takes time in
    /// proportion to the length of the body; only for the names of objects on the path, which it
    /// sorts, in proportion to n·log n. Uses at most 16 MiB.
    ///
    /// # Errors
    ///
    /// Every [`Failure`] but [`TooLong`](Failure::TooLong), [`NotANumber`](Failure::NotANumber),
    /// [`NotATime`](Failure::NotATime) and [`OutOfRange`](Failure::OutOfRange).
    pub fn find<'a>(&self, body: &'a [u8]) -> Result<Cow<'a, str>, Failure> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Failure::TooLarge);
        }
        let text = core::str::from_utf8(body).or(Err(Failure::Encoding))?;
        if text.starts_with('\u{feff}') {
            return Err(Failure::Encoding);
        }
        match self {
            Self::Json(path) => json::find(text, path),
            Self::Csv(csv) => csv::find(text, csv),
            Self::Text => Ok(without_line_end(text).into()),
        }
    }

    /// The value as a number.
    ///
    /// # Errors
    ///
    /// Every [`Failure`] but [`NotATime`](Failure::NotATime).
    pub fn number(&self, body: &[u8], format: &NumberFormat) -> Result<i64, Failure> {
        format.parse(&self.find(body)?)
    }

    /// The value as a time, in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// Every [`Failure`].
    pub fn time(&self, body: &[u8], format: TimeFormat) -> Result<u64, Failure> {
        format.parse(&self.find(body)?)
    }
}

fn without_line_end(text: &str) -> &str {
    match text.strip_suffix('\n') {
        Some(line) => line.strip_suffix('\r').unwrap_or(line),
        None => text,
    }
}
