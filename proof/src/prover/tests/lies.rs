//! Dishonest provers. Each lie is as consistent as possible and is detected by the check intended
//! for it.

use super::*;
use crate::prover::execution::Cell;

/// Ways to cheat, in the first layer or activation unless stated otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// `acc + 1` in one cell.
    Accumulator,
    /// `acc + 2^17`, with all consequences computed from it.
    AccumulatorFar,
    /// `r + 2^s` and `q - 1`: the equation holds, the highest limb is out of range.
    RemainderTooBig,
    /// `r - 2^s` and `q + 1`: the equation holds, the highest limb is negative.
    RemainderNegative,
    /// `q + 1` alone.
    QuotientOff,
    /// `q + 1`, and the sumcheck claims the sum that the verifier expects.
    QuotientOffForced,
    /// `q + 2^32 - 1` and `r + 1`: the equation holds modulo p for a shift of 32.
    QuotientWrap,
    /// `y + 1` with an honest `q`.
    OutsideClamp,
    /// One multiplicity is too high by 1.
    Multiplicity,
    /// One lookup is moved to the next row of the range table.
    MultiplicityMoved,
    /// A nonzero activation in the padding.
    PaddingRow,
    /// A run on a different input.
    OtherInput,
    /// An accumulator of the output is off by one.
    OtherOutput,
    /// An output that is off by one, with an honest proof.
    OtherOutputForced,
    /// A lookup returns the value of another row.
    WrongMapping,
    /// Rounds down where the rule rounds up.
    Truncated,
}

impl Lie {
    /// Changes the cell that the lie is about.
    fn distort(self, clamp: Clamp, elements: usize, row: usize, cell: &mut Cell) {
        let requantized =
            |key: i64, remainder| Cell { key, remainder, value: i64::from(clamp.apply(key)) };
        let shift = 32;
        match self {
            Self::PaddingRow if row == elements => *cell = requantized(5, cell.remainder),
            _ if row != 7 => (),
            Self::RemainderTooBig => {
                *cell = requantized(cell.key - 1, cell.remainder + (1 << shift));
            },
            Self::RemainderNegative => {
                *cell = requantized(cell.key + 1, cell.remainder - (1 << shift));
            },
            Self::QuotientOff | Self::QuotientOffForced => {
                *cell = requantized(cell.key + 1, cell.remainder);
            },
            Self::QuotientWrap => {
                *cell = requantized(cell.key + (1 << 32) - 1, cell.remainder + 1);
            },
            Self::OutsideClamp => cell.value += 1,
            Self::Truncated => *cell = requantized(cell.key - 1, cell.remainder),
            _ => (),
        }
    }
}

struct Liar {
    lie: Lie,
    clamp: Clamp,
    elements: usize,
    /// The activation that the lie is about.
    activation: usize,
    last_layer: usize,
}

impl Deviation for Liar {
    fn input(&self, input: &mut [i64]) {
        if self.lie == Lie::OtherInput {
            input[0] = if input[0] == 127 { 126 } else { input[0] + 1 };
        }
    }

    fn accumulators(&self, layer: usize, accumulators: &mut [i32]) {
        match self.lie {
            Lie::Accumulator if layer == 0 => accumulators[7] += 1,
            Lie::AccumulatorFar if layer == 0 => accumulators[7] += 1 << 17,
            Lie::OtherOutput if layer == self.last_layer => accumulators[0] += 1,
            _ => (),
        }
    }

    fn cell(&self, activation: usize, row: usize, cell: &mut Cell) {
        if activation == self.activation {
            self.lie.distort(self.clamp, self.elements, row, cell);
        }
        if self.lie == Lie::WrongMapping && row == 3 && cell.remainder == 0 {
            cell.value ^= 1;
        }
    }

    fn multiplicities(&self, counts: &mut [Vec<u64>]) {
        match self.lie {
            Lie::Multiplicity => counts[0][3] += 1,
            Lie::MultiplicityMoved => {
                let row = counts[0].iter().position(|count| *count > 0).unwrap();
                counts[0][row] -= 1;
                counts[0][row + 1] += 1;
            },
            _ => (),
        }
    }

