//! Convolutions, pooling and additions: proofs of true statements, and lies.

use super::*;
use assay_graph::{
    random::{graph, Rng},
    Extent, Padding,
};

pub(super) const fn window(kernel: u16, stride: u16, padding: u16) -> Window {
    Window {
        kernel: Extent::square(kernel),
        stride: Extent::square(stride),
        padding: Padding::all(padding),
    }
}

/// Asymmetric in every respect.
const SKEWED: Window = Window {
    kernel: Extent { height: 3, width: 2 },
    stride: Extent { height: 2, width: 1 },
    padding: Padding { top: 2, left: 0, bottom: 1, right: 1 },
};

/// An image whose sides are not powers of two.
fn image(seed: u64) -> Builder {
    Builder::new(Shape::new(3, 7, 6), seed)
}

pub(super) fn flatten(builder: Builder) -> Builder {
    let elements = builder.shape.elements().unwrap() as u32;
    builder.reshape(Shape::vector(elements))
}

#[test]
fn convolutions_are_provable() {
    for (seed, channels, window) in [
        (51, 5, window(3, 1, 1)),
        (52, 8, window(2, 2, 0)),
        (53, 3, SKEWED),
        (54, 1, window(1, 1, 0)),
    ] {
        // The output of all accumulators, then of int8 values.
        image(seed).convolution(channels, 1, window).model().accepts(&[9; 126]);
        for per_channel in [false, true] {
            let model = image(seed)
                .convolution(channels, 1, window)
                .requantize(Shift::Bits32, Clamp::RELU, per_channel)
                .model();
            model.accepts(&model.input(1));
        }
    }
}

#[test]
fn grouped_and_depthwise_convolutions_are_provable() {
    for (channels, groups) in [(6, 3), (12, 6), (6, 6), (24, 6), (12, 3), (8, 2)] {
        let model = Builder::new(Shape::new(if groups == 2 { 4 } else { 6 }, 5, 4), 55)
            .convolution(channels, groups, window(3, 1, 1))
            .requantize(Shift::Bits32, Clamp::FULL, true)
            .model();
        model.accepts(&model.input(1));
    }
}

#[test]
fn pooling_is_provable() {
    for window in [window(2, 2, 0), window(3, 2, 1), SKEWED, window(1, 2, 0)] {
        let convolved = || {
            image(56).convolution(4, 1, self::window(3, 1, 1)).requantize(
                Shift::Bits32,
                Clamp::FULL,
                true,
            )
        };
        let model = convolved().max_pool(window).model();
        model.accepts(&model.input(1));
        // Every element of the input is the minimum of int8.
        model.accepts(&[128; 126]);
        let model =
            convolved().sum_pool(window).requantize(Shift::Bits32, Clamp::FULL, false).model();
        model.accepts(&model.input(1));
    }
}

#[test]
fn sums_of_two_tensors_are_provable() {
    let model = image(57)
        .convolution(4, 1, window(3, 1, 1))
        .requantize(Shift::Bits32, Clamp::FULL, true)
        .convolution(4, 1, window(3, 1, 1))
        .requantize(Shift::Bits32, Clamp::FULL, false)
        .add(TensorId(2), TensorId(4))
        .requantize(Shift::Bits16, Clamp::RELU, true)
        .add(TensorId(6), TensorId(6))
        .model();
    model.accepts(&model.input(1));
    // An addition of the input itself, and a lookup whose padding is not zero.
    let model = image(58)
        .lookup(|x| x.wrapping_add(33))
        .add(TensorId(1), TensorId(0))
        .requantize(Shift::Bits32, Clamp::FULL, false)
        .convolution(2, 1, window(3, 1, 1))
        .model();
    model.accepts(&model.input(1));
}

/// Every operation except an addition.
pub(super) fn network(shape: Shape) -> Builder {
    let pooled = Builder::new(shape, 59)
        .lookup(|x| x / 2 + 20)
        .convolution(6, 1, window(3, 1, 1))
        .requantize(Shift::Bits32, Clamp::RELU, true)
        .max_pool(window(2, 2, 0))
        .convolution(8, 2, window(3, 2, 1))
        .requantize(Shift::Bits32, Clamp::FULL, true)
        .lookup(|x| !x)
        .sum_pool(window(2, 1, 0))
        .requantize(Shift::Bits32, Clamp::FULL, true);
    flatten(pooled).dense(12).requantize(Shift::Bits32, Clamp::RELU, true).dense(5)
}

#[test]
fn a_whole_convolutional_network_is_provable() {
    for shape in [Shape::new(2, 9, 11), Shape::new(1, 8, 8)] {
        let model = network(shape).model();
        for seed in 0..2 {
            model.accepts(&model.input(seed));
        }
    }
    // A public input that is reshaped to an image.
    let model = Builder::new(Shape::vector(35), 60)
        .reshape(Shape::new(1, 5, 7))
        .convolution(3, 1, window(3, 1, 0))
        .model();
    model.accepts(&model.input(1));
}

#[test]
fn random_models_are_provable_or_refused_by_name() {
    let mut proven = 0;
    for seed in 0..60 {
        let mut graph = graph(&mut Rng::new(seed), 6);
        match seal(&mut graph, &HIGH_RATE) {
            Ok(()) => {
                let graph = CheckedGraph::new(graph).unwrap();
                let model = Model { prover: Prover::new(&graph).unwrap(), graph };
                model.accepts(&model.input(seed));
                proven += 1;
            },
            Err(SetupError::Unsupported { .. } | SetupError::NoWeights) => (),
            Err(error) => panic!("{seed}: {error}"),
        }
    }
    assert!(proven >= 20, "{proven}");
}

