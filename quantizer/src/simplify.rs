//! Rewrites a network with the operations of an integer model.
//!
//! Each rule preserves what the network computes, except for rounding. Rules work in place: a node
//! that is no longer read stays in the list and is dropped at the end. A node that absorbs another
//! one reads the inputs of that one, so every node still reads only earlier nodes.

use crate::{
    error::Error,
    float::{image, shape_of, transposed_places, Function, Kind, Network, Node, POINT},
};

/// The map that is applied to a row before it is converted to int8.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Affine {
    pub scale: Vec<f64>,
    pub offset: Vec<f64>,
}

/// Rewrites a network. Removes and returns the affine map at its input.
pub(crate) fn simplify(mut network: Network) -> Result<(Network, Option<Affine>), Error> {
    let preprocessing = take_preprocessing(&mut network);
    while rewrite_once(&mut network) {}
    // A reshape at the end does not change the elements of the output.
    while let Kind::Reshape = network.nodes[network.output].kind {
        network.output = network.nodes[network.output].inputs[0];
    }
    for index in 0..network.nodes.len() {
        affine_to_conv(&mut network.nodes[index]);
    }
    let network = compact(network);
    for node in &network.nodes {
        check(node)?;
    }
    Ok((network, preprocessing))
}

/// Removes and returns the affine maps at the input of a network, typically a standardisation.
fn take_preprocessing(network: &mut Network) -> Option<Affine> {
    let mut taken: Option<Affine> = None;
    loop {
        let live = network.readers();
        let mut readers = (0..network.nodes.len())
            .filter(|index| live[*index] > 0 && network.nodes[*index].inputs.contains(&0));
        let (Some(only), None) = (readers.next(), readers.next()) else { return taken };
        if only == network.output {
            return taken;
        }
        let Kind::Affine { scale, offset } = &network.nodes[only].kind else { return taken };
        taken = Some(match taken {
            None => Affine { scale: scale.clone(), offset: offset.clone() },
            Some(first) => {
                let (scale, offset) = compose((&first.scale, &first.offset), (scale, offset));
                Affine { scale, offset }
            },
        });
        replace(network, only, 0);
    }
}

/// The composition: first `first`, then `second`.
fn compose(first: (&[f64], &[f64]), second: (&[f64], &[f64])) -> (Vec<f64>, Vec<f64>) {
    let scale = first.0.iter().zip(second.0).map(|(a, b)| a * b).collect();
    let offset = first.1.iter().zip(second.0.iter().zip(second.1));
    (scale, offset.map(|(offset, (a, b))| offset * a + b).collect())
}

/// Makes all readers of `node` read `by` instead.
fn replace(network: &mut Network, node: usize, by: usize) {
    for input in network.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
        if *input == node {
            *input = by;
        }
    }
    if network.output == node {
        network.output = by;
    }
    // It must not count as a reader any more.
    network.nodes[node].inputs.clear();
    network.nodes[node].kind = Kind::Input;
}

/// Applies the first rule that matches anywhere. Returns whether a rule matched.
fn rewrite_once(network: &mut Network) -> bool {
    let readers = network.readers();
    (1..network.nodes.len()).any(|index| {
        let Some(first) = network.nodes[index].inputs.first().copied() else { return false };
        if readers[index] == 0 {
            return false;
        }
        let alone = readers[first] == 1 && first != 0;
        drop_nothing(network, index, first)
            || alone
                && (fold_affine_back(network, index, first)
                    || fold_affine_forward(network, index, first)
                    || move_clamp(network, index, first)
                    || fold_transpose(network, index, first))
    })
}

/// Removes reshapes and transpositions that change nothing.
fn drop_nothing(network: &mut Network, index: usize, first: usize) -> bool {
    let (from, node) = (&network.nodes[first], &network.nodes[index]);
    match &node.kind {
        Kind::Reshape if from.dims == node.dims => {},
        Kind::Reshape if from.kind == Kind::Reshape => {
            let before = from.inputs[0];
            network.nodes[index].inputs[0] = before;
            return true;
        },
        Kind::Transpose(axes) => {
            // Moving dimensions of size 1 moves no element.
            let moved: Vec<_> = axes.iter().filter(|axis| from.dims[**axis] != 1).collect();
            if moved.is_sorted() {
                network.nodes[index].kind = Kind::Reshape;
                return true;
            }
            return false;
        },
        _ => return false,
    }
    replace(network, index, first);
    true
}

