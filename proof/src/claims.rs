//! The evaluation points at which the claims of a proof end, and the coefficients of what layers
//! and maxima read there. Shared by prover and verifier.

use crate::{
    circuit::{Activation, Layer, Linear},
    field::{eq_table, powers, suffix, EF, F},
    key::VerifyingKey,
};
use alloc::{vec, vec::Vec};
use assay_graph::{Multiplier, Window};
use p3_field::PrimeCharacteristicRing;

/// The evaluation points at which the reduction of a layer ends.
pub(crate) struct LayerEnd {
    /// Evaluation point of the accumulators.
    pub row: Vec<EF>,
    /// Evaluation point of the weights: coordinates of the group of channels, and of the column of
    /// the matrix.
    pub weight: Option<(Vec<EF>, Vec<EF>)>,
    /// Evaluation point of each operand.
    pub operands: Vec<Vec<EF>>,
}

/// The evaluation points at which the reduction of a maximum ends.
pub(crate) struct MaximumEnd {
    /// Index of the activation.
    pub activation: usize,
    /// Evaluation point of the values and the differences.
    pub point: Vec<EF>,
    /// Evaluation point of the tensor that the windows read.
    pub operand: Vec<EF>,
}

/// The evaluation points at which all reductions end.
pub(crate) struct Ends {
    /// End of the reduction of the lookups.
    pub point: Vec<EF>,
    /// Ends of the layers.
    pub layers: Vec<LayerEnd>,
    /// Ends of the maxima.
    pub maxima: Vec<MaximumEnd>,
}

impl Ends {
    /// The evaluation point of each of [`Circuit::reads`](crate::circuit::Circuit::reads).
    pub(crate) fn reads(&self) -> impl Iterator<Item = &Vec<EF>> {
        let of_layers = self.layers.iter().flat_map(|end| &end.operands);
        of_layers.chain(self.maxima.iter().map(|end| &end.operand))
    }
}

/// `eq(point, c)·M(c)` for each channel.
///
/// Padding channels have the multiplier 0. In all other padding the accumulators are 0. Both imply
/// quotient 0 and remainder `2^(s-1)` there.
pub(crate) fn scaled_eq(point: &[EF], multipliers: &[Multiplier]) -> Vec<EF> {
    let mut weights = eq_table(point);
    for (row, weight) in weights.iter_mut().enumerate() {
        let multiplier = multipliers.get(row).map_or(0, |multiplier| multiplier.get());
        *weight *= F::from_u32(multiplier);
    }
    weights
}

/// `2^s·q + r - 2^(s-1)` at a point. The scaled accumulators must have this value.
pub(crate) fn scaled_value(quotient: EF, limbs: &[EF], limb_bits: usize) -> EF {
    let shift = limbs.len() * limb_bits;
    let base = F::from_u64(1 << limb_bits);
    let remainder = limbs.iter().rev().fold(EF::ZERO, |high, &limb| high * base + limb);
    quotient * F::from_u64(1 << shift) + remainder - F::from_u64(1 << (shift - 1))
}

