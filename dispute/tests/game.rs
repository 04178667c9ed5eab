//! Disputes between honest and lying parties.

use assay_dispute::*;
use assay_graph::{
    commit::{open_tile, trace_root, TileError, TraceCommitment},
    fast,
    merkle::OpeningError,
    random::{self, Rng},
    tile::tiles,
    *,
};
use codec::{Decode, Encode, MaxEncodedLen};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A claim with its input and output.
struct Claimed {
    graph: CheckedGraph,
    input: Vec<i8>,
    trace_root: Digest,
    output: Vec<u8>,
}

impl Claimed {
    fn honest(graph: CheckedGraph, input: Vec<i8>) -> Self {
        let trace = fast::trace(&graph, &input).unwrap();
        Self::of(graph, input, &trace)
    }

    /// The claim for a trace, whose first tensor need not be the input.
    fn of(graph: CheckedGraph, input: Vec<i8>, trace: &Trace) -> Self {
        let trace_root = TraceCommitment::new(trace).root();
        Self { graph, input, trace_root, output: trace.output().unwrap().to_bytes() }
    }

    fn bytes(&self) -> Vec<u8> {
        self.input.iter().map(|x| *x as u8).collect()
    }

    /// Plays to the end. A party without a move, or whose move is refused, loses.
    fn play(
        &self,
        defender: impl Fn(&Stage) -> Option<Answer>,
        challenger: impl Fn(&Stage, Option<&Shown>) -> Option<Choice>,
    ) -> (Party, usize) {
        let input = self.bytes();
        let claim = Claim {
            plan: self.graph.plan(),
            trace_root: self.trace_root,
            input: &input,
            output: &self.output,
        };
        let mut stage = Stage::Roots;
        let mut all: BTreeMap<What, Shown> = BTreeMap::new();
        for moves in 0..20 {
            let encoded = stage.encode();
            assert!(encoded.len() <= Stage::max_encoded_len());
            assert_eq!(Stage::decode(&mut &encoded[..]).as_ref(), Ok(&stage));
            let turn = stage.turn();
            let shown: Option<Shown> = stage.reads().map(|what| all[&what].clone());
            let shown = shown.as_ref();
            let (awaits, after) = (stage.awaits(), stage.after_shown());
            assert_eq!(awaits.is_some(), turn == Party::Defender);
            let outcome = match turn {
                Party::Defender => defender(&stage).map(|answer| {
                    let outcome = stage.answer(&claim, shown, &answer);
                    if let (Ok(MoveEffect::Next(_)), Some(what)) = (&outcome, awaits) {
                        // Another dispute goes on in the same way.
                        assert_eq!(outcome.as_ref().ok(), after.as_ref());
                        all.insert(what, answer.shown().unwrap());
                    }
                    outcome
                }),
                Party::Challenger => challenger(&stage, shown)
                    .map(|choice| stage.choose(claim.plan, shown, choice).map(MoveEffect::Next)),
            };
            match outcome {
                Some(Ok(MoveEffect::Next(next))) => stage = next,
                Some(Ok(MoveEffect::Won(party))) => return (party, moves + 1),
                Some(Err(_)) | None => return (turn.other(), moves),
            }
        }
        panic!("the dispute does not end");
    }
}

fn random_graph(rng: &mut Rng, length: usize) -> (CheckedGraph, Vec<i8>) {
    let graph = CheckedGraph::new(random::graph(rng, length)).unwrap();
    let input = rng.int8(graph.plan().shapes()[0].elements().unwrap());
    (graph, input)
}

