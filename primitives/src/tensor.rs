//! Tensors, their declarations, and the payloads of requests and results.
//!
//! A payload is the SCALE encoding of a list of [`Tensor`]s, in the order of the version's
//! declarations. Statements and receipts contain the digest of these bytes.

use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32};

/// Maximum number of dimensions of a declared tensor.
pub const MAX_RANK: u32 = 8;
/// Maximum length of a tensor's name in bytes.
pub const MAX_TENSOR_NAME_BYTES: u32 = 64;

/// Type of a tensor's elements. In [`Tensor::data`] they are little-endian.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// IEEE 754 binary32.
    #[codec(index = 0)]
    F32,
    /// IEEE 754 binary64.
    #[codec(index = 1)]
    F64,
    /// Signed 8-bit integer.
    #[codec(index = 2)]
    I8,
    /// Signed 16-bit integer.
    #[codec(index = 3)]
    I16,
    /// Signed 32-bit integer.
    #[codec(index = 4)]
    I32,
    /// Signed 64-bit integer.
    #[codec(index = 5)]
    I64,
    /// Unsigned 8-bit integer.
    #[codec(index = 6)]
    U8,
    /// Unsigned 16-bit integer.
    #[codec(index = 7)]
    U16,
    /// Unsigned 32-bit integer.
    #[codec(index = 8)]
    U32,
    /// Unsigned 64-bit integer.
    #[codec(index = 9)]
    U64,
    /// One byte with the value 0 or 1.
    #[codec(index = 10)]
    Bool,
}

impl ElementType {
    /// Size of an element in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// The name used in commands and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::Bool => "bool",
        }
    }

    /// Whether the elements are floating-point numbers.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

/// One dimension of a declared shape.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Exactly this size, at least 1.
    #[codec(index = 0)]
    Fixed(u32),
    /// Any size, at least 1.
    #[codec(index = 1)]
    Free,
}

/// A version's declaration of one of its tensors.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct TensorDeclaration {
    /// Name of the tensor in the model file, in UTF-8.
    pub name: BoundedVec<u8, ConstU32<MAX_TENSOR_NAME_BYTES>>,
    /// Type of the elements.
    pub element_type: ElementType,
    /// Shape; empty for a scalar.
    pub shape: BoundedVec<Dimension, ConstU32<MAX_RANK>>,
}

impl TensorDeclaration {
    /// Whether the name is not empty and in UTF-8, and no fixed dimension is zero.
    pub fn is_well_formed(&self) -> bool {
        !self.name.is_empty()
            && core::str::from_utf8(&self.name).is_ok()
            && !self.shape.contains(&Dimension::Fixed(0))
    }

    /// Whether the declaration admits a tensor of this shape.
    pub fn admits(&self, shape: &[u32]) -> bool {
        shape.len() == self.shape.len()
            && self.shape.iter().zip(shape).all(|(declared, actual)| match declared {
                Dimension::Fixed(size) => size == actual,
                Dimension::Free => *actual > 0,
            })
    }

    /// Whether this declares a tensor of an integer graph of `[channels, height, width]`: exactly
    /// the dimensions that [`graph_dimensions`] returns, or these after a batch dimension of 1.
    pub fn is_graph_tensor(&self, element_type: ElementType, extent: [u32; 3]) -> bool {
        let dimensions = graph_dimensions(extent).into_iter().map(Dimension::Fixed);
        self.element_type == element_type
            && (dimensions.clone().eq(self.shape.iter().copied())
                || core::iter::once(Dimension::Fixed(1))
                    .chain(dimensions)
                    .eq(self.shape.iter().copied()))
    }

    /// The name, for messages; `?` if it is not in UTF-8.
    pub fn name(&self) -> &str {
        core::str::from_utf8(&self.name).unwrap_or("?")
    }
}

