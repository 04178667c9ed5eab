//! Each rule of publication, broken once.

use assay_graph::{bounds::*, *};

fn list<T: core::fmt::Debug, const MAX: usize>(elements: Vec<T>) -> List<T, MAX> {
    elements.try_into().unwrap()
}

fn multiplier(value: u32) -> Multiplier {
    Multiplier::new(value).unwrap()
}

fn window(kernel: u16, stride: u16, padding: u16) -> Window {
    Window {
        kernel: Extent::square(kernel),
        stride: Extent::square(stride),
        padding: Padding::all(padding),
    }
}

fn requantize_of(input: u16, multipliers: Vec<Multiplier>) -> Operation {
    Operation::Requantize(Requantize {
        input: TensorId(input),
        multipliers: list(multipliers),
        shift: Shift::Bits32,
        quotient_bits: 12,
        clamp: Clamp::FULL,
    })
}

fn graph(input_shape: Shape, operations: Vec<Operation>, parameters: Vec<Parameters>) -> Graph {
    let mut graph = Graph {
        architecture: Architecture {
            format_version: FormatVersion::V1,
            input_shape,
            input_scale: Scale::ONE,
            output_scale: Scale::ONE,
            operations: list(operations),
            commitments: Commitments::default(),
        },
        weights: Weights { parameters: list(parameters) },
    };
    graph.architecture.commitments.weights = graph.weights.digest();
    graph
}

fn parameters(weights: usize, bias: usize) -> Parameters {
    Parameters { weights: list(vec![-128; weights]), bias: list(vec![0; bias]) }
}

/// A dense layer, a requantisation and a second dense layer.
fn perceptron() -> Graph {
    let operations = vec![
        Operation::Dense(Dense { input: TensorId(0), rows: 4 }),
        requantize_of(1, vec![multiplier(1 << 20); 4]),
        Operation::Dense(Dense { input: TensorId(2), rows: 2 }),
    ];
    graph(Shape::vector(3), operations, vec![parameters(12, 4), parameters(8, 2)])
}

fn error(graph: Graph) -> CheckError {
    CheckedGraph::new(graph).unwrap_err()
}

/// The rule that the last operation breaks.
fn problem(shape: Shape, operations: Vec<Operation>) -> Problem {
    let last = operations.len() - 1;
    let architecture = graph(shape, operations, vec![]).architecture;
    match Plan::new(architecture) {
        Err(CheckError::Operation { index, problem, .. }) if index == last => problem,
        other => panic!("{other:?}"),
    }
}

fn edit(change: impl FnOnce(&mut Vec<Operation>)) -> Graph {
    let mut graph = perceptron();
    let mut operations = graph.architecture.operations.clone().into_inner();
    change(&mut operations);
    graph.architecture.operations = list(operations);
    graph
}

#[test]
fn a_valid_graph_passes_and_an_error_names_the_operation() {
    let checked = CheckedGraph::new(perceptron()).unwrap();
    assert_eq!(checked.plan().output(), TensorId(3));
    assert_eq!(checked.plan().shape(TensorId(3)), Some(Shape::vector(2)));
    assert_eq!(checked.plan().element_type(TensorId(3)), Some(ElementType::Int32));
    assert_eq!(checked.clone().into_graph(), perceptron());
    let text = error(edit(|operations| operations[2] = requantize_of(2, vec![Multiplier::ONE])));
    assert_eq!(text.to_string(), "operation 2 (Requantize): tensor 2 is not int32");
}

#[test]
fn rules_of_the_whole_graph() {
    assert_eq!(error(graph(Shape::vector(1), vec![], vec![])), CheckError::NoOperation);
    let mut scale = perceptron();
    scale.architecture.output_scale.mantissa = 0;
    assert_eq!(error(scale), CheckError::Scale);
    for shape in [Shape::vector(0), Shape::vector(1 << 21), Shape::new(1 << 31, 1 << 31, 4)] {
        let mut input = perceptron();
        input.architecture.input_shape = shape;
        assert_eq!(error(input), CheckError::InputShape(shape));
    }
    let unused = edit(|operations| {
        operations.insert(2, Operation::Lookup(Lookup { input: TensorId(2), table: [0; 256] }));
    });
    assert_eq!(error(unused), CheckError::Unused(TensorId(3)));
    let mut digest = perceptron();
    digest.architecture.commitments.weights[0] ^= 1;
    assert_eq!(error(digest), CheckError::WeightsDigest);
    let mut sets = perceptron();
    sets.weights.parameters = list(vec![parameters(12, 4)]);
    assert_eq!(error(sets), CheckError::ParameterSets { expected: 2, found: 1 });
}