/// A convolution with 128 KiB of accumulators, requantised to 32 KiB of int8.
fn large_graph() -> (CheckedGraph, Vec<i8>) {
    let mut rng = Rng::new(1);
    let shape = Shape::new(8, 64, 64);
    let window =
        Window { kernel: Extent::square(3), stride: Extent::square(1), padding: Padding::all(1) };
    let operations = vec![
        Operation::Conv2d(Conv2d { input: TensorId(0), output_channels: 8, groups: 1, window }),
        Operation::Requantize(Requantize {
            input: TensorId(1),
            multipliers: vec![Multiplier::new(1 << 24).unwrap()].try_into().unwrap(),
            shift: Shift::Bits32,
            quotient_bits: 9,
            clamp: Clamp::FULL,
        }),
    ];
    let parameters = Parameters {
        weights: rng.int8(8 * 8 * 9).try_into().unwrap(),
        bias: vec![7; 8].try_into().unwrap(),
    };
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: shape,
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: operations.try_into().unwrap(),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: vec![parameters].try_into().unwrap() },
    };
    graph.complete().unwrap();
    (CheckedGraph::new(graph).unwrap(), rng.int8(shape.elements().unwrap()))
}

/// The trace with one element changed, and all later tensors recomputed from it.
fn forged(graph: &CheckedGraph, input: &[i8], tensor: usize, element: usize) -> Trace {
    let mut trace = fast::trace(graph, input).unwrap();
    match &mut trace.tensors[tensor] {
        Tensor::Int8(elements) => elements[element] ^= 1,
        Tensor::Int32(elements) => elements[element] ^= 1,
    }
    for (index, operation) in graph.plan().operations().iter().enumerate().skip(tensor) {
        let inputs: Vec<Tensor> =
            operation.inputs().map(|input| trace.tensors[input.index()].clone()).collect();
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        trace.tensors[index + 1] =
            interpret::run_operation(graph.plan(), index, &inputs, graph.parameters(index))
                .unwrap();
    }
    trace
}

