//! Architectures of any size have a verifier or are refused with the right error, on targets of any
//! width.

use super::*;
use assay_graph::{Extent, Padding};

/// 2^20 elements and as many cells.
const EVEN: Shape = Shape::new(64, 128, 128);
/// 2^22 cells for 2^19 elements, because each axis is padded separately.
const PADDED: Shape = Shape::new(65, 129, 65);

fn extent(height: u16, width: u16) -> Extent {
    Extent { height, width }
}

/// A window whose output has the shape of its input.
fn around(height: u16, width: u16) -> Window {
    let padding = Padding { top: height - 1, left: width - 1, ..Padding::default() };
    Window { kernel: extent(height, width), stride: extent(1, 1), padding }
}

/// Consecutive maxima, then `tables` tables of 2^20 rows, then one weight for each channel.
fn plan(input: Shape, windows: &[Window], tables: i8, parameters: &ProofParameters) -> Plan {
    let (stride, one) = (extent(u16::MAX, u16::MAX), extent(1, 1));
    let first = Window { kernel: one, stride, padding: Padding::default() };
    let mut operations: Vec<Operation> = Vec::new();
    let last = |operations: &[Operation]| TensorId(operations.len() as u16);
    for window in windows.iter().chain([&first]) {
        let input = last(&operations);
        operations.push(Operation::MaxPool2d(MaxPool2d { input, window: *window }));
    }
    for table in 0..tables {
        let input = last(&operations);
        operations.push(Operation::SumPool2d(SumPool2d { input, window: first }));
        operations.push(Operation::Requantize(Requantize {
            input: last(&operations),
            multipliers: vec![Multiplier::ONE].try_into().unwrap(),
            shift: Shift::Bits16,
            quotient_bits: 20,
            clamp: Clamp::new(-table, 1).unwrap(),
        }));
    }
    operations.push(Operation::Dense(Dense { input: last(&operations), rows: 1 }));
    let architecture = Architecture {
        format_version: FormatVersion::V1,
        input_shape: input,
        input_scale: Scale::ONE,
        output_scale: Scale::ONE,
        operations: operations.try_into().unwrap(),
        commitments: Commitments {
            proof_parameters: parameters.to_list(),
            ..Commitments::default()
        },
    };
    Plan::new(architecture).unwrap()
}

#[test]
fn the_largest_commitment_has_a_verifier_and_the_next_one_is_refused() {
    // Each maximum takes one column, and one more for each element of its window.
    for (rate, vars, fits, refused) in [
        (3, 26, vec![around(4, 4); 3], vec![around(4, 4); 4]),
        (5, 26, vec![around(4, 4); 3], vec![around(4, 4); 4]),
        (6, 25, vec![around(4, 4)], vec![around(4, 4); 2]),
        (7, 24, vec![around(3, 3)], vec![around(4, 4)]),
    ] {
        let mut parameters = QUICK;
        parameters.witness.log_inverse_rate = rate;
        let verifier = Verifier::new(&plan(EVEN, &fits, 0, &parameters)).unwrap();
        assert_eq!(verifier.key.witness.vars(), vars, "rate {rate}");
        let work = verifier.work();
        assert!(work.products < 1 << 32 && work.proof_bytes < 1 << 24, "{work:?}");
        let error = Verifier::new(&plan(EVEN, &refused, 0, &parameters)).err();
        assert!(matches!(error, Some(SetupError::CommitmentSize { .. })), "rate {rate}: {error:?}");
    }
}

#[test]
fn cell_counts_whose_power_of_two_exceeds_32_bits_are_refused() {
    for tables in [75, 77] {
        let mut cells = (29 * 17) << 22;
        // One maximum with a window of one element; quotients, limbs and values of the
        // requantisations.
        cells += (2 + 4 * tables as u64) << 7;
        cells += (1 << 8) + ((tables as u64) << 20);
        assert_eq!(cells > 1 << 31, tables == 77);
        let plan = plan(PADDED, &[around(4, 4); 29], tables, &QUICK);
        assert_eq!(Verifier::new(&plan).err(), Some(SetupError::CommitmentSize { cells }));
    }
}

#[test]
fn recommended_rates_follow_the_sizes_and_reach_the_security() {
    let convolution = |shape, channels| {
        let wide = Builder::new(shape, 5).convolution(channels, 1, windows::window(3, 1, 1));
        wide.requantize(Shift::Bits32, Clamp::RELU, false).convolution(
            1,
            1,
            windows::window(1, 1, 0),
        )
    };
    let large = |columns, rows| Builder::new(Shape::vector(columns), 5).dense(rows);
    for (builder, rates) in [
        (perceptron(5), (5, 7)),
        (large(1_200, 900), (4, 7)),
        (large(2_048, 2_048), (4, 7)),
        (large(2_600, 2_048), (3, 7)),
        (windows::network(Shape::new(2, 9, 11)), (7, 5)),
        (convolution(Shape::new(64, 16, 16), 64), (6, 5)),
        (convolution(Shape::new(2, 300, 300), 8), (7, 3)),
    ] {
        let mut architecture = builder.unsealed().architecture;
        let parameters = ProofParameters::recommended(&Plan::new(architecture.clone()).unwrap());
        let [model, witness] = [parameters.model, parameters.witness];
        assert_eq!((model.log_inverse_rate, witness.log_inverse_rate), rates);
        architecture.commitments.proof_parameters = parameters.to_list();
        let verifier = Verifier::new(&Plan::new(architecture).unwrap()).unwrap();
        assert!(verifier.security_bits() >= 120.0);
    }
}
