use super::*;
use alloc::boxed::Box;
use codec::{Decode, Encode};

/// `output[i] = table[input[i] + 128]`, from int8 to int8.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Lookup {
    /// An int8 tensor.
    pub input: TensorId,
    /// The values for -128, -127, ..., 127.
    pub table: [i8; 256],
}

impl Kind for Lookup {
    fn name(&self) -> &'static str {
        "Lookup"
    }

    fn inputs(&self) -> (TensorId, Option<TensorId>) {
        (self.input, None)
    }

    fn output_type(&self) -> ElementType {
        ElementType::Int8
    }

    fn output(&self, inputs: &[Shape]) -> Result<(Shape, u64), Problem> {
        Ok((inputs[0], 1))
    }

    fn element(&self, position: &Position, source: &Source<'_>) -> Result<i64, RunError> {
        let x = i64::from(source.int8(0, position.index, 1)?[0]);
        let entry = usize::try_from(x + 128).ok().and_then(|entry| self.table.get(entry));
        entry.map(|y| i64::from(*y)).ok_or(RunError::Operands)
    }

    fn reads(&self, _: &[Shape], _: Shape, range: Range<usize>) -> Vec<Vec<Range<usize>>> {
        whole(range)
    }

    fn interval(&self, _: &[Shape], channels: Range<usize>, known: &Known<'_>) -> Interval {
        known.hull(channels, |channel| {
            let Interval { lo, hi } = known.input(0, channel);
            let values = self.table[(lo + 128) as usize..=(hi + 128) as usize].iter();
            let hull = values.map(|y| Interval::point(*y)).reduce(Interval::hull);
            hull.unwrap_or(Interval::INT8)
        })
    }

    fn constraints(&self, element: &Element) -> Vec<Constraint> {
        let (key, value) = (element.inputs[0], element.output);
        Vec::from([Constraint::Mapped { key, value, table: Box::new(self.table) }])
    }

    #[cfg(feature = "random")]
    fn edge_cases() -> Vec<crate::random::EdgeCase> {
        crate::random::edges::lookup()
    }
}
