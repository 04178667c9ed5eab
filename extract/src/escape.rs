//! Escapes, which JSON and written paths have in common.

use crate::{cursor::Cursor, failure::Failure};

/// Reads an escape after its backslash. The quote is the one that has to be escaped.
pub(crate) fn escaped(cursor: &mut Cursor, quote: u8) -> Result<char, Failure> {
    match cursor.next()? {
        b'b' => Ok('\u{8}'),
        b'f' => Ok('\u{c}'),
        b'n' => Ok('\n'),
        b'r' => Ok('\r'),
        b't' => Ok('\t'),
        b'u' => {
            let unit = code_unit(cursor)?;
            let code = match unit {
                0xd800..0xdc00 => {
                    if cursor.next()? != b'\\' || cursor.next()? != b'u' {
                        return Err(Failure::Encoding);
                    }
                    let low @ 0xdc00..0xe000 = code_unit(cursor)? else {
                        return Err(Failure::Encoding);
                    };
                    0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                },
                _ => unit,
            };
            // What is left without a character is a low surrogate by itself.
            char::from_u32(code).ok_or(Failure::Encoding)
        },
        byte if byte == quote || byte == b'\\' || byte == b'/' => Ok(char::from(byte)),
        _ => Err(Failure::Syntax),
    }
}

/// The value of four hexadecimal digits.
fn code_unit(cursor: &mut Cursor) -> Result<u32, Failure> {
    let mut unit = 0;
    for _ in 0..4 {
        let digit = char::from(cursor.next()?).to_digit(16).ok_or(Failure::Syntax)?;
        unit = unit << 4 | digit;
    }
    Ok(unit)
}
