//! Tiles: parts of an operation's output with a bounded amount of work.
//!
//! A dispute over an inference ends with one tile of one operation. To decide it, only the
//! architecture and the elements of tensors and parameters that the tile [reads](tile_reads) are
//! needed.
//!
//! A tile is a range of the output's elements in row-major order. It takes at most [`TILE_WORK`]
//! elementary steps and has at most [`TILE_ELEMENTS`] elements. It reads at most [`TILE_WORK`]
//! elements of the input, or twice [`TILE_ELEMENTS`] for an `Add`, and at most [`TILE_WORK`]
//! weights.

use crate::{
    bounds::MAX_FAN_IN,
    format::{Parameters, Shape, Window},
    interpret::{elements, operation, Input, OffsetSlice, RunError, Source},
    plan::Plan,
    tensor::Tensor,
    window::segments,
};
use alloc::vec::Vec;
use core::ops::Range;

/// Maximum number of elements of a tile.
pub const TILE_ELEMENTS: usize = 1024;
/// Maximum number of elementary steps of a tile: the number that one element can take.
pub const TILE_WORK: usize = MAX_FAN_IN;

/// Number of tiles of an operation.
///
/// # Errors
///
/// [`RunError::NoOperation`] if there is no such operation.
pub fn tiles(plan: &Plan, index: usize) -> Result<usize, RunError> {
    let (_, output) = operation(plan, index)?;
    Ok(output.elements().unwrap_or(0).div_ceil(tile_elements(plan, index)?))
}

/// The range of the output's elements that a tile covers.
///
/// # Errors
///
/// [`RunError::NoOperation`] or [`RunError::NoTile`] if there is no such operation or tile.
pub fn tile_range(plan: &Plan, index: usize, tile: usize) -> Result<Range<usize>, RunError> {
    if tile >= tiles(plan, index)? {
        return Err(RunError::NoTile(tile));
    }
    let (_, output) = operation(plan, index)?;
    let size = tile_elements(plan, index)?;
    Ok(tile * size..output.elements().unwrap_or(0).min((tile + 1) * size))
}

/// Number of elements of each tile of an operation but the last.
fn tile_elements(plan: &Plan, index: usize) -> Result<usize, RunError> {
    let fan_in = plan.fan_in(index).ok_or(RunError::NoOperation(index))?;
    Ok((TILE_WORK / fan_in).clamp(1, TILE_ELEMENTS))
}

/// The elements that a tile reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reads {
    /// Ranges of elements of each input, in the order of
    /// [`Operation::inputs`](crate::Operation::inputs). They are ascending, disjoint and not
    /// adjacent.
    pub inputs: Vec<Vec<Range<usize>>>,
    /// Range of the operation's weights; empty if it has none.
    pub weights: Range<usize>,
    /// Range of the operation's biases; empty if it has none.
    pub bias: Range<usize>,
}

/// The values of the elements that [`Reads`] names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operands {
    /// For each input, the elements of its ranges, concatenated.
    pub inputs: Vec<Tensor>,
    /// The weights.
    pub weights: Vec<i8>,
    /// The biases.
    pub bias: Vec<i32>,
}

impl Reads {
    /// Takes the values from whole tensors and parameters; `None` if these are too short.
    pub fn gather(&self, inputs: &[&Tensor], parameters: Option<&Parameters>) -> Option<Operands> {
        let inputs = self.inputs.iter().zip(inputs).map(|(ranges, tensor)| {
            Some(match tensor {
                Tensor::Int8(elements) => Tensor::Int8(concatenate(elements, ranges)?),
                Tensor::Int32(elements) => Tensor::Int32(concatenate(elements, ranges)?),
            })
        });
        let (weights, bias) = parameters.map(|p| (&*p.weights, &*p.bias)).unwrap_or_default();
        Some(Operands {
            inputs: inputs.collect::<Option<_>>()?,
            weights: weights.get(self.weights.clone())?.to_vec(),
            bias: bias.get(self.bias.clone())?.to_vec(),
        })
    }
}

fn concatenate<T: Copy>(elements: &[T], ranges: &[Range<usize>]) -> Option<Vec<T>> {
    let mut parts = Vec::new();
    for range in ranges {
        parts.extend_from_slice(elements.get(range.clone())?);
    }
    Some(parts)
}