/// Ways to cheat about windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lie {
    /// Two channels of the windows' input are exchanged.
    Channels,
    /// Each window reads one column further right, as with another offset or stride.
    Shifted,
    /// An accumulator computed as if the padding were not zero.
    Padding,
    /// A maximum greater than every element of its window.
    TooGreat,
    /// The same, and the sumcheck claims the actual sum, which is not zero.
    TooGreatClaimed,
    /// The same, with the difference from the greatest element forced to zero.
    TooGreatAlone,
    /// A maximum less than the greatest element.
    TooSmall,
    /// Maxima of a tensor other than the committed one.
    OtherRead,
    /// No lie.
    Honest,
}

struct Liar(Lie);

impl Deviation for Liar {
    fn window_input(&self, layer: usize, elements: &mut [i64]) {
        match self.0 {
            Lie::Channels if layer == 1 => {
                let plane = 7 * 6;
                (0..plane).for_each(|i| elements.swap(i, plane + i));
            },
            Lie::Shifted if layer == 1 => elements.rotate_left(1),
            _ => (),
        }
    }

    fn accumulators(&self, layer: usize, accumulators: &mut [i32]) {
        if self.0 == Lie::Padding && layer == 1 {
            accumulators[0] += 77;
        }
    }

    fn maximum(&self, _: usize, element: usize, value: &mut i64) {
        match self.0 {
            Lie::TooGreat | Lie::TooGreatClaimed | Lie::TooGreatAlone if element == 3 => {
                *value += 1;
            },
            Lie::TooSmall if element == 3 => *value -= 1,
            _ => (),
        }
    }

    fn maximum_input(&self, _: usize, elements: &mut [i64]) {
        if self.0 == Lie::OtherRead {
            elements[1] ^= 1;
        }
    }

    fn difference(&self, _: usize, element: usize, difference: &mut i64) {
        if self.0 == Lie::TooGreatAlone && element == 3 && *difference == 1 {
            *difference = 0;
        }
    }

    fn zero_claim(&self, actual: &dyn Fn() -> EF) -> EF {
        match self.0 {
            Lie::TooGreatClaimed => actual(),
            _ => EF::ZERO,
        }
    }

    fn forges_lookup_sum(&self) -> bool {
        self.0 == Lie::TooSmall
    }
}

fn verdict(model: &Model, lie: Lie) -> Result<(), Reject> {
    let input = model.input(11);
    let proven = model.prover.prove_with(&CONTEXT, &input, &Liar(lie)).unwrap();
    model.verify(&input, &proven.output, &proven.proof)
}

#[test]
fn lies_about_windows_are_detected() {
    let convolved = || {
        image(61).convolution(4, 1, window(3, 1, 1)).requantize(Shift::Bits32, Clamp::FULL, true)
    };
    let twice = convolved().convolution(2, 1, window(3, 1, 1)).model();
    assert_eq!(verdict(&twice, Lie::Honest), Ok(()));
    assert_eq!(verdict(&twice, Lie::Channels), Err(Reject::Window { operation: 2 }));
    assert_eq!(verdict(&twice, Lie::Shifted), Err(Reject::Window { operation: 2 }));
    assert_eq!(verdict(&twice, Lie::Padding), Err(Reject::Matvec { operation: 2 }));
    let grouped = convolved().convolution(4, 2, window(3, 2, 1)).model();
    assert_eq!(verdict(&grouped, Lie::Honest), Ok(()));
    assert_eq!(verdict(&grouped, Lie::Channels), Err(Reject::Window { operation: 2 }));
    let summed = convolved().sum_pool(SKEWED).model();
    assert_eq!(verdict(&summed, Lie::Honest), Ok(()));
    assert_eq!(verdict(&summed, Lie::Channels), Err(Reject::Window { operation: 2 }));
    assert_eq!(verdict(&summed, Lie::Padding), Err(Reject::Window { operation: 2 }));
    let added = convolved().add(TensorId(2), TensorId(2)).model();
    assert_eq!(verdict(&added, Lie::Padding), Err(Reject::Output));
    let added = convolved()
        .add(TensorId(2), TensorId(2))
        .requantize(Shift::Bits32, Clamp::FULL, false)
        .model();
    assert_eq!(verdict(&added, Lie::Padding), Err(Reject::Requantize { operation: 3 }));
}

#[test]
fn lies_about_maxima_are_detected() {
    for window in [window(2, 2, 0), window(3, 2, 1)] {
        let model = image(62)
            .convolution(4, 1, self::window(3, 1, 1))
            .requantize(Shift::Bits32, Clamp::FULL, true)
            .max_pool(window)
            .model();
        assert_eq!(verdict(&model, Lie::Honest), Ok(()));
        // No difference is zero.
        assert_eq!(verdict(&model, Lie::TooGreat), Err(Reject::Maximum { operation: 2 }));
        assert_eq!(verdict(&model, Lie::TooGreatClaimed), Err(Reject::Maximum { operation: 2 }));
        // One difference is zero, but not from a committed element.
        assert_eq!(verdict(&model, Lie::TooGreatAlone), Err(Reject::Window { operation: 2 }));
        assert_eq!(verdict(&model, Lie::OtherRead), Err(Reject::Window { operation: 2 }));
        // One difference is negative.
        assert_eq!(verdict(&model, Lie::TooSmall), Err(Reject::LookupTie));
    }
}
