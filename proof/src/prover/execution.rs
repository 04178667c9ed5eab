//! The execution of a model for a proof, with all columns that are committed.

use super::{deviation::Deviation, ProveError};
use crate::{
    circuit::{Activation, Circuit, Layer, Linear, Operand, Rule, Source},
    field::{int, F},
    grid::Grid,
    logup::{Cells, Columns},
};
use alloc::{vec, vec::Vec};
use assay_graph::{requantize, Clamp, Multiplier, Parameters, Shift, Weights, Window};
use p3_field::{PrimeCharacteristicRing, PrimeField64};

/// One cell of an activation that is looked up with a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell {
    /// The quotient, or the operand of a lookup.
    pub key: i64,
    /// The remainder; 0 without requantisation.
    pub remainder: i64,
    /// The value.
    pub value: i64,
}

/// A finished execution.
pub(super) struct Execution {
    /// For each of [`Circuit::reads`], the cells of the tensor read, padded with zeros.
    pub reads: Vec<Vec<F>>,
    /// For each layer, the cells that its windows read, which differ from `reads` only if the
    /// prover lies; empty without a window.
    pub window_inputs: Vec<Vec<F>>,
    /// The accumulators of each layer, padded with zeros.
    pub accumulators: Vec<Vec<F>>,
    /// The columns of the lookups.
    pub cells: Cells<Vec<F>>,
    /// The output in the encoding of a statement.
    pub output: Vec<u8>,
}

