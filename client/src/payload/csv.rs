//! Conversion of a CSV row to a tensor.

use assay_primitives::TensorDeclaration;

use super::{
    convert::{to_tensor, Array, Fit, Scalar},
    single, InputError, Source,
};

const FORM: &str = "CSV text";

pub(super) fn read(text: &str, declarations: &[TensorDeclaration]) -> Result<Source, InputError> {
    let declaration = single(FORM, declarations)?;
    let mut records = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
        .into_records()
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| InputError::unreadable(FORM, error))?;
    let is_header = |record: &csv::StringRecord| record.iter().all(|field| number(field).is_none());
    if records.len() > 1 && is_header(&records[0]) {
        records.remove(0);
    }
    let [record] = &records[..] else {
        let reason = format!("it has {} rows; expected one", records.len());
        return Err(InputError::unreadable(FORM, reason));
    };
    let elements = record
        .iter()
        .enumerate()
        .map(|(index, field)| {
            number(field).ok_or_else(|| InputError::NotANumber {
                name: declaration.name().to_owned(),
                at: format!("column {}", index + 1),
                found: format!("`{field}`"),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let array = Array { shape: vec![elements.len() as u64], elements };
    let tensor = to_tensor(&array, declaration, Fit::Lenient)?;
    Ok(Source::new(vec![tensor], Vec::new()))
}

fn number(field: &str) -> Option<Scalar> {
    let integer = field.parse().ok().map(Scalar::Int);
    integer.or_else(|| field.parse().ok().map(Scalar::Float))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{payload::tests::declare, Input};
    use assay_primitives::ElementType;

    #[test]
    fn a_row_fills_the_declared_shape() {
        let declared = [declare("x", ElementType::F32, &[Some(1), Some(2), Some(2)])];
        let row = Input::from_csv("1,2, 3.5 ,-4e1\n", &declared).unwrap();
        assert_eq!(row.tensors[0].shape, [1, 2, 2]);
        let expected: Vec<u8> =
            [1f32, 2.0, 3.5, -40.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(row.tensors[0].data, expected);
        let with_header = Input::from_csv("a,b,c,d\r\n1,2,3.5,-40\r\n", &declared).unwrap();
        assert_eq!(with_header, row);
    }

    #[test]
    fn anything_but_one_row_of_numbers_is_refused() {
        let declared = [declare("x", ElementType::F32, &[Some(1), Some(2)])];
        let error = |text: &str| Input::from_csv(text, &declared).unwrap_err();
        assert!(matches!(error("1,2,3"), InputError::WrongShape { .. }));
        assert!(matches!(error("1,2\n3,4"), InputError::Unreadable { .. }));
        assert!(matches!(error(""), InputError::Unreadable { .. }));
        let word = error("a,b");
        assert!(matches!(&word, InputError::NotANumber { at, .. } if at == "column 1"), "{word}");
        assert!(matches!(error("1,x"), InputError::NotANumber { .. }));
        assert!(matches!(error("1,"), InputError::NotANumber { .. }));
        assert!(matches!(error("nan,1"), InputError::NotFinite { at: 0, .. }));
        assert!(matches!(error("1,-inf"), InputError::NotFinite { at: 1, .. }));
        // A first row with a number is not a header.
        assert_eq!(
            error("1,x\n1,2").to_string(),
            "the CSV text cannot be read: it has 2 rows; expected one"
        );
    }
}
