//! JSON as in RFC 8259, read in place: nothing is built but the names of objects on the path.

use alloc::{borrow::Cow, string::String, vec::Vec};

use crate::{
    bounds::MAX_DEPTH,
    cursor::Cursor,
    escape::escaped,
    failure::Failure,
    path::{Path, Step},
    steps,
};

/// The text of the number or string to which a path leads.
///
/// The whole text is checked first; then each step searches the array or object that it is at, so
/// a byte is looked at once per step that encloses it.
pub(crate) fn find<'a>(text: &'a str, path: &Path) -> Result<Cow<'a, str>, Failure> {
    let mut document = Cursor::new(text);
    skip_value(&mut document)?;
    skip_space(&mut document);
    if document.peek().is_some() {
        return Err(Failure::Syntax);
    }
    let mut cursor = Cursor::new(text);
    for step in path.steps() {
        skip_space(&mut cursor);
        cursor = match step {
            Step::Name(name) => member(cursor, name.as_str())?,
            Step::Index(index) => element(cursor, *index)?,
        };
    }
    skip_space(&mut cursor);
    let start = cursor.at();
    match cursor.peek() {
        Some(b'"') => unescape(string(&mut cursor)?),
        Some(b'-' | b'0'..=b'9') => {
            skip_value(&mut cursor)?;
            Ok(cursor.since(start).into())
        },
        _ => Err(Failure::WrongType),
    }
}

/// What is open around a value, of at most [`MAX_DEPTH`]: bit 0 tells whether the innermost is an object.
#[derive(Default)]
struct Nesting {
    objects: u64,
    depth: u32,
}

const _: () = assert!(MAX_DEPTH <= u64::BITS);

impl Nesting {
    fn enter(&mut self, is_object: bool) -> Result<(), Failure> {
        if self.depth == MAX_DEPTH {
            return Err(Failure::Depth);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u64::from(is_object);
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.objects >>= 1;
    }

    /// Whether the innermost is an object; none outside all.
    fn is_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.objects & 1 == 1)
    }
}

/// Moves past a value and the space before it.
fn skip_value(cursor: &mut Cursor) -> Result<(), Failure> {
    let mut nesting = Nesting::default();
    'value: loop {
        skip_space(cursor);
        match cursor.peek().ok_or(Failure::Truncated)? {
            b'{' => {
                cursor.skip();
                nesting.enter(true)?;
                skip_space(cursor);
                if !cursor.take(b'}') {
                    member_name(cursor)?;
                    continue 'value;
                }
                nesting.leave();
            },
            b'[' => {
                cursor.skip();
                nesting.enter(false)?;
                skip_space(cursor);
                if !cursor.take(b']') {
                    continue 'value;
                }
                nesting.leave();
            },
            b'"' => {
                string(cursor)?;
            },
            b'-' | b'0'..=b'9' => number(cursor)?,
            b't' => literal(cursor, b"true")?,
            b'f' => literal(cursor, b"false")?,
            b'n' => literal(cursor, b"null")?,
            _ => return Err(Failure::Syntax),
        }
        // A value has ended, and with it perhaps what is around it.
        while let Some(is_object) = nesting.is_object() {
            skip_space(cursor);
            match (cursor.next()?, is_object) {
                (b',', true) => {
                    skip_space(cursor);
                    member_name(cursor)?;
                    continue 'value;
                },
                (b',', false) => continue 'value,
                (b'}', true) | (b']', false) => nesting.leave(),
                _ => return Err(Failure::Syntax),
            }
        }
        return Ok(());
    }
}

fn skip_space(cursor: &mut Cursor) {
    cursor.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
}

fn literal(cursor: &mut Cursor, word: &[u8]) -> Result<(), Failure> {
    for byte in word {
        if cursor.next()? != *byte {
            return Err(Failure::Syntax);
        }
    }
    Ok(())
}

fn number(cursor: &mut Cursor) -> Result<(), Failure> {
    cursor.take(b'-');
    match cursor.next()? {
        b'0' => {},
        b'1'..=b'9' => cursor.take_while(|byte| byte.is_ascii_digit()),
        _ => return Err(Failure::Syntax),
    }
    if cursor.take(b'.') {
        digits(cursor)?;
    }
    if cursor.take(b'e') || cursor.take(b'E') {
        if !cursor.take(b'+') {
            cursor.take(b'-');
        }
        digits(cursor)?;
    }
    Ok(())
}