#[test]
fn bounds_of_the_whole_graph() {
    let lookup = |input| Operation::Lookup(Lookup { input: TensorId(input), table: [0; 256] });
    let many = (0..MAX_OPERATIONS as u16).map(lookup).collect();
    let large = graph(Shape::new(1, 1024, 1024), many, vec![]);
    assert_eq!(error(large), CheckError::TotalElements((MAX_OPERATIONS as u64 + 1) << 20));
    let tables = (0..5).flat_map(|i| {
        [
            Operation::SumPool2d(SumPool2d { input: TensorId(2 * i), window: window(1, 1, 0) }),
            requantize_of(2 * i + 1, vec![Multiplier::ONE; MAX_CHANNELS]),
        ]
    });
    let long = graph(Shape::vector(MAX_CHANNELS as u32), tables.collect(), vec![]);
    assert!(matches!(error(long), CheckError::ArchitectureTooLong(_)));
    let convolution = Operation::Conv2d(Conv2d {
        input: TensorId(0),
        output_channels: 64,
        groups: 1,
        window: window(9, 1, 4),
    });
    let slow = graph(Shape::new(64, 128, 128), vec![convolution], vec![]);
    assert_eq!(error(slow), CheckError::TotalWork((1 << 20) * 64 * 81));
    let wide =
        |input| Operation::Dense(Dense { input: TensorId(input), rows: MAX_CHANNELS as u32 });
    let heavy = graph(Shape::vector(1025), vec![wide(0)], vec![]);
    assert_eq!(error(heavy), CheckError::TotalParameters(1026 << 14));
}

#[test]
fn inputs_of_an_operation() {
    let input = TensorId(0);
    let shape = Shape::new(2, 3, 3);
    let image = Operation::Lookup(Lookup { input, table: [0; 256] });
    assert_eq!(
        problem(shape, vec![Operation::Lookup(Lookup { input: TensorId(1), table: [0; 256] })]),
        Problem::Undefined(TensorId(1))
    );
    let sum = Operation::SumPool2d(SumPool2d { input, window: window(1, 1, 0) });
    assert_eq!(
        problem(
            shape,
            vec![sum.clone(), Operation::Lookup(Lookup { input: TensorId(1), table: [0; 256] })]
        ),
        Problem::InputType { tensor: TensorId(1), expected: ElementType::Int8 }
    );
    assert_eq!(
        problem(shape, vec![image, requantize_of(1, vec![Multiplier::ONE])]),
        Problem::InputType { tensor: TensorId(1), expected: ElementType::Int32 }
    );
    let requantize = requantize_of(1, vec![Multiplier::ONE]);
    assert_eq!(
        problem(shape, vec![sum, requantize.clone(), requantize]),
        Problem::AccumulatorShared(TensorId(1))
    );
    assert_eq!(
        problem(shape, vec![Operation::Dense(Dense { input, rows: 1 })]),
        Problem::NotAVector { tensor: input, shape }
    );
    let pool = Operation::MaxPool2d(MaxPool2d { input, window: window(2, 1, 0) });
    let add = Operation::Add(Add {
        left: input,
        right: TensorId(1),
        left_multiplier: Multiplier::ONE,
        right_multiplier: Multiplier::ONE,
    });
    assert_eq!(
        problem(shape, vec![pool, add]),
        Problem::ShapesDiffer { left: shape, right: Shape::new(2, 2, 2) }
    );
    let to = Shape::new(2, 3, 2);
    assert_eq!(
        problem(shape, vec![Operation::Reshape(Reshape { input, shape: to })]),
        Problem::ReshapeElements { from: shape, to }
    );
}

