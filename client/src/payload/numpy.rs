//! Conversion of NumPy files to tensors.

use std::io::{Cursor, Read};

use assay_primitives::TensorDeclaration;
use npyz::{
    npz::{file_name_from_array_name, NpzArchive},
    DType, NpyFile, Order, TypeChar,
};

use super::{
    convert::{fit_shape, to_tensor, Array, Converted, Fit, Scalar},
    names, single, InputError, Source,
};

/// Maximum length of a header in bytes. NumPy has the same limit.
const MAX_HEADER_BYTES: usize = 10_000;
/// Maximum nesting depth of brackets in a header. Arrays of numbers have a depth of two.
const MAX_HEADER_DEPTH: usize = 4;

pub(super) fn read_npy(
    bytes: &[u8],
    declarations: &[TensorDeclaration],
) -> Result<Source, InputError> {
    const FORM: &str = ".npy file";
    let declaration = single(FORM, declarations)?;
    let unreadable = |error: std::io::Error| InputError::unreadable(FORM, error);
    check_header(bytes).map_err(unreadable)?;
    let file = NpyFile::new(bytes).map_err(unreadable)?;
    Ok(Source::new(vec![tensor(file, declaration)?], Vec::new()))
}

pub(super) fn read_npz(
    bytes: &[u8],
    declarations: &[TensorDeclaration],
) -> Result<Source, InputError> {
    let unreadable = |error: std::io::Error| InputError::unreadable(".npz file", error);
    let mut archive = NpzArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut present: Vec<String> = archive.array_names().map(str::to_owned).collect();
    present.sort();
    let mut taken = Vec::new();
    let tensors = declarations
        .iter()
        .map(|declaration| {
            // A single array for a single input needs no matching name: `numpy.savez(file, array)`
            // does not set one.
            let name = match (&present[..], declarations) {
                ([only], [_]) => only.as_str(),
                _ => declaration.name(),
            };
            if let Ok(file) = archive.zip_archive().by_name(&file_name_from_array_name(name)) {
                check_header(file).map_err(unreadable)?;
            }
            let file = archive.by_name(name).map_err(unreadable)?;
            let file = file.ok_or_else(|| InputError::Missing {
                name: declaration.name().to_owned(),
                found: names(present.iter().map(String::as_str)),
            })?;
            taken.push(name.to_owned());
            tensor(file, declaration)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let ignored = present.iter().filter(|name| !taken.contains(name)).cloned().collect();
    Ok(Source::new(tensors, ignored))
}

/// Refuses headers that are too long or too deeply nested: `npyz` takes time exponential in the
/// depth of the brackets.
fn check_header(file: impl Read) -> std::io::Result<()> {
    let mut start = Vec::new();
    file.take(MAX_HEADER_BYTES as u64 + 12).read_to_end(&mut start)?;
    let (length, text) = match start[..] {
        [_, _, _, _, _, _, 1, _, a, b, ref text @ ..] => (u16::from_le_bytes([a, b]).into(), text),
        [_, _, _, _, _, _, _, _, a, b, c, d, ref text @ ..] => {
            (u32::from_le_bytes([a, b, c, d]), text)
        },
        _ => return Ok(()),
    };
    let refuse = |reason| Err(std::io::Error::new(std::io::ErrorKind::InvalidData, reason));
    if length as usize > MAX_HEADER_BYTES {
        return refuse("its header is too long");
    }
    let mut depth = 0usize;
    for byte in text.iter().take(length as usize) {
        match byte {
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => depth = depth.saturating_sub(1),
            _ => {},
        }
        if depth > MAX_HEADER_DEPTH {
            return refuse("its header has too deeply nested brackets");
        }
    }
    Ok(())
}

fn tensor<R: Read>(
    file: NpyFile<R>,
    declaration: &TensorDeclaration,
) -> Result<Converted, InputError> {
    let shape = file.shape().to_vec();
    // Checked before elements are read, so that a header cannot demand more than is declared.
    fit_shape(&shape, declaration, Fit::Exact)?;
    let (order, strides) = (file.order(), file.strides().to_vec());
    let mut elements = read_elements(file, declaration)?;
    if elements.len() as u64 != shape.iter().product::<u64>() {
        return Err(InputError::unreadable("array", "it has fewer elements than its shape"));
    }
    if order == Order::Fortran && shape.len() > 1 {
        elements = to_row_major(&elements, &shape, &strides);
    }
    to_tensor(&Array { shape, elements }, declaration, Fit::Exact)
}

fn read_elements<R: Read>(
    file: NpyFile<R>,
    declaration: &TensorDeclaration,
) -> Result<Vec<Scalar>, InputError> {
    let dtype = file.dtype();
    let kind = match &dtype {
        DType::Plain(kind) => Some((kind.type_char(), kind.size_field())),
        _ => None,
    };
    macro_rules! read {
        ($type:ty, $wrap:expr) => {
            file.into_vec::<$type>()
                .map_err(|error| InputError::unreadable("array", error))?
                .into_iter()
                .map($wrap)
                .collect()
        };
    }
    let int = Scalar::Int;
    Ok(match kind {
        Some((TypeChar::Bool, 1)) => read!(bool, Scalar::Bool),
        Some((TypeChar::Int, 1)) => read!(i8, |value| int(value.into())),
        Some((TypeChar::Int, 2)) => read!(i16, |value| int(value.into())),
        Some((TypeChar::Int, 4)) => read!(i32, |value| int(value.into())),
        Some((TypeChar::Int, 8)) => read!(i64, |value| int(value.into())),
        Some((TypeChar::Uint, 1)) => read!(u8, |value| int(value.into())),
        Some((TypeChar::Uint, 2)) => read!(u16, |value| int(value.into())),
        Some((TypeChar::Uint, 4)) => read!(u32, |value| int(value.into())),
        Some((TypeChar::Uint, 8)) => read!(u64, |value| int(value.into())),
        Some((TypeChar::Float, 4)) => read!(f32, |value| Scalar::Float(value.into())),
        Some((TypeChar::Float, 8)) => read!(f64, Scalar::Float),
        _ => {
            return Err(InputError::WrongType {
                name: declaration.name().to_owned(),
                found: dtype.descr(),
                element_type: declaration.element_type,
            })
        },
    })
}

fn to_row_major(elements: &[Scalar], shape: &[u64], strides: &[u64]) -> Vec<Scalar> {
    (0..elements.len() as u64)
        .map(|position| {
            let mut rest = position;
            let offset: u64 = shape
                .iter()
                .zip(strides)
                .rev()
                .map(|(size, stride)| {
                    let index = rest % size;
                    rest /= size;
                    index * stride
                })
                .sum();
            elements[offset as usize]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{payload::tests::declare, Input};
    use assay_primitives::ElementType;
    use npyz::WriterBuilder;

    fn npy<T: npyz::AutoSerialize + Copy>(values: &[T], shape: &[u64], order: Order) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(shape)
            .order(order)
            .writer(&mut bytes)
            .begin_nd()
            .unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn npz(arrays: &[(&str, &[f32])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut archive = npyz::npz::NpzWriter::new(Cursor::new(&mut bytes));
        for (name, values) in arrays {
            let mut writer = archive
                .array::<f32>(name, Default::default())
                .unwrap()
                .default_dtype()
                .shape(&[values.len() as u64])
                .begin_nd()
                .unwrap();
            writer.extend(values.iter().copied()).unwrap();
            writer.finish().unwrap();
        }
        drop(archive);
        bytes
    }

    fn f32s(data: &[u8]) -> Vec<f32> {
        data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    #[test]
    fn arrays_are_read_in_both_orders() {
        let declared = [declare("x", ElementType::F32, &[Some(2), Some(3)])];
        let rows = npy(&[1f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3], Order::C);
        let columns = npy(&[1f32, 4.0, 2.0, 5.0, 3.0, 6.0], &[2, 3], Order::Fortran);
        for bytes in [rows, columns] {
            let input = Input::from_npy(&bytes, &declared).unwrap();
            assert_eq!(f32s(&input.tensors[0].data), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        }
    }

    #[test]
    fn a_header_that_is_deeply_nested_or_long_is_refused_without_parsing() {
        let declared = [declare("x", ElementType::F32, &[Some(2)])];
        let header = |text: &str| {
            let length = (text.len() as u16).to_le_bytes();
            [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes()].concat()
        };
        // Parsing it would practically not end.
        let deep = header(&format!("{{'descr': {}", "[".repeat(60)));
        let long = header(&" ".repeat(20_000));
        let mut zipped = Vec::new();
        let mut archive = npyz::npz::NpzWriter::new(Cursor::new(&mut zipped));
        archive.zip_writer().start_file("x.npy", Default::default()).unwrap();
        std::io::Write::write_all(archive.zip_writer(), &deep).unwrap();
        drop(archive);
        let refusals = [
            Input::from_npy(&deep, &declared),
            Input::from_npy(&long, &declared),
            Input::from_npz(&zipped, &declared),
        ];
        for (refusal, reason) in refusals.into_iter().zip(["brackets", "long", "brackets"]) {
            assert!(refusal.unwrap_err().to_string().contains(reason));
        }
    }

    #[test]
    fn types_are_converted_if_the_values_are_preserved() {
        let declared = [declare("x", ElementType::F32, &[Some(2)])];
        let read = |bytes: &[u8]| Input::from_npy(bytes, &declared);
        assert_eq!(
            f32s(&read(&npy(&[1i64, 2], &[2], Order::C)).unwrap().tensors[0].data),
            [1., 2.]
        );
        assert_eq!(
            f32s(&read(&npy(&[0.1f64, 2.], &[2], Order::C)).unwrap().tensors[0].data),
            [0.1, 2.]
        );
        assert!(matches!(
            read(&npy(&[1i64, 16_777_217], &[2], Order::C)),
            Err(InputError::DoesNotFit { at: 1, .. })
        ));
        assert!(matches!(
            read(&npy(&[1f32, f32::NAN], &[2], Order::C)),
            Err(InputError::NotFinite { at: 1, .. })
        ));
        assert!(matches!(
            read(&npy(&[true, false], &[2], Order::C)),
            Err(InputError::DoesNotFit { .. })
        ));
        let integers = [declare("x", ElementType::U8, &[Some(2)])];
        assert!(matches!(
            Input::from_npy(&npy(&[1f32, 1.5], &[2], Order::C), &integers),
            Err(InputError::DoesNotFit { at: 1, .. })
        ));
    }

    #[test]
    fn the_shape_must_be_the_declared_one() {
        let declared = [declare("x", ElementType::F32, &[Some(1), Some(2)])];
        let flat = npy(&[1f32, 2.0], &[2], Order::C);
        assert!(matches!(Input::from_npy(&flat, &declared), Err(InputError::WrongShape { .. })));
        let mut short = npy(&[1f32, 2.0], &[1, 2], Order::C);
        assert!(Input::from_npy(&short, &declared).is_ok());
        short.pop();
        assert!(matches!(Input::from_npy(&short, &declared), Err(InputError::Unreadable { .. })));
        assert!(matches!(
            Input::from_npy(b"\x93NUMPY\x01\x00", &declared),
            Err(InputError::Unreadable { .. })
        ));
    }

    #[test]
    fn archives_are_read_by_name() {
        let declared = [
            declare("a", ElementType::F32, &[Some(1)]),
            declare("b", ElementType::F32, &[Some(2)]),
        ];
        let bytes = npz(&[("b", &[2.0, 3.0]), ("a", &[1.0]), ("c", &[0.0])]);
        let input = Input::from_bytes(&bytes, &declared).unwrap();
        assert_eq!(f32s(&input.tensors[0].data), [1.0]);
        assert_eq!(f32s(&input.tensors[1].data), [2.0, 3.0]);
        assert_eq!(input.ignored, ["c"]);
        assert!(matches!(
            Input::from_npz(&npz(&[("a", &[1.0]), ("c", &[0.0])]), &declared),
            Err(InputError::Missing { name, found }) if name == "b" && found == "a, c"
        ));
        let one = [declare("x", ElementType::F32, &[Some(2)])];
        let unnamed = Input::from_npz(&npz(&[("arr_0", &[4.0, 5.0])]), &one).unwrap();
        assert_eq!(f32s(&unnamed.tensors[0].data), [4.0, 5.0]);
    }
}
