//! Recipes of architectures, families of recipes, and random changes.
//!
//! Most recipes produce a valid graph: the builder adjusts sizes that are out of bounds and adds
//! unread tensors to the output. The search skips the others.

use super::builder::Builder;
use assay_graph::{
    Architecture, Commitments, Extent, FormatVersion, Graph, List, Operation, Padding, Parameters,
    Requantize, Scale, Shape, Shift, Weights, Window,
};
use assay_pallet_testing::graphs::Random;
use assay_proof::{LimbWidth, OpeningParameters, ProofParameters};

/// Maximum number of weights and biases of a graph.
const MAX_PARAMETERS: u64 = 1 << 21;
/// A stride so large that a window has a single position.
pub const ONCE: [u16; 2] = [u16::MAX; 2];

/// Random choices.
pub struct Dice(pub Random);

impl Dice {
    fn bits(&mut self) -> u32 {
        u32::from_le_bytes([0; 4].map(|_| self.0.byte()))
    }

    pub fn between(&mut self, lo: u32, hi: u32) -> u32 {
        lo + self.bits() % (hi.max(lo) - lo + 1)
    }

    pub fn one_in(&mut self, n: u32) -> bool {
        self.bits().is_multiple_of(n)
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.bits() as usize % of.len()]
    }

    /// A number with a random magnitude, often a power of two or one more.
    fn scale(&mut self, lo: u32, hi: u32) -> u32 {
        let bits = self.between(lo.max(1).ilog2(), hi.max(1).ilog2());
        let number = match self.between(0, 3) {
            0 => 1 << bits,
            1 => (1 << bits) + 1,
            _ => self.between(1 << bits, (2 << bits) - 1),
        };
        number.clamp(lo, hi)
    }

    fn nudge(&mut self, number: u32, most: u32) -> u32 {
        let nudged = match self.between(0, 5) {
            0 | 1 => number.saturating_mul(2),
            2 => number / 2,
            3 => number.saturating_add(1),
            4 => number.saturating_sub(1),
            _ => number.next_power_of_two().saturating_add(1),
        };
        nudged.clamp(1, most)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Dense,
    Conv2d,
    Sum,
    Max,
    Add,
    Lookup,
    Reshape,
}

const KINDS: [Kind; 7] =
    [Kind::Dense, Kind::Conv2d, Kind::Sum, Kind::Max, Kind::Add, Kind::Lookup, Kind::Reshape];

/// The input of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    Input,
    /// The int8 tensor this many places before the last one.
    Back(u32),
}

/// Operations of one kind, with the requantisations of their accumulators.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub kind: Kind,
    pub source: Source,
    /// Number of successive operations.
    pub count: u32,
    /// Rows or output channels; for a reshape, the channels.
    pub size: u32,
    pub groups: u32,
    pub kernel: [u16; 2],
    pub stride: [u16; 2],
    pub padding: [u16; 4],
    /// Whether each channel has its own multiplier.
    pub each_channel: bool,
    pub shift: Shift,
    pub quotient_bits: u8,
    /// Whether each operation has a different clamp or table.
    pub distinct: bool,
}

/// Operations with the smallest window.
pub const fn step(kind: Kind, source: Source, count: u32, size: u32) -> Step {
    Step {
        kind,
        source,
        count,
        size,
        groups: 1,
        kernel: [1; 2],
        stride: [1; 2],
        padding: [0; 4],
        each_channel: false,
        shift: Shift::Bits16,
        quotient_bits: 9,
        distinct: false,
    }
}

impl Step {
    fn random(dice: &mut Dice) -> Self {
        let source = match dice.between(0, 3) {
            0 => Source::Input,
            1 => Source::Back(dice.between(1, 4)),
            _ => Source::Back(0),
        };
        let kind = *dice.pick(&KINDS);
        let mut step = step(kind, source, dice.scale(1, 8), dice.scale(1, 64));
        step.groups = dice.scale(1, 16);
        step.kernel = [0; 2].map(|_| dice.scale(1, 5) as u16);
        step.stride = [0; 2].map(|_| dice.scale(1, 3) as u16);
        if dice.one_in(4) {
            step.stride = ONCE;
        }
        if dice.one_in(2) {
            step.padding = [0; 4].map(|_| dice.between(0, 4) as u16);
        }
        step.requantized(dice)
    }

