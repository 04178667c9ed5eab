//! Tiles: pieces of an operation's output that take a bounded amount of work.
//!
//! A dispute about an inference ends with one tile of one operation. Whoever decides it needs
//! the architecture, and of tensors and parameters only what the tile [reads](tile_reads).
//!
//! A tile is a range of the output's elements in row-major order. It takes at most
//! [`TILE_WORK`] elementary steps and has at most [`TILE_ELEMENTS`] elements. It reads at most
//! [`TILE_WORK`] elements of the input, or twice [`TILE_ELEMENTS`] for an `Add`, and at most
//! [`TILE_WORK`] weights.

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

/// Most elements of a tile.
pub const TILE_ELEMENTS: usize = 1024;
/// Most elementary steps of a tile, as many as one element can take.
pub const TILE_WORK: usize = MAX_FAN_IN;

/// Number of tiles of an operation.
pub fn tiles(plan: &Plan, index: usize) -> Result<usize, RunError> {
    let (_, output) = operation(plan, index)?;
    Ok(output.elements().unwrap_or(0).div_ceil(tile_elements(plan, index)?))
}

/// The elements of the output that a tile has.
pub fn tile_range(plan: &Plan, index: usize, tile: usize) -> Result<Range<usize>, RunError> {
    if tile >= tiles(plan, index)? {
        return Err(RunError::NoTile(tile));
    }
    let (_, output) = operation(plan, index)?;
    let size = tile_elements(plan, index)?;
    Ok(tile * size..output.elements().unwrap_or(0).min((tile + 1) * size))
}

fn tile_elements(plan: &Plan, index: usize) -> Result<usize, RunError> {
    let fan_in = plan.fan_in(index).ok_or(RunError::NoOperation(index))?;
    Ok((TILE_WORK / fan_in).clamp(1, TILE_ELEMENTS))
}

/// What a tile reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reads {
    /// Ranges of elements of each input, in the order of
    /// [`Operation::inputs`](crate::Operation::inputs); ascending, disjoint and not adjacent.
    pub inputs: Vec<Vec<Range<usize>>>,
    /// Range of the operation's weights; empty if it has none.
    pub weights: Range<usize>,
    /// Range of the operation's biases; empty if it has none.
    pub bias: Range<usize>,
}

/// The values that [`Reads`] names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operands {
    /// Of each input, the elements of its ranges, one after the other.
    pub inputs: Vec<Tensor>,
    /// Weights.
    pub weights: Vec<i8>,
    /// Biases.
    pub bias: Vec<i32>,
}

impl Reads {
    /// Takes the values out of whole tensors and parameters; `None` if they are too short.
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

/// What a tile reads: exactly the elements that its own depend on.
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

/// Channels of input and output in one group.
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
        // The part of the tile in one group reads the same places of each channel of the group.
        let group = start / group_elements;
        let end = range.end.min((group + 1) * group_elements);
        let mut places: Vec<Range<usize>> = (start..end)
            .flat_map(|index| {
                let (row, column) =
                    (index % output.plane() / output.width as usize, index % output.width as usize);
                segments(shape, window, row, column)
            })
            .map(|segment| segment.input..segment.input + segment.length)
            .collect();
        places.sort_unstable_by_key(|place| place.start);
        let places = merge(places.into_iter());
        for channel in group * grouping.inputs..(group + 1) * grouping.inputs {
            let first = channel * shape.plane();
            reads.extend(places.iter().map(|place| first + place.start..first + place.end));
        }
        start = end;
    }
    merge(reads.into_iter())
}

/// Unites ranges that overlap or touch. They come in the order of their starts.
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

/// The elements of one tile.
///
/// `operands` are what [`tile_reads`] names, no more and no less. Equal to that range of what
/// [`run_operation`](crate::interpret::run_operation) gives.
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
    let mut placed = Vec::with_capacity(reads.inputs.len());
    for (ranges, tensor) in reads.inputs.iter().zip(&operands.inputs) {
        let mut place = 0;
        let with_places: Vec<(Range<usize>, usize)> = ranges
            .iter()
            .map(|range| {
                let first = place;
                place += range.len();
                (range.clone(), first)
            })
            .collect();
        if tensor.element_type() != operation.input_type() || tensor.len() != place {
            return Err(RunError::Operands);
        }
        placed.push(with_places);
    }
    let source = Source {
        inputs: placed
            .iter()
            .zip(&operands.inputs)
            .map(|(ranges, tensor)| Input { tensor, ranges: Some(ranges) })
            .collect(),
        weights: OffsetSlice { elements: &operands.weights, first: reads.weights.start },
        bias: OffsetSlice { elements: &operands.bias, first: reads.bias.start },
    };
    elements(plan, operation, output, &source, tile_range(plan, index, tile)?)
}
