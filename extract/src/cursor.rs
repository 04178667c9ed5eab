//! A position in a text, through which all of it is read.

use crate::{failure::Failure, steps};

/// A text, and the offset of the byte to be read next.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The offset of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next byte, which stays the next one; none at the end.
    pub(crate) fn peek(&self) -> Option<u8> {
        steps::count(1);
        self.text.as_bytes().get(self.at).copied()
    }

    /// Moves past the byte that [`peek`](Self::peek) has shown.
    pub(crate) fn skip(&mut self) {
        self.at += 1;
    }

    /// Reads the next byte, which has to be there.
    pub(crate) fn next(&mut self) -> Result<u8, Failure> {
        let byte = self.peek().ok_or(Failure::Truncated)?;
        self.skip();
        Ok(byte)
    }

    /// Reads the next byte if it is this one.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.skip();
        }
        is_next
    }

    /// Reads bytes as long as they fulfil a condition.
    pub(crate) fn take_while(&mut self, condition: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&condition) {
            self.skip();
        }
    }

    /// The text between two offsets, both of which are next to an ASCII character or the end.
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The text from an offset to the next byte.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        self.between(start, self.at)
    }
}
