//! Conversion of real numbers to the int8 input of an integer graph.

use assay_primitives::{Dimension, ElementType, Tensor, TensorDeclaration};

use super::{Input, Source};
use crate::{InputError, Result};

/// How to interpret the numbers of an input for an integer graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Numbers {
    /// As real numbers if any of them has a decimal point or an exponent, or the array has a
    /// floating-point type; else as the graph's own integers.
    #[default]
    AsWritten,
    /// As real numbers, which are quantised.
    Real,
    /// As the graph's own integers, -128 to 127.
    Integers,
}

/// An input for an integer graph, and how its numbers were converted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GraphInput {
    /// The input.
    pub input: Input,
    /// How many real numbers were clipped to the range of int8; `None` if the numbers are the graph's
    /// own integers.
    pub clamped: Option<usize>,
}

impl GraphInput {
    /// Reads an input in any format of [`Input::read`], with or without a batch of 1. A real number
    /// `x` becomes `floor(x / scale + 1/2)`, clipped to -128 to 127.
    ///
    /// # Errors
    ///
    /// Those of [`Input::read`].
    pub fn read(
        source: &str,
        declarations: &[TensorDeclaration],
        scale: f64,
        numbers: Numbers,
    ) -> Result<Self> {
        let content = super::content(source)?;
        Ok(Self::from_bytes(&content, declarations, scale, numbers)?)
    }

    /// Reads the content of a file, or JSON text. See [`Self::read`].
    ///
    /// # Errors
    ///
    /// The first violation of the declarations.
    pub fn from_bytes(
        bytes: &[u8],
        declarations: &[TensorDeclaration],
        scale: f64,
        numbers: Numbers,
    ) -> Result<Self, InputError> {
        let integers = || {
            let Source { tensors, ignored, .. } = read(bytes, declarations)?;
            let input = Input { tensors, ignored }.checked(declarations)?;
            Ok(Self { input, clamped: None })
        };
        if numbers == Numbers::Integers {
            return integers();
        }
        let real: Vec<_> = declarations
            .iter()
            .map(|declared| TensorDeclaration {
                element_type: ElementType::F64,
                ..declared.clone()
            })
            .collect();
        let Source { tensors, ignored, has_reals } = read(bytes, &real)?;
        if numbers == Numbers::AsWritten && !has_reals {
            return integers();
        }
        let mut clamped = 0;
        let tensors = tensors.into_iter().map(|tensor| quantize(tensor, scale, &mut clamped));
        let input = Input { tensors: tensors.collect(), ignored }.checked(declarations)?;
        Ok(Self { input, clamped: Some(clamped) })
    }
}

/// Reads a source. Graphs have no batch dimension, but the models that they are converted from do:
/// a shape with a batch of 1 in front is accepted too.
fn read(bytes: &[u8], declarations: &[TensorDeclaration]) -> Result<Source, InputError> {
    let plain = Source::read(bytes, declarations);
    let Err(wrong @ InputError::WrongShape { .. }) = plain else { return plain };
    let with_batch = |declared: &TensorDeclaration| {
        let one = std::iter::once(Dimension::Fixed(1));
        let shape: Vec<_> = one.chain(declared.shape.iter().copied()).collect();
        Some(TensorDeclaration { shape: shape.try_into().ok()?, ..declared.clone() })
    };
    let Some(batch) = declarations.iter().map(with_batch).collect::<Option<Vec<_>>>() else {
        return Err(wrong);
    };
    let Ok(mut source) = Source::read(bytes, &batch) else { return Err(wrong) };
    for tensor in &mut source.tensors {
        tensor.shape.remove(0);
    }
    Ok(source)
}