proptest! {
    #[test]
    fn an_honest_claim_is_defended_against_every_choice(seed in any::<u64>(), length in 1usize..5) {
        let mut rng = Rng::new(seed);
        let (graph, input) = random_graph(&mut rng, length);
        let claimed = Claimed::honest(graph, input);
        let player = Player::new(&claimed.graph, &claimed.input).unwrap();
        prop_assert_eq!(player.trace_root(), claimed.trace_root);
        let plan = claimed.graph.plan();
        let random = std::cell::RefCell::new(rng);
        let choose = |stage: &Stage, shown: Option<&Shown>| {
            let mut rng = random.borrow_mut();
            Some(match (stage, shown) {
                (Stage::Operation, Some(Shown::Roots(roots))) => {
                    Choice::Operation(rng.between(0, roots.len() as u32 - 2) as u16)
                },
                (Stage::Leaf { .. }, Some(Shown::Leaves(leaves))) => {
                    Choice::Leaf(rng.between(0, leaves.len() as u32 - 1) as u16)
                },
                (Stage::Tile { step, .. }, Some(Shown::Bytes(_))) => {
                    let tiles = tiles(plan, step.operation.into()).unwrap();
                    Choice::Tile(rng.between(0, tiles as u32 - 1))
                },
                _ => unreachable!(),
            })
        };
        let (winner, moves) = claimed.play(|stage| player.answer(stage), choose);
        prop_assert_eq!(winner, Party::Defender);
        // Small tensors are shown whole.
        prop_assert_eq!(moves, 5);
        // An honest challenger finds no difference.
        let (winner, moves) =
            claimed.play(|stage| player.answer(stage), |stage, shown| player.choose(stage, shown));
        prop_assert_eq!((winner, moves), (Party::Defender, 1));
    }

    #[test]
    fn a_forged_element_is_found_at_any_position(seed in any::<u64>(), length in 1usize..5) {
        let mut rng = Rng::new(seed);
        let (graph, input) = random_graph(&mut rng, length);
        let tensor = rng.between(1, graph.plan().operations().len() as u32) as usize;
        let elements = graph.plan().shapes()[tensor].elements().unwrap() as u32;
        let element = rng.between(0, elements - 1) as usize;
        let trace = forged(&graph, &input, tensor, element);
        let claimed = Claimed::of(graph, input, &trace);
        let liar = Player::with_trace(&claimed.graph, trace);
        let honest = Player::new(&claimed.graph, &claimed.input).unwrap();
        // The liar supplies the opening.
        let (winner, moves) =
            claimed.play(|stage| liar.answer(stage), |stage, shown| honest.choose(stage, shown));
        prop_assert_eq!((winner, moves), (Party::Challenger, 5));
        // The challenger supplies the opening.
        let last = |stage: &Stage| match stage {
            Stage::Open { .. } => honest.answer(stage),
            _ => liar.answer(stage),
        };
        prop_assert_eq!(claimed.play(last, |stage, shown| honest.choose(stage, shown)), (Party::Challenger, 5));
        // The liar stops answering, at any stage.
        for silent in 0..7 {
            let answer = |stage: &Stage| {
                let index = stage.encode()[0];
                (index != silent).then(|| liar.answer(stage)).flatten()
            };
            let (winner, _) = claimed.play(answer, |stage, shown| honest.choose(stage, shown));
            prop_assert_eq!(winner, Party::Challenger);
        }
    }

    #[test]
    fn a_root_without_a_tensor_loses(seed in any::<u64>()) {
        let mut rng = Rng::new(seed);
        let (graph, input) = random_graph(&mut rng, 4);
        let mut claimed = Claimed::honest(graph, input);
        let honest = Player::new(&claimed.graph, &claimed.input).unwrap();
        // One root belongs to no tensor; everything else is right.
        let count = honest.roots().len();
        if count < 3 {
            return Ok(());
        }
        let mut roots = honest.roots().to_vec();
        roots[rng.between(1, count as u32 - 2) as usize] = [3; 32];
        let root = trace_root(&roots);
        let (graph, input) = (claimed.graph.clone(), claimed.input.clone());
        claimed.trace_root = root;
        let honest = Player::new(&graph, &input).unwrap();
        let answer = |stage: &Stage| match stage {
            Stage::Roots => Some(Answer::Roots(roots.clone().try_into().unwrap())),
            _ => honest.answer(stage),
        };
        let (winner, _) = claimed.play(answer, |stage, shown| honest.choose(stage, shown));
        prop_assert_eq!(winner, Party::Challenger);
    }

    #[test]
    fn any_move_at_any_stage_is_accepted_or_refused_without_a_panic(
        seed in any::<u64>(), stages in any::<[u8; 48]>(),
    ) {
        let mut rng = Rng::new(seed);
        let (graph, input) = random_graph(&mut rng, 3);
        let claimed = Claimed::honest(graph, input);
        let bytes = claimed.bytes();
        let plan = claimed.graph.plan();
        let trace_root = claimed.trace_root;
        let claim = Claim { plan, trace_root, input: &bytes, output: &claimed.output };
        let Ok(stage) = Stage::decode(&mut &stages[..]) else { return Ok(()) };
        let shown = match seed % 3 {
            0 => Shown::Roots(vec![[1; 32]; 2].try_into().unwrap()),
            1 => Shown::Leaves(vec![[1; 32]; 2].try_into().unwrap()),
            _ => Shown::Bytes(vec![1; 40].try_into().unwrap()),
        };
        let tiles = [Choice::Tile(0), Choice::Tile(u32::MAX)];
        for choice in [Choice::Operation(1), Choice::Leaf(0)].into_iter().chain(tiles) {
            let _ = stage.clone().choose(plan, None, choice);
            let _ = stage.clone().choose(plan, Some(&shown), choice);
        }
        for answer in [
            Answer::Roots(vec![[1; 32]; 4].try_into().unwrap()),
            Answer::Leaves(Default::default()),
            Answer::Bytes(vec![1; 5].try_into().unwrap()),
            Answer::Opening(vec![0; 9].try_into().unwrap()),
        ] {
            let _ = stage.clone().answer(&claim, None, &answer);
            let _ = stage.clone().answer(&claim, Some(&shown), &answer);
        }
    }
}

