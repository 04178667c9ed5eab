//! Conversion of elements and shapes to tensors.

use assay_primitives::{Dimension, ElementType, Tensor, TensorDeclaration};

use super::{format_shape, InputError};

/// A number in a source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Bool(bool),
    Int(i128),
    Float(f64),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}

/// An array in a source, in row-major order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<u64>,
    pub(super) elements: Vec<Scalar>,
}

/// How closely an array's shape must match the declared one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It must match the declaration.
    Exact,
    /// Leading dimensions of size 1 may be missing, and a flat list is accepted if it has exactly as
    /// many elements as the shape.
    Lenient,
}

/// A tensor, and whether its source has real numbers.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) tensor: Tensor,
    /// Whether any number is written as a real number.
    pub(super) has_reals: bool,
}

/// Converts an array to a tensor of the declared type.
pub(super) fn to_tensor(
    array: &Array,
    declaration: &TensorDeclaration,
    fit: Fit,
) -> Result<Converted, InputError> {
    let shape = fit_shape(&array.shape, declaration, fit)?;
    let element_type = declaration.element_type;
    let mut data = Vec::with_capacity(array.elements.len() * element_type.size());
    for (at, element) in array.elements.iter().enumerate() {
        let written = write(*element, element_type, &mut data);
        written.map_err(|problem| {
            let name = declaration.name().to_owned();
            let found = element.to_string();
            match problem {
                Problem::NotFinite => InputError::NotFinite { name, at, found },
                Problem::DoesNotFit => InputError::DoesNotFit { name, at, found, element_type },
            }
        })?;
    }
    let has_reals = array.elements.iter().any(|element| matches!(element, Scalar::Float(_)));
    Ok(Converted { tensor: Tensor { element_type, shape, data }, has_reals })
}

/// The shape of the tensor for an array, or why there is none.
pub(super) fn fit_shape(
    found: &[u64],
    declaration: &TensorDeclaration,
    fit: Fit,
) -> Result<Vec<u32>, InputError> {
    let wrong = || InputError::WrongShape {
        name: declaration.name().to_owned(),
        found: format!("{found:?}"),
        declared: format_shape(&declaration.shape),
    };
    let shape: Vec<u32> = found
        .iter()
        .map(|size| u32::try_from(*size))
        .collect::<Result<_, _>>()
        .map_err(|_| wrong())?;
    if declaration.admits(&shape) {
        return Ok(shape);
    }
    if fit == Fit::Exact {
        return Err(wrong());
    }
    let omitted = declaration.shape.len().saturating_sub(shape.len());
    let padded: Vec<u32> = std::iter::repeat_n(1, omitted).chain(shape.iter().copied()).collect();
    if declaration.admits(&padded) {
        return Ok(padded);
    }
    if let [count] = shape[..] {
        // A flat list for a free first dimension is one row of the batch.
        let row: Option<Vec<u32>> = declaration
            .shape
            .iter()
            .enumerate()
            .map(|(index, dimension)| match dimension {
                Dimension::Fixed(size) => Some(*size),
                Dimension::Free => (index == 0).then_some(1),
            })
            .collect();
        let elements = |shape: &[u32]| shape.iter().map(|size| u128::from(*size)).product::<u128>();
        if let Some(row) = row.filter(|row| elements(row) == u128::from(count)) {
            return Ok(row);
        }
    }
    Err(wrong())
}

enum Problem {
    NotFinite,
    DoesNotFit,
}

fn write(scalar: Scalar, element_type: ElementType, out: &mut Vec<u8>) -> Result<(), Problem> {
    match element_type {
        ElementType::F32 => {
            let value = match scalar {
                Scalar::Float(value) => finite(value)? as f32,
                Scalar::Int(value) if value as f32 as i128 == value => value as f32,
                _ => return Err(Problem::DoesNotFit),
            };
            // A literal is rounded to the nearest `f32`, but must not overflow.
            if !value.is_finite() {
                return Err(Problem::DoesNotFit);
            }
            out.extend(value.to_le_bytes());
        },
        ElementType::F64 => {
            let value = match scalar {
                Scalar::Float(value) => finite(value)?,
                Scalar::Int(value) if value as f64 as i128 == value => value as f64,
                _ => return Err(Problem::DoesNotFit),
            };
            out.extend(value.to_le_bytes());
        },
        ElementType::I8 => out.extend(integer::<i8>(scalar)?.to_le_bytes()),
        ElementType::I16 => out.extend(integer::<i16>(scalar)?.to_le_bytes()),
        ElementType::I32 => out.extend(integer::<i32>(scalar)?.to_le_bytes()),
        ElementType::I64 => out.extend(integer::<i64>(scalar)?.to_le_bytes()),
        ElementType::U8 => out.extend(integer::<u8>(scalar)?.to_le_bytes()),
        ElementType::U16 => out.extend(integer::<u16>(scalar)?.to_le_bytes()),
        ElementType::U32 => out.extend(integer::<u32>(scalar)?.to_le_bytes()),
        ElementType::U64 => out.extend(integer::<u64>(scalar)?.to_le_bytes()),
        ElementType::Bool => match scalar {
            Scalar::Bool(value) => out.push(u8::from(value)),
            other => match integer::<u8>(other)? {
                value @ (0 | 1) => out.push(value),
                _ => return Err(Problem::DoesNotFit),
            },
        },
    }
    Ok(())
}