    /// The same step with a random requantisation.
    fn requantized(self, dice: &mut Dice) -> Self {
        Self {
            each_channel: dice.one_in(2),
            shift: *dice.pick(&Shift::ALL),
            quotient_bits: dice.between(9, 14) as u8,
            distinct: dice.one_in(3),
            ..self
        }
    }

    fn change(&mut self, dice: &mut Dice) {
        match dice.between(0, 10) {
            0..=2 => self.count = dice.nudge(self.count, 255),
            3 | 4 => self.size = dice.nudge(self.size, 1 << 14),
            5 => self.groups = dice.nudge(self.groups, 1 << 10),
            6 => {
                let side = dice.between(0, 1) as usize;
                self.kernel[side] = dice.nudge(self.kernel[side].into(), 256) as u16;
            },
            7 => {
                let side = dice.between(0, 1) as usize;
                self.stride[side] = dice.nudge(self.stride[side].into(), u16::MAX.into()) as u16;
            },
            8 => self.padding = [0; 4].map(|_| dice.between(0, 6) as u16),
            9 => *self = self.requantized(dice),
            _ => self.source = Self::random(dice).source,
        }
    }

    /// The nearest window that fits a shape.
    pub fn window(&self, shape: Shape) -> Window {
        let [mut height, mut width] = self.kernel;
        if self.kind == Kind::Max {
            height = height.min(16);
            width = width.min(16 / height.max(1));
        }
        let side = |kernel: u16, size: u32, before: u16, after: u16| {
            let kernel = u32::from(kernel).clamp(1, size);
            let within = |padding: u16| padding.min(kernel as u16 - 1);
            (kernel as u16, within(before), within(after))
        };
        let [above, left, below, right] = self.padding;
        let (height, top, bottom) = side(height, shape.height, above, below);
        let (width, left, right) = side(width, shape.width, left, right);
        Window {
            kernel: Extent { height, width },
            stride: Extent { height: self.stride[0].max(1), width: self.stride[1].max(1) },
            padding: Padding { top, left, bottom, right },
        }
    }
}

/// The description from which a graph is built.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub family: &'static str,
    input: [u32; 3],
    steps: Vec<Step>,
    /// Whether the output is accumulators if possible.
    accumulators: bool,
    pub parameters: ProofParameters,
}

fn opening(dice: &mut Dice) -> OpeningParameters {
    let first_fold = dice.between(3, 5);
    OpeningParameters {
        // With a low rate, proofs are short and proving takes long.
        log_inverse_rate: *dice.pick(&[3, 3, 3, 4, 4, 5, 5, 6, 7]),
        first_fold: first_fold as u8,
        first_shrink: dice.between(1, first_fold) as u8,
        fold: dice.between(3, 5) as u8,
        grinding_bits: if dice.one_in(8) { dice.between(1, 8) as u8 } else { 0 },
        security_bits: dice.between(120, 136) as u8,
    }
}

type Make = fn(&mut Dice) -> ([u32; 3], Vec<Step>);

/// An input shape with at most this many elements and random proportions.
fn image(dice: &mut Dice, channels: u32, elements: u32) -> [u32; 3] {
    let channels = dice.scale(1, channels);
    let plane = (elements / channels).max(1);
    let height = match dice.between(0, 2) {
        0 => plane.isqrt(),
        _ => dice.scale(1, plane),
    };
    [channels, height, plane / height]
}

fn readers(dice: &mut Dice, kind: Kind) -> ([u32; 3], Vec<Step>) {
    let mut step = step(kind, Source::Input, dice.scale(1, 24), 1);
    step.stride = ONCE;
    (image(dice, 8, 65_000), vec![step.requantized(dice)])
}