    fn output(&self, output: &mut [u8]) {
        if self.lie == Lie::OtherOutputForced {
            output[0] ^= 1;
        }
    }

    fn forges_lookup_sum(&self) -> bool {
        matches!(
            self.lie,
            Lie::RemainderTooBig
                | Lie::RemainderNegative
                | Lie::QuotientWrap
                | Lie::OutsideClamp
                | Lie::Multiplicity
                | Lie::MultiplicityMoved
                | Lie::WrongMapping
        )
    }

    fn scaled_claim(&self, honest: EF, expected: &dyn Fn() -> EF) -> EF {
        match self.lie {
            Lie::QuotientOffForced => expected(),
            _ => honest,
        }
    }
}

/// The check that refuses a lie.
fn verdict(model: &Model, lie: Lie, activation: usize, clamp: Clamp) -> Reject {
    let circuit = &model.prover.verifier.key.circuit;
    let elements = circuit.activations[activation].grid.elements();
    let last_layer = circuit.layers.len() - 1;
    let liar = Liar { lie, clamp, elements, activation, last_layer };
    let input = model.input(11);
    let proven = model.prover.prove_with(&CONTEXT, &input, &liar).unwrap();
    model.verify(&input, &proven.output, &proven.proof).expect_err("a lie was accepted")
}

#[test]
fn every_lie_is_detected_by_the_check_intended_for_it() {
    let model = perceptron(21).model();
    model.accepts(&model.input(11));
    let (dense, requantize) = (0, 1);
    let scale = Reject::Requantize { operation: requantize };
    for (lie, expected) in [
        (Lie::Accumulator, Reject::Matvec { operation: dense }),
        (Lie::AccumulatorFar, Reject::Matvec { operation: dense }),
        (Lie::RemainderTooBig, Reject::LookupTie),
        (Lie::RemainderNegative, Reject::LookupTie),
        (Lie::QuotientOff, scale.clone()),
        (Lie::QuotientOffForced, Reject::Scale { operation: requantize }),
        (Lie::QuotientWrap, Reject::LookupTie),
        (Lie::OutsideClamp, Reject::LookupTie),
        (Lie::Multiplicity, Reject::LookupTie),
        (Lie::MultiplicityMoved, Reject::LookupTie),
        (Lie::PaddingRow, scale.clone()),
        (Lie::OtherInput, Reject::Matvec { operation: dense }),
        (Lie::OtherOutput, Reject::Matvec { operation: 4 }),
        (Lie::OtherOutputForced, Reject::Output),
        (Lie::Truncated, scale),
    ] {
        assert_eq!(verdict(&model, lie, 0, Clamp::RELU), expected, "{lie:?}");
    }
}

#[test]
fn lies_about_int8_outputs_and_lookups_are_detected() {
    let model = Builder::new(Shape::vector(20), 22)
        .dense(19)
        .requantize(Shift::Bits32, Clamp::FULL, true)
        .lookup(|x| x.wrapping_add(40))
        .model();
    model.accepts(&model.input(11));
    let verdict = |lie, activation| verdict(&model, lie, activation, Clamp::FULL);
    assert_eq!(verdict(Lie::OtherOutputForced, 0), Reject::Output);
    assert_eq!(verdict(Lie::WrongMapping, 1), Reject::LookupTie);
    assert_eq!(verdict(Lie::OutsideClamp, 1), Reject::LookupTie);
    // The table maps the operand's padding to a different value.
    assert_eq!(verdict(Lie::PaddingRow, 0), Reject::LookupTie);
}

#[test]
fn lies_about_an_output_that_is_requantized_are_detected() {
    let model = Builder::new(Shape::vector(20), 26)
        .dense(19)
        .requantize(Shift::Bits32, Clamp::FULL, true)
        .model();
    model.accepts(&model.input(11));
    let verdict = |lie| verdict(&model, lie, 0, Clamp::FULL);
    let requantize = Reject::Requantize { operation: 1 };
    assert_eq!(verdict(Lie::OtherOutputForced), Reject::Output);
    assert_eq!(verdict(Lie::QuotientOff), requantize);
    assert_eq!(verdict(Lie::QuotientOffForced), Reject::Scale { operation: 1 });
    // The padding shows neither in the output nor in an input of a layer.
    assert_eq!(verdict(Lie::PaddingRow), requantize);
}

