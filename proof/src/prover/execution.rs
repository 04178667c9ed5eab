//! One run of the model, with everything that is committed for it.

use super::{deviation::Deviation, ProveError};
use crate::{
    circuit::{Activation, Circuit, Layer, Reader, Rule, Source, RANGE},
    field::{int, F},
    logup::{Cells, Columns},
};
use alloc::{vec, vec::Vec};
use assay_graph::{requantize, Clamp, Shift, Weights};
use p3_field::{PrimeCharacteristicRing, PrimeField64};

/// One element of an activation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell {
    /// The quotient, or the value that is mapped.
    pub key: i64,
    /// The remainder; 0 where nothing is requantised.
    pub remainder: i64,
    /// The element.
    pub value: i64,
}

/// A run.
pub(super) struct Execution {
    /// Input of each layer, padded with zeros.
    pub inputs: Vec<Vec<F>>,
    /// Accumulators of each layer, padded with zeros.
    pub accumulators: Vec<Vec<F>>,
    /// What the lookups are made of.
    pub cells: Cells<Vec<F>>,
    /// The output as the statement has it.
    pub output: Vec<u8>,
}

/// A run under way.
struct Run<'a> {
    circuit: &'a Circuit,
    deviation: &'a dyn Deviation,
    input: Vec<i64>,
    /// Accumulators of each layer so far.
    accumulators: Vec<Vec<i32>>,
    /// Elements of each activation so far.
    values: Vec<Vec<i64>>,
    /// Multiplicities of each table.
    counts: Vec<Vec<u64>>,
}

impl Execution {
    pub fn new(
        circuit: &Circuit,
        weights: &Weights,
        input: &[u8],
        deviation: &dyn Deviation,
    ) -> Result<Self, ProveError> {
        let mut input: Vec<i64> = input.iter().map(|byte| i64::from(*byte as i8)).collect();
        deviation.input(&mut input);
        let counts = circuit.tables.iter().map(|table| vec![0; 1 << table.vars()]).collect();
        let (accumulators, values) = (Vec::new(), Vec::new());
        let mut run = Run { circuit, deviation, input, accumulators, values, counts };
        let (mut inputs, mut columns) = (Vec::new(), Vec::new());
        let mut activations = circuit.activations.iter().enumerate().peekable();
        // In the order of the operations: a layer comes after what it reads.
        for (index, layer) in circuit.layers.iter().enumerate() {
            while let Some((index, activation)) =
                activations.next_if(|(_, activation)| activation.operation < layer.operation)
            {
                columns.push(run.activate(index, activation));
            }
            inputs.push(padded(run.values_of(layer.source), layer.input_vars()));
            run.accumulate(index, layer, weights)?;
        }
        for (index, activation) in activations {
            columns.push(run.activate(index, activation));
        }
        deviation.multiplicities(&mut run.counts);
        let mut output = run.output();
        deviation.output(&mut output);
        let accumulators = circuit.layers.iter().zip(&run.accumulators).map(|(layer, values)| {
            let values: Vec<i64> = values.iter().map(|a| i64::from(*a)).collect();
            padded(&values, layer.output_vars())
        });
        let accumulators = accumulators.collect();
        let as_cells = |counts: Vec<u64>| counts.into_iter().map(F::from_u64).collect();
        let multiplicities = run.counts.into_iter().map(as_cells).collect();
        let cells = Cells { activations: columns, multiplicities };
        Ok(Self { inputs, accumulators, cells, output })
    }

    /// Columns in the order of [`Circuit::witness_tables`].
    pub fn witness_tables(&self, circuit: &Circuit) -> Vec<Vec<Vec<F>>> {
        let activations = circuit.activations.iter().zip(&self.cells.activations);
        let activations = activations.map(|(activation, columns)| match activation.rule {
            Rule::Requantize { .. } => {
                let mut table = vec![columns.values.clone(), columns.keys.clone()];
                table.extend(columns.limbs.iter().cloned());
                table
            },
            Rule::Map { .. } => vec![columns.values.clone()],
        });
        activations.chain(self.cells.multiplicities.iter().map(|m| vec![m.clone()])).collect()
    }
}

