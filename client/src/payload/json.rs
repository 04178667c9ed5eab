//! Conversion of JSON to tensors and of tensors to JSON.

use assay_primitives::{ElementType, Tensor, TensorDeclaration};
use serde_json::{Map, Value};

use super::{
    convert::{to_tensor, Array, Converted, Fit, Scalar},
    names, single, InputError, Source,
};

pub(super) fn read(text: &str, declarations: &[TensorDeclaration]) -> Result<Source, InputError> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let hint = match text.contains("NaN") || text.contains("Infinity") {
            true => " (JSON has neither NaN nor infinity)",
            false => "",
        };
        InputError::unreadable("JSON", format!("{error}{hint}"))
    })?;
    let Value::Object(object) = value else {
        let declaration = single("JSON list", declarations)?;
        return Ok(Source::new(vec![tensor(&value, declaration)?], Vec::new()));
    };
    let tensors = declarations
        .iter()
        .map(|declaration| {
            let value = object.get(declaration.name()).ok_or_else(|| InputError::Missing {
                name: declaration.name().to_owned(),
                found: names(object.keys().map(String::as_str)),
            })?;
            tensor(value, declaration)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let declared = |name: &String| declarations.iter().any(|one| one.name() == name);
    let ignored = object.keys().filter(|name| !declared(name)).cloned().collect();
    Ok(Source::new(tensors, ignored))
}

fn tensor(value: &Value, declaration: &TensorDeclaration) -> Result<Converted, InputError> {
    let mut flat = Flat { name: declaration.name(), array: Array::default(), rank: None };
    flat.add(value, &mut Vec::new())?;
    to_tensor(&flat.array, declaration, Fit::Lenient)
}

/// Nested lists, flattened while their shape is determined.
struct Flat<'a> {
    name: &'a str,
    array: Array,
    /// Depth of the numbers, once the first one was found.
    rank: Option<usize>,
}

impl Flat<'_> {
    fn add(&mut self, value: &Value, at: &mut Vec<usize>) -> Result<(), InputError> {
        let Value::Array(items) = value else {
            return self.add_number(value, at);
        };
        let depth = at.len();
        let length = items.len() as u64;
        match self.array.shape.get(depth) {
            _ if self.rank.is_some_and(|rank| depth >= rank) => return Err(self.ragged(at)),
            None => self.array.shape.push(length),
            Some(expected) if *expected == length => {},
            Some(_) => return Err(self.ragged(at)),
        }
        for (index, item) in items.iter().enumerate() {
            at.push(index);
            self.add(item, at)?;
            at.pop();
        }
        Ok(())
    }

    fn add_number(&mut self, value: &Value, at: &[usize]) -> Result<(), InputError> {
        if *self.rank.get_or_insert(at.len()) != at.len() || self.array.shape.len() != at.len() {
            return Err(self.ragged(at));
        }
        let scalar = match value {
            Value::Bool(value) => Some(Scalar::Bool(*value)),
            Value::Number(number) => number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from))
                .map(Scalar::Int)
                .or_else(|| number.as_f64().map(Scalar::Float)),
            _ => None,
        };
        let scalar = scalar.ok_or_else(|| InputError::NotANumber {
            name: self.name.to_owned(),
            at: format!("{at:?}"),
            found: value.to_string(),
        })?;
        self.array.elements.push(scalar);
        Ok(())
    }

    fn ragged(&self, at: &[usize]) -> InputError {
        InputError::Ragged { name: self.name.to_owned(), at: format!("{at:?}") }
    }
}

/// Converts tensors to an object of nested lists, by the declared names.
///
/// Floating-point numbers have the fewest digits that parse to the same value.
pub fn to_json(tensors: &[Tensor], declarations: &[TensorDeclaration]) -> Value {
    let named = declarations.iter().zip(tensors).map(|(declaration, tensor)| {
        let mut elements = tensor
            .data
            .chunks_exact(tensor.element_type.size())
            .map(|bytes| number(tensor.element_type, bytes));
        (declaration.name().to_owned(), nest(&tensor.shape, &mut elements))
    });
    Value::Object(named.collect::<Map<_, _>>())
}

fn nest(shape: &[u32], elements: &mut impl Iterator<Item = Value>) -> Value {
    match shape {
        [] => elements.next().unwrap_or(Value::Null),
        [length, inner @ ..] => (0..*length).map(|_| nest(inner, &mut *elements)).collect(),
    }
}