/// Quantises a tensor of `f64` to int8, and counts the clipped elements.
fn quantize(tensor: Tensor, scale: f64, clamped: &mut usize) -> Tensor {
    let (elements, _) = tensor.data.as_chunks::<8>();
    let data = elements.iter().map(|bytes| {
        let quotient = (f64::from_le_bytes(*bytes) / scale + 0.5).floor();
        let clipped = quotient.clamp(f64::from(i8::MIN), f64::from(i8::MAX));
        *clamped += usize::from(clipped != quotient);
        // A whole number within the range of int8.
        clipped as i8 as u8
    });
    Tensor { element_type: ElementType::I8, data: data.collect(), shape: tensor.shape }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::tests::declare;

    fn read(text: &str, numbers: Numbers) -> Result<(Vec<i8>, Option<usize>), InputError> {
        let declared = [declare("x", ElementType::I8, &[Some(1), Some(4)])];
        let read = GraphInput::from_bytes(text.as_bytes(), &declared, 0.5, numbers)?;
        let [tensor] = &read.input.tensors[..] else { panic!("one tensor") };
        assert_eq!((tensor.element_type, &tensor.shape[..]), (ElementType::I8, &[1, 4][..]));
        Ok((tensor.data.iter().map(|byte| *byte as i8).collect(), read.clamped))
    }

    #[test]
    fn real_numbers_are_rounded_half_up_and_clipped() {
        let exact = read("[1.0, -1, 0.25, -0.25]", Numbers::AsWritten).unwrap();
        assert_eq!(exact, (vec![2, -2, 1, 0], Some(0)));
        let ends = read("[63.7, 63.8, -64.2, -1e300]", Numbers::AsWritten).unwrap();
        assert_eq!(ends, (vec![127, 127, -128, -128], Some(2)));
        let csv = read("0.24,0.26,-0.26,3\n", Numbers::AsWritten).unwrap();
        assert_eq!(csv, (vec![0, 1, -1, 6], Some(0)));
    }

    #[test]
    fn integers_are_the_graphs_own_unless_stated_otherwise() {
        let written = read("[127, -128, 0, 3]", Numbers::AsWritten).unwrap();
        assert_eq!(written, (vec![127, -128, 0, 3], None));
        let real = read("[127, -128, 0, 3]", Numbers::Real).unwrap();
        assert_eq!(real, (vec![127, -128, 0, 6], Some(2)));
        let integers = read("[1.0, 2.0, 3.0, 4.0]", Numbers::Integers).unwrap();
        assert_eq!(integers, (vec![1, 2, 3, 4], None));
    }

    #[test]
    fn a_batch_of_one_may_stand_before_the_shape() {
        let batch = read("[[[1.0, -1, 0.25, -0.25]]]", Numbers::AsWritten).unwrap();
        assert_eq!(batch, (vec![2, -2, 1, 0], Some(0)));
        assert_eq!(read("[[[1, 2, 3, 4]]]", Numbers::Integers).unwrap().0, [1, 2, 3, 4]);
        for text in ["[[[[1, 2, 3, 4]]]]", "[[[1, 2, 3, 4]], [[1, 2, 3, 4]]]", "[[1, 2], [3, 4]]"] {
            let error = read(text, Numbers::AsWritten).unwrap_err();
            assert!(matches!(error, InputError::WrongShape { .. }), "{text}: {error}");
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused() {
        let error = read("[128, 0, 0, 0]", Numbers::AsWritten).unwrap_err();
        assert!(matches!(error, InputError::DoesNotFit { at: 0, .. }), "{error}");
        let error = read("[0.5, 0, 0, 0]", Numbers::Integers).unwrap_err();
        assert!(matches!(error, InputError::DoesNotFit { at: 0, .. }), "{error}");
        let error = read("[0.5, 0, 0]", Numbers::AsWritten).unwrap_err();
        assert!(matches!(error, InputError::WrongShape { .. }), "{error}");
        let error = read("1.5,inf,0,0", Numbers::AsWritten).unwrap_err();
        assert!(matches!(error, InputError::NotFinite { at: 1, .. }), "{error}");
    }
}