impl Layer {
    /// The coordinates of the output channel within its group.
    fn channel<'a>(&self, row: &'a [EF]) -> &'a [EF] {
        &row[self.group_vars()..self.grid.axes[0].vars]
    }

    /// The coefficients of the windows' reads in a convolution or sum pooling: one for each channel
    /// of the input and each position of the window. `row` is the evaluation point of the
    /// accumulators, `weight` that of the weights of a convolution.
    pub(crate) fn kernel(
        &self,
        window: &Window,
        row: &[EF],
        weight: Option<&(Vec<EF>, Vec<EF>)>,
    ) -> Vec<EF> {
        let [channel, _, _] = self.grid.split(row);
        let (Linear::Conv2d { groups, .. }, Some((group, column))) = (&self.linear, weight) else {
            return per_channel(channel, self.grid.axes[0].length, window.kernel.area());
        };
        let own_group = eq_table(&channel[..group.len()]);
        let columns = self.matrix.as_ref().map_or(0, |matrix| matrix.columns);
        let column = eq_table(column);
        let groups = eq_table(group).into_iter().zip(own_group).take(*groups);
        groups.flat_map(|(a, b)| column[..columns].iter().map(move |&k| a * b * k)).collect()
    }

    /// The evaluation points of the blocks of weights, and of the biases.
    fn model_points(&self, end: &LayerEnd) -> Vec<Vec<EF>> {
        let (Some(matrix), Some((group, column))) = (&self.matrix, &end.weight) else {
            return Vec::new();
        };
        let [channel, _, _] = self.grid.split(&end.row);
        let blocks = matrix.blocks.iter();
        let mut points: Vec<Vec<EF>> = blocks
            .map(|block| [group, self.channel(&end.row), suffix(column, block.vars)].concat())
            .collect();
        let mut bias = vec![EF::ZERO; matrix.bias_vars() - channel.len()];
        bias.extend_from_slice(channel);
        points.push(bias);
        points
    }

    /// The evaluation points of the layer, from the points at which its sumchecks end.
    pub(crate) fn end(
        &self,
        row: Vec<EF>,
        product: Option<&[EF]>,
        wiring: Option<&[EF]>,
    ) -> LayerEnd {
        let weight = product.map(|product| {
            let (group, column) = product.split_at(self.group_vars());
            (group.to_vec(), column.to_vec())
        });
        let operands = match (wiring, &weight) {
            (Some(wiring), _) => vec![wiring.to_vec()],
            (None, Some((_, column))) => vec![column.clone()],
            (None, None) => vec![row.clone(); self.operands.len()],
        };
        LayerEnd { row, weight, operands }
    }
}

/// `eq(point, c)` for each channel `c`, repeated for each position of the window.
fn per_channel(point: &[EF], channels: usize, positions: usize) -> Vec<EF> {
    let channels = eq_table(point).into_iter().take(channels);
    channels.flat_map(|weight| core::iter::repeat_n(weight, positions)).collect()
}

/// The coefficients of the windows' reads in a maximum.
pub(crate) fn maximum_kernel(
    activation: &Activation,
    window: &Window,
    point: &[EF],
    gamma: EF,
) -> Vec<EF> {
    let [channel, _, _] = activation.grid.split(point);
    let powers = powers(gamma, window.kernel.area());
    let channels = eq_table(channel).into_iter().take(activation.grid.axes[0].length);
    channels.flat_map(|weight| powers.iter().map(move |&power| weight * power)).collect()
}

impl VerifyingKey {
    /// Evaluation points of the weights, in the order of
    /// [`Circuit::model_tables`](crate::circuit::Circuit::model_tables).
    pub(crate) fn model_points(&self, ends: &Ends) -> Vec<Vec<EF>> {
        let layers = self.circuit.layers.iter().zip(&ends.layers);
        let points = layers.flat_map(|(layer, end)| layer.model_points(end));
        points.flat_map(|point| [self.fingerprint_point.at(point.len()).to_vec(), point]).collect()
    }

    /// Evaluation points of the witness, in the order of
    /// [`Circuit::witness_tables`](crate::circuit::Circuit::witness_tables).
    pub(crate) fn witness_points(&self, ends: &Ends) -> Vec<Vec<EF>> {
        let reads: Vec<&Vec<EF>> = ends.reads().collect();
        let mut points = Vec::new();
        // `maxima` is in the order of the activations.
        let mut maxima = ends.maxima.iter().peekable();
        for (index, activation) in self.circuit.activations.iter().enumerate() {
            points.push(suffix(&ends.point, activation.grid.vars()).to_vec());
            let maximum = maxima.next_if(|end| end.activation == index);
            points.extend(maximum.map(|end| end.point.clone()));
            points.extend(self.circuit.readers[index].iter().map(|read| reads[*read].clone()));
        }
        let tables = self.circuit.tables.iter();
        points.extend(tables.map(|table| suffix(&ends.point, table.vars()).to_vec()));
        points
    }
}