/// The dimensions in a payload of a tensor of an integer graph of `[channels, height, width]`:
/// `[channels]` if height and width are 1, otherwise all three.
pub fn graph_dimensions([channels, height, width]: [u32; 3]) -> Vec<u32> {
    match (height, width) {
        (1, 1) => Vec::from([channels]),
        _ => Vec::from([channels, height, width]),
    }
}

/// A tensor, with its elements in row-major order.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Tensor {
    /// Type of the elements.
    pub element_type: ElementType,
    /// Shape; empty for a scalar.
    pub shape: Vec<u32>,
    /// The elements, little-endian.
    pub data: Vec<u8>,
}

impl Tensor {
    /// Size in bytes of the data of a tensor of this type and shape; `None` on overflow.
    pub fn byte_length(element_type: ElementType, shape: &[u32]) -> Option<usize> {
        shape.iter().try_fold(element_type.size(), |bytes, dimension| {
            bytes.checked_mul(*dimension as usize)
        })
    }

    /// Whether every floating-point element is a finite number.
    pub fn is_finite(&self) -> bool {
        const F32_EXPONENT: u32 = 0x7f80_0000;
        const F64_EXPONENT: u64 = 0x7ff0_0000_0000_0000;
        match self.element_type {
            ElementType::F32 => self.data.chunks_exact(4).all(|bytes| {
                let bits = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                bits & F32_EXPONENT != F32_EXPONENT
            }),
            ElementType::F64 => self.data.chunks_exact(8).all(|bytes| {
                let bits = bytes.iter().rev().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
                bits & F64_EXPONENT != F64_EXPONENT
            }),
            _ => true,
        }
    }
}

/// Why a payload does not fit the declarations. The numbers are indices of tensors.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum PayloadError {
    /// The bytes are not the SCALE encoding of a list of tensors, or more bytes follow.
    #[codec(index = 0)]
    Malformed,
    /// The number of tensors differs from the declared number.
    #[codec(index = 1)]
    WrongCount,
    /// The element type differs from the declared type.
    #[codec(index = 2)]
    WrongType(u8),
    /// The declaration does not admit the shape.
    #[codec(index = 3)]
    WrongShape(u8),
    /// The size of the data does not match the shape.
    #[codec(index = 4)]
    WrongSize(u8),
    /// An element is NaN or infinite.
    #[codec(index = 5)]
    NotFinite(u8),
    /// An element of a `Bool` tensor is neither 0 nor 1.
    #[codec(index = 6)]
    NotBool(u8),
}

impl core::fmt::Display for PayloadError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed => write!(f, "not the encoding of a list of tensors"),
            Self::WrongCount => write!(f, "more or fewer tensors than the version declares"),
            Self::WrongType(i) => write!(f, "tensor {i}: not the declared element type"),
            Self::WrongShape(i) => write!(f, "tensor {i}: not the declared shape"),
            Self::WrongSize(i) => write!(f, "tensor {i}: data and shape disagree"),
            Self::NotFinite(i) => write!(f, "tensor {i}: an element is NaN or infinite"),
            Self::NotBool(i) => write!(f, "tensor {i}: an element is neither 0 nor 1"),
        }
    }
}

#[cfg(feature = "std")]
impl std::error::Error for PayloadError {}

/// Length in bytes of the longest payload that fits these declarations; `None` if a dimension is
/// free, or the length exceeds 64 bits.
pub fn largest_payload(declarations: &[TensorDeclaration]) -> Option<u64> {
    // The longest encoding of a count or a length.
    const COMPACT: u64 = 5;
    declarations.iter().try_fold(COMPACT, |total, declaration| {
        let data = declaration.shape.iter().try_fold(
            declaration.element_type.size() as u64,
            |bytes, dimension| match dimension {
                Dimension::Fixed(size) => bytes.checked_mul(u64::from(*size)),
                Dimension::Free => None,
            },
        )?;
        let shape = 4 * declaration.shape.len() as u64;
        total.checked_add(data)?.checked_add(1 + 2 * COMPACT + shape)
    })
}