fn number(element_type: ElementType, bytes: &[u8]) -> Value {
    macro_rules! read {
        ($type:ty) => {
            bytes.try_into().map(<$type>::from_le_bytes).unwrap_or_default()
        };
    }
    match element_type {
        // The shortest decimal form of the `f32`, not of its value as `f64`.
        ElementType::F32 => read!(f32).to_string().parse::<f64>().unwrap_or_default().into(),
        ElementType::F64 => read!(f64).into(),
        ElementType::I8 => read!(i8).into(),
        ElementType::I16 => read!(i16).into(),
        ElementType::I32 => read!(i32).into(),
        ElementType::I64 => read!(i64).into(),
        ElementType::U8 => read!(u8).into(),
        ElementType::U16 => read!(u16).into(),
        ElementType::U32 => read!(u32).into(),
        ElementType::U64 => read!(u64).into(),
        ElementType::Bool => (bytes == [1]).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{payload::tests::declare, Input};
    use serde_json::json;

    fn two_by_two() -> [TensorDeclaration; 1] {
        [declare("x", ElementType::F32, &[Some(2), Some(2)])]
    }

    #[test]
    fn one_input_needs_no_name() {
        let bare = Input::from_json("[[1, 2], [3, 4]]", &two_by_two()).unwrap();
        let named = Input::from_json(r#"{"x": [[1, 2], [3, 4]]}"#, &two_by_two()).unwrap();
        assert_eq!(bare, named);
        assert_eq!(bare.tensors[0].shape, [2, 2]);
        let scalar = [declare("x", ElementType::I32, &[])];
        assert_eq!(Input::from_json(r#"{"x": 7}"#, &scalar).unwrap().tensors[0].data, [7, 0, 0, 0]);
    }

    #[test]
    fn inputs_are_found_by_name_and_put_in_the_declared_order() {
        let declared =
            [declare("b", ElementType::U8, &[Some(1)]), declare("a", ElementType::U8, &[Some(1)])];
        let input = Input::from_json(r#"{"a": [1], "b": [2], "label": "cat"}"#, &declared).unwrap();
        assert_eq!(input.tensors.iter().map(|tensor| tensor.data[0]).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(input.ignored, ["label"]);
        let missing = Input::from_json(r#"{"a": [1], "c": [2]}"#, &declared).unwrap_err();
        assert_eq!(missing, InputError::Missing { name: "b".into(), found: "a, c".into() });
        assert!(matches!(
            Input::from_json("[1]", &declared),
            Err(InputError::OneTensor { count: 2, .. })
        ));
    }

    #[test]
    fn errors_name_the_element() {
        let error = |text: &str| Input::from_json(text, &two_by_two()).unwrap_err();
        assert!(matches!(error("[[1, 2], [3]]"), InputError::Ragged { at, .. } if at == "[1]"));
        assert!(matches!(error("[[1, 2], 3]"), InputError::Ragged { at, .. } if at == "[1]"));
        assert!(matches!(error("[1, [2, 3]]"), InputError::Ragged { at, .. } if at == "[1]"));
        assert!(matches!(error("[[], []]"), InputError::WrongShape { .. }));
        assert!(matches!(error("[[1, 2, 3], [4, 5, 6]]"), InputError::WrongShape { .. }));
        let word = error(r#"[[1, 2], ["NaN", 4]]"#);
        assert!(matches!(&word, InputError::NotANumber { at, .. } if at == "[1, 0]"), "{word}");
        assert!(matches!(error("[[1, 2], [null, 4]]"), InputError::NotANumber { .. }));
        assert!(error("[[1, 2], [NaN, 4]]").to_string().contains("neither NaN nor infinity"));
        assert!(matches!(error("[[1, 2], [1e39, 4]]"), InputError::DoesNotFit { at: 2, .. }));
        assert!(matches!(error("[[1, 2], [true, 4]]"), InputError::DoesNotFit { at: 2, .. }));
        assert!(matches!(error("[[1, 2"), InputError::Unreadable { .. }));
    }

    #[test]
    fn outputs_have_short_decimal_numbers() {
        let declared = [
            declare("p", ElementType::F32, &[Some(1), Some(2)]),
            declare("n", ElementType::I64, &[]),
            declare("b", ElementType::Bool, &[Some(2)]),
        ];
        let text = r#"{"p": [[0.1, 1e-7]], "n": -9007199254740993, "b": [true, false]}"#;
        let input = Input::from_json(text, &declared).unwrap();
        let written = to_json(&input.tensors, &declared);
        assert_eq!(
            written,
            json!({"p": [[0.1, 1e-7]], "n": -9007199254740993i64, "b": [true, false]})
        );
        assert_eq!(Input::from_json(&written.to_string(), &declared).unwrap(), input);
    }

    #[test]
    fn each_float_survives_json() {
        let declared = [declare("x", ElementType::F32, &[Some(1)])];
        let bits = (0..u32::MAX).step_by(65_537);
        for value in bits.map(f32::from_bits).filter(|value| value.is_finite()) {
            let tensor = Tensor {
                element_type: ElementType::F32,
                shape: vec![1],
                data: value.to_le_bytes().to_vec(),
            };
            let text = to_json(std::slice::from_ref(&tensor), &declared).to_string();
            let back = Input::from_json(&text, &declared).unwrap();
            assert_eq!(back.tensors[0].data, tensor.data, "{value} as {text}");
        }
    }
}
