//! Reads the windows of convolutions and pools.

use crate::{error::Error, float::positions, onnx::Node};
use assay_graph::{Extent, Padding, Window};

/// The window of a convolution or a pool, and the height and width of its output.
pub(crate) fn window(
    node: &Node,
    kernel: Option<Extent>,
    [height, width]: [usize; 2],
) -> Result<(Window, [usize; 2]), Error> {
    let refuse = |problem: String, remedy: &str| Error::node(&node.place, problem, remedy);
    let list = |name: &str, length: usize, default: u16| -> Result<Vec<u16>, Error> {
        let Some(values) = node.integers(name).filter(|values| !values.is_empty()) else {
            return Ok(vec![default; length]);
        };
        let sizes: Option<Vec<u16>> = values.iter().map(|size| u16::try_from(*size).ok()).collect();
        sizes.filter(|sizes| sizes.len() == length).ok_or_else(|| {
            refuse(
                format!("`{name}` is {values:?}"),
                "only two-dimensional windows with sizes below 65,536 are supported",
            )
        })
    };
    let sizes = list("kernel_shape", 2, 0)?;
    let kernel = kernel.unwrap_or(Extent { height: sizes[0], width: sizes[1] });
    let strides = list("strides", 2, 1)?;
    if kernel.area() == 0 || strides.contains(&0) {
        return Err(refuse("its kernel or a stride is zero".into(), "use sizes above zero"));
    }
    if list("dilations", 2, 1)? != [1, 1] {
        return Err(refuse(
            "it has a dilation".into(),
            "use a dilation of 1; a larger kernel with zeros is equivalent",
        ));
    }
    let pads = list("pads", 4, 0)?;
    let stride = Extent { height: strides[0], width: strides[1] };
    let same = |size: usize, kernel: u16, stride: u16, upper: bool| {
        let outputs = size.div_ceil(usize::from(stride));
        let needed = (outputs.max(1) - 1) * usize::from(stride) + usize::from(kernel);
        let total = needed.saturating_sub(size);
        let (less, more) = ((total / 2) as u16, (total - total / 2) as u16);
        if upper {
            (less, more)
        } else {
            (more, less)
        }
    };
    let padding = match node.string("auto_pad").as_deref() {
        None | Some("" | "NOTSET") => {
            Padding { top: pads[0], left: pads[1], bottom: pads[2], right: pads[3] }
        },
        Some("VALID") => Padding::all(0),
        Some(mode @ ("SAME_UPPER" | "SAME_LOWER")) => {
            let upper = mode == "SAME_UPPER";
            let (top, bottom) = same(height, kernel.height, stride.height, upper);
            let (left, right) = same(width, kernel.width, stride.width, upper);
            Padding { top, left, bottom, right }
        },
        Some(mode) => {
            return Err(refuse(
                format!("its attribute auto_pad is {mode:?}"),
                "specify the padding as `pads`",
            ))
        },
    };
    let rows = usize::from(padding.top) + usize::from(padding.bottom);
    let columns = usize::from(padding.left) + usize::from(padding.right);
    let output = |rounding: usize| {
        // `rounding` counts as additional padding.
        let vertical = positions(height, kernel.height, stride.height, rows + rounding);
        let horizontal = positions(width, kernel.width, stride.width, columns + rounding);
        vertical.zip(horizontal)
    };
    let Some(result) = output(0) else {
        return Err(refuse(
            format!("its kernel is larger than the padded input of {height} by {width}"),
            "use a smaller kernel or more padding",
        ));
    };
    if node.integer("ceil_mode", 0) != 0 {
        let up = |size: usize, kernel: u16, stride: u16, padding: usize| {
            (size + padding).saturating_sub(usize::from(kernel)) % usize::from(stride) != 0
        };
        if up(height, kernel.height, stride.height, rows)
            || up(width, kernel.width, stride.width, columns)
        {
            return Err(refuse(
                "it includes incomplete windows (ceil_mode)".into(),
                "pad the image so that all windows are complete",
            ));
        }
    }
    Ok((Window { kernel, stride, padding }, [result.0, result.1]))
}