#[test]
fn windows_and_channels() {
    let input = TensorId(0);
    let shape = Shape::new(4, 5, 5);
    let sum = |window| problem(shape, vec![Operation::SumPool2d(SumPool2d { input, window })]);
    assert_eq!(sum(window(0, 1, 0)), Problem::ZeroExtent);
    assert_eq!(sum(window(1, 0, 0)), Problem::ZeroExtent);
    let one_side = |padding| sum(Window { padding, ..window(2, 1, 0) });
    let none = Padding::default();
    for padding in [
        Padding { top: 2, ..none },
        Padding { left: 2, ..none },
        Padding { bottom: 2, ..none },
        Padding { right: 2, ..none },
    ] {
        assert_eq!(one_side(padding), Problem::PaddingTooLarge);
    }
    assert_eq!(sum(window(6, 1, 0)), Problem::KernelTooLarge);
    let max = Operation::MaxPool2d(MaxPool2d { input, window: window(5, 1, 0) });
    assert_eq!(problem(shape, vec![max]), Problem::PoolWindow(25));
    let large = Shape::new(1, 182, 182);
    let sum = Operation::SumPool2d(SumPool2d { input, window: window(182, 1, 0) });
    assert_eq!(problem(large, vec![sum]), Problem::FanIn(182 * 182));
    let conv = |output_channels, groups| {
        let window = window(1, 1, 0);
        problem(shape, vec![Operation::Conv2d(Conv2d { input, output_channels, groups, window })])
    };
    for (output_channels, groups) in [(4, 0), (4, 3), (3, 2)] {
        let expected = Problem::Groups { input_channels: 4, output_channels, groups };
        assert_eq!(conv(output_channels, groups), expected);
    }
    assert_eq!(conv(0, 1), Problem::Channels(0));
    assert_eq!(conv(MAX_CHANNELS as u32 + 4, 4), Problem::Channels(MAX_CHANNELS as u32 + 4));
    let dense = |rows| problem(Shape::vector(2), vec![Operation::Dense(Dense { input, rows })]);
    assert_eq!(dense(u32::MAX), Problem::Channels(u32::MAX));
    let wide = Operation::Conv2d(Conv2d {
        input,
        output_channels: MAX_CHANNELS as u32,
        groups: 1,
        window: window(1, 1, 0),
    });
    assert_eq!(
        problem(Shape::new(1, 16, 16), vec![wide]),
        Problem::OutputShape(Shape::new(MAX_CHANNELS as u32, 16, 16))
    );
}

#[test]
fn requantisation_is_bounded() {
    let sum = Operation::SumPool2d(SumPool2d { input: TensorId(0), window: window(1, 1, 0) });
    let shape = Shape::vector(3);
    assert_eq!(
        problem(shape, vec![sum.clone(), requantize_of(1, vec![Multiplier::ONE; 2])]),
        Problem::MultiplierCount { channels: 3, found: 2 }
    );
    assert_eq!(
        problem(shape, vec![sum.clone(), requantize_of(1, vec![])]),
        Problem::MultiplierCount { channels: 3, found: 0 }
    );
    let with = |bits, shift| {
        Operation::Requantize(Requantize {
            input: TensorId(1),
            multipliers: list(vec![Multiplier::ONE]),
            shift,
            quotient_bits: bits,
            clamp: Clamp::FULL,
        })
    };
    for (bits, shift) in [(8, Shift::Bits16), (21, Shift::Bits16), (16, Shift::Bits48)] {
        assert_eq!(
            problem(shape, vec![sum.clone(), with(bits, shift)]),
            Problem::QuotientBits(bits)
        );
    }
    for (bits, shift) in [(9, Shift::Bits16), (20, Shift::Bits32), (15, Shift::Bits48)] {
        let operations = vec![sum.clone(), with(bits, shift)];
        assert!(CheckedGraph::new(graph(shape, operations, vec![])).is_ok());
    }
}

#[test]
fn parameters_have_the_shape_of_their_operation() {
    let with = |set| {
        let mut graph = perceptron();
        graph.weights.parameters = list(vec![set, parameters(8, 2)]);
        match error(graph) {
            CheckError::Operation { index: 0, name: "Dense", problem } => problem,
            other => panic!("{other}"),
        }
    };
    assert_eq!(with(parameters(11, 4)), Problem::WeightCount { expected: 12, found: 11 });
    assert_eq!(with(parameters(12, 5)), Problem::BiasCount { expected: 4, found: 5 });
}