#[test]
fn lies_are_detected_with_limbs_of_two_bytes() {
    let mut parameters = QUICK;
    parameters.limbs = crate::LimbWidth::Bits16;
    let model = perceptron(23).model_with(&parameters);
    for lie in [Lie::RemainderTooBig, Lie::RemainderNegative, Lie::QuotientWrap, Lie::OutsideClamp]
    {
        assert_eq!(verdict(&model, lie, 0, Clamp::RELU), Reject::LookupTie, "{lie:?}");
    }
}

/// A change of weights and biases.
type Change = (&'static str, fn(&mut [i8], &mut [i32]));

/// A prover with other weights that claims to prove the published model.
fn impostor(model: &Model, change: impl Fn(&mut [i8], &mut [i32])) -> Prover {
    let mut graph = model.graph.clone().into_graph();
    let mut sets = graph.weights.parameters.into_inner();
    let mut weights = core::mem::take(&mut sets[0].weights).into_inner();
    let mut bias = core::mem::take(&mut sets[0].bias).into_inner();
    change(&mut weights, &mut bias);
    sets[0] = Parameters { weights: weights.try_into().unwrap(), bias: bias.try_into().unwrap() };
    graph.weights = Weights { parameters: sets.try_into().unwrap() };
    graph.complete().unwrap();
    seal(&mut graph, &QUICK).unwrap();
    let mut prover = Prover::new(&CheckedGraph::new(graph).unwrap()).unwrap();
    prover.verifier = Verifier::new(model.graph.plan()).unwrap();
    prover
}

fn change_one(weights: &mut [i8], _: &mut [i32]) {
    weights[0] ^= 1;
}

#[test]
fn other_weights_are_detected_in_the_opening_and_in_the_layer() {
    let model = perceptron(24).model();
    let input = model.input(11);
    assert_ne!(input[0], 0);
    // Opened from a commitment to the other weights.
    let mut impostor = impostor(&model, change_one);
    let proven = impostor.prove(&CONTEXT, &input).unwrap();
    let verdict = model.verify(&input, &proven.output, &proven.proof);
    assert!(matches!(verdict, Err(Reject::ModelOpening(_))), "{verdict:?}");
    // Opened from the published commitment.
    impostor.prover_data = model.prover.prover_data.clone();
    let proven = impostor.prove(&CONTEXT, &input).unwrap();
    let verdict = model.verify(&input, &proven.output, &proven.proof);
    assert_eq!(verdict, Err(Reject::Matvec { operation: 0 }));
}

#[test]
fn other_biases_swapped_rows_and_transposed_weights_are_detected() {
    let square = || {
        Builder::new(Shape::vector(16), 25)
            .dense(16)
            .requantize(Shift::Bits32, Clamp::RELU, false)
            .dense(3)
    };
    let model = square().model();
    let input = model.input(11);
    let changes: [Change; 4] = [
        ("bias", |_, bias| bias[5] += 1),
        ("rows", |weights, _| (0..16).for_each(|j| weights.swap(j, 16 + j))),
        ("transposed", |weights, _| {
            (0..16).for_each(|i| (0..i).for_each(|j| weights.swap(16 * i + j, 16 * j + i)));
        }),
        ("negated", |weights, _| weights.iter_mut().for_each(|w| *w = w.wrapping_neg())),
    ];
    for (name, change) in changes {
        let mut impostor = impostor(&model, change);
        impostor.prover_data = model.prover.prover_data.clone();
        let proven = impostor.prove(&CONTEXT, &input).unwrap();
        let verdict = model.verify(&input, &proven.output, &proven.proof);
        assert!(
            matches!(
                verdict,
                Err(Reject::Matvec { operation: 0 } | Reject::Requantize { operation: 1 })
            ),
            "{name}: {verdict:?}"
        );
    }
}