/// An execution in progress.
struct Run<'a> {
    circuit: &'a Circuit,
    deviation: &'a dyn Deviation,
    input: Vec<i64>,
    /// The accumulators of each layer so far.
    accumulators: Vec<Vec<i32>>,
    /// See [`Execution::window_inputs`].
    window_inputs: Vec<Vec<F>>,
    /// The elements of each activation so far.
    values: Vec<Vec<i64>>,
    /// The multiplicities of each table so far.
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
        let (accumulators, window_inputs, values) = (Vec::new(), Vec::new(), Vec::new());
        let mut run =
            Run { circuit, deviation, input, accumulators, window_inputs, values, counts };
        let mut columns = Vec::new();
        let mut activations = circuit.activations.iter().enumerate().peekable();
        // Operations are in order: what a layer reads is computed before it.
        for (index, layer) in circuit.layers.iter().enumerate() {
            while let Some((index, activation)) =
                activations.next_if(|(_, activation)| activation.operation < layer.operation)
            {
                columns.push(run.activate(index, activation));
            }
            run.accumulate(index, layer, weights)?;
        }
        for (index, activation) in activations {
            columns.push(run.activate(index, activation));
        }
        deviation.multiplicities(&mut run.counts);
        let mut output = run.output();
        deviation.output(&mut output);
        let lay = |operand: &Operand| padded(&operand.grid, run.values_of(operand.source));
        let mut reads: Vec<Vec<F>> = circuit.reads().map(lay).collect();
        let of_layers = circuit.layers.iter().map(|layer| layer.operands.len()).sum();
        for ((index, operand, _), read) in circuit.maxima().zip(reads.iter_mut().skip(of_layers)) {
            *read = padded(&operand.grid, &run.maximum_input(index, operand));
        }
        let accumulators = circuit.layers.iter().zip(&run.accumulators).map(|(layer, values)| {
            let mut cells = vec![F::ZERO; 1 << layer.grid.vars()];
            let values = layer.grid.cells().zip(values);
            values.for_each(|(cell, value)| cells[cell] = int(i64::from(*value)));
            cells
        });
        let accumulators = accumulators.collect();
        let as_cells = |counts: Vec<u64>| counts.into_iter().map(F::from_u64).collect();
        let multiplicities = run.counts.into_iter().map(as_cells).collect();
        let cells = Cells { activations: columns, multiplicities };
        Ok(Self { reads, window_inputs: run.window_inputs, accumulators, cells, output })
    }

    /// The columns of the witness, in the order of [`Circuit::witness_tables`].
    pub fn witness_tables(&self, circuit: &Circuit) -> Vec<Vec<Vec<F>>> {
        let activations = circuit.activations.iter().zip(&self.cells.activations);
        let activations = activations.map(|(activation, columns)| {
            let mut table = vec![columns.values.clone()];
            if let Rule::Requantize { .. } = activation.rule {
                table.push(columns.keys.clone());
            }
            table.extend(columns.limbs.iter().cloned());
            table
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

    /// The elements that the windows of a maximum read.
    fn maximum_input(&self, index: usize, operand: &Operand) -> Vec<i64> {
        let mut elements = self.values_of(operand.source).to_vec();
        self.deviation.maximum_input(index, &mut elements);
        elements
    }

    /// Computes the accumulators of a layer.
    fn accumulate(
        &mut self,
        index: usize,
        layer: &Layer,
        weights: &Weights,
    ) -> Result<(), ProveError> {
        let mut values: Vec<&[i64]> =
            layer.operands.iter().map(|operand| self.values_of(operand.source)).collect();
        let mut elements = Vec::new();
        let mut cells = Vec::new();
        if layer.window().is_some() {
            elements.extend_from_slice(values[0]);
            self.deviation.window_input(index, &mut elements);
            cells = padded(&layer.operands[0].grid, &elements);
            values[0] = &elements;
        }
        let parameters = layer.matrix.as_ref().map(|matrix| &weights.parameters[matrix.index]);
        let sums = match (&layer.linear, parameters) {
            (Linear::Dense, Some(parameters)) => dense(parameters, values[0]),
            (Linear::Conv2d { window, groups }, Some(parameters)) => {
                convolution(parameters, window, *groups, layer, values[0])
            },
            (Linear::SumPool2d { window }, _) => sums(window, layer, values[0]),
            (Linear::Add { multipliers: [a, b] }, _) => {
                let multiplier = |m: &Multiplier| i64::from(m.get());
                let pairs = values[0].iter().zip(values[1]);
                pairs.map(|(x, y)| multiplier(a) * x + multiplier(b) * y).collect()
            },
            (Linear::Dense | Linear::Conv2d { .. }, None) => Vec::new(),
        };
        let mut accumulators = sums
            .into_iter()
            .map(|sum| i32::try_from(sum).map_err(|_| ProveError::Overflow))
            .collect::<Result<Vec<i32>, _>>()?;
        self.deviation.accumulators(index, &mut accumulators);
        self.accumulators.push(accumulators);
        self.window_inputs.push(cells);
        Ok(())
    }

    /// Computes the values and columns of an activation.
    fn activate(&mut self, index: usize, activation: &Activation) -> Columns<Vec<F>> {
        let (values, columns) = match &activation.rule {
            Rule::Maximum { operand, window, tag } => {
                self.maximum(index, activation, operand, window, *tag)
            },
            Rule::Requantize { .. } | Rule::Map { .. } => self.look_up(index, activation),
        };
        self.values.push(values);
        columns
    }

    /// Counts a lookup. A key outside the table, as in a lie, is not counted.
    fn count(&mut self, tag: usize, key: i64) {
        if let Some(row) = self.circuit.tables[tag].row(key) {
            self.counts[tag][row] += 1;
        }
    }

    fn maximum(
        &mut self,
        index: usize,
        activation: &Activation,
        operand: &Operand,
        window: &Window,
        tag: usize,
    ) -> (Vec<i64>, Columns<Vec<F>>) {
        let rows = 1 << activation.grid.vars();
        let mut columns = Columns {
            keys: Vec::new(),
            values: vec![F::ZERO; rows],
            limbs: vec![vec![F::ZERO; rows]; window.kernel.area()],
        };
        let mut values = Vec::with_capacity(activation.grid.elements());
        let input = self.maximum_input(index, operand);
        for (element, cell) in activation.grid.cells().enumerate() {
            let read = reads(window, &operand.grid, &activation.grid, element);
            // Padding counts as the minimum of int8.
            let read: Vec<i64> = read.map(|i| i.map_or(-128, |i| input[i])).collect();
            let mut value = read.iter().copied().max().unwrap_or(-128);
            self.deviation.maximum(index, element, &mut value);
            for (column, x) in columns.limbs.iter_mut().zip(read) {
                let mut difference = value - x;
                self.deviation.difference(index, element, &mut difference);
                column[cell] = int(difference);
                self.count(tag, difference);
            }
            columns.values[cell] = int(value);
            values.push(value);
        }
        let padding = (rows - values.len()) * window.kernel.area();
        self.counts[tag][0] += padding as u64;
        (values, columns)
    }

    fn look_up(&mut self, index: usize, activation: &Activation) -> (Vec<i64>, Columns<Vec<F>>) {
        let rows = 1 << activation.grid.vars();
        let mut columns = Columns {
            keys: Vec::with_capacity(rows),
            values: Vec::with_capacity(rows),
            limbs: vec![Vec::with_capacity(rows); activation.limbs()],
        };
        let limb_bits = self.circuit.limb_bits;
        let mut values = Vec::with_capacity(activation.grid.elements());
        let mut cells = activation.grid.cells().enumerate().peekable();
        for row in 0..rows {
            let element = cells.next_if(|(_, cell)| *cell == row).map(|(element, _)| element);
            let mut cell = self.cell(activation, element);
            self.deviation.cell(index, row, &mut cell);
            let limbs = limbs(cell.remainder, activation.limbs(), limb_bits);
            for (column, limb) in columns.limbs.iter_mut().zip(limbs) {
                column.push(limb);
                // A limb out of range, as in a lie, has no row.
                let row = usize::try_from(limb.as_canonical_u64()).ok();
                let counts = &mut self.counts[activation.limb_tag()];
                if let Some(count) = row.and_then(|row| counts.get_mut(row)) {
                    *count += 1;
                }
            }
            if let Some(tag) = activation.pair_tag() {
                self.count(tag, cell.key);
            }
            columns.keys.push(int(cell.key));
            columns.values.push(int(cell.value));
            if element.is_some() {
                values.push(cell.value);
            }
        }
        (values, columns)
    }

    /// The correct cell of an activation: of an element, or of the padding.
    fn cell(&self, activation: &Activation, element: Option<usize>) -> Cell {
        match &activation.rule {
            Rule::Requantize { layer, multipliers, limbs, tag } => {
                let table = &self.circuit.tables[*tag];
                let shift = shift(limbs * self.circuit.limb_bits);
                let Some(element) = element else {
                    return Cell { key: 0, remainder: 1 << (shift.bits() - 1), value: 0 };
                };
                let channel = element / activation.grid.plane();
                let multiplier = multipliers[channel.min(multipliers.len() - 1)];
                let accumulator = self.accumulators[*layer][element];
                let cell = requantize(accumulator, multiplier, shift, Clamp::FULL);
                let key = cell.quotient;
                Cell { key, remainder: cell.remainder as i64, value: table.value(key) }
            },
            Rule::Map { operand, tag } => {
                let padding = i64::from(self.circuit.padding(operand.source));
                let values = self.values_of(operand.source);
                let key = element.map_or(padding, |element| values[element]);
                Cell { key, remainder: 0, value: self.circuit.tables[*tag].value(key) }
            },
            Rule::Maximum { .. } => Cell { key: 0, remainder: 0, value: 0 },
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

fn dense(parameters: &Parameters, input: &[i64]) -> Vec<i64> {
    let rows = parameters.weights.chunks_exact(input.len()).zip(&parameters.bias);
    rows.map(|(row, bias)| i64::from(*bias) + dot(row, input)).collect()
}

fn dot(weights: &[i8], input: &[i64]) -> i64 {
    weights.iter().zip(input).map(|(w, x)| i64::from(*w) * x).sum()
}

/// The element of the input that a window reads for one element of the output, at each position;
/// `None` in the padding.
fn reads<'a>(
    window: &'a Window,
    input: &Grid,
    output: &Grid,
    element: usize,
) -> impl Iterator<Item = Option<usize>> + use<'a> {
    let [_, height, width] = input.axes.map(|axis| axis.length);
    let plane = output.plane();
    let (channel, position) = (element / plane, element % plane);
    let (row, column) = (position / output.axes[2].length, position % output.axes[2].length);
    (0..usize::from(window.kernel.height)).flat_map(move |u| {
        let row =
            (row * usize::from(window.stride.height) + u).checked_sub(window.padding.top.into());
        (0..usize::from(window.kernel.width)).map(move |v| {
            let column = column * usize::from(window.stride.width) + v;
            let (row, column) = (row?, column.checked_sub(window.padding.left.into())?);
            let inside = row < height && column < width;
            inside.then_some((channel * height + row) * width + column)
        })
    })
}

fn convolution(
    parameters: &Parameters,
    window: &Window,
    groups: usize,
    layer: &Layer,
    input: &[i64],
) -> Vec<i64> {
    let grid = &layer.operands[0].grid;
    let (plane, area) = (layer.grid.plane(), window.kernel.area());
    let outputs = layer.grid.axes[0].length;
    let (inputs_per_group, outputs_per_group) = (grid.axes[0].length / groups, outputs / groups);
    let fan_in = inputs_per_group * area;
    let mut sums = vec![0; outputs * plane];
    for position in 0..plane {
        // Reads of the first channel. All channels are read at the same rows and columns.
        let first_reads: Vec<Option<usize>> = reads(window, grid, &layer.grid, position).collect();
        for group in 0..groups {
            let channels = group * inputs_per_group..(group + 1) * inputs_per_group;
            let read: Vec<i64> = channels
                .flat_map(|channel| {
                    let start = channel * grid.plane();
                    first_reads.iter().map(move |read| read.map_or(0, |i| input[start + i]))
                })
                .collect();
            for output in group * outputs_per_group..(group + 1) * outputs_per_group {
                let row = &parameters.weights[output * fan_in..][..fan_in];
                sums[output * plane + position] =
                    i64::from(parameters.bias[output]) + dot(row, &read);
            }
        }
    }
    sums
}

fn sums(window: &Window, layer: &Layer, input: &[i64]) -> Vec<i64> {
    let sum = |element| {
        let read = reads(window, &layer.operands[0].grid, &layer.grid, element);
        read.flatten().map(|i| input[i]).sum()
    };
    (0..layer.grid.elements()).map(sum).collect()
}

/// The shift of `bits` bits, which is one of the few that exist.
fn shift(bits: usize) -> Shift {
    let is = |shift: &Shift| usize::from(shift.bits()) == bits;
    Shift::ALL.into_iter().find(is).unwrap_or(Shift::Bits48)
}

/// The limbs of a remainder, least significant first. The last limb holds any excess.
fn limbs(mut remainder: i64, count: usize, limb_bits: usize) -> impl Iterator<Item = F> {
    (0..count).map(move |index| {
        if index + 1 == count {
            return int(remainder);
        }
        let limb = remainder & ((1 << limb_bits) - 1);
        remainder >>= limb_bits;
        int(limb)
    })
}

/// The cells of a tensor, padded with zeros.
fn padded(grid: &Grid, values: &[i64]) -> Vec<F> {
    let mut cells = vec![F::ZERO; 1 << grid.vars()];
    grid.cells().zip(values).for_each(|(cell, value)| cells[cell] = int(*value));
    cells
}