impl Run<'_> {
    fn values_of(&self, source: Source) -> &[i64] {
        match source {
            Source::Input => &self.input,
            Source::Activation(index) => &self.values[index],
        }
    }

    fn accumulate(
        &mut self,
        index: usize,
        layer: &Layer,
        weights: &Weights,
    ) -> Result<(), ProveError> {
        let parameters = &weights.parameters[index];
        let input = self.values_of(layer.source);
        let rows = parameters.weights.chunks_exact(layer.inputs).zip(&parameters.bias);
        let mut accumulators = rows
            .map(|(row, bias)| {
                let products = row.iter().zip(input).map(|(w, x)| i64::from(*w) * x);
                i32::try_from(i64::from(*bias) + products.sum::<i64>())
                    .map_err(|_| ProveError::Overflow)
            })
            .collect::<Result<Vec<i32>, _>>()?;
        self.deviation.accumulators(index, &mut accumulators);
        self.accumulators.push(accumulators);
        Ok(())
    }

    fn activate(&mut self, index: usize, activation: &Activation) -> Columns<Vec<F>> {
        let circuit = self.circuit;
        let rows = 1 << activation.vars();
        let mut columns = Columns {
            keys: Vec::with_capacity(rows),
            values: Vec::with_capacity(rows),
            limbs: vec![Vec::with_capacity(rows); activation.limbs()],
        };
        let mut values = Vec::with_capacity(rows);
        let layer = circuit.layers.iter().position(|l| l.reader == Reader::Activation(index));
        for row in 0..rows {
            let mut cell = self.cell(activation, layer, row);
            self.deviation.cell(index, row, &mut cell);
            for (column, limb) in
                columns.limbs.iter_mut().zip(limbs(cell.remainder, activation, circuit.limb_bits))
            {
                column.push(limb);
                if let Some(count) = self.counts[RANGE].get_mut(limb.as_canonical_u64() as usize) {
                    *count += 1;
                }
            }
            if let Some(row) = circuit.tables[activation.tag].row(cell.key) {
                self.counts[activation.tag][row] += 1;
            }
            columns.keys.push(int(cell.key));
            columns.values.push(int(cell.value));
            values.push(cell.value);
        }
        values.truncate(activation.length);
        self.values.push(values);
        columns
    }

    /// What a row of an activation has to be.
    fn cell(&self, activation: &Activation, layer: Option<usize>, row: usize) -> Cell {
        let table = &self.circuit.tables[activation.tag];
        match &activation.rule {
            Rule::Requantize { multipliers, limbs } => {
                let accumulators = layer.map_or(&[][..], |layer| &self.accumulators[layer][..]);
                let shift = shift(limbs * self.circuit.limb_bits);
                match (accumulators.get(row), multipliers.get(row)) {
                    (Some(accumulator), Some(multiplier)) => {
                        let cell = requantize(*accumulator, *multiplier, shift, Clamp::FULL);
                        let key = cell.quotient;
                        let remainder = cell.remainder as i64;
                        Cell { key, remainder, value: table.value(key) }
                    },
                    // The multiplier is 0 here.
                    _ => Cell { key: 0, remainder: 1 << (shift.bits() - 1), value: 0 },
                }
            },
            Rule::Map { source } => {
                let padding = i64::from(self.circuit.padding(*source));
                let key = self.values_of(*source).get(row).copied().unwrap_or(padding);
                Cell { key, remainder: 0, value: table.value(key) }
            },
        }
    }

    fn output(&self) -> Vec<u8> {
        match self.circuit.output_activation {
            Some(index) => self.values[index].iter().map(|value| *value as i8 as u8).collect(),
            None => {
                let last = self.accumulators.last().map_or(&[][..], |values| &values[..]);
                last.iter().flat_map(|value| value.to_le_bytes()).collect()
            },
        }
    }
}

/// The shift of so many bits; limbs are whole, and there are few shifts.
fn shift(bits: usize) -> Shift {
    let is = |shift: &Shift| usize::from(shift.bits()) == bits;
    Shift::ALL.into_iter().find(is).unwrap_or(Shift::Bits48)
}

/// Limbs of a remainder, the lowest first. What does not fit is left to the highest.
fn limbs(
    mut remainder: i64,
    activation: &Activation,
    limb_bits: usize,
) -> impl Iterator<Item = F> + use<> {
    let last = activation.limbs().saturating_sub(1);
    (0..=last).map(move |index| {
        if index == last {
            return int(remainder);
        }
        let limb = remainder & ((1 << limb_bits) - 1);
        remainder >>= limb_bits;
        int(limb)
    })
}

/// Field elements, padded with zeros.
fn padded(values: &[i64], vars: usize) -> Vec<F> {
    let mut cells: Vec<F> = values.iter().map(|value| int(*value)).collect();
    cells.resize(1 << vars, F::ZERO);
    cells
}
