//! Conversions between tensors of payloads and tensors of tract.

use assay_primitives::{ElementType, Tensor};
use tract_onnx::{
    pb::tensor_proto::DataType,
    tract_hir::internal::{DatumType, Tensor as TractTensor, TractResult},
};

/// The element type with this number in ONNX; `None` if payloads cannot contain it.
pub(crate) fn element_type_of_file(element_type: i32) -> Option<ElementType> {
    Some(match DataType::try_from(element_type).ok()? {
        DataType::Float => ElementType::F32,
        DataType::Double => ElementType::F64,
        DataType::Int8 => ElementType::I8,
        DataType::Int16 => ElementType::I16,
        DataType::Int32 => ElementType::I32,
        DataType::Int64 => ElementType::I64,
        DataType::Uint8 => ElementType::U8,
        DataType::Uint16 => ElementType::U16,
        DataType::Uint32 => ElementType::U32,
        DataType::Uint64 => ElementType::U64,
        DataType::Bool => ElementType::Bool,
        _ => return None,
    })
}

/// The element type of a tract tensor; `None` if payloads cannot contain it.
pub(crate) fn element_type_of(datum_type: DatumType) -> Option<ElementType> {
    Some(match datum_type {
        DatumType::F32 => ElementType::F32,
        DatumType::F64 => ElementType::F64,
        DatumType::I8 => ElementType::I8,
        DatumType::I16 => ElementType::I16,
        DatumType::I32 => ElementType::I32,
        // tract represents shapes by a type of its own; in ONNX they are int64.
        DatumType::I64 | DatumType::TDim => ElementType::I64,
        DatumType::U8 => ElementType::U8,
        DatumType::U16 => ElementType::U16,
        DatumType::U32 => ElementType::U32,
        DatumType::U64 => ElementType::U64,
        DatumType::Bool => ElementType::Bool,
        _ => return None,
    })
}

/// The type of such elements in tract.
pub(crate) fn datum_type(element_type: ElementType) -> DatumType {
    match element_type {
        ElementType::F32 => DatumType::F32,
        ElementType::F64 => DatumType::F64,
        ElementType::I8 => DatumType::I8,
        ElementType::I16 => DatumType::I16,
        ElementType::I32 => DatumType::I32,
        ElementType::I64 => DatumType::I64,
        ElementType::U8 => DatumType::U8,
        ElementType::U16 => DatumType::U16,
        ElementType::U32 => DatumType::U32,
        ElementType::U64 => DatumType::U64,
        ElementType::Bool => DatumType::Bool,
    }
}

/// Converts a tensor that fits its declaration to a tract tensor.
pub(crate) fn to_tract(tensor: &Tensor) -> TractResult<TractTensor> {
    let shape: Vec<usize> = tensor.shape.iter().map(|dimension| *dimension as usize).collect();
    macro_rules! numbers {
        ($number:ty) => {{
            let (chunks, _) = tensor.data.as_chunks::<{ size_of::<$number>() }>();
            let elements: Vec<$number> =
                chunks.iter().map(|bytes| <$number>::from_le_bytes(*bytes)).collect();
            TractTensor::from_shape(&shape, &elements)
        }};
    }
    match tensor.element_type {
        ElementType::F32 => numbers!(f32),
        ElementType::F64 => numbers!(f64),
        ElementType::I8 => numbers!(i8),
        ElementType::I16 => numbers!(i16),
        ElementType::I32 => numbers!(i32),
        ElementType::I64 => numbers!(i64),
        ElementType::U8 => numbers!(u8),
        ElementType::U16 => numbers!(u16),
        ElementType::U32 => numbers!(u32),
        ElementType::U64 => numbers!(u64),
        ElementType::Bool => {
            let elements: Vec<bool> = tensor.data.iter().map(|byte| *byte != 0).collect();
            TractTensor::from_shape(&shape, &elements)
        },
    }
}

/// Why a tract tensor cannot be part of a payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OutputProblem {
    /// A payload cannot contain it. The text names what it cannot contain.
    Unsupported(String),
    /// It has more bytes than allowed.
    TooLarge,
}

/// Converts a tract tensor with at most `max` bytes of elements.
pub(crate) fn from_tract(tensor: &TractTensor, max: u64) -> Result<Tensor, OutputProblem> {
    let unsupported = |text: String| Err(OutputProblem::Unsupported(text));
    let Some(element_type) = element_type_of(tensor.datum_type()) else {
        return unsupported(format!("elements of type {:?}", tensor.datum_type()));
    };
    if (tensor.len() as u64).saturating_mul(element_type.size() as u64) > max {
        return Err(OutputProblem::TooLarge);
    }
    let tensor = match tensor.cast_to_dt(datum_type(element_type)) {
        Ok(tensor) => tensor,
        Err(error) => return unsupported(format!("{error:#}")),
    };
    if !tensor.is_plain_ram() {
        return unsupported("elements that are not plain values in memory".into());
    }
    let shape: Result<Vec<u32>, _> =
        tensor.shape().iter().map(|dimension| u32::try_from(*dimension)).collect();
    match shape {
        Ok(shape) => Ok(Tensor { element_type, shape, data: tensor.as_bytes().to_vec() }),
        Err(_) => unsupported(format!("shape {:?}", tensor.shape())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::tract_hir::internal::{tensor1, TDim, ToDim};

    const TYPES: [ElementType; 11] = [
        ElementType::F32,
        ElementType::F64,
        ElementType::I8,
        ElementType::I16,
        ElementType::I32,
        ElementType::I64,
        ElementType::U8,
        ElementType::U16,
        ElementType::U32,
        ElementType::U64,
        ElementType::Bool,
    ];

    #[test]
    fn every_element_type_is_unchanged_by_a_round_trip() {
        for element_type in TYPES {
            let data: Vec<u8> = match element_type {
                ElementType::Bool => vec![0, 1, 1, 0, 1, 0],
                _ => (0..6 * element_type.size()).map(|byte| (byte * 37 + 11) as u8).collect(),
            };
            let tensor = Tensor { element_type, shape: vec![2, 3], data };
            let converted = to_tract(&tensor).unwrap();
            assert_eq!(converted.datum_type(), datum_type(element_type));
            assert_eq!(from_tract(&converted, 48), Ok(tensor), "{element_type:?}");
        }
    }

    #[test]
    fn scalars_have_one_element_and_no_dimension() {
        let scalar =
            Tensor { element_type: ElementType::I16, shape: vec![], data: vec![0x34, 0x12] };
        let converted = to_tract(&scalar).unwrap();
        assert_eq!((converted.rank(), converted.len()), (0, 1));
        assert_eq!(from_tract(&converted, 2), Ok(scalar));
    }

    #[test]
    fn shape_values_become_64_bit_integers() {
        let dims: [TDim; 2] = [3.to_dim(), 5.to_dim()];
        let tensor = from_tract(&tensor1(&dims), 16).unwrap();
        assert_eq!(tensor.element_type, ElementType::I64);
        assert_eq!(tensor.data[..8], 3i64.to_le_bytes());
    }

    #[test]
    fn an_output_above_the_bound_and_one_of_text_are_refused() {
        assert_eq!(from_tract(&tensor1(&[1f32, 2.]), 7), Err(OutputProblem::TooLarge));
        let text = from_tract(&tensor1(&["a".to_owned()]), 64);
        assert!(matches!(text, Err(OutputProblem::Unsupported(_))), "{text:?}");
    }
}
