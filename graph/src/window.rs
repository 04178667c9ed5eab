//! Positions of a convolution's or pooling's window in a channel.

use crate::{
    error::Problem,
    format::{Shape, Window},
};

/// The part of a window within one row of the channel, without padding.
pub(crate) struct Segment {
    /// Offset of the segment in the kernel.
    pub kernel: usize,
    /// Offset of the segment in the channel.
    pub input: usize,
    /// Number of elements.
    pub length: usize,
}

/// The part of a window within the channel along one axis.
struct Span {
    kernel: usize,
    input: usize,
    length: usize,
}

/// The span of the window at one position of the output along one axis.
fn span(size: u32, kernel: u16, stride: u16, before: u16, position: usize) -> Span {
    let (size, kernel, before) = (size as usize, usize::from(kernel), usize::from(before));
    let start = position * usize::from(stride);
    let skipped = before.saturating_sub(start);
    let input = start.saturating_sub(before);
    let length = kernel.saturating_sub(skipped).min(size.saturating_sub(input));
    Span { kernel: skipped, input, length }
}

/// The segments of the window at row `y` and column `x` of the output, without padding.
pub(crate) fn segments(
    input: Shape,
    window: &Window,
    y: usize,
    x: usize,
) -> impl Iterator<Item = Segment> {
    let Window { kernel, stride, padding } = *window;
    let rows = span(input.height, kernel.height, stride.height, padding.top, y);
    let columns = span(input.width, kernel.width, stride.width, padding.left, x);
    (0..rows.length).map(move |row| Segment {
        kernel: (rows.kernel + row) * usize::from(kernel.width) + columns.kernel,
        input: (rows.input + row) * input.width as usize + columns.input,
        length: columns.length,
    })
}

/// The shape of the output, with `channels` channels.
///
/// # Errors
///
/// [`Problem`] if an extent is zero, or the padding or the kernel is too large.
pub(crate) fn output_shape(input: Shape, window: &Window, channels: u32) -> Result<Shape, Problem> {
    let Window { kernel, stride, padding } = *window;
    let height = positions(input.height, kernel.height, stride.height, padding.top, padding.bottom);
    let width = positions(input.width, kernel.width, stride.width, padding.left, padding.right);
    Ok(Shape::new(channels, height?, width?))
}

/// Number of positions of a window along one axis.
fn positions(size: u32, kernel: u16, stride: u16, before: u16, after: u16) -> Result<u32, Problem> {
    if kernel == 0 || stride == 0 {
        return Err(Problem::ZeroExtent);
    }
    if before >= kernel || after >= kernel {
        return Err(Problem::PaddingTooLarge);
    }
    // Sizes are at most MAX_TENSOR_ELEMENTS and paddings have 16 bits, so this does not overflow.
    let padded = size + u32::from(before) + u32::from(after);
    let steps = padded.checked_sub(u32::from(kernel)).ok_or(Problem::KernelTooLarge)?;
    Ok(steps / u32::from(stride) + 1)
}
