//! CSV as in RFC 4180, read in place. A line may also end with a line feed alone.

use alloc::borrow::Cow;

use crate::{
    cursor::Cursor,
    failure::{Failure, InvalidExtract},
    path::Name,
};

/// A place in CSV.
///
/// If a column is named, here or in the row, the first record is a header and no row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Csv {
    /// What separates the fields of a record.
    pub separator: Separator,
    /// The row of the value.
    pub row: Row,
    /// The column of the value.
    pub column: Column,
}

/// A byte that separates fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Separator(u8);

impl Separator {
    /// The comma, as in RFC 4180.
    pub const COMMA: Self = Self(b',');

    /// A comma, a semicolon, a tab or a bar (`|`).
    ///
    /// # Errors
    ///
    /// [`InvalidExtract::Separator`].
    pub fn new(byte: u8) -> Result<Self, InvalidExtract> {
        match byte {
            b',' | b';' | b'\t' | b'|' => Ok(Self(byte)),
            _ => Err(InvalidExtract::Separator(byte)),
        }
    }

    /// The byte.
    pub fn byte(self) -> u8 {
        self.0
    }
}

/// A row of CSV.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Row {
    /// The first one after the header, if there is a header.
    First,
    /// The last one.
    Last,
    /// The only one that has a certain text in a certain column.
    Where {
        /// The column.
        column: Column,
        /// The text, compared without the quotes around it.
        equals: Name,
    },
}

/// A column of CSV.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Column {
    /// The only one with this name in the header.
    Name(Name),
    /// The one at this position; 0 is the first.
    Index(u16),
}

impl Column {
    fn is_named(&self) -> bool {
        matches!(self, Self::Name(_))
    }
}

/// The text of the field in the sought column and row.
pub(crate) fn find<'a>(text: &'a str, csv: &Csv) -> Result<Cow<'a, str>, Failure> {
    let mut records = Records { cursor: Cursor::new(text), separator: csv.separator };
    let fields = check(records)?;
    let sought = match &csv.row {
        Row::Where { column, .. } => Some(column),
        Row::First | Row::Last => None,
    };
    let has_header = [Some(&csv.column), sought].iter().flatten().any(|column| column.is_named());
    let header = records;
    if has_header {
        records.next(|_, _| {})?;
    }
    let column = position(header, &csv.column, fields)?;
    let row = match &csv.row {
        Row::First => RowRule::First,
        Row::Last => RowRule::Last,
        Row::Where { column, equals } => {
            RowRule::Where { position: position(header, column, fields)?, equals: equals.as_str() }
        },
    };
    find_row(records, column, row)
}

/// Which row is sought, with the position of its column.
#[derive(Clone, Copy)]
enum RowRule<'a> {
    First,
    Last,
    Where { position: usize, equals: &'a str },
}

/// Checks all records. Returns the number of fields of each.
fn check(mut records: Records) -> Result<usize, Failure> {
    let mut fields = None;
    while let Some(found) = records.next(|_, _| {})? {
        if *fields.get_or_insert(found) != found {
            return Err(Failure::FieldCount);
        }
    }
    Ok(fields.unwrap_or(0))
}

/// The position of a column, by the header if it is named.
fn position(mut header: Records, column: &Column, fields: usize) -> Result<usize, Failure> {
    match column {
        Column::Index(index) => {
            let index = usize::from(*index);
            if index < fields {
                Ok(index)
            } else {
                Err(Failure::NotFound)
            }
        },
        Column::Name(name) => {
            let (mut found, mut count) = (0, 0);
            header.next(|index, field| {
                if field.text() == name.as_str() {
                    (found, count) = (index, count + 1);
                }
            })?;
            match count {
                0 => Err(Failure::NotFound),
                1 => Ok(found),
                _ => Err(Failure::Duplicate),
            }
        },
    }
}

/// The field of the sought row.
fn find_row<'a>(
    mut records: Records<'a>,
    column: usize,
    row: RowRule,
) -> Result<Cow<'a, str>, Failure> {
    let mut found = None;
    loop {
        let (mut value, mut matches) = (None, false);
        let record = records.next(|index, field| {
            if index == column {
                value = Some(field);
            }
            if let RowRule::Where { position, equals } = row {
                matches |= index == position && field.text() == equals;
            }
        })?;
        if record.is_none() {
            break;
        }
        match row {
            RowRule::First => {
                found = value;
                break;
            },
            RowRule::Last => found = value,
            RowRule::Where { .. } if matches && found.is_some() => return Err(Failure::Duplicate),
            RowRule::Where { .. } if matches => found = value,
            RowRule::Where { .. } => {},
        }
    }
    found.map(|field| field.text()).ok_or(Failure::NotFound)
}

/// A field as written. Within quotes, each quote of the content is there twice.
#[derive(Clone, Copy)]
struct Field<'a> {
    raw: &'a str,
    is_quoted: bool,
}

impl<'a> Field<'a> {
    fn text(self) -> Cow<'a, str> {
        if self.is_quoted && self.raw.contains('"') {
            self.raw.replace("\"\"", "\"").into()
        } else {
            self.raw.into()
        }
    }
}

/// The records that are still to be read.
#[derive(Clone, Copy)]
struct Records<'a> {
    cursor: Cursor<'a>,
    separator: Separator,
}

impl<'a> Records<'a> {
    /// Reads a record, showing each field with its index. Returns the number of fields, or none at
    /// the end.
    fn next(&mut self, mut visit: impl FnMut(usize, Field<'a>)) -> Result<Option<usize>, Failure> {
        if self.cursor.peek().is_none() {
            return Ok(None);
        }
        let mut count = 0;
        loop {
            let field = self.field()?;
            visit(count, field);
            count += 1;
            if self.cursor.peek().is_none() || self.ends_line()? {
                return Ok(Some(count));
            }
            if !self.cursor.take(self.separator.byte()) {
                return Err(Failure::Syntax);
            }
        }
    }

    /// Reads the end of a line, if it is next.
    fn ends_line(&mut self) -> Result<bool, Failure> {
        if self.cursor.take(b'\n') {
            return Ok(true);
        }
        if !self.cursor.take(b'\r') {
            return Ok(false);
        }
        if self.cursor.next()? != b'\n' {
            return Err(Failure::Syntax);
        }
        Ok(true)
    }

    fn field(&mut self) -> Result<Field<'a>, Failure> {
        let separator = self.separator.byte();
        if !self.cursor.take(b'"') {
            let start = self.cursor.at();
            self.cursor.take_while(|byte| byte != separator && byte != b'"' && !is_control(byte));
            return Ok(Field { raw: self.cursor.since(start), is_quoted: false });
        }
        let start = self.cursor.at();
        loop {
            match self.cursor.next()? {
                b'"' => {
                    let end = self.cursor.at() - 1;
                    if !self.cursor.take(b'"') {
                        let raw = self.cursor.between(start, end);
                        return Ok(Field { raw, is_quoted: true });
                    }
                },
                b'\r' | b'\n' => {},
                byte if byte == separator => {},
                byte if is_control(byte) => return Err(Failure::Syntax),
                _ => {},
            }
        }
    }
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control()
}