#[test]
fn leaves_of_a_large_tensor_are_named_one_by_one() {
    let (graph, input) = large_graph();
    for (tensor, element) in [(1, 0), (1, 20_000), (1, 32_767), (2, 0), (2, 32_767)] {
        let trace = forged(&graph, &input, tensor, element);
        let claimed = Claimed::of(graph.clone(), input.clone(), &trace);
        let liar = Player::with_trace(&claimed.graph, trace);
        let honest = Player::new(&claimed.graph, &claimed.input).unwrap();
        let found =
            claimed.play(|stage| liar.answer(stage), |stage, shown| honest.choose(stage, shown));
        assert_eq!(found, (Party::Challenger, 7), "{tensor} {element}");
    }
    let claimed = Claimed::honest(graph, input);
    let player = Player::new(&claimed.graph, &claimed.input).unwrap();
    let choose = |stage: &Stage, _: Option<&Shown>| {
        Some(match stage {
            Stage::Operation => Choice::Operation(1),
            Stage::Leaf { .. } => Choice::Leaf(31),
            _ => Choice::Tile(31),
        })
    };
    let found = claimed.play(|stage| player.answer(stage), choose);
    assert_eq!(found, (Party::Defender, 7));
}

/// A stage, what the defender has shown of it, and its answer.
type Position = (Stage, Option<Shown>, Option<Answer>);

/// The stages of a dispute over operation 0 of the large graph, with the defender's answers.
fn stages<'a>(claim: &Claim<'a>, player: &Player<'_>) -> Vec<Position> {
    let mut stages = Vec::new();
    let mut stage = Stage::Roots;
    let mut shown = None;
    loop {
        let answer = player.answer(&stage);
        let read = shown.clone().filter(|_| stage.reads().is_some());
        stages.push((stage.clone(), read, answer.clone()));
        stage = match answer {
            Some(answer) => match stage.answer(claim, shown.as_ref(), &answer).unwrap() {
                MoveEffect::Next(next) => {
                    shown = answer.shown();
                    next
                },
                MoveEffect::Won(party) => {
                    assert_eq!(party, Party::Defender);
                    return stages;
                },
            },
            None => {
                let choice = match &stage {
                    Stage::Operation => Choice::Operation(0),
                    Stage::Leaf { .. } => Choice::Leaf(100),
                    _ => Choice::Tile(56),
                };
                stage.choose(claim.plan, shown.as_ref(), choice).unwrap()
            },
        };
    }
}