/// Folds an affine map into the dense layer, the convolution or the affine map before it.
fn fold_affine_back(network: &mut Network, index: usize, first: usize) -> bool {
    let Kind::Affine { scale, offset } = &network.nodes[index].kind else { return false };
    let from = &network.nodes[first];
    let folded = match &from.kind {
        Kind::Affine { scale: a, offset: b } => {
            let (scale, offset) = compose((a, b), (scale, offset));
            Kind::Affine { scale, offset }
        },
        Kind::Dense { weights, bias } => {
            let (weights, bias) = scaled(weights, bias, scale, offset);
            Kind::Dense { weights, bias }
        },
        Kind::Conv { weights, bias, groups, window } => {
            let channels = (of_channels(scale, &from.dims), of_channels(offset, &from.dims));
            let (Some(scale), Some(offset)) = channels else { return false };
            let (weights, bias) = scaled(weights, bias, &scale, &offset);
            Kind::Conv { weights, bias, groups: *groups, window: *window }
        },
        _ => return false,
    };
    let inputs = from.inputs.clone();
    network.nodes[index].kind = folded;
    network.nodes[index].inputs = inputs;
    true
}

/// Scales each row of weights and its bias, and adds its offset to the bias.
fn scaled(weights: &[f64], bias: &[f64], scale: &[f64], offset: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let fan_in = weights.len() / bias.len();
    let rows = weights.chunks_exact(fan_in).zip(scale);
    let weights = rows.flat_map(|(row, scale)| row.iter().map(move |w| w * scale)).collect();
    let bias = bias.iter().zip(scale.iter().zip(offset));
    (weights, bias.map(|(bias, (scale, offset))| bias * scale + offset).collect())
}

/// One value for each channel; `None` if elements of a channel have different values.
fn of_channels(values: &[f64], dims: &[usize]) -> Option<Vec<f64>> {
    let [_, height, width] = image(dims);
    values
        .chunks_exact(height * width)
        .map(|channel| channel.iter().all(|value| *value == channel[0]).then_some(channel[0]))
        .collect()
}

/// Folds an affine map into the dense layer or the unpadded convolution after it. Applies to maps
/// that [`fold_affine_back`] cannot fold.
fn fold_affine_forward(network: &mut Network, index: usize, first: usize) -> bool {
    let from = &network.nodes[first];
    let Kind::Affine { scale, offset } = &from.kind else { return false };
    let (folded, inputs) = match &network.nodes[index].kind {
        Kind::Dense { weights, bias } => {
            let rows = weights.chunks_exact(scale.len());
            let bias = rows.clone().zip(bias).map(|(row, bias)| {
                row.iter().zip(offset).fold(*bias, |sum, (w, offset)| sum + w * offset)
            });
            let bias = bias.collect();
            let weights = rows.flat_map(|row| row.iter().zip(scale).map(|(w, scale)| w * scale));
            (Kind::Dense { weights: weights.collect(), bias }, from.inputs.clone())
        },
        Kind::Conv { weights, bias, groups, window } if window.padding.is_none() => {
            let channels = (of_channels(scale, &from.dims), of_channels(offset, &from.dims));
            let (Some(scale), Some(offset)) = channels else { return false };
            let (per_group, area) = (scale.len() / groups, window.kernel.area());
            let outputs_per_group = bias.len() / groups;
            let first_of = |output: usize| output / outputs_per_group * per_group;
            let rows = weights.chunks_exact(per_group * area).enumerate();
            let bias = rows.clone().zip(bias).map(|((output, row), bias)| {
                let kernels = row.chunks_exact(area).zip(&offset[first_of(output)..]);
                kernels
                    .fold(*bias, |sum, (kernel, offset)| sum + kernel.iter().sum::<f64>() * offset)
            });
            let bias = bias.collect();
            let weights = rows.flat_map(|(output, row)| {
                let kernels = row.chunks_exact(area).zip(&scale[first_of(output)..]);
                kernels.flat_map(|(kernel, scale)| kernel.iter().map(move |w| w * scale))
            });
            let weights = weights.collect();
            (Kind::Conv { weights, bias, groups: *groups, window: *window }, from.inputs.clone())
        },
        _ => return false,
    };
    network.nodes[index].kind = folded;
    network.nodes[index].inputs = inputs;
    true
}