/// The elements that a tile reads: exactly those on which its output depends.
///
/// # Errors
///
/// [`RunError::NoOperation`] or [`RunError::NoTile`] if there is no such operation or tile.
pub fn tile_reads(plan: &Plan, index: usize, tile: usize) -> Result<Reads, RunError> {
    let range = tile_range(plan, index, tile)?;
    let (operation, output) = operation(plan, index)?;
    let channels = range.start / output.plane()..(range.end - 1) / output.plane() + 1;
    let (weights, bias) = match plan.parameters(index) {
        Some(p) => (channels.start * p.fan_in..channels.end * p.fan_in, channels),
        None => (0..0, 0..0),
    };
    let inputs = operation.kind().reads(&plan.input_shapes(operation), output, range);
    Ok(Reads { inputs, weights, bias })
}

/// Number of input and output channels in one group.
#[derive(Clone, Copy)]
pub(crate) struct Grouping {
    pub inputs: usize,
    pub outputs: usize,
}

/// The ranges of elements that the windows of a range of the output read.
pub(crate) fn window_reads(
    shape: Shape,
    window: &Window,
    output: Shape,
    grouping: Grouping,
    range: Range<usize>,
) -> Vec<Range<usize>> {
    let group_elements = grouping.outputs * output.plane();
    let mut reads = Vec::new();
    let mut start = range.start;
    while start < range.end {
        // Within one group, the tile reads the same positions of every input channel.
        let group = start / group_elements;
        let end = range.end.min((group + 1) * group_elements);
        let mut positions: Vec<Range<usize>> = (start..end)
            .flat_map(|index| {
                let (row, column) =
                    (index % output.plane() / output.width as usize, index % output.width as usize);
                segments(shape, window, row, column)
            })
            .map(|segment| segment.input..segment.input + segment.length)
            .collect();
        positions.sort_unstable_by_key(|range| range.start);
        let positions = merge(positions.into_iter());
        for channel in group * grouping.inputs..(group + 1) * grouping.inputs {
            let first = channel * shape.plane();
            reads.extend(positions.iter().map(|range| first + range.start..first + range.end));
        }
        start = end;
    }
    merge(reads.into_iter())
}

/// Merges ranges that overlap or touch. They must be sorted by their starts.
fn merge(ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Computes the elements of one tile from the `operands` that [`tile_reads`] names. Equal to the
/// same range of [`run_operation`](crate::interpret::run_operation)'s result.
///
/// # Errors
///
/// [`RunError`] if there is no such operation or tile, the operands are not exactly those that the
/// tile reads, or a bias is out of bounds.
pub fn run_tile(
    plan: &Plan,
    index: usize,
    tile: usize,
    operands: &Operands,
) -> Result<Tensor, RunError> {
    let reads = tile_reads(plan, index, tile)?;
    let (operation, output) = operation(plan, index)?;
    if operands.inputs.len() != reads.inputs.len()
        || operands.weights.len() != reads.weights.len()
        || operands.bias.len() != reads.bias.len()
    {
        return Err(RunError::Operands);
    }
    let mut positioned = Vec::with_capacity(reads.inputs.len());
    for (ranges, tensor) in reads.inputs.iter().zip(&operands.inputs) {
        let mut length = 0;
        let with_positions: Vec<(Range<usize>, usize)> = ranges
            .iter()
            .map(|range| {
                let first = length;
                length += range.len();
                (range.clone(), first)
            })
            .collect();
        if tensor.element_type() != operation.input_type() || tensor.len() != length {
            return Err(RunError::Operands);
        }
        positioned.push(with_positions);
    }
    let source = Source {
        inputs: positioned
            .iter()
            .zip(&operands.inputs)
            .map(|(ranges, tensor)| Input { tensor, ranges: Some(ranges) })
            .collect(),
        weights: OffsetSlice { elements: &operands.weights, first: reads.weights.start },
        bias: OffsetSlice { elements: &operands.bias, first: reads.bias.start },
    };
    elements(plan, operation, output, &source, tile_range(plan, index, tile)?)
}