#[test]
fn every_lie_is_refused_with_its_own_reason() {
    let (graph, input) = large_graph();
    let claimed = Claimed::honest(graph, input);
    let bytes = claimed.bytes();
    let player = Player::new(&claimed.graph, &claimed.input).unwrap();
    let plan = claimed.graph.plan();
    let claim =
        Claim { plan, trace_root: claimed.trace_root, input: &bytes, output: &claimed.output };
    let stages = stages(&claim, &player);
    assert_eq!(stages.len(), 7);

    // Each answer is accepted in its own stage only, and each choice in its own.
    for (at, (stage, shown, _)) in stages.iter().enumerate() {
        for (other, (_, _, answer)) in stages.iter().enumerate() {
            if let Some(answer) = answer {
                let found = stage.clone().answer(&claim, shown.as_ref(), answer);
                assert_eq!(found == Err(MoveRefusal::OutOfTurn), at != other, "{at} {other}");
                assert_eq!(stage.takes(answer), at == other);
            }
        }
        for choice in [Choice::Operation(0), Choice::Leaf(0), Choice::Tile(56)] {
            let found = stage.clone().choose(plan, shown.as_ref(), choice);
            let fits = matches!(
                (stage, choice),
                (Stage::Operation, Choice::Operation(_))
                    | (Stage::Leaf { .. }, Choice::Leaf(_))
                    | (Stage::Tile { .. }, Choice::Tile(_))
            );
            assert_eq!(found == Err(MoveRefusal::OutOfTurn), !fits);
        }
    }

    let roots = |roots: &[Digest]| Answer::Roots(roots.to_vec().try_into().unwrap());
    let own = player.roots();
    let answer = |claim: &Claim<'_>, at: usize, answer: &Answer| {
        let (stage, shown, _) = &stages[at];
        stage.clone().answer(claim, shown.as_ref(), answer).unwrap_err()
    };
    let count = MoveRefusal::RootCount { expected: 3, found: 2 };
    assert_eq!(answer(&claim, 0, &roots(&own[1..])), count);
    assert_eq!(answer(&claim, 0, &roots(&[own[0], own[2], own[1]])), MoveRefusal::TraceRoot);
    let mut other = bytes.clone();
    other[9] ^= 1;
    let claim_of_other = Claim { input: &other, ..claim };
    assert_eq!(answer(&claim_of_other, 0, &roots(own)), MoveRefusal::InputRoot);
    let mut other = claimed.output.clone();
    other[9] ^= 1;
    let claim_of_other = Claim { output: &other, ..claim };
    assert_eq!(answer(&claim_of_other, 0, &roots(own)), MoveRefusal::OutputRoot);

    let choose = |at: usize, choice: Choice| {
        let (stage, shown, _) = &stages[at];
        stage.clone().choose(plan, shown.as_ref(), choice).unwrap_err()
    };
    assert_eq!(choose(1, Choice::Operation(2)), MoveRefusal::NoOperation);
    assert_eq!(choose(1, Choice::Operation(u16::MAX)), MoveRefusal::NoOperation);
    assert_eq!(choose(3, Choice::Leaf(128)), MoveRefusal::NoLeaf);
    assert_eq!(choose(5, Choice::Tile(u32::MAX)), MoveRefusal::NoTile);
    // Leaf 100 contains the elements 25600 to 25855; a tile has 455 elements.
    assert_eq!(choose(5, Choice::Tile(55)), MoveRefusal::NoTile);
    assert_eq!(choose(5, Choice::Tile(57)), MoveRefusal::NoTile);

    let Some(Answer::Leaves(leaves)) = &stages[2].2 else { panic!() };
    let mut fewer = leaves.clone();
    fewer.pop();
    assert_eq!(answer(&claim, 2, &Answer::Leaves(fewer)), MoveRefusal::Leaves);
    let mut changed = leaves.clone();
    changed[5][0] ^= 1;
    assert_eq!(answer(&claim, 2, &Answer::Leaves(changed)), MoveRefusal::Leaves);
    let Some(Answer::Bytes(shown)) = &stages[4].2 else { panic!() };
    let mut longer = shown.clone();
    longer.try_push(0).unwrap();
    assert_eq!(answer(&claim, 4, &Answer::Bytes(longer)), MoveRefusal::Bytes);
    let mut changed = shown.clone();
    changed[5] ^= 1;
    assert_eq!(answer(&claim, 4, &Answer::Bytes(changed)), MoveRefusal::Bytes);

    // What the move is about, or something else, was not shown.
    for (at, answer) in [(6, stages[6].2.as_ref().unwrap())] {
        let roots = stages[1].1.as_ref();
        for shown in [None, roots] {
            let found = stages[at].0.clone().answer(&claim, shown, answer);
            assert_eq!(found, Err(MoveRefusal::NotShown));
        }
    }
    for (at, choice) in [(1, Choice::Operation(0)), (3, Choice::Leaf(0))] {
        for shown in [None, stages[5].1.as_ref()] {
            let found = stages[at].0.clone().choose(plan, shown, choice);
            assert_eq!(found, Err(MoveRefusal::NotShown));
        }
    }

    // Openings of another tile, of another tensor and of other weights, and malformed ones.
    let opening = |opening: &[u8]| Answer::Opening(opening.to_vec().try_into().unwrap());
    let Some(Answer::Opening(right)) = &stages[6].2 else { panic!() };
    let refused = |bytes: &[u8]| answer(&claim, 6, &opening(bytes));
    let trace = fast::trace(&claimed.graph, &claimed.input).unwrap();
    let commitment = TraceCommitment::new(&trace);
    let of_tile = |graph: &CheckedGraph, operation, tile| {
        open_tile(graph, &trace, &commitment, operation, tile).unwrap().encode()
    };
    assert_eq!(of_tile(&claimed.graph, 0, 56), right.to_vec());
    let found = refused(&of_tile(&claimed.graph, 0, 57));
    assert!(matches!(found, MoveRefusal::Opening(TileError::Input(0, _))), "{found:?}");
    assert_eq!(refused(&of_tile(&claimed.graph, 1, 0)), MoveRefusal::Opening(TileError::Count));
    let mut other = claimed.graph.clone().into_graph();
    let mut weights = other.weights.parameters[0].weights.to_vec();
    weights[3] ^= 1;
    other.weights.parameters[0].weights = weights.try_into().unwrap();
    other.complete().unwrap();
    let other = CheckedGraph::new(other).unwrap();
    assert_eq!(
        refused(&of_tile(&other, 0, 56)),
        MoveRefusal::Opening(TileError::Set(OpeningError::Root))
    );
    assert_eq!(refused(&right[1..]), MoveRefusal::Opening(TileError::Malformed));
    assert_eq!(refused(&[&right[..], &[0]].concat()), MoveRefusal::Opening(TileError::Malformed));
}