/// Swaps a clamp with the max pool or the reshape before it, so that it can become part of a
/// requantisation. Merges two clamps.
fn move_clamp(network: &mut Network, index: usize, first: usize) -> bool {
    let Kind::Function(Function::Clamp(lo, hi)) = network.nodes[index].kind else { return false };
    match &network.nodes[first].kind {
        Kind::MaxPool(_) | Kind::Reshape => {
            let before = network.nodes[first].inputs[0];
            let kind = network.nodes[first].kind.clone();
            network.nodes[first].kind = network.nodes[index].kind.clone();
            network.nodes[first].dims = network.nodes[before].dims.clone();
            network.nodes[index].kind = kind;
            true
        },
        Kind::Function(Function::Clamp(a, b)) => {
            let clamp = Function::Clamp(lo.max(*a).min(*b), hi.min(*b).max(*a));
            let inputs = network.nodes[first].inputs.clone();
            network.nodes[index].kind = Kind::Function(clamp);
            network.nodes[index].inputs = inputs;
            true
        },
        _ => false,
    }
}

/// Folds a transposition into the order of the columns of the dense layer after it. Swaps it with
/// functions of single elements in between.
fn fold_transpose(network: &mut Network, index: usize, first: usize) -> bool {
    let from = &network.nodes[first];
    let Kind::Transpose(axes) = &from.kind else {
        // The dense layer reads the transposition through a reshape to a vector.
        let Kind::Dense { weights, bias } = &network.nodes[index].kind else { return false };
        if from.kind != Kind::Reshape {
            return false;
        }
        let transposed = from.inputs[0];
        let Kind::Transpose(axes) = &network.nodes[transposed].kind else { return false };
        if network.readers()[transposed] != 1 {
            return false;
        }
        let before = network.nodes[transposed].inputs[0];
        let places = transposed_places(&network.nodes[before].dims, axes);
        let mut ordered = vec![0.0; weights.len()];
        for (row, old) in
            ordered.chunks_exact_mut(places.len()).zip(weights.chunks_exact(places.len()))
        {
            for (weight, place) in old.iter().zip(&places) {
                row[*place] = *weight;
            }
        }
        let kind = Kind::Dense { weights: ordered, bias: bias.clone() };
        network.nodes[index].kind = kind;
        network.nodes[first].inputs[0] = before;
        return true;
    };
    let Kind::Function(_) = network.nodes[index].kind else { return false };
    let (axes, before) = (axes.clone(), from.inputs[0]);
    network.nodes[first].kind = network.nodes[index].kind.clone();
    network.nodes[first].dims = network.nodes[before].dims.clone();
    network.nodes[index].kind = Kind::Transpose(axes);
    true
}

/// Converts an affine map that could not be folded to a convolution of each channel.
fn affine_to_conv(node: &mut Node) {
    let Kind::Affine { scale, offset } = &node.kind else { return };
    let channels = (of_channels(scale, &node.dims), of_channels(offset, &node.dims));
    let (Some(weights), Some(bias)) = channels else { return };
    let groups = weights.len();
    node.kind = Kind::Conv { weights, bias, groups, window: POINT };
}

/// Drops nodes on which the output does not depend.
fn compact(network: Network) -> Network {
    let mut needed = vec![false; network.nodes.len()];
    needed[0] = true;
    needed[network.output] = true;
    for index in (0..network.nodes.len()).rev() {
        if needed[index] {
            network.nodes[index].inputs.iter().for_each(|input| needed[*input] = true);
        }
    }
    let places: Vec<usize> = needed
        .iter()
        .scan(0, |next, needed| {
            let place = *next;
            *next += usize::from(*needed);
            Some(place)
        })
        .collect();
    let output = places[network.output];
    let nodes = network.nodes.into_iter().zip(needed).filter(|(_, needed)| *needed);
    let nodes = nodes.map(|(mut node, _)| {
        node.inputs.iter_mut().for_each(|input| *input = places[*input]);
        node
    });
    Network { nodes: nodes.collect(), output }
}

/// Refuses nodes that no integer operation can compute.
fn check(node: &Node) -> Result<(), Error> {
    match &node.kind {
        Kind::Transpose(_) => Err(Error::node(
            &node.place,
            "it changes the order of elements, and no dense layer follows that can include this",
            "export the model with channels first, starting at its input",
        )),
        Kind::Affine { .. } => Err(Error::node(
            &node.place,
            "its constant differs within a channel",
            "use one value for each channel, or move it before a dense layer",
        )),
        _ if shape_of(&node.dims).is_none() => Err(Error::node(
            &node.place,
            format!("its output has {} dimensions in addition to the batch", node.dims.len()),
            "tensors of an integer model have channels, height and width",
        )),
        _ => Ok(()),
    }
}