#[test]
fn biases_are_legal_to_the_last_value_and_sums_stay_in_int32() {
    let with = |bias: i32| {
        let mut set = parameters(12, 4);
        set.bias[2] = bias;
        let operations = vec![Operation::Dense(Dense { input: TensorId(0), rows: 4 })];
        CheckedGraph::new(graph(Shape::vector(3), operations, vec![set]))
    };
    // Three weights of -128: the accumulators are in [-3·128·127 + b, 3·128·128 + b].
    let most = with(MAX_BIAS).unwrap().intervals(TensorId(1)).unwrap()[2];
    assert_eq!(most.hi, i128::from(MAX_BIAS) + 3 * 128 * 128);
    let least = with(-MAX_BIAS).unwrap().intervals(TensorId(1)).unwrap()[2];
    assert_eq!(least.lo, -i128::from(MAX_BIAS) - 3 * 128 * 127);
    for bias in [MAX_BIAS + 1, -MAX_BIAS - 1, i32::MAX, i32::MIN] {
        let problem = Problem::Bias { channel: 2, bias };
        let refused = CheckError::Operation { index: 0, name: "Dense", problem };
        assert_eq!(with(bias), Err(refused));
    }
    // The longest sum with the largest bias.
    let architecture = |bias| {
        let rows = vec![Operation::Dense(Dense { input: TensorId(0), rows: 1 })];
        let set = Parameters { weights: list(vec![-128; MAX_FAN_IN]), bias: list(vec![bias]) };
        CheckedGraph::new(graph(Shape::vector(MAX_FAN_IN as u32), rows, vec![set]))
    };
    let longest = architecture(MAX_BIAS).unwrap();
    let output = interpret::run(&longest, &[-128; MAX_FAN_IN]).unwrap();
    assert_eq!(output, Tensor::Int32(vec![i32::MAX]));
    let add = |sum: u32| {
        let add = Operation::Add(Add {
            left: TensorId(0),
            right: TensorId(0),
            left_multiplier: multiplier(sum - 1),
            right_multiplier: Multiplier::ONE,
        });
        CheckedGraph::new(graph(Shape::vector(1), vec![add], vec![]))
    };
    assert!(add(1 << 24)
        .is_ok_and(|graph| { graph.intervals(TensorId(1)).unwrap()[0].lo == i32::MIN.into() }));
    assert!(add((1 << 24) + 1).is_err());
}

#[test]
fn the_window_of_quotients_is_exact() {
    // An element times 2^31 - 1, divided by 2^16: -128 becomes -4194304, which needs 23 bits.
    let wide = |multiplier, bits| {
        let operations = vec![
            Operation::SumPool2d(SumPool2d { input: TensorId(0), window: window(1, 1, 0) }),
            Operation::Requantize(Requantize {
                input: TensorId(1),
                multipliers: list(vec![Multiplier::ONE, multiplier]),
                shift: Shift::Bits16,
                quotient_bits: bits,
                clamp: Clamp::RELU,
            }),
        ];
        graph(Shape::vector(2), operations, vec![])
    };
    let needed = |graph| match error(graph) {
        CheckError::Operation {
            index: 1,
            problem: Problem::QuotientOutOfWindow { channel: 1, needed, .. },
            ..
        } => needed,
        other => panic!("{other}"),
    };
    assert_eq!(needed(wide(Multiplier::MAX, 20)), 23);
    // -128·2^12 is -2^19, the end of the widest window. Slightly more is out of the window.
    let at_end = multiplier(1 << 28);
    assert!(CheckedGraph::new(wide(at_end, 20)).is_ok());
    assert_eq!(needed(wide(at_end, 19)), 20);
    assert_eq!(needed(wide(multiplier((1 << 28) + (1 << 9)), 20)), 21);
    let mut completed = wide(at_end, 9);
    completed.complete().unwrap();
    assert_eq!(completed, wide(at_end, 20));
    assert!(wide(Multiplier::MAX, 9).complete().is_err());
}

#[test]
fn intervals_follow_clamps_tables_padding_and_reshapes() {
    let mut table = [0; 256];
    table[128] = -7;
    table[129] = 5;
    table[255] = 100;
    let operations = vec![
        Operation::SumPool2d(SumPool2d { input: TensorId(0), window: window(1, 1, 0) }),
        Operation::Requantize(Requantize {
            input: TensorId(1),
            multipliers: list(vec![Multiplier::ONE, multiplier(1 << 16)]),
            shift: Shift::Bits16,
            quotient_bits: 9,
            clamp: Clamp::RELU,
        }),
        Operation::Lookup(Lookup { input: TensorId(2), table }),
        Operation::Reshape(Reshape { input: TensorId(3), shape: Shape::vector(4) }),
        Operation::Reshape(Reshape { input: TensorId(4), shape: Shape::new(1, 2, 2) }),
        Operation::SumPool2d(SumPool2d { input: TensorId(5), window: window(2, 1, 1) }),
    ];
    let checked = CheckedGraph::new(graph(Shape::new(2, 1, 2), operations, vec![])).unwrap();
    let intervals = |tensor| {
        let all = checked.intervals(TensorId(tensor)).unwrap();
        all.iter().map(|interval| (interval.lo, interval.hi)).collect::<Vec<_>>()
    };
    assert_eq!(intervals(1), [(-128, 127); 2]);
    assert_eq!(intervals(2), [(0, 0), (0, 127)]);
    assert_eq!(intervals(3), [(-7, -7), (-7, 100)]);
    assert_eq!(intervals(4), [(-7, -7), (-7, -7), (-7, 100), (-7, 100)]);
    assert_eq!(intervals(5), [(-7, 100)]);
    assert_eq!(intervals(6), [(-28, 400)]);
}