/// Moves past one digit or more.
fn digits(cursor: &mut Cursor) -> Result<(), Failure> {
    if !cursor.next()?.is_ascii_digit() {
        return Err(Failure::Syntax);
    }
    cursor.take_while(|byte| byte.is_ascii_digit());
    Ok(())
}

/// Moves past a member's name and the colon. Returns the name with its escapes.
fn member_name<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Failure> {
    let name = string(cursor)?;
    skip_space(cursor);
    if cursor.next()? != b':' {
        return Err(Failure::Syntax);
    }
    Ok(name)
}

/// Moves past a string. Returns what is between the quotes, with its escapes.
fn string<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, Failure> {
    if cursor.next()? != b'"' {
        return Err(Failure::Syntax);
    }
    let start = cursor.at();
    loop {
        match cursor.next()? {
            b'"' => return Ok(cursor.between(start, cursor.at() - 1)),
            b'\\' => {
                escaped(cursor, b'"')?;
            },
            0..0x20 => return Err(Failure::Syntax),
            _ => {},
        }
    }
}

/// The characters of a string that [`string`] has returned.
fn unescape(raw: &str) -> Result<Cow<'_, str>, Failure> {
    let mut cursor = Cursor::new(raw);
    let mut text = String::new();
    let mut start = 0;
    loop {
        cursor.take_while(|byte| byte != b'\\');
        if start == 0 && cursor.peek().is_none() {
            return Ok(raw.into());
        }
        text.push_str(cursor.since(start));
        if !cursor.take(b'\\') {
            return Ok(text.into());
        }
        text.push(escaped(&mut cursor, b'"')?);
        start = cursor.at();
    }
}

/// The place of a member's value, if an object is next.
fn member<'a>(mut cursor: Cursor<'a>, sought: &str) -> Result<Cursor<'a>, Failure> {
    if !cursor.take(b'{') {
        return Err(Failure::NotFound);
    }
    let mut found = None;
    let mut names = Vec::new();
    skip_space(&mut cursor);
    if cursor.take(b'}') {
        return Err(Failure::NotFound);
    }
    loop {
        skip_space(&mut cursor);
        let name = unescape(member_name(&mut cursor)?)?;
        if name == sought {
            found = Some(cursor);
        }
        names.push(name);
        skip_value(&mut cursor)?;
        skip_space(&mut cursor);
        if !cursor.take(b',') {
            break;
        }
    }
    if has_duplicates(names) {
        return Err(Failure::Duplicate);
    }
    found.ok_or(Failure::NotFound)
}

/// Whether two names are equal. Sorting n names looks at each of their bytes about log2(n) times.
fn has_duplicates(mut names: Vec<Cow<str>>) -> bool {
    names.sort_unstable_by(|a, b| {
        steps::count(a.len().min(b.len()) + 1);
        a.cmp(b)
    });
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// The place of an element, if an array is next. Negative indexes count from its end.
fn element(mut cursor: Cursor, index: i32) -> Result<Cursor, Failure> {
    if !cursor.take(b'[') {
        return Err(Failure::NotFound);
    }
    let distance = index.unsigned_abs() as usize;
    let position = if index < 0 {
        let (length, _) = pass_elements(cursor, usize::MAX)?;
        length.checked_sub(distance).ok_or(Failure::NotFound)?
    } else {
        distance
    };
    let (_, place) = pass_elements(cursor, position)?;
    place.ok_or(Failure::NotFound)
}

/// Passes a number of elements of an array whose bracket has been read. Returns how many it has
/// passed, and the place of the next one unless the array ends before.
fn pass_elements(mut cursor: Cursor, count: usize) -> Result<(usize, Option<Cursor>), Failure> {
    let mut passed = 0;
    skip_space(&mut cursor);
    if cursor.take(b']') {
        return Ok((passed, None));
    }
    while passed < count {
        skip_value(&mut cursor)?;
        passed += 1;
        skip_space(&mut cursor);
        if !cursor.take(b',') {
            return Ok((passed, None));
        }
    }
    Ok((passed, Some(cursor)))
}
