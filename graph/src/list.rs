//! A vector of bounded length.

use alloc::vec::Vec;
use codec::{Compact, Decode, Encode, Error, Input};
use core::ops::{Deref, DerefMut};

/// A vector of at most `MAX` elements, encoded like `Vec`. Before it allocates, decoding refuses a
/// length above `MAX` or above the number of remaining bytes.
///
/// ```
/// use assay_graph::List;
///
/// assert!(List::<u8, 2>::try_from(vec![1, 2]).is_ok());
/// assert!(List::<u8, 2>::try_from(vec![1, 2, 3]).is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Encode)]
pub struct List<T, const MAX: usize>(Vec<T>);

/// The vector has more elements than the list allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl<T, const MAX: usize> List<T, MAX> {
    /// The elements as a vector.
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> DerefMut for List<T, MAX> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a List<T, MAX> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for List<T, MAX> {
    type Error = TooLong;

    fn try_from(elements: Vec<T>) -> Result<Self, TooLong> {
        if elements.len() > MAX {
            return Err(TooLong);
        }
        Ok(Self(elements))
    }
}

impl<T: Decode, const MAX: usize> Decode for List<T, MAX> {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let length = Compact::<u32>::decode(input)?.0 as usize;
        if length > MAX {
            return Err("list longer than its bound".into());
        }
        // Every element takes at least one byte.
        if input.remaining_len()?.is_some_and(|left| left < length) {
            return Err("list longer than the remaining bytes".into());
        }
        codec::decode_vec_with_len(input, length).map(Self)
    }
}

impl core::fmt::Display for TooLong {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "more elements than the list allows")
    }
}

impl core::error::Error for TooLong {}