/// Decodes a payload and checks it against a version's declarations.
///
/// The time is linear in the length of the payload. The caller has to bound the length.
///
/// ```
/// use assay_primitives::{decode_payload, Dimension, ElementType, Tensor, TensorDeclaration};
/// use codec::Encode;
///
/// let declaration = TensorDeclaration {
///     name: b"x".to_vec().try_into().unwrap(),
///     element_type: ElementType::I8,
///     shape: vec![Dimension::Fixed(3)].try_into().unwrap(),
/// };
/// let tensor = Tensor { element_type: ElementType::I8, shape: vec![3], data: vec![1, 2, 3] };
/// let payload = vec![tensor.clone()].encode();
/// assert_eq!(decode_payload(&payload, &[declaration]), Ok(vec![tensor]));
/// ```
///
/// # Errors
///
/// Returns [`PayloadError::Malformed`] if the bytes are not the encoding of a list of tensors,
/// otherwise the first error of [`check_tensors`].
pub fn decode_payload(
    mut payload: &[u8],
    declarations: &[TensorDeclaration],
) -> Result<Vec<Tensor>, PayloadError> {
    let tensors = Vec::<Tensor>::decode_all(&mut payload).map_err(|_| PayloadError::Malformed)?;
    check_tensors(&tensors, declarations)?;
    Ok(tensors)
}

/// Checks a payload against a version's declarations, like [`decode_payload`].
///
/// # Errors
///
/// The errors of [`decode_payload`].
pub fn validate_payload(
    payload: &[u8],
    declarations: &[TensorDeclaration],
) -> Result<(), PayloadError> {
    decode_payload(payload, declarations).map(drop)
}

