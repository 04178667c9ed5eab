//! Paths into JSON: the queries of RFC 9535 that select at most one value.

use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

use crate::{
    bounds::*,
    cursor::Cursor,
    escape::escaped,
    failure::{Failure, InvalidExtract},
};

/// The name of a member or column, or a value by which a row is sought. It may be empty, has at most
/// [`MAX_NAME_BYTES`], and is compared by code points, without normalisation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name(String);

impl Name {
    /// Checks the length of a name.
    ///
    /// # Errors
    ///
    /// [`InvalidExtract::NameLength`].
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidExtract> {
        let name = name.into();
        if name.len() > MAX_NAME_BYTES {
            return Err(InvalidExtract::NameLength(name.len()));
        }
        Ok(Self(name))
    }

    /// The characters of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One step of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// To the member of an object with this name.
    Name(Name),
    /// To an element of an array: 0 is the first, -1 the last.
    Index(i32),
}

/// The way from the value of a whole JSON text to a value in it, of at most [`MAX_STEPS`] steps.
///
/// A path is written as in RFC 9535, without spaces. It is printed with the short form of each name
/// that has one:
///
/// ```
/// use assay_extract::Path;
///
/// let path: Path = "$['data'][0]['last price']".parse()?;
/// assert_eq!(path.to_string(), "$.data[0]['last price']");
/// # Ok::<(), assay_extract::InvalidExtract>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path(Vec<Step>);

impl Path {
    /// Checks the number of steps. Without any, the path leads to the whole value.
    ///
    /// # Errors
    ///
    /// [`InvalidExtract::Steps`].
    pub fn new(steps: Vec<Step>) -> Result<Self, InvalidExtract> {
        if steps.len() > MAX_STEPS {
            return Err(InvalidExtract::Steps(steps.len()));
        }
        Ok(Self(steps))
    }

    /// The steps, from the outside to the inside.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl FromStr for Path {
    type Err = InvalidExtract;

    fn from_str(written: &str) -> Result<Self, Self::Err> {
        let mut cursor = Cursor::new(written);
        let mut steps = Vec::new();
        expect(&mut cursor, b'$')?;
        while cursor.peek().is_some() {
            if cursor.take(b'.') {
                steps.push(Step::Name(Name::new(short_name(&mut cursor)?)?));
                continue;
            }
            expect(&mut cursor, b'[')?;
            steps.push(match cursor.peek() {
                Some(quote @ (b'\'' | b'"')) => {
                    cursor.skip();
                    Step::Name(Name::new(quoted_name(&mut cursor, quote)?)?)
                },
                _ => Step::Index(index(&mut cursor)?),
            });
            expect(&mut cursor, b']')?;
        }
        Self::new(steps)
    }
}

/// The error of the next byte.
fn wrong<T>(cursor: &Cursor) -> Result<T, InvalidExtract> {
    Err(InvalidExtract::Path { at: cursor.at() })
}

fn expect(cursor: &mut Cursor, byte: u8) -> Result<(), InvalidExtract> {
    if cursor.take(byte) {
        Ok(())
    } else {
        wrong(cursor)
    }
}

/// Whether a short name may begin with this byte. Later ones may be digits as well.
fn begins_short_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

fn short_name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, InvalidExtract> {
    if !cursor.peek().is_some_and(begins_short_name) {
        return wrong(cursor);
    }
    let start = cursor.at();
    cursor.take_while(|byte| begins_short_name(byte) || byte.is_ascii_digit());
    Ok(cursor.since(start))
}

/// Reads a name after the quote that begins it.
fn quoted_name(cursor: &mut Cursor, quote: u8) -> Result<String, InvalidExtract> {
    let mut name = String::new();
    loop {
        let start = cursor.at();
        cursor.take_while(|byte| byte != quote && byte != b'\\' && byte >= 0x20);
        name.push_str(cursor.since(start));
        if cursor.take(quote) {
            return Ok(name);
        }
        expect(cursor, b'\\')?;
        name.push(escaped(cursor, quote).map_err(|failure| {
            // It is reported after the byte was read, unless there was none.
            let past = usize::from(failure != Failure::Truncated);
            InvalidExtract::Path { at: cursor.at() - past }
        })?);
    }
}

fn index(cursor: &mut Cursor) -> Result<i32, InvalidExtract> {
    let start = cursor.at();
    let is_negative = cursor.take(b'-');
    match cursor.peek() {
        Some(b'0') if !is_negative => cursor.skip(),
        Some(b'1'..=b'9') => cursor.take_while(|byte| byte.is_ascii_digit()),
        _ => return wrong(cursor),
    }
    cursor.since(start).parse().or(Err(InvalidExtract::Path { at: start }))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$")?;
        self.0.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Index(index) => return write!(f, "[{index}]"),
            Self::Name(name) => name.as_str(),
        };
        let is_short = name.bytes().next().is_some_and(begins_short_name)
            && name.bytes().all(|byte| begins_short_name(byte) || byte.is_ascii_digit());
        if is_short {
            return write!(f, ".{name}");
        }
        write!(f, "['")?;
        for character in name.chars() {
            match character {
                '\'' | '\\' => write!(f, "\\{character}")?,
                '\u{8}' => write!(f, "\\b")?,
                '\t' => write!(f, "\\t")?,
                '\n' => write!(f, "\\n")?,
                '\u{c}' => write!(f, "\\f")?,
                '\r' => write!(f, "\\r")?,
                '\0'..' ' => write!(f, "\\u{:04x}", u32::from(character))?,
                _ => write!(f, "{character}")?,
            }
        }
        write!(f, "']")
    }
}