/// Families that make verification expensive in a known way, and mixtures.
pub const FAMILIES: [(&str, Make); 15] = [
    ("max readers", |dice| readers(dice, Kind::Max)),
    ("conv readers", |dice| readers(dice, Kind::Conv2d)),
    ("sum readers", |dice| readers(dice, Kind::Sum)),
    ("dense readers", |dice| {
        let step = step(Kind::Dense, Source::Input, dice.scale(1, 31), dice.scale(1, 4));
        ([dice.scale(1 << 10, 1 << 15), 1, 1], vec![step.requantized(dice)])
    }),
    ("additions", |dice| {
        let step = step(Kind::Add, Source::Input, dice.scale(1, 24), 1);
        (image(dice, 64, 65_000), vec![step.requantized(dice)])
    }),
    ("dense chain", |dice| {
        let rows = dice.scale(1, 64);
        let step = step(Kind::Dense, Source::Back(0), dice.scale(8, 120), rows);
        ([rows, 1, 1], vec![step.requantized(dice)])
    }),
    ("clamps", |dice| {
        let mut step = step(Kind::Add, Source::Back(0), dice.scale(8, 124), 1).requantized(dice);
        step.distinct = true;
        (image(dice, 4, 64), vec![step])
    }),
    ("tables", |dice| {
        let mut step = step(Kind::Lookup, Source::Back(0), dice.scale(8, 240), 1);
        step.distinct = !dice.one_in(8);
        (image(dice, 4, 64), vec![step])
    }),
    ("max chain", |dice| {
        let mut step = step(Kind::Max, Source::Back(0), dice.scale(4, 48), 1);
        (step.kernel, step.padding) = *dice.pick(&[
            ([4, 4], [1, 1, 2, 2]),
            ([16, 1], [7, 0, 8, 0]),
            ([1, 16], [0, 7, 0, 8]),
            ([2, 8], [0, 3, 1, 4]),
        ]);
        let shape = [dice.scale(1, 8), dice.scale(4, 17), dice.scale(4, 17)];
        (shape, vec![step])
    }),
    ("wide convolution", |dice| {
        let size = dice.scale(1, 16);
        let mut step = step(Kind::Conv2d, Source::Back(0), dice.scale(1, 3), size);
        let side = dice.between(1, 9);
        step.kernel = [side as u16, dice.between(1, side) as u16];
        ([dice.scale(16, 2_048), side, side], vec![step.requantized(dice)])
    }),
    ("groups", |dice| {
        let groups = dice.scale(2, 512);
        let size = groups * dice.scale(1, 2);
        let mut step = step(Kind::Conv2d, Source::Back(0), dice.scale(1, 3), size);
        step.groups = groups;
        step.kernel = [0; 2].map(|_| dice.scale(1, 7) as u16);
        ([groups * dice.scale(1, 2), 7, 7], vec![step.requantized(dice)])
    }),
    ("odd shapes", |dice| {
        let side = |dice: &mut Dice| (1 << dice.between(0, 7)) + 1;
        let mut steps = Vec::new();
        for _ in 0..dice.between(1, 4) {
            let mut step = Step::random(dice);
            step.kind = *dice.pick(&[Kind::Conv2d, Kind::Sum, Kind::Max]);
            step.kernel = [0; 2].map(|_| dice.between(1, 5) as u16);
            step.padding = step.padding.map(|_| dice.between(0, 4) as u16);
            steps.push(step);
        }
        ([1 + (1 << dice.between(0, 3)), side(dice), side(dice)], steps)
    }),
    ("multipliers", |dice| {
        let rows = dice.scale(1_000, 16_000);
        let mut steps = vec![step(Kind::Dense, Source::Back(0), 1, rows).requantized(dice)];
        steps[0].each_channel = true;
        ([dice.scale(1, 8), 1, 1], steps)
    }),
    ("mixture", |dice| {
        let steps = (0..dice.between(2, 12)).map(|_| Step::random(dice)).collect();
        (image(dice, 32, 4_000), steps)
    }),
    ("large mixture", |dice| {
        let steps = (0..dice.between(2, 8)).map(|_| Step::random(dice)).collect();
        (image(dice, 64, 65_000), steps)
    }),
];