/// Checks tensors against a version's declarations.
///
/// # Errors
///
/// Returns [`PayloadError::WrongCount`] if the number of tensors differs from the number of
/// declarations, otherwise the first mismatch in the order of the tensors.
pub fn check_tensors(
    tensors: &[Tensor],
    declarations: &[TensorDeclaration],
) -> Result<(), PayloadError> {
    if tensors.len() != declarations.len() {
        return Err(PayloadError::WrongCount);
    }
    for (index, (tensor, declared)) in tensors.iter().zip(declarations).enumerate() {
        let index = index as u8;
        if tensor.element_type != declared.element_type {
            return Err(PayloadError::WrongType(index));
        }
        if !declared.admits(&tensor.shape) {
            return Err(PayloadError::WrongShape(index));
        }
        if Tensor::byte_length(tensor.element_type, &tensor.shape) != Some(tensor.data.len()) {
            return Err(PayloadError::WrongSize(index));
        }
        if !tensor.is_finite() {
            return Err(PayloadError::NotFinite(index));
        }
        if tensor.element_type == ElementType::Bool && tensor.data.iter().any(|byte| *byte > 1) {
            return Err(PayloadError::NotBool(index));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn declaration(element_type: ElementType, shape: &[Dimension]) -> TensorDeclaration {
        TensorDeclaration {
            name: b"x".to_vec().try_into().unwrap(),
            element_type,
            shape: shape.to_vec().try_into().unwrap(),
        }
    }

    fn floats(values: &[f32]) -> Tensor {
        Tensor {
            element_type: ElementType::F32,
            shape: alloc::vec![1, values.len() as u32],
            data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    fn two_wide() -> [TensorDeclaration; 1] {
        [declaration(ElementType::F32, &[Dimension::Fixed(1), Dimension::Fixed(2)])]
    }

    #[test]
    fn each_mismatch_has_its_own_error() {
        let check = |tensor: Tensor| validate_payload(&alloc::vec![tensor].encode(), &two_wide());
        assert_eq!(check(floats(&[1.0, -2.0])), Ok(()));
        assert_eq!(check(floats(&[1.0])), Err(PayloadError::WrongShape(0)));
        assert_eq!(check(floats(&[1.0, f32::NAN])), Err(PayloadError::NotFinite(0)));
        assert_eq!(check(floats(&[f32::NEG_INFINITY, 0.0])), Err(PayloadError::NotFinite(0)));
        let mut short = floats(&[1.0, 2.0]);
        short.data.pop();
        assert_eq!(check(short), Err(PayloadError::WrongSize(0)));
        let mut integers = floats(&[1.0, 2.0]);
        integers.element_type = ElementType::I32;
        assert_eq!(check(integers), Err(PayloadError::WrongType(0)));
        assert_eq!(
            validate_payload(&Vec::<Tensor>::new().encode(), &two_wide()),
            Err(PayloadError::WrongCount)
        );
        let mut trailing = alloc::vec![floats(&[1.0, 2.0])].encode();
        trailing.push(0);
        assert_eq!(validate_payload(&trailing, &two_wide()), Err(PayloadError::Malformed));
    }

    #[test]
    fn a_free_dimension_admits_any_size_but_none() {
        let declared = declaration(ElementType::U8, &[Dimension::Free, Dimension::Fixed(3)]);
        assert!(declared.admits(&[7, 3]));
        assert!(!declared.admits(&[0, 3]));
        assert!(!declared.admits(&[7, 4]));
        assert!(!declared.admits(&[3]));
    }

    #[test]
    fn a_graph_tensor_is_declared_by_its_shape_with_or_without_a_batch() {
        let is = |shape: &[u32], extent| {
            let shape: Vec<_> = shape.iter().copied().map(Dimension::Fixed).collect();
            declaration(ElementType::I8, &shape).is_graph_tensor(ElementType::I8, extent)
        };
        assert!(is(&[10], [10, 1, 1]) && is(&[1, 10], [10, 1, 1]));
        assert!(is(&[3, 8, 9], [3, 8, 9]) && is(&[1, 3, 8, 9], [3, 8, 9]));
        assert!(is(&[3, 1, 9], [3, 1, 9]));
        // A vector of one element, and the same in a batch of one.
        assert!(is(&[1], [1, 1, 1]) && is(&[1, 1], [1, 1, 1]));
        for shape in [&[10, 1, 1][..], &[2, 10], &[1, 1, 10], &[9], &[10, 1], &[]] {
            assert!(!is(shape, [10, 1, 1]), "{shape:?}");
        }
        assert!(!is(&[3, 9, 8], [3, 8, 9]) && !is(&[216], [3, 8, 9]));
        let free = declaration(ElementType::I8, &[Dimension::Free]);
        assert!(!free.is_graph_tensor(ElementType::I8, [10, 1, 1]));
        let wide = declaration(ElementType::I32, &[Dimension::Fixed(10)]);
        assert!(!wide.is_graph_tensor(ElementType::I8, [10, 1, 1]));
    }

    #[test]
    fn a_shape_that_overflows_is_refused() {
        let shape = alloc::vec![u32::MAX; 8];
        assert_eq!(Tensor::byte_length(ElementType::F64, &shape), None);
        let tensor = Tensor { element_type: ElementType::F64, shape, data: Vec::new() };
        let declared = declaration(ElementType::F64, &[Dimension::Free; 8]);
        assert_eq!(check_tensors(&[tensor], &[declared]), Err(PayloadError::WrongSize(0)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = validate_payload(&bytes, &two_wide());
        }

        #[test]
        fn finite_agrees_with_the_standard_library(bits in any::<u32>(), wide in any::<u64>()) {
            let single = Tensor {
                element_type: ElementType::F32, shape: Vec::new(), data: bits.to_le_bytes().to_vec(),
            };
            prop_assert_eq!(single.is_finite(), f32::from_bits(bits).is_finite());
            let double = Tensor {
                element_type: ElementType::F64, shape: Vec::new(), data: wide.to_le_bytes().to_vec(),
            };
            prop_assert_eq!(double.is_finite(), f64::from_bits(wide).is_finite());
        }
    }
}
