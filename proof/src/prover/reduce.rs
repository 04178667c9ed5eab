//! The prover's part of the reductions: from the committed columns of each operation to evaluations
//! of weights and activations.

use super::{deviation::Deviation, execution::Execution, Prover};
use crate::{
    circuit::{Layer, Linear, Matrix, Operand, Reader, Rule},
    claims::{maximum_kernel, scaled_eq, scaled_value, LayerEnd, MaximumEnd},
    encoding::{LayerMessages, MaximumMessages},
    field::{dot, eq_table, suffix, EF, F},
    pcs::Challenger,
    sumcheck::{self, Sumcheck},
    transcript::{draw, draw_point},
    wiring::Wiring,
};
use alloc::{vec, vec::Vec};
use assay_graph::{Multiplier, Window};
use p3_field::PrimeCharacteristicRing;
use p3_maybe_rayon::prelude::*;

/// A proof in progress.
pub(super) struct Task<'a> {
    pub prover: &'a Prover,
    pub run: &'a Execution,
    pub deviation: &'a dyn Deviation,
}

fn lift(values: &[F]) -> Vec<EF> {
    values.iter().map(|&value| EF::from(value)).collect()
}

fn inner_product(a: &[EF], b: &[EF]) -> EF {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

impl Task<'_> {
    /// Reduces a layer, in the order in which [`Verifier::verify`](crate::Verifier::verify) replays
    /// it.
    pub fn reduce_layer(
        &self,
        index: usize,
        operands: &[&[F]],
        point: &[EF],
        challenger: &mut Challenger,
    ) -> (LayerMessages, LayerEnd) {
        let layer = &self.prover.verifier.key.circuit.layers[index];
        let (scale, row) = self.scale(index, layer, point, challenger);
        let mut product = None;
        let mut wiring = None;
        match (&layer.linear, &layer.matrix) {
            (Linear::Dense, Some(matrix)) => {
                let factors = vec![self.weighted_rows(matrix, 0, &row), lift(operands[0])];
                let claim = self.product_claim(index, layer, matrix, &row);
                product = Some(sumcheck::prove(factors, claim, challenger));
            },
            (Linear::Conv2d { window, .. }, Some(matrix)) => {
                let grid = &layer.operands[0].grid;
                let reads = Wiring::new(window, grid, &layer.grid, &row);
                let gathered = reads.gather(&self.run.window_inputs[index]);
                let claim = self.product_claim(index, layer, matrix, &row);
                let factors = self.convolution_factors(layer, matrix, &row, &gathered);
                let (messages, end) = sumcheck::prove(factors, claim, challenger);
                let (group, column) = end.split_at(layer.group_vars());
                let weight = (group.to_vec(), column.to_vec());
                let kernel = layer.kernel(window, &row, Some(&weight));
                let claim = inner_product(&kernel, &gathered);
                let factors = vec![reads.table(&kernel), lift(operands[0])];
                wiring = Some(sumcheck::prove(factors, claim, challenger));
                product = Some((messages, end));
            },
            (Linear::SumPool2d { window }, _) => {
                let grid = &layer.operands[0].grid;
                let kernel = layer.kernel(window, &row, None);
                let table = Wiring::new(window, grid, &layer.grid, &row).table(&kernel);
                let claim = dot(&eq_table(&row), &self.run.accumulators[index]);
                wiring = Some(sumcheck::prove(vec![table, lift(operands[0])], claim, challenger));
            },
            (Linear::Add { .. } | Linear::Dense | Linear::Conv2d { .. }, _) => (),
        }
        let (product, product_end) = product.unzip();
        let (wiring, wiring_end) = wiring.unzip();
        let end = layer.end(row, product_end.as_deref(), wiring_end.as_deref());
        (LayerMessages { scale, product, wiring }, end)
    }

    /// Reduces quotients and remainders to accumulators. Returns the evaluation point of the
    /// accumulators.
    fn scale(
        &self,
        index: usize,
        layer: &Layer,
        point: &[EF],
        challenger: &mut Challenger,
    ) -> (Option<Sumcheck>, Vec<EF>) {
        let circuit = &self.prover.verifier.key.circuit;
        let Reader::Activation(reader) = layer.reader else {
            return (None, draw_point(layer.grid.vars(), challenger));
        };
        let mut row = suffix(point, layer.grid.vars()).to_vec();
        let Rule::Requantize { multipliers, .. } = &circuit.activations[reader].rule else {
            return (None, row);
        };
        if layer.scale_rounds(circuit).is_none() {
            return (None, row);
        }
        let (weights, sums) = self.scaled(index, layer, &row, multipliers);
        let claim = self.deviation.scaled_claim(inner_product(&weights, &sums), &|| {
            let eq = eq_table(&row);
            let columns = &self.run.cells.activations[reader];
            let limbs: Vec<EF> = columns.limbs.iter().map(|limb| dot(&eq, limb)).collect();
            scaled_value(dot(&eq, &columns.keys), &limbs, circuit.limb_bits)
        });
        let (messages, end) = sumcheck::prove(vec![weights, sums], claim, challenger);
        row[..end.len()].copy_from_slice(&end);
        (Some(messages), row)
    }

    /// For each channel, `eq` times its multiplier, and the sum of its accumulators weighted with
    /// `eq` of their rows and columns.
    fn scaled(
        &self,
        index: usize,
        layer: &Layer,
        point: &[EF],
        multipliers: &[Multiplier],
    ) -> (Vec<EF>, Vec<EF>) {
        let [channel, _, _] = layer.grid.split(point);
        let plane = eq_table(&point[channel.len()..]);
        let channels = self.run.accumulators[index].chunks_exact(plane.len());
        (scaled_eq(channel, multipliers), channels.map(|sums| dot(&plane, sums)).collect())
    }

    /// The accumulators at the point `row`, without their biases.
    fn product_claim(&self, index: usize, layer: &Layer, matrix: &Matrix, row: &[EF]) -> EF {
        let [channel, _, _] = layer.grid.split(row);
        let bias = dot(&eq_table(channel), &self.prover.tables[matrix.bias_table()][0]);
        dot(&eq_table(row), &self.run.accumulators[index]) - bias * layer.grid.plane_indicator(row)
    }

    /// For each group, `Σ_i eq(i)·W(i, ·)` over its rows.
    fn weighted_rows(&self, matrix: &Matrix, group_vars: usize, row: &[EF]) -> Vec<EF> {
        let rows = eq_table(&row[group_vars..matrix.row_vars]);
        let columns = 1 << matrix.column_vars;
        let mut sums = vec![EF::ZERO; columns << group_vars];
        for (block, table) in matrix.blocks.iter().zip(&self.prover.tables[matrix.table..]) {
            let size = 1 << block.vars;
            let groups = table[0].chunks_exact(rows.len() * size);
            for (sums, cells) in sums.chunks_exact_mut(columns).zip(groups) {
                // Each thread sums up its own columns, so that no two threads write to one.
                let width = size.min(64);
                let sums = &mut sums[block.first..block.first + size];
                sums.par_chunks_mut(width).enumerate().for_each(|(part, sums)| {
                    for (cells, &weight) in cells.chunks_exact(size).zip(&rows) {
                        let cells = &cells[part * width..];
                        sums.iter_mut().zip(cells).for_each(|(sum, &w)| *sum += weight * w);
                    }
                });
            }
        }
        sums
    }

    /// The two factors of a convolution's product, by group and column: weights and window reads.
    fn convolution_factors(
        &self,
        layer: &Layer,
        matrix: &Matrix,
        row: &[EF],
        gathered: &[EF],
    ) -> Vec<Vec<EF>> {
        let group_vars = layer.group_vars();
        let weights = self.weighted_rows(matrix, group_vars, row);
        let groups = eq_table(&row[..group_vars]);
        let mut read = vec![EF::ZERO; weights.len()];
        let parts = read.chunks_exact_mut(1 << matrix.column_vars);
        for ((cells, gathered), weight) in
            parts.zip(gathered.chunks_exact(matrix.columns)).zip(groups)
        {
            cells.iter_mut().zip(gathered).for_each(|(cell, &x)| *cell = weight * x);
        }
        vec![weights, read]
    }

    /// Reduces a maximum: shows that `Π_i (y - x_i)` is zero everywhere, and that each difference
    /// is taken from an element that the window reads.
    pub fn reduce_maximum(
        &self,
        index: usize,
        operand: &Operand,
        window: &Window,
        read: &[F],
        point: &[EF],
        challenger: &mut Challenger,
    ) -> (MaximumMessages, MaximumEnd) {
        let activation = &self.prover.verifier.key.circuit.activations[index];
        let mut factors = vec![eq_table(suffix(point, activation.grid.vars()))];
        factors.extend(self.run.cells.activations[index].limbs.iter().map(|column| lift(column)));
        let claim = self.deviation.zero_claim(&|| {
            let product = |i| factors.iter().map(|factor| factor[i]).product::<EF>();
            (0..factors[0].len()).map(product).sum()
        });
        let (zero, output_point) = sumcheck::prove(factors, claim, challenger);
        let gamma = draw(challenger);
        let kernel = maximum_kernel(activation, window, &output_point, gamma);
        let table =
            Wiring::new(window, &operand.grid, &activation.grid, &output_point).table(&kernel);
        let claim = dot(&table, read);
        let (wiring, end) = sumcheck::prove(vec![table, lift(read)], claim, challenger);
        let end = MaximumEnd { activation: index, point: output_point, operand: end };
        (MaximumMessages { zero, wiring }, end)
    }
}