fn finite(value: f64) -> Result<f64, Problem> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(Problem::NotFinite),
    }
}

fn integer<T: TryFrom<i128>>(scalar: Scalar) -> Result<T, Problem> {
    /// 2^53. Greater whole numbers may not be exact in an `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let value = match scalar {
        Scalar::Int(value) => value,
        Scalar::Float(value) => {
            let value = finite(value)?;
            if value.fract() != 0.0 || value.abs() > EXACT {
                return Err(Problem::DoesNotFit);
            }
            value as i128
        },
        Scalar::Bool(_) => return Err(Problem::DoesNotFit),
    };
    T::try_from(value).map_err(|_| Problem::DoesNotFit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::declare;

    fn one(scalar: Scalar, element_type: ElementType) -> Result<Vec<u8>, InputError> {
        let array = Array { shape: vec![1], elements: vec![scalar] };
        let declared = declare("x", element_type, &[Some(1)]);
        to_tensor(&array, &declared, Fit::Exact).map(|converted| converted.tensor.data)
    }

    #[test]
    fn values_are_preserved_or_refused() {
        use ElementType::{F32, F64, I32, I64, I8, U64, U8};
        use Scalar::*;
        let fits: [(Scalar, ElementType, &[u8]); 12] = [
            (Float(1.5), F32, &1.5f32.to_le_bytes()),
            (Float(0.1), F32, &0.1f32.to_le_bytes()),
            (Int(16_777_216), F32, &16_777_216f32.to_le_bytes()),
            (Float(0.1), F64, &0.1f64.to_le_bytes()),
            (Float(-3.0), I8, &[0xfd]),
            (Int(-128), I8, &[0x80]),
            (Int(255), U8, &[255]),
            (Int(i128::from(u64::MAX)), U64, &u64::MAX.to_le_bytes()),
            (Int(i128::from(i64::MIN)), I64, &i64::MIN.to_le_bytes()),
            (Bool(true), ElementType::Bool, &[1]),
            (Int(0), ElementType::Bool, &[0]),
            (Float(1.0), ElementType::Bool, &[1]),
        ];
        for (scalar, element_type, bytes) in fits {
            assert_eq!(one(scalar, element_type).unwrap(), bytes, "{scalar} {element_type:?}");
        }
        let refused = [
            (Int(16_777_217), F32),
            (Int((1 << 53) + 1), F64),
            (Float(1e39), F32),
            (Float(1.5), I32),
            (Float(1e17), I64),
            (Int(128), I8),
            (Int(-1), U8),
            (Int(i128::from(u64::MAX) + 1), U64),
            (Bool(true), F32),
            (Bool(true), I8),
            (Int(2), ElementType::Bool),
        ];
        for (scalar, element_type) in refused {
            assert!(
                matches!(one(scalar, element_type), Err(InputError::DoesNotFit { at: 0, .. })),
                "{scalar} {element_type:?}"
            );
        }
    }

    #[test]
    fn only_finite_numbers_are_accepted() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for element_type in [ElementType::F32, ElementType::F64, ElementType::I32] {
                assert!(matches!(
                    one(Scalar::Float(value), element_type),
                    Err(InputError::NotFinite { at: 0, .. })
                ));
            }
        }
    }

    #[test]
    fn shapes_are_completed_at_the_front_only() {
        let fixed = declare("x", ElementType::F32, &[Some(1), Some(1), Some(2), Some(3)]);
        let lenient = |shape: &[u64]| fit_shape(shape, &fixed, Fit::Lenient);
        for shape in [&[1, 1, 2, 3][..], &[1, 2, 3], &[2, 3], &[6]] {
            assert_eq!(lenient(shape).unwrap(), [1, 1, 2, 3], "{shape:?}");
        }
        for shape in [
            &[3, 2][..],
            &[6, 1],
            &[1, 6],
            &[5],
            &[7],
            &[],
            &[2, 1, 3],
            &[0],
            &[1, 1, 1, 2, 3],
            &[1 << 32],
        ] {
            assert!(matches!(lenient(shape), Err(InputError::WrongShape { .. })), "{shape:?}");
        }
        assert!(fit_shape(&[2, 3], &fixed, Fit::Exact).is_err());
        assert_eq!(fit_shape(&[1, 1, 2, 3], &fixed, Fit::Exact).unwrap(), [1, 1, 2, 3]);
    }

    #[test]
    fn a_flat_list_is_one_row_of_a_free_batch() {
        let batch = declare("x", ElementType::F32, &[None, Some(3)]);
        let lenient = |shape: &[u64]| fit_shape(shape, &batch, Fit::Lenient);
        assert_eq!(lenient(&[3]).unwrap(), [1, 3]);
        assert_eq!(lenient(&[4, 3]).unwrap(), [4, 3]);
        assert!(lenient(&[6]).is_err());
        assert!(lenient(&[0, 3]).is_err());
        // Only a free first dimension is inferred.
        let inner = declare("x", ElementType::F32, &[Some(2), None]);
        assert!(fit_shape(&[6], &inner, Fit::Lenient).is_err());
    }
}
