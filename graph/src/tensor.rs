//! Elements of a tensor.

use crate::format::ElementType;
use alloc::vec::Vec;

/// The elements of a tensor, or of parts of one, in row-major order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Tensor {
    /// Activations.
    Int8(Vec<i8>),
    /// Accumulators.
    Int32(Vec<i32>),
}

impl Tensor {
    /// An empty tensor of the given type.
    pub(crate) fn empty(element_type: ElementType, capacity: usize) -> Self {
        match element_type {
            ElementType::Int8 => Self::Int8(Vec::with_capacity(capacity)),
            ElementType::Int32 => Self::Int32(Vec::with_capacity(capacity)),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Int8(elements) => elements.len(),
            Self::Int32(elements) => elements.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Type of the elements.
    pub const fn element_type(&self) -> ElementType {
        match self {
            Self::Int8(_) => ElementType::Int8,
            Self::Int32(_) => ElementType::Int32,
        }
    }

    /// The elements, if they are int8.
    pub fn as_int8(&self) -> Option<&[i8]> {
        match self {
            Self::Int8(elements) => Some(elements),
            Self::Int32(_) => None,
        }
    }

    /// The elements, if they are int32.
    pub fn as_int32(&self) -> Option<&[i32]> {
        match self {
            Self::Int8(_) => None,
            Self::Int32(elements) => Some(elements),
        }
    }

    /// The elements, little-endian, as digests and roots cover them.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Int8(elements) => elements.iter().map(|x| *x as u8).collect(),
            Self::Int32(elements) => elements.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }

    /// The tensor with the given [`Self::to_bytes`]; `None` if the last element is incomplete.
    pub fn from_bytes(element_type: ElementType, bytes: &[u8]) -> Option<Self> {
        match element_type {
            ElementType::Int8 => Some(Self::Int8(bytes.iter().map(|x| *x as i8).collect())),
            ElementType::Int32 => {
                let (elements, []) = bytes.as_chunks::<4>() else { return None };
                Some(Self::Int32(elements.iter().map(|x| i32::from_le_bytes(*x)).collect()))
            },
        }
    }
}