impl Recipe {
    pub fn random(family: &(&'static str, Make), dice: &mut Dice) -> Self {
        let (input, steps) = family.1(dice);
        let (model, witness) = (opening(dice), opening(dice));
        let limbs = *dice.pick(&[LimbWidth::Bits8, LimbWidth::Bits8, LimbWidth::Bits16]);
        let parameters = ProofParameters { model, witness, limbs, ..ProofParameters::RECOMMENDED };
        Self { family: family.0, input, steps, accumulators: dice.one_in(2), parameters }
    }

    /// The recipe with one to three random changes.
    pub fn changed(&self, dice: &mut Dice) -> Self {
        let mut other = self.clone();
        for _ in 0..dice.between(1, 3) {
            let at = dice.between(0, other.steps.len() as u32 - 1) as usize;
            match dice.between(0, 11) {
                0 | 1 => {
                    let axis = dice.between(0, 2) as usize;
                    other.input[axis] = dice.nudge(other.input[axis], 65_000);
                },
                2 => other.parameters.model = opening(dice),
                3 => other.parameters.witness = opening(dice),
                4 => other.steps.insert(at, Step::random(dice)),
                5 => other.steps.insert(at, other.steps[at]),
                6 if other.steps.len() > 1 => drop(other.steps.remove(at)),
                7 => other.accumulators = !other.accumulators,
                8 => {
                    other.parameters.limbs = *dice.pick(&[LimbWidth::Bits8, LimbWidth::Bits16]);
                },
                _ => other.steps[at].change(dice),
            }
        }
        other
    }

    /// The graph, which is complete but not sealed; `None` if it breaks a rule.
    pub fn graph(&self) -> Option<Graph> {
        let [channels, height, width] = self.input;
        let input_shape = Shape::new(channels, height, width);
        let mut builder = Builder::new(input_shape);
        for step in &self.steps {
            for number in 0..step.count {
                if builder.has_room() {
                    builder.add(step, number)?;
                }
            }
        }
        builder.finish(self.accumulators)?;
        let weights: u64 = builder.sets.iter().map(|[rows, fan_in]| rows * (fan_in + 1)).sum();
        if weights > MAX_PARAMETERS {
            return None;
        }
        let mut random = Random(7);
        let sets = builder.sets.iter().map(|[rows, fan_in]| Parameters {
            weights: list((0..rows * fan_in).map(|_| random.byte() as i8).collect()),
            bias: list((0..*rows).map(|_| random.byte().into()).collect()),
        });
        let mut graph = Graph {
            architecture: Architecture {
                format_version: FormatVersion::V1,
                input_shape,
                input_scale: Scale::ONE,
                output_scale: Scale::ONE,
                operations: builder.operations.try_into().ok()?,
                commitments: Commitments::default(),
            },
            weights: Weights { parameters: list(sets.collect()) },
        };
        graph.complete().ok()?;
        for (operation, bits) in builder.quotient_bits {
            if let Some(Operation::Requantize(Requantize { quotient_bits, .. })) =
                graph.architecture.operations.get_mut(operation)
            {
                *quotient_bits = bits.max(*quotient_bits);
            }
        }
        Some(graph)
    }
}

fn list<T, const MAX: usize>(elements: Vec<T>) -> List<T, MAX> {
    elements.try_into().unwrap_or_default()
}

impl std::fmt::Display for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [channels, height, width] = self.input;
        write!(f, "{channels}×{height}×{width}")?;
        for step in &self.steps {
            let Step { kind, source, count, size, groups, kernel, stride, padding, .. } = step;
            write!(f, ", {count} {kind:?} of {source:?}")?;
            match kind {
                Kind::Dense | Kind::Reshape => write!(f, " to {size}")?,
                Kind::Conv2d => write!(f, " to {size} in {groups}")?,
                _ => (),
            }
            if matches!(kind, Kind::Conv2d | Kind::Sum | Kind::Max) {
                write!(f, " {kernel:?} by {stride:?} pad {padding:?}")?;
            }
            if matches!(kind, Kind::Dense | Kind::Conv2d | Kind::Sum | Kind::Add) {
                write!(f, " {:?}/{}", step.shift, step.quotient_bits)?;
                f.write_str(if step.each_channel { " per channel" } else { "" })?;
            }
            f.write_str(if step.distinct { " distinct" } else { "" })?;
        }
        f.write_str(if self.accumulators { "; accumulators" } else { "" })?;
        for (name, opening) in
            [("model", self.parameters.model), ("witness", self.parameters.witness)]
        {
            let OpeningParameters {
                log_inverse_rate,
                first_fold,
                first_shrink,
                fold,
                grinding_bits,
                security_bits,
            } = opening;
            write!(f, "; {name} {log_inverse_rate}/{first_fold}/{first_shrink}/{fold}")?;
            write!(f, "/{grinding_bits}/{security_bits}")?;
        }
        write!(f, "; {:?}", self.parameters.limbs)
    }
}
