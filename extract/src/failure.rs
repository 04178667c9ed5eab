//! Why a body yields nothing, and why an extraction is not valid.

use crate::bounds::*;

/// Why a body yields no number or time.
///
/// Of several failures the first of this order is reported, by every implementation alike: of the
/// bytes ([`TooLarge`](Self::TooLarge), then [`Encoding`](Self::Encoding)); of the syntax, the one
/// nearest the beginning; of what is sought, in the order of the path's steps, or column before row;
/// of the value found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Failure {
    /// The body has more than [`MAX_BODY_BYTES`]. Ask the source for less, such as one pair or one
    /// day.
    TooLarge,
    /// The body is not UTF-8, begins with a byte-order mark, or has half of a surrogate pair in an
    /// escape of JSON. Use an address at which the source sends plain UTF-8.
    Encoding,
    /// A byte breaks the grammar of JSON (RFC 8259) or CSV (RFC 4180). Look at the body: a page of
    /// HTML says that the source is down or wants a key; `NaN`, comments and trailing commas are not
    /// JSON; a wrong separator or single quotes are not this CSV.
    Syntax,
    /// The body ends too early: within a value of JSON, or within quotes of CSV. An empty body is
    /// no JSON either. Try again; if it lasts, the source sends less than it should.
    Truncated,
    /// Arrays and objects of JSON are nested deeper than [`MAX_DEPTH`]. Use another address of the source.
    Depth,
    /// Records of CSV have different numbers of fields. Look at the body: lines before the header,
    /// an empty line at the end and another separator are usual causes.
    FieldCount,
    /// The body has no such member, element, column or row. Compare the path, or the names, with the
    /// body; the source may have changed its form, or not have the day yet.
    NotFound,
    /// What is sought is there twice: an object on the path has two members of one name, the header
    /// has the column twice, or several rows have the value by which a row is sought. Give columns
    /// by index, or choose the first or last row; a source that repeats member names is of no use.
    Duplicate,
    /// The path ends at an object, an array, `true`, `false` or `null`. Lengthen the path; with
    /// `null` the source says that it has no value.
    WrongType,
    /// The number has more than [`MAX_NUMBER_BYTES`]. Use another field or source.
    TooLong,
    /// The value is not a decimal number: digits with a minus, a point or an exponent of one or two
    /// digits, as in JSON. A plus, spaces, separators of thousands, units and digits of other
    /// scripts are refused. Choose a field that has nothing but the number.
    NotANumber,
    /// The value is not a time in the stated format, or the day or second does not exist: a leap
    /// second does not, nor an offset other than `Z`. State the format that the source uses.
    NotATime,
    /// The number, rounded, is outside its range, or the time outside the years 1970 to 9999.
    /// Compare the range and the decimals, or seconds and milliseconds, with the body.
    OutOfRange,
}

impl Failure {
    /// All failures.
    pub const ALL: [Self; 13] = [
        Self::TooLarge,
        Self::Encoding,
        Self::Syntax,
        Self::Truncated,
        Self::Depth,
        Self::FieldCount,
        Self::NotFound,
        Self::Duplicate,
        Self::WrongType,
        Self::TooLong,
        Self::NotANumber,
        Self::NotATime,
        Self::OutOfRange,
    ];
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLarge => {
                write!(f, "the body has more than {MAX_BODY_BYTES} bytes; ask the source for less")
            },
            Self::Encoding => write!(
                f,
                "the body is not UTF-8 without a byte-order mark and with whole surrogate pairs; \
                 use an address at which the source sends that"
            ),
            Self::Syntax => {
                write!(f, "the body is not in the stated format; look at what the source sends")
            },
            Self::Truncated => write!(f, "the body ends too early; try again"),
            Self::Depth => {
                write!(
                    f,
                    "the body is nested deeper than {MAX_DEPTH}; use another address of the source"
                )
            },
            Self::FieldCount => write!(
                f,
                "the records have different numbers of fields; look at what the source sends"
            ),
            Self::NotFound => write!(
                f,
                "the body has no such member, element, column or row; compare the path or the \
                 names with it"
            ),
            Self::Duplicate => write!(
                f,
                "what is sought is there twice; give columns by index, choose the first or last \
                 row, or use another source"
            ),
            Self::WrongType => write!(
                f,
                "the path leads to an object, an array, true, false or null; lengthen it, or wait \
                 for a value"
            ),
            Self::TooLong => write!(
                f,
                "the number has more than {MAX_NUMBER_BYTES} bytes; use another field or source"
            ),
            Self::NotANumber => write!(
                f,
                "the value is not a plain decimal number; choose a field that has nothing else"
            ),
            Self::NotATime => write!(
                f,
                "the value is not an existing time in the stated format; state the format that \
                 the source uses"
            ),
            Self::OutOfRange => write!(
                f,
                "the value is outside its range; compare range and decimals, or seconds and \
                 milliseconds, with the body"
            ),
        }
    }
}

impl core::error::Error for Failure {}

/// Why an extraction, or a part of it, is not valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidExtract {
    /// A path has more than [`MAX_STEPS`] steps. Use an address of the source with a flatter body.
    Steps(usize),
    /// A name, or the value by which a row is sought, has more than [`MAX_NAME_BYTES`]. Give columns
    /// by index.
    NameLength(usize),
    /// Fields of CSV are not separated by this byte. Comma, semicolon, tab and bar are allowed.
    Separator(u8),
    /// There are more than [`MAX_DECIMALS`] decimals. State fewer.
    Decimals(u8),
    /// The range is empty, or exceeds [`MAX_MAGNITUDE`]. State another, or fewer decimals.
    Range(i64, i64),
    /// A written path breaks the grammar. Write `$`, then `.name`, `['name']` or `[0]` for each
    /// step, without spaces.
    Path {
        /// Offset of the first wrong byte of the written path; its length if it ends too early.
        at: usize,
    },
}

impl core::fmt::Display for InvalidExtract {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Steps(found) => write!(
                f,
                "the path has {found} steps, more than {MAX_STEPS}; use a source with a flatter \
                 body"
            ),
            Self::NameLength(found) => write!(
                f,
                "a name has {found} bytes, more than {MAX_NAME_BYTES}; give columns by index"
            ),
            Self::Separator(found) => write!(
                f,
                "fields are not separated by {:?}; use a comma, a semicolon, a tab or a bar",
                char::from(*found)
            ),
            Self::Decimals(found) => {
                write!(f, "{found} decimals are more than {MAX_DECIMALS}; state fewer")
            },
            Self::Range(min, max) => write!(
                f,
                "the range {min} to {max} is empty or exceeds {MAX_MAGNITUDE}; state another, or \
                 fewer decimals"
            ),
            Self::Path { at } => write!(
                f,
                "the path is wrong at byte {at}; write $, then .name, ['name'] or [0] for each \
                 step, without spaces"
            ),
        }
    }
}

impl core::error::Error for InvalidExtract {}