/// Unchecked weights may lead out of int32. Such a claim is wrong.
#[test]
#[expect(clippy::single_range_in_vec_init)]
fn a_step_that_leaves_int32_loses() {
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape: Shape::vector(1),
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: vec![Operation::Dense(Dense { input: TensorId(0), rows: 1 })]
                .try_into()
                .unwrap(),
            commitments: Commitments::default(),
        },
        weights: Weights {
            parameters: vec![Parameters {
                weights: vec![1].try_into().unwrap(),
                bias: vec![0].try_into().unwrap(),
            }]
            .try_into()
            .unwrap(),
        },
    };
    graph.complete().unwrap();
    let checked = CheckedGraph::new(graph.clone()).unwrap();
    let trace = fast::trace(&checked, &[1]).unwrap();
    // The opening of a graph with a bias that overflows.
    graph.weights.parameters[0].bias = vec![i32::MAX].try_into().unwrap();
    graph.architecture.commitments.weights = graph.weights.digest();
    let opening = {
        use assay_graph::{commit::*, merkle::*};
        let open = |content: Content<'_>, end| Tree::new(content).open(content, &[0..end]).unwrap();
        let set = &graph.weights.parameters[0];
        let roots = [
            root(MATRIX_TAG, Content::Int8(&set.weights)),
            root(BIAS_TAG, Content::Int32(&set.bias)),
        ];
        TileOpening {
            inputs: vec![open(trace.tensors[0].content(), 1)].try_into().unwrap(),
            parameters: Some(ParameterOpening {
                set: open(Content::Bytes(roots.as_flattened()), 64),
                weights: open(Content::Int8(&set.weights), 1),
                bias: open(Content::Int32(&set.bias), 4),
            }),
        }
    };
    let plan = Plan::new(graph.architecture).unwrap();
    let commitment = TraceCommitment::new(&trace);
    let claim = Claim {
        plan: &plan,
        trace_root: commitment.root(),
        input: &[1],
        output: &trace.tensors[1].to_bytes(),
    };
    let roots = Answer::Roots(commitment.roots.try_into().unwrap());
    let MoveEffect::Next(stage) = Stage::Roots.answer(&claim, None, &roots).unwrap() else {
        panic!()
    };
    let stage = stage.choose(&plan, roots.shown().as_ref(), Choice::Operation(0)).unwrap();
    let bytes = Answer::Bytes(trace.tensors[1].to_bytes().try_into().unwrap());
    let MoveEffect::Next(stage) = stage.answer(&claim, None, &bytes).unwrap() else { panic!() };
    let shown = bytes.shown();
    let stage = stage.choose(&plan, shown.as_ref(), Choice::Tile(0)).unwrap();
    let opening = Answer::Opening(opening.encode().try_into().unwrap());
    assert_eq!(
        stage.answer(&claim, shown.as_ref(), &opening),
        Ok(MoveEffect::Won(Party::Challenger))
    );
}
